//! The command line of Skiff: it asks the agent's API, prints what it says, and exits with a code that means
//! something. No decision about units is made here.

#![forbid(unsafe_code)]

mod activity;
mod api;
mod args;
mod clock;
mod command;
mod complete;
mod context;
mod create;
pub mod documents;
mod exit;
mod fields;
mod filter;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod lanes;
mod legend;
mod naming;
mod orders;
mod output;
mod remote;
mod screen;
mod suggest;
mod table;
mod talk;
mod verify;
mod waiting;

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use args::Meant;
use context::Context;
use exit::{Exit, Failure};

/// The name fleet's command line had; called by it, ctl answers to it.
const FLEETCTL: &str = "fleetctl";

/// Does what `words` ask, the first of them being the program's own name. Reads the environment (`FLEETCTL_*`), and
/// prints.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut words = words.into_iter();
    let program = program(words.next());
    let words: Result<Vec<String>, OsString> = words.map(OsString::into_string).collect();
    let ended = match words {
        Ok(words) => act(program, &words),
        Err(word) => Err(Failure::usage(format_args!("Error: {:?} is not UTF-8", word.to_string_lossy()))),
    };
    ended.unwrap_or_else(close).into()
}

fn program(called: Option<OsString>) -> &'static str {
    let name = called.as_deref().and_then(|called| Path::new(called).file_name());
    if name.is_some_and(|name| name == FLEETCTL) { FLEETCTL } else { "ctl" }
}

fn act(program: &str, words: &[String]) -> Result<Exit, Failure> {
    if let Some(question) = remote::question(words) {
        return remote::answer(question);
    }
    match args::parse(program, words, &|name| std::env::var(name).ok())? {
        Meant::Help(page) => {
            context::print(&page)?;
            Ok(Exit::Ok)
        }
        Meant::Complete(words) => complete::run(program, &words),
        Meant::Run(flags) => flags.command.run(&Context::new(program, &flags)),
    }
}

/// Says why a command ended early, where that has not been said yet.
fn close(failure: Failure) -> Exit {
    match failure {
        Failure::Says(text, exit) => {
            talk::say(&text);
            exit
        }
        // Whoever read the answer has read enough.
        Failure::Output(e) if e.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Failure::Output(e) => {
            talk::say(&format!("write to standard output: {e}"));
            Exit::Failed
        }
    }
}
