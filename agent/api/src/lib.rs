//! What the HTTP API v1 means (contract §5 and Skiff's additions): from a request to an answer, over any store. The
//! agent serves it over HTTP; `ctl --driver=etcd` calls it in its own process, so that there is one set of rules. Sockets
//! and bytes are the callers' business, what units and machines are `cluster`'s, how they are kept `registry`'s.
//!
//! ```text
//! access                              may whoever asks do that?
//! call ── route ─┬─ units ── view      objects from the registry's records
//!                ├─ states, machines, explain, events, rehearsal
//!                ├─ put, patch         orders, read and checked
//!                └─ reply ── list ── wire
//! ```

#![forbid(unsafe_code)]

pub mod access;
mod call;
pub mod changes;
mod events;
mod explain;
mod failure;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod list;
mod machines;
mod message;
mod page;
mod patch;
mod put;
mod reads;
mod rehearsal;
mod reply;
mod route;
mod select;
mod states;
mod status;
mod subject;
mod units;
mod view;
mod wire;

pub use call::{Call, Task};
pub use failure::Failure;
pub use list::List;
pub use message::{Method, Request};
pub use reply::{Done, Reply};
pub use status::Status;
pub use subject::Subject;

#[cfg(test)]
mod tests;
