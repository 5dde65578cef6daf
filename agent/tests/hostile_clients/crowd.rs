//! Clients that take a connection and keep it: they send their request a few bytes at a time, or never take the answer.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// For a good client's answer; far below any time-out of the server.
const PATIENCE: Duration = Duration::from_secs(5);
/// Requests that one client sends at a time without taking an answer.
const AT_ONCE: usize = 64;

/// Where the API is.
#[derive(Clone)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

trait Connection: Read + Write {}
impl Connection for TcpStream {}
impl Connection for UnixStream {}

impl Place {
    fn connect(&self, is_patient: bool) -> Box<dyn Connection> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, PATIENCE).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_nonblocking(!is_patient).unwrap();
                Box::new(stream)
            }
            Self::Unix(path) => {
                let stream = UnixStream::connect(path).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_nonblocking(!is_patient).unwrap();
                Box::new(stream)
            }
        }
    }

    /// Sends one request as a good client does: the status and the body.
    pub(crate) fn ask(&self, method: &str, target: &str, body: &str) -> (u16, String) {
        let mut stream = self.connect(true);
        let fields = "Host: x\r\nConnection: close\r\nContent-Type: application/json";
        let length = body.len();
        let request =
            format!("{method} {target} HTTP/1.1\r\n{fields}\r\nContent-Length: {length}\r\n\r\n{body}");
        // A server that has no room answers and closes before it was asked.
        let sent = stream.write_all(request.as_bytes());
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .unwrap_or_else(|why| panic!("{target}: {sent:?}, {why}: {answer}"));
        let status = answer.get(9..12).and_then(|code| code.parse().ok());
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        (status.unwrap_or_default(), body.unwrap_or_default())
    }
}

/// In which way a client is bad.
#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Its headers do not end.
    Head,
    /// Its body does not end.
    Body,
    /// It takes no answer, and asks on.
    Deaf,
}

struct Bad {
    place: Place,
    manner: Manner,
    stream: Box<dyn Connection>,
    has_begun: bool,
}

impl Bad {
    /// Sends a little more. An error says that the server has had enough.
    fn turn(&mut self) -> Result<(), ErrorKind> {
        let begin = !std::mem::replace(&mut self.has_begun, true);
        let text = match (self.manner, begin) {
            (Manner::Head, true) => "GET /fleet/v1/units HTTP/1.1\r\n".to_owned(),
            (Manner::Head, false) => "a".to_owned(),
            (Manner::Body, true) => {
                let head = "PUT /fleet/v1/units/bad.service HTTP/1.1\r\nHost: x\r\nContent-Length: 600000";
                format!("{head}\r\n\r\n")
            }
            (Manner::Body, false) => "{".to_owned(),
            (Manner::Deaf, _) => "GET /fleet/v1/discovery HTTP/1.1\r\nHost: x\r\n\r\n".repeat(AT_ONCE),
        };
        match self.stream.write(text.as_bytes()).map_err(|why| why.kind()) {
            Ok(_) | Err(ErrorKind::WouldBlock) => Ok(()),
            Err(why) => Err(why),
        }
    }
}

/// Many of them.
#[derive(Default)]
pub(crate) struct Crowd(Vec<Bad>);

impl Crowd {
    pub(crate) fn join(&mut self, count: usize, place: &Place, manner: Manner) {
        for _ in 0..count {
            let stream = place.connect(false);
            self.0.push(Bad { place: place.clone(), manner, stream, has_begun: false });
        }
    }

    /// Each sends a little; whoever was sent away comes back.
    pub(crate) fn turn(&mut self) {
        for bad in &mut self.0 {
            if bad.turn().is_err() {
                (bad.stream, bad.has_begun) = (bad.place.connect(false), false);
            }
        }
    }
}
