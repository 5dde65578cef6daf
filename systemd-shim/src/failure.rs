//! Why a unit is not what it should be, in systemd's own words. One process per question, so only for a unit
//! that failed or that somebody waits for; states of many units come from `list-units`.

use std::fmt;

use cluster::UnitName;
use cluster::limits::ERROR_TEXT_MAX_BYTES;

use crate::error::SystemdError;
use crate::one_line::one_line;
use crate::systemctl::Systemd;

const PROPERTIES: &str = "--property=Result,ExecMainCode,ExecMainStatus,LoadState,LoadError,ConditionResult,\
                          ConditionTimestampMonotonic,NRestarts";

/// How a unit's main process ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Exit {
    /// There was none, or it has not ended.
    #[default]
    None,
    /// With this status.
    Status(i32),
    /// By this signal.
    Signal(i32),
    /// By this signal, leaving a core.
    Core(i32),
}

/// What systemd knows about a unit's end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// systemd's `Result`: `success`, `exit-code`, `signal`, `timeout`, ….
    pub result: String,
    /// The main process.
    pub exit: Exit,
    /// Why the unit file could not be loaded.
    pub load_error: Option<String>,
    /// A `Condition…=` of the unit did not hold when it was last started: it does not run, and did not fail.
    pub condition_failed: bool,
    /// How often systemd restarted the unit by itself.
    pub restarts: u32,
}

impl Failure {
    /// True if systemd has nothing to complain about.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.load_error.is_none() && matches!(self.result.as_str(), "" | "success")
    }

    pub(crate) fn read(stdout: &str) -> Self {
        let value = |key: &str| {
            let found = stdout.lines().find_map(|line| line.split_once('=').filter(|(name, _)| *name == key));
            found.map_or("", |(_, value)| value)
        };
        let status = value("ExecMainStatus").parse().unwrap_or_default();
        Self {
            result: one_line(value("Result"), ERROR_TEXT_MAX_BYTES),
            // The codes of waitid(2): CLD_EXITED, CLD_KILLED, CLD_DUMPED.
            exit: match value("ExecMainCode") {
                "1" => Exit::Status(status),
                "2" => Exit::Signal(status),
                "3" => Exit::Core(status),
                _ => Exit::None,
            },
            load_error: load_error(value("LoadError")),
            condition_failed: value("ConditionResult") == "no"
                && !matches!(value("ConditionTimestampMonotonic"), "" | "0"),
            restarts: value("NRestarts").parse().unwrap_or_default(),
        }
    }
}

/// The text of `org.freedesktop.systemd1.BadUnitSetting "Unit x has …"`.
fn load_error(value: &str) -> Option<String> {
    let (_, quoted) = value.split_once(' ')?;
    let text = one_line(quoted.trim_matches('"'), ERROR_TEXT_MAX_BYTES);
    (!text.is_empty()).then_some(text)
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = &self.load_error {
            return f.write_str(text);
        }
        if self.condition_failed && self.is_success() {
            return f.write_str("a start condition did not hold");
        }
        f.write_str(if self.result.is_empty() { "success" } else { &self.result })?;
        match self.exit {
            Exit::Status(status) if status != 0 => {
                write!(f, " (status {status}{})", step(status).unwrap_or_default())?;
            }
            Exit::Signal(signal) => write!(f, " (signal {signal})")?,
            Exit::Core(signal) => write!(f, " (signal {signal}, core dumped)")?,
            Exit::None | Exit::Status(_) => {}
        }
        match self.restarts {
            0 => Ok(()),
            restarts => write!(f, ", restarted {restarts} times"),
        }
    }
}

/// What failed before the program itself ran, by the exit statuses systemd.exec(5) reserves; the common ones.
const fn step(status: i32) -> Option<&'static str> {
    match status {
        200 => Some("/CHDIR"),
        203 => Some("/EXEC"),
        208 => Some("/STDIN"),
        209 => Some("/STDOUT"),
        216 => Some("/GROUP"),
        217 => Some("/USER"),
        218 => Some("/CAPABILITIES"),
        219 => Some("/CGROUP"),
        226 => Some("/NAMESPACE"),
        228 => Some("/SECCOMP"),
        233 => Some("/RUNTIME_DIRECTORY"),
        238 => Some("/STATE_DIRECTORY"),
        _ => None,
    }
}

impl Systemd {
    /// Why `unit` failed, or what else systemd knows about its end.
    ///
    /// # Errors
    /// systemd was not reached.
    pub fn failure(&self, unit: &UnitName) -> Result<Failure, SystemdError> {
        let output = self.question("show", &["show", PROPERTIES], std::slice::from_ref(unit))?;
        Ok(Failure::read(&output.stdout))
    }

    /// The manager's own control group, below which its units have theirs: empty for a machine's systemd,
    /// `/user.slice/…/user@1000.service` for a user's. It stays the same while the manager lives.
    ///
    /// # Errors
    /// systemd was not reached.
    pub fn control_group(&self) -> Result<String, SystemdError> {
        let output = self.question("show", &["show", "--property=ControlGroup"], &[])?;
        let path = output.stdout.trim_end().strip_prefix("ControlGroup=").unwrap_or_default();
        Ok(path.trim_end_matches("/init.scope").trim_end_matches('/').to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_service_tells_its_exit_status() {
        let failure = Failure::read(include_str!("../testdata/show-fail.stdout"));
        assert_eq!(failure.exit, Exit::Status(1));
        assert_eq!(failure.to_string(), "exit-code (status 1)");
        assert!(!failure.is_success());
    }

    #[test]
    fn a_program_that_is_not_there_is_told_from_one_that_fails() {
        let failure = Failure::read(include_str!("../testdata/show-nobin.stdout"));
        assert_eq!(failure.to_string(), "exit-code (status 203/EXEC)");
    }

    #[test]
    fn a_bad_unit_file_tells_systemds_reason() {
        let failure = Failure::read(include_str!("../testdata/show-noexec.stdout"));
        assert_eq!(failure.to_string(), "Unit noexec.service has a bad unit file setting.");
        assert!(!failure.is_success());
    }

    #[test]
    fn a_running_service_has_no_failure() {
        let failure = Failure::read(include_str!("../testdata/show-good.stdout"));
        assert_eq!(failure, Failure { result: "success".to_owned(), ..Failure::default() });
        assert!(failure.is_success());
    }

    #[test]
    fn signals_restarts_and_conditions_are_said() {
        let killed = Failure::read("Result=signal\nExecMainCode=2\nExecMainStatus=9\nNRestarts=4\n");
        assert_eq!(killed.to_string(), "signal (signal 9), restarted 4 times");
        let core = Failure::read("Result=core-dump\nExecMainCode=3\nExecMainStatus=11\n");
        assert_eq!(core.to_string(), "core-dump (signal 11, core dumped)");
        let skipped = Failure::read(
            "Result=success\nConditionResult=no\nConditionTimestampMonotonic=12\nExecMainCode=0\n",
        );
        assert_eq!(skipped.to_string(), "a start condition did not hold");
        assert_eq!(Failure::read("").to_string(), "success");
    }

    /// Found by the fuzz target `systemd`.
    #[test]
    fn a_load_error_without_a_word_is_none() {
        assert_eq!(
            Failure::read("LoadError=org.freedesktop.systemd1.BadUnitSetting \"  \"\n").load_error,
            None
        );
    }
}
