//! Log lines on stderr: a level, a message, no time (the journal adds it). Under systemd each line carries its
//! priority in the `<N>` form of sd-daemon(3). Nothing here knows what is worth saying.

use std::fmt;
use std::io::Write;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

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

static VERBOSE: AtomicBool = AtomicBool::new(false);
static JOURNAL: OnceLock<bool> = OnceLock::new();

/// Turns debug lines on or off.
pub fn set_verbose(verbose: bool) {
    VERBOSE.store(verbose, Ordering::Relaxed);
}

/// Writes one line; a line that cannot be written is lost, since there is nobody left to tell.
pub fn write(level: Level, message: fmt::Arguments<'_>) {
    #[cfg(feature = "simulation")]
    if let Some(simulator) = crate::simulation::here() {
        return simulator.log(level, &message.to_string());
    }
    if level == Level::Debug && !VERBOSE.load(Ordering::Relaxed) {
        return;
    }
    let journal = *JOURNAL.get_or_init(|| std::env::var_os("JOURNAL_STREAM").is_some());
    let line = message.to_string().replace('\n', " | ");
    let mut stderr = std::io::stderr().lock();
    let _ = if journal {
        writeln!(stderr, "<{}>{}: {line}", level.priority(), level.word())
    } else {
        writeln!(stderr, "{}: {line}", level.word())
    };
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
