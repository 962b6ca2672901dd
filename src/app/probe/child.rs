//! The child process of a probe: pipes of its own, a time limit, and nothing left behind.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use command_fds::{CommandFdExt, FdMapping};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

use super::interrupt::Interrupt;
use super::trace::Trace;

/// Descriptors of the child, beside the three standard ones.
const REQUEST: i32 = 3;
const ANSWER: i32 = 4;
const TRACE: i32 = 5;

/// How much of the app's output is kept: its end.
const OUTPUT_KEPT: usize = 64 * 1024;

/// Most bytes of an answer; more is no answer.
const LARGEST_ANSWER: u64 = 1 << 30;

/// How often the child is asked whether it has ended, should a process that it left hold the pipes open.
const LOOK: Duration = Duration::from_millis(20);

/// How long the child may take to write its stack when the time limit is reached.
const FOR_STACK: Duration = Duration::from_millis(500);

/// How a child ended.
pub(super) enum End {
    /// With an answer.
    Answered(Vec<u8>),
    /// Without one.
    Exited(ExitStatus),
    /// Not within the time limit.
    TimedOut,
}

/// What came of a child.
pub(super) struct Outcome {
    pub(super) end: End,
    /// What the app printed, its last part.
    pub(super) output: String,
    /// What the child said on its trace descriptor.
    pub(super) trace: String,
}

/// Runs `command` with `request` on a pipe until it answers, ends, or `limit` is over.
///
/// # Errors
/// Where the process could not be started or a pipe failed.
pub(super) fn converse(
    mut command: Command,
    request: Vec<u8>,
    limit: Duration,
) -> io::Result<Outcome> {
    let (request_read, request_write) = io::pipe()?;
    let (answer_read, answer_write) = io::pipe()?;
    let (trace_read, trace_write) = io::pipe()?;
    let (output_read, output_write) = io::pipe()?;
    let mapping = |fd: OwnedFd, child_fd| FdMapping {
        parent_fd: fd,
        child_fd,
    };
    command
        .stdin(Stdio::null())
        .stdout(output_write.try_clone()?)
        .stderr(output_write)
        .process_group(0)
        .fd_mappings(vec![
            mapping(request_read.into(), REQUEST),
            mapping(answer_write.into(), ANSWER),
            mapping(trace_write.into(), TRACE),
        ])
        .map_err(io::Error::other)?;
    let interrupt = Interrupt::watch()?;
    let child = command.spawn()?;
    // The child's ends of the pipes are held by the command until it is dropped.
    drop(command);
    for fd in [
        answer_read.as_fd(),
        trace_read.as_fd(),
        output_read.as_fd(),
        request_write.as_fd(),
    ] {
        rustix::io::ioctl_fionbio(fd, true)?;
    }
    let conversation = Conversation {
        request: Some((request_write, request, 0)),
        answer: Incoming::new(answer_read),
        trace: Incoming::new(trace_read),
        output: Incoming::new(output_read),
    };
    let mut group = Group {
        child,
        reaped: false,
    };
    conversation.run(&mut group, limit, &interrupt)
}

/// The numbers of the child's descriptors, as its arguments.
pub(super) fn descriptors() -> [String; 3] {
    [REQUEST, ANSWER, TRACE].map(|number| number.to_string())
}

/// The child and every process that it started and that stayed in its group.
struct Group {
    child: Child,
    reaped: bool,
}

impl Group {
    fn pid(&self) -> Option<Pid> {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Whether the child has ended; it is left to be reaped, so that its group's number stays taken.
    fn ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.pid()
            .is_some_and(|pid| matches!(waitid(WaitId::Pid(pid), options), Ok(Some(_))))
    }

    fn ask_for_stack(&self) {
        if let Some(pid) = self.pid() {
            // Fails only where the child is gone already.
            let _ = kill_process(pid, Signal::URG);
        }
    }

    /// Ends the whole group and reaps the child.
    fn finish(&mut self) -> io::Result<ExitStatus> {
        if !self.reaped
            && let Some(pid) = self.pid()
        {
            // Fails only where the whole group is gone already.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        self.reaped = true;
        self.child.wait()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = self.finish();
        }
    }
}

/// A pipe's end and what has come out of it.
struct Incoming {
    pipe: PipeReader,
    bytes: Vec<u8>,
    open: bool,
}

impl Incoming {
    fn new(pipe: PipeReader) -> Self {
        Self {
            pipe,
            bytes: Vec::new(),
            open: true,
        }
    }

