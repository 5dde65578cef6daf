//! `[X-Fleet]` values, the patterns in them and the words that pick rows: against a matcher that tries everything, and
//! against what the contract says of several values on a line.

use arbitrary::{Arbitrary, Unstructured};
use cluster::glob::{is_well_formed, matches};
use cluster::patterns::Patterns;
use cluster::requirements::{Requirements, known, split_values};
use cluster::specifiers::expand;
use cluster::unit_file::{UnitFile, UnitOption};
use cluster::{MachineId, UnitName};

#[derive(Arbitrary, Debug)]
struct Given {
    name: String,
    options: Vec<(u8, String)>,
    pattern: String,
    text: String,
}

/// Values, a name and a pattern.
pub fn wishes(bytes: &[u8]) {
    let Ok(given) = Given::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let name = UnitName::parse(&given.name).or_else(|_| UnitName::parse("a@b.service")).unwrap();
    let spellings: Vec<&str> = known().collect();
    let options = given.options.iter().map(|(which, value)| UnitOption {
        section: "X-Fleet".into(),
        name: spellings[usize::from(*which) % spellings.len()].into(),
        value: value.clone(),
    });
    let file = UnitFile::from_options(options.collect());
    let wishes = Requirements::of(&name, &file);
    assert_eq!(wishes, Requirements::of(&name, &file));
    for (key, values) in &wishes.metadata {
        assert!(!key.is_empty() && !values.is_empty(), "{wishes:?}");
        assert!(values.iter().all(|value| !value.is_empty() && !value.contains('=')), "{wishes:?}");
    }
    assert!(wishes.conflicts.iter().all(|glob| !glob.is_empty() && !glob.contains(char::is_whitespace)));
    for (_, value) in &given.options {
        split(value);
        let expanded = expand(&name, value);
        assert!(value.contains('%') || expanded == *value);
        for one in wishes.conflicts.iter().chain(&wishes.replaces) {
            glob(one, name.as_str());
        }
    }
    glob(&given.pattern, &given.text);
    glob(&given.pattern, name.as_str());
    picked(&given.pattern, &name);
}

/// A line that is not quoted is one value; one that is comes out without quotes and as long at most.
fn split(line: &str) {
    let values = split_values(line);
    assert!(!values.is_empty());
    if line.contains("\\\n") {
        return;
    }
    match line.starts_with('"') && line.ends_with('"') {
        true => {
            assert!(values.iter().all(|value| !value.contains('"')), "{values:?}");
            let kept: usize = values.iter().map(String::len).sum();
            assert!(kept + values.len() - 1 <= line.len(), "{values:?}");
        }
        false => assert_eq!(values, [line]),
    }
}

/// A part of a pattern.
enum Part {
    Any,
    One,
    Class(bool, Vec<(char, char)>),
    Plain(char),
}

/// What Go's documentation says a pattern is made of; `None` for anything else.
fn parts(pattern: &str) -> Option<Vec<Part>> {
    let mut chars = pattern.chars().peekable();
    let mut parts = Vec::new();
    while let Some(c) = chars.next() {
        parts.push(match c {
            '*' => Part::Any,
            '?' => Part::One,
            '\\' => Part::Plain(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
                    let mut end = || match chars.next()? {
                        '-' | ']' => None,
                        '\\' => chars.next(),
                        c => Some(c),
                    };
                    let low = end()?;
                    ranges.push((
                        low,
                        if chars.next_if_eq(&'-').is_some() { class_end(&mut chars)? } else { low },
                    ));
                }
                Part::Class(negated, ranges)
            }
            c => Part::Plain(c),
        });
    }
    Some(parts)
}

fn class_end(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        c => Some(c),
    }
}

/// Which beginnings of the text each part may end at: right by construction, and never more than the product of both.
fn naive(parts: &[Part], text: &[char]) -> bool {
    let mut ends = vec![false; text.len() + 1];
    ends[0] = true;
    for part in parts {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            let stays = matches!(part, Part::Any) && ends[at];
            let came = at > 0
                && match part {
                    Part::Any => next[at - 1] && text[at - 1] != '/',
                    Part::One => ends[at - 1] && text[at - 1] != '/',
                    Part::Plain(c) => ends[at - 1] && text[at - 1] == *c,
                    Part::Class(negated, ranges) => {
                        let c = text[at - 1];
                        ends[at - 1]
                            && ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
                    }
                };
            next[at] = stays || came;
        }
        ends = next;
    }
    ends[text.len()]
}

fn glob(pattern: &str, text: &str) {
    if pattern.len() * text.len() > 1 << 20 {
        return;
    }
    let parts = parts(pattern);
    assert_eq!(parts.is_some(), is_well_formed(pattern), "{pattern:?}");
    let chars: Vec<char> = text.chars().collect();
    let expected = parts.is_some_and(|parts| naive(&parts, &chars));
    assert_eq!(matches(pattern, text), expected, "{pattern:?} on {text:?}");
}

fn picked(words: &str, name: &UnitName) {
    let Some(patterns) = Patterns::parse(words) else {
        assert!(words.split(',').any(str::is_empty));
        return;
    };
    assert_eq!(patterns.words().join(","), words);
    assert_eq!(patterns.fit_unit(name), patterns.fit_text(name.as_str()));
    if let Some(exact) = patterns.exact() {
        assert_eq!(patterns.fit_unit(name), exact.iter().any(|word| word == name.as_str()));
    }
    if let Ok(id) = MachineId::parse(words) {
        assert!(patterns.fit_machine(&id));
    }
}
