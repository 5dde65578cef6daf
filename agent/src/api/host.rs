//! What the routes need of the agent they run in, as one trait. The agent's own types stay on the other side.

use std::future::Future;
use std::sync::Arc;

use fleet_api::access::Identity;
use fleet_api::{Failure, Method};
use registry::store::Store;

use super::audit::Audit;
use crate::news::Desk;

/// The message while the agent is not connected to the registry (contract §5).
pub const NOT_CONNECTED: &str = "fleet server unable to communicate with etcd";

/// Why a registry was not adopted, or not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotDone {
    /// There is nothing to do, or not now: 409.
    Refused(String),
    /// A store gave no answer: 503.
    NoAnswer(String),
}

/// The agent as its API sees it. Asked anew for every request, so that a reload shows at once.
pub trait Host {
    /// Where the registry is kept. Called on the pool of blocking threads only.
    fn store(&self) -> Arc<dyn Store>;

    /// Where changes are waited for.
    fn desk(&self) -> &Desk;

    /// Objects on one page of a list (`token_limit`, contract §4.2).
    fn page_limit(&self) -> u16;

    /// Whether requests can be served.
    ///
    /// # Errors
    /// They cannot: every path answers 503 with this message, [`NOT_CONNECTED`] if there is nothing more to say. Only
    /// `POST registry/adopt`, `POST registry/copy` and `GET /metrics` are served all the same.
    fn standing(&self) -> Result<(), String>;

    /// Whether this identity may do that.
    ///
    /// # Errors
    /// It may not: 403 and why.
    fn may(&self, identity: Identity<'_>, method: Method) -> Result<(), Failure>;

    /// The page of numbers for Prometheus; `None` if this agent has none.
    fn metrics(&self) -> Option<String>;

    /// Lets the machines of this agent's fleet join the fleet of the store it sees (registry rule 4).
    ///
    /// # Errors
    /// It was not done, in words for the operator.
    fn adopt(&self) -> impl Future<Output = Result<String, NotDone>>;

    /// Copies the registry to the store of this name and puts the copy in charge.
    ///
    /// # Errors
    /// It was not done, in words for the operator.
    fn copy(&self, to: String) -> impl Future<Output = Result<String, NotDone>>;

    /// Takes note of a call that would change something, once it has an outcome.
    fn audit(&self, audit: &Audit<'_>);
}
