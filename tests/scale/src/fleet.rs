//! The fleet under test: an etcd with its data in memory, and processes full of agents that can be started and killed. What
//! runs is counted where the stand-ins leave it: in the machines' folders.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cluster::{UnitName, keys};
use registry::etcd::{Endpoint, Endpoints, Etcd as Client, KeyPrefix, Settings};
use registry::store::{Freshness, Store};
use tests::etcd::{Etcd, EtcdOptions};
use tests::failure::{Failure, Outcome};
use tests::wait::wait_until;

use crate::host::{folder_of, id_of};
use crate::meter::Meter;
use crate::stand_in::{self, LINK_PREFIX};

/// Machines that may lead, each in a process of its own, so that what it costs can be told.
pub(crate) const CANDIDATES: usize = 3;
/// Units for each machine.
const UNITS_PER_MACHINE: usize = 10;
/// Most agents in one process: each holds an inotify instance, of which a user has 128.
const AGENTS_MAX: usize = 50;
/// The first user that agents run as; no account need exist.
const FIRST_USER: u32 = 70_000;
/// Longest wait for anything; far beyond every promise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// A process with agents.
#[derive(Debug)]
pub(crate) struct Host {
    index: u32,
    first: usize,
    count: usize,
    child: Option<Child>,
}

/// All of it. Ends with this value.
#[derive(Debug)]
pub(crate) struct Fleet {
    pub(crate) machines: usize,
    pub(crate) hosts: Vec<Host>,
    pub(crate) etcd: Etcd,
    pub(crate) meter: Meter,
    root: PathBuf,
}

/// What runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Running {
    /// Units that run on some machine whose agent is alive.
    pub(crate) units: usize,
    /// Of those, on more than one.
    pub(crate) doubled: usize,
}

