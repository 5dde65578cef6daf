//! A server with a handler that shows what it was given, on a thread of its own, and a client that sends bytes.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use agent::http::{Body, Limits, Listener, Method, Notice, Options, Peer, Request, Response, Status, serve};
use smol::channel::{Sender, bounded};
use smol::{future, stream};

/// Longest wait of any test.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// A running server; stopped and joined when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    notices: mpsc::Receiver<String>,
    release: Sender<()>,
}

/// A server on a TCP port of loopback.
pub(crate) fn start(limits: Limits) -> Server {
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    start_on(listener, limits)
}

/// A server on that listener.
pub(crate) fn start_on(listener: Listener, limits: Limits) -> Server {
    start_on_all(vec![listener], limits)
}

/// A server on all of them; its address is that of the first.
pub(crate) fn start_on_all(listeners: Vec<Listener>, limits: Limits) -> Server {
    let address = listeners[0].tcp_address().unwrap_or_else(|| "0.0.0.0:0".parse().unwrap());
    let (stop, stopped) = bounded::<()>(1);
    let (release, released) = bounded::<()>(64);
    let (notify, notices) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let options = Options {
            server_name: "fleetd/test".to_owned(),
            limits,
            notify: Box::new(move |notice: Notice| notify.send(notice.to_string()).unwrap_or(())),
        };
        // A borrowed counter: handlers need not be 'static.
        let count = Cell::new(0);
        let handler = async |request: Request, peer: Peer| {
            count.set(count.get() + 1);
            if request.path == ["held"] {
                let _ = released.recv().await;
            }
            if request.path == ["live"] {
                let pieces = stream::unfold(released.clone(), async |released| {
                    released.recv().await.ok().map(|()| (Ok(b"news\n".to_vec()), released))
                });
                return Response { body: Body::Live(Box::pin(pieces)), ..Response::empty(Status::Ok) };
            }
            answer(&request, peer, count.get())
        };
        let stop = async {
            let _ = stopped.recv().await;
        };
        smol::block_on(serve(listeners, options, handler, stop));
    });
    Server { address, stop: Some(stop), thread: Some(thread), notices, release }
}

fn answer(request: &Request, peer: Peer, count: usize) -> Response {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["empty"] => Response::empty(Status::Created),
        ["gone"] => Response::empty(Status::NoContent).with_header("X-Odd", "a\r\nb: c"),
        ["missing"] => Response::error(Status::NotFound, "unit does not exist"),
        ["large"] => Response::json(Status::Ok, vec![b'x'; 300_000]),
        ["list", pieces] => {
            let pieces: usize = pieces.parse().unwrap();
            Response::json_pieces(Status::Ok, (0..pieces).map(|index| format!("{index:09}\n").into_bytes()))
        }
        ["slow"] => Response::json_stream(
            Status::Ok,
            Box::pin(stream::unfold(0, async |index| {
                future::yield_now().await;
                (index < 3).then(|| (Ok(vec![b'a' + index; 3000]), index + 1))
            })),
        ),
        ["broken", at] => {
            let at: usize = at.parse().unwrap();
            let piece = move |index| {
                if index == at { Err(io::Error::other("source gone")) } else { Ok(vec![b'x'; 1000]) }
            };
            Response::json_stream(Status::Ok, Box::pin(stream::iter((0..100).map(piece))))
        }
        ["endless"] => {
            let made = Rc::new(Cell::new(0_usize));
            let piece = move || {
                made.set(made.get() + 1);
                assert!(made.get() < 5000, "made far more than a client that reads nothing can have taken");
                vec![b'x'; 10_000]
            };
            Response::json_pieces(Status::Ok, std::iter::repeat_with(piece))
        }
        _ => shown(request, peer, count),
    }
}

fn shown(request: &Request, peer: Peer, count: usize) -> Response {
    if request.method == Method::Options {
        return Response::empty(Status::MethodNotAllowed);
    }
    let body = String::from_utf8_lossy(&request.body);
    let text = format!(
        "{} {:?} {:?} {:?} {body} #{count} {}",
        request.method,
        request.path,
        request.query,
        request.content_types,
        if matches!(peer, Peer::Tcp(_)) { "tcp".to_owned() } else { peer.to_string() },
    );
    Response::json(Status::Ok, text)
}

impl Server {
    /// A new connection.
    pub(crate) fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }

    /// Sends one request, and everything that comes back until the end.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut client = self.connect();
        client.send(request.as_bytes());
        client.rest()
    }

    /// Lets one request for `/held` go on, or gives one for `/live` its next piece.
    pub(crate) fn release(&self) {
        self.release.try_send(()).unwrap();
    }

    /// Begins to stop.
    pub(crate) fn stop(&mut self) {
        self.stop = None;
    }

    /// Waits for the end.
    pub(crate) fn join(&mut self) {
        self.stop();
        let thread = self.thread.take().unwrap();
        thread.join().unwrap();
    }

    /// The next notice.
    pub(crate) fn notice(&self) -> String {
        self.notices.recv_timeout(DEADLINE).unwrap()
    }

    /// True if nothing was said since.
    pub(crate) fn is_quiet(&self) -> bool {
        self.notices.try_recv().is_err()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the server's thread panicked");
        }
    }
}

/// One connection of a client.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    received: Vec<u8>,
}

impl Client {
    pub(crate) fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Self { stream, received: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Everything up to and with `end`.
    pub(crate) fn until(&mut self, end: &str) -> String {
        let mut buffer = [0; 4096];
        loop {
            if let Some(at) = self.received.windows(end.len()).position(|window| window == end.as_bytes()) {
                let rest = self.received.split_off(at + end.len());
                return String::from_utf8(std::mem::replace(&mut self.received, rest)).unwrap();
            }
            let received = self.stream.read(&mut buffer);
            match received {
                Ok(count @ 1..) => self.received.extend_from_slice(&buffer[..count]),
                other => {
                    panic!("{other:?} before {end:?}; last seen: {}", String::from_utf8_lossy(&self.received))
                }
            }
        }
    }

    /// Everything up to the end of the stream.
    pub(crate) fn rest(mut self) -> String {
        if let Err(cause) = self.stream.read_to_end(&mut self.received) {
            panic!("{cause}; last seen: {}", String::from_utf8_lossy(&self.received));
        }
        String::from_utf8(self.received).unwrap()
    }
}

/// The status of a response.
pub(crate) fn status(response: &str) -> &str {
    response.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)).unwrap_or(response)
}

/// The response with its date masked.
pub(crate) fn undated(response: &str) -> String {
    let is_date = |line: &&str| line.starts_with("Date: ") && line.trim_end().ends_with(" GMT");
    response.split_inclusive('\n').map(|line| if is_date(&line) { "Date: DATE\r\n" } else { line }).collect()
}
