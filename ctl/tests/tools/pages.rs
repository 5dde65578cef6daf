//! Man pages, as `documents` makes them: read without a complaint by groff and by man (Debian packages groff, man-db), and
//! holding what they have to.

use std::path::Path;
use std::process::{Command, Output};

use crate::run::fresh_folder;

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Everything written below a fresh folder.
fn written(name: &str) -> std::path::PathBuf {
    let folder = fresh_folder(name);
    for (path, text) in ctl::documents::all() {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

fn pages(folder: &Path) -> Vec<String> {
    let all = ctl::documents::all();
    let pages = all.iter().filter(|(path, _)| path.contains("/man/"));
    pages.map(|(path, _)| folder.join(path).to_str().unwrap().to_owned()).collect()
}

#[test]
fn groff_has_nothing_to_complain_about() {
    let folder = written("groff");
    for page in pages(&folder) {
        // `.so` names pages from the folder above.
        let mut groff = Command::new("groff");
        groff.args(["-ww", "-b", "-man", "-Tutf8", "-z", "-I"]).arg(folder.join("share/man")).arg(&page);
        let output = groff.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{page}: {said}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn man_shows_them() {
    let folder = written("man");
    let man = |words: &[&str]| {
        let mut man = Command::new("man");
        man.args(["--warnings=all", "-P", "cat", "-M"]).arg(folder.join("share/man")).args(words);
        man.env("MANWIDTH", "80").env("LC_ALL", "C.UTF-8");
        let output = man.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{words:?}");
        text(&output)
    };
    let page = man(&["ctl"]);
    assert_eq!(page, man(&["fleetctl"]));
    for part in ["ctl start [flags] [UNIT...]", "--block-attempts=N", "registry adopt", "124"] {
        assert!(page.contains(part), "{part}\n{page}");
    }
    // Hidden flags are for old scripts.
    assert!(!page.contains("--sign"), "{page}");
    let conf = man(&["5", "fleet.conf"]);
    for part in [
        "agent_ttl=\"30s\"",
        "[\"http://127.0.0.1:2379\", \"http://127.0.0.1:4001\"]",
        "etcd_cafile",
        "disable_watches",
        "SCHEDULING AND API",
    ] {
        assert!(conf.contains(part), "{part}\n{conf}");
    }
    assert!(man(&["8", "skiff-agent"]).contains("SIGHUP"));
    std::fs::remove_dir_all(folder).unwrap();
}
