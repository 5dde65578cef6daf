//! What an HTTP answer means: nodes to decode, an error of etcd's own with its code, or nothing that helps.

use std::io::Read;

use cluster::json;
use cluster::limits::{REGISTRY_ANSWER_MAX_BYTES, REGISTRY_ERROR_MAX_BYTES, REGISTRY_LEAF_MAX_BYTES};
use serde::Deserialize;
use ureq::http::{HeaderMap, Response, StatusCode};
use ureq::{Body, BodyReader};

use super::failure::Failure;
use super::request::Extent;
use crate::store::{Seen, StoreErrorKind};

/// As much of an error's text as is repeated, in characters.
const QUOTED_MAX_CHARS: usize = 200;

/// etcd's error codes that are answers rather than failures.
pub(super) mod code {
    /// There is no such key.
    pub(crate) const KEY_NOT_FOUND: u32 = 100;
    /// prevIndex or prevValue did not hold.
    pub(crate) const COMPARE_FAILED: u32 = 101;
    /// prevExist=false did not hold.
    pub(crate) const KEY_EXISTS: u32 = 105;
    /// The events a watch asked for are gone.
    pub(crate) const EVENTS_CLEARED: u32 = 401;
}

/// An answer of etcd.
pub(super) enum Answer {
    /// 200 or 201: nodes.
    Nodes(Nodes),
    /// One of [`code`].
    Refusal(Refusal),
}

/// A body that has not been read yet.
pub(super) struct Nodes {
    pub(super) seen: Seen,
    pub(super) body: BodyReader<'static>,
}

/// An error that is an answer.
pub(super) struct Refusal {
    pub(super) code: u32,
    pub(super) seen: Seen,
    pub(super) text: String,
}

#[derive(Deserialize)]
struct ErrorBody {
    #[serde(rename = "errorCode")]
    code: Option<u32>,
    message: String,
    cause: Option<String>,
}

/// Sorts an answer by its status and, for errors, its body, which is then read to its end.
pub(super) fn sort(response: Response<Body>, extent: Extent) -> Result<Answer, Failure> {
    let (head, body) = response.into_parts();
    let seen = seen(&head.headers);
    let limit = match (head.status.is_success(), extent) {
        (false, _) => REGISTRY_ERROR_MAX_BYTES,
        // A write's answer holds the node as it is and as it was.
        (true, Extent::Node | Extent::Event) => 2 * REGISTRY_LEAF_MAX_BYTES,
        (true, Extent::Tree) => REGISTRY_ANSWER_MAX_BYTES,
    };
    let limit_bytes = u64::try_from(limit).unwrap_or(u64::MAX);
    let mut body = body.into_with_config().limit(limit_bytes).reader();
    match (head.status.is_success(), seen) {
        (true, Some(seen)) => Ok(Answer::Nodes(Nodes { seen, body })),
        (true, None) => Err(bad("an answer without X-Etcd-Index: not an etcd".to_owned())),
        (false, _) => {
            let mut bytes = Vec::new();
            // What can be read of it; the status alone says enough otherwise.
            let _ = body.read_to_end(&mut bytes);
            sort_error(head.status, &head.headers, seen, &bytes)
        }
    }
}

fn seen(headers: &HeaderMap) -> Option<Seen> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let index = text("x-etcd-index")?.parse().ok()?;
    let cluster = text("x-etcd-cluster-id").and_then(|id| u64::from_str_radix(id, 16).ok());
    Some(Seen { index, cluster: cluster.unwrap_or(0) })
}

fn sort_error(
    status: StatusCode,
    headers: &HeaderMap,
    seen: Option<Seen>,
    body: &[u8],
) -> Result<Answer, Failure> {
    let parsed: Option<ErrorBody> = json::decode(body).ok();
    let text = match &parsed {
        Some(ErrorBody { message, cause: Some(cause), .. }) if !cause.is_empty() => {
            quote(&format!("{message} ({cause})"))
        }
        Some(ErrorBody { message, .. }) => quote(message),
        None => quote(&String::from_utf8_lossy(body)),
    };
    let number = status.as_u16();
    match (parsed.and_then(|body| body.code), number) {
        (
            Some(
                code @ (code::KEY_NOT_FOUND | code::COMPARE_FAILED | code::KEY_EXISTS | code::EVENTS_CLEARED),
            ),
            _,
        ) => {
            let seen = seen.ok_or_else(|| bad("an answer without X-Etcd-Index: not an etcd".to_owned()))?;
            Ok(Answer::Refusal(Refusal { code, seen, text }))
        }
        (Some(110), _) | (None, 401 | 403 | 407) => {
            let cause = format!("etcd refuses this client: {}", in_short(number, &text));
            Err(Failure::answered(StoreErrorKind::Forbidden, cause))
        }
        // 300 raft, 301 election, 400 events lost in a recovery.
        (Some(300..=499), _) | (None, 500..) => Err(Failure::answered(
            StoreErrorKind::Server,
            format!("etcd failed: {}", in_short(number, &text)),
        )),
        (Some(code), _) => Err(bad(format!("etcd error {code}: {text}"))),
        (None, 300..=399) => {
            let target = headers.get("location").map(|value| String::from_utf8_lossy(value.as_bytes()));
            Err(bad(format!("a redirect to {}, which is not followed", quote(&target.unwrap_or_default()))))
        }
        (None, 404) => Err(Failure::answered(
            StoreErrorKind::NoV2Api,
            "there is no v2 API; start etcd (3.5 at the latest) with --enable-v2".to_owned(),
        )),
        (None, _) => Err(bad(format!("not an answer of etcd: {}", in_short(number, &text)))),
    }
}

fn bad(cause: String) -> Failure {
    Failure::answered(StoreErrorKind::BadAnswer, cause)
}

fn in_short(status: u16, text: &str) -> String {
    if text.is_empty() { format!("status {status}") } else { format!("status {status}, {text}") }
}

fn quote(text: &str) -> String {
    text.trim()
        .chars()
        .take(QUOTED_MAX_CHARS)
        .flat_map(char::escape_debug)
        .collect::<String>()
        .replace("\\\"", "\"")
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
