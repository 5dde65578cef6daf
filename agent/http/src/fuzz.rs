//! Doors for the fuzz targets: the parts of a request, and one connection from its first byte to its close. What has to
//! hold of them is checked over there.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use smol::channel;

use super::chunked::Dechunker;
use super::connection::{self, Server};
use super::head::{self, Framing};
use super::limits::Limits;
use super::message::{Peer, Request, Response};
use super::slots::Slots;
use super::socket::Socket;
use super::target;

/// A head that was understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Head {
    /// The request without its body.
    pub request: Request,
    /// The body's length; `None` if it comes in chunks.
    pub body_bytes: Option<usize>,
    /// How much of the bytes it took.
    pub used_bytes: usize,
}

/// The head at the beginning of some bytes, `None` if it is not complete.
///
/// # Errors
/// The status and the message of a refusal.
pub fn head(bytes: &[u8]) -> Result<Option<Head>, (u16, &'static str)> {
    let parsed = head::parse(bytes, &Limits::default());
    let parsed = parsed.map_err(|refusal| (refusal.status.code(), refusal.message))?;
    Ok(parsed.map(|(head, used_bytes)| Head {
        request: head.request,
        body_bytes: match head.framing {
            Framing::Sized(length) => Some(length),
            Framing::Chunked => None,
        },
        used_bytes,
    }))
}

/// Path and query of a target.
///
/// # Errors
/// The status and the message of a refusal.
#[expect(clippy::type_complexity, reason = "plain values, for a test")]
pub fn target(text: &str) -> Result<(Vec<String>, Vec<(String, String)>), (u16, &'static str)> {
    let parsed = target::parse(text, &Limits::default());
    parsed
        .map(|target| (target.path, target.query))
        .map_err(|refusal| (refusal.status.code(), refusal.message))
}

/// The body in chunked bytes that come in pieces, how many bytes it took, and whether it is complete.
///
/// # Errors
/// The status and the message of a refusal.
pub fn dechunk<'a>(
    pieces: impl Iterator<Item = &'a [u8]>,
    most_bytes: usize,
) -> Result<(Vec<u8>, usize, bool), (u16, &'static str)> {
    let mut dechunker = Dechunker::new(most_bytes);
    let (mut body, mut used_bytes) = (Vec::new(), 0);
    for piece in pieces {
        let used = dechunker.feed(piece, &mut body);
        used_bytes += used.map_err(|refusal| (refusal.status.code(), refusal.message))?;
    }
    Ok((body, used_bytes, dechunker.is_done()))
}

/// Serves one connected socket until it ends.
///
/// # Errors
/// The socket cannot be used.
pub async fn serve_one<H>(socket: OwnedFd, limits: Limits, handler: H) -> io::Result<()>
where
    H: AsyncFn(Request, Peer) -> Response,
{
    let (_keeps_going, stopping) = channel::bounded(1);
    let server = Server {
        handler,
        name: String::new(),
        bodies: Slots::new(limits.bodies_bytes),
        limits,
        notify: Box::new(|_| {}),
        stopping,
    };
    let peer = Peer::Unix { pid: 1, uid: 0, gid: 0 };
    connection::serve(Rc::new(server), Socket::new(socket, None)?, peer).await;
    Ok(())
}
