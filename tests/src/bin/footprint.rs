//! `cargo run -p tests --release --bin footprint`: what SPECIFICATION.md promises about the agent's costs, measured. See
//! `tests::footprint`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    tests::footprint::main(&words)
}
