//! What a simulated machine gives its agent in place of the kernel: clock, timers, pool, threads, chance, log.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use agent::log::Level;
use agent::pool::THREADS_MAX;
use agent::simulation::Surroundings;
use async_task::Runnable;

use crate::fiber::suspend;
use crate::kernel::{Event, current, with};
use crate::sim::Sim;

/// The surroundings of whatever process runs now.
#[derive(Debug)]
pub struct Here;

/// Makes what runs on this thread simulated.
pub fn enter() {
    agent::simulation::enter(Rc::new(Here));
}

impl Surroundings for Here {
    fn now_us(&self) -> u64 {
        with(|sim| match current() {
            Some((id, _)) => sim.boottime_of(id),
            None => sim.now_us,
        })
    }

    fn until(&self, at_ms: u64) -> Pin<Box<dyn Future<Output = ()>>> {
        Box::pin(Until { at_ms, is_set: false })
    }

    fn work(&self, work: Runnable, first: bool) {
        let Some((id, _)) = current() else { return };
        let begins = with(|sim| {
            let process = sim.processes.get(id)?;
            if first || process.busy < THREADS_MAX {
                process.busy += 1;
                return Some(work);
            }
            process.waiting.push_back(work);
            None
        });
        if let Some(work) = begins {
            with(|sim| sim.processes.add_fiber(id, move || serve(work)));
        }
    }

    fn thread(&self, _: &str, work: Box<dyn FnOnce() + Send>) {
        if let Some((id, _)) = current() {
            with(|sim| sim.processes.add_fiber(id, work));
        }
    }

    fn park(&self, at_most: Option<Duration>) {
        let Some((id, fiber)) = current() else { return };
        with(|sim| {
            if let Some(process) = sim.processes.get(id) {
                process.parked.push(fiber);
            }
            if let Some(time) = at_most {
                let at_us = sim.now_us + u64::try_from(time.as_micros()).unwrap_or(u64::MAX / 2);
                sim.agenda.put(at_us, Event::Fiber(id, fiber));
            }
        });
        suspend();
    }

    fn rouse(&self) {
        let Some((id, _)) = current() else { return };
        with(|sim| {
            let parked = sim.processes.get(id).map(|process| std::mem::take(&mut process.parked));
            for fiber in parked.into_iter().flatten() {
                sim.processes.wake(id, fiber);
            }
        });
    }

    fn random_id(&self) -> String {
        with(|sim| format!("{:016x}{:016x}", sim.chance.next(), sim.chance.next()))
    }

    fn log(&self, level: Level, line: &str) {
        if let Some((id, _)) = current() {
            with(|sim| sim.hear(id, level, line));
        }
    }

    fn step(&self, what: &str, path: &Path) {
        if let Some((id, fiber)) = current()
            && with(|sim| sim.written(id, what, path).is_some_and(|pause_us| nap(sim, id, fiber, pause_us)))
        {
            suspend();
        }
    }
}

fn nap(sim: &mut Sim, id: u64, fiber: u64, pause_us: u64) -> bool {
    let at_us = sim.now_us + pause_us;
    sim.agenda.put(at_us, Event::Fiber(id, fiber));
    true
}

/// A thread of the pool: takes work until there is none.
fn serve(first: Runnable) {
    let mut work = Some(first);
    while let Some(runnable) = work {
        runnable.run();
        let Some((id, _)) = current() else { return };
        work = with(|sim| {
            let process = sim.processes.get(id)?;
            let next = if process.busy > THREADS_MAX { None } else { process.waiting.pop_front() };
            process.busy -= usize::from(next.is_none());
            next
        });
    }
}

/// A timer.
struct Until {
    at_ms: u64,
    is_set: bool,
}

impl Future for Until {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Some((id, _)) = current() else { return Poll::Pending };
        with(|sim| {
            let now_us = sim.boottime_of(id);
            if now_us / 1000 >= self.at_ms {
                return Poll::Ready(());
            }
            if !self.is_set || sim.is_behind(id) {
                let at_us = sim.now_us + (self.at_ms * 1000 - now_us);
                sim.agenda.put(at_us, Event::Timer(id, context.waker().clone()));
                self.is_set = true;
            }
            Poll::Pending
        })
    }
}
