//! The API's routes on a real registry: every request goes through `agent::api::answer` to an etcd of its own, and what
//! machines would write is written to the store by hand. Needs the feature `real-etcd`, Debian's etcd-server and curl.

// Everything in this program is a test, also what stands outside of the functions marked as one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod api {
    //! The cases by subject, and the fleet they ask.
    mod changes;
    mod discovery;
    mod fleet;
    mod hostile;
    mod machines;
    mod metrics;
    mod orders;
    mod outages;
    mod questions;
    mod rehearsals;
    mod wire;
}
