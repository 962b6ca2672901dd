//! A file as the body of a response: read piece by piece, as the client takes it.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

/// Bytes read at once.
const PIECE: usize = 64 * 1024;
/// Threads that wait for disks, for all files of the process.
const READERS: usize = 4;

/// The part of a file that is still to be sent.
///
/// What the kernel has in memory is read at once. For everything else a thread waits, so that a slow disk
/// holds up nobody but this response. Nothing is read ahead of what the client takes.
pub(super) struct FileBody {
    file: Arc<File>,
    offset: u64,
    left: u64,
    reading: Option<Arc<Reading>>,
}

impl FileBody {
    /// The first `length` bytes of `file`.
    pub(super) fn new(file: File, length: u64) -> Self {
        Self {
            file: Arc::new(file),
            offset: 0,
            left: length,
            reading: None,
        }
    }

    /// A body whose first piece no disk ever gives.
    #[cfg(test)]
    pub(super) fn stuck(file: File) -> Self {
        Self {
            reading: Some(Reading::new(Waker::noop().clone())),
            ..Self::new(file, 1)
        }
    }

    /// Bytes that are still to come.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    /// The next piece, not empty; None at the end. A file that ends too early is an error.
    pub(super) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        let Ok(size @ 1..) = usize::try_from(self.left.min(PIECE as u64)) else {
            return Poll::Ready(None);
        };
        let read = match &self.reading {
            Some(reading) => match reading.poll(cx) {
                Poll::Ready(read) => read,
                Poll::Pending => return Poll::Pending,
            },
            None => match read_cached(&self.file, size, self.offset) {
                Some(read) => Ok(read),
                None => return self.poll_reader(cx, size),
            },
        };
        self.reading = None;
        let read = read.and_then(|bytes| match bytes.len() {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            count => {
                self.offset += count as u64;
                self.left -= count as u64;
                Ok(Bytes::from(bytes))
            }
        });
        Poll::Ready(Some(read))
    }

    /// Has a thread read the next piece.
    fn poll_reader(
        &mut self,
        cx: &mut Context<'_>,
        size: usize,
    ) -> Poll<Option<io::Result<Bytes>>> {
        let reading = Reading::new(cx.waker().clone());
        Readers::of_this_process().take(Job {
            file: Arc::clone(&self.file),
            size,
            offset: self.offset,
            reading: Arc::clone(&reading),
        });
        self.reading = Some(reading);
        Poll::Pending
    }
}

/// Reads what is in memory; None where that would have to wait for a disk, or cannot be known.
#[cfg(target_os = "linux")]
fn read_cached(file: &File, size: usize, offset: u64) -> Option<Vec<u8>> {
    use rustix::io::{ReadWriteFlags, preadv2};
    let mut bytes = vec![0; size];
    let buffers = &mut [io::IoSliceMut::new(&mut bytes)];
    // Whatever is wrong: not every file system and sandbox can tell, and a thread that reads finds out.
    let count = preadv2(file, buffers, offset, ReadWriteFlags::NOWAIT).ok()?;
    bytes.truncate(count);
    Some(bytes)
}

#[cfg(not(target_os = "linux"))]
fn read_cached(_file: &File, _size: usize, _offset: u64) -> Option<Vec<u8>> {
    None
}

/// Reads up to `size` bytes, however long that takes.
fn read(file: &File, size: usize, offset: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    loop {
        match file.read_at(&mut bytes, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => {
                bytes.truncate(read?);
                return Ok(bytes);
            }
        }
    }
}

/// One piece on its way from a thread.
struct Reading(Mutex<State>);

struct State {
    read: Option<io::Result<Vec<u8>>>,
    waker: Waker,
}

impl Reading {
    fn new(waker: Waker) -> Arc<Self> {
        Arc::new(Self(Mutex::new(State { read: None, waker })))
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<io::Result<Vec<u8>>> {
        let mut state = lock(&self.0);
        match state.read.take() {
            Some(read) => Poll::Ready(read),
            None => {
                state.waker.clone_from(cx.waker());
                Poll::Pending
            }
        }
    }

    fn finish(&self, read: io::Result<Vec<u8>>) {
        let waker = {
            let mut state = lock(&self.0);
            state.read = Some(read);
            state.waker.clone()
        };
        waker.wake();
    }
}

/// What a thread is to read.
struct Job {
    file: Arc<File>,
    size: usize,
    offset: u64,
    reading: Arc<Reading>,
}

impl Job {
    fn run(self) {
        // Where nobody waits any more, the response was cut off meanwhile.
        if Arc::strong_count(&self.reading) > 1 {
            self.reading
                .finish(read(&self.file, self.size, self.offset));
        }
    }
}

/// The threads that wait for disks, started when the first piece is not in memory.
#[derive(Default)]
struct Readers {
    jobs: Mutex<VecDeque<Job>>,
    more: Condvar,
    started: OnceLock<usize>,
}

impl Readers {
    fn of_this_process() -> &'static Self {
        static OF_THIS_PROCESS: OnceLock<Readers> = OnceLock::new();
        OF_THIS_PROCESS.get_or_init(Self::default)
    }

    fn take(&'static self, job: Job) {
        let thread = || {
            let named = std::thread::Builder::new().name("pounce-files".to_owned());
            named.spawn(|| self.work()).is_ok()
        };
        let started = self
            .started
            .get_or_init(|| (0..READERS).filter(|_| thread()).count());
        if *started == 0 {
            // The system has no more threads: better late than never.
            return job.run();
        }
        lock(&self.jobs).push_back(job);
        self.more.notify_one();
    }

    fn work(&self) {
        loop {
            let mut jobs = lock(&self.jobs);
            let job = loop {
                match jobs.pop_front() {
                    Some(job) => break job,
                    None => {
                        jobs = self.more.wait(jobs).unwrap_or_else(PoisonError::into_inner);
                    }
                }
            };
            drop(jobs);
            job.run();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
