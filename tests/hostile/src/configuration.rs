//! The agent's configuration: file, environment and command line. A configuration is within its bounds or every problem
//! with it names its place, and no password is repeated.

use std::ffi::OsString;
use std::path::Path;

use agent::config::{CommandLine, parse};
use arbitrary::{Arbitrary, Unstructured};
use cluster::limits::{
    ADDRESS_MAX_BYTES, AGENT_TTL_MAX_SECONDS, AGENT_TTL_MIN_SECONDS, LISTEN_ADDRESSES_MAX,
    SOCKET_PATH_MAX_BYTES,
};

use crate::{one_of, said};

/// What the first byte picks: `all`, `file`.
pub fn check(bytes: &[u8]) {
    one_of(&[all, file], bytes);
}

const NAME: &str = "fleet.conf";

/// A file.
fn file(bytes: &[u8]) {
    judged(bytes, &[]);
}

#[derive(Arbitrary, Debug)]
struct Given {
    file: Vec<u8>,
    variables: Vec<(u8, String)>,
    unknown: Vec<(String, String)>,
    words: Vec<String>,
}

/// Suffixes of variables, so that most are known ones.
const KEYS: [&str; 12] = [
    "ETCD_SERVERS",
    "ETCD_KEY_PREFIX",
    "ETCD_PASSWORD",
    "ETCD_USERNAME",
    "AGENT_TTL",
    "ENGINE_RECONCILE_INTERVAL",
    "ETCD_REQUEST_TIMEOUT",
    "METADATA",
    "PUBLIC_IP",
    "LISTEN",
    "STORE_LISTEN",
    "VERBOSITY",
];

/// All three.
fn all(bytes: &[u8]) {
    let Ok(given) = Given::arbitrary(&mut Unstructured::new(bytes)) else { return };
    let known = given
        .variables
        .iter()
        .map(|(which, value)| (format!("FLEET_{}", KEYS[usize::from(*which) % KEYS.len()]), value.clone()));
    let variables: Vec<(String, String)> = known.chain(given.unknown).collect();
    judged(&given.file, &variables);
    let program = std::iter::once("skiff-agent".to_owned());
    if let Err(end) = CommandLine::parse(program.chain(given.words).map(OsString::from)) {
        assert!(end.exit_code <= 2);
        assert_eq!(end.exit_code == 0, end.complaint.is_empty(), "{end:?}");
        assert_ne!(end.output.is_empty(), end.complaint.is_empty(), "{end:?}");
    }
}

fn judged(file: &[u8], variables: &[(String, String)]) {
    let environment = || variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let once = parse(Some((Path::new(NAME), file)), environment());
    match once {
        Err(error) => {
            assert!(!error.problems().is_empty());
            for problem in error.problems() {
                said(problem);
                let text = problem.to_string();
                let has_place =
                    [NAME, "environment FLEET_", "default: "].iter().any(|place| text.contains(place));
                assert!(has_place, "{text}");
            }
        }
        Ok((settings, notes)) => {
            let ttl = settings.timing.agent_ttl_seconds;
            assert!((AGENT_TTL_MIN_SECONDS..=AGENT_TTL_MAX_SECONDS).contains(&ttl), "{ttl}");
            assert!(settings.listen.len() <= LISTEN_ADDRESSES_MAX);
            assert!(settings.listen.iter().all(|one| one.to_string().len() <= SOCKET_PATH_MAX_BYTES + 64));
            assert!(settings.public_ip.as_ref().is_none_or(|ip| (1..=ADDRESS_MAX_BYTES).contains(&ip.len())));
            assert!(settings.metadata.keys().all(|key| !key.is_empty()));
            assert!(settings.units_directory.is_absolute() && settings.runtime_directory.is_absolute());
            assert!(settings.store.folder.is_absolute());
            notes.iter().for_each(said);
        }
    }
}
