//! `explain`: what is wanted of a unit, where it is and why, and what each machine says to it, in the scheduler's own
//! words. Nothing is decided here.

use argh::{ArgsInfo, FromArgs};
use cluster::{MachineId, TargetState, UnitName};

use crate::api::{Explanation, Machine};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::fields::Field;
use crate::legend::legend;
use crate::orders::named;
use crate::output::{Listing, Output, Value};
use crate::suggest;
use crate::table::Table;

/// say why units are where they are, machine by machine
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "explain")]
#[argh(
    note = "Prints what is wanted of each unit, what is, and for each machine whether it could run the unit and, if"
)]
#[argh(note = "not, why not: the reasons the scheduler goes by.")]
#[argh(note = "Fields: unit, dstate, state, tmachine, why, machine, ip, able, reason.")]
#[argh(example = "explain myapp.service")]
pub(crate) struct Explain {
    /// print machine IDs in full
    #[argh(switch, short = 'l')]
    pub(crate) full: bool,

    /// leave the heading of the table out
    #[argh(switch)]
    pub(crate) no_legend: bool,

    /// columns or keys to print, with commas between them; a line for each machine and unit then
    #[argh(option, arg_name = "fields")]
    pub(crate) fields: Option<String>,

    /// form of the answer: text, wide, json, jsonl or name; text by default
    #[argh(option, short = 'o', arg_name = "form", default = "Output::Text")]
    pub(crate) output: Output,

    /// names of units
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

const LEAD: &str = "Error explaining units";

/// What one machine says to one unit; no machine where there is none at all.
struct Row {
    unit: UnitName,
    full: bool,
    desired: Option<TargetState>,
    current: Option<TargetState>,
    placed: Option<MachineId>,
    why: String,
    verdict: Option<(Machine, bool, String)>,
}

const FIELDS: [Field<Row>; 9] = [
    Field { name: "unit", cell: |row| row.unit.to_string(), value: |row| Value::text(row.unit.as_str()) },
    Field {
        name: "dstate",
        cell: |row| row.desired.map_or("", TargetState::as_str).to_owned(),
        value: |row| Value::maybe(row.desired),
    },
    Field {
        name: "state",
        cell: |row| row.current.map_or("", TargetState::as_str).to_owned(),
        value: |row| Value::maybe(row.current),
    },
    Field {
        name: "tmachine",
        cell: |row| row.placed.as_ref().map_or_else(String::new, |id| legend(id, None, row.full)),
        value: |row| Value::maybe(row.placed.as_ref()),
    },
    Field { name: "why", cell: |row| row.why.clone(), value: |row| Value::text(&row.why) },
    Field {
        name: "machine",
        cell: |row| row.said(|m, _, _| legend(&m.id, Some(&m.address), row.full)).unwrap_or_default(),
        value: |row| Value::maybe(row.said(|m, _, _| m.id.to_string())),
    },
    Field {
        name: "ip",
        cell: |row| row.said(|m, _, _| m.address.clone()).unwrap_or_default(),
        value: |row| Value::text(&row.said(|m, _, _| m.address.clone()).unwrap_or_default()),
    },
    Field {
        name: "able",
        cell: |row| row.said(|_, able, _| if able { "yes" } else { "no" }).unwrap_or_default().to_owned(),
        value: |row| row.said(|_, able, _| Value::Truth(able)).unwrap_or(Value::Missing),
    },
    Field {
        name: "reason",
        cell: |row| row.said(|_, _, reason| reason.to_owned()).unwrap_or_default(),
        value: |row| Value::text(&row.said(|_, _, reason| reason.to_owned()).unwrap_or_default()),
    },
];

static LISTING: Listing<Row> = Listing {
    key: "verdicts",
    fields: &FIELDS,
    columns: "unit,machine,able,reason",
    wide: "unit,dstate,state,tmachine,machine,able,reason",
    keys: "unit,dstate,state,tmachine,why,machine,ip,able,reason",
    name: |row| row.unit.as_str(),
};

impl Row {
    fn said<T>(&self, part: impl FnOnce(&Machine, bool, &str) -> T) -> Option<T> {
        self.verdict.as_ref().map(|(machine, able, reason)| part(machine, *able, reason))
    }
}

impl Explain {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.units.is_empty() {
            return Err(Failure::usage("Error: explain needs the name of a unit"));
        }
        let names = named(context, &self.units)?;
        // Only patterns stand for nothing at all.
        if names.is_empty() {
            return Err(suggest::absent(context, &self.units.join(" ")));
        }
        let shape = LISTING.shape(self.output, self.fields.as_deref())?.whole_if(self.full);
        if self.output != Output::Text || self.fields.is_some() {
            let mut rows = Vec::new();
            for name in &names {
                rows.extend(self.rows(name, ask(context, name)?));
            }
            context.print(&shape.text(&rows, !self.no_legend)?)?;
            return Ok(Exit::Ok);
        }
        for (position, name) in names.iter().enumerate() {
            let explanation = ask(context, name)?;
            let blank = if position > 0 { "\n" } else { "" };
            let head = self.headline(name, &explanation);
            let table = self.table(&explanation);
            context.print(&format!("{blank}{head}{}", table.text()))?;
        }
        Ok(Exit::Ok)
    }

