//! The states a unit is asked to be in and is seen in (contract §1.3). What systemd calls a unit's state is
//! text of its own and lives in the state rows.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What a user asked for: the desired state of the API, DSTATE in lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TargetState {
    /// Known to the fleet, on no machine.
    Inactive,
    /// On a machine, its file in place, not started by Skiff.
    Loaded,
    /// Loaded, and systemd was asked to start it.
    Launched,
}

impl TargetState {
    /// The word the API and the lists use.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Loaded => "loaded",
            Self::Launched => "launched",
        }
    }

    /// Reads the API's word; any other text is `None` (contract section 0: an error, never stored).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Inactive, Self::Loaded, Self::Launched].into_iter().find(|state| state.as_str() == text)
    }

    /// True where a machine is to hold the unit.
    #[must_use]
    pub const fn wants_machine(self) -> bool {
        !matches!(self, Self::Inactive)
    }
}

impl fmt::Display for TargetState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far an order for a unit got on its machine: what was last asked of systemd, not what systemd made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The file is in place.
    Loaded,
    /// A start was asked for and accepted.
    Launched,
}

impl Order {
    /// The same as a state of the API's `currentState`.
    #[must_use]
    pub const fn as_state(self) -> TargetState {
        match self {
            Self::Loaded => TargetState::Loaded,
            Self::Launched => TargetState::Launched,
        }
    }
}
