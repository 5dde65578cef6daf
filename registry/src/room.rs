//! How much of a store's answer is kept. What a store holds is not ours to decide: without a bound, one that holds anything
//! fills the process that reads it.

use cluster::keys;
use cluster::limits::{
    REGISTRY_CLUSTER_BYTES_MAX, REGISTRY_CLUSTER_KEYS_MAX, REGISTRY_FILES_BYTES_MAX,
    REGISTRY_MACHINE_BYTES_MAX, REGISTRY_MACHINE_KEYS_MAX,
};

use crate::store::{Leaf, StoreError, StoreErrorKind};

/// The room for one read, or for several that make one picture.
#[derive(Clone, Debug)]
pub struct Room {
    keys: usize,
    bytes: usize,
    keys_max: usize,
    bytes_max: usize,
    /// Whether specs count, which are large; where files are not kept they leave next to nothing.
    counts_specs: bool,
}

impl Room {
    const fn new(keys_max: usize, bytes_max: usize, counts_specs: bool) -> Self {
        Self { keys: 0, bytes: 0, keys_max, bytes_max, counts_specs }
    }

    /// For everything but the contents of unit files.
    #[must_use]
    pub const fn cluster() -> Self {
        Self::new(REGISTRY_CLUSTER_KEYS_MAX, REGISTRY_CLUSTER_BYTES_MAX, false)
    }

    /// For everything, the contents of unit files too.
    #[must_use]
    pub const fn files() -> Self {
        Self::new(REGISTRY_CLUSTER_KEYS_MAX, REGISTRY_FILES_BYTES_MAX, true)
    }

    /// For what concerns one machine, or a part of it.
    #[must_use]
    pub const fn machine() -> Self {
        Self::new(REGISTRY_MACHINE_KEYS_MAX, REGISTRY_MACHINE_BYTES_MAX, true)
    }

    /// Counts a leaf; false if there is no room for it, nor for any after it.
    pub fn takes(&mut self, leaf: &Leaf<'_>) -> bool {
        self.keys += 1;
        if self.counts_specs || !leaf.key.starts_with(keys::UNITS) {
            self.bytes = self.bytes.saturating_add(leaf.key.len() + leaf.value.len());
        }
        self.keys <= self.keys_max && self.bytes <= self.bytes_max
    }

    /// The end of a read of all of `key`.
    ///
    /// # Errors
    /// There was no room for all of it: half of it is nothing.
    pub fn sufficed(&self, key: &str) -> Result<(), StoreError> {
        if self.keys <= self.keys_max && self.bytes <= self.bytes_max {
            return Ok(());
        }
        Err(StoreError {
            operation: format!("read all of {}", if key.is_empty() { "/" } else { key }),
            kind: StoreErrorKind::BadAnswer,
            cause: format!("more than {} keys or {} bytes", self.keys_max, self.bytes_max),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf<'a>(key: &'a str, value: &'a str) -> Leaf<'a> {
        Leaf { key, value, created: 1, modified: 1, ttl_secs: None }
    }

    #[test]
    fn keys_and_bytes_run_out_and_stay_out() {
        let mut room = Room::machine();
        let taken = (0..2 * REGISTRY_MACHINE_KEYS_MAX).filter(|_| room.takes(&leaf("a", "")));
        assert_eq!(taken.count(), REGISTRY_MACHINE_KEYS_MAX);
        let refused = room.sufficed("").unwrap_err().to_string();
        assert_eq!(refused, "read all of /: more than 32768 keys or 8388608 bytes");

        let value = "x".repeat(1 << 20);
        let mut room = Room::machine();
        assert_eq!((0..20).filter(|_| room.takes(&leaf("a", &value))).count(), 7);
        assert!(!room.takes(&leaf("b", "")) && room.sufficed("machines/a").is_err());
    }

    #[test]
    fn specs_count_only_where_they_are_kept() {
        let value = "x".repeat(1 << 20);
        for (mut room, count) in [(Room::cluster(), 100), (Room::files(), 63)] {
            assert_eq!((0..100).filter(|_| room.takes(&leaf("units/a.service", &value))).count(), count);
        }
    }
}