impl Fleet {
    /// An etcd, and nothing running yet.
    pub(crate) fn start(machines: usize) -> Outcome<Self> {
        let root = PathBuf::from(format!("/dev/shm/skiff-scale-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let failed = |cause: std::io::Error| Failure::during(format!("prepare {}", root.display()), cause);
        fs::create_dir_all(&root).map_err(failed)?;
        let program = std::env::current_exe().map_err(failed)?;
        fs::copy(program, root.join("scale")).map_err(failed)?;
        let options = EtcdOptions { folder: Some(root.join("etcd")), ..EtcdOptions::default() };
        let etcd = Etcd::start_with(options)?;
        let meter = Meter::of(&etcd)?;
        let mut hosts = Vec::new();
        let size = (machines / 20).clamp(1, AGENTS_MAX);
        let mut first = 0;
        while first < machines {
            let count = if first < CANDIDATES { 1 } else { size.min(machines - first) };
            let index = u32::try_from(hosts.len()).unwrap_or(u32::MAX);
            hosts.push(Host { index, first, count, child: None });
            first += count;
        }
        Ok(Self { machines, hosts, etcd, meter, root })
    }

    pub(crate) fn units(&self) -> usize {
        self.machines * UNITS_PER_MACHINE
    }

    /// A client of the registry, as ctl's driver has one.
    pub(crate) fn client(&self) -> Outcome<Client> {
        client(&self.etcd.endpoint())
    }

    /// Hosts that hold the candidates.
    pub(crate) fn candidates() -> std::ops::Range<usize> {
        0..CANDIDATES
    }

    /// The others.
    pub(crate) fn others(&self) -> std::ops::Range<usize> {
        CANDIDATES..self.hosts.len()
    }

    /// The last hosts, which make up a tenth of the machines.
    pub(crate) fn rack(&self) -> std::ops::Range<usize> {
        let mut first = self.hosts.len();
        let mut machines = 0;
        for host in self.hosts.iter().rev() {
            if machines >= (self.machines / 10).max(1) {
                break;
            }
            machines += host.count;
            first -= 1;
        }
        first..self.hosts.len()
    }

    /// Starts a host's agents.
    pub(crate) fn begin(&mut self, index: usize) -> Outcome {
        let (root, endpoint) = (self.root.clone(), self.etcd.endpoint());
        let host = self.hosts.get_mut(index).ok_or_else(|| Failure::new("no such host"))?;
        let user = FIRST_USER + host.index;
        for machine in host.first..host.first + host.count {
            let folder = folder_of(&root, machine);
            let made = fs::create_dir_all(&folder).and_then(|()| chown(&folder, Some(user), Some(user)));
            made.map_err(|cause| Failure::during(format!("make {}", folder.display()), cause))?;
        }
        let log =
            File::create(log_of(&root, host.index)).map_err(|cause| Failure::during("make a log", cause))?;
        let (user, first, count) = (user.to_string(), host.first.to_string(), host.count.to_string());
        let lead = if host.first < CANDIDATES { "lead" } else { "follow" };
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
        command.args(["setpriv", "--pdeathsig", "KILL"]).arg(root.join("scale"));
        command.arg("host").arg(&root).args([&endpoint, &first, &count, lead]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        host.child = Some(command.spawn().map_err(|cause| Failure::during("start a host", cause))?);
        Ok(())
    }

    /// Kills a host's agents. Their machines' folders stay.
    pub(crate) fn kill(&mut self, index: usize) -> Outcome {
        let child = self.hosts.get_mut(index).and_then(|host| host.child.take());
        let Some(mut child) = child else { return Ok(()) };
        child
            .kill()
            .and_then(|()| child.wait())
            .map(drop)
            .map_err(|cause| Failure::during("kill a host", cause))
    }

    /// What a power cut leaves of a host's machines: nothing.
    pub(crate) fn wipe(&self, index: usize) -> Outcome {
        let Some(host) = self.hosts.get(index) else { return Ok(()) };
        for machine in host.first..host.first + host.count {
            let folder = folder_of(&self.root, machine);
            fs::remove_dir_all(&folder)
                .map_err(|cause| Failure::during(format!("remove {}", folder.display()), cause))?;
        }
        Ok(())
    }

    /// Waits until every agent of a host is a member of the fleet.
    pub(crate) fn joined(&self, index: usize) -> Outcome {
        let Some(host) = self.hosts.get(index) else { return Ok(()) };
        let log = log_of(&self.root, host.index);
        wait_until(format!("host {index} to register"), PATIENCE, || {
            let text = fs::read_to_string(&log).unwrap_or_default();
            let registered = text.matches("INFO: registered").count();
            if registered >= host.count {
                Ok(())
            } else {
                Err(format!("{registered} of {} have", host.count))
            }
        })
    }

    /// The candidate that leads, by the lease.
    pub(crate) fn leader(&self, client: &Client) -> Outcome<usize> {
        wait_until("a leader", PATIENCE, || {
            let (lease, _) = client.read(keys::LEASE, Freshness::Local).map_err(|error| error.to_string())?;
            let lease = lease.map(|node| node.value).unwrap_or_default();
            Self::candidates().find(|number| lease.contains(&id_of(*number))).ok_or(lease)
        })
    }

    /// The process of a host.
    pub(crate) fn process(&self, index: usize) -> Outcome<u32> {
        let child = self.hosts.get(index).and_then(|host| host.child.as_ref());
        child.map(Child::id).ok_or_else(|| Failure::new(format!("host {index} does not run")))
    }

    /// What runs on machines whose agents are alive.
    pub(crate) fn running(&self) -> Running {
        let (mut all, mut count) = (BTreeSet::new(), 0);
        for host in self.hosts.iter().filter(|host| host.child.is_some()) {
            for machine in host.first..host.first + host.count {
                let links = stand_in::links(&folder_of(&self.root, machine));
                for entry in fs::read_dir(links).into_iter().flatten().flatten() {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if let Some(unit) = name.strip_prefix(LINK_PREFIX) {
                        all.insert(unit.to_owned());
                        count += 1;
                    }
                }
            }
        }
        Running { units: all.len(), doubled: count - all.len() }
    }

    /// True if some machine runs this unit.
    pub(crate) fn runs(&self, unit: &UnitName) -> bool {
        let link = format!("{LINK_PREFIX}{unit}");
        let is_there = |machine: usize| {
            stand_in::links(&folder_of(&self.root, machine)).join(&link).symlink_metadata().is_ok()
        };
        (0..self.machines).any(is_there)
    }

    /// How long to wait between two looks at everything.
    pub(crate) fn between_looks(&self) -> Duration {
        Duration::from_micros(500 * u64::try_from(self.machines).unwrap_or(1000))
    }

    /// Starts of units since the beginning, on machines that were not wiped.
    pub(crate) fn starts(&self) -> u64 {
        let file = |machine| folder_of(&self.root, machine).join(stand_in::STARTS);
        (0..self.machines).filter_map(|machine| Some(fs::metadata(file(machine)).ok()?.len())).sum()
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for index in 0..self.hosts.len() {
            let _ = self.kill(index);
        }
        let _ = self.etcd.kill();
        let _ = fs::remove_dir_all(&self.root);
    }
}

fn log_of(root: &Path, index: u32) -> PathBuf {
    root.join(format!("host-{index}.log"))
}

/// A client of the registry.
pub(crate) fn client(endpoint: &str) -> Outcome<Client> {
    let words = |error: &dyn std::fmt::Display| Failure::new(error.to_string());
    let endpoint = Endpoint::parse(endpoint).map_err(|error| words(&error))?;
    let endpoints = Endpoints::new(vec![endpoint]).map_err(|error| words(&error))?;
    let prefix = KeyPrefix::parse("/_coreos.com/fleet/").map_err(|error| words(&error))?;
    let settings = Settings { request_timeout: Duration::from_secs(10), ..Settings::new(endpoints, prefix) };
    Client::new(&settings).map_err(|error| words(&error))
}
