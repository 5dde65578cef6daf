//! What a server has to say besides its responses; the agent logs it. Bad requests are answered and not remarked on, so
//! that no client can flood the log; only a source of ours that fails is named each time.

use std::fmt;
use std::io;

use super::message::Peer;

/// Something an operator may want to know.
#[derive(Debug)]
pub enum Notice {
    /// Connections cannot be accepted; said once until one was accepted again. It is tried again with back-off.
    AcceptFailed {
        /// The listener's name.
        listener: String,
        /// Why not.
        cause: io::Error,
    },
    /// All connections are taken; said once until half of them were free again.
    Full {
        /// How many that are.
        connections: usize,
    },
    /// The source of a streamed response failed, and the response was broken off.
    BodyFailed {
        /// Method and target of the request.
        request: String,
        /// What the source said.
        cause: io::Error,
    },
    /// A client and this server did not come to speak TLS; the client was told, too. For someone looking for an error: any
    /// stranger can bring it about.
    NoHandshake {
        /// The client.
        peer: Peer,
        /// Why not.
        cause: io::Error,
    },
    /// Requests were still running when the time to end was over; they were dropped.
    Dropped {
        /// How many connections.
        connections: usize,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AcceptFailed { listener, cause } => write!(f, "accept on {listener}: {cause}"),
            Self::Full { connections } => {
                write!(f, "all {connections} API connections are in use; further ones are answered with 503")
            }
            Self::BodyFailed { request, cause } => write!(f, "answer {request}: {cause}"),
            Self::NoHandshake { peer, cause } => write!(f, "no TLS: {peer}: {cause}"),
            Self::Dropped { connections } => {
                write!(f, "stopping: {connections} API connections did not end in time and were dropped")
            }
        }
    }
}
