//! The server: sockets, HTTP and limits on one thread, in front of an application.

pub mod access;
pub mod application;
mod connection;
mod exchange;
mod health;
pub mod http;
pub mod output;
pub mod proxy;
pub mod reactor;
pub mod report;
pub mod request_id;
pub mod server;
pub mod settings;
pub mod startup;
pub mod supervisor;
pub mod tls;
pub mod websocket;
