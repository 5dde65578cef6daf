//! What the loops of one agent share: who it is, the store, and how it stands to both. Single-threaded (`Rc`); the
//! store alone crosses to the blocking pool. The loops themselves are in `presence`, `reconcile` and `engine`.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use cluster::contact::Contact;
use cluster::event::Event;
use cluster::lease::{Leadership, Terms};
use cluster::records::{Lease, Presence};
use cluster::snapshot::Kept;
use cluster::standing::{Freeze, Remembered};
use cluster::{BootId, MachineId, Nonce, Session};
use registry::store::Store;
use systemd_shim::{Notify, heap, program_pages, stack};

use crate::bell::Rope;
use crate::clock;
use crate::config::Settings;
use crate::events::{About, tell};
use crate::pool;
use crate::runtime_dir::RuntimeDir;
use crate::successor::is_successor;

/// Who this machine is (registry rule 9).
#[derive(Clone, Debug)]
pub struct Identity {
    /// The machine.
    pub id: MachineId,
    /// This boot of it.
    pub boot: BootId,
    /// This life of its runtime directory.
    pub nonce: Nonce,
}

/// The loops the watchdog looks after; their places in [`Node::turns`].
#[derive(Clone, Copy, Debug)]
pub enum Loop {
    /// `reconcile`
    Reconcile = 0,
    /// `engine`
    Schedule = 1,
}

/// How the machine stands to the registry: what the API answers and `systemctl status` shows hang on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Not there yet, and why.
    Waiting(String),
    /// Registered, in contact, in its own fleet.
    Member,
    /// Registered, and the store does not answer.
    Cut(String),
    /// The store is not the one this machine belongs to.
    Frozen(Freeze),
    /// Another live machine uses the same ID.
    Duplicate {
        /// Its address.
        address: String,
    },
    /// On its way out.
    Leaving,
}

/// The ropes of the loops' bells.
#[derive(Clone, Debug)]
pub struct Ropes {
    /// Read the registry and reconcile.
    pub reconcile: Rope,
    /// See to the lease.
    pub lease: Rope,
    /// Read the cluster and schedule, if leading.
    pub schedule: Rope,
    /// Beat now.
    pub beat: Rope,
}

/// The agent's shared state.
pub struct Node {
    /// Settings; replaced whole by a reload.
    pub settings: RefCell<Rc<Settings>>,
    /// The file the settings came from, if any.
    pub config_file: Option<PathBuf>,
    /// The file the command line named, if it did.
    pub named_config: Option<PathBuf>,
    /// True once the markers on disk were changed by others than the reconcile loop, which then reads them again.
    pub recall: Cell<bool>,
    /// True while this agent copies its registry to another store.
    pub copying: Arc<AtomicBool>,
    /// True while somebody waits for the agent's state on stdout.
    pub dump: Cell<bool>,
    /// When the pass each loop is in began; `None` between passes. The watchdog looks at them.
    pub turns: [Cell<Option<u64>>; 2],
    /// Not before this time the registry is read by the loop every machine runs: after an outage that all machines had
    /// together each waits a little, another time each.
    pub reads_from_ms: Cell<u64>,
    /// Who this machine is.
    pub identity: Identity,
    /// The store.
    pub store: Arc<dyn Store>,
    /// What outlives the agent.
    pub runtime: RuntimeDir,
    /// Contact with the store.
    pub contact: RefCell<Contact>,
    /// The life sign as last written; `None` while there is none.
    pub presence: RefCell<Option<Kept<Presence>>>,
    /// Counts how often this agent made the record its own: in between another one may have written in the same session.
    pub claims: Cell<u32>,
    /// The fleet this machine belongs to.
    pub remembered: RefCell<Option<Remembered>>,
    /// The lease as last read.
    pub lease_seen: RefCell<Option<Kept<Lease>>>,
    /// The lease, while it is ours.
    pub leadership: Cell<Option<Leadership>>,
    /// Wakes the loops.
    pub ropes: Ropes,
    standing: RefCell<Standing>,
    notify: Notify,
    ready: Cell<bool>,
    /// True if a pass was made since the program's pages were given back.
    passed: Cell<bool>,
}

