//! Answers sorted by status and body, from captured errors and from what stands between here and an etcd.

use super::*;

const CASES: [(u16, &str, &str); 14] = [
    (
        404,
        include_str!("../../testdata/missing.json"),
        "100 Key not found (/_coreos.com/fleet/nothing) at 10",
    ),
    (412, include_str!("../../testdata/compare.json"), "101 Compare failed ([4 != 5]) at 10"),
    (
        412,
        include_str!("../../testdata/exists.json"),
        "105 Key already exists (/_coreos.com/fleet/units/web.service) at 10",
    ),
    (
        400,
        include_str!("../../testdata/overrun.json"),
        "401 The event in requested index is outdated and cleared (the requested history has been cleared [18/5]) at 10",
    ),
    (
        403,
        include_str!("../../testdata/not_a_file.json"),
        "BadAnswer: etcd error 102: Not a file (/_coreos.com/fleet/units)",
    ),
    (
        401,
        r#"{"errorCode":110,"message":"The request requires user authentication","cause":"Insufficient credentials","index":0}"#,
        "Forbidden: etcd refuses this client: status 401, The request requires user authentication (Insufficient credentials)",
    ),
    (
        401,
        r#"{"message":"Insufficient credentials"}"#,
        "Forbidden: etcd refuses this client: status 401, Insufficient credentials",
    ),
    (
        500,
        r#"{"errorCode":300,"message":"Raft Internal Error","cause":"etcdserver: request timed out","index":0}"#,
        "Server: etcd failed: status 500, Raft Internal Error (etcdserver: request timed out)",
    ),
    (
        500,
        r#"{"errorCode":301,"message":"During Leader Election","index":0}"#,
        "Server: etcd failed: status 500, During Leader Election",
    ),
    (503, "", "Server: etcd failed: status 503"),
    (
        404,
        "404 page not found\n",
        "NoV2Api: there is no v2 API; start etcd (3.5 at the latest) with --enable-v2",
    ),
    (302, "", "BadAnswer: a redirect to http://elsewhere/login\\u{1b}, which is not followed"),
    (418, "tea\u{7}", "BadAnswer: not an answer of etcd: status 418, tea\\u{7}"),
    (
        400,
        r#"{"errorCode":211,"message":"Value provided on refresh","cause":"x","index":0}"#,
        "BadAnswer: etcd error 211: Value provided on refresh (x)",
    ),
];

fn headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-etcd-index", "10".parse().unwrap());
    headers.insert("x-etcd-cluster-id", "48276a8f75b6a87".parse().unwrap());
    headers
        .insert("location", ureq::http::HeaderValue::from_bytes(b"http://elsewhere/login\xc2\x9b").unwrap());
    headers
}

#[test]
fn errors_are_sorted() {
    for (status, body, want) in CASES {
        let headers = headers();
        let status = StatusCode::from_u16(status).unwrap();
        let sorted = match sort_error(status, &headers, seen(&headers), body.as_bytes()) {
            Ok(Answer::Refusal(Refusal { code, seen, text })) => format!("{code} {text} at {}", seen.index),
            Ok(Answer::Nodes(_)) => "nodes".to_owned(),
            Err(failure) => format!("{:?}: {}", failure.kind, failure.cause),
        };
        assert_eq!(sorted, want.replace("\\u{1b}", "\\u{9b}"));
    }
}

#[test]
fn an_answer_says_where_the_store_is() {
    assert_eq!(seen(&headers()), Some(Seen { index: 10, cluster: 0x0482_76a8_f75b_6a87 }));
    let mut without = headers();
    without.remove("x-etcd-cluster-id");
    assert_eq!(seen(&without), Some(Seen { index: 10, cluster: 0 }));
    without.remove("x-etcd-index");
    assert_eq!(seen(&without), None);
    // An error that looks like etcd's but does not say at which index is not relied on.
    let missing = include_bytes!("../../testdata/missing.json");
    assert!(sort_error(StatusCode::NOT_FOUND, &without, None, missing).is_err());
}
