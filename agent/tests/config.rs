//! Configurations as golden text: `tests/config/*.txt` hold a file, perhaps `---- env` and variables, then `----` and
//! what comes of it: settings that differ from the defaults, remarks, or every problem. `UPDATE_GOLDEN=1` rewrites
//! them. The shipped file is read as it stands, and once more with each of its commented keys in force.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::OsString;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use agent::config::{self, Settings};
use proptest::prelude::*;

const NAME: &str = "fleet.conf";

fn parse(
    text: &[u8],
    variables: &[(String, String)],
) -> Result<(Settings, Vec<config::Note>), config::ConfigError> {
    let variables = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    config::parse(Some((Path::new(NAME), text)), variables)
}

/// One line a field. Taking the struct apart makes a new field an error here.
fn fields(settings: &Settings) -> Vec<(&'static str, String)> {
    let Settings {
        verbose,
        etcd,
        timing,
        may_lead,
        public_ip,
        metadata,
        units_directory,
        runtime_directory,
        systemd_user,
        machine_id,
        page_items,
        listen,
        api,
        store,
        on_stop,
    } = settings;
    assert_eq!(etcd.request_timeout, timing.request_timeout);
    let listen: Vec<String> = listen.iter().map(ToString::to_string).collect();
    let mut fields = etcd_fields(etcd);
    fields.extend([
        ("verbose", format!("{verbose}")),
        ("timing", format!("{timing:?}")),
        ("may_lead", format!("{may_lead}")),
        ("public_ip", format!("{public_ip:?}")),
        ("metadata", format!("{metadata:?}")),
        ("units_directory", units_directory.display().to_string()),
        ("runtime_directory", runtime_directory.display().to_string()),
        ("systemd_user", format!("{systemd_user}")),
        ("machine_id", format!("{machine_id:?}")),
        ("page_items", format!("{page_items}")),
        ("listen", listen.join(" ")),
        ("api", format!("{api:?}")),
        ("on_stop", format!("{on_stop:?}")),
        ("store", format!("{store:?}")),
    ]);
    fields
}

fn etcd_fields(etcd: &registry::etcd::Settings) -> Vec<(&'static str, String)> {
    let registry::etcd::Settings {
        endpoints,
        key_prefix,
        request_timeout: _,
        poll_timeout: _,
        credentials,
        tls,
        before_wait: _,
    } = etcd;
    let endpoints: Vec<String> = endpoints.as_slice().iter().map(ToString::to_string).collect();
    vec![
        ("endpoints", endpoints.join(" ")),
        ("key_prefix", key_prefix.as_str().to_owned()),
        ("credentials", format!("{credentials:?}")),
        ("tls", format!("{tls:?}")),
    ]
}

fn outcome(text: &str, variables: &[(String, String)]) -> String {
    let defaults = fields(&parse(b"", &[]).unwrap().0);
    let mut out = String::new();
    match parse(text.as_bytes(), variables) {
        Ok((settings, notes)) => {
            for (field, default) in fields(&settings).into_iter().zip(defaults) {
                if field != default {
                    writeln!(out, "{} = {}", field.0, field.1).unwrap();
                }
            }
            notes.iter().for_each(|note| writeln!(out, "note: {note}").unwrap());
        }
        Err(error) => error.to_string().lines().for_each(|line| writeln!(out, "error: {line}").unwrap()),
    }
    out
}

fn check(path: &Path) {
    let whole = fs::read_to_string(path).unwrap();
    let (given, expected) =
        whole.split_once("----\n").unwrap_or_else(|| panic!("{}: no ----", path.display()));
    let (given, variables) = given.split_once("---- env\n").unwrap_or((given, ""));
    let variables: Vec<(String, String)> = variables
        .lines()
        .map(|line| line.split_once('=').map(|(k, v)| (k.into(), v.into())).unwrap())
        .collect();
    let found = outcome(given, &variables);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let head = whole.strip_suffix(expected).unwrap();
        fs::write(path, format!("{head}{found}")).unwrap();
    } else {
        assert_eq!(found, expected, "{}", path.display());
    }
}

#[test]
fn every_golden_configuration() {
    let mut paths: Vec<PathBuf> = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 10, "{paths:?}");
    paths.iter().for_each(|path| check(path));
}

#[test]
fn a_named_file_must_exist_and_be_a_file() {
    let none = || std::iter::empty::<(OsString, OsString)>();
    let error = config::load(Some(Path::new("/nonexistent/fleet.conf")), none()).unwrap_err().to_string();
    assert_eq!(error, "read configuration /nonexistent/fleet.conf: No such file or directory (os error 2)");
    let error = config::load(Some(Path::new("/")), none()).unwrap_err().to_string();
    assert_eq!(error, "read configuration /: Is a directory (os error 21)");
    let endless = config::load(Some(Path::new("/dev/zero")), none()).unwrap_err().to_string();
    assert_eq!(endless, "read configuration /dev/zero: longer than 65536 bytes");
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes, &[]).map_err(|error| error.to_string());
    }

    #[test]
    fn any_value_of_any_key_is_read_or_refused(key in 0..KEYS.len(), value in "\\PC{0,40}") {
        let text = format!("{}='{value}'", KEYS[key]);
        if let Err(error) = parse(text.as_bytes(), &[(format!("FLEET_{}", KEYS[key].to_uppercase()), value)]) {
            prop_assert!(!error.problems().is_empty() && !error.to_string().is_empty());
        }
    }
}

const KEYS: [&str; 8] = [
    "etcd_servers",
    "etcd_key_prefix",
    "etcd_request_timeout",
    "engine_reconcile_interval",
    "metadata",
    "agent_ttl",
    "listen",
    "machine_id",
];

#[test]
fn bytes_of_any_kind_are_read_or_refused() {
    for bytes in
        [&b"\xff\xfe"[..], b"a\0b=c", b"\\\n\\\n", b"=", b"[", b"\xef\xbb\xbf", b"\r\n\r", b"metadata=\xc3"]
    {
        let _ = parse(bytes, &[]).map_err(|error| error.to_string());
    }
}

/// The file that is installed, if this is the whole repository.
fn shipped() -> Option<String> {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../dist/fleet.conf")).ok()
}

#[test]
fn the_shipped_file_is_accepted_without_a_remark() {
    let Some(text) = shipped() else { return };
    let (_, notes) = parse(text.as_bytes(), &[]).unwrap();
    assert_eq!(notes, []);
}

/// The commented `key=value` lines: defaults, and those that are marked as examples.
fn commented(text: &str) -> (Vec<&str>, Vec<&str>) {
    let is_setting = |line: &&str| {
        let key = line.split_once('=').map_or("", |(key, _)| key);
        !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
    };
    let comments = || text.lines().filter_map(|line| line.strip_prefix('#'));
    let examples = comments().filter_map(|line| line.trim().strip_prefix("Example: ")).collect();
    (comments().filter(is_setting).collect(), examples)
}

#[test]
fn the_commented_keys_of_the_shipped_file_are_the_defaults() {
    let Some(text) = shipped() else { return };
    let (defaults, examples) = commented(&text);
    assert!(defaults.len() > 20, "{defaults:?}");
    let with = |line: &str| parse(line.as_bytes(), &[]).unwrap_or_else(|error| panic!("{line}: {error}"));
    let all = with(&defaults.join("\n"));
    assert_eq!(fields(&all.0), fields(&with("").0));
    for line in examples {
        assert_ne!(fields(&with(line).0), fields(&with("").0), "{line}");
    }
}
