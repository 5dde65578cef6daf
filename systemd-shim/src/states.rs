//! What systemd says about the state of units, read from one `list-units`. Pure: the text comes from
//! `systemctl`, the conclusions are the agent's.

use cluster::UnitName;
use cluster::sorted::Map;

/// systemd's three words for a unit, verbatim (contract §1.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnitStatus {
    /// Load state: `loaded`, `not-found`, `bad-setting`, ….
    pub load: String,
    /// Active state: `active`, `inactive`, `activating`, ….
    pub active: String,
    /// Sub state: `running`, `dead`, `start-pre`, ….
    pub sub: String,
}

impl UnitStatus {
    /// A status of these words.
    #[must_use]
    pub fn new(load: &str, active: &str, sub: &str) -> Self {
        Self { load: load.to_owned(), active: active.to_owned(), sub: sub.to_owned() }
    }

    /// What is true of a unit systemd does not have in memory.
    #[must_use]
    pub fn absent() -> Self {
        Self::new("not-found", "inactive", "dead")
    }

    /// True if nothing of the unit runs and no stop is under way: its file may be changed or removed.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        matches!(self.active.as_str(), "inactive" | "failed")
    }

    /// True if the unit failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        self.active == "failed"
    }

    /// True if the state is on its way to another, which no file announces: look again soon.
    #[must_use]
    pub fn is_settling(&self) -> bool {
        matches!(
            self.active.as_str(),
            "activating" | "deactivating" | "reloading" | "refreshing" | "maintenance"
        )
    }

    /// True if a unit file that has just been written takes effect only after a daemon-reload, going by this
    /// status asked for *after* the file was in place. systemd reads the file of a unit it does not have in
    /// memory when it first needs it; what it has read once, broken files included, it keeps until a reload.
    #[must_use]
    pub fn needs_reload(&self) -> bool {
        // A unit can run on without a file: what it was loaded from is then still in memory.
        self.load != "not-found" || !self.is_dead()
    }
}

/// Reads what `show` printed of `names`: a paragraph each, in their order. `None` if that is not what it is.
pub(crate) fn read_shown(stdout: &str, names: &[UnitName]) -> Option<Map<UnitName, UnitStatus>> {
    let paragraphs: Vec<&str> = stdout.trim_end().split("\n\n").collect();
    if paragraphs.len() != names.len() {
        return None;
    }
    let status = |paragraph: &str| {
        let value = |key: &str| paragraph.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        Some(UnitStatus::new(value("LoadState")?, value("ActiveState")?, value("SubState")?))
    };
    names.iter().zip(paragraphs).map(|(name, paragraph)| Some((name.clone(), status(paragraph)?))).collect()
}

/// Reads `list-units --all --plain --no-legend --full` for `names`; a unit without a line is absent.
///
/// A line is `UNIT LOAD ACTIVE SUB [JOB] DESCRIPTION`. A description may hold line breaks (an instance name
/// unescaped by `%I`), which come out as indented lines: those are never read as a unit's. A line that is
/// neither is given back as the error, since an answer that is not understood says nothing about any unit.
pub(crate) fn read<'a>(stdout: &'a str, names: &[UnitName]) -> Result<Map<UnitName, UnitStatus>, &'a str> {
    let mut states: Map<UnitName, UnitStatus> =
        names.iter().map(|name| (name.clone(), UnitStatus::absent())).collect();
    for line in stdout.lines().filter(|line| !line.is_empty() && !line.starts_with(char::is_whitespace)) {
        let mut words = line.split_ascii_whitespace();
        let (Some(unit), Some(load), Some(active), Some(sub)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(line);
        };
        if let Some(status) = states.get_mut(unit) {
            *status = UnitStatus::new(load, active, sub);
        }
    }
    Ok(states)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_for(stdout: &str, texts: &[&str]) -> Vec<(String, String)> {
        let names: Vec<UnitName> =
            texts.iter().map(|text| UnitName::parse(text).expect("valid name")).collect();
        let show = |s: UnitStatus| format!("{} {} {}", s.load, s.active, s.sub);
        read(stdout, &names)
            .expect("an answer")
            .into_iter()
            .map(|(name, s)| (name.to_string(), show(s)))
            .collect()
    }

    #[test]
    fn listed_units_have_their_words_and_others_are_absent() {
        let captured = include_str!("../testdata/list-units.stdout");
        let asked =
            ["good.service", "fail.service", "t.timer", "tgt.target", "oneshot.service", "nothere.service"];
        let states = read_for(captured, &asked);
        let words: Vec<(&str, &str)> = states.iter().map(|(n, s)| (n.as_str(), s.as_str())).collect();
        assert_eq!(
            words,
            [
                ("fail.service", "loaded failed failed"),
                ("good.service", "loaded active running"),
                ("nothere.service", "not-found inactive dead"),
                ("oneshot.service", "loaded active exited"),
                ("t.timer", "loaded active waiting"),
                ("tgt.target", "loaded active active"),
            ]
        );
    }

    #[test]
    fn a_line_break_in_a_description_makes_no_unit() {
        let captured = include_str!("../testdata/list-units-newline.stdout");
        let states = read_for(captured, &["good.service"]);
        assert_eq!(states, [("good.service".to_owned(), "loaded active running".to_owned())]);
    }

    #[test]
    fn a_waiting_job_does_not_shift_the_columns() {
        let captured =
            "a.service loaded activating start start A unit\nb.service loaded active running       B\n";
        let states = read_for(captured, &["a.service", "b.service"]);
        assert_eq!(states[0].1, "loaded activating start");
        assert_eq!(states[1].1, "loaded active running");
    }

    #[test]
    fn an_answer_that_is_not_understood_is_no_answer() {
        let names = [UnitName::parse("a.service").expect("valid name")];
        for garbage in ["a.service\n", "a.service loaded active\n", "x\u{0}y z"] {
            assert!(read(garbage, &names).is_err(), "{garbage:?}");
        }
        assert_eq!(read_for("\n", &["a.service"])[0].1, "not-found inactive dead");
    }

    #[test]
    fn only_units_systemd_has_in_memory_need_a_reload() {
        assert!(!UnitStatus::absent().needs_reload());
        assert!(UnitStatus::new("loaded", "inactive", "dead").needs_reload());
        assert!(UnitStatus::new("bad-setting", "inactive", "dead").needs_reload());
        assert!(UnitStatus::new("not-found", "active", "running").needs_reload());
    }

    #[test]
    fn shown_states_come_a_paragraph_each_in_the_order_asked() {
        let names: Vec<UnitName> =
            ["b.service", "a.timer"].into_iter().map(|name| UnitName::parse(name).unwrap()).collect();
        let text = "LoadState=loaded\nActiveState=inactive\nSubState=dead\n\nSubState=waiting\nLoadState=bad-setting\nActiveState=active\n";
        let states = read_shown(text, &names).unwrap();
        assert_eq!(*states.get("b.service").unwrap(), UnitStatus::new("loaded", "inactive", "dead"));
        assert_eq!(*states.get("a.timer").unwrap(), UnitStatus::new("bad-setting", "active", "waiting"));
        assert_eq!(read_shown("LoadState=loaded\n", &names), None);
        assert_eq!(read_shown("LoadState=loaded\n\nLoadState=loaded\n", &names), None);
    }
}
