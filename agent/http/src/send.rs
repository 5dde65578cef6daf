//! A response on the wire: its head, and its body whole, in chunks, or up to the end of the connection for a client
//! that knows no chunks. Framing and order of the headers are those of fleet's server.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use cluster::limits::{API_SEND_BUFFER_BYTES, API_WHOLE_BODY_MAX_BYTES};
use smol::future;
use smol::stream::StreamExt;

use super::date::HttpDate;
use super::message::{Body, Pieces, Response};
use super::socket::Socket;
use super::status::Status;

/// What the request has to say about the form of its response.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form<'a> {
    /// For the Server header.
    pub(super) server: &'a str,
    /// False for HTTP/1.0.
    pub(super) is_http11: bool,
    /// True for `HEAD`.
    pub(super) head_only: bool,
    /// True if the connection is to go on.
    pub(super) keep_alive: bool,
    /// For the client to take one buffer.
    pub(super) write_time: Duration,
}

/// Why a response did not reach its client whole. The connection cannot be used any more.
#[derive(Debug)]
pub(super) enum SendError {
    /// The client is gone or too slow. The cause interests nobody.
    Client,
    /// The source of the body failed.
    Body(io::Error),
}

enum Extent {
    Bytes(usize),
    Chunked,
    UntilClose,
}

/// Sends a response. True if the connection can go on.
pub(super) async fn send(socket: &Socket, response: Response, form: Form<'_>) -> Result<bool, SendError> {
    let Response { status, headers, body } = response;
    let (whole, pieces) = match body {
        Body::Bytes(bytes) => (bytes, None),
        Body::Live(pieces) if status.has_body() && !form.head_only => {
            return send_live(socket, (status, &headers), pieces, form).await;
        }
        Body::Stream(pieces) if status.has_body() => match beginning(pieces).await {
            Ok(beginning) => beginning,
            Err(cause) => return fail(socket, cause, form).await,
        },
        Body::Empty | Body::Stream(_) | Body::Live(_) => (Vec::new(), None),
    };
    match pieces {
        None => {
            send_whole(socket, (status, &headers), &whole, form).await?;
            Ok(form.keep_alive)
        }
        Some(pieces) => {
            let extent = if form.is_http11 { Extent::Chunked } else { Extent::UntilClose };
            let form = Form { keep_alive: form.keep_alive && form.is_http11, ..form };
            let head = head(status, &headers, &extent, form).into_bytes();
            if form.head_only {
                write(socket, &head, form).await?;
            } else {
                send_pieces(socket, head, whole, pieces, form).await?;
            }
            Ok(form.keep_alive)
        }
    }
}

/// The body failed before anything was sent, so that the client can still be told.
async fn fail(socket: &Socket, cause: io::Error, form: Form<'_>) -> Result<bool, SendError> {
    let form = Form { keep_alive: false, ..form };
    let Response { status, headers, body } = Response::error(Status::InternalServerError, &cause.to_string());
    if let Body::Bytes(whole) = body {
        send_whole(socket, (status, &headers), &whole, form).await?;
    }
    Err(SendError::Body(cause))
}

