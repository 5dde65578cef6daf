//! What many runs came to, for the line at the end and for the README.

use std::collections::BTreeMap;
use std::fmt;

use crate::run::Verdict;

/// The sum of many runs.
#[derive(Debug, Default)]
pub struct Total {
    runs: u64,
    simulated_us: u64,
    writes: u64,
    requests: u64,
    two_leaders: u64,
    slowest_us: u64,
    counts: BTreeMap<String, u64>,
}

impl Total {
    /// Adds a run.
    pub fn add(&mut self, verdict: &Verdict) {
        self.runs += 1;
        self.simulated_us += verdict.simulated_us;
        self.writes += verdict.writes;
        self.requests += verdict.requests;
        self.two_leaders += u64::from(verdict.two_leaders);
        self.slowest_us = self.slowest_us.max(verdict.settled_us);
        for (what, count) in &verdict.counts {
            *self.counts.entry(what.clone()).or_default() += count;
        }
    }

    /// Adds the runs of another thread.
    pub fn join(&mut self, other: Self) {
        self.runs += other.runs;
        self.simulated_us += other.simulated_us;
        self.writes += other.writes;
        self.requests += other.requests;
        self.two_leaders += other.two_leaders;
        self.slowest_us = self.slowest_us.max(other.slowest_us);
        for (what, count) in other.counts {
            *self.counts.entry(what).or_default() += count;
        }
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.simulated_us / 3_600_000_000;
        writeln!(f, "{} runs, {hours} simulated hours", self.runs)?;
        writeln!(f, "{} requests to the store, {} writes of agents", self.requests, self.writes)?;
        writeln!(f, "{} runs in which two agents led at once", self.two_leaders)?;
        writeln!(f, "{} ms until all was well again, at most", self.slowest_us / 1000)?;
        let counts: Vec<String> = self.counts.iter().map(|(what, count)| format!("{what} {count}")).collect();
        write!(f, "{}", counts.join(", "))
    }
}
