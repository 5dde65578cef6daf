//! The end of a server: nothing new is taken, idle connections go at once, running requests end or are dropped.

use std::net::TcpStream;
use std::time::Duration;

use agent::http::Limits;

use super::server::{start, status};

#[test]
fn running_requests_end_and_idle_connections_go() {
    let mut server = start(Limits::default());
    let mut running = server.connect();
    running.send(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut idle = server.connect();
    idle.send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    idle.until("tcp");
    server.stop();
    assert_eq!(idle.rest(), "");
    assert!(TcpStream::connect(server.address).is_err(), "still accepts");
    server.release();
    let response = running.rest();
    assert!(status(&response) == "200" && response.contains("\r\nConnection: close\r\n"), "{response}");
    server.join();
    assert!(server.is_quiet());
}

#[test]
fn what_does_not_end_in_time_is_dropped() {
    let mut server = start(Limits { drain_time: Duration::from_millis(100), ..Limits::default() });
    let mut running = server.connect();
    running.send(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n");
    // One that is answered shows that the one before it was accepted.
    assert_eq!(status(&server.ask("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), "200");
    server.join();
    assert_eq!(server.notice(), "stopping: 1 API connections did not end in time and were dropped");
    assert_eq!(running.rest(), "");
}

#[test]
fn an_idle_server_ends_at_once() {
    let mut server = start(Limits::default());
    server.join();
    assert!(server.is_quiet());
}
