//! Requests and answers: one ureq agent that keeps its connections, follows no redirect, asks no proxy and reads no
//! more than it should. What is asked is `api`'s business.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cluster::json;
use cluster::limits::API_ANSWER_MAX_BYTES;
use ureq::http::{Request, Response};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{NextTimeout, TcpConnector};
use ureq::{Agent, Body};

use super::endpoint::Endpoint;
use super::error::{ApiError, network_advice, socket_advice, tunnel_advice};
#[cfg(feature = "tls")]
use super::tls::agent as https_agent;
use super::unix_socket::{NoResolver, TunnelConnector, UnixConnector};
use super::wire::Envelope;
use crate::remote::Tunnel;
use crate::talk;

/// How long one request may take unless told otherwise.
const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Sizes of a connection's two buffers: lists come in, names and single units go out.
const INPUT_BUFFER_BYTES: usize = 64 * 1024;
const OUTPUT_BUFFER_BYTES: usize = 4096;
/// One connection kept for each lane (`lanes`).
const KEPT_CONNECTIONS: usize = 8;
/// Every path begins with it (contract §5).
const PREFIX: &str = "/fleet/v1/";

/// What the flags say about connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// `--request-timeout`.
    pub(crate) request_timeout: Option<Duration>,
    /// `--key-file`.
    pub(crate) key_file: Option<String>,
    /// `--cert-file`.
    pub(crate) cert_file: Option<String>,
    /// `--ca-file`.
    pub(crate) ca_file: Option<String>,
    /// `--insecure-skip-verify`.
    pub(crate) insecure: bool,
    /// `--debug`.
    pub(crate) debug: bool,
}

/// A way to the API.
#[derive(Debug)]
pub(crate) struct Connection {
    agent: Agent,
    endpoint: Endpoint,
    tunnel: Option<Arc<Tunnel>>,
    debug: bool,
}

/// Status and body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    body: Vec<u8>,
    endpoint: String,
}

impl Answer {
    pub(super) const fn new(status: u16, body: Vec<u8>, endpoint: String) -> Self {
        Self { status, body, endpoint }
    }

    /// The server's own words in a refusal; may be empty.
    pub(super) fn complaint(&self) -> String {
        json::decode::<Envelope>(&self.body).map(|refusal| refusal.error.message).unwrap_or_default()
    }

    /// The body of an answer that is no refusal.
    pub(super) fn accepted(self) -> Result<Vec<u8>, ApiError> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        let message = self.complaint();
        match self.status {
            503 => Err(ApiError::Unavailable { endpoint: self.endpoint, message: or_status(message, 503) }),
            status => Err(ApiError::Refused { status, message: or_status(message, status) }),
        }
    }
}

fn or_status(message: String, status: u16) -> String {
    if message.is_empty() { format!("the server answered with status {status} only") } else { message }
}

impl Connection {
    /// Prepares connections, through `tunnel` if there is one; none is made yet.
    ///
    /// # Errors
    /// A TLS file is wrong; the text says what.
    pub(crate) fn prepare(
        endpoint: Endpoint,
        settings: &Settings,
        tunnel: Option<Arc<Tunnel>>,
    ) -> Result<Self, String> {
        let agent = agent(&endpoint, settings, tunnel.as_ref())?;
        Ok(Self { agent, endpoint, tunnel, debug: settings.debug })
    }