    /// Reads what is there now.
    fn drain(&mut self, kept: Option<usize>) -> io::Result<()> {
        let mut chunk = [0; 16 * 1024];
        while self.open {
            match self.pipe.read(&mut chunk) {
                Ok(0) => self.open = false,
                Ok(count) => self.bytes.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            if let Some(kept) = kept
                && self.bytes.len() > 2 * kept
            {
                self.bytes.drain(..self.bytes.len() - kept);
                // A writer without end must not keep the time limit from being seen.
                break;
            }
        }
        Ok(())
    }
}

struct Conversation {
    request: Option<(PipeWriter, Vec<u8>, usize)>,
    answer: Incoming,
    trace: Incoming,
    output: Incoming,
}

impl Conversation {
    fn run(
        mut self,
        group: &mut Group,
        limit: Duration,
        interrupt: &Interrupt,
    ) -> io::Result<Outcome> {
        // No deadline is a limit too long for the clock.
        let deadline = Instant::now().checked_add(limit);
        let left = || deadline.map_or(LOOK, |at| at.saturating_duration_since(Instant::now()));
        let end = loop {
            self.wait(left().min(LOOK))?;
            if interrupt.came() {
                group.finish()?;
                interrupt.obey();
            }
            self.exchange()?;
            if let Some(answer) = self.answered() {
                break End::Answered(answer);
            }
            if group.ended() {
                // What it wrote last may have come between the look at the pipes and this one.
                self.exchange()?;
                match self.answered() {
                    Some(answer) => break End::Answered(answer),
                    None => break End::Exited(group.finish()?),
                }
            }
            if left().is_zero() {
                self.collect_stack(group)?;
                break End::TimedOut;
            }
        };
        group.finish()?;
        self.exchange()?;
        let kept = self.output.bytes.len().saturating_sub(OUTPUT_KEPT);
        Ok(Outcome {
            end,
            output: String::from_utf8_lossy(&self.output.bytes[kept..]).into_owned(),
            trace: String::from_utf8_lossy(&self.trace.bytes).into_owned(),
        })
    }

    /// Waits until a pipe is ready, at most for `time`.
    fn wait(&self, time: Duration) -> io::Result<()> {
        let incoming = [&self.answer, &self.trace, &self.output];
        let mut ready: Vec<PollFd<'_>> = incoming
            .iter()
            .filter(|each| each.open)
            .map(|each| PollFd::from_borrowed_fd(each.pipe.as_fd(), PollFlags::IN))
            .collect();
        let request: Option<BorrowedFd<'_>> = self.request.as_ref().map(|(pipe, ..)| pipe.as_fd());
        ready.extend(request.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::OUT)));
        let time = Timespec {
            tv_sec: 0,
            tv_nsec: time.as_nanos().min(999_999_999).try_into().unwrap_or(0),
        };
        match poll(&mut ready, Some(&time)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Moves what can be moved now, in all directions.
    fn exchange(&mut self) -> io::Result<()> {
        self.answer.drain(None)?;
        self.trace.drain(Some(OUTPUT_KEPT))?;
        self.output.drain(Some(OUTPUT_KEPT))?;
        let Some((pipe, bytes, sent)) = &mut self.request else {
            return Ok(());
        };
        while *sent < bytes.len() {
            match pipe.write(&bytes[*sent..]) {
                Ok(count) => *sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A program that is no Python does not read; how it ended tells more.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
                Err(error) => return Err(error),
            }
        }
        self.request = None;
        Ok(())
    }

    /// The answer, once it is there as a whole.
    fn answered(&mut self) -> Option<Vec<u8>> {
        let (length, rest) = self.answer.bytes.split_first_chunk::<8>()?;
        let length = u64::from_be_bytes(*length);
        if length > LARGEST_ANSWER || (rest.len() as u64) < length {
            return None;
        }
        let mut answer = self.answer.bytes.split_off(8);
        answer.truncate(usize::try_from(length).ok()?);
        Some(answer)
    }

    fn collect_stack(&mut self, group: &Group) -> io::Result<()> {
        group.ask_for_stack();
        let deadline = Instant::now() + FOR_STACK;
        while Instant::now() < deadline && !Trace::complete(&self.trace.bytes) && !group.ended() {
            self.wait(LOOK)?;
            self.exchange()?;
        }
        Ok(())
    }
}

/// The name of the signal that ended a process.
pub(super) fn signal_name(status: ExitStatus) -> Option<String> {
    let number = status.signal()?;
    let known = [
        (libc::SIGABRT, "SIGABRT"),
        (libc::SIGALRM, "SIGALRM"),
        (libc::SIGBUS, "SIGBUS"),
        (libc::SIGFPE, "SIGFPE"),
        (libc::SIGHUP, "SIGHUP"),
        (libc::SIGILL, "SIGILL"),
        (libc::SIGINT, "SIGINT"),
        (libc::SIGKILL, "SIGKILL"),
        (libc::SIGPIPE, "SIGPIPE"),
        (libc::SIGQUIT, "SIGQUIT"),
        (libc::SIGSEGV, "SIGSEGV"),
        (libc::SIGSYS, "SIGSYS"),
        (libc::SIGTERM, "SIGTERM"),
        (libc::SIGTRAP, "SIGTRAP"),
        (libc::SIGUSR1, "SIGUSR1"),
        (libc::SIGUSR2, "SIGUSR2"),
    ];
    let name = known
        .iter()
        .find(|(each, _)| *each == number)
        .map(|(_, name)| (*name).to_owned());
    Some(name.unwrap_or_else(|| format!("signal {number}")))
}
