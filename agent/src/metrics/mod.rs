//! Numbers for Prometheus: counted where things happen, shown at `GET /metrics` (contract §5.3). Counting costs an atomic
//! addition; names and labels are all fixed, so that no fleet makes the page longer. Nothing decides on any of it.
//!
//! Without the feature `metrics` there is no page and the store is not counted.

#[cfg(feature = "metrics")]
mod counted_store;
mod numbers;
#[cfg(feature = "metrics")]
mod page;
#[cfg(feature = "metrics")]
mod process;

use std::sync::Arc;

use registry::store::Store;

pub use numbers::{NUMBERS, Numbers, Operation, Task};

/// The media type of the page.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How the agent stands to the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// It is registered and in contact.
    pub member: bool,
    /// The store is not the one its machine belongs to.
    pub frozen: bool,
    /// It leads.
    pub leads: bool,
    /// How long ago the last sign of life was given that the store took, in milliseconds; `None` if none ever was.
    pub contact_age_ms: Option<u64>,
}

/// A store of which is counted what is asked of it.
#[must_use]
#[cfg(feature = "metrics")]
pub fn counted(store: impl Store + 'static) -> Arc<dyn Store> {
    Arc::new(counted_store::CountedStore(store))
}

/// The store as it is.
#[must_use]
#[cfg(not(feature = "metrics"))]
pub fn counted(store: impl Store + 'static) -> Arc<dyn Store> {
    Arc::new(store)
}

/// The page; `None` if this agent was built without.
#[must_use]
#[cfg(feature = "metrics")]
pub fn page(standing: Standing) -> Option<String> {
    Some(page::text(standing))
}

/// The page; `None` if this agent was built without.
#[must_use]
#[cfg(not(feature = "metrics"))]
pub fn page(_: Standing) -> Option<String> {
    None
}
