//! The registry's verbs over the simulated network, with the rules of the client of etcd: a read goes on to the next
//! member, a write is sent once, a refusal is followed by a read of what is there.

use std::sync::atomic::{AtomicUsize, Ordering};

use cluster::Guard;
use registry::store::{Freshness, Hold, Leaf, Node, Outcome, Seen, Store, StoreError, StoreErrorKind, Wake};
use store::keyspace::{Code, Command, Compare, Content, Moment, end_of};

use crate::etcd::{Ask, Asker, MEMBERS, PREFIX, Told, leaf};
use crate::kernel::{current, with};

/// How long an answer may take.
pub const REQUEST_US: u64 = 1_000_000;
/// How long a watch waits before it ends as quiet.
const POLL_US: u64 = 60_000_000;

/// One node's way to the store.
#[derive(Debug)]
pub struct Client {
    node: usize,
    member: AtomicUsize,
}

impl Client {
    /// The way from a node of the network, by some member first.
    #[must_use]
    pub fn new(node: usize, member: usize) -> Self {
        Self { node, member: AtomicUsize::new(member % MEMBERS) }
    }

    fn ask(&self, member: usize, ask: Ask, within_us: u64) -> Told {
        let asker = Asker::here();
        let theirs = asker.clone();
        with(|sim| sim.send(self.node, member, ask, &theirs, within_us));
        asker.wait()
    }

    /// Writes a key whatever is there.
    pub fn overwrite(&self, key: &str, value: &str, ttl_secs: Option<u32>) -> Outcome {
        let value = value.to_owned();
        self.write("put", key, move |path, now| Command::Set {
            path,
            is_dir: false,
            content: content(&value, ttl_secs, now),
        })
    }

    /// Asks one member after the other, beginning with the one that answered last.
    fn read_any(&self, what: &str, make: impl Fn() -> Ask) -> Result<Told, StoreError> {
        let first = self.member.load(Ordering::Relaxed);
        let mut last = (StoreErrorKind::Unreachable, "not sent");
        for step in 0..MEMBERS {
            let member = (first + step) % MEMBERS;
            last = match self.ask(member, make(), REQUEST_US) {
                Told::Failed(kind, cause) => (kind, cause),
                Told::Late => (StoreErrorKind::Unreachable, "no answer in time"),
                Told::Unsent => (StoreErrorKind::Unreachable, "connection refused"),
                told => {
                    self.member.store(member, Ordering::Relaxed);
                    return Ok(told);
                }
            };
        }
        self.member.store((first + 1) % MEMBERS, Ordering::Relaxed);
        Err(failed(what, last))
    }

    fn write(
        &self,
        what: &str,
        key: &str,
        make: impl Fn(String, Moment) -> Command + Clone + 'static,
    ) -> Outcome {
        self.send(what, key, Ask::Write, make)
    }

    fn send(
        &self,
        what: &str,
        key: &str,
        ask: fn(Box<dyn FnOnce(Moment) -> Command>) -> Ask,
        make: impl Fn(String, Moment) -> Command + Clone + 'static,
    ) -> Outcome {
        let what = format!("{what} {key}");
        let first = self.member.load(Ordering::Relaxed);
        for step in 0..MEMBERS {
            let member = (first + step) % MEMBERS;
            let (make, path) = (make.clone(), path(key));
            match self.ask(member, ask(Box::new(move |now| make(path, now))), REQUEST_US) {
                Told::Unsent => {}
                Told::Done(created, modified) => {
                    self.member.store(member, Ordering::Relaxed);
                    return Outcome::Done { created, modified };
                }
                Told::Refused(Code::KeyNotFound) => return Outcome::Refused(None),
                Told::Refused(Code::TestFailed | Code::NodeExist) => {
                    return match self.read(key, Freshness::Quorum) {
                        Ok((found, _)) => Outcome::Refused(found),
                        Err(error) => Outcome::Unknown(error),
                    };
                }
                told => {
                    self.member.store((member + 1) % MEMBERS, Ordering::Relaxed);
                    return Outcome::Unknown(failed(&what, reason(&told)));
                }
            }
        }
        Outcome::Unknown(failed(&what, (StoreErrorKind::Unreachable, "connection refused")))
    }
}

fn reason(told: &Told) -> (StoreErrorKind, &'static str) {
    match told {
        Told::Failed(kind, cause) => (*kind, cause),
        Told::Refused(_) => (StoreErrorKind::BadAnswer, "refused"),
        Told::Unsent => (StoreErrorKind::Unreachable, "connection refused"),
        _ => (StoreErrorKind::Unreachable, "no answer in time"),
    }
}

