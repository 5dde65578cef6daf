//! What hostile clients may cost: more connections than there is room for, each with as much as it can send. The peak of
//! this process, which holds nothing but the server and its clients, stays within a bound.

// Everything in this program is a test, also what stands outside of the functions marked as one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;

use agent::api::{self, Audit, Host, NotDone};
use agent::http::{self, Limits, Listener, Options};
use agent::news::Desk;
use cluster::limits::{API_BODIES_MAX_BYTES, API_CONNECTIONS_MAX};
use fleet_api::access::Identity;
use registry::etcd::{Endpoint, Endpoints, Etcd, KeyPrefix, Settings};
use registry::store::Store;

/// Above what it was before: all bodies there may be, read once and decoded once, and the threads of the clients here.
const GROWTH_MAX_BYTES: usize = 3 * API_BODIES_MAX_BYTES;

const CLIENTS: usize = 2 * API_CONNECTIONS_MAX;

struct Agent {
    store: Arc<dyn Store>,
    desk: Desk,
}

impl Host for Agent {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn page_limit(&self) -> u16 {
        100
    }

    fn standing(&self) -> Result<(), String> {
        Ok(())
    }

    fn metrics(&self) -> Option<String> {
        None
    }

    async fn adopt(&self) -> Result<String, NotDone> {
        Err(NotDone::Refused("no need".to_owned()))
    }

    async fn copy(&self, _: String) -> Result<String, NotDone> {
        Err(NotDone::Refused("there is nowhere to go".to_owned()))
    }

    fn may(&self, _: Identity<'_>, _: fleet_api::Method) -> Result<(), fleet_api::Failure> {
        Ok(())
    }

    fn audit(&self, _: &Audit<'_>) {}
}

/// Serves an API whose registry never answers: what is sent here must not get that far.
fn serve() -> SocketAddr {
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.tcp_address().unwrap();
    thread::spawn(move || {
        let endpoints = Endpoints::new(vec![Endpoint::parse("http://127.0.0.1:1").unwrap()]).unwrap();
        let store: Arc<dyn Store> =
            Arc::new(Etcd::new(&Settings::new(endpoints, KeyPrefix::parse("/fleet").unwrap())).unwrap());
        let host = Agent { desk: Desk::new(Arc::clone(&store)), store };
        let options =
            Options { server_name: "x".into(), limits: Limits::default(), notify: Box::new(|_| {}) };
        let handler = async |request, peer| api::answer(&host, request, peer).await;
        smol::block_on(http::serve(vec![listener], options, handler, smol::future::pending()));
    });
    address
}

fn peak_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<usize>().unwrap() * 1024
}

/// Sends until it is cut off; the status it got, if one came through.
fn send(mut stream: TcpStream, head: &str, piece: &[u8], times: usize) -> Option<u16> {
    let mut sent = stream.write_all(head.as_bytes());
    for _ in 0..times {
        sent = sent.and_then(|()| stream.write_all(piece));
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).split(' ').nth(1)?.parse().ok()
}

/// All at once, each on a connection of its own.
fn crowd(address: SocketAddr, head: &'static str, piece: &'static [u8], times: usize) -> Vec<Option<u16>> {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let stream = TcpStream::connect(address).unwrap();
            let small = thread::Builder::new().stack_size(64 * 1024);
            small.spawn(move || send(stream, head, piece, times)).unwrap()
        })
        .collect();
    clients.into_iter().map(|client| client.join().unwrap()).collect()
}

#[test]
fn a_crowd_costs_no_more_than_the_limits_allow() {
    static BLANKS: [u8; 16 * 1024] = [b' '; 16 * 1024];
    static BRACKETS: [u8; 16 * 1024] = [b'['; 16 * 1024];
    let address = serve();
    let fine = "GET /fleet/v1/discovery HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let ask = || send(TcpStream::connect(address).unwrap(), fine, b"", 0);
    assert_eq!(ask(), Some(200));
    let before = peak_bytes();

    // 10 MB each, announced.
    let head = "PUT /fleet/v1/units/x.service HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10485760\r\n\r\n";
    let answers = crowd(address, head, &BLANKS, 64);
    assert!(answers.iter().flatten().all(|status| matches!(status, 413 | 503)), "{answers:?}");
    // 10 MB each, in chunks that say nothing of the whole.
    let head = "PUT /fleet/v1/units/x.service HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\na00000\r\n";
    let answers = crowd(address, head, &BLANKS, 64);
    assert!(answers.iter().flatten().all(|status| matches!(status, 413 | 503)), "{answers:?}");
    // As much as is allowed, and nothing but depth.
    let head =
        "PATCH /fleet/v1/machines HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 589824\r\n\r\n";
    let answers = crowd(address, head, &BRACKETS, 36);
    assert!(answers.iter().flatten().all(|status| matches!(status, 400 | 503)), "{answers:?}");
    assert!(answers.contains(&Some(400)), "{answers:?}");
    // A head that never ends.
    let answers = crowd(address, "GET /fleet/v1/units HTTP/1.1\r\nx: ", &BLANKS, 64);
    assert!(answers.iter().flatten().all(|status| matches!(status, 400 | 431 | 503)), "{answers:?}");

    let grown = peak_bytes().saturating_sub(before);
    assert!(grown < GROWTH_MAX_BYTES, "grew by {grown} bytes, {GROWTH_MAX_BYTES} at most");
    assert_eq!(ask(), Some(200), "it does not serve any more");
}
