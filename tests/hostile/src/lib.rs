//! What must hold of everything in Skiff that reads what others wrote, whatever they wrote: one function a target, which
//! takes any bytes and panics if the product is wrong. libFuzzer calls them (`tests/fuzz`), and so does `cargo test`, on
//! the kept inputs. Nothing here is shipped.

#![forbid(unsafe_code)]
// Everything in this crate is a test, also what stands outside of the functions marked as one.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

pub mod answers;
pub mod api;
pub mod configuration;
pub mod etcd;
pub mod http;
pub mod json;
pub mod store;
pub mod systemd;
pub mod unit_file;
pub mod wishes;

use std::fmt::Display;

/// A check: any bytes in, a panic if something does not hold.
pub type Check = fn(&[u8]);

/// Every target and its check.
pub const TARGETS: [(&str, Check); 12] = [
    ("api", api::check),
    ("configuration", configuration::check),
    ("ctl_answers", answers::answers),
    ("etcd", etcd::check),
    ("http_connection", http::connection),
    ("http_parts", http::parts),
    ("json", json::check),
    ("store_file", store::file),
    ("store_requests", store::check),
    ("systemd", systemd::check),
    ("unit_file", unit_file::check),
    ("wishes", wishes::wishes),
];

/// Runs the check that the first byte picks on the others: several that read the same texts share a target, since each
/// target costs its own time.
fn one_of(checks: &[Check], bytes: &[u8]) {
    if let Some((&first, rest)) = bytes.split_first() {
        checks[usize::from(first) % checks.len()](rest);
    }
}

/// Most bytes a message may have: it goes into a log line or a status row.
const SAID_MAX_BYTES: usize = 8 * 1024;

/// What holds of everything that is said about what others wrote: it is not empty, fits on a page, and moves no
/// terminal.
fn said(what: &impl Display) {
    let text = what.to_string();
    assert!(!text.trim().is_empty(), "said nothing");
    assert!(text.len() <= SAID_MAX_BYTES, "{} bytes: {:?}", text.len(), text.get(..200));
    assert!(!text.contains(char::is_control), "{text:?}");
}

/// Runs the check of a target.
///
/// # Panics
/// There is no such target, or what it checks does not hold.
pub fn check(target: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    found.unwrap_or_else(|| panic!("no target {target}")).1(bytes);
}
