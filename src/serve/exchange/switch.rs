//! The answer after which a connection, or a stream of one, is no longer HTTP's.

use http::{HeaderMap, StatusCode};

use super::responder::strip_connection_headers;
use super::{Responder, ResponseHead, SendError};

impl Responder {
    /// Sends the answer that `make` makes of the application's headers, with nothing behind it.
    ///
    /// # Errors
    /// The client is gone, or an answer was started before; then `make` is not called.
    pub(in crate::serve) fn switch(
        &self,
        mut headers: HeaderMap,
        make: impl FnOnce(HeaderMap) -> (StatusCode, HeaderMap),
    ) -> Result<(), SendError> {
        let waker = {
            let mut inner = self.exchange.inner.borrow_mut();
            inner.check_open()?;
            if inner.started {
                return Err(SendError::OutOfOrder);
            }
            strip_connection_headers(&mut headers);
            let (status, headers) = make(headers);
            inner.head = Some(ResponseHead { status, headers });
            inner.started = true;
            inner.begun = true;
            inner.finished = true;
            inner.protocol.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
        Ok(())
    }
}
