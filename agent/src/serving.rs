//! The API's place in the agent: which sockets it is served on, and what its routes may ask of the agent. The routes
//! are `api`'s, the protocol is `http`'s.

use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use cluster::event::Event;
use fleet_api::access::Identity;
use fleet_api::{Failure, Method};
use registry::store::Store;
use systemd_shim::take_listeners;

use crate::adopt;
use crate::api::{self, Audit, Host, NotDone, Verdict};
use crate::clock;
use crate::config::{ListenAddress, Settings};
use crate::events;
use crate::http::{self, Clients, Limits, Listener, Notice, Options, Tls};
use crate::metrics;
use crate::news::Desk;
use crate::node::{self, Node, Standing};
use crate::transfer;

/// The group that may use the API's own Unix sockets (design: trust).
const GROUP: &str = "fleet";
/// Lines about denied calls in one minute.
const DENIED_LINES_A_MINUTE: u32 = 30;

/// Every socket the API is served on: those systemd passed and those the configuration names. None is no error
/// (contract §4.3).
///
/// # Errors
/// One of them cannot be served; the text names it.
pub fn listeners(settings: &Settings) -> Result<Vec<Listener>, String> {
    let tls = settings.api.tls.as_ref().map(|files| Tls::load(files, Clients::Any)).transpose();
    let tls = tls.map_err(|error| format!("api: {error}"))?;
    let encrypted = |listener: Listener| match &tls {
        Some(tls) => listener.encrypted(tls),
        None => listener,
    };
    let mut listeners = Vec::new();
    for passed in take_listeners().map_err(|error| error.to_string())? {
        let name = if passed.name.is_empty() { "socket of systemd".to_string() } else { passed.name };
        let fd = match passed.listener {
            systemd_shim::Listener::Unix(listener) => OwnedFd::from(listener),
            systemd_shim::Listener::Tcp(listener) => OwnedFd::from(listener),
        };
        listeners.push(encrypted(Listener::from_fd(fd, &name).map_err(|error| error.to_string())?));
    }
    for address in &settings.listen {
        let listener = match address {
            ListenAddress::Unix(path) => Listener::unix(path, GROUP),
            ListenAddress::Tcp(address) => Listener::tcp(*address),
        };
        listeners.push(encrypted(listener.map_err(|error| error.to_string())?));
        if tls.is_none() && address.is_open_to_network() {
            crate::warn!("the API is open to the network on {address}: whoever reaches it runs units here");
        }
    }
    Ok(listeners)
}

/// The socket that ctl asks where nothing else is said: for an agent that stands alone, and is given none.
///
/// # Errors
/// It cannot be opened.
pub fn default_listener() -> Result<Listener, String> {
    Listener::unix("/run/fleet.sock".as_ref(), GROUP).map_err(|error| error.to_string())
}

/// Serves the API until `stop` is ready.
pub async fn serve(node: Rc<Node>, listeners: Vec<Listener>, stop: impl Future<Output = ()>) {
    for listener in &listeners {
        crate::info!("serving the API on {}{}", listener.name(), with_tls(listener));
    }
    let options = Options {
        server_name: format!("fleetd/{}", env!("CARGO_PKG_VERSION")),
        limits: Limits::default(),
        notify: Box::new(|notice| tell("api", &notice)),
    };
    let desk = Desk::new(Arc::clone(&node.store));
    let host = Rc::new(Served { node, desk, denied: Denied::default() });
    let handler = async |request, peer| api::answer(&*host, request, peer).await;
    let stop = async {
        stop.await;
        // Otherwise the end would wait for those who wait.
        host.desk.close();
    };
    http::serve(listeners, options, handler, stop).await;
}

/// For messages about a listener.
pub(crate) fn with_tls(listener: &Listener) -> &'static str {
    if listener.is_encrypted() { " with TLS" } else { "" }
}

/// Logs what a server has to say; what any stranger can bring about only for someone who looks for an error.
pub(crate) fn tell(server: &str, notice: &Notice) {
    match notice {
        Notice::NoHandshake { .. } => crate::debug!("{server}: {notice}"),
        _ => crate::warn!("{server}: {notice}"),
    }
}

struct Served {
    node: Rc<Node>,
    desk: Desk,
    denied: Denied,
}

impl Host for Served {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.node.store)
    }

    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn page_limit(&self) -> u16 {
        self.node.settings().page_items.get()
    }

    fn standing(&self) -> Result<(), String> {
        node::refusal(&self.node.standing()).map_or(Ok(()), Err)
    }

    fn may(&self, identity: Identity<'_>, method: Method) -> Result<(), Failure> {
        self.node.settings().api.roles.check(identity, method)
    }

    fn metrics(&self) -> Option<String> {
        let standing = self.node.standing();
        metrics::page(metrics::Standing {
            member: standing == Standing::Member,
            frozen: matches!(standing, Standing::Frozen(_)),
            leads: self.node.leadership.get().is_some(),
            contact_age_ms: self.node.contact.borrow().age_ms(clock::now_ms()),
        })
    }

    async fn adopt(&self) -> Result<String, NotDone> {
        adopt::adopt_store(&self.node).await
    }

    async fn copy(&self, to: String) -> Result<String, NotDone> {
        transfer::copy_registry(&self.node, to).await
    }

    fn audit(&self, audit: &Audit<'_>) {
        let (event, more) = match audit.verdict {
            Verdict::Done => (Event::OrderDone, ""),
            Verdict::Refused => (Event::OrderRefused, ""),
            Verdict::Unknown => (Event::OrderFailed, ""),
            Verdict::Denied => match self.denied.count(clock::now_ms()) {
                Said::All => (Event::OrderDenied, ""),
                Said::Last => (Event::OrderDenied, "; further ones of this minute are not logged"),
                Said::Nothing => return,
            },
        };
        events::tell(event, audit.about(), format_args!("{audit}{more}"));
    }
}

/// Keeps the lines about denied calls few: any stranger with a certificate, or without one, can bring them about.
#[derive(Default)]
struct Denied(Cell<(u64, u32)>);

/// What is still said of a denied call.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    All,
    Last,
    Nothing,
}

impl Denied {
    fn count(&self, now_ms: u64) -> Said {
        let minute = now_ms / 60_000;
        let (counted, so_far) = self.0.get();
        let count = if counted == minute { so_far.saturating_add(1) } else { 1 };
        self.0.set((minute, count));
        match count {
            ..DENIED_LINES_A_MINUTE => Said::All,
            DENIED_LINES_A_MINUTE => Said::Last,
            _ => Said::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DENIED_LINES_A_MINUTE, Denied, Said};

    #[test]
    fn denied_calls_fill_no_log() {
        let denied = Denied::default();
        let said: Vec<Said> = (0..1000).map(|at| denied.count(60_000 + at)).collect();
        assert_eq!(said.iter().filter(|said| **said == Said::All).count(), 29);
        assert_eq!(said[29], Said::Last);
        assert_eq!(said.len() - 30, said.iter().filter(|said| **said == Said::Nothing).count());
        assert_eq!(DENIED_LINES_A_MINUTE, 30);
        assert_eq!(denied.count(120_000), Said::All, "the next minute");
    }
}
