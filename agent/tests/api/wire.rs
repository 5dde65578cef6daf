//! The captured answers of fleet, byte for byte but for dates and versions: the routes behind the real server, asked by
//! the real curl.

use std::net::SocketAddr;
use std::process::Command;

use agent::api;
use agent::http::{self, Limits, Listener, Options};
use smol::channel;

use super::fleet::Fleet;

/// Arguments of curl after the URL's prefix, and what fleet answered.
const CAPTURED: [(&[&str], &str); 8] = [
    (
        &["/fleet/v1/units/nope.service"],
        "HTTP/1.1 404 Not Found\nContent-Type: application/json\nServer: SERVER\nDate: DATE\nContent-Length: 54\n\n{\"error\":{\"code\":404,\"message\":\"unit does not exist\"}}",
    ),
    (
        &["/fleet/v1/units/x.service", "-X", "PUT", "-d", "{}"],
        "HTTP/1.1 415 Unsupported Media Type\nContent-Type: application/json\nServer: SERVER\nDate: DATE\nContent-Length: 83\n\n{\"error\":{\"code\":415,\"message\":\"only acceptable Content-Type is application/json\"}}",
    ),
    (
        &[
            "/fleet/v1/units/x.service",
            "-X",
            "PUT",
            "-H",
            "Content-Type: application/json",
            "-d",
            r#"{"desiredState":"launched"}"#,
        ],
        "HTTP/1.1 409 Conflict\nContent-Type: application/json\nServer: SERVER\nDate: DATE\nContent-Length: 78\n\n{\"error\":{\"code\":409,\"message\":\"unit does not exist and options field empty\"}}",
    ),
    (
        &[
            "/fleet/v1/units/x.service",
            "-X",
            "PUT",
            "-H",
            "Content-Type: application/json",
            "-d",
            r#"{"desiredState":"launched","options":[{"section":"Service","name":"ExecStart","value":"/bin/sleep 9"}]}"#,
        ],
        "HTTP/1.1 201 Created\nServer: SERVER\nDate: DATE\nContent-Length: 0\n\n",
    ),
    (
        &["/fleet/v1/units/x.service", "-X", "DELETE"],
        "HTTP/1.1 204 No Content\nServer: SERVER\nDate: DATE\n\n",
    ),
    (
        &["/fleet/v1/units/nope.service", "-X", "DELETE"],
        "HTTP/1.1 404 Not Found\nContent-Type: application/json\nServer: SERVER\nDate: DATE\nContent-Length: 54\n\n{\"error\":{\"code\":404,\"message\":\"unit does not exist\"}}",
    ),
    (
        &["/fleet/v1/nope"],
        "HTTP/1.1 404 Not Found\nContent-Type: application/json\nServer: SERVER\nDate: DATE\nContent-Length: 35\n\n{\"error\":{\"code\":404,\"message\":\"\"}}",
    ),
    (
        &["/fleet/v1/units"],
        "HTTP/1.1 200 OK\nContent-Type: application/json\nServer: SERVER\nDate: DATE\nContent-Length: 2\n\n{}",
    ),
];

fn curl(address: SocketAddr, arguments: &[&str]) -> String {
    let url = format!("http://{address}{}", arguments[0]);
    let output = Command::new("curl").args(["-s", "-i"]).arg(url).args(&arguments[1..]).output().unwrap();
    assert!(output.status.success(), "curl {arguments:?}: {}", output.status);
    let text = String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n");
    let masked = |line: &str| match line.split_once(": ") {
        Some(("Server", _)) => "Server: SERVER".to_owned(),
        Some(("Date", _)) => "Date: DATE".to_owned(),
        _ => line.to_owned(),
    };
    let (head, body) = text.split_once("\n\n").unwrap();
    format!("{}\n\n{body}", head.lines().map(masked).collect::<Vec<_>>().join("\n"))
}

#[test]
fn curl_sees_what_fleet_answered() {
    let fleet = Fleet::start();
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = listener.tcp_address().unwrap();
    let (stop, stopped) = channel::bounded::<()>(1);
    let client = std::thread::spawn(move || {
        let answers: Vec<String> = CAPTURED.iter().map(|(arguments, _)| curl(address, arguments)).collect();
        let discovery = curl(address, &["/fleet/v1/discovery"]);
        drop(stop);
        (answers, discovery)
    });
    let options = Options { server_name: "x".into(), limits: Limits::default(), notify: Box::new(|_| {}) };
    let handler = async |request, peer| api::answer(&fleet.agent, request, peer).await;
    smol::block_on(http::serve(vec![listener], options, handler, async {
        let _ = stopped.recv().await;
    }));
    let (answers, discovery) = client.join().unwrap();
    for ((arguments, expected), answer) in CAPTURED.iter().zip(answers) {
        assert_eq!(answer, *expected, "{arguments:?}");
    }
    assert!(discovery.ends_with(include_str!("../../src/api/discovery.json")), "{discovery}");
}
