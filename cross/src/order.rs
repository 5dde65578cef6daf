//! The order of functions in the programs: what an idle agent executes stands together, so that the pages it needs have
//! neighbours that it needs too. `layout.ld` takes the list from `idle.order`, which is made here.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

#[cfg(target_arch = "x86_64")]
use ::tests::footprint::order::idle_functions;

use ::tests::failure::{Failure, Outcome};
use ::tests::install::Binaries;

use crate::arch::Arch;
use crate::build::{Job, SHIPPED};
use crate::tools::Tools;

/// The list, below the checkout.
pub const FILE: &str = "cross/idle.order";

const HEAD: &str = "\
/* What an idle agent executes, the most frequent first: `cargo cross order` made this list. A line that fits nothing does no
   harm. */
";

/// Builds an agent that keeps its names, watches three of them idle, and writes the list; gives its length.
///
/// # Errors
/// Not root, no x86_64, or the build or the fleet failed.
pub fn renew(source: &Path, std_source: Option<&Path>) -> Outcome<usize> {
    // Its own target folder: that of the release stays fresh.
    let target = source.join("target/order");
    let job = Job { source, target: &target, arch: Arch::X86_64, features: SHIPPED, names: true, std_source };
    let programs = job.run(&Tools::ensure()?)?;
    let folder = programs.agent.parent().unwrap_or(&target).to_path_buf();
    let lines = lines(&idle_functions(Binaries::in_folder(folder))?);
    let file = source.join(FILE);
    fs::write(&file, HEAD.to_owned() + &lines.concat())
        .map_err(|cause| Failure::during(format!("write {}", file.display()), cause))?;
    Ok(lines.len())
}

#[cfg(not(target_arch = "x86_64"))]
fn idle_functions(_: Binaries) -> Outcome<BTreeMap<String, u32>> {
    Err(Failure::new("agents can only be traced on x86_64"))
}

/// The sections of these functions, as the linker knows them, in the order of how often they were executed. What several
/// functions have in common has names that are numbers, and stands in `layout.ld`.
fn lines(names: &BTreeMap<String, u32>) -> Vec<String> {
    let mut often: BTreeMap<String, u32> = BTreeMap::new();
    for (name, times) in names.iter().filter(|(name, _)| !name.starts_with("OUTLINED_FUNCTION_")) {
        let most = often.entry(pattern(name)).or_default();
        *most = (*most).max(*times);
    }
    let mut patterns: Vec<(String, u32)> = often.into_iter().collect();
    // A stable sort: names within.
    patterns.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    patterns.into_iter().map(|(pattern, _)| format!("*(.text.{pattern})\n")).collect()
}

/// A mangled name without what changes from one build to another: the hashes of crates (`Cs4fqI2P2rA04_`), what counts
/// from them (`B5_`), and numbers that the compiler put behind it. What comes out may fit other functions as well.
fn pattern(name: &str) -> String {
    let is_rust = name.starts_with("_R");
    let (name, number) = match name.rsplit_once('.') {
        Some((name, number)) if is_rust && number.bytes().all(|byte| byte.is_ascii_digit()) => (name, ".*"),
        _ => (name, ""),
    };
    if !is_rust {
        return name.to_owned();
    }
    let mut pattern = String::new();
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        let after =
            ["Cs", "B"].iter().find_map(|mark| Some((mark, end_of_number(rest.strip_prefix(*mark)?)?)));
        match after {
            Some((mark, after)) => {
                pattern.extend([mark, "*_"]);
                rest = after;
            }
            None => {
                pattern.push(first);
                rest = rest.get(first.len_utf8()..).unwrap_or_default();
            }
        }
    }
    pattern + number
}

/// What follows a number of letters and digits that ends in `_`.
fn end_of_number(text: &str) -> Option<&str> {
    let (number, rest) = text.split_once('_')?;
    number.bytes().all(|byte| byte.is_ascii_alphanumeric()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_from_build_to_build_is_left_open() {
        for (name, expected) in [
            ("_RNvNtCsliwn2f3ACav_5agent8presence6wanted", "_RNvNtCs*_5agent8presence6wanted"),
            ("_RNvMs0_NtCs1_4ureq4poolNtB5_4Pool5purge", "_RNvMs0_NtCs*_4ureq4poolNtB*_4Pool5purge"),
            ("_RNvCsa_4http4name.3849", "_RNvCs*_4http4name.*"),
            ("compiler_rt.memcpy.memcpyFast", "compiler_rt.memcpy.memcpyFast"),
            ("send", "send"),
        ] {
            assert_eq!(pattern(name), expected);
        }
    }

    #[test]
    fn one_line_for_each_section_the_most_frequent_first_and_none_for_what_is_outlined() {
        let names =
            [("_RNvCs1_1a1b", 1), ("_RNvCs2_1a1b", 2), ("OUTLINED_FUNCTION_7", 9), ("read", 9), ("send", 9)];
        let lines = lines(&names.map(|(name, times)| (name.to_owned(), times)).into());
        assert_eq!(lines, ["*(.text.read)\n", "*(.text.send)\n", "*(.text._RNvCs*_1a1b)\n"]);
    }
}
