//! Requests as the API sees them: decoded, owned, free of framing. Who sent one, and over what, is not known here.

use std::fmt;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Method {
    /// `GET`.
    Get,
    /// `HEAD`: whatever body the response has is not sent.
    Head,
    /// `PUT`.
    Put,
    /// `POST`.
    Post,
    /// `PATCH`.
    Patch,
    /// `DELETE`.
    Delete,
    /// `OPTIONS`.
    Options,
    /// Any other token.
    Other(String),
}

impl Method {
    /// Reads the token of a request line; any token is a method.
    #[must_use]
    pub fn parse(token: &str) -> Self {
        match token {
            "GET" => Self::Get,
            "HEAD" => Self::Head,
            "PUT" => Self::Put,
            "POST" => Self::Post,
            "PATCH" => Self::Patch,
            "DELETE" => Self::Delete,
            "OPTIONS" => Self::Options,
            other => Self::Other(other.to_owned()),
        }
    }

    /// The token as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other(token) => token,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One request, complete with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub method: Method,
    /// Path and query as they were sent, for log lines.
    pub target: String,
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
