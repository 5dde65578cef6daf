//! Runs one program to its end: no shell, nothing on stdin, an environment of our own, bounded in time and in
//! what is kept of its output. What the output means is for the callers.

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use cluster::limits::{SYSTEMCTL_ERRORS_MAX_BYTES, SYSTEMCTL_OUTPUT_MAX_BYTES};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::deadline::Deadline;
use crate::error::SystemdError;

/// What a program left behind.
#[derive(Debug)]
pub struct Output {
    /// It exited with status 0.
    pub success: bool,
    /// All of its stdout.
    pub stdout: String,
    /// The beginning of its stderr.
    pub stderr: String,
    /// More was said on stderr than was kept.
    pub stderr_cut: bool,
}

/// How a program is run: called so in errors, for at most that long. An exit status other than 0 is no error.
pub type Run = fn(&str, &mut Command, Duration) -> Result<Output, SystemdError>;

/// A command for `program` that inherits nothing but what is needed to find systemd: the notify and listen
/// variables of the agent stay with the agent, and messages come in the language the parsers know.
pub(crate) fn command(program: &Path, xdg_runtime_dir: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    command.env("LC_ALL", "C").env("SYSTEMD_COLORS", "0").env("SYSTEMD_PAGER", "");
    if let Some(dir) = xdg_runtime_dir {
        command.env("XDG_RUNTIME_DIR", dir);
    }
    if let Some(path) = std::env::var_os("PATH").filter(|_| !program.is_absolute()) {
        command.env("PATH", path);
    }
    command
}

/// Runs `command`, called `label` in errors, for at most `timeout`.
///
/// # Errors
/// It did not start, was killed by a signal or by the deadline, or said more on stdout than is taken. An exit
/// status other than 0 is no error here.
pub(crate) fn run(label: &str, command: &mut Command, timeout: Duration) -> Result<Output, SystemdError> {
    let deadline = Deadline::after(timeout);
    let failed = |source| SystemdError::Run { command: label.to_owned(), source };
    let late = || SystemdError::TimedOut { command: label.to_owned(), after: timeout };

    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Reaped(command.spawn().map_err(failed)?);
    let mut stdout = Stream::new(child.0.stdout.take(), SYSTEMCTL_OUTPUT_MAX_BYTES);
    let mut stderr = Stream::new(child.0.stderr.take(), SYSTEMCTL_ERRORS_MAX_BYTES);
    read_to_end(&mut stdout, &mut stderr, deadline).map_err(failed)?.ok_or_else(late)?;
    let status = wait(&mut child.0, deadline).map_err(failed)?.ok_or_else(late)?;

    if let Some(signal) = status.signal() {
        return Err(SystemdError::Killed { command: label.to_owned(), signal });
    }
    if stdout.cut {
        let limit_bytes = SYSTEMCTL_OUTPUT_MAX_BYTES;
        return Err(SystemdError::TooMuchOutput { command: label.to_owned(), limit_bytes });
    }
    let stderr_cut = stderr.cut;
    Ok(Output { success: status.success(), stdout: stdout.text(), stderr: stderr.text(), stderr_cut })
}

/// Kills and collects a child that is given up on, so that no zombie and no late order is left.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // Both do nothing to a child that was waited for; a failure leaves nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// One pipe being read, and what is kept of it.
struct Stream<R> {
    pipe: Option<R>,
    kept: Vec<u8>,
    limit_bytes: usize,
    cut: bool,
}

impl<R: Read + AsFd> Stream<R> {
    const fn new(pipe: Option<R>, limit_bytes: usize) -> Self {
        Self { pipe, kept: Vec::new(), limit_bytes, cut: false }
    }

