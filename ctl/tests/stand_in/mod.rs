//! Programs that stand in for real ones, as shell scripts in a folder that becomes part of `PATH`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::run::{fleetctl, fresh_folder};

/// An ssh whose far end is this machine: it notes its words in the file `LOG` names, makes the master's socket, and runs the line as the far end's shell would.
pub(crate) const SSH: &str = r#"
call=$(printf '%s|' "$@")
echo "$call" >> "$LOG"
for word; do
    case $word in ControlPath=*) control=${word#ControlPath=};; ControlMaster=yes) master=yes;; esac
    line=$word
done
[ -z "$master" ] || : > "$control"
exec sh -c "$line""#;

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

/// A ctl that reaches `endpoint` through the [`SSH`] in this folder.
pub(crate) fn tunnelled(endpoint: &str, programs: &Path, line: &str) -> Command {
    let words: Vec<&str> = ["--tunnel=bastion:2222"].into_iter().chain(line.split_whitespace()).collect();
    let mut command = fleetctl(endpoint, &words);
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    command.env("XDG_RUNTIME_DIR", programs).env("LOG", programs.join("log"));
    command
}
