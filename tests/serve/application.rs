//! What the tests serve: one behaviour a path.

use std::fs::File;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST};
use http::{HeaderMap, HeaderValue, StatusCode};
use pounce_core::config::ServerConfig;
use pounce_core::serve::application::{
    Application, Request, RequestBody, Responder, SendError, WebSocketRequest,
};
use pounce_core::serve::reactor::Handle;
use pounce_core::serve::server::Server;
use pounce_core::serve::settings::Settings;

use crate::websocket_application;

/// Bytes of the large response and of one of its pieces.
pub(crate) const LARGE: usize = 200 << 20;
const PIECE: usize = 64 << 10;
/// A file that is sent.
pub(crate) const SENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock");

/// What the application has seen, readable from the test's thread.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) calls: AtomicUsize,
    /// Requests whose client went before the response was through.
    pub(crate) closed: AtomicUsize,
    /// Bodies that did not come whole.
    pub(crate) torn: AtomicUsize,
    pub(crate) received: AtomicUsize,
    pub(crate) log: Mutex<String>,
    /// How WebSockets have ended, as their applications saw it.
    pub(crate) ends: Mutex<Vec<(u16, String)>>,
}

pub(crate) struct Behaviours {
    pub(crate) handle: Handle,
    pub(crate) seen: Arc<Seen>,
}

fn text() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/plain"))])
}

fn whole(responder: &Responder, status: u16, body: impl Into<Bytes>) {
    responder
        .start(StatusCode::from_u16(status).unwrap(), text())
        .unwrap();
    responder.send(body.into()).unwrap();
    responder.finish().unwrap();
}

fn promise(responder: &Responder, length: usize) {
    let mut headers = text();
    headers.insert(CONTENT_LENGTH, length.into());
    responder.start(StatusCode::OK, headers).unwrap();
}

/// A server of them, for a test that turns the reactor itself.
pub(crate) fn server(handle: &Handle) -> Server {
    let application = Behaviours {
        handle: handle.clone(),
        seen: Arc::default(),
    };
    let settings = Settings::new(&ServerConfig::default(), 1);
    Server::new(handle.clone(), settings, Rc::new(application), None)
}

impl Behaviours {
    /// Waits, at least until the next turn: counted from the beginning of this one, which can have been
    /// long ago, the time could be over already.
    async fn pause(handle: &Handle, duration: Duration) {
        handle.sleep_until(Instant::now() + duration).await;
    }

    fn later(&self, request: Request) {
        let handle = self.handle.clone();
        self.handle.spawn(async move {
            Self::pause(&handle, Duration::from_millis(50)).await;
            let _ = request.responder.start(StatusCode::OK, text());
            let _ = request.responder.send("later\n".into());
            let _ = request.responder.finish();
        });
    }

