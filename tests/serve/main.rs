//! The server over real sockets, byte by byte, in front of an application in Rust.

#[cfg(test)]
mod application;
#[cfg(test)]
mod client;
#[cfg(test)]
mod extensions;
#[cfg(test)]
mod failures;
#[cfg(test)]
mod http1;
#[cfg(test)]
mod http2;
#[cfg(test)]
mod http2_websocket;
#[cfg(test)]
mod life;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod malformed;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod unix;
#[cfg(test)]
mod websocket;
#[cfg(test)]
mod websocket_application;
#[cfg(test)]
mod websocket_client;
