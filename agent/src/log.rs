//! The log: a level, a message, no time (the journal adds it). To the journal by its own protocol, with fields, where
//! stderr is the journal's; otherwise a line on stderr. Nothing here knows what is worth saying.
//!
//! A journal that is away or behind holds up nobody: the line then goes to stderr, where it loses its fields only, and one
//! that is not taken there either is counted, and the count is told of as soon as somebody listens again.

use std::fmt;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cluster::event::Event;
use systemd_shim::{JournalEntry, JournalSocket, send_on_stderr};

use crate::clock;
use crate::metrics::NUMBERS;

/// How much a line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something failed that will not mend itself.
    Error,
    /// Something failed, or is odd, and is being dealt with.
    Warn,
    /// What the agent does and why.
    Info,
    /// Only for someone looking for an error.
    Debug,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            Self::Debug => "DEBUG",
        }
    }

    const fn priority(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warn => 4,
            Self::Info => 6,
            Self::Debug => 7,
        }
    }
}

/// How long a journal that was away or behind is left alone.
const SULK_MS: u64 = 1000;

static VERBOSE: AtomicBool = AtomicBool::new(false);
static JOURNAL: OnceLock<Option<JournalSocket>> = OnceLock::new();
/// From when on the journal's own protocol is tried again.
static AGAIN_AT_MS: AtomicU64 = AtomicU64::new(0);
/// Lines that nobody took and nobody was told of yet.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Turns debug lines on or off.
pub fn set_verbose(verbose: bool) {
    VERBOSE.store(verbose, Ordering::Relaxed);
}

/// Writes one line.
pub fn write(level: Level, message: fmt::Arguments<'_>) {
    record(level, message, &[]);
}

/// Writes one line, with fields for a journal; empty ones are left out.
pub(crate) fn record(level: Level, message: fmt::Arguments<'_>, fields: &[(&str, &str)]) {
    #[cfg(feature = "simulation")]
    if let Some(simulator) = crate::simulation::here() {
        return simulator.log(level, &message.to_string());
    }
    if level == Level::Debug && !VERBOSE.load(Ordering::Relaxed) {
        return;
    }
    let lost = LOST.swap(0, Ordering::Relaxed);
    if lost > 0 {
        let id = Event::LinesLost.message_id().to_string();
        let fields = [("SKIFF_EVENT", Event::LinesLost.name()), ("MESSAGE_ID", &id)];
        if !put(Level::Warn, format_args!("{lost} lines of the log were lost: nobody took them"), &fields) {
            LOST.fetch_add(lost, Ordering::Relaxed);
        } else {
            NUMBERS.event(Event::LinesLost);
        }
    }
    if !put(level, message, fields) {
        LOST.fetch_add(1, Ordering::Relaxed);
        NUMBERS.line_lost();
    }
}

/// False if nobody took it.
fn put(level: Level, message: fmt::Arguments<'_>, fields: &[(&str, &str)]) -> bool {
    let line = format!("{}: {message}", level.word()).replace('\n', " | ");
    let Some(journal) = JOURNAL.get_or_init(JournalSocket::of_stderr) else {
        return writeln!(std::io::stderr().lock(), "{line}").is_ok();
    };
    let now_ms = clock::now_ms();
    if now_ms >= AGAIN_AT_MS.load(Ordering::Relaxed) {
        let mut entry = JournalEntry::new(level.priority(), &line);
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            entry.field(name, value);
        }
        if journal.send(&entry).is_ok() {
            return true;
        }
        AGAIN_AT_MS.store(now_ms + SULK_MS, Ordering::Relaxed);
    }
    send_on_stderr(&format!("<{}>{line}\n", level.priority())).is_ok()
}

/// Logs at [`Level::Error`].
#[macro_export]
macro_rules! error { ($($part:tt)*) => { $crate::log::write($crate::log::Level::Error, format_args!($($part)*)) } }
/// Logs at [`Level::Warn`].
#[macro_export]
macro_rules! warn { ($($part:tt)*) => { $crate::log::write($crate::log::Level::Warn, format_args!($($part)*)) } }
/// Logs at [`Level::Info`].
#[macro_export]
macro_rules! info { ($($part:tt)*) => { $crate::log::write($crate::log::Level::Info, format_args!($($part)*)) } }
/// Logs at [`Level::Debug`].
#[macro_export]
macro_rules! debug { ($($part:tt)*) => { $crate::log::write($crate::log::Level::Debug, format_args!($($part)*)) } }
