//! Which files a server's TLS is made of, and what can be wrong with them. With or without TLS in the build.

use std::fmt;
use std::path::{Path, PathBuf};

/// PEM files of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, and those between it and its authority.
    pub certfile: PathBuf,
    /// The certificate's key, not encrypted.
    pub keyfile: PathBuf,
    /// The authorities that vouch for clients.
    pub cafile: PathBuf,
}

/// Which clients a server takes. A certificate that nobody vouches for ends the handshake either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clients {
    /// Those with a certificate that an authority of `cafile` vouches for.
    Vouched,
    /// Those without one, too: the handler sees who they are.
    Any,
}

/// TLS cannot be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsError {
    path: PathBuf,
    cause: String,
}

impl TlsError {
    pub(super) fn new(path: &Path, cause: String) -> Self {
        Self { path: path.to_owned(), cause }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "use {} for TLS: {}", self.path.display(), self.cause)
    }
}

impl std::error::Error for TlsError {}
