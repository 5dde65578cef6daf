//! Bytes of any kind never bring the server down or out of step: each case ends in a response or a close, and the next
//! request is served.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use agent::http::Limits;
use proptest::prelude::*;

use super::server::{Server, start, status};

fn quick() -> Limits {
    let quick = Duration::from_millis(50);
    Limits { head_time: quick, body_time: quick, idle_time: quick, linger_time: quick, ..Limits::default() }
}

/// Sends bytes in pieces, ends, and gives what came back.
fn throw(server: &Server, pieces: &[Vec<u8>]) -> Vec<u8> {
    let mut client = server.connect();
    for piece in pieces {
        // The server may have closed already.
        let _ = client.stream.write_all(piece);
    }
    let _ = client.stream.shutdown(Shutdown::Write);
    let mut response = Vec::new();
    let _ = client.stream.read_to_end(&mut response);
    response
}

fn still_serves(server: &Server) {
    assert_eq!(status(&server.ask("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), "200");
}

/// Every response in a stream of responses begins where it should, so far as a look at the status lines tells.
fn is_nothing_or_http(response: &[u8]) -> bool {
    response.is_empty() || response.starts_with(b"HTTP/1.1 ") || response.starts_with(b"HTTP/1.0 ")
}

#[test]
fn smuggled_requests_are_not_seen() {
    let server = start(quick());
    for request in [
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n",
    ] {
        let response = throw(&server, &[request.into()]);
        let text = String::from_utf8_lossy(&response);
        assert!(is_nothing_or_http(&response) && !text.contains("smuggled"), "{request:?}: {text}");
    }
    still_serves(&server);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_end_in_a_response_or_a_close(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..400), 0..6)) {
        let server = start(quick());
        prop_assert!(is_nothing_or_http(&throw(&server, &pieces)));
        still_serves(&server);
    }

    #[test]
    fn any_request_like_text_ends_in_a_response_or_a_close(
        method in "[A-Z]{0,8}", target in "[/a-z%0-9.?&=+#]{0,30}", version in "HTTP/[0-9.]{0,4}",
        headers in prop::collection::vec("(Content-Length|Transfer-Encoding|Host|Connection|Expect|[a-z]{1,4}): ?[a-z0-9,; -]{0,12}\r?\n", 0..6),
        body in "[0-9a-f\r\n;x]{0,60}", cut in 0_usize..200,
    ) {
        let server = start(quick());
        let whole = format!("{method} {target} {version}\r\n{}\r\n{body}", headers.concat()).into_bytes();
        let (first, second) = whole.split_at(cut.min(whole.len()));
        prop_assert!(is_nothing_or_http(&throw(&server, &[first.to_vec(), second.to_vec()])));
        still_serves(&server);
    }
}
