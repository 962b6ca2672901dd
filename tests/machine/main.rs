//! The facts about the machine, gathered on a real one.
#![cfg(test)]
#![cfg(target_os = "linux")]

mod bind;
mod pki;
mod privileges;
mod rules;
mod server;
mod tls;
mod tls_files;
mod unix_socket;
