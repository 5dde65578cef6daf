//! The ordered map and set beside the standard library's: whatever is done to both, they hold the same.

use std::collections::{BTreeMap, BTreeSet};

use cluster::sorted::{Map, Set};
use proptest::prelude::*;

/// What is done, to which key, with which value.
#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u8, u8),
    Remove(u8),
    OrInsert(u8, u8),
    Change(u8, u8),
    KeepBelow(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..32_u8, any::<u8>()).prop_map(|(key, value)| Step::Insert(key, value)),
        2 => (0..32_u8).prop_map(Step::Remove),
        2 => (0..32_u8, any::<u8>()).prop_map(|(key, value)| Step::OrInsert(key, value)),
        2 => (0..32_u8, any::<u8>()).prop_map(|(key, value)| Step::Change(key, value)),
        1 => any::<u8>().prop_map(Step::KeepBelow),
    ];
    prop::collection::vec(step, 0..100)
}

proptest! {
    #[test]
    fn a_map_does_as_a_tree_does(steps in steps(), first in 0..32_u8) {
        let (mut ours, mut theirs) = (Map::new(), BTreeMap::new());
        for step in steps {
            match step {
                Step::Insert(key, value) => {
                    prop_assert_eq!(ours.insert(key, value), theirs.insert(key, value));
                }
                Step::Remove(key) => prop_assert_eq!(ours.remove(&key), theirs.remove(&key)),
                Step::OrInsert(key, value) => {
                    prop_assert_eq!(ours.entry(key).or_insert(value), theirs.entry(key).or_insert(value));
                }
                Step::Change(key, value) => {
                    let (one, other) = (ours.get_mut(&key), theirs.get_mut(&key));
                    prop_assert_eq!(&one, &other);
                    one.into_iter().chain(other).for_each(|kept| *kept = value);
                }
                Step::KeepBelow(limit) => {
                    ours.retain(|_, value| *value < limit);
                    theirs.retain(|_, value| *value < limit);
                }
            }
            prop_assert!(ours.iter().eq(&theirs), "{ours:?} {theirs:?}");
        }
        prop_assert!(ours.iter_from(&first).eq(theirs.range(first..)));
        prop_assert!(ours.keys().rev().eq(theirs.keys().rev()) && ours.values().eq(theirs.values()));
        prop_assert_eq!((ours.first(), ours.len()), (theirs.first_key_value(), theirs.len()));
        prop_assert!(ours.into_iter().eq(theirs));
    }

    #[test]
    fn a_set_does_as_a_tree_does(items in any::<Vec<u8>>(), others in any::<Vec<u8>>()) {
        let (mut ours, other) = (items.iter().copied().collect::<Set<_>>(), others.iter().copied().collect());
        let (mut theirs, its) = (BTreeSet::from_iter(items), BTreeSet::from_iter(others.clone()));
        prop_assert!(ours.difference(&other).eq(theirs.difference(&its)));
        prop_assert_eq!(ours.is_disjoint(&other), theirs.is_disjoint(&its));
        for item in others {
            prop_assert_eq!(ours.contains(&item), theirs.contains(&item));
            let (one, same) = if item % 2 == 0 {
                (ours.insert(item), theirs.insert(item))
            } else {
                (ours.remove(&item), theirs.remove(&item))
            };
            prop_assert_eq!(one, same);
        }
        prop_assert!(ours.iter().eq(&theirs));
    }
}

#[test]
fn the_later_value_of_a_key_stays() {
    let mut map = Map::from([("b", 1), ("a", 2), ("b", 3)]);
    map.append(&mut Map::from([("c", 4), ("a", 5)]));
    assert_eq!(map, Map::from([("a", 5), ("b", 3), ("c", 4)]));
}
