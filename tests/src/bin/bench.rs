//! `cargo run -p tests --release --bin bench`: what SPECIFICATION.md promises about time, measured. See `tests::bench`.

use std::process::ExitCode;

fn main() -> ExitCode {
    tests::bench::main()
}
