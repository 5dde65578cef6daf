//! The form of CoreOS Container Linux, whose `#cloud-config` has files and a section of units instead of commands.

use std::fmt::Write as _;

use super::template::{Parts, Unit};
use super::yaml::block;
use super::{Way, cloud_init};

pub(super) fn write(parts: &Parts, way: Way) -> String {
    let mut text = cloud_init::head("CoreOS");
    cloud_init::files(&mut text, &parts.without_fetching(way));
    text.push_str("coreos:\n  units:\n");
    for unit in &parts.units {
        self::unit(&mut text, unit);
    }
    text
}

fn unit(text: &mut String, unit: &Unit) {
    let _ = writeln!(text, "    - name: {}", unit.name);
    if unit.is_enabled() {
        text.push_str("      enable: true\n");
    }
    text.push_str("      command: start\n");
    block(text, 6, "content", &unit.content);
    if !unit.dropins.is_empty() {
        text.push_str("      drop-ins:\n");
    }
    for (name, lines) in &unit.dropins {
        let _ = writeln!(text, "        - name: {name}");
        block(text, 10, "content", lines);
    }
}
