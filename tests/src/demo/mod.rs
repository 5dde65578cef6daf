//! `cargo demo`: Skiff at work on one computer. Three `systemd --user` managers are its machines, the store of the first
//! (or, if asked for, a real etcd) holds them together, and the guide is walked through with the real `ctl`. It checks every
//! step, so it is a test as well.
//!
//! Two processes share the work. The outer one prepares the ground, waits, and cleans up; the inner one does all the
//! rest and may therefore fail, be interrupted or be killed anywhere.

pub mod arguments;
pub mod cgroup;
pub mod fleet;
pub mod folders;
pub mod ground;
pub mod guide;
mod inner;
pub mod keys;
pub mod machine;
mod outer;
pub mod prerequisites;
pub mod rows;
pub mod screen;
pub mod svg;
pub mod traces;
pub mod units;

use std::process::ExitCode;

use crate::demo::arguments::{HELP, Wish};
use crate::failure::Failure;

/// Runs the demo with the words after the program's name.
#[must_use]
pub fn main(words: &[String]) -> ExitCode {
    let wish = match arguments::parse(words) {
        Ok(wish) => wish,
        Err(failure) => {
            eprintln!("demo: {failure}");
            return ExitCode::from(2);
        }
    };
    let ended = match wish {
        Wish::Help => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Wish::Stop => stop(),
        Wish::Show(options) => outer::show(&options, words),
        Wish::Walk { folder, cgroup, options } => inner::walk(folder, cgroup, &options),
    };
    ended.unwrap_or_else(|failure| {
        eprintln!("demo: {failure}");
        ExitCode::FAILURE
    })
}

fn stop() -> Result<ExitCode, Failure> {
    let ended = traces::end_others(true)?;
    if ended.is_empty() {
        println!("No demo is running.");
    }
    for folder in ended {
        println!("Ended the demo in {}; nothing of it is left.", folder.display());
    }
    Ok(ExitCode::SUCCESS)
}
