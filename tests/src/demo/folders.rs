//! Folders and files as the demo makes and removes them: closed to other users, and named in every error.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::failure::{Failure, Outcome};

/// Creates a folder that only this user can enter: systemd demands it of a runtime folder.
///
/// # Errors
/// When it cannot be created.
pub fn make_folder(path: &Path) -> Outcome {
    let made = fs::create_dir(path).and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)));
    made.map_err(|cause| Failure::during(format!("create {}", path.display()), cause))
}

/// Removes a folder with all in it; one that is not there is no error.
///
/// # Errors
/// When something in it cannot be removed.
pub fn remove_folder(path: &Path) -> Outcome {
    // systemd keeps a folder in its runtime folder that nobody may look into, not even to remove it.
    open_up(path);
    match fs::remove_dir_all(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => {
            Err(Failure::during(format!("remove {}", path.display()), cause))
        }
        _ => Ok(()),
    }
}

fn open_up(folder: &Path) {
    if !folder.symlink_metadata().is_ok_and(|data| data.is_dir()) {
        return;
    }
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        open_up(&entry.path());
    }
}

/// Writes a text file, naming it when that fails.
///
/// # Errors
/// As said.
pub fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|cause| Failure::during(format!("write {}", path.display()), cause))
}
