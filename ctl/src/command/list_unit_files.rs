//! `list-unit-files`: every unit the cluster has, what is wanted of it, and where it is.

use argh::{ArgsInfo, FromArgs};
use cluster::TargetState;
use cluster::sorted::Map;

use super::list_units::hash_text;
use crate::api::{Api, ApiError, Unit};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::fields::Field;
use crate::filter::{Filter, Patterns};
use crate::legend::legend;
use crate::output::{Listing, Output, Value};

/// list the units in the cluster, what is wanted of them and where they are
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "list-unit-files")]
#[argh(
    note = "Fields: unit, hash, dstate, state, tmachine, target, ip, launched, eligible, global, reason, desc. The"
)]
#[argh(
    note = "tmachine of a global unit is the number of its copies that are launched, of the machines that can run it."
)]
#[argh(example = "list-unit-files --no-legend --fields=unit")]
pub(crate) struct ListUnitFiles {
    /// print machine IDs and hashes in full
    #[argh(switch, short = 'l')]
    pub(crate) full: bool,

    /// leave the heading out
    #[argh(switch)]
    pub(crate) no_legend: bool,

    /// columns or keys to print, with commas between them; unit,hash,dstate,state,tmachine by default
    #[argh(option, arg_name = "fields")]
    pub(crate) fields: Option<String>,

    /// form of the answer: text, wide, json, jsonl or name; text by default
    #[argh(option, short = 'o', arg_name = "form", default = "Output::Text")]
    pub(crate) output: Output,

    /// only units of these names, patterns with commas between them
    #[argh(option, arg_name = "units")]
    pub(crate) unit: Option<Patterns>,

    /// only units placed on these machines, by the beginning of the ID or patterns, with commas between them
    #[argh(option, arg_name = "ids")]
    pub(crate) machine: Option<Patterns>,

    /// only those in one of these states, with commas between them: inactive, loaded or launched
    #[argh(option, arg_name = "states")]
    pub(crate) state: Option<Patterns>,
}

struct Row {
    unit: Unit,
    address: Option<String>,
    full: bool,
}

const FIELDS: [Field<Row>; 12] = [
    Field {
        name: "unit",
        cell: |row| row.unit.name.to_string(),
        value: |row| Value::text(row.unit.name.as_str()),
    },
    Field {
        name: "hash",
        cell: |row| hash_text(row.unit.file.hash(), row.full),
        value: |row| Value::maybe(Some(row.unit.file.hash())),
    },
    Field {
        name: "dstate",
        cell: |row| row.unit.desired.to_string(),
        value: |row| Value::text(row.unit.desired.as_str()),
    },
    Field {
        name: "state",
        cell: |row| row.unit.current.map_or("", TargetState::as_str).to_owned(),
        value: |row| Value::maybe(row.unit.current),
    },
    Field { name: "tmachine", cell: Row::copies_or_machine, value: Row::machine_id },
    Field {
        name: "target",
        cell: |row| if row.unit.global { "global".to_owned() } else { row.machine() },
        value: Row::machine_id,
    },
    Field {
        name: "ip",
        cell: |row| row.address.clone().unwrap_or_default(),
        value: |row| Value::text(row.address.as_deref().unwrap_or_default()),
    },
    Field { name: "launched", cell: |row| number(row.unit.launched), value: |row| count(row.unit.launched) },
    Field { name: "eligible", cell: |row| number(row.unit.eligible), value: |row| count(row.unit.eligible) },
    Field {
        name: "global",
        cell: |row| row.unit.global.to_string(),
        value: |row| Value::Truth(row.unit.global),
    },
    Field {
        name: "reason",
        cell: |row| row.unit.reason.clone().unwrap_or_default(),
        value: |row| Value::maybe(row.unit.reason.as_ref()),
    },
    Field {
        name: "desc",
        cell: |row| row.unit.file.description().unwrap_or_default().to_owned(),
        value: |row| Value::maybe(row.unit.file.description()),
    },
];

static LISTING: Listing<Row> = Listing {
    key: "unitFiles",
    fields: &FIELDS,
    columns: "unit,hash,dstate,state,tmachine",
    wide: "unit,hash,dstate,state,tmachine,reason,desc",
    keys: "unit,hash,dstate,state,tmachine,ip,launched,eligible,global,reason,desc",
    name: |row| row.unit.name.as_str(),
};

fn number(count: Option<u32>) -> String {
    count.map_or_else(String::new, |count| count.to_string())
}

fn count(count: Option<u32>) -> Value {
    count.map_or(Value::Missing, Value::Count)
}

impl Row {
    fn machine_id(&self) -> Value {
        Value::maybe(self.unit.machine.as_ref())
    }

    fn machine(&self) -> String {
        let machine = self.unit.machine.as_ref();
        machine.map_or_else(String::new, |machine| legend(machine, self.address.as_deref(), self.full))
    }

    fn copies_or_machine(&self) -> String {
        match (self.unit.global, self.unit.launched, self.unit.eligible) {
            (false, _, _) => self.machine(),
            (true, Some(launched), Some(eligible)) => format!("{launched} of {eligible}"),
            // A server that does not count the copies.
            (true, _, _) => "global".to_owned(),
        }
    }
}

const LEAD: &str = "Error retrieving list of units from repository";

impl ListUnitFiles {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let shape = LISTING.shape(self.output, self.fields.as_deref())?.whole_if(self.full);
        let api = context.api()?;
        let units = self.wanted(api).map_err(|e| Failure::api(LEAD, &e))?;
        let mut addresses = Map::new();
        if shape.needs_addresses() && units.iter().any(|unit| unit.machine.is_some()) {
            let machines = api.machines().map_err(|e| Failure::api(LEAD, &e))?;
            addresses.extend(machines.into_iter().map(|machine| (machine.id, machine.address)));
        }
        let full = self.full || self.output == Output::Wide;
        let row = |unit: Unit| {
            let address = unit.machine.as_ref().and_then(|machine| addresses.get(machine).cloned());
            Row { unit, address, full }
        };
        let rows: Vec<Row> = units.into_iter().map(row).collect();
        context.print(&shape.text(&rows, !self.no_legend)?)?;
        Ok(Exit::Ok)
    }
    fn wanted(&self, api: &Api) -> Result<Vec<Unit>, ApiError> {
        let (unit, machine, state) = (self.unit.as_ref(), self.machine.as_ref(), self.state.as_ref());
        let filter = Filter { unit, machine, state };
        let mut units = match filter.only_unit() {
            Some(name) => api.unit(&name)?.into_iter().collect(),
            None => api.units_of(&filter.select())?,
        };
        units.retain(|unit| {
            filter.wants_unit(&unit.name)
                && filter.wants_machine(unit.machine.as_ref())
                && filter.wants_state(&[unit.current.map_or("", TargetState::as_str)])
        });
        Ok(units)
    }
}
