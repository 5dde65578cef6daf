//! The little YAML that cloud-configs need: block scalars for texts, everything else is written in place.

use std::fmt::Write as _;

/// `key: |` and the text, indented below it. Texts here end with a line end and do not begin with a blank.
pub(super) fn block(into: &mut String, indent: usize, key: &str, text: &str) {
    let margin = " ".repeat(indent);
    let _ = writeln!(into, "{margin}{key}: |");
    for line in text.lines() {
        if line.is_empty() {
            into.push('\n');
        } else {
            let _ = writeln!(into, "{margin}  {line}");
        }
    }
}

/// A text in double quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
