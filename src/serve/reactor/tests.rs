use std::io::Write as _;
use std::net::{TcpListener, TcpStream};

use super::*;

/// Pending once, ready when woken.
struct Yield(bool);

impl Future for Yield {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn tasks_run_to_their_end_in_one_turn_and_leave_nothing() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let steps = Rc::new(Cell::new(0));
    for _ in 0..3 {
        let (inner, steps) = (handle.clone(), Rc::clone(&steps));
        handle.spawn(async move {
            Yield(false).await;
            inner.spawn(async move { steps.set(steps.get() + 1) });
        });
    }
    let turn = reactor.turn_ready().unwrap();
    assert_eq!((steps.get(), turn.more, handle.tasks()), (3, false, 0));
}

#[test]
fn a_task_that_never_rests_does_not_hold_the_turn() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let other = Rc::new(Cell::new(false));
    handle.spawn(async {
        loop {
            Yield(false).await;
        }
    });
    let mark = Rc::clone(&other);
    handle.spawn(async move {
        Yield(false).await;
        mark.set(true);
    });
    let turn = reactor.turn_ready().unwrap();
    assert!(turn.more);
    assert!(other.get());
}

#[test]
fn a_wake_from_another_thread_ends_the_wait() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let (sender, receiver) = std::sync::mpsc::channel::<Waker>();
    let waker_thread = std::thread::spawn(move || {
        let waker = receiver.recv().unwrap();
        std::thread::sleep(Duration::from_millis(20));
        waker.wake();
    });
    let done = Rc::new(Cell::new(false));
    let mark = Rc::clone(&done);
    let mut asked = false;
    handle.spawn(std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut asked, true) {
            mark.set(true);
            return Poll::Ready(());
        }
        sender.send(cx.waker().clone()).unwrap();
        Poll::Pending
    }));
    while !done.get() {
        reactor.turn(None).unwrap();
    }
    waker_thread.join().unwrap();
}

#[test]
fn a_wake_between_turns_summons_once_and_touches_no_descriptor() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let calls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&calls);
    reactor.summon_by(move || {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let waker: Rc<RefCell<Option<Waker>>> = Rc::default();
    let kept = Rc::clone(&waker);
    handle.spawn(std::future::poll_fn(move |cx| {
        *kept.borrow_mut() = Some(cx.waker().clone());
        Poll::Pending
    }));
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    reactor.turn_ready().unwrap();
    let waker = waker.borrow().clone().unwrap();
    waker.wake_by_ref();
    waker.wake();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    reactor.turn_ready().unwrap();
    assert!(reactor.events.is_empty());
}

#[test]
fn wakers_outlive_their_task_harmlessly() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let waker: Rc<RefCell<Option<Waker>>> = Rc::default();
    let kept = Rc::clone(&waker);
    handle.spawn(std::future::poll_fn(move |cx| {
        *kept.borrow_mut() = Some(cx.waker().clone());
        Poll::Ready(())
    }));
    reactor.turn_ready().unwrap();
    let polls = Rc::new(Cell::new(0));
    let count = Rc::clone(&polls);
    handle.spawn(std::future::poll_fn(move |_| {
        count.set(count.get() + 1);
        Poll::Pending
    }));
    reactor.turn_ready().unwrap();
    waker.borrow_mut().take().unwrap().wake();
    reactor.turn_ready().unwrap();
    assert_eq!(polls.get(), 1);
}

#[test]
fn a_turn_waits_no_longer_than_the_next_deadline() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let done = Rc::new(Cell::new(false));
    let mark = Rc::clone(&done);
    let sleep = handle.sleep_until(Instant::now() + Duration::from_millis(30));
    handle.spawn(async move {
        sleep.await;
        mark.set(true);
    });
    while !done.get() {
        reactor.turn(None).unwrap();
    }
    assert_eq!(reactor.core.timers.next(), None);
}

#[test]
fn an_end_of_file_that_comes_with_the_data_is_seen() {
    let mut reactor = Reactor::new().unwrap();
    let handle = reactor.handle();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut listener = Listener::tcp(&handle, listener).unwrap();
    let mut client = TcpStream::connect(address).unwrap();
    client.write_all(b"all of it").unwrap();
    drop(client);
    let received: Rc<RefCell<Vec<usize>>> = Rc::default();
    let log = Rc::clone(&received);
    let inner = handle.clone();
    handle.spawn(async move {
        let accepted = std::future::poll_fn(|cx| listener.poll_accept(&inner, cx)).await;
        let (mut stream, peer) = accepted.unwrap();
        assert!(matches!(peer, Peer::Tcp(address) if address.ip().is_loopback()));
        loop {
            let mut buffer = [0; 64];
            let count = std::future::poll_fn(|cx| stream.poll_receive(cx, &mut buffer)).await;
            log.borrow_mut().push(*count.as_ref().unwrap());
            if count.unwrap() == 0 {
                return;
            }
        }
    });
    while handle.tasks() > 0 {
        reactor.turn(None).unwrap();
    }
    assert_eq!(*received.borrow(), [9, 0]);
    assert!(handle.0.sources.borrow().is_empty());
}
