//! What every `Store` owes its callers, whatever keeps the keys: run against a real etcd and, word for word, against
//! any other implementation. Each function takes a part of the key space that nothing else uses.

use std::sync::mpsc;
use std::time::Duration;

use cluster::Guard;
use cluster::limits::REGISTRY_VALUE_MAX_BYTES;
use registry::store::{Freshness, Hold, Leaf, Node, Outcome, Store, StoreErrorKind, Wake};

use crate::patience::wait_until;

/// The same keys seen through two clients.
pub(crate) struct Stores<'a> {
    /// With a long poll time-out.
    pub(crate) store: &'a dyn Store,
    /// With one of a second, for watches that are to end as quiet.
    pub(crate) impatient: &'a dyn Store,
}

/// Every part of the contract, under `root`.
pub(crate) fn all(stores: &Stores<'_>, root: &str) {
    let key = |name: &str| format!("{root}/{name}");
    absence_is_no_error(stores.store, &key("absent"));
    a_key_is_created_once(stores.store, &key("created"));
    a_swap_needs_what_was_seen(stores.store, &key("swapped"));
    a_delete_needs_what_was_seen(stores.store, &key("deleted"));
    a_put_needs_nothing(stores.store, &key("put"));
    values_and_keys_come_back_as_they_were(stores.store, &key("bytes"));
    a_tree_is_all_of_its_leaves(stores.store, &key("tree"));
    a_tree_is_deleted_whole(stores.store, &key("felled"));
    kinds_are_not_mixed_up(stores.store, &key("kinds"));
    bad_keys_and_values_change_nothing(stores.store, &key("bad"));
    a_ttl_ends_a_key(stores.store, &key("mortal"));
    a_key_is_kept_alive_by_index_or_value(stores.store, &key("kept"));
    keeping_alive_wakes_nobody(stores, &key("silent"));
    a_watch_sees_what_has_happened_since(stores.store, &key("watched"));
    a_watch_wakes_for_what_happens_next(stores.store, &key("woken"));
    a_watch_ends_quietly(stores, &key("quiet"));
    a_watch_of_long_ago_is_overrun(stores.store, &key("overrun"));
    interrupting_ends_the_watches_of_now(stores.store, &key("interrupted"));
}

fn read(store: &dyn Store, key: &str) -> Option<Node> {
    store.read(key, Freshness::Quorum).unwrap().0
}

/// Value, createdIndex and modifiedIndex of a key that is there.
fn there(store: &dyn Store, key: &str) -> (String, u64, u64) {
    let node = read(store, key).unwrap_or_else(|| panic!("{key} is not there"));
    (node.value, node.created, node.modified)
}

fn done(outcome: Outcome) -> (u64, u64) {
    match outcome {
        Outcome::Done { created, modified } => (created, modified),
        other => panic!("not done: {other:?}"),
    }
}

/// The value of what a refusal found.
fn refused(outcome: Outcome) -> Option<String> {
    match outcome {
        Outcome::Refused(node) => node.map(|node| node.value),
        other => panic!("not refused: {other:?}"),
    }
}

fn unknown(outcome: Outcome) -> (StoreErrorKind, String) {
    match outcome {
        Outcome::Unknown(error) => (error.kind, error.to_string()),
        other => panic!("not unknown: {other:?}"),
    }
}

fn guard(index: u64) -> Guard {
    Guard::new(index).unwrap()
}

fn tree(store: &dyn Store, key: &str) -> Vec<(String, String)> {
    let mut leaves = Vec::new();
    let mut each = |leaf: Leaf<'_>| leaves.push((leaf.key.to_owned(), leaf.value.to_owned()));
    store.read_tree(key, Freshness::Quorum, &mut each).unwrap();
    leaves.sort();
    leaves
}

fn absence_is_no_error(store: &dyn Store, key: &str) {
    for freshness in [Freshness::Local, Freshness::Quorum] {
        let (node, seen) = store.read(key, freshness).unwrap();
        assert_eq!(node, None);
        assert!(seen.cluster != 0, "{seen:?}");
        let mut each = |leaf: Leaf<'_>| panic!("{leaf:?}");
        store.read_tree(key, freshness, &mut each).unwrap();
    }
    assert_eq!(refused(store.delete_tree(key)), None);
    assert_eq!(refused(store.delete(key, guard(1))), None);
    assert_eq!(refused(store.swap(key, "v", guard(1), None)), None);
    assert_eq!(refused(store.keep_alive(key, Hold::Index(guard(1)), 60)), None);
    assert_eq!(refused(store.keep_alive(key, Hold::Value("v"), 60)), None);
    assert_eq!(read(store, key), None);
}

