//! What something that is no etcd may say. Each lie is told to every request until the front changes its mind.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use crate::front::Asked;

/// What becomes of the connection afterwards.
pub(crate) enum Told {
    GoOn,
    Close,
    /// Until the client has had enough.
    Hang,
}

/// A lie.
#[derive(Clone, Copy)]
pub(crate) struct Lie {
    pub(crate) name: &'static str,
    /// What the agent's status or log then says, among others; empty where nothing is wrong as far as anyone can tell.
    pub(crate) said: &'static str,
    pub(crate) tell: fn(&Asked, &TcpStream) -> io::Result<Told>,
    /// The agent believes no later word of that store either, until somebody says `ctl registry adopt`.
    pub(crate) lasts: bool,
}

const fn lasting(lie: Lie) -> Lie {
    Lie { lasts: true, ..lie }
}

const fn lie(
    name: &'static str,
    said: &'static str,
    tell: fn(&Asked, &TcpStream) -> io::Result<Told>,
) -> Lie {
    Lie { name, said, tell, lasts: false }
}

pub(crate) const LIES: [Lie; 28] = [
    lie("wrong types", "cannot read a node", |asked, to| {
        let node = r#"{"key":["x"],"value":{"a":1},"modifiedIndex":"7","createdIndex":-1}"#;
        whole(to, &format!(r#"{{"action":7,"node":{node},"key":"{}"}}"#, asked.key()))
    }),
    lie("no JSON", "not JSON", |_, to| whole(to, "<html><body>It works!</body></html>")),
    lie("an empty object", "cannot read a node", |_, to| whole(to, "{}")),
    lie("nothing", "the answer is empty", |_, to| whole(to, "")),
    lie("ten thousand levels", "nested more than 64 levels deep", |_, to| {
        whole(to, &"{\"node\":".repeat(10_000))
    }),
    lie("ten thousand brackets", "not JSON", |_, to| whole(to, &"[".repeat(10_000))),
    lie("a value of 100 MB", "is larger than", |asked, to| {
        let open = format!(r#"{{"action":"get","node":{{"key":"{}","value":""#, asked.key());
        flood(to, &open, &"a".repeat(64 * 1024), 1600)
    }),
    lie("nodes without end", "which was not asked for", |asked, to| {
        let key = asked.key();
        let node = format!(r#"{{"key":"{key}/x","value":"v","modifiedIndex":4,"createdIndex":4}},"#);
        flood(to, &tree(key), &node.repeat(500), usize::MAX)
    }),
    lie("blanks without end", "an answer of more than", |_, to| {
        flood(to, "", &" ".repeat(64 * 1024), usize::MAX)
    }),
    lie("a header without end", "too large a header", |_, to| {
        to_end(to, "HTTP/1.1 200 OK\r\nX-Etcd-Index: 9\r\nX-Long: ", &"a".repeat(4096), usize::MAX)
    }),
    lie("headers without end", "too many headers", |_, to| {
        to_end(to, "HTTP/1.1 200 OK\r\n", &"X-Etcd-Index: 9\r\n".repeat(64), usize::MAX)
    }),
    lie("a byte a second, from the head on", "no answer in time", |_, to| {
        drip(to, "HTTP/1.1 200 OK\r\nX-Etcd-Index: 9\r\n")
    }),
    lie("a byte a second, in the body", "did not end in time", |asked, to| {
        send(to, "HTTP/1.1 200 OK\r\nX-Etcd-Index: 9\r\nContent-Length: 100000\r\n\r\n")?;
        drip(to, &tree(asked.key()))
    }),
    lie("silence", "no answer in time", |_, _| Ok(Told::Hang)),
    lie("a closed door", "the connection was closed", |_, _| Ok(Told::Close)),
    lie("a redirect elsewhere", "which is not followed", |asked, to| {
        let place = format!("Location: http://{}{}", asked.elsewhere, asked.key());
        send(to, &format!("HTTP/1.1 307 Temporary Redirect\r\n{place}\r\nContent-Length: 0\r\n\r\n"))?;
        Ok(Told::GoOn)
    }),
    lie("garbage", "not an answer of etcd", |_, to| {
        send(to, &"\u{15}\u{3}\u{1}\u{0}\u{2}\u{2}P".repeat(100))?;
        Ok(Told::Close)
    }),
    lie("half the truth, and half closed", "cut short", |asked, to| {
        let (head, body) = truth(asked)?;
        send(to, &format!("{head}\r\nContent-Length: {}\r\n\r\n{}", body.len(), &body[..body.len() / 2]))?;
        to.shutdown(Shutdown::Write)?;
        Ok(Told::Hang)
    }),
    lie("the truth, announced too long", "cut short", |asked, to| {
        let (head, body) = truth(asked)?;
        send(to, &format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len() + 1000))?;
        Ok(Told::Close)
    }),
    lie("the truth, announced too short", "cut short", |asked, to| {
        let (head, body) = truth(asked)?;
        send(to, &format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len().saturating_sub(20)))?;
        Ok(Told::GoOn)
    }),
    lie("the truth under another prefix", "which was not asked for", |asked, to| {
        let (head, body) = truth(asked)?;
        answer(to, &head, &body.replace("/_coreos.com/fleet", "/elsewhere"))
    }),
    lasting(lie("an index that went back", "the store went back", |asked, to| {
        let (head, body) = truth(asked)?;
        answer(to, &indexed(&head, "2"), &body)
    })),
    lie("an index that is no number", "without X-Etcd-Index", |asked, to| {
        let (head, body) = truth(asked)?;
        answer(to, &indexed(&head, "99999999999999999999999"), &body)
    }),
    lie("a store without anything in it", "the store holds no fleet", |asked, to| {
        let (head, _) = truth(asked)?;
        let cluster = head.lines().find(|line| line.starts_with("X-Etcd-Cluster-Id")).unwrap_or_default();
        let head = format!("HTTP/1.1 404 Not Found\r\nX-Etcd-Index: 4000000\r\n{cluster}");
        answer(to, &head, r#"{"errorCode":100,"message":"Key not found","cause":"/","index":4000000}"#)
    }),
    lie("names that lead out of the folder", "", |asked, to| {
        let (head, body) = truth(asked)?;
        answer(to, &head, &with_more(&body, || strange_names(asked.key())))
    }),
    lie("forty thousand keys more", "more than 32768 keys", |asked, to| {
        let (head, body) = truth(asked)?;
        answer(to, &head, &with_more(&body, || many_names(asked.key())))
    }),
    lie("thirty long reasons", "or 8388608 bytes", |asked, to| {
        let (head, body) = truth(asked)?;
        answer(to, &head, &with_more(&body, || long_reasons(asked.key())))
    }),
    lie("a value ten times too large", "is larger than", |asked, to| {
        let (head, body) = truth(asked)?;
        answer(
            to,
            &head,
            &with_more(&body, || node(&format!("{}/assigned/a.service", asked.key()), &"a".repeat(8 << 20))),
        )
    }),
];

fn send(mut to: &TcpStream, text: &str) -> io::Result<()> {
    to.write_all(text.as_bytes())
}

/// An answer that looks like etcd's from outside.
fn whole(to: &TcpStream, body: &str) -> io::Result<Told> {
    answer(to, "HTTP/1.1 200 OK\r\nX-Etcd-Index: 9", body)
}

fn answer(to: &TcpStream, head: &str, body: &str) -> io::Result<Told> {
    send(to, &format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()))?;
    Ok(Told::GoOn)
}

/// A body in chunks: a beginning, then the same piece so many times.
fn flood(to: &TcpStream, open: &str, piece: &str, times: usize) -> io::Result<Told> {
    send(to, "HTTP/1.1 200 OK\r\nX-Etcd-Index: 9\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    if !open.is_empty() {
        send(to, &format!("{:x}\r\n{open}\r\n", open.len()))?;
    }
    let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
    to_end(to, "", &chunk, times)
}

fn to_end(to: &TcpStream, open: &str, piece: &str, times: usize) -> io::Result<Told> {
    send(to, open)?;
    for _ in 0..times {
        send(to, piece)?;
    }
    Ok(Told::Hang)
}

/// A byte a second, for as long as anyone listens.
fn drip(mut to: &TcpStream, text: &str) -> io::Result<Told> {
    to.set_read_timeout(Some(Duration::from_secs(1)))?;
    for byte in text.bytes() {
        to.write_all(&[byte])?;
        match to.read(&mut [0]) {
            Err(late) if late.kind() == io::ErrorKind::WouldBlock => {}
            _ => return Ok(Told::Close),
        }
    }
    Ok(Told::Hang)
}

/// The truth about anything but a change that is still to come.
fn truth(asked: &Asked) -> io::Result<(String, String)> {
    match asked.is_poll() {
        true => Err(io::ErrorKind::ConnectionAborted.into()),
        false => asked.truth(),
    }
}

fn indexed(head: &str, index: &str) -> String {
    let lines = head.lines().map(|line| match line.starts_with("X-Etcd-Index") {
        true => format!("X-Etcd-Index: {index}"),
        false => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\r\n")
}

/// The beginning of a tree's answer.
fn tree(key: &str) -> String {
    format!(r#"{{"action":"get","node":{{"key":"{key}","dir":true,"nodes":["#)
}

/// An answer's outermost list of nodes with more in it; another answer is as it was.
fn with_more(body: &str, nodes: impl FnOnce() -> String) -> String {
    const LIST: &str = r#""nodes":["#;
    if body.contains(LIST) { body.replacen(LIST, &format!("{LIST}{},", nodes()), 1) } else { body.to_owned() }
}

/// What a machine holds of a global unit, as JSON in JSON.
const GLOBAL: &str =
    r#"{\"incarnation\":7,\"hash\":\"0000000000000000000000000000000000000000\",\"target\":\"launched\"}"#;

fn node(key: &str, value: &str) -> String {
    format!(r#"{{"key":"{key}","value":"{value}","modifiedIndex":7,"createdIndex":7}}"#)
}

fn strange_names(key: &str) -> String {
    let names = [
        "globals/../../../evil.service",
        "globals/..",
        "globals/..%2f..%2fevil.service",
        "globals/%2E%2E/evil.service",
        "globals/%2E./evil.service",
        "globals/evil",
        "globals/evil.service/again.service",
        "globals//evil.service",
        "globals/evil.service\\u0000",
        "globals/\\n.service",
        "globals/@.service",
        "assigned/../../../evil.service",
        "assigned/..",
        "assigned/%2E%2E",
        "metadata/../x",
        "..",
        "../../evil.service",
        "",
    ];
    names.map(|name| node(&format!("{key}/{name}"), GLOBAL)).join(",")
}

/// What a machine is told of a unit, with as long a reason as fits into a node.
fn long_reasons(key: &str) -> String {
    let assigned =
        GLOBAL.replace('}', &format!(r#",\"phase\":\"placed\",\"why\":\"{}\"}}"#, "a".repeat(700_000)));
    static NODES: Made = Made::new();
    NODES.of(key, || {
        let nodes = (0..30).map(|number| node(&format!("{key}/assigned/u{number}.service"), &assigned));
        nodes.collect::<Vec<_>>().join(",")
    })
}

fn many_names(key: &str) -> String {
    static NODES: Made = Made::new();
    NODES.of(key, || {
        let nodes = (0..40_000).map(|number| node(&format!("{key}/globals/u{number}.service"), GLOBAL));
        nodes.collect::<Vec<_>>().join(",")
    })
}

/// What takes longer to make than the agent waits is made once for each key.
struct Made(Mutex<BTreeMap<String, String>>);

impl Made {
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn of(&self, key: &str, make: impl FnOnce() -> String) -> String {
        self.0.lock().unwrap().entry(key.to_owned()).or_insert_with(make).clone()
    }
}
