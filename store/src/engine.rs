//! The keyspace, its file and its watchers put together. One thread writes: it takes what is waiting, puts it on disk in
//! one go, and only then carries it out and answers, so that nobody ever sees what a crash could take back. With
//! [`Durability::Relaxed`] it is the other way round, and the file follows within a second.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use smol::channel::{Receiver, Sender, bounded};

use crate::calendar::Rfc3339;
use crate::folder::Folder;
use crate::hub::{Hub, Watch};
use crate::journal::{Journal, JournalError};
use crate::keyspace::{Change, Code, Command, Event, Keyspace, Moment, Refusal, done};
use crate::times::{Clocks, Times};
use crate::writer;

/// When a write is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Once it is on disk.
    Durable,
    /// At once; a crash may cost what was written in the second before it.
    Relaxed,
}

/// How a write ended.
pub type Answer = Result<Arc<Event>, Refusal>;

/// An open store. Clones are the same store; it is closed, and its last writes put on disk, with the last of them.
#[derive(Clone)]
pub struct Engine(Arc<Running>);

struct Running {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the writer and everyone else share.
pub(crate) struct Shared {
    pub(crate) times: Times,
    opened: Moment,
    pub(crate) durability: Durability,
    pub(crate) warn: Box<dyn Fn(&str) + Send + Sync>,
    state: Mutex<State>,
    work: Condvar,
}

pub(crate) struct State {
    pub(crate) keyspace: Keyspace,
    pub(crate) hub: Hub,
    /// What waits to be written; the moment is when it was asked for.
    pub(crate) waiting: VecDeque<Waiting>,
    /// Done already, but not yet on disk (relaxed).
    pub(crate) unsaved: Vec<Vec<u8>>,
    /// Why the disk took nothing at the last attempt.
    pub(crate) broken: Option<JournalError>,
    pub(crate) is_closing: bool,
}

/// A command and who waits for its end.
pub(crate) struct Waiting {
    pub(crate) command: Command,
    pub(crate) answer: Sender<Answer>,
}

/// How a store is opened.
pub struct Options {
    /// When writes are answered.
    pub durability: Durability,
    /// Its clocks.
    pub clocks: Box<dyn Clocks>,
    /// Told what an operator may want to know.
    pub warn: Box<dyn Fn(&str) + Send + Sync>,
}

impl Engine {
    /// Opens the store in a folder, or makes one there.
    ///
    /// # Errors
    /// Its file cannot be read or made, or another process has it open.
    pub fn open(folder: Arc<dyn Folder>, options: Options) -> Result<Self, JournalError> {
        let (journal, keyspace) = Journal::open(folder, random()?)?;
        let times = Times::begin(options.clocks, keyspace.latest());
        let shared = Arc::new(Shared {
            opened: times.now(),
            times,
            durability: options.durability,
            warn: options.warn,
            state: Mutex::new(State {
                keyspace,
                hub: Hub::default(),
                waiting: VecDeque::new(),
                unsaved: Vec::new(),
                broken: None,
                is_closing: false,
            }),
            work: Condvar::new(),
        });
        let for_writer = Arc::clone(&shared);
        let thread = thread::Builder::new().name("store".to_owned());
        let thread = thread.spawn(move || writer::run(&for_writer, journal)).map_err(|cause| {
            JournalError { operation: "start the store's thread".to_owned(), cause: cause.to_string() }
        })?;
        Ok(Self(Arc::new(Running { shared, thread: Mutex::new(Some(thread)) })))
    }

    /// Asks for a command to be carried out; the channel gives its end. The command is made with the store's time.
    pub fn submit(&self, make: impl FnOnce(Moment) -> Command) -> Receiver<Answer> {
        let shared = &self.0.shared;
        let (answer, answered) = bounded(1);
        let mut state = shared.lock();
        let now = shared.times.now();
        let command = make(now);
        let is_work = match shared.durability {
            _ if state.is_closing => {
                let closed = Refusal::of_request(Code::Internal, "the store is being closed");
                let _ = answer.try_send(Err(closed));
                false
            }
            Durability::Durable => {
                state.waiting.push_back(Waiting { command, answer });
                true
            }
            Durability::Relaxed => {
                let (end, was_saved) = (state.keyspace.next_end(), state.unsaved.is_empty());
                // The channel has room for the one answer it will ever get.
                let _ = answer.try_send(state.carry_out_relaxed(&command, now));
                was_saved || state.keyspace.next_end() != end
            }
        };
        drop(state);
        if is_work {
            shared.work.notify_one();
        }
        answered
    }