fn a_key_is_created_once(store: &dyn Store, key: &str) {
    let (created, modified) = done(store.create(key, "first", None));
    assert_eq!(created, modified);
    assert_eq!(there(store, key), ("first".to_owned(), created, modified));
    assert_eq!(refused(store.create(key, "second", None)), Some("first".to_owned()));
    assert_eq!(there(store, key), ("first".to_owned(), created, modified));
    let seen = store.read(key, Freshness::Local).unwrap().1;
    assert!(seen.index >= modified, "{seen:?} after {modified}");
}

fn a_swap_needs_what_was_seen(store: &dyn Store, key: &str) {
    let (created, first) = done(store.create(key, "a", Some(600)));
    let (still_created, second) = done(store.swap(key, "b", guard(first), Some(300)));
    assert!(still_created == created && second > first);
    assert!(matches!(read(store, key), Some(Node { ttl_secs: Some(1..=300), .. })));
    // The value of before comes back, and is still another state.
    let (_, third) = done(store.swap(key, "a", guard(second), None));
    assert_eq!(refused(store.swap(key, "c", guard(first), None)), Some("a".to_owned()));
    assert_eq!(read(store, key).unwrap().ttl_secs, None);
    assert_eq!(there(store, key), ("a".to_owned(), created, third));
}

fn a_delete_needs_what_was_seen(store: &dyn Store, key: &str) {
    let (created, first) = done(store.create(key, "a", None));
    let (_, second) = done(store.swap(key, "b", guard(first), None));
    assert_eq!(refused(store.delete(key, guard(first))), Some("b".to_owned()));
    let (had_created, removed) = done(store.delete(key, guard(second)));
    assert!(had_created == created && removed > second);
    assert_eq!(read(store, key), None);
    let (again, _) = done(store.create(key, "a", None));
    assert!(again > removed, "a new life has a new createdIndex");
    assert_eq!(refused(store.delete(key, guard(second))), Some("a".to_owned()));
}

fn a_put_needs_nothing(store: &dyn Store, key: &str) {
    let (first, _) = done(store.put(key, "a"));
    let (second, modified) = done(store.put(key, "b"));
    assert!(second > first, "a put is a new life of the key");
    assert_eq!(there(store, key), ("b".to_owned(), second, modified));
}

fn values_and_keys_come_back_as_they_were(store: &dyn Store, root: &str) {
    let largest = REGISTRY_VALUE_MAX_BYTES;
    let values = [
        String::new(),
        "{\"file\":\"[Service]\\nExecStart=/bin/echo \\\"a\\\"\\n\"}".to_owned(),
        "tab\t newline\r\n nul\0 bell\u{7} \u{2028} é 😀 \\u0041 %41 + & = ; <b>".to_owned(),
        "<".repeat(largest),
        "\u{1}".repeat(largest),
        "é".repeat(largest / 2),
        "x".repeat(largest),
    ];
    let keys =
        ["a@1.service", "dev-disk\\x2did:0.mount", "%5Fhidden", "sp ace", "é😀", "q?x=1&y#z", "a+b;c,d=e"];
    for (name, value) in keys.iter().zip(&values) {
        let key = format!("{root}/{name}");
        let (_, modified) = done(store.create(&key, value, None));
        let node = read(store, &key).unwrap();
        assert!(node.value == *value, "{name}: {} bytes came back as {}", value.len(), node.value.len());
        done(store.swap(&key, value, guard(modified), None));
    }
    let mut want: Vec<(String, String)> =
        keys.iter().zip(values).map(|(name, value)| (format!("{root}/{name}"), value)).collect();
    want.sort();
    assert!(tree(store, root) == want, "the tree differs");
}

fn a_tree_is_all_of_its_leaves(store: &dyn Store, root: &str) {
    let names = ["a", "b/c", "b/d/e", "b/d/f", "empty/gone", "z"];
    let mut modified = Vec::new();
    for name in names {
        modified.push(done(store.create(&format!("{root}/{name}"), name, Some(600))).1);
    }
    done(store.delete(&format!("{root}/empty/gone"), guard(modified[4])));
    let want = |below: &str| -> Vec<(String, String)> {
        let left = names.iter().filter(|name| **name != "empty/gone" && name.starts_with(below));
        left.map(|name| (format!("{root}/{name}"), (*name).to_owned())).collect()
    };
    assert_eq!(tree(store, root), want(""));
    assert_eq!(tree(store, &format!("{root}/b")), want("b"));
    assert_eq!(tree(store, &format!("{root}/empty")), []);
    assert_eq!(tree(store, &format!("{root}/b/c")), want("b/c"), "a key is a tree of one");
    let seen = store
        .read_tree(root, Freshness::Local, &mut |leaf| {
            assert!(leaf.created == leaf.modified && modified.contains(&leaf.modified), "{leaf:?}");
            assert!(matches!(leaf.ttl_secs, Some(1..=600)), "{leaf:?}");
        })
        .unwrap();
    assert!(seen.index > modified[5]);
}

