//! What is shipped beside the binaries for people and shells: man pages and completion scripts, by the path below a
//! prefix such as `/usr`. Made from the definition of the commands and from the commented configuration file; written by
//! `cargo run -p ctl --example documents`. Nothing here is part of the program.

mod conf;
mod manual;
mod roff;

use crate::args::definition;
use crate::complete::script;

/// The configuration of the agent, each key with its comment.
const CONFIGURATION: &str = include_str!("../../dist/fleet.conf");
/// The agent has two flags, which are not worth a generator; a test of the agent sees that they are all there.
const AGENT_PAGE: &str = include_str!("../../dist/man/skiff-agent.8");

/// Every document: where it goes, and its text.
#[must_use]
pub fn all() -> Vec<(&'static str, String)> {
    let script = |shell| script(shell).unwrap_or_default().to_owned();
    vec![
        ("share/man/man1/ctl.1", manual::page("ctl", &definition())),
        ("share/man/man1/fleetctl.1", ".so man1/ctl.1\n".to_owned()),
        ("share/man/man5/fleet.conf.5", conf::page(CONFIGURATION)),
        ("share/man/man8/skiff-agent.8", AGENT_PAGE.to_owned()),
        ("share/man/man8/fleetd.8", ".so man8/skiff-agent.8\n".to_owned()),
        ("share/bash-completion/completions/ctl", script("bash")),
        ("share/bash-completion/completions/fleetctl", script("bash")),
        ("share/zsh/vendor-completions/_ctl", script("zsh")),
        ("share/fish/vendor_completions.d/ctl.fish", script("fish")),
        ("share/fish/vendor_completions.d/fleetctl.fish", script("fish")),
    ]
}
