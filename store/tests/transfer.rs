//! The registry's move between two stores, cut off at every write of it: it is never in charge in both or, for good, in
//! neither, nothing that was acknowledged is missing, and said again it comes to its end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cluster::records::{Layout, Placement, Presence, Stage};
use cluster::unit_file::UnitFile;
use cluster::{
    BootId, FleetId, Guard, Incarnation, MachineId, Nonce, Snapshot, TargetState, UnitName, json, keys,
};
use registry::reads;
use registry::store::{Freshness, Hold, Leaf, Node, Outcome, Seen, Store, StoreError, StoreErrorKind, Wake};
use registry::transfer::{Copy, CopyError, lift};
use registry::units;
use store::engine::{Durability, Engine, Options};
use store::folder::RealFolder;
use store::{LocalStore, RealClocks};

const UNITS: usize = 4;

/// A store in a folder of its own.
struct Kept {
    folder: PathBuf,
    store: LocalStore,
}

impl Kept {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("skiff-transfer-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let options = Options {
            durability: Durability::Relaxed,
            clocks: Box::new(RealClocks),
            warn: Box::new(|text| panic!("{text}")),
        };
        let engine = Engine::open(Arc::new(RealFolder::new(&folder).unwrap()), options).unwrap();
        Self { folder, store: LocalStore::new(engine, "/fleet", Duration::from_secs(1)) }
    }

    fn snapshot(&self) -> Snapshot {
        reads::cluster(&self.store, Freshness::Quorum, true).unwrap().0
    }

    fn stage(&self) -> Option<Option<Stage>> {
        self.snapshot().layout.map(|layout| layout.value.stage())
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// How the write that is cut ends.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// It does not happen.
    Before,
    /// It happens, and nobody hears of it.
    After,
}

/// A store that is there for `left` more writes, shared with others.
struct Cutting<'a> {
    store: &'a dyn Store,
    left: &'a AtomicUsize,
    cut: Cut,
}

fn gone<T>() -> Result<T, StoreError> {
    let (operation, cause) = ("ask".to_owned(), "cut off".to_owned());
    Err(StoreError { operation, kind: StoreErrorKind::Unreachable, cause })
}

impl Cutting<'_> {
    fn read<T>(&self, ask: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.left.load(Ordering::SeqCst) == 0 { gone() } else { ask() }
    }

    fn write(&self, ask: impl FnOnce() -> Outcome) -> Outcome {
        let before = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        match (before, self.cut) {
            (Ok(2..), _) => ask(),
            (Ok(_), Cut::After) => {
                let _ = ask();
                Outcome::Unknown(gone::<()>().unwrap_err())
            }
            _ => Outcome::Unknown(gone::<()>().unwrap_err()),
        }
    }
}

impl Store for Cutting<'_> {
    fn read(&self, key: &str, freshness: Freshness) -> Result<(Option<Node>, Seen), StoreError> {
        self.read(|| self.store.read(key, freshness))
    }

    fn read_tree(
        &self,
        key: &str,
        freshness: Freshness,
        each: &mut dyn FnMut(Leaf<'_>),
    ) -> Result<Seen, StoreError> {
        self.read(|| self.store.read_tree(key, freshness, each))
    }

    fn create(&self, key: &str, value: &str, ttl_secs: Option<u32>) -> Outcome {
        self.write(|| self.store.create(key, value, ttl_secs))
    }

    fn swap(&self, key: &str, value: &str, guard: Guard, ttl_secs: Option<u32>) -> Outcome {
        self.write(|| self.store.swap(key, value, guard, ttl_secs))
    }

    fn put(&self, key: &str, value: &str) -> Outcome {
        self.write(|| self.store.put(key, value))
    }

    fn delete(&self, key: &str, guard: Guard) -> Outcome {
        self.write(|| self.store.delete(key, guard))
    }

    fn delete_tree(&self, key: &str) -> Outcome {
        self.write(|| self.store.delete_tree(key))
    }

    fn keep_alive(&self, key: &str, hold: Hold<'_>, ttl_secs: u32) -> Outcome {
        self.write(|| self.store.keep_alive(key, hold, ttl_secs))
    }

    fn watch(&self, key: &str, after: u64) -> Result<Wake, StoreError> {
        self.read(|| self.store.watch(key, after))
    }

    fn interrupt_watches(&self) {
        self.store.interrupt_watches();
    }

    fn endpoint(&self) -> String {
        self.store.endpoint()
    }
}

