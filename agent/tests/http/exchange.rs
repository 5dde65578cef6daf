//! Requests and responses as they should be: framing as fleet's server had it, keep-alive, pipelining, HEAD, chunks.

use agent::http::Limits;

use super::server::{start, status, undated};

const CLOSE: &str = "Host: x\r\nConnection: close\r\n\r\n";

#[test]
fn frames_responses_as_fleet_did() {
    let server = start(Limits::default());
    let mut client = server.connect();
    client.send(b"GET /missing HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        undated(&client.until("exist\"}}")),
        "HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nServer: fleetd/test\r\nDate: DATE\r\n\
         Content-Length: 54\r\n\r\n{\"error\":{\"code\":404,\"message\":\"unit does not exist\"}}"
    );
    client.send(b"PUT /empty HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        undated(&client.until("\r\n\r\n")),
        "HTTP/1.1 201 Created\r\nServer: fleetd/test\r\nDate: DATE\r\nContent-Length: 0\r\n\r\n"
    );
    client.send(b"DELETE /gone HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        undated(&client.until("\r\n\r\n")),
        "HTTP/1.1 204 No Content\r\nX-Odd: a  b: c\r\nServer: fleetd/test\r\nDate: DATE\r\n\r\n"
    );
    client.send(b"GET /list/300 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(
        undated(&client.until("\r\n\r\n")),
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: fleetd/test\r\nDate: DATE\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    client.until("0\r\n\r\n");
}

#[test]
fn gives_the_handler_everything_decoded() {
    let server = start(Limits::default());
    let response = server.ask(
        "PUT /units/a%401.service?alt=json&x=a+b HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Type: c\r\n\
         Content-Length: 5\r\nConnection: close\r\n\r\nhello",
    );
    let expected =
        r#"PUT ["units", "a@1.service"] [("alt", "json"), ("x", "a b")] ["a/b", "c"] hello #1 tcp"#;
    assert!(response.ends_with(expected), "{response}");
    assert!(response.contains("\r\nConnection: close\r\n"), "{response}");
}

#[test]
fn takes_a_chunked_body_and_what_follows_it() {
    let server = start(Limits::default());
    let mut client = server.connect();
    client.send(b"PATCH / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x\r\n!\r\n0\r\n\r\nGET /next HT");
    assert!(client.until("#1 tcp").contains("hello! #1"));
    client.send(b"TP/1.1\r\nHost: x\r\n\r\n");
    client.until("#2 tcp");
}

#[test]
fn answers_pipelined_requests_in_order() {
    let server = start(Limits::default());
    let mut requests = String::new();
    for index in 0..50 {
        requests += &format!("PUT /{index} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc\r\n");
    }
    let response = server.ask(&(requests + "GET /last HTTP/1.1\r\n" + CLOSE));
    for index in 0..50 {
        assert!(
            response.contains(&format!("[\"{index}\"] [] [] abc #{} ", index + 1)),
            "{index}: {response}"
        );
    }
    assert!(response.ends_with("GET [\"last\"] [] []  #51 tcp"), "{response}");
}

#[test]
fn sends_a_head_without_its_body() {
    let server = start(Limits::default());
    let mut client = server.connect();
    client.send(b"HEAD /large HTTP/1.1\r\nHost: x\r\n\r\nHEAD /list/9 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(client.until("\r\n\r\n").contains("\r\nContent-Length: 300000\r\n"));
    assert!(client.until("\r\n\r\n").contains("\r\nContent-Length: 90\r\n"));
    client.send(format!("HEAD /list/900 HTTP/1.1\r\n{CLOSE}").as_bytes());
    let last = client.rest();
    assert!(last.contains("\r\nTransfer-Encoding: chunked\r\n") && last.ends_with("\r\n\r\n"), "{last}");
}

#[test]
fn waits_for_the_body_only_after_it_said_so() {
    let server = start(Limits::default());
    let mut client = server.connect();
    client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(b"ok");
    assert!(client.until("tcp").contains(" ok #1"));
    client.send(b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok");
    assert!(client.until("tcp").starts_with("HTTP/1.1 200"));
}

#[test]
fn speaks_http_1_0_with_those_who_do() {
    let server = start(Limits::default());
    let response = server.ask("GET /x HTTP/1.0\r\n\r\n");
    assert!(response.starts_with("HTTP/1.0 200 OK\r\n") && response.ends_with(" tcp"), "{response}");
    let mut client = server.connect();
    client.send(b"GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert!(client.until("tcp").contains("\r\nConnection: keep-alive\r\n"));
    client.send(b"GET /list/1000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let whole = client.rest();
    assert!(!whole.contains("Transfer-Encoding") && whole.ends_with("\n000000999\n"), "{whole}");
}

#[test]
fn streams_pieces_as_they_come() {
    let server = start(Limits::default());
    let response = server.ask(&format!("GET /slow HTTP/1.1\r\n{CLOSE}"));
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert_eq!(status(head), "200");
    let chunk = |letter: &str| format!("bb8\r\n{}\r\n", letter.repeat(3000));
    assert_eq!(body, chunk("a") + &chunk("b") + &chunk("c") + "0\r\n\r\n");
}

#[test]
fn a_broken_source_never_looks_like_a_whole_body() {
    let server = start(Limits::default());
    let early = server.ask("GET /broken/1 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&early), "500");
    assert!(early.ends_with("{\"error\":{\"code\":500,\"message\":\"source gone\"}}"), "{early}");
    assert_eq!(server.notice(), "answer GET /broken/1: source gone");
    let late = server.ask("GET /broken/50 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(status(&late), "200");
    assert!(!late.contains("\r\n0\r\n"), "{late}");
    assert_eq!(server.notice(), "answer GET /broken/50: source gone");
}

#[test]
fn sends_live_pieces_one_by_one_and_ends_when_the_client_goes() {
    let mut server = start(Limits::default());
    let mut client = server.connect();
    client.send(b"GET /live HTTP/1.1\r\nHost: x\r\n\r\n");
    let head = client.until("\r\n\r\n");
    assert!(head.contains("\r\nTransfer-Encoding: chunked\r\n"), "{head}");
    for _ in 0..2 {
        server.release();
        assert_eq!(client.until("news\n\r\n"), "5\r\nnews\n\r\n");
    }
    drop(client);
    // Only a connection that has ended lets the server stop without a notice.
    server.join();
    assert!(server.is_quiet());
}

#[test]
fn leaves_targets_alone_where_the_handler_has_its_own_rules() {
    let server = start(Limits { splits_targets: false, ..Limits::default() });
    let response = server.ask(&format!("GET /a/../%00?b=%zz HTTP/1.1\r\n{CLOSE}"));
    assert!(response.ends_with("GET [] [] []  #1 tcp"), "{response}");
}
