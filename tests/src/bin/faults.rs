//! `cargo run -p tests --bin faults [-- WORD… | --list | --gate | --write]`: machines and etcd hurt in every way, and
//! whether what is promised stays true. See `tests::faults`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    tests::faults::main(&words)
}