    /// Puts on disk what is not there yet, and ends. What is asked of it afterwards is never answered with success.
    pub fn close(&self) {
        self.0.close();
    }

    /// Looks at the keyspace.
    pub fn read<T>(&self, look: impl FnOnce(&mut Keyspace, Moment) -> T) -> T {
        let mut state = self.0.shared.lock();
        look(&mut state.keyspace, self.0.shared.times.now())
    }

    /// False while the disk takes nothing.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.0.shared.lock().broken.is_none()
    }

    /// When it was opened, as RFC 3339 has it, and how many seconds ago.
    #[must_use]
    pub fn opened(&self) -> (String, i64) {
        let opened = self.0.shared.opened;
        let age = self.0.shared.times.now().saturating_sub(opened);
        (Rfc3339(opened).to_string(), age / 1_000_000_000)
    }

    /// How many watches there are.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.0.shared.lock().hub.len()
    }

    /// Begins to wait for changes.
    ///
    /// # Errors
    /// Events of the index asked for are no longer kept.
    pub fn watch(&self, watch: Watch) -> Result<Watching, Refusal> {
        let mut state = self.0.shared.lock();
        let index = state.keyspace.index();
        let since = if watch.since == 0 { index + 1 } else { watch.since };
        let past = state.keyspace.past(&watch.path, watch.is_recursive, since)?.map(Arc::clone);
        let path = watch.path.clone();
        let (id, events) = match past {
            // As with etcd, a stream that begins in the past gets one event and then none.
            Some(event) => {
                let (one, events) = bounded(1);
                let _ = one.try_send(event);
                return Ok(Watching { engine: self.clone(), index, path, id: 0, _kept: Some(one), events });
            }
            None => state.hub.add(Watch { since, ..watch }),
        };
        Ok(Watching { engine: self.clone(), index, path, id, _kept: None, events })
    }
}

/// A watch; it ends when this is dropped.
pub struct Watching {
    engine: Engine,
    /// The store's index when it began.
    pub index: u64,
    path: String,
    id: u64,
    /// Keeps the queue of a watch open that has nobody to fill it.
    _kept: Option<Sender<Arc<Event>>>,
    /// What happens. Closed when the watch did not keep up.
    pub events: Receiver<Arc<Event>>,
}

impl Drop for Watching {
    fn drop(&mut self) {
        self.engine.0.shared.lock().hub.remove(&self.path, self.id);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.close();
    }
}

impl Running {
    fn close(&self) {
        self.shared.lock().is_closing = true;
        self.shared.work.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            (self.shared.warn)("the store's thread ended badly");
        }
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the state away until there is work, or for that long.
    pub(crate) fn rest<'a>(
        &self,
        state: MutexGuard<'a, State>,
        at_most: Option<std::time::Duration>,
    ) -> MutexGuard<'a, State> {
        match at_most {
            None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(time) => self.work.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0,
        }
    }
}

impl State {
    /// Carries out a command and tells who waits for it.
    pub(crate) fn carry_out(&mut self, command: &Command, now: Moment) -> Answer {
        let change = self.keyspace.apply(command, now)?;
        self.hub.tell(&change);
        Ok(change.event)
    }

    pub(crate) fn tell(&mut self, changes: &[Change]) {
        changes.iter().for_each(|change| self.hub.tell(change));
    }

    fn carry_out_relaxed(&mut self, command: &Command, now: Moment) -> Answer {
        if let Some(error) = &self.broken {
            return Err(disk_refusal(error));
        }
        let answer = self.carry_out(command, now);
        if answer.is_ok() {
            self.unsaved.push(done(command, now));
        }
        answer
    }
}

/// What a client is told of a disk that takes nothing.
pub(crate) fn disk_refusal(error: &JournalError) -> Refusal {
    Refusal { code: Code::Internal, cause: error.to_string(), index: 0 }
}

/// A number nobody else has.
fn random() -> Result<u64, JournalError> {
    let mut bytes = [0; 8];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|cause| JournalError {
        operation: "read /dev/urandom".to_owned(),
        cause: cause.to_string(),
    })?;
    Ok(u64::from_le_bytes(bytes).max(1))
}
