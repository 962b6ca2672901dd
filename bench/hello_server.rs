//! A hello from the worker's loop without Python, to see what the server itself costs, and from bare
//! hyper on the same reactor as the limit: `cargo bench --bench hello_server -- full|logged|bare PORT`.
//! It serves until it is stopped; load comes from outside, for instance from wrk.

use std::convert::Infallible;
use std::fs::OpenOptions;
use std::future::{Ready, ready};
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::{Read, ReadBufCursor, Write};
use pounce_core::config::ServerConfig;
use pounce_core::serve::access::{AccessLog, Format};
use pounce_core::serve::application::{Application, Request};
use pounce_core::serve::reactor::{Handle, Listener, Reactor, Stream};
use pounce_core::serve::server::Server;
use pounce_core::serve::settings::Settings;

const HELLO: Bytes = Bytes::from_static(b"Hello, World!");
const PLAIN: HeaderValue = HeaderValue::from_static("text/plain");

struct Hello;

impl Application for Hello {
    fn call(&self, request: Request) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, PLAIN)]);
        let responder = &request.responder;
        // It fails only where the client is gone.
        let _ = responder.start(StatusCode::OK, headers);
        let _ = responder.send(HELLO);
        let _ = responder.finish();
    }
}

/// A body that is there as a whole.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, Bytes::len) as u64)
    }
}

/// A socket as hyper wants it, with nothing in between.
struct Bare(Stream);

impl Read for Bare {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = [0; 8192];
        let room = cursor.remaining().min(buffer.len());
        self.0
            .poll_receive(cx, &mut buffer[..room])
            .map_ok(|count| cursor.put_slice(&buffer[..count]))
    }
}

impl Write for Bare {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_send(cx, buffer)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.shutdown())
    }
}

fn answer(_: http::Request<Incoming>) -> Ready<Result<Response<Whole>, Infallible>> {
    let mut response = Response::new(Whole(Some(HELLO)));
    response.headers_mut().insert(CONTENT_TYPE, PLAIN);
    ready(Ok(response))
}

fn serve_bare(handle: &Handle, mut listener: Listener) {
    let inner = handle.clone();
    handle.spawn(async move {
        let mut http = hyper::server::conn::http1::Builder::new();
        http.header_read_timeout(None).writev(false);
        while let Ok((stream, _)) =
            std::future::poll_fn(|cx| listener.poll_accept(&inner, cx)).await
        {
            let connection =
                http.serve_connection(Bare(stream), hyper::service::service_fn(answer));
            inner.spawn(async {
                let _ = connection.await;
            });
        }
    });
}

fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args()
        .filter(|argument| argument != "--bench")
        .collect();
    let mode = arguments.get(1).map_or("full", String::as_str);
    let port = arguments
        .get(2)
        .and_then(|port| port.parse().ok())
        .unwrap_or(0);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    let mut reactor = Reactor::new()?;
    let handle = reactor.handle();
    let listener = Listener::tcp(&handle, listener)?;
    let address = listener.local_address();
    if mode == "bare" {
        serve_bare(&handle, listener);
    } else {
        let settings = Settings::new(&ServerConfig::default(), 1);
        let log = if mode == "logged" {
            let sink = OpenOptions::new().write(true).open("/dev/null")?;
            Some(AccessLog::start(&handle, Format::Text, sink))
        } else {
            None
        };
        Server::new(handle, settings, Rc::new(Hello), log).listen(listener, None);
    }
    io::Write::write_all(
        &mut io::stderr(),
        format!("{mode} at {address:?}\n").as_bytes(),
    )?;
    loop {
        reactor.turn(None)?;
    }
}
