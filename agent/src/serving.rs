//! The API's place in the agent: which sockets it is served on, and what its routes may ask of the agent. The routes
//! are `api`'s, the protocol is `http`'s.

use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;

use registry::store::Store;
use systemd_shim::take_listeners;

use crate::adopt;
use crate::api::{self, Audit, Host, NotDone};
use crate::config::{ListenAddress, Settings};
use crate::http::{self, Limits, Listener, Notice, Options};
use crate::metrics;
use crate::news::Desk;
use crate::node::{self, Node, Standing};
use crate::transfer;

/// The group that may use the API's own Unix sockets (design: trust).
const GROUP: &str = "fleet";

/// Every socket the API is served on: those systemd passed and those the configuration names. None is no error
/// (contract §4.3).
///
/// # Errors
/// One of them cannot be served; the text names it.
pub fn listeners(settings: &Settings) -> Result<Vec<Listener>, String> {
    let mut listeners = Vec::new();
    for passed in take_listeners().map_err(|error| error.to_string())? {
        let name = if passed.name.is_empty() { "socket of systemd".to_string() } else { passed.name };
        let fd = match passed.listener {
            systemd_shim::Listener::Unix(listener) => OwnedFd::from(listener),
            systemd_shim::Listener::Tcp(listener) => OwnedFd::from(listener),
        };
        listeners.push(Listener::from_fd(fd, &name).map_err(|error| error.to_string())?);
    }
    for address in &settings.listen {
        let listener = match address {
            ListenAddress::Unix(path) => Listener::unix(path, GROUP),
            ListenAddress::Tcp(address) => Listener::tcp(*address),
        };
        listeners.push(listener.map_err(|error| error.to_string())?);
        if address.is_open_to_network() {
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
        crate::info!("serving the API on {}", listener.name());
    }
    let options = Options {
        server_name: format!("fleetd/{}", env!("CARGO_PKG_VERSION")),
        limits: Limits::default(),
        notify: Box::new(|notice: Notice| crate::warn!("api: {notice}")),
    };
    let desk = Desk::new(Arc::clone(&node.store));
    let host = Rc::new(Served { node, desk });
    let handler = async |request, peer| api::answer(&*host, request, peer).await;
    let stop = async {
        stop.await;
        // Otherwise the end would wait for those who wait.
        host.desk.close();
    };
    http::serve(listeners, options, handler, stop).await;
}

struct Served {
    node: Rc<Node>,
    desk: Desk,
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

    fn metrics(&self) -> Option<String> {
        let standing = self.node.standing();
        metrics::page(metrics::Standing {
            member: standing == Standing::Member,
            frozen: matches!(standing, Standing::Frozen(_)),
            leads: self.node.leadership.get().is_some(),
        })
    }

    async fn adopt(&self) -> Result<String, NotDone> {
        adopt::adopt_store(&self.node).await
    }

    async fn copy(&self, to: String) -> Result<String, NotDone> {
        transfer::copy_registry(&self.node, to).await
    }

    fn audit(&self, audit: &Audit<'_>) {
        match audit.outcome {
            Ok(()) => crate::info!("{audit}"),
            Err(_) => crate::warn!("{audit}"),
        }
    }
}
