//! The verbs of [`Store`] as requests of etcd's v2 API, and its answers as theirs.

use core::fmt;

use cluster::Guard;
use cluster::limits::REGISTRY_VALUE_MAX_BYTES;

use super::answer::{Answer, Nodes, Refusal, code};
use super::client::{Client, Repeat};
use super::failure::{Failure, Stage};
use super::leaf::{Entries, Entry, LeafError, Place, quoted};
use super::request::{Extent, Method, Request, below, fault_of, within};
use super::settings::{KeyPrefix, Settings, SettingsError};
use crate::store::{Freshness, Hold, Leaf, Node, Outcome, Seen, Store, StoreError, StoreErrorKind, Wake};

/// A store kept by etcd.
pub struct Etcd {
    client: Client,
    prefix: KeyPrefix,
}

impl Etcd {
    /// Reads the certificates; nothing is sent yet.
    ///
    /// # Errors
    /// The settings cannot work.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        Ok(Self { client: Client::new(settings)?, prefix: settings.key_prefix.clone() })
    }

    fn request(&self, method: Method, extent: Extent, key: &str) -> Result<Request, Failure> {
        match fault_of(key) {
            None => Ok(Request::new(method, extent, &self.prefix, key)),
            Some(fault) => Err(Failure::answered(StoreErrorKind::BadAnswer, fault.to_owned())),
        }
    }

    fn put_request(&self, key: &str, value: &str) -> Result<Request, Failure> {
        if value.len() > REGISTRY_VALUE_MAX_BYTES {
            let cause =
                format!("{} bytes are more than a value may have ({REGISTRY_VALUE_MAX_BYTES})", value.len());
            return Err(Failure::answered(StoreErrorKind::BadAnswer, cause));
        }
        Ok(self.request(Method::Put, Extent::Node, key)?.field("value", value))
    }

    fn read_node(&self, key: &str, freshness: Freshness) -> Result<(Option<Node>, Seen), Failure> {
        let request = fresh(self.request(Method::Get, Extent::Node, key)?, freshness);
        self.client.call(&request, Repeat::Harmless, |answer| match answer {
            Answer::Nodes(nodes) => {
                let seen = nodes.seen;
                self.only_node(nodes, key).map(|node| (Some(node), seen))
            }
            Answer::Refusal(Refusal { code: code::KEY_NOT_FOUND, seen, .. }) => Ok((None, seen)),
            Answer::Refusal(refusal) => Err(unexpected(&refusal)),
        })
    }

    /// The node of an answer that was asked for one key.
    fn only_node(&self, nodes: Nodes, key: &str) -> Result<Node, Failure> {
        let mut entries = Entries::new(nodes.body);
        let mut found = None;
        while let Some(entry) = next(&mut entries)? {
            match entry {
                Entry { place: Place::Below, .. } | Entry { place: Place::Node, dir: true, .. } => {
                    return Err(bad(format!("{key} is a directory")));
                }
                Entry { place: Place::Node, value: Some(value), created, modified, ttl_secs, .. }
                    if self.names(&entry, key) =>
                {
                    found = Some(Node { value: value.to_owned(), created, modified, ttl_secs });
                }
                _ => return Err(not_asked_for(&entry)),
            }
        }
        found.ok_or_else(|| bad("an answer without a node".to_owned()))
    }

    fn names(&self, entry: &Entry<'_>, key: &str) -> bool {
        below(&self.prefix, entry.key) == Some(key)
    }

    fn read_leaves(
        &self,
        key: &str,
        freshness: Freshness,
        each: &mut dyn FnMut(Leaf<'_>),
    ) -> Result<Seen, Failure> {
        let request =
            fresh(self.request(Method::Get, Extent::Tree, key)?, freshness).query("recursive", true);
        self.client.call(&request, Repeat::Harmless, |answer| match answer {
            Answer::Nodes(nodes) => {
                let seen = nodes.seen;
                self.leaves(nodes, key, each).map(|()| seen)
            }
            Answer::Refusal(Refusal { code: code::KEY_NOT_FOUND, seen, .. }) => Ok(seen),
            Answer::Refusal(refusal) => Err(unexpected(&refusal)),
        })
    }

    fn leaves(&self, nodes: Nodes, root: &str, each: &mut dyn FnMut(Leaf<'_>)) -> Result<(), Failure> {
        let mut entries = Entries::new(nodes.body);
        while let Some(entry) = next(&mut entries)? {
            let key = below(&self.prefix, entry.key).filter(|key| within(root, key));
            let key = key.ok_or_else(|| not_asked_for(&entry))?;
            match entry {
                Entry { place: Place::Previous | Place::Elsewhere, .. } => return Err(not_asked_for(&entry)),
                Entry { dir: true, .. } => {}
                Entry { value: Some(value), created, modified, ttl_secs, .. } => {
                    each(Leaf { key, value, created, modified, ttl_secs });
                }
                Entry { value: None, .. } => return Err(bad(format!("{key} has no value"))),
            }
        }
        Ok(())
    }

    /// Sends a write and says how it ended; `request` failing means that nothing was sent.
    fn write(&self, verb: &str, key: &str, request: Result<Request, Failure>) -> Outcome {
        let written = request.and_then(|request| {
            self.client.call(&request, Repeat::Unsafe, |answer| match answer {
                Answer::Nodes(nodes) => self.written(nodes, key).map(Ok),
                Answer::Refusal(refusal) => Ok(Err(refusal)),
            })
        });
        let error = |failure| Outcome::Unknown(store_error(verb, key, failure));
        match written {
            Ok(Ok((created, modified))) => Outcome::Done { created, modified },
            Ok(Err(Refusal { code: code::KEY_NOT_FOUND, .. })) => Outcome::Refused(None),
            Ok(Err(Refusal { code: code::COMPARE_FAILED | code::KEY_EXISTS, .. })) => {
                match self.read_node(key, Freshness::Quorum) {
                    Ok((node, _)) => Outcome::Refused(node),
                    Err(failure) => error(failure),
                }
            }
            Ok(Err(refusal)) => error(unexpected(&refusal)),
            Err(failure) => error(failure),
        }
    }

    /// Indices of the key that a write's answer names.
    fn written(&self, nodes: Nodes, key: &str) -> Result<(u64, u64), Failure> {
        let mut entries = Entries::new(nodes.body);
        let mut found = None;
        while let Some(entry) = next(&mut entries)? {
            match entry {
                Entry { place: Place::Previous, .. } => {}
                Entry { place: Place::Node, created, modified, .. } if self.names(&entry, key) => {
                    found = Some((created, modified));
                }
                _ => return Err(not_asked_for(&entry)),
            }
        }
        found.ok_or_else(|| bad("an answer without a node".to_owned()))
    }

    fn wait(&self, key: &str, after: u64) -> Result<Wake, Failure> {
        let request = self
            .request(Method::Get, Extent::Event, key)?
            .query("wait", true)
            .query("recursive", true)
            .query("waitIndex", after.saturating_add(1));
        self.client.poll(&request, |answer| match answer {
            // etcd would wait in silence until it got that far: it went back since, or this member lags behind.
            Answer::Nodes(nodes) if nodes.seen.index < after => Ok(Wake::Overrun),
            Answer::Nodes(nodes) => self.event(nodes),
            Answer::Refusal(Refusal { code: code::EVENTS_CLEARED, .. }) => Ok(Wake::Overrun),
            Answer::Refusal(refusal) => Err(unexpected(&refusal)),
        })
    }

    fn event(&self, nodes: Nodes) -> Result<Wake, Failure> {
        let mut entries = Entries::new(nodes.body);
        let mut found = None;
        loop {
            let entry = match entries.next() {
                Ok(Some(entry)) => entry,
                Ok(None) => break,
                Err(LeafError::Source(error)) => {
                    let failure = Failure::of_body(error, StoreErrorKind::Unreachable);
                    return if failure.stage == Stage::TimedOut { Ok(Wake::Quiet) } else { Err(failure) };
                }
                // etcd ends a poll like this when it lost track of what to say. Nothing was missed for certain.
                Err(LeafError::CutShort { .. }) => {
                    let cause = "the long poll ended without an event".to_owned();
                    return Err(Failure::answered(StoreErrorKind::Unreachable, cause));
                }
                Err(error) => return Err(bad(error.to_string())),
            };
            if entry.place == Place::Node {
                // The removal of a directory around the prefix is a change of everything below it.
                let key = below(&self.prefix, entry.key).unwrap_or_default().to_owned();
                found = Some(Wake::Changed { index: entry.modified, key });
            }
        }
        found.ok_or_else(|| bad("an event without a node".to_owned()))
    }
}

impl Store for Etcd {
    fn read(&self, key: &str, freshness: Freshness) -> Result<(Option<Node>, Seen), StoreError> {
        self.read_node(key, freshness).map_err(|failure| store_error("read", key, failure))
    }

    fn read_tree(
        &self,
        key: &str,
        freshness: Freshness,
        each: &mut dyn FnMut(Leaf<'_>),
    ) -> Result<Seen, StoreError> {
        self.read_leaves(key, freshness, each).map_err(|failure| store_error("read all of", key, failure))
    }

    fn create(&self, key: &str, value: &str, ttl_secs: Option<u32>) -> Outcome {
        let request = self.put_request(key, value).map(|put| put.query("prevExist", false).ttl(ttl_secs));
        self.write("create", key, request)
    }

    fn swap(&self, key: &str, value: &str, guard: Guard, ttl_secs: Option<u32>) -> Outcome {
        let request = self.put_request(key, value).map(|put| put.query("prevIndex", guard).ttl(ttl_secs));
        self.write("swap", key, request)
    }

    fn put(&self, key: &str, value: &str) -> Outcome {
        self.write("put", key, self.put_request(key, value))
    }

    fn delete(&self, key: &str, guard: Guard) -> Outcome {
        let request = self.request(Method::Delete, Extent::Node, key);
        self.write("delete", key, request.map(|delete| delete.query("prevIndex", guard)))
    }

    fn delete_tree(&self, key: &str) -> Outcome {
        let request = self.request(Method::Delete, Extent::Node, key);
        self.write("delete all of", key, request.map(|delete| delete.query("recursive", true)))
    }

    fn keep_alive(&self, key: &str, hold: Hold<'_>, ttl_secs: u32) -> Outcome {
        let request = self.request(Method::Put, Extent::Node, key).map(|put| {
            let put = put.query("refresh", true).query("prevExist", true).ttl(Some(ttl_secs));
            match hold {
                Hold::Index(guard) => put.query("prevIndex", guard),
                Hold::Value(value) => put.field("prevValue", value),
            }
        });
        self.write("keep alive", key, request)
    }

    fn watch(&self, key: &str, after: u64) -> Result<Wake, StoreError> {
        self.wait(key, after).map_err(|failure| store_error("watch", key, failure))
    }

    fn interrupt_watches(&self) {
        self.client.interrupt();
    }

    fn endpoint(&self) -> String {
        self.client.endpoint().to_owned()
    }
}

impl fmt::Debug for Etcd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Etcd")
            .field("endpoint", &self.client.endpoint())
            .field("prefix", &self.prefix)
            .finish()
    }
}

fn fresh(request: Request, freshness: Freshness) -> Request {
    match freshness {
        Freshness::Local => request,
        Freshness::Quorum => request.query("quorum", true),
    }
}

fn next<R: std::io::Read>(entries: &mut Entries<R>) -> Result<Option<Entry<'_>>, Failure> {
    entries.next().map_err(|error| match error {
        LeafError::Source(error) => Failure::of_body(error, StoreErrorKind::BadAnswer),
        error => bad(error.to_string()),
    })
}

fn bad(cause: String) -> Failure {
    Failure::answered(StoreErrorKind::BadAnswer, cause)
}

fn not_asked_for(entry: &Entry<'_>) -> Failure {
    bad(format!("an answer with {}, which was not asked for", quoted(entry.key)))
}

fn unexpected(refusal: &Refusal) -> Failure {
    bad(format!("etcd error {}: {}", refusal.code, refusal.text))
}

fn store_error(verb: &str, key: &str, failure: Failure) -> StoreError {
    let key = if key.is_empty() { "/" } else { key };
    StoreError {
        operation: format!("{verb} {}", key.escape_debug()),
        kind: failure.kind,
        cause: failure.cause,
    }
}
