//! Unit-name globs, as Go's `path.Match` reads them (contract §2.2): `*`, `?`, `[a-z]`, `[^a-z]` and `\`, over the
//! whole name. No pattern costs more than its length times the name's: between two stars only the leftmost place is
//! tried. A name is text here; what fleet makes of half a character is not copied.

/// True if the whole of `name` matches `pattern`; a malformed pattern matches nothing.
#[must_use]
pub fn matches(pattern: &str, name: &str) -> bool {
    // Most names differ from most patterns before anything in the pattern stands for something else.
    for (wanted, c) in pattern.bytes().zip(name.bytes()) {
        match wanted {
            b'*' | b'?' | b'[' | b'\\' => break,
            _ if wanted != c => return false,
            _ => {}
        }
    }
    let (mut pattern, mut name) = (pattern, name);
    while !pattern.is_empty() {
        let after_stars = pattern.trim_start_matches('*');
        let starred = after_stars.len() < pattern.len();
        let (chunk, after) = after_stars.split_at(chunk_bytes(after_stars));
        if starred && chunk.is_empty() {
            return !name.contains('/');
        }
        let Some(rest) = place(chunk, name, starred, after.is_empty()) else { return false };
        (pattern, name) = (after, rest);
    }
    name.is_empty()
}

/// False for a pattern that can match nothing because of how it is written: brackets that stay open, a backslash with
/// nothing behind it.
#[must_use]
pub fn is_well_formed(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some((c, after)) = split_first(rest) {
        let next = match c {
            '[' => read_class(after, 'x').map(|(_, after)| after),
            '\\' => split_first(after).map(|(_, after)| after),
            _ => Some(after),
        };
        let Some(next) = next else { return false };
        rest = next;
    }
    true
}

/// Length of the part of `pattern` before its next star; a star in brackets or behind a backslash is a character.
fn chunk_bytes(pattern: &str) -> usize {
    let mut in_class = false;
    let mut escaped = false;
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => in_class = true,
            ']' => in_class = false,
            '*' if !in_class => return at,
            _ => {}
        }
    }
    pattern.len()
}

/// What is left of `name` after the first place where `chunk` fits: its start, or behind a star any place up to the
/// next slash. The last chunk has to reach the end.
fn place<'n>(chunk: &str, name: &'n str, starred: bool, is_last: bool) -> Option<&'n str> {
    let mut from = name;
    loop {
        match fits(chunk, from) {
            Some(rest) if !is_last || rest.is_empty() => return Some(rest),
            _ if !starred || from.starts_with('/') => return None,
            _ => {}
        }
        let mut chars = from.chars();
        chars.next()?;
        from = chars.as_str();
    }
}

/// What is left of `name` behind `chunk`, if it begins with it.
fn fits<'n>(chunk: &str, name: &'n str) -> Option<&'n str> {
    let (mut chunk, mut name) = (chunk, name);
    while !chunk.is_empty() {
        (chunk, name) = one(chunk, name)?;
    }
    Some(name)
}

/// Takes one character off `name` and what stands for it off `pattern`.
fn one<'p, 'n>(pattern: &'p str, name: &'n str) -> Option<(&'p str, &'n str)> {
    let (wanted, rest) = split_first(pattern)?;
    let (c, name) = split_first(name)?;
    let pattern = match wanted {
        '?' if c == '/' => return None,
        '?' => rest,
        '[' => class(rest, c)?,
        '\\' => rest.strip_prefix(c)?,
        _ if wanted == c => rest,
        _ => return None,
    };
    Some((pattern, name))
}

/// What follows the bracket expression `text` is in, if it takes `c` and is well formed.
fn class(text: &str, c: char) -> Option<&str> {
    read_class(text, c).and_then(|(takes, after)| takes.then_some(after))
}

/// Whether a bracket expression takes `c`, and what follows it, if it is well formed.
fn read_class(text: &str, c: char) -> Option<(bool, &str)> {
    let (negated, mut rest) = match text.strip_prefix('^') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut found = false;
    loop {
        let (low, after) = class_char(rest)?;
        let (high, after) = match after.strip_prefix('-') {
            Some(after) => class_char(after)?,
            None => (low, after),
        };
        found |= (low..=high).contains(&c);
        if let Some(after) = after.strip_prefix(']') {
            return Some((found != negated, after));
        }
        rest = after;
    }
}

/// One end of a range in brackets; `-` and `]` have to be escaped there.
fn class_char(text: &str) -> Option<(char, &str)> {
    match split_first(text)? {
        ('-' | ']', _) => None,
        ('\\', rest) => split_first(rest),
        plain => Some(plain),
    }
}

fn split_first(text: &str) -> Option<(char, &str)> {
    let mut chars = text.chars();
    Some((chars.next()?, chars.as_str()))
}
