//! Where three small machines can stand: a control group this program may divide, a `/run/systemd/system` that systemd
//! wants to see, and the privileges for both. Root, an ordinary user with a user manager, and an ordinary user with a
//! user namespace each get there on a way of their own; from here on nothing differs between them.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statfs::{CGROUP2_SUPER_MAGIC, statfs};
use nix::unistd::{Gid, Uid};

use crate::demo::cgroup::Cgroup;
use crate::failure::{Failure, Outcome};
use crate::run::{Ran, finish};

/// What systemd's programs look for to tell whether the machine was booted with systemd.
const BOOTED_MARK: &str = "/run/systemd/system";
/// Where systemd wants the control groups.
const CGROUP_ROOT: &str = "/sys/fs/cgroup";
/// Where a machine with both versions of control groups has version 2.
const CGROUP_ROOT_HYBRID: &str = "/sys/fs/cgroup/unified";
/// The word with which this program calls itself inside a scope of its own.
pub const IN_SCOPE: &str = "--in-scope";

/// Makes the calling process, which must have one thread only, fit to raise machines, and gives the group for all of
/// them, new and empty. Where a manager of systemd can lend a group, this program is replaced by itself inside a scope:
/// then this function does not return.
///
/// # Errors
/// When there is no way; the text says which ways were tried, and what would open one.
pub fn prepare(words: &[String]) -> Outcome<Cgroup> {
    let mut search = Search::begin();
    if !words.iter().any(|word| word == IN_SCOPE) {
        search.tried.push(move_into_scope(words));
    }
    search.enter_namespace()?;
    divide_own_group().map_err(|failure| search.in_vain(&failure))
}

/// Gives the calling process the view on control groups that [`prepare`] gave, to find a demo that was left running.
pub fn see_again() {
    // Where this fails the groups are simply not found, and the caller says so.
    let _ = Search::begin().enter_namespace();
}

/// The folder of the user manager's sockets, also for a user who came by `su` and has no variable for it.
#[must_use]
pub fn user_runtime() -> PathBuf {
    std::env::var_os("XDG_RUNTIME_DIR")
        .map_or_else(|| PathBuf::from(format!("/run/user/{}", Uid::current())), PathBuf::from)
}

/// Returns only when it did not work, with the reason.
fn move_into_scope(words: &[String]) -> Failure {
    if !Path::new(BOOTED_MARK).is_dir() {
        return Failure::new("a scope of systemd: process 1 is not systemd");
    }
    let mut probe = scope_command();
    probe.arg("true");
    if let Err(failure) = finish(probe, &[]).and_then(Ran::success) {
        return Failure::during("a scope of systemd", failure);
    }
    let program = match std::env::current_exe() {
        Ok(program) => program,
        Err(cause) => return Failure::during("find this program's file", cause),
    };
    let mut command = scope_command();
    let name = format!("--unit=skiff-demo-{}.scope", std::process::id());
    command.arg(name).arg("--").arg(program).args(words).arg(IN_SCOPE);
    Failure::during("run systemd-run", command.exec())
}

fn scope_command() -> Command {
    let mut command = Command::new("systemd-run");
    if !Uid::effective().is_root() {
        command.arg("--user").env("XDG_RUNTIME_DIR", user_runtime());
    }
    command.args(["--scope", "--quiet", "--collect", "--property=Delegate=yes"]);
    command
}

/// The search for a place, and what was tried in vain so far.
struct Search {
    /// Whether process 1 is systemd; once we are in a namespace of our own it always looks so.
    booted: bool,
    tried: Vec<Failure>,
}

impl Search {
    fn begin() -> Self {
        Self { booted: Path::new(BOOTED_MARK).is_dir(), tried: Vec::new() }
    }

