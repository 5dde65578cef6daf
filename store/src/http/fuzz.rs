//! The HTTP face's part of the doors for the fuzz targets.

use http_server::Request;

use super::question::{self, Question};
use super::target::{self, Form};
use crate::keyspace::{Command, Moment, Refusal};

/// A request understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Read.
    Get {
        /// Where.
        path: String,
        /// All below it too.
        is_recursive: bool,
    },
    /// Wait.
    Watch {
        /// Where.
        path: String,
        /// All below it too.
        is_recursive: bool,
        /// From which index on.
        since: u64,
    },
    /// Change something.
    Write(Command),
}

/// Decoded path and raw query of a target.
#[must_use]
pub fn target(text: &str) -> Option<(String, &str)> {
    target::parse(text).map(|target| (target.path, target.query))
}

/// The one spelling of a path that is served, and a path as it stands in a URL.
#[must_use]
pub fn spelled(path: &str) -> (String, String) {
    (target::canonical(path), target::encode(path))
}

/// What a request with that path and query asks, at a moment.
///
/// # Errors
/// What is wrong with its form, or a refusal.
pub fn asked(
    request: &Request,
    path: &str,
    query: &str,
    now: Moment,
) -> Result<Result<Asked, Refusal>, String> {
    let form = Form::of(request, query)?;
    Ok(question::read(&request.method, path, &form).map(|question| match question {
        Question::Get { path, is_recursive } => Asked::Get { path, is_recursive },
        Question::Watch(watch) => {
            Asked::Watch { path: watch.path, is_recursive: watch.is_recursive, since: watch.since }
        }
        Question::Write(write) => Asked::Write(write.at(now)),
    }))
}
