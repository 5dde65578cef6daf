//! The keyspace: a tree of keys with an index that counts its changes, as etcd's v2 store defines it. A command and a
//! moment go in, an event comes out; the same commands at the same moments make the same keyspace, which is how one
//! comes back from disk. No I/O, no clock, no waiting.

mod apply;
mod codec;
mod command;
mod counts;
mod event;
mod history;
mod moment;
mod node;
mod path;
mod refusal;
mod saved;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use codec::Unreadable;
pub use command::{Command, Compare, Content};
pub use counts::Counts;
pub use event::{Action, Change, Event, View};
pub use moment::{Moment, end_of};
pub use node::Node;
pub use path::clean;
pub use refusal::{Code, Refusal};
pub use saved::{done, expired};

pub(crate) use path::{is_hidden, parts};

use history::History;
use node::Inside;

/// The index of a keyspace in which nothing has happened: a fresh etcd has written about itself that often.
const FIRST_INDEX: u64 = 3;

/// All keys, and what has happened to them of late.
#[derive(Debug)]
pub struct Keyspace {
    root: Node,
    index: u64,
    history: History,
    /// Whatever has an end, soonest first.
    ends: BTreeSet<(Moment, Arc<str>)>,
    counts: Counts,
    /// Which keyspace this is: another one never has the same number.
    cluster: u64,
    /// The latest moment at which something was done.
    latest: Moment,
}

impl Keyspace {
    /// An empty one, known by a number.
    #[must_use]
    pub fn new(cluster: u64) -> Self {
        Self {
            root: Node::dir(0, None),
            index: FIRST_INDEX,
            history: History::silent(usize::try_from(FIRST_INDEX).unwrap_or(0)),
            ends: BTreeSet::new(),
            counts: Counts::default(),
            cluster,
            latest: Moment::MIN,
        }
    }

    /// How many changes there were: the index of the last one.
    #[must_use]
    pub fn index(&self) -> u64 {
        self.index
    }

    /// The number it is known by.
    #[must_use]
    pub fn cluster(&self) -> u64 {
        self.cluster
    }

    /// The latest moment at which something was done: time goes on from there.
    #[must_use]
    pub fn latest(&self) -> Moment {
        self.latest
    }

    /// What was asked of it since it was opened.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// When the next key ends, if one does.
    #[must_use]
    pub fn next_end(&self) -> Option<Moment> {
        self.ends.first().map(|(end, _)| *end)
    }

    /// The key or directory at a clean path.
    ///
    /// # Errors
    /// There is none.
    pub fn find(&self, path: &str) -> Result<&Node, Refusal> {
        let mut node = &self.root;
        let mut length = 0;
        for name in parts(path) {
            let Some(children) = node.children() else {
                return Err(self.refuse(Code::NotDir, path.get(..length).unwrap_or_default()));
            };
            length += 1 + name.len();
            node = children
                .get(name)
                .ok_or_else(|| self.refuse(Code::KeyNotFound, path.get(..length).unwrap_or_default()))?;
        }
        Ok(node)
    }

    /// As [`find`](Self::find), and counted as a read.
    ///
    /// # Errors
    /// There is none.
    pub fn get(&mut self, path: &str) -> Result<&Node, Refusal> {
        let is_there = self.find(path).is_ok();
        self.counts.gets.add(is_there);
        self.find(path)
    }

    /// The first event at or after the index `since` that a watch at a clean path is to be told, if it happened already.
    ///
    /// # Errors
    /// Events of then are no longer kept.
    pub fn past(&self, path: &str, is_recursive: bool, since: u64) -> Result<Option<&Arc<Event>>, Refusal> {
        self.history.first_since(since, path, is_recursive, self.index)
    }

    fn refuse(&self, code: Code, cause: impl Into<String>) -> Refusal {
        // A cause that is the root is empty, as the part of etcd's that clients are shown.
        Refusal { code, cause: cause.into(), index: self.index }
    }
}
