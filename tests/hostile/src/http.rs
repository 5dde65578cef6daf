//! Requests over HTTP: heads, targets and chunked bodies by themselves, and a whole connection over a socket pair, whose
//! answers must be whole responses, one for each request that was understood and at most one refusal at the end.

use std::cell::RefCell;
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use arbitrary::{Arbitrary, Unstructured};
use cluster::limits::{API_HEAD_MAX_BYTES, API_PATH_SEGMENTS_MAX, API_QUERY_PAIRS_MAX};
use http_server::fuzz::{dechunk, head, serve_one, target};
use http_server::{Body, Limits, Method, Request, Response, Status};
use smol::Async;
use smol::future;
use smol::io::AsyncReadExt;

/// The head of a request, the target in it, and what follows as a chunked body.
pub fn parts(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        checked_target(text);
    }
    chunks(bytes);
    match head(bytes) {
        Err((status, message)) => refused(status, message),
        Ok(None) => {}
        Ok(Some(whole)) => {
            assert!(whole.used_bytes <= bytes.len());
            assert_eq!(head(&bytes[..whole.used_bytes]).as_ref(), Ok(&Some(whole)));
        }
    }
    // A head does not come to be understood by being cut, and is not refused for what is missing.
    let cut = &bytes[..bytes.len() / 2];
    if let (Ok(Some(short)), whole) = (head(cut), head(bytes)) {
        assert_eq!(whole, Ok(Some(short)));
    }
}

fn refused(status: u16, message: &str) {
    assert!((400..=505).contains(&status), "{status}");
    assert!(!message.contains(char::is_control), "{message:?}");
}

fn checked_target(text: &str) {
    match target(text) {
        Err((status, message)) => refused(status, message),
        Ok((path, query)) => {
            assert!(path.len() <= API_PATH_SEGMENTS_MAX && query.len() <= API_QUERY_PAIRS_MAX);
            let mut texts = query.iter().flat_map(|(name, value)| [name, value]).chain(&path);
            assert!(texts.all(|text| !text.contains(char::is_control)), "{path:?} {query:?}");
            assert!(path.iter().all(|part| part != "." && part != ".."), "{path:?}");
            // Spelled with everything encoded, it is the same target.
            let encoded =
                |text: &String| -> String { text.bytes().map(|byte| format!("%{byte:02x}")).collect() };
            let pairs: Vec<String> =
                query.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
            let parts: Vec<String> = path.iter().map(encoded).collect();
            let again = format!("/{}?{}", parts.join("/"), pairs.join("&"));
            if again.len() <= 4096 {
                assert_eq!(target(&again), Ok((path.clone(), query.clone())), "{again}");
            }
        }
    }
}

fn chunks(bytes: &[u8]) {
    let whole = dechunk(std::iter::once(bytes), 1 << 16);
    let pieces = dechunk(bytes.chunks(1), 1 << 16);
    match (whole, pieces) {
        (Err((status, message)), Err(pieces)) => {
            refused(status, message);
            assert_eq!((status, message), pieces);
        }
        (whole, pieces) => {
            assert_eq!(whole, pieces);
            let (body, used_bytes, is_done) = whole.unwrap();
            assert!(body.len() <= used_bytes && used_bytes <= bytes.len());
            assert!(is_done || used_bytes == bytes.len());
        }
    }
    // What is put in chunks comes out of them, and leaves what follows.
    let step = bytes.first().map_or(1, |byte| usize::from(*byte) + 1);
    let mut coded: Vec<u8> = Vec::new();
    for chunk in bytes.chunks(step) {
        coded.extend(format!("{:x}\r\n", chunk.len()).bytes());
        coded.extend_from_slice(chunk);
        coded.extend_from_slice(b"\r\n");
    }
    coded.extend_from_slice(b"0\r\n\r\n");
    let length = coded.len();
    coded.extend_from_slice(b"GET");
    assert_eq!(dechunk(coded.chunks(3), bytes.len()), Ok((bytes.to_vec(), length, true)));
}

#[derive(Arbitrary, Debug)]
struct Talk {
    parts: Vec<Part>,
}

