//! Who asks, and responses as a handler makes them: owned and free of framing. How they look on the wire is the business
//! of `head`, `chunked` and `send`; requests are `fleet_api`'s.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use fleet_api::{Failure, Status};
use smol::stream::{self, Stream};

/// Who sent a request, for audit lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A process on this machine; as the kernel knows it since it connected (`SO_PEERCRED`).
    Unix {
        /// Process.
        pid: i32,
        /// User.
        uid: u32,
        /// Group.
        gid: u32,
    },
    /// A TCP client.
    Tcp(SocketAddr),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix { pid, uid, gid } => write!(f, "uid {uid} gid {gid} pid {pid}"),
            Self::Tcp(address) => write!(f, "{address}"),
        }
    }
}

/// Pieces of a body, made one after the other as the client takes them. Pieces of some hundred bytes to some
/// kilobytes serve best; small ones are gathered, a large one is sent as it is.
pub type Pieces = Pin<Box<dyn Stream<Item = io::Result<Vec<u8>>>>>;

/// The body of a response.
pub enum Body {
    /// None.
    Empty,
    /// Whole.
    Bytes(Vec<u8>),
    /// Piece by piece, in chunks unless it proves short. An error breaks the connection, so that the client cannot
    /// take the part it has for the whole.
    Stream(Pieces),
    /// Piece by piece and each at once, the head before the first one: for a client that waits, perhaps for long, and
    /// that may go away meanwhile, which ends the stream.
    Live(Pieces),
}

/// The answer to a request. The server adds `Server` (if it has a name), `Date` and the headers of framing and connection.
pub struct Response {
    /// The status.
    pub status: Status,
    /// Further headers; control characters in values are sent as blanks.
    pub headers: Vec<(&'static str, String)>,
    /// The body; not sent for `HEAD`, 204 and 304.
    pub body: Body,
}

impl Response {
    /// A response without a body.
    #[must_use]
    pub fn empty(status: Status) -> Self {
        Self { status, headers: Vec::new(), body: Body::Empty }
    }

    /// A response whose body is JSON already.
    #[must_use]
    pub fn json(status: Status, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![json_type()], body: Body::Bytes(body.into()) }
    }

    /// A JSON response made piece by piece from an iterator, which is asked for more only as the client takes it.
    #[must_use]
    pub fn json_pieces(status: Status, pieces: impl Iterator<Item = Vec<u8>> + 'static) -> Self {
        let pieces = Box::pin(stream::iter(pieces.map(Ok)));
        Self { status, headers: vec![json_type()], body: Body::Stream(pieces) }
    }

    /// A JSON response made piece by piece from a stream, which may wait and may fail.
    #[must_use]
    pub fn json_stream(status: Status, pieces: Pieces) -> Self {
        Self { status, headers: vec![json_type()], body: Body::Stream(pieces) }
    }

    /// The API's error: `{"error":{"code":…,"message":…}}` (contract §5).
    #[must_use]
    pub fn error(status: Status, message: &str) -> Self {
        Self::json(status, Failure::new(status, message).body())
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

fn json_type() -> (&'static str, String) {
    ("Content-Type", "application/json".to_owned())
}
