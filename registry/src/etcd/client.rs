//! Requests to one of several endpoints: who is asked, for how long, and who is asked next when that fails. What the
//! answers mean to a store is not known here.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use cluster::limits::{HTTP_BUFFER_BYTES, REGISTRY_IDLE_CONNECTIONS_MAX};
use ureq::http::request::Builder;
use ureq::http::{self, HeaderValue, Response};
use ureq::{Agent, AsSendBody, Body};

use super::answer::{self, Answer};
use super::connection::Wire;
use super::failure::{Failure, Stage};
use super::request::{Extent, Request};
use super::settings::{Credentials, Endpoint, Settings, SettingsError};
use crate::store::StoreErrorKind;

/// The longest that a whole tree may take to arrive.
const TREE_MAX: Duration = Duration::from_secs(60);
/// Idle connections outlive any beat; the system's keep-alive says when one is dead.
const IDLE_MAX: Duration = Duration::from_secs(3600);
/// Room for a header in one buffer.
const HEADER_MAX_BYTES: usize = HTTP_BUFFER_BYTES - 1;

/// Who talks to etcd for an [`super::Etcd`].
pub(super) struct Client {
    endpoints: Vec<Endpoint>,
    /// The endpoint asked first: the one that answered last.
    preferred: AtomicUsize,
    authorization: Option<HeaderValue>,
    request_timeout: Duration,
    poll_timeout: Duration,
    wire: Wire,
    requests: Agent,
    polls: Mutex<Polls>,
}

/// The long polls of now; each interruption begins a new set.
struct Polls {
    agent: Agent,
    generation: u64,
}

/// Whether it does harm to ask twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeat {
    /// A read: another endpoint may be asked whatever happened.
    Harmless,
    /// A write: only as long as nothing of it was sent.
    Unsafe,
}

impl Client {
    pub(super) fn new(settings: &Settings) -> Result<Self, SettingsError> {
        if settings.request_timeout.is_zero() || settings.poll_timeout.is_zero() {
            return Err(SettingsError::ZeroTimeout);
        }
        let endpoints = settings.endpoints.as_slice().to_vec();
        let wire = Wire::new(&endpoints, settings)?;
        let requests = agent(&wire, settings.request_timeout, Limits::Requests);
        let polls = agent(&wire, settings.request_timeout, Limits::Polls(settings.poll_timeout));
        Ok(Self {
            endpoints,
            preferred: AtomicUsize::new(0),
            authorization: authorization(settings)?,
            request_timeout: settings.request_timeout,
            poll_timeout: settings.poll_timeout,
            wire,
            requests,
            polls: Mutex::new(Polls { agent: polls, generation: 0 }),
        })
    }

    /// The endpoint that will be asked next.
    pub(super) fn endpoint(&self) -> &str {
        let preferred = self.preferred.load(Ordering::Relaxed);
        self.endpoints.get(preferred).map_or("", Endpoint::as_str)
    }

    /// Sends a request and hands its answer to `handle`.
    pub(super) fn call<T>(
        &self,
        request: &Request,
        repeat: Repeat,
        handle: impl FnOnce(Answer) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.ask(&self.requests, request, repeat, &|| false, handle)
    }

    /// As [`Client::call`] for a long poll. An interruption turns any error into [`StoreErrorKind::Interrupted`].
    pub(super) fn poll<T>(
        &self,
        request: &Request,
        handle: impl FnOnce(Answer) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (agent, generation) = {
            let polls = self.polls();
            (polls.agent.clone(), polls.generation)
        };
        let interrupted = || self.polls().generation != generation;
        self.ask(&agent, request, Repeat::Harmless, &interrupted, handle)
    }

    /// Ends the long polls that wait now.
    pub(super) fn interrupt(&self) {
        let fresh = agent(&self.wire, self.request_timeout, Limits::Polls(self.poll_timeout));
        let old = {
            let mut polls = self.polls();
            polls.generation += 1;
            core::mem::replace(&mut polls.agent, fresh)
        };
        old.shutdown();
    }

    fn polls(&self) -> MutexGuard<'_, Polls> {
        self.polls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<T>(
        &self,
        agent: &Agent,
        request: &Request,
        repeat: Repeat,
        interrupted: &dyn Fn() -> bool,
        handle: impl FnOnce(Answer) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let (position, answer) = self.first_answer(agent, request, repeat, interrupted)?;
        // This answer counts, however it goes on: part of it may already have been handed out.
        handle(answer).map_err(|failure| {
            if interrupted() {
                return interruption();
            }
            if failure.stage != Stage::Answered {
                self.prefer_after(position);
            }
            let mut all = Failure::answered(failure.kind, String::new());
            all.add(self.endpoints.get(position).map_or("", Endpoint::as_str), &failure);
            all
        })
    }