fn a_tree_is_deleted_whole(store: &dyn Store, root: &str) {
    for name in ["a/b/c", "a/b/d", "a/e", "ab"] {
        done(store.create(&format!("{root}/{name}"), "v", None));
    }
    done(store.delete_tree(&format!("{root}/a")));
    assert_eq!(tree(store, root), [(format!("{root}/ab"), "v".to_owned())]);
    assert_eq!(refused(store.delete_tree(&format!("{root}/a"))), None);
    done(store.delete_tree(&format!("{root}/ab")));
    assert_eq!(tree(store, root), []);
}

fn kinds_are_not_mixed_up(store: &dyn Store, root: &str) {
    let (_, leaf) = done(store.create(&format!("{root}/dir/leaf"), "v", None));
    let dir = format!("{root}/dir");
    let error = store.read(&dir, Freshness::Quorum).unwrap_err();
    assert_eq!(error.kind, StoreErrorKind::BadAnswer);
    assert!(error.to_string().starts_with(&format!("read {dir}: ")), "{error}");
    assert!(error.cause.contains("is a directory"), "{error}");
    for outcome in [
        store.create(&dir, "v", None),
        store.swap(&dir, "v", guard(leaf), None),
        store.put(&dir, "v"),
        store.delete(&dir, guard(leaf)),
        store.create(&format!("{dir}/leaf/below"), "v", None),
    ] {
        assert_eq!(unknown(outcome).0, StoreErrorKind::BadAnswer);
    }
    // Nothing can be there, and still it is no plain "no": somebody else's idea of this key space is in the way.
    let below = store.read(&format!("{dir}/leaf/below"), Freshness::Quorum).unwrap_err();
    assert_eq!(below.kind, StoreErrorKind::BadAnswer, "{below}");
    assert_eq!(there(store, &format!("{dir}/leaf")).2, leaf);
}

fn bad_keys_and_values_change_nothing(store: &dyn Store, root: &str) {
    for name in ["_hidden", ".", "..", "a//b", "a/"] {
        let key = format!("{root}/{name}");
        let (kind, text) = unknown(store.create(&key, "v", None));
        assert_eq!(kind, StoreErrorKind::BadAnswer, "{text}");
        assert!(store.read(&key, Freshness::Quorum).is_err());
    }
    let (_, text) = unknown(store.put(&format!("{root}/large"), &"x".repeat(REGISTRY_VALUE_MAX_BYTES + 1)));
    assert!(text.contains(&REGISTRY_VALUE_MAX_BYTES.to_string()), "{text}");
    let (_, text) = unknown(store.keep_alive(&format!("{root}/empty"), Hold::Value(""), 60));
    assert!(text.starts_with(&format!("keep alive {root}/empty: ")), "{text}");
    assert_eq!(tree(store, root), []);
}

fn a_ttl_ends_a_key(store: &dyn Store, key: &str) {
    // Zero would mean "at once" to etcd; the shortest life is one second.
    let (_, modified) = done(store.create(key, "v", Some(0)));
    assert!(matches!(read(store, key), Some(Node { ttl_secs: Some(_), .. })));
    match store.watch(key, modified).unwrap() {
        Wake::Changed { index, key: changed } => assert!(index > modified && changed == key),
        other => panic!("{other:?}"),
    }
    assert_eq!(read(store, key), None);
    assert_eq!(refused(store.swap(key, "w", guard(modified), None)), None);
    done(store.create(key, "v", None));
}

fn a_key_is_kept_alive_by_index_or_value(store: &dyn Store, key: &str) {
    let (created, first) = done(store.create(key, "mine", Some(5)));
    let (still_created, second) = done(store.keep_alive(key, Hold::Index(guard(first)), 500));
    assert!(still_created == created && second > first);
    assert_eq!(refused(store.keep_alive(key, Hold::Index(guard(first)), 9)), Some("mine".to_owned()));
    assert!(matches!(read(store, key).unwrap().ttl_secs, Some(490..=500)));
    let (_, third) = done(store.keep_alive(key, Hold::Value("mine"), 900));
    assert_eq!(refused(store.keep_alive(key, Hold::Value("other"), 9)), Some("mine".to_owned()));
    assert_eq!(there(store, key), ("mine".to_owned(), created, third));
    assert!(matches!(read(store, key).unwrap().ttl_secs, Some(890..=900)));
}

