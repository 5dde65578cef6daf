//! What the demo needs before it can begin: a few programs of the distribution, and Skiff's own two, built from here.
//! Root gets missing packages installed; anybody else is told the one command that does it.

use std::io::{IsTerminal, stderr};
use std::path::PathBuf;

use crate::failure::{Failure, Outcome};
use crate::install::READY_BINARIES;
use crate::packages;
use crate::run::{exit_number, run};

/// Each program, and the package of Debian and Ubuntu that has it. Whoever has systemd has the others as well.
const PROGRAMS: [(&str, &str); 4] =
    [("bash", "bash"), ("setpriv", "util-linux"), ("systemctl", "systemd"), ("timeout", "coreutils")];
/// What a real etcd takes besides.
const PROGRAMS_FOR_ETCD: [(&str, &str); 3] =
    [("curl", "curl"), ("etcd", "etcd-server"), ("etcdctl", "etcd-client")];
/// The first etcd without the v2 API, as (major, minor).
const FIRST_ETCD_WITHOUT_V2: (u32, u32) = (3, 6);

/// Sees to it that every program is there, those for a real etcd if it is wanted.
///
/// # Errors
/// When one is missing and cannot be installed: the text has the command that installs it. When etcd is too new.
pub fn programs(etcd: bool) -> Outcome {
    if !etcd {
        return packages::ensure(&PROGRAMS);
    }
    packages::ensure(&[&PROGRAMS[..], &PROGRAMS_FOR_ETCD[..]].concat())?;
    check_etcd()
}

/// Builds `skiff-agent` and `ctl`, or takes those in the folder `SKIFF_BINARIES` names, and gives the folder with both. cargo reports on standard error.
///
/// # Errors
/// When cargo fails.
pub fn build() -> Outcome<PathBuf> {
    if let Some(folder) = std::env::var_os(READY_BINARIES) {
        return Ok(folder.into());
    }
    let own = std::env::current_exe().map_err(|cause| Failure::during("find this program's file", cause))?;
    let target =
        own.ancestors().nth(2).ok_or_else(|| Failure::new("find the build folder above this program"))?;
    let words = ["build", "--release", "--package", "agent", "--package", "ctl", "--target-dir"];
    let mut cargo = crate::cargo::command(&words);
    cargo.arg(target);
    // It may take minutes the first time: somebody who watches wants to see that it goes on.
    if !stderr().is_terminal() {
        cargo.arg("--quiet");
    }
    let status = cargo.status().map_err(|cause| Failure::during("run cargo build", cause))?;
    if status.success() {
        return Ok(target.join("release"));
    }
    Err(Failure::new(format!("cargo build of agent and ctl ended with status {}", exit_number(status))))
}

fn check_etcd() -> Outcome {
    let printed = run(&["etcd", "--version"])?.success()?.stdout;
    match etcd_version(&printed) {
        Some(version) if version >= FIRST_ETCD_WITHOUT_V2 => Err(Failure::new(format!(
            "etcd {}.{} has no v2 API any more; 3.3, 3.4 and 3.5 have it",
            version.0, version.1
        ))),
        _ => Ok(()),
    }
}

/// Reads `etcd Version: 3.4.23`. What cannot be read is given a try.
fn etcd_version(printed: &str) -> Option<(u32, u32)> {
    let text = printed.lines().find_map(|line| line.strip_prefix("etcd Version:"))?;
    let mut numbers = text.trim().split('.').map_while(|number| number.parse().ok());
    Some((numbers.next()?, numbers.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etcd_without_the_v2_api_is_recognised() {
        assert_eq!(etcd_version("etcd Version: 3.4.23\nGit SHA: Not provided\n"), Some((3, 4)));
        assert!(etcd_version("etcd Version: 3.6.0-rc.1\n").unwrap() >= FIRST_ETCD_WITHOUT_V2);
        assert_eq!(etcd_version("something else"), None);
    }
}
