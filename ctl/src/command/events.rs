//! `events`: what the leader decided last, and why, as it recorded that in the registry. Bounded there; all there ever
//! was is in the leaders' journals.

use std::time::Duration;

use argh::{ArgsInfo, FromArgs};
use cluster::chronicle::Record;
use cluster::{MachineId, UnitName};

use crate::api::{Api, ApiError};
use crate::clock::{boottime, moment};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::fields::Field;
use crate::filter::{Filter, Patterns};
use crate::legend;
use crate::output::{Listing, Output, Shape, Value};
use crate::waiting::pause;

/// print the leader's last decisions, oldest first, with their reasons
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "events")]
#[argh(note = "The registry keeps the last 128; the leader's journal has them all, under the same names:")]
#[argh(note = "journalctl -u fleet SKIFF_EVENT=machine-lost")]
#[argh(note = "Fields: seq, time, event, unit, machine, reason.")]
#[argh(example = "events -n 50 --unit=web.*")]
#[argh(example = "events --follow --output=jsonl")]
pub(crate) struct Events {
    /// print machine IDs and reasons in full
    #[argh(switch, short = 'l')]
    pub(crate) full: bool,

    /// leave the heading out
    #[argh(switch)]
    pub(crate) no_legend: bool,

    /// columns or keys to print, with commas between them; time,event,unit,machine,reason by default
    #[argh(option, arg_name = "fields")]
    pub(crate) fields: Option<String>,

    /// form of the answer: text, wide, json, jsonl or name; text by default
    #[argh(option, short = 'o', arg_name = "form", default = "Output::Text")]
    pub(crate) output: Output,

    /// how many to print at first; 20 by default
    #[argh(option, short = 'n', arg_name = "count", default = "20")]
    pub(crate) lines: u32,

    /// only those about these units, names or patterns with commas between them
    #[argh(option, arg_name = "units")]
    pub(crate) unit: Option<Patterns>,

    /// only those about these machines, by the beginning of the ID or patterns, with commas between them
    #[argh(option, arg_name = "ids")]
    pub(crate) machine: Option<Patterns>,

    /// go on printing what is decided, until the reader goes or ctl is stopped
    #[argh(switch, short = 'f')]
    pub(crate) follow: bool,
}

const LEAD: &str = "Error retrieving the leader's decisions";
/// Longest wait for the next one; in between it is seen whether anybody still reads.
const QUIET: Duration = Duration::from_secs(2);
/// For this long in a row the cluster may give no answer to who follows.
const OUTAGE_MAX: Duration = Duration::from_secs(60);

struct Row {
    record: Record,
    full: bool,
}

const FIELDS: [Field<Row>; 6] = [
    Field {
        name: "seq",
        cell: |row| row.record.seq.to_string(),
        value: |row| Value::Count(u32::try_from(row.record.seq).unwrap_or(u32::MAX)),
    },
    Field {
        name: "time",
        cell: |row| moment(row.record.time),
        value: |row| Value::Text(moment(row.record.time)),
    },
    Field {
        name: "event",
        cell: |row| row.record.event.clone(),
        value: |row| Value::text(&row.record.event),
    },
    Field { name: "unit", cell: |row| row.record.name.clone(), value: |row| Value::text(&row.record.name) },
    Field { name: "machine", cell: machine, value: |row| Value::text(&row.record.machine) },
    Field {
        name: "reason",
        cell: |row| row.record.reason.clone(),
        value: |row| Value::text(&row.record.reason),
    },
];

static LISTING: Listing<Row> = Listing {
    key: "events",
    fields: &FIELDS,
    columns: "time,event,unit,machine,reason",
    wide: "seq,time,event,unit,machine,reason",
    keys: "seq,time,event,unit,machine,reason",
    name: |row| &row.record.event,
};

fn machine(row: &Row) -> String {
    MachineId::parse(&row.record.machine).map_or_else(|_| String::new(), |id| legend::id(&id, row.full))
}

