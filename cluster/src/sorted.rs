//! The maps and sets of the workspace: ordered, and small in code. A tree such as the standard library's is compiled once for
//! each pair of types, some kilobytes each time; here every pair of types shares what little there is, since an entry is
//! moved as one pointer. A lookup costs the same; an insertion in the middle moves the pointers behind it, which for the ten
//! thousand units of a large fleet is some microseconds. Nothing in here is about the cluster.

use alloc::boxed::Box;
use alloc::vec::{self, Vec};
use core::borrow::Borrow;
use core::marker::PhantomData;
use core::{fmt, slice};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};

mod set;
pub use set::Set;

/// Keys in order, each with a value.
#[derive(Clone, PartialEq, Eq)]
pub struct Map<K, V>(Vec<Box<Entry<K, V>>>);

/// The key comes first whatever the value is: a search is then the same code for all maps of one kind of key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
struct Entry<K, V> {
    key: K,
    value: V,
}

/// A key's place in a map, which may be empty yet.
#[must_use]
pub struct Place<'a, K, V> {
    map: &'a mut Map<K, V>,
    key: K,
    at: Result<usize, usize>,
}

impl<K, V> Map<K, V> {
    /// Without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Number of entries.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// True if there is no entry.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Removes every entry.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// All entries, in order.
    pub fn iter(&self) -> Iter<'_, K, V> {
        Iter(self.0.iter())
    }

    /// All entries, in order, with values that may be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.0.iter_mut().map(|entry| {
            let Entry { key, value } = &mut **entry;
            (&*key, value)
        })
    }

    /// All keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &K> + ExactSizeIterator + Clone {
        self.0.iter().map(|entry| &entry.key)
    }

    /// All values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &V> + ExactSizeIterator + Clone {
        self.0.iter().map(|entry| &entry.value)
    }

    /// All values, in the order of their keys, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.0.iter_mut().map(|entry| &mut entry.value)
    }

    /// All keys, in order.
    pub fn into_keys(self) -> impl DoubleEndedIterator<Item = K> + ExactSizeIterator {
        self.0.into_iter().map(|entry| entry.key)
    }

    /// All values, in the order of their keys.
    pub fn into_values(self) -> impl DoubleEndedIterator<Item = V> + ExactSizeIterator {
        self.0.into_iter().map(|entry| entry.value)
    }

    /// Keeps what `wanted` says yes to.
    pub fn retain(&mut self, mut wanted: impl FnMut(&K, &mut V) -> bool) {
        self.0.retain_mut(|entry| {
            let Entry { key, value } = &mut **entry;
            wanted(key, value)
        });
    }

    /// The entry that has that many before it, with a value that may be changed.
    #[must_use]
    pub fn nth_mut(&mut self, position: usize) -> Option<(&K, &mut V)> {
        let Entry { key, value } = &mut **self.0.get_mut(position)?;
        Some((&*key, value))
    }

    /// The entry with the smallest key.
    #[must_use]
    pub fn first(&self) -> Option<(&K, &V)> {
        self.iter().next()
    }
}

impl<K: Ord, V> Map<K, V> {
    /// Where the key is, or where it would have to be put.
    fn find<Q: Ord + ?Sized>(&self, key: &Q) -> Result<usize, usize>
    where
        K: Borrow<Q>,
    {
        self.0.binary_search_by(|entry| entry.key.borrow().cmp(key))
    }

    /// How many entries are before that key's.
    #[must_use]
    pub fn position<Q: Ord + ?Sized>(&self, key: &Q) -> Option<usize>
    where
        K: Borrow<Q>,
    {
        self.find(key).ok()
    }

