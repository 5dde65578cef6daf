//! Globs against Go's `path.Match` (contract §2.2): its rules one by one, a naive matcher, and hostile patterns.

use cluster::glob::{is_well_formed, matches};
use proptest::prelude::*;

#[test]
fn every_rule_of_path_match() {
    let cases = [
        ("abc", "abc", true),
        ("", "", true),
        ("", "a", false),
        ("*", "", true),
        ("*", "abc", true),
        ("*c", "abc", true),
        ("a*", "a", true),
        ("a*", "abc", true),
        ("a*", "ab/c", false),
        ("a*/b", "abc/b", true),
        ("a*/b", "a/c/b", false),
        ("a*b*c*d*e*/f", "axbxcxdxe/f", true),
        ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
        ("a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false),
        ("a*b?c*x", "abxbbxdbxebxczzx", true),
        ("a*b?c*x", "abxbbxdbxebxczzy", false),
        ("**.service", "web.service", true),
        ("ab[c]", "abc", true),
        ("ab[b-d]", "abc", true),
        ("ab[e-g]", "abc", false),
        ("ab[^c]", "abc", false),
        ("ab[^b-d]", "abc", false),
        ("ab[^e-g]", "abc", true),
        ("a[^a]b", "a☺b", true),
        ("a[^a][^a][^a]b", "a☺b", false),
        ("a???b", "a☺b", false),
        ("a?b", "a☺b", true),
        ("[a-ζ]*", "α", true),
        ("*[a-ζ]", "A", false),
        ("a?b", "a/b", false),
        ("a*b", "a/b", false),
        ("[\\]a]", "]", true),
        ("[\\-]", "-", true),
        ("[x\\-]", "-", true),
        ("[x\\-]", "z", false),
        ("[\\-x]", "a", false),
        ("a\\*b", "a*b", true),
        ("a\\*b", "ab", false),
        ("a\\\\*", "a\\x", true),
        ("[*]x", "*x", true),
        ("*[*]", "a*", true),
        ("apache.*.service", "apache.1.service", true),
        ("apache.*.service", "apache.service", false),
        ("webapp*", "webapp@1.service", true),
        ("*.service", "a.timer", false),
    ];
    for (pattern, name, expected) in cases {
        assert_eq!(matches(pattern, name), expected, "{pattern:?} on {name:?}");
    }
}

#[test]
fn malformed_patterns_match_nothing() {
    for pattern in
        ["[]a]", "[-]", "[x-]", "[-x]", "\\", "[a-b-c]", "[", "[^", "[^bc", "a[", "a[b", "[]", "[^]", "x\\"]
    {
        for name in ["", "a", "]", "-", "x", "[", "b", "ab", "\\", "a[", "x\\", "z"] {
            assert!(!matches(pattern, name), "{pattern:?} on {name:?}");
        }
    }
}

#[test]
fn hostile_patterns_cost_no_more_than_their_size() {
    let name = "a".repeat(256);
    let pattern = "a*".repeat(1000) + "b";
    assert!(!matches(&pattern, &name));
    assert!(!matches(&("*a".repeat(30) + "*b"), &name));
    assert!(!matches(&("*".repeat(60_000) + "b"), &name));
    assert!(!matches(&("[".repeat(60_000)), &name));
    assert!(!matches(&("*[a-".repeat(15_000)), &name));
    assert!(matches(&"*?".repeat(256), &name));
}

/// Tries everything; right and slow. Patterns of `*`, `?` and plain characters only, no slashes.
fn naive(pattern: &[char], name: &[char]) -> bool {
    match (pattern.split_first(), name.split_first()) {
        (None, _) => name.is_empty(),
        (Some(('*', rest)), _) => {
            naive(rest, name) || name.split_first().is_some_and(|(_, tail)| naive(pattern, tail))
        }
        (Some((wanted, rest)), Some((c, tail))) => (*wanted == '?' || wanted == c) && naive(rest, tail),
        (Some(_), None) => false,
    }
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

proptest! {
    #[test]
    fn agrees_with_a_naive_matcher(pattern in "[ab*?.]{0,8}", name in "[ab.]{0,10}") {
        prop_assert_eq!(matches(&pattern, &name), naive(&chars(&pattern), &chars(&name)));
    }

    #[test]
    fn a_name_with_every_character_escaped_matches_itself(name in "\\PC{0,20}") {
        let escaped: String = name.chars().flat_map(|c| ['\\', c]).collect();
        prop_assert!(matches(&escaped, &name));
        let starred = format!("*{escaped}");
        prop_assert!(matches(&starred, &name));
    }

    #[test]
    fn brackets_agree_with_what_they_spell_out(
        ranges in prop::collection::vec(("[a-f]", "[a-f]"), 1..4), negated in any::<bool>(), name in "[a-h]",
    ) {
        let class: String = ranges.iter().map(|(low, high)| format!("{low}-{high}")).collect();
        let pattern = format!("x[{}{class}]*", if negated { "^" } else { "" });
        let within = ranges.iter().any(|(low, high)| (low.as_str()..=high.as_str()).contains(&name.as_str()));
        prop_assert!(is_well_formed(&pattern));
        prop_assert_eq!(matches(&pattern, &format!("x{name}.service")), within != negated, "{}", pattern);
    }

    #[test]
    fn what_is_malformed_matches_nothing(pattern in "[ab\\[\\]^\\\\*?-]{0,8}", name in "[ab\\]-]{0,6}") {
        prop_assert!(is_well_formed(&pattern) || !matches(&pattern, &name), "{}", pattern);
    }

    #[test]
    fn never_panics(pattern in "[ab\\[\\]^\\\\*?é/-]{0,20}|\\PC*", name in "[abé/\\]-]{0,20}|\\PC*") {
        let _ = matches(&pattern, &name);
    }
}
