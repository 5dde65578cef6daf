//! Bodies and parameters that are wrong in each way there is, through the whole of the server, from the socket on: every one
//! gets the error that is documented, nothing is stored, and the server goes on.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;

use agent::api;
use agent::http::{self, Limits, Listener, Options};
use cluster::limits::{API_BODY_MAX_BYTES, UNIT_OPTIONS_MAX};
use smol::channel;

use super::fleet::{Fleet, SLEEP};

/// What is sent, and what is answered: the status and the beginning of the message.
struct Case {
    what: &'static str,
    head: String,
    body: Vec<u8>,
    status: u16,
    message: &'static str,
}

fn put(what: &'static str, body: impl Into<Vec<u8>>, status: u16, message: &'static str) -> Case {
    let head = "PUT /fleet/v1/units/x.service HTTP/1.1\r\nContent-Type: application/json\r\n".to_owned();
    Case { what, head, body: body.into(), status, message }
}

fn patch(what: &'static str, body: impl Into<Vec<u8>>, message: &'static str) -> Case {
    let head = "PATCH /fleet/v1/machines HTTP/1.1\r\n".to_owned();
    Case { what, head, body: body.into(), status: 400, message }
}

fn get(what: &'static str, target: &str, status: u16, message: &'static str) -> Case {
    Case { what, head: format!("GET {target} HTTP/1.1\r\n"), body: Vec::new(), status, message }
}

