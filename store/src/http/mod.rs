//! The store's HTTP face: etcd's v2 API over the engine. What a request asks is read in `question`, what etcd says about
//! itself is in `about`; answers are worded in `crate::json`.

mod about;
#[cfg(feature = "fuzz")]
pub(crate) mod fuzz;
mod question;
mod target;

use std::sync::Arc;
use std::time::Duration;

use http_server::{Body, Limits, Method, Request, Response, Status};
use smol::stream;

use crate::engine::{Engine, Watching};
use crate::json;
use crate::keyspace::{Action, Code, Event, Refusal};
use question::{Question, Write};
use target::Form;

const KEYS: &str = "/v2/keys";
/// Answers up to this many bytes are sent whole, longer ones in chunks, as Go's server does.
const WHOLE_BODY_MAX_BYTES: usize = 2048;
/// Largest request that is taken.
const BODY_MAX_BYTES: usize = 2 * 1024 * 1024;

/// What is served, and under which address others reach it.
pub struct Face {
    engine: Engine,
    client_url: String,
}

/// The bounds of a server for a [`Face`]: many clients that wait long, and targets that are the face's to read.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        connections: 2048,
        splits_targets: false,
        target_bytes: 64 * 1024,
        head_bytes: 128 * 1024,
        body_bytes: BODY_MAX_BYTES,
        bodies_bytes: 8 * BODY_MAX_BYTES,
        idle_time: Duration::from_secs(300),
        drain_time: Duration::from_secs(1),
        ..Limits::default()
    }
}

impl Face {
    /// A face of a store that others reach at `client_url`.
    #[must_use]
    pub fn new(engine: Engine, client_url: String) -> Self {
        Self { engine, client_url }
    }

    /// The answer to one request.
    pub async fn answer(&self, request: Request) -> Response {
        let Some(target) = target::parse(&request.target) else {
            return text(Status::BadRequest, "400 Bad Request");
        };
        let response = if request.method == Method::Options {
            Response::empty(Status::Ok)
        } else if target::canonical(&target.path) != target.path {
            moved(&request.method, &target)
        } else {
            self.route(&request, &target).await
        };
        response
            .with_header("Access-Control-Allow-Headers", "accept, content-type, authorization")
            .with_header("Access-Control-Allow-Methods", "POST, GET, OPTIONS, PUT, DELETE")
            .with_header("Access-Control-Allow-Origin", "*")
    }

    async fn route(&self, request: &Request, target: &target::Target<'_>) -> Response {
        match target.path.strip_prefix(KEYS) {
            Some(key) if key.is_empty() || key.starts_with('/') => {
                if let Some(refused) = not_one_of(&request.method, "HEAD,GET,PUT,POST,DELETE") {
                    return refused;
                }
                self.keys(request, key, target.query)
                    .await
                    .with_header("X-Etcd-Cluster-Id", self.cluster_id())
            }
            _ => self.about(request, &target.path),
        }
    }

    fn cluster_id(&self) -> String {
        format!("{:x}", self.engine.read(|keyspace, _| keyspace.cluster()))
    }

    async fn keys(&self, request: &Request, key: &str, query: &str) -> Response {
        let form = Form::of(request, query).map_err(|cause| Refusal::of_request(Code::InvalidForm, cause));
        let question = form.and_then(|form| question::read(&request.method, key, &form));
        let answered = match question {
            Ok(Question::Get { path, is_recursive }) => self.get(&path, is_recursive),
            Ok(Question::Watch(watch)) => {
                let is_stream = watch.is_stream;
                self.engine.watch(watch).map(|watching| live(watching, is_stream))
            }
            Ok(Question::Write(write)) => self.write(write).await,
            Err(refusal) => Err(refusal),
        };
        answered.unwrap_or_else(|refusal| refused(&refusal))
    }

