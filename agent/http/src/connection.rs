//! One connection from its first byte to its close: head, body, handler, response, and again. Holds no buffer while it
//! waits for a request.

use std::io;
use std::pin::Pin;
use std::rc::Rc;

use smol::channel::Receiver;
use smol::{Timer, future};

use super::chunked::Dechunker;
use super::head::{self, Framing, Head, Refusal};
use super::limits::Limits;
use super::message::{Method, Peer, Request, Response};
use super::notice::Notice;
use super::send::{Form, SendError, send};
use super::slots::{Held, Slots};
use super::socket::{NoHandshake, Socket, within};
use super::status::Status;

/// Most bytes taken from the socket at a time.
const READ_BYTES: usize = 4 * 1024;
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What answers requests. Behind a pointer, so that the code for connections is there once however many servers there are.
pub(super) trait Handler {
    fn answer(&self, request: Request, peer: Peer) -> Pin<Box<dyn Future<Output = Response> + '_>>;
}

impl<F: AsyncFn(Request, Peer) -> Response> Handler for F {
    fn answer(&self, request: Request, peer: Peer) -> Pin<Box<dyn Future<Output = Response> + '_>> {
        Box::pin(self(request, peer))
    }
}

/// What all connections of a server share.
pub(super) struct Server<'h> {
    pub(super) handler: Box<dyn Handler + 'h>,
    pub(super) name: String,
    pub(super) limits: Limits,
    pub(super) bodies: Rc<Slots>,
    pub(super) notify: Box<dyn Fn(Notice)>,
    /// Closed once the server is told to stop.
    pub(super) stopping: Receiver<()>,
}

/// How a wait for a part of a request ended, if not with the part.
enum Broken {
    /// The client is gone, or an idle connection has served its time.
    Gone,
    /// The client is to be told something, then the connection ends.
    Refused(Refusal),
}

impl From<Refusal> for Broken {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Serves one connection until it ends.
pub(super) async fn serve(server: Rc<Server<'_>>, mut socket: Socket, peer: Peer) {
    let shaken = socket.shake_hands(&peer, server.limits.head_time).await;
    let mut connection = Connection { server: &server, socket, input: Vec::new() };
    let peer = match shaken {
        Ok(peer) => peer,
        Err(cause) => return connection.give_up(peer, cause).await,
    };
    loop {
        match connection.exchange(&peer).await {
            Ok(true) => {}
            Ok(false) => break,
            Err(Broken::Gone) => return,
            Err(Broken::Refused(refusal)) => {
                connection.refuse(&refusal).await;
                break;
            }
        }
    }
    connection.socket.linger(server.limits.linger_time).await;
}

/// Tells a connection for which there is no room that there is none.
pub(super) async fn turn_away(server: Rc<Server<'_>>, mut socket: Socket, peer: Peer) {
    let shaken = socket.shake_hands(&peer, server.limits.head_time).await;
    let connection = Connection { server: &server, socket, input: Vec::new() };
    match shaken {
        Ok(_) => {
            let refusal = Refusal::new(Status::ServiceUnavailable, "too many connections");
            connection.refuse_and_linger(&refusal).await;
        }
        Err(cause) => connection.give_up(peer, cause).await,
    }
}

struct Connection<'a> {
    server: &'a Server<'a>,
    socket: Socket,
    /// Bytes that were received and not yet used; pipelined requests wait here.
    input: Vec<u8>,
}

