//! The border to the store: the verbs Skiff needs of it, and nothing of how etcd does them. Blocking; called
//! from the agent's pool or from a watch's own thread. The simulator and other backends implement this trait too.

use core::fmt;

use cluster::Guard;

/// How fresh a read has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// Whatever the member asked holds; may lag behind.
    Local,
    /// Confirmed by a majority: where a decision hangs on it.
    Quorum,
}

/// One key of a read, borrowed from the decoder's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Leaf<'a> {
    /// Key below the store's prefix, without a leading slash: `units/web.service`.
    pub key: &'a str,
    /// The value, unescaped.
    pub value: &'a str,
    /// createdIndex.
    pub created: u64,
    /// modifiedIndex.
    pub modified: u64,
    /// Seconds left to live, where the key has a TTL.
    pub ttl_secs: Option<u64>,
}

/// What is known of the store after an answer: rule 4 compares these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// X-Etcd-Index of the answer.
    pub index: u64,
    /// X-Etcd-Cluster-Id of the answer, 0 where the header is missing.
    pub cluster: u64,
}

/// One key, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// The value, unescaped.
    pub value: String,
    /// createdIndex.
    pub created: u64,
    /// modifiedIndex.
    pub modified: u64,
    /// Seconds left to live, where the key has a TTL.
    pub ttl_secs: Option<u64>,
}

/// How a guarded write ended (rule 11). Nothing else is possible, and none of the three is a boolean.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// It happened.
    Done {
        /// createdIndex of the key (of a deleted key: what it had).
        created: u64,
        /// modifiedIndex of the write.
        modified: u64,
    },
    /// It did not happen: the guard did not hold. What is there now, `None` for no key.
    Refused(Option<Node>),
    /// Nobody knows: resolve it with a quorum read before concluding anything.
    Unknown(StoreError),
}

/// What guards a key that is kept alive.
#[derive(Clone, Copy, Debug)]
pub enum Hold<'a> {
    /// The key's modifiedIndex as last seen.
    Index(Guard),
    /// The key's value as this machine wrote it (its own presence only: nobody else can write the same).
    Value(&'a str),
}

/// How a long poll ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Something at or below the key changed at `index`; `key` as in [`Leaf::key`].
    Changed {
        /// modifiedIndex of the event.
        index: u64,
        /// The key that changed.
        key: String,
    },
    /// Nothing changed in the time given.
    Quiet,
    /// The events asked for are no longer kept (etcd error 401), or the store has not come as far as the caller has
    /// seen it: read again, then watch from that index.
    Overrun,
}

/// Why the store gave no usable answer. Absence of a key is never an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// What was asked: `read units/web.service`.
    pub operation: String,
    /// Kind, for decisions.
    pub kind: StoreErrorKind,
    /// The cause in words, with the endpoint it came from.
    pub cause: String,
}

/// The kinds of [`StoreError`] that callers decide on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// No endpoint could be reached, or none answered in time: try again.
    Unreachable,
    /// The call was ended from here (`interrupt`).
    Interrupted,
    /// The answer was cut short, too large, or not what etcd says: try again, conclude nothing.
    BadAnswer,
    /// etcd refuses this client (401 or 403): will not mend itself.
    Forbidden,
    /// There is no v2 API here (404 on `/v2/keys`): start etcd with `--enable-v2`.
    NoV2Api,
    /// etcd answered with an error of its own (no leader, internal): try again.
    Server,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.cause)
    }
}

impl std::error::Error for StoreError {}

/// The verbs. Keys are relative to the prefix, without leading or trailing slash; `""` is the prefix itself.
pub trait Store: Send + Sync {
    /// One key; `Ok((None, _))` means the store answered and there is none.
    ///
    /// # Errors
    /// No usable answer.
    fn read(&self, key: &str, freshness: Freshness) -> Result<(Option<Node>, Seen), StoreError>;

    /// Every key at or below `key`, one leaf at a time, from one moment of the store. A missing tree has no leaves.
    /// When this returns an error, leaves already handed out must be thrown away.
    ///
    /// # Errors
    /// No usable answer, or one cut short.
    fn read_tree(
        &self,
        key: &str,
        freshness: Freshness,
        each: &mut dyn FnMut(Leaf<'_>),
    ) -> Result<Seen, StoreError>;

    /// Creates a key that must not exist.
    fn create(&self, key: &str, value: &str, ttl_secs: Option<u32>) -> Outcome;

    /// Replaces the value of a key that must still be as seen. With a TTL the key gets a new one, without it none.
    fn swap(&self, key: &str, value: &str, guard: Guard, ttl_secs: Option<u32>) -> Outcome;

    /// Writes a key whatever is there (API metadata only).
    fn put(&self, key: &str, value: &str) -> Outcome;

    /// Deletes a key that must still be as seen. No key at all: `Refused(None)`.
    fn delete(&self, key: &str, guard: Guard) -> Outcome;

    /// Deletes a whole tree. No key at all: `Refused(None)`.
    fn delete_tree(&self, key: &str) -> Outcome;

    /// Gives a key a new TTL without waking anyone and without touching its value or createdIndex.
    fn keep_alive(&self, key: &str, hold: Hold<'_>, ttl_secs: u32) -> Outcome;

    /// Waits for the first change at or below `key` after the store index `after`.
    ///
    /// # Errors
    /// No usable answer; `Interrupted` after [`Store::interrupt_watches`].
    fn watch(&self, key: &str, after: u64) -> Result<Wake, StoreError>;

    /// Ends every watch that is waiting now (rule 12); later ones are not touched.
    fn interrupt_watches(&self);

    /// The endpoint that answered last, for messages; changes on fail-over (rule 12).
    fn endpoint(&self) -> String;
}
