//! The archive and the Debian package, read by the programs that users install them with.

#![expect(clippy::expect_used, reason = "a test that cannot prepare its files fails")]

mod folder;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cross::arch::Arch;
use cross::build::Programs;
use cross::deb;
use cross::digest::sha256;
use cross::pack::tar_gz;
use cross::tree::{Papers, lay_out};
use tests::install::workspace;
use tests::run::run;

use folder::Folder;

/// Packs stand-ins of programs below `folder`; what is in them does not matter here.
fn packed(folder: &Path) -> (PathBuf, PathBuf) {
    let program = |name: &str| {
        let file = folder.join(name);
        fs::write(&file, name).expect("written");
        file
    };
    let programs = Programs { agent: program("skiff-agent"), ctl: program("ctl") };
    let papers = Papers { licences: "MIT\n".to_owned(), bill: "{}\n".to_owned() };
    let (source, root) = (workspace(), folder.join("root"));
    lay_out(&root, &source, &programs, &papers).expect("laid out");
    let (archive, package) = (folder.join("skiff.tar.gz"), folder.join("skiff.deb"));
    tar_gz(&root, "skiff-1.2.3", &archive).expect("archived");
    deb::pack(&source, &root, folder, ("1.2.3", Arch::Aarch64), &package).expect("packaged");
    (archive, package)
}

fn said(words: &[&str]) -> String {
    run(words).expect("run").success().expect("success").stdout
}

#[test]
fn dpkg_reads_the_package_and_finds_everything_in_its_place() {
    let folder = Folder::new("deb");
    let (_, package) = packed(&folder.0);
    let package = package.to_string_lossy();
    let fields = said(&["dpkg-deb", "--field", &package]);
    assert!(
        fields.contains("Package: skiff\n") && fields.contains("Version: 1.2.3\nArchitecture: arm64\n"),
        "{fields}"
    );
    let listed = said(&["dpkg-deb", "--contents", &package]);
    for line in [
        "-rwxr-xr-x root/root",
        "./usr/bin/fleetctl -> ctl",
        "./usr/bin/fleetd -> skiff-agent",
        "./usr/lib/systemd/system/fleet.service",
        "./usr/lib/sysusers.d/fleet.conf",
        "./usr/share/doc/skiff/THIRD-PARTY",
        "./etc/fleet/fleet.conf",
    ] {
        assert!(listed.contains(line), "{line} is not in\n{listed}");
    }
    let control = folder.0.join("unpacked");
    let tree = control.to_string_lossy();
    said(&["dpkg-deb", "--raw-extract", &package, &tree]);
    assert_eq!(
        fs::read_to_string(control.join("DEBIAN/conffiles")).expect("read"),
        "/etc/fleet/fleet.conf\n"
    );
    let mode = fs::metadata(control.join("DEBIAN/postinst")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let checked = format!("cd {tree} && md5sum --check --quiet DEBIAN/md5sums");
    said(&["sh", "-c", &checked]);
}

#[test]
fn an_archive_has_the_same_files_under_one_folder() {
    let folder = Folder::new("tar");
    let (archive, package) = packed(&folder.0);
    let names = |text: String, prefix: &str| {
        let mut names: Vec<String> = text.lines().map(|line| line.replacen(prefix, "", 1)).collect();
        names.sort();
        names
    };
    let archived = names(said(&["tar", "--list", "--file", &archive.to_string_lossy()]), "skiff-1.2.3");
    let line = format!("dpkg-deb --fsys-tarfile {} | tar --list", package.display());
    assert_eq!(archived, names(said(&["sh", "-c", &line]), "."));
}

#[test]
fn the_same_files_make_the_same_bytes() {
    let (one, two) = (Folder::new("same-one"), Folder::new("same-two"));
    let (archive, package) = packed(&one.0);
    let (archive_again, package_again) = packed(&two.0);
    assert_eq!(sha256(&archive), sha256(&archive_again));
    assert_eq!(sha256(&package), sha256(&package_again));
}

#[test]
fn maintainer_scripts_are_sound_shell() {
    for script in ["dist/debian/postinst", "dist/debian/prerm", "dist/debian/postrm", "cross/cloud/setup"] {
        said(&["sh", "-n", &workspace().join(script).to_string_lossy()]);
    }
}
