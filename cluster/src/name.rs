//! Unit names: a type that cannot hold a wrong one, and the parts of a name. It stops at the name; what is
//! in a unit's file is `unit_file`'s business.

use alloc::sync::Arc;
use core::fmt;

use crate::limits::UNIT_NAME_MAX_BYTES;

/// The unit types that may be stored (contract §2.1).
const TYPES: [&str; 13] = [
    "automount",
    "busname",
    "device",
    "mount",
    "path",
    "scope",
    "service",
    "slice",
    "snapshot",
    "socket",
    "swap",
    "target",
    "timer",
];
/// The types that have templates (contract §2.1, rule 6).
const TEMPLATE_TYPES: [&str; 5] = ["path", "service", "socket", "target", "timer"];

/// A valid unit name such as `web@1.service`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnitName(Arc<str>);

/// Why a text is not a unit name; the wording is fleet's (contract §2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameError {
    /// No characters at all.
    Empty,
    /// More than [`UNIT_NAME_MAX_BYTES`].
    TooLong,
    /// No dot, so no type.
    NoDot,
    /// Nothing after the last dot.
    EndsInDot,
    /// The text after the last dot is no unit type.
    UnknownType(Arc<str>),
    /// The name has an `@`, and its type has no templates.
    NoTemplates(Arc<str>),
    /// A character outside the allowed set.
    Character(char),
    /// An instance of nothing.
    StartsWithAt,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("unit name cannot be empty"),
            Self::TooLong => write!(f, "unit name exceeds maximum length ({UNIT_NAME_MAX_BYTES})"),
            Self::NoDot => f.write_str("unit name must contain \".\""),
            Self::EndsInDot => f.write_str("unit name cannot end in \".\""),
            Self::UnknownType(suffix) => write!(f, "invalid unit type: {suffix:?}"),
            Self::NoTemplates(suffix) => write!(f, "invalid unit type for template: {suffix:?}"),
            Self::Character(c) => write!(f, "invalid character {c:?} in unit name"),
            Self::StartsWithAt => f.write_str("unit name cannot start in \"@\""),
        }
    }
}

impl core::error::Error for NameError {}

impl UnitName {
    /// Checks `text` against the rules of contract §2.1, in their order.
    ///
    /// # Errors
    /// The first rule that does not hold.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > UNIT_NAME_MAX_BYTES {
            return Err(NameError::TooLong);
        }
        let (stem, suffix) = text.rsplit_once('.').ok_or(NameError::NoDot)?;
        if suffix.is_empty() {
            return Err(NameError::EndsInDot);
        }
        if !TYPES.contains(&suffix) {
            return Err(NameError::UnknownType(suffix.into()));
        }
        if text.contains('@') && !TEMPLATE_TYPES.contains(&suffix) {
            return Err(NameError::NoTemplates(suffix.into()));
        }
        if let Some(bad) = stem.chars().find(|c| !is_name_char(*c)) {
            return Err(NameError::Character(bad));
        }
        if text.starts_with('@') {
            return Err(NameError::StartsWithAt);
        }
        Ok(Self(text.into()))
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name without its type: `foo@bar` of `foo@bar.service` (specifier `%N`).
    #[must_use]
    pub fn stem(&self) -> &str {
        self.0.rsplit_once('.').map_or(&*self.0, |(stem, _)| stem)
    }

    /// The type: `service` of `foo@bar.service`.
    #[must_use]
    pub fn suffix(&self) -> &str {
        self.0.rsplit_once('.').map_or("", |(_, suffix)| suffix)
    }

    /// The part before the first `@`, or the stem (specifier `%p`).
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.stem().split_once('@').map_or(self.stem(), |(prefix, _)| prefix)
    }

    /// The part after the first `@`; `Some("")` for a template, `None` where there is no `@` (specifier `%i`).
    #[must_use]
    pub fn instance(&self) -> Option<&str> {
        self.stem().split_once('@').map(|(_, instance)| instance)
    }

    /// True for `foo@.service`.
    #[must_use]
    pub fn is_template(&self) -> bool {
        self.stem().ends_with('@') && self.instance() == Some("")
    }

    /// The template an instance is made from: `foo@.service` of `foo@bar.service`.
    #[must_use]
    pub fn template(&self) -> Option<UnitName> {
        self.instance().filter(|instance| !instance.is_empty())?;
        let mut text = alloc::string::String::from(self.prefix());
        text.push_str("@.");
        text.push_str(self.suffix());
        Self::parse(&text).ok()
    }
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '-' | '_' | '.' | '\\' | '@')
}

impl fmt::Display for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UnitName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::borrow::Borrow<str> for UnitName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for UnitName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
