//! `list-machines`: the machines of the cluster that are alive.

use argh::{ArgsInfo, FromArgs};

use crate::api::{Api, ApiError, Machine};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::fields::Field;
use crate::filter::{Filter, Patterns};
use crate::legend;
use crate::output::{Listing, Output, Value};

/// list the machines of the cluster
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "list-machines")]
#[argh(note = "Fields: machine, ip, metadata, version, draining.")]
pub(crate) struct ListMachines {
    /// print machine IDs in full
    #[argh(switch, short = 'l')]
    pub(crate) full: bool,

    /// leave the heading out
    #[argh(switch)]
    pub(crate) no_legend: bool,

    /// columns or keys to print, with commas between them; machine,ip,metadata by default
    #[argh(option, arg_name = "fields")]
    pub(crate) fields: Option<String>,

    /// form of the answer: text, wide, json, jsonl or name; text by default
    #[argh(option, short = 'o', arg_name = "form", default = "Output::Text")]
    pub(crate) output: Output,

    /// only machines that have one of these units, names or patterns with commas between them
    #[argh(option, arg_name = "units")]
    pub(crate) unit: Option<Patterns>,

    /// only these machines, by the beginning of the ID or patterns, with commas between them
    #[argh(option, arg_name = "ids")]
    pub(crate) machine: Option<Patterns>,
}

struct Row {
    machine: Machine,
    full: bool,
}

const FIELDS: [Field<Row>; 5] = [
    Field {
        name: "machine",
        cell: |row| legend::id(&row.machine.id, row.full),
        value: |row| Value::text(row.machine.id.as_str()),
    },
    Field {
        name: "ip",
        cell: |row| row.machine.address.clone(),
        value: |row| Value::text(&row.machine.address),
    },
    Field { name: "metadata", cell: metadata, value: |row| Value::Map(row.machine.metadata.clone()) },
    Field {
        name: "version",
        cell: |row| row.machine.version.clone(),
        value: |row| Value::text(&row.machine.version),
    },
    Field {
        name: "draining",
        cell: |row| row.machine.draining.to_string(),
        value: |row| Value::Truth(row.machine.draining),
    },
];

static LISTING: Listing<Row> = Listing {
    key: "machines",
    fields: &FIELDS,
    columns: "machine,ip,metadata",
    wide: "machine,ip,metadata,version,draining",
    keys: "machine,ip,metadata,version,draining",
    name: |row| row.machine.id.as_str(),
};

fn metadata(row: &Row) -> String {
    let pairs = row.machine.metadata.iter().map(|(key, value)| format!("{key}={value}"));
    pairs.collect::<Vec<_>>().join(",")
}

impl ListMachines {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        let shape = LISTING.shape(self.output, self.fields.as_deref())?.whole_if(self.full);
        let machines = self.wanted(context.api()?).map_err(|e| {
            let text = format!("Error retrieving list of active machines from fleet API ({e})");
            Failure::Says(text, e.exit())
        })?;
        let full = self.full || self.output == Output::Wide;
        let rows: Vec<Row> = machines.into_iter().map(|machine| Row { machine, full }).collect();
        context.print(&shape.text(&rows, !self.no_legend)?)?;
        Ok(Exit::Ok)
    }
    fn wanted(&self, api: &Api) -> Result<Vec<Machine>, ApiError> {
        let filter = Filter { unit: self.unit.as_ref(), machine: self.machine.as_ref(), state: None };
        let mut machines = api.machines()?;
        machines.retain(|machine| filter.wants_machine(Some(&machine.id)));
        if self.unit.is_some() {
            let states = filter.states(api, Some(&machines))?;
            machines.retain(|machine| states.iter().any(|state| state.machine == machine.id));
        }
        Ok(machines)
    }
}
