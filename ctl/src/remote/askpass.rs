//! ssh asks people on the terminal. Where standard input is none, a script pipes `yes`, and expects that to count as the
//! answer (contract §3.7): ctl then names itself to ssh as the program that asks, and answers from the standard input
//! of the ctl that was called. Passwords are never read from there.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Read, Write};
use std::process::Command;

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};

use crate::context;
use crate::exit::{Ended, Exit, Failure};
use crate::talk;

/// Set for ssh: the process whose standard input has the answers.
const ANSWERS_OF: &str = "SKIFF_CTL_ANSWERS_OF";
/// Set for ssh: the program that would have asked without ctl.
const ASKER_BEFORE: &str = "SKIFF_CTL_ASKER_BEFORE";
/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 256;

/// Has an ssh that is about to be started ask through ctl, where that makes a difference. Needs ssh 8.4 or later;
/// older ones ask on the terminal all the same.
pub(crate) fn lend(command: &mut Command) {
    if io::stdin().is_terminal() {
        return;
    }
    let Ok(this) = std::env::current_exe() else { return };
    if let Some(before) = std::env::var_os("SSH_ASKPASS") {
        command.env(ASKER_BEFORE, before);
    }
    command.env("SSH_ASKPASS", this).env("SSH_ASKPASS_REQUIRE", "force");
    command.env(ANSWERS_OF, std::process::id().to_string());
}

/// The question, if ssh has called ctl to ask it. No command of ctl has a blank in it, every question has.
pub(crate) fn question(words: &[String]) -> Option<&str> {
    match words {
        [question] if question.contains(' ') && std::env::var_os(ANSWERS_OF).is_some() => Some(question),
        _ => None,
    }
}

/// Answers ssh on standard output; exit code 1 is no answer.
///
/// # Errors
/// Standard output cannot be written.
pub(crate) fn answer(question: &str) -> Ended {
    if std::env::var_os("SSH_ASKPASS_PROMPT").is_some_and(|kind| kind == "none") {
        talk::say(question);
        return Ok(Exit::Ok);
    }
    if !is_about_a_host_key(question) {
        return answer_secret(question);
    }
    let piped = piped_line();
    let asked = match &piped {
        Some(_) => None,
        None => on_terminal(question, false),
    };
    let Some(line) = piped.as_ref().or(asked.as_ref()) else {
        talk::say(&format!(
            "{question}\nnobody is there to answer; pipe \"yes\" into ctl, or make the key known first"
        ));
        return Ok(Exit::Failed);
    };
    let verdict = verdict(line);
    if piped.is_some() {
        talk::say(&format!("{question}{verdict}"));
    }
    context::print(&format!("{verdict}\n"))?;
    Ok(Exit::Ok)
}

fn answer_secret(question: &str) -> Ended {
    if let Some(line) = on_terminal(question, true) {
        context::print(&format!("{line}\n"))?;
        return Ok(Exit::Ok);
    }
    let Some(before) = std::env::var_os(ASKER_BEFORE) else { return Ok(Exit::Failed) };
    let status = Command::new(&before).arg(question).status();
    let status = status.map_err(|e| Failure::new(format_args!("run {}: {e}", before.to_string_lossy())))?;
    Ok(if status.success() { Exit::Ok } else { Exit::Failed })
}

fn is_about_a_host_key(question: &str) -> bool {
    question.contains("continue connecting") || question.starts_with("Please type 'yes'")
}

/// What ssh is told: it wants the whole word; fleet took `y` as well. A fingerprint is compared by ssh.
fn verdict(line: &str) -> &str {
    match line.trim() {
        "y" | "Y" => "yes",
        word if word.eq_ignore_ascii_case("yes") => "yes",
        word if word.starts_with("SHA256:") || word.starts_with("MD5:") => word,
        _ => "no",
    }
}

/// The next line of the standard input of the ctl that was called.
fn piped_line() -> Option<String> {
    let process: u32 = std::env::var(ANSWERS_OF).ok()?.parse().ok()?;
    line_of(File::open(format!("/proc/{process}/fd/0")).ok()?)
}

/// A line that is not empty. Read byte by byte: what follows belongs to others.
fn line_of(mut input: File) -> Option<String> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while line.len() < ANSWER_BYTES_MAX && input.read(&mut byte).ok()? > 0 && byte != *b"\n" {
        line.extend(byte);
    }
    String::from_utf8(line).ok().filter(|line| !line.is_empty())
}

fn on_terminal(question: &str, secret: bool) -> Option<String> {
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty").ok()?;
    terminal.write_all(question.as_bytes()).ok()?;
    if !secret {
        return line_of(terminal);
    }
    let hidden = Hidden::begin(terminal.try_clone().ok()?)?;
    let line = line_of(terminal.try_clone().ok()?);
    drop(hidden);
    terminal.write_all(b"\n").ok()?;
    line
}

/// While it lives, the terminal does not show what is typed.
struct Hidden {
    terminal: File,
    before: Termios,
}

impl Hidden {
    fn begin(terminal: File) -> Option<Self> {
        let before = tcgetattr(&terminal).ok()?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&terminal, SetArg::TCSAFLUSH, &quiet).ok()?;
        Some(Self { terminal, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // The terminal may be gone, and then there is nothing to restore.
        let _ = tcsetattr(&self.terminal, SetArg::TCSAFLUSH, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOST_KEY: &str = "The authenticity of host '10.0.0.1 (10.0.0.1)' can't be established.\n\
        ED25519 key fingerprint is SHA256:abc.\nAre you sure you want to continue connecting (yes/no/[fingerprint])? ";

    #[test]
    fn only_host_keys_are_answered_from_a_pipe() {
        assert!(is_about_a_host_key(HOST_KEY));
        assert!(is_about_a_host_key("Please type 'yes', 'no' or the fingerprint: "));
        for secret in
            ["core@10.0.0.1's password: ", "Enter passphrase for key '/home/core/.ssh/id_ed25519': "]
        {
            assert!(!is_about_a_host_key(secret), "{secret}");
        }
    }

    #[test]
    fn answers_are_read_as_fleet_read_them() {
        for yes in ["yes", "y", "Y", "YES", " yes\r"] {
            assert_eq!(verdict(yes), "yes");
        }
        for no in ["no", "n", "", "yes please", "yess"] {
            assert_eq!(verdict(no), "no");
        }
        assert_eq!(verdict("SHA256:abc"), "SHA256:abc");
    }
}
