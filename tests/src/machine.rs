//! A real systemd machine: booted by `systemd-nspawn` on a root of its own, with a namespace on the test network. It
//! can be powered off, killed, booted again, cut off, and asked things. It knows of systemd, and nothing of Skiff.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::failure::{Failure, Outcome};
use crate::isolation::{Isolation, remove_overlay};
use crate::machine_root::{Identity, prepare};
use crate::network::{Link, Network};
use crate::run::{Ran, finish};
use crate::wait::wait_until;

/// A boot takes about a second; a busy host may take many.
const BOOT_PATIENCE: Duration = Duration::from_secs(60);

/// A clean power-off waits for units to stop, up to systemd's own 90 s for each.
const POWER_OFF_PATIENCE: Duration = Duration::from_secs(120);

/// Nothing that a scenario runs in a machine takes this long by rights; a command that hangs then exits 137.
const RUN_PATIENCE_SECS: &str = "60";

/// Joins the cgroups given first and becomes the program after `--`: there is no other way to start a process
/// inside a cgroup without unsafe code.
const IN_CGROUPS: &str =
    r#"while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done; shift; exec "$@""#;

/// The environment of commands in a machine; the test's own (cargo's variables among others) stays outside.
const ENVIRONMENT: [(&str, &str); 6] = [
    ("ETCDCTL_API", "2"),
    ("ETCDCTL_ENDPOINTS", "http://10.10.1.254:2379"),
    ("HOME", "/root"),
    ("LANG", "C.UTF-8"),
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("SYSTEMD_PAGER", "cat"),
];

/// One machine. It is killed when dropped, and its files are gone.
#[derive(Debug)]
pub struct Machine {
    identity: Identity,
    root: PathBuf,
    link: Link,
    cgroups: Vec<PathBuf>,
    console: PathBuf,
    nspawn: Option<Child>,
    leader: Leader,
}

/// The host's process ID of a machine's PID 1, 0 while it is off; it can be followed from another thread.
#[derive(Clone, Debug, Default)]
pub struct Leader(Arc<AtomicI32>);

impl Leader {
    fn get(&self) -> Option<i32> {
        Some(self.0.load(Ordering::SeqCst)).filter(|pid| *pid > 0)
    }

    /// The invocation of a unit that runs in the machine (or is on its way up or down), read without any process.
    #[must_use]
    pub fn invocation(&self, unit: &str) -> Option<String> {
        let link = format!("/proc/{}/root/run/systemd/units/invocation:{unit}", self.get()?);
        fs::read_link(link).ok().map(|target| target.to_string_lossy().into_owned())
    }
}

impl Machine {
    /// Prepares a machine that is off.
    ///
    /// # Errors
    /// When its root, cgroups or network cannot be made.
    pub fn create(isolation: &Isolation, network: &Network, identity: Identity) -> Outcome<Self> {
        let root = prepare(isolation, &identity)?;
        let link = network.attach(&identity.name, identity.number)?;
        let cgroups = isolation.cgroups(&identity.name)?;
        let console = isolation.folder(&identity.name)?.join("console.log");
        Ok(Self { identity, root, link, cgroups, console, nspawn: None, leader: Leader::default() })
    }

    /// Its place on the network, to cut and restore.
    #[must_use]
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// Who it is.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The folder on the host that is its `/`.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// To look at it from another thread.
    #[must_use]
    pub fn leader(&self) -> Leader {
        self.leader.clone()
    }

