//! What a request for keys asks, read field by field in etcd's order, so that of several mistakes the same one is named.

use std::str::FromStr;
use std::sync::Arc;

use http_server::Method;

use super::target::Form;
use crate::hub::Watch;
use crate::keyspace::{Code, Command, Compare, Content, Moment, Refusal, clean, end_of};

/// Deepest path that is served; etcd has no limit there.
const PATH_PARTS_MAX: usize = 256;

/// A request understood.
pub(super) enum Question {
    /// Read.
    Get {
        /// Where, as a clean path.
        path: String,
        /// All below it too.
        is_recursive: bool,
    },
    /// Wait.
    Watch(Watch),
    /// Change something.
    Write(Write),
}

/// A change asked for, its end still as a TTL.
pub(super) struct Write {
    command: Command,
    ttl_secs: Option<u64>,
    /// The answer is to leave out the nodes.
    pub(super) is_brief: bool,
}

impl Write {
    /// The command at the moment it is given.
    pub(super) fn at(self, now: Moment) -> Command {
        let mut command = self.command;
        match &mut command {
            Command::Set { content, .. }
            | Command::Update { content, .. }
            | Command::Create { content, .. }
            | Command::CompareAndSwap { content, .. } => {
                content.expiry = self.ttl_secs.and_then(|ttl_secs| end_of(now, ttl_secs));
            }
            Command::Delete { .. } | Command::CompareAndDelete { .. } => {}
        }
        command
    }
}

/// Reads what is asked of the key at `key`.
pub(super) fn read(method: &Method, key: &str, form: &Form) -> Result<Question, Refusal> {
    let Asked { path, since, is_recursive, is_dir, is_wait, is_stream, compare, .. } =
        asked(method, key, form)?;
    let is_brief = flag(form, "noValueOnSuccess")?;
    let ttl_secs = ttl(form)?;
    let prev_exist = plain_flag(form, "prevExist")?;
    let is_refresh = refresh(form, ttl_secs)?;
    let value = Arc::from(form.get("value").unwrap_or_default());
    let content = Content { value, expiry: None, is_refresh };
    let is_guarded = compare.index > 0 || !compare.value.is_empty();
    let command = match method {
        Method::Get if is_wait => {
            return Ok(Question::Watch(Watch { path, is_recursive, is_stream, since }));
        }
        Method::Post => Command::Create { path, is_dir, in_order: true, content },
        Method::Put => match prev_exist {
            Some(false) => Command::Create { path, is_dir, in_order: false, content },
            Some(true) if !is_guarded => Command::Update { path, content },
            _ if is_guarded => Command::CompareAndSwap { path, compare, content },
            _ => Command::Set { path, is_dir, content },
        },
        Method::Delete if is_guarded => Command::CompareAndDelete { path, compare },
        Method::Delete => Command::Delete { path, is_dir, is_recursive },
        _ => return Ok(Question::Get { path, is_recursive }),
    };
    Ok(Question::Write(Write { command, ttl_secs, is_brief }))
}

/// The fields that come first.
struct Asked {
    path: String,
    since: u64,
    is_recursive: bool,
    is_dir: bool,
    /// A read with `quorum` does not wait, whatever else it says.
    is_wait: bool,
    is_stream: bool,
    compare: Compare,
}

fn asked(method: &Method, key: &str, form: &Form) -> Result<Asked, Refusal> {
    let path = clean(key);
    if path.matches('/').count() > PATH_PARTS_MAX {
        let cause = format!("key has more than {PATH_PARTS_MAX} parts");
        return Err(Refusal::of_request(Code::InvalidField, cause));
    }
    let prev_index = index(form, "prevIndex")?;
    let since = index(form, "waitIndex")?;
    let is_recursive = flag(form, "recursive")?;
    flag(form, "sorted")?;
    let wait = flag(form, "wait")?;
    let is_dir = flag(form, "dir")?;
    let quorum = flag(form, "quorum")?;
    let is_stream = flag(form, "stream")?;
    if wait && *method != Method::Get {
        let cause = "\"wait\" can only be used with GET requests";
        return Err(Refusal::of_request(Code::InvalidField, cause));
    }
    let prev_value = form.get("prevValue");
    if prev_value == Some("") {
        return Err(Refusal::of_request(Code::PrevValueRequired, "\"prevValue\" cannot be empty"));
    }
    let compare = Compare { value: prev_value.unwrap_or_default().to_owned(), index: prev_index };
    Ok(Asked { path, since, is_recursive, is_dir, is_wait: wait && !quorum, is_stream, compare })
}

fn index(form: &Form, name: &str) -> Result<u64, Refusal> {
    let bad = || Refusal::of_request(Code::IndexNotANumber, format!("invalid value for \"{name}\""));
    form.get(name).map_or(Ok(0), |text| number(text).ok_or_else(bad))
}

fn ttl(form: &Form) -> Result<Option<u64>, Refusal> {
    let bad = || Refusal::of_request(Code::TtlNotANumber, "invalid value for \"ttl\"");
    form.get("ttl").filter(|text| !text.is_empty()).map(|text| number(text).ok_or_else(bad)).transpose()
}

fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| u64::from_str(text).ok()).flatten()
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn flag(form: &Form, name: &str) -> Result<bool, Refusal> {
    let bad = || Refusal::of_request(Code::InvalidField, format!("invalid value for \"{name}\""));
    form.get(name).map_or(Ok(false), |text| boolean(text).ok_or_else(bad))
}

/// A flag that may be absent, and whose complaint etcd words without quotes.
fn plain_flag(form: &Form, name: &str) -> Result<Option<bool>, Refusal> {
    let bad = || Refusal::of_request(Code::InvalidField, format!("invalid value for {name}"));
    form.get(name).map(|text| boolean(text).ok_or_else(bad)).transpose()
}

fn refresh(form: &Form, ttl_secs: Option<u64>) -> Result<bool, Refusal> {
    if plain_flag(form, "refresh")? != Some(true) {
        return Ok(false);
    }
    if form.get("value").is_some_and(|value| !value.is_empty()) {
        return Err(Refusal::of_request(Code::RefreshValue, "A value was provided on a refresh"));
    }
    if ttl_secs.is_none() {
        return Err(Refusal::of_request(Code::RefreshTtlRequired, "No TTL value set"));
    }
    Ok(true)
}
