//! Doors for the fuzz targets: an answer of etcd as plain values. What has to hold of them is checked over there.

use std::io::Read;

use ureq::Body;
use ureq::http::Response;

use super::answer::{Answer, sort};
use super::leaf::{Entries, Place};
use super::request::Extent;

/// A node of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: Option<String>,
    /// It is a directory.
    pub dir: bool,
    /// createdIndex.
    pub created: u64,
    /// modifiedIndex.
    pub modified: u64,
    /// Whole seconds it has left.
    pub ttl_secs: Option<u64>,
    /// It is the answer's `node`, below it, its `prevNode`, or elsewhere.
    pub place: &'static str,
}

/// The nodes of an answer's body.
///
/// # Errors
/// What is wrong with it, as a message has it.
pub fn nodes(body: impl Read) -> Result<Vec<Node>, String> {
    let mut entries = Entries::new(body);
    let mut nodes = Vec::new();
    while let Some(entry) = entries.next().map_err(|error| error.to_string())? {
        nodes.push(Node {
            key: entry.key.to_owned(),
            value: entry.value.map(str::to_owned),
            dir: entry.dir,
            created: entry.created,
            modified: entry.modified,
            ttl_secs: entry.ttl_secs,
            place: match entry.place {
                Place::Node => "node",
                Place::Below => "below",
                Place::Previous => "previous",
                Place::Elsewhere => "elsewhere",
            },
        });
    }
    Ok(nodes)
}

/// Which of etcd's error codes an answer is, and the store's index; `None` if it has nodes.
///
/// # Errors
/// What is wrong with it, as a message has it.
pub fn refusal(status: u16, index: &str, body: Vec<u8>) -> Result<Option<(u32, u64)>, String> {
    let response = Response::builder().status(status).header("X-Etcd-Index", index);
    let response = response.body(Body::builder().data(body)).map_err(|error| error.to_string())?;
    match sort(response, Extent::Tree) {
        Ok(Answer::Nodes(_)) => Ok(None),
        Ok(Answer::Refusal(refusal)) => Ok(Some((refusal.code, refusal.seen.index))),
        Err(failure) => Err(failure.cause),
    }
}
