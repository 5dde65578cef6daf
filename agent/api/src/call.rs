//! A request read to its end, and its way to the registry. Reading is quick and asks nobody; a [`Task`] asks the store
//! and blocks.

use cluster::limits::STORE_NAME_MAX_BYTES;
use cluster::rehearse::Wish;
use cluster::standing::Freeze;
use cluster::{MachineId, TargetState, UnitName};
use registry::reads;
use registry::store::Store;

use super::changes::Changes;
use super::failure::Failure;
use super::list::List;
use super::message::Request;
use super::page::{self, Extent};
use super::patch::{self, Change};
use super::put::{self, UnitOrder};
use super::reads::Filter;
use super::reply::{Done, Reply};
use super::route::{Order, Question, Route};
use super::select::Select;
use super::status::Status;
use super::{events, explain, machines, rehearsal, states, units};

/// The API's description of itself (contract §5.2), with fleet's own texts.
pub(super) const DISCOVERY: &str = include_str!("discovery.json");

/// What a request comes to.
pub enum Call {
    /// The answer is there already.
    Ready(Reply),
    /// The registry has to be asked.
    Task(Task),
    /// Changes are to be waited for.
    Changes(Changes),
    /// The registry is to be taken over; only an agent can do that.
    Adopt,
    /// The registry is to be copied to the store of this name; only an agent can do that.
    Copy(String),
}

/// Something to be asked of the registry.
pub struct Task(Kind);

enum Kind {
    Machines(Select, Extent),
    Units(Select, Extent),
    States(Filter, Select, Extent),
    Unit { name: UnitName, lingering: bool },
    State(UnitName),
    Explain(UnitName),
    Events,
    Rehearsal(Vec<Wish>),
    PatchMachines(Vec<Change>),
    Drain { machine: MachineId, on: bool },
    PutUnit(UnitOrder),
    DeleteUnit(UnitName),
}

impl Call {
    /// Reads a request to a server whose pages hold `page_limit` objects.
    ///
    /// # Errors
    /// There is nothing like that, or it cannot be done whatever the registry holds.
    pub fn read(request: &Request, page_limit: u16) -> Result<Self, Failure> {
        let kind = match Route::of(request)? {
            Route::Ask(question) => return ask(question, request, page_limit),
            Route::Order(Order::PatchMachines) => Kind::PatchMachines(patch::read(&request.body)?),
            Route::Order(Order::Drain { machine, on }) => {
                let machine = MachineId::parse(&machine).map_err(|_| Failure::no_machine())?;
                Kind::Drain { machine, on }
            }
            Route::Order(Order::PutUnit(name)) => Kind::PutUnit(UnitOrder::read(&name, request)?),
            Route::Order(Order::DeleteUnit(name)) => Kind::DeleteUnit(known(&name, Failure::no_unit)?),
            Route::Order(Order::Adopt) => return Ok(Self::Adopt),
            Route::Order(Order::Copy) => return Ok(Self::Copy(target(request)?)),
        };
        Ok(Self::Task(Task(kind)))
    }

    /// What a unit is to become, where that is what is asked for.
    #[must_use]
    pub const fn state(&self) -> Option<TargetState> {
        match self {
            Self::Task(Task(Kind::PutUnit(order))) => order.desired(),
            _ => None,
        }
    }
}

fn ask(question: Question, request: &Request, page_limit: u16) -> Result<Call, Failure> {
    let extent = || Extent::asked(request, page_limit);
    let select = || Select::read(request);
    let kind = match question {
        Question::Discovery => return Ok(Call::Ready(Reply::Json(Status::Ok, DISCOVERY.to_owned()))),
        Question::Changes => return Ok(Call::Changes(Changes::read(request)?)),
        Question::Machines => Kind::Machines(select()?, extent()?),
        Question::Units => Kind::Units(select()?, extent()?),
        Question::States => match (states::filter(request), select()?, extent()?) {
            (Some(filter), select, extent) => Kind::States(filter, select, extent),
            (None, ..) => return Ok(Call::Ready(Reply::List(List::empty("states")))),
        },
        Question::Unit(name) => {
            let lingering = request.parameter("lingering").any(page::is_yes);
            Kind::Unit { name: known(&name, Failure::no_unit)?, lingering }
        }
        Question::State(name) => Kind::State(known(&name, states::no_state)?),
        Question::Explain(name) => Kind::Explain(known(&name, Failure::no_unit)?),
        Question::Events => Kind::Events,
        Question::Rehearsal => Kind::Rehearsal(rehearsal::read(&request.body)?),
    };
    Ok(Call::Task(Task(kind)))
}

impl Task {
    /// Asks the registry, or changes it.
    ///
    /// # Errors
    /// It was refused, or nobody knows what became of it ([`Failure::is_open`]).
    pub fn run(self, store: &dyn Store) -> Result<Done, Failure> {
        let reply = match self.0 {
            Kind::Machines(select, extent) => machines::list(store, &select, extent),
            Kind::Units(select, extent) => units::list(store, &select, extent),
            Kind::States(filter, select, extent) => states::list(store, &filter, &select, extent),
            Kind::Unit { name, lingering: true } => units::lingering(store, &name),
            Kind::Unit { name, lingering: false } => units::one(store, &name),
            Kind::State(name) => states::one(store, name),
            Kind::Explain(name) => explain::explain(store, &name),
            Kind::Events => events::list(store),
            Kind::Rehearsal(wishes) => rehearsal::answer(store, &wishes),
            Kind::PatchMachines(changes) => return kept(store, patch::apply(store, &changes)?),
            Kind::Drain { machine, on } => return kept(store, machines::drain(store, &machine, on)?),
            Kind::PutUnit(order) => return kept(store, put::put(store, &order)?),
            Kind::DeleteUnit(name) => return kept(store, units::destroy(store, &name)?),
        };
        reply.map(Done::from)
    }
}

/// A change counts only if the registry was not on its way to another store before it: what is written later may be
/// missing there. Asked after the write, since nobody can hold the registry still from before it.
fn kept(store: &dyn Store, done: Done) -> Result<Done, Failure> {
    match reads::transit(store)? {
        None => Ok(done),
        Some(transit) => {
            Err(Failure::new(Status::ServiceUnavailable, Freeze::InTransit(transit).to_string()))
        }
    }
}

/// The store that `?to=` names.
fn target(request: &Request) -> Result<String, Failure> {
    let name = request.parameter("to").next().unwrap_or_default();
    match name.len() {
        0 => Err(Failure::bad_request("to= is missing: the URLs of an etcd, or a folder")),
        1..=STORE_NAME_MAX_BYTES => Ok(name.to_owned()),
        _ => Err(Failure::bad_request(format!("to= has more than {STORE_NAME_MAX_BYTES} bytes"))),
    }
}

/// A unit's name from the path; what cannot be a name is not there.
fn known(name: &str, missing: fn() -> Failure) -> Result<UnitName, Failure> {
    UnitName::parse(name).map_err(|_| missing())
}
