//! The harness of Skiff's scenario tests: a real etcd or Skiff's own store, real systemd machines, and the words to do things to them.
//! It starts and breaks things and tells what it saw; what ought to be seen is written in `scenarios/`.

#![forbid(unsafe_code)]

pub mod bench;
pub mod cargo;
pub mod certificates;
pub mod demo;
pub mod dist;
pub mod etcd;
pub mod etcd_cluster;
pub mod etcd_proxy;
pub mod failure;
pub mod faults;
pub mod footprint;
pub mod free_port;
pub mod fuzz;
pub mod images;
pub mod install;
pub mod isolation;
pub mod machine;
pub mod machine_root;
pub mod network;
pub mod packages;
pub mod previous;
pub mod promises;
pub mod queue;
pub mod report;
pub mod run;
pub mod slow_link;
pub mod steady;
pub mod store_program;
pub mod table;
pub mod terminal;
pub mod unit_view;
pub mod verify;
pub mod wait;
pub mod witness;
pub mod world;
