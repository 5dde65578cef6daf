//! The HTTP API's place in the agent: what `fleet_api` makes of requests, served without holding up the loops. Sockets
//! and bytes are `http`'s business.
//!
//! Everything of a request that asks the registry runs in one piece on the pool of blocking threads.

mod host;

use std::iter;

use cluster::limits::API_WHOLE_BODY_MAX_BYTES;
use fleet_api::changes::{News, present};
use fleet_api::{Call, Done, Failure, Reply};
use smol::future::yield_now;
use smol::stream;

use crate::http::{Body, Method, Peer, Request, Response, Status};
use crate::metrics::CONTENT_TYPE;
use crate::pool;

pub use host::{Audit, Host, NOT_CONNECTED, NotDone};

/// The path of the numbers for Prometheus; it has no prefix (contract §5.3).
const METRICS: &str = "metrics";

/// Pieces sent before other tasks of the agent get their turn; a beat must not wait for a list.
const PIECES_PER_TURN: usize = 32;

/// Answers one request of `peer`.
pub async fn answer(host: &impl Host, request: Request, peer: Peer) -> Response {
    if request.path == [METRICS] {
        return metrics(host, &request.method);
    }
    let name = format!("{} {}", request.method, request.target);
    let is_order = request.method != Method::Get;
    let call = Call::read(&asked(request), host.page_limit());
    if let Err(message) = host.standing()
        && !matches!(call, Ok(Call::Adopt | Call::Copy(_)))
    {
        return Response::error(Status::ServiceUnavailable, &message);
    }
    let outcome = match call {
        Ok(call) => carry_out(host, call).await,
        Err(failure) => Err(failure),
    };
    tell(host, peer, is_order.then_some(&name), &outcome);
    match outcome {
        Ok(done) => response(done.reply),
        Err(failure) => Response::json(status(failure.status), failure.body()),
    }
}

fn asked(request: Request) -> fleet_api::Request {
    let Request { method, path, query, content_types, body, .. } = request;
    let method = fleet_api::Method::parse(method.as_str());
    fleet_api::Request { method, path, query, content_types, body }
}

const fn status(status: fleet_api::Status) -> Status {
    match status {
        fleet_api::Status::Ok => Status::Ok,
        fleet_api::Status::Created => Status::Created,
        fleet_api::Status::NoContent => Status::NoContent,
        fleet_api::Status::BadRequest => Status::BadRequest,
        fleet_api::Status::NotFound => Status::NotFound,
        fleet_api::Status::MethodNotAllowed => Status::MethodNotAllowed,
        fleet_api::Status::Conflict => Status::Conflict,
        fleet_api::Status::UnsupportedMediaType => Status::UnsupportedMediaType,
        fleet_api::Status::InternalServerError => Status::InternalServerError,
        fleet_api::Status::NotImplemented => Status::NotImplemented,
        fleet_api::Status::ServiceUnavailable => Status::ServiceUnavailable,
    }
}

/// Answered in every standing: a machine that is cut off is the one to look at.
fn metrics(host: &impl Host, method: &Method) -> Response {
    match (method, host.metrics()) {
        (_, None) => Response::error(Status::NotFound, ""),
        (Method::Get | Method::Head, Some(page)) => Response {
            status: Status::Ok,
            headers: vec![("Content-Type", CONTENT_TYPE.to_owned())],
            body: Body::Bytes(page.into_bytes()),
        },
        (_, Some(_)) => Response::error(Status::MethodNotAllowed, "only GET supported against this resource"),
    }
}

async fn carry_out(host: &impl Host, call: Call) -> Result<Done, Failure> {
    match call {
        Call::Ready(reply) => Ok(reply.into()),
        Call::Task(task) => {
            let store = host.store();
            pool::unblock(move || task.run(&*store)).await
        }
        Call::Changes(changes) => {
            let (index, news) = match changes.after {
                Some(after) => host.desk().wait(&changes, after).await?,
                None => {
                    let store = host.store();
                    (pool::unblock(move || present(&*store)).await?, News::None)
                }
            };
            Ok(news.reply(index)?.into())
        }
        Call::Adopt => {
            Ok(Done { reply: said(host.adopt().await)?, deed: Some("adopt the registry".to_owned()) })
        }
        Call::Copy(to) => {
            let deed = format!("copy the registry to {to}");
            Ok(Done { reply: said(host.copy(to).await)?, deed: Some(deed) })
        }
    }
}

fn said(end: Result<String, NotDone>) -> Result<Reply, Failure> {
    let message = end.map_err(|not_done| match not_done {
        NotDone::Refused(why) => Failure::new(fleet_api::Status::Conflict, why),
        NotDone::NoAnswer(why) => Failure::new(fleet_api::Status::ServiceUnavailable, why),
    })?;
    Reply::said(message)
}

fn response(reply: Reply) -> Response {
    match reply {
        Reply::Empty(code) => Response::empty(status(code)),
        // fleet's server knew the length of short bodies only, and sent the others in chunks.
        Reply::Json(code, text) if text.len() > API_WHOLE_BODY_MAX_BYTES => {
            Response::json_pieces(status(code), iter::once(text.into_bytes()))
        }
        Reply::Json(code, text) => Response::json(status(code), text),
        list @ Reply::List(_) => {
            let pieces = stream::unfold((list.pieces(), 1), |(mut pieces, turn)| async move {
                let piece = pieces.next()?;
                if turn % PIECES_PER_TURN == 0 {
                    yield_now().await;
                }
                Some((Ok(piece.into_bytes()), (pieces, turn + 1)))
            });
            Response::json_stream(Status::Ok, Box::pin(pieces))
        }
    }
}

/// Lets the operator know of a change, and of an order that may have changed something before it failed.
fn tell(host: &impl Host, peer: Peer, order: Option<&String>, outcome: &Result<Done, Failure>) {
    match outcome {
        Ok(Done { deed: Some(deed), .. }) => host.audit(&Audit { peer, deed, outcome: Ok(()) }),
        Err(failure) if failure.is_open() => {
            if let Some(deed) = order {
                host.audit(&Audit { peer, deed, outcome: Err(&failure.message) });
            }
        }
        Ok(_) | Err(_) => {}
    }
}
