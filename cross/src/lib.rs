//! How Skiff's releases are made: static binaries for two architectures, archives and Debian packages around them, the
//! list of what is linked, and cloud-configs. It builds and packs; what the programs do is tested elsewhere.

#![forbid(unsafe_code)]

pub mod arch;
pub mod arguments;
pub mod bill;
pub mod build;
pub mod check;
pub mod cloud;
pub mod deb;
pub mod digest;
pub mod elf;
pub mod generated;
pub mod json;
pub mod licences;
pub mod linked;
pub mod order;
pub mod pack;
pub mod release;
pub mod reproduce;
pub mod sizes;
pub mod std_library;
pub mod tools;
pub mod tree;
