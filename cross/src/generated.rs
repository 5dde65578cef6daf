//! Texts that ctl itself prints and a package installs: completions of shells now, pages of manual by a row more. They
//! are the same for every architecture, so they are asked of a ctl that was built for this machine.

use std::path::Path;

use ::tests::cargo;
use ::tests::failure::Outcome;
use ::tests::run::{Ran, finish};

use crate::tree::write;

/// The words ctl is called with, and where what it prints goes. A command that its help does not list is left out.
const PRINTED: [(&[&str], &str); 3] = [
    (&["completion", "bash"], "usr/share/bash-completion/completions/ctl"),
    (&["completion", "fish"], "usr/share/fish/vendor_completions.d/ctl.fish"),
    (&["completion", "zsh"], "usr/share/zsh/vendor-completions/_ctl"),
];

/// Writes them below `root`.
///
/// # Errors
/// ctl cannot be built, or one of its commands fails.
pub fn lay_out(source: &Path, root: &Path) -> Outcome {
    let help = ctl(source, &["help"])?.stdout;
    for (words, path) in
        PRINTED.iter().filter(|(words, _)| words.first().is_some_and(|word| lists(&help, word)))
    {
        write(&root.join(path), ctl(source, words)?.stdout.as_bytes(), 0o644)?;
    }
    Ok(())
}

fn ctl(source: &Path, words: &[&str]) -> Outcome<Ran> {
    let mut call = cargo::command(&["run", "--quiet", "--locked", "--package", "ctl", "--"]);
    call.current_dir(source).args(words);
    finish(call, &[])?.success()
}

/// Whether a line of the help begins with that command.
fn lists(help: &str, command: &str) -> bool {
    help.lines().any(|line| line.split_whitespace().next() == Some(command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_listed_at_the_beginning_of_a_line() {
        let help = "Commands:\n    cat         print a unit's completion\n    completion  print a script\n";
        assert!(lists(help, "completion") && lists(help, "cat") && !lists(help, "unit's"));
    }
}
