//! One small machine: a `systemd --user` manager with a runtime folder and a control group of its own, and the agent that
//! drives it. It can be switched on, lose its power, and be switched on again; what runs on it is the guide's affair.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::demo::cgroup::Cgroup;
use crate::demo::folders::{make_folder, remove_folder, write};
use crate::demo::keys::Keys;
use crate::failure::{Failure, Outcome};
use crate::run::{exit_number, finish};
use crate::wait::wait_until;

/// How long systemd may take to come up (about 0.3 s here).
const MANAGER_PATIENCE: Duration = Duration::from_secs(30);
/// Targets that would start whatever this computer's packages want in every user's session.
const UNWANTED_TARGETS: [&str; 3] = ["sockets.target", "timers.target", "paths.target"];
/// Lines of the agent's log that a failure shows.
const LOG_TAIL_LINES: usize = 60;

/// A machine as the guide describes it.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The machine ID, one of the guide's.
    pub id: &'static str,
    /// The address it publishes. Nothing is sent there: the agents meet where the fleet's keys are.
    pub address: &'static str,
    /// Its metadata.
    pub metadata: &'static str,
}

/// The guide's three machines, with the metadata of its last chapter.
pub const GUIDE_MACHINES: [Identity; 3] = [
    Identity {
        id: "148a18ff-6e95-4cd8-92da-c9de9bb90d5a",
        address: "10.10.1.1",
        metadata: "platform=metal,provider=rackspace,region=east,disk=ssd",
    },
    Identity {
        id: "491586a6-508f-4583-a71d-bfc4d146e996",
        address: "10.10.1.2",
        metadata: "platform=cloud,provider=rackspace,region=east,disk=ssd",
    },
    Identity {
        id: "c9de9451-6a6f-1d80-b7e6-46e996bfc4d1",
        address: "10.10.1.3",
        metadata: "platform=cloud,provider=amazon,region=east",
    },
];

impl Identity {
    /// The first eight characters, as lists show them before the dots.
    #[must_use]
    pub fn short(&self) -> &'static str {
        self.id.get(..8).unwrap_or(self.id)
    }

    /// The machine as `list-units` names it: `148a18ff.../10.10.1.1`.
    #[must_use]
    pub fn legend(&self) -> String {
        format!("{}.../{}", self.short(), self.address)
    }
}

/// What all machines of one demo share.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The folder for everything; a machine's own is inside it.
    pub folder: PathBuf,
    /// The group for everything; a machine's own is inside it.
    pub cgroup: Cgroup,
    /// The group this program itself is in.
    pub home: Cgroup,
    /// The agent's binary.
    pub agent: PathBuf,
    /// Who keeps the fleet's keys.
    pub keys: Keys,
    /// systemd's binary.
    pub systemd: PathBuf,
}

/// One machine, on or off.
#[derive(Debug)]
pub struct Machine {
    /// Who it is.
    pub identity: Identity,
    is_first: bool,
    folder: PathBuf,
    cgroup: Cgroup,
    around: Surroundings,
    manager: Option<Child>,
    agent: Option<Child>,
}

impl Machine {
    /// A machine that is still off, with its configuration file written.
    ///
    /// # Errors
    /// When its folder or its control group cannot be made.
    pub fn build(identity: Identity, is_first: bool, around: &Surroundings) -> Outcome<Self> {
        let folder = around.folder.join(identity.short());
        make_folder(&folder)?;
        let cgroup = around.cgroup.child(identity.short())?;
        let around = around.clone();
        let machine = Self { identity, is_first, folder, cgroup, around, manager: None, agent: None };
        write(&machine.folder.join("fleet.conf"), &machine.configuration())?;
        Ok(machine)
    }

