//! Listeners: sockets of our own, sockets that are passed, and what is neither.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

use agent::http::{Limits, Listener};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::folder::TempFolder;
use super::server::{DEADLINE, start_on, status};

#[test]
fn replaces_a_dead_socket_but_no_live_one_and_nothing_else() {
    let folder = TempFolder::new("listen");
    let path = folder.0.join("api.sock");
    drop(UnixListener::bind(&path).unwrap());
    let listener = Listener::unix(&path, "root").unwrap();
    assert_eq!(listener.name(), format!("unix:{}", path.display()));
    let error = Listener::unix(&path, "root").map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, format!("listen on unix:{}: another process listens there", path.display()));
    // A successor's socket stays when we go.
    fs::remove_file(&path).unwrap();
    let successor = Listener::unix(&path, "root").unwrap();
    drop(listener);
    assert!(path.exists());
    drop(successor);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 0);
    fs::write(&path, "text").unwrap();
    let error = Listener::unix(&path, "root").map(|_| ()).unwrap_err().to_string();
    assert!(error.ends_with("something that is no socket lies there"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "text");
    assert!(Listener::unix(&folder.0.join("none/api.sock"), "root").is_err());
}

#[test]
fn a_unix_socket_is_for_its_group_and_tells_who_asks() {
    let folder = TempFolder::new("unix");
    let path = folder.0.join("api.sock");
    let mut server = start_on(Listener::unix(&path, "no-such-group").unwrap(), Limits::default());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
    let mut stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.write_all(b"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
    assert!(response.ends_with(&format!(" uid={uid} gid={gid} pid={}", std::process::id())), "{response}");
    server.join();
    assert!(!path.exists());
}

#[test]
fn takes_over_listening_sockets_only() {
    let folder = TempFolder::new("passed");
    let unix = UnixListener::bind(folder.0.join("s")).unwrap();
    assert_eq!(Listener::from_fd(unix.into(), "fleet.socket").unwrap().name(), "fleet.socket");
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let passed = Listener::from_fd(tcp.into(), "fleet.socket").unwrap();
    assert_eq!(passed.tcp_address(), Some(address));
    let server = start_on(passed, Limits::default());
    assert_eq!(status(&server.ask("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")), "200");

    let connected: OwnedFd = TcpStream::connect(address).unwrap().into();
    let datagrams: OwnedFd = UdpSocket::bind("127.0.0.1:0").unwrap().into();
    let file: OwnedFd = fs::File::open("/dev/null").unwrap().into();
    for (fd, cause) in [
        (connected, "not a listening socket"),
        (datagrams, "not a stream socket"),
        (file, "Socket operation on non-socket (os error 88)"),
    ] {
        let error = Listener::from_fd(fd, "x").map(|_| ()).unwrap_err().to_string();
        assert_eq!(error, format!("listen on x: {cause}"));
    }
    let taken = Listener::tcp(address).map(|_| ()).unwrap_err().to_string();
    assert_eq!(taken, format!("listen on tcp:{address}: Address already in use (os error 98)"));
}

/// Runs itself again in a process of its own, since the limit of descriptors is a process's.
#[test]
fn waits_out_a_lack_of_descriptors() {
    if std::env::var_os("SKIFF_FEW_DESCRIPTORS").is_none() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "http::listening::waits_out_a_lack_of_descriptors", "--nocapture"])
            .env("SKIFF_FEW_DESCRIPTORS", "1")
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = start_on(listener, Limits::default());
    // Once it has answered, it has opened all it needs besides connections.
    let mut first = server.connect();
    first.send(b"GET /x HTTP/1.1\r\nHost: x\r\n\r\n");
    first.until("tcp");
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    let lowest_free = fs::File::open("/dev/null").unwrap().as_raw_fd();
    setrlimit(Resource::RLIMIT_NOFILE, u64::try_from(lowest_free).unwrap() + 1, hard).unwrap();
    let mut client = server.connect();
    assert!(server.notice().ends_with("Too many open files (os error 24)"));
    let before = cpu_millis();
    let pause = std::time::Duration::from_millis(600);
    client.stream.set_read_timeout(Some(pause)).unwrap();
    // Nothing comes: that is the wait. It must cost next to nothing and be said once.
    assert!(std::io::Read::read(&mut client.stream, &mut [0]).is_err());
    assert!(cpu_millis() - before < 200, "spinning: {} ms", cpu_millis() - before);
    assert!(server.is_quiet());
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).unwrap();
    client.stream.set_read_timeout(Some(super::server::DEADLINE)).unwrap();
    client.send(b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!(status(&client.rest()), "200");
}

/// Time this process has computed, in milliseconds.
fn cpu_millis() -> i64 {
    use nix::sys::resource::{UsageWho, getrusage};
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let millis = |time: nix::sys::time::TimeVal| time.tv_sec() * 1000 + time.tv_usec() / 1000;
    millis(usage.user_time()) + millis(usage.system_time())
}
