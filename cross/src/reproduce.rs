//! Proof that a build does not depend on where it is made: the tree is copied to another folder, built there into a
//! target folder of its own, and everything that comes out is compared byte by byte.

use std::fs;
use std::path::{Path, PathBuf};

use ::tests::failure::{Failure, Outcome};

use crate::arch::Arch;
use crate::digest::sha256;
use crate::pack::{SUMS, files};
use crate::release::{Order, release};
use crate::tree::copy;

/// Folders of a checkout that are no part of the source.
const NO_SOURCE: [&str; 2] = ["target", ".git"];

/// Builds and packs `source` a second time, elsewhere, and compares with what lies in `results`.
///
/// # Errors
/// A file differs or is missing, or the build fails.
pub fn compare(source: &Path, results: &Path, archs: &[Arch], std_source: Option<&Path>) -> Outcome {
    let elsewhere = std::env::temp_dir().join(format!("skiff-again-{}", std::process::id()));
    let compared = copy_source(source, &elsewhere.join("copy/of/it")).and_then(|()| {
        let source = elsewhere.join("copy/of/it");
        let target = elsewhere.join("other-target");
        let again = elsewhere.join("results");
        release(&Order { source: &source, target: &target, results: &again, archs, std_source })?;
        same(results, &again)
    });
    let _ = fs::remove_dir_all(&elsewhere);
    compared
}

fn copy_source(from: &Path, to: &Path) -> Outcome {
    let entries =
        fs::read_dir(from).map_err(|cause| Failure::during(format!("list {}", from.display()), cause))?;
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if NO_SOURCE.iter().any(|folder| name == **folder) {
            continue;
        }
        let there = to.join(&name);
        if path.is_dir() {
            copy_source(&path, &there)?;
        } else if path.is_file() {
            copy(&path, &there, 0o644)?;
        }
    }
    Ok(())
}

/// Every file of the second folder is in the first, with the same bytes.
fn same(first: &Path, second: &Path) -> Outcome {
    let mut again: Vec<PathBuf> = files(second)?;
    // The list of sums has what else lies in the folder, cloud-configs among it.
    again.retain(|file| !file.ends_with(SUMS));
    let mut other = Vec::new();
    for file in &again {
        let name = file.strip_prefix(second).unwrap_or(file);
        match sha256(&first.join(name)) {
            Ok(sum) if sum == sha256(file)? => {}
            _ => other.push(name.display().to_string()),
        }
    }
    match (again.is_empty(), other.is_empty()) {
        (false, true) => Ok(()),
        (true, _) => Err(Failure::new("the second build left no file")),
        _ => Err(Failure::new(format!("built elsewhere, these are other bytes: {}", other.join(", ")))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_of_difference_is_found() {
        let base = std::env::temp_dir().join(format!("skiff-same-{}", std::process::id()));
        let put =
            |name: &str, text: &str| crate::tree::write(&base.join(name), text.as_bytes(), 0o644).unwrap();
        put("one/a", "text");
        put("two/a", "text");
        assert_eq!(same(&base.join("one"), &base.join("two")), Ok(()));
        put("two/a", "Text");
        put("two/b", "");
        let failure = same(&base.join("one"), &base.join("two")).unwrap_err().to_string();
        fs::remove_dir_all(&base).unwrap();
        assert!(failure.ends_with("a, b"), "{failure}");
    }
}
