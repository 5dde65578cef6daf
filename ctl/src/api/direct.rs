//! The driver etcd (contract §3.1): the API's own rules, run here over the registry, where no agent is needed. They are
//! `fleet_api`'s, the very ones an agent serves; no HTTP is spoken but etcd's.

use std::time::Duration;

use fleet_api::changes::{Changes, Concern, News, present};
use fleet_api::{Call, Failure, Method, Request, Status};
use registry::etcd::{DEFAULT_POLL_TIMEOUT, Endpoint, Endpoints, Etcd, KeyPrefix, Settings, TlsSettings};
use registry::store::{Store, Wake};

use super::connection::{Answer, Settings as Flags};
use crate::clock::boottime;
use crate::talk;

/// Where etcd is unless told otherwise (contract §3.1).
const DEFAULT_ENDPOINTS: &str = "http://127.0.0.1:2379,http://127.0.0.1:4001";
/// What fleet's keys lie under unless told otherwise.
const DEFAULT_KEY_PREFIX: &str = "/_coreos.com/fleet/";
/// How long one request may take unless told otherwise (contract §3.1).
const REQUEST_TIMEOUT_DEFAULT: Duration = Duration::from_secs(3);
/// Lists come whole here; the size of pages is a matter of servers.
const PAGE_LIMIT: u16 = u16::MAX;

/// A way to the registry.
pub(crate) struct Direct {
    store: Etcd,
    settings: Settings,
    debug: bool,
}

impl Direct {
    /// Prepares a client; nothing is asked yet. `endpoint` is a comma list of etcd's URLs, or `None` where none was
    /// given.
    ///
    /// # Errors
    /// An endpoint, the prefix or a TLS file is wrong; the text says what.
    pub(crate) fn prepare(
        flags: &Flags,
        endpoint: Option<&str>,
        key_prefix: Option<&str>,
    ) -> Result<Self, String> {
        let words = |error: &dyn std::fmt::Display| error.to_string();
        let urls = endpoint.unwrap_or(DEFAULT_ENDPOINTS).split(',').filter(|url| !url.trim().is_empty());
        let endpoints = urls.map(Endpoint::parse).collect::<Result<Vec<_>, _>>().map_err(|e| words(&e))?;
        let tls = TlsSettings {
            cafile: flags.ca_file.as_ref().map(Into::into),
            certfile: flags.cert_file.as_ref().map(Into::into),
            keyfile: flags.key_file.as_ref().map(Into::into),
            insecure_skip_verify: flags.insecure,
        };
        if flags.insecure && endpoints.iter().any(Endpoint::is_https) {
            talk::warn("etcd's certificate is not verified (--insecure-skip-verify)");
        }
        let settings = Settings {
            endpoints: Endpoints::new(endpoints).map_err(|e| words(&e))?,
            key_prefix: KeyPrefix::parse(key_prefix.unwrap_or(DEFAULT_KEY_PREFIX)).map_err(|e| words(&e))?,
            request_timeout: flags.request_timeout.unwrap_or(REQUEST_TIMEOUT_DEFAULT),
            poll_timeout: DEFAULT_POLL_TIMEOUT,
            credentials: None,
            tls,
            before_wait: || (),
        };
        let store = Etcd::new(&settings).map_err(|e| words(&e))?;
        Ok(Self { store, settings, debug: flags.debug })
    }

    /// Does what a request to the API would do. A refusal is an answer.
    pub(super) fn send(&self, method: &str, target: &str, body: Option<&str>) -> Answer {
        let outcome = self.answer(&request(method, target, body));
        if self.debug {
            let said = outcome.as_ref().map_or_else(|failure| failure.status, |(status, _)| *status);
            talk::debug(&format!("{method} {target} by {}: {}", self.store.endpoint(), said.code()));
        }
        let (status, body) = outcome.unwrap_or_else(|failure| (failure.status, failure.body().into_bytes()));
        Answer::new(status.code(), body, self.endpoint())
    }

