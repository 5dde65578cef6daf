//! The head of a request: bytes in, a [`Head`] or a refusal out. httparse reads the lines; what they may say together,
//! above all how long the body is, is decided here and strictly, since a server and a proxy in front of it that
//! disagree on that can be made to see different requests.

use httparse::{EMPTY_HEADER, Error as ParseError, Header, Status as Progress};

use cluster::limits::API_HEADERS_MAX;

use super::limits::Limits;
use super::message::{Method, Request};
use super::status::Status;
use super::target;

/// A request that is not served, and what its sender is told. The connection is closed afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: Status,
    pub(super) message: &'static str,
}

impl Refusal {
    pub(super) const fn new(status: Status, message: &'static str) -> Self {
        Self { status, message }
    }

    pub(super) const fn bad(message: &'static str) -> Self {
        Self::new(Status::BadRequest, message)
    }
}

/// How the body is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// That many bytes, within `Limits::body_bytes`; none where no header announces a body.
    Sized(usize),
    /// In chunks.
    Chunked,
}

/// A head that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// The request, its body still empty.
    pub(super) request: Request,
    pub(super) framing: Framing,
    /// True for HTTP/1.1, false for HTTP/1.0.
    pub(super) is_http11: bool,
    /// True if the client wants to go on with the connection.
    pub(super) keep_alive: bool,
    /// True if the client waits for a word before it sends the body.
    pub(super) expects_continue: bool,
}

/// Reads a head from the beginning of `bytes`. `None`: it is not complete yet. The number is its length in bytes.
pub(super) fn parse(bytes: &[u8], limits: &Limits) -> Result<Option<(Head, usize)>, Refusal> {
    let mut headers = [EMPTY_HEADER; API_HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(Progress::Complete(length)) => interpret(&request, limits).map(|head| Some((head, length))),
        Ok(Progress::Partial) => Ok(None),
        Err(ParseError::TooManyHeaders) => Err(Refusal::new(Status::HeadersTooLarge, "too many headers")),
        Err(ParseError::Version) if names_http(bytes) => {
            Err(Refusal::new(Status::VersionNotSupported, "only HTTP/1.0 and HTTP/1.1 are spoken here"))
        }
        Err(ParseError::HeaderName | ParseError::HeaderValue) => Err(Refusal::bad("malformed header")),
        Err(_) => Err(Refusal::bad("malformed request line")),
    }
}

/// What to answer to a head that is longer than allowed: it depends on what made it so long.
pub(super) fn too_long(bytes: &[u8]) -> Refusal {
    if bytes.trim_ascii_start().contains(&b'\n') {
        Refusal::new(Status::HeadersTooLarge, "request headers too long")
    } else {
        Refusal::new(Status::UriTooLong, "request line too long")
    }
}

/// True if the first line is a request line of some version of HTTP.
fn names_http(bytes: &[u8]) -> bool {
    let line = bytes.trim_ascii_start().split(|&byte| byte == b'\n').next().unwrap_or_default();
    let mut words = line.split(|&byte| byte == b' ');
    words.nth(2).is_some_and(|version| version.starts_with(b"HTTP/")) && words.next().is_none()
}

fn interpret(request: &httparse::Request<'_, '_>, limits: &Limits) -> Result<Head, Refusal> {
    let is_http11 = request.version == Some(1);
    let headers: &[Header<'_>] = request.headers;
    let target = request.path.unwrap_or_default();
    let parsed = target::parse(target, limits)?;
    let hosts = values(headers, "host").count();
    if hosts > 1 || (is_http11 && hosts == 0) {
        return Err(Refusal::bad("expected one Host header"));
    }
    let content_types = values(headers, "content-type")
        .map(|value| std::str::from_utf8(value).map(str::to_owned))
        .collect::<Result<_, _>>()
        .map_err(|_| Refusal::bad("Content-Type is not UTF-8"))?;
    Ok(Head {
        framing: framing(headers, is_http11, limits)?,
        is_http11,
        keep_alive: keep_alive(headers, is_http11),
        expects_continue: expects_continue(headers, is_http11)?,
        request: Request {
            method: Method::parse(request.method.unwrap_or_default()),
            target: target.to_owned(),
            path: parsed.path,
            query: parsed.query,
            content_types,
            body: Vec::new(),
        },
    })
}

fn values<'a>(headers: &'a [Header<'_>], name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
}

/// The elements of a comma list that may be spread over several headers.
fn elements<'a>(headers: &'a [Header<'_>], name: &'static str) -> impl Iterator<Item = &'a [u8]> {
    values(headers, name)
        .flat_map(|value| value.split(|&byte| byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
}

fn framing(headers: &[Header<'_>], is_http11: bool, limits: &Limits) -> Result<Framing, Refusal> {
    let mut lengths = values(headers, "content-length");
    let length = lengths.next();
    if lengths.next().is_some() {
        return Err(Refusal::bad("more than one Content-Length"));
    }
    if values(headers, "transfer-encoding").next().is_none() {
        return length.map_or(Ok(Framing::Sized(0)), |value| sized(value, limits));
    }
    if length.is_some() {
        return Err(Refusal::bad("both Content-Length and Transfer-Encoding"));
    }
    let (mut codings, mut chunked) = (0, 0);
    for coding in elements(headers, "transfer-encoding") {
        codings += 1;
        chunked += usize::from(coding.eq_ignore_ascii_case(b"chunked"));
    }
    match (codings, chunked) {
        (1, 1) if is_http11 => Ok(Framing::Chunked),
        (1, 1) => Err(Refusal::bad("Transfer-Encoding in HTTP/1.0")),
        (1.., 0) => {
            Err(Refusal::new(Status::NotImplemented, "the only transfer coding known here is chunked"))
        }
        _ => Err(Refusal::bad("malformed Transfer-Encoding")),
    }
}

fn sized(value: &[u8], limits: &Limits) -> Result<Framing, Refusal> {
    let digits = std::str::from_utf8(value.trim_ascii()).unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Refusal::bad("malformed Content-Length"));
    }
    match digits.parse() {
        Ok(length) if length <= limits.body_bytes => Ok(Framing::Sized(length)),
        _ => Err(Refusal::new(Status::ContentTooLarge, "request body too large")),
    }
}

fn keep_alive(headers: &[Header<'_>], is_http11: bool) -> bool {
    let has =
        |token: &[u8]| elements(headers, "connection").any(|element| element.eq_ignore_ascii_case(token));
    !has(b"close") && (is_http11 || has(b"keep-alive"))
}

fn expects_continue(headers: &[Header<'_>], is_http11: bool) -> Result<bool, Refusal> {
    let mut expects = false;
    for expectation in elements(headers, "expect") {
        if !expectation.eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::new(
                Status::ExpectationFailed,
                "the only expectation known here is 100-continue",
            ));
        }
        expects = is_http11;
    }
    Ok(expects)
}

#[cfg(test)]
mod tests;
