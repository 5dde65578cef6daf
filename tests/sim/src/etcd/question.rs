//! What a member of the store can be asked, and what it says.

use std::fmt;

use registry::store::{Leaf, Node as Found, Seen, StoreErrorKind, Wake};
use store::keyspace::{Code, Command, Moment};

use crate::kernel::Caller;

/// What is asked of a member.
pub enum Ask {
    /// A write, made with the time of the member asked.
    Write(Box<dyn FnOnce(Moment) -> Command>),
    /// The same to keep a key alive.
    Beat(Box<dyn FnOnce(Moment) -> Command>),
    /// A key, and whether a majority has to confirm it.
    Read(String, bool),
    /// A tree, the key it has for the registry, and whether a majority has to confirm it.
    Tree(String, String, bool),
    /// The first change at or below a path after an index; whoever asks is told that the wait has begun, the other one of
    /// its end.
    Watch(String, u64, Asker),
}

/// What is answered, or becomes of the question.
#[derive(Clone, Debug)]
pub enum Told {
    /// Written: createdIndex and modifiedIndex.
    Done(u64, u64),
    /// Not written.
    Refused(Code),
    /// A key, or none.
    Key(Option<Found>, Seen),
    /// A tree.
    Tree(Vec<(String, Found)>, Seen),
    /// A watch waits.
    Begun,
    /// A watch has ended.
    Wake(Wake),
    /// No answer.
    Failed(StoreErrorKind, &'static str),
    /// It was not even sent.
    Unsent,
    /// No answer in the time there was.
    Late,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(_) => f.write_str("a write"),
            Self::Beat(_) => f.write_str("a beat"),
            Self::Read(path, _) | Self::Tree(path, ..) => write!(f, "read {path}"),
            Self::Watch(path, after, _) => write!(f, "watch {path} after {after}"),
        }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done(_, modified) => write!(f, "done, index {modified}"),
            Self::Refused(code) => write!(f, "refused, {code:?}"),
            Self::Key(found, seen) => write!(f, "a key: {}, index {}", found.is_some(), seen.index),
            Self::Tree(leaves, seen) => write!(f, "a tree of {}, index {}", leaves.len(), seen.index),
            Self::Begun => f.write_str("to wait"),
            Self::Wake(wake) => write!(f, "{wake:?}"),
            Self::Failed(_, cause) => f.write_str(cause),
            Self::Unsent | Self::Late => f.write_str("nothing"),
        }
    }
}

/// Who asked.
pub type Asker = Caller<Told>;

/// A leaf as the registry's readers take it.
#[must_use]
pub fn leaf(leaf: &(String, Found)) -> Leaf<'_> {
    let (key, node) = leaf;
    let (created, modified, ttl_secs) = (node.created, node.modified, node.ttl_secs);
    Leaf { key, value: &node.value, created, modified, ttl_secs }
}
