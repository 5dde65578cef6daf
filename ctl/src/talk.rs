//! What goes to standard error: plain remarks, and log lines in the form fleet's had. Answers go to standard output
//! and are not printed here. A standard error that cannot be written is no reason to stop.

use std::io::{self, IsTerminal, Write};
use std::panic::Location;

use crate::clock;

/// One remark.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{}", printable(line));
}

/// A log line of level WARN.
#[track_caller]
pub(crate) fn warn(text: &str) {
    log("WARN", text, Location::caller());
}

/// A log line of level INFO.
#[track_caller]
pub(crate) fn info(text: &str) {
    log("INFO", text, Location::caller());
}

/// A log line of level DEBUG; the caller decides whether it is wanted.
#[track_caller]
pub(crate) fn debug(text: &str) {
    log("DEBUG", text, Location::caller());
}

fn log(level: &str, text: &str, place: &Location<'_>) {
    let file = place.file().rsplit('/').next().unwrap_or_default();
    say(&format!("{} {level} {file}:{}: {text}", clock::stamp(), place.line()));
}

/// True where a person, not a script, is likely to read standard error.
pub(crate) fn has_reader() -> bool {
    io::stderr().is_terminal()
}

/// Control characters other than line ends and TABs would reach the terminal; names and reasons come from outside.
fn printable(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n' && c != '\t', "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[31mb\tc\nd\u{7f}"), "a?[31mb\tc\nd?");
    }
}
