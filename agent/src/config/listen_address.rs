//! Addresses of the API that the agent opens itself (`listen=`), beside the sockets systemd passes. Opening them is
//! the HTTP server's business.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use cluster::limits::{LISTEN_ADDRESSES_MAX, SOCKET_PATH_MAX_BYTES};

const FORM: &str = "expected unix:/path, tcp:ADDR:PORT or ADDR:PORT, several with commas between";

/// One address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// Absolute path of a Unix socket, at most `limits::SOCKET_PATH_MAX_BYTES` long.
    Unix(PathBuf),
    /// IP address and port; port 0 lets the system choose.
    Tcp(SocketAddr),
}

impl ListenAddress {
    /// Reads a comma list; the empty text is the empty list.
    ///
    /// # Errors
    /// An item is neither form, a path is relative or too long, or there are too many; the text says which.
    pub(super) fn parse_list(text: &str) -> Result<Vec<Self>, String> {
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
        let addresses = items.map(Self::parse).collect::<Result<Vec<_>, _>>()?;
        if addresses.len() > LISTEN_ADDRESSES_MAX {
            return Err(format!("{} addresses, at most {LISTEN_ADDRESSES_MAX}", addresses.len()));
        }
        Ok(addresses)
    }

    fn parse(item: &str) -> Result<Self, String> {
        if let Some(path) = item.strip_prefix("unix:") {
            if !path.starts_with('/') || path.ends_with('/') {
                return Err(FORM.to_owned());
            }
            if path.len() > SOCKET_PATH_MAX_BYTES {
                return Err(format!("the path of a socket is at most {SOCKET_PATH_MAX_BYTES} bytes long"));
            }
            return Ok(Self::Unix(path.into()));
        }
        let address = item.strip_prefix("tcp:").unwrap_or(item);
        address.parse().map(Self::Tcp).map_err(|_| FORM.to_owned())
    }

    /// True if other machines can reach it.
    #[must_use]
    pub fn is_open_to_network(&self) -> bool {
        matches!(self, Self::Tcp(address) if !address.ip().is_loopback())
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ListenAddress;

    #[test]
    fn reads_both_forms() {
        let list =
            ListenAddress::parse_list(" unix:/run/f.sock, tcp:127.0.0.1:1,[::1]:2 ,0.0.0.0:3").unwrap();
        let shown: Vec<String> = list.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["unix:/run/f.sock", "tcp:127.0.0.1:1", "tcp:[::1]:2", "tcp:0.0.0.0:3"]);
        assert_eq!(
            list.iter().map(ListenAddress::is_open_to_network).collect::<Vec<_>>(),
            [false, false, false, true]
        );
        assert_eq!(ListenAddress::parse_list("").unwrap(), []);
    }

    #[test]
    fn refuses_what_is_no_address() {
        let long = format!("unix:/{}", "x".repeat(200));
        for text in
            ["unix:f.sock", "unix:", "unix:/run/", "tcp:host:1", ":80", "127.0.0.1", "127.0.0.1:70000", &long]
        {
            assert!(ListenAddress::parse_list(text).is_err(), "{text}");
        }
        assert!(ListenAddress::parse_list(&["127.0.0.1:1"; 9].join(",")).is_err());
    }
}
