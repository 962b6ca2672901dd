//! Standard output and error, written to without waiting for who reads them.
//!
//! Who reads a pipe may stop to: a log shipper that hangs, a terminal multiplexer that is paused. A write
//! would then wait, and the server with it. The flag that forbids waiting belongs to the pipe's open file,
//! which other processes share; so a pipe is opened anew, and a socket is told with each message.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, AsRawFd as _};
use std::time::{Duration, Instant};

use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::net::{SendFlags, send};

/// What a pipe takes as a whole or not at all (PIPE_BUF): lines of several processes do not mix.
const WHOLE: usize = 4096;
/// Time between two tries where the output takes nothing.
const PAUSE: Duration = Duration::from_millis(5);

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
    Socket,
}

impl<S: AsFd + Write> Output<S> {
    /// The output behind a stream.
    pub fn new(stream: S) -> Self {
        let kind = fstat(&stream).map(|status| FileType::from_raw_mode(status.st_mode));
        let way = match kind {
            Ok(FileType::Fifo) => reopened(&stream).map_or(Way::Plain, Way::Pipe),
            Ok(FileType::Socket) => Way::Socket,
            _ => Way::Plain,
        };
        Self { stream, way }
    }

    /// Writes all of it, unless the output takes nothing more for as long as `patience`.
    ///
    /// # Errors
    /// It took too long, or the output is gone; a part may be written.
    pub fn write_within(&mut self, bytes: &[u8], patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        let mut left = bytes;
        while !left.is_empty() {
            match self.write(left) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => left = &left[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if Instant::now() >= deadline {
                        return Err(error);
                    }
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
        self.flush()
    }
}

impl<S: AsFd + Write> Write for Output<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.way {
            Way::Plain => self.stream.write(bytes),
            Way::Pipe(pipe) => pipe.write(whole_lines(bytes)),
            Way::Socket => {
                let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                Ok(send(&self.stream, bytes, flags)?)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &self.way {
            Way::Plain => self.stream.flush(),
            Way::Pipe(_) | Way::Socket => Ok(()),
        }
    }
}

/// The same pipe, with an open file of its own; None where the system does not give it.
fn reopened(stream: impl AsFd) -> Option<File> {
    let path = format!("/proc/self/fd/{}", stream.as_fd().as_raw_fd());
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    open(path, flags, Mode::empty()).ok().map(File::from)
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

    fn fill<S: AsFd + Write>(output: &mut Output<S>) {
        let line = [b'x'; 1000];
        let full = loop {
            if let Err(error) = output.write_within(&line, Duration::ZERO) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::WouldBlock);
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