    /// Sends one request below [`PREFIX`] and reads the whole answer. A refusal is an answer.
    pub(super) fn send(
        &self,
        operation: &str,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Answer, ApiError> {
        let url = format!("{}{PREFIX}{path}", self.endpoint.base_url());
        let request = Request::builder().method(method).uri(&url);
        let sent = match body {
            Some(body) => {
                let request = request.header("Content-Type", "application/json").body(body);
                request.map_err(ureq::Error::from).and_then(|request| self.agent.run(request))
            }
            None => request.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request)),
        };
        let answer = sent.and_then(|response| self.read(response));
        if self.debug {
            let outcome = answer.as_ref().map_or_else(ToString::to_string, |a| a.status.to_string());
            talk::debug(&format!("{method} {url}: {outcome}"));
        }
        answer.map_err(|e| self.unreachable(operation, &e))
    }

    /// Where the API is, for messages.
    fn place(&self) -> String {
        match &self.tunnel {
            Some(tunnel) => format!("{} through {tunnel}", self.endpoint),
            None => self.endpoint.to_string(),
        }
    }

    fn read(&self, mut response: Response<Body>) -> Result<Answer, ureq::Error> {
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(API_ANSWER_MAX_BYTES).read_to_vec()?;
        Ok(Answer { status, body, endpoint: self.place() })
    }

    fn unreachable(&self, operation: &str, cause: &ureq::Error) -> ApiError {
        let (operation, endpoint) = (operation.to_owned(), self.place());
        match (cause, &self.endpoint) {
            (ureq::Error::Io(e), _) if self.tunnel.is_some() => {
                ApiError::Unreachable { operation, endpoint, cause: tunnel_advice(e) }
            }
            (ureq::Error::Io(e), Endpoint::Unix(_)) => {
                ApiError::Unreachable { operation, endpoint, cause: socket_advice(e) }
            }
            (ureq::Error::Io(e), _) => {
                ApiError::Unreachable { operation, endpoint, cause: network_advice(e) }
            }
            (ureq::Error::BodyExceedsLimit(bytes), _) => ApiError::BadAnswer {
                operation,
                endpoint,
                cause: format!("the answer has more than {bytes} bytes"),
            },
            (ureq::Error::Protocol(e), _) => {
                ApiError::BadAnswer { operation, endpoint, cause: e.to_string() }
            }
            (other, _) => ApiError::Unreachable { operation, endpoint, cause: other.to_string() },
        }
    }

    /// An answer that was read and makes no sense.
    pub(super) fn bad_answer(&self, operation: &str, cause: &impl fmt::Display) -> ApiError {
        let (operation, endpoint) = (operation.to_owned(), self.place());
        ApiError::BadAnswer { operation, endpoint, cause: cause.to_string() }
    }
}

fn agent(endpoint: &Endpoint, settings: &Settings, tunnel: Option<&Arc<Tunnel>>) -> Result<Agent, String> {
    let timeout = settings.request_timeout.unwrap_or(REQUEST_TIMEOUT_DEFAULT);
    let builder = Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .user_agent(concat!("skiff-ctl/", env!("CARGO_PKG_VERSION")))
        .input_buffer_size(INPUT_BUFFER_BYTES)
        .output_buffer_size(OUTPUT_BUFFER_BYTES)
        .max_idle_connections(KEPT_CONNECTIONS)
        .max_idle_connections_per_host(KEPT_CONNECTIONS)
        .max_idle_age(timeout.max(Duration::from_secs(60)))
        .timeout_connect(Some(CONNECT_TIMEOUT.min(timeout)))
        .timeout_global(Some(timeout));
    match (endpoint, tunnel) {
        (Endpoint::Https(_), _) => https_agent(builder, settings, tunnel),
        (_, Some(tunnel)) => {
            Ok(Agent::with_parts(builder.build(), TunnelConnector(Arc::clone(tunnel)), NoResolver))
        }
        (Endpoint::Unix(path), None) => {
            Ok(Agent::with_parts(builder.build(), UnixConnector(path.clone()), NoResolver))
        }
        (Endpoint::Http(_), None) => {
            Ok(Agent::with_parts(builder.build(), TcpConnector::default(), PlainResolver::default()))
        }
    }
}

/// Settings of ureq that still lack what is particular to the scheme.
pub(super) type Builder = ureq::config::ConfigBuilder<ureq::typestate::AgentScope>;

#[cfg(not(feature = "tls"))]
fn https_agent(_: Builder, _: &Settings, _: Option<&Arc<Tunnel>>) -> Result<Agent, String> {
    Err("this ctl was built without TLS; use a unix socket or http://".to_owned())
}

/// ureq's resolver without the thread it starts for each look-up that has a time limit.
#[derive(Debug, Default)]
pub(super) struct PlainResolver(DefaultResolver);

impl Resolver for PlainResolver {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        self.0.resolve(uri, config, NextTimeout::default())
    }
}
