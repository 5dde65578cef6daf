//! The hash of a unit file (contract §2.6; its vectors are in `golden/unit-files`): what does not change it (comments,
//! blank lines, blanks around the equals sign, carriage returns, a section in several parts), and what does (order, case,
//! anything else).

use cluster::Hash;
use cluster::unit_file::{ParseError, UnitFile, UnitOption};
use proptest::prelude::*;

fn hash(text: &str) -> Result<Hash, ParseError> {
    UnitFile::parse(text).map(|file| file.hash())
}

/// Options that are valid whatever they say, some of them alike.
fn options() -> impl Strategy<Value = Vec<UnitOption>> {
    let option = ("(Unit|Service|X-Fleet)", "[A-Z][a-z]{0,3}", "([a-z/%=\"]( [a-z#;=\\[]{1,4})?){0,3}");
    let option = option.prop_map(|(section, name, value)| UnitOption { section, name, value });
    prop::collection::vec(option, 1..8)
}

/// What may stand between two lines and means nothing.
fn nothing() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("\n".to_owned()),
        Just("  \t\n".into()),
        "# [a-z=\\[\\]]{0,8}\n",
        ";[a-z=\\[\\]]{0,8}\n",
        Just("# goes on \\\n[Unit]\n".into()),
    ];
    prop::collection::vec(line, 0..3).prop_map(|lines| lines.concat())
}

/// The same options with noise, each under a header of its own.
fn noisy(options: &[UnitOption], noise: &[String], blanks: &str, end: &str) -> String {
    let mut text = String::new();
    for (number, UnitOption { section, name, value }) in options.iter().enumerate() {
        let noise = noise.get(number).map_or("", String::as_str);
        text += &format!(
            "{noise}[{section}]{blanks}{end}\n{noise}{blanks}{name}{blanks}={blanks}{value}{blanks}{end}\n"
        );
    }
    text
}

proptest! {
    #[test]
    fn noise_does_not_change_it(
        options in options(), noise in prop::collection::vec(nothing(), 8), blanks in "[ \t]{0,2}", cr in any::<bool>(),
    ) {
        let plain = UnitFile::from_options(options.clone());
        let text = noisy(&options, &noise, &blanks, if cr { "\r" } else { "" });
        prop_assert_eq!(hash(&text), Ok(plain.hash()), "{:?}", text);
        prop_assert_eq!(hash(&plain.serialise()), Ok(plain.hash()));
    }

    #[test]
    fn order_and_case_change_it(options in options(), at in any::<prop::sample::Index>()) {
        let before = UnitFile::from_options(options.clone());
        let at = at.index(options.len());
        let mut other = options.clone();
        other[at].name = other[at].name.to_ascii_lowercase();
        prop_assert_ne!(UnitFile::from_options(other).hash(), before.hash());
        let mut other = options.clone();
        other[at].value.push('x');
        prop_assert_ne!(UnitFile::from_options(other).hash(), before.hash());
        let mut other = options;
        if at > 0 {
            other.swap(at - 1, at);
        }
        let swapped = UnitFile::from_options(other);
        prop_assert_eq!(swapped.hash() == before.hash(), swapped.serialise() == before.serialise());
    }

    #[test]
    fn it_is_read_as_it_is_written(text in ".*", digits in "[0-9a-fA-F]{38,42}") {
        let hash = Hash::of(&text);
        prop_assert_eq!(Hash::parse(&hash.to_string()), Ok(hash));
        prop_assert_eq!(Hash::parse(&hash.to_string().to_uppercase()), Ok(hash));
        prop_assert_eq!(hash.short(), &hash.to_string()[..7]);
        prop_assert_eq!(Hash::parse(&digits).is_ok(), digits.len() == 40);
        prop_assert!(Hash::parse(&text).map_or(true, |hash| text.eq_ignore_ascii_case(&hash.to_string())));
    }
}
