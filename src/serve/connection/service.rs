//! From hyper's request to the application, and from its answer to hyper's response.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use http::header::{
    CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, SEC_WEBSOCKET_VERSION, SERVER,
    UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::Worker;
use super::head::{join_cookies, name_host, refuse_stream};
use super::traffic::Traffic;
use super::websocket::Switch;
use crate::serve::access::Entry;
use crate::serve::application::{
    ConnectionInfo, Request, RequestBody, Responder, WebSocketRequest,
};
use crate::serve::exchange::{Exchange, Failure, ResponseHead, discard};
use crate::serve::http::refusal::Refusal;
use crate::serve::http::value::trim_values;
use crate::serve::proxy::{self, Origin};
use crate::serve::reactor::Peer;
use crate::serve::request_id::RequestId;
use crate::serve::websocket::{Channel, Handshake, WebSocket};

/// The header that names a request.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const UPGRADE_CLOSE: HeaderValue = HeaderValue::from_static("upgrade, close");

/// hyper's service of one connection.
pub(super) struct Requests {
    worker: Rc<Worker>,
    connection: Rc<ConnectionInfo>,
    traffic: Rc<Traffic>,
    trusted: bool,
}

impl Requests {
    pub(super) fn new(
        worker: Rc<Worker>,
        connection: Rc<ConnectionInfo>,
        traffic: Rc<Traffic>,
    ) -> Self {
        Self {
            trusted: worker.settings.trusted.contains(&connection.peer),
            worker,
            connection,
            traffic,
        }
    }

    pub(super) fn peer(&self) -> Peer {
        self.connection.peer
    }

    /// A line of the access log, to be written when the exchange is at its end.
    fn entry(&self, head: &Parts, id: &RequestId) -> Option<Box<Entry>> {
        let log = self
            .worker
            .access
            .as_ref()
            .filter(|log| log.tells_requests())?;
        Some(Box::new(Entry {
            log: Rc::clone(log),
            started: Instant::now(),
            method: head.method.clone(),
            target: head.uri.clone(),
            version: head.version,
            id: id.clone(),
            peer: self.connection.peer,
            client: None,
            status: Cell::new(None),
            bytes: Cell::new(0),
            began: Cell::new(None),
        }))
    }

    /// What is known of the client; a trusted proxy may also have replaced the Host header.
    fn origin(&self, headers: &mut HeaderMap) -> Origin {
        let origin = if self.trusted {
            proxy::strip_lookalikes(headers);
            proxy::read(headers, self.worker.settings.trusted_hops)
        } else {
            proxy::strip(headers);
            Origin::default()
        };
        if let Some(host) = &origin.host {
            headers.insert(HOST, host.clone());
        }
        let peer = match self.connection.peer {
            Peer::Tcp(address) => Some(address),
            Peer::Unix => None,
        };
        Origin {
            client: origin.client.or(peer),
            secure: origin.secure.or(Some(self.connection.tls.is_some())),
            host: origin.host,
        }
    }

    fn id(&self, headers: &HeaderMap) -> RequestId {
        self.trusted
            .then(|| headers.get(REQUEST_ID).and_then(RequestId::from_peer))
            .flatten()
            .unwrap_or_else(|| self.worker.ids.next())
    }
}

impl hyper::service::Service<http::Request<Incoming>> for Requests {
    type Response = http::Response<ResponseBody>;
    type Error = Infallible;
    type Future = Answer;

