//! Unit files: an ordered list of options, and the one text that is stored, hashed and written (contract §2.6).
//! Reading text is `parse`; whether the options make sense for the cluster is `validate`'s question.

mod parse;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::{Deserialize, Serialize};

use crate::ids::Hash;
use crate::limits::{UNIT_FILE_MAX_BYTES, UNIT_LINE_MAX_BYTES, UNIT_OPTIONS_MAX};
use crate::sorted::Map;

/// As much of a text from outside as a message repeats, in characters.
const QUOTED_MAX_CHARS: usize = 100;

/// One `Name=Value` line and the section it stands in. In JSON an empty field is left out, as fleet does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitOption {
    /// Section name without brackets.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub section: String,
    /// Option name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Value; a continued line keeps its backslash and newline.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub value: String,
}

/// A unit file as the ordered list of its options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnitFile {
    options: Vec<UnitOption>,
}

/// Why a text, or a list of options, is not a unit file. Lines count from 1. The first words are fleet's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// A line has [`UNIT_LINE_MAX_BYTES`] or more before its end.
    LineTooLong {
        /// Where.
        line: usize,
    },
    /// A `[` without a `]` anywhere after it.
    UnclosedSection {
        /// Where the `[` stands.
        line: usize,
    },
    /// Something other than blanks after a section's `]`.
    Garbage {
        /// Where.
        line: usize,
        /// The section.
        section: String,
        /// What follows it.
        garbage: String,
    },
    /// A line in a section without a `=`.
    NoEquals {
        /// Where.
        line: usize,
    },
    /// The text ends in the middle of an option's name.
    EndsInName {
        /// Where.
        line: usize,
    },
    /// More than [`UNIT_OPTIONS_MAX`] options.
    TooManyOptions,
    /// More than [`UNIT_FILE_MAX_BYTES`] in its serialised form.
    TooLarge {
        /// How large.
        bytes: usize,
    },
    /// Written to a file, the option would be read back as something else.
    NotOneOption {
        /// Its section.
        section: String,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LineTooLong { line } => {
                write!(f, "line too long (max {UNIT_LINE_MAX_BYTES} bytes), line {line}")
            }
            Self::UnclosedSection { line } => write!(f, "unable to find end of section, line {line}"),
            Self::Garbage { line, section, garbage } => {
                let section = section.escape_debug();
                write!(f, "found garbage after section name {section}: {garbage:?}, line {line}")
            }
            Self::NoEquals { line } => {
                write!(f, "unexpected newline encountered while parsing option name, line {line}")
            }
            Self::EndsInName { line } => write!(f, "file ends while parsing option name, line {line}"),
            Self::TooManyOptions => write!(f, "unit file has too many options (max {UNIT_OPTIONS_MAX})"),
            Self::TooLarge { bytes } => {
                write!(f, "unit file too large: {bytes} bytes (max {UNIT_FILE_MAX_BYTES})")
            }
            Self::NotOneOption { section, name } => {
                write!(f, "option {name:?} of section {section:?} is not one option once written to a file")
            }
        }
    }
}

impl core::error::Error for ParseError {}

impl UnitFile {
    /// Parses a unit file. A text that ends in the middle of a line is read as if the line were complete.
    ///
    /// # Errors
    /// The first thing wrong with it, or the limit it passes.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let file = Self { options: parse::options(text)? };
        // The serialised form has at most one byte more per option and section than the text they were read from.
        if text.len() > UNIT_FILE_MAX_BYTES / 2 - 2 {
            let bytes = file.serialise().len();
            if bytes > UNIT_FILE_MAX_BYTES {
                return Err(ParseError::TooLarge { bytes });
            }
        }
        Ok(file)
    }

    /// A unit file of these options, as they are; for options from outside use [`Self::from_options_checked`].
    #[must_use]
    pub fn from_options(options: Vec<UnitOption>) -> Self {
        Self { options }
    }

    /// A unit file of options that came from outside (contract §2.5, step 1): they are written and read again, and
    /// have to come back as they were, so that no section or option hides in a name or a value. What comes back is
    /// returned: grouped by section, blanks around names and values gone.
    ///
    /// # Errors
    /// An option is read back as something else, or [`Self::parse`] refuses the text.
    pub fn from_options_checked(options: Vec<UnitOption>) -> Result<Self, ParseError> {
        if options.len() > UNIT_OPTIONS_MAX {
            return Err(ParseError::TooManyOptions);
        }
        options.iter().try_for_each(refuse_disguise)?;
        Self::parse(&Self { options }.serialise())
    }

    /// The options in their order.
    #[must_use]
    pub fn options(&self) -> &[UnitOption] {
        &self.options
    }

    /// The one text that is stored, hashed and written.
    ///
    /// A value that ends in a bare backslash gets a blank behind it, or the next line would be taken for its
    /// continuation. This is the one difference to what fleet writes; `validate` refuses such values.
    #[must_use]
    pub fn serialise(&self) -> String {
        let mut text = String::new();
        for section in self.by_section() {
            if !text.is_empty() {
                text.push('\n');
            }
            let name = section.first().map_or("", |option| option.section.as_str());
            text.extend(["[", name, "]\n"]);
            section.into_iter().for_each(|option| option.write_line(&mut text));
        }
        text
    }

    /// The options grouped by section, sections in the order of their first appearance.
    fn by_section(&self) -> Vec<Vec<&UnitOption>> {
        let mut places = Map::new();
        let mut sections: Vec<Vec<&UnitOption>> = Vec::new();
        for option in &self.options {
            let place = *places.entry(option.section.as_str()).or_insert(sections.len());
            match sections.get_mut(place) {
                Some(section) => section.push(option),
                None => sections.push(alloc::vec![option]),
            }
        }
        sections
    }

    /// SHA-1 of [`Self::serialise`].
    #[must_use]
    pub fn hash(&self) -> Hash {
        Hash::of(&self.serialise())
    }

    /// The values of all options of this section and name, in their order.
    pub fn values<'a>(&'a self, section: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
        let wanted = move |option: &&UnitOption| option.section == section && option.name == name;
        self.options.iter().filter(wanted).map(|option| option.value.as_str())
    }

    /// The first `[Unit] Description`.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.values("Unit", "Description").next()
    }

    /// True if there is an option in an `[Install]` section (contract §2.7).
    #[must_use]
    pub fn has_install(&self) -> bool {
        self.options.iter().any(|option| option.section == "Install")
    }
}

impl UnitOption {
    fn write_line(&self, text: &mut String) {
        let guard = if self.value.ends_with('\\') { " " } else { "" };
        text.extend([&self.name, "=", &self.value, guard, "\n"]);
    }
}

/// Fails if `option`, alone in a file, is read back as anything but itself, blanks at the ends aside. Files that
/// pass limits are left to the check of the whole, which knows the line.
fn refuse_disguise(option: &UnitOption) -> Result<(), ParseError> {
    let mut text = String::new();
    text.extend(["[", &option.section, "]\n"]);
    option.write_line(&mut text);
    let is_same = match parse::options(&text).as_deref() {
        Ok([read]) => {
            option.section == read.section
                && option.name.trim() == read.name
                && option.value.trim() == read.value.trim()
        }
        Err(ParseError::LineTooLong { .. }) => true,
        _ => false,
    };
    if is_same {
        return Ok(());
    }
    Err(ParseError::NotOneOption { section: quoted(&option.section), name: quoted(&option.name) })
}

/// As much of a text from outside as a message repeats.
pub(crate) fn quoted(text: &str) -> String {
    text.chars().take(QUOTED_MAX_CHARS).collect()
}
