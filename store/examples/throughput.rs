//! How many writes a second a store takes, relaxed and durable, in this process and over HTTP, beside what the disk itself
//! can do and beside a real etcd on the same disk (Debian: etcd-server): `throughput FOLDER [ROUNDS]`. Values of 200
//! bytes; the figures are medians over rounds in which everything is measured in turn.

// A benchmark reads the clock to measure, and nothing else here does.
#![allow(clippy::disallowed_methods)]

#[path = "throughput/web.rs"]
mod web;

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

/// Who writes at the same time. One client alone is measured as well.
const WRITERS: usize = 64;
const ROUNDS: usize = 5;
const FSYNCS: u32 = 200;
/// Writes of each of several writers, and of one alone: some tenths of a second each.
const SEVERAL: u32 = 50;
const ALONE: u32 = 200;
const RELAXED: u32 = 1000;
const VALUE_BYTES: usize = 200;

/// What is measured, in the order of a round's figures.
const NAMES: [&str; 8] = [
    "the disk: a write of 4 KiB and its fsync",
    "store, durable, 1 writer in the process",
    "store, durable, 64 writers in the process",
    "store, relaxed, 64 writers in the process",
    "store, durable, 64 writers over HTTP",
    "store, relaxed, 64 writers over HTTP",
    "etcd, 1 writer over HTTP",
    "etcd, 64 writers over HTTP",
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (folder, rounds) = match words.as_slice() {
        [folder] => (folder, Ok(ROUNDS)),
        [folder, rounds] => (folder, rounds.parse()),
        _ => {
            eprintln!("usage: throughput FOLDER [ROUNDS]");
            return ExitCode::FAILURE;
        }
    };
    let ran =
        rounds.map_err(|cause| format!("rounds: {cause}")).and_then(|rounds| run(Path::new(folder), rounds));
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("throughput: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(folder: &Path, rounds: usize) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|cause| format!("make {}: {cause}", folder.display()))?;
    let mut all = Vec::new();
    for number in 1..=rounds {
        let figures = round(folder)?;
        eprintln!("round {number}: {figures:.0?}");
        all.push(figures);
    }
    for (place, name) in NAMES.iter().enumerate() {
        let of_disk = median(all.iter().map(|figures| share(figures, place)).collect());
        let figure = median(all.iter().filter_map(|figures| figures.get(place).copied()).collect());
        println!("{figure:9.0} a second, {of_disk:5.0} % of the disk's  {name}");
    }
    Ok(())
}

/// A figure in percent of the disk's in the same round, since the disk of a shared machine is never the same for long.
fn share(figures: &[f64], place: usize) -> f64 {
    match (figures.get(place), figures.first()) {
        (Some(figure), Some(disk)) => 100.0 * figure / disk,
        _ => f64::NAN,
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

fn round(folder: &Path) -> Result<Vec<f64>, String> {
    let disk = fsyncs_a_second(folder).map_err(|cause| format!("measure {}: {cause}", folder.display()))?;
    Ok(vec![
        disk,
        inside(folder, Durability::Durable, 1, ALONE)?,
        inside(folder, Durability::Durable, WRITERS, SEVERAL)?,
        inside(folder, Durability::Relaxed, WRITERS, RELAXED)?,
        with_store(folder, Durability::Durable, |engine| web::of_store(engine, WRITERS, SEVERAL))?,
        with_store(folder, Durability::Relaxed, |engine| web::of_store(engine, WRITERS, SEVERAL * 4))?,
        web::of_etcd(folder, 1, ALONE)?,
        web::of_etcd(folder, WRITERS, SEVERAL)?,
    ])
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

/// A fresh store in the folder, for as long as `measure` takes.
fn with_store(
    folder: &Path,
    durability: Durability,
    measure: impl FnOnce(&Engine) -> Result<f64, String>,
) -> Result<f64, String> {
    let place = folder.join("store");
    let opened = RealFolder::new(&place).map_err(|cause| format!("make {}: {cause}", place.display()))?;
    let options =
        Options { durability, clocks: Box::new(RealClocks), warn: Box::new(|text| eprintln!("{text}")) };
    let engine = Engine::open(Arc::new(opened), options).map_err(|error| error.to_string())?;
    let measured = measure(&engine);
    engine.close();
    fs::remove_dir_all(&place).map_err(|cause| format!("remove {}: {cause}", place.display()))?;
    measured
}

/// Writers in this process. The time includes the last write's way to the disk, in a relaxed store too.
fn inside(folder: &Path, durability: Durability, writers: usize, each: u32) -> Result<f64, String> {
    with_store(folder, durability, |engine| {
        let write = |writer: usize| {
            let engine = engine.clone();
            move || (0..each).all(|number| write(&engine, writer, number))
        };
        together(writers, each, write, || engine.close())
    })
}

/// Lets all writers write, then `end`; the writes a second over both.
fn together<W: FnOnce() -> bool + Send + 'static>(
    writers: usize,
    each: u32,
    write: impl Fn(usize) -> W,
    end: impl FnOnce(),
) -> Result<f64, String> {
    let start = Instant::now();
    let threads: Vec<_> = (0..writers).map(|writer| std::thread::spawn(write(writer))).collect();
    let all_done =
        threads.into_iter().map(|thread| thread.join().unwrap_or(false)).fold(true, |all, one| all & one);
    end();
    let taken = start.elapsed().as_secs_f64();
    let writes = f64::from(each) * f64::from(u32::try_from(writers).unwrap_or(u32::MAX));
    if all_done { Ok(writes / taken) } else { Err("a write failed".to_owned()) }
}

fn write(engine: &Engine, writer: usize, number: u32) -> bool {
    let content = Content { value: "v".repeat(VALUE_BYTES).into(), expiry: None, is_refresh: false };
    let path = format!("/{writer}/{}", number % 50);
    let command = Command::Set { path, is_dir: false, content };
    matches!(engine.submit(|_| command).recv_blocking(), Ok(Ok(_)))
}
