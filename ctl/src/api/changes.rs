//! What changed since a moment, waited for: the agent's long poll, or one of the registry itself. Where neither can be
//! had, whoever waits looks again and again.

use std::time::Duration;

use cluster::UnitName;
use cluster::limits::API_CHANGES_NAMES_MAX;
use cluster::sorted::Set;
use serde::Deserialize;

use super::{Api, ApiError, escaped};

/// What has changed, and from when on to ask for what changes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changes {
    /// The moment to go on from.
    pub(crate) index: u64,
    /// Units that changed.
    pub(crate) units: Set<UnitName>,
    /// Anything may have changed.
    pub(crate) all: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ChangesWire {
    index: u64,
    units: Vec<String>,
    all: bool,
}

impl Changes {
    /// True if there is something to look at.
    pub(crate) fn is_some(&self) -> bool {
        self.all || !self.units.is_empty()
    }
}

impl Api {
    /// Waits for a change of one of `units`, or of any if they are none or too many, after the moment `after`; for `None`
    /// gives the present moment at once. `None` where the server does not know the question or has no room for it.
    ///
    /// # Errors
    /// No usable answer.
    pub(crate) fn changes(
        &self,
        after: Option<u64>,
        units: &[UnitName],
        longest: Duration,
    ) -> Result<Option<Changes>, ApiError> {
        let mut more = String::new();
        if units.len() <= API_CHANGES_NAMES_MAX {
            units.iter().for_each(|name| more.push_str(&format!("&unitName={}", escaped(name.as_str()))));
        }
        self.wait(after, longest, &more)
    }

    /// The same for what the leader records of its decisions; an old server also tells of other changes.
    ///
    /// # Errors
    /// No usable answer.
    pub(crate) fn changes_of_events(
        &self,
        after: Option<u64>,
        longest: Duration,
    ) -> Result<Option<Changes>, ApiError> {
        self.wait(after, longest, "&events=1")
    }

    fn wait(&self, after: Option<u64>, longest: Duration, more: &str) -> Result<Option<Changes>, ApiError> {
        let operation = "wait for changes";
        let mut path = format!("changes?waitMs={}{more}", longest.as_millis());
        if let Some(after) = after {
            path.push_str(&format!("&after={after}"));
        }
        let answer = self.backend.send(operation, "GET", &path, None)?;
        if matches!(answer.status, 400 | 404 | 405 | 503) {
            return Ok(None);
        }
        let wire: ChangesWire = self.decode(operation, &answer.accepted()?)?;
        // What cannot be a unit's name is none of ours, but something changed.
        let names: Result<_, _> = wire.units.iter().map(|name| UnitName::parse(name)).collect();
        let all = wire.all || names.is_err();
        Ok(Some(Changes { index: wire.index, units: names.unwrap_or_default(), all }))
    }
}