    fn echo(&self, mut body: RequestBody, responder: Responder) {
        let seen = Arc::clone(&self.seen);
        self.handle.spawn(async move {
            let mut pieces = Vec::new();
            loop {
                match poll_fn(|cx| body.poll_data(cx)).await {
                    Some(Ok(data)) => {
                        seen.received.fetch_add(data.len(), Ordering::Relaxed);
                        pieces.push(data);
                    }
                    Some(Err(_)) => {
                        seen.torn.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    None => break,
                }
            }
            responder.start(StatusCode::OK, text()).unwrap();
            for piece in pieces {
                poll_fn(|cx| responder.poll_room(cx)).await.unwrap();
                responder.send(piece).unwrap();
            }
            responder.finish().unwrap();
        });
    }

    /// Goes on for a while after the body, whether that has ended well or not.
    fn slow_to_leave(&self, mut body: RequestBody, responder: Responder) {
        let handle = self.handle.clone();
        self.handle.spawn(async move {
            while let Some(Ok(_)) = poll_fn(|cx| body.poll_data(cx)).await {}
            Self::pause(&handle, Duration::from_secs(2)).await;
            drop(responder);
        });
    }

    /// Takes the body slowly, and says at the end how long it was.
    fn count(&self, mut body: RequestBody, responder: Responder) {
        let (handle, seen) = (self.handle.clone(), Arc::clone(&self.seen));
        self.handle.spawn(async move {
            Self::pause(&handle, Duration::from_millis(300)).await;
            let mut length = 0;
            while let Some(data) = poll_fn(|cx| body.poll_data(cx)).await {
                length += data.unwrap().len();
                seen.received.store(length, Ordering::Relaxed);
            }
            whole(&responder, 200, format!("{length}\n"));
        });
    }

    fn large(&self, responder: Responder) {
        let seen = Arc::clone(&self.seen);
        self.handle.spawn(async move {
            responder.start(StatusCode::OK, text()).unwrap();
            let piece = Bytes::from(vec![b'x'; PIECE]);
            for _ in 0..LARGE / PIECE {
                let room = poll_fn(|cx| responder.poll_room(cx)).await;
                if room.and_then(|()| responder.send(piece.clone())).is_err() {
                    seen.closed.fetch_add(1, Ordering::Relaxed);
                    return;
                }
            }
            responder.finish().unwrap();
        });
    }

    fn never(&self, request: Request) {
        let seen = Arc::clone(&self.seen);
        self.handle.spawn(async move {
            poll_fn(|cx| request.responder.poll_closed(cx)).await;
            assert!(request.responder.start(StatusCode::OK, text()).is_err());
            seen.closed.fetch_add(1, Ordering::Relaxed);
        });
    }

    /// The application's own source as a file: whole, cut to a promise, or promised to be longer.
    fn file(&self, path: &str, responder: Responder) {
        let mut headers = text();
        match path {
            "/file-part" => drop(headers.insert(CONTENT_LENGTH, 10.into())),
            "/file-too-short" => drop(headers.insert(CONTENT_LENGTH, (1_u32 << 30).into())),
            _ => {}
        }
        let seen = Arc::clone(&self.seen);
        let trailers = path == "/file-trailers";
        let file = File::open(SENT).unwrap();
        self.handle.spawn(async move {
            let early = responder.send_file(File::open(SENT).unwrap(), false);
            assert_eq!(early, Err(SendError::OutOfOrder));
            responder.start(StatusCode::OK, headers).unwrap();
            let sent = responder.send_file(file, trailers);
            if let Err(error) = sent {
                assert_eq!(error, SendError::BodyLength);
                return;
            }
            let through = poll_fn(|cx| responder.poll_room(cx)).await;
            if trailers {
                let trailers = HeaderMap::from_iter([(
                    "x-sum".parse().unwrap(),
                    HeaderValue::from_static("3"),
                )]);
                responder.finish_with_trailers(trailers).unwrap();
            } else if through == Err(SendError::Disconnected) {
                seen.closed.fetch_add(1, Ordering::Relaxed);
            } else {
                assert_eq!(through, Err(SendError::OutOfOrder), "nothing may follow");
            }
        });
    }

    /// Two hints before the response, and one that comes too late.
    fn hints(&self, responder: Responder) {
        let handle = self.handle.clone();
        self.handle.spawn(async move {
            let link = HeaderValue::from_static;
            responder.hint([link("</a>"), link("</b>")]).unwrap();
            Self::pause(&handle, Duration::from_millis(20)).await;
            responder.start(StatusCode::OK, text()).unwrap();
            responder.hint([link("</c>")]).unwrap();
            responder.send("hinted\n".into()).unwrap();
            responder.hint([link("</d>")]).unwrap();
            responder.finish().unwrap();
        });
    }

    /// Goes on for a while after the client has gone.
    fn linger(&self, request: Request) {
        let handle = self.handle.clone();
        self.handle.spawn(async move {
            poll_fn(|cx| request.responder.poll_closed(cx)).await;
            Self::pause(&handle, Duration::from_secs(1)).await;
            drop(request);
        });
    }

    fn ticks(&self, responder: Responder) {
        let handle = self.handle.clone();
        self.handle.spawn(async move {
            responder.start(StatusCode::OK, text()).unwrap();
            for tick in 0..3 {
                responder.send(format!("{tick}\n").into()).unwrap();
                Self::pause(&handle, Duration::from_millis(5)).await;
            }
            let trailers =
                HeaderMap::from_iter([("x-sum".parse().unwrap(), HeaderValue::from_static("3 "))]);
            responder.finish_with_trailers(trailers).unwrap();
        });
    }
}

impl Application for Behaviours {
    fn connect(&self, request: WebSocketRequest) {
        websocket_application::connect(&self.handle, &self.seen, request);
    }

