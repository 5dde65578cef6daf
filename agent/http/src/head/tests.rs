//! What heads are understood and which are refused; the shapes by which requests are smuggled above all.

use super::{Framing, Head, parse, too_long};
use crate::limits::Limits;
use crate::{Method, Status};

fn head(text: &str) -> Head {
    let (head, length) = parse(text.as_bytes(), &Limits::default()).unwrap().unwrap();
    assert_eq!(length, text.find("\r\n\r\n").unwrap() + 4);
    head
}

fn refused(lines: &str) -> (u16, &'static str) {
    let text = format!("{lines}\r\n\r\n");
    match parse(text.as_bytes(), &Limits::default()) {
        Err(refusal) => (refusal.status.code(), refusal.message),
        Ok(other) => panic!("{lines:?} is not refused: {other:?}"),
    }
}

#[test]
fn understands_what_curl_sends() {
    let head = head(
        "PUT /fleet/v1/units/a%401.service?alt=json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json; charset=utf-8\r\n\
         content-type: b\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n{\"a\":1}",
    );
    assert_eq!(head.request.method, Method::Put);
    assert_eq!(head.request.path, ["fleet", "v1", "units", "a@1.service"]);
    assert_eq!(head.request.parameter("alt").collect::<Vec<_>>(), ["json"]);
    assert_eq!(head.request.content_types, ["application/json; charset=utf-8", "b"]);
    assert_eq!(head.framing, Framing::Sized(7));
    assert!(head.keep_alive && head.is_http11 && head.expects_continue);
}

#[test]
fn a_body_is_only_what_a_header_announces() {
    for method in ["GET", "PUT", "POST", "PATCH", "DELETE", "BREW"] {
        assert_eq!(
            head(&format!("{method} / HTTP/1.1\r\nHost: x\r\n\r\n")).framing,
            Framing::Sized(0),
            "{method}"
        );
    }
    let chunked = head("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n");
    assert_eq!(chunked.framing, Framing::Chunked);
}

#[test]
fn knows_who_wants_to_go_on() {
    for (version, connection, keep) in [
        ("1.1", "", true),
        ("1.1", "Connection: close\r\n", false),
        ("1.1", "Connection: x, CLOSE\r\n", false),
        ("1.1", "Connection: x\r\nConnection: close\r\n", false),
        ("1.0", "", false),
        ("1.0", "Connection: Keep-Alive\r\n", true),
    ] {
        let head = head(&format!("GET / HTTP/{version}\r\nHost: x\r\n{connection}\r\n"));
        assert_eq!(head.keep_alive, keep, "{version} {connection}");
    }
}

#[test]
fn refuses_requests_that_two_servers_could_see_differently() {
    let put = |headers: &str| refused(&format!("PUT / HTTP/1.1\r\nHost: x\r\n{headers}")).0;
    assert_eq!(put("Content-Length: 1\r\nTransfer-Encoding: chunked"), 400);
    assert_eq!(put("Content-Length: 1\r\nContent-Length: 1"), 400);
    assert_eq!(put("Content-Length: 1\r\nContent-Length: 2"), 400);
    for length in ["", "+1", "-1", "1, 1", "0x1", "1 1", "1a"] {
        assert_eq!(put(&format!("Content-Length: {length}")), 400, "{length}");
    }
    for coding in ["", "chunked, chunked", "gzip, chunked", "chunked, gzip", "\tchunked,identity"] {
        assert_eq!(put(&format!("Transfer-Encoding: {coding}")), 400, "{coding}");
    }
    assert_eq!(put("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"), 400);
    assert_eq!(put("Transfer-Encoding: gzip"), 501);
    assert_eq!(put("Transfer-Encoding: xchunked"), 501);
    assert_eq!(put("Content-Length : 1"), 400);
    assert_eq!(put("Content-Length: 1\r\n folded"), 400);
    assert_eq!(refused("PUT / HTTP/1.0\r\nTransfer-Encoding: chunked").0, 400);
    assert_eq!(refused("GET / HTTP/1.1").0, 400);
    assert_eq!(refused("GET / HTTP/1.1\r\nHost: a\r\nHost: b").0, 400);
}

#[test]
fn says_what_is_too_much_or_unknown() {
    assert_eq!(refused("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999").0, 413);
    assert_eq!(refused("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999").0, 413);
    assert_eq!(refused("PUT / HTTP/1.1\r\nHost: x\r\nExpect: 200-ok").0, 417);
    assert_eq!(refused("GET / HTTP/2.0\r\nHost: x").0, 505);
    assert_eq!(refused("GET / HTTP/1.2\r\nHost: x").0, 505);
    assert_eq!(refused(&format!("GET / HTTP/1.1\r\n{}", "a: b\r\n".repeat(100))).0, 431);
    assert_eq!(too_long(b"\r\nGET /aaa").status, Status::UriTooLong);
    assert_eq!(too_long(b"GET /aaa HTTP/1.1\r\na: bbb").status, Status::HeadersTooLarge);
}

#[test]
fn refuses_garbage_as_soon_as_it_is_seen() {
    for bytes in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"\0",
        b"GET\0",
        b"{\"a\":1}\n",
        b"GET /a b HTTP/1.1\r\n",
        b"GET /\r\n",
    ] {
        let refusal = parse(bytes, &Limits::default()).unwrap_err();
        assert_eq!(refusal.status, Status::BadRequest, "{bytes:?}");
    }
    assert_eq!(parse(b"GET / HTTP/1.1\r\nHost: x\r\n", &Limits::default()), Ok(None));
    assert_eq!(parse(b"", &Limits::default()), Ok(None));
}
