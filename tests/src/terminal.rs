//! A program on a terminal of its own, and what a person would type there once it asks. What it should print is the
//! caller's to know.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use nix::pty::openpty;

use crate::failure::{Failure, Outcome};
use crate::run::{Ran, exit_number};

/// Runs `command` to its end on a new terminal and types `answer` when it has printed `question`. All it prints is
/// taken for its standard output.
///
/// # Errors
/// When it cannot be started.
pub fn converse(command: &Command, question: &str, answer: &str) -> Outcome<Ran> {
    let trouble = |what: &str| Failure::new(format!("run {command:?} on a terminal: {what}"));
    let pair = openpty(None, None).map_err(|cause| trouble(&cause.to_string()))?;
    let (mut person, screen) = (File::from(pair.master), File::from(pair.slave));
    let side = || screen.try_clone().map(Stdio::from).map_err(|cause| trouble(&cause.to_string()));
    // A session of its own, whose terminal this is: programs open /dev/tty to ask.
    let mut session = Command::new("setsid");
    session.args(["--ctty", "--wait"]).arg(command.get_program()).args(command.get_args());
    session.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    session.stdin(side()?).stdout(side()?).stderr(side()?);
    let mut child = session.spawn().map_err(|cause| trouble(&cause.to_string()))?;
    drop((session, screen));
    let (mut seen, mut piece, mut answered) = (String::new(), [0; 1024], false);
    // A terminal whose last user has gone is read with an error, not with an end.
    while let Ok(amount @ 1..) = person.read(&mut piece) {
        seen.push_str(&String::from_utf8_lossy(piece.get(..amount).unwrap_or_default()));
        if !answered && seen.contains(question) {
            person.write_all(answer.as_bytes()).map_err(|cause| trouble(&cause.to_string()))?;
            answered = true;
        }
    }
    let status = child.wait().map_err(|cause| trouble(&cause.to_string()))?;
    Ok(Ran { call: format!("{command:?}"), exit: exit_number(status), stdout: seen, stderr: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_on_the_terminal_is_answered() {
        let mut asks = Command::new("sh");
        asks.args(["-c", "printf 'who? ' >/dev/tty; read who </dev/tty; echo hello $who; exit 3"]);
        let ran = converse(&asks, "who? ", "you\n").unwrap();
        assert_eq!(ran.exit, 3, "{ran}");
        assert!(ran.stdout.contains("hello you"), "{ran}");
    }
}
