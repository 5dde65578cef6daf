//! Running the real ctl against a double, and what came of it.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Once;

/// The unit files of the captured runs.
pub(crate) fn units_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/units")
}

/// Removes what tests left behind whose process is gone: killed ones, and those that failed.
fn sweep() {
    for entry in std::fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().into_string().unwrap_or_default();
        let owner = name.strip_prefix("ctl-test-").and_then(|rest| rest.split('-').next());
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// An empty folder that no other test, and no other run of the tests, uses.
pub(crate) fn fresh_folder(name: &str) -> PathBuf {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(sweep);
    let folder = std::env::temp_dir().join(format!("ctl-test-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// What a command printed and exited with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) exit: i32,
}

/// The home of every ctl under test.
pub(crate) fn home() -> PathBuf {
    std::env::temp_dir().join(format!("ctl-test-{}-home", std::process::id()))
}

/// A ctl that calls itself `fleetctl`, as the captures do, with no settings from outside.
pub(crate) fn fleetctl(endpoint: &str, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ctl"));
    command.arg0("/usr/bin/fleetctl").args(words).current_dir(units_folder()).stdin(Stdio::null());
    command
        .env_clear()
        .env("FLEETCTL_ENDPOINT", endpoint)
        .env("HOME", home())
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Runs it to its end.
pub(crate) fn outcome(mut command: Command) -> Outcome {
    let output = command.output().unwrap();
    Outcome {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        exit: output.status.code().unwrap_or(-1),
    }
}

/// The words of a line without quotes.
pub(crate) fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Runs ctl with these words.
pub(crate) fn run(endpoint: &str, line: &str) -> Outcome {
    outcome(fleetctl(endpoint, &words(line)))
}
