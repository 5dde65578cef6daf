//! Time and who runs in it: events in their order, processes made of fibers, and the one loop that turns them. Nothing
//! here knows what an agent is.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::task::Waker;

use async_task::Runnable;

use crate::fiber::{Fiber, suspend};
use crate::sim::Sim;

/// A process: a life of an agent, or one call of a client.
pub type ProcessId = u64;
/// A thread of a process.
pub type FiberId = u64;
/// The fiber of a process that runs its tasks.
pub const MAIN: FiberId = 0;

/// Something that happens at its time.
pub enum Event {
    /// To the world outside of processes.
    World(Box<dyn FnOnce(&mut Sim)>),
    /// A timer of a process.
    Timer(ProcessId, Waker),
    /// A fiber has waited long enough.
    Fiber(ProcessId, FiberId),
}

/// Events by time, those of one moment in the order in which they were put in.
#[derive(Default)]
pub struct Agenda {
    events: BTreeMap<(u64, u64), Event>,
    count: u64,
}

impl Agenda {
    /// Puts an event in.
    pub fn put(&mut self, at_us: u64, event: Event) {
        self.count += 1;
        self.events.insert((at_us, self.count), event);
    }

    /// The next event, unless it comes after `until_us`.
    pub fn next(&mut self, until_us: u64) -> Option<(u64, Event)> {
        let first = self.events.first_entry().filter(|first| first.key().0 <= until_us)?;
        let ((at_us, _), event) = first.remove_entry();
        Some((at_us, event))
    }
}

/// A process. What it holds is dropped outside of the simulator's own borrow.
pub struct Process {
    /// Which node of the network it runs on.
    pub node: usize,
    /// Stopped by SIGSTOP: what becomes ready waits.
    pub paused: bool,
    fibers: BTreeMap<FiberId, Fiber>,
    next_fiber: FiberId,
    /// Fibers that wait for a shared value.
    pub parked: Vec<FiberId>,
    deferred: Vec<Event>,
    /// Work for the pool that has no thread yet.
    pub waiting: VecDeque<Runnable>,
    /// Threads of the pool that are busy.
    pub busy: usize,
    /// Until when its clock does not know how long it was stopped, and how long that was: only without `Guard::Clock`.
    pub behind: Option<(u64, u64)>,
}

impl Process {
    fn new(node: usize) -> Self {
        Self {
            node,
            paused: false,
            fibers: BTreeMap::new(),
            next_fiber: MAIN,
            parked: Vec::new(),
            deferred: Vec::new(),
            waiting: VecDeque::new(),
            busy: 0,
            behind: None,
        }
    }
}

/// All processes, and who can go on now.
#[derive(Default)]
pub struct Processes {
    alive: BTreeMap<ProcessId, Process>,
    count: ProcessId,
    ready: VecDeque<(ProcessId, FiberId)>,
    /// Killed, and to be dropped once nothing is borrowed.
    dead: Vec<Process>,
}

impl Processes {
    /// A process of one fiber, ready to begin.
    pub fn start(&mut self, node: usize, main: impl FnOnce() + 'static) -> ProcessId {
        self.count += 1;
        self.alive.insert(self.count, Process::new(node));
        self.add_fiber(self.count, main);
        self.count
    }

    /// One more fiber of a process.
    pub fn add_fiber(&mut self, id: ProcessId, work: impl FnOnce() + 'static) {
        let Some(process) = self.alive.get_mut(&id) else { return };
        let fiber = process.next_fiber;
        process.next_fiber += 1;
        process.fibers.insert(fiber, Fiber::new(work));
        self.ready.push_back((id, fiber));
    }

    /// The process, while it is alive.
    pub fn get(&mut self, id: ProcessId) -> Option<&mut Process> {
        self.alive.get_mut(&id)
    }

    /// Lets a fiber go on.
    pub fn wake(&mut self, id: ProcessId, fiber: FiberId) {
        self.ready.push_back((id, fiber));
    }

    /// Ends a process where it stands: kill -9.
    pub fn kill(&mut self, id: ProcessId) {
        self.dead.extend(self.alive.remove(&id));
    }

    /// Stops a process, or lets it go on with everything that came meanwhile.
    pub fn pause(&mut self, id: ProcessId, paused: bool) -> Vec<Event> {
        let Some(process) = self.alive.get_mut(&id) else { return Vec::new() };
        process.paused = paused;
        if paused { Vec::new() } else { std::mem::take(&mut process.deferred) }
    }

    /// Takes an event that belongs to a process which cannot take it now; gives it back if it can.
    fn defer(&mut self, id: ProcessId, event: Event) -> Option<Event> {
        match self.alive.get_mut(&id) {
            Some(process) if process.paused => {
                process.deferred.push(event);
                None
            }
            _ => Some(event),
        }
    }

    fn take_ready(&mut self) -> Option<(ProcessId, FiberId, Fiber)> {
        while let Some((id, fiber)) = self.ready.pop_front() {
            let Some(process) = self.alive.get_mut(&id) else { continue };
            if process.paused {
                process.deferred.push(Event::Fiber(id, fiber));
            } else if let Some(found) = process.fibers.remove(&fiber) {
                return Some((id, fiber, found));
            }
        }
        None
    }

