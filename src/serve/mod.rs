//! The server: sockets, HTTP and limits on one thread, in front of an application.

pub mod reactor;
