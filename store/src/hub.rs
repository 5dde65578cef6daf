//! Who waits for changes where, and who is told of which. A watcher has a queue of its own and is dropped when it does
//! not keep up: nobody who writes ever waits for somebody who reads.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol::channel::{Receiver, Sender, bounded};

use crate::keyspace::{Change, Event, is_hidden, parts};

/// Events a stream may be behind; as many as with etcd.
const STREAM_QUEUE: usize = 100;

/// What is waited for.
#[derive(Clone, Debug)]
pub struct Watch {
    /// Where, as a clean path.
    pub path: String,
    /// Below it too.
    pub is_recursive: bool,
    /// All changes and not only the next.
    pub is_stream: bool,
    /// No change before this index; 0 for the next change from now on.
    pub since: u64,
}

struct Watcher {
    id: u64,
    watch: Watch,
    queue: Sender<Arc<Event>>,
}

/// All watchers, by the path they watch.
#[derive(Default)]
pub(crate) struct Hub {
    watchers: BTreeMap<String, Vec<Watcher>>,
    next_id: u64,
}

impl Hub {
    /// Adds a watcher; the number is for [`remove`](Self::remove).
    pub(crate) fn add(&mut self, watch: Watch) -> (u64, Receiver<Arc<Event>>) {
        let (queue, events) = bounded(if watch.is_stream { STREAM_QUEUE } else { 1 });
        self.next_id += 1;
        let id = self.next_id;
        self.watchers.entry(watch.path.clone()).or_default().push(Watcher { id, watch, queue });
        (id, events)
    }

    pub(crate) fn remove(&mut self, path: &str, id: u64) {
        self.retain(path, |watcher| watcher.id != id);
    }

    pub(crate) fn len(&self) -> usize {
        self.watchers.values().map(Vec::len).sum()
    }

    /// Tells everyone whom a change concerns.
    pub(crate) fn tell(&mut self, change: &Change) {
        if change.is_silent || self.watchers.is_empty() {
            return;
        }
        let event = &change.event;
        for path in &change.removed {
            self.tell_at(path, event, true);
        }
        self.tell_at("", event, false);
        let mut length = 0;
        for name in parts(&event.node.key) {
            length += 1 + name.len();
            self.tell_at(event.node.key.get(..length).unwrap_or_default(), event, false);
        }
    }

    /// Tells the watchers of one path. `is_removed`: what they watch is gone.
    fn tell_at(&mut self, path: &str, event: &Arc<Event>, is_removed: bool) {
        let is_place = *event.node.key == *path;
        if !self.watchers.contains_key(path) || (!is_place && is_hidden(path, &event.node.key)) {
            return;
        }
        self.retain(path, |watcher| {
            let watch = &watcher.watch;
            let is_told = watch.is_recursive || is_place || is_removed;
            if !is_told || event.node.modified < watch.since {
                return true;
            }
            // A full queue ends the watch as much as the one event does that most wait for.
            watcher.queue.try_send(Arc::clone(event)).is_ok() && watch.is_stream
        });
    }

    fn retain(&mut self, path: &str, keep: impl FnMut(&Watcher) -> bool) {
        if let Some(watchers) = self.watchers.get_mut(path) {
            watchers.retain(keep);
            if watchers.is_empty() {
                self.watchers.remove(path);
            }
        }
    }
}
