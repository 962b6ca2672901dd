//! Why a request is refused before the application sees it, and with which status.

use http::StatusCode;

macro_rules! refusals {
    ($( $(#[doc = $doc:literal])+ $Variant:ident = $status:ident, $text:literal; )+) => {
        /// Why a request is refused before the application sees it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal { $( $(#[doc = $doc])+ $Variant, )+ }

        impl Refusal {
            /// Every one, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$Variant),+];

            /// The status of the answer.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $( Self::$Variant => StatusCode::$status, )+ }
            }

            /// What is wrong, for the log and the answer's body: never a part of the request.
            #[must_use]
            pub fn reason(self) -> &'static str {
                match self { $( Self::$Variant => $text, )+ }
            }
        }
    };
}

refusals! {
    /// RFC 9112 2.2: one empty line before a request is tolerated, no more.
    EmptyLines = BAD_REQUEST, "empty lines in front of the request line";
    /// RFC 9112 3: `method SP request-target SP HTTP-version`.
    RequestLine = BAD_REQUEST, "the request line is not a method, a target and a version, each one space apart";
    /// RFC 9110 9.1: a method is a token.
    Method = BAD_REQUEST, "the method is not a token";
    /// RFC 9112 3.2: none of the four forms of a target, or not the one the method takes.
    Target = BAD_REQUEST, "the request target is invalid";
    /// The request line does not fit into the limits.
    TargetTooLong = URI_TOO_LONG, "the request line is too long";
    /// RFC 9112 2.3.
    Version = BAD_REQUEST, "the protocol version is malformed";
    /// A version of HTTP that can not follow on this connection.
    VersionNotSupported = HTTP_VERSION_NOT_SUPPORTED, "only HTTP/1.0 and HTTP/1.1 are spoken here";
    /// A tunnel is asked for: this is an origin server.
    Connect = NOT_IMPLEMENTED, "CONNECT is not served here";
    /// RFC 9112 2.2: lines end with CR LF.
    BareLineFeed = BAD_REQUEST, "a line ends without a carriage return";
    /// RFC 9112 2.2: a CR stands only in front of a LF.
    BareCarriageReturn = BAD_REQUEST, "a carriage return without a line feed";
    /// RFC 9112 5.2: a header line begins with white space.
    ObsoleteFold = BAD_REQUEST, "a folded header line, or white space in front of the headers";
    /// A header line without a colon.
    HeaderWithoutColon = BAD_REQUEST, "a header line without a colon";
    /// RFC 9112 5.1: no white space between name and colon.
    SpaceBeforeColon = BAD_REQUEST, "white space between a header's name and its colon";
    /// RFC 9110 5.1: a name is a token.
    HeaderName = BAD_REQUEST, "a header's name is empty or not a token";
    /// RFC 9110 5.5: no control characters but HTAB.
    HeaderValue = BAD_REQUEST, "a control character in a header's value";
    /// RFC 9113 8.2.1: over HTTP/2 a value neither begins nor ends with white space.
    HeaderPadding = BAD_REQUEST, "white space around a header's value";
    /// More header lines than `max_headers`.
    TooManyHeaders = REQUEST_HEADER_FIELDS_TOO_LARGE, "too many headers";
    /// A head or trailer section larger than `max_header_size`.
    HeadTooLarge = REQUEST_HEADER_FIELDS_TOO_LARGE, "the request head is too large";
    /// RFC 9112 3.2: HTTP/1.1 needs a Host.
    HostMissing = BAD_REQUEST, "no Host header";
    /// RFC 9112 3.2: one Host.
    HostRepeated = BAD_REQUEST, "more than one Host header";
    /// RFC 9112 3.2, RFC 9110 4.2.1: a name or an address, not empty, and perhaps a port.
    HostInvalid = BAD_REQUEST, "the Host header is not a host with an optional port";
    /// RFC 9113 8.3.1: over HTTP/2 the host is told twice, and differently.
    HostDiffers = BAD_REQUEST, ":authority and the Host header differ";
    /// RFC 9112 6.3: digits only, one value.
    ContentLengthInvalid = BAD_REQUEST, "Content-Length is not a number";
    /// RFC 9112 6.3: one Content-Length.
    ContentLengthRepeated = BAD_REQUEST, "more than one Content-Length header";
    /// RFC 9112 6.1: the two ways to end a body contradict each other.
    ContentLengthAndTransferEncoding = BAD_REQUEST, "both Content-Length and Transfer-Encoding";
    /// RFC 9112 6.1: `chunked`, and nothing else, can be decoded here.
    TransferEncodingInvalid = BAD_REQUEST, "Transfer-Encoding is not chunked";
    /// RFC 9112 6.1: HTTP/1.0 has no Transfer-Encoding.
    TransferEncodingInHttp10 = BAD_REQUEST, "Transfer-Encoding in HTTP/1.0";
    /// RFC 9110 10.1.1: 100-continue is the only expectation.
    Expectation = EXPECTATION_FAILED, "an expectation other than 100-continue";
    /// A body larger than `max_request_size`.
    BodyTooLarge = PAYLOAD_TOO_LARGE, "the request body is too large";
    /// RFC 9112 7.1: hexadecimal digits, nothing around them.
    ChunkSize = BAD_REQUEST, "a chunk's size is invalid";
    /// RFC 9112 7.1.1: too long, or with control characters.
    ChunkExtension = BAD_REQUEST, "chunk extensions are too long or invalid";
    /// RFC 9112 7.1: CR LF follows the data of a chunk.
    ChunkEnd = BAD_REQUEST, "a chunk is longer than its size";
    /// RFC 9110 6.5.1: framing and routing do not stand in trailers.
    Trailer = BAD_REQUEST, "a header that may not stand in the trailers";
    /// RFC 6455 4.1: a handshake is a GET.
    WebSocketMethod = BAD_REQUEST, "a WebSocket handshake that is no GET";
    /// RFC 6455 4.1: Connection names the upgrade.
    WebSocketConnection = BAD_REQUEST, "a WebSocket handshake without Connection: upgrade";
    /// RFC 6455 4.1: sixteen bytes in base64, once.
    WebSocketKey = BAD_REQUEST, "Sec-WebSocket-Key is not sixteen bytes in base64";
    /// RFC 6455 4.4: the one version there is.
    WebSocketVersion = UPGRADE_REQUIRED, "Sec-WebSocket-Version is not 13";
    /// RFC 6455 4.1: names that are tokens.
    WebSocketSubprotocol = BAD_REQUEST, "Sec-WebSocket-Protocol is not a list of tokens";
    /// What follows a handshake is frames.
    WebSocketBody = BAD_REQUEST, "a WebSocket handshake with a body";
    /// RFC 9112 8: the client ended its side within a body.
    BodyIncomplete = BAD_REQUEST, "the request body ended early";
    /// The head took longer than `header_timeout`.
    HeadTimeout = REQUEST_TIMEOUT, "the request head took too long";
    /// The body took longer than `request_timeout`.
    BodyTimeout = REQUEST_TIMEOUT, "the request body took too long";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_a_client_error_or_a_version_and_says_why() {
        for refusal in Refusal::ALL {
            assert!(refusal.status().is_client_error() || refusal.status().is_server_error());
            assert!(refusal.reason().is_ascii() && !refusal.reason().is_empty());
        }
    }
}
