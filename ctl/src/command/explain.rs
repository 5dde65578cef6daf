//! `explain`: what is wanted of a unit, where it is and why, and what each machine says to it, in the scheduler's own
//! words. Nothing is decided here.

use argh::{ArgsInfo, FromArgs};
use cluster::{TargetState, UnitName};

use crate::api::Explanation;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::legend::legend;
use crate::orders::named;
use crate::suggest;
use crate::table::Table;

/// say why units are where they are, machine by machine
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "explain")]
#[argh(
    note = "Prints what is wanted of each unit, what is, and for each machine whether it could run the unit and, if"
)]
#[argh(note = "not, why not: the reasons the scheduler goes by.")]
#[argh(example = "explain myapp.service")]
pub(crate) struct Explain {
    /// print machine IDs in full
    #[argh(switch, short = 'l')]
    pub(crate) full: bool,

    /// leave the heading of the table out
    #[argh(switch)]
    pub(crate) no_legend: bool,

    /// names of units
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

const LEAD: &str = "Error explaining units";

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
        for (position, name) in names.iter().enumerate() {
            let explanation = ask(context, name)?;
            let blank = if position > 0 { "\n" } else { "" };
            let head = self.headline(name, &explanation);
            let table = self.table(&explanation);
            context.print(&format!("{blank}{head}{}", table.text()))?;
        }
        Ok(Exit::Ok)
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
