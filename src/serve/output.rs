//! Standard output and error, written to without waiting for who reads them.
//!
//! Who reads a pipe may stop to: a log shipper that hangs, a terminal multiplexer that is paused. A write
//! would then wait, and the server with it. The flag that forbids waiting belongs to the pipe's open file,
//! which other processes share; so a pipe is opened anew, and a socket is told with each message. A pipe of
//! another user, or one that has no reader for now, cannot be opened anew: it is asked for room before each
//! write.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, AsRawFd as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::io::write;
use rustix::net::{SendFlags, send};

/// What a pipe takes as a whole or not at all (PIPE_BUF): lines of several processes do not mix.
const WHOLE: usize = 4096;

/// An output; what it does not take at once is an error of the kind `WouldBlock`.
#[derive(Debug)]
pub struct Output<S> {
    stream: S,
    way: Way,
}

#[derive(Debug)]
enum Way {
    /// A file takes what it is given; a terminal that is paused is so by a person.
    Plain,
    Pipe(File),
    /// A pipe that cannot be opened anew: a write may wait.
    Waiting,
    Socket,
}

/// Why not all was written.
#[derive(Debug)]
pub struct Incomplete {
    /// Bytes that were.
    pub written: usize,
    /// What was in the way: `WouldBlock` where the output took no more for now.
    pub cause: io::Error,
}

impl<S: AsFd + Write> Output<S> {
    /// The output behind a stream.
    pub fn new(stream: S) -> Self {
        let kind = fstat(&stream).map(|status| FileType::from_raw_mode(status.st_mode));
        let way = match kind {
            Ok(FileType::Fifo) => reopened(&stream).map_or(Way::Waiting, Way::Pipe),
            Ok(FileType::Socket) => Way::Socket,
            _ => Way::Plain,
        };
        Self { stream, way }
    }

    /// Writes all of it, unless that takes longer than `patience`.
    ///
    /// # Errors
    /// It took too long, or the output is gone.
    pub fn write_within(&mut self, bytes: &[u8], patience: Duration) -> Result<(), Incomplete> {
        let deadline = Instant::now() + patience;
        let mut written = 0;
        let mut result = Ok(());
        while result.is_ok() && written < bytes.len() {
            match self.write(&bytes[written..]) {
                Ok(0) => result = Err(ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() != ErrorKind::WouldBlock => result = Err(error),
                Err(full) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    match has_room(&self.stream, left) {
                        Ok(true) if !left.is_zero() => {}
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Ok(_) => result = Err(full),
                        Err(error) => result = Err(error),
                    }
                }
            }
        }
        result
            .and_then(|()| self.flush())
            .map_err(|cause| Incomplete { written, cause })
    }
}

impl<S: AsFd + Write> Write for Output<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.way {
            Way::Plain => self.stream.write(bytes),
            Way::Pipe(pipe) => pipe.write(whole_lines(bytes)),
            Way::Waiting if !has_room(&self.stream, Duration::ZERO)? => {
                Err(ErrorKind::WouldBlock.into())
            }
            Way::Waiting => {
                // Past the stream's own buffer, which would make two writes of one.
                let lines = whole_lines(bytes);
                Ok(write(&self.stream, &lines[..lines.len().min(WHOLE)])?)
            }
            Way::Socket => {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                Ok(send(&self.stream, bytes, flags)?)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &self.way {
            Way::Plain => self.stream.flush(),
            Way::Pipe(_) | Way::Waiting | Way::Socket => Ok(()),
        }
    }
}

