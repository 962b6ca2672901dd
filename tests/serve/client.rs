//! A client that sends exactly what a test says, and reads exactly what comes.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::server::TestServer;

/// Far beyond everything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Client(pub(crate) BufReader<TcpStream>);

/// A response, as it came.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The status line and the headers, without what differs from time to time.
    pub(crate) head: String,
    pub(crate) id: String,
    pub(crate) body: String,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let prefix = format!("{name}: ");
        self.head
            .lines()
            .find_map(|line| line.strip_prefix(&prefix))
    }
}

impl Client {
    pub(crate) fn connect(server: &TestServer) -> Self {
        let stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// GET over HTTP/1.1, without further headers.
    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"))
            .response()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.ends_with("\r\n"), "{line:?}");
        line.truncate(line.len() - 2);
        line
    }

    /// The next head: what is the same every time, and the request id.
    pub(crate) fn head(&mut self) -> (u16, String, String) {
        let first = self.line();
        let status = first.split(' ').nth(1).unwrap().parse().unwrap();
        let (mut head, mut id) = (first, String::new());
        loop {
            let line = self.line();
            match line.split_once(": ") {
                None => break,
                Some(("date", date)) => drop(httpdate::parse_http_date(date).unwrap()),
                Some(("x-request-id", value)) => id = value.to_owned(),
                Some(_) => head = head + "\n" + &line,
            }
        }
        (status, head, id)
    }

    pub(crate) fn response(&mut self) -> Response {
        self.response_to("GET")
    }

    pub(crate) fn response_to(&mut self, method: &str) -> Response {
        let (status, head, id) = self.head();
        let mut response = Response {
            status,
            head,
            id,
            body: String::new(),
        };
        if method == "HEAD" || status == 204 || status == 304 {
            return response;
        }
        if let Some(length) = response.header("content-length") {
            let mut body = vec![0; length.parse().unwrap()];
            self.0.read_exact(&mut body).unwrap();
            response.body = String::from_utf8(body).unwrap();
        } else if response.header("transfer-encoding").is_some() {
            response.body = self.chunks();
        } else {
            self.0.read_to_string(&mut response.body).unwrap();
        }
        response
    }

    /// A chunked body, with its trailers behind it.
    fn chunks(&mut self) -> String {
        let mut body = String::new();
        loop {
            let size = usize::from_str_radix(&self.line(), 16).unwrap();
            if size == 0 {
                break;
            }
            let mut chunk = vec![0; size];
            self.0.read_exact(&mut chunk).unwrap();
            body += std::str::from_utf8(&chunk).unwrap();
            assert_eq!(self.line(), "");
        }
        loop {
            let trailer = self.line();
            if trailer.is_empty() {
                return body;
            }
            body += &trailer;
        }
    }

    /// Everything up to the end of the connection, which comes without an error.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        String::from_utf8(rest).unwrap()
    }

    /// Asserts that the connection ends here, with nothing more.
    pub(crate) fn assert_closed(&mut self) {
        assert_eq!(self.rest(), "");
    }

    /// Asserts that the connection is reset, perhaps after some more data.
    pub(crate) fn assert_reset(&mut self) {
        let mut rest = Vec::new();
        let error = self.0.read_to_end(&mut rest).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    }
}