/// What a node is made of.
pub struct Parts {
    /// Settings of the start.
    pub settings: Settings,
    /// The file they came from.
    pub config_file: Option<PathBuf>,
    /// The file the command line named.
    pub named_config: Option<PathBuf>,
    /// Who this machine is.
    pub identity: Identity,
    /// The store.
    pub store: Arc<dyn Store>,
    /// What outlives the agent.
    pub runtime: RuntimeDir,
    /// What the runtime directory remembers of the fleet.
    pub remembered: Option<Remembered>,
    /// Wakes the loops.
    pub ropes: Ropes,
    /// The way to systemd.
    pub notify: Notify,
}

impl Node {
    /// A node that is not registered yet.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            settings: RefCell::new(Rc::new(parts.settings)),
            config_file: parts.config_file,
            named_config: parts.named_config,
            recall: Cell::new(false),
            copying: Arc::default(),
            dump: Cell::new(false),
            turns: [const { Cell::new(None) }; 2],
            reads_from_ms: Cell::new(0),
            identity: parts.identity,
            store: parts.store,
            runtime: parts.runtime,
            contact: RefCell::default(),
            presence: RefCell::new(None),
            claims: Cell::new(0),
            remembered: RefCell::new(parts.remembered),
            lease_seen: RefCell::new(None),
            leadership: Cell::new(None),
            ropes: parts.ropes,
            standing: RefCell::new(Standing::Waiting("starting".to_string())),
            notify: parts.notify,
            ready: Cell::new(false),
            passed: Cell::new(true),
        }
    }

    /// Notes that a loop begins a pass, or for `false` that it has ended one.
    pub fn turning(&self, which: Loop, begins: bool) {
        self.passed.set(true);
        if let Some(turn) = self.turns.get(which as usize) {
            turn.set(begins.then(clock::now_ms));
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> Rc<Settings> {
        Rc::clone(&self.settings.borrow())
    }

    /// TTL of the presence record.
    pub fn agent_ttl_ms(&self) -> u64 {
        u64::from(self.settings().timing.agent_ttl_seconds) * 1000
    }

    /// Time between two heartbeats.
    pub fn beat_ms(&self) -> u64 {
        self.agent_ttl_ms() / 3
    }

    /// Longest time one request to the store takes.
    pub fn request_timeout_ms(&self) -> u64 {
        clock::ms(self.settings().timing.request_timeout)
    }

    /// What leadership is measured with.
    pub fn terms(&self) -> Terms {
        let timing = self.settings().timing;
        Terms {
            ttl_ms: u64::from(timing.lease_ttl_seconds) * 1000,
            request_timeout_ms: self.request_timeout_ms(),
        }
    }

    /// Which life of this machine publishes rows; `None` while it is not registered.
    pub fn session(&self) -> Option<Session> {
        self.presence.borrow().as_ref().and_then(|presence| Session::new(presence.created))
    }

    /// How the machine stands now.
    pub fn standing(&self) -> Standing {
        self.standing.borrow().clone()
    }

    /// True if it may act on what it reads.
    pub fn is_member(&self) -> bool {
        matches!(*self.standing.borrow(), Standing::Member | Standing::Cut(_))
    }

    /// True once it is on its way out.
    pub fn is_leaving(&self) -> bool {
        *self.standing.borrow() == Standing::Leaving
    }

    /// Notes how the machine stands now; says so once, in the log and to systemd, when it changed.
    pub fn set_standing(&self, standing: Standing) {
        if *self.standing.borrow() == standing || self.is_leaving() {
            return;
        }
        let text = describe(&standing);
        let event = match &standing {
            Standing::Member => Event::MachineRegistered,
            Standing::Waiting(_) => Event::MachineWaiting,
            Standing::Cut(_) => Event::MachineCut,
            Standing::Frozen(_) => Event::MachineFrozen,
            Standing::Duplicate { .. } => Event::MachineDuplicate,
            Standing::Leaving => Event::MachineLeaving,
        };
        tell(event, About { reason: &text, ..About::default() }, format_args!("{text}"));
        *self.standing.borrow_mut() = standing;
        self.show(&text);
        let is_up = self.is_member() || is_successor();
        if is_up && !self.ready.replace(true) {
            self.tell(Notify::ready);
        }
    }

    /// Once a beat follows the passes, most of the program lies idle: what the passes before touched of it is mapped no
    /// longer. It stays in the page cache, where it could have been reclaimed before as well. What they left free at the
    /// heap's end goes too.
    pub fn rest(&self) {
        // A simulator's pages are its own.
        #[cfg(feature = "simulation")]
        if crate::simulation::here().is_some() {
            return;
        }
        stack::give_back();
        if !self.passed.take() {
            return;
        }
        heap::give_back();
        if let Err(error) = program_pages::give_back() {
            crate::debug!("give back the program's pages: {error}");
        }
    }

    /// Shows one line in `systemctl status`.
    pub fn show(&self, text: &str) {
        self.tell(|notify| notify.status(text));
    }

    /// Sends systemd a message; a failure is worth a line and nothing more.
    pub fn tell(&self, message: impl FnOnce(&Notify) -> std::io::Result<()>) {
        if let Err(error) = message(&self.notify) {
            crate::warn!("notify systemd: {error}");
        }
    }

    /// How often systemd wants a sign of life, if it does.
    pub fn watchdog_interval(&self) -> Option<std::time::Duration> {
        self.notify.watchdog_interval()
    }

    /// Runs blocking work with the store on the pool.
    pub async fn with_store<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> T + Send + 'static,
    ) -> T {
        let store = Arc::clone(&self.store);
        pool::unblock(move || work(&*store)).await
    }

    /// The same before everything that waits for the pool: beats and renewals only, which a slow store and many
    /// requests to the API must not hold up together.
    pub async fn with_store_first<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store) -> T + Send + 'static,
    ) -> T {
        let store = Arc::clone(&self.store);
        pool::unblock_first(move || work(&*store)).await
    }

    /// Remembers how far the store has come by the answer to a beat: a store that is restored to before it has gone back, though
    /// nothing was read for long. In memory only, since there is one every few seconds.
    pub fn saw_index(&self, index: u64) {
        if let Some(remembered) = self.remembered.borrow_mut().as_mut() {
            remembered.index = remembered.index.max(index);
        }
    }

    /// Remembers the store as it was just seen, on disk too. A failure to write is reported and tried again with the
    /// next change: the memory of this process goes on guarding until then.
    pub fn remember(&self, remembered: Remembered) {
        if self.remembered.borrow().as_ref() == Some(&remembered) {
            return;
        }
        if let Err(error) = self.runtime.remember(&self.identity.id, &remembered) {
            crate::warn!("{error}");
        }
        *self.remembered.borrow_mut() = Some(remembered);
    }
}

/// One line about how the machine stands.
fn describe(standing: &Standing) -> String {
    match standing {
        Standing::Waiting(why) => format!("waiting: {why}"),
        Standing::Member => "registered".to_string(),
        Standing::Cut(why) => format!("registry does not answer, units keep running: {why}"),
        Standing::Frozen(freeze) => format!("frozen: {freeze}"),
        Standing::Duplicate { address } => format!("another machine uses this machine's ID, at {address}"),
        Standing::Leaving => "leaving the fleet".to_string(),
    }
}

/// The message a request to the API gets while the machine is no working member (contract §5).
#[must_use]
pub fn refusal(standing: &Standing) -> Option<String> {
    match standing {
        Standing::Member | Standing::Leaving => None,
        Standing::Frozen(_) | Standing::Duplicate { .. } => {
            Some(format!("fleet server unable to communicate with etcd: {}", describe(standing)))
        }
        Standing::Waiting(_) | Standing::Cut(_) => {
            Some("fleet server unable to communicate with etcd".to_string())
        }
    }
}
