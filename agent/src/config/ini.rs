//! Stage one: what the file says. Lines become entries with their place; no key is known here and no value has a
//! meaning yet (contract §4.2 for the form).
//!
//! A line is blank, a comment (`#` or `;` first), `[section]`, or `key=value`. A `\` at the end of a line that is no
//! comment joins the next one. A value in `"…"` or `'…'` is taken as it stands; any other ends at a `#` or `;`.

/// One `key=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// In lower case.
    pub(super) key: String,
    /// Without quotes, comment and the blanks around it.
    pub(super) value: String,
    /// Counted from 1; where a continued line begins.
    pub(super) line: usize,
    /// The section it stands in; `None` above the first.
    pub(super) section: Option<String>,
    /// True if a comment sign with no blank before it ended the value.
    pub(super) cut: bool,
}

/// A line that is none of the forms, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) line: usize,
    pub(super) what: &'static str,
}

/// Reads a whole file: all entries in order, and all lines that are not of the form.
pub(super) fn parse(bytes: &[u8]) -> (Vec<Entry>, Vec<Malformed>) {
    let mut entries = Vec::new();
    let mut malformed = Vec::new();
    let mut section = None;
    for (line, text) in logical_lines(bytes) {
        let parsed = text.and_then(|text| parse_line(&text));
        match parsed {
            Ok(Line::Blank) => {}
            Ok(Line::Section(name)) => section = Some(name),
            Ok(Line::Pair { key, value, cut }) => {
                entries.push(Entry { key, value, line, section: section.clone(), cut });
            }
            Err(what) => malformed.push(Malformed { line, what }),
        }
    }
    (entries, malformed)
}

/// Lines with continuations joined, each with the number of its first one. A byte order mark and CRs are dropped.
fn logical_lines(bytes: &[u8]) -> Vec<(usize, Result<String, &'static str>)> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut lines = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, raw) in bytes.split(|&byte| byte == b'\n').enumerate() {
        let raw = raw.strip_suffix(b"\r").unwrap_or(raw);
        let text = match std::str::from_utf8(raw) {
            Ok(text) if !text.contains('\0') => text.trim(),
            Ok(_) => {
                lines.push((index + 1, Err("the line holds a NUL byte")));
                continue;
            }
            Err(_) => {
                lines.push((index + 1, Err("the line is not UTF-8")));
                continue;
            }
        };
        let (first, mut whole) = open.take().unwrap_or((index + 1, String::new()));
        let is_comment = whole.is_empty() && text.starts_with(['#', ';']);
        match text.strip_suffix('\\') {
            Some(start) if !is_comment => {
                whole.push_str(start);
                open = Some((first, whole));
            }
            _ => {
                whole.push_str(text);
                lines.push((first, Ok(whole)));
            }
        }
    }
    lines.extend(open.map(|(first, whole)| (first, Ok(whole))));
    lines
}

enum Line {
    Blank,
    Section(String),
    Pair { key: String, value: String, cut: bool },
}

fn parse_line(text: &str) -> Result<Line, &'static str> {
    if text.is_empty() || text.starts_with(['#', ';']) {
        return Ok(Line::Blank);
    }
    if let Some(rest) = text.strip_prefix('[') {
        let (name, after) = rest.split_once(']').ok_or("section line without \"]\"")?;
        return if is_comment_or_blank(after) {
            Ok(Line::Section(name.trim().to_owned()))
        } else {
            Err("text after the \"]\" of a section line")
        };
    }
    let (key, value) = text.split_once('=').ok_or("expected key=value, [section] or a comment")?;
    let key = key.trim().to_lowercase();
    if key.is_empty() {
        return Err("no key before \"=\"");
    }
    let (value, cut) = parse_value(value.trim())?;
    Ok(Line::Pair { key, value, cut })
}

fn parse_value(text: &str) -> Result<(String, bool), &'static str> {
    for quote in ['"', '\''] {
        if let Some(rest) = text.strip_prefix(quote) {
            let (value, after) =
                rest.split_once(quote).ok_or("value with an opening quote and no closing one")?;
            return if is_comment_or_blank(after) {
                Ok((value.to_owned(), false))
            } else {
                Err("text after the closing quote of a value")
            };
        }
    }
    match text.split_once(['#', ';']) {
        None => Ok((text.to_owned(), false)),
        Some((value, _)) => {
            Ok((value.trim_end().to_owned(), !value.is_empty() && !value.ends_with([' ', '\t'])))
        }
    }
}

fn is_comment_or_blank(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty() || text.starts_with(['#', ';'])
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn pairs(text: &str) -> Vec<(usize, String, String)> {
        let (entries, malformed) = parse(text.as_bytes());
        assert_eq!(malformed, [], "{text:?}");
        entries.into_iter().map(|e| (e.line, e.key, e.value)).collect()
    }

    fn wrong(bytes: &[u8]) -> Vec<(usize, &'static str)> {
        parse(bytes).1.into_iter().map(|m| (m.line, m.what)).collect()
    }

    #[test]
    fn reads_the_forms_a_line_may_have() {
        let text = "\u{feff}# c\r\n; c\r\n\r\n Key = a b \r\nq=\"x # y\" # z\r\ns='a\"b'\nt=v ; c\nj=[\"a\",\"b\"]\ne=\n";
        let expected = [
            (4, "key", "a b"),
            (5, "q", "x # y"),
            (6, "s", "a\"b"),
            (7, "t", "v"),
            (8, "j", "[\"a\",\"b\"]"),
            (9, "e", ""),
        ];
        assert_eq!(pairs(text), expected.map(|(line, key, value)| (line, key.into(), value.into())));
    }

    #[test]
    fn joins_continued_lines_but_no_comments() {
        let text = "# c \\\na=1,\\\n   2,\\\n 3\nb=x\\";
        assert_eq!(pairs(text), [(2, "a".into(), "1,2,3".into()), (5, "b".into(), "x".into())]);
    }

    #[test]
    fn says_which_section_an_entry_is_in_and_which_value_was_cut() {
        let (entries, _) = parse(b"a=p#q\n[x] # c\nb=p #q\n");
        let seen: Vec<_> = entries.iter().map(|e| (e.value.as_str(), e.cut, e.section.as_deref())).collect();
        assert_eq!(seen, [("p", true, None), ("p", false, Some("x"))]);
    }

    #[test]
    fn names_every_malformed_line() {
        let text = b"word\n=v\nq=\"open\nq=\"a\" b\n[x\n[x] y\n\xff=1\nn=\0\n";
        let lines: Vec<usize> = wrong(text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 6, 7, 8]);
    }
}
