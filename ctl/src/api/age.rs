//! Whether this ctl is older than the fleet it writes to without an agent in between: fleet's rules may have grown since
//! (contract §3.1). An agent answers for itself.

use std::cmp::Ordering;

use super::wire::Machine;

/// The three numbers of a version, and whether it is a release.
type Version = ([u64; 3], bool);

/// The newest version among the agents, if it is newer than `ours`; versions that are none are passed over.
pub(super) fn newer<'m>(ours: &str, machines: &'m [Machine]) -> Option<&'m str> {
    let ours = parse(ours)?;
    let known = machines.iter().filter_map(|machine| Some((parse(&machine.version)?, &machine.version)));
    let (newest, text) = known.max_by(|(a, _), (b, _)| a.cmp(b))?;
    (newest.cmp(&ours) == Ordering::Greater).then_some(text)
}

/// Warns in a box, on standard error, in so many lines.
pub(super) fn warning(program: &str, ours: &str, theirs: &str) -> String {
    let rule = "#".repeat(72);
    format!(
        "{rule}\nWARNING: {program} is {ours}, the newest agent of this fleet {theirs}.\n\
         Without an agent in between {program} goes by its own, older rules: update it.\n{rule}"
    )
}

/// `1.2.3`, `v1.2.3-rc1+build`.
fn parse(text: &str) -> Option<Version> {
    let text = text.strip_prefix('v').unwrap_or(text);
    let (text, _) = text.split_once('+').unwrap_or((text, ""));
    let (numbers, release) = match text.split_once('-') {
        Some((numbers, _)) => (numbers, false),
        None => (text, true),
    };
    let mut numbers = numbers.split('.').map(|number| number.parse::<u64>().ok());
    let version = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some((version, release))
}

#[cfg(test)]
mod tests {
    use cluster::sorted::Map;

    use cluster::MachineId;

    use super::*;

    fn newest(ours: &str, theirs: &[&str]) -> Option<String> {
        let machine = |version: &&str| Machine {
            id: MachineId::parse("m").unwrap(),
            address: String::new(),
            metadata: Map::new(),
            version: (*version).to_owned(),
            draining: false,
        };
        newer(ours, &theirs.iter().map(machine).collect::<Vec<_>>()).map(str::to_owned)
    }

    #[test]
    fn only_a_newer_agent_is_worth_a_word() {
        assert_eq!(newest("0.1.0", &["0.1.0", "0.0.9", ""]), None);
        assert_eq!(newest("0.1.0", &["0.1.1", "0.10.0", "0.9.0"]).as_deref(), Some("0.10.0"));
        assert_eq!(newest("0.1.0-rc1", &["v0.1.0+git"]).as_deref(), Some("v0.1.0+git"));
        assert_eq!(newest("0.1.0", &["0.1.0-rc1", "x", "1.2", "1.2.3.4"]), None);
        assert_eq!(newest("0.1.0", &[]), None);
    }

    #[test]
    fn the_warning_is_a_box() {
        let text = warning("ctl", "0.1.0", "0.2.0");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() == 4 && lines[0] == lines[3] && lines[1].starts_with("WARNING: ctl is 0.1.0"));
        assert!(lines.iter().all(|line| line.len() <= 80), "{text}");
    }
}
