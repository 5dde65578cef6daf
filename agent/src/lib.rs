//! The agent's parts, as a library so that each can be tested by itself; the daemon is put together in `main.rs`.

#![forbid(unsafe_code)]

/// The server of the API, as a crate of its own since the store is served with it too.
pub use http_server as http;

pub mod adopt;
pub mod api;
pub mod assembly;
pub mod bell;
mod bulletin;
pub mod certificates;
pub mod clock;
pub mod config;
pub mod dump;
pub mod embedded;
pub mod engine;
pub mod events;
pub mod hands;
pub mod holdings;
pub mod lease;
pub mod leave;
pub mod log;
mod looking;
pub mod metrics;
pub mod news;
pub mod node;
pub mod notice;
pub mod pool;
pub mod presence;
mod proofs;
pub mod reconcile;
mod record;
pub mod rows;
pub mod runtime_dir;
pub mod serving;
pub mod signals;
#[cfg(feature = "simulation")]
pub mod simulation;
mod starts;
mod steps;
pub mod successor;
pub mod threads;
mod transfer;
pub mod watch;
pub mod watchdog;
