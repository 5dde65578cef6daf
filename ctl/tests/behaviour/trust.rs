//! The agent's API over TLS, from ctl's side: which certificates are good, what their names may do, and that the error
//! says which thing is wrong. The API and its server are the agent's, the registry is a real etcd, the certificates openssl's.

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

use agent::http::TlsFiles;
use fleet_api::access::Roles;
use tests::certificates::Certificates;

use crate::conductor::Conductor;
use crate::run::{Outcome, fresh_folder, run};
use crate::served::Served;

const LIST: &str = "list-machines --no-legend --fields=ip";
const MACHINES: &str = "10.99.0.13\n10.99.0.12\n10.99.0.11\n";

struct World {
    certificates: Certificates,
    served: Served,
    folder: PathBuf,
}

impl World {
    fn start(name: &str, server: &str) -> Self {
        let folder = fresh_folder(name);
        let certificates = Certificates::make(&folder).unwrap();
        certificates.server("server", "IP:127.0.0.1").unwrap();
        certificates.server("misnamed", "DNS:node.example").unwrap();
        certificates.expired("expired", "/CN=alice").unwrap();
        let file = |name: &str| certificates.file(name);
        let files = TlsFiles {
            certfile: file(&format!("{server}.pem")),
            keyfile: file(&format!("{server}.key")),
            cafile: file("ca.pem"),
        };
        let names = |list: &str| list.split(',').map(str::to_owned).collect();
        let roles = Roles { read: names("watcher"), operate: names("alice") };
        let served = Served::start_with_tls(Conductor::start(&[("hello.service", 0)]), &files, roles);
        Self { certificates, served, folder }
    }

    /// ctl with an authority to trust, the certificate of `who` if that is not empty, and these words.
    fn ctl(&self, authority: &str, who: &str, words: &str) -> Outcome {
        self.ctl_at(self.served.endpoint(), authority, who, words)
    }

    fn ctl_at(&self, endpoint: &str, authority: &str, who: &str, words: &str) -> Outcome {
        let folder = self.folder.display();
        let mut flags = format!("--ca-file={folder}/{authority}.pem");
        if !who.is_empty() {
            write!(flags, " --cert-file={folder}/{who}.pem --key-file={folder}/{who}.key").unwrap();
        }
        run(endpoint, &format!("{flags} {words}"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[track_caller]
fn fails(outcome: &Outcome, exit: i32, part: &str) {
    assert!(outcome.exit == exit && outcome.stderr.contains(part), "not {exit} with {part:?}: {outcome:?}");
}

#[test]
fn names_have_roles() {
    let world = World::start("roles", "server");
    for (name, subject) in [
        ("alice", "/O=x/CN=alice"),
        ("watcher", "/CN=watcher"),
        ("mallory", "/CN=mallory"),
        ("nameless", "/O=alice"),
    ] {
        world.certificates.client(name, subject).unwrap();
    }
    let ok =
        |outcome: &Outcome| assert_eq!((outcome.exit, outcome.stdout.as_str()), (0, MACHINES), "{outcome:?}");
    ok(&world.ctl("ca", "alice", LIST));
    ok(&world.ctl("ca", "watcher", LIST));
    let refused = |who: &str, part: &str| fails(&world.ctl("ca", who, LIST), 1, part);
    refused("", "Error 403: a client certificate is needed here, and none was shown");
    refused("mallory", "Error 403: the certificate's name \"mallory\" has no role here");
    refused("nameless", "Error 403: the client certificate has no single common name");
    for words in ["submit hello.service", "registry adopt"] {
        fails(
            &world.ctl("ca", "watcher", words),
            1,
            "Error 403: the certificate's name \"watcher\" may read here",
        );
    }
    fails(&world.ctl("ca", "", "submit hello.service"), 1, "Error 403");
    assert_eq!(world.ctl("ca", "alice", "submit hello.service").exit, 0);
    assert_eq!(world.ctl("ca", "alice", "start --no-block hello.service").exit, 0);
    let lines: Vec<String> = world.served.audits();
    let told = |begin: &str, end: &str| {
        let fits = |line: &&String| {
            line.starts_with(&format!("api-change: {begin} from=127.0.0.1:")) && line.contains(end)
        };
        assert_eq!(lines.iter().filter(fits).count(), 1, "{begin} … {end}: {lines:#?}");
    };
    told("cert=alice", " method=PUT unit=hello.service outcome=done: create unit hello.service, inactive");
    told(
        "cert=alice",
        " method=PUT unit=hello.service state=launched outcome=done: set unit hello.service to launched",
    );
    told("cert=watcher", " method=PUT unit=hello.service outcome=denied: the certificate's name");
    told("cert=watcher", " method=POST registry outcome=denied: ");
    assert!(lines.iter().all(|line| !line.contains("ExecStart")), "{lines:#?}");
}

#[test]
fn the_error_says_what_is_wrong_with_a_certificate() {
    let world = World::start("certificates", "server");
    world.certificates.client("alice", "/CN=alice").unwrap();
    world.certificates.foreign("foreign", "/CN=alice").unwrap();
    assert_eq!(world.ctl("ca", "alice", LIST).exit, 0);
    // The server's.
    fails(
        &world.ctl("other-ca", "alice", LIST),
        4,
        "no authority that is trusted here signed the server's certificate (",
    );
    // The client's.
    fails(
        &world.ctl("ca", "foreign", LIST),
        4,
        "the server does not trust whoever signed this client's certificate (",
    );
    fails(&world.ctl("ca", "expired", LIST), 4, "this client's certificate has expired");
    // Plain text to a TLS port, and TLS to a plain one.
    let plain = world.served.endpoint().replace("https://", "http://");
    fails(&run(&plain, LIST), 1, "this port speaks TLS only: use https://");
    let open = Served::start(Conductor::start(&[]));
    let wrong = open.endpoint().replace("http://", "https://");
    fails(&world.ctl_at(&wrong, "ca", "alice", LIST), 4, "whatever listens there does not speak TLS (");
}

#[test]
fn a_server_is_named_and_in_date() {
    let misnamed = World::start("misnamed", "misnamed");
    misnamed.certificates.client("alice", "/CN=alice").unwrap();
    fails(&misnamed.ctl("ca", "alice", LIST), 4, "the server's certificate is for another name");
    let expired = World::start("expired", "expired");
    expired.certificates.client("alice", "/CN=alice").unwrap();
    fails(&expired.ctl("ca", "alice", LIST), 4, "the server's certificate has expired");
}

#[test]
fn a_client_that_says_nothing_or_nonsense_costs_a_slot_for_a_while_only() {
    let world = World::start("nonsense", "server");
    world.certificates.client("alice", "/CN=alice").unwrap();
    let address = world.served.endpoint().trim_start_matches("https://").to_owned();
    // Handshakes that go nowhere: nothing else waits for them.
    let silent: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(&address).unwrap()).collect();
    let mut begun = TcpStream::connect(&address).unwrap();
    begun.write_all(&[22, 3, 1, 0xff]).unwrap();
    assert_eq!(world.ctl("ca", "alice", LIST).exit, 0);
    let mut nonsense = TcpStream::connect(&address).unwrap();
    nonsense.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    nonsense.write_all(&[22, 3, 1, 0, 5, 0xff, 0xff, 0xff, 0xff, 0xff]).unwrap();
    let mut answer = Vec::new();
    nonsense.read_to_end(&mut answer).unwrap();
    assert_eq!(answer.first(), Some(&21), "an alert, and the end: {answer:?}");
    drop((silent, begun));
}
