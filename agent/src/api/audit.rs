//! The line that tells an operator who changed what through the API. Its form is documented (docs/api.md) and stays.

use std::fmt;

use cluster::TargetState;
use fleet_api::{Failure, Subject};

use crate::events::About;
use crate::http::{Method, Peer};

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
    /// What is to be changed.
    pub subject: &'a Subject,
    /// What a unit was to become, if the call said so.
    pub state: Option<TargetState>,
    /// What became of it.
    pub verdict: Verdict,
    /// The deed or the error, in words.
    pub words: &'a str,
}

impl Audit<'_> {
    /// The fields of its entry in the journal.
    #[must_use]
    pub fn about(&self) -> About<'_> {
        let reason = if self.verdict == Verdict::Done { "" } else { self.words };
        match self.subject {
            Subject::Unit(unit) => About { unit: Some(unit), reason, ..About::default() },
            Subject::Machine(id) => About { machine: Some(id), reason, ..About::default() },
            Subject::Machines | Subject::Registry | Subject::Unnameable(..) => {
                About { reason, ..About::default() }
            }
        }
    }
}

impl fmt::Display for Audit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { peer, method, subject, state, verdict, words } = self;
        write!(f, "api-change: {peer} method={method} {subject}")?;
        if let Some(state) = state {
            write!(f, " state={state}")?;
        }
        write!(f, " outcome={}: {words}", verdict.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_about_one_unit_or_machine_can_be_looked_for_by_its_name() {
        let (peer, method) = (Peer::Unix { pid: 1, uid: 0, gid: 0 }, Method::Put);
        let about = |subject: &Subject, verdict| {
            let audit =
                Audit { peer: &peer, method: &method, subject, state: None, verdict, words: "no unit file" };
            let About { unit, machine, reason, .. } = audit.about();
            let (unit, machine) = (unit.map(ToString::to_string), machine.map(ToString::to_string));
            (unit.unwrap_or_default(), machine.unwrap_or_default(), reason.to_owned())
        };
        let none = String::new;
        let unit = Subject::Unit(cluster::UnitName::parse("a.service").unwrap());
        assert_eq!(about(&unit, Verdict::Done), ("a.service".to_owned(), none(), none()));
        let refused = ("a.service".to_owned(), none(), "no unit file".to_owned());
        assert_eq!(about(&unit, Verdict::Refused), refused);
        let machine = Subject::Machine(cluster::MachineId::parse("m1").unwrap());
        assert_eq!(about(&machine, Verdict::Done), (none(), "m1".to_owned(), none()));
        let odd = Subject::Unnameable("unit", "a\nSKIFF_UNIT=b.service".to_owned());
        assert_eq!(about(&odd, Verdict::Done), (none(), none(), none()));
        assert_eq!(odd.to_string(), r#"unit="a\nSKIFF_UNIT=b.service""#);
    }
}
