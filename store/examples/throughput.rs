//! How many writes a second a store takes, relaxed and durable, in this process, beside what the disk itself can do:
//! `throughput FOLDER`. Sixty-four writers, values of 200 bytes.

// A benchmark reads the clock to measure, and nothing else here does.
#![allow(clippy::disallowed_methods)]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use store::RealClocks;
use store::engine::{Durability, Engine, Options};
use store::folder::RealFolder;
use store::keyspace::{Command, Content};

const WRITERS: usize = 64;
const FSYNCS: u32 = 200;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        eprintln!("usage: throughput FOLDER");
        return ExitCode::FAILURE;
    };
    match run(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("throughput: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|cause| format!("make {}: {cause}", folder.display()))?;
    let disk = fsyncs_a_second(folder).map_err(|cause| format!("measure {}: {cause}", folder.display()))?;
    println!("the disk: {disk:.0} writes with fsync a second");
    let one = writes_a_second(folder, Durability::Durable, 1, 200)?;
    println!("durable, 1 writer: {one:.0} writes a second, {:.0} % of that", 100.0 * one / disk);
    for (name, durability, each) in
        [("durable", Durability::Durable, 100), ("relaxed", Durability::Relaxed, 3000)]
    {
        let writes = writes_a_second(folder, durability, WRITERS, each)?;
        println!("{name}, {WRITERS} writers: {writes:.0} writes a second");
    }
    Ok(())
}

fn fsyncs_a_second(folder: &Path) -> std::io::Result<f64> {
    let path = folder.join("probe");
    let file = File::create(&path)?;
    let start = Instant::now();
    for number in 0..FSYNCS {
        file.write_at(&[1; 4096], u64::from(number % 16) * 4096)?;
        file.sync_data()?;
    }
    let taken = start.elapsed().as_secs_f64();
    fs::remove_file(path)?;
    Ok(f64::from(FSYNCS) / taken)
}

fn writes_a_second(folder: &Path, durability: Durability, writers: usize, each: u32) -> Result<f64, String> {
    let place = folder.join("store");
    let opened = RealFolder::new(&place).map_err(|cause| format!("make {}: {cause}", place.display()))?;
    let options =
        Options { durability, clocks: Box::new(RealClocks), warn: Box::new(|text| eprintln!("{text}")) };
    let engine = Engine::open(Arc::new(opened), options).map_err(|error| error.to_string())?;
    let start = Instant::now();
    let threads: Vec<_> = (0..writers)
        .map(|writer| {
            let engine = engine.clone();
            std::thread::spawn(move || (0..each).all(|number| write(&engine, writer, number)))
        })
        .collect();
    let all_done = threads.into_iter().all(|thread| thread.join().unwrap_or(false));
    engine.close();
    let taken = start.elapsed().as_secs_f64();
    fs::remove_dir_all(&place).map_err(|cause| format!("remove {}: {cause}", place.display()))?;
    let writes = f64::from(each) * f64::from(u32::try_from(writers).unwrap_or(u32::MAX));
    if all_done { Ok(writes / taken) } else { Err("a write failed".to_owned()) }
}

fn write(engine: &Engine, writer: usize, number: u32) -> bool {
    let content = Content { value: "v".repeat(200).into(), expiry: None, is_refresh: false };
    let path = format!("/{writer}/{}", number % 50);
    let command = Command::Set { path, is_dir: false, content };
    matches!(engine.submit(|_| command).recv_blocking(), Ok(Ok(_)))
}
