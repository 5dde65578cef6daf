//! Request targets: split first, percent-decoded part by part afterwards, so that an encoded slash or `&` stays
//! inside its part. What a path means is the handler's business.

use super::head::Refusal;
use super::limits::Limits;
use super::status::Status;

/// A target taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) path: Vec<String>,
    pub(super) query: Vec<(String, String)>,
}

/// Takes `/path?query` and `http://host/path?query`.
pub(super) fn parse(target: &str, limits: &Limits) -> Result<Target, Refusal> {
    if target.len() > limits.target_bytes {
        return Err(Refusal::new(Status::UriTooLong, "request target too long"));
    }
    if !limits.splits_targets {
        return Ok(Target { path: Vec::new(), query: Vec::new() });
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = origin_path(path).ok_or(Refusal::bad("request target must begin with \"/\""))?;
    if path.contains('#') || query.contains('#') {
        return Err(Refusal::bad("request target must not hold \"#\""));
    }
    if path.split('/').count() > limits.path_segments {
        return Err(Refusal::new(Status::NotFound, ""));
    }
    let pairs = || query.split('&').filter(|pair| !pair.is_empty());
    if pairs().count() > limits.query_pairs {
        return Err(Refusal::bad("too many query parameters"));
    }
    let path = path.split('/').map(segment).collect::<Result<_, _>>()?;
    let query = pairs().map(parameter).collect::<Result<_, _>>()?;
    Ok(Target { path, query })
}

/// What follows the first slash of the path; the authority of an absolute target is dropped.
fn origin_path(path: &str) -> Option<&str> {
    if let Some(path) = path.strip_prefix('/') {
        return Some(path);
    }
    let scheme = path.get(..7)?;
    let rest = path.get(7..).filter(|_| scheme.eq_ignore_ascii_case("http://"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    (!authority.is_empty()).then_some(path)
}

fn segment(text: &str) -> Result<String, Refusal> {
    let decoded = decode(text, false)?;
    match decoded.as_str() {
        "." | ".." => Err(Refusal::bad("request path must not hold \".\" or \"..\"")),
        _ => Ok(decoded),
    }
}

fn parameter(pair: &str) -> Result<(String, String), Refusal> {
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    Ok((decode(name, true)?, decode(value, true)?))
}

/// Undoes `%XX`, and `+` in a query. The result is UTF-8 without control characters.
fn decode(text: &str, plus_is_blank: bool) -> Result<String, Refusal> {
    let bad = || Refusal::bad("request target holds a bad percent-encoding");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit =
                    || char::from(rest.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) = (digit().ok_or_else(bad)?, digit().ok_or_else(bad)?);
                high * 16 + low
            }
            b'+' if plus_is_blank => b' ',
            other => other,
        });
    }
    let decoded = String::from_utf8(bytes).map_err(|_| Refusal::bad("request target is not UTF-8"))?;
    if decoded.contains(char::is_control) {
        return Err(Refusal::bad("request target holds a control character"));
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::{Limits, parse};
    use crate::Status;

    fn path(target: &str) -> Vec<String> {
        parse(target, &Limits::default()).unwrap().path
    }

    fn status(target: &str) -> Status {
        parse(target, &Limits::default()).unwrap_err().status
    }

    #[test]
    fn splits_before_it_decodes() {
        assert_eq!(path("/fleet/v1/units/foo%401.service"), ["fleet", "v1", "units", "foo@1.service"]);
        assert_eq!(path("/a%2Fb/%C3%A4"), ["a/b", "\u{e4}"]);
        assert_eq!(path("/"), [""]);
        assert_eq!(path("/a/"), ["a", ""]);
        assert_eq!(path("//a"), ["", "a"]);
        assert_eq!(path("http://host:1/a/b"), ["a", "b"]);
        assert_eq!(path("HTTP://host"), [""]);
        assert_eq!(path("/a+b"), ["a+b"]);
    }

    #[test]
    fn decodes_the_query() {
        let target = parse("/x?a=1&b=x+y%26z%3D&&c&=d&a=2?3", &Limits::default()).unwrap();
        let pairs: Vec<(&str, &str)> = target.query.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("a", "1"), ("b", "x y&z="), ("c", ""), ("", "d"), ("a", "2?3")]);
    }

    #[test]
    fn refuses_what_no_name_may_hold() {
        for target in [
            "/a/../b",
            "/.",
            "/%2e%2e/x",
            "/a%00b",
            "/a%0ab",
            "/%",
            "/%4",
            "/%zz",
            "/%+1",
            "/%ff",
            "/a#b",
            "/a?b#c",
            "*",
            "a",
            "",
            "http://",
            "https://h/",
            "/?%",
            "/?a=%00",
        ] {
            assert_eq!(status(target), Status::BadRequest, "{target}");
        }
        assert_eq!(status(&format!("/{}", "a/".repeat(100))), Status::NotFound);
        assert_eq!(status(&format!("/{}", "a".repeat(5000))), Status::UriTooLong);
        assert_eq!(status(&format!("/?{}", "a&".repeat(100))), Status::BadRequest);
    }
}
