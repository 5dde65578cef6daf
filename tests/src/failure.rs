//! The one error of the harness: a sentence that says what was tried, on what, and what came back.

use std::fmt;

/// Why a step of a scenario, the demo or `verify` did not succeed. One text is enough: nobody decides on it.
#[derive(Clone, PartialEq, Eq)]
pub struct Failure(String);

impl Failure {
    /// A failure with its whole text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// `operation: cause`, the form of every error here.
    pub fn during(operation: impl fmt::Display, cause: impl fmt::Display) -> Self {
        Self(format!("{operation}: {cause}"))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// `fn main() -> Result<_, Failure>` prints with Debug; a quoted string full of `\n` would help nobody.
impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}

/// What everything in the harness returns.
pub type Outcome<T = ()> = Result<T, Failure>;