    /// A row for each machine, or one without where there is none.
    fn rows(&self, name: &UnitName, explanation: Explanation) -> Vec<Row> {
        let full = self.full || self.output == Output::Wide;
        let Explanation { desired, current, machine, reason, machines } = explanation;
        let row = |verdict| Row {
            unit: name.clone(),
            full,
            desired,
            current,
            placed: machine.clone(),
            why: reason.clone(),
            verdict,
        };
        if machines.is_empty() { vec![row(None)] } else { machines.into_iter().map(Some).map(row).collect() }
    }

    /// `a.service: wanted launched, is loaded on 9678f7a7.../10.99.0.13`, and a line with the reason if there is one.
    fn headline(&self, name: &UnitName, explanation: &Explanation) -> String {
        let state = |state: Option<TargetState>| state.map_or("unknown", TargetState::as_str);
        let place = match (&explanation.machine, explanation.current) {
            (Some(id), _) => {
                let machines = &explanation.machines;
                let address = machines.iter().find(|(m, ..)| m.id == *id).map(|(m, ..)| m.address.as_str());
                format!(" on {}", legend(id, address, self.full))
            }
            (None, Some(TargetState::Inactive)) => ", on no machine".to_owned(),
            // A global unit is on many.
            (None, _) => String::new(),
        };
        let (desired, current) = (state(explanation.desired), state(explanation.current));
        let reason = match explanation.reason.as_str() {
            "" => String::new(),
            reason => format!("why: {reason}\n").replace(|c: char| c.is_control() && c != '\n', "?"),
        };
        format!("{name}: wanted {desired}, is {current}{place}\n{reason}")
    }

    fn table(&self, explanation: &Explanation) -> Table {
        let mut table = Table::with_heading(&["machine", "able", "reason"], !self.no_legend);
        for (machine, able, reason) in &explanation.machines {
            let machine = legend(&machine.id, Some(&machine.address), self.full);
            let able = if *able { "yes" } else { "no" };
            table.push([machine, able.to_owned(), reason.clone()]);
        }
        table
    }
}

/// A server that explains nothing answers as if there were no unit, so the unit itself is asked for then.
fn ask(context: &Context<'_>, name: &UnitName) -> Result<Explanation, Failure> {
    let api = context.api()?;
    if let Some(explanation) = api.explain(name).map_err(|e| Failure::api(LEAD, &e))? {
        return Ok(explanation);
    }
    match api.unit(name).map_err(|e| Failure::api(LEAD, &e))? {
        None => Err(suggest::absent(context, name.as_str())),
        Some(_) => {
            Err(Failure::new(format_args!("{LEAD}: the server has no explanations; it may be fleet's")))
        }
    }
}
