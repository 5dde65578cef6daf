//! What a unit's `[X-Fleet]` section asks of a machine (contract §2.2 to §2.4): every spelling, several values on a
//! line, specifiers. Whether the wishes contradict each other is `validate`'s question, whether a machine meets them
//! the scheduler's.

use alloc::string::String;
use alloc::vec::Vec;
use core::mem;

use crate::name::UnitName;
use crate::sorted::{Map, Set};
use crate::specifiers;
use crate::unit_file::UnitFile;

/// The section these options stand in.
pub const SECTION: &str = "X-Fleet";

/// The spellings of each option. The oldest come first, since their values do; the names without `X-` that begin
/// with `Condition` are the guide's, in documents older than fleet 1.0 (contract §0).
const MACHINE_ID: [&str; 5] = [
    "MachineID",
    "X-ConditionMachineID",
    "ConditionMachineID",
    "X-ConditionMachineBootID",
    "ConditionMachineBootID",
];
const MACHINE_OF: [&str; 3] = ["X-ConditionMachineOf", "ConditionMachineOf", "MachineOf"];
const METADATA: [&str; 3] = ["X-ConditionMachineMetadata", "ConditionMachineMetadata", "MachineMetadata"];
const CONFLICTS: [&str; 2] = ["X-Conflicts", "Conflicts"];
const REPLACES: [&str; 1] = ["Replaces"];
const GLOBAL: [&str; 1] = ["Global"];

/// What `Global` takes for yes, in any case; everything else is no.
const TRUE: [&str; 5] = ["true", "yes", "1", "on", "t"];

/// The requirements of one unit, specifiers replaced and all spellings merged.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// The one machine it may run on: full ID or first eight characters. The first value of the first spelling
    /// present wins: `MachineID`, then the machine ID conditions, then the boot ID ones.
    pub machine_id: Option<String>,
    /// Units that must be on the same machine.
    pub machine_of: Vec<String>,
    /// Same key: any of the values; all keys must hold.
    pub metadata: Map<String, Set<String>>,
    /// Metadata values that could not be read; they make the unit unplaceable, never unconstrained.
    pub metadata_unreadable: Vec<String>,
    /// Globs of units that may not share its machine.
    pub conflicts: Vec<String>,
    /// Globs of units that have to leave for it.
    pub replaces: Vec<String>,
    /// Runs on every eligible machine.
    pub global: bool,
}

impl Requirements {
    /// Reads the requirements of `name` from its file.
    #[must_use]
    pub fn of(name: &UnitName, file: &UnitFile) -> Self {
        Self::read(file, |value| specifiers::expand(name, &value))
    }

    /// Reads the requirements as they are written, specifiers and all: what a template says, and what
    /// `validate` compares (contract §2.4).
    #[must_use]
    pub fn as_written(file: &UnitFile) -> Self {
        Self::read(file, |value| value)
    }

    fn read(file: &UnitFile, expand: impl Fn(String) -> String) -> Self {
        let values = |spellings: &[&str]| -> Vec<String> {
            let lines = spellings.iter().flat_map(|name| file.values(SECTION, name));
            lines.flat_map(split_values).map(&expand).collect()
        };
        let mut read = Self {
            machine_id: values(&MACHINE_ID).into_iter().next(),
            machine_of: values(&MACHINE_OF),
            replaces: values(&REPLACES),
            global: values(&GLOBAL).last().is_some_and(|last| is_true(last)),
            ..Self::default()
        };
        for value in values(&CONFLICTS) {
            read.conflicts.extend(value.split_whitespace().map(String::from));
        }
        values(&METADATA).into_iter().for_each(|value| read.add_metadata(value));
        read
    }

    /// An entry of blanks only asks for nothing; any other that is not exactly `key=value` is kept as unreadable.
    fn add_metadata(&mut self, entry: String) {
        if entry.trim().is_empty() {
            return;
        }
        match entry.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() && !value.contains('=') => {
                self.metadata.entry(key.into()).or_default().insert(value.into());
            }
            _ => self.metadata_unreadable.push(entry),
        }
    }
}

/// True for a word `Global` takes for no; any other that is not a yes is one by mistake.
pub(crate) fn is_false(text: &str) -> bool {
    ["", "false", "no", "0", "off", "f"].iter().any(|word| text.eq_ignore_ascii_case(word))
}

pub(crate) fn is_true(text: &str) -> bool {
    TRUE.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// The options of `[X-Fleet]` that mean something, in every spelling.
pub fn known() -> impl Iterator<Item = &'static str> {
    let all: [&[&str]; 6] = [&MACHINE_ID, &MACHINE_OF, &METADATA, &CONFLICTS, &REPLACES, &GLOBAL];
    all.into_iter().flatten().copied()
}

/// True for one of them.
#[must_use]
pub fn is_known(option: &str) -> bool {
    known().any(|spelling| spelling == option)
}

/// The values of one `[X-Fleet]` line (contract §2.3): several if it begins and ends with a quotation mark, else one.
/// A line that goes on in the next counts as one line with a blank in between.
#[must_use]
pub fn split_values(line: &str) -> Vec<String> {
    let joined = join_continued(line);
    if !joined.starts_with('"') || !joined.ends_with('"') {
        return alloc::vec![joined];
    }
    let mut values = Vec::new();
    let mut value = String::new();
    let mut is_quoted = false;
    for c in joined.chars() {
        match c {
            '"' => is_quoted = !is_quoted,
            ' ' if !is_quoted => values.push(mem::take(&mut value)),
            _ => value.push(c),
        }
    }
    values.push(value);
    values
}

fn join_continued(line: &str) -> String {
    if !line.contains("\\\n") {
        return line.into();
    }
    let parts: Vec<&str> = line.split("\\\n").map(str::trim).filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}