impl Connection<'_> {
    /// One request and its response. True if the connection goes on.
    async fn exchange(&mut self, peer: &Peer) -> Result<bool, Broken> {
        self.request_begins().await?;
        let Head { mut request, framing, is_http11, keep_alive, expects_continue } = self.head().await?;
        // Counted until the response is sent: a handler may keep what it was given.
        let mut held = self.server.bodies.hold();
        request.body = self.body(framing, expects_continue, &mut held).await?;
        let head_only = request.method == Method::Head;
        let name = format!("{} {}", request.method, request.target);
        let response = self.server.handler.answer(request, peer.clone()).await;
        let keep_alive = keep_alive && !self.server.stopping.is_closed();
        let form = Form { is_http11, head_only, keep_alive, ..self.form() };
        send(&self.socket, response, form).await.map_err(|error| {
            if let SendError::Body(cause) = error {
                (self.server.notify)(Notice::BodyFailed { request: name, cause });
            }
            Broken::Gone
        })
    }

    fn form(&self) -> Form<'_> {
        let write_time = self.server.limits.write_time;
        Form { server: &self.server.name, is_http11: true, head_only: false, keep_alive: false, write_time }
    }

    async fn refuse(&self, refusal: &Refusal) {
        // If the client does not take it, there is nobody left to tell.
        let _ = send(&self.socket, Response::error(refusal.status, refusal.message), self.form()).await;
    }

    async fn refuse_and_linger(&self, refusal: &Refusal) {
        self.refuse(refusal).await;
        self.socket.linger(self.server.limits.linger_time).await;
    }

    /// Ends a connection that should have TLS and has not.
    async fn give_up(&self, peer: Peer, cause: NoHandshake) {
        match cause {
            NoHandshake::Plain => {
                let refusal = Refusal::bad("this port speaks TLS only: use https://");
                self.refuse_and_linger(&refusal).await;
            }
            NoHandshake::Failed(cause) => {
                (self.server.notify)(Notice::NoHandshake { peer, cause });
                self.socket.linger(self.server.limits.linger_time).await;
            }
        }
    }

    /// Waits for the first byte of a request.
    async fn request_begins(&mut self) -> Result<(), Broken> {
        if !self.input.is_empty() {
            return Ok(());
        }
        self.input = Vec::new();
        let stopped = async {
            let _ = self.server.stopping.recv().await;
            Err(io::ErrorKind::Interrupted.into())
        };
        let begins = within(self.server.limits.idle_time, self.socket.readable());
        future::or(begins, stopped).await.map_err(|_| Broken::Gone)
    }

    async fn head(&mut self) -> Result<Head, Broken> {
        let limits = &self.server.limits;
        let mut deadline = Timer::after(limits.head_time);
        let mut looked_at_bytes = 0;
        loop {
            // Looked at as soon as there is anything, so that garbage is refused at once, and then line by line.
            let news = self.input.get(looked_at_bytes..).unwrap_or_default();
            let look = (looked_at_bytes == 0 && !news.is_empty()) || news.contains(&b'\n');
            if look && let Some((head, used_bytes)) = head::parse(&self.input, limits)? {
                self.input.drain(..used_bytes);
                return Ok(head);
            }
            looked_at_bytes = self.input.len();
            let room = limits.head_bytes.saturating_sub(looked_at_bytes);
            if room == 0 {
                return Err(head::too_long(&self.input).into());
            }
            self.receive(room.min(READ_BYTES), &mut deadline).await?;
        }
    }

    async fn body(&mut self, framing: Framing, expects: bool, held: &mut Held) -> Result<Vec<u8>, Broken> {
        let mut body = Vec::new();
        if framing == Framing::Sized(0) {
            return Ok(body);
        }
        if expects && self.input.is_empty() {
            let written = self.socket.write_all(CONTINUE, self.server.limits.write_time).await;
            written.map_err(|_| Broken::Gone)?;
        }
        let mut deadline = Timer::after(self.server.limits.body_time);
        let mut dechunker = Dechunker::new(self.server.limits.body_bytes);
        loop {
            let before = body.len();
            let used_bytes = match framing {
                Framing::Sized(length) => {
                    let part = self.input.get(..length - before).unwrap_or(&self.input);
                    body.extend_from_slice(part);
                    part.len()
                }
                Framing::Chunked => dechunker.feed(&self.input, &mut body)?,
            };
            self.input.drain(..used_bytes);
            if !held.add(body.len() - before) {
                return Err(
                    Refusal::new(Status::ServiceUnavailable, "too many request bodies at once").into()
                );
            }
            let done = match framing {
                Framing::Sized(length) => body.len() == length,
                Framing::Chunked => dechunker.is_done(),
            };
            if done {
                return Ok(body);
            }
            self.receive(READ_BYTES, &mut deadline).await?;
        }
    }

    /// Takes at least one and at most that many further bytes of a request that has begun.
    async fn receive(&mut self, most: usize, deadline: &mut Timer) -> Result<(), Broken> {
        let late = async {
            deadline.await;
            Err(io::ErrorKind::TimedOut.into())
        };
        match future::or(self.socket.read_onto(&mut self.input, most), late).await {
            Ok(0) => Err(Broken::Gone),
            Ok(_) => Ok(()),
            Err(cause) if cause.kind() == io::ErrorKind::TimedOut => {
                Err(Refusal::new(Status::RequestTimeout, "request took too long").into())
            }
            Err(_) => Err(Broken::Gone),
        }
    }
}
