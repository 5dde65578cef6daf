//! What would become of units if they were asked for, for `ctl start --dry-run`. The wishes come as JSON, of a unit's file
//! only what `[X-Fleet]` says matters; the answer is the scheduler's. Nothing is changed, and nothing is decided here.

use cluster::reason::Refusal;
use cluster::rehearse::{Fate, Rehearsal, Wish, rehearse};
use cluster::requirements::Requirements;
use cluster::snapshot::Snapshot;
use cluster::sorted::Map;
use cluster::unit_file::{UnitFile, UnitOption};
use cluster::validate::validate;
use cluster::{MachineId, TargetState, UnitName, json};
use registry::reads as typed;
use registry::store::{Freshness, Store};
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::reply::Reply;
use super::status::Status;
use super::units;
use super::wire::VerdictObject;

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    units: Vec<Asked>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    name: String,
    /// Content that is new; absent for what is stored.
    options: Option<Vec<UnitOption>>,
    desired_state: TargetState,
}

/// Reads what is asked.
pub(super) fn read(body: &[u8]) -> Result<Vec<Wish>, Failure> {
    let body: Body = json::decode(body)
        .map_err(|error| Failure::bad_request(format!("unable to decode body: {error}")))?;
    body.units.into_iter().map(wish).collect()
}

fn wish(asked: Asked) -> Result<Wish, Failure> {
    let name = UnitName::parse(&asked.name).map_err(|error| Failure::bad_request(error.to_string()))?;
    if name.is_template() && asked.desired_state.wants_machine() {
        return Err(Failure::bad_request(format!("cannot activate template {:?}", name.as_str())));
    }
    let requirements = match asked.options {
        None => None,
        Some(options) => {
            let file = UnitFile::from_options(options);
            validate(&name, &file)?;
            Some(Requirements::of(&name, &file))
        }
    };
    Ok(Wish { name, target: asked.desired_state, requirements })
}

/// Plays the wishes through.
pub(super) fn answer(store: &dyn Store, wishes: &[Wish]) -> Result<Reply, Failure> {
    let (snapshot, _) = typed::cluster(store, Freshness::Local, false)?;
    from(snapshot, wishes)
}

pub(super) fn from(snapshot: Snapshot, wishes: &[Wish]) -> Result<Reply, Failure> {
    let is_missing = |wish: &&Wish| wish.requirements.is_none() && !snapshot.units.contains_key(&wish.name);
    if let Some(wish) = wishes.iter().find(is_missing) {
        return Err(units::missing(&snapshot, &wish.name));
    }
    let addresses = addresses(&snapshot);
    let rehearsal = rehearse(snapshot, wishes);
    Reply::object(Status::Ok, &Answer::of(&rehearsal, &addresses))
}

type Addresses = Map<MachineId, String>;

fn addresses(snapshot: &Snapshot) -> Addresses {
    let known = snapshot.machines.iter().filter_map(|(id, machine)| Some((id, machine.presence.as_ref()?)));
    known.map(|(id, presence)| (id.clone(), presence.value.address.clone())).collect()
}

#[derive(Serialize)]
struct Answer<'a> {
    units: Vec<FateObject<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    displaced: Vec<FateObject<'a>>,
}

/// What would become of one unit.
#[derive(Serialize)]
struct FateObject<'a> {
    name: &'a str,
    /// `stays`, `goes`, `leaves`, `waits`, `everywhere` or `nowhere`.
    fate: &'static str,
    #[serde(rename = "machineID", skip_serializing_if = "str::is_empty")]
    machine_id: &'a str,
    #[serde(rename = "primaryIP", skip_serializing_if = "str::is_empty")]
    primary_ip: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    reason: String,
    /// Of a global unit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    machines: Vec<VerdictObject<'a>>,
}

impl<'a> Answer<'a> {
    fn of(rehearsal: &'a Rehearsal, addresses: &'a Addresses) -> Self {
        let units = rehearsal.fates.iter().map(|(name, fate)| FateObject::of(name, fate, addresses));
        let displaced = rehearsal.displaced.iter().map(|(name, machine, cause)| {
            FateObject::plain(name, "leaves").at(machine, addresses).because(cause.to_string())
        });
        Self { units: units.collect(), displaced: displaced.collect() }
    }
}

impl<'a> FateObject<'a> {
    fn plain(name: &'a UnitName, fate: &'static str) -> Self {
        let (machine_id, primary_ip, reason, machines) = ("", "", String::new(), Vec::new());
        Self { name: name.as_str(), fate, machine_id, primary_ip, reason, machines }
    }

    fn at(self, machine: &'a MachineId, addresses: &'a Addresses) -> Self {
        Self { machine_id: machine.as_str(), primary_ip: address(addresses, machine), ..self }
    }

    fn because(self, reason: String) -> Self {
        Self { reason, ..self }
    }

    fn of(name: &'a UnitName, fate: &'a Fate, addresses: &'a Addresses) -> Self {
        match fate {
            Fate::Stays(machine) => Self::plain(name, "stays").at(machine, addresses),
            Fate::Goes(machine, cause) => {
                Self::plain(name, "goes").at(machine, addresses).because(cause.to_string())
            }
            Fate::Leaves(machine, cause) => {
                Self::plain(name, "leaves").at(machine, addresses).because(cause.to_string())
            }
            Fate::Waits(pending) => Self::plain(name, "waits").because(pending.to_string()),
            Fate::Nowhere => Self::plain(name, "nowhere"),
            Fate::Everywhere(verdicts) => {
                let verdict = |(id, verdict): (&'a MachineId, &'a Result<(), Refusal>)| VerdictObject {
                    id: id.as_str(),
                    primary_ip: address(addresses, id),
                    able: verdict.is_ok(),
                    reason: verdict.as_ref().err().map(ToString::to_string).unwrap_or_default(),
                };
                Self { machines: verdicts.iter().map(verdict).collect(), ..Self::plain(name, "everywhere") }
            }
        }
    }
}

fn address<'a>(addresses: &'a Addresses, id: &MachineId) -> &'a str {
    addresses.get(id).map_or("", String::as_str)
}
