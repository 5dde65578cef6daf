//! The HTTP API's place in the agent: what `fleet_api` makes of requests, served without holding up the loops. Sockets
//! and bytes are `http`'s business.
//!
//! Everything of a request that asks the registry runs in one piece on the pool of blocking threads.

mod audit;
mod host;

use std::iter;

use cluster::TargetState;
use cluster::limits::API_WHOLE_BODY_MAX_BYTES;
use fleet_api::access::Identity;
use fleet_api::changes::{News, present};
use fleet_api::{Call, Done, Failure, Reply, Subject};
use smol::future::yield_now;
use smol::stream;

use crate::http::{Body, Method, Peer, Request, Response, Shown, Status};
use crate::metrics::CONTENT_TYPE;
use crate::pool;

pub use audit::{Audit, Verdict};
pub use host::{Host, NOT_CONNECTED, NotDone};

/// The path of the numbers for Prometheus; it has no prefix (contract §5.3).
const METRICS: &str = "metrics";

/// Pieces sent before other tasks of the agent get their turn; a beat must not wait for a list.
const PIECES_PER_TURN: usize = 32;

/// Answers one request of `peer`.
pub async fn answer(host: &impl Host, request: Request, peer: Peer) -> Response {
    let method = request.method.clone();
    let (subject, state, call) = {
        let asked = asked(request);
        let subject = Subject::of(&asked);
        if let Err(failure) = host.may(identity(&peer), asked.method) {
            tell(host, &peer, (&method, subject, None), Verdict::Denied, &failure.message);
            return refuse(&failure);
        }
        if asked.path == [METRICS] {
            return metrics(host, &method);
        }
        let call = Call::read(&asked, host.page_limit());
        (subject, call.as_ref().ok().and_then(Call::state), call)
    };
    let (verdict, outcome) = match (host.standing(), call) {
        (Err(message), call) if !matches!(call, Ok(Call::Adopt | Call::Copy(_))) => {
            (Verdict::Refused, Err(Failure::new(fleet_api::Status::ServiceUnavailable, message)))
        }
        (_, Err(failure)) => (Verdict::Refused, Err(failure)),
        (_, Ok(call)) => match carry_out(host, call).await {
            Ok(done) => (Verdict::Done, Ok(done)),
            Err(failure) => (Verdict::of(&failure), Err(failure)),
        },
    };
    let order = (&method, subject, state);
    match outcome {
        Ok(done) => {
            tell(host, &peer, order, verdict, done.deed.as_deref().unwrap_or_default());
            response(done.reply)
        }
        Err(failure) => {
            tell(host, &peer, order, verdict, &failure.message);
            refuse(&failure)
        }
    }
}

fn refuse(failure: &Failure) -> Response {
    Response::json(status(failure.status), failure.body())
}

/// Whom access is decided for. On a Unix socket the kernel decided by the socket's mode; a plain TCP address is open.
fn identity(peer: &Peer) -> Identity<'_> {
    match peer {
        Peer::Unix { .. } | Peer::Tcp(_) => Identity::Trusted,
        Peer::Tls { shown: Shown::Nothing, .. } => Identity::NoCertificate,
        Peer::Tls { shown: Shown::Unnamed, .. } => Identity::NoName,
        Peer::Tls { shown: Shown::Name(name), .. } => Identity::Named(name),
    }
}

/// Lets the operator know of an order and what became of it; questions are not told of.
fn tell(
    host: &impl Host,
    peer: &Peer,
    (method, subject, state): (&Method, Option<Subject>, Option<TargetState>),
    verdict: Verdict,
    words: &str,
) {
    if let Some(subject) = &subject {
        host.audit(&Audit { peer, method, subject, state, verdict, words });
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
        fleet_api::Status::Forbidden => Status::Forbidden,
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