fn option(value: &str) -> String {
    format!(r#"{{"section":"Service","name":"ExecStart","value":"{value}"}}"#)
}

fn bodies() -> Vec<Case> {
    let undecodable = "unable to decode body: ";
    let many = vec![option("/bin/true"); UNIT_OPTIONS_MAX + 1].join(",");
    let long = [option(&format!("/bin/echo {}", "x".repeat(2000))).as_str(); 40].join(",");
    vec![
        put("nothing", "", 400, undecodable),
        put("no JSON", "desiredState=launched", 400, undecodable),
        put("half of it", r#"{"desiredState":"laun"#, 400, undecodable),
        put("more than one", "{}{}", 400, undecodable),
        put("a list", "[]", 400, undecodable),
        put("a number for a string", r#"{"desiredState":7}"#, 400, undecodable),
        put("a string for a list", r#"{"options":"x"}"#, 400, undecodable),
        put("a number in the list", r#"{"options":[5]}"#, 400, undecodable),
        put(
            "a list for a string",
            r#"{"options":[{"section":[],"name":"a","value":"b"}]}"#,
            400,
            undecodable,
        ),
        put(
            "no state there is",
            format!(r#"{{"desiredState":"started","options":{SLEEP}}}"#),
            400,
            "invalid desiredState",
        ),
        put(
            "a very long state",
            format!(r#"{{"desiredState":"{}"}}"#, "x".repeat(90_000)),
            400,
            "invalid desiredState",
        ),
        put("no unit's name", r#"{"name":"x y"}"#, 400, "name in URL"),
        put("a very long name", format!(r#"{{"name":"{}"}}"#, "x".repeat(90_000)), 400, "name in URL"),
        put(
            "no options",
            r#"{"desiredState":"launched"}"#,
            409,
            "unit does not exist and options field empty",
        ),
        put("bytes that are no text", b"{\"name\":\"x\xff\xfe.service\"}", 400, undecodable),
        put("half a surrogate", r#"{"name":"\ud83d"}"#, 400, undecodable),
        put("too deep", "[".repeat(100_000), 400, undecodable),
        put("too deep further in", format!(r#"{{"x":{}"#, r#"{"x":"#.repeat(90_000)), 400, undecodable),
        put("too many options", format!(r#"{{"options":[{many}]}}"#), 400, ""),
        put("too long a line", format!(r#"{{"options":[{}]}}"#, option(&"x".repeat(5000))), 400, ""),
        put("too large a unit", format!(r#"{{"options":[{long}]}}"#), 400, ""),
        put("too large a body", vec![b' '; 10 * 1024 * 1024], 413, ""),
        put("one byte too many", vec![b' '; API_BODY_MAX_BYTES + 1], 413, ""),
        patch("no list", "{}", undecodable),
        patch(
            "no operation",
            r#"[{"op":"move","path":"/m/metadata/a","value":"b"}]"#,
            "invalid op: expect add, remove, or replace",
        ),
        patch(
            "a wrong path",
            r#"[{"op":"add","path":"/m/metadata/../a","value":"b"}]"#,
            "machine metadata path invalid",
        ),
        patch(
            "no value",
            r#"[{"op":"add","path":"/m/metadata/a"}]"#,
            "invalid value: add and replace require a value",
        ),
        patch(
            "a number for a value",
            r#"[{"op":"add","path":"/m/metadata/a","value":7}]"#,
            "invalid value: add and replace require a value",
        ),
    ]
}

fn targets() -> Vec<Case> {
    let long = format!("/fleet/v1/units/{}.service", "x".repeat(300));
    let longer = format!("/fleet/v1/units/{}.service", "x".repeat(5000));
    vec![
        get("a token that is none", "/fleet/v1/units?nextPageToken=%2e", 400, "malformed page token"),
        get(
            "another server's token",
            "/fleet/v1/units?nextPageToken=ZQACAA==",
            400,
            "token limit must be 100",
        ),
        get(
            "two tokens",
            "/fleet/v1/units?nextPageToken=a&nextPageToken=b",
            400,
            "too many values for page token",
        ),
        get("bytes that are no text", "/fleet/v1/units/%ff%fe.service", 400, "request target is not UTF-8"),
        get("a folder above", "/fleet/v1/units/..%2f..%2fetc", 404, "unit does not exist"),
        get("dots", "/fleet/v1/units/%2e%2e", 400, "request path must not hold"),
        get("too long a name", &long, 404, "unit does not exist"),
        get("too long a target", &longer, 414, ""),
        get("a moment that is none", "/fleet/v1/changes?after=now", 400, "invalid after: expect a number"),
        get("a bad filter", "/fleet/v1/state?units=,", 400, "invalid units: expect words"),
    ]
}

/// Sends a case on a connection of its own; the status and the message of the answer.
fn send(address: SocketAddr, case: &Case) -> (u16, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let head =
        format!("{}Host: x\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", case.head, case.body.len());
    // The server may have said no, and gone, long before all is sent.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&case.body));
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer);
    let status = text.split(' ').nth(1).and_then(|code| code.parse().ok());
    let message = text.split_once(r#""message":""#).and_then(|(_, rest)| rest.rsplit_once(r#""}}"#));
    let message = message.map_or("no message", |(message, _)| message).replace("\\\"", "\"");
    (status.unwrap_or_else(|| panic!("{}: no answer: {text}", case.what)), message)
}

#[test]
fn each_wrong_request_gets_its_error_and_the_server_goes_on() {
    let fleet = Fleet::start();
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.tcp_address().unwrap();
    let (stop, stopped) = channel::bounded::<()>(1);
    let client = thread::spawn(move || {
        let _stop = stop;
        let mut wrong = Vec::new();
        for case in bodies().into_iter().chain(targets()) {
            let (status, message) = send(address, &case);
            if status != case.status || !message.starts_with(case.message) {
                let message: String = message.chars().take(200).collect();
                wrong.push(format!(
                    "{}: {status} {message:?}, not {} {:?}",
                    case.what, case.status, case.message
                ));
            }
            if message.len() > 2000 {
                wrong.push(format!("{}: a message of {} bytes", case.what, message.len()));
            }
        }
        let fine = send(address, &get("", "/fleet/v1/units", 200, "")).0;
        (wrong, fine)
    });
    let options = Options { server_name: "x".into(), limits: Limits::default(), notify: Box::new(|_| {}) };
    let handler = async |request, peer| api::answer(&fleet.agent, request, peer).await;
    smol::block_on(http::serve(vec![listener], options, handler, async {
        let _ = stopped.recv().await;
    }));
    let (wrong, fine) = client.join().unwrap();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert_eq!(fine, 200);
    assert_eq!(fleet.get("units"), (200, "{}".to_owned()), "nothing was stored");
}
