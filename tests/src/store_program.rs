//! What keeps the keys of a test's fleet: a real etcd, or Skiff's own store, served by a process of its own so that it can be
//! stopped, hung and wiped like an etcd. How that process is handled is `etcd.rs`.

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

use crate::cargo;
use crate::failure::{Failure, Outcome};
use crate::install::{PROFILE, READY_BINARIES, profile_folder};
use crate::run::finish;

/// The example of the crate `store` that serves one, below a target folder.
const SERVER: &str = "examples/serve";

/// A ready server, in place of building it.
const READY_SERVER: &str = "SKIFF_STORE_SERVER";

/// One of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreKind {
    /// A real etcd.
    #[default]
    Etcd,
    /// Skiff's own.
    Own,
}

impl StoreKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Etcd, Self::Own];

    /// As it is said on a command line and before a line of output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::Own => "own",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Something to start.
    ///
    /// # Errors
    /// When the store's server cannot be built; the text is cargo's.
    pub fn program(self) -> Outcome<StoreProgram> {
        match self {
            Self::Etcd => Ok(StoreProgram::Etcd),
            Self::Own => server().map(StoreProgram::Own),
        }
    }
}

impl fmt::Display for StoreKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A program that keeps keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreProgram {
    /// `etcd`, found in `PATH`.
    Etcd,
    /// The server of Skiff's own store, at this path.
    Own(PathBuf),
}

impl StoreProgram {
    /// Sees to it that a program that is started so takes this one, and asks no cargo for it.
    pub fn hand_to(&self, command: &mut Command) {
        if let Self::Own(server) = self {
            command.env(READY_SERVER, server);
        }
    }
}

/// Builds it (nothing happens where it is fresh), or takes the one that `SKIFF_STORE_SERVER` names or that the folder
/// `SKIFF_BINARIES` has.
fn server() -> Outcome<PathBuf> {
    if let Some(ready) = std::env::var_os(READY_SERVER) {
        return Ok(ready.into());
    }
    if let Some(folder) = std::env::var_os(READY_BINARIES) {
        let ready = PathBuf::from(folder).join(SERVER);
        if ready.is_file() {
            return Ok(ready);
        }
    }
    let profile = std::env::var(PROFILE).unwrap_or_else(|_| "release".to_owned());
    let words = ["build", "--quiet", "--package", "store", "--example", "serve", "--profile", &profile];
    finish(cargo::command(&words), &[])?
        .success()
        .map_err(|failure| Failure::during("build the store's server", failure))?;
    Ok(profile_folder(&profile).join(SERVER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_found_by_its_name() {
        for kind in StoreKind::ALL {
            assert_eq!(StoreKind::named(kind.name()), Some(kind));
        }
        assert_eq!(StoreKind::named("Etcd"), None);
    }
}
