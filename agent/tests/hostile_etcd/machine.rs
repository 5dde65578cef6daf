//! One machine: a real user manager, the real agent, and what can be seen of both from outside.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use cluster::unit_file::UnitFile;
use cluster::{TargetState, UnitName};
use registry::etcd::{Endpoint, Endpoints, Etcd, KeyPrefix, Settings};
use registry::units;

use crate::user_manager::UserManager;
use crate::waiting::wait_for;

/// The machine's ID.
pub(crate) const ID: &str = "148a18ff6e954cd892dac9de9bb90d5a";

/// Folders of systemd itself, where files come and go by themselves.
const SYSTEMDS_OWN: [&str; 3] = ["journal", "run/systemd", "log"];

pub(crate) struct Machine {
    manager: UserManager,
    agent: Child,
    notifications: UnixDatagram,
    status: String,
}

impl Machine {
    /// Starts both and waits until the agent is ready.
    pub(crate) fn start(etcd: &str) -> Self {
        Self::start_with(etcd, "")
    }

    /// The same with more addresses for its API, each with a comma before it.
    pub(crate) fn start_with(etcd: &str, addresses: &str) -> Self {
        let manager = UserManager::start();
        let own = |name: &str| manager.dir().join(name);
        let notifications = UnixDatagram::bind(own("agent.notify")).unwrap();
        notifications.set_nonblocking(true).unwrap();
        let lines = [
            format!("machine_id={ID}"),
            "public_ip=10.10.1.1".to_owned(),
            format!("etcd_servers={etcd}"),
            "etcd_request_timeout=1".to_owned(),
            "systemd_user=true".to_owned(),
            format!("units_directory={}", own("units").display()),
            format!("runtime_directory={}", own("run/skiff").display()),
            format!("listen=unix:{}{addresses}", own("fleet.sock").display()),
            "agent_ttl=5s".to_owned(),
            "verbosity=1".to_owned(),
            "engine_reconcile_interval=0.6".to_owned(),
        ];
        fs::write(own("fleet.conf"), lines.join("\n") + "\n").unwrap();
        let log = fs::File::create(own("agent.log")).unwrap();
        let agent = Command::new(env!("CARGO_BIN_EXE_skiff-agent"))
            .arg("--config")
            .arg(own("fleet.conf"))
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("HOME", own("home"))
            .env("XDG_RUNTIME_DIR", own("run"))
            .env("NOTIFY_SOCKET", own("agent.notify"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut machine = Self { manager, agent, notifications, status: String::new() };
        wait_for("the agent to be well", || machine.wellness());
        machine
    }

    /// Where its API's Unix socket is.
    pub(crate) fn socket(&self) -> PathBuf {
        self.own("fleet.sock")
    }

    fn own(&self, name: &str) -> PathBuf {
        self.manager.dir().join(name)
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.agent.try_wait().unwrap().is_none()
    }

    /// What `systemctl status` would show of the agent.
    pub(crate) fn status(&mut self) -> String {
        let mut buffer = [0; 4096];
        while let Ok(count) = self.notifications.recv(&mut buffer) {
            let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
            let status = text.lines().filter_map(|line| line.strip_prefix("STATUS=")).next_back();
            self.status = status.map_or_else(|| std::mem::take(&mut self.status), str::to_owned);
        }
        self.status.clone()
    }

    /// Nothing is wrong, by its own words; or these.
    pub(crate) fn wellness(&mut self) -> Result<(), String> {
        let status = self.status();
        if status == "registered" && self.is_running() { Ok(()) } else { Err(status) }
    }

    /// Its words for what is wrong, in the status or in the log since `since` bytes of it, if they say `what`.
    pub(crate) fn says(&mut self, what: &str, since: usize) -> Result<String, String> {
        let status = self.status();
        let log = self.log();
        let news = log.get(since..).unwrap_or_default();
        let warned = news.lines().find(|line| line.starts_with("WARN") && line.contains(what));
        match warned {
            _ if status.contains(what) => Ok(status),
            Some(line) => Ok(line.to_owned()),
            None => Err(format!("{status}; {news}")),
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.own("agent.log")).unwrap_or_default()
    }

    fn memory_kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.agent.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
    }

    pub(crate) fn resident_kib(&self) -> u64 {
        self.memory_kib("VmRSS:")
    }

    /// The most that was resident since [`Self::forget_peak`].
    pub(crate) fn peak_kib(&self) -> u64 {
        self.memory_kib("VmHWM:")
    }

    pub(crate) fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.agent.id()), "5").unwrap();
    }

    /// All files of the machine but systemd's own, and which life each of its units is in.
    pub(crate) fn traces(&self) -> BTreeSet<String> {
        let mut traces = BTreeSet::new();
        let root = self.manager.dir();
        files(root, root, &mut traces);
        for entry in fs::read_dir(self.own("run/systemd/units")).into_iter().flatten().flatten() {
            let life = fs::read_link(entry.path()).unwrap_or_default();
            traces.insert(format!("{} {}", entry.file_name().display(), life.display()));
        }
        traces
    }

    /// Stores a unit in the registry itself and waits until it runs here.
    pub(crate) fn run_unit(&self, etcd: &str, unit: &str) {
        let name = create_unit(etcd, unit);
        wait_for("the unit to run", || {
            let states =
                self.manager.systemd().states(std::slice::from_ref(&name)).map_err(|e| e.to_string())?;
            if states.get(&name).is_some_and(|status| status.active == "active") {
                Ok(())
            } else {
                Err(format!("{states:?}\n{}", self.log_tail()))
            }
        });
    }

    /// Destroys it and waits until nothing of it is left here.
    pub(crate) fn drop_unit(&self, etcd: &str, unit: &str) {
        let name = UnitName::parse(unit).unwrap();
        assert!(units::destroy(&store(etcd), &name).unwrap());
        wait_for("the unit to be gone", || {
            let left: Vec<String> = self.traces().into_iter().filter(|trace| trace.contains(unit)).collect();
            if left.is_empty() { Ok(()) } else { Err(left) }
        });
    }

    pub(crate) fn log_tail(&self) -> String {
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
    }
}

/// Stores a unit that sleeps, and is to run.
pub(crate) fn create_unit(etcd: &str, unit: &str) -> UnitName {
    let name = UnitName::parse(unit).unwrap();
    let file = UnitFile::parse("[Service]\nExecStart=/bin/sleep infinity\n").unwrap();
    assert!(units::create(&store(etcd), &name, &file, TargetState::Launched).unwrap());
    name
}

pub(crate) fn store(endpoint: &str) -> Etcd {
    let endpoints = Endpoints::new(vec![Endpoint::parse(endpoint).unwrap()]).unwrap();
    Etcd::new(&Settings::new(endpoints, KeyPrefix::parse("/_coreos.com/fleet/").unwrap())).unwrap()
}

fn files(root: &Path, folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = path.strip_prefix(root).unwrap().display().to_string();
        // The agent's own half-written files, which get another name in a moment.
        let is_passing = name.starts_with("run/skiff/") && name.ends_with('%');
        if SYSTEMDS_OWN.contains(&name.as_str()) || is_passing {
            continue;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(root, &path, found),
            _ => drop(found.insert(name)),
        }
    }
}