/// A request of which most is right, or anything at all.
#[derive(Arbitrary, Debug)]
enum Part {
    Raw(Vec<u8>),
    Sized { put: bool, path: String, length: Option<u16>, body: Vec<u8> },
    Chunked { body: Vec<u8>, step: u8 },
    Header { name: u8, value: String },
}

const NAMES: [&str; 6] =
    ["Content-Length", "Transfer-Encoding", "Expect", "Connection", "Host", "Content-Type"];

impl Part {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Raw(bytes) => out.extend_from_slice(bytes),
            Self::Sized { put, path, length, body } => {
                let verb = if *put { "PUT" } else { "GET" };
                let length = length.map_or(body.len(), usize::from);
                let head = format!("{verb} /{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n");
                out.extend(head.bytes());
                out.extend_from_slice(body);
            }
            Self::Chunked { body, step } => {
                out.extend_from_slice(b"PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
                for chunk in body.chunks(usize::from(*step) + 1) {
                    out.extend(format!("{:X}\r\n", chunk.len()).bytes());
                    out.extend_from_slice(chunk);
                    out.extend_from_slice(b"\r\n");
                }
                out.extend_from_slice(b"0\r\n\r\n");
            }
            Self::Header { name, value } => {
                let name = NAMES[usize::from(*name) % NAMES.len()];
                out.extend(format!("GET / HTTP/1.1\r\nHost: x\r\n{name}: {value}\r\n\r\n").bytes());
            }
        }
    }
}

/// A whole connection.
pub fn connection(bytes: &[u8]) {
    let Ok(talk) = Talk::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let mut sent = Vec::new();
    talk.parts.iter().for_each(|part| part.write(&mut sent));
    // All of it has to fit into the socket pair: it is there before the server is.
    sent.truncate(32 * 1024);
    let (ours, theirs) = UnixStream::pair().unwrap();
    (&ours).write_all(&sent).unwrap();
    ours.shutdown(Shutdown::Write).unwrap();
    let seen = RefCell::new(Vec::new());
    let limits = Limits { body_bytes: 8 * 1024, bodies_bytes: 8 * 1024, ..Limits::default() };
    let most_bytes = limits.body_bytes;
    let handler = async |request: Request, _| {
        assert!(request.body.len() <= most_bytes && request.target.len() <= API_HEAD_MAX_BYTES);
        let is_head = request.method == Method::Head;
        let length = request.body.len();
        seen.borrow_mut().push(is_head);
        Response {
            status: Status::Ok,
            headers: Vec::new(),
            body: Body::Bytes(length.to_string().into_bytes()),
        }
    };
    let mut answers = Vec::new();
    let mut ours = Async::new(ours).unwrap();
    // Taken as they come: hundreds of them do not fit into the socket pair.
    let (served, taken) = smol::block_on(future::zip(
        serve_one(theirs.into(), limits, handler),
        ours.read_to_end(&mut answers),
    ));
    served.unwrap();
    taken.unwrap();
    responses(&answers, &seen.borrow());
}

/// Takes the answers apart: a response each, then at most one refusal, then nothing.
fn responses(mut rest: &[u8], seen: &[bool]) {
    const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    let mut finals = 0;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(CONTINUE) {
            rest = after;
            continue;
        }
        let shown = || String::from_utf8_lossy(rest).into_owned();
        let end =
            rest.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("{}", shown()));
        let text = std::str::from_utf8(&rest[..end]).unwrap();
        let after = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "));
        let status: u16 = after.and_then(|text| text.get(..3)?.parse().ok()).unwrap();
        let length = text.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
        let length: usize = length.unwrap_or_else(|| panic!("{text}"));
        let is_head = seen.get(finals).copied().unwrap_or(false);
        assert!(status == 200 || finals == seen.len(), "{status} for a request that was served: {text}");
        finals += 1;
        rest = &rest[end + 4..];
        if !is_head {
            assert!(length <= rest.len(), "{text}");
            rest = &rest[length..];
        }
    }
    assert!(finals == seen.len() || finals == seen.len() + 1, "{finals} answers to {} requests", seen.len());
}
