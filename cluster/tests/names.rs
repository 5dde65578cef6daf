//! Unit names against contract §2.1: every vector of its lists, with the words of each refusal, and the parts.

use cluster::{NameError, UnitName};
use proptest::prelude::*;

fn refusal(text: &str) -> String {
    UnitName::parse(text).map(|_| String::from("accepted")).unwrap_or_else(|e| e.to_string())
}

#[test]
fn bad_names_are_refused_for_the_first_rule_they_break() {
    let too_long = "a".repeat(249) + ".service";
    assert_eq!(too_long.len(), 257);
    let cases = [
        ("", "unit name cannot be empty"),
        (too_long.as_str(), "unit name exceeds maximum length (256)"),
        ("fooservice", "unit name must contain \".\""),
        ("bar@foo", "unit name must contain \".\""),
        ("foo.", "unit name cannot end in \".\""),
        ("foo.service.", "unit name cannot end in \".\""),
        ("foo.bar", "invalid unit type: \"bar\""),
        ("foo.servICE", "invalid unit type: \"servICE\""),
        ("foo%.service", "invalid character '%' in unit name"),
        ("foo$a.service", "invalid character '$' in unit name"),
        ("yes/no.service", "invalid character '/' in unit name"),
        ("this+that.mount", "invalid character '+' in unit name"),
        ("@foo.service", "unit name cannot start in \"@\""),
        ("foo@1.mount", "invalid unit type for template: \"mount\""),
        ("foo@1.device", "invalid unit type for template: \"device\""),
        ("foo@{1,3}.service", "invalid character '{' in unit name"),
        ("../../etc/passwd", "invalid unit type: \"/etc/passwd\""),
        ("../../etc/passwd.service", "invalid character '/' in unit name"),
        ("a\0b.service", "invalid character '\\0' in unit name"),
        ("ünit.service", "invalid character 'ü' in unit name"),
    ];
    for (name, expected) in cases {
        assert_eq!(refusal(name), expected, "{name}");
    }
    assert_eq!(UnitName::parse(&"x".repeat(5000)), Err(NameError::TooLong));
}

#[test]
fn good_names_are_taken_as_they_are() {
    let longest = "a".repeat(248) + ".service";
    assert_eq!(longest.len(), 256);
    let names = [
        "foo.service",
        "hello.mount",
        "foo@123.service",
        "foo@.service",
        "yo.yo.service",
        "hello:world.service",
        "yes@no\\.service",
        longest.as_str(),
        "foo@1.target",
        "a.automount",
        "a.busname",
        "a.device",
        "a.path",
        "a.scope",
        "a.slice",
        "a.snapshot",
        "a.socket",
        "a.swap",
        "a.timer",
        "-.slice",
    ];
    for name in names {
        assert_eq!(UnitName::parse(name).unwrap().as_str(), name);
    }
}

#[test]
fn names_have_parts() {
    let cases = [
        ("foo.service", "foo", "foo", None, None),
        ("foo@.service", "foo@", "foo", None, Some("")),
        ("foo@bar.service", "foo@bar", "foo", Some("foo@.service"), Some("bar")),
        ("foo@bar@baz.service", "foo@bar@baz", "foo", Some("foo@.service"), Some("bar@baz")),
        ("foo.1@2.service", "foo.1@2", "foo.1", Some("foo.1@.service"), Some("2")),
    ];
    for (text, stem, prefix, template, instance) in cases {
        let name = UnitName::parse(text).unwrap();
        assert_eq!((name.stem(), name.suffix(), name.prefix()), (stem, "service", prefix), "{text}");
        assert_eq!(name.instance(), instance, "{text}");
        assert_eq!(name.template().as_ref().map(UnitName::as_str), template, "{text}");
        assert_eq!(name.is_template(), instance == Some(""), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_is_refused_or_kept(text in "\\PC*|[a-c@.:\\\\_-]{0,8}\\.(service|mount|timer)") {
        if let Ok(name) = UnitName::parse(&text) {
            prop_assert_eq!(name.as_str(), &text);
            prop_assert_eq!(format!("{}.{}", name.stem(), name.suffix()), text);
            prop_assert!(name.stem().starts_with(name.prefix()));
            prop_assert!(!name.as_str().contains('/'));
        }
    }
}
