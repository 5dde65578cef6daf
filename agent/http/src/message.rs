//! Requests as a handler sees them and responses as it makes them: decoded, owned, free of framing. How they look on
//! the wire is the business of `head`, `chunked` and `send`.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;

use cluster::json;
use serde::Serialize;
use smol::stream::{self, Stream};

use super::status::Status;

/// Most bytes of an error body; texts come from us and repeat at most a name or two.
const ERROR_BODY_MAX_BYTES: usize = 16 * 1024;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`: whatever body the response has is not sent.
    Head,
    /// `PUT`.
    Put,
    /// `POST`.
    Post,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `OPTIONS`.
    Options,
    /// Any other token.
    Other(String),
}

impl Method {
    pub(super) fn parse(token: &str) -> Self {
        match token {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "PUT" => Self::Put,
            "POST" => Self::Post,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The token as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other(token) => token,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One request, complete with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// Path and query as they were sent, for log lines.
    pub target: String,
    /// The path between its slashes, percent-decoded: `/a/b%2Fc` is `["a", "b/c"]`, `/` is `[""]`, `/a/` is
    /// `["a", ""]`. No part is `.` or `..` or holds a control character.
    pub path: Vec<String>,
    /// The query's parameters in order, percent-decoded, `+` as a blank; the value of `?a` is empty.
    pub query: Vec<(String, String)>,
    /// The value of each Content-Type header.
    pub content_types: Vec<String>,
    /// The body without its framing.
    pub body: Vec<u8>,
}

impl Request {
    /// The values of a query parameter, in order.
    pub fn parameter<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Who sent a request, for access and for audit lines.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// A TCP client that said nothing of itself.
    Tcp(SocketAddr),
    /// A TCP client with TLS.
    Tls {
        /// Where it is.
        address: SocketAddr,
        /// Who it is.
        shown: Shown,
    },
}

/// What a TLS client showed of itself. Whatever it is, an authority of ours vouches for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// No certificate.
    Nothing,
    /// A certificate without a common name, with several, or with one that is no plain word.
    Unnamed,
    /// A certificate with this common name: letters, digits and `-_.@:/+`, at most
    /// `limits::CERTIFICATE_NAME_MAX_BYTES` of them.
    Name(Rc<str>),
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix { pid, uid, gid } => write!(f, "uid={uid} gid={gid} pid={pid}"),
            Self::Tcp(address) => write!(f, "from={address}"),
            Self::Tls { address, shown } => {
                let name = if let Shown::Name(name) = shown { &**name } else { "" };
                write!(f, "cert={name} from={address}")
            }
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

#[derive(Serialize)]
struct ErrorBody<'a> {
    error: ErrorFields<'a>,
}

#[derive(Serialize)]
struct ErrorFields<'a> {
    code: u16,
    message: &'a str,
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
        let code = status.code();
        let body = json::encode(&ErrorBody { error: ErrorFields { code, message } }, ERROR_BODY_MAX_BYTES)
            .unwrap_or_else(|_| format!("{{\"error\":{{\"code\":{code},\"message\":\"\"}}}}"));
        Self::json(status, body)
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

#[cfg(test)]
mod tests {
    use super::{Body, Response};
    use crate::Status;

    #[test]
    fn errors_have_the_api_s_body() {
        let Body::Bytes(body) = Response::error(Status::NotFound, "unit \"a\\b\" does\nnot exist").body
        else {
            panic!("no body")
        };
        let text = String::from_utf8(body).unwrap();
        assert_eq!(text, r#"{"error":{"code":404,"message":"unit \"a\\b\" does\nnot exist"}}"#);
    }
}
