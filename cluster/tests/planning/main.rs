//! The planning code against golden text (`../golden/<topic>/*.txt`, see `runner`) and against random clusters that are
//! played out to their end. Everything goes through the real keys and the real JSON; nothing here does I/O but the
//! reading of golden files.

// A test may fail in whatever way says most; helpers of tests are no `#[test]` functions, where this is allowed anyway.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../runner/mod.rs"]
mod runner;

mod agents;
mod contact;
mod desired;
mod events;
mod keys;
mod lease;
mod loss;
mod machine;
mod properties;
mod reconcile;
mod rehearse;
mod scene;
mod schedule;
mod setback;
mod standing;
mod store;
mod transfer;
