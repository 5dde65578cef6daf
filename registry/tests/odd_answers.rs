//! `registry::etcd` against servers that break off, contradict themselves or are no etcd at all: no such answer may end
//! as "there is no such key", and no write may be sent twice. Needs nothing but loopback.

// Everything in this program is a test, also what stands outside of the functions marked as one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

#[path = "patience/mod.rs"]
mod patience;
mod scripted;

use std::time::Duration;

use cluster::sorted::Set;
use cluster::{Guard, UnitName};
use patience::timed;
use registry::etcd::{Endpoint, Endpoints, Etcd, KeyPrefix, Settings};
use registry::reads::placements;
use registry::store::{Freshness, Outcome, Store, StoreError, StoreErrorKind, Wake};
use scripted::Reply::{Close, Send, SendAndClose, SendAndHang};
use scripted::{END, Reply, Scripted, answer, beginning};

const NODE: &str = r#"{"action":"get","node":{"key":"/f/k","value":"v","modifiedIndex":4,"createdIndex":3}}"#;
const MISSING: &str = r#"{"errorCode":100,"message":"Key not found","cause":"/f/k","index":5}"#;
const ELECTION: &str =
    r#"{"errorCode":300,"message":"Raft Internal Error","cause":"etcdserver: request timed out","index":0}"#;

fn store_with(urls: &[&str], request_timeout: Duration) -> Etcd {
    let endpoints = urls.iter().map(|url| Endpoint::parse(url).unwrap()).collect();
    let mut settings = Settings::new(Endpoints::new(endpoints).unwrap(), KeyPrefix::parse("f").unwrap());
    settings.request_timeout = request_timeout;
    settings.poll_timeout = Duration::from_millis(700);
    Etcd::new(&settings).unwrap()
}

fn store(servers: &[&Scripted]) -> Etcd {
    let urls: Vec<&str> = servers.iter().map(|server| server.url()).collect();
    store_with(&urls, Duration::from_secs(10))
}

fn value(store: &Etcd) -> Result<Option<String>, StoreError> {
    store.read("k", Freshness::Local).map(|(node, _)| node.map(|node| node.value))
}

/// What a single read ends with where the server replies like this.
fn reading(reply: Reply) -> StoreError {
    let server = Scripted::start(vec![reply.clone()]);
    let result = value(&store(&[&server]));
    result.map(|value| panic!("{reply:?} ended as {value:?}")).unwrap_err()
}

fn leaves(store: &Etcd) -> Result<Vec<String>, StoreError> {
    let mut leaves = Vec::new();
    store.read_tree("", Freshness::Quorum, &mut |leaf| leaves.push(leaf.key.to_owned())).map(|_| leaves)
}

#[test]
fn an_answer_that_is_none_of_etcds_is_a_bad_answer() {
    for (reply, cause) in [
        (Send(answer("200 OK", "")), "the answer is empty"),
        (Send(answer("200 OK", "<html>hello</html>")), "not JSON"),
        (Send(answer("200 OK", "{}")), "cannot read a node"),
        (Send(answer("200 OK", "[]")), "not JSON"),
        (Send(answer("200 OK", &NODE[..NODE.len() - 1])), "cut short"),
        (Send(answer("200 OK", &format!("{NODE}{NODE}"))), "more after its end"),
        (Send(answer("200 OK", &NODE.replace("/f/k", "/f/other"))), "/f/other, which was not asked for"),
        (Send(answer("200 OK", &NODE.replace("/f/k", "/g/k"))), "/g/k, which was not asked for"),
        (Send(answer("200 OK", &NODE.replace("\"node\"", "\"prevNode\""))), "not asked for"),
        (Send(answer("200 OK", NODE).replace("X-Etcd-Index: 5\r\n", "")), "without X-Etcd-Index"),
        (Send(answer("404 Not Found", MISSING).replace("X-Etcd-Index: 5\r\n", "")), "without X-Etcd-Index"),
        (Send(answer("204 No Content", "")), "the answer is empty"),
        (
            Send(
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://10.0.0.1/x\r\nContent-Length: 0\r\n\r\n"
                    .to_owned(),
            ),
            "a redirect to http://10.0.0.1/x, which is not followed",
        ),
        (Send(format!("HTTP/1.1 200 OK\r\nX-Pad: {}\r\n\r\n", "x".repeat(5000))), "too large a header"),
        (SendAndClose("SSH-2.0-OpenSSH_9.2\r\n".to_owned()), "not an answer of etcd"),
        (SendAndClose(answer("200 OK", NODE).replace("Content-Length: ", "Content-Length: 1")), "cut short"),
        (SendAndClose(beginning(&NODE[..40])), "cut short"),
        (SendAndClose(beginning(NODE)), "cut short"),
        (Send(answer("418 I'm a teapot", "short and stout")), "status 418, short and stout"),
    ] {
        let error = reading(reply.clone());
        assert_eq!(error.kind, StoreErrorKind::BadAnswer, "{reply:?}: {error}");
        assert!(error.cause.contains(cause), "{reply:?}: {error}");
        assert!(error.to_string().starts_with("read k: http://127.0.0.1:"), "{error}");
    }
}

