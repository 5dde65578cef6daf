//! The fleet's own view of a unit, in the words of `explain`. Which machines are asked is not told here.

use cluster::TargetState;

use crate::api::Unit;

/// `a.service: wanted launched, is loaded on 9678f7a7.../10.99.0.13`, and a line with the reason if there is one.
pub(super) fn headline(unit: &Unit, place: Option<&str>) -> String {
    let wanted = format!("{}: wanted {}", unit.name, unit.desired);
    let is = match (unit.global, unit.launched, unit.eligible) {
        (true, Some(launched), Some(eligible)) => {
            format!("launched on {launched} of {eligible} machines that can run it")
        }
        (true, ..) => "on every machine that can run it".to_owned(),
        (false, ..) => {
            let current = unit.current.map_or("unknown", TargetState::as_str);
            place.map_or_else(
                || format!("is {current}, on no machine"),
                |place| format!("is {current} on {place}"),
            )
        }
    };
    let why = unit.reason.as_deref().map(|reason| indented("why", reason)).unwrap_or_default();
    format!("{wanted}, {is}\n{why}")
}

/// What went wrong last on one machine.
pub(super) fn error(text: &str) -> String {
    indented("error", text)
}

/// Text from outside, which may have several lines and must not steer the terminal.
fn indented(label: &str, text: &str) -> String {
    let text = text.trim_end().replace(|c: char| c.is_control() && c != '\n', "?");
    format!("  {label}: {}\n", text.replace('\n', "\n    "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::UnitName;
    use cluster::unit_file::UnitFile;

    fn unit() -> Unit {
        Unit {
            name: UnitName::parse("a.service").unwrap(),
            file: UnitFile::parse("").unwrap(),
            desired: TargetState::Launched,
            current: Some(TargetState::Launched),
            machine: None,
            global: false,
            launched: None,
            eligible: None,
            reason: None,
        }
    }

    #[test]
    fn a_unit_is_wanted_and_is() {
        let there = headline(&unit(), Some("9678f7a7.../10.99.0.13"));
        assert_eq!(there, "a.service: wanted launched, is launched on 9678f7a7.../10.99.0.13\n");
        let pending = Unit {
            current: Some(TargetState::Inactive),
            reason: Some("no machine can run it:\u{1b} m1\nm2".to_owned()),
            ..unit()
        };
        assert_eq!(
            headline(&pending, None),
            "a.service: wanted launched, is inactive, on no machine\n  why: no machine can run it:? m1\n    m2\n"
        );
    }

    #[test]
    fn a_global_unit_is_on_so_many() {
        let counted = Unit { global: true, launched: Some(2), eligible: Some(3), ..unit() };
        assert_eq!(
            headline(&counted, None),
            "a.service: wanted launched, launched on 2 of 3 machines that can run it\n"
        );
        let uncounted = Unit { global: true, ..unit() };
        assert_eq!(
            headline(&uncounted, None),
            "a.service: wanted launched, on every machine that can run it\n"
        );
    }
}
