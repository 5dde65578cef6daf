//! The store for the process it runs in: the registry's verbs on the engine, without a socket between them. Keys are
//! relative to a prefix, as the registry's are.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cluster::Guard;
use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use registry::store::{
    Freshness, Hold, Leaf, Node as Found, Outcome, Seen, Store, StoreError, StoreErrorKind, Wake,
};
use smol::channel::{Receiver, Sender, bounded};
use smol::{Timer, future};

use crate::engine::Engine;
use crate::hub::Watch;
use crate::keyspace::{Code, Command, Compare, Content, Keyspace, Moment, Node, Refusal, clean, end_of};

/// The store under a prefix.
pub struct LocalStore {
    engine: Engine,
    prefix: String,
    /// How long a watch waits before it ends as quiet.
    poll: Duration,
    /// Closed when all watches are to end; then there is a new one.
    interrupt: Mutex<(Sender<()>, Receiver<()>)>,
}

impl LocalStore {
    /// The store below `prefix`; watches end after `poll` without news.
    #[must_use]
    pub fn new(engine: Engine, prefix: &str, poll: Duration) -> Self {
        Self { engine, prefix: clean(prefix), poll, interrupt: Mutex::new(bounded(1)) }
    }

    /// The path of a key; a part that is empty, hidden or no name is refused, as in the client of etcd.
    fn path(&self, operation: &str, key: &str) -> Result<String, StoreError> {
        let is_bad = |part: &str| part.is_empty() || part == "." || part == ".." || part.starts_with('_');
        if !key.is_empty() && key.split('/').any(is_bad) {
            return Err(failed(operation, key, StoreErrorKind::BadAnswer, "not a key of the registry"));
        }
        Ok(if key.is_empty() { self.prefix.clone() } else { format!("{}/{key}", self.prefix) })
    }

    /// Writes, and puts what came of it in the registry's words.
    fn write(
        &self,
        operation: &str,
        key: &str,
        value: &str,
        make: impl FnOnce(String, Moment) -> Command,
    ) -> Outcome {
        let path = match self.path(operation, key) {
            Ok(path) => path,
            Err(error) => return Outcome::Unknown(error),
        };
        if value.len() > REGISTRY_VALUE_MAX_BYTES {
            let cause = format!("value of {} bytes, {REGISTRY_VALUE_MAX_BYTES} at most", value.len());
            return Outcome::Unknown(failed(operation, key, StoreErrorKind::BadAnswer, cause));
        }
        let answered = self.engine.submit(|now| make(path, now)).recv_blocking();
        match answered {
            Ok(Ok(event)) => Outcome::Done { created: event.node.created, modified: event.node.modified },
            Ok(Err(refusal)) => self.refused(operation, key, &refusal),
            Err(_) => {
                let cause = "the store is being closed";
                Outcome::Unknown(failed(operation, key, StoreErrorKind::Unreachable, cause))
            }
        }
    }

    fn refused(&self, operation: &str, key: &str, refusal: &Refusal) -> Outcome {
        match refusal.code {
            Code::KeyNotFound => Outcome::Refused(None),
            Code::TestFailed | Code::NodeExist => match self.read(key, Freshness::Quorum) {
                Ok((found, _)) => Outcome::Refused(found),
                Err(error) => Outcome::Unknown(error),
            },
            _ => Outcome::Unknown(told(operation, key, refusal)),
        }
    }
}

fn failed(operation: &str, key: &str, kind: StoreErrorKind, cause: impl Into<String>) -> StoreError {
    StoreError { operation: format!("{operation} {key}"), kind, cause: cause.into() }
}

fn told(operation: &str, key: &str, refusal: &Refusal) -> StoreError {
    let kind = match refusal.code {
        Code::Internal => StoreErrorKind::Server,
        _ => StoreErrorKind::BadAnswer,
    };
    let cause = match refusal.code {
        Code::Internal => refusal.cause.clone(),
        Code::NotFile => "is a directory".to_owned(),
        code => format!("{} ({}): {}", code.message(), code.number(), refusal.cause),
    };
    failed(operation, key, kind, cause)
}

fn content(value: &str, ttl_secs: Option<u32>, now: Moment) -> Content {
    // An end at once is nothing the registry asks for: as in the client of etcd, the shortest life is a second.
    let expiry = ttl_secs.and_then(|ttl_secs| end_of(now, u64::from(ttl_secs.max(1))));
    Content { value: value.into(), expiry, is_refresh: false }
}

fn at(guard: Guard) -> Compare {
    Compare { value: String::new(), index: guard.get() }
}

fn seen(keyspace: &Keyspace) -> Seen {
    Seen { index: keyspace.index(), cluster: keyspace.cluster() }
}

fn ttl(node: &Node, path: &str, now: Moment) -> Option<u64> {
    let view = node.view(path, now);
    view.expiry.map(|_| u64::try_from(view.ttl).unwrap_or(0))
}