fn keeping_alive_wakes_nobody(stores: &Stores<'_>, key: &str) {
    let (_, created) = done(stores.store.create(key, "v", Some(600)));
    let (_, kept) = done(stores.store.keep_alive(key, Hold::Value("v"), 600));
    let (_, kept) = done(stores.store.keep_alive(key, Hold::Index(guard(kept)), 600));
    assert_eq!(stores.impatient.watch(key, created).unwrap(), Wake::Quiet);
    let (_, changed) = done(stores.store.swap(key, "w", guard(kept), Some(600)));
    let wake = stores.impatient.watch(key, created).unwrap();
    assert_eq!(wake, Wake::Changed { index: changed, key: key.to_owned() });
}

fn a_watch_sees_what_has_happened_since(store: &dyn Store, root: &str) {
    let key = format!("{root}/a/b");
    let (_, created) = done(store.create(&key, "v", None));
    let (_, swapped) = done(store.swap(&key, "w", guard(created), None));
    let (_, other) = done(store.create(&format!("{root}2"), "v", None));
    let (_, deleted) = done(store.delete(&key, guard(swapped)));
    let mut after = created - 1;
    for index in [created, swapped, deleted] {
        assert_eq!(store.watch(root, after).unwrap(), Wake::Changed { index, key: key.clone() });
        after = index;
    }
    assert!(other < deleted, "and the neighbour was not seen");
    let (_, felled) = done(store.delete_tree(root));
    assert_eq!(store.watch(&key, deleted).unwrap(), Wake::Changed { index: felled, key: root.to_owned() });
}

fn a_watch_wakes_for_what_happens_next(store: &dyn Store, root: &str) {
    let key = format!("{root}/unit@1.service");
    let after = store.read(&key, Freshness::Quorum).unwrap().1.index;
    std::thread::scope(|scope| {
        let (send, results) = mpsc::channel();
        scope.spawn(move || send.send(store.watch(root, after)).unwrap());
        assert!(results.recv_timeout(Duration::from_millis(100)).is_err(), "it waits");
        let (_, created) = done(store.create(&key, "v", None));
        let wake = results.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(wake, Ok(Wake::Changed { index: created, key: key.clone() }));
    });
}

fn a_watch_ends_quietly(stores: &Stores<'_>, key: &str) {
    let after = stores.store.read(key, Freshness::Quorum).unwrap().1.index;
    assert_eq!(stores.impatient.watch(key, after).unwrap(), Wake::Quiet);
    // From an index that the store has not reached there is nothing to wait for: whoever saw it saw another store.
    assert_eq!(stores.impatient.watch(key, after + 1_000_000).unwrap(), Wake::Overrun);
}

fn a_watch_of_long_ago_is_overrun(store: &dyn Store, root: &str) {
    let (_, quiet) = done(store.create(&format!("{root}/quiet"), "v", None));
    let busy = format!("{root}/busy");
    done(store.create(&busy, "v", Some(600)));
    for _ in 0..1_005 {
        done(store.keep_alive(&busy, Hold::Value("v"), 600));
    }
    assert_eq!(store.watch(&format!("{root}/quiet"), quiet).unwrap(), Wake::Overrun);
}

fn interrupting_ends_the_watches_of_now(store: &dyn Store, key: &str) {
    let after = store.read(key, Freshness::Quorum).unwrap().1.index;
    std::thread::scope(|scope| {
        let (send, results) = mpsc::channel();
        for _ in 0..2 {
            let send = send.clone();
            scope.spawn(move || send.send(store.watch(key, after)).unwrap());
        }
        let mut ended = 0;
        wait_until("end of the watches", Duration::from_secs(10), || {
            // One that had not begun to wait yet is ended by the next round.
            store.interrupt_watches();
            while let Ok(result) = results.recv_timeout(Duration::from_millis(20)) {
                assert_eq!(result.unwrap_err().kind, StoreErrorKind::Interrupted);
                ended += 1;
            }
            if ended == 2 { Ok(()) } else { Err(format!("{ended} of 2 ended")) }
        });
        scope.spawn(move || send.send(store.watch(key, after)).unwrap());
        assert!(results.recv_timeout(Duration::from_millis(200)).is_err(), "a later watch waits again");
        assert_eq!(read(store, key), None, "and reads were never touched");
        let (_, created) = done(store.create(key, "v", None));
        let wake = results.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!(wake, Ok(Wake::Changed { index: created, key: key.to_owned() }));
    });
}