#[test]
fn other_refusals_have_kinds_of_their_own() {
    for (reply, kind) in [
        (answer("404 Not Found", "404 page not found\n"), StoreErrorKind::NoV2Api),
        (answer("401 Unauthorized", "{\"message\":\"Insufficient credentials\"}"), StoreErrorKind::Forbidden),
        (answer("403 Forbidden", "go away"), StoreErrorKind::Forbidden),
        (answer("503 Service Unavailable", ""), StoreErrorKind::Server),
        (answer("500 Internal Server Error", ELECTION), StoreErrorKind::Server),
    ] {
        assert_eq!(reading(Send(reply.clone())).kind, kind, "{reply}");
    }
    let ended = Scripted::start(vec![Send(answer("404 Not Found", MISSING))]);
    assert_eq!(value(&store(&[&ended])), Ok(None), "this alone is a no");
}

#[test]
fn a_tree_that_breaks_off_anywhere_is_an_error() {
    let node = |key: &str| format!(r#"{{"key":"/f/{key}","value":"v","modifiedIndex":4,"createdIndex":3}}"#);
    let dir =
        |nodes: &str| format!(r#"{{"action":"get","node":{{"key":"/f","dir":true,"nodes":[{nodes}]}}}}"#);
    let whole = dir(&format!("{},{}", node("a"), node("b")));
    let server = Scripted::start(vec![Send(beginning(&whole) + END)]);
    assert_eq!(leaves(&store(&[&server])).unwrap(), ["a", "b"]);
    for length in 0..whole.len() {
        let server = Scripted::start(vec![SendAndClose(beginning(&whole[..length]))]);
        let error = leaves(&store(&[&server])).unwrap_err();
        assert_eq!(error.kind, StoreErrorKind::BadAnswer, "{length}: {error}");
        let server = Scripted::start(vec![Send(beginning(&whole[..length]) + END)]);
        assert_eq!(leaves(&store(&[&server])).unwrap_err().kind, StoreErrorKind::BadAnswer, "{length}");
    }
    let foreign = dir(&node("a").replace("/f/a", "/else/a"));
    let bare = dir(&node("a").replace(r#""value":"v","#, ""));
    for (body, cause) in [(foreign, "/else/a, which was not asked for"), (bare, "a has no value")] {
        let server = Scripted::start(vec![Send(answer("200 OK", &body))]);
        let error = leaves(&store(&[&server])).unwrap_err();
        assert!(error.to_string().starts_with("read all of /: ") && error.cause.contains(cause), "{error}");
    }
}

#[test]
fn a_tree_that_stops_coming_is_a_time_out() {
    let server = Scripted::start(vec![SendAndHang(beginning("{\"action\":\"get\","))]);
    let store = store_with(&[server.url()], Duration::from_millis(300));
    let (result, took) = timed(|| leaves(&store));
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind, took < Duration::from_secs(3)),
        (StoreErrorKind::Unreachable, true),
        "{error} {took:?}"
    );
    assert!(error.cause.contains("did not end in time"), "{error}");
}

#[test]
fn a_read_is_repeated_on_a_fresh_connection_and_then_elsewhere() {
    // The first answer keeps its connection, which then dies in the moment it is used again.
    let server = Scripted::start(vec![Send(answer("200 OK", NODE)), Close, Send(answer("200 OK", NODE))]);
    let client = store(&[&server]);
    assert_eq!(value(&client), Ok(Some("v".to_owned())));
    assert_eq!(value(&client), Ok(Some("v".to_owned())));
    assert_eq!(server.requests(), ["1 GET /v2/keys/f/k", "1 GET /v2/keys/f/k", "2 GET /v2/keys/f/k"]);

    let (broken, leaderless) =
        (Scripted::start(vec![]), Scripted::start(vec![Send(answer("500 E", ELECTION))]));
    let good = Scripted::start(vec![Send(answer("200 OK", NODE)), Send(answer("200 OK", NODE))]);
    let client = store(&[&broken, &leaderless, &good]);
    assert_eq!(value(&client), Ok(Some("v".to_owned())));
    assert_eq!(client.endpoint(), good.url());
    assert_eq!(value(&client), Ok(Some("v".to_owned())));
    assert_eq!((broken.requests().len(), leaderless.requests().len(), good.requests().len()), (2, 1, 2));

    let client = store(&[&Scripted::start(vec![]), &Scripted::start(vec![Send(answer("500 E", ELECTION))])]);
    let error = value(&client).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::Server);
    assert!(
        error.cause.contains(": the connection was closed without an answer (")
            && error.cause.contains("Raft"),
        "{error}"
    );
}

#[test]
fn an_answer_that_is_no_help_is_not_looked_for_elsewhere() {
    let wrong = Scripted::start(vec![Send(answer("404 Not Found", "nginx"))]);
    let good = Scripted::start(vec![Send(answer("404 Not Found", MISSING))]);
    let client = store(&[&wrong, &good]);
    assert_eq!(value(&client).unwrap_err().kind, StoreErrorKind::NoV2Api);
    assert_eq!((client.endpoint(), good.requests().len()), (wrong.url().to_owned(), 0));
}

#[test]
fn a_write_is_sent_once_whatever_happens_then() {
    let done = NODE.replace("get", "set");
    for (reply, kind) in [
        (Close, StoreErrorKind::Unreachable),
        (SendAndClose("HTTP/1.1 2".to_owned()), StoreErrorKind::Unreachable),
        (SendAndClose(beginning(&done[..50])), StoreErrorKind::BadAnswer),
        (Send(answer("200 OK", "{}")), StoreErrorKind::BadAnswer),
        (Send(answer("200 OK", &done.replace("/f/k", "/f/j"))), StoreErrorKind::BadAnswer),
        (Send(answer("500 E", ELECTION)), StoreErrorKind::Server),
        (Send(answer("503 E", "")), StoreErrorKind::Server),
    ] {
        let first = Scripted::start(vec![reply.clone()]);
        let second = Scripted::start(vec![]);
        let client = store(&[&first, &second]);
        let outcome = client.swap("k", "a b", Guard::new(9).unwrap(), Some(7));
        let Outcome::Unknown(error) = outcome else { panic!("{reply:?}: {outcome:?}") };
        assert_eq!(error.kind, kind, "{reply:?}: {error}");
        assert!(error.to_string().starts_with(&format!("swap k: {}: ", first.url())), "{error}");
        assert_eq!(first.requests(), ["1 PUT /v2/keys/f/k?prevIndex=9&ttl=7 value=a%20b"], "{reply:?}");
        assert_eq!(second.requests(), [""; 0], "{reply:?}");
    }
    let moved = store(&[&Scripted::start(vec![]), &Scripted::start(vec![Send(answer("200 OK", &done))])]);
    assert!(matches!(moved.put("k", "v"), Outcome::Unknown(_)));
    assert!(
        matches!(moved.put("k", "v"), Outcome::Done { created: 3, modified: 4 }),
        "the next one goes elsewhere"
    );
}

#[test]
fn a_refusal_that_cannot_be_looked_into_is_unknown() {
    let exists = r#"{"errorCode":105,"message":"Key already exists","cause":"/f/k","index":5}"#;
    let exists = || Send(answer("412 Precondition Failed", exists));
    let server = Scripted::start(vec![exists(), Send(answer("503 E", ""))]);
    let outcome = store(&[&server]).create("k", "v", None);
    assert!(
        matches!(&outcome, Outcome::Unknown(error) if error.kind == StoreErrorKind::Server),
        "{outcome:?}"
    );
    // Gone again in between: it was refused all the same, and there is nothing there now.
    let server = Scripted::start(vec![exists(), Send(answer("404 Not Found", MISSING))]);
    assert!(matches!(store(&[&server]).create("k", "v", None), Outcome::Refused(None)));
    assert_eq!(server.requests()[1], "1 GET /v2/keys/f/k?quorum=true");
}

#[test]
fn a_poll_that_ends_without_an_event_is_no_quiet() {
    let event = NODE.replace("get", "set");
    for (reply, want) in [
        (Send(beginning("") + END), Err(StoreErrorKind::Unreachable)),
        (Send(answer("200 OK", "")), Err(StoreErrorKind::Unreachable)),
        (SendAndClose(beginning("")), Err(StoreErrorKind::Unreachable)),
        (SendAndClose(beginning(&event[..60])), Err(StoreErrorKind::Unreachable)),
        (Send(beginning(&event[..60]) + END), Err(StoreErrorKind::Unreachable)),
        (Send(beginning("nonsense") + END), Err(StoreErrorKind::BadAnswer)),
        (
            Send(answer(
                "400 Bad Request",
                r#"{"errorCode":400,"message":"watcher is cleared due to etcd recovery","index":9}"#,
            )),
            Err(StoreErrorKind::Server),
        ),
        (
            Send(answer(
                "400 Bad Request",
                r#"{"errorCode":401,"message":"outdated","cause":"[18/5]","index":9}"#,
            )),
            Ok(Wake::Overrun),
        ),
        (SendAndHang(beginning("")), Ok(Wake::Quiet)),
        (Send(beginning(&event) + END), Ok(Wake::Changed { index: 4, key: "k".to_owned() })),
        (
            Send(beginning(&event.replace("/f/k", "/f")) + END),
            Ok(Wake::Changed { index: 4, key: String::new() }),
        ),
        (
            Send(beginning(&event.replace("/f/k", "/")) + END),
            Ok(Wake::Changed { index: 4, key: String::new() }),
        ),
    ] {
        let server = Scripted::start(vec![reply.clone()]);
        let client = store(&[&server]);
        let result = client.watch("k", 3).map_err(|error| error.kind);
        assert_eq!(result, want, "{reply:?}");
        assert_eq!(server.requests(), ["1 GET /v2/keys/f/k?wait=true&recursive=true&waitIndex=4"]);
        assert_eq!(client.endpoint(), server.url());
    }
}

#[test]
fn an_interruption_moves_no_endpoint() {
    let hung = Scripted::start(vec![SendAndHang(beginning("")), SendAndHang(beginning(""))]);
    let other = Scripted::start(vec![]);
    let client = store(&[&hung, &other]);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| client.watch("k", 3));
        patience::wait_until("long poll", Duration::from_secs(10), || {
            if hung.requests().is_empty() { Err("no request yet") } else { Ok(()) }
        });
        client.interrupt_watches();
        assert_eq!(watch.join().unwrap().unwrap_err().kind, StoreErrorKind::Interrupted);
    });
    assert_eq!((client.endpoint(), other.requests().len()), (hung.url().to_owned(), 0));
}

