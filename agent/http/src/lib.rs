//! A small HTTP/1.1 server for the agent's API and for the store, on its caller's own thread. It knows the protocol and
//! its bounds; what is asked and answered is the handler's business ([`serve()`]).
//!
//! ```text
//! serve ── listener ── connection ─┬─ head ── target     bytes to a request
//!   │                   │          ├─ chunked
//!   └ slots, limits     └ socket   ├─ handler            a request to a response
//!                           │      └─ send ── date       a response to bytes
//!                           └ tls ── subject             bytes to other bytes, and who sent them
//! ```
//!
//! httparse, which ureq brings in anyway, reads the lines of a head. ureq-proto's server half was looked at and does
//! not fit: it waits for a chunked body after a `PUT` without one (`curl -X PUT URL`), takes a request with both
//! Content-Length and Transfer-Encoding, does not tell a wrong version from a wrong line, and writes header names in
//! lower case, where fleet's clients' scripts saw `Content-Length`.

#![forbid(unsafe_code)]

mod chunked;
mod connection;
mod date;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod head;
mod limits;
mod listener;
mod message;
mod notice;
mod send;
mod serve;
mod slots;
mod socket;
mod status;
#[cfg(feature = "tls")]
mod subject;
mod target;
#[cfg_attr(not(feature = "tls"), path = "no_tls.rs")]
mod tls;
mod tls_files;

pub use limits::Limits;
pub use listener::{ListenError, Listener};
pub use message::{Body, Method, Peer, Pieces, Request, Response, Shown};
pub use notice::Notice;
pub use serve::{Options, serve};
pub use status::Status;
pub use tls::Tls;
pub use tls_files::{Clients, TlsError, TlsFiles};
