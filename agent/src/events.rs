//! Telling an operator of events (`cluster::event`): a line of the log with fields, and a count. What is worth telling is
//! for the loops to say.

use std::fmt;

use cluster::event::{Event, Weight};
use cluster::{MachineId, UnitName};

use crate::log::{self, Level};
use crate::metrics::NUMBERS;

/// What an event is about; the fields of its entry in the journal.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// `SKIFF_UNIT`
    pub unit: Option<&'a UnitName>,
    /// `SKIFF_MACHINE`: the machine it is about, where that is not the one that tells.
    pub machine: Option<&'a MachineId>,
    /// `SKIFF_REASON`; empty if there is none.
    pub reason: &'a str,
    /// `SKIFF_CAUSE`: the leader's cause, by its stable name; empty if there is none.
    pub cause: &'a str,
}

/// Tells of `event`, in these words.
pub fn tell(event: Event, about: About<'_>, words: fmt::Arguments<'_>) {
    NUMBERS.event(event);
    let level = match event.weight() {
        Weight::Warning => Level::Warn,
        Weight::Plain => Level::Info,
        Weight::Detail => Level::Debug,
    };
    let id = event.message_id().to_string();
    let fields = [
        ("SKIFF_EVENT", event.name()),
        ("MESSAGE_ID", &id),
        ("SKIFF_UNIT", about.unit.map_or("", UnitName::as_str)),
        ("SKIFF_MACHINE", about.machine.map_or("", MachineId::as_str)),
        ("SKIFF_REASON", about.reason),
        ("SKIFF_CAUSE", about.cause),
    ];
    log::record(level, words, &fields);
}

/// Tells of an event that is about this machine as a whole.
#[macro_export]
macro_rules! event {
    ($event:ident, $($part:tt)*) => {
        $crate::events::tell(
            cluster::event::Event::$event, $crate::events::About::default(), format_args!($($part)*),
        )
    };
}
