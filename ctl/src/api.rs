//! The API as ctl uses it: one method per question or order, typed answers, errors that name what was asked and where
//! (contract §5 and its additive parts). Which way a request goes is `backend`'s business, what follows from an answer
//! the commands'.

mod age;
mod backend;
mod changes;
mod connection;
mod direct;
mod endpoint;
mod error;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod rehearsal;
mod select;
mod unix_socket;
mod wire;

#[cfg(feature = "tls")]
mod tls;

use cluster::chronicle::Record;
use cluster::limits::API_REQUEST_MAX_BYTES;
use cluster::state::TargetState;
use cluster::unit_file::UnitFile;
use cluster::{MachineId, UnitName, json};
use serde::de::DeserializeOwned;

use crate::talk;

pub(crate) use backend::Backend;
pub(crate) use changes::Changes;
pub(crate) use connection::{Connection, Settings};
pub(crate) use direct::Direct;
pub(crate) use endpoint::Endpoint;
pub(crate) use error::ApiError;
pub(crate) use rehearsal::{Fate, Wish};
pub(crate) use select::Select;
use wire::Envelope;
pub(crate) use wire::{Explanation, Machine, Unit, UnitState};

/// Asks for a whole list as one page; servers that do not know the parameter ignore it and send pages.
const ALL: &str = "all=1";

/// Most pages of one list before the server is taken to go round in circles.
const PAGES_MAX: usize = 10_000;

/// The API of one agent, or the same over the registry itself. Calls may come from several threads at once.
pub(crate) struct Api {
    backend: Backend,
}

impl Api {
    /// No request is made yet.
    pub(crate) const fn new(backend: Backend) -> Self {
        Self { backend }
    }

    /// Says so on standard error where ctl writes to the registry itself and a newer agent is about.
    pub(crate) fn mind_age(&self, program: &str) {
        let Backend::Registry(_) = &self.backend else { return };
        let ours = env!("CARGO_PKG_VERSION");
        // Whatever keeps the machines from being read will be said by the command itself.
        let machines = self.machines().unwrap_or_default();
        if let Some(theirs) = age::newer(ours, &machines) {
            talk::say(&age::warning(program, ours, theirs));
        }
    }

    /// Every unit, by name.
    pub(crate) fn units(&self) -> Result<Vec<Unit>, ApiError> {
        self.units_of(&Select::default())
    }

    /// The units that are selected, by name; more of them from an old server.
    pub(crate) fn units_of(&self, select: &Select) -> Result<Vec<Unit>, ApiError> {
        let mut units = Vec::new();
        self.pages("list units", "units", select, &mut |page| {
            for unit in page.units.into_iter().filter_map(Unit::from_wire) {
                insert(&mut units, unit, |a, b| a.name <= b.name);
            }
        })?;
        Ok(units)
    }

    /// One unit; `None` if there is no such unit.
    pub(crate) fn unit(&self, name: &UnitName) -> Result<Option<Unit>, ApiError> {
        let found: Option<wire::ItemWire> =
            self.read_one(&format!("read unit {name}"), &format!("units/{}", escaped(name.as_str())))?;
        Ok(found.and_then(Unit::from_wire))
    }

    /// True while anything is left of a unit: its spec, its placement, a row of it. A server that does not know the
    /// question answers for the spec alone.
    pub(crate) fn lingers(&self, name: &UnitName) -> Result<bool, ApiError> {
        let path = format!("units/{}?lingering=1", escaped(name.as_str()));
        let answer = self.backend.send(&format!("read unit {name}"), "GET", &path, None)?;
        if answer.status == 404 {
            return Ok(false);
        }
        answer.accepted().map(|_| true)
    }

    /// What systemd says of copies of units, by name and machine: those of one unit, those on one machine, or all.
    pub(crate) fn states(
        &self,
        unit: Option<&UnitName>,
        machine: Option<&MachineId>,
    ) -> Result<Vec<UnitState>, ApiError> {
        self.states_of(unit, machine, &Select::default())
    }

    /// The same, of those that are selected; more of them from an old server.
    pub(crate) fn states_of(
        &self,
        unit: Option<&UnitName>,
        machine: Option<&MachineId>,
        select: &Select,
    ) -> Result<Vec<UnitState>, ApiError> {
        let unit = unit.map(|name| format!("unitName={}", escaped(name.as_str())));
        let machine = machine.map(|id| format!("machineID={}", escaped(id.as_str())));
        let filters: Vec<String> = unit.into_iter().chain(machine).collect();
        let joint = if filters.is_empty() { "" } else { "?" };
        let path = format!("state{joint}{}", filters.join("&"));
        let mut states = Vec::new();
        self.pages("list unit states", &path, select, &mut |page| {
            for state in page.states.into_iter().filter_map(UnitState::from_wire) {
                insert(&mut states, state, |a, b| (&a.name, &a.machine) <= (&b.name, &b.machine));
            }
        })?;
        Ok(states)
    }

    /// Every machine, by ID.
    pub(crate) fn machines(&self) -> Result<Vec<Machine>, ApiError> {
        let mut machines = Vec::new();
        self.pages("list machines", "machines", &Select::default(), &mut |page| {
            for machine in page.machines.into_iter().filter_map(Machine::from_wire) {
                insert(&mut machines, machine, |a, b| a.id <= b.id);
            }
        })?;
        Ok(machines)
    }

    /// Creates a unit, or replaces the content of one; it is inactive then.
    pub(crate) fn create(&self, name: &UnitName, file: &UnitFile) -> Result<(), ApiError> {
        let body = wire::UnitOrder::create(name.as_str(), file);
        self.put_unit(&format!("create unit {name}"), name, &body)
    }

