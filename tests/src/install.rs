//! Skiff on a machine's root: the two binaries as built, the files of `dist/` where a package would put them, and the
//! configuration. What a user would do by hand is done the same way here.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cargo;
use crate::failure::{Failure, Outcome};
use crate::machine_root::{link, put, put_bytes};
use crate::network::HOST;
use crate::promises::{AGENT_TTL, RECONCILE_INTERVAL, WATCHDOG};
use crate::run::{finish, run};

/// A folder with ready binaries, instead of building them.
pub(crate) const READY_BINARIES: &str = "SKIFF_BINARIES";

/// The cargo profile to build with; `release` where it is not set.
pub(crate) const PROFILE: &str = "SKIFF_PROFILE";

/// The two programs.
#[derive(Clone, Debug)]
pub struct Binaries {
    folder: PathBuf,
}

impl Binaries {
    /// Builds both (nothing happens where they are fresh), or takes those in the folder `SKIFF_BINARIES` names.
    ///
    /// # Errors
    /// When they cannot be built; the text is cargo's.
    pub fn build() -> Outcome<Self> {
        if let Some(folder) = std::env::var_os(READY_BINARIES) {
            return Ok(Self::in_folder(folder.into()));
        }
        let profile = std::env::var(PROFILE).unwrap_or_else(|_| "release".to_owned());
        let words = ["build", "--quiet", "--package", "agent", "--package", "ctl", "--profile", &profile];
        finish(cargo::command(&words), &[])?.success()?;
        Ok(Self { folder: profile_folder(&profile) })
    }

    /// Those in `folder`.
    #[must_use]
    pub fn in_folder(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Sees to it that a program that is started so takes these binaries, and asks no cargo for them.
    pub fn hand_to(&self, command: &mut Command) {
        command.env(READY_BINARIES, &self.folder);
    }

    /// The agent.
    #[must_use]
    pub fn agent(&self) -> PathBuf {
        self.folder.join("skiff-agent")
    }

    /// The command line.
    #[must_use]
    pub fn ctl(&self) -> PathBuf {
        self.folder.join("ctl")
    }
}

/// The repository's folder.
#[must_use]
pub fn workspace() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Where cargo puts what it builds with this profile.
pub(crate) fn profile_folder(profile: &str) -> PathBuf {
    target_folder().join(if profile == "dev" { "debug" } else { profile })
}

/// Where cargo builds.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace().join("target"), PathBuf::from)
}

/// Puts the binaries and the files of `dist/` in place and enables the agent, as a package would.
///
/// # Errors
/// When a file is missing or cannot be copied.
pub fn install(root: &Path, binaries: &Binaries) -> Outcome {
    copy(&binaries.agent(), root, "usr/bin/skiff-agent")?;
    copy(&binaries.ctl(), root, "usr/bin/ctl")?;
    link(&root.join("usr/bin/fleetctl"), "ctl")?;
    let dist = workspace().join("dist");
    copy(&dist.join("fleet.service"), root, "usr/lib/systemd/system/fleet.service")?;
    copy(&dist.join("fleet.socket"), root, "usr/lib/systemd/system/fleet.socket")?;
    copy(&dist.join("sysusers.d/fleet.conf"), root, "usr/lib/sysusers.d/fleet.conf")?;
    // The shipped watchdog goes with the default agent_ttl; the tests' is shorter.
    let watchdog = format!("[Service]\nWatchdogSec={}ms\n", WATCHDOG.as_millis());
    put(root, "etc/systemd/system/fleet.service.d/test.conf", &watchdog)?;
    let root_option = format!("--root={}", root.display());
    run(&["systemd-sysusers", &root_option])?.success()?;
    run(&["systemctl", &root_option, "--quiet", "enable", "fleet.service"])?.success()?;
    Ok(())
}

fn copy(source: &Path, root: &Path, path: &str) -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let read = |cause| Failure::during(format!("read {}", source.display()), cause);
    let mode = fs::metadata(source).map_err(read)?.permissions().mode();
    put_bytes(root, path, &fs::read(source).map_err(read)?)?;
    let target = root.join(path);
    fs::set_permissions(&target, fs::Permissions::from_mode(mode))
        .map_err(|cause| Failure::during(format!("set the mode of {}", target.display()), cause))
}

/// Writes `/etc/fleet/fleet.conf` with the tests' short times, this metadata and further lines.
///
/// # Errors
/// When it cannot be written.
pub fn configure(root: &Path, metadata: &str, more: &str) -> Outcome {
    let (ttl, interval) = (AGENT_TTL.as_secs(), RECONCILE_INTERVAL.as_secs_f64());
    let text = format!(
        "etcd_servers=http://{HOST}:2379\nagent_ttl={ttl}s\nengine_reconcile_interval={interval}\n\
         metadata=\"{metadata}\"\nverbosity=1\n{more}\n"
    );
    put(root, "etc/fleet/fleet.conf", &text)
}