    /// Whether it is on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.leader.get().is_some()
    }

    /// Starts it without waiting: several boot side by side.
    ///
    /// # Errors
    /// When it is on already or nspawn cannot be started.
    pub fn begin_boot(&mut self) -> Outcome {
        if self.nspawn.is_some() {
            return Err(Failure::new(format!("boot {}: it is on", self.identity.name)));
        }
        let console = File::options().create(true).append(true).open(&self.console);
        let console =
            console.map_err(|cause| Failure::during(format!("open {}", self.console.display()), cause))?;
        let copy =
            console.try_clone().map_err(|cause| Failure::during("copy the console's handle", cause))?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "sh", "-c", IN_CGROUPS, "sh"]).args(&self.cgroups).arg("--");
        command.args(self.nspawn_words()).env("SYSTEMD_NSPAWN_UNIFIED_HIERARCHY", "1");
        command.stdin(Stdio::null()).stdout(copy).stderr(console);
        let child = command.spawn();
        self.nspawn = Some(child.map_err(|cause| Failure::during("start systemd-nspawn", cause))?);
        Ok(())
    }

    fn nspawn_words(&self) -> Vec<String> {
        let words = [
            "systemd-nspawn",
            "--quiet",
            "--boot",
            "--register=no",
            "--keep-unit",
            "--console=pipe",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            "--capability=all",
            "--system-call-filter=@keyring bpf",
        ];
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        words.push(format!("--directory={}", self.root.display()));
        words.push(format!("--machine=skiff-{}-{}", std::process::id(), self.identity.name));
        words.push(format!("--hostname={}", self.identity.hostname));
        words.push(format!("--network-namespace-path={}", self.link.namespace()));
        words
    }

    /// Waits until its systemd has reached basic.target.
    ///
    /// # Errors
    /// When it does not; the text ends with its console.
    pub fn finish_boot(&mut self) -> Outcome {
        let booted =
            wait_until(format!("{} to boot", self.identity.name), BOOT_PATIENCE, || self.look_at_boot());
        booted.map_err(|failure| Failure::new(format!("{failure}\nits console:\n{}", self.console_text())))
    }

    fn look_at_boot(&mut self) -> Result<(), String> {
        let nspawn = self.nspawn.as_mut().ok_or("it is off")?;
        if let Ok(Some(status)) = nspawn.try_wait() {
            return Err(format!("systemd-nspawn ended: {status}"));
        }
        let id = nspawn.id();
        let leader = init_below(id).ok_or("no process of it is a PID 1 yet")?;
        self.leader.0.store(leader, Ordering::SeqCst);
        let active =
            self.run(&["systemctl", "is-active", "basic.target"]).map_err(|failure| failure.to_string())?;
        if active.exit == 0 { Ok(()) } else { Err(active.to_string()) }
    }

    /// Boots it and waits.
    ///
    /// # Errors
    /// As [`Machine::begin_boot`] and [`Machine::finish_boot`].
    pub fn boot(&mut self) -> Outcome {
        self.begin_boot()?;
        self.finish_boot()
    }

    /// `systemctl poweroff`, and waits until it is off. Its files stay.
    ///
    /// # Errors
    /// When it does not go off.
    pub fn power_off(&mut self) -> Outcome {
        self.run(&["systemctl", "--no-block", "--no-wall", "poweroff"])?.success()?;
        self.wait_off()
    }

    /// A hard loss: its PID 1 is killed, and with it everything in it, at this instant. Its files stay.
    ///
    /// # Errors
    /// When it is off already or does not end.
    pub fn kill(&mut self) -> Outcome {
        let leader = self.pid()?;
        // From here on nobody may look through `/proc/PID`: the number can be given to another process.
        self.leader.0.store(0, Ordering::SeqCst);
        kill(Pid::from_raw(leader), Signal::SIGKILL)
            .map_err(|cause| Failure::during(format!("kill {}", self.identity.name), cause))?;
        self.wait_off()
    }

    /// Stops every process in it at this instant, PID 1 included, as a machine that is suspended; or lets them go on.
    ///
    /// # Errors
    /// When no control group of it can be frozen.
    pub fn freeze(&self, frozen: bool) -> Outcome {
        let switch =
            self.cgroups.iter().map(|cgroup| cgroup.join("cgroup.freeze")).find(|file| file.exists());
        let switch = switch.ok_or_else(|| Failure::new("no cgroup of the unified hierarchy to freeze"))?;
        fs::write(&switch, if frozen { "1" } else { "0" })
            .map_err(|cause| Failure::during(format!("write {}", switch.display()), cause))
    }

    /// Sends its PID 1 a signal from outside, which a PID 1 has to take.
    ///
    /// # Errors
    /// When it is off.
    pub fn signal_init(&self, signal: Signal) -> Outcome {
        kill(Pid::from_raw(self.pid()?), signal)
            .map_err(|cause| Failure::during(format!("send PID 1 of {} {signal}", self.identity.name), cause))
    }

    fn wait_off(&mut self) -> Outcome {
        let Some(nspawn) = self.nspawn.as_mut() else { return Ok(()) };
        wait_until(format!("{} to be off", self.identity.name), POWER_OFF_PATIENCE, || {
            match nspawn.try_wait() {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err("systemd-nspawn still runs".to_owned()),
                Err(cause) => Err(cause.to_string()),
            }
        })?;
        self.leader.0.store(0, Ordering::SeqCst);
        self.nspawn = None;
        Ok(())
    }

    /// Runs a program in it to its end, with an empty standard input.
    ///
    /// # Errors
    /// When the machine is off or the program cannot be started; its exit status is the caller's to judge.
    pub fn run(&self, words: &[&str]) -> Outcome<Ran> {
        let mut limited = vec!["timeout", "--signal=KILL", RUN_PATIENCE_SECS];
        limited.extend(words);
        let mut ran = finish(self.command(&limited)?, &[])?;
        // The way in is of no interest to whoever reads a failure.
        ran.call = format!("{}# {}", self.identity.name, words.join(" "));
        Ok(ran)
    }

    /// Runs a line of shell in it, in the folder where unit files lie, as a person would type it there.
    ///
    /// # Errors
    /// As [`Machine::run`].
    pub fn shell(&self, line: &str) -> Outcome<Ran> {
        let mut ran = self.run(&["/bin/sh", "-c", &format!("cd /root/units && {line}")])?;
        ran.call = format!("{}$ {line}", self.identity.name);
        Ok(ran)
    }

    /// A program in it, to be started by the caller.
    ///
    /// # Errors
    /// When the machine is off.
    pub fn command(&self, words: &[&str]) -> Outcome<Command> {
        let mut command = Command::new("nsenter");
        command.args(["-t", &self.pid()?.to_string(), "-a", "--"]).args(words);
        command.env_clear().envs(ENVIRONMENT);
        Ok(command)
    }

    /// The path on the host of what is `path` (absolute) in the machine while it is on, its own mounts included.
    ///
    /// # Errors
    /// When it is off.
    pub fn inside(&self, path: &str) -> Outcome<PathBuf> {
        Ok(PathBuf::from(format!("/proc/{}/root{path}", self.pid()?)))
    }

    fn pid(&self) -> Outcome<i32> {
        self.leader.get().ok_or_else(|| Failure::new(format!("{} is off", self.identity.name)))
    }

    /// What its console showed, all boots.
    #[must_use]
    pub fn console_text(&self) -> String {
        fs::read_to_string(&self.console).unwrap_or_default()
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.kill();
        if let Some(mut nspawn) = self.nspawn.take() {
            let _ = nspawn.kill();
            let _ = nspawn.wait();
        }
        remove_overlay(&self.root);
    }
}

/// The child of `nspawn` that is PID 1 of a namespace below ours.
fn init_below(nspawn: u32) -> Option<i32> {
    let children = fs::read_to_string(format!("/proc/{nspawn}/task/{nspawn}/children")).ok()?;
    children.split_whitespace().filter_map(|word| word.parse::<i32>().ok()).find(|pid| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let ids = status.lines().find_map(|line| line.strip_prefix("NSpid:")).unwrap_or_default();
        ids.split_whitespace().count() > 1 && ids.split_whitespace().last() == Some("1")
    })
}
