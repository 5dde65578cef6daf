//! When two answers are the same. What may differ is listed here, and in the store's README with its reason:
//! names of the cluster, the consensus's own numbers, the date, the moment a key ends (by what passed between the two
//! requests), and the order of a directory's children, of which etcd has none.

use super::client::Answer;
use super::json::{Json, read};

/// Headers whose values are each side's own.
const OWN: [&str; 5] = ["Date", "X-Etcd-Cluster-Id", "X-Raft-Index", "X-Raft-Term", "Content-Length"];

/// Nothing, or how they differ.
pub(crate) fn compare(etcd: &Answer, store: &Answer) -> Result<(), String> {
    let differ = |what: &str| Err(format!("{what}\netcd:  {etcd:?}\nstore: {store:?}"));
    if etcd.status != store.status {
        return differ("statuses differ");
    }
    // A path that cannot be decoded never reaches etcd: Go's server refuses it in its own way and closes.
    if etcd.header("Access-Control-Allow-Origin").is_none() {
        return Ok(());
    }
    // Go says nothing of the length of a long answer to HEAD; the store says how it would come.
    let is_framed = ["Content-Length", "Transfer-Encoding"].iter().any(|name| etcd.header(name).is_some());
    if headers(etcd, is_framed) != headers(store, is_framed) {
        return differ("headers differ");
    }
    if !same_bodies(&etcd.body, &store.body) {
        return differ("bodies differ");
    }
    Ok(())
}

fn headers(answer: &Answer, is_framed: bool) -> Vec<(String, String)> {
    let mut headers = answer.headers.clone();
    for (name, value) in &mut headers {
        if OWN.contains(&name.as_str()) {
            value.clear();
        }
        // An answer of about 2 KiB may be framed either way: the two moments in it need not be equally long.
        if name == "Content-Length" || name == "Transfer-Encoding" {
            *name = "framing".to_owned();
            value.clear();
        }
    }
    headers.retain(|(name, _)| is_framed || name != "framing");
    headers.sort();
    headers
}

/// Compares bodies, of which there may be several in a row.
pub(crate) fn same_bodies(etcd: &str, store: &str) -> bool {
    if etcd == store {
        return true;
    }
    let (mut etcd, mut store) = (etcd, store);
    while let (Some((one, rest_one)), Some((other, rest_other))) = (read(etcd), read(store)) {
        if !same(&one.ordered(), &other.ordered()) {
            return false;
        }
        (etcd, store) = (rest_one.trim_start_matches('\n'), rest_other.trim_start_matches('\n'));
        if etcd.is_empty() || store.is_empty() {
            break;
        }
    }
    etcd.is_empty() && store.is_empty()
}

fn same(etcd: &Json, store: &Json) -> bool {
    match (etcd, store) {
        (Json::Object(one), Json::Object(other)) => {
            let ttl = |object: &Json| object.number("ttl").unwrap_or(0);
            let ends = |object: &Json| object.field("expiration").is_some();
            // The two were written one after the other.
            let names = |fields: &[(String, Json)]| -> Vec<String> {
                fields.iter().map(|(name, _)| name.clone()).filter(|name| name != "ttl").collect()
            };
            let rest = one.iter().filter(|(name, _)| name != "ttl" && name != "expiration");
            let is_there =
                |(name, value): &(String, Json)| store.field(name).is_some_and(|got| same(value, got));
            names(one) == names(other)
                && ttl(etcd).abs_diff(ttl(store)) <= 3
                && ends(etcd) == ends(store)
                && rest.clone().all(is_there)
        }
        (Json::List(one), Json::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => etcd == store,
    }
}
