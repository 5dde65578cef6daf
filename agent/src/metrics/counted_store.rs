//! A store that counts what is asked of it and passes everything on. Long polls are not counted: they last as long as
//! nothing happens.

use cluster::Guard;
use registry::store::{Freshness, Hold, Leaf, Node, Outcome, Seen, Store, StoreError, Wake};

use super::{NUMBERS, Operation};
use crate::clock;

/// Another store, counted.
#[derive(Debug)]
pub(super) struct CountedStore<S>(pub(super) S);

fn asked<T>(operation: Operation, ask: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    let start_us = clock::now_us();
    let answer = ask();
    NUMBERS.operation(operation, start_us, answer.is_ok());
    answer
}

/// A refusal is an answer; only an unknown end is a failure.
fn written(write: impl FnOnce() -> Outcome) -> Outcome {
    let start_us = clock::now_us();
    let outcome = write();
    NUMBERS.operation(Operation::Set, start_us, !matches!(outcome, Outcome::Unknown(_)));
    outcome
}

impl<S: Store> Store for CountedStore<S> {
    fn read(&self, key: &str, freshness: Freshness) -> Result<(Option<Node>, Seen), StoreError> {
        asked(Operation::Get, || self.0.read(key, freshness))
    }

    fn read_tree(
        &self,
        key: &str,
        freshness: Freshness,
        each: &mut dyn FnMut(Leaf<'_>),
    ) -> Result<Seen, StoreError> {
        asked(Operation::GetAll, || self.0.read_tree(key, freshness, each))
    }

    fn create(&self, key: &str, value: &str, ttl_secs: Option<u32>) -> Outcome {
        written(|| self.0.create(key, value, ttl_secs))
    }

    fn swap(&self, key: &str, value: &str, guard: Guard, ttl_secs: Option<u32>) -> Outcome {
        written(|| self.0.swap(key, value, guard, ttl_secs))
    }

    fn put(&self, key: &str, value: &str) -> Outcome {
        written(|| self.0.put(key, value))
    }

    fn delete(&self, key: &str, guard: Guard) -> Outcome {
        written(|| self.0.delete(key, guard))
    }

    fn delete_tree(&self, key: &str) -> Outcome {
        written(|| self.0.delete_tree(key))
    }

    fn keep_alive(&self, key: &str, hold: Hold<'_>, ttl_secs: u32) -> Outcome {
        written(|| self.0.keep_alive(key, hold, ttl_secs))
    }

    fn watch(&self, key: &str, after: u64) -> Result<Wake, StoreError> {
        self.0.watch(key, after)
    }

    fn interrupt_watches(&self) {
        self.0.interrupt_watches();
    }

    fn endpoint(&self) -> String {
        self.0.endpoint()
    }
}