    /// Asks for another state of a unit that exists.
    pub(crate) fn set_desired(&self, name: &UnitName, state: TargetState) -> Result<(), ApiError> {
        let body = wire::UnitOrder::set(name.as_str(), state);
        self.put_unit(&format!("set unit {name} {state}"), name, &body)
    }

    fn put_unit(&self, operation: &str, name: &UnitName, body: &wire::UnitOrder<'_>) -> Result<(), ApiError> {
        let body = json::encode(body, API_REQUEST_MAX_BYTES).map_err(|e| self.unsendable(operation, &e))?;
        let path = format!("units/{}", escaped(name.as_str()));
        self.backend.send(operation, "PUT", &path, Some(&body))?.accepted().map(drop)
    }

    /// Removes a unit; false if there was none.
    pub(crate) fn destroy(&self, name: &UnitName) -> Result<bool, ApiError> {
        let path = format!("units/{}", escaped(name.as_str()));
        let answer = self.backend.send(&format!("destroy unit {name}"), "DELETE", &path, None)?;
        if answer.status == 404 {
            return Ok(false);
        }
        answer.accepted().map(|_| true)
    }

    /// Why a unit is where it is, machine by machine; `None` if the server has no answer to that.
    pub(crate) fn explain(&self, name: &UnitName) -> Result<Option<Explanation>, ApiError> {
        let found: Option<Envelope> =
            self.read_one(&format!("explain unit {name}"), &format!("explain/{}", escaped(name.as_str())))?;
        Ok(found.map(Explanation::from_wire))
    }

    /// Lets the fleet take over a registry it does not know; what the server says of it.
    pub(crate) fn adopt_registry(&self) -> Result<String, ApiError> {
        let operation = "adopt the registry";
        let answer = self.backend.send(operation, "POST", "registry/adopt", Some(""))?.accepted()?;
        let said: Envelope = self.decode(operation, &answer)?;
        Ok(said.message)
    }

    /// What the leader decided last, oldest first; `None` if the server does not know the question.
    pub(crate) fn events(&self) -> Result<Option<Vec<Record>>, ApiError> {
        let found: Option<Envelope> = self.read_one("list events", "events")?;
        Ok(found.map(|found| found.events))
    }

    /// Moves the registry to another store; what the server says of it.
    pub(crate) fn copy_registry(&self, to: &str) -> Result<String, ApiError> {
        let operation = "copy the registry";
        let path = format!("registry/copy?to={}", escaped(to));
        let answer = self.backend.send(operation, "POST", &path, Some(""))?.accepted()?;
        let said: Envelope = self.decode(operation, &answer)?;
        Ok(said.message)
    }

    /// Takes every unit off a machine and gives it no new ones, or ends that.
    pub(crate) fn drain(&self, machine: &MachineId, on: bool) -> Result<(), ApiError> {
        let verb = if on { "drain" } else { "undrain" };
        let path = format!("machines/{}/{verb}", escaped(machine.as_str()));
        self.backend.send(&format!("{verb} machine {machine}"), "POST", &path, Some(""))?.accepted().map(drop)
    }

    fn read_one<T: DeserializeOwned>(&self, operation: &str, path: &str) -> Result<Option<T>, ApiError> {
        let answer = self.backend.send(operation, "GET", path, None)?;
        if answer.status == 404 {
            return Ok(None);
        }
        self.decode(operation, &answer.accepted()?).map(Some)
    }

    fn pages(
        &self,
        operation: &str,
        path: &str,
        select: &Select,
        take: &mut dyn FnMut(Envelope),
    ) -> Result<(), ApiError> {
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{joint}{ALL}{}", select.parameters());
        let mut page_path = path.clone();
        for _ in 0..PAGES_MAX {
            let answer = self.backend.send(operation, "GET", &page_path, None)?.accepted()?;
            let mut page: Envelope = self.decode(operation, &answer)?;
            let token = std::mem::take(&mut page.next_page_token);
            take(page);
            if token.is_empty() {
                return Ok(());
            }
            page_path = format!("{path}&nextPageToken={}", escaped(&token));
        }
        Err(self.backend.bad_answer(operation, &format!("more than {PAGES_MAX} pages")))
    }

    fn decode<T: DeserializeOwned>(&self, operation: &str, body: &[u8]) -> Result<T, ApiError> {
        json::decode(body).map_err(|e| self.backend.bad_answer(operation, &e))
    }

    fn unsendable(&self, operation: &str, cause: &json::JsonError) -> ApiError {
        ApiError::Unsendable { operation: operation.to_owned(), cause: cause.to_string() }
    }
}

/// Adds an item behind all that `precede` it. Servers list in order (contract §5), so it nearly always goes last.
fn insert<T>(items: &mut Vec<T>, item: T, precede: impl Fn(&T, &T) -> bool) {
    match items.last() {
        Some(last) if !precede(last, &item) => {
            let position = items.partition_point(|other| precede(other, &item));
            items.insert(position, item);
        }
        _ => items.push(item),
    }
}

/// Text as one part of a path or query: everything but letters, digits and a few harmless marks percent-encoded.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_put_in_order() {
        let mut items = Vec::new();
        for item in [2, 3, 1, 3, 0] {
            insert(&mut items, item, |a, b| a <= b);
        }
        assert_eq!(items, [0, 1, 2, 3, 3]);
    }

    #[test]
    fn names_are_safe_in_a_path() {
        assert_eq!(escaped("hello.service"), "hello.service");
        assert_eq!(escaped("foo@1.service"), "foo%401.service");
        assert_eq!(escaped("a:b\\x2d.mount"), "a%3Ab%5Cx2d.mount");
        assert_eq!(escaped("../?ö"), "..%2F%3F%C3%B6");
    }
}
