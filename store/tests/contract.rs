//! The store in its own process keeps the registry's contract, word for word the one a real etcd is tested with.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../registry/tests/contract/mod.rs"]
mod contract;
#[path = "../../registry/tests/patience/mod.rs"]
#[allow(dead_code)]
mod patience;

use std::sync::Arc;
use std::time::Duration;

use store::engine::{Durability, Engine, Options};
use store::folder::RealFolder;
use store::{LocalStore, RealClocks};

#[test]
fn the_store_keeps_the_registry_s_contract() {
    for durability in [Durability::Durable, Durability::Relaxed] {
        let folder = std::env::temp_dir().join(format!("skiff-store-contract-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let options =
            Options { durability, clocks: Box::new(RealClocks), warn: Box::new(|text| panic!("{text}")) };
        let engine = Engine::open(Arc::new(RealFolder::new(&folder).unwrap()), options).unwrap();
        let store = LocalStore::new(engine.clone(), "/_coreos.com/fleet", Duration::from_secs(60));
        let impatient = LocalStore::new(engine, "/_coreos.com/fleet", Duration::from_secs(1));
        contract::all(&contract::Stores { store: &store, impatient: &impatient }, "root");
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
