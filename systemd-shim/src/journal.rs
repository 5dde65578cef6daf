//! The last log lines of one unit, to stand beside its failure. Following a journal is `ctl`'s business.

use cluster::UnitName;
use cluster::limits::{JOURNAL_LINE_MAX_BYTES, JOURNAL_LINES_MAX};

use crate::error::SystemdError;
use crate::one_line::one_line;
use crate::process;
use crate::scope::Scope;
use crate::systemctl::Systemd;

impl Systemd {
    /// The last `lines` lines (at most [`JOURNAL_LINES_MAX`]) the journal has of `unit`, systemd's own about it
    /// included, oldest first. A message of several lines counts once when asked for, so the first lines of
    /// long messages may be missing. No entries is an empty list. In user scope journald cannot tell the unit of
    /// a process that ended before its line was read, so the words of one that failed at once may be missing.
    ///
    /// # Errors
    /// journalctl did not run to a good end.
    pub fn journal_tail(&self, unit: &UnitName, lines: usize) -> Result<Vec<String>, SystemdError> {
        let lines = lines.min(JOURNAL_LINES_MAX);
        let label = format!("journalctl of {unit}");
        let mut command = process::command(&self.paths.journalctl, self.paths.xdg_runtime_dir.as_deref());
        command.args(["--no-pager", "--quiet", "--output=cat"]).arg(format!("--lines={lines}"));
        if let Some(dir) = &self.paths.journal_dir {
            command.arg("--directory").arg(dir);
        }
        command.arg(match self.scope {
            Scope::System => format!("--unit={unit}"),
            Scope::User => format!("--user-unit={unit}"),
        });
        let output = (self.run)(&label, &mut command, self.timeouts.question)?;
        if !output.success {
            let text = one_line(&output.stderr, JOURNAL_LINE_MAX_BYTES);
            return Err(SystemdError::Refused { command: label, text });
        }
        Ok(last_lines(&output.stdout, lines))
    }
}

fn last_lines(stdout: &str, count: usize) -> Vec<String> {
    let mut lines: Vec<String> =
        stdout.lines().rev().take(count).map(|line| one_line(line, JOURNAL_LINE_MAX_BYTES)).collect();
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_last_lines_come_oldest_first_and_clean() {
        assert_eq!(last_lines("a\nb\n\u{1b}[31mred\u{7}\n", 2), ["b", "[31mred"]);
        assert!(last_lines("", 5).is_empty());
        assert!(last_lines("a\n", 0).is_empty());
    }
}