    /// A private mount namespace with what is missing for systemd, if anything is.
    fn enter_namespace(&mut self) -> Outcome {
        // Only root can mount the groups in systemd's place; others can use them where they are.
        let root = Uid::effective().is_root();
        let groups_in_place = is_cgroup2(CGROUP_ROOT) || (!root && is_cgroup2(CGROUP_ROOT_HYBRID));
        if self.booted && groups_in_place {
            return Ok(());
        }
        match unshare(CloneFlags::CLONE_NEWNS) {
            Err(Errno::EPERM) => {
                self.tried.push(Failure::new("a mount namespace: this takes root"));
                enter_user_namespace().map_err(|failure| self.in_vain(&failure))?;
            }
            other => other.map_err(|cause| Failure::during("make a mount namespace", cause))?,
        }
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, "/", None::<&str>, private, None::<&str>)
            .map_err(|cause| Failure::during("keep mounts to ourselves", cause))?;
        if !self.booted {
            mount_mark()?;
        }
        if !groups_in_place {
            mount_fresh("cgroup2", CGROUP_ROOT)?;
        }
        Ok(())
    }

    /// Why there is no place, and how there would be one.
    fn in_vain(&self, last: &Failure) -> Failure {
        let mut text = String::from("no place for three systemd user managers on this computer:\n");
        for failure in self.tried.iter().chain([last]) {
            text.push_str(&format!("  {failure}\n"));
        }
        text.push_str("What would do: root");
        let (user, root) = (Uid::current(), Uid::current().is_root());
        if self.booted && !root {
            text.push_str(&format!(
                "; or a user manager: log in as this user, or let root say\n  loginctl enable-linger {user}"
            ));
        } else if let (Ok(own), false) = (own_group(), root) {
            let group = own.path().join("skiff");
            text.push_str("; or, beside user namespaces, a control group of your own. Root gives it to the shell you are in:\n");
            text.push_str(&format!(
                "  sudo sh -c \"mkdir -p {0} && chown -R {user} {0} && echo $$ > {0}/cgroup.procs\"",
                group.display()
            ));
        }
        Failure::new(text)
    }
}

/// Like a container's without root: this user and no other exists in it, and may mount.
fn enter_user_namespace() -> Outcome {
    let (user, group) = (Uid::effective(), Gid::effective());
    unshare(CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS)
        .map_err(|cause| Failure::during("a user namespace", cause))?;
    let write = |file: &str, text: String| {
        fs::write(file, text)
            .map_err(|cause| Failure::during(format!("a user namespace: write {file}"), cause))
    };
    write("/proc/self/setgroups", "deny".to_owned())?;
    write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    write("/proc/self/gid_map", format!("{group} {group} 1"))
}

fn mount_mark() -> Outcome {
    // An empty /run/systemd is enough where it exists, and leaves the rest of /run to be seen.
    let place = if Path::new("/run/systemd").is_dir() { "/run/systemd" } else { "/run" };
    mount_fresh("tmpfs", place)?;
    fs::create_dir_all(BOOTED_MARK).map_err(|cause| Failure::during(format!("create {BOOTED_MARK}"), cause))
}

fn mount_fresh(kind: &str, place: &str) -> Outcome {
    mount(Some(kind), place, Some(kind), MsFlags::empty(), None::<&str>)
        .map_err(|cause| Failure::during(format!("mount {kind} on {place}"), cause))
}

fn is_cgroup2(place: &str) -> bool {
    statfs(place).is_ok_and(|found| found.filesystem_type() == CGROUP2_SUPER_MAGIC)
}

/// A new group below the one this process is in, proved by going in and out of it.
fn divide_own_group() -> Outcome<Cgroup> {
    let own = own_group()?;
    let group = Cgroup::make(own.path().join(format!("skiff-demo-{}", std::process::id())))?;
    let visited = group.enter().and_then(|()| own.enter());
    if visited.is_err() {
        let _ = group.remove();
    }
    visited.map(|()| group)
}

fn own_group() -> Outcome<Cgroup> {
    let root = [CGROUP_ROOT, CGROUP_ROOT_HYBRID]
        .into_iter()
        .find(|place| is_cgroup2(place))
        .ok_or_else(|| Failure::new(format!("find control groups version 2: none under {CGROUP_ROOT}")))?;
    let lines = fs::read_to_string("/proc/self/cgroup")
        .map_err(|cause| Failure::during("read /proc/self/cgroup", cause))?;
    let own = lines.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let path = Path::new(root).join(own);
    // In some containers the path is the host's; then the container's own group is the root of what is mounted.
    Ok(Cgroup::at(if path.is_dir() { path } else { PathBuf::from(root) }))
}
