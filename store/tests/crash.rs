//! The store keeps what it said it kept: power cut at every write, disks that run full, clocks that jump, and `kill -9`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod crash {
    //! A disk that remembers everything done to it, and the cases.
    mod clocks;
    mod cuts;
    mod damaged;
    mod disk;
    mod full;
    mod killed;
    mod work;
}
#[path = "../../registry/tests/patience/mod.rs"]
#[allow(dead_code)]
mod patience;