    fn call(&self, mut request: http::Request<Incoming>) -> Answer {
        let on_upgrade =
            (request.method() == Method::CONNECT).then(|| hyper::upgrade::on(&mut request));
        let (mut head, incoming) = request.into_parts();
        let exchange = Exchange::new(&head.method, head.version);
        let limits = &self.worker.settings.limits;
        let http_2 = head.version == Version::HTTP_2;
        let refusal = if http_2 {
            self.traffic.ask(&exchange);
            refuse_stream(&head, limits.headers, limits.body)
        } else {
            None
        };
        let id = self.id(&head.headers);
        let mut answer = Answer {
            number: if http_2 {
                self.traffic.asked()
            } else {
                self.traffic.answered() + 1
            },
            upgrade: !http_2
                && head.version != Version::HTTP_10
                && head.headers.contains_key(UPGRADE),
            http_2,
            http_10: head.version == Version::HTTP_10,
            switch: None,
            end: Some(End {
                exchange: Rc::clone(&exchange),
                traffic: Rc::clone(&self.traffic),
                entry: None,
            }),
            id,
            worker: Rc::clone(&self.worker),
        };
        if refusal.is_none()
            && let Some(health) = &self.worker.health
            && health.is_asked(&head.method, head.uri.path())
        {
            exchange.answer(health.answer(self.worker.connections()));
            return answer;
        }
        if let Some(end) = &mut answer.end {
            end.entry = self.entry(&head, &answer.id);
        }
        let handshake = match refusal {
            Some(refusal) => Err(refusal),
            None => Handshake::read(&head, self.worker.settings.websocket.compression),
        };
        let handshake = match handshake {
            Ok(handshake) => handshake,
            Err(refusal) => {
                if http_2 {
                    discard(incoming, &self.worker.handle);
                }
                exchange.refuse(refusal);
                return answer;
            }
        };
        name_host(&mut head);
        if http_2 {
            join_cookies(&mut head.headers);
        }
        let origin = self.origin(&mut head.headers);
        if let Some(entry) = answer.end.as_mut().and_then(|end| end.entry.as_mut()) {
            entry.client = origin.client;
        }
        let (client, secure) = (origin.client, origin.secure.unwrap_or_default());
        let (id, connection) = (answer.id.clone(), Rc::clone(&self.connection));
        if let Some(handshake) = handshake {
            let channel = Channel::new();
            answer.switch = Some(Switch::new(Rc::clone(&channel), on_upgrade));
            self.worker.application.connect(WebSocketRequest {
                head,
                id,
                client,
                secure,
                connection,
                socket: WebSocket::new(channel, Responder::new(exchange), handshake),
            });
            return answer;
        }
        self.worker.application.call(Request {
            head,
            client,
            secure,
            id,
            connection,
            body: RequestBody::new(
                incoming,
                Rc::clone(&exchange),
                self.worker.handle.clone(),
                limits.body,
                self.worker.settings.request_timeout,
            ),
            responder: Responder::new(exchange),
        });
        answer
    }
}

/// The end of a request, however it comes: tells the application and the connection.
pub(super) struct End {
    exchange: Rc<Exchange>,
    pub(super) traffic: Rc<Traffic>,
    /// In a box, as what holds it is moved from hand to hand.
    entry: Option<Box<Entry>>,
}

impl End {
    pub(super) fn count(&self, bytes: usize) {
        if let Some(entry) = &self.entry {
            entry.bytes.set(entry.bytes.get() + bytes as u64);
        }
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.exchange.close();
        self.traffic.answer();
    }
}

/// The response to come.
pub(super) struct Answer {
    /// Which request of the connection this is.
    number: u64,
    id: RequestId,
    upgrade: bool,
    http_2: bool,
    http_10: bool,
    /// What an accepted handshake leads to.
    switch: Option<Switch>,
    end: Option<End>,
    worker: Rc<Worker>,
}

