//! A client that hides nothing: one connection, raw requests, heads as they came.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: String,
    /// Names as they came, with their values.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn index(&self) -> Option<u64> {
        self.header("X-Etcd-Index")?.parse().ok()
    }
}

/// One connection.
pub(crate) struct Client {
    address: SocketAddr,
    stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { address, stream, received: Vec::new() }
    }

    /// Sends a request and takes its whole answer.
    pub(crate) fn ask(&mut self, request: &str) -> Answer {
        self.send(request);
        let mut answer = self.head();
        let is_head = request.starts_with("HEAD ");
        if let Some(length) = answer.header("Content-Length").filter(|_| !is_head) {
            let length = length.parse().unwrap();
            answer.body = self.take(length);
        } else if answer.header("Transfer-Encoding").is_some() && !is_head {
            while let Some(chunk) = self.chunk() {
                answer.body.push_str(&chunk);
            }
        }
        if answer.header("Connection") == Some("close") {
            *self = Self::new(self.address);
        }
        answer
    }

    pub(crate) fn send(&mut self, request: &str) {
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    /// The head of an answer.
    pub(crate) fn head(&mut self) -> Answer {
        let status = self.line();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_owned(), value.to_owned()));
        }
        Answer { status, headers, body: String::new() }
    }

    /// One chunk of a body; `None` at its end.
    fn chunk(&mut self) -> Option<String> {
        let length = usize::from_str_radix(&self.line(), 16).unwrap();
        let data = self.take(length);
        assert_eq!(self.line(), "");
        (length > 0).then_some(data)
    }

    /// What has come by now, or comes within that time, as it is.
    pub(crate) fn come(&mut self, within: Duration) -> String {
        self.stream.set_read_timeout(Some(within)).unwrap();
        self.fill();
        self.stream.set_read_timeout(Some(PATIENCE)).unwrap();
        String::from_utf8(std::mem::take(&mut self.received)).unwrap()
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(at) = self.received.windows(2).position(|window| window == b"\r\n") {
                let mut line = self.take(at + 2);
                line.truncate(at);
                return line;
            }
            assert!(self.fill(), "no line; last seen: {}", String::from_utf8_lossy(&self.received));
        }
    }

    fn take(&mut self, length: usize) -> String {
        while self.received.len() < length {
            assert!(self.fill(), "cut short; last seen: {}", String::from_utf8_lossy(&self.received));
        }
        let rest = self.received.split_off(length);
        String::from_utf8(std::mem::replace(&mut self.received, rest)).unwrap()
    }

    /// Takes what there is; false if there is nothing in time or no more.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.received.extend_from_slice(&buffer[..count]);
                count > 0
            }
            Err(cause) if matches!(cause.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => false,
            Err(cause) => panic!("read an answer: {cause}"),
        }
    }
}
