//! The licences of everything that is linked, as one text that goes with the binaries: each crate's own files word for
//! word, from the sources cargo compiled.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ::tests::failure::{Failure, Outcome};

use crate::build::cargo_home;
use crate::linked::Linked;
use crate::tools::Tools;

/// How the names of files begin in which crates put their licences.
const BEGINNINGS: [&str; 4] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT"];

/// The text. Our own licence stands apart, as `LICENSE`.
///
/// # Errors
/// The sources of a crate are not where cargo puts them.
pub fn text(linked: &[Linked], tools: &Tools) -> Outcome<String> {
    let mut text = String::from(
        "What is linked into skiff-agent and ctl beside their own code (see LICENSE), and its licences.\n\
         Rust's standard library is under MIT OR Apache-2.0: https://www.rust-lang.org/policies/licenses\n",
    );
    for one in linked.iter().filter(|one| !one.ours) {
        let _ = write!(text, "\n==== {} {}: {}\n", one.name, one.version, one.licence);
        for file in files(&source(one)?)? {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let _ = write!(text, "\n---- {name}\n{}\n", read(&file)?.trim_end());
        }
    }
    let musl = read(&tools.musl_licence())?;
    let _ = write!(text, "\n==== musl, the C library: MIT\n\n{}\n", musl.trim_end());
    Ok(text)
}

/// Where cargo keeps the crate's source: below a folder for each registry.
fn source(one: &Linked) -> Outcome<PathBuf> {
    let registries = cargo_home().join("registry/src");
    let name = format!("{}-{}", one.name, one.version);
    let mut folders = fs::read_dir(&registries)
        .map_err(|cause| Failure::during(format!("list {}", registries.display()), cause))?
        .flatten()
        .map(|registry| registry.path().join(&name));
    let found = folders.find(|folder| folder.is_dir());
    found.ok_or_else(|| Failure::new(format!("{}: no source of {name}", registries.display())))
}

/// The licence files of a crate, by name; none is possible, the expression stands anyway.
fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).map_err(|cause| Failure::during(format!("list {}", folder.display()), cause))?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        file.is_file() && BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
    });
    files.sort();
    Ok(files)
}

fn read(file: &Path) -> Outcome<String> {
    let bytes = fs::read(file).map_err(|cause| Failure::during(format!("read {}", file.display()), cause))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
