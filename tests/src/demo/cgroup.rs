//! Control groups (version 2) as the demo uses them: one for each small machine, so that a machine can be switched off
//! whole. It only makes, fills, kills and removes groups; where they may be made is `ground.rs`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::failure::{Failure, Outcome};
use crate::wait::wait_until;

/// How long killed processes may take to be gone.
const DEATH_PATIENCE: Duration = Duration::from_secs(20);

/// One group, which exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup(PathBuf);

impl Cgroup {
    /// A group at `path`, made if it is not there yet.
    ///
    /// # Errors
    /// When it cannot be made: mostly because the group above belongs to somebody else.
    pub fn make(path: PathBuf) -> Outcome<Self> {
        match fs::create_dir(&path) {
            Ok(()) => Ok(Self(path)),
            Err(cause) if cause.kind() == ErrorKind::AlreadyExists => Ok(Self(path)),
            Err(cause) => Err(Failure::during(format!("make control group {}", path.display()), cause)),
        }
    }

    /// The group that this program found at `path`; nothing is checked.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// A group inside this one.
    ///
    /// # Errors
    /// As [`Cgroup::make`].
    pub fn child(&self, name: &str) -> Outcome<Self> {
        Self::make(self.0.join(name))
    }

    /// Its folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Moves the calling process in.
    ///
    /// # Errors
    /// When the group, or the one above both groups, may not be written.
    pub fn enter(&self) -> Outcome {
        let file = self.0.join("cgroup.procs");
        // "0" is the writer itself, in whatever process ID namespace it lives.
        fs::write(&file, "0").map_err(|cause| Failure::during(format!("write {}", file.display()), cause))
    }

    /// Starts a program inside this group. The caller visits the group for that moment and goes back to `home`: a child
    /// is born where its parent is, and no code has to run between fork and exec.
    ///
    /// # Errors
    /// When the group cannot be entered or the program not be started.
    pub fn spawn(&self, mut command: Command, home: &Cgroup) -> Outcome<Child> {
        self.enter()?;
        let spawned = command.spawn();
        home.enter()?;
        let program = command.get_program().to_string_lossy().into_owned();
        spawned.map_err(|cause| Failure::during(format!("start {program}"), cause))
    }

    /// SIGKILL to every process in it and below, in one stroke where the kernel has `cgroup.kill` (5.14), and waits until
    /// none is left. A group that does not exist is empty.
    ///
    /// # Errors
    /// When processes are left after twenty seconds.
    pub fn kill(&self) -> Outcome {
        if fs::write(self.0.join("cgroup.kill"), "1").is_ok() {
            return wait_until(self.emptiness(), DEATH_PATIENCE, || self.is_empty());
        }
        wait_until(self.emptiness(), DEATH_PATIENCE, || {
            for pid in processes(&self.0) {
                let _ = kill(pid, Signal::SIGKILL);
            }
            self.is_empty()
        })
    }

    /// Removes it and every group below. One that is gone already is no error.
    ///
    /// # Errors
    /// When a process still lives in it.
    pub fn remove(&self) -> Outcome {
        // A group stays busy for a moment after its last process: the exit is seen before the group is let go.
        wait_until(format!("{} to go", self.0.display()), DEATH_PATIENCE, || remove_tree(&self.0))
    }

    fn emptiness(&self) -> String {
        format!("{} to be empty", self.0.display())
    }

    fn is_empty(&self) -> Result<(), String> {
        match fs::read_to_string(self.0.join("cgroup.events")) {
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
            Err(cause) => Err(cause.to_string()),
            Ok(events) if events.lines().any(|line| line == "populated 0") => Ok(()),
            Ok(_) => Err(format!("processes {:?}", processes(&self.0))),
        }
    }
}

fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn processes(folder: &Path) -> Vec<Pid> {
    let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
    let mut found: Vec<Pid> = text.lines().filter_map(|line| line.parse().ok()).map(Pid::from_raw).collect();
    for inner in folders_in(folder) {
        found.extend(processes(&inner));
    }
    found
}

fn remove_tree(folder: &Path) -> Result<(), String> {
    for inner in folders_in(folder) {
        remove_tree(&inner)?;
    }
    match fs::remove_dir(folder) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(format!("{}: {cause}", folder.display())),
        _ => Ok(()),
    }
}
