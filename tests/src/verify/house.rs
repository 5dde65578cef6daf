//! The house rules that no other tool checks: what every source file begins with and how long it may be, what may not
//! stand in one, and the documents that have to be there.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};

/// The most lines of a source file.
const FILE_LINES: usize = 400;

/// Documents of the repository's root.
const DOCUMENTS: [&str; 7] = [
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "SPECIFICATION.md",
    "deny.toml",
];

/// Files that a package installs.
const SHIPPED: [&str; 7] = [
    "dist/debian/postinst",
    "dist/debian/postrm",
    "dist/debian/prerm",
    "dist/fleet.conf",
    "dist/fleet.service",
    "dist/fleet.socket",
    "dist/sysusers.d/fleet.conf",
];

/// Words that say something is not done; put together here, so that this file has none of them.
const UNDONE: [&str; 4] =
    [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("todo", "!("), concat!("XX", "X:")];

/// Files that may have unsafe code, and the crate that has one of them; SECURITY.md says why each is right.
const UNSAFE: [&str; 6] = [
    "systemd-shim/src/activation.rs",
    "systemd-shim/src/c_heap.rs",
    "systemd-shim/src/heap.rs",
    "systemd-shim/src/program_pages.rs",
    "systemd-shim/src/stack.rs",
    "tests/sim/src/fiber.rs",
];
const UNSAFE_CRATES: [&str; 2] = ["systemd-shim/src/lib.rs", "tests/sim/src/lib.rs"];

/// Checks the tree below `root`.
///
/// # Errors
/// Every breach, a line each.
pub fn check(root: &Path) -> Outcome {
    let mut breaches: Vec<String> = Vec::new();
    for name in DOCUMENTS.iter().chain(&SHIPPED) {
        if fs::metadata(root.join(name)).is_ok_and(|file| file.len() > 0) {
            continue;
        }
        breaches.push(format!("{name}: missing or empty"));
    }
    let mut files = Vec::new();
    sources(root, &mut files);
    for file in &files {
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        match fs::read_to_string(file) {
            Ok(text) => {
                let found = breaches_of(&text).into_iter().chain(unsafe_code(&name, &text));
                breaches.extend(found.map(|breach| format!("{name}: {breach}")))
            }
            Err(cause) => breaches.push(format!("{name}: {cause}")),
        }
    }
    if files.is_empty() {
        breaches.push(format!("{}: no source file found", root.display()));
    }
    if breaches.is_empty() { Ok(()) } else { Err(Failure::new(breaches.join("\n"))) }
}

fn breaches_of(text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    if !text.starts_with("//!") {
        breaches.push("does not begin with //! and what it is for".to_owned());
    }
    let lines = text.lines().count();
    if lines > FILE_LINES {
        breaches.push(format!("{lines} lines, {FILE_LINES} at most"));
    }
    for (number, line) in text.lines().enumerate() {
        if let Some(word) = UNDONE.iter().find(|word| line.contains(**word)) {
            breaches.push(format!("line {}: {word}", number + 1));
        }
    }
    breaches
}

/// Whether unsafe code stays where it is known to be.
fn unsafe_code(name: &str, text: &str) -> Option<String> {
    let is_root =
        ["src/lib.rs", "src/main.rs"].iter().any(|end| name.ends_with(end)) || name.contains("src/bin/");
    if is_root && !UNSAFE_CRATES.contains(&name) && !text.contains("#![forbid(unsafe_code)]") {
        return Some("a crate without #![forbid(unsafe_code)]".to_owned());
    }
    let allows =
        text.contains(concat!("allow(", "unsafe_code)")) || text.contains(concat!("expect(", "unsafe_code"));
    (allows && !UNSAFE.contains(&name)).then(|| "unsafe code that SECURITY.md does not list".to_owned())
}

/// All `.rs` files, without what cargo made and what hides.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsafe_code_is_where_it_is_known_to_be() {
        let safe = "//! A crate.\n\n#![forbid(unsafe_code)]\n";
        assert_eq!(unsafe_code("ctl/src/lib.rs", safe), None);
        assert!(unsafe_code("ctl/src/lib.rs", "//! A crate.\n").is_some());
        assert!(unsafe_code("ctl/src/main.rs", "//! A crate.\n").is_some());
        assert_eq!(unsafe_code("systemd-shim/src/lib.rs", "//! A crate.\n"), None);
        let allows = concat!("#[allow(", "unsafe_code)]");
        assert!(unsafe_code("ctl/src/age.rs", allows).is_some());
        assert_eq!(unsafe_code(UNSAFE[0], allows), None);
        assert!(
            std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../SECURITY.md"))
                .unwrap()
                .contains(UNSAFE[0])
        );
    }

    #[test]
    fn each_rule_is_enforced() {
        assert_eq!(breaches_of("//! What it is for.\nfn one() {}\n"), Vec::<String>::new());
        assert!(breaches_of("fn one() {}\n").concat().contains("//!"));
        let long = format!("//! Long.\n{}", "\n".repeat(FILE_LINES));
        assert!(breaches_of(&long).concat().contains("401 lines"));
        let undone = format!("//! Half.\n// {}: the other half\n", concat!("TO", "DO"));
        assert!(breaches_of(&undone).concat().starts_with("line 2"));
    }
}