    /// The address of its agent's API, for `FLEETCTL_ENDPOINT`.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("unix://{}", self.folder.join("fleet.sock").display())
    }

    /// The runtime folder of its systemd: `XDG_RUNTIME_DIR`, `%t` in units.
    #[must_use]
    pub fn runtime(&self) -> PathBuf {
        self.folder.join("run")
    }

    /// Starts systemd, waits until it is up, and starts the agent. What a machine forgets without power is empty.
    ///
    /// # Errors
    /// When one of both does not start; the text says what it printed.
    pub fn switch_on(&mut self) -> Outcome {
        for forgotten in ["run", "units"] {
            remove_folder(&self.folder.join(forgotten))?;
            make_folder(&self.folder.join(forgotten))?;
        }
        self.mask_unwanted()?;
        self.around.keys.lay_out_tool(&self.folder.join("home"))?;
        // Should this program be killed, systemd stops its units and ends.
        let mut systemd = self.command("TERM", &self.around.systemd, "systemd.log")?;
        systemd.args(["--user", "--unit=basic.target"]);
        self.manager = Some(self.cgroup.child("manager")?.spawn(systemd, &self.around.home)?);
        self.wait_for_manager()?;
        let mut agent = self.command("KILL", &self.around.agent, "agent.log")?;
        agent.arg("--config").arg(self.folder.join("fleet.conf"));
        agent.args(self.around.keys.agent_words(self.is_first));
        self.agent = Some(self.cgroup.child("agent")?.spawn(agent, &self.around.home)?);
        Ok(())
    }

    /// Takes its power away: systemd, the agent and every unit get SIGKILL together, and nobody is told.
    ///
    /// # Errors
    /// When something in its control group survives.
    pub fn lose_power(&mut self) -> Outcome {
        let killed = self.cgroup.kill();
        for child in [self.manager.take(), self.agent.take()].into_iter().flatten() {
            reap(child);
        }
        killed
    }

    /// Whether systemd and the agent both still run; otherwise what ended, and how.
    ///
    /// # Errors
    /// As said.
    pub fn check(&mut self) -> Outcome {
        for (name, child) in [("systemd", &mut self.manager), ("skiff-agent", &mut self.agent)] {
            if let Some(status) = child.as_mut().and_then(|child| child.try_wait().ok().flatten()) {
                let ended =
                    format!("{name} of {} ended with status {}", self.identity.address, exit_number(status));
                return Err(Failure::new(ended));
            }
        }
        Ok(())
    }

    /// The last lines its agent logged, under a heading, for failures.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let path = self.folder.join("agent.log");
        let text = fs::read_to_string(&path).unwrap_or_default();
        let skip = text.lines().count().saturating_sub(LOG_TAIL_LINES);
        let lines: Vec<&str> = text.lines().skip(skip).collect();
        format!("--- agent of {} ({})\n{}\n", self.identity.address, path.display(), lines.join("\n"))
    }

    fn configuration(&self) -> String {
        let own = |name: &str| self.folder.join(name).display().to_string();
        let Identity { id, address, metadata } = self.identity;
        let mut lines = vec![
            format!("# The machine that publishes {address}."),
            format!("machine_id={id}"),
            format!("public_ip={address}"),
            format!("metadata=\"{metadata}\""),
            "systemd_user=true".to_owned(),
            format!("units_directory={}", own("units")),
            format!("runtime_directory={}", own("run/skiff")),
            format!("listen=unix:{}", own("fleet.sock")),
            "# Short, so that nobody has to wait long for a lost machine to be noticed.".to_owned(),
            "agent_ttl=5s".to_owned(),
            "engine_reconcile_interval=0.6".to_owned(),
        ];
        lines.extend(self.around.keys.configuration(self.is_first, &self.folder.join("store")));
        lines.join("\n") + "\n"
    }

    /// A program with this machine's surroundings and nothing of the caller's. Ctrl-C in the terminal does not reach it;
    /// the end of this program does, as the signal `farewell`.
    fn command(&self, farewell: &str, program: &Path, log: &str) -> Outcome<Command> {
        let path = self.folder.join(log);
        let open = File::options().create(true).append(true).open(&path);
        let log = open.map_err(|cause| Failure::during(format!("open {}", path.display()), cause))?;
        let copy = log.try_clone().map_err(|cause| Failure::during("copy a log's handle", cause))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", farewell, "--"]).arg(program);
        command.env_clear().env("PATH", search_path()).env("HOME", self.folder.join("home"));
        command.env("XDG_RUNTIME_DIR", self.runtime());
        // systemd hands these on to its units, so that what announces finds this demo's keys.
        command.envs(self.around.keys.environment());
        command.current_dir(&self.folder).process_group(0);
        command.stdin(Stdio::null()).stdout(copy).stderr(log);
        Ok(command)
    }

    fn mask_unwanted(&self) -> Outcome {
        let settings = self.folder.join("home/.config/systemd/user");
        fs::create_dir_all(&settings)
            .map_err(|cause| Failure::during(format!("create {}", settings.display()), cause))?;
        for target in UNWANTED_TARGETS {
            match symlink("/dev/null", settings.join(target)) {
                Err(cause) if cause.kind() != ErrorKind::AlreadyExists => {
                    return Err(Failure::during(format!("mask {target}"), cause));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn wait_for_manager(&mut self) -> Outcome {
        let what = format!("systemd of {} to be up", self.identity.address);
        let runtime = self.runtime();
        wait_until(what, MANAGER_PATIENCE, || {
            // A manager that ended will not come up however long one waits, but then the answer below says so at the end.
            let mut ask = Command::new("systemctl");
            ask.args(["--user", "is-active", "basic.target"]).env("XDG_RUNTIME_DIR", &runtime);
            ask.env_remove("DBUS_SESSION_BUS_ADDRESS");
            let answer = finish(ask, &[]).map_err(|failure| failure.to_string())?;
            if answer.exit == 0 { Ok(()) } else { Err(answer.to_string()) }
        })?;
        self.check()
    }
}

/// The user's own search path first, then where Debian keeps programs a user's path may lack.
#[must_use]
pub fn search_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    format!("{own}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
}

fn reap(mut child: Child) {
    let _ = child.kill();
    let _ = child.wait();
}
