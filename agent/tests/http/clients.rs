//! What curl sees, over TCP and over a Unix socket. Needs the feature `real-curl` and curl.

use std::process::Command;

use agent::http::{Limits, Listener};

use super::folder::TempFolder;
use super::server::{start, start_on};

/// Runs curl; what it printed, and whether it was content.
fn curl(arguments: &[&str]) -> (String, bool) {
    let output =
        Command::new("curl").args(["-s", "-S", "--max-time", "20"]).args(arguments).output().unwrap();
    assert!(output.status.code().is_some(), "{output:?}");
    (
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap(),
        output.status.success(),
    )
}

#[test]
fn curl_gets_puts_and_deletes() {
    let server = start(Limits::default());
    let url = |path: &str| format!("http://{}{path}", server.address);
    let (shown, _) = curl(&[&url("/units/a%40b.service?x=1&x=2")]);
    assert_eq!(shown, r#"GET ["units", "a@b.service"] [("x", "1"), ("x", "2")] [] "#.to_owned() + " #1 tcp");
    let (shown, _) = curl(&["-X", "PUT", "-H", "Content-Type: application/json", "-d", "{}", &url("/u")]);
    assert_eq!(shown, r#"PUT ["u"] [] ["application/json"] {} #2 tcp"#);
    let (code, _) = curl(&["-o", "/dev/null", "-w", "%{http_code}", "-X", "DELETE", &url("/gone")]);
    assert_eq!(code, "204");
    // No body, no Content-Length.
    let (shown, _) = curl(&["-X", "PUT", &url("/u")]);
    assert_eq!(shown, r#"PUT ["u"] [] []  #4 tcp"#);
    let (head, _) = curl(&["-I", &url("/large")]);
    assert!(head.contains("Content-Length: 300000"), "{head}");
}

#[test]
fn curl_takes_long_lists_and_notices_broken_ones() {
    let server = start(Limits::default());
    let url = |path: &str| format!("http://{}{path}", server.address);
    let (list, fine) = curl(&[&url("/list/100000")]);
    assert!(fine && list.len() == 1_000_000 && list.ends_with("\n000099999\n"), "{}", list.len());
    let (old, fine) = curl(&["--http1.0", &url("/list/100000")]);
    assert!(fine && old == list);
    assert!(!curl(&[&url("/broken/50")]).1);
    let both = curl(&[
        "-o",
        "/dev/null",
        "-o",
        "/dev/null",
        "-w",
        "%{num_connects} ",
        &url("/large"),
        &url("/slow"),
    ]);
    assert_eq!(both.0, "1 0 ", "one connection for both");
}

#[test]
fn curl_sends_large_bodies_in_every_form() {
    let server = start(Limits::default());
    let folder = TempFolder::new("bodies");
    let file = folder.0.join("body");
    std::fs::write(&file, vec![b'x'; 600_000]).unwrap();
    let upload = format!("@{}", file.display());
    let url = format!("http://{}/u", server.address);
    for form in
        [&["-H", "Expect: 100-continue"][..], &["-H", "Expect:"], &["-H", "Transfer-Encoding: chunked"]]
    {
        let (shown, _) = curl(&[form, &["-X", "PUT", "--data-binary", &upload, &url]].concat());
        assert!(shown.contains(&"x".repeat(600_000)), "{form:?}: {}", shown.len());
    }
    std::fs::write(&file, vec![b'x'; 700_000]).unwrap();
    let (code, _) =
        curl(&["-o", "/dev/null", "-w", "%{http_code}", "-X", "PUT", "--data-binary", &upload, &url]);
    assert!(code.starts_with("413"), "{code}");
}

#[test]
fn curl_asks_over_a_unix_socket() {
    let folder = TempFolder::new("curl");
    let path = folder.0.join("api.sock");
    let _server = start_on(Listener::unix(&path, "no-such-group").unwrap(), Limits::default());
    let (shown, _) = curl(&["--unix-socket", path.to_str().unwrap(), "http://x/who"]);
    assert!(shown.starts_with("GET [\"who\"] [] []  #1 uid="), "{shown}");
}
