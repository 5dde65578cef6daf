//! A real etcd with its v2 API, or Skiff's own store in its place, on ports of its own, that can be stopped, killed, paused
//! and started again in place. One member; `EtcdCluster` in `etcd_cluster.rs` puts three together. It knows nothing of
//! Skiff's keys.

use std::fs::{self, File};
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::failure::{Failure, Outcome};
use crate::free_port::free_port;
use crate::run::{Ran, finish};
use crate::store_program::StoreProgram;
use crate::wait::wait_until;

/// How long etcd may take to answer after its start (about 0.3 s here) and to end after SIGTERM.
const ETCD_PATIENCE: Duration = Duration::from_secs(30);

/// Lines of the log that a failure shows.
const LOG_TAIL_LINES: usize = 20;

/// Where and as what an etcd is to be started. `EtcdOptions::default()` suits a test on loopback.
#[derive(Clone, Debug)]
pub struct EtcdOptions {
    /// The address it listens on for clients and peers.
    pub address: IpAddr,
    /// The client port; a free one is looked for where none is given.
    pub client_port: Option<u16>,
    /// The peer port, likewise.
    pub peer_port: Option<u16>,
    /// The member's name.
    pub name: String,
    /// Where its data lies; a folder of its own under the temporary folder, removed in the end, where none is given.
    pub folder: Option<PathBuf>,
    /// `name=peer-url` of the other members, for a cluster.
    pub peers: Vec<String>,
    /// `--initial-cluster-token`: with the same URLs, another token makes another cluster ID.
    pub token: String,
    /// What is started. Skiff's own store has no peers, and every empty folder makes another cluster ID.
    pub program: StoreProgram,
}

impl Default for EtcdOptions {
    fn default() -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            client_port: None,
            peer_port: None,
            name: "default".to_owned(),
            folder: None,
            peers: Vec::new(),
            token: "skiff-tests".to_owned(),
            program: StoreProgram::Etcd,
        }
    }
}

/// One etcd process and its data. It ends, and its own folder goes, when this value is dropped; it also ends when the
/// thread that started it ends (so that a killed test leaves nothing behind): keep that thread.
#[derive(Debug)]
pub struct Etcd {
    options: EtcdOptions,
    client_port: u16,
    peer_port: u16,
    folder: PathBuf,
    folder_is_ours: bool,
    process: Option<Child>,
}

impl Etcd {
    /// Starts one on loopback with free ports and waits until it answers.
    ///
    /// # Errors
    /// When it cannot be started or does not answer; the text shows the end of its log.
    pub fn start() -> Outcome<Self> {
        Self::start_with(EtcdOptions::default())
    }

    /// Starts one as told and waits until it answers.
    ///
    /// # Errors
    /// As [`Etcd::start`].
    pub fn start_with(options: EtcdOptions) -> Outcome<Self> {
        let mut etcd = Self::prepare(options)?;
        etcd.launch()?;
        etcd.wait_healthy()?;
        Ok(etcd)
    }

    /// Ports and folder are settled, no process is started: members of a cluster must know each other first.
    pub(crate) fn prepare(options: EtcdOptions) -> Outcome<Self> {
        let free = || {
            free_port(options.address).map_err(|cause| Failure::during("find a free port for etcd", cause))
        };
        let port = |wish: Option<u16>| wish.map_or_else(free, Ok);
        let (client_port, peer_port) = (port(options.client_port)?, port(options.peer_port)?);
        let folder_is_ours = options.folder.is_none();
        let folder = options.folder.clone().unwrap_or_else(fresh_folder);
        fs::create_dir_all(&folder)
            .map_err(|cause| Failure::during(format!("create {}", folder.display()), cause))?;
        Ok(Self { options, client_port, peer_port, folder, folder_is_ours, process: None })
    }

