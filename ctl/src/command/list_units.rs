//! `list-units`: what systemd says of every copy of every unit. Following the changes is `watch`'s business.

mod watch;

use argh::{ArgsInfo, FromArgs};
use cluster::sorted::Map;

use crate::api::UnitState;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::fields::Field;
use crate::filter::{Filter, Patterns};
use crate::legend::legend;
use crate::output::{Listing, Output, Value};

/// list the units on machines, and what systemd says of them
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "list-units")]
#[argh(
    note = "Prints a line for each copy of each unit. Fields: unit, load, active, sub, machine, ip, hash, error."
)]
#[argh(example = "list-units --no-legend --fields=unit,active")]
#[argh(example = "list-units --output=json --state=failed")]
#[argh(example = "list-units --watch --output=jsonl")]
pub(crate) struct ListUnits {
    /// print machine IDs and hashes in full
    #[argh(switch, short = 'l')]
    pub(crate) full: bool,

    /// leave the heading out
    #[argh(switch)]
    pub(crate) no_legend: bool,

    /// columns or keys to print, with commas between them; unit,machine,active,sub by default
    #[argh(option, arg_name = "fields")]
    pub(crate) fields: Option<String>,

    /// form of the answer: text, wide, json, jsonl or name; text by default
    #[argh(option, short = 'o', arg_name = "form", default = "Output::Text")]
    pub(crate) output: Output,

    /// only units of these names, patterns with commas between them
    #[argh(option, arg_name = "units")]
    pub(crate) unit: Option<Patterns>,

    /// go on printing each row that changes, until the reader goes or ctl is stopped
    #[argh(switch)]
    pub(crate) watch: bool,

    /// only copies on these machines, by the beginning of the ID or patterns, with commas between them
    #[argh(option, arg_name = "ids")]
    pub(crate) machine: Option<Patterns>,

    /// only those in one of these states, with commas between them: what LOAD, ACTIVE or SUB shows
    #[argh(option, arg_name = "states")]
    pub(crate) state: Option<Patterns>,
}

struct Row {
    state: UnitState,
    address: Option<String>,
    full: bool,
}

const FIELDS: [Field<Row>; 8] = [
    Field {
        name: "unit",
        cell: |row| row.state.name.to_string(),
        value: |row| Value::text(row.state.name.as_str()),
    },
    Field { name: "load", cell: |row| row.state.load.clone(), value: |row| Value::text(&row.state.load) },
    Field {
        name: "active",
        cell: |row| row.state.active.clone(),
        value: |row| Value::text(&row.state.active),
    },
    Field { name: "sub", cell: |row| row.state.sub.clone(), value: |row| Value::text(&row.state.sub) },
    Field {
        name: "machine",
        cell: |row| legend(&row.state.machine, row.address.as_deref(), row.full),
        value: |row| Value::text(row.state.machine.as_str()),
    },
    Field {
        name: "ip",
        cell: |row| row.address.clone().unwrap_or_default(),
        value: |row| Value::text(row.address.as_deref().unwrap_or_default()),
    },
    Field {
        name: "hash",
        cell: |row| row.state.hash.map_or_else(String::new, |hash| hash_text(hash, row.full)),
        value: |row| Value::maybe(row.state.hash),
    },
    Field {
        name: "error",
        cell: |row| row.state.error.clone().unwrap_or_default(),
        value: |row| Value::maybe(row.state.error.as_ref()),
    },
];

static LISTING: Listing<Row> = Listing {
    key: "units",
    fields: &FIELDS,
    columns: "unit,machine,active,sub",
    wide: "unit,load,active,sub,machine,hash",
    keys: "unit,load,active,sub,machine,ip,hash,error",
    name: |row| row.state.name.as_str(),
};

/// A hash as listings print it.
pub(super) fn hash_text(hash: cluster::Hash, full: bool) -> String {
    if full { hash.to_string() } else { hash.short() }
}

const LEAD: &str = "Error retrieving list of units from repository";

impl ListUnits {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.watch {
            return self.watch(context);
        }
        let shape = LISTING.shape(self.output, self.fields.as_deref())?.whole_if(self.full);
        let api = context.api()?;
        let lead = |e| Failure::api(LEAD, &e);
        let (unit, machine, state) = (self.unit.as_ref(), self.machine.as_ref(), self.state.as_ref());
        let filter = Filter { unit, machine, state };
        let mut machines = match machine {
            Some(_) => Some(api.machines().map_err(lead)?),
            None => None,
        };
        let states = filter.states(api, machines.as_deref()).map_err(lead)?;
        // A server of today says the address with each state.
        let unaddressed = states.iter().any(|state| state.address.is_none());
        if machines.is_none() && shape.needs_addresses() && unaddressed {
            machines = Some(api.machines().map_err(lead)?);
        }
        let known = machines.into_iter().flatten();
        let addresses: Map<_, _> = known.map(|machine| (machine.id, machine.address)).collect();
        let full = self.full || self.output == Output::Wide;
        let row = |state: UnitState| {
            let address = state.address.clone().or_else(|| addresses.get(&state.machine).cloned());
            Row { state, address, full }
        };
        let rows: Vec<Row> = states.into_iter().map(row).collect();
        context.print(&shape.text(&rows, !self.no_legend)?)?;
        Ok(Exit::Ok)
    }
}
