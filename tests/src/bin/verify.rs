//! `cargo verify`: all checks, with one command. They are in `tests::verify`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    tests::verify::main(&words)
}