impl Events {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.follow && self.output == Output::Json {
            let why = "Error: --follow never ends, and so does not go with --output=json; use jsonl";
            return Err(Failure::usage(why));
        }
        let shape = LISTING.shape(self.output, self.fields.as_deref())?.whole_if(self.full);
        let api = context.api()?;
        // Asked for before the first look, so that nothing is missed in between.
        let after = if self.follow { self.begin(api)? } else { None };
        let mut records = self.after(api, 0).map_err(|e| Failure::api(LEAD, &e))?.ok_or_else(unknown)?;
        let seen = records.last().map_or(0, |record| record.seq);
        records.retain(|record| self.wants(record));
        let most = usize::try_from(self.lines).unwrap_or(usize::MAX);
        records.drain(..records.len().saturating_sub(most));
        self.show(context, &shape, records, !self.no_legend)?;
        if self.follow { self.follow(context, &shape, after, seen) } else { Ok(Exit::Ok) }
    }

    fn begin(&self, api: &Api) -> Result<Option<u64>, Failure> {
        let present = api.changes_of_events(None, Duration::ZERO).map_err(|e| Failure::api(LEAD, &e))?;
        Ok(present.map(|changes| changes.index))
    }

    /// Ends only with an error; nobody reading any more is one.
    fn follow(
        &self,
        context: &Context<'_>,
        shape: &Shape<Row>,
        mut after: Option<u64>,
        mut seen: u64,
    ) -> Ended {
        let api = context.api()?;
        let mut answered = boottime();
        loop {
            match self.next(api, after, seen) {
                Ok((moment, records)) => {
                    (after, answered) = (moment, boottime());
                    seen = records.last().map_or(seen, |record| record.seq);
                    let wanted = records.into_iter().filter(|record| self.wants(record)).collect();
                    self.show(context, shape, wanted, false)?;
                    pause(if after.is_some() { Duration::ZERO } else { QUIET })?;
                }
                Err(e) if e.is_passing() && boottime() - answered < OUTAGE_MAX => {
                    after = None;
                    pause(QUIET)?;
                }
                Err(e) => return Err(Failure::api(LEAD, &e)),
            }
        }
    }

    /// Waits for what comes after `moment` and number `seen`. Where nobody tells of changes, it looks at once.
    fn next(
        &self,
        api: &Api,
        moment: Option<u64>,
        seen: u64,
    ) -> Result<(Option<u64>, Vec<Record>), ApiError> {
        let changes = api.changes_of_events(moment, if moment.is_some() { QUIET } else { Duration::ZERO })?;
        let is_news = changes.as_ref().is_none_or(|changes| moment.is_none() || changes.is_some());
        let records = if is_news { self.after(api, seen)?.unwrap_or_default() } else { Vec::new() };
        Ok((changes.map(|changes| changes.index), records))
    }

    fn after(&self, api: &Api, seen: u64) -> Result<Option<Vec<Record>>, ApiError> {
        let records = api.events()?;
        // Numbers that went back are those of another registry.
        let from_anew = |records: &Vec<Record>| records.last().is_none_or(|record| record.seq < seen);
        let is_new = |record: &Record, anew: bool| anew || record.seq > seen;
        Ok(records.map(|records| {
            let anew = from_anew(&records);
            records.into_iter().filter(|record| is_new(record, anew)).collect()
        }))
    }

    fn wants(&self, record: &Record) -> bool {
        let filter = Filter { unit: self.unit.as_ref(), machine: self.machine.as_ref(), state: None };
        let unit = UnitName::parse(&record.name).ok();
        let machine = MachineId::parse(&record.machine).ok();
        unit.map_or(self.unit.is_none(), |unit| filter.wants_unit(&unit))
            && filter.wants_machine(machine.as_ref())
    }

    fn show(
        &self,
        context: &Context<'_>,
        shape: &Shape<Row>,
        records: Vec<Record>,
        legend: bool,
    ) -> Result<(), Failure> {
        if records.is_empty() && !legend && self.follow {
            return Ok(());
        }
        let full = self.full || self.output == Output::Wide;
        let rows: Vec<Row> = records.into_iter().map(|record| Row { record, full }).collect();
        context.print(&shape.text(&rows, legend)?)
    }
}

fn unknown() -> Failure {
    Failure::new(format_args!("{LEAD}: the server has none; it may be fleet's, or older"))
}
