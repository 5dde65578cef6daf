//! This test program as a service: started by systemd with sockets, a watchdog and a way to answer. The same
//! test is both sides: with `SKIFF_TEST_SERVICE` set it is the service.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;

use systemd_shim::{Listener, Notify, take_listeners};
use tests::free_port::free_port;

use crate::machine::Machine;
use crate::waiting::wait_for;

const ROLE: &str = "SKIFF_TEST_SERVICE";
const SELF: &str = "activated::systemd_starts_a_service_with_sockets_and_hears_from_it";

#[test]
fn systemd_starts_a_service_with_sockets_and_hears_from_it() {
    match std::env::var(ROLE) {
        Ok(_) => serve(),
        Err(_) => drive(),
    }
}

fn drive() {
    let machine = Machine::start();
    let path = machine.file("api.sock");
    let loopback = Ipv4Addr::LOCALHOST;
    let free = SocketAddr::from((loopback, free_port(loopback.into()).expect("a port")));
    let program = std::env::current_exe().expect("a path");
    let socket =
        format!("[Socket]\nService=api.service\nFileDescriptorName=api\nListenStream={}\n", path.display());
    let socket = machine.put("api.socket", &socket);
    let tcp = format!("[Socket]\nService=api.service\nFileDescriptorName=tcp\nListenStream={free}\n");
    let tcp = machine.put("tcp.socket", &tcp);
    let service = machine.put(
        "api.service",
        &format!(
            "[Unit]\nRequires=api.socket tcp.socket\nAfter=api.socket tcp.socket\n[Service]\nType=notify\n\
             WatchdogSec=7\nEnvironment={ROLE}=1\nExecStart={} --exact {SELF} --nocapture\n",
            program.display()
        ),
    );
    machine.systemd.start(&[socket, tcp]).expect("accepted");
    let answer = wait_for("the service to answer", || ask(&mut UnixStream::connect(&path)?));
    assert_eq!(answer, "api 7000ms");
    machine.wait(&service, "active");
    let answer = wait_for("the service to answer on TCP", || ask(&mut TcpStream::connect(free)?));
    assert_eq!(answer, "tcp 7000ms");
    // It says STOPPING=1 then, and ends well.
    machine.wait(&service, "inactive");
    assert!(machine.systemd.failure(&service).expect("systemd answers").is_success());
}

fn ask(stream: &mut (impl Read + Write)) -> std::io::Result<String> {
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// Answers once on each socket, in the order of the names, and ends.
fn serve() {
    let notify = Notify::from_env().expect("an address");
    let watchdog = notify.watchdog_interval().expect("WatchdogSec= is set").as_millis();
    let mut passed = take_listeners().expect("streams");
    assert!(take_listeners().expect("nothing more").is_empty());
    passed.sort_by(|a, b| a.name.cmp(&b.name));
    notify.status("serving").expect("sent");
    notify.ready().expect("sent");
    for passed in &passed {
        let answer = format!("{} {watchdog}ms", passed.name);
        match &passed.listener {
            Listener::Unix(listener) => reply(|| listener.accept().map(|(stream, _)| stream), &answer),
            Listener::Tcp(listener) => reply(|| listener.accept().map(|(stream, _)| stream), &answer),
        }
    }
    notify.stopping().expect("sent");
}

fn reply<S: Write>(accept: impl Fn() -> std::io::Result<S>, answer: &str) {
    let mut stream = wait_for("a caller", accept);
    stream.write_all(answer.as_bytes()).expect("answers");
}