async fn send_whole(
    socket: &Socket,
    (status, headers): (Status, &[(&'static str, String)]),
    whole: &[u8],
    form: Form<'_>,
) -> Result<(), SendError> {
    let mut out = head(status, headers, &Extent::Bytes(whole.len()), form).into_bytes();
    if form.head_only || !status.has_body() {
        return write(socket, &out, form).await;
    }
    if out.len() + whole.len() <= API_SEND_BUFFER_BYTES {
        out.extend_from_slice(whole);
        return write(socket, &out, form).await;
    }
    write(socket, &out, form).await?;
    drop(out);
    write(socket, whole, form).await
}

/// The whole body if it is short; its beginning and the rest of the stream if not.
async fn beginning(mut pieces: Pieces) -> io::Result<(Vec<u8>, Option<Pieces>)> {
    let mut gathered = Vec::new();
    while gathered.len() <= API_WHOLE_BODY_MAX_BYTES {
        match pieces.next().await {
            Some(piece) => gathered.extend_from_slice(&piece?),
            None => return Ok((gathered, None)),
        }
    }
    Ok((gathered, Some(pieces)))
}

async fn send_pieces(
    socket: &Socket,
    mut out: Vec<u8>,
    mut gathered: Vec<u8>,
    mut pieces: Pieces,
    form: Form<'_>,
) -> Result<(), SendError> {
    loop {
        // What is there is sent before a wait for more; otherwise it is sent a full buffer at a time.
        let next = match future::poll_once(pieces.next()).await {
            Some(next) => next,
            None => {
                flush(socket, &mut out, &mut gathered, form).await?;
                pieces.next().await
            }
        };
        match next {
            Some(Ok(piece)) => gathered.extend_from_slice(&piece),
            Some(Err(cause)) => return Err(SendError::Body(cause)),
            None => break,
        }
        if gathered.len() >= API_SEND_BUFFER_BYTES {
            flush(socket, &mut out, &mut gathered, form).await?;
            // A long list must not keep the agent's loops waiting.
            future::yield_now().await;
        }
    }
    frame(&mut out, &gathered, form.is_http11);
    if form.is_http11 {
        out.extend_from_slice(b"0\r\n\r\n");
    }
    write(socket, &out, form).await
}

/// The head at once, then each piece as it comes, until there are no more or the client is gone.
async fn send_live(
    socket: &Socket,
    (status, headers): (Status, &[(&'static str, String)]),
    mut pieces: Pieces,
    form: Form<'_>,
) -> Result<bool, SendError> {
    let extent = if form.is_http11 { Extent::Chunked } else { Extent::UntilClose };
    let form = Form { keep_alive: form.keep_alive && form.is_http11, ..form };
    write(socket, head(status, headers, &extent, form).as_bytes(), form).await?;
    loop {
        let next = async { Ok(pieces.next().await) };
        let gone = async {
            socket.gone().await;
            Err(SendError::Client)
        };
        let mut out = Vec::new();
        match future::or(next, gone).await? {
            Some(Ok(piece)) => frame(&mut out, &piece, form.is_http11),
            Some(Err(cause)) => return Err(SendError::Body(cause)),
            None => break,
        }
        write(socket, &out, form).await?;
    }
    if form.is_http11 {
        write(socket, b"0\r\n\r\n", form).await?;
    }
    Ok(form.keep_alive)
}

async fn flush(
    socket: &Socket,
    out: &mut Vec<u8>,
    gathered: &mut Vec<u8>,
    form: Form<'_>,
) -> Result<(), SendError> {
    frame(out, gathered, form.is_http11);
    write(socket, out, form).await?;
    for buffer in [out, gathered] {
        buffer.clear();
        buffer.shrink_to(API_SEND_BUFFER_BYTES);
    }
    Ok(())
}

fn frame(out: &mut Vec<u8>, data: &[u8], in_chunks: bool) {
    if data.is_empty() {
        return;
    }
    if in_chunks {
        out.extend_from_slice(format!("{:x}\r\n", data.len()).as_bytes());
    }
    out.extend_from_slice(data);
    if in_chunks {
        out.extend_from_slice(b"\r\n");
    }
}

async fn write(socket: &Socket, bytes: &[u8], form: Form<'_>) -> Result<(), SendError> {
    socket.write_all(bytes, form.write_time).await.map_err(|_| SendError::Client)
}

fn head(status: Status, headers: &[(&'static str, String)], extent: &Extent, form: Form<'_>) -> String {
    let mut head = format!("HTTP/1.{} {} {}\r\n", u8::from(form.is_http11), status.code(), status.reason());
    let mut line = |name: &str, value: &str| {
        head.push_str(name);
        head.push_str(": ");
        head.extend(value.chars().map(|c| if c.is_control() { ' ' } else { c }));
        head.push_str("\r\n");
    };
    for (name, value) in headers {
        line(name, value);
    }
    if !form.server.is_empty() {
        line("Server", form.server);
    }
    let mut text = String::new();
    let _ = write!(text, "{}", HttpDate::now());
    line("Date", &text);
    if let (Extent::Bytes(length), true) = (extent, status.has_body()) {
        line("Content-Length", &length.to_string());
    }
    match (form.is_http11, form.keep_alive) {
        (true, false) => line("Connection", "close"),
        (false, true) => line("Connection", "keep-alive"),
        _ => {}
    }
    if let Extent::Chunked = extent {
        line("Transfer-Encoding", "chunked");
    }
    head.push_str("\r\n");
    head
}
