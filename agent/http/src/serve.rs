//! The server as one future: accepts connections, keeps to the bounds, ends when it is told to. Its tasks run inside
//! that future, so that whoever drops it has nothing left running, and no thread is started.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use smol::{LocalExecutor, Timer, channel, future};

use super::connection::{self, Server};
use super::limits::Limits;
use super::listener::Listener;
use super::message::{Peer, Request, Response};
use super::notice::Notice;
use super::slots::Slots;
use super::socket::Socket;

/// First wait after a failed accept; doubled up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// Longest wait after a failed accept.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// That part of the connections is kept for Unix sockets, where there are any, so that no stranger on the network can keep
/// this machine's own people out.
const KEPT_PART: usize = 8;

/// How a server presents itself and what it keeps to.
pub struct Options {
    /// Value of the Server header, `fleetd/<version>` in the agent's API (contract §5); empty for no such header.
    pub server_name: String,
    /// Its bounds.
    pub limits: Limits,
    /// Told what an operator may want to know.
    pub notify: Box<dyn Fn(Notice)>,
}

/// Serves requests from all `listeners` with `handler` until `stop` is ready. Then the listeners are closed, idle
/// connections too, and running requests have `Limits::drain_time` to end.
///
/// Runs on whatever executor polls it, on that one thread. Handlers run side by side, each for one request; a
/// connection's requests run one after the other.
pub async fn serve<H>(listeners: Vec<Listener>, options: Options, handler: H, stop: impl Future<Output = ()>)
where
    H: AsyncFn(Request, Peer) -> Response,
{
    let Options { server_name, limits, notify } = options;
    let (stopping, told) = channel::bounded(1);
    let bounds = limits.clone();
    let server = Rc::new(Server {
        handler: Box::new(handler),
        name: server_name,
        bodies: Slots::new(limits.bodies_bytes),
        limits,
        notify,
        stopping: told,
    });
    let executor = LocalExecutor::new();
    let any_local = listeners.iter().any(Listener::is_local);
    let entrance = Entrance {
        server: server.clone(),
        kept: if any_local { bounds.connections / KEPT_PART } else { 0 },
        executor: &executor,
        connections: Slots::new(bounds.connections),
        refusals: Slots::new(bounds.refusals),
    };
    executor.run(future::or(stop, entrance.accept_from(&listeners))).await;
    drop(listeners);
    drop(stopping);
    let Entrance { connections, refusals, .. } = entrance;
    let ended = async {
        connections.at_most(0).await;
        refusals.at_most(0).await;
    };
    let late = async {
        Timer::after(bounds.drain_time).await;
        (server.notify)(Notice::Dropped { connections: connections.taken() + refusals.taken() });
    };
    executor.run(future::or(ended, late)).await;
}

/// Where connections come in.
struct Entrance<'a, 'e> {
    server: Rc<Server<'e>>,
    executor: &'a LocalExecutor<'e>,
    connections: Rc<Slots>,
    /// Of these connections those that only a Unix socket's clients may take.
    kept: usize,
    refusals: Rc<Slots>,
}

impl Entrance<'_, '_> {
    /// Never ends.
    async fn accept_from(&self, listeners: &[Listener]) {
        let mut loops: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::with_capacity(listeners.len());
        for listener in listeners {
            loops.push(Box::pin(self.accept(listener)));
        }
        poll_fn(|context| {
            for accepting in &mut loops {
                let _ = accepting.as_mut().poll(context);
            }
            Poll::Pending
        })
        .await
    }

    async fn accept(&self, listener: &Listener) {
        let mut pause = FIRST_PAUSE;
        let mut was_full = false;
        let kept = if listener.is_local() { 0 } else { self.kept };
        loop {
            if self.connections.is_full(kept) {
                // Whoever cannot even be told waits in the kernel's queue.
                self.refusals.free().await;
            }
            match listener.accept().await {
                Ok((socket, peer)) => {
                    pause = FIRST_PAUSE;
                    let served = self.admit(socket, peer, kept);
                    if !served && !was_full {
                        (self.server.notify)(Notice::Full { connections: self.connections.taken() });
                    }
                    // Said again only after it was half empty in between.
                    let is_crowded = self.connections.taken() * 2 > self.server.limits.connections;
                    was_full = !served || (was_full && is_crowded);
                }
                Err(cause) if concerns_one_connection(&cause) => {}
                Err(cause) => {
                    if pause == FIRST_PAUSE {
                        let listener = listener.name().to_owned();
                        (self.server.notify)(Notice::AcceptFailed { listener, cause });
                    }
                    Timer::after(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Starts the connection's task. False if it is only told that there is no room.
    fn admit(&self, socket: Socket, peer: Peer, kept: usize) -> bool {
        let server = self.server.clone();
        if let Some(slot) = self.connections.take(kept) {
            let task = async move {
                connection::serve(server, socket, peer).await;
                drop(slot);
            };
            self.executor.spawn(task).detach();
            return true;
        }
        if let Some(slot) = self.refusals.take(0) {
            let task = async move {
                connection::turn_away(server, socket, peer).await;
                drop(slot);
            };
            self.executor.spawn(task).detach();
        }
        // Where another listener was quicker, there is no room even for that, and the socket just closes.
        false
    }
}

/// True for errors of a connection that broke before it was accepted (accept(2)); the listener itself is well.
fn concerns_one_connection(cause: &io::Error) -> bool {
    use io::ErrorKind::{
        ConnectionAborted, ConnectionReset, HostUnreachable, Interrupted, NetworkDown, NetworkUnreachable,
        NotConnected, TimedOut,
    };
    matches!(
        cause.kind(),
        ConnectionAborted
            | ConnectionReset
            | HostUnreachable
            | Interrupted
            | NetworkDown
            | NetworkUnreachable
            | NotConnected
            | TimedOut
    )
}
