//! What a person sees of the demo: headings, sentences, typed commands and their output. Colour exists only on a terminal,
//! and pauses only there and when they are wanted. Everything shown is also kept, for the picture of `svg.rs`.

use std::io::{IsTerminal, Read, Write, stdin, stdout};
use std::os::fd::AsFd;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// How long a reader gets for a command and its output, at least, in milliseconds.
const PAUSE_BASE_MS: u16 = 900;
/// And how much more for each line of it.
const PAUSE_PER_LINE_MS: u16 = 130;
/// No pause is longer.
const PAUSE_MAX_MS: u16 = 4000;

/// What a line is, which decides how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The title of a chapter.
    Heading,
    /// A sentence of the demo's own.
    Talk,
    /// A command as typed, after the prompt.
    Typed,
    /// What the command printed.
    Output,
}

impl Kind {
    /// The terminal's codes before a line of this kind.
    fn colour(self) -> &'static str {
        match self {
            Self::Heading => "\x1b[1;36m",
            Self::Talk => "\x1b[2m",
            Self::Typed => "\x1b[1m",
            Self::Output => "",
        }
    }
}

/// One line that was shown.
#[derive(Clone, Debug)]
pub struct Line {
    /// How it looked.
    pub kind: Kind,
    /// Its text, without prompt and colours.
    pub text: String,
}

/// The place to show things.
#[derive(Debug)]
pub struct Screen {
    terminal: bool,
    slow: bool,
    shown: Vec<Line>,
}

impl Screen {
    /// Standard output, as a terminal if it is one; `slow` leaves time to read.
    #[must_use]
    pub fn new(slow: bool) -> Self {
        Self { terminal: stdout().is_terminal(), slow, shown: Vec::new() }
    }

    /// Everything shown so far.
    #[must_use]
    pub fn shown(&self) -> &[Line] {
        &self.shown
    }

    /// Begins a chapter.
    pub fn heading(&mut self, text: &str) {
        self.blank();
        self.put(Kind::Heading, text);
    }

    /// Says something, after an empty line.
    pub fn talk(&mut self, text: &str) {
        self.blank();
        for line in text.lines() {
            self.put(Kind::Talk, line);
        }
    }

    /// Shows a command and what it printed, and leaves time to read both if that is wanted.
    pub fn command(&mut self, typed: &str, printed: &str) {
        self.blank();
        self.put(Kind::Typed, typed);
        let mut lines = 0_u16;
        for line in printed.trim_end().lines() {
            self.put(Kind::Output, line);
            lines = lines.saturating_add(1);
        }
        self.pause(PAUSE_BASE_MS.saturating_add(PAUSE_PER_LINE_MS.saturating_mul(lines)));
    }

    fn blank(&mut self) {
        self.put(Kind::Output, "");
    }

    fn put(&mut self, kind: Kind, text: &str) {
        let prompt = if kind == Kind::Typed { "$ " } else { "" };
        let line = match (self.terminal, kind) {
            (false, _) | (true, Kind::Output) => format!("{prompt}{text}"),
            (true, Kind::Typed) => format!("\x1b[32m{prompt}\x1b[0m{}{text}\x1b[0m", kind.colour()),
            (true, _) => format!("{}{text}\x1b[0m", kind.colour()),
        };
        // Nobody may be reading any more; the demo checks its steps all the same.
        let _ = writeln!(stdout(), "{line}");
        self.shown.push(Line { kind, text: text.to_owned() });
    }

    /// On a terminal only, if it is wanted, and no longer than until Enter is pressed.
    fn pause(&self, wanted_ms: u16) {
        if !self.terminal || !self.slow {
            return;
        }
        let _ = stdout().flush();
        let timeout = PollTimeout::from(wanted_ms.min(PAUSE_MAX_MS));
        let keyboard = stdin();
        if !keyboard.is_terminal() {
            let _ = poll(&mut [], timeout);
            return;
        }
        let mut ready = [PollFd::new(keyboard.as_fd(), PollFlags::POLLIN)];
        if poll(&mut ready, timeout).is_ok_and(|count| count > 0) {
            let _ = keyboard.lock().read(&mut [0; 256]);
        }
    }
}
