//! What ctl's exit codes mean, and the one error type that ends a command. What is printed on the way is the
//! business of the commands.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::api::ApiError;

/// The exit codes scripts rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done.
    Ok,
    /// Not done, or not all of it.
    Failed,
    /// The command line makes no sense.
    Usage,
    /// A unit or machine does not exist.
    NotFound,
    /// The cluster could not be asked.
    Unreachable,
    /// What was waited for did not come in time; as the program `timeout` has it.
    TimedOut,
    /// What systemctl, journalctl or ssh exited with.
    Passed(u8),
}

impl Exit {
    /// The number.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Unreachable => 4,
            Self::TimedOut => 124,
            Self::Passed(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command ended early.
#[derive(Debug)]
pub(crate) enum Failure {
    /// To be printed on standard error, then this code.
    Says(String, Exit),
    /// Standard output could not be written; a closed pipe is no error.
    Output(io::Error),
}

impl Failure {
    /// An ordinary failure.
    pub(crate) fn new(text: impl fmt::Display) -> Self {
        Self::Says(text.to_string(), Exit::Failed)
    }

    /// A unit or machine that does not exist.
    pub(crate) fn not_found(text: impl fmt::Display) -> Self {
        Self::Says(text.to_string(), Exit::NotFound)
    }

    /// A wrong command line.
    pub(crate) fn usage(text: impl fmt::Display) -> Self {
        Self::Says(text.to_string(), Exit::Usage)
    }

    /// `lead: cause`, with the exit code the cause calls for.
    pub(crate) fn api(lead: &str, cause: &ApiError) -> Self {
        Self::Says(format!("{lead}: {cause}"), cause.exit())
    }
}

impl From<io::Error> for Failure {
    fn from(cause: io::Error) -> Self {
        Self::Output(cause)
    }
}

/// How every command ends.
pub(crate) type Ended = Result<Exit, Failure>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_documented_ones() {
        let all = [Exit::Ok, Exit::Failed, Exit::Usage, Exit::NotFound, Exit::Unreachable, Exit::TimedOut];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3, 4, 124]);
        assert_eq!(Exit::Passed(255).code(), 255);
    }
}
