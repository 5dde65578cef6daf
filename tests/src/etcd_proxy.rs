//! A proxy between agents and etcd that counts and times what passes: who asked, of which kind, and how long etcd took.
//! It changes nothing and knows no more of HTTP than where a request begins and ends.

use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::wait::since_epoch;

/// Longest head of a request; the agent's own buffers are smaller.
const HEAD_MAX_BYTES: usize = 16 * 1024;

/// What a request is to etcd.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Keeps the machine's record alive.
    Beat,
    /// Keeps the leader's lease alive, or takes it.
    Renewal,
    /// A long poll.
    Poll,
    /// Any other read.
    Read,
    /// Any other write.
    Write,
}

impl Kind {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 5] = [Self::Beat, Self::Renewal, Self::Poll, Self::Read, Self::Write];

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Beat => "beats",
            Self::Renewal => "renewals",
            Self::Poll => "polls",
            Self::Read => "reads",
            Self::Write => "writes",
        }
    }

    /// From a request's first line.
    fn of(line: &str) -> Self {
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        match method {
            "GET" if query.split('&').any(|field| field == "wait=true") => Self::Poll,
            "GET" => Self::Read,
            _ if path.ends_with("/presence") => Self::Beat,
            _ if path.ends_with("/fleet/lease") => Self::Renewal,
            _ => Self::Write,
        }
    }
}

/// A request and its answer, in times since 1970.
#[derive(Clone, Debug)]
pub struct Exchange {
    number: u64,
    /// The machine that asked.
    pub from: IpAddr,
    /// What it asked for.
    pub kind: Kind,
    /// The request's first line.
    pub line: String,
    /// When the request had passed.
    pub asked: Duration,
    /// When the last byte of the answer had, so far.
    pub answered: Option<Duration>,
}

#[derive(Debug, Default)]
struct Book {
    numbers: u64,
    exchanges: Vec<Exchange>,
}

impl Book {
    fn enter(&mut self, from: IpAddr, line: String) -> u64 {
        self.numbers += 1;
        let (number, kind) = (self.numbers, Kind::of(&line));
        self.exchanges.push(Exchange { number, from, kind, line, asked: since_epoch(), answered: None });
        number
    }

    /// Notes that bytes of an answer have passed. The entry may have been forgotten meanwhile.
    fn answer(&mut self, number: u64) {
        let entry = self.exchanges.iter_mut().rev().find(|exchange| exchange.number == number);
        if let Some(exchange) = entry {
            exchange.answered = Some(since_epoch());
        }
    }
}

/// The running proxy; it serves for as long as the process lives.
#[derive(Debug)]
pub struct EtcdProxy {
    port: u16,
    book: Arc<Mutex<Book>>,
}

impl EtcdProxy {
    /// Listens on a free port of `etcd`'s address and passes everything on to it.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn start(etcd: (IpAddr, u16)) -> Outcome<Self> {
        let trouble = |cause: std::io::Error| Failure::during("start the proxy before etcd", cause);
        let listener = TcpListener::bind((etcd.0, 0)).map_err(trouble)?;
        let port = listener.local_addr().map_err(trouble)?.port();
        let book = Arc::<Mutex<Book>>::default();
        let theirs = Arc::clone(&book);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A connection that cannot be passed on is closed, and its agent tells.
                let _ = serve(client, etcd, &theirs);
            }
        });
        Ok(Self { port, book })
    }

    /// Where it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Forgets what has passed; polls that are open are no requests of the time to come.
    pub fn forget(&self) {
        lock(&self.book).exchanges.clear();
    }

    /// What has passed since.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.book).exchanges.clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Passes one connection on, on two threads.
fn serve(client: TcpStream, etcd: (IpAddr, u16), book: &Arc<Mutex<Book>>) -> std::io::Result<()> {
    let server = TcpStream::connect(SocketAddr::from(etcd))?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let from = client.peer_addr()?.ip();
    let (client_again, server_again) = (client.try_clone()?, server.try_clone()?);
    // The exchange that is under way: an agent asks again only once it has been answered.
    let current = Arc::new(AtomicU64::new(0));
    let (book, current_again, book_again) = (Arc::clone(book), Arc::clone(&current), Arc::clone(book));
    thread::spawn(move || {
        let mut requests = Requests::default();
        pass(client, &server, |bytes| {
            for line in requests.lines(bytes) {
                current.store(lock(&book).enter(from, line), Ordering::SeqCst);
            }
        });
    });
    thread::spawn(move || {
        pass(server_again, &client_again, |_| {
            lock(&book_again).answer(current_again.load(Ordering::SeqCst));
        });
    });
    Ok(())
}

/// Copies until one side ends, then ends the other; `see` is shown everything before it is passed on.
fn pass(mut from: TcpStream, mut to: &TcpStream, mut see: impl FnMut(&[u8])) {
    let mut buffer = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..count).unwrap_or_default();
        see(bytes);
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

/// Finds the first line of each request in what a client sends.
#[derive(Debug, Default)]
struct Requests {
    head: Vec<u8>,
    body_left: usize,
}

impl Requests {
    /// The first lines of the requests whose heads end in `bytes`.
    fn lines(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in bytes {
            if self.body_left > 0 {
                self.body_left -= 1;
                continue;
            }
            self.head.push(*byte);
            if self.head.ends_with(b"\r\n\r\n") || self.head.len() == HEAD_MAX_BYTES {
                let head = String::from_utf8_lossy(&self.head).into_owned();
                self.head.clear();
                self.body_left = body_length(&head);
                // A body that comes in chunks ends like a head, and has no such line.
                let first = head.lines().next().filter(|line| line.contains(" HTTP/1."));
                lines.extend(first.map(str::to_owned));
            }
        }
        lines
    }
}

fn body_length(head: &str) -> usize {
    let fields = head.lines().filter_map(|line| line.split_once(':'));
    let length = fields.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "/v2/keys/_coreos.com/fleet";

    #[test]
    fn requests_are_told_apart_by_their_first_line() {
        for (line, kind) in [
            (format!("GET {KEYS}/machines/a?wait=true&waitIndex=7&recursive=true HTTP/1.1"), Kind::Poll),
            (format!("GET {KEYS}/machines/a?recursive=true HTTP/1.1"), Kind::Read),
            (format!("PUT {KEYS}/machines/a/presence HTTP/1.1"), Kind::Beat),
            (format!("PUT {KEYS}/fleet/lease?prevIndex=4 HTTP/1.1"), Kind::Renewal),
            (format!("PUT {KEYS}/states/a/1/b.service HTTP/1.1"), Kind::Write),
            (format!("DELETE {KEYS}/placements/b.service?prevIndex=3 HTTP/1.1"), Kind::Write),
        ] {
            assert_eq!(Kind::of(&line), kind, "{line}");
        }
    }

    #[test]
    fn requests_are_found_however_the_bytes_come() {
        let sent = "PUT /a HTTP/1.1\r\nContent-Length: 15\r\n\r\nGET /b HTTP/1.1PUT /c HTTP/1.1\r\n\
                    Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\nGET /d HTTP/1.1\r\nHost: x\r\n\r\n";
        for size in [1, 2, 7, sent.len()] {
            let mut requests = Requests::default();
            let lines: Vec<String> =
                sent.as_bytes().chunks(size).flat_map(|bytes| requests.lines(bytes)).collect();
            assert_eq!(
                lines,
                ["PUT /a HTTP/1.1", "PUT /c HTTP/1.1", "GET /d HTTP/1.1"],
                "{size} bytes at a time"
            );
        }
    }
}
