//! Requests as the API sees them: decoded, owned, free of framing. Who sent one, and over what, is not known here.

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `PUT`.
    Put,
    /// `POST`.
    Post,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// Anything else; the API has no use for it.
    Other,
}

impl Method {
    /// Reads the token of a request line.
    #[must_use]
    pub fn parse(token: &str) -> Self {
        match token {
            "GET" => Self::Get,
            "PUT" => Self::Put,
            "POST" => Self::Post,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            _ => Self::Other,
        }
    }
}

/// One request, complete with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// The path between its slashes, percent-decoded: `/a/b%2Fc` is `["a", "b/c"]`, `/` is `[""]`, `/a/` is
    /// `["a", ""]`. No part is `.` or `..` or holds a control character.
    pub path: Vec<String>,
    /// The query's parameters in order, percent-decoded, `+` as a blank; the value of `?a` is empty.
    pub query: Vec<(String, String)>,
    /// The value of each Content-Type header.
    pub content_types: Vec<String>,
    /// The body without its framing.
    pub body: Vec<u8>,
}

impl Request {
    /// The values of a query parameter, in order.
    pub fn parameter<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}
