//! `fd-forward`: bytes and ends pass in both directions, each on its own.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};

use crate::run::{fleetctl, fresh_folder, run};

/// A forwarder and the other end of its socket.
fn forwarder(name: &str) -> (Child, UnixStream) {
    let path: PathBuf = fresh_folder(name).join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let mut command = fleetctl("", &["fd-forward", &path.display().to_string()]);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    (child, listener.accept().unwrap().0)
}

fn rest(mut from: impl Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn the_end_of_the_input_leaves_the_answer_open() {
    let (mut child, mut socket) = forwarder("forward-input");
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"question").unwrap();
    drop(input);
    assert_eq!(rest(&socket), "question");
    socket.write_all(b"answer").unwrap();
    drop(socket);
    assert_eq!(rest(child.stdout.take().unwrap()), "answer");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_end_of_the_answer_leaves_the_input_open() {
    let (mut child, mut socket) = forwarder("forward-answer");
    socket.write_all(b"answer").unwrap();
    socket.shutdown(Shutdown::Write).unwrap();
    assert_eq!(rest(child.stdout.take().unwrap()), "answer");
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"question").unwrap();
    drop(input);
    assert_eq!(rest(&socket), "question");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_closed_socket_ends_it_whatever_the_input_does() {
    let (mut child, socket) = forwarder("forward-closed");
    let open = child.stdin.take().unwrap();
    drop(socket);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(open);
}

#[test]
fn many_bytes_arrive_whole() {
    let (mut child, mut socket) = forwarder("forward-many");
    let bytes: Vec<u8> = (0_u32..1_000_000).flat_map(u32::to_le_bytes).collect();
    let mut input = child.stdin.take().unwrap();
    let (sent, mut echoed) = (bytes.clone(), Vec::new());
    let writer = std::thread::spawn(move || input.write_all(&sent).unwrap());
    let echo = std::thread::spawn(move || {
        let mut back = socket.try_clone().unwrap();
        std::io::copy(&mut socket, &mut back).unwrap();
    });
    child.stdout.take().unwrap().read_to_end(&mut echoed).unwrap();
    writer.join().unwrap();
    echo.join().unwrap();
    assert!(echoed == bytes, "{} of {} bytes", echoed.len(), bytes.len());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn nobody_on_the_socket_is_a_failure() {
    let path = fresh_folder("forward-nobody").join("socket");
    let said = format!("Unable to connect to {}: No such file or directory (os error 2)\n", path.display());
    let ended = run("", &format!("fd-forward {}", path.display()));
    assert_eq!((ended.exit, ended.stderr), (1, said));
    assert_eq!(run("", "fd-forward").exit, 2);
}
