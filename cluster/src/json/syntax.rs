//! Is a text JSON, and nothing else? The strict reading of RFC 8259 with a limit of depth. It makes no values: that
//! is the decoder's work, which may rely on what has passed here.

use alloc::string::String;

use super::JsonError;
use crate::limits::JSON_DEPTH_MAX;

/// What the decoder needs to know about a document beforehand.
#[derive(Default)]
pub(super) struct Survey {
    /// Length of the longest string that holds an escape; undone escapes are never longer.
    pub(super) longest_escaped_bytes: usize,
    /// Some string spells a character as two escapes, which the decoder refuses.
    pub(super) has_surrogates: bool,
}

/// Checks that `text` is one JSON value and nothing more.
pub(super) fn survey(text: &str) -> Result<Survey, JsonError> {
    let mut reader = Reader { text: text.as_bytes(), at: 0, survey: Survey::default() };
    reader.value(0)?;
    match reader.peek_token() {
        None => Ok(reader.survey),
        Some(_) => reader.fail("something follows the value"),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    survey: Survey,
}

impl Reader<'_> {
    fn fail<T>(&self, what: &'static str) -> Result<T, JsonError> {
        Err(JsonError::Syntax { offset_bytes: self.at, what })
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The next byte that is no white space.
    fn peek_token(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.peek() {
            self.at += 1;
        }
        self.peek()
    }

    fn value(&mut self, depth: usize) -> Result<(), JsonError> {
        match self.peek_token() {
            Some(b'{' | b'[') if depth == JSON_DEPTH_MAX => Err(JsonError::TooDeep { offset_bytes: self.at }),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string(),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            Some(_) => self.fail("expected a value"),
            None => self.fail("the text ends where a value should be"),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), JsonError> {
        self.at += 1;
        if self.peek_token() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek_token() != Some(b'"') {
                return self.fail("expected a quoted key");
            }
            self.string()?;
            if self.peek_token() != Some(b':') {
                return self.fail("expected ':' after a key");
            }
            self.at += 1;
            self.value(depth)?;
            if self.ends(b'}', "expected ',' or '}'")? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonError> {
        self.at += 1;
        if self.peek_token() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth)?;
            if self.ends(b']', "expected ',' or ']'")? {
                return Ok(());
            }
        }
    }

    /// True after the closing byte, false after a comma.
    fn ends(&mut self, closing: u8, what: &'static str) -> Result<bool, JsonError> {
        let next = self.peek_token();
        if next != Some(closing) && next != Some(b',') {
            return self.fail(what);
        }
        self.at += 1;
        Ok(next == Some(closing))
    }

    fn string(&mut self) -> Result<(), JsonError> {
        self.at += 1;
        let start = self.at;
        let mut has_escape = false;
        loop {
            // Nearly all of a document is the plain inside of strings.
            let rest = self.text.get(self.at..).unwrap_or_default();
            self.at += rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f)).unwrap_or(rest.len());
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let (_, length) = escape(self.text, self.at)?;
                    self.survey.has_surrogates |= length == SURROGATE_PAIR_BYTES;
                    has_escape = true;
                    self.at += length;
                }
                Some(_) => return self.fail("a control character in a string"),
                None => return self.fail("the text ends inside a string"),
            }
        }
        if has_escape {
            let length = self.at - start;
            self.survey.longest_escaped_bytes = self.survey.longest_escaped_bytes.max(length);
        }
        self.at += 1;
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonError> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), JsonError> {
        if !self.peek().is_some_and(|b| b.is_ascii_digit()) {
            return self.fail("expected a digit");
        }
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<(), JsonError> {
        if !self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word)) {
            return self.fail("expected a value");
        }
        self.at += word.len();
        Ok(())
    }
}

/// Length of two `\uXXXX` that stand for one character; no other escape is as long.
const SURROGATE_PAIR_BYTES: usize = 12;

/// The character of the escape at `at`, and how many bytes spell it.
fn escape(text: &[u8], at: usize) -> Result<(char, usize), JsonError> {
    let fail = |what| Err(JsonError::Syntax { offset_bytes: at, what });
    let plain = match text.get(at + 1) {
        Some(b'"') => '"',
        Some(b'\\') => '\\',
        Some(b'/') => '/',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let Some(first) = hex4(text, at) else {
                return fail("expected four hexadecimal digits after \\u");
            };
            if let Some(c) = char::from_u32(first) {
                return Ok((c, 6));
            }
            let second = hex4(text, at + 6);
            return match second.and_then(|second| pair(first, second)) {
                Some(c) => Ok((c, SURROGATE_PAIR_BYTES)),
                None => fail("half a surrogate pair"),
            };
        }
        Some(_) => return fail("an escape that JSON does not have"),
        None => return fail("the text ends inside a string"),
    };
    Ok((plain, 2))
}

/// The number of a `\uXXXX` at `at`.
fn hex4(text: &[u8], at: usize) -> Option<u32> {
    let digits = text.get(at..at + 6)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |sum, b| Some(sum * 16 + char::from(*b).to_digit(16)?))
}

/// The character two halves stand for, the high one first.
fn pair(high: u32, low: u32) -> Option<char> {
    if !(0xd800..0xdc00).contains(&high) || !(0xdc00..0xe000).contains(&low) {
        return None;
    }
    char::from_u32(0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

/// The same document with each surrogate pair replaced by its character; `text` has passed [`survey`].
pub(super) fn join_surrogates(text: &str) -> Result<String, JsonError> {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(plain) = rest.find('\\') else {
            out.push_str(rest);
            break;
        };
        let (c, length) = escape(text.as_bytes(), at + plain)?;
        if length == SURROGATE_PAIR_BYTES {
            out.push_str(rest.get(..plain).unwrap_or_default());
            out.push(c);
        } else {
            out.push_str(rest.get(..plain + length).unwrap_or_default());
        }
        at += plain + length;
    }
    Ok(out)
}

/// Undoes the escapes of a string's inside; see [`super::unescape`].
pub(super) fn unescape(escaped: &str, out: &mut String) -> Result<(), JsonError> {
    let mut at = 0;
    while let Some(rest) = escaped.get(at..) {
        let special = |b: u8| b == b'\\' || b == b'"' || b < 0x20;
        let Some(plain) = rest.bytes().position(special) else {
            out.push_str(rest);
            break;
        };
        out.push_str(rest.get(..plain).unwrap_or_default());
        at += plain;
        if escaped.as_bytes().get(at) != Some(&b'\\') {
            return Err(JsonError::Syntax { offset_bytes: at, what: "a bare quote or control character" });
        }
        let (c, length) = escape(escaped.as_bytes(), at)?;
        out.push(c);
        at += length;
    }
    Ok(())
}