    fn call(&self, request: Request) {
        self.seen.calls.fetch_add(1, Ordering::Relaxed);
        let path = request.head.uri.path().to_owned();
        match path.as_str() {
            "/later" => return self.later(request),
            "/never" => return self.never(request),
            "/linger" => return self.linger(request),
            _ => {}
        }
        let Request {
            head,
            id,
            body,
            responder,
            client,
            secure,
            ..
        } = request;
        match path.as_str() {
            "/" => whole(&responder, 200, "hello\n"),
            "/echo" => self.echo(body, responder),
            "/count" => self.count(body, responder),
            "/slow-to-leave" => self.slow_to_leave(body, responder),
            "/large" => self.large(responder),
            "/ticks" => self.ticks(responder),
            "/cookies" => {
                let cookies: Vec<_> = head.headers.get_all(COOKIE).iter().collect();
                whole(&responder, 200, format!("{cookies:?}\n"));
            }
            "/hints" => self.hints(responder),
            "/file" | "/file-part" | "/file-too-short" | "/file-trailers" => {
                self.file(&path, responder);
            }
            "/id" => whole(&responder, 200, format!("{id}\n")),
            "/client" => {
                let address = client.map_or("nobody".into(), |client| client.ip().to_string());
                let said = head
                    .headers
                    .keys()
                    .filter(|name| name.as_str().contains("forwarded"))
                    .count();
                whole(&responder, 200, format!("{address} {secure} {said}\n"));
            }
            "/host" => whole(
                &responder,
                200,
                [head.headers[HOST].as_bytes(), b"\n"].concat(),
            ),
            "/megabytes" => whole(&responder, 200, vec![b'x'; 16 << 20]),
            "/204" => whole(&responder, 204, "ignored"),
            "/304" => whole(&responder, 304, "ignored"),
            "/205" => whole(&responder, 205, "ignored"),
            "/promise" => {
                promise(&responder, 6);
                responder.send("hello\n".into()).unwrap();
                responder.finish().unwrap();
            }
            "/too-much" => {
                promise(&responder, 3);
                assert!(responder.send("hello\n".into()).is_err());
            }
            "/too-little" => {
                promise(&responder, 10);
                responder.send("hello\n".into()).unwrap();
                assert!(responder.finish().is_err());
            }
            "/fail" => {}
            "/fail-late" => {
                responder.start(StatusCode::OK, text()).unwrap();
                responder.send("so far\n".into()).unwrap();
                let handle = self.handle.clone();
                self.handle.spawn(async move {
                    Self::pause(&handle, Duration::from_millis(50)).await;
                    drop(responder);
                });
            }
            "/headers" => {
                let mut headers = text();
                for name in [
                    "connection",
                    "te",
                    "transfer-encoding",
                    "upgrade",
                    "keep-alive",
                    "x-request-id",
                ] {
                    headers.insert(name, HeaderValue::from_static("chunked"));
                }
                responder.start(StatusCode::OK, headers).unwrap();
                responder.finish().unwrap();
            }
            _ => whole(&responder, 404, "no such behaviour\n"),
        }
    }
}
