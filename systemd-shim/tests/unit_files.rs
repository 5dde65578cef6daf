//! Unit files and their links on a real file system: what is written, what is refused, what is left alone. No
//! systemd is needed for it.

// Clippy knows tests by their attribute; the functions around them are tests as well.
#![allow(clippy::expect_used)]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use cluster::UnitName;
use cluster::limits::UNIT_FILE_MAX_BYTES;
use scratch::Scratch;
use systemd_shim::{Paths, Scope, UnitDir, UnitLinks, Written};

mod scratch;

fn unit(text: &str) -> UnitName {
    UnitName::parse(text).expect("valid name")
}

fn open(scratch: &Scratch) -> UnitDir {
    UnitDir::open(scratch.path().join("fleet/units")).expect("opens")
}

fn links(scratch: &Scratch, units: &UnitDir) -> UnitLinks {
    let mut paths = Paths::of(Scope::System, |_| None).expect("needs no environment");
    paths.runtime_unit_dir = scratch.path().join("runtime");
    paths.machine_unit_dirs = vec![scratch.path().join("machine")];
    UnitLinks::new(&paths, units)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("exists").permissions().mode() & 0o7777
}

#[test]
fn a_file_is_created_changed_and_left_alone() {
    let scratch = Scratch::new();
    let units = open(&scratch);
    let a = unit("a.service");
    assert_eq!(mode(units.path()), 0o755);
    assert_eq!(units.read(&a).expect("reads"), None);
    assert_eq!(units.write(&a, "[Service]\n").expect("writes"), Written::Created);
    assert_eq!(units.write(&a, "[Service]\n").expect("writes"), Written::Unchanged);
    assert_eq!(units.write(&a, "[Unit]\n").expect("writes"), Written::Changed);
    assert_eq!(units.read(&a).expect("reads").as_deref(), Some("[Unit]\n"));
    assert_eq!(mode(&units.path_of(&a)), 0o644);
    assert!(units.remove(&a).expect("removes"));
    assert!(!units.remove(&a).expect("nothing there"));
}

#[test]
fn the_list_has_unit_files_of_every_type_and_nothing_else() {
    let scratch = Scratch::new();
    let units = open(&scratch);
    for name in ["a.service", "b.target", "c.slice", "d@.service", "e@1.timer"] {
        units.write(&unit(name), "").expect("writes");
    }
    fs::write(units.path().join(".hidden.service"), "").expect("written");
    fs::write(units.path().join("notes.txt"), "").expect("written");
    fs::create_dir(units.path().join("dir.service")).expect("made");
    symlink("/etc/passwd", units.path().join("link.service")).expect("linked");
    let listed: Vec<String> = units.list().expect("lists").iter().map(UnitName::to_string).collect();
    assert_eq!(listed, ["a.service", "b.target", "c.slice", "d@.service", "e@1.timer"]);
}

#[test]
fn symbolic_links_are_replaced_and_never_followed() {
    let scratch = Scratch::new();
    let units = open(&scratch);
    let victim = scratch.path().join("victim");
    fs::write(&victim, "precious").expect("written");
    symlink(&victim, units.path_of(&unit("a.service"))).expect("linked");
    let error = units.read(&unit("a.service")).expect_err("a link").to_string();
    assert!(error.ends_with("a.service: not a regular file"), "{error}");
    assert_eq!(units.write(&unit("a.service"), "new").expect("writes"), Written::Changed);
    assert_eq!(fs::read_to_string(&victim).expect("still there"), "precious");
    assert_eq!(units.read(&unit("a.service")).expect("reads").as_deref(), Some("new"));
}

#[test]
fn a_units_directory_that_is_a_link_or_relative_is_refused() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path().join("real")).expect("made");
    symlink(scratch.path().join("real"), scratch.path().join("link")).expect("linked");
    let error = UnitDir::open(scratch.path().join("link")).expect_err("a link").to_string();
    assert!(error.ends_with("link: not a directory"), "{error}");
    assert!(UnitDir::open("units").is_err());
}

