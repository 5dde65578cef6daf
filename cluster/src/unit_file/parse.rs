//! Reading a unit file's text, as the parser in go-systemd that fleet used does (contract §2.6). It is more lenient
//! than systemd's own; what it lets through and the cluster cannot use is refused later, by `validate`.

use alloc::string::String;
use alloc::vec::Vec;

use super::{ParseError, UnitOption, quoted};
use crate::limits::{UNIT_LINE_MAX_BYTES, UNIT_OPTIONS_MAX};

/// All options of `text` in their order.
pub(super) fn options(text: &str) -> Result<Vec<UnitOption>, ParseError> {
    refuse_long_lines(text)?;
    let mut reader = Reader { text, at: 0, options: Vec::new() };
    reader.preamble()?;
    Ok(reader.options)
}

/// A carriage return ends a line here too.
fn refuse_long_lines(text: &str) -> Result<(), ParseError> {
    let is_long = |line: &str| line.split('\r').any(|part| part.len() >= UNIT_LINE_MAX_BYTES);
    match text.split('\n').position(is_long) {
        Some(index) => Err(ParseError::LineTooLong { line: index + 1 }),
        None => Ok(()),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    options: Vec<UnitOption>,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The number of the line that holds the byte at `at`.
    fn line_number(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        before.bytes().filter(|b| *b == b'\n').count() + 1
    }

    /// The rest of the line, and on to the next one.
    fn line(&mut self) -> &'a str {
        match self.rest().split_once('\n') {
            Some((line, _)) => {
                self.at += line.len() + 1;
                line
            }
            None => {
                let line = self.rest();
                self.at = self.text.len();
                line.strip_suffix('\r').unwrap_or(line)
            }
        }
    }

    /// Before the first section everything but comments is skipped, a character at a time.
    fn preamble(&mut self) -> Result<(), ParseError> {
        while let Some(plain) = self.rest().find(['[', '#', ';']) {
            self.at += plain;
            if self.rest().starts_with('[') {
                return self.sections();
            }
            self.comment();
        }
        Ok(())
    }

    fn sections(&mut self) -> Result<(), ParseError> {
        let mut section = self.header()?;
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            match self.rest().chars().next() {
                None => return Ok(()),
                Some('[') => section = self.header()?,
                Some('#' | ';') => self.comment(),
                Some(_) => self.option(section)?,
            }
        }
    }

    /// A comment that ends in a backslash, one blank behind it allowed, goes on in the next line.
    fn comment(&mut self) {
        loop {
            let line = self.line();
            if !line.strip_suffix(' ').unwrap_or(line).ends_with('\\') {
                return;
            }
        }
    }

    /// `[name]`, and nothing after it.
    fn header(&mut self) -> Result<&'a str, ParseError> {
        let start = self.at;
        let Some((section, _)) = self.rest().get(1..).and_then(|rest| rest.split_once(']')) else {
            return Err(ParseError::UnclosedSection { line: self.line_number(start) });
        };
        self.at += 1 + section.len();
        let end = self.at;
        self.at += 1;
        let garbage = self.line().trim();
        if garbage.is_empty() {
            return Ok(section);
        }
        let line = self.line_number(end);
        Err(ParseError::Garbage { line, section: quoted(section), garbage: quoted(garbage) })
    }

    fn option(&mut self, section: &str) -> Result<(), ParseError> {
        let rest = self.rest();
        let Some(end) = rest.find(['=', '\n', '\r']) else {
            return Err(ParseError::EndsInName { line: self.line_number(self.at) });
        };
        let (name, after) = rest.split_at(end);
        if !after.starts_with('=') {
            return Err(ParseError::NoEquals { line: self.line_number(self.at) });
        }
        if self.options.len() == UNIT_OPTIONS_MAX {
            return Err(ParseError::TooManyOptions);
        }
        self.at += end + 1;
        let value = self.value();
        self.options.push(UnitOption { section: section.into(), name: name.trim().into(), value });
        Ok(())
    }

    /// A line that ends in a backslash goes on in the next one, whatever that is; a blank line ends it.
    fn value(&mut self) -> String {
        let mut value = String::new();
        loop {
            let line = self.line();
            if line.trim().is_empty() {
                break;
            }
            value.push_str(line);
            if !line.ends_with('\\') {
                break;
            }
            value.push('\n');
        }
        let mut trimmed = String::from(value.trim());
        if value.ends_with('\n') {
            trimmed.push('\n');
        }
        trimmed
    }
}
