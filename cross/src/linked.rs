//! What is linked into the programs: our own crates, those from the registry with their licences and checksums, the
//! standard library and the C library. Asked of `cargo tree`, and read from `Cargo.lock`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use ::tests::cargo;
use ::tests::failure::{Failure, Outcome};
use ::tests::run::finish;

use crate::arch::Arch;
use crate::build::Features;

/// One thing that is linked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Linked {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The licence expression, in SPDX's words.
    pub licence: String,
    /// SHA-256 of the package in the registry; `None` for what comes from no registry.
    pub checksum: Option<String>,
    /// It is part of this repository.
    pub ours: bool,
}

/// Every crate that is linked into one of the programs, in order; what only runs while building is left out.
///
/// # Errors
/// cargo fails, or a crate names no licence.
pub fn crates(source: &Path, arch: Arch, features: Features) -> Outcome<Vec<Linked>> {
    let mut call = cargo::command(&["tree", "--locked", "--prefix", "none", "--no-dedupe"]);
    call.current_dir(source).args(["--edges", "normal,no-proc-macro", "--format", "{p}|{l}"]);
    call.args(["--package", "agent", "--package", "ctl", "--target", arch.triple()]).args(features.words);
    let printed = finish(call, &[])?.success()?.stdout;
    let lock = source.join("Cargo.lock");
    let lock = fs::read_to_string(&lock)
        .map_err(|cause| Failure::during(format!("read {}", lock.display()), cause))?;
    read(&printed, &checksums(&lock))
}

fn read(tree: &str, checksums: &BTreeMap<String, String>) -> Outcome<Vec<Linked>> {
    let mut found = BTreeSet::new();
    for line in tree.lines().filter(|line| !line.is_empty()) {
        let odd = || Failure::new(format!("cargo tree printed {line:?}"));
        let (package, licence) = line.split_once('|').ok_or_else(odd)?;
        let mut words = package.split_whitespace();
        let (name, version) = (words.next().ok_or_else(odd)?, words.next().ok_or_else(odd)?);
        let version = version.strip_prefix('v').ok_or_else(odd)?;
        if licence.is_empty() {
            return Err(Failure::new(format!("{name} {version} names no licence")));
        }
        found.insert(Linked {
            name: name.to_owned(),
            version: version.to_owned(),
            // Old crates write "MIT/Apache-2.0".
            licence: licence.replace('/', " OR "),
            checksum: checksums.get(&format!("{name} {version}")).cloned(),
            ours: package.contains('('),
        });
    }
    Ok(found.into_iter().collect())
}

/// `name version` to checksum, from the text of `Cargo.lock`.
fn checksums(lock: &str) -> BTreeMap<String, String> {
    let mut sums = BTreeMap::new();
    for package in lock.split("[[package]]").skip(1) {
        let value = |key: &str| {
            let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
            line.and_then(|value| value.strip_suffix('"'))
        };
        if let (Some(name), Some(version), Some(sum)) = (value("name"), value("version"), value("checksum")) {
            sums.insert(format!("{name} {version}"), sum.to_owned());
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"abc\"\n\n\
                        [[package]]\nname = \"ours\"\nversion = \"0.1.0\"\ndependencies = [\n \"a\",\n]\n";

    #[test]
    fn crates_have_licence_and_checksum_once_each() {
        let tree = "ours v0.1.0 (/somewhere/ours)|Apache-2.0\na v1.0.0|MIT/ISC\na v1.0.0|MIT/ISC\n\n";
        let found = read(tree, &checksums(LOCK)).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].licence.as_str(), found[0].checksum.as_deref()), ("MIT OR ISC", Some("abc")));
        assert!(found[1].ours && found[1].checksum.is_none() && !found[0].ours);
    }

    #[test]
    fn a_crate_without_a_licence_is_named() {
        assert!(read("b v2.0.0|\n", &BTreeMap::new()).unwrap_err().to_string().contains("b 2.0.0"));
        assert!(read("nonsense\n", &BTreeMap::new()).is_err());
    }
}
