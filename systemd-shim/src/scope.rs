//! Which systemd is asked, and where it and the kernel keep what Skiff looks at. All paths can be set, so
//! tests bring their own.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{FileCause, FileError};

/// Which manager is driven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The machine's own systemd, PID 1.
    System,
    /// The systemd of this process's user (`systemd_user=true`).
    User,
}

/// Where things are. [`Paths::of`] derives them; every field may be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The systemctl binary.
    pub systemctl: PathBuf,
    /// The journalctl binary.
    pub journalctl: PathBuf,
    /// Where runtime units are linked: `/run/systemd/system`, `$XDG_RUNTIME_DIR/systemd/user`.
    pub runtime_unit_dir: PathBuf,
    /// Where the machine keeps units of its own; a name found there is not Skiff's to use.
    pub machine_unit_dirs: Vec<PathBuf>,
    /// Where systemd keeps one `invocation:NAME` link per unit that has run something and is not dead.
    pub invocation_dir: PathBuf,
    /// The unified cgroup tree; `None` where the host has none.
    pub cgroup_root: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR` for the programs run in user scope.
    pub xdg_runtime_dir: Option<PathBuf>,
    /// A journal directory to read in place of the machine's; `None` outside tests and demos.
    pub journal_dir: Option<PathBuf>,
}

impl Paths {
    /// The paths of `scope` on this machine. `variable` looks up the environment.
    ///
    /// # Errors
    /// User scope without an absolute `XDG_RUNTIME_DIR`.
    pub fn of(scope: Scope, variable: impl Fn(&str) -> Option<String>) -> Result<Self, FileError> {
        let runtime_dir = match scope {
            Scope::System => PathBuf::from("/run"),
            Scope::User => xdg_runtime_dir(&variable)?,
        };
        let (units, xdg_runtime_dir) = match scope {
            Scope::System => ("systemd/system", None),
            Scope::User => ("systemd/user", Some(runtime_dir.clone())),
        };
        Ok(Self {
            systemctl: program("systemctl"),
            journalctl: program("journalctl"),
            runtime_unit_dir: runtime_dir.join(units),
            machine_unit_dirs: machine_unit_dirs(scope, &variable),
            invocation_dir: runtime_dir.join("systemd/units"),
            cgroup_root: cgroup_root(Path::new("/sys/fs/cgroup")),
            xdg_runtime_dir,
            journal_dir: None,
        })
    }
}

/// How long a program may run before it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Questions: states, properties, journal lines.
    pub question: Duration,
    /// Orders: they are queued, not waited for.
    pub order: Duration,
    /// A daemon-reload: systemd reads every unit of the machine again.
    pub reload: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            question: Duration::from_secs(15),
            order: Duration::from_secs(30),
            reload: Duration::from_secs(90),
        }
    }
}

fn xdg_runtime_dir(variable: &impl Fn(&str) -> Option<String>) -> Result<PathBuf, FileError> {
    let text = variable("XDG_RUNTIME_DIR").unwrap_or_default();
    let path = PathBuf::from(&text);
    if path.is_absolute() {
        return Ok(path);
    }
    let why = "a user manager is found through XDG_RUNTIME_DIR, which must be an absolute path";
    Err(FileError::new("use XDG_RUNTIME_DIR", path, FileCause::Content(why.into())))
}

fn machine_unit_dirs(scope: Scope, variable: &impl Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let roots = ["/etc/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd", "/lib/systemd"];
    let leaf = if scope == Scope::System { "system" } else { "user" };
    let mut dirs: Vec<PathBuf> = roots.iter().map(|root| Path::new(root).join(leaf)).collect();
    if scope == Scope::User {
        let config = variable("XDG_CONFIG_HOME").map(PathBuf::from);
        let config = config.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")));
        dirs.extend(config.map(|config| config.join("systemd/user")));
    }
    dirs
}

/// An absolute path where the program is there: it spares each call the search through PATH.
fn program(name: &str) -> PathBuf {
    let known = ["/usr/bin", "/bin", "/run/current-system/sw/bin"];
    let found = known.iter().map(|dir| Path::new(dir).join(name)).find(|path| path.exists());
    found.unwrap_or_else(|| PathBuf::from(name))
}

/// The unified tree below `mount`: at `unified` on a hybrid host, at the top on a unified one.
fn cgroup_root(mount: &Path) -> Option<PathBuf> {
    let hybrid = mount.join("unified");
    [hybrid, mount.to_path_buf()].into_iter().find(|root| root.join("cgroup.controllers").exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn system_paths_are_the_machines() {
        let paths = Paths::of(Scope::System, none).expect("needs no environment");
        assert_eq!(paths.runtime_unit_dir, Path::new("/run/systemd/system"));
        assert_eq!(paths.invocation_dir, Path::new("/run/systemd/units"));
        assert_eq!(paths.xdg_runtime_dir, None);
    }

    #[test]
    fn user_paths_follow_the_runtime_directory() {
        let paths = Paths::of(Scope::User, |name| match name {
            "XDG_RUNTIME_DIR" => Some("/run/user/7".into()),
            "HOME" => Some("/home/me".into()),
            _ => None,
        });
        let paths = paths.expect("XDG_RUNTIME_DIR is set");
        assert_eq!(paths.runtime_unit_dir, Path::new("/run/user/7/systemd/user"));
        assert_eq!(paths.invocation_dir, Path::new("/run/user/7/systemd/units"));
        assert!(paths.machine_unit_dirs.contains(&PathBuf::from("/home/me/.config/systemd/user")));
    }

    #[test]
    fn user_scope_without_a_runtime_directory_says_what_is_missing() {
        for value in [None, Some("run".to_owned())] {
            let error = Paths::of(Scope::User, |_| value.clone()).expect_err("no absolute path");
            assert!(error.to_string().contains("XDG_RUNTIME_DIR"), "{error}");
        }
    }
}
