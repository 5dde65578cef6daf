//! A real etcd for the tests of this crate: on free ports, in a folder of its own, gone when it is dropped. With TLS or
//! basic auth where a test asks for them. It needs Debian's etcd-server, etcd-client, curl, openssl and util-linux.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::patience::wait_until;

/// How etcd is to be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Plain HTTP with the v2 API.
    Plain,
    /// etcd's own default: no v2 API.
    WithoutV2,
    /// HTTPS for 127.0.0.1.
    Tls,
    /// HTTPS, and clients need a certificate.
    MutualTls,
    /// HTTPS with a certificate of the past.
    ExpiredTls,
}

/// One running etcd.
pub(crate) struct RealEtcd {
    folder: PathBuf,
    port: u16,
    peer_port: u16,
    kind: Kind,
    process: Option<Child>,
}

impl Kind {
    const fn has_tls(self) -> bool {
        matches!(self, Self::Tls | Self::MutualTls | Self::ExpiredTls)
    }
}

impl RealEtcd {
    pub(crate) fn start(kind: Kind) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("skiff-registry-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        if kind.has_tls() {
            make_certificates(&folder);
        }
        let mut etcd = Self { folder, port: free_port(), peer_port: free_port(), kind, process: None };
        etcd.launch();
        etcd
    }

    /// Starts it on the ports and data it had.
    pub(crate) fn launch(&mut self) {
        let scheme = if self.kind.has_tls() { "https" } else { "http" };
        let client = format!("{scheme}://127.0.0.1:{}", self.port);
        let peer = format!("http://127.0.0.1:{}", self.peer_port);
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--", "etcd", "--data-dir"]).arg(self.folder.join("data"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}")]);
        if self.kind != Kind::WithoutV2 {
            command.arg("--enable-v2=true");
        }
        if scheme == "https" {
            let name = if self.kind == Kind::ExpiredTls { "expired" } else { "server" };
            command.arg("--cert-file").arg(self.file(&format!("{name}.pem")));
            command.arg("--key-file").arg(self.file(&format!("{name}.key")));
        }
        if self.kind == Kind::MutualTls {
            command.arg("--client-cert-auth").arg("--trusted-ca-file").arg(self.file("ca.pem"));
        }
        let log = || File::options().create(true).append(true).open(self.folder.join("log")).unwrap();
        command.stdin(Stdio::null()).stdout(log()).stderr(log());
        let process = command
            .spawn()
            .unwrap_or_else(|error| panic!("start etcd (packages etcd-server, util-linux): {error}"));
        self.process = Some(process);
        wait_until("etcd to answer", Duration::from_secs(30), || {
            let answer = self.curl(&["/health"]);
            if answer.contains("\"true\"") {
                Ok(())
            } else {
                Err(format!("{answer}; its log: {}", self.log()))
            }
        });
    }

    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// SIGSTOP or SIGCONT.
    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let id = i32::try_from(self.process.as_ref().unwrap().id()).unwrap();
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), signal).unwrap();
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.kind.has_tls() { "https" } else { "http" };
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// A file beside its data: `ca.pem`, `client.pem`, `client.key`, `other-ca.pem` with TLS.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What curl prints for a path; options may follow.
    pub(crate) fn curl(&self, words: &[&str]) -> String {
        let (path, options) = words.split_first().unwrap();
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "5"]).arg(format!("{}{path}", self.url()));
        if self.kind == Kind::ExpiredTls {
            command.arg("--insecure");
        } else if self.kind.has_tls() {
            command.arg("--cacert").arg(self.file("ca.pem"));
            command.arg("--cert").arg(self.file("client.pem")).arg("--key").arg(self.file("client.key"));
        }
        both(&command.args(options).output().unwrap_or_else(|error| panic!("run curl: {error}")))
    }

    /// The real v2 client; panics where it fails.
    pub(crate) fn etcdctl(&self, words: &[&str]) -> String {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "2").arg("--endpoints").arg(self.url()).args(words);
        let output =
            command.output().unwrap_or_else(|error| panic!("run etcdctl (package etcd-client): {error}"));
        assert!(output.status.success(), "etcdctl {words:?}: {}", both(&output));
        both(&output)
    }

    fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(5)..].join("\n")
    }
}

impl Drop for RealEtcd {
    fn drop(&mut self) {
        self.kill();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A port for something on this machine that starts later.
pub(crate) fn free_port() -> u16 {
    tests::free_port::free_port(Ipv4Addr::LOCALHOST.into()).unwrap()
}

fn both(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// An authority, a server certificate for 127.0.0.1 and one for another name, a client certificate, and an authority
/// that has signed nothing.
fn make_certificates(folder: &Path) {
    let openssl = |words: &str| {
        let words_of = words.split_whitespace();
        let output = Command::new("openssl").current_dir(folder).args(words_of).output();
        let output = output.unwrap_or_else(|error| panic!("run openssl: {error}"));
        assert!(output.status.success(), "openssl {words}: {}", both(&output));
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    for name in ["ca", "other-ca"] {
        openssl(&format!("req -x509 {key} -days 2 -subj /CN={name} -keyout {name}.key -out {name}.pem"));
    }
    for (name, extensions) in [
        ("server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth"),
        ("misnamed", "subjectAltName=DNS:etcd.example\nextendedKeyUsage=serverAuth"),
        ("client", "extendedKeyUsage=clientAuth"),
        ("foreign", "extendedKeyUsage=clientAuth"),
        ("expired", "subjectAltName=IP:127.0.0.1"),
    ] {
        fs::write(folder.join("extensions"), extensions).unwrap();
        openssl(&format!("req -new {key} -subj /CN={name} -keyout {name}.key -out {name}.csr"));
        let ca = if name == "foreign" { "other-ca" } else { "ca" };
        let by = format!("-CA {ca}.pem -CAkey {ca}.key -CAcreateserial -days 2");
        openssl(&format!("x509 -req -in {name}.csr {by} -extfile extensions -out {name}.pem"));
    }
    // `x509` makes none of the past.
    let database = "[ca]\ndefault_ca=here\n[here]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\n\
        default_md=sha256\npolicy=any\n[any]\ncommonName=supplied\n";
    fs::write(folder.join("ca.conf"), database).unwrap();
    fs::write(folder.join("index.txt"), "").unwrap();
    openssl(
        "ca -batch -notext -config ca.conf -cert ca.pem -keyfile ca.key -startdate 20200101000000Z -enddate \
         20200102000000Z -extfile extensions -in expired.csr -out expired.pem",
    );
}
