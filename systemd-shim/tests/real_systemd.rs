//! This crate against a real systemd: a user manager of each test's own. `cargo test -p systemd-shim --features
//! real-systemd`, as root.

// Clippy knows tests by their attribute; the functions around them are tests as well.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "real_systemd/activated.rs"]
mod activated;
#[path = "real_systemd/machine.rs"]
mod machine;
#[path = "real_systemd/noticing.rs"]
mod noticing;
#[path = "real_systemd/orders.rs"]
mod orders;
#[path = "real_systemd/reloading.rs"]
mod reloading;
mod scratch;
mod user_manager;
mod waiting;
