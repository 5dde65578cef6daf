//! What can go wrong between a question and its answer, in words a person can act on.

use std::fmt;
use std::io;

use crate::exit::Exit;

/// Why a request did not get the answer it wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ApiError {
    /// The server understood and refused.
    Refused {
        /// HTTP status.
        status: u16,
        /// The server's own words.
        message: String,
    },
    /// The server is there but cannot serve now (503).
    Unavailable {
        /// Where it was asked.
        endpoint: String,
        /// The server's own words.
        message: String,
    },
    /// There was no answer.
    Unreachable {
        /// What was asked: `read unit a.service`.
        operation: String,
        /// Where.
        endpoint: String,
        /// Why, and what helps.
        cause: String,
    },
    /// There was an answer that cannot be used.
    BadAnswer {
        /// What was asked.
        operation: String,
        /// Where.
        endpoint: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The request cannot be written.
    Unsendable {
        /// What was to be asked.
        operation: String,
        /// Why.
        cause: String,
    },
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Fleet's client library put it so, and scripts look for it (golden 137).
            Self::Refused { status, message } => write!(f, "googleapi: Error {status}: {message}"),
            Self::Unavailable { endpoint, message } => write!(f, "{endpoint}: {message}"),
            Self::Unreachable { operation, endpoint, cause }
            | Self::BadAnswer { operation, endpoint, cause } => {
                write!(f, "{operation} at {endpoint}: {cause}")
            }
            Self::Unsendable { operation, cause } => write!(f, "{operation}: {cause}"),
        }
    }
}

impl std::error::Error for ApiError {}

impl ApiError {
    /// What ctl exits with when this ends a command.
    pub(crate) const fn exit(&self) -> Exit {
        match self {
            Self::Unavailable { .. } | Self::Unreachable { .. } => Exit::Unreachable,
            Self::Refused { .. } | Self::BadAnswer { .. } | Self::Unsendable { .. } => Exit::Failed,
        }
    }

    /// True where the same question may well be answered a moment later.
    pub(crate) const fn is_passing(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => *status >= 500,
            Self::BadAnswer { .. } | Self::Unsendable { .. } => false,
        }
    }
}

/// The cause of a failed connection to a unix socket, and what helps.
pub(super) fn socket_advice(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::PermissionDenied => {
            format!("{cause}: the socket is open to root and to members of the group fleet; join that group")
        }
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            format!("{cause}: skiff-agent is not running on this machine, or listens elsewhere (--endpoint)")
        }
        _ => cause.to_string(),
    }
}

/// The cause of a failed connection over the network, and what helps.
pub(super) fn network_advice(cause: &io::Error) -> String {
    #[cfg(feature = "tls")]
    if let Some(fault) = registry::etcd::tls_fault_of_io(cause) {
        return fault;
    }
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("{cause}: nothing listens there; is skiff-agent running, with an address to listen on?")
        }
        _ => cause.to_string(),
    }
}

/// The cause of a failed connection through a tunnel, and what helps.
pub(super) fn tunnel_advice(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe =>
            "the connection ended; ssh and the far end say why above. The far end needs ctl or fleetctl in its PATH, and \
             an agent that listens there (--endpoint)"
                .to_owned(),
        _ => cause.to_string(),
    }
}
