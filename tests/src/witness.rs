//! A witness looks at chosen units on all machines some hundred times a second, from a thread of its own and without
//! starting a process, and remembers every change: the proof that there never were two copies.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::machine::Leader;
use crate::wait::{Stopwatch, pause_between_glances};
use crate::world::World;

/// What ran at one moment: unit, machine number, invocation.
type Glance = BTreeMap<(String, usize), String>;

/// A change, and when it was seen.
#[derive(Clone, Debug)]
struct Change {
    after: Duration,
    glance: Glance,
}

/// A running witness; ask it with [`Witness::stop`].
#[derive(Debug)]
pub struct Witness {
    done: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Change>>>,
}

impl Witness {
    /// Begins to look at these units on all machines there are now.
    #[must_use]
    pub fn watch(world: &World, units: &[&str]) -> Self {
        let leaders: Vec<(usize, Leader)> =
            world.numbers().map(|number| (number, world.machine(number).leader())).collect();
        let units: Vec<String> = units.iter().map(|unit| (*unit).to_owned()).collect();
        let done = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&done);
        let thread = std::thread::spawn(move || look(&leaders, &units, &told));
        Self { done, thread: Some(thread) }
    }

    /// Ends it and gives what it saw.
    ///
    /// # Errors
    /// When its thread died.
    pub fn stop(mut self) -> Outcome<Testimony> {
        self.done.store(true, Ordering::SeqCst);
        let thread = self.thread.take().ok_or_else(|| Failure::new("the witness has been heard"))?;
        let changes = thread.join().map_err(|_| Failure::new("the witness's thread panicked"))?;
        Ok(Testimony { changes })
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.done.store(true, Ordering::SeqCst);
    }
}

fn look(leaders: &[(usize, Leader)], units: &[String], done: &AtomicBool) -> Vec<Change> {
    let watch = Stopwatch::start();
    let mut changes: Vec<Change> = Vec::new();
    while !done.load(Ordering::SeqCst) {
        let mut glance = Glance::new();
        for unit in units {
            for (number, leader) in leaders {
                if let Some(invocation) = leader.invocation(unit) {
                    glance.insert((unit.clone(), *number), invocation);
                }
            }
        }
        if changes.last().is_none_or(|last| last.glance != glance) {
            changes.push(Change { after: watch.elapsed(), glance });
        }
        pause_between_glances();
    }
    changes
}

/// What a witness saw.
#[derive(Clone, Debug)]
pub struct Testimony {
    changes: Vec<Change>,
}

impl Testimony {
    /// No unit ran on two machines at any moment.
    ///
    /// # Errors
    /// The whole course of events, if one did.
    pub fn never_two_copies(&self) -> Outcome {
        for change in &self.changes {
            let mut copies: BTreeMap<&str, usize> = BTreeMap::new();
            for (unit, _) in change.glance.keys() {
                *copies.entry(unit).or_default() += 1;
            }
            if let Some((unit, count)) = copies.into_iter().find(|(_, count)| *count > 1) {
                return Err(Failure::new(format!("{count} copies of {unit} ran at once:\n{}", self.shown())));
            }
        }
        Ok(())
    }

    /// The most copies of `unit` that ran at once; those on `aside`, a machine that cannot know better, do not count.
    #[must_use]
    pub fn most_copies(&self, unit: &str, aside: Option<usize>) -> usize {
        let counts = |key: &&(String, usize)| key.0 == unit && Some(key.1) != aside;
        self.changes.iter().map(|change| change.glance.keys().filter(counts).count()).max().unwrap_or(0)
    }

    /// Every run of `unit` that was seen: machine number and invocation.
    #[must_use]
    pub fn runs_of(&self, unit: &str) -> BTreeSet<(usize, String)> {
        let all = self.changes.iter().flat_map(|change| &change.glance);
        all.filter(|(key, _)| key.0 == unit).map(|(key, run)| (key.1, run.clone())).collect()
    }

    /// `unit` ran on these machines only, whenever it ran.
    ///
    /// # Errors
    /// The whole course of events, if it was elsewhere.
    pub fn only_on(&self, unit: &str, numbers: &[usize]) -> Outcome {
        let mut keys = self.changes.iter().flat_map(|change| change.glance.keys());
        match keys.find(|(name, number)| name == unit && !numbers.contains(number)) {
            None => Ok(()),
            Some((_, number)) => Err(Failure::new(format!("{unit} was on m{number}:\n{}", self.shown()))),
        }
    }

    /// How long after the first machine lost `unit` it ran on another one; `None` if it never moved.
    #[must_use]
    pub fn gap(&self, unit: &str) -> Option<Duration> {
        let places: Vec<(Duration, Vec<usize>)> = self
            .changes
            .iter()
            .map(|change| {
                (change.after, change.glance.keys().filter(|key| key.0 == unit).map(|key| key.1).collect())
            })
            .collect();
        let first = places.iter().position(|(_, on)| !on.is_empty())?;
        let origin = places.get(first)?.1.clone();
        let lost = places.iter().skip(first).find(|(_, on)| *on != origin)?.0;
        let found = places.iter().skip(first).find(|(_, on)| !on.is_empty() && *on != origin)?.0;
        Some(found.saturating_sub(lost))
    }

    /// The course of events, a line each.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for change in &self.changes {
            let _ = write!(text, "  {:8.3} s:", change.after.as_secs_f64());
            for ((unit, number), invocation) in &change.glance {
                let short: String = invocation.chars().take(6).collect();
                let _ = write!(text, " {unit} on m{number} ({short})");
            }
            text.push('\n');
        }
        text
    }
}
