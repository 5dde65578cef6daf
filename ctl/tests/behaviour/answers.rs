//! Answers that are missing, wrong or refused, and readers that go away: each has its words and its exit code.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::thread;

use cluster::TargetState::Launched;

use crate::double::Double;
use crate::double::fleet::Fleet;
use crate::run::{Outcome, fleetctl, fresh_folder, outcome, run};

/// A server that answers everything with the same bytes; its endpoint.
fn saying(name: &str, answer: Vec<u8>) -> String {
    let folder = fresh_folder(name);
    let listener = UnixListener::bind(folder.join("s")).unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&answer);
        }
    });
    format!("unix://{}/s", folder.display())
}

fn failed(outcome: &Outcome, exit: i32, part: &str) {
    assert_eq!(outcome.exit, exit, "{outcome:?}");
    assert!(outcome.stderr.contains(part), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
}

#[test]
fn nobody_listens() {
    let nowhere = run("unix:///nonexistent/fleet.sock", "list-units");
    let said = "Error retrieving list of units from repository: list unit states at unix:///nonexistent/fleet.sock: No \
                such file or directory (os error 2): skiff-agent is not running on this machine, or listens elsewhere \
                (--endpoint)\n";
    assert_eq!(nowhere, Outcome { stdout: String::new(), stderr: said.to_owned(), exit: 4 });
    failed(
        &run("http://127.0.0.1:1", "list-machines"),
        4,
        "fleet API (list machines at http://127.0.0.1:1: ",
    );
    failed(
        &run("http://127.0.0.1:1", "start hello"),
        4,
        "Error creating units: read unit hello.service at http://",
    );
}

#[test]
fn the_socket_is_closed_to_this_user() {
    let folder = fresh_folder("forbidden");
    let socket = folder.join("fleet.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut mode = std::fs::metadata(&socket).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut mode, 0o000);
    std::fs::set_permissions(&socket, mode).unwrap();
    if std::os::unix::net::UnixStream::connect(&socket).is_ok() {
        // Root may open anything, so another user asks.
        let mut command = fleetctl(&format!("unix://{}", socket.display()), &["list-units"]);
        std::os::unix::process::CommandExt::uid(&mut command, 65_534);
        command.current_dir("/");
        failed(&outcome(command), 4, "join that group");
    } else {
        failed(&run(&format!("unix://{}", socket.display()), "list-units"), 4, "join that group");
    }
    drop(listener);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_server_cannot_serve() {
    let double = Double::start("unavailable", Fleet::default());
    double.fleet().refused = Some(("GET".to_owned(), 503, "fleet server unable to communicate with etcd"));
    let said = format!("{}: fleet server unable to communicate with etcd\n", double.endpoint());
    failed(&run(&double.endpoint(), "list-units"), 4, &said);
    double.fleet().refused = Some(("PUT".to_owned(), 500, "disk full"));
    let created = run(&double.endpoint(), "submit hello");
    failed(
        &created,
        1,
        "Error creating units: failed creating unit hello.service: googleapi: Error 500: disk full\n",
    );
    double.fleet().refused = Some(("DELETE units/a".to_owned(), 500, "no"));
    for name in ["a.service", "b.service"] {
        double.fleet().has(name, "[Service]\nExecStart=/bin/true\n", Launched);
    }
    let destroyed = run(&double.endpoint(), "destroy a b");
    assert_eq!((destroyed.exit, destroyed.stdout.as_str()), (1, "Destroyed b.service\n"), "{destroyed:?}");
}

#[test]
fn answers_that_make_no_sense() {
    let ok =
        |body: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes();
    failed(&run(&saying("no-json", ok("hello")), "list-units"), 1, "not JSON");
    failed(&run(&saying("wrong-type", ok("{\"states\":7}")), "list-units"), 1, "at states");
    failed(
        &run(&saying("no-http", b"SSH-2.0-x\r\n\r\n".to_vec()), "list-units"),
        1,
        "list unit states at unix://",
    );
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"states\":[]}".to_vec();
    assert_ne!(run(&saying("short", short), "list-units").exit, 0);
    let endless = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", 65 * 1024 * 1024);
    let endless = [endless.into_bytes(), vec![b' '; 65 * 1024 * 1024]].concat();
    failed(&run(&saying("endless", endless), "list-units"), 1, "more than 67108864 bytes");
    let elsewhere =
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_vec();
    failed(&run(&saying("redirect", elsewhere), "list-units"), 1, "status 302");
    let strange = r#"{"states":[{"name":"../x","machineID":"m1"},{"name":"a.service","machineID":"m1"}]}"#;
    let listed = run(&saying("strange", ok(strange)), "list-units --no-legend --fields=unit,load");
    assert_eq!((listed.exit, listed.stdout.as_str()), (0, "a.service\t-\n"));
    assert!(listed.stderr.contains("lists a unit \"../x\"; left out"), "{listed:?}");
}

#[test]
fn a_slow_server_is_given_up() {
    let folder = fresh_folder("slow");
    let listener = UnixListener::bind(folder.join("s")).unwrap();
    let endpoint = format!("unix://{}/s", folder.display());
    failed(&run(&endpoint, "--request-timeout=0.2 list-units"), 4, "timeout");
    drop(listener);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn command_lines_that_make_no_sense() {
    let wrong = |line: &str, part: &str| failed(&run("unix:///x", line), 2, part);
    wrong("strat x", "unknown command \"strat\"\nDid you mean \"start\"?\nRun \"fleetctl help\" ");
    wrong("list-units --no-legnd", "Did you mean \"--no-legend\"?");
    wrong("start --block-attempts=many x", "Error: --block-attempts=many: it takes a whole number\n");
    wrong("list-units x", "Error: \"x\" has no place here\nRun \"fleetctl help list-units\" ");
    wrong("drain", "Error: MACHINE is needed\n");
    wrong("wait x", "Error: --for is needed\n");
    failed(&run("ftp://x", "list-units"), 1, "Unable to initialize client: endpoint \"ftp://x\"");
    failed(&run("unix:///x", "--driver=etcd list-units"), 1, "etcd endpoint unix:///x: not a URL");
    failed(&run("unix:///x", "--tunnel=a;b list-units"), 2, "--tunnel \"a;b\" is not HOST or HOST:PORT");
}

#[test]
fn it_answers_to_the_name_it_is_called_by() {
    let version = format!("version {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run("unix:///x", "version").stdout, format!("fleetctl {version}"));
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_ctl"));
    command.arg("--version");
    assert_eq!(outcome(command).stdout, format!("ctl {version}"));
    let help = run("unix:///x", "");
    assert!(help.exit == 0 && help.stdout.starts_with("NAME:\n\tfleetctl - "), "{help:?}");
}

#[test]
fn a_reader_that_has_read_enough_ends_it_quietly() {
    let double = Double::start("pipe", Fleet::placing(&[]));
    let mut command = fleetctl(&double.endpoint(), &["start", "hello"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The unit finds no machine, so ctl would wait for ever.
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(0), ""));
}
