//! Where the API is: the values `--endpoint` takes (contract §3.1). Nothing is connected here.

use std::fmt;
use std::path::PathBuf;

use crate::remote::{Far, Place};

/// One place the API can be asked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    /// A unix socket.
    Unix(PathBuf),
    /// `http://HOST[:PORT]` without a trailing slash.
    Http(String),
    /// `https://HOST[:PORT]` without a trailing slash.
    Https(String),
}

/// Why a text is no endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum EndpointError {
    /// Nothing before or after the commas.
    Empty,
    /// Not one of the four schemes.
    Scheme(String),
    /// A unix socket lies on this machine.
    HostInUnix(String),
    /// Nothing after the scheme.
    NoAddress(String),
}

impl fmt::Display for EndpointError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("endpoint is empty"),
            Self::Scheme(text) => {
                write!(f, "endpoint {text:?} begins with none of unix://, file://, http://, https://")
            }
            Self::HostInUnix(text) => {
                write!(f, "endpoint {text:?} names a host, but a unix socket has a path only: unix:///PATH")
            }
            Self::NoAddress(text) => write!(f, "endpoint {text:?} has no address"),
        }
    }
}

impl Endpoint {
    /// Reads `--endpoint`: the first of a comma list counts. The second value is true if there were more.
    ///
    /// # Errors
    /// The first is no endpoint.
    pub(crate) fn parse(list: &str) -> Result<(Self, bool), EndpointError> {
        let mut all = list.split(',').map(str::trim).filter(|text| !text.is_empty());
        let first = all.next().ok_or(EndpointError::Empty)?;
        Self::parse_one(first).map(|endpoint| (endpoint, all.next().is_some()))
    }

    fn parse_one(text: &str) -> Result<Self, EndpointError> {
        let (scheme, rest) = text.split_once("://").ok_or_else(|| EndpointError::Scheme(text.to_owned()))?;
        let address = rest.trim_end_matches('/');
        if address.is_empty() {
            return Err(EndpointError::NoAddress(text.to_owned()));
        }
        match scheme.to_ascii_lowercase().as_str() {
            "unix" | "file" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(address))),
            "unix" | "file" => Err(EndpointError::HostInUnix(text.to_owned())),
            "http" => Ok(Self::Http(format!("http://{address}"))),
            "https" => Ok(Self::Https(format!("https://{address}"))),
            _ => Err(EndpointError::Scheme(text.to_owned())),
        }
    }

    /// The same, seen from the far end of a tunnel; `None` for a host that is none.
    pub(crate) fn far(&self) -> Option<Far> {
        let (address, default_port) = match self {
            Self::Unix(path) => return Some(Far::Socket(path.display().to_string())),
            Self::Http(url) => (url.strip_prefix("http://")?, 80),
            Self::Https(url) => (url.strip_prefix("https://")?, 443),
        };
        let address = address.split('/').next()?;
        Place::parse(address).map(|place| Far::Port(place.host, place.port.unwrap_or(default_port)))
    }

    /// What requests begin with.
    pub(crate) fn base_url(&self) -> &str {
        match self {
            Self::Unix(_) => "http://localhost",
            Self::Http(url) | Self::Https(url) => url,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Http(url) | Self::Https(url) => f.write_str(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Result<Endpoint, EndpointError> {
        Endpoint::parse(text).map(|(endpoint, _)| endpoint)
    }

    #[test]
    fn the_four_schemes_are_read() {
        let socket = Endpoint::Unix(PathBuf::from("/var/run/fleet.sock"));
        assert_eq!(one("unix:///var/run/fleet.sock").unwrap(), socket);
        assert_eq!(one("file:///var/run/fleet.sock").unwrap(), socket);
        assert_eq!(
            one("http://10.0.0.1:49153/").unwrap(),
            Endpoint::Http("http://10.0.0.1:49153".to_owned())
        );
        assert_eq!(one("HTTPS://a").unwrap(), Endpoint::Https("https://a".to_owned()));
    }

    #[test]
    fn the_first_of_a_list_counts() {
        assert_eq!(
            Endpoint::parse("http://a,http://b").unwrap(),
            (Endpoint::Http("http://a".to_owned()), true)
        );
        assert_eq!(Endpoint::parse("http://a,").unwrap(), (Endpoint::Http("http://a".to_owned()), false));
    }

    #[test]
    fn the_far_end_of_a_tunnel_sees_the_same_place() {
        let far = |text: &str| format!("{:?}", one(text).unwrap().far());
        assert_eq!(far("unix:///run/a.sock"), "Some(Socket(\"/run/a.sock\"))");
        assert_eq!(far("http://10.0.0.1:49153"), "Some(Port(Host(\"10.0.0.1\"), 49153))");
        assert_eq!(far("http://[fe80::1]"), "Some(Port(Host(\"fe80::1\"), 80))");
        assert_eq!(far("https://node/x"), "Some(Port(Host(\"node\"), 443))");
        assert_eq!(far("http://a b"), "None");
    }

    #[test]
    fn what_is_none_is_refused() {
        assert_eq!(one(" , "), Err(EndpointError::Empty));
        assert_eq!(one("/run/x"), Err(EndpointError::Scheme("/run/x".to_owned())));
        assert_eq!(one("ftp://x"), Err(EndpointError::Scheme("ftp://x".to_owned())));
        assert_eq!(one("unix://host/x"), Err(EndpointError::HostInUnix("unix://host/x".to_owned())));
        assert_eq!(one("unix://"), Err(EndpointError::NoAddress("unix://".to_owned())));
    }
}
