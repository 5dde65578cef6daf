//! Archives whose bytes hang on their content alone: names sorted, owned by root, one date for everything.

use std::fs;
use std::path::{Path, PathBuf};

use ::tests::failure::{Failure, Outcome};
use ::tests::run::run;

use crate::arch::Arch;
use crate::digest::sha256;
use crate::tree::copy;

/// The date of every file in an archive, in seconds since 1970, unless `SOURCE_DATE_EPOCH` says another.
const DATE_SECS: &str = "1767225600";

/// The list of all sums.
pub(crate) const SUMS: &str = "SHA256SUMS";

/// Packs a folder's content, with the names beginning with `prefix`, into a `.tar.gz`.
///
/// # Errors
/// tar or gzip fails.
pub fn tar_gz(folder: &Path, prefix: &str, archive: &Path) -> Outcome {
    let date = std::env::var("SOURCE_DATE_EPOCH").unwrap_or_else(|_| DATE_SECS.to_owned());
    let tar = archive.with_extension("");
    let (tar_name, mtime) = (tar.display().to_string(), format!("--mtime=@{date}"));
    let (folder, transform) =
        (format!("--directory={}", folder.display()), format!("--transform=s,^\\.,{prefix},S"));
    let words = ["tar", "--create", "--format=gnu", "--sort=name", "--owner=root:0", "--group=root:0"];
    let mut words = words.to_vec();
    words.extend([&mtime, &folder, &transform, "--file", &tar_name, "."]);
    run(&words)?.success()?;
    run(&["gzip", "--best", "--no-name", "--force", &tar_name])?.success().map(drop)
}

/// A copy of a file, compressed, beside our other results.
///
/// # Errors
/// It cannot be read or written.
pub fn gz(file: &Path, result: &Path) -> Outcome {
    let plain = result.with_extension("");
    copy(file, &plain, 0o644)?;
    run(&["gzip", "--best", "--no-name", "--force", &plain.to_string_lossy()])?.success().map(drop)
}

/// Writes `SHA256SUMS` for all files of a folder, in the form that `sha256sum --check` reads.
///
/// # Errors
/// A file cannot be read, or the list not written.
pub fn sums(folder: &Path) -> Outcome {
    let list = folder.join(SUMS);
    let mut text = String::new();
    for file in files(folder)?.iter().filter(|file| **file != list) {
        let name = file.strip_prefix(folder).unwrap_or(file);
        text.push_str(&format!("{}  {}\n", sha256(file)?, name.display()));
    }
    fs::write(&list, text).map_err(|cause| Failure::during(format!("write {}", list.display()), cause))
}

/// All files below a folder, in order.
///
/// # Errors
/// One cannot be listed.
pub fn files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let entries =
        fs::read_dir(folder).map_err(|cause| Failure::during(format!("list {}", folder.display()), cause))?;
    let mut found = Vec::new();
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The name of a file of this release.
#[must_use]
pub fn release_name(version: &str, arch: Arch) -> String {
    format!("skiff-{version}-{arch}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_same_content_packs_to_the_same_bytes() {
        let base = std::env::temp_dir().join(format!("skiff-pack-{}", std::process::id()));
        let sums: Vec<String> = ["one", "two"]
            .iter()
            .map(|name| {
                let folder = base.join(name);
                fs::create_dir_all(folder.join("b")).unwrap();
                // Made in another order; only names, modes and bytes count.
                let names = if *name == "one" { ["a", "b/c"] } else { ["b/c", "a"] };
                for file in names {
                    fs::write(folder.join(file), file).unwrap();
                    fs::set_permissions(folder.join(file), fs::Permissions::from_mode(0o644)).unwrap();
                }
                let archive = base.join(format!("{name}.tar.gz"));
                tar_gz(&folder, "skiff", &archive).unwrap();
                sha256(&archive).unwrap()
            })
            .collect();
        let listed = run(&["tar", "--list", "--file", &base.join("one.tar.gz").to_string_lossy()]).unwrap();
        fs::remove_dir_all(base).unwrap();
        assert_eq!(sums[0], sums[1]);
        assert_eq!(listed.stdout, "skiff/\nskiff/a\nskiff/b/\nskiff/b/c\n");
    }
}