fn fleet(text: &str) -> FleetId {
    FleetId::parse(text).unwrap()
}

fn me() -> MachineId {
    MachineId::parse("m1").unwrap()
}

fn unit(number: usize) -> UnitName {
    UnitName::parse(&format!("u{number}.service")).unwrap()
}

fn put(store: &dyn Store, key: &str, value: &str) {
    assert!(matches!(store.create(key, value, None), Outcome::Done { .. }), "{key}");
}

fn found(store: &dyn Store, name: &str) {
    put(store, keys::LAYOUT, &json::encode(&Layout::of(fleet(name)), 4096).unwrap());
}

/// A fleet of one machine that holds all of its units.
fn settle_in(store: &dyn Store) {
    found(store, "f1");
    let (boot, nonce) = (BootId::parse("b").unwrap(), Nonce::parse("n").unwrap());
    let (address, version) = (String::new(), "0".to_owned());
    let presence = Presence { id: me(), boot, nonce, address, metadata: [].into(), version, leaving: false };
    put(store, &keys::presence(&me()), &json::encode(&presence, 4096).unwrap());
    for number in 0..UNITS {
        add(store, number);
        let spec = units::read(store, &unit(number)).unwrap().unwrap();
        place(store, number, spec.incarnation);
    }
}

fn add(store: &dyn Store, number: usize) {
    let file = UnitFile::parse("[Service]\nExecStart=/bin/true\n").unwrap();
    assert!(units::create(store, &unit(number), &file, TargetState::Launched).unwrap());
}

fn place(store: &dyn Store, number: usize, incarnation: Incarnation) {
    let placement = Placement { machine: me(), incarnation: Some(incarnation), epoch: None, losses: 0 };
    put(store, &keys::placement(&unit(number)), &json::encode(&placement, 4096).unwrap());
}

fn copy(from: &dyn Store, to: &dyn Store, (ours, fresh): (&str, &str)) -> Result<(usize, usize), CopyError> {
    let (ours, by) = (fleet(ours), me());
    Copy { from, from_name: "old", to, to_name: "new", ours: &ours, by: &by, fresh: fleet(fresh) }.make()
}

/// Every unit of `from` is in `to`, on the machine and of the incarnation that it has there.
fn same(from: &Snapshot, to: &Snapshot) {
    assert_eq!(from.units.keys().collect::<Vec<_>>(), to.units.keys().collect::<Vec<_>>());
    for (name, placement) in &from.placements {
        assert_eq!(placement.value.incarnation, Some(from.units.get(name).unwrap().incarnation));
        let there = &to.placements.get(name).unwrap().value;
        assert_eq!(
            (&there.machine, there.incarnation),
            (&me(), Some(to.units.get(name).unwrap().incarnation)),
            "{name}"
        );
    }
}

/// What the machine's agent does once it is back: it lifts a seal of its own.
fn comes_back(store: &dyn Store) {
    let layout = reads::fleet(store).unwrap().0.layout.unwrap();
    if layout.value.stage() == Some(Stage::Leaving) {
        assert!(lift(store, &layout.value, layout.guard).unwrap());
    }
}

