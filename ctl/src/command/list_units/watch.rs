//! `list-units --watch`: the list, and then every row that changes, as it changes. Only units of which something changed
//! are asked about again; against a server that tells of no changes everything is, every other second.

use std::time::Duration;

use cluster::sorted::Map;
use cluster::{MachineId, UnitName};

use super::{LEAD, LISTING, ListUnits, Row};
use crate::api::{Api, ApiError, Changes, UnitState};
use crate::clock::boottime;
use crate::context::Context;
use crate::exit::{Ended, Failure};
use crate::filter::Filter;
use crate::orders::ASKED_SINGLY_MAX;
use crate::output::{Output, Shape};
use crate::waiting::pause;

/// Longest wait for a change; in between it is seen whether anybody still reads.
const QUIET: Duration = Duration::from_secs(2);
/// Pause between two looks where nobody tells of changes, and after a failure.
const PAUSE: Duration = Duration::from_secs(2);
/// For this long in a row the cluster may give no answer.
const OUTAGE_MAX: Duration = Duration::from_secs(60);
/// What is shown of a copy that is there no more.
const GONE: &str = "gone";

type Key = (UnitName, MachineId);

/// The rows as they were last seen, those of other states included.
struct Watch<'a> {
    command: &'a ListUnits,
    context: &'a Context<'a>,
    shape: Shape<Row>,
    rows: Map<Key, UnitState>,
    addresses: Map<MachineId, String>,
}

impl ListUnits {
    pub(super) fn watch(&self, context: &Context<'_>) -> Ended {
        if self.output == Output::Json {
            return Err(Failure::usage(
                "Error: --watch never ends, and so does not go with --output=json; use jsonl",
            ));
        }
        let shape = LISTING.shape(self.output, self.fields.as_deref())?;
        let (rows, addresses) = (Map::new(), Map::new());
        Watch { command: self, context, shape, rows, addresses }.run(context.api()?)
    }
}

impl Watch<'_> {
    /// Ends only with an error; nobody reading any more is one.
    fn run(mut self, api: &Api) -> Ended {
        let lead = |error: &ApiError| Failure::api(LEAD, error);
        let mut after = begin(api).map_err(|e| lead(&e))?;
        let states = self.look(api, None).map_err(|e| lead(&e))?;
        self.show(states, None, !self.command.no_legend)?;
        let mut answered = boottime();
        loop {
            let looked = match after {
                Some(moment) => self.follow(api, moment).map(|(moment, found)| (Some(moment), found)),
                // Nobody tells: everything, every now and then.
                None => pause(PAUSE).map_err(Trouble::Output).and_then(|()| {
                    let states = self.look(api, None)?;
                    Ok((begin(api)?, Some((states, None))))
                }),
            };
            match looked {
                Ok((moment, found)) => {
                    (after, answered) = (moment, boottime());
                    if let Some((states, names)) = found {
                        self.show(states, names.as_deref(), false)?;
                    }
                    pause(Duration::ZERO)?;
                }
                Err(Trouble::Output(failure)) => return Err(failure),
                Err(Trouble::Api(e)) if e.is_passing() && boottime() - answered < OUTAGE_MAX => {
                    // What happened meanwhile shows in the next look at everything.
                    after = None;
                }
                Err(Trouble::Api(e)) => return Err(lead(&e)),
            }
        }
    }

    /// Waits for a change after `moment` and looks at what changed.
    fn follow(&mut self, api: &Api, moment: u64) -> Result<(u64, Option<Found>), Trouble> {
        let Some(Changes { index, units, all }) = api.changes(Some(moment), &[], QUIET)? else {
            pause(PAUSE).map_err(Trouble::Output)?;
            return Ok((moment, Some((self.look(api, None)?, None))));
        };
        if all || units.len() > ASKED_SINGLY_MAX {
            return Ok((index, Some((self.look(api, None)?, None))));
        }
        let wanted: Vec<UnitName> = units.into_iter().filter(|name| self.filter().wants_unit(name)).collect();
        let found =
            if wanted.is_empty() { None } else { Some((self.look(api, Some(&wanted))?, Some(wanted))) };
        Ok((index, found))
    }

    fn filter(&self) -> Filter<'_> {
        // What leaves a state that is asked for is news as well.
        Filter { unit: self.command.unit.as_ref(), machine: self.command.machine.as_ref(), state: None }
    }

    /// The rows of these units, or of all.
    fn look(&mut self, api: &Api, names: Option<&[UnitName]>) -> Result<Vec<UnitState>, ApiError> {
        let Some(names) = names else {
            let states = self.filter().states(api, None)?;
            if self.shape.needs_addresses() && states.iter().any(|state| state.address.is_none()) {
                let machines = api.machines()?;
                self.addresses.extend(machines.into_iter().map(|machine| (machine.id, machine.address)));
            }
            return Ok(states);
        };
        let mut states = Vec::new();
        for name in names {
            states.extend(api.states(Some(name), None)?);
        }
        states.retain(|state| self.filter().wants_machine(Some(&state.machine)));
        Ok(states)
    }

    /// Prints what differs from what was seen before of these units, or of all.
    fn show(
        &mut self,
        states: Vec<UnitState>,
        names: Option<&[UnitName]>,
        legend: bool,
    ) -> Result<(), Failure> {
        let asked = |key: &Key| names.is_none_or(|names| names.contains(&key.0));
        let mut before: Map<Key, UnitState> = std::mem::take(&mut self.rows);
        let mut rows: Map<Key, UnitState> = Map::new();
        let mut news = Vec::new();
        let wanted = Filter { state: self.command.state.as_ref(), ..Filter::default() };
        let wants = |state: &UnitState| wanted.wants_state(&[&state.load, &state.active, &state.sub]);
        for state in states {
            let key = (state.name.clone(), state.machine.clone());
            let old = before.remove(&key);
            if old.as_ref() != Some(&state) && (wants(&state) || old.as_ref().is_some_and(wants)) {
                news.push(state.clone());
            }
            rows.insert(key, state);
        }
        for (key, old) in before {
            if !asked(&key) {
                rows.insert(key, old);
            } else if wants(&old) {
                let [load, active, sub] = [GONE; 3].map(str::to_owned);
                news.push(UnitState { load, active, sub, error: None, ..old });
            }
        }
        self.rows = rows;
        news.sort_by(|a, b| (&a.name, &a.machine).cmp(&(&b.name, &b.machine)));
        if news.is_empty() && !legend {
            return Ok(());
        }
        let row = |state: UnitState| {
            let address = state.address.clone().or_else(|| self.addresses.get(&state.machine).cloned());
            Row { state, address, full: self.command.full || self.command.output == Output::Wide }
        };
        let rows: Vec<Row> = news.into_iter().map(row).collect();
        self.context.print(&self.shape.text(&rows, legend)?)
    }
}

/// Rows that were found, and of which units; of all, if of none.
type Found = (Vec<UnitState>, Option<Vec<UnitName>>);

/// The present moment, if anybody tells.
fn begin(api: &Api) -> Result<Option<u64>, ApiError> {
    Ok(api.changes(None, &[], Duration::ZERO)?.map(|changes| changes.index))
}

/// Why a look failed.
enum Trouble {
    Api(ApiError),
    Output(Failure),
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        Self::Api(error)
    }
}
