//! A store on its own, for tests and for trying it with curl: `serve FOLDER ADDRESS [durable|relaxed]`. The agent does the
//! same with `--standalone`.

use std::process::ExitCode;
use std::sync::Arc;

use http_server::{Listener, Options as ServerOptions};
use store::RealClocks;
use store::engine::{Durability, Engine, Options};
use store::folder::RealFolder;
use store::http::{Face, limits};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("serve: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<(), String> {
    let (folder, address, durability) = match words {
        [folder, address] => (folder, address, Durability::Durable),
        [folder, address, word] if word == "relaxed" => (folder, address, Durability::Relaxed),
        [folder, address, word] if word == "durable" => (folder, address, Durability::Durable),
        _ => return Err("usage: serve FOLDER ADDRESS [durable|relaxed]".to_owned()),
    };
    let folder = RealFolder::new(folder).map_err(|error| format!("make {folder}: {error}"))?;
    let warn = Box::new(|text: &str| eprintln!("store: {text}"));
    let options = Options { durability, clocks: Box::new(RealClocks), warn };
    let engine = Engine::open(Arc::new(folder), options).map_err(|error| error.to_string())?;
    let address = address.parse().map_err(|error| format!("address {address}: {error}"))?;
    let listener = Listener::tcp(address).map_err(|error| error.to_string())?;
    let bound = listener.tcp_address().unwrap_or(address);
    println!("{bound}");
    let face = Face::new(engine, format!("http://{bound}"));
    let options = ServerOptions {
        server_name: String::new(),
        limits: limits(),
        notify: Box::new(|notice| eprintln!("http: {notice}")),
    };
    let handler = async |request, _| face.answer(request).await;
    smol::block_on(http_server::serve(vec![listener], options, handler, std::future::pending()));
    Ok(())
}
