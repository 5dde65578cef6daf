//! Reads what systemctl says on stderr: which unit was refused and why, or that systemd was not reached at
//! all. Pure; tested on captured output. Which verb was run, and what to do, is `systemctl`'s business.

use cluster::UnitName;
use cluster::limits::ERROR_TEXT_MAX_BYTES;
use cluster::sorted::Map;

use crate::one_line::one_line;

/// What one systemctl said about the names it was given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// Units it named, with its reason.
    pub(crate) refused: Map<UnitName, String>,
    /// It did not get through to systemd; its words.
    pub(crate) unreachable: Option<String>,
}

/// Beginnings of lines that mean that no request was answered.
const NOT_REACHED: [&str; 6] = [
    "Failed to connect to bus",
    "Failed to get D-Bus connection",
    "System has not been booted with systemd",
    "Running in chroot, ignoring",
    "Failed to list units:",
    "Failed to get properties:",
];

/// Reasons that are about the connection or our rights, not about the unit they are printed with.
const NOT_ABOUT_THE_UNIT: [&str; 9] = [
    "Access denied",
    "Broken pipe",
    "Connection refused",
    "Connection reset by peer",
    "Connection terminated",
    "Connection timed out",
    "Interactive authentication required.",
    "Message recipient disconnected from message bus without replying",
    "Transport endpoint is not connected",
];

/// Reads the lines `Failed to VERB NAME: REASON` for `names`; every other line is talk.
pub(crate) fn read(stderr: &str, names: &[UnitName]) -> Said {
    let mut said = Said::default();
    for line in stderr.lines() {
        if NOT_REACHED.iter().any(|start| line.starts_with(start)) {
            said.unreachable.get_or_insert_with(|| one_line(line, ERROR_TEXT_MAX_BYTES));
            continue;
        }
        let Some((subject, reason)) = line.strip_prefix("Failed to ").and_then(|rest| rest.split_once(": "))
        else {
            continue;
        };
        if NOT_ABOUT_THE_UNIT.contains(&reason) {
            said.unreachable.get_or_insert_with(|| one_line(reason, ERROR_TEXT_MAX_BYTES));
        } else if let Some(unit) = last_word_among(subject, names) {
            said.refused.entry(unit).or_insert_with(|| one_line(reason, ERROR_TEXT_MAX_BYTES));
        }
    }
    said
}

fn last_word_among(subject: &str, names: &[UnitName]) -> Option<UnitName> {
    let word = subject.rsplit(' ').next()?;
    names.iter().find(|name| name.as_str() == word).cloned()
}

/// True for the answer that a unit is not there, which is what a stop or a reset wanted.
pub(crate) fn is_absent(reason: &str) -> bool {
    reason.ends_with(" not loaded.")
}

/// All that was said, as one line, for a call about one unit.
pub(crate) fn whole(stderr: &str) -> String {
    let told = stderr.lines().find(|line| line.starts_with("Failed to ")).unwrap_or(stderr);
    match one_line(told, ERROR_TEXT_MAX_BYTES) {
        text if text.is_empty() => "failed without a word".to_owned(),
        text => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(texts: &[&str]) -> Vec<UnitName> {
        texts.iter().map(|text| UnitName::parse(text).expect("valid name")).collect()
    }

    fn refused(said: &Said) -> Vec<(&str, &str)> {
        said.refused.iter().map(|(unit, reason)| (unit.as_str(), reason.as_str())).collect()
    }

    #[test]
    fn every_refused_unit_of_a_start_is_named_once() {
        let asked =
            names(&["good.service", "bad.service", "noexec.service", "dep.service", r"a\x2db.service"]);
        let said = read(include_str!("../testdata/start-refused.stderr"), &asked);
        assert_eq!(said.unreachable, None);
        assert_eq!(
            refused(&said),
            [
                (r"a\x2db.service", r"Unit a\x2db.service not found."),
                (
                    "bad.service",
                    "Unit bad.service failed to load properly, please adjust/correct and reload service \
                     manager: Bad message"
                ),
                ("dep.service", "Unit nothere.service not found."),
                ("noexec.service", "Unit noexec.service has a bad unit file setting."),
            ]
        );
    }

    #[test]
    fn resetting_and_stopping_what_is_gone_says_not_loaded() {
        let asked = names(&["missing.service", "bad.service"]);
        for captured in
            [include_str!("../testdata/reset-gone.stderr"), include_str!("../testdata/stop-gone.stderr")]
        {
            let said = read(captured, &asked);
            assert_eq!(said.refused.len(), 2, "{said:?}");
            assert!(said.refused.values().all(|reason| is_absent(reason)), "{said:?}");
        }
    }

    #[test]
    fn no_bus_and_no_systemd_are_no_refusals() {
        for captured in [
            "Failed to connect to bus: No such file or directory\n",
            "Failed to connect to bus: No medium found\n",
            "System has not been booted with systemd as init system (PID 1). Can't operate.\n\
             Failed to connect to bus: Host is down\n",
            "Failed to start a.service: Connection reset by peer\n",
            "Failed to stop a.service: Interactive authentication required.\n",
            "Running in chroot, ignoring command 'start'\n",
        ] {
            let said = read(captured, &names(&["a.service"]));
            assert!(said.unreachable.is_some() && said.refused.is_empty(), "{captured}: {said:?}");
        }
    }

    #[test]
    fn names_that_were_not_asked_for_and_talk_are_left_out() {
        let talk = "Warning: Stopping a.service, but it can still be activated by:\n  t.timer\n\
                    Failed to start b.service: Unit b.service not found.\n\
                    Failed to start\nFailed to : x\n";
        assert_eq!(read(talk, &names(&["a.service"])), Said::default());
    }

    #[test]
    fn a_name_with_a_colon_is_still_found() {
        let said = read(
            "Failed to start hello:world.service: Unit x not found.\n",
            &names(&["hello:world.service"]),
        );
        assert_eq!(refused(&said), [("hello:world.service", "Unit x not found.")]);
    }

    #[test]
    fn silence_has_words_too() {
        assert_eq!(whole(""), "failed without a word");
        assert_eq!(whole("x: warning\nFailed to enable unit: no\n"), "Failed to enable unit: no");
    }
}
