//! Which scenario runs on which store, and which ones want the computer for themselves. What is not named here runs on
//! both stores, beside others.

use tests::store_program::StoreKind;

use crate::Scenario;

/// Scenarios whose name begins so run on one store only, for a reason.
struct Once {
    beginning: &'static str,
    store: StoreKind,
    why: &'static str,
}

const ONCE: &[Once] = &[
    Once {
        beginning: "harness:",
        store: StoreKind::Etcd,
        why: "looks at machines, network and containers, and not at Skiff",
    },
    Once { beginning: "standalone:", store: StoreKind::Own, why: "its fleets bring their own stores" },
    Once { beginning: "growing:", store: StoreKind::Own, why: "its fleets bring their own stores" },
    Once { beginning: "trust: a hub", store: StoreKind::Own, why: "its fleets bring their own stores" },
    Once {
        beginning: "trust: an etcd",
        store: StoreKind::Etcd,
        why: "is about etcd's users and their passwords",
    },
    Once {
        beginning: "cloud:",
        store: StoreKind::Own,
        why: "sets machines up, and asks of the store no more than any other scenario",
    },
    Once { beginning: "demo:", store: StoreKind::Own, why: "brings a fleet of its own" },
    Once {
        beginning: "release:",
        store: StoreKind::Own,
        why: "is about programs of another architecture, under emulation",
    },
    Once { beginning: "upgrade: the Debian", store: StoreKind::Own, why: "is about what a package does" },
    Once {
        beginning: "footprint:",
        store: StoreKind::Etcd,
        why: "counts and weighs beside an etcd, as the promises do",
    },
];

/// Scenarios whose name begins so run when no other does: what they measure is the computer's as well, or etcd
/// needs all of it (for passwords).
const ALONE: &[&str] = &["footprint:", "trust: an etcd"];

/// A scenario on a store.
pub(crate) type Job = (StoreKind, &'static Scenario);

/// What is to be done.
pub(crate) struct Plan {
    /// Side by side.
    pub together: Vec<Job>,
    /// And then one after another.
    pub alone: Vec<Job>,
    /// How many scenarios run on one store only, and why.
    pub once: Vec<(usize, &'static str)>,
}

impl Plan {
    /// The plan for these scenarios on these stores.
    pub(crate) fn of(chosen: &[&'static Scenario], stores: &[StoreKind]) -> Self {
        let mut plan = Self { together: Vec::new(), alone: Vec::new(), once: Vec::new() };
        for scenario in chosen {
            let once = ONCE.iter().find(|once| scenario.name.starts_with(once.beginning));
            if let Some(once) = once {
                plan.count(once.why);
            }
            let fits = |store: &&StoreKind| once.is_none_or(|once| once.store == **store);
            let jobs = stores.iter().filter(fits).map(|store| (*store, *scenario));
            let alone = ALONE.iter().any(|beginning| scenario.name.starts_with(beginning));
            if alone { plan.alone.extend(jobs) } else { plan.together.extend(jobs) }
        }
        plan
    }

    fn count(&mut self, why: &'static str) {
        match self.once.iter_mut().find(|(_, known)| *known == why) {
            Some((count, _)) => *count += 1,
            None => self.once.push((1, why)),
        }
    }
}
