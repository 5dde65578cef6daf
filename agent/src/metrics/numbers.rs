//! The counters themselves. There is one agent in a process, hence one set of them.

use std::sync::atomic::{AtomicU64, Ordering};

use cluster::event::Event;
use cluster::loss::Verdict;
use cluster::reason::{CAUSES, Cause};

use crate::clock;

/// Everything that is counted.
pub static NUMBERS: Numbers = Numbers::new();

/// What the leader writes, by fleet's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A unit was taken from its machine.
    Unschedule = 0,
    /// A unit was given a machine.
    Schedule = 1,
}

/// What is asked of the store, by fleet's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// One key is read.
    Get = 0,
    /// A tree is read.
    GetAll = 1,
    /// A key is written or deleted.
    Set = 2,
}

/// How often, and how long in all.
#[derive(Debug)]
pub(super) struct Timing {
    count: AtomicU64,
    micros: AtomicU64,
}

/// How often, and how often in vain.
#[derive(Debug)]
pub(super) struct Tally {
    all: AtomicU64,
    failed: AtomicU64,
}

/// The agent's counters.
#[derive(Debug)]
pub struct Numbers {
    /// When this agent took the lead, in milliseconds of [`clock::now_ms`]; 0 while it does not lead.
    led_since_ms: AtomicU64,
    pub(super) passes: Timing,
    pub(super) failed_passes: AtomicU64,
    pub(super) unplaced: AtomicU64,
    pub(super) machines_away: AtomicU64,
    pub(super) tasks: [Tally; 2],
    pub(super) operations: [(Tally, Timing); 3],
    pub(super) events: [AtomicU64; Event::ALL.len()],
    pub(super) decisions: [AtomicU64; CAUSES.len()],
    pub(super) missing: AtomicU64,
    pub(super) lost: AtomicU64,
    pub(super) braked: AtomicU64,
    pub(super) pending: AtomicU64,
    pub(super) backing_off: AtomicU64,
    pub(super) watch_restarts: AtomicU64,
    pub(super) lines_lost: AtomicU64,
}

fn whole(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl Timing {
    const fn new() -> Self {
        Self { count: AtomicU64::new(0), micros: AtomicU64::new(0) }
    }

    fn took(&self, micros: u64) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    #[cfg(feature = "metrics")]
    pub(super) fn read(&self) -> (u64, u64) {
        (self.count.load(Ordering::Relaxed), self.micros.load(Ordering::Relaxed))
    }
}

impl Tally {
    const fn new() -> Self {
        Self { all: AtomicU64::new(0), failed: AtomicU64::new(0) }
    }

    fn add(&self, worked: bool) {
        self.all.fetch_add(1, Ordering::Relaxed);
        self.failed.fetch_add(u64::from(!worked), Ordering::Relaxed);
    }

    #[cfg(feature = "metrics")]
    pub(super) fn read(&self) -> (u64, u64) {
        (self.all.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}

impl Numbers {
    const fn new() -> Self {
        Self {
            led_since_ms: AtomicU64::new(0),
            passes: Timing::new(),
            failed_passes: AtomicU64::new(0),
            unplaced: AtomicU64::new(0),
            machines_away: AtomicU64::new(0),
            tasks: [const { Tally::new() }; 2],
            operations: [const { (Tally::new(), Timing::new()) }; 3],
            events: [const { AtomicU64::new(0) }; Event::ALL.len()],
            decisions: [const { AtomicU64::new(0) }; CAUSES.len()],
            missing: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            braked: AtomicU64::new(0),
            pending: AtomicU64::new(0),
            backing_off: AtomicU64::new(0),
            watch_restarts: AtomicU64::new(0),
            lines_lost: AtomicU64::new(0),
        }
    }

    /// The agent leads from now on, or no longer.
    pub fn leads(&self, leads: bool) {
        self.led_since_ms.store(if leads { clock::now_ms() } else { 0 }, Ordering::Relaxed);
        if !leads {
            // Whoever leads now knows better.
            self.judged(&Verdict::default());
            self.pending(0);
        }
    }

    /// An operator was told of something.
    pub fn event(&self, event: Event) {
        if let Some(counter) = self.events.get(event.place()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The leader wrote a decision, for this cause.
    pub fn decision(&self, cause: &Cause) {
        if let Some(counter) = self.decisions.get(cause.place()) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What the leader makes of machines that give no sign of life.
    pub fn judged(&self, verdict: &Verdict) {
        self.missing.store(whole(verdict.missing.len()), Ordering::Relaxed);
        self.lost.store(whole(verdict.lost.len()), Ordering::Relaxed);
        self.braked.store(verdict.braked.into(), Ordering::Relaxed);
    }

    /// So many units should be on a machine and are on none.
    pub fn pending(&self, units: usize) {
        self.pending.store(whole(units), Ordering::Relaxed);
    }

    /// So many units of this machine failed, and wait.
    pub fn backing_off(&self, units: usize) {
        self.backing_off.store(whole(units), Ordering::Relaxed);
    }

    /// A long poll ended with nothing to go on from: what it watches is read again.
    pub fn watch_restarted(&self) {
        self.watch_restarts.fetch_add(1, Ordering::Relaxed);
    }

    /// Nobody took a line of the log.
    pub fn line_lost(&self) {
        self.lines_lost.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(feature = "metrics")]
    pub(super) fn led_since_ms(&self) -> Option<u64> {
        Some(self.led_since_ms.load(Ordering::Relaxed)).filter(|since| *since > 0)
    }

    /// A pass of the leader ended, which began at `start_us` of [`clock::now_us`].
    pub fn pass(&self, start_us: u64, worked: bool) {
        self.passes.took(clock::now_us().saturating_sub(start_us));
        self.failed_passes.fetch_add(u64::from(!worked), Ordering::Relaxed);
    }

    /// So many units more than before have no machine.
    pub fn unplaced(&self, units: usize) {
        self.unplaced.fetch_add(whole(units), Ordering::Relaxed);
    }

    /// So many machines were judged lost.
    pub fn machines_away(&self, machines: usize) {
        self.machines_away.fetch_add(whole(machines), Ordering::Relaxed);
    }

    /// The leader wrote a decision, or could not.
    pub fn task(&self, task: Task, worked: bool) {
        if let Some(tally) = self.tasks.get(task as usize) {
            tally.add(worked);
        }
    }

    /// The store answered, or did not, to what was asked at `start_us` of [`clock::now_us`].
    pub fn operation(&self, operation: Operation, start_us: u64, worked: bool) {
        if let Some((tally, timing)) = self.operations.get(operation as usize) {
            tally.add(worked);
            timing.took(clock::now_us().saturating_sub(start_us));
        }
    }
}
