//! The terminal a person looks at: whether there is one, and what fits on a line. Text is laid out by others.

use std::io::{self, IsTerminal};
use std::os::fd::AsFd;

/// Columns of the terminal that standard output goes to; `None` where it goes elsewhere.
pub(crate) fn output_columns() -> Option<usize> {
    columns(&io::stdout())
}

/// The same of standard error.
pub(crate) fn talk_columns() -> Option<usize> {
    columns(&io::stderr())
}

/// True where a line can be drawn over itself.
pub(crate) fn can_redraw() -> bool {
    std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

fn columns(stream: &(impl IsTerminal + AsFd)) -> Option<usize> {
    let size = stream.is_terminal().then(|| rustix::termios::tcgetwinsize(stream).ok()).flatten()?;
    // A terminal that does not say, as some serial lines do not.
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Breaks the lines of `text` between words, so that none is longer than `columns`; what is broken off is indented.
pub(crate) fn wrapped(text: &str, columns: usize) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| wrapped_line(line, columns)).collect();
    lines.join("\n")
}

fn wrapped_line(line: &str, columns: usize) -> String {
    let indent = "  ";
    let mut out = String::new();
    let mut used = 0;
    for word in line.split_inclusive(' ') {
        let width = word.trim_end_matches(' ').chars().count();
        if used > indent.len() && used + width > columns && width + indent.len() <= columns {
            out.truncate(out.trim_end_matches(' ').len());
            out.push('\n');
            out.push_str(indent);
            used = indent.len();
        }
        out.push_str(word);
        used += word.chars().count();
    }
    out
}

/// A text cut to `columns`, with an ellipsis for what is missing.
pub(crate) fn elided(text: &str, columns: usize) -> String {
    if text.chars().count() <= columns {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(columns.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("one two three", 9), "one two\n  three");
        assert_eq!(wrapped("one two three\nfour", 80), "one two three\nfour");
        assert_eq!(wrapped("a verylongwordindeed b", 8), "a verylongwordindeed\n  b");
        assert_eq!(wrapped("  indented list of things", 14), "  indented\n  list of\n  things");
        assert_eq!(wrapped("", 8), "");
    }

    #[test]
    fn what_is_cut_off_is_marked() {
        assert_eq!((elided("hello", 5), elided("hello", 4)), ("hello".to_owned(), "hel…".to_owned()));
    }
}