#[test]
fn a_directory_that_vanished_is_made_again() {
    let scratch = Scratch::new();
    let units = open(&scratch);
    fs::remove_dir_all(scratch.path().join("fleet")).expect("removed");
    assert!(units.list().expect("lists").is_empty());
    fs::remove_dir_all(scratch.path().join("fleet")).expect("removed");
    assert_eq!(units.write(&unit("a.service"), "x").expect("writes"), Written::Created);
}

#[test]
fn an_interrupted_write_leaves_nothing_behind() {
    let scratch = Scratch::new();
    let units = open(&scratch);
    let left = units.path().join(".skiff-tmp.1.2");
    fs::write(&left, "half").expect("written");
    assert!(units.list().expect("lists").is_empty());
    open(&scratch);
    assert!(!left.exists());
}

#[test]
fn what_cannot_be_written_or_read_names_the_file_and_changes_nothing() {
    let scratch = Scratch::new();
    let units = open(&scratch);
    let a = unit("a.service");
    units.write(&a, "old").expect("writes");
    let error = units.write(&a, &"x".repeat(UNIT_FILE_MAX_BYTES + 1)).expect_err("too long").to_string();
    assert_eq!(error, format!("write {}: larger than 65536 bytes", units.path_of(&a).display()));
    assert_eq!(units.read(&a).expect("reads").as_deref(), Some("old"));

    let long = unit(&format!("{}.service", "x".repeat(248)));
    let error = units.write(&long, "x").expect_err("longer than a file name").to_string();
    assert!(error.contains("File name too long"), "{error}");

    fs::create_dir(units.path_of(&unit("d.service"))).expect("made");
    assert!(units.write(&unit("d.service"), "x").is_err());
    assert!(
        units.read(&unit("d.service")).expect_err("a directory").to_string().ends_with("not a regular file")
    );

    fs::write(units.path_of(&unit("b.service")), [0xff, 0xfe]).expect("written");
    assert!(units.read(&unit("b.service")).expect_err("binary").to_string().ends_with("not UTF-8"));
    fs::write(units.path_of(&unit("l.service")), "x".repeat(UNIT_FILE_MAX_BYTES + 1)).expect("written");
    assert!(units.read(&unit("l.service")).is_err());

    let left: Vec<_> = fs::read_dir(units.path()).expect("lists").flatten().map(|e| e.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with('.')), "{left:?}");
}

#[test]
fn a_link_is_made_once_and_removed() {
    let scratch = Scratch::new();
    let units = open(&scratch);
    let links = links(&scratch, &units);
    let a = unit("a.service");
    assert!(!links.unlink(&a).expect("nothing there"));
    assert!(links.link(&a).expect("links"));
    assert!(!links.link(&a).expect("there already"));
    assert!(links.is_linked(&a).expect("looks"));
    let place = scratch.path().join("runtime/a.service");
    assert_eq!(fs::read_link(&place).expect("a link"), units.path_of(&a));
    assert!(links.unlink(&a).expect("unlinks"));
    assert!(!place.is_symlink());
}

#[test]
fn what_is_the_machines_own_is_named_and_left_alone() {
    let scratch = Scratch::new();
    let units = open(&scratch);
    let links = links(&scratch, &units);
    for dir in ["runtime", "machine"] {
        fs::create_dir(scratch.path().join(dir)).expect("made");
    }
    let runtime = |name: &str| scratch.path().join("runtime").join(name);
    fs::write(runtime("file.service"), "machine's").expect("written");
    symlink("/somewhere/else.service", runtime("link.service")).expect("linked");
    fs::write(scratch.path().join("machine/vendor.service"), "machine's").expect("written");
    for (name, why) in [
        ("file.service", "a unit file of the machine is there"),
        ("link.service", "a link to /somewhere/else.service is there"),
        ("vendor.service", "the machine has a unit of this name"),
    ] {
        let error = links.link(&unit(name)).expect_err(name).to_string();
        assert!(error.contains(why) && error.contains(name), "{error}");
        assert!(!links.unlink(&unit(name)).expect("leaves it alone"), "{name}");
    }
    assert_eq!(fs::read_to_string(runtime("file.service")).expect("still there"), "machine's");
    assert!(runtime("link.service").is_symlink());
}
