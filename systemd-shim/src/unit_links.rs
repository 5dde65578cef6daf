//! How systemd finds Skiff's unit files: one plain symbolic link each in the runtime unit directory, which is
//! all that `systemctl link --runtime` would make of it (`is-enabled` says `linked-runtime`), without a process
//! and without a daemon-reload. What belongs to the machine is never replaced, shadowed or removed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cluster::UnitName;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, readlinkat};

use crate::error::{FileCause, FileError};
use crate::scope::Paths;
use crate::unit_dir::UnitDir;

/// The links from one manager's runtime unit directory into one units directory.
#[derive(Clone, Debug)]
pub struct UnitLinks {
    runtime_dir: PathBuf,
    machine_dirs: Vec<PathBuf>,
    units_dir: PathBuf,
}

/// What is found at a link's place.
enum Found {
    Nothing,
    Ours,
    Foreign(String),
}

impl UnitLinks {
    /// Links for `units` where the manager of `paths` looks.
    #[must_use]
    pub fn new(paths: &Paths, units: &UnitDir) -> Self {
        Self {
            runtime_dir: paths.runtime_unit_dir.clone(),
            machine_dirs: paths.machine_unit_dirs.clone(),
            units_dir: units.path().to_path_buf(),
        }
    }

    /// Links `unit`'s file; false if the link is there already.
    ///
    /// # Errors
    /// The machine has a unit of this name, which the error names, or the kernel refused.
    pub fn link(&self, unit: &UnitName) -> Result<bool, FileError> {
        let place = self.place(unit);
        for dir in &self.machine_dirs {
            let machines_own = dir.join(unit.as_str());
            if machines_own.symlink_metadata().is_ok() {
                let why = format!("the machine has a unit of this name, {}", machines_own.display());
                return Err(FileError::new("link", place, FileCause::Foreign(why)));
            }
        }
        match self.found(unit, "link")? {
            Found::Ours => return Ok(false),
            Found::Foreign(what) => return Err(FileError::new("link", place, FileCause::Foreign(what))),
            Found::Nothing => {}
        }
        // A user manager's directory need not exist yet.
        std::fs::create_dir_all(&self.runtime_dir)
            .and_then(|()| std::os::unix::fs::symlink(self.target(unit), &place))
            .map_err(|error| FileError::new("link", place, error))?;
        Ok(true)
    }

    /// Removes the link of `unit`; false if there is none of ours.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn unlink(&self, unit: &UnitName) -> Result<bool, FileError> {
        if !self.is_linked(unit)? {
            return Ok(false);
        }
        let place = self.place(unit);
        match std::fs::remove_file(&place) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            other => other.map(|()| true).map_err(|error| FileError::new("unlink", place, error)),
        }
    }

    /// True if systemd finds this unit through our link.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn is_linked(&self, unit: &UnitName) -> Result<bool, FileError> {
        Ok(matches!(self.found(unit, "look at")?, Found::Ours))
    }

    fn place(&self, unit: &UnitName) -> PathBuf {
        self.runtime_dir.join(unit.as_str())
    }

    fn target(&self, unit: &UnitName) -> PathBuf {
        self.units_dir.join(unit.as_str())
    }

    fn found(&self, unit: &UnitName, operation: &'static str) -> Result<Found, FileError> {
        let place = self.place(unit);
        match readlink(&place) {
            Ok(target) if Path::new(&target) == self.target(unit) => Ok(Found::Ours),
            Ok(target) => Ok(Found::Foreign(format!("a link to {} is there", Path::new(&target).display()))),
            Err(Errno::ENOENT) => Ok(Found::Nothing),
            Err(Errno::EINVAL) => Ok(Found::Foreign("a unit file of the machine is there".to_owned())),
            Err(errno) => Err(FileError::new(operation, place, errno)),
        }
    }
}

fn readlink(path: &Path) -> Result<OsString, Errno> {
    readlinkat(AT_FDCWD, path)
}