    /// Takes what is there. The pipe is dropped at its end; past the limit it is still drained, since a
    /// program that cannot write never ends.
    fn read(&mut self) -> io::Result<()> {
        let mut chunk = [0_u8; 8192];
        let Some(pipe) = &mut self.pipe else { return Ok(()) };
        let count = match pipe.read(&mut chunk) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            other => other?,
        };
        if count == 0 {
            self.pipe = None;
        }
        let room = self.limit_bytes.saturating_sub(self.kept.len()).min(count);
        self.cut |= room < count;
        self.kept.extend(chunk.iter().take(room));
        Ok(())
    }

    fn text(self) -> String {
        String::from_utf8(self.kept)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

/// Reads both pipes to their ends; `None` if the deadline came first.
fn read_to_end<A, B>(out: &mut Stream<A>, err: &mut Stream<B>, deadline: Deadline) -> io::Result<Option<()>>
where
    A: Read + AsFd,
    B: Read + AsFd,
{
    while out.pipe.is_some() || err.pipe.is_some() {
        let (out_ready, err_ready) = {
            let out_fd = out.pipe.as_ref().map(AsFd::as_fd);
            let err_fd = err.pipe.as_ref().map(AsFd::as_fd);
            let mut fds: Vec<PollFd> =
                out_fd.into_iter().chain(err_fd).map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            if !wait_for_any(&mut fds, deadline)? {
                return Ok(None);
            }
            let mut ready = fds.iter().map(|fd| fd.any().unwrap_or(true));
            let out_ready = out_fd.is_some() && ready.next() == Some(true);
            (out_ready, err_fd.is_some() && ready.next() == Some(true))
        };
        if out_ready {
            out.read()?;
        }
        if err_ready {
            err.read()?;
        }
    }
    Ok(Some(()))
}

/// False if the deadline has passed.
fn wait_for_any(fds: &mut [PollFd<'_>], deadline: Deadline) -> io::Result<bool> {
    let left = deadline.left();
    if left.is_zero() {
        return Ok(false);
    }
    match poll(fds, poll_timeout(left)) {
        Ok(_) | Err(nix::Error::EINTR) => Ok(true),
        Err(errno) => Err(errno.into()),
    }
}

/// Whole milliseconds, rounded up so that the last wait does not spin.
fn poll_timeout(left: Duration) -> PollTimeout {
    PollTimeout::try_from(left.saturating_add(Duration::from_millis(1))).unwrap_or(PollTimeout::MAX)
}

/// The exit status of a program whose pipes have closed, which it does by ending; `None` at the deadline.
/// Only a program that closed its pipes itself makes this look more than a few times.
fn wait(child: &mut Child, deadline: Deadline) -> io::Result<Option<ExitStatus>> {
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if !wait_for_any(&mut [], Deadline::after(pause.min(deadline.left())))? && deadline.left().is_zero() {
            return Ok(None);
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLENTY: Duration = Duration::from_secs(20);

    fn shell(script: &str) -> Command {
        let mut command = command(Path::new("/bin/sh"), None);
        command.args(["-c", script]);
        command
    }

    #[test]
    fn both_streams_and_the_status_come_back() {
        let output = run("sh", &mut shell("echo out; echo err >&2; exit 3"), PLENTY).expect("runs");
        assert!(!output.success);
        assert_eq!((output.stdout.as_str(), output.stderr.as_str()), ("out\n", "err\n"));
    }

    #[test]
    fn stdin_is_empty_and_the_environment_is_ours() {
        let output = run("sh", &mut shell("cat; echo \"$LC_ALL,$CARGO,$HOME,\""), PLENTY).expect("runs");
        assert_eq!(output.stdout, "C,,,\n");
    }

    #[test]
    fn a_program_that_hangs_is_killed_at_its_deadline() {
        let limit = Duration::from_millis(50);
        for script in ["exec sleep 1000", "exec sleep 1000 >&- 2>&-"] {
            let error = run("sh", &mut shell(script), limit).expect_err("hangs");
            assert!(matches!(error, SystemdError::TimedOut { .. }), "{script}: {error}");
        }
    }

    #[test]
    fn more_output_than_the_limit_is_an_error_and_more_on_stderr_is_marked() {
        let flood = format!("head -c {} /dev/zero", SYSTEMCTL_OUTPUT_MAX_BYTES + 1);
        let error = run("sh", &mut shell(&flood), PLENTY).expect_err("too much");
        assert!(matches!(error, SystemdError::TooMuchOutput { .. }), "{error}");
        let output = run("sh", &mut shell(&format!("{flood} >&2")), PLENTY).expect("runs");
        assert!(output.stderr_cut);
        assert_eq!(output.stderr.len(), SYSTEMCTL_ERRORS_MAX_BYTES);
    }

    #[test]
    fn a_signal_and_a_missing_program_are_told_apart() {
        let killed = run("sh", &mut shell("kill -9 $$"), PLENTY).expect_err("killed");
        assert!(matches!(killed, SystemdError::Killed { signal: 9, .. }), "{killed}");
        let missing = run("x", &mut command(Path::new("/nonexistent/x"), None), PLENTY).expect_err("missing");
        assert_eq!(missing.to_string(), "run x: No such file or directory (os error 2)");
    }
}
