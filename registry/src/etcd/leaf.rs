//! What one innermost object of an etcd answer says: a node with its key, value and indices. Which of them were asked
//! for is the caller's to judge.

use core::fmt;
use std::io::{self, Read};

use cluster::json;
use cluster::limits::{JSON_DEPTH_MAX, REGISTRY_LEAF_MAX_BYTES};
use serde::Deserialize;
use serde_json_core::str::EscapedStr;

use super::split::{SplitError, Splitter};

/// Room for an escape in a string that is skipped; etcd has none, a later one may.
const SKIPPED_SCRATCH_BYTES: usize = 256;
/// As much of a key as an error repeats, in characters.
const QUOTED_MAX_CHARS: usize = 200;

/// A node of an answer, borrowed from the decoder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    /// The whole key as etcd has it: `/_coreos.com/fleet/units/web.service`.
    pub(super) key: &'a str,
    /// The value, unescaped; `None` for a directory and for what a delete leaves.
    pub(super) value: Option<&'a str>,
    pub(super) dir: bool,
    pub(super) created: u64,
    pub(super) modified: u64,
    pub(super) ttl_secs: Option<u64>,
    pub(super) place: Place,
}

/// Where in an answer a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the answer's `node`.
    Node,
    /// It lies in the answer's `node`, a directory.
    Below,
    /// It is the answer's `prevNode`, what was there before.
    Previous,
    /// etcd has nothing anywhere else.
    Elsewhere,
}

/// Why an answer could not be decoded.
#[derive(Debug)]
pub(super) enum LeafError {
    /// The connection failed in the middle.
    Source(io::Error),
    /// It ended too early; whether anything had come.
    CutShort { started: bool },
    /// It is not what etcd says.
    Malformed(String),
}

impl fmt::Display for LeafError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(error) => write!(f, "{error}"),
            Self::CutShort { started: true } => f.write_str("the answer was cut short"),
            Self::CutShort { started: false } => f.write_str("the answer is empty"),
            Self::Malformed(what) => f.write_str(what),
        }
    }
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    key: EscapedStr<'a>,
    #[serde(borrow)]
    value: Option<EscapedStr<'a>>,
    #[serde(default)]
    dir: bool,
    #[serde(rename = "createdIndex")]
    created: u64,
    #[serde(rename = "modifiedIndex")]
    modified: u64,
    #[serde(borrow)]
    expiration: Option<EscapedStr<'a>>,
    ttl: Option<i64>,
}

/// The nodes of one answer, one after the other.
pub(super) struct Entries<R> {
    objects: Splitter<R>,
    key: String,
    value: String,
}

impl<R: Read> Entries<R> {
    pub(super) fn new(source: R) -> Self {
        Self { objects: Splitter::new(source), key: String::new(), value: String::new() }
    }

    /// The next node; `None` when the answer was read to its end.
    pub(super) fn next(&mut self) -> Result<Option<Entry<'_>>, LeafError> {
        let object = match self.objects.next() {
            Ok(Some(object)) => object,
            Ok(None) => return Ok(None),
            Err(error) => return Err(leaf_error(error, self.objects.started())),
        };
        let raw = decode(object.bytes)?;
        let (depth, member) = (object.depth, object.member);
        unescape(raw.key, &mut self.key, object.bytes)?;
        self.value.clear();
        if let Some(value) = raw.value {
            unescape(value, &mut self.value, object.bytes)?;
        }
        Ok(Some(Entry {
            key: &self.key,
            value: raw.value.is_some().then_some(self.value.as_str()),
            dir: raw.dir,
            created: raw.created,
            modified: raw.modified,
            // etcd leaves a TTL of 0 out, in the last moment of a key; the expiration is still there.
            ttl_secs: raw.expiration.map(|_| raw.ttl.and_then(|secs| u64::try_from(secs).ok()).unwrap_or(0)),
            place: match (member, depth) {
                (b"node", 2) => Place::Node,
                (b"node", _) => Place::Below,
                (b"prevNode", _) => Place::Previous,
                _ => Place::Elsewhere,
            },
        }))
    }
}

fn decode(bytes: &[u8]) -> Result<Raw<'_>, LeafError> {
    let mut scratch = [0; SKIPPED_SCRATCH_BYTES];
    match serde_json_core::from_slice_escaped::<Raw<'_>>(bytes, &mut scratch) {
        Ok((raw, used)) if used == bytes.len() => Ok(raw),
        Ok(_) => Err(malformed(bytes, &"more than one value")),
        Err(error) => Err(malformed(bytes, &error)),
    }
}

fn unescape(text: EscapedStr<'_>, out: &mut String, object: &[u8]) -> Result<(), LeafError> {
    out.clear();
    json::unescape(text.0, out).map_err(|error| malformed(object, &error))
}

fn leaf_error(error: SplitError, started: bool) -> LeafError {
    match error {
        SplitError::Source(error) => LeafError::Source(error),
        SplitError::CutShort => LeafError::CutShort { started },
        SplitError::TooLarge(start) => {
            LeafError::Malformed(format!("{} is larger than {REGISTRY_LEAF_MAX_BYTES} bytes", key_in(&start)))
        }
        SplitError::TooDeep => LeafError::Malformed(format!("nested more than {JSON_DEPTH_MAX} levels deep")),
        SplitError::NotJson(what) => LeafError::Malformed(format!("not JSON: {what}")),
    }
}

fn malformed(object: &[u8], cause: &dyn fmt::Display) -> LeafError {
    LeafError::Malformed(format!("cannot read {}: {cause}", key_in(object)))
}

/// The key of a node that cannot be decoded, as it stands there: etcd writes it first.
fn key_in(object: &[u8]) -> String {
    let key = || {
        let rest = object.strip_prefix(b"{\"key\":\"")?;
        let end = rest.iter().position(|byte| *byte == b'"')?;
        core::str::from_utf8(rest.get(..end)?).ok()
    };
    quoted(key().unwrap_or("a node"))
}

/// As much of a key as an error repeats.
pub(super) fn quoted(key: &str) -> String {
    key.chars().take(QUOTED_MAX_CHARS).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
#[path = "leaf_tests.rs"]
mod tests;