/// The same pipe, with an open file of its own; None where the system does not give it.
fn reopened(stream: impl AsFd) -> Option<File> {
    let path = format!("/proc/self/fd/{}", stream.as_fd().as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    open(path, flags, Mode::empty()).ok().map(File::from)
}

/// Whether an output takes more, or an error that tells it is gone, within `patience`; a pipe that does takes
/// [`WHOLE`] bytes at once. Only another process that fills it between this and the write can make that wait,
/// for the next read.
fn has_room(output: impl AsFd, patience: Duration) -> io::Result<bool> {
    let mut asked = [PollFd::new(&output, PollFlags::OUT)];
    let patience = Timespec::try_from(patience).map_err(|_| ErrorKind::InvalidInput)?;
    Ok(poll(&mut asked, Some(&patience))? > 0)
}

/// As many lines as a pipe takes as a whole; a line that is longer by itself.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    if bytes.len() <= WHOLE {
        return bytes;
    }
    let end_of_line = |byte: &u8| *byte == b'\n';
    let last = bytes[..WHOLE].iter().rposition(end_of_line);
    let end = last.or_else(|| bytes.iter().position(end_of_line));
    end.map_or(bytes, |end| &bytes[..=end])
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixStream;

    use rustix::fs::{CWD, mkfifoat};

    use super::*;

    #[test]
    fn a_pipe_and_a_socket_that_nobody_reads_are_not_waited_for() {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut output = Output::new(writer);
        fill(&mut output);
        let mut some = [0; 2 * WHOLE];
        reader.read_exact(&mut some).unwrap();
        output.write_within(b"room", Duration::ZERO).unwrap();

        let (_reader, writer) = UnixStream::pair().unwrap();
        fill(&mut Output::new(writer));
    }

    #[test]
    fn a_pipe_that_cannot_be_opened_anew_is_not_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("pipe");
        mkfifoat(CWD, &path, Mode::RUSR | Mode::WUSR).unwrap();
        let reader = || {
            let flags = OFlags::RDONLY | OFlags::NONBLOCK;
            File::from(open(&path, flags, Mode::empty()).unwrap())
        };
        let first = reader();
        let writer = File::options().write(true).open(&path).unwrap();
        drop(first);
        let mut output = Output::new(writer);
        let gone = output.write_within(b"lost", Duration::ZERO).unwrap_err();
        assert_eq!(gone.cause.kind(), ErrorKind::BrokenPipe);

        let mut reader = reader();
        let (done, full) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            fill(&mut output);
            done.send(output).unwrap();
        });
        let mut output = full.recv_timeout(Duration::from_secs(20)).unwrap();
        let mut some = [0; 2 * WHOLE];
        reader.read_exact(&mut some).unwrap();
        let line = [b'y'; 6000];
        output.write_within(&line, Duration::ZERO).unwrap();
        let mut rest = Vec::new();
        drop(output);
        reader.read_to_end(&mut rest).unwrap();
        assert!(rest.ends_with(&line));
    }

    #[test]
    fn what_was_written_is_known() {
        let (_reader, writer) = io::pipe().unwrap();
        let mut output = Output::new(writer);
        let most = [b'x'; 1 << 20];
        let part = output.write_within(&most, Duration::ZERO).unwrap_err();
        assert!((1..most.len()).contains(&part.written));
        let nothing = output.write_within(b"more", Duration::ZERO).unwrap_err();
        assert_eq!(nothing.written, 0);
    }

    fn fill<S: AsFd + Write>(output: &mut Output<S>) {
        let line = [b'x'; 1000];
        let full = loop {
            if let Err(error) = output.write_within(&line, Duration::ZERO) {
                break error;
            }
        };
        assert_eq!(full.cause.kind(), ErrorKind::WouldBlock);
    }

    #[test]
    fn a_file_takes_all_of_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut output = Output::new(file.reopen().unwrap());
        let lines = [b'x'; 3 * WHOLE];
        output.write_within(&lines, Duration::ZERO).unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), lines);
    }

    #[test]
    fn lines_are_written_whole() {
        let lines = [[b'x'; 999].as_slice(), b"\n"].concat().repeat(5);
        assert_eq!(whole_lines(&lines).len(), 4000);
        assert_eq!(whole_lines(&lines[..4096]).len(), 4096);
        let long = [[b'x'; 5000].as_slice(), b"\nnext\n"].concat();
        assert_eq!(whole_lines(&long).len(), 5001);
    }
}
