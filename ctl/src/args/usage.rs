//! What can be wrong with a command line, in words.

use std::fmt;

/// Why a command line makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum UsageError {
    /// No command of that name; the nearest one.
    UnknownCommand(String, Option<&'static str>),
    /// The beginning of several commands.
    AmbiguousCommand(String, Vec<&'static str>),
    /// A command that only groups others, alone.
    NoSubcommand(String, Vec<&'static str>),
    /// No flag of that name; the nearest one.
    UnknownFlag(String, Option<&'static str>),
    /// A flag that another command has.
    WrongFlag(String, String),
    /// A flag at the end that needs a value.
    NoValue(String),
    /// Neither true nor false; the flag or variable, and what it was given.
    NoTruth(String, String),
}

/// What argh says of a command line, in fewer words.
pub(crate) fn plain(said: &str) -> String {
    let said = said.trim_end();
    if let Some((flag, rest)) =
        said.strip_prefix("Error parsing option '").and_then(|rest| rest.split_once("' with value '"))
        && let Some((value, why)) = rest.split_once("': ")
    {
        // The standard library's words, for every integer.
        let why = if why.starts_with("invalid digit") { "it takes a whole number" } else { why };
        return format!("{flag}={value}: {why}");
    }
    let lines = |lines: &str| lines.split_whitespace().collect::<Vec<_>>().join(", ");
    if let Some(rest) = said.strip_prefix("Required options not provided:") {
        return format!("{} is needed", lines(rest));
    }
    if let Some(rest) = said.strip_prefix("Required positional arguments not provided:") {
        return format!("{} is needed", lines(rest).to_uppercase());
    }
    if let Some(word) = said.strip_prefix("Unrecognized argument: ") {
        return format!("{word:?} has no place here");
    }
    said.to_owned()
}

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let did_you_mean = |f: &mut fmt::Formatter<'_>, dashes: &str, nearest: &Option<&str>| match nearest {
            Some(nearest) => write!(f, "\nDid you mean \"{dashes}{nearest}\"?"),
            None => Ok(()),
        };
        match self {
            Self::UnknownCommand(word, nearest) => {
                write!(f, "unknown command {word:?}")?;
                did_you_mean(f, "", nearest)
            }
            Self::AmbiguousCommand(word, all) => {
                write!(f, "command {word:?} could be {}", all.join(" or "))
            }
            Self::NoSubcommand(word, all) => write!(f, "{word} needs one of: {}", all.join(", ")),
            Self::UnknownFlag(flag, nearest) => {
                write!(f, "unknown flag: {flag}")?;
                did_you_mean(f, "--", nearest)
            }
            Self::WrongFlag(flag, command) => write!(f, "{command} has no flag {flag}"),
            Self::NoValue(flag) => write!(f, "flag needs an argument: {flag}"),
            Self::NoTruth(what, value) => write!(f, "{what} is either true or false, not {value:?}"),
        }
    }
}
