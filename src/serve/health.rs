//! The health endpoint: answered before the application, and not in the access log.

use std::borrow::Cow;
use std::cell::Cell;
use std::time::Instant;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use percent_encoding::percent_decode_str;

use super::settings::Settings;

/// What probes are sent.
pub(super) const MEDIA_TYPE: &str = "application/json";

/// How far the worker is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// The application is not up yet.
    Starting,
    /// It serves.
    Ok,
    /// The server shuts down: send no more.
    Draining,
}

impl State {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Ok => StatusCode::OK,
            Self::Starting | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ok => "ok",
            Self::Draining => "draining",
        }
    }
}

/// The health endpoint of one worker.
pub(super) struct Health {
    path: String,
    worker_id: usize,
    started: Instant,
    state: Cell<State>,
}

impl Health {
    /// None where there is no path for it.
    pub(super) fn new(settings: &Settings, state: State) -> Option<Self> {
        Some(Self {
            path: settings.health_check_path.clone()?,
            worker_id: settings.worker_id,
            started: settings.started,
            state: Cell::new(state),
        })
    }

    pub(super) fn set(&self, state: State) {
        self.state.set(state);
    }

    pub(super) fn state(&self) -> State {
        self.state.get()
    }

    /// Whether a request is a probe: `path` is the target's, as it was sent. The application's
    /// `root_path` plays no part: probes reach the port, not the proxy's view of it.
    pub(super) fn is_asked(&self, method: &Method, path: &str) -> bool {
        self.is_at(path) && matches!(*method, Method::GET | Method::HEAD)
    }

    fn is_at(&self, path: &str) -> bool {
        if path == self.path {
            return true;
        }
        path.contains('%')
            && matches!(percent_decode_str(path).decode_utf8(), Ok(Cow::Owned(path)) if path == self.path)
    }

    /// The answer's body, with the connections that are open.
    pub(super) fn body(&self, connections: usize) -> String {
        format!(
            "{{\"status\": \"{}\", \"uptime_seconds\": {:.1}, \"worker_id\": {}, \"active_connections\": {connections}}}",
            self.state().as_str(),
            self.started.elapsed().as_secs_f64(),
            self.worker_id,
        )
    }

    /// The whole answer.
    pub(super) fn answer(&self, connections: usize) -> (StatusCode, HeaderMap, Bytes) {
        let body = Bytes::from(self.body(connections));
        let headers = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE)),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (CONTENT_LENGTH, HeaderValue::from(body.len())),
        ]);
        (self.state().status(), headers, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ServerConfig;

    fn health(path: &str) -> Health {
        let mut settings = Settings::new(&ServerConfig::default(), 1);
        settings.health_check_path = Some(path.to_owned());
        settings.worker_id = 3;
        Health::new(&settings, State::Ok).unwrap()
    }

    #[test]
    fn a_probe_is_a_get_or_head_of_exactly_its_path() {
        let plain = health("/health");
        assert!(plain.is_asked(&Method::GET, "/health"));
        assert!(plain.is_asked(&Method::HEAD, "/he%61lth"));
        assert!(!plain.is_asked(&Method::POST, "/health"));
        for other in ["/health/", "/Health", "/", "/heal%ff", "/x/health"] {
            assert!(!plain.is_asked(&Method::GET, other), "{other}");
        }
        assert!(health("/gesünd").is_asked(&Method::GET, "/ges%C3%BCnd"));
    }

    #[test]
    fn the_answer_follows_the_state() {
        let health = health("/health");
        for (state, code, text) in [
            (State::Starting, 503, "starting"),
            (State::Ok, 200, "ok"),
            (State::Draining, 503, "draining"),
        ] {
            health.set(state);
            let (status, headers, body) = health.answer(7);
            let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(status.as_u16(), code);
            assert_eq!(headers[CONTENT_TYPE], MEDIA_TYPE);
            assert_eq!(body["status"], text);
            assert_eq!(
                (&body["worker_id"], &body["active_connections"]),
                (&3.into(), &7.into())
            );
            assert!(body["uptime_seconds"].is_f64());
        }
    }
}
