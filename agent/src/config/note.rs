//! Remarks on a configuration that is accepted: what is ignored, what is risky, what was adjusted. The agent logs
//! each once at start and after each reload; none of them changes what it does.

use std::fmt;

use super::error::Origin;

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// A key of fleet that has no effect any more.
    NoEffect {
        /// Where it was set.
        origin: Origin,
        /// The key.
        key: &'static str,
        /// Why it has none.
        why: &'static str,
    },
    /// A key below a `[section]` line; only those above the first such line count.
    InSection {
        /// File and line.
        origin: Origin,
        /// The key as it was read.
        key: String,
        /// The section's name.
        section: String,
    },
    /// A key that the file sets twice; the last one counts.
    SetAgain {
        /// File and line of the one that counts.
        origin: Origin,
        /// The key.
        key: &'static str,
    },
    /// An unquoted value that was cut at a `#` or `;` with no blank before it.
    CutAtComment {
        /// File and line.
        origin: Origin,
        /// The key as it was read.
        key: String,
    },
    /// A `FLEET_*` variable that is no setting. Only a remark, since other programs may use that prefix too.
    UnknownVariable {
        /// Its name.
        variable: String,
        /// The variable that looks most like it, if one does.
        nearest: Option<String>,
    },
    /// An item of `metadata` without `=`, which is left out.
    MetadataWithoutValue {
        /// Where it was set.
        origin: Origin,
        /// The item.
        item: String,
    },
    /// A value that was changed to go together with another one.
    Adjusted {
        /// The key.
        key: &'static str,
        /// What is used in its place.
        used: String,
        /// What it follows from.
        why: String,
    },
    /// A setting that gives up protection.
    Risky {
        /// Where it was set.
        origin: Origin,
        /// The key.
        key: &'static str,
        /// What is given up.
        what: String,
    },
}

impl Note {
    /// Sorts reports as [`Origin::rank`] does.
    pub(super) fn rank(&self) -> (u8, usize) {
        match self {
            Self::NoEffect { origin, .. }
            | Self::InSection { origin, .. }
            | Self::SetAgain { origin, .. }
            | Self::CutAtComment { origin, .. }
            | Self::MetadataWithoutValue { origin, .. }
            | Self::Risky { origin, .. } => origin.rank(),
            Self::UnknownVariable { variable, .. } => {
                Origin::Environment { variable: variable.clone() }.rank()
            }
            Self::Adjusted { .. } => Origin::Default.rank(),
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEffect { origin, key, why } => write!(f, "{origin}: {key} has no effect: {why}"),
            Self::InSection { origin, key, section } => {
                let section = section.escape_debug();
                write!(
                    f,
                    "{origin}: {key:?} is ignored: it stands in section [{section}], settings stand above all"
                )
            }
            Self::SetAgain { origin, key } => write!(f, "{origin}: {key} is set again; this line counts"),
            Self::CutAtComment { origin, key } => {
                write!(f, "{origin}: the value of {key:?} ends at its # or ;, quote it if that is part of it")
            }
            Self::UnknownVariable { variable, nearest } => {
                write!(f, "environment {}: not a setting, ignored", variable.escape_debug())?;
                nearest.as_ref().map_or(Ok(()), |name| write!(f, "; did you mean {name}?"))
            }
            Self::MetadataWithoutValue { origin, item } => {
                write!(f, "{origin}: metadata: item {item:?} has no \"=\" and is left out")
            }
            Self::Adjusted { key, used, why } => write!(f, "{key}: using {used}: {why}"),
            Self::Risky { origin, key, what } => write!(f, "{origin}: {key}: {what}"),
        }
    }
}
