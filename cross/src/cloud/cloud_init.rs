//! cloud-init's own form: files, and commands that start what the files describe.

use std::fmt::Write as _;

use super::Way;
use super::template::{Content, File, Parts};
use super::yaml::{block, quoted};

/// What both forms of `#cloud-config` begin with.
pub(super) fn head(form: &str) -> String {
    format!(
        "#cloud-config\n# Skiff, for {form}. Edit the lines of /etc/fleet/fleet.conf below; made by `cargo cross`.\n"
    )
}

/// `write_files:`, which both forms of `#cloud-config` share.
pub(super) fn files(into: &mut String, files: &[File]) {
    into.push_str("write_files:\n");
    for File { path, mode, content } in files {
        let _ = writeln!(into, "  - path: {path}\n    owner: root:root\n    permissions: \"{mode:04o}\"");
        match content {
            Content::Text(text) => block(into, 4, "content", text),
            Content::Program(program) => {
                let _ = writeln!(into, "    encoding: gz+b64\n    content: {}", quoted(&program.inline));
            }
        }
    }
}

pub(super) fn write(parts: &Parts, way: Way) -> String {
    let mut text = head("cloud-init");
    let mut all = parts.without_fetching(way);
    for unit in &parts.units {
        let folder = format!("/etc/systemd/system/{}", unit.name);
        let lines = unit.dropins.iter().map(|(name, lines)| (format!("{folder}.d/{name}"), lines));
        for (path, content) in std::iter::once((folder.clone(), &unit.content)).chain(lines) {
            all.push(File { path, mode: 0o644, content: Content::Text(content.clone()) });
        }
    }
    files(&mut text, &all);
    text.push_str("runcmd:\n  - [systemctl, daemon-reload]\n");
    for unit in parts.units.iter().filter(|unit| unit.is_enabled()) {
        let _ = writeln!(text, "  - [systemctl, enable, {}]", unit.name);
    }
    for unit in &parts.units {
        // The agent is up once etcd is, which may be later than the end of cloud-init.
        let wait = if unit.content.contains("\nType=notify\n") { "--no-block, " } else { "" };
        let _ = writeln!(text, "  - [systemctl, {wait}start, {}]", unit.name);
    }
    text
}
