//! The sizes of the useful combinations of features, as the table of the README.

use std::path::Path;

use ::tests::failure::Outcome;

use crate::arch::Arch;
use crate::build::{COMBINATIONS, Job};
use crate::check::check;
use crate::tools::Tools;

/// Builds every combination and gives the table.
///
/// # Errors
/// One cannot be built.
pub fn table(source: &Path, target: &Path, archs: &[Arch], std_source: Option<&Path>) -> Outcome<String> {
    let tools = Tools::ensure()?;
    let mut table = String::from("| | architecture | `skiff-agent` | `ctl` |\n| --- | --- | --- | --- |\n");
    // The shipped one last, so that its files are what is left in the target folder.
    for features in COMBINATIONS.into_iter().rev() {
        for arch in archs.iter().copied() {
            let programs = Job { source, target, arch, features, names: false, std_source }.run(&tools)?;
            let [agent, ctl] = check(arch, features, &programs)?;
            table.push_str(&format!(
                "| {} | {arch} | {} | {} |\n",
                features.name,
                kb(agent.bytes),
                kb(ctl.bytes)
            ));
        }
    }
    Ok(table)
}

/// Thousands of bytes, as people count file sizes.
#[must_use]
pub fn kb(bytes: u64) -> String {
    format!("{} kB", bytes.div_ceil(1000))
}
