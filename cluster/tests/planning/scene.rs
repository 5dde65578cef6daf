//! A cluster written down in lines, for golden files:
//!
//! ```text
//! machine m1 role=db +rack=7 draining       also: leaving, silent, lost, unreadable; `+` is an API patch
//! unit a.service launched                   also: loaded, inactive, unreadable; indented lines are its [X-Fleet]
//!   Conflicts=b*
//! placed a.service on m1                    with the assignment the leader writes; `unassigned` leaves that out,
//!                                           `revoked` and `outdated` change it; `earlier` is of an earlier incarnation,
//!                                           `adopting` of none, `unreadable` no placement at all
//! assigned a.service to m1                  also: earlier, revoked, unreadable
//! held a.service from m1 losses=2           the setback of a unit whose last machine was lost; also: earlier
//! published g.service                       also: outdated, unreadable
//! rows m1 now                               also: old
//! lease m1
//! settled 7                                 an earlier leader's note; also: unreadable
//! ```
//!
//! Keys get their indices in the order of the lines.

use cluster::records::{Assignment, GlobalUnit, Lease, Phase, Placement, Presence, Settled, Spec, StateRow};
use cluster::sorted::{Map, Set};
use cluster::state::Order;
use cluster::unit_file::UnitFile;
use cluster::{BootId, Hash, Incarnation, MachineId, Nonce, Session, TargetState, UnitName, keys};

use crate::store::Store;

/// What the lines describe.
pub(crate) struct Scene {
    pub(crate) store: Store,
    pub(crate) lost: Set<MachineId>,
}

/// Reads the lines of a scene; `Err` names a line that says nothing.
pub(crate) fn read<'a>(lines: impl Iterator<Item = &'a str>) -> Result<Scene, String> {
    let mut scene = Scene { store: Store::new(), lost: Set::new() };
    let mut lines = lines.peekable();
    while let Some(line) = lines.next() {
        let mut options = String::new();
        while let Some(option) = lines.next_if(|line| line.starts_with(' ')) {
            options.push_str(&format!("{}\n", option.trim()));
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["machine", id, rest @ ..] => scene.machine(id, rest),
            ["unit", name, state] => scene.unit(name, state, &options),
            ["placed", name, "on", id, rest @ ..] => scene.placed(name, id, rest),
            ["assigned", name, "to", id, rest @ ..] => scene.assigned(name, id, rest),
            ["published", name, rest @ ..] => scene.published(name, rest),
            ["held", name, "from", id, rest @ ..] => scene.held(name, id, rest),
            ["rows", id, life] => scene.rows(id, life),
            ["settled", "unreadable"] => drop(scene.store.put_text(keys::SETTLED, "{")),
            ["settled", index] => {
                let index = index.parse().map_err(|_| format!("no such line: {line}"))?;
                scene.store.put(keys::SETTLED, &Settled { index });
            }
            ["lease", id] => {
                scene.store.put(keys::LEASE, &Lease { machine: machine(id) });
            }
            _ => return Err(format!("no such line: {line}")),
        }
    }
    Ok(scene)
}

fn losses(words: &[&str]) -> u32 {
    let count = words.iter().find_map(|word| word.strip_prefix("losses="));
    count.map_or(0, |count| count.parse().expect("a number of losses"))
}

pub(crate) fn machine(text: &str) -> MachineId {
    MachineId::parse(text).expect("a machine ID")
}

pub(crate) fn unit(text: &str) -> UnitName {
    UnitName::parse(text).expect("a unit name")
}

/// The record of a machine that is well.
pub(crate) fn presence(id: &MachineId, metadata: Map<String, String>, leaving: bool) -> Presence {
    let boot = BootId::parse("boot").expect("a boot ID");
    let nonce = Nonce::parse("nonce").expect("a nonce");
    let (address, version) = ("10.10.1.1".into(), "0".into());
    Presence { id: id.clone(), boot, nonce, address, metadata, version, leaving }
}

/// The spec of a unit with these `[X-Fleet]` lines.
pub(crate) fn spec(options: &str, target: TargetState) -> Spec {
    let text = format!("[Service]\nExecStart=/bin/true\n\n[X-Fleet]\n{options}");
    let file = UnitFile::parse(&text).expect("a unit file");
    Spec { target, hash: file.hash(), unit: file.serialise() }
}

