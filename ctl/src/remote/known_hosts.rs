//! The file that keeps the keys of machines: which one the flags mean, and that it is there. Keys are compared, asked
//! about and added by ssh.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use nix::unistd::{Uid, User};

use super::way::HostKeys;
use crate::exit::Failure;
use crate::talk;

/// The file unless told otherwise (contract §3.1).
const DEFAULT_FILE: &str = "~/.fleetctl/known_hosts";
/// Where ssh keeps keys; read as well, so that a machine that a person knows already is not asked about again.
const OWN_FILE_OF_SSH: &str = "~/.ssh/known_hosts";
/// As fleet made them (contract §3.7).
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o644;

/// What `--known-hosts-file` and `--strict-host-key-checking` mean; the file is made if it is missing.
///
/// # Errors
/// The file lies in the folder of a user that does not exist.
pub(crate) fn host_keys(file: Option<&str>, strict: Option<bool>) -> Result<HostKeys, Failure> {
    if strict == Some(false) {
        return Ok(HostKeys::Unchecked);
    }
    let files = match file.filter(|file| !file.is_empty()) {
        Some(file) => vec![expanded(file, &home_of).map_err(|user| {
            Failure::usage(format_args!("--known-hosts-file {file}: there is no user {user:?}"))
        })?],
        None => {
            let files = [DEFAULT_FILE, OWN_FILE_OF_SSH].iter();
            files.filter_map(|file| expanded(file, &home_of).ok()).collect()
        }
    };
    if let Some(Err(e)) = files.first().map(|file| create(Path::new(file))) {
        talk::warn(&format!("keys of machines are not kept: {e}"));
    }
    Ok(HostKeys::Checked { files, ask: strict == Some(true) })
}

/// A path with `~` and `~user` replaced; the user that has no home otherwise.
fn expanded(path: &str, home_of: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let Some(rest) = path.strip_prefix('~') else { return Ok(path.to_owned()) };
    let (user, below) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let home = home_of(user).ok_or_else(|| user.to_owned())?;
    Ok(format!("{}{below}", home.trim_end_matches('/')))
}

/// The home of a user, of whoever runs this if the name is empty.
fn home_of(user: &str) -> Option<String> {
    let found = if user.is_empty() {
        if let Some(home) = std::env::var("HOME").ok().filter(|home| !home.is_empty()) {
            return Some(home);
        }
        User::from_uid(Uid::current())
    } else {
        User::from_name(user)
    };
    found.ok().flatten().and_then(|user| user.dir.into_os_string().into_string().ok())
}

fn create(file: &Path) -> Result<(), String> {
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder);
        made.map_err(|e| format!("create {}: {e}", folder.display()))?;
    }
    match OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(file) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(format!("create {}: {e}", file.display())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn homes_are_put_in() {
        let home_of = |user: &str| match user {
            "" => Some("/home/me/".to_owned()),
            "core" => Some("/home/core".to_owned()),
            _ => None,
        };
        let read = |path: &str| expanded(path, &home_of);
        assert_eq!(read("~/.fleetctl/known_hosts").unwrap(), "/home/me/.fleetctl/known_hosts");
        assert_eq!(read("~").unwrap(), "/home/me");
        assert_eq!(read("~core/k").unwrap(), "/home/core/k");
        assert_eq!(read("/etc/~/k").unwrap(), "/etc/~/k");
        assert_eq!(read("~nobody-here/k"), Err("nobody-here".to_owned()));
    }

    #[test]
    fn no_check_needs_no_file() {
        assert_eq!(host_keys(Some("~nobody-here/k"), Some(false)).unwrap(), HostKeys::Unchecked);
        assert!(host_keys(Some("~nobody-here/k"), None).is_err());
    }
}
