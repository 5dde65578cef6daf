//! What can go wrong when something is asked of systemd. The line that matters is drawn here: either systemd
//! answered no ([`SystemdError::Refused`], [`Refusal`]), or nothing may be concluded. What to do about it is
//! the agent's decision.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use cluster::UnitName;

/// One call that did not do what was asked.
#[derive(Debug)]
pub enum SystemdError {
    /// The program could not be started, or its output could not be read.
    Run {
        /// Program and verb.
        command: String,
        /// Why.
        source: io::Error,
    },
    /// The program did not end in time and was killed; what it asked of systemd may still happen.
    TimedOut {
        /// Program and verb.
        command: String,
        /// The time it had.
        after: Duration,
    },
    /// A signal ended the program.
    Killed {
        /// Program and verb.
        command: String,
        /// The signal's number.
        signal: i32,
    },
    /// The answer was longer than a bound of `cluster::limits`.
    TooMuchOutput {
        /// Program and verb.
        command: String,
        /// The bound.
        limit_bytes: usize,
    },
    /// The answer is not of the form it has; a line of it.
    Unreadable {
        /// Program and verb.
        command: String,
        /// The first line that was not understood.
        line: String,
    },
    /// systemd cannot be reached, or takes no requests from this user.
    Unreachable {
        /// Program and verb.
        command: String,
        /// What the program said.
        text: String,
    },
    /// systemd answered, and the answer is no.
    Refused {
        /// Program, verb and unit.
        command: String,
        /// What systemd said.
        text: String,
    },
}

impl SystemdError {
    /// True if systemd itself answered; false if nothing may be concluded about any unit.
    #[must_use]
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }
}

impl fmt::Display for SystemdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run { command, source } => write!(f, "run {command}: {source}"),
            Self::TimedOut { command, after } => {
                write!(f, "{command}: no end after {} ms, killed", after.as_millis())
            }
            Self::Killed { command, signal } => write!(f, "{command}: ended by signal {signal}"),
            Self::TooMuchOutput { command, limit_bytes } => {
                write!(f, "{command}: answer exceeds {limit_bytes} bytes")
            }
            Self::Unreadable { command, line } => write!(f, "{command}: answer not understood: {line:?}"),
            Self::Unreachable { command, text } => write!(f, "{command}: systemd not reachable: {text}"),
            Self::Refused { command, text } => write!(f, "{command}: {text}"),
        }
    }
}

// The Display texts above carry their cause, so `source` stays empty: a chain would print it twice.
impl std::error::Error for SystemdError {}

/// A unit systemd answered no for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The unit.
    pub unit: UnitName,
    /// What systemd said, one line of at most `cluster::limits::ERROR_TEXT_MAX_BYTES`.
    pub reason: String,
}

/// A batch that did not go through as a whole. Units in neither list were accepted.
#[derive(Debug, Default)]
pub struct BatchError {
    /// Units systemd refused.
    pub refused: Vec<Refusal>,
    /// Units about which nothing may be concluded: ask for their state before acting on them.
    pub unknown: Vec<UnitName>,
    /// Why nothing is known about `unknown`; `None` if that list is empty.
    pub cause: Option<SystemdError>,
}

impl BatchError {
    /// `Ok` if the batch went through after all.
    pub(crate) fn into_result(self) -> Result<(), Self> {
        if self.refused.is_empty() && self.unknown.is_empty() && self.cause.is_none() {
            Ok(())
        } else {
            Err(self)
        }
    }
}

impl fmt::Display for BatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 3;
        let mut separator = "";
        for refusal in self.refused.iter().take(SHOWN) {
            write!(f, "{separator}{}: {}", refusal.unit, refusal.reason)?;
            separator = "; ";
        }
        if let Some(more) = self.refused.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            write!(f, "; and {more} more")?;
        }
        if let Some(cause) = &self.cause {
            write!(f, "{separator}{} units in doubt: {cause}", self.unknown.len())?;
        }
        Ok(())
    }
}

impl std::error::Error for BatchError {}

/// A file operation that failed, with what it was done to.
#[derive(Debug)]
pub struct FileError {
    /// What was tried: `write`, `link`, ….
    pub operation: &'static str,
    /// On what.
    pub path: PathBuf,
    /// Why it did not work.
    pub cause: FileCause,
}

/// Why a file operation failed.
#[derive(Debug)]
pub enum FileCause {
    /// The kernel said so.
    Io(io::Error),
    /// The file is longer than this many bytes.
    TooLarge(usize),
    /// The directory holds more than this many entries.
    TooManyEntries(usize),
    /// The content is not UTF-8.
    NotUtf8,
    /// Not a regular file.
    NotAFile,
    /// Something there belongs to the machine, not to Skiff; what it is, in words.
    Foreign(String),
    /// The content is not of the form it should have.
    Content(String),
}

impl FileError {
    pub(crate) fn new(
        operation: &'static str,
        path: impl Into<PathBuf>,
        cause: impl Into<FileCause>,
    ) -> Self {
        Self { operation, path: path.into(), cause: cause.into() }
    }
}

impl From<io::Error> for FileCause {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<nix::Error> for FileCause {
    fn from(errno: nix::Error) -> Self {
        Self::Io(errno.into())
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: ", self.operation, self.path.display())?;
        match &self.cause {
            FileCause::Io(error) => error.fmt(f),
            FileCause::TooLarge(limit) => write!(f, "larger than {limit} bytes"),
            FileCause::TooManyEntries(limit) => write!(f, "more than {limit} entries"),
            FileCause::NotUtf8 => f.write_str("not UTF-8"),
            FileCause::NotAFile => f.write_str("not a regular file"),
            FileCause::Foreign(what) | FileCause::Content(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for FileError {}
