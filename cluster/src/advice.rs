//! What is most likely a mistake in one unit's `[X-Fleet]` section although it may be stored: values that mean
//! something else than they look like, or nothing. For `ctl verify`; what must not be stored is `validate`'s question,
//! what several units do to each other `together`'s.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::glob;
use crate::ids::MachineId;
use crate::name::UnitName;
use crate::requirements::{self, Requirements};
use crate::unit_file::UnitFile;

/// Specifiers that are replaced in `[X-Fleet]` (see `specifiers`).
const SPECIFIERS: [char; 4] = ['n', 'N', 'p', 'i'];

/// One piece of advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// `Global` is neither a yes nor a no, and so a no.
    Global(String),
    /// Only the first `MachineID` counts.
    SecondMachine(String),
    /// No machine can have this ID.
    NoMachine(String),
    /// `MachineOf` names something that is no unit name.
    NoUnit(String),
    /// `MachineOf` names a template, which is on no machine ever.
    TemplatePeer(UnitName),
    /// `MachineOf` names the unit itself.
    Itself,
    /// A pattern that cannot match anything.
    Glob(String),
    /// A `%` that is not replaced here.
    Specifier {
        /// The option.
        option: String,
        /// The letter behind the percent sign.
        letter: char,
    },
}

impl Advice {
    /// True where the unit could never run.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        matches!(self, Self::NoMachine(_) | Self::NoUnit(_) | Self::TemplatePeer(_) | Self::Itself)
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global(value) => write!(f, "Global={value} counts as no; write true or false"),
            Self::SecondMachine(id) => write!(f, "MachineID={id} has no effect: only the first one counts"),
            Self::NoMachine(id) => write!(f, "MachineID={id}: no machine can have that ID"),
            Self::NoUnit(peer) => {
                write!(f, "MachineOf={peer} names no unit; whole names are needed, with their type")
            }
            Self::TemplatePeer(peer) => {
                write!(f, "MachineOf={peer} names a template, which is on no machine")
            }
            Self::Itself => f.write_str("MachineOf names the unit itself, which would wait for ever"),
            Self::Glob(glob) => write!(f, "the pattern {glob:?} is not complete and matches nothing"),
            Self::Specifier { option, letter } => {
                write!(f, "{option}: %{letter} is not replaced here; only %n, %N, %p and %i are")
            }
        }
    }
}

/// All there is to say about `name`, in the order of the rules.
#[must_use]
pub fn advice(name: &UnitName, file: &UnitFile) -> Vec<Advice> {
    let wishes =
        if name.is_template() { Requirements::as_written(file) } else { Requirements::of(name, file) };
    let mut all = Vec::new();
    let lines = |option: &'static str| file.values(requirements::SECTION, option);
    if let Some(value) = lines("Global").last()
        && !requirements::is_true(value)
        && !requirements::is_false(value)
    {
        all.push(Advice::Global(value.into()));
    }
    let ids: Vec<String> = lines("MachineID").flat_map(requirements::split_values).collect();
    all.extend(ids.into_iter().skip(1).map(Advice::SecondMachine));
    // In a template its specifiers still stand for something.
    if !name.is_template() {
        let wrong = wishes.machine_id.iter().filter(|id| MachineId::parse(id).is_err());
        all.extend(wrong.map(|id| Advice::NoMachine(id.clone())));
        all.extend(wishes.machine_of.iter().filter_map(|peer| peer_advice(name, peer)));
    }
    let globs = wishes.conflicts.iter().chain(&wishes.replaces);
    all.extend(globs.filter(|glob| !glob::is_well_formed(glob)).map(|glob| Advice::Glob(glob.clone())));
    for option in file.options().iter().filter(|option| option.section == requirements::SECTION) {
        let letter = stray_specifier(&option.value);
        all.extend(letter.map(|letter| Advice::Specifier { option: option.name.clone(), letter }));
    }
    all
}

fn peer_advice(name: &UnitName, peer: &str) -> Option<Advice> {
    match UnitName::parse(peer) {
        Err(_) => Some(Advice::NoUnit(peer.into())),
        Ok(peer) if peer.is_template() => Some(Advice::TemplatePeer(peer)),
        Ok(peer) if peer == *name => Some(Advice::Itself),
        Ok(_) => None,
    }
}

/// The first letter behind a percent sign that is no specifier; digits and blanks are values.
fn stray_specifier(value: &str) -> Option<char> {
    let behind = value.split('%').skip(1).filter_map(|part| part.chars().next());
    behind.into_iter().find(|letter| letter.is_ascii_alphabetic() && !SPECIFIERS.contains(letter))
}
