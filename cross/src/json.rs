//! Writing JSON: the documents made here are written by us, read by others, and never read back by the programs.

use std::fmt::Write as _;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `true` or `false`
    Flag(bool),
    /// A whole number.
    Number(u64),
    /// Text.
    Text(String),
    /// `[…]`
    List(Vec<Json>),
    /// `{…}`, in this order.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// Text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The document, indented, with a line end at its end.
    #[must_use]
    pub fn document(&self) -> String {
        let mut written = String::new();
        self.write(&mut written, 0);
        written.push('\n');
        written
    }

    fn write(&self, into: &mut String, depth: usize) {
        match self {
            Self::Flag(flag) => into.push_str(if *flag { "true" } else { "false" }),
            Self::Number(number) => {
                let _ = write!(into, "{number}");
            }
            Self::Text(text) => quote(text, into),
            Self::List(items) => {
                let write: Vec<Member<'_>> = items.iter().map(|item| (None, item)).collect();
                block(into, depth, ['[', ']'], &write);
            }
            Self::Object(members) => {
                let write: Vec<Member<'_>> = members.iter().map(|(key, value)| (Some(*key), value)).collect();
                block(into, depth, ['{', '}'], &write);
            }
        }
    }
}

type Member<'a> = (Option<&'a str>, &'a Json);

fn block(into: &mut String, depth: usize, [open, close]: [char; 2], members: &[Member<'_>]) {
    into.push(open);
    for (number, (key, value)) in members.iter().enumerate() {
        into.push_str(if number == 0 { "\n" } else { ",\n" });
        into.push_str(&"  ".repeat(depth + 1));
        if let Some(key) = key {
            quote(key, into);
            into.push_str(": ");
        }
        value.write(into, depth + 1);
    }
    if !members.is_empty() {
        into.push('\n');
        into.push_str(&"  ".repeat(depth));
    }
    into.push(close);
}

fn quote(text: &str, into: &mut String) {
    into.push('"');
    for letter in text.chars() {
        match letter {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            letter if letter < ' ' => {
                let _ = write!(into, "\\u{:04x}", u32::from(letter));
            }
            letter => into.push(letter),
        }
    }
    into.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_jq_would_read() {
        let value = Json::Object(vec![
            ("a", Json::List(vec![Json::Number(1), Json::Flag(true)])),
            ("b", Json::text("x\"\\\n\u{1}")),
            ("c", Json::List(Vec::new())),
        ]);
        let expected =
            "{\n  \"a\": [\n    1,\n    true\n  ],\n  \"b\": \"x\\\"\\\\\\n\\u0001\",\n  \"c\": []\n}\n";
        assert_eq!(value.document(), expected);
    }
}
