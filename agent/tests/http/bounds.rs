//! Each bound of the server, and what a client that passes it is told.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use agent::http::{Limits, Listener};

use super::folder::TempFolder;
use super::server::{Client, DEADLINE, start, start_on_all, status};

const SHORT: Duration = Duration::from_millis(150);

fn error(code: u16, message: &str) -> String {
    format!("{{\"error\":{{\"code\":{code},\"message\":\"{message}\"}}}}")
}

#[test]
fn says_what_is_too_large() {
    let server = start(Limits { body_bytes: 10, ..Limits::default() });
    let long = "x".repeat(9000);
    for (request, expected) in [
        (format!("GET /{long}"), error(414, "request line too long")),
        (
            format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(5000)),
            error(414, "request target too long"),
        ),
        (format!("GET / HTTP/1.1\r\nHost: x\r\nA: {long}"), error(431, "request headers too long")),
        (format!("GET / HTTP/1.1\r\n{}", "A: b\r\n".repeat(90)), error(431, "too many headers")),
        (
            "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n".into(),
            error(413, "request body too large"),
        ),
        (
            "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n".into(),
            error(413, "request body too large"),
        ),
        (
            "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n6\r\n".into(),
            error(413, "request body too large"),
        ),
        ("GET /a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q HTTP/1.1\r\nHost: x\r\n\r\n".into(), error(404, "")),
    ] {
        let response = server.ask(&request);
        assert!(response.ends_with(&expected), "{request}: {response}");
        assert!(response.contains("Connection: close") && !response.contains("100 Continue"), "{response}");
    }
    let exact =
        server.ask("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nConnection: close\r\n\r\n0123456789");
    assert!(exact.contains(" 0123456789 #1"), "{exact}");
}

#[test]
fn a_large_refused_body_does_not_cost_the_client_its_answer() {
    let server = start(Limits::default());
    let mut client = server.connect();
    client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n");
    let mut sent = 0;
    while sent < 2_000_000 {
        sent += client.stream.write(&[b'x'; 10_000]).unwrap();
    }
    assert_eq!(status(&client.until("}}")), "413");
}

#[test]
fn does_not_wait_forever_for_a_request() {
    let limits = Limits { head_time: SHORT, body_time: SHORT, idle_time: SHORT, ..Limits::default() };
    let server = start(limits);
    assert_eq!(server.ask(""), "");
    for start in
        ["G", "GET / HTTP/1.1\r\nHost: x\r\n", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"]
    {
        let response = server.ask(start);
        assert!(response.ends_with(&error(408, "request took too long")), "{start:?}: {response}");
    }
    // Between two requests there is nothing to answer, so the connection just ends.
    let mut client = server.connect();
    client.send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    client.until("tcp");
    assert_eq!(client.rest(), "");
}

#[test]
fn a_slow_sender_gets_no_more_time_by_sending_a_little() {
    let server = start(Limits { head_time: Duration::from_millis(500), ..Limits::default() });
    let mut client = server.connect();
    client.stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let begun = now();
    let mut answer = Vec::new();
    let mut buffer = [0; 1024];
    client.send(b"GET / HTTP/1.1\r\n");
    while begun.elapsed() < DEADLINE {
        let _ = client.stream.write_all(b"a: b\r\n");
        if let Ok(count @ 1..) = client.stream.read(&mut buffer) {
            answer.extend_from_slice(&buffer[..count]);
            break;
        }
    }
    assert_eq!(status(&String::from_utf8_lossy(&answer)), "408");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[test]
fn drops_a_client_that_does_not_take_its_response() {
    let server = start(Limits { write_time: SHORT, connections: 1, ..Limits::default() });
    let mut client = server.connect();
    client.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    // Nothing is read; the place becomes free again.
    until_served(&server);
}

#[test]
fn tells_a_connection_too_many_and_takes_it_once_there_is_room() {
    let server = start(Limits { connections: 2, refusals: 1, linger_time: SHORT, ..Limits::default() });
    let mut held = [server.connect(), server.connect()];
    for client in &mut held {
        client.send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
        client.until("tcp");
    }
    // Without a word from the client, and more of them than may be told at a time.
    for _ in 0..4 {
        let response = server.connect().rest();
        assert!(response.ends_with(&error(503, "too many connections")), "{response}");
    }
    assert_eq!(server.notice(), "all 2 API connections are in use; further ones are answered with 503");
    assert!(server.is_quiet());
    drop(held);
    until_served(&server);
}

#[test]
fn whoever_fills_the_port_does_not_keep_the_machines_own_people_out() {
    let folder = TempFolder::new("kept");
    let path = folder.0.join("api.sock");
    let listeners = vec![
        Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap(),
        Listener::unix(&path, "no such group").unwrap(),
    ];
    let server = start_on_all(listeners, Limits { connections: 8, ..Limits::default() });
    let held: Vec<Client> = (0..7).map(|_| served(&server)).collect();
    let refused = server.connect().rest();
    assert!(refused.ends_with(&error(503, "too many connections")), "{refused}");
    assert_eq!(server.notice(), "all 7 API connections are in use; further ones are answered with 503");
    let ask = || {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    // One after the other: the place of the last one is free again once its connection has ended.
    (0..3).for_each(|_| loop_until(|| status(&ask()) == "200"));
    drop(held);
}

/// A connection that has been answered, and is kept.
fn served(server: &super::server::Server) -> Client {
    let mut client = server.connect();
    client.send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    client.until("tcp");
    client
}

#[test]
fn bounds_the_bodies_of_all_connections_together() {
    let server = start(Limits { bodies_bytes: 1000, ..Limits::default() });
    let request = |path: &str| {
        format!(
            "PUT /{path} HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\nConnection: close\r\n\r\n{}",
            "b".repeat(600)
        )
    };
    let mut first = server.connect();
    first.send(request("held").as_bytes());
    // Refused while the first one is held, served once it is not.
    loop_until(|| server.ask(&request("x")).ends_with(&error(503, "too many request bodies at once")));
    server.release();
    assert_eq!(status(&first.rest()), "200");
    loop_until(|| status(&server.ask(&request("x"))) == "200");
}

#[test]
fn runs_handlers_side_by_side() {
    let server = start(Limits::default());
    let mut held: Vec<Client> = (0..10).map(|_| server.connect()).collect();
    for client in &mut held {
        client.send(b"GET /held HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    }
    assert_eq!(status(&server.ask("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), "200");
    (0..10).for_each(|_| server.release());
    held.into_iter().for_each(|client| assert_eq!(status(&client.rest()), "200"));
}

/// Instead of a fixed wait: asks until it is so.
fn loop_until(mut condition: impl FnMut() -> bool) {
    let begun = now();
    while !condition() {
        assert!(begun.elapsed() < DEADLINE, "did not come to be within {DEADLINE:?}");
        std::thread::yield_now();
    }
}

fn until_served(server: &super::server::Server) {
    loop_until(|| status(&server.ask("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")) == "200");
}

#[allow(clippy::disallowed_methods)] // A test's deadline, not the agent's time.
fn now() -> Instant {
    Instant::now()
}
