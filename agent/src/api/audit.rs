//! The line that tells an operator who changed what through the API. Its form is documented (docs/api.md) and stays.

use std::fmt;

use cluster::TargetState;
use fleet_api::Failure;

use crate::http::{Method, Peer};

/// What the line begins with.
pub const EVENT: &str = "api-change";

/// What became of a call that would change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was carried out.
    Done,
    /// It cannot be meant, or what is there stands against it: nothing was changed.
    Refused,
    /// Whoever asked has no right to it: nothing was changed.
    Denied,
    /// It failed on its way: it may have changed something.
    Unknown,
}

impl Verdict {
    /// Of a call that failed while it was carried out.
    pub(super) fn of(failure: &Failure) -> Self {
        if failure.is_open() { Self::Unknown } else { Self::Refused }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
        }
    }
}

/// One call that would change something. It holds names, never contents or values.
#[derive(Clone, Copy, Debug)]
pub struct Audit<'a> {
    /// Whoever asked.
    pub peer: &'a Peer,
    /// How.
    pub method: &'a Method,
    /// What is to be changed: `unit=web.service`.
    pub subject: &'a str,
    /// What a unit was to become, if the call said so.
    pub state: Option<TargetState>,
    /// What became of it.
    pub verdict: Verdict,
    /// The deed or the error, in words.
    pub words: &'a str,
}

impl fmt::Display for Audit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, method, subject, state, verdict, words } = self;
        write!(f, "{EVENT}: {peer} method={method} {subject}")?;
        if let Some(state) = state {
            write!(f, " state={state}")?;
        }
        write!(f, " outcome={}: {words}", verdict.as_str())
    }
}
