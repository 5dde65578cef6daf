//! The words of a command line told apart: flags with their values in every way fleet's users write them, and the
//! rest. Which command a flag belongs to is `normalise`'s question.

use super::flags::{Flag, Takes, truth};
use super::nearest::nearest;
use super::usage::UsageError;

/// A flag as it was met: how it was written, what it may stand for, its value.
pub(super) struct Met {
    pub(super) written: String,
    pub(super) letter: Option<char>,
    pub(super) name: &'static str,
    pub(super) value: String,
}

/// A command line taken apart.
#[derive(Default)]
pub(super) struct Parts {
    pub(super) flags: Vec<Met>,
    pub(super) others: Vec<String>,
    pub(super) help: bool,
    pub(super) version: bool,
}

/// Tells `words` apart.
///
/// # Errors
/// A flag that no command has, or one without its value.
pub(super) fn take_apart(known: &[Flag], words: &[String]) -> Result<Parts, UsageError> {
    let mut parts = Parts::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            parts.others.extend(words.cloned());
            break;
        }
        let Some(body) = word.strip_prefix('-').filter(|body| !body.is_empty()) else {
            parts.others.push(word.clone());
            continue;
        };
        let long = body.strip_prefix('-').or_else(|| Some(body).filter(|body| is_long(known, body)));
        match long {
            Some("help") => parts.help = true,
            Some("version") => parts.version = true,
            // `--l`: in fleet 1.0 the one-letter forms worked so only (contract §3.1).
            Some(letter) if letter.chars().count() == 1 => letters(known, letter, &mut words, &mut parts)?,
            Some(long) => parts.flags.push(long_flag(known, long, &mut words)?),
            None => letters(known, body, &mut words, &mut parts)?,
        }
    }
    Ok(parts)
}

/// True for `-fields=unit`: fleet's first releases took long flags after one dash, and scripts still use it.
fn is_long(known: &[Flag], body: &str) -> bool {
    let name = body.split_once('=').map_or(body, |(name, _)| name);
    name.len() > 1 && (name == "help" || name == "version" || known.iter().any(|flag| flag.name == name))
}

fn long_flag(
    known: &[Flag],
    body: &str,
    words: &mut std::slice::Iter<'_, String>,
) -> Result<Met, UsageError> {
    let (name, given) = match body.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (body, None),
    };
    let written = format!("--{name}");
    let flag = known.iter().find(|flag| flag.name == name).ok_or_else(|| {
        UsageError::UnknownFlag(written.clone(), nearest(name, known.iter().map(|flag| flag.name)))
    })?;
    let value = value_of(flag, &written, given, words)?;
    Ok(Met { written, letter: None, name: flag.name, value })
}

/// `-l`, `-lf`, `-n5` and `-n 5`.
fn letters(
    known: &[Flag],
    body: &str,
    words: &mut std::slice::Iter<'_, String>,
    parts: &mut Parts,
) -> Result<(), UsageError> {
    let mut rest = body;
    while let Some(letter) = rest.chars().next() {
        rest = rest.strip_prefix(letter).unwrap_or_default();
        let written = format!("-{letter}");
        let Some(flag) = known.iter().find(|flag| flag.short == Some(letter)) else {
            match letter {
                'h' => parts.help = true,
                'v' => parts.version = true,
                _ => return Err(UsageError::UnknownFlag(format!("-{body}"), None)),
            }
            continue;
        };
        let attached = match flag.takes {
            Takes::Value => Some(std::mem::take(&mut rest)).filter(|value| !value.is_empty()),
            Takes::Switch | Takes::Truth => rest.strip_prefix('=').inspect(|_| rest = ""),
        };
        let given = attached.map(|value| value.strip_prefix('=').unwrap_or(value).to_owned());
        let value = value_of(flag, &written, given, words)?;
        parts.flags.push(Met { written, letter: Some(letter), name: flag.name, value });
    }
    Ok(())
}

fn value_of(
    flag: &Flag,
    written: &str,
    given: Option<String>,
    words: &mut std::slice::Iter<'_, String>,
) -> Result<String, UsageError> {
    match flag.takes {
        Takes::Value => match given {
            Some(value) => Ok(value),
            None => words.next().cloned().ok_or_else(|| UsageError::NoValue(written.to_owned())),
        },
        Takes::Switch | Takes::Truth => true_or_false(written, given.as_deref().unwrap_or("true")),
    }
}

/// Reads a truth and writes it the one way argh knows.
pub(super) fn true_or_false(what: &str, text: &str) -> Result<String, UsageError> {
    let truth = truth(text).ok_or_else(|| UsageError::NoTruth(what.to_owned(), text.to_owned()))?;
    Ok(truth.to_string())
}
