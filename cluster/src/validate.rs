//! May these options be stored under this name? Asked for every new or changed unit (contract §2.5): options that
//! contradict each other, metadata that cannot be read, characters that have no place in a unit file. How the text
//! is read is `unit_file`'s business, where a unit may run the scheduler's.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::glob;
use crate::name::UnitName;
use crate::requirements::{self, Requirements};
use crate::unit_file::{ParseError, UnitFile, UnitOption, quoted};

/// Why a unit's options are refused; most of the wording is fleet's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidateError {
    /// The options do not make a unit file.
    File(ParseError),
    /// A control character, which neither systemd nor a terminal should see. Tabs are fine.
    ControlCharacter {
        /// The section of the option.
        section: String,
        /// The option; its name or its value holds it.
        name: String,
        /// The character.
        character: char,
    },
    /// A value ends in a backslash without a line it could continue in.
    LooseBackslash {
        /// The section of the option.
        section: String,
        /// The option.
        name: String,
    },
    /// The unit has to be with a unit it cannot be with.
    Unresolvable {
        /// The unit named by `MachineOf`.
        peer: String,
        /// `conflict` or `replace`.
        relation: &'static str,
        /// The glob that matches it.
        glob: String,
    },
    /// Two options that exclude each other.
    Together {
        /// The one.
        option: &'static str,
        /// The other.
        with: &'static str,
    },
    /// A metadata requirement that is not `key=value`; fleet would run the unit anywhere.
    Metadata {
        /// The entry as it was read.
        entry: String,
    },
}

impl fmt::Display for ValidateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(error) => error.fmt(f),
            Self::ControlCharacter { section, name, character } => {
                write!(f, "control character {character:?} in option {name:?} of section {section:?}")
            }
            Self::LooseBackslash { section, name } => write!(
                f,
                "option {name:?} of section {section:?} ends in a backslash that continues no line; is it followed \
                 by a blank or a carriage return?"
            ),
            Self::Unresolvable { peer, relation, glob } => {
                write!(f, "unresolvable requirements: peer {peer:?} matches {relation} {glob:?}")
            }
            Self::Together { option, with } => write!(f, "{option} cannot be used with {with}"),
            Self::Metadata { entry } => write!(
                f,
                "MachineMetadata {entry:?} is not one key=value; use a line for each, or quote each as in \
                 \"disk=ssd\" \"region=east\""
            ),
        }
    }
}

impl core::error::Error for ValidateError {}

/// Checks the options of a unit that is to be stored as `name`. No options at all are fine here.
///
/// # Errors
/// The first reason against it, in the order of contract §2.5; what only Skiff refuses comes around that.
pub fn validate(name: &UnitName, file: &UnitFile) -> Result<(), ValidateError> {
    file.options().iter().try_for_each(check_characters)?;
    let checked = UnitFile::from_options_checked(file.options().to_vec()).map_err(ValidateError::File)?;
    let written = Requirements::as_written(&checked);
    check_peers(&written)?;
    check_combinations(&written)?;
    check_metadata(&written)?;
    if name.is_template() {
        return Ok(());
    }
    check_metadata(&Requirements::of(name, &checked))
}

/// The options of `[X-Fleet]` that mean nothing there, each once, in their order. They are worth a warning only.
#[must_use]
pub fn unrecognized_options(file: &UnitFile) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for option in file.options() {
        if option.section == requirements::SECTION
            && !requirements::is_known(&option.name)
            && !names.contains(&option.name)
        {
            names.push(option.name.clone());
        }
    }
    names
}

fn check_characters(option: &UnitOption) -> Result<(), ValidateError> {
    let UnitOption { section, name, value } = option;
    // A newline behind a backslash continues the line; any other is found when the options are read again.
    let in_value = value.chars().filter(|c| *c != '\n');
    let mut all = section.chars().chain(name.chars()).chain(in_value);
    if let Some(character) = all.find(|c| c.is_control() && *c != '\t') {
        return Err(ValidateError::ControlCharacter {
            section: quoted(section),
            name: quoted(name),
            character,
        });
    }
    if value.trim_end_matches([' ', '\t']).ends_with('\\') {
        return Err(ValidateError::LooseBackslash { section: quoted(section), name: quoted(name) });
    }
    Ok(())
}

fn check_peers(wishes: &Requirements) -> Result<(), ValidateError> {
    for peer in &wishes.machine_of {
        for (relation, globs) in [("conflict", &wishes.conflicts), ("replace", &wishes.replaces)] {
            if let Some(glob) = globs.iter().find(|glob| glob::matches(glob, peer)) {
                return Err(ValidateError::Unresolvable { peer: quoted(peer), relation, glob: quoted(glob) });
            }
        }
    }
    Ok(())
}

fn check_combinations(wishes: &Requirements) -> Result<(), ValidateError> {
    let machine_id = wishes.machine_id.is_some();
    let peers = !wishes.machine_of.is_empty();
    let conflicts = !wishes.conflicts.is_empty();
    let replaces = !wishes.replaces.is_empty();
    let pairs = [
        (machine_id && peers, "MachineID", "Peers"),
        (machine_id && conflicts, "MachineID", "Conflicts"),
        (machine_id && wishes.global, "MachineID", "Global"),
        (machine_id && replaces, "MachineID", "Replaces"),
        (wishes.global && peers, "Global", "Peers"),
        (wishes.global && replaces, "Global", "Replaces"),
        (conflicts && replaces, "Conflicts", "Replaces"),
    ];
    match pairs.into_iter().find(|(both, _, _)| *both) {
        Some((_, option, with)) => Err(ValidateError::Together { option, with }),
        None => Ok(()),
    }
}

fn check_metadata(wishes: &Requirements) -> Result<(), ValidateError> {
    match wishes.metadata_unreadable.first() {
        Some(entry) => Err(ValidateError::Metadata { entry: quoted(entry) }),
        None => Ok(()),
    }
}
