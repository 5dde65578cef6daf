//! Doors for the fuzz targets: targets, forms and questions of the store's HTTP face, and how answers are worded. What has
//! to hold of them is checked over there.

use crate::json;
use crate::keyspace::{Keyspace, Moment, Refusal};

pub use crate::http::fuzz::*;

/// What is carried out of a question, worded as etcd words it.
///
/// # Errors
/// The refusal, worded as well.
pub fn carried_out(asked: Asked, keyspace: &mut Keyspace, now: Moment) -> Result<String, String> {
    let worded = |refusal: Refusal| json::refusal(&refusal);
    match asked {
        Asked::Get { path, is_recursive } => match keyspace.get(&path) {
            Ok(node) => Ok(json::listing(&path, node, is_recursive, now)),
            Err(refusal) => Err(worded(refusal)),
        },
        Asked::Watch { path, is_recursive, since } => match keyspace.past(&path, is_recursive, since) {
            Ok(Some(event)) => Ok(json::event(event, false)),
            Ok(None) => Ok(String::new()),
            Err(refusal) => Err(worded(refusal)),
        },
        Asked::Write(command) => match keyspace.apply(&command, now) {
            Ok(change) => Ok(json::event(&change.event, false)),
            Err(refusal) => Err(worded(refusal)),
        },
    }
}