fn failed(operation: &str, (kind, cause): (StoreErrorKind, &str)) -> StoreError {
    StoreError { operation: operation.to_owned(), kind, cause: cause.to_owned() }
}

fn path(key: &str) -> String {
    if key.is_empty() { PREFIX.to_owned() } else { format!("{PREFIX}/{key}") }
}

fn content(value: &str, ttl_secs: Option<u32>, now: Moment) -> Content {
    let expiry = ttl_secs.and_then(|ttl_secs| end_of(now, u64::from(ttl_secs.max(1))));
    Content { value: value.into(), expiry, is_refresh: false }
}

fn at(guard: Guard) -> Compare {
    Compare { value: String::new(), index: guard.get() }
}

impl Store for Client {
    fn read(&self, key: &str, freshness: Freshness) -> Result<(Option<Node>, Seen), StoreError> {
        let quorum = freshness == Freshness::Quorum;
        let what = format!("read {key}");
        match self.read_any(&what, || Ask::Read(path(key), quorum))? {
            Told::Key(found, seen) => Ok((found, seen)),
            told => Err(failed(&what, reason(&told))),
        }
    }

    fn read_tree(
        &self,
        key: &str,
        freshness: Freshness,
        each: &mut dyn FnMut(Leaf<'_>),
    ) -> Result<Seen, StoreError> {
        let quorum = freshness == Freshness::Quorum;
        let what = format!("read {key}");
        match self.read_any(&what, || Ask::Tree(path(key), key.to_owned(), quorum))? {
            Told::Tree(leaves, seen) => {
                leaves.iter().for_each(|found| each(leaf(found)));
                Ok(seen)
            }
            told => Err(failed(&what, reason(&told))),
        }
    }

    fn create(&self, key: &str, value: &str, ttl_secs: Option<u32>) -> Outcome {
        let value = value.to_owned();
        self.write("create", key, move |path, now| {
            let content = content(&value, ttl_secs, now);
            Command::Create { path, is_dir: false, in_order: false, content }
        })
    }

    fn swap(&self, key: &str, value: &str, guard: Guard, ttl_secs: Option<u32>) -> Outcome {
        let value = value.to_owned();
        let compare = at(guard);
        self.write("swap", key, move |path, now| {
            let (compare, content) = (compare.clone(), content(&value, ttl_secs, now));
            Command::CompareAndSwap { path, compare, content }
        })
    }

    fn put(&self, key: &str, value: &str) -> Outcome {
        self.overwrite(key, value, None)
    }

    fn delete(&self, key: &str, guard: Guard) -> Outcome {
        let compare = at(guard);
        self.write("delete", key, move |path, _| Command::CompareAndDelete { path, compare: compare.clone() })
    }

    fn delete_tree(&self, key: &str) -> Outcome {
        self.write("delete", key, |path, _| Command::Delete { path, is_dir: true, is_recursive: true })
    }

    fn keep_alive(&self, key: &str, hold: Hold<'_>, ttl_secs: u32) -> Outcome {
        let compare = match hold {
            Hold::Index(guard) => at(guard),
            Hold::Value(value) => Compare { value: value.to_owned(), index: 0 },
        };
        self.send("keep alive", key, Ask::Beat, move |path, now| {
            let content = Content { is_refresh: true, ..content("", Some(ttl_secs), now) };
            Command::CompareAndSwap { path, compare: compare.clone(), content }
        })
    }

    fn watch(&self, key: &str, after: u64) -> Result<Wake, StoreError> {
        let member = self.member.load(Ordering::Relaxed);
        let end = Asker::here();
        let told = match self.ask(member, Ask::Watch(path(key), after, end.clone()), REQUEST_US) {
            Told::Begun => {
                with(|sim| sim.end_late(&end, POLL_US));
                match end.wait() {
                    Told::Late => return Ok(Wake::Quiet),
                    told => told,
                }
            }
            told => told,
        };
        match told {
            Told::Wake(wake) => Ok(wake),
            told => Err(failed(&format!("watch {key}"), reason(&told))),
        }
    }

    fn interrupt_watches(&self) {
        if let Some((id, _)) = current() {
            with(|sim| sim.interrupt_watches(id));
        }
    }

    fn endpoint(&self) -> String {
        format!("etcd-{}", self.member.load(Ordering::Relaxed))
    }
}