    /// Puts a fiber that has run back, or the process to rest when its main fiber has ended.
    fn put_back(&mut self, id: ProcessId, number: FiberId, fiber: Fiber, ended: bool) -> Option<Fiber> {
        if ended && number == MAIN {
            self.kill(id);
        } else if let Some(process) = self.alive.get_mut(&id) {
            if !ended {
                process.fibers.insert(number, fiber);
            }
            if number != MAIN {
                // Whatever a thread did, a task of the main fiber may wait for it.
                self.ready.push_back((id, MAIN));
            }
            return None;
        }
        Some(fiber)
    }
}

thread_local! {
    static SIM: RefCell<Option<Sim>> = const { RefCell::new(None) };
    static CURRENT: Cell<Option<(ProcessId, FiberId)>> = const { Cell::new(None) };
}

/// Asks or changes the simulation of this thread.
///
/// # Panics
/// There is none, or it is being asked already.
pub fn with<R>(ask: impl FnOnce(&mut Sim) -> R) -> R {
    SIM.with_borrow_mut(|sim| ask(sim.as_mut().expect("a simulation runs on this thread")))
}

/// The process and fiber that run now.
#[must_use]
pub fn current() -> Option<(ProcessId, FiberId)> {
    CURRENT.get()
}

/// Makes `sim` the simulation of this thread.
pub fn begin(sim: Sim) {
    SIM.set(Some(sim));
}

/// Ends the simulation of this thread with all of its processes.
#[must_use]
pub fn end() -> Option<Sim> {
    let processes = with(|sim| std::mem::take(&mut sim.processes));
    drop(processes);
    let agenda = with(|sim| std::mem::take(&mut sim.agenda));
    drop(agenda);
    SIM.take()
}

/// Turns the world until nothing happens before `until_us`, or until `stop` says so; it is asked after every step.
pub fn turn(until_us: u64, mut stop: impl FnMut(&mut Sim) -> bool) {
    run_ready();
    while let Some((at_us, event)) = with(|sim| sim.agenda.next(until_us)) {
        with(|sim| sim.now_us = at_us);
        happen(event);
        run_ready();
        if with(&mut stop) {
            return;
        }
    }
    with(|sim| sim.now_us = sim.now_us.max(until_us));
}

fn happen(event: Event) {
    match event {
        Event::World(change) => with(change),
        Event::Fiber(id, fiber) => with(|sim| sim.processes.wake(id, fiber)),
        Event::Timer(id, waker) => {
            let now = with(|sim| sim.processes.defer(id, Event::Timer(id, waker)));
            if let Some(Event::Timer(id, waker)) = now {
                waker.wake();
                with(|sim| sim.processes.wake(id, MAIN));
            }
        }
    }
}

/// Runs every fiber that can go on, until none can.
fn run_ready() {
    loop {
        let dead = with(|sim| std::mem::take(&mut sim.processes.dead));
        drop(dead);
        let Some((id, number, mut fiber)) = with(|sim| sim.processes.take_ready()) else { return };
        CURRENT.set(Some((id, number)));
        let ended = fiber.resume();
        CURRENT.set(None);
        let rest = with(|sim| sim.processes.put_back(id, number, fiber, ended));
        drop(rest);
    }
}

/// Where an answer for the fiber that runs now will lie.
pub struct Caller<T> {
    process: ProcessId,
    fiber: FiberId,
    slot: Rc<Slot<T>>,
}

struct Slot<T> {
    waits: Cell<bool>,
    lost: Cell<bool>,
    answer: RefCell<Option<T>>,
}

impl<T> Clone for Caller<T> {
    fn clone(&self) -> Self {
        Self { process: self.process, fiber: self.fiber, slot: Rc::clone(&self.slot) }
    }
}

impl<T> Caller<T> {
    /// The fiber that runs now.
    ///
    /// # Panics
    /// None does.
    #[must_use]
    pub fn here() -> Self {
        let (process, fiber) = current().expect("called from a fiber");
        Self {
            process,
            fiber,
            slot: Rc::new(Slot {
                waits: Cell::new(true),
                lost: Cell::new(false),
                answer: RefCell::new(None),
            }),
        }
    }

    /// Gives the answer, unless there is one already.
    pub fn answer(&self, sim: &mut Sim, answer: T) {
        if self.slot.waits.replace(false) {
            self.slot.answer.replace(Some(answer));
            sim.processes.wake(self.process, self.fiber);
        }
    }

    /// True while nobody has answered.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.slot.waits.get()
    }

    /// Loses the connection on which the answer would come, and nobody notices.
    pub fn lose(&self) {
        self.slot.lost.set(true);
    }

    /// True if no answer can come.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.slot.lost.get()
    }

    /// The process that asks.
    #[must_use]
    pub const fn process(&self) -> ProcessId {
        self.process
    }

    /// Waits for the answer.
    #[must_use]
    pub fn wait(&self) -> T {
        loop {
            if let Some(answer) = self.slot.answer.take() {
                return answer;
            }
            suspend();
        }
    }
}
