//! Calling cargo from a program that cargo runs. What it told that program about its package must not reach the cargo
//! below: build scripts that look at such variables (ring's does) would be run again, and half the workspace with them.

use std::process::Command;

use crate::install::workspace;

/// What cargo sets for the programs it runs, apart from `CARGO_HOME`, `CARGO_TARGET_DIR` and other settings of a user.
const TOLD: [&str; 6] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"];

/// cargo with these words, in the workspace's folder, with the environment a user's shell would give it.
#[must_use]
pub fn command(words: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(words).current_dir(workspace());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if TOLD.iter().any(|told| text.starts_with(told)) {
            command.env_remove(&name);
        }
    }
    command
}
