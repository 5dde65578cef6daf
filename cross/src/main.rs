//! `cargo cross`: what a release consists of, made with one command. Everything is in the library.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use ::tests::failure::Outcome;
use ::tests::install::workspace;
use cross::arguments::{Arguments, HELP, Wish, parse};
use cross::release::{Order, cloud_configs, release};
use cross::{order, reproduce, sizes};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let arguments = match parse(&words) {
        Ok(arguments) => arguments,
        Err(failure) => {
            eprintln!("cross: {failure}");
            return ExitCode::from(2);
        }
    };
    match act(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("cross: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn act(arguments: &Arguments) -> Outcome {
    let source = workspace();
    let target = source.join("target/cross");
    let results = arguments.output.clone().unwrap_or_else(|| source.join("target/dist"));
    let std_source = arguments.std_source.as_deref();
    let archs = arguments.archs.as_slice();
    let order = Order { source: &source, target: &target, results: &results, archs, std_source };
    let conf = arguments.conf.clone().unwrap_or_else(|| source.join("cross/cloud/fleet.conf"));
    match arguments.wish {
        Wish::Help => print!("{HELP}"),
        Wish::Release => {
            release(&order)?;
            cloud_configs(&order, &arguments.url, &conf)?;
            println!("everything is in {}", results.display());
        }
        Wish::Cloud => cloud_configs(&order, &arguments.url, &conf)?,
        Wish::Reproduce => {
            reproduce::compare(&source, &results, archs, std_source)?;
            println!("built again in another folder: the same bytes");
        }
        Wish::Order => println!("{} functions are in {}", order::renew(&source, std_source)?, order::FILE),
        Wish::Sizes => print!("{}", sizes::table(&source, &target, archs, std_source)?),
    }
    Ok(())
}
