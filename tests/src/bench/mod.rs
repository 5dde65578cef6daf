//! The benchmark: each promise about time, measured once as promised (not at three times, as the scenarios do), beside
//! what systemctl and etcd need for the same work in the same minutes, and then the same things with the time told apart
//! that etcd, systemd and Skiff itself take. It prints both tables and fails where a promise is broken.

mod etcd_write;
mod failover;
mod listing;
mod measures;
mod probe;
mod shares;

use std::process::ExitCode;
use std::time::Duration;

use crate::bench::probe::Probe;
use crate::bench::shares::Split;
use crate::failure::Outcome;
use crate::install::Binaries;
use crate::isolation::Isolation;
use crate::world::World;

/// A promise and what was measured.
pub(crate) struct Row {
    /// What was done.
    pub what: &'static str,
    /// What it is measured against, in words and figures.
    pub against: String,
    /// The promise, as a time.
    pub promised: Duration,
    /// The time it took.
    pub measured: Duration,
}

/// Runs all measurements and prints the table; the exit status says whether every promise was kept.
#[must_use]
pub fn main() -> ExitCode {
    match measure() {
        Ok((rows, splits)) => {
            print(&rows);
            print_splits(&splits);
            if rows.iter().all(|row| row.measured <= row.promised) {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Outcome<(Vec<Row>, Vec<Split>)> {
    let binaries = Binaries::build()?;
    let mut world = World::start(Isolation::enter()?, binaries)?;
    let mut rows = Vec::new();
    for (what, measurement) in measures::ALL.into_iter().chain([listing::LISTING]) {
        eprintln!("measuring: {what}");
        world.fresh()?;
        rows.extend(measurement(&mut world)?);
    }
    eprintln!("measuring: where the time goes");
    let probe = Probe::start(&world)?;
    let mut splits = shares::measure(&mut world, &probe)?;
    eprintln!("measuring: losses");
    let (losses, more) = failover::measure(&mut world, &probe)?;
    rows.extend(losses);
    splits.extend(more);
    Ok((rows, splits))
}

fn print(rows: &[Row]) {
    println!("| what | at most | measured | against |");
    println!("| --- | --- | --- | --- |");
    for row in rows {
        let broken = if row.measured <= row.promised { "" } else { " **broken**" };
        println!(
            "| {} | {} | {}{broken} | {} |",
            row.what,
            shown(row.promised),
            shown(row.measured),
            row.against
        );
    }
}

fn print_splits(splits: &[Split]) {
    println!("\n| median | in all | a TTL | etcd | systemd | the test's way in | Skiff |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (what, share) in splits {
        let parts = [share.total, share.ttl, share.etcd, share.systemd, share.way, share.own()];
        println!("| {what} | {} |", parts.map(shown).join(" | "));
    }
}

/// Milliseconds below ten seconds, with a decimal where they are few; seconds above.
pub(crate) fn shown(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    match time {
        _ if time < Duration::from_millis(10) => format!("{ms:.1} ms"),
        _ if time < Duration::from_secs(10) => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
