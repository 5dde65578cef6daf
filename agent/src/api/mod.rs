//! The HTTP API v1: from a request to a response (contract §5 and Skiff's additions). Sockets and bytes are `http`'s
//! business, what units and machines are `cluster`'s, how they are kept `registry`'s.
//!
//! ```text
//! answer ── route ─┬─ units ── view      objects from the registry's records
//!                  ├─ states, machines, explain, rehearsal
//!                  ├─ put, patch         orders, read and checked
//!                  └─ reply ── list ── wire
//! ```
//!
//! Everything of a route that asks the registry runs in one piece on the pool of blocking threads.

mod explain;
mod failure;
mod host;
mod list;
mod machines;
mod page;
mod patch;
mod put;
mod reads;
mod rehearsal;
mod reply;
mod route;
mod states;
mod units;
mod view;
mod wire;

use cluster::{MachineId, UnitName};
use registry::store::Store;

use crate::http::{Peer, Request, Response, Status};
use crate::pool;

use failure::Failure;
use list::List;
use page::Extent;
use put::UnitOrder;
use reply::{Done, Reply};
use route::{Order, Question, Route};
use wire::Said;

pub use host::{Audit, Host, NOT_CONNECTED, NotAdopted};

/// The API's description of itself (contract §5.2), with fleet's own texts.
const DISCOVERY: &str = include_str!("discovery.json");

/// Answers one request of `peer`.
pub async fn answer(host: &impl Host, request: Request, peer: Peer) -> Response {
    let route = Route::of(&request);
    if let Err(message) = host.standing()
        && route != Ok(Route::Order(Order::Adopt))
    {
        return Response::error(Status::ServiceUnavailable, &message);
    }
    let outcome = match route {
        Ok(Route::Ask(question)) => ask(host, question, &request).await,
        Ok(Route::Order(order)) => {
            let outcome = carry_out(host, order, &request).await;
            tell(host, peer, &request, &outcome);
            outcome.map(|done| done.reply)
        }
        Err(failure) => Err(failure),
    };
    outcome.map_or_else(Failure::into_response, Reply::into_response)
}

async fn ask(host: &impl Host, question: Question, request: &Request) -> Result<Reply, Failure> {
    match question {
        Question::Discovery => Ok(Reply::Json(Status::Ok, DISCOVERY.to_owned())),
        Question::Machines => {
            let extent = Extent::asked(request, host.page_limit())?;
            work(host, move |store| machines::list(store, extent)).await
        }
        Question::Units => {
            let extent = Extent::asked(request, host.page_limit())?;
            work(host, move |store| units::list(store, extent)).await
        }
        Question::States => {
            let extent = Extent::asked(request, host.page_limit())?;
            let Some(filter) = states::filter(request) else { return Ok(Reply::List(List::empty("states"))) };
            work(host, move |store| states::list(store, &filter, extent)).await
        }
        Question::Unit(name) => {
            let name = known(&name, Failure::no_unit)?;
            let lingering = request.parameter("lingering").any(page::is_yes);
            work(host, move |store| match lingering {
                true => units::lingering(store, &name),
                false => units::one(store, &name),
            })
            .await
        }
        Question::State(name) => {
            let name = known(&name, states::no_state)?;
            work(host, move |store| states::one(store, name)).await
        }
        Question::Explain(name) => {
            let name = known(&name, Failure::no_unit)?;
            work(host, move |store| explain::explain(store, &name)).await
        }
        Question::Rehearsal => {
            let wishes = rehearsal::read(&request.body)?;
            work(host, move |store| rehearsal::answer(store, &wishes)).await
        }
    }
}

async fn carry_out(host: &impl Host, order: Order, request: &Request) -> Result<Done, Failure> {
    match order {
        Order::PatchMachines => {
            let changes = patch::read(&request.body)?;
            work(host, move |store| patch::apply(store, &changes)).await
        }
        Order::Drain { machine, on } => {
            let id = MachineId::parse(&machine).map_err(|_| Failure::no_machine())?;
            work(host, move |store| machines::drain(store, &id, on)).await
        }
        Order::PutUnit(name) => {
            let order = UnitOrder::read(&name, request)?;
            work(host, move |store| put::put(store, &order)).await
        }
        Order::DeleteUnit(name) => {
            let name = known(&name, Failure::no_unit)?;
            work(host, move |store| units::destroy(store, &name)).await
        }
        Order::Adopt => {
            let message = host.adopt().await.map_err(|not_adopted| match not_adopted {
                NotAdopted::Refused(why) => Failure::new(Status::Conflict, why),
                NotAdopted::NoAnswer(why) => Failure::new(Status::ServiceUnavailable, why),
            })?;
            let reply = Reply::object(Status::Ok, &Said { message })?;
            Ok(Done { reply, deed: "adopt the registry".to_owned() })
        }
    }
}

/// A unit's name from the path; what cannot be a name is not there.
fn known(name: &str, missing: fn() -> Failure) -> Result<UnitName, Failure> {
    UnitName::parse(name).map_err(|_| missing())
}

/// Runs blocking work with the store on the pool.
async fn work<T: Send + 'static>(host: &impl Host, run: impl FnOnce(&dyn Store) -> T + Send + 'static) -> T {
    let store = host.store();
    pool::unblock(move || run(&*store)).await
}

/// Lets the operator know of a change, and of an order that may have changed something before it failed.
fn tell(host: &impl Host, peer: Peer, request: &Request, outcome: &Result<Done, Failure>) {
    match outcome {
        Ok(done) => host.audit(&Audit { peer, deed: &done.deed, outcome: Ok(()) }),
        Err(failure) if failure.is_open() => {
            let deed = format!("{} {}", request.method, request.target);
            host.audit(&Audit { peer, deed: &deed, outcome: Err(&failure.message) });
        }
        Err(_) => {}
    }
}

#[cfg(test)]
mod tests;