    /// The value of that key.
    #[must_use]
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        self.0.get(at).map(|entry| &entry.value)
    }

    /// The key as it is kept, and its value.
    #[must_use]
    pub fn get_key_value<Q: Ord + ?Sized>(&self, key: &Q) -> Option<(&K, &V)>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        self.0.get(at).map(|entry| (&entry.key, &entry.value))
    }

    /// The value of that key, to be changed.
    #[must_use]
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        self.0.get_mut(at).map(|entry| &mut entry.value)
    }

    /// True if there is that key.
    #[must_use]
    pub fn contains_key<Q: Ord + ?Sized>(&self, key: &Q) -> bool
    where
        K: Borrow<Q>,
    {
        self.find(key).is_ok()
    }

    /// The place of that key, to be filled if it is empty.
    pub fn entry(&mut self, key: K) -> Place<'_, K, V> {
        // What comes in order, as most things do, is not searched for.
        let after_all = self.0.last().is_none_or(|last| last.key < key);
        let at = if after_all { Err(self.0.len()) } else { self.find(&key) };
        Place { map: self, key, at }
    }

    /// Gives the key that value; returns the one it had.
    pub fn insert(&mut self, key: K, value: V) -> Option<V> {
        let Place { map, key, at } = self.entry(key);
        match at {
            Ok(at) => map.0.get_mut(at).map(|entry| core::mem::replace(&mut entry.value, value)),
            Err(at) => {
                map.0.insert(at, Box::new(Entry { key, value }));
                None
            }
        }
    }

    /// Takes the key out; returns its value.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let at = self.find(key).ok()?;
        Some(self.0.remove(at).value)
    }

    /// The entries whose keys are not before `first`, in order.
    pub fn iter_from<Q: Ord + ?Sized>(&self, first: &Q) -> Iter<'_, K, V>
    where
        K: Borrow<Q>,
    {
        let start = self.find(first).unwrap_or_else(|at| at);
        Iter(self.0.get(start..).unwrap_or_default().iter())
    }

    /// Takes every entry out of `other`; where both have a key, the value of `other` stays.
    pub fn append(&mut self, other: &mut Self) {
        self.extend(core::mem::take(other));
    }
}

impl<'a, K: Ord, V> Place<'a, K, V> {
    /// The value there; `make` makes it if the place is empty.
    #[expect(clippy::indexing_slicing, reason = "the entry was found there, or put there")]
    pub fn or_insert_with(self, make: impl FnOnce() -> V) -> &'a mut V {
        let Self { map: Map(entries), key, at } = self;
        let at = at.unwrap_or_else(|at| {
            entries.insert(at, Box::new(Entry { key, value: make() }));
            at
        });
        &mut entries[at].value
    }

    /// The value there; `value` is put there if the place is empty.
    pub fn or_insert(self, value: V) -> &'a mut V {
        self.or_insert_with(|| value)
    }
}

impl<'a, K: Ord, V: Default> Place<'a, K, V> {
    /// The value there; a default one is put there if the place is empty.
    pub fn or_default(self) -> &'a mut V {
        self.or_insert_with(V::default)
    }
}

impl<K, V> Default for Map<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Map<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<K: Ord, V> Extend<(K, V)> for Map<K, V> {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        entries.into_iter().for_each(|(key, value)| drop(self.insert(key, value)));
    }
}

impl<K: Ord, V> FromIterator<(K, V)> for Map<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut map = Self::new();
        map.extend(entries);
        map
    }
}

impl<K: Ord, V, const N: usize> From<[(K, V); N]> for Map<K, V> {
    fn from(entries: [(K, V); N]) -> Self {
        entries.into_iter().collect()
    }
}

/// The entries of a [`Map`], in order.
#[derive(Clone, Debug)]
pub struct Iter<'a, K, V>(slice::Iter<'a, Box<Entry<K, V>>>);

impl<'a, K, V> Iterator for Iter<'a, K, V> {
    type Item = (&'a K, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| (&entry.key, &entry.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<'a, K, V> IntoIterator for &'a Map<K, V> {
    type Item = (&'a K, &'a V);
    type IntoIter = Iter<'a, K, V>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// The entries of a [`Map`] that is taken apart, in order.
#[derive(Debug)]
pub struct IntoIter<K, V>(vec::IntoIter<Box<Entry<K, V>>>);

impl<K, V> Iterator for IntoIter<K, V> {
    type Item = (K, V);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|entry| (entry.key, entry.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl<K, V> IntoIterator for Map<K, V> {
    type Item = (K, V);
    type IntoIter = IntoIter<K, V>;

    fn into_iter(self) -> Self::IntoIter {
        IntoIter(self.0.into_iter())
    }
}

impl<K: Serialize, V: Serialize> Serialize for Map<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Deserialize<'de> for Map<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reader(PhantomData))
    }
}

struct Reader<K, V>(PhantomData<(K, V)>);

impl<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>> Visitor<'de> for Reader<K, V> {
    type Value = Map<K, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, value)) = entries.next_entry()? {
            map.insert(key, value);
        }
        Ok(map)
    }
}
