use std::io::Write as _;
use std::sync::Arc;
use std::task::Wake;
use std::thread::Thread;

use super::*;

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn file(content: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    file.sync_all().unwrap();
    file
}

/// What a body gives, sleeping where it waits.
fn collect(body: &mut FileBody) -> io::Result<Vec<u8>> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut all = Vec::new();
    loop {
        match body.poll_piece(&mut cx) {
            Poll::Pending => std::thread::park(),
            Poll::Ready(None) => return Ok(all),
            Poll::Ready(Some(piece)) => {
                let piece = piece?;
                assert!((1..=PIECE).contains(&piece.len()));
                all.extend(piece);
            }
        }
    }
}

fn content(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

#[test]
fn a_file_comes_whole_or_as_far_as_it_is_wanted() {
    let content = content(3 * PIECE + 17);
    for length in [0, 1, PIECE, PIECE + 1, content.len()] {
        let mut body = FileBody::new(file(&content), length as u64);
        assert_eq!(body.left(), length as u64);
        assert_eq!(collect(&mut body).unwrap(), content[..length]);
        assert_eq!(body.left(), 0);
    }
}

#[test]
fn what_is_not_in_memory_is_read_by_a_thread() {
    let content = content(2 * PIECE + 5);
    let mut body = FileBody::new(file(&content), content.len() as u64);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    // The first piece, as it would be if the kernel had none of it.
    assert!(body.poll_reader(&mut cx, PIECE).is_pending());
    assert_eq!(collect(&mut body).unwrap(), content);
    // And really so, as far as the file system can do that.
    let file = file(&content);
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed).unwrap();
    let mut body = FileBody::new(file, content.len() as u64);
    assert_eq!(collect(&mut body).unwrap(), content);
}

#[test]
fn a_file_that_shrinks_is_an_error() {
    let mut body = FileBody::new(file(&content(PIECE + 10)), 2 * PIECE as u64);
    assert_eq!(
        collect(&mut body).unwrap_err().kind(),
        io::ErrorKind::UnexpectedEof
    );
    let mut body = FileBody::new(file(b"abc"), 3);
    body.file.set_len(0).unwrap();
    assert!(collect(&mut body).is_err());
}

#[test]
fn a_body_that_nobody_wants_any_more_is_let_go() {
    let mut body = FileBody::new(file(b"abc"), 3);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(body.poll_reader(&mut cx, 3).is_pending());
    let left = Arc::downgrade(&body.file);
    drop(body);
    while left.strong_count() > 0 {
        std::thread::yield_now();
    }
}