    /// Where the registry was asked last.
    pub(super) fn endpoint(&self) -> String {
        self.store.endpoint()
    }

    /// Waits in a long poll of its own, which lasts as long as was asked for.
    fn wait(&self, changes: &Changes) -> Result<(u64, News), Failure> {
        let Some(mut after) = changes.after else { return Ok((present(&self.store)?, News::None)) };
        let end = boottime() + changes.wait;
        loop {
            let poll_timeout = end.saturating_sub(boottime());
            if poll_timeout.is_zero() {
                return Ok((after, News::None));
            }
            let settings = Settings { poll_timeout, ..self.settings.clone() };
            let poll =
                Etcd::new(&settings).map_err(|e| Failure::new(Status::ServiceUnavailable, e.to_string()))?;
            match poll.watch("", after)? {
                Wake::Changed { index, key } => {
                    after = index;
                    match Concern::of(&key) {
                        concern if !changes.want(&concern) => {}
                        Concern::Unit(unit) => return Ok((after, News::Units([unit].into()))),
                        _ => return Ok((after, News::Anything)),
                    }
                }
                Wake::Quiet => {}
                Wake::Overrun => return Ok((present(&self.store)?, News::Anything)),
            }
        }
    }

    fn answer(&self, request: &Request) -> Result<(Status, Vec<u8>), Failure> {
        let reply = match Call::read(request, PAGE_LIMIT)? {
            Call::Ready(reply) => reply,
            Call::Task(task) => task.run(&self.store)?.reply,
            Call::Changes(changes) => {
                let (index, news) = self.wait(&changes)?;
                news.reply(index)?
            }
            Call::Adopt | Call::Copy(_) => {
                let why = "only an agent can take over or copy a registry; ask one with --driver=API";
                return Err(Failure::new(Status::NotImplemented, why));
            }
        };
        let status = reply.status();
        let mut body = Vec::new();
        reply.pieces().for_each(|piece| body.extend_from_slice(piece.as_bytes()));
        Ok((status, body))
    }
}

/// The request that a server would have made of these words.
fn request(method: &str, target: &str, body: Option<&str>) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (unescaped(name), unescaped(value))
    };
    Request {
        method: Method::parse(method),
        path: ["fleet", "v1"].into_iter().chain(path.split('/')).map(unescaped).collect(),
        query: query.split('&').filter(|text| !text.is_empty()).map(pair).collect(),
        content_types: body.iter().map(|_| "application/json".to_owned()).collect(),
        body: body.unwrap_or_default().as_bytes().to_vec(),
    }
}

/// Undoes [`super::escaped`]; what it does not make is left as it is.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('%') {
        bytes.extend_from_slice(plain.as_bytes());
        match escape.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = escape.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(b'%');
                rest = escape;
            }
        }
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_taken_apart_as_it_was_put_together() {
        for text in ["hello.service", "foo@1.service", "a:b\\x2d.mount", "../?ö", "100%", "%zz", ""] {
            assert_eq!(unescaped(&super::super::escaped(text)), text);
        }
        assert_eq!(unescaped("100%"), "100%");
        let request = request("GET", "units/foo%401.service?lingering=1&b", None);
        assert_eq!(request.path, ["fleet", "v1", "units", "foo@1.service"]);
        let query = [("lingering", "1"), ("b", "")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        assert_eq!((request.query, request.content_types.len()), (query.to_vec(), 0));
    }

    #[test]
    fn settings_are_checked_before_anything_is_asked() {
        let prepare = |endpoint: Option<&str>, prefix: Option<&str>| {
            Direct::prepare(&Flags::default(), endpoint, prefix).map(|_| ())
        };
        assert_eq!(prepare(None, None), Ok(()));
        assert_eq!(prepare(Some("http://a:1,http://b:2, http://c"), Some("/x")), Ok(()));
        assert!(prepare(Some("unix:///run/x"), None).unwrap_err().contains("unix:///run/x"));
        assert!(prepare(Some(","), None).is_err() && prepare(None, Some("/a/../b")).is_err());
    }
}
