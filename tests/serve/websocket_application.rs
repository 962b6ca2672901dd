//! What the tests of WebSockets serve: one behaviour a path.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use pounce_core::serve::application::{SendError, WebSocketRequest};
use pounce_core::serve::reactor::Handle;
use pounce_core::serve::websocket::{AcceptError, Close, CloseCode, Data, Message, WebSocket};

use crate::application::Seen;

/// Messages of the flood, and the bytes of each.
pub(crate) const FLOOD: usize = 3200;
pub(crate) const PIECE: usize = 64 << 10;

pub(crate) fn connect(handle: &Handle, seen: &Arc<Seen>, request: WebSocketRequest) {
    seen.calls.fetch_add(1, Ordering::Relaxed);
    let path = request.head.uri.path().to_owned();
    let (handle, seen) = (handle.clone(), Arc::clone(seen));
    let socket = request.socket;
    match path.as_str() {
        "/refuse" => {
            let responder = socket.responder();
            responder
                .start(StatusCode::UNAUTHORIZED, HeaderMap::new())
                .unwrap();
            responder.send("who are you\n".into()).unwrap();
            responder.finish().unwrap();
        }
        "/fail" => drop(socket),
        "/leave" => socket.accept(None, HeaderMap::new()).unwrap(),
        "/bye" => {
            socket.accept(None, HeaderMap::new()).unwrap();
            let code = CloseCode::new(4000).unwrap();
            let reason = "b\u{e4}".repeat(50);
            socket.close(Close { code, reason }).unwrap();
            assert_eq!(socket.send(Data::Text("late")), Err(SendError::OutOfOrder));
        }
        "/headers" => headers(&socket),
        "/late" => handle.clone().spawn(async move {
            handle
                .sleep_until(handle.now() + Duration::from_millis(50))
                .await;
            socket.accept(None, HeaderMap::new()).unwrap();
            echo(&socket, &seen).await;
        }),
        "/slow" => handle.clone().spawn(async move {
            socket.accept(None, HeaderMap::new()).unwrap();
            handle
                .sleep_until(handle.now() + Duration::from_millis(300))
                .await;
            while let Ok(message) = poll_fn(|cx| socket.poll_receive(cx)).await {
                seen.received
                    .fetch_add(message.as_bytes().len(), Ordering::Relaxed);
            }
        }),
        "/flood" => handle
            .clone()
            .spawn(async move { flood(&socket, &seen).await }),
        "/never" => handle.clone().spawn(async move {
            let end = poll_fn(|cx| socket.poll_receive(cx)).await.unwrap_err();
            assert_eq!(
                socket.accept(None, HeaderMap::new()),
                Err(AcceptError::Send(SendError::Disconnected))
            );
            note(&seen, &end);
        }),
        _ => handle.clone().spawn(async move {
            let first = socket.subprotocols().first().cloned();
            socket.accept(first.as_deref(), HeaderMap::new()).unwrap();
            echo(&socket, &seen).await;
        }),
    }
}

/// Every header that is not the application's, and then one that is.
fn headers(socket: &WebSocket) {
    let one = |name: &'static str| {
        HeaderMap::from_iter([(
            HeaderName::from_static(name),
            HeaderValue::from_static("mine"),
        )])
    };
    for name in ["sec-websocket-accept", "sec-websocket-extensions"] {
        let refused = socket.accept(None, one(name)).unwrap_err();
        assert_eq!(refused, AcceptError::Header(HeaderName::from_static(name)));
    }
    assert_eq!(
        socket.accept(Some("unknown"), HeaderMap::new()),
        Err(AcceptError::Subprotocol)
    );
    let mut headers = one("x-mine");
    headers.extend(one("connection"));
    headers.extend(one("content-length"));
    socket.accept(None, headers).unwrap();
    assert_eq!(
        socket.accept(None, HeaderMap::new()),
        Err(AcceptError::Send(SendError::OutOfOrder))
    );
    socket.close(Close::new(CloseCode::NORMAL)).unwrap();
    let twice = socket.close(Close::new(CloseCode::NORMAL));
    assert_eq!(twice, Err(SendError::OutOfOrder));
}

async fn echo(socket: &WebSocket, seen: &Arc<Seen>) {
    loop {
        let message = match poll_fn(|cx| socket.poll_receive(cx)).await {
            Ok(message) => message,
            Err(end) => return note(seen, &end),
        };
        if poll_fn(|cx| socket.poll_room(cx)).await.is_err() {
            continue;
        }
        let data = match &message {
            Message::Text(text) => Data::Text(text),
            Message::Binary(bytes) => Data::Binary(bytes),
        };
        let _ = socket.send(data);
    }
}

async fn flood(socket: &WebSocket, seen: &Arc<Seen>) {
    socket.accept(None, HeaderMap::new()).unwrap();
    let piece = Rc::new(vec![b'x'; PIECE]);
    for _ in 0..FLOOD {
        let room = poll_fn(|cx| socket.poll_room(cx)).await;
        let sent = room.and_then(|()| socket.send(Data::Binary(&piece)));
        if let Err(error) = sent {
            assert_eq!(error, SendError::Disconnected);
            seen.closed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        seen.received.fetch_add(PIECE, Ordering::Relaxed);
    }
    socket.close(Close::new(CloseCode::NORMAL)).unwrap();
}

fn note(seen: &Arc<Seen>, end: &Close) {
    seen.ends
        .lock()
        .unwrap()
        .push((end.code.number(), end.reason.clone()));
}
