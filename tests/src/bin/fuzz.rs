//! `cargo run -p tests --bin fuzz`: the fuzz targets, each for some time. See `tests::fuzz`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    tests::fuzz::main(&words)
}
