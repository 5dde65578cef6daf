//! Unit files: a text is refused with words, or is the same after it was written and read again. Options that come one by
//! one, as the API takes them, are refused or come back as they were, whatever hides in them.

use arbitrary::{Arbitrary, Unstructured};
use cluster::UnitName;
use cluster::limits::{UNIT_FILE_MAX_BYTES, UNIT_LINE_MAX_BYTES, UNIT_OPTIONS_MAX};
use cluster::requirements::Requirements;
use cluster::unit_file::{UnitFile, UnitOption};
use cluster::validate::{unrecognized_options, validate};

use crate::{one_of, said};

/// What the first byte picks: `text`, `options`.
pub fn check(bytes: &[u8]) {
    one_of(&[text, options], bytes);
}

/// A unit file's text.
fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match UnitFile::parse(text) {
        Err(error) => said(&error),
        Ok(file) => read(&file),
    }
}

fn read(file: &UnitFile) {
    assert!(file.options().len() <= UNIT_OPTIONS_MAX);
    let written = file.serialise();
    assert!(written.len() <= UNIT_FILE_MAX_BYTES, "{} bytes", written.len());
    let again = UnitFile::parse(&written).unwrap_or_else(|error| panic!("{error}: {written:?}"));
    assert_eq!(again.hash(), file.hash(), "{written:?}");
    assert_eq!(again.options(), grouped(file), "{written:?}");
    assert_eq!(again.serialise(), written);
    for option in file.options() {
        assert_eq!(option.name, option.name.trim());
        assert!(!option.section.contains(']') && !option.name.contains(['=', '\n', '\r']), "{option:?}");
        assert!(option.value.split(['\n', '\r']).all(|line| line.len() < UNIT_LINE_MAX_BYTES));
    }
    judged("web@1.service", file);
    judged("web@.service", file);
}

/// What is stored under a name after all: no control characters, and wishes that can be read.
fn judged(name: &str, file: &UnitFile) {
    let name = UnitName::parse(name).unwrap();
    let wishes = Requirements::of(&name, file);
    match validate(&name, file) {
        Err(error) => said(&error),
        Ok(()) => {
            let has_control = |text: &str| text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            assert!(!has_control(&file.serialise()));
            assert!(name.is_template() || wishes.metadata_unreadable.is_empty(), "{wishes:?}");
        }
    }
    let unknown = unrecognized_options(file);
    assert!(unknown.iter().all(|option| file.values("X-Fleet", option).next().is_some()));
}

/// The options by section, sections in the order of their first appearance.
fn grouped(file: &UnitFile) -> Vec<UnitOption> {
    let mut sections: Vec<(&str, Vec<UnitOption>)> = Vec::new();
    for option in file.options() {
        match sections.iter_mut().find(|(name, _)| *name == option.section) {
            Some((_, options)) => options.push(option.clone()),
            None => sections.push((&option.section, vec![option.clone()])),
        }
    }
    sections.into_iter().flat_map(|(_, options)| options).collect()
}

#[derive(Arbitrary, Debug)]
struct Given {
    section: String,
    name: String,
    value: String,
}

/// Options one by one.
fn options(bytes: &[u8]) {
    let Ok(given) = Vec::<Given>::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let options: Vec<UnitOption> =
        given.into_iter().map(|Given { section, name, value }| UnitOption { section, name, value }).collect();
    let given = UnitFile::from_options(options.clone());
    judged("web.service", &given);
    match UnitFile::from_options_checked(options) {
        Err(error) => said(&error),
        Ok(file) => {
            let given = grouped(&given);
            assert_eq!(file.options().len(), given.len());
            for (read, given) in file.options().iter().zip(given) {
                assert_eq!(read.section, given.section);
                assert_eq!(read.name, given.name.trim());
                assert_eq!(read.value.trim(), given.value.trim());
            }
            read(&file);
        }
    }
}
