//! Running a program to its end and keeping what it said. No shell; the caller gives the words.

use std::ffi::OsStr;
use std::fmt;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Outcome};

/// What a finished program left behind.
#[derive(Clone, Debug)]
pub struct Ran {
    /// The words it was called with, for messages.
    pub call: String,
    /// The exit status; 128 + the number where a signal ended it.
    pub exit: i32,
    /// Standard output; bytes that are not UTF-8 are replaced.
    pub stdout: String,
    /// Standard error, likewise.
    pub stderr: String,
}

impl Ran {
    /// Itself if the exit status was 0.
    ///
    /// # Errors
    /// The whole of what was called and printed, otherwise.
    pub fn success(self) -> Outcome<Self> {
        if self.exit == 0 { Ok(self) } else { Err(Failure::new(self.to_string())) }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` exited {}", self.call, self.exit)?;
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !text.trim().is_empty() {
                write!(f, "\n  {name}: {}", text.trim_end().replace('\n', "\n          "))?;
            }
        }
        Ok(())
    }
}

/// Runs `words` (the program first) with standard input empty, and waits for its end whatever its exit status is.
///
/// # Errors
/// When it could not be started.
pub fn run<S: AsRef<OsStr>>(words: &[S]) -> Outcome<Ran> {
    finish(command(words)?, &[])
}

/// Like [`run`], with `input` on standard input.
///
/// # Errors
/// When it could not be started.
pub fn run_with_input<S: AsRef<OsStr>>(words: &[S], input: &[u8]) -> Outcome<Ran> {
    finish(command(words)?, input)
}

/// A command from its words.
///
/// # Errors
/// When there is no word.
pub fn command<S: AsRef<OsStr>>(words: &[S]) -> Outcome<Command> {
    let (program, rest) = words.split_first().ok_or_else(|| Failure::new("run: no program given"))?;
    let mut command = Command::new(program);
    command.args(rest);
    Ok(command)
}

/// Runs a prepared command to its end.
///
/// # Errors
/// When it could not be started.
pub fn finish(mut command: Command, input: &[u8]) -> Outcome<Ran> {
    let call = shown(&command);
    let stdin = if input.is_empty() { Stdio::null() } else { Stdio::piped() };
    command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|cause| Failure::during(format!("run `{call}`"), cause))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that ends without reading its input is its own business; its status tells.
        let _ = pipe.write_all(input);
    }
    let output =
        child.wait_with_output().map_err(|cause| Failure::during(format!("wait for `{call}`"), cause))?;
    Ok(Ran {
        call,
        exit: exit_number(output.status),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// The exit status as a shell shows it.
#[must_use]
pub fn exit_number(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}
