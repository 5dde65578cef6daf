//! What the leader decided last, as it recorded that in the registry: oldest first, and never in pages, since it is bounded.

use registry::store::Store;

use super::failure::Failure;
use super::list::List;
use super::reply::Reply;
use super::wire;

/// All of it.
pub(super) fn list(store: &dyn Store) -> Result<Reply, Failure> {
    let records = registry::events::recent(store)?.into_iter();
    // A record is too small not to fit.
    let objects = records.filter_map(|record| wire::encode(&record).ok());
    Ok(Reply::List(List { field: "events", token: None, objects: Box::new(objects) }))
}
