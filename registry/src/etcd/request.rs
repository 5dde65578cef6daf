//! Requests of etcd's v2 keys API as text: paths, queries and forms. What a key means and who may write it is not
//! known here.

use core::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::settings::KeyPrefix;

/// Everything but RFC 3986's unreserved characters.
const IN_FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// The same, with the slash between the parts of a key.
const IN_PATH: &AsciiSet = &IN_FORM.remove(b'/');

/// A verb of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Put,
    Delete,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
        }
    }
}

/// How long an answer may be and take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// One node, within the request time-out.
    Node,
    /// A whole tree: its beginning within the request time-out, the rest without a pause as long as that.
    Tree,
    /// One event, within the poll time-out.
    Event,
}

/// One request, the same for every endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// From the first slash on.
    pub(super) target: String,
    /// The body of a PUT, `application/x-www-form-urlencoded`.
    pub(super) form: String,
    pub(super) extent: Extent,
}

impl Request {
    /// `key` is relative to the prefix; `""` is the prefix itself.
    pub(super) fn new(method: Method, extent: Extent, prefix: &KeyPrefix, key: &str) -> Self {
        let mut target = String::from("/v2/keys");
        push(&mut target, prefix.as_str(), IN_PATH);
        if !key.is_empty() || prefix.as_str().is_empty() {
            target.push('/');
            push(&mut target, key, IN_PATH);
        }
        Self { method, target, form: String::new(), extent }
    }

    /// Adds a parameter to the URL. Both are plain words or numbers.
    #[must_use]
    pub(super) fn query(mut self, name: &str, value: impl core::fmt::Display) -> Self {
        let mark = if self.target.contains('?') { '&' } else { '?' };
        // Writing to a String cannot fail.
        let _ = write!(self.target, "{mark}{name}={value}");
        self
    }

    /// Adds a parameter to the body, where any text may stand and none is logged by anything in between.
    #[must_use]
    pub(super) fn field(mut self, name: &str, value: &str) -> Self {
        if !self.form.is_empty() {
            self.form.push('&');
        }
        self.form.push_str(name);
        self.form.push('=');
        push(&mut self.form, value, IN_FORM);
        self
    }

    /// A TTL; etcd would let a key with TTL 0 expire at once, so the shortest is one second.
    #[must_use]
    pub(super) fn ttl(self, ttl_secs: Option<u32>) -> Self {
        match ttl_secs {
            Some(secs) => self.query("ttl", secs.max(1)),
            None => self,
        }
    }
}

fn push(out: &mut String, text: &str, set: &'static AsciiSet) {
    utf8_percent_encode(text, set).for_each(|part| out.push_str(part));
}

/// Why etcd could not keep a key so that lists and watches show it; `None` for a good one.
pub(super) fn fault_of(key: &str) -> Option<&'static str> {
    if key.is_empty() {
        return None;
    }
    for part in key.split('/') {
        match part.as_bytes().first() {
            None => return Some("an empty part in a key"),
            Some(b'_') => return Some("etcd hides a part of a key that begins with _"),
            Some(b'.') => return Some("a part of a key that begins with a dot"),
            Some(_) => {}
        }
    }
    None
}

/// `full`, a key as etcd has it, relative to the prefix; `None` if it lies elsewhere.
pub(super) fn below<'a>(prefix: &KeyPrefix, full: &'a str) -> Option<&'a str> {
    match full.strip_prefix(prefix.as_str())? {
        "" => Some(""),
        rest => rest.strip_prefix('/'),
    }
}

/// Whether `key` is `root` or lies below it.
pub(super) fn within(root: &str, key: &str) -> bool {
    root.is_empty() || key.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> KeyPrefix {
        KeyPrefix::parse(text).unwrap()
    }

    fn target(prefix_text: &str, key: &str) -> String {
        Request::new(Method::Get, Extent::Node, &prefix(prefix_text), key).target
    }

    #[test]
    fn keys_are_encoded_in_paths() {
        assert_eq!(target("/_coreos.com/fleet", "units/a"), "/v2/keys/_coreos.com/fleet/units/a");
        assert_eq!(
            target("/f", "units/a\\x2d@1:é?#%.service"),
            "/v2/keys/f/units/a%5Cx2d%401%3A%C3%A9%3F%23%25.service"
        );
        assert_eq!(target("/f", ""), "/v2/keys/f");
        assert_eq!(target("", ""), "/v2/keys/");
        assert_eq!(target("", "units"), "/v2/keys/units");
    }

    #[test]
    fn queries_and_forms() {
        let request = Request::new(Method::Put, Extent::Node, &prefix("f"), "k")
            .query("prevIndex", 7)
            .ttl(Some(0))
            .field("value", "a b&c=d\n+%é")
            .field("prevValue", "");
        assert_eq!(request.target, "/v2/keys/f/k?prevIndex=7&ttl=1");
        assert_eq!(request.form, "value=a%20b%26c%3Dd%0A%2B%25%C3%A9&prevValue=");
    }

    #[test]
    fn keys_that_etcd_would_hide_or_clean_are_refused() {
        for key in ["", "units/a.service", "a/b_/c.d"] {
            assert_eq!(fault_of(key), None, "{key}");
        }
        for key in ["units/_a.service", "/units", "units/", "a//b", "a/../b", "a/./b", ".a"] {
            assert!(fault_of(key).is_some(), "{key}");
        }
    }

    #[test]
    fn the_prefix_comes_off_only_at_a_slash() {
        assert_eq!(below(&prefix("/f"), "/f/units/a"), Some("units/a"));
        assert_eq!(below(&prefix("/f/f"), "/f/f/f/a"), Some("f/a"));
        assert_eq!(below(&prefix("/f"), "/f"), Some(""));
        assert_eq!(below(&prefix("/f"), "/fleet/a"), None);
        assert_eq!(below(&prefix(""), "/units/a"), Some("units/a"));
        assert!(within("units", "units/a") && within("units", "units") && within("", "x"));
        assert!(!within("units", "units2/a"));
    }
}
