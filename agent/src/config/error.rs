//! What can be wrong with a configuration, and what is merely worth saying about one. Every problem is found before
//! any is reported, and each names its file and line (or its variable), its key and what would be accepted.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

/// Longest part of a refused value that an error repeats, in characters.
const SHOWN_VALUE_MAX_CHARS: usize = 80;

/// Where a value was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nowhere: the built-in default.
    Default,
    /// A line of the configuration file.
    File {
        /// The file as it was named.
        path: Rc<str>,
        /// Counted from 1; the first line of a continued one.
        line: usize,
    },
    /// An environment variable.
    Environment {
        /// Its name, `FLEET_…`.
        variable: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{path}:{line}"),
            Self::Environment { variable } => write!(f, "environment {variable}"),
        }
    }
}

impl Origin {
    /// Sorts reports: lines of the file in order, then variables, then what has no place.
    pub(super) fn rank(&self) -> (u8, usize) {
        match self {
            Self::File { line, .. } => (0, *line),
            Self::Environment { .. } => (1, 0),
            Self::Default => (2, 0),
        }
    }
}

/// One thing that keeps the agent from starting.
#[derive(Debug)]
pub enum Problem {
    /// The file could not be read.
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: io::Error,
    },
    /// The file is larger than `limits::CONFIG_FILE_MAX_BYTES`.
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        max_bytes: usize,
    },
    /// A line is not of the form the file may have. Its text is not repeated: it may hold a password.
    Syntax {
        /// File and line.
        origin: Origin,
        /// What is wrong with the line.
        what: &'static str,
    },
    /// A key that does not exist.
    UnknownKey {
        /// File and line.
        origin: Origin,
        /// The key as it was read, in lower case.
        key: String,
        /// The known key that looks most like it, if one does.
        nearest: Option<&'static str>,
    },
    /// A value that its key does not accept.
    BadValue {
        /// Where it was set.
        origin: Origin,
        /// The key.
        key: &'static str,
        /// The value; `None` where it is a secret.
        value: Option<String>,
        /// What is wrong with it, or what would be accepted.
        accepted: String,
    },
    /// Values that are each right but do not go together.
    Conflict {
        /// Where the value that is refused was set.
        origin: Origin,
        /// The key that is refused.
        key: &'static str,
        /// Which rule is broken, and how to keep it.
        rule: String,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, cause } => write!(f, "read configuration {}: {cause}", path.display()),
            Self::TooLarge { path, max_bytes } => {
                write!(f, "read configuration {}: longer than {max_bytes} bytes", path.display())
            }
            Self::Syntax { origin, what } => write!(f, "{origin}: {what}"),
            Self::UnknownKey { origin, key, nearest } => {
                write!(f, "{origin}: unknown key {:?}", shown(key))?;
                nearest.map_or(Ok(()), |name| write!(f, "; did you mean {name:?}?"))
            }
            Self::BadValue { origin, key, value: Some(value), accepted } => {
                write!(f, "{origin}: {key}={:?}: {accepted}", shown(value))
            }
            Self::BadValue { origin, key, value: None, accepted } => write!(f, "{origin}: {key}: {accepted}"),
            Self::Conflict { origin, key, rule } => write!(f, "{origin}: {key}: {rule}"),
        }
    }
}

impl Problem {
    fn rank(&self) -> (u8, usize) {
        match self {
            Self::Read { .. } | Self::TooLarge { .. } => (0, 0),
            Self::Syntax { origin, .. }
            | Self::UnknownKey { origin, .. }
            | Self::BadValue { origin, .. }
            | Self::Conflict { origin, .. } => origin.rank(),
        }
    }
}

fn shown(value: &str) -> String {
    let mut text: String = value.chars().take(SHOWN_VALUE_MAX_CHARS).collect();
    if text.len() < value.len() {
        text.push('…');
    }
    text
}

/// Everything that is wrong with a configuration; never empty. Prints one problem a line.
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl ConfigError {
    pub(super) fn new(mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(Problem::rank);
        Self { problems }
    }

    /// The problems in the order of their lines, those of variables last.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}
