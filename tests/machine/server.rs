//! A process that listens, to be found by the facts about ports and sockets.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Listens on a free port of the loopback address and prints it.
pub(crate) const LISTEN: &str = "\
import socket, time
server = socket.create_server(('127.0.0.1', 0), reuse_port=True)
print(server.getsockname()[1])
time.sleep(60)
";

/// A Python process that listens and says so; killed when the test ends.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) said: String,
}

impl Server {
    pub(crate) fn start(folder: &Path, script: &str, code: &str) -> Self {
        fs::write(folder.join(script), code).unwrap();
        let mut child = Command::new("python3")
            .args(["-u", script, "--secret", "s3cret"])
            .current_dir(folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        Self {
            child,
            said: said.trim().to_owned(),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.said.parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
