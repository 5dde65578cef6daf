//! The agent's upgrade in place: when its program has been replaced by another file, a reload makes the process become
//! that program, with the same process ID, the same sockets and every unit running. What it knew, the new one finds
//! where a restarted agent finds it: in the runtime directory, in the store and in systemd.

use std::convert::Infallible;
use std::ffi::{CString, OsString};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::execve;

use crate::clock;
use crate::node::Node;

/// Set for the new program: the machine was ready before, so systemd hears that it is as soon as the store has answered
/// or failed to, which may be away just now.
const MARK: &str = "SKIFF_SUCCESSOR";

/// The program that runs, as a file. Links are resolved by the kernel.
const RUNNING: &str = "/proc/self/exe";

/// A pass of a loop makes calls that are each bounded to seconds; whatever is under way after this long may be cut off
/// like any other crash.
const PASSES_END_MS: u64 = 10_000;

/// Between two looks at whether the passes have ended.
const LOOK_MS: u64 = 20;

/// Where the program lies whose process this is.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
}

impl Program {
    /// The one that runs. To be asked at the start: once its file is replaced, the kernel no longer knows its name.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn running() -> io::Result<Self> {
        Ok(Self { path: std::fs::read_link(RUNNING)? })
    }

    /// True if another file lies where this program was started from.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        let identity = |path: &Path| std::fs::metadata(path).map(|file| (file.dev(), file.ino()));
        match (identity(Path::new(RUNNING)), identity(&self.path)) {
            (Ok(running), Ok(there)) => running != there,
            // A file that is away is a package half unpacked: what runs is all there is.
            _ => false,
        }
    }

    /// Asks the new program whether it can be started here and takes the configuration.
    ///
    /// # Errors
    /// It does not; the text is its own, or why it cannot be run.
    pub fn accepts(&self) -> Result<(), String> {
        let mut check = Command::new(&self.path);
        check.args(std::env::args_os().skip(1)).arg("--check").stdin(Stdio::null());
        let ran = check.output().map_err(|error| format!("run {}: {error}", self.path.display()))?;
        if ran.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
        Err(format!("{} --check: {}: {said}", self.path.display(), ran.status))
    }

    /// Becomes the new program. Returns only if that failed.
    ///
    /// # Errors
    /// The kernel refuses the program, or the sockets cannot be handed on.
    pub fn become_it(&self) -> Result<Infallible, String> {
        let failed = |error: io::Error| format!("become {}: {error}", self.path.display());
        systemd_shim::hand_on_listeners().map_err(failed)?;
        let path = text(self.path.clone().into()).map_err(failed)?;
        let words: io::Result<Vec<CString>> = std::env::args_os().map(text).collect();
        // execve and not `Command::exec`: that one would unblock signals, and a SIGTERM that comes meanwhile would be
        // deadly instead of being read by the new program.
        execve(&path, &words.map_err(failed)?, &environment().map_err(failed)?)
            .map_err(|error| failed(error.into()))
    }
}

/// True if this process was another version of the agent before.
#[must_use]
pub fn is_successor() -> bool {
    std::env::var_os(MARK).is_some()
}

/// Waits until no loop is in the middle of a pass, so that no call of systemctl is left behind.
pub async fn passes_end(node: &Node) {
    let late_ms = clock::now_ms() + PASSES_END_MS;
    while node.turns.iter().any(|turn| turn.get().is_some()) && clock::now_ms() < late_ms {
        clock::until(clock::now_ms() + LOOK_MS).await;
    }
}

fn environment() -> io::Result<Vec<CString>> {
    let mut variables: Vec<(OsString, OsString)> =
        std::env::vars_os().filter(|(name, _)| name != MARK).collect();
    variables.push((MARK.into(), "1".into()));
    let joined = variables.into_iter().map(|(mut name, value)| {
        name.push("=");
        name.push(value);
        text(name)
    });
    joined.collect()
}

fn text(word: OsString) -> io::Result<CString> {
    CString::new(word.into_vec()).map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_the_programs_place_is_noticed_and_its_absence_is_not_one() {
        let program = Program::running().unwrap();
        assert!(!program.is_replaced());
        assert!(Program { path: "/proc/self/status".into() }.is_replaced());
        assert!(!Program { path: "/nonexistent/skiff-agent".into() }.is_replaced());
    }

    #[test]
    fn what_cannot_be_run_or_says_no_is_refused_with_its_words() {
        let refused = |path: &str| Program { path: path.into() }.accepts().unwrap_err();
        assert!(refused("/nonexistent/skiff-agent").starts_with("run /nonexistent/skiff-agent: "));
        assert!(refused("/bin/false").starts_with("/bin/false --check: exit status: 1"));
    }

    #[test]
    fn the_mark_is_set_once_however_often_the_program_changes() {
        let marks = |variables: Vec<CString>| {
            variables.iter().filter(|one| one.to_bytes().starts_with(b"SKIFF_SUCCESSOR=")).count()
        };
        assert_eq!(marks(environment().unwrap()), 1);
        assert!(!is_successor());
    }
}
