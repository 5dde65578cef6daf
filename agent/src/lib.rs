//! The agent's parts, as a library so that each can be tested by itself; the daemon is put together in `main.rs`.

pub mod adopt;
pub mod api;
pub mod bell;
pub mod clock;
pub mod config;
pub mod dump;
pub mod engine;
pub mod hands;
pub mod holdings;
pub mod http;
pub mod lease;
pub mod leave;
pub mod log;
pub mod node;
pub mod notice;
pub mod pool;
pub mod presence;
mod proofs;
pub mod reconcile;
pub mod rows;
pub mod runtime_dir;
pub mod serving;
pub mod signals;
mod steps;
pub mod successor;
pub mod watch;
pub mod watchdog;
