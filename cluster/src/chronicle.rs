//! The leader's last decisions, as the registry keeps them for `ctl events`: one key, a line of JSON for each, oldest
//! first, bounded in number and in bytes. Pure: who writes it and when is for `registry` and `agent`.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::event::Event;
use crate::ids::MachineId;
use crate::json;
use crate::limits::{EVENT_MAX_BYTES, EVENTS_KEPT_MAX, EVENTS_MAX_BYTES};
use crate::name::UnitName;

/// One of them; the API's `events` has the same fields. Names are texts, since a newer leader may have more of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Counts all that this fleet's leaders ever recorded, so that a reader knows what is new to it.
    pub seq: u64,
    /// When, in seconds since 1970 by the leader's clock.
    pub time: u64,
    /// [`Event::name`].
    pub event: String,
    /// The unit it is about; empty if none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The machine it is about; empty if none.
    #[serde(rename = "machineID", skip_serializing_if = "String::is_empty")]
    pub machine: String,
    /// Why, at most [`crate::limits::ERROR_TEXT_MAX_BYTES`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl Record {
    /// What is to be recorded; its number comes with [`appended`].
    #[must_use]
    pub fn new(
        time: u64,
        event: Event,
        unit: Option<&UnitName>,
        machine: Option<&MachineId>,
        reason: &str,
    ) -> Self {
        Self {
            seq: 0,
            time,
            event: event.name().into(),
            name: unit.map(|unit| unit.as_str().into()).unwrap_or_default(),
            machine: machine.map(|machine| machine.as_str().into()).unwrap_or_default(),
            reason: crate::backoff::bounded(reason),
        }
    }
}

/// What the key is to hold once `fresh` has been recorded after what it holds now. The oldest lines make room.
#[must_use]
pub fn appended(held: &str, fresh: &[Record]) -> String {
    let mut last = records(held).next_back().map_or(0, |record| record.seq);
    let mut text = String::with_capacity(EVENTS_MAX_BYTES);
    let mut add = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    held.lines().for_each(&mut add);
    for record in fresh {
        last = last.saturating_add(1);
        let record = Record { seq: last, ..record.clone() };
        if let Ok(line) = json::encode(&record, EVENT_MAX_BYTES) {
            add(&line);
        }
    }
    let mut bytes = 0;
    let fits = |line: &&str| {
        bytes += line.len() + 1;
        bytes <= EVENTS_MAX_BYTES
    };
    let kept: usize =
        text.lines().rev().take(EVENTS_KEPT_MAX).take_while(fits).map(|line| line.len() + 1).sum();
    text.drain(..text.len() - kept);
    text
}

/// The records of such a value, oldest first; lines that cannot be read are left out.
pub fn records(held: &str) -> impl DoubleEndedIterator<Item = Record> {
    let records = held.lines().filter_map(|line| json::decode::<Record>(line.as_bytes()).ok());
    records.filter(|record| !record.event.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    fn record(reason: &str) -> Record {
        let unit = UnitName::parse("a.service").ok();
        Record::new(7, Event::UnitPlaced, unit.as_ref(), None, reason)
    }

    #[test]
    fn numbers_go_on_over_leaders_and_over_lines_that_cannot_be_read() {
        let first = appended("", &[record("x"), record("y")]);
        let line = r#"{"seq":1,"time":7,"event":"unit-placed","name":"a.service","reason":"x"}"#;
        assert_eq!(first.lines().next(), Some(line));
        let second = appended(&format!("{first}no JSON\n{{}}\n"), &[record("z")]);
        let seqs: Vec<(u64, String)> = records(&second).map(|record| (record.seq, record.reason)).collect();
        assert_eq!(seqs, [(1, "x".into()), (2, "y".into()), (3, "z".into())]);
    }

    #[test]
    fn the_oldest_make_room() {
        let many: Vec<Record> = (0..EVENTS_KEPT_MAX + 5).map(|number| record(&format!("{number}"))).collect();
        let held = appended(&appended("", &many), &[record("last")]);
        let kept: Vec<Record> = records(&held).collect();
        assert_eq!((kept.len(), kept.first().unwrap().seq), (EVENTS_KEPT_MAX, 7));
        assert_eq!(kept.last().unwrap().reason, "last");
        let long: Vec<Record> = (0..EVENTS_KEPT_MAX).map(|_| record(&"\u{1}".repeat(9000))).collect();
        let held = appended("", &long);
        assert!(held.len() <= EVENTS_MAX_BYTES && held.len() + EVENT_MAX_BYTES > EVENTS_MAX_BYTES);
        assert!(records(&held).count() > 2);
    }
}
