//! The store and a real etcd, asked the same: random sequences of requests over HTTP by several clients, TTLs and watches
//! included, and every status, header and body compared. A short run is part of `cargo verify`; a long one:
//!
//! ```sh
//! SKIFF_OPERATIONS=100000 TMPDIR=/dev/shm cargo test --release -p store --features real-etcd --test differential
//! ```

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod differential {
    //! The parts: how to ask, what to ask, and what is the same.
    pub(crate) mod client;
    pub(crate) mod json;
    pub(crate) mod operation;
    pub(crate) mod pair;
    pub(crate) mod same;
    pub(crate) mod watches;
}
#[path = "../../registry/tests/patience/mod.rs"]
#[allow(dead_code)]
mod patience;
#[path = "../../registry/tests/real_etcd/mod.rs"]
#[allow(dead_code)]
mod real_etcd;
mod served;

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use differential::operation::{Operation, operation};
use differential::pair::Pair;

/// Operations of a run for which nothing else is asked.
const OPERATIONS: usize = 4000;
/// Most operations of one sequence.
const SEQUENCE: usize = 120;

#[test]
fn the_store_answers_as_etcd_does() {
    let wanted = std::env::var("SKIFF_OPERATIONS").map_or(OPERATIONS, |text| text.parse().unwrap());
    let pair = RefCell::new(Pair::start());
    let asked = Cell::new(0);
    let config = Config { cases: 1, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    while asked.get() < wanted {
        let run = TestRunner::new(config.clone()).run(
            &vec(operation(), 1..SEQUENCE),
            |operations: Vec<Operation>| {
                asked.set(asked.get() + operations.len());
                let played = catch_unwind(AssertUnwindSafe(|| pair.borrow_mut().play(&operations)));
                let played = played.unwrap_or_else(|_| Err("panicked".to_owned()));
                played.map_err(|difference| {
                    // Shrinking takes its time where a difference is found by waiting.
                    eprintln!("{difference}");
                    TestCaseError::fail(difference)
                })
            },
        );
        if let Err(failure) = run {
            panic!("after {} operations: {failure}", asked.get());
        }
    }
    println!("{} operations, {}", asked.get(), pair.borrow().tally());
}