impl Future for Answer {
    type Output = Result<http::Response<ResponseBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(end) = &self.end else {
            return Poll::Pending;
        };
        if let Some(refusal) = end
            .traffic
            .refused_body()
            .filter(|_| self.number == end.traffic.asked())
        {
            end.exchange.refuse(refusal);
        }
        end.traffic.interject(&end.exchange.take_links());
        let Poll::Ready(head) = end.exchange.poll_head(cx) else {
            return Poll::Pending;
        };
        end.traffic.fill();
        let (mut head, mut page) = match head {
            Ok(head) => (head, None),
            Err(Failure::Application) => plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "Internal Server Error\n".into(),
            ),
            Err(Failure::Refused(refusal)) => {
                let (mut head, page) = plain(refusal.status(), format!("{}\n", refusal.reason()));
                if refusal == Refusal::WebSocketVersion {
                    let version = HeaderValue::from_static("13");
                    head.headers.insert(SEC_WEBSOCKET_VERSION, version);
                    head.headers
                        .insert(UPGRADE, HeaderValue::from_static("websocket"));
                }
                (head, page)
            }
        };
        if let Some(text) = page.as_mut().filter(|_| self.http_2)
            && end.exchange.is_head_request()
        {
            // Over HTTP/1 hyper leaves the body of an answer to HEAD out; over HTTP/2 it does not.
            head.headers.insert(CONTENT_LENGTH, text.len().into());
            text.clear();
        }
        if let Some(entry) = &end.entry {
            entry.status.set(Some(head.status));
            if page.is_none() && end.exchange.remaining().is_none() {
                entry.began.set(Some(Instant::now()));
            }
        }
        let switched = self.switch.as_ref().is_some_and(Switch::is_accepted);
        if self.upgrade && !switched {
            end.traffic.stay();
        }
        let refused = page.is_some();
        let mut end = self.end.take();
        if switched && let (Some(switch), Some(end)) = (self.switch.take(), end.take()) {
            switch.start(&self.worker, end);
        }
        let body = ResponseBody { page, end };
        let mut response = http::Response::new(body);
        *response.status_mut() = head.status;
        *response.headers_mut() = head.headers;
        // HTTP/1.0 has no chunks: only the end of the connection tells that of the body.
        let endless = self.http_10
            && response.body().size_hint().exact().is_none()
            && !response.headers().contains_key(CONTENT_LENGTH);
        let last = refused || endless || self.is_last();
        if last && self.http_10 {
            // Else hyper adds the keep-alive that the client has asked for.
            *response.version_mut() = Version::HTTP_10;
        }
        self.finish_headers(response.headers_mut(), last && !switched);
        Poll::Ready(Ok(response))
    }
}

impl Answer {
    /// Whether the connection ends with this response, as far as limits and the server's life go.
    fn is_last(&self) -> bool {
        let most = self.worker.settings.max_requests_per_connection;
        (most > 0 && self.number >= most) || self.worker.is_draining()
    }

    /// The headers that are the server's.
    fn finish_headers(&self, headers: &mut HeaderMap, last: bool) {
        let settings = &self.worker.settings;
        if let Some(server) = &settings.server_header {
            headers.entry(SERVER).or_insert_with(|| server.clone());
        }
        headers.insert(REQUEST_ID, self.id.header());
        if self.http_2 {
            trim_values(headers);
        }
        if last && !self.http_2 {
            // Where the answer says what to upgrade to, Connection names it (RFC 9110 7.8).
            let upgrade = headers.contains_key(UPGRADE);
            let value = if upgrade { UPGRADE_CLOSE } else { CLOSE };
            headers.insert(CONNECTION, value);
        }
    }
}

/// An answer of the server itself.
fn plain(status: StatusCode, text: String) -> (ResponseHead, Option<Bytes>) {
    let mut headers = HeaderMap::new();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    (ResponseHead { status, headers }, Some(text.into()))
}

/// The body of a response as hyper pulls it.
pub(super) struct ResponseBody {
    /// The server's own answer; the application is not asked.
    page: Option<Bytes>,
    end: Option<End>,
}

/// A response that can not be brought to its end.
#[derive(Debug)]
pub(super) struct Aborted;

impl fmt::Display for Aborted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the response was cut off")
    }
}

impl std::error::Error for Aborted {}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        if let Some(page) = &mut self.page {
            let page = std::mem::take(page);
            if let Some(end) = &self.end {
                end.exchange.touch(end.traffic.now());
                end.count(page.len());
            }
            return Poll::Ready((!page.is_empty()).then(|| Ok(Frame::data(page))));
        }
        let Some(end) = &self.end else {
            return Poll::Ready(None);
        };
        let Poll::Ready(frame) = end.exchange.poll_frame(cx, end.traffic.now()) else {
            return Poll::Pending;
        };
        end.traffic.fill();
        match &frame {
            Some(Ok(frame)) => end.count(frame.data_ref().map_or(0, Bytes::len)),
            Some(Err(_)) => end.traffic.cut(),
            None => {}
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|_| Aborted)))
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        let known = match (&self.page, &self.end) {
            (Some(page), _) => Some(page.len() as u64),
            (None, Some(end)) => end.exchange.remaining(),
            (None, None) => Some(0),
        };
        known.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
