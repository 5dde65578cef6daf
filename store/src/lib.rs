//! A single-node keyspace that speaks etcd's v2 keys API. `README.md` beside this file says what is the same and what
//! is not.

#![forbid(unsafe_code)]

mod calendar;
pub mod engine;
pub mod folder;
#[cfg(feature = "fuzz")]
pub mod fuzz;
pub mod http;
pub mod hub;
pub mod journal;
mod json;
pub mod keyspace;
mod local;
mod times;
mod writer;

pub use local::LocalStore;
pub use times::{Clocks, RealClocks};