#[test]
fn a_copy_may_be_cut_at_every_write_and_is_whole_when_it_is_repeated() {
    let mut cuts = 0;
    for cut in [Cut::Before, Cut::After] {
        for writes in 1.. {
            let (old, new) = (Kept::new("cut-old"), Kept::new("cut-new"));
            settle_in(&old.store);
            let left = AtomicUsize::new(writes);
            let from = Cutting { store: &old.store, left: &left, cut };
            let to = Cutting { store: &new.store, left: &left, cut };
            let made = copy(&from, &to, ("f1", "f2"));
            let both = (old.stage().unwrap(), new.stage());
            assert_ne!(both, (None, Some(None)), "{cut:?} {writes}: two registries are in charge");
            if made.is_ok() {
                assert_eq!(both, (Some(Stage::Left), Some(None)));
                assert!(writes > UNITS * 2, "{writes}");
                break;
            }
            cuts += 1;
            comes_back(&old.store);
            if old.stage() == Some(None) {
                // In charge as before: what is acknowledged now counts.
                add(&old.store, UNITS);
                units::destroy(&old.store, &unit(0)).unwrap();
                let placement = reads::placement(&old.store, &unit(0)).unwrap().unwrap();
                let _ = old.store.delete(&keys::placement(&unit(0)), placement.guard);
            }
            let (_, machines) = copy(&old.store, &new.store, ("f1", "f3")).unwrap();
            assert_eq!((old.stage(), new.stage(), machines), (Some(Some(Stage::Left)), Some(None), 1));
            same(&old.snapshot(), &new.snapshot());
        }
    }
    assert!(cuts > 4 * UNITS, "{cuts}");
}

#[test]
fn a_registry_goes_back_to_where_it_came_from() {
    let (old, new) = (Kept::new("back-old"), Kept::new("back-new"));
    settle_in(&old.store);
    copy(&old.store, &new.store, ("f1", "f2")).unwrap();
    // Said again, it is done already.
    copy(&old.store, &new.store, ("f1", "f9")).unwrap();
    assert_eq!(new.snapshot().layout.unwrap().value.fleet, fleet("f2"));
    units::destroy(&new.store, &unit(1)).unwrap();
    let placement = reads::placement(&new.store, &unit(1)).unwrap().unwrap();
    let _ = new.store.delete(&keys::placement(&unit(1)), placement.guard);
    add(&new.store, 7);
    copy(&new.store, &old.store, ("f2", "f3")).unwrap();
    assert_eq!((old.stage(), new.stage()), (Some(None), Some(Some(Stage::Left))));
    let layout = old.snapshot().layout.unwrap().value;
    assert_eq!((layout.fleet, layout.copies), (fleet("f3"), vec![fleet("f2"), fleet("f1")]));
    same(&new.snapshot(), &old.snapshot());
}

#[test]
fn a_refusal_leaves_both_stores_alone() {
    let (old, new) = (Kept::new("refused-old"), Kept::new("refused-new"));
    settle_in(&old.store);
    let refused = |from: &Kept, ours: &str| {
        let before = (from.snapshot(), new.snapshot());
        let error = copy(&from.store, &new.store, (ours, "f2")).unwrap_err();
        assert!(matches!(error, CopyError::Refused(_)), "{error}");
        assert_eq!(before, (from.snapshot(), new.snapshot()));
        error.to_string()
    };
    assert!(refused(&old, "f5").contains("not the registry of its fleet"));
    found(&new.store, "f8");
    assert!(refused(&old, "f1").contains("holds fleet f8"));
    let _ = new.store.delete_tree(keys::LAYOUT);
    add(&new.store, 1);
    assert!(refused(&old, "f1").contains("not empty"));
    assert_eq!(old.stage(), Some(None));
}

#[test]
fn a_silent_holder_is_waited_for_and_the_copy_then_goes_on() {
    let (old, new) = (Kept::new("silent-old"), Kept::new("silent-new"));
    settle_in(&old.store);
    let presence = old.store.read(&keys::presence(&me()), Freshness::Quorum).unwrap().0.unwrap();
    let _ = old.store.delete_tree(&keys::presence(&me()));
    let error = copy(&old.store, &new.store, ("f1", "f2")).unwrap_err();
    assert!(error.to_string().contains("gives no sign of life"), "{error}");
    assert_eq!((old.stage(), new.stage()), (Some(None), Some(Some(Stage::Arriving))));
    assert!(matches!(old.store.create(&keys::presence(&me()), &presence.value, None), Outcome::Done { .. }));
    copy(&old.store, &new.store, ("f1", "f3")).unwrap();
    same(&old.snapshot(), &new.snapshot());
    let sign = new.store.read(&keys::presence(&me()), Freshness::Quorum).unwrap().0.unwrap();
    assert!(sign.ttl_secs.is_some_and(|left| left > 3000), "{sign:?}");
}
