//! Butane, from which Flatcar and Fedora CoreOS make Ignition files: the form for people of what `ignition.rs` writes.

use std::fmt::Write as _;

use super::template::{Content, File, Parts};
use super::yaml::{block, quoted};
use super::{Way, ignition};

/// For Flatcar; the same lines are right for Fedora CoreOS with the other two.
const HEAD: &str = "\
# Skiff, for Flatcar. Edit the lines of /etc/fleet/fleet.conf below; made by `cargo cross`.
# For Fedora CoreOS: variant fcos, version 1.4.0.
variant: flatcar
version: 1.0.0
";

pub(super) fn write(parts: &Parts, way: Way) -> String {
    let mut text = String::from(HEAD);
    text.push_str("storage:\n  files:\n");
    for File { path, mode, content } in &parts.files {
        let _ = writeln!(
            text,
            "    - path: {path}\n      mode: 0{mode:03o}\n      overwrite: true\n      contents:"
        );
        match content {
            Content::Text(lines) => block(&mut text, 8, "inline", lines),
            Content::Program(program) => {
                let _ = writeln!(
                    text,
                    "        source: {}\n        compression: gzip\n        verification:\n          hash: {}",
                    quoted(&ignition::source(program, way)),
                    ignition::hash(program)
                );
            }
        }
    }
    text.push_str("systemd:\n  units:\n");
    for unit in &parts.units {
        let _ = writeln!(text, "    - name: {}\n      enabled: {}", unit.name, unit.is_enabled());
        block(&mut text, 6, "contents", &unit.content);
        if !unit.dropins.is_empty() {
            text.push_str("      dropins:\n");
        }
        for (name, lines) in &unit.dropins {
            let _ = writeln!(text, "        - name: {name}");
            block(&mut text, 10, "contents", lines);
        }
    }
    text
}