impl Store for LocalStore {
    fn read(&self, key: &str, _: Freshness) -> Result<(Option<Found>, Seen), StoreError> {
        let path = self.path("read", key)?;
        self.engine.read(|keyspace, now| {
            let seen = seen(keyspace);
            let node = match keyspace.get(&path) {
                Ok(node) => node,
                Err(Refusal { code: Code::KeyNotFound, .. }) => return Ok((None, seen)),
                Err(refusal) => return Err(told("read", key, &refusal)),
            };
            let view = node.view(&path, now);
            let Some(value) = view.value else {
                return Err(failed("read", key, StoreErrorKind::BadAnswer, "is a directory"));
            };
            let ttl_secs = ttl(node, &path, now);
            let value = value.as_ref().to_owned();
            Ok((Some(Found { value, created: view.created, modified: view.modified, ttl_secs }), seen))
        })
    }

    fn read_tree(&self, key: &str, _: Freshness, each: &mut dyn FnMut(Leaf<'_>)) -> Result<Seen, StoreError> {
        let path = self.path("read", key)?;
        self.engine.read(|keyspace, now| {
            let seen = seen(keyspace);
            match keyspace.get(&path) {
                Ok(node) => leaves(key, node, now, each),
                Err(Refusal { code: Code::KeyNotFound, .. }) => {}
                Err(refusal) => return Err(told("read", key, &refusal)),
            }
            Ok(seen)
        })
    }

    fn create(&self, key: &str, value: &str, ttl_secs: Option<u32>) -> Outcome {
        self.write("create", key, value, |path, now| {
            let content = content(value, ttl_secs, now);
            Command::Create { path, is_dir: false, in_order: false, content }
        })
    }

    fn swap(&self, key: &str, value: &str, guard: Guard, ttl_secs: Option<u32>) -> Outcome {
        self.write("swap", key, value, |path, now| Command::CompareAndSwap {
            path,
            compare: at(guard),
            content: content(value, ttl_secs, now),
        })
    }

    fn put(&self, key: &str, value: &str) -> Outcome {
        self.write("put", key, value, |path, now| Command::Set {
            path,
            is_dir: false,
            content: content(value, None, now),
        })
    }

    fn delete(&self, key: &str, guard: Guard) -> Outcome {
        self.write("delete", key, "", |path, _| Command::CompareAndDelete { path, compare: at(guard) })
    }

    fn delete_tree(&self, key: &str) -> Outcome {
        self.write("delete", key, "", |path, _| Command::Delete { path, is_dir: true, is_recursive: true })
    }

    fn keep_alive(&self, key: &str, hold: Hold<'_>, ttl_secs: u32) -> Outcome {
        let compare = match hold {
            Hold::Index(guard) => at(guard),
            Hold::Value("") => {
                let cause = "an empty value cannot be held by value";
                return Outcome::Unknown(failed("keep alive", key, StoreErrorKind::BadAnswer, cause));
            }
            Hold::Value(value) => Compare { value: value.to_owned(), index: 0 },
        };
        self.write("keep alive", key, "", |path, now| {
            let content = Content { is_refresh: true, ..content("", Some(ttl_secs), now) };
            Command::CompareAndSwap { path, compare, content }
        })
    }

    fn watch(&self, key: &str, after: u64) -> Result<Wake, StoreError> {
        let path = self.path("watch", key)?;
        if self.engine.read(|keyspace, _| keyspace.index() < after) {
            return Ok(Wake::Overrun);
        }
        let watch = Watch { path, is_recursive: true, is_stream: false, since: after.saturating_add(1) };
        let Ok(watching) = self.engine.watch(watch) else { return Ok(Wake::Overrun) };
        let interrupt = self.interrupt.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        let news = async {
            let event = watching.events.recv().await.ok();
            event.map_or(Err("the watch ended without an event"), |event| Ok(Some(event)))
        };
        let quiet = async {
            Timer::after(self.poll).await;
            Ok(None)
        };
        let interrupted = async {
            let _ = interrupt.recv().await;
            Err("interrupted")
        };
        match smol::block_on(future::or(interrupted, future::or(news, quiet))) {
            Ok(Some(event)) => {
                let changed = event.node.key.strip_prefix(&*self.prefix).unwrap_or_default();
                let key = changed.trim_start_matches('/').to_owned();
                Ok(Wake::Changed { index: event.node.modified, key })
            }
            Ok(None) => Ok(Wake::Quiet),
            Err(cause @ "interrupted") => Err(failed("watch", key, StoreErrorKind::Interrupted, cause)),
            Err(cause) => Err(failed("watch", key, StoreErrorKind::Unreachable, cause)),
        }
    }

    fn interrupt_watches(&self) {
        let mut interrupt = self.interrupt.lock().unwrap_or_else(PoisonError::into_inner);
        interrupt.0.close();
        *interrupt = bounded(1);
    }

    fn endpoint(&self) -> String {
        "the store in this process".to_owned()
    }
}

/// Every key in a node and its own, with names below the prefix.
fn leaves(key: &str, node: &Node, now: Moment, each: &mut dyn FnMut(Leaf<'_>)) {
    if let Some(value) = node.value() {
        let view = node.view(key, now);
        let ttl_secs = ttl(node, key, now);
        return each(Leaf { key, value, created: view.created, modified: view.modified, ttl_secs });
    }
    for (name, child) in node.listed() {
        let below = if key.is_empty() { name.to_owned() } else { format!("{key}/{name}") };
        leaves(&below, child, now, each);
    }
}

impl std::fmt::Debug for LocalStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}
