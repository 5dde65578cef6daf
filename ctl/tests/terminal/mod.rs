//! A terminal of 80 columns with a real program in it: tmux (Debian's package `tmux`), typed into and read as a person
//! would. Nothing is concluded from what is not there yet: tests say what they wait for.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tests::wait::wait_until;

/// How long something may take to appear; a lot, since many tests share few processors.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running terminal; it ends with the test.
pub(crate) struct Terminal {
    /// Its own folder, with `bin` in front of the search path.
    pub(crate) folder: PathBuf,
}

impl Terminal {
    /// A folder of its own with ctl in it, called `program`, and no terminal yet.
    pub(crate) fn prepare(name: &str, program: &str) -> Self {
        let folder = crate::run::fresh_folder(name);
        let bin = folder.join("bin");
        std::fs::create_dir(&bin).unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_ctl"), bin.join(program)).unwrap();
        Self { folder }
    }

    /// Starts `words` with nothing in the environment but what a shell needs and `more`.
    pub(crate) fn start(&self, words: &[&str], more: &[(&str, &str)], at: &Path) {
        let folder = self.folder.display();
        let mut command = self.tmux(&["new-session", "-d", "-x", "80", "-y", "50", "env", "-i"]);
        command.current_dir(at);
        command.args([format!("HOME={folder}"), format!("PATH={folder}/bin:/usr/bin:/bin")]);
        command.args(["TERM=screen", "LC_ALL=C.UTF-8", "TZ=UTC"]);
        command.args(more.iter().map(|(name, value)| format!("{name}={value}")));
        let output = command.args(words).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn tmux(&self, words: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.folder.join("tmux")).args(["-f", "/dev/null"]).args(words);
        command.env_remove("TMUX");
        command
    }

    /// Types text as it is.
    pub(crate) fn text(&self, text: &str) {
        assert!(self.tmux(&["send-keys", "-l", "--", text]).status().unwrap().success());
    }

    /// Presses a key by tmux's name for it.
    pub(crate) fn key(&self, key: &str) {
        assert!(self.tmux(&["send-keys", key]).status().unwrap().success());
    }

    /// What is on the screen, without the blank rest.
    pub(crate) fn screen(&self) -> String {
        let output = self.tmux(&["capture-pane", "-p"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
        lines.join("\n")
    }

    /// Waits until the screen is as it should be, and returns it.
    pub(crate) fn until(&self, what: &str, is_there: impl Fn(&str) -> bool) -> String {
        let look = || {
            let screen = self.screen();
            if is_there(&screen) { Ok(screen) } else { Err(format!("\n{screen}\n")) }
        };
        wait_until(what, PATIENCE, look).unwrap()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux(&["kill-server"]).output();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
