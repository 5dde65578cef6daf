//! `cargo run -p tests --release --bin bench`: what SPECIFICATION.md promises about time, measured. See `tests::bench`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::bench::main()
}
