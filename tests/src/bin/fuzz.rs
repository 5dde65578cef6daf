//! `cargo run -p tests --bin fuzz`: the fuzz targets, each for some time. See `tests::fuzz`.

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    tests::fuzz::main(&words)
}
