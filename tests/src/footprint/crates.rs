//! What the binaries are made of: their size, whether they are static, how many crates are linked, under which licences.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::cargo;
use crate::failure::{Failure, Outcome};
use crate::run::finish;

/// The loaders that a dynamic program names; a static one names none.
const LOADERS: [&[u8]; 2] = [b"/ld-linux-x86-64.so", b"/ld-linux-aarch64.so"];

/// A program file.
#[derive(Clone, Copy, Debug)]
pub struct ProgramFile {
    /// Its size.
    pub bytes: u64,
    /// It needs no library.
    pub is_static: bool,
}

/// Looks at a program file.
///
/// # Errors
/// When it cannot be read.
pub fn program_file(path: &Path) -> Outcome<ProgramFile> {
    let content =
        fs::read(path).map_err(|cause| Failure::during(format!("read {}", path.display()), cause))?;
    let names = |loader: &[u8]| content.windows(loader.len()).any(|window| window == loader);
    let is_static = !LOADERS.iter().any(|loader| names(loader));
    Ok(ProgramFile { bytes: content.len().try_into().unwrap_or(u64::MAX), is_static })
}

/// Crates of others that a package links, and the licences they come under.
///
/// # Errors
/// When cargo cannot say.
pub fn linked(package: &str) -> Outcome<(usize, BTreeSet<String>)> {
    let words = ["tree", "--package", package, "--edges", "normal,no-proc-macro", "--prefix", "none"];
    let mut call = cargo::command(&words);
    call.args(["--format", "{p}|{l}"]);
    let tree = finish(call, &[])?.success()?.stdout;
    // Those of the workspace are shown with their folder.
    let others: BTreeSet<(&str, &str)> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter_map(|line| line.split_once('|'))
        .filter(|(name, _)| !name.contains('('))
        .collect();
    let licences = others.iter().map(|(_, licence)| (*licence).to_owned()).collect();
    Ok((others.len(), licences))
}
