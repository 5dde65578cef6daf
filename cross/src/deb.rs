//! A Debian package: an `ar` archive of a version, a control archive and the tree. Written here, so that releases can be
//! made on any distribution.

use std::fs;
use std::path::Path;

use ::tests::failure::{Failure, Outcome};
use ::tests::run::run;

use crate::arch::Arch;
use crate::pack::{files, tar_gz};
use crate::tree::{CONFIGURATION, write};

/// Where the maintainer scripts lie in the repository.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];

/// Writes the package of the tree below `root` as `package`, with `scratch` for the control files.
///
/// # Errors
/// A script is missing, or a file cannot be read or written.
pub fn pack(
    source: &Path,
    root: &Path,
    scratch: &Path,
    (version, arch): (&str, Arch),
    package: &Path,
) -> Outcome {
    let control = scratch.join("control");
    if control.exists() {
        fs::remove_dir_all(&control)
            .map_err(|cause| Failure::during(format!("remove {}", control.display()), cause))?;
    }
    write(&control.join("control"), fields(version, arch, installed_kib(root)?).as_bytes(), 0o644)?;
    write(&control.join("conffiles"), format!("/{CONFIGURATION}\n").as_bytes(), 0o644)?;
    write(&control.join("md5sums"), md5sums(root)?.as_bytes(), 0o644)?;
    for script in SCRIPTS {
        crate::tree::copy(&source.join("dist/debian").join(script), &control.join(script), 0o755)?;
    }
    let mut members = vec![("debian-binary", b"2.0\n".to_vec())];
    for (name, folder) in [("control.tar.gz", control.as_path()), ("data.tar.gz", root)] {
        let archive = scratch.join(name);
        tar_gz(folder, ".", &archive)?;
        let bytes = fs::read(&archive)
            .map_err(|cause| Failure::during(format!("read {}", archive.display()), cause))?;
        members.push((name, bytes));
    }
    write(package, &ar(&members), 0o644)
}

fn fields(version: &str, arch: Arch, kib: u64) -> String {
    format!(
        "Package: skiff\nVersion: {version}\nArchitecture: {}\nMaintainer: the Skiff project <skiff@localhost>\n\
         Installed-Size: {kib}\nDepends: systemd (>= 239)\nSuggests: openssh-client\nSection: admin\nPriority: optional\n\
         Description: systemd units across a cluster of small machines\n \
         An agent on each machine and a command line run ordinary systemd units somewhere in the cluster, and somewhere\n \
         else when a machine dies. Both are static programs; they need systemd, and an etcd somewhere.\n",
        arch.debian()
    )
}

fn installed_kib(root: &Path) -> Outcome<u64> {
    let sizes = files(root)?.into_iter().map(|file| {
        fs::symlink_metadata(&file)
            .map(|found| found.len().div_ceil(1024))
            .map_err(|cause| Failure::during(format!("read {}", file.display()), cause))
    });
    sizes.sum()
}

/// What `dpkg --verify` compares with: every file but links and configuration.
fn md5sums(root: &Path) -> Outcome<String> {
    let mut text = String::new();
    for file in files(root)?.iter().filter(|file| !file.is_symlink()) {
        let name = file.strip_prefix(root).unwrap_or(file).display().to_string();
        if name == CONFIGURATION {
            continue;
        }
        let printed = run(&["md5sum", "--", &file.to_string_lossy()])?.success()?.stdout;
        let sum = printed.split_whitespace().next().unwrap_or_default();
        text.push_str(&format!("{sum}  {name}\n"));
    }
    Ok(text)
}

/// The common form of `ar`: a head of 60 bytes for each member, members at even offsets.
fn ar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, content) in members {
        let head = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len());
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(content);
        if content.len() % 2 == 1 {
            bytes.push(b'\n');
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_stand_at_even_offsets_behind_heads_of_60_bytes() {
        let archive = ar(&[("a", b"odd".to_vec()), ("debian-binary", b"2.0\n".to_vec())]);
        assert_eq!(archive.len(), 8 + 60 + 4 + 60 + 4);
        assert_eq!(&archive[8..10], b"a ");
        assert_eq!(&archive[72..85], b"debian-binary");
        assert_eq!(&archive[56..58], b"3 ");
    }
}
