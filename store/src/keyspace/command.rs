//! What can be done to the keyspace. Paths are clean ([`clean`](super::clean)).

use std::sync::Arc;

use super::moment::Moment;

/// What a write writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The value; empty and without meaning for directories.
    pub value: Arc<str>,
    /// When it ends.
    pub expiry: Option<Moment>,
    /// Keep the value and wake nobody: only the end is new.
    pub is_refresh: bool,
}

/// What has to hold for a guarded write; what is empty or 0 always holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compare {
    /// The value there now.
    pub value: String,
    /// The modifiedIndex there now.
    pub index: u64,
}

/// One request that may change something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Write whatever is there.
    Set {
        /// Where.
        path: String,
        /// Make a directory.
        is_dir: bool,
        /// What.
        content: Content,
    },
    /// Change what must be there.
    Update {
        /// Where.
        path: String,
        /// What.
        content: Content,
    },
    /// Create what must not be there.
    Create {
        /// Where.
        path: String,
        /// Make a directory.
        is_dir: bool,
        /// Below `path`, under a name that is the store's next index: names in the order of their creation.
        in_order: bool,
        /// What.
        content: Content,
    },
    /// Change a key that must be as seen.
    CompareAndSwap {
        /// Where.
        path: String,
        /// As seen.
        compare: Compare,
        /// What.
        content: Content,
    },
    /// Remove.
    Delete {
        /// Where.
        path: String,
        /// Directories too.
        is_dir: bool,
        /// With all that is in them.
        is_recursive: bool,
    },
    /// Remove a key that must be as seen.
    CompareAndDelete {
        /// Where.
        path: String,
        /// As seen.
        compare: Compare,
    },
}
