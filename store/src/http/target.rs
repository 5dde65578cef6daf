//! Targets and forms as Go's server reads them: percent-encodings undone, what cannot be read named in Go's words.

use http_server::Request;

/// A request's path and query, the path decoded.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    pub(super) path: String,
    pub(super) query: &'a str,
}

/// Takes a target apart. `None`: it has no path, or one that cannot be decoded.
pub(super) fn parse(target: &str) -> Option<Target<'_>> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = match path.strip_prefix("http://").or_else(|| path.strip_prefix("https://")) {
        Some(rest) => rest.find('/').and_then(|slash| rest.get(slash..)).unwrap_or("/"),
        None => path,
    };
    let decoded = String::from_utf8(decode(path, false).ok()?).ok()?;
    decoded.starts_with('/').then_some(Target { path: decoded, query })
}

/// The one spelling of a path that is served; clients are sent there from others.
pub(super) fn canonical(path: &str) -> String {
    let mut cleaned = crate::keyspace::clean(path);
    if path.ends_with('/') || cleaned.is_empty() {
        cleaned.push('/');
    }
    cleaned
}

/// A path as it stands in a URL.
pub(super) fn encode(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// The fields of a request: those of its body, if it has a form for one, then those of its query.
#[derive(Debug, Default)]
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads both; the error is in Go's words.
    pub(super) fn of(request: &Request, query: &str) -> Result<Self, String> {
        let mut form = Self::default();
        let mut result = Ok(());
        if has_form(request) {
            result = form.read(&String::from_utf8_lossy(&request.body));
        }
        let of_query = form.read(query);
        result.and(of_query).map(|()| form)
    }

    /// The first value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn read(&mut self, text: &str) -> Result<(), String> {
        let mut result = Ok(());
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            match field(pair) {
                Ok(field) => self.0.push(field),
                Err(cause) => result = result.and(Err(cause)),
            }
        }
        result
    }
}

fn has_form(request: &Request) -> bool {
    let media = request.content_types.first().and_then(|value| value.split(';').next()).unwrap_or_default();
    matches!(request.method.as_str(), "PUT" | "POST" | "PATCH")
        && media.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

fn field(pair: &str) -> Result<(String, String), String> {
    if pair.contains(';') {
        return Err("invalid semicolon separator in query".to_owned());
    }
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let text = |part| decode(part, true).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok((text(name)?, text(value)?))
}

fn decode(text: &str, plus_is_blank: bool) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (decoded, left) = match byte {
            b'%' => match after.split_at_checked(2).and_then(|(digits, left)| Some((hex(digits)?, left))) {
                Some(decoded) => decoded,
                None => {
                    let bad = String::from_utf8_lossy(rest.get(..3).unwrap_or(rest)).into_owned();
                    return Err(format!("invalid URL escape {bad:?}"));
                }
            },
            b'+' if plus_is_blank => (b' ', after),
            other => (other, after),
        };
        bytes.push(decoded);
        rest = left;
    }
    Ok(bytes)
}

fn hex(digits: &[u8]) -> Option<u8> {
    digits.iter().try_fold(0, |value: u8, digit| {
        let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())?;
        Some(value.wrapping_mul(16) + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_decoded_but_not_cleaned() {
        let parsed = parse("/v2/keys/a/../%2e%00b?x=%zz").unwrap();
        assert_eq!((parsed.path.as_str(), parsed.query), ("/v2/keys/a/../.\0b", "x=%zz"));
        assert_eq!(parse("http://host:1").unwrap().path, "/");
        for bad in ["*", "a", "/%", "/%f", "/%ff"] {
            assert_eq!(parse(bad), None, "{bad}");
        }
        assert_eq!(canonical("/v2//keys/./a/"), "/v2/keys/a/");
        assert_eq!(encode("/a b/é%+"), "/a%20b/%C3%A9%25+");
    }

    #[test]
    fn what_cannot_be_read_is_named_as_go_names_it() {
        let read = |text| Form::default().read(text).unwrap_err();
        assert_eq!(read("a=%zz&b=%"), "invalid URL escape \"%zz\"");
        assert_eq!(read("b=%"), "invalid URL escape \"%\"");
        assert_eq!(read("a=1;b=2"), "invalid semicolon separator in query");
    }
}