/// What a machine publishes of a unit that runs.
pub(crate) fn row() -> StateRow {
    StateRow {
        incarnation: Incarnation::new(1).expect("not zero"),
        hash: Hash::of(""),
        order: Some(Order::Launched),
        load: "loaded".into(),
        active: "active".into(),
        sub: "running".into(),
        error: String::new(),
    }
}

impl Scene {
    fn machine(&mut self, id: &str, words: &[&str]) {
        let id = machine(id);
        let mut metadata = Map::new();
        for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
            if let Some(key) = key.strip_prefix('+') {
                self.store.put_text(&keys::metadata(&id, key), value);
            } else {
                metadata.insert(key.into(), value.into());
            }
        }
        if words.contains(&"draining") {
            self.store.put_text(&keys::drain(&id), "1");
        }
        if words.contains(&"lost") {
            self.lost.insert(id.clone());
        }
        match words {
            _ if words.contains(&"silent") || words.contains(&"lost") => {}
            _ if words.contains(&"unreadable") => drop(self.store.put_text(&keys::presence(&id), "{")),
            _ => {
                let presence = presence(&id, metadata, words.contains(&"leaving"));
                self.store.put(&keys::presence(&id), &presence);
            }
        }
    }

    fn unit(&mut self, name: &str, state: &str, options: &str) {
        let key = keys::spec(&unit(name));
        match TargetState::parse(state) {
            Some(target) => self.store.put(&key, &spec(options, target)),
            None => self.store.put_text(&key, "{"),
        };
    }

    fn placed(&mut self, name: &str, id: &str, words: &[&str]) {
        let placement = Placement {
            machine: machine(id),
            incarnation: self.incarnation(name, words).filter(|_| !words.contains(&"adopting")),
            epoch: None,
            losses: losses(words),
        };
        let key = keys::placement(&unit(name));
        match words {
            _ if words.contains(&"unreadable") => drop(self.store.put_text(&key, "{")),
            _ => drop(self.store.put(&key, &placement)),
        }
        if !words.contains(&"unassigned") && !words.contains(&"adopting") {
            let words: Vec<&str> = words.iter().filter(|word| **word != "unreadable").copied().collect();
            self.assigned(name, id, &words);
        }
    }

    fn assigned(&mut self, name: &str, id: &str, words: &[&str]) {
        let (target, hash) = self.spec_of(name, words.contains(&"outdated"));
        let assignment = Assignment {
            incarnation: self.incarnation(name, words).expect("an incarnation"),
            hash,
            target,
            phase: if words.contains(&"revoked") { Phase::Revoked } else { Phase::Placed },
            why: String::new(),
        };
        let key = keys::assigned(&machine(id), &unit(name));
        match words {
            _ if words.contains(&"unreadable") => drop(self.store.put_text(&key, "{")),
            _ => drop(self.store.put(&key, &assignment)),
        }
    }

    fn held(&mut self, name: &str, id: &str, words: &[&str]) {
        let (machine, incarnation) = (machine(id), self.incarnation(name, words));
        let kept = Placement { machine, incarnation, epoch: None, losses: losses(words) };
        self.store.put(&keys::setback(&unit(name)), &kept);
    }

    fn published(&mut self, name: &str, words: &[&str]) {
        let (target, hash) = self.spec_of(name, words.contains(&"outdated"));
        let incarnation = self.incarnation(name, words).expect("an incarnation");
        let key = keys::global(&unit(name));
        match words {
            _ if words.contains(&"unreadable") => drop(self.store.put_text(&key, "{")),
            _ => drop(self.store.put(&key, &GlobalUnit { incarnation, hash, target })),
        }
    }

    fn rows(&mut self, id: &str, life: &str) {
        let id = machine(id);
        let now = self.store.created(&keys::presence(&id)).filter(|_| life == "now");
        let session = Session::new(now.unwrap_or(5)).expect("not zero");
        self.store.put(&keys::state(&id, session, &unit("r.service")), &row());
    }

    fn incarnation(&self, name: &str, words: &[&str]) -> Option<Incarnation> {
        let created = self.store.created(&keys::spec(&unit(name))).filter(|_| !words.contains(&"earlier"));
        Incarnation::new(created.unwrap_or(1))
    }

    /// Target and hash as the spec has them, or other ones.
    fn spec_of(&self, name: &str, outdated: bool) -> (TargetState, Hash) {
        let snapshot = self.store.snapshot();
        let found = snapshot.units.get(&unit(name)).filter(|_| !outdated);
        found.map_or((TargetState::Launched, Hash::of("")), |unit| (unit.target, unit.hash))
    }
}
