//! Watches that are open on both sides, and what they have seen.

use std::net::SocketAddr;
use std::time::Duration;

use super::client::{Answer, Client};
use super::same::{compare, same_bodies};
use crate::patience::wait_until;

/// Longest time by which one side may hear of a change later than the other.
const LATEST: Duration = Duration::from_secs(3);

struct Side {
    client: Client,
    seen: String,
}

/// One watch on both sides.
pub(crate) struct Twin {
    what: String,
    etcd: Side,
    store: Side,
}

impl Twin {
    /// Begins it; the heads have to be the same.
    pub(crate) fn open(etcd: SocketAddr, store: SocketAddr, request: &str) -> Result<Option<Self>, String> {
        let mut sides =
            [etcd, store].map(|address| Side { client: Client::new(address), seen: String::new() });
        let heads: Vec<Answer> = sides
            .iter_mut()
            .map(|side| {
                side.client.send(request);
                side.client.head()
            })
            .collect();
        compare(&heads[0], &heads[1]).map_err(|difference| format!("{request:?}: {difference}"))?;
        let [etcd, store] = sides;
        let is_open = heads[0].status.contains(" 200 ");
        Ok(is_open.then(|| Self { what: request.to_owned(), etcd, store }))
    }

    /// Compares all that both have seen. `quiet`: how long both must stay without news.
    pub(crate) fn look(&mut self, quiet: Duration) -> Result<(), String> {
        wait_until(&format!("the same on both sides of {:?}", self.what), LATEST, || {
            for side in [&mut self.etcd, &mut self.store] {
                side.seen.push_str(&side.client.come(quiet));
            }
            let bodies = [&self.etcd.seen, &self.store.seen].map(|seen| unframed(seen));
            if same_bodies(&bodies[0], &bodies[1]) {
                Ok(())
            } else {
                Err(format!("etcd: {:?}, store: {:?}", bodies[0], bodies[1]))
            }
        });
        Ok(())
    }

    /// True if something was seen.
    pub(crate) fn has_seen(&self) -> bool {
        !self.etcd.seen.is_empty()
    }
}

/// A chunked body without its framing; the end is kept as a line of its own.
fn unframed(raw: &str) -> String {
    let mut lines = raw.split("\r\n");
    let mut body = String::new();
    while let (Some(length), Some(data)) = (lines.next(), lines.next()) {
        body.push_str(if length == "0" { "end" } else { data });
    }
    body
}
