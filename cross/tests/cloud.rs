//! The cloud-configs, read by parsers that are not ours: every form, both ways, describes the same machine; cloud-init
//! accepts its own form, and Ignition's file keeps the rules of its specification.

#![expect(clippy::expect_used, reason = "a test that cannot prepare its files fails")]

mod folder;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use cross::arch::Arch;
use cross::cloud::{Fetched, write_all};
use tests::install::workspace;
use tests::run::run;

use folder::Folder;

const URL: &str = "http://10.10.1.254:8000/skiff";

/// Writes all forms for two stand-ins of programs: what is in them does not matter here.
fn forms(folder: &Path) -> PathBuf {
    let programs = ["skiff-agent", "ctl"].map(|name| {
        let file = folder.join(format!("{name}-x86_64"));
        fs::write(&file, format!("\x7fELF {name} \u{0}\u{1}")).expect("written");
        run(&["gzip", "--no-name", "--force", &file.to_string_lossy()])
            .expect("run")
            .success()
            .expect("packed");
        Fetched::read(name, &file.with_extension("gz"), URL).expect("read")
    });
    let (source, configs) = (workspace(), folder.join("configs"));
    let conf = source.join("cross/cloud/fleet.conf");
    write_all(&source, &conf, Arch::X86_64, &programs, &configs).expect("written");
    configs
}

fn parts(form: &str, file: &Path) -> String {
    let script = workspace().join("tests/cloud/parts.py");
    let words = ["/usr/bin/python3", &script.to_string_lossy(), form, &file.to_string_lossy()];
    run(&words).expect("run").success().expect("read").stdout
}

#[test]
fn every_form_describes_the_same_machine() {
    let folder = Folder::new("forms");
    let configs = forms(&folder.0);
    for way in ["fetch", "inline"] {
        let all: BTreeMap<&str, String> =
            [("cloud-init", "yaml"), ("coreos", "yaml"), ("butane", "bu"), ("ignition", "json")]
                .into_iter()
                .map(|(form, extension)| {
                    (form, parts(form, &configs.join(format!("{form}-{way}-x86_64.{extension}"))))
                })
                .collect();
        let one = &all["ignition"];
        assert!(
            one.contains("file /opt/bin/skiff-agent 0o755 ")
                && one.contains("file /etc/fleet/fleet.conf 0o644 ")
        );
        assert!(one.contains("unit fleet.service True ") && one.contains(" 10-skiff.conf="), "{one}");
        assert_eq!(one.contains(URL), way == "fetch", "{one}");
        for (form, found) in &all {
            assert_eq!(found, one, "{form}, {way}");
        }
    }
}

#[test]
fn what_is_written_is_what_lies_in_the_repository() {
    let folder = Folder::new("parts");
    let configs = forms(&folder.0);
    let found = parts("cloud-init", &configs.join("cloud-init-inline-x86_64.yaml"));
    for (part, file) in [
        ("/etc/fleet/fleet.conf", "cross/cloud/fleet.conf"),
        ("/opt/skiff/setup", "cross/cloud/setup"),
        ("fleet.service", "dist/fleet.service"),
        ("fleet.socket", "dist/fleet.socket"),
    ] {
        let sum = cross::digest::sha256(&workspace().join(file)).expect("summed");
        let line = found.lines().find(|line| line.split(' ').nth(1) == Some(part)).expect("there");
        assert!(line.contains(&sum), "{line}: {file} has {sum}");
    }
}

#[test]
fn cloud_init_accepts_its_own_form() {
    let folder = Folder::new("schema");
    let configs = forms(&folder.0);
    for way in ["fetch", "inline"] {
        let file = configs.join(format!("cloud-init-{way}-x86_64.yaml"));
        let said = run(&["cloud-init", "schema", "--config-file", &file.to_string_lossy()]).expect("run");
        assert!(said.exit == 0 && said.stdout.contains("Valid"), "{said}");
    }
}

#[test]
fn a_broken_ignition_file_is_noticed() {
    let folder = Folder::new("broken");
    let configs = forms(&folder.0);
    let right = fs::read_to_string(configs.join("ignition-fetch-x86_64.json")).expect("read");
    for (from, to) in [
        ("\"3.3.0\"", "\"2.0.0\""),
        ("\"overwrite\"", "\"overwrites\""),
        ("\"mode\": 493", "\"mode\": \"0755\""),
        ("sha256-", "sha1-"),
        ("\"/opt/bin/ctl\"", "\"opt/bin/ctl\""),
        ("http://", "gopher://"),
    ] {
        let file = folder.0.join("broken.json");
        assert!(right.contains(from), "{from}");
        fs::write(&file, right.replace(from, to)).expect("written");
        let script = workspace().join("tests/cloud/parts.py");
        let words = ["/usr/bin/python3", &script.to_string_lossy(), "ignition", &file.to_string_lossy()];
        assert_ne!(run(&words).expect("run").exit, 0, "{from} as {to} passes");
    }
}
