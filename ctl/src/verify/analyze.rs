//! `systemd-analyze verify`, where it is: the files are laid into a private folder, and of what it says only that is
//! kept which would be wrong on the machines of the cluster too. Programs and units that are missing here may well be
//! there.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cluster::UnitName;

use super::Level;

/// Names tried for the private folder before giving up.
const FOLDERS_MAX: u32 = 100;

/// What would be no problem elsewhere, or is said in other words beside it.
const NOT_REAL: [&str; 4] =
    ["is not executable", "not found", "Unit configuration has fatal error", "has a bad unit file setting"];

/// What systemd lets pass all the same.
const MILD: [&str; 4] = ["gnor", "lease update", "eprecated", "obsolete"];

/// What systemd has against these files: the unit's name, how bad it is, the words. Nothing where it is not there or
/// cannot work.
pub(super) fn problems(files: &[(&UnitName, &str)]) -> Vec<(String, Level, String)> {
    if files.is_empty() {
        return Vec::new();
    }
    let Ok(folder) = Folder::new() else { return Vec::new() };
    for (name, text) in files {
        if fs::write(folder.path.join(name.as_str()), text).is_err() {
            return Vec::new();
        }
    }
    let names = files.iter().map(|(name, _)| name.as_str());
    let mut command = Command::new("systemd-analyze");
    command.args(["verify", "--man=no", "--recursive-errors=no", "--"]);
    command.args(names.clone().map(|name| folder.path.join(name)));
    command.env("LC_ALL", "C").env("SYSTEMD_COLORS", "0").env("SYSTEMD_LOG_LEVEL", "info");
    // The colon keeps systemd's own folders, where the units are that every unit depends on.
    command.env("SYSTEMD_UNIT_PATH", format!("{}:", folder.path.display()));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let Ok(output) = command.output() else { return Vec::new() };
    let said = String::from_utf8_lossy(&output.stderr);
    read(&said, &folder.path, &names.collect::<Vec<_>>())
}

/// The real problems among the lines.
fn read(said: &str, folder: &Path, names: &[&str]) -> Vec<(String, Level, String)> {
    let mut found = Vec::new();
    for line in said.lines().filter(|line| !NOT_REAL.iter().any(|part| line.contains(part))) {
        let within = line.strip_prefix(&format!("{}/", folder.display())).unwrap_or(line);
        let named =
            names.iter().find_map(|name| Some((name, within.strip_prefix(*name)?.strip_prefix(':')?)));
        let Some((name, rest)) = named else { continue };
        let text = match rest.split_once(": ") {
            Some((number, text)) if number.bytes().all(|b| b.is_ascii_digit()) => {
                format!("line {number}: {text}")
            }
            _ => rest.trim_start().to_owned(),
        };
        let level = if MILD.iter().any(|part| text.contains(part)) { Level::Warning } else { Level::Error };
        let problem = ((*name).to_owned(), level, text);
        if !found.contains(&problem) {
            found.push(problem);
        }
    }
    found
}

/// A folder for nobody else, gone when it is dropped.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn new() -> io::Result<Self> {
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for number in 0..FOLDERS_MAX {
            let path = std::env::temp_dir().join(format!("ctl-verify-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(e) => last = e,
            }
        }
        Err(last)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_would_be_wrong_elsewhere_too_is_kept() {
        let said = "\
            /t/a.service:5: Unknown key 'Foo' in section [Service], ignoring.\n\
            /t/b.service:3: Neither a valid executable name nor an absolute path: x/y\n\
            b.service: Unit configuration has fatal error, unit will not be started.\n\
            Unit b.service has a bad unit file setting.\n\
            a.service: Command /usr/bin/docker is not executable: No such file or directory\n\
            a.service: Failed to create a.service/start: Unit docker.service not found.\n\
            b.service: Timer unit lacks value setting. Refusing.\n\
            b.service: Timer unit lacks value setting. Refusing.\n\
            /lib/systemd/system/other.service:1: something\n";
        let kept = read(said, Path::new("/t"), &["a.service", "b.service"]);
        let kept: Vec<_> =
            kept.iter().map(|(name, level, text)| format!("{name} {level:?} {text}")).collect();
        assert_eq!(
            kept,
            [
                "a.service Warning line 5: Unknown key 'Foo' in section [Service], ignoring.",
                "b.service Error line 3: Neither a valid executable name nor an absolute path: x/y",
                "b.service Error Timer unit lacks value setting. Refusing.",
            ]
        );
    }
}
