//! Unit files, requirements and validation on arbitrary input: what has been read stays the same when it is written
//! and read again, nothing hides in an option, limits hold, and nothing panics.

use cluster::UnitName;
use cluster::json::{decode, encode};
use cluster::limits::{UNIT_FILE_MAX_BYTES, UNIT_OPTIONS_MAX};
use cluster::requirements::{Requirements, split_values};
use cluster::unit_file::{ParseError, UnitFile, UnitOption};
use cluster::validate::{ValidateError, unrecognized_options, validate};
use proptest::prelude::*;

#[test]
fn multi_value_lines_split_as_in_the_contract() {
    let cases: [(&str, &[&str]); 9] = [
        (r#""bar" "ping" "pong""#, &["bar", "ping", "pong"]),
        (r#""""#, &[""]),
        ("", &[""]),
        (r#""bar"#, &[r#""bar"#]),
        (r#"bar""#, &[r#"bar""#]),
        (r#""bar" ""#, &["bar", ""]),
        (r#""foo\"bar""#, &[r"foo\bar"]),
        (r#""a b" "c""#, &["a b", "c"]),
        ("a=b c=d", &["a=b c=d"]),
    ];
    for (line, expected) in cases {
        assert_eq!(split_values(line), expected, "{line}");
    }
}

#[test]
fn too_many_options_and_too_large_files_are_refused() {
    let option = |value: &str| UnitOption { section: "S".into(), name: "N".into(), value: value.into() };
    let most = "[S]\n".to_owned() + &"N=\n".repeat(UNIT_OPTIONS_MAX);
    assert!(UnitFile::parse(&most).is_ok());
    assert_eq!(UnitFile::parse(&(most + "N=\n")), Err(ParseError::TooManyOptions));
    assert_eq!(
        UnitFile::from_options_checked(vec![option("x"); UNIT_OPTIONS_MAX + 1]),
        Err(ParseError::TooManyOptions)
    );
    let long = "x".repeat(1021);
    let lines = |count: usize| "[S]\n".to_owned() + &format!("N={long}\n").repeat(count);
    assert_eq!(UnitFile::parse(&lines(63)).map(|file| file.serialise().len()), Ok(4 + 63 * 1024));
    let refused = UnitFile::parse(&lines(64));
    assert_eq!(refused, Err(ParseError::TooLarge { bytes: UNIT_FILE_MAX_BYTES + 4 }));
    assert_eq!(refused.unwrap_err().to_string(), "unit file too large: 65540 bytes (max 65536)");
    assert!(matches!(
        UnitFile::from_options_checked(vec![option(&long); 64]),
        Err(ParseError::TooLarge { .. })
    ));
    let comments = "# a comment does not count\n".repeat(5000) + "[S]\nN=x\n";
    assert_eq!(UnitFile::parse(&comments).map(|file| file.serialise()), Ok("[S]\nN=x\n".into()));
}

/// Found by the fuzz target `unit_file`: the section's name went into the message as it stood, line ends and all.
#[test]
fn what_a_refusal_repeats_is_short_and_printable() {
    let long = "x".repeat(100_000);
    let option = |section: &str, name: &str, value: &str| {
        let (section, name, value) = (section.into(), name.into(), value.into());
        vec![UnitOption { section, name, value }]
    };
    let web = UnitName::parse("web.service").unwrap();
    let validated = |options| validate(&web, &UnitFile::from_options(options)).unwrap_err().to_string();
    for message in [
        UnitFile::parse("[a\n\u{1b}[31m]b").unwrap_err().to_string(),
        UnitFile::parse(&format!("[{}]b", "x\n".repeat(50_000))).unwrap_err().to_string(),
        UnitFile::parse(&format!("[a]{}", "\u{1b}".repeat(2000))).unwrap_err().to_string(),
        UnitFile::from_options_checked(option("a]", &long, "b")).unwrap_err().to_string(),
        validated(option(&long, &long, "\0")),
        validated(option(&long, &long, "\\")),
        validated(option("X-Fleet", "MachineMetadata", &"x".repeat(2000))),
        validated(
            [
                option("X-Fleet", "MachineOf", &"x".repeat(2000)),
                option("X-Fleet", "Conflicts", &"*".repeat(2000)),
            ]
            .concat(),
        ),
    ] {
        assert!(message.len() < 1500, "{} bytes: {message}", message.len());
        assert!(!message.contains(char::is_control), "{message:?}");
    }
}

#[test]
fn an_option_in_json_leaves_out_what_is_empty() {
    let option = UnitOption { section: "Service".into(), name: "ExecStart".into(), value: String::new() };
    let text = encode(&option, 100).unwrap();
    assert_eq!(text, r#"{"section":"Service","name":"ExecStart"}"#);
    assert_eq!(decode::<UnitOption>(text.as_bytes()).unwrap(), option);
}

/// Texts made of what unit files are made of, so that most of them are.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[Unit]\n".to_owned()),
        Just("[X-Fleet]".into()),
        Just("\n".into()),
        Just("\\\n".into()),
        Just(" \\\n".into()),
        Just("\\".into()),
        Just("\r\n".into()),
        Just(" ".into()),
        Just("=".into()),
        Just("\nDescription=".into()),
        Just("\nMachineMetadata=".into()),
        Just("#".into()),
        Just(";".into()),
        Just("\"".into()),
        Just("a=b".into()),
        Just("\u{85}".into()),
        Just("]".into()),
        Just("[".into()),
        "[a-z%é]{1,6}",
        "\\PC{0,6}",
    ];
    (any::<bool>(), prop::collection::vec(piece, 0..30)).prop_map(|(has_header, pieces)| {
        let header = if has_header { "[Service]\n" } else { "" };
        header.to_owned() + &pieces.concat()
    })
}

fn option() -> impl Strategy<Value = UnitOption> {
    let part = prop_oneof![
        "[A-Za-z-]{1,8}",
        "\\PC{0,8}",
        Just(" padded ".to_owned()),
        Just("a\nB=c".into()),
        Just("]\n[X".into()),
        Just("#x".into()),
        Just("x\\\ny".into()),
        Just("x\\\n\ny=z".into()),
        Just("x\\".into()),
        Just("x\\ ".into()),
        Just("x\\\n".into()),
        Just("[x".into()),
        Just("x=y".into()),
        Just("\0".into()),
        Just("a\rb".into()),
        Just("\u{85}\\\u{2028}".into()),
        Just(String::new()),
    ];
    (prop_oneof![Just("Unit".to_owned()), Just("X-Fleet".into()), part.clone()], part.clone(), part)
        .prop_map(|(section, name, value)| UnitOption { section, name, value })
}

/// The options in the order they are written in.
fn grouped(file: &UnitFile) -> Vec<UnitOption> {
    let mut sections: Vec<&str> = Vec::new();
    for option in file.options() {
        if !sections.contains(&option.section.as_str()) {
            sections.push(&option.section);
        }
    }
    let options = |section: &str| file.options().iter().filter(|o| o.section == section).cloned().collect();
    sections.into_iter().flat_map(|section| -> Vec<UnitOption> { options(section) }).collect()
}

proptest! {
    #[test]
    fn what_was_read_is_written_and_read_again_the_same(text in text()) {
        if let Ok(file) = UnitFile::parse(&text) {
            let written = file.serialise();
            let again = UnitFile::parse(&written);
            prop_assert_eq!(again.as_ref().map(UnitFile::hash), Ok(file.hash()));
            prop_assert_eq!(again, Ok(UnitFile::from_options(grouped(&file))), "{:?}", written);
        }
    }

    #[test]
    fn options_from_outside_are_refused_or_come_back_as_they_were(
        options in prop::collection::vec(option(), 0..6),
    ) {
        let given = UnitFile::from_options(options.clone());
        if let Ok(file) = UnitFile::from_options_checked(options) {
            let given = grouped(&given);
            prop_assert_eq!(file.options().len(), given.len());
            for (read, given) in file.options().iter().zip(given) {
                prop_assert_eq!(&read.section, &given.section);
                prop_assert_eq!(read.name.as_str(), given.name.trim());
                prop_assert_eq!(read.value.trim(), given.value.trim());
            }
            prop_assert_eq!(UnitFile::parse(&file.serialise()), Ok(file));
        }
    }

    #[test]
    fn what_is_valid_holds_no_control_character_and_is_fully_read(
        name in "[a-z]{1,3}(@[a-z]{0,2})?\\.service", options in prop::collection::vec(option(), 0..6), text in text(),
    ) {
        let name = UnitName::parse(&name).unwrap();
        let files = [Ok(UnitFile::from_options(options)), UnitFile::parse(&text)];
        for file in files.into_iter().flatten() {
            let _ = unrecognized_options(&file);
            let _ = Requirements::of(&name, &file);
            match validate(&name, &file) {
                Ok(()) => {
                    let written = file.serialise();
                    let controls = written.chars().filter(|c| c.is_control() && !matches!(c, '\n' | '\t'));
                    prop_assert_eq!(controls.count(), 0);
                    let wishes = Requirements::of(&name, &file);
                    prop_assert!(name.is_template() || wishes.metadata_unreadable.is_empty());
                }
                Err(ValidateError::File(error)) => prop_assert!(!error.to_string().is_empty()),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