    fn get(&self, path: &str, is_recursive: bool) -> Result<Response, Refusal> {
        self.engine.read(|keyspace, now| {
            let index = keyspace.index();
            let body = json::listing(path, keyspace.get(path)?, is_recursive, now);
            Ok(indexed(sized(Status::Ok, body), index))
        })
    }

    async fn write(&self, write: Write) -> Result<Response, Refusal> {
        let is_brief = write.is_brief;
        let answered = self.engine.submit(|now| write.at(now));
        let closed = |_| Err(Refusal::of_request(Code::Internal, "the store is being closed"));
        let event: Arc<Event> = answered.recv().await.unwrap_or_else(closed)?;
        let status = if event.has_created() { Status::Created } else { Status::Ok };
        let is_removal = matches!(event.action, Action::Delete | Action::CompareAndDelete);
        Ok(indexed(sized(status, json::event(&event, is_brief && !is_removal)), event.node.modified))
    }
}

/// The events of a watch as they come.
fn live(watching: Watching, is_stream: bool) -> Response {
    let index = watching.index;
    let events = stream::unfold(Some(watching), move |watching| async move {
        let watching = watching?;
        let event = watching.events.recv().await.ok()?;
        let text = json::event(&event, false).into_bytes();
        Some((Ok(text), is_stream.then_some(watching)))
    });
    let mut response = Response::json(Status::Ok, Vec::new());
    response.body = Body::Live(Box::pin(events));
    indexed(response, index)
}

fn sized(status: Status, body: String) -> Response {
    if body.len() <= WHOLE_BODY_MAX_BYTES {
        return Response::json(status, body);
    }
    Response::json_pieces(status, std::iter::once(body.into_bytes()))
}

/// The store's index, and what passes for that of a consensus in which nobody else takes part.
fn indexed(response: Response, index: u64) -> Response {
    response
        .with_header("X-Etcd-Index", index.to_string())
        .with_header("X-Raft-Index", (index + 1).to_string())
        .with_header("X-Raft-Term", "2")
}

fn refused(refusal: &Refusal) -> Response {
    let status = match refusal.code {
        Code::KeyNotFound => Status::NotFound,
        Code::NotFile | Code::DirNotEmpty => Status::Forbidden,
        Code::TestFailed | Code::NodeExist => Status::PreconditionFailed,
        Code::Internal => Status::InternalServerError,
        _ => Status::BadRequest,
    };
    sized(status, json::refusal(refusal)).with_header("X-Etcd-Index", refusal.index.to_string())
}

/// Plain text, as Go's server gives it for what it refuses itself.
fn text(status: Status, body: &str) -> Response {
    let mut response = Response::empty(status).with_header("Content-Type", "text/plain; charset=utf-8");
    response.body = Body::Bytes(body.as_bytes().to_vec());
    response
}

fn error(status: Status, body: &str) -> Response {
    text(status, body).with_header("X-Content-Type-Options", "nosniff")
}

/// The refusal of a method that is not among those allowed.
fn not_one_of(method: &Method, allowed: &'static str) -> Option<Response> {
    if allowed.split(',').any(|one| one == method.as_str()) {
        return None;
    }
    Some(error(Status::MethodNotAllowed, "Method Not Allowed\n").with_header("Allow", allowed))
}

fn moved(method: &Method, target: &target::Target<'_>) -> Response {
    let mut location = target::encode(&target::canonical(&target.path));
    if !target.query.is_empty() {
        location.push('?');
        location.push_str(target.query);
    }
    let mut response = Response::empty(Status::MovedPermanently);
    if matches!(method, Method::Get | Method::Head) {
        let escaped = location
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&#34;")
            .replace('\'', "&#39;");
        response = response.with_header("Content-Type", "text/html; charset=utf-8");
        let body = format!("<a href=\"{escaped}\">Moved Permanently</a>.\n\n");
        response.body = Body::Bytes(body.into_bytes());
    }
    response.with_header("Location", location)
}