#[test]
fn what_a_message_shows_is_bounded_and_printable() {
    let server = Scripted::start(vec![Send(answer("418 T", &"\u{1b}[31m€".repeat(5000)))]);
    let error = value(&store(&[&server])).unwrap_err().to_string();
    assert!(error.len() < 2000 && !error.contains('\u{1b}'), "{error}");
    let error = store(&[&server]).read("units/\u{1b}", Freshness::Local).unwrap_err().to_string();
    assert!(error.starts_with("read units/\\u{1b}: "), "{error}");
}

#[cfg(not(feature = "tls"))]
#[test]
fn a_build_without_tls_says_so() {
    let endpoints = Endpoints::new(vec![Endpoint::parse("https://127.0.0.1:1").unwrap()]).unwrap();
    let error = Etcd::new(&Settings::new(endpoints, KeyPrefix::parse("f").unwrap())).unwrap_err();
    assert_eq!(error.to_string(), "etcd endpoint https://127.0.0.1:1: built without TLS");
}

/// What a machine of ordinary size asks does not grow with the fleet, which the whole folder does.
#[test]
fn thirty_two_placements_are_read_one_by_one() {
    let units: Set<UnitName> =
        (0..32).map(|number| UnitName::parse(&format!("u{number}.service")).unwrap()).collect();
    let missing = || Send(answer("404 Not Found", MISSING));
    let server = Scripted::start(units.iter().map(|_| missing()).collect());
    let read = placements(&store(&[&server]), &units).unwrap();
    assert!(read.found.is_empty());
    let asked = server.requests();
    assert_eq!(asked.len(), 32);
    assert!(asked.iter().all(|request| request.contains("/placements/u")), "{asked:?}");
}
