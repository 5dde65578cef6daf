//! A corner of this machine that is ours alone: a mount and a network namespace for the whole test process, a tmpfs
//! for the machines' files, and cgroups with a name of our own. What lies in the namespaces goes with the last process
//! in them, even after a `kill -9`; cgroups do not, and are swept here at the next start.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid};

use crate::failure::{Failure, Outcome};
use crate::run::run;
use crate::wait::wait_until;

/// Where our tmpfs is mounted, inside our mount namespace only; the host sees an empty folder.
const BASE: &str = "/run/skiff-tests";

/// Where `ip netns` keeps names; covered, so that ours neither meet the host's nor stay behind.
const NAMED_NAMESPACES: &str = "/run/netns";

/// Cgroups are called this, then the process ID of the run, then the machine.
const CGROUP_PREFIX: &str = "skiff-tests-";

/// Killed processes are gone from their cgroup within milliseconds.
const CGROUP_PATIENCE: Duration = Duration::from_secs(10);

/// Proof that this process lives in namespaces of its own; everything that mounts or makes links asks for one.
#[derive(Debug)]
pub struct Isolation {
    cgroup_roots: Vec<PathBuf>,
}

impl Isolation {
    /// Moves this process into namespaces of its own. To be called first thing in `main`: threads that exist already
    /// would stay outside.
    ///
    /// # Errors
    /// When not root, or when the kernel refuses.
    pub fn enter() -> Outcome<Self> {
        if !Uid::effective().is_root() {
            return Err(Failure::new(
                "the scenarios boot systemd machines and need root: run them with sudo",
            ));
        }
        let cgroup_roots = cgroup_roots()?;
        sweep_cgroups(&cgroup_roots);
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET)
            .map_err(|cause| Failure::during("enter a mount and a network namespace of our own", cause))?;
        mount_over(None, "/", None, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None)?;
        for folder in [BASE, NAMED_NAMESPACES] {
            fs::create_dir_all(folder).map_err(|cause| Failure::during(format!("create {folder}"), cause))?;
            mount_over(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))?;
        }
        run(&["ip", "link", "set", "lo", "up"])?.success()?;
        Ok(Self { cgroup_roots })
    }

    /// A folder of that name on our tmpfs, created if need be.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn folder(&self, name: &str) -> Outcome<PathBuf> {
        let folder = Path::new(BASE).join(name);
        fs::create_dir_all(&folder)
            .map_err(|cause| Failure::during(format!("create {}", folder.display()), cause))?;
        Ok(folder)
    }

    /// The cgroups of one machine, one in each hierarchy that systemd uses, created if need be.
    ///
    /// # Errors
    /// When one cannot be created.
    pub fn cgroups(&self, machine: &str) -> Outcome<Vec<PathBuf>> {
        let name = format!("{CGROUP_PREFIX}{}-{machine}", std::process::id());
        let make = |root: &PathBuf| {
            let cgroup = root.join(&name);
            fs::create_dir_all(&cgroup)
                .map_err(|cause| Failure::during(format!("create {}", cgroup.display()), cause))?;
            Ok(cgroup)
        };
        self.cgroup_roots.iter().map(make).collect()
    }
}

impl Drop for Isolation {
    fn drop(&mut self) {
        let ours = format!("{CGROUP_PREFIX}{}-", std::process::id());
        for cgroup in self.cgroup_roots.iter().flat_map(|root| children(root)) {
            if file_name(&cgroup).starts_with(&ours) {
                remove_cgroup(&cgroup);
            }
        }
    }
}

/// Mounts an overlay whose changes lie in `folder`, over the host's root; gives the merged tree's path.
///
/// # Errors
/// When a folder cannot be created or the kernel refuses the mount.
pub fn overlay_root(_isolation: &Isolation, folder: &Path) -> Outcome<PathBuf> {
    let [upper, work, root] = ["upper", "work", "root"].map(|part| folder.join(part));
    for part in [&upper, &work, &root] {
        fs::create_dir_all(part)
            .map_err(|cause| Failure::during(format!("create {}", part.display()), cause))?;
    }
    let options = format!("lowerdir=/,upperdir={},workdir={}", upper.display(), work.display());
    mount_over(Some("overlay"), &root.to_string_lossy(), Some("overlay"), MsFlags::empty(), Some(&options))?;
    Ok(root)
}

/// Takes such an overlay away again, with its folder.
pub(crate) fn remove_overlay(root: &Path) {
    let _ = umount2(root, MntFlags::MNT_DETACH);
    if let Some(folder) = root.parent() {
        let _ = fs::remove_dir_all(folder);
    }
}

fn mount_over(
    source: Option<&str>,
    target: &str,
    kind: Option<&str>,
    flags: MsFlags,
    options: Option<&str>,
) -> Outcome {
    mount(source, target, kind, flags, options).map_err(|cause| {
        Failure::during(
            format!("mount {} on {target} ({})", kind.unwrap_or("-"), options.unwrap_or("-")),
            cause,
        )
    })
}

/// Where to create cgroups: the unified hierarchy, and systemd's own one where the host still has it apart.
fn cgroup_roots() -> Outcome<Vec<PathBuf>> {
    let root = Path::new("/sys/fs/cgroup");
    if root.join("cgroup.procs").exists() {
        return Ok(vec![root.to_path_buf()]);
    }
    let roots: Vec<PathBuf> =
        ["unified", "systemd"].iter().map(|name| root.join(name)).filter(|path| path.exists()).collect();
    if roots.is_empty() {
        Err(Failure::new("no cgroup hierarchy is mounted on /sys/fs/cgroup"))
    } else {
        Ok(roots)
    }
}

/// Removes the cgroups of runs whose process is gone, with whatever still lives in them.
fn sweep_cgroups(roots: &[PathBuf]) {
    for cgroup in roots.iter().flat_map(|root| children(root)) {
        let name = file_name(&cgroup);
        let Some(run) = name.strip_prefix(CGROUP_PREFIX).and_then(|rest| rest.split('-').next()) else {
            continue;
        };
        if !Path::new("/proc").join(run).exists() {
            remove_cgroup(&cgroup);
        }
    }
}

/// Kills what is in a cgroup tree and removes it. What resists is left for the next sweep: it harms nobody.
fn remove_cgroup(cgroup: &Path) {
    let _ = wait_until("a cgroup to go", CGROUP_PATIENCE, || {
        remove_tree(cgroup);
        if cgroup.exists() { Err("it is still there") } else { Ok(()) }
    });
}

fn remove_tree(cgroup: &Path) {
    for child in children(cgroup) {
        remove_tree(&child);
    }
    for line in fs::read_to_string(cgroup.join("cgroup.procs")).unwrap_or_default().lines() {
        if let Ok(pid) = line.parse() {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
    }
    let _ = fs::remove_dir(cgroup);
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