    /// Asks each endpoint at most once, the preferred one first, until one answers.
    fn first_answer(
        &self,
        agent: &Agent,
        request: &Request,
        repeat: Repeat,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<(usize, Answer), Failure> {
        let first = self.preferred.load(Ordering::Relaxed);
        let mut all = Failure::new(StoreErrorKind::Unreachable, Stage::NotSent, String::new());
        for turn in 0..self.endpoints.len() {
            let position = (first + turn) % self.endpoints.len();
            let Some(endpoint) = self.endpoints.get(position) else { continue };
            let failure = match self.attempt(agent, endpoint, request, repeat) {
                Ok(answer) => return Ok((position, answer)),
                Err(_) if interrupted() => return Err(interruption()),
                Err(failure) => failure,
            };
            all.add(endpoint.as_str(), &failure);
            if failure.stage == Stage::Answered && failure.kind != StoreErrorKind::Server {
                break;
            }
            self.prefer_after(position);
            if repeat == Repeat::Unsafe && failure.stage != Stage::NotSent {
                break;
            }
        }
        Err(all)
    }

    /// The next call begins with the endpoint after a failed one, unless another thread has moved on already.
    fn prefer_after(&self, position: usize) {
        let next = (position + 1) % self.endpoints.len();
        let _ = self.preferred.compare_exchange(position, next, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// One endpoint. A kept connection can be closed by the other side in the very moment it is used again; for a read
    /// that is no reason to fail, it is done once more on a fresh one.
    fn attempt(
        &self,
        agent: &Agent,
        endpoint: &Endpoint,
        request: &Request,
        repeat: Repeat,
    ) -> Result<Answer, Failure> {
        let result = self.send(agent, endpoint, request, Connection::AnyIdle);
        let result = match result {
            Err(ref failure) if failure.stage == Stage::Broken && repeat == Repeat::Harmless => {
                self.send(agent, endpoint, request, Connection::Fresh)
            }
            result => result,
        };
        answer::sort(result?, request.extent)
    }

    fn send(
        &self,
        agent: &Agent,
        endpoint: &Endpoint,
        request: &Request,
        connection: Connection,
    ) -> Result<Response<Body>, Failure> {
        let mut builder = http::Request::builder()
            .method(request.method.as_str())
            .uri(format!("{endpoint}{}", request.target));
        if let Some(authorization) = &self.authorization {
            builder = builder.header(http::header::AUTHORIZATION, authorization);
        }
        let response = if request.form.is_empty() {
            self.run(agent, request.extent, connection, builder, ())
        } else {
            builder = builder.header(http::header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            self.run(agent, request.extent, connection, builder, request.form.as_str())
        };
        response.map_err(Failure::of_request)
    }

    fn run(
        &self,
        agent: &Agent,
        extent: Extent,
        connection: Connection,
        builder: Builder,
        body: impl AsSendBody,
    ) -> Result<Response<Body>, ureq::Error> {
        let request = builder.body(body)?;
        if extent != Extent::Tree && connection == Connection::AnyIdle {
            return agent.run(request);
        }
        let mut config = agent.configure_request(request);
        if connection == Connection::Fresh {
            config = config.max_idle_age(Duration::ZERO);
        }
        if extent == Extent::Tree {
            let limit = Some(self.request_timeout);
            config = config.timeout_global(None).timeout_per_read(limit).timeout_recv_body(Some(TREE_MAX));
        }
        agent.run(config.build())
    }
}

/// Which connection a request goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Connection {
    AnyIdle,
    Fresh,
}

/// What bounds the calls of an agent.
enum Limits {
    /// The request time-out, from the first byte to the last.
    Requests,
    /// The request time-out until an answer begins, this long until it ends.
    Polls(Duration),
}

fn agent(wire: &Wire, request_timeout: Duration, limits: Limits) -> Agent {
    let each = Some(request_timeout);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .user_agent(concat!("skiff/", env!("CARGO_PKG_VERSION")))
        .accept("")
        .max_response_header_size(HEADER_MAX_BYTES)
        .max_idle_age(IDLE_MAX)
        .max_idle_connections(REGISTRY_IDLE_CONNECTIONS_MAX)
        .max_idle_connections_per_host(REGISTRY_IDLE_CONNECTIONS_MAX)
        .timeout_resolve(each)
        .timeout_connect(each)
        .timeout_send_request(each)
        .timeout_send_body(each)
        .timeout_recv_response(each);
    let config = match limits {
        Limits::Requests => config.timeout_global(each),
        Limits::Polls(poll_timeout) => config.timeout_recv_body(Some(poll_timeout)),
    };
    Agent::with_parts(config.build(), wire.clone(), wire.names.clone())
}

fn interruption() -> Failure {
    Failure::answered(StoreErrorKind::Interrupted, "interrupted".to_owned())
}

fn authorization(settings: &Settings) -> Result<Option<HeaderValue>, SettingsError> {
    let Some(Credentials { username, password }) = &settings.credentials else { return Ok(None) };
    if username.contains(':') {
        return Err(SettingsError::BadUsername);
    }
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    let mut value =
        HeaderValue::try_from(format!("Basic {encoded}")).map_err(|_| SettingsError::BadUsername)?;
    value.set_sensitive(true);
    Ok(Some(value))
}
