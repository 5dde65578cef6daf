//! What goes to standard error: plain remarks, and log lines in the form fleet's had. Answers go to standard output
//! and are not printed here. A standard error that cannot be written is no reason to stop.

use std::io::{self, IsTerminal, Write};
use std::panic::Location;

use crate::clock;
use crate::screen;

/// One remark. On a terminal lines are broken between words; elsewhere they are left whole.
pub(crate) fn say(line: &str) {
    let mut line = printable(line);
    if let Some(columns) = screen::talk_columns() {
        line = screen::wrapped(&line, columns);
    }
    let _ = writeln!(io::stderr(), "{line}");
}

/// Writes to standard error as it is: control sequences for a terminal.
pub(crate) fn draw(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
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

/// True where a person can be asked something.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && has_reader()
}

/// Asks a person; anything but a yes is a no.
pub(crate) fn asks(question: &str) -> bool {
    draw(&printable(question));
    let mut answer = String::new();
    let _ = io::stdin().read_line(&mut answer);
    matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
}

/// Control characters other than line ends and TABs would reach the terminal; names and reasons come from outside.
pub(crate) fn printable(text: &str) -> String {
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
