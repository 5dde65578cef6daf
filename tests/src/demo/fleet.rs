//! The demo's whole fleet: three small machines, a real etcd if one is wanted, and a command line to type into. It knows how
//! to raise them and to tell what went wrong; the story is `guide.rs`.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::demo::cgroup::Cgroup;
use crate::demo::folders::{make_folder, write};
use crate::demo::keys::Keys;
use crate::demo::machine::{GUIDE_MACHINES, Machine, Surroundings, search_path};
use crate::demo::units;
use crate::etcd::{Etcd, EtcdOptions};
use crate::failure::{Failure, Outcome};
use crate::free_port::free_port;
use crate::run::{Ran, finish};

/// No command of the walk may take longer, in seconds as `timeout` wants them.
const COMMAND_LIMIT_SECS: &str = "60";
/// Where systemd's own binary lies, depending on the distribution's age.
const SYSTEMD_PLACES: [&str; 2] = ["/usr/lib/systemd/systemd", "/lib/systemd/systemd"];

/// What the fleet is made from.
#[derive(Debug)]
pub struct Materials {
    /// A folder of its own, which exists.
    pub folder: PathBuf,
    /// A control group of its own, which exists.
    pub cgroup: Cgroup,
    /// Where `skiff-agent` and `ctl` lie.
    pub programs: PathBuf,
    /// Whether a real etcd is to keep the fleet's keys.
    pub etcd: bool,
}

/// The machines, and where a person would type.
#[derive(Debug)]
pub struct Fleet {
    /// The three machines, in the guide's order.
    pub machines: Vec<Machine>,
    /// Who keeps the fleet's keys: the first machine, or an etcd.
    pub keys: Keys,
    etcd: Option<Etcd>,
    materials: Materials,
}

impl Fleet {
    /// Switches three machines on, after an etcd if one is wanted.
    ///
    /// # Errors
    /// When one of them does not start.
    pub fn raise(materials: Materials) -> Outcome<Self> {
        // A group of its own for this program: a group with groups inside should hold no process itself.
        let home = materials.cgroup.child("demo")?;
        home.enter()?;
        let etcd = if materials.etcd { Some(start_etcd(&materials.folder)?) } else { None };
        let loopback = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let keys = match &etcd {
            Some(etcd) => Keys::Etcd(etcd.client_address().into()),
            None => {
                let trouble = |cause| Failure::during("find a free port for the store", cause);
                Keys::Hub((loopback, free_port(loopback).map_err(trouble)?).into())
            }
        };
        let around = Surroundings {
            folder: materials.folder.clone(),
            cgroup: materials.cgroup.clone(),
            home,
            agent: materials.programs.join("skiff-agent"),
            keys,
            systemd: systemd()?,
        };
        let mut fleet = Self { machines: Vec::new(), keys, etcd, materials };
        for identity in GUIDE_MACHINES {
            let mut machine = Machine::build(identity, fleet.machines.is_empty(), &around)?;
            machine.switch_on()?;
            fleet.machines.push(machine);
        }
        fleet.lay_out_units()?;
        Ok(fleet)
    }

    /// The machine whose agent answers the typed commands: the first.
    ///
    /// # Errors
    /// Never, once raised.
    pub fn endpoint(&self) -> Outcome<String> {
        let first = self.machines.first().ok_or_else(|| Failure::new("no machine was raised"))?;
        Ok(first.endpoint())
    }

    /// Where `ctl` lies.
    #[must_use]
    pub fn programs(&self) -> &Path {
        &self.materials.programs
    }

    /// Where the unit files lie.
    #[must_use]
    pub fn desk(&self) -> PathBuf {
        self.materials.folder.join("units")
    }

    /// Types a line into a shell, as a person would, in the folder with the unit files. What it prints on both outputs
    /// comes back as one text, in order.
    ///
    /// # Errors
    /// When the shell does not start, or the line ends with another status than 0 or not in a minute.
    pub fn type_line(&self, line: &str) -> Outcome<String> {
        let ran = self.try_line(line)?;
        if ran.exit == 0 {
            return Ok(ran.stdout);
        }
        Err(Failure::new(format!("`{line}` ended with status {} and printed:\n{}", ran.exit, ran.stdout)))
    }

    fn try_line(&self, line: &str) -> Outcome<Ran> {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", COMMAND_LIMIT_SECS, "sh", "-c", &format!("exec 2>&1\n{line}")]);
        command.current_dir(self.desk());
        command.env("PATH", format!("{}:{}", self.programs().display(), search_path()));
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("FLEET")) {
            command.env_remove(name);
        }
        command.env("FLEETCTL_ENDPOINT", self.endpoint()?);
        command.envs(self.keys.environment());
        finish(command, &[])
    }

    /// Whether everything that was switched on still runs.
    ///
    /// # Errors
    /// What ended, and with which status.
    pub fn check(&mut self) -> Outcome {
        self.machines.iter_mut().try_for_each(Machine::check)
    }

    /// The ends of all logs, for a failure.
    #[must_use]
    pub fn logs(&self) -> String {
        let agents: String = self.machines.iter().map(Machine::log_tail).collect();
        let etcd = self.etcd.as_ref().map(|etcd| format!("--- etcd\n{}\n", etcd.log_tail()));
        agents + &etcd.unwrap_or_default()
    }

    fn lay_out_units(&self) -> Outcome {
        make_folder(&self.desk())?;
        self.keys.lay_out_tool(&self.desk())?;
        units::all(self.keys).try_for_each(|(name, text)| write(&self.desk().join(name), text))
    }
}

fn start_etcd(folder: &Path) -> Outcome<Etcd> {
    let folder = folder.join("etcd");
    make_folder(&folder)?;
    Etcd::start_with(EtcdOptions { folder: Some(folder), ..EtcdOptions::default() })
}

fn systemd() -> Outcome<PathBuf> {
    let found = SYSTEMD_PLACES.iter().map(Path::new).find(|place| place.is_file());
    found
        .map(Path::to_path_buf)
        .ok_or_else(|| Failure::new(format!("find systemd: not in {SYSTEMD_PLACES:?}")))
}
