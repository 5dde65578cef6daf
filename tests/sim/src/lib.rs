//! A fleet of real agents on simulated machines, networks and stores: one seed, one run, every time the same. The agents'
//! loops, the API, the planners and the shim are the shipped code; what is simulated is listed in `README.md`.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test: a simulator that has lost its way may stop here, and nothing else depends on it"
)]

pub mod chance;
pub mod client;
pub mod clients;
pub mod cuts;
pub mod etcd;
pub mod faults;
pub mod fiber;
pub mod generate;
pub mod guards;
pub mod holders;
pub mod kernel;
pub mod machine;
pub mod network;
pub mod observer;
pub mod run;
pub mod scenario;
pub mod settled;
pub mod shrink;
pub mod sim;
pub mod snares;
pub mod surroundings;
pub mod systemctl;
pub mod systemd;
pub mod total;
pub mod weakened;
