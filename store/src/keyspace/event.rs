//! What happened to one key, as answers and watches tell it.

use std::sync::Arc;

use super::moment::{Moment, seconds_left};

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A new key, which must not have been there.
    Create,
    /// A key written whatever was there.
    Set,
    /// A key changed that had to be there.
    Update,
    /// A key or directory removed.
    Delete,
    /// A key changed under a guard.
    CompareAndSwap,
    /// A key removed under a guard.
    CompareAndDelete,
    /// A key or directory removed because its time was over.
    Expire,
}

impl Action {
    /// All of them, in an order that must stay: it is how they are kept on disk.
    pub(super) const ALL: [Self; 7] = [
        Self::Create,
        Self::Set,
        Self::Update,
        Self::Delete,
        Self::CompareAndSwap,
        Self::CompareAndDelete,
        Self::Expire,
    ];

    /// The word clients know it by.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Set => "set",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::CompareAndSwap => "compareAndSwap",
            Self::CompareAndDelete => "compareAndDelete",
            Self::Expire => "expire",
        }
    }
}

/// A key or directory at one moment, without what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its path.
    pub key: Arc<str>,
    /// Its value; `None` for directories and for what is gone.
    pub value: Option<Arc<str>>,
    /// True for a directory.
    pub is_dir: bool,
    /// When it ends.
    pub expiry: Option<Moment>,
    /// Seconds it had left at that moment; 0 without an end.
    pub ttl: i64,
    /// createdIndex.
    pub created: u64,
    /// modifiedIndex.
    pub modified: u64,
}

impl View {
    /// A view of something that has neither value nor end.
    pub(super) fn bare(key: &str, is_dir: bool, created: u64, modified: u64) -> Self {
        Self { key: key.into(), value: None, is_dir, expiry: None, ttl: 0, created, modified }
    }

    /// The same with an end, as seen at `now`.
    pub(super) fn ending(mut self, expiry: Option<Moment>, now: Moment) -> Self {
        self.expiry = expiry;
        self.ttl = expiry.map_or(0, |expiry| seconds_left(expiry, now));
        self
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What was done.
    pub action: Action,
    /// The key as it is now.
    pub node: View,
    /// The key as it was, if it was there.
    pub before: Option<View>,
}

impl Event {
    /// True if something came into being; answers say 201 then.
    #[must_use]
    pub fn has_created(&self) -> bool {
        self.action == Action::Create || (self.action == Action::Set && self.before.is_none())
    }

    /// True if a watch at `key` is to be told of this, looking back.
    pub(super) fn concerns(&self, key: &str, is_recursive: bool) -> bool {
        let changed: &str = &self.node.key;
        if changed == key {
            return true;
        }
        if is_recursive && changed.strip_prefix(key).is_some_and(|rest| rest.starts_with('/')) {
            return true;
        }
        // As etcd does it: by the letters, so that the end of `/a` is also told to a watch at `/ab`.
        matches!(self.action, Action::Delete | Action::Expire)
            && self.before.as_ref().is_some_and(|before| before.is_dir && key.starts_with(&*before.key))
    }
}

/// One change and whom it concerns.
#[derive(Clone, Debug)]
pub struct Change {
    /// The change.
    pub event: Arc<Event>,
    /// Everything that is gone with it, innermost first: watches there are told too.
    pub removed: Vec<String>,
    /// True for a new TTL and nothing else, which wakes nobody.
    pub is_silent: bool,
}