    /// The URL for clients, such as `http://127.0.0.1:34567`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}:{}", self.options.address, self.client_port)
    }

    /// Its address and client port.
    #[must_use]
    pub fn client_address(&self) -> (IpAddr, u16) {
        (self.options.address, self.client_port)
    }

    /// `name=peer-url`, as the other members want to know it.
    #[must_use]
    pub fn peer(&self) -> String {
        format!("{}={}", self.options.name, self.peer_url())
    }

    fn peer_url(&self) -> String {
        format!("http://{}:{}", self.options.address, self.peer_port)
    }

    pub(crate) fn set_peers(&mut self, peers: Vec<String>) {
        self.options.peers = peers;
    }

    /// Ends it with SIGTERM and waits for its end. Its data stays. Nothing happens if it does not run.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(&mut self) -> Outcome {
        self.end(Signal::SIGTERM)
    }

    /// Ends it with SIGKILL, as a crash would. Its data stays.
    ///
    /// # Errors
    /// When it does not end.
    pub fn kill(&mut self) -> Outcome {
        self.end(Signal::SIGKILL)
    }

    /// SIGSTOP: connections stay open and nobody answers.
    ///
    /// # Errors
    /// When it does not run.
    pub fn pause(&self) -> Outcome {
        self.signal(Signal::SIGSTOP)
    }

    /// SIGCONT after [`Etcd::pause`].
    ///
    /// # Errors
    /// When it does not run.
    pub fn resume(&self) -> Outcome {
        self.signal(Signal::SIGCONT)
    }

    /// Starts it again on the same ports and data, after [`Etcd::stop`] or [`Etcd::kill`], and waits until it answers.
    ///
    /// # Errors
    /// As [`Etcd::start`], or when it runs already.
    pub fn start_again(&mut self) -> Outcome {
        if self.process.is_some() {
            return Err(Failure::new("start etcd again: it still runs"));
        }
        self.launch()?;
        self.wait_healthy()
    }

    /// Stops it, throws its data away and starts it empty on the same ports: the same cluster ID (etcd's
    /// follows from URLs and token; Skiff's own store makes a new one), and its index begins anew.
    ///
    /// # Errors
    /// As [`Etcd::start`].
    pub fn wipe(&mut self) -> Outcome {
        self.stop()?;
        let data = self.data();
        fs::remove_dir_all(&data)
            .map_err(|cause| Failure::during(format!("remove {}", data.display()), cause))?;
        self.start_again()
    }

    /// Whether a process was started and not stopped since.
    #[must_use]
    pub fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// Its process, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Runs the real `etcdctl` of the v2 API against it.
    ///
    /// # Errors
    /// When etcdctl cannot be run; its exit status is the caller's to judge.
    pub fn etcdctl(&self, words: &[&str]) -> Outcome<Ran> {
        let mut command = Command::new("etcdctl");
        command.env("ETCDCTL_API", "2").arg("--endpoints").arg(self.endpoint()).args(words);
        finish(command, &[])
    }

    /// All keys and values below `key` as etcd prints them, for failure reports.
    #[must_use]
    pub fn dump(&self, key: &str) -> String {
        let url = format!("{}/v2/keys{key}?recursive=true&sorted=true", self.endpoint());
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--max-time", "3", &url]);
        match finish(command, &[]) {
            Ok(ran) if ran.exit == 0 => ran.stdout,
            Ok(ran) => ran.to_string(),
            Err(failure) => failure.to_string(),
        }
    }

    /// The last lines it logged.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(LOG_TAIL_LINES)).copied().collect::<Vec<_>>().join("\n")
    }

    /// Waits until it serves reads and writes.
    pub(crate) fn wait_healthy(&mut self) -> Outcome {
        let url = format!("{}/health", self.endpoint());
        let healthy = wait_until("etcd to answer", ETCD_PATIENCE, || {
            let mut command = Command::new("curl");
            command.args(["--silent", "--show-error", "--max-time", "2", &url]);
            let answer = finish(command, &[]).map_err(|failure| failure.to_string())?;
            if answer.stdout.contains("\"health\":\"true\"") { Ok(()) } else { Err(answer.to_string()) }
        });
        healthy.map_err(|failure| Failure::new(format!("{failure}\netcd's log:\n{}", self.log_tail())))
    }

    pub(crate) fn launch(&mut self) -> Outcome {
        let log = File::options().create(true).append(true).open(self.log());
        let log = log.map_err(|cause| Failure::during(format!("open {}", self.log().display()), cause))?;
        let copy =
            log.try_clone().map_err(|cause| Failure::during("copy the handle of etcd's log", cause))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]);
        match &self.options.program {
            StoreProgram::Etcd => command.arg("etcd").args(self.arguments()),
            StoreProgram::Own(server) => command
                .arg(server)
                .arg(self.data())
                .arg(format!("{}:{}", self.options.address, self.client_port)),
        };
        command.stdin(Stdio::null()).stdout(copy).stderr(log);
        // etcd reads its whole configuration from variables as well; ours is complete without.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ETCD")) {
            command.env_remove(name);
        }
        let child = command.spawn().map_err(|cause| Failure::during("start etcd or the store", cause))?;
        self.process = Some(child);
        Ok(())
    }

    fn arguments(&self) -> Vec<String> {
        let (client, peer) = (self.endpoint(), self.peer_url());
        let mut cluster = vec![self.peer()];
        cluster.extend(self.options.peers.iter().cloned());
        let pairs = [
            ("--name", self.options.name.clone()),
            ("--data-dir", self.data().display().to_string()),
            ("--listen-client-urls", client.clone()),
            ("--advertise-client-urls", client),
            ("--listen-peer-urls", peer.clone()),
            ("--initial-advertise-peer-urls", peer),
            ("--initial-cluster", cluster.join(",")),
            ("--initial-cluster-token", self.options.token.clone()),
        ];
        let mut words = vec!["--enable-v2=true".to_owned()];
        words.extend(pairs.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value]));
        words
    }

    fn end(&mut self, signal: Signal) -> Outcome {
        if self.process.is_none() {
            return Ok(());
        }
        self.signal(signal)?;
        // A paused process takes a SIGTERM only once it goes on.
        self.signal(Signal::SIGCONT)?;
        let Some(mut child) = self.process.take() else { return Ok(()) };
        let ended = wait_until("etcd to end", ETCD_PATIENCE, || match child.try_wait() {
            Ok(Some(_)) => Ok(()),
            Ok(None) => Err("it still runs".to_owned()),
            Err(cause) => Err(cause.to_string()),
        });
        if ended.is_err() {
            let _ = child.kill();
            let _ = child.wait();
        }
        ended
    }

    fn signal(&self, signal: Signal) -> Outcome {
        let id = self
            .process
            .as_ref()
            .ok_or_else(|| Failure::new(format!("send etcd {signal}: it does not run")))?
            .id();
        let pid = i32::try_from(id).map_err(|cause| Failure::during(format!("process {id}"), cause))?;
        kill(Pid::from_raw(pid), signal)
            .map_err(|cause| Failure::during(format!("send etcd {signal}"), cause))
    }

    fn data(&self) -> PathBuf {
        self.folder.join(format!("{}.data", self.options.name))
    }

    fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.options.name))
    }
}

impl Drop for Etcd {
    fn drop(&mut self) {
        let _ = self.kill();
        if self.folder_is_ours {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

fn fresh_folder() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("skiff-etcd-{}-{number}", std::process::id());
    Path::new(&std::env::temp_dir()).join(name)
}
