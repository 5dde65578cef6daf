//! Programs that stand in for real ones, as shell scripts in a folder that becomes part of `PATH`.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::run::fresh_folder;

/// A folder with these shell scripts as programs.
pub(crate) fn programs(name: &str, scripts: &[(&str, &str)]) -> PathBuf {
    let folder = fresh_folder(&format!("programs-{name}"));
    for (program, script) in scripts {
        let path = folder.join(program);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    folder
}
