//! The fleet's keys on this machine itself, without an etcd: a store in this process, for the agent without a socket and, if
//! the configuration says so, for other machines at an address. How a store keeps keys is the crate `store`'s business.

#[cfg(feature = "store")]
use std::cell::Cell;
use std::path::Path;
#[cfg(feature = "store")]
use std::rc::Rc;
use std::sync::Arc;

use registry::store::Store;

use crate::config::Settings;
#[cfg(feature = "store")]
use crate::http::{Clients, Listener, Tls};
#[cfg(feature = "store")]
use crate::metrics;
#[cfg(feature = "store")]
use crate::serving::{tell, with_tls};

/// This machine's own store, if it has one; by default it has none.
#[derive(Clone, Default)]
pub struct Own(#[cfg(feature = "store")] Option<Opened>);

#[cfg(feature = "store")]
#[derive(Clone)]
struct Opened {
    engine: store::engine::Engine,
    /// Until it is served.
    listener: Rc<Cell<Option<Listener>>>,
}

/// Opens the store of this machine, or makes one.
///
/// # Errors
/// This agent was built without one.
#[cfg(not(feature = "store"))]
pub fn open(_: &Settings) -> Result<(Arc<dyn Store>, Own), String> {
    Err("this agent was built without a store of its own (feature \"store\"): set etcd_servers".to_owned())
}

#[cfg(not(feature = "store"))]
impl Own {
    /// Nothing to serve.
    pub async fn serve(self) {}

    /// Nothing to close.
    pub fn close(&self) {}
}

/// Opens a store that is not in use yet, or makes one.
///
/// # Errors
/// This agent was built without one.
#[cfg(not(feature = "store"))]
pub fn open_at(_: &Settings, _: &Path) -> Result<(Arc<dyn Store>, Own), String> {
    Err("this agent was built without a store of its own (feature \"store\")".to_owned())
}

#[cfg(feature = "store")]
fn engine(settings: &Settings, place: &Path) -> Result<store::engine::Engine, String> {
    use store::engine::{Durability, Engine, Options};

    let folder = store::folder::RealFolder::new(place)
        .map_err(|error| format!("make {}: {error}", place.display()))?;
    let durability = if settings.store.is_relaxed { Durability::Relaxed } else { Durability::Durable };
    let options = Options {
        durability,
        clocks: Box::new(store::RealClocks),
        warn: Box::new(|text| crate::warn!("store: {text}")),
    };
    Engine::open(Arc::new(folder), options).map_err(|error| error.to_string())
}

/// Opens a store that is not in use yet, in a folder, or makes one: it is to be written to before an agent has it.
///
/// # Errors
/// As [`open`].
#[cfg(feature = "store")]
pub fn open_at(settings: &Settings, folder: &Path) -> Result<(Arc<dyn Store>, Own), String> {
    let engine = engine(settings, folder)?;
    let prefix = settings.etcd.key_prefix.as_str();
    let local = store::LocalStore::new(engine.clone(), prefix, settings.etcd.poll_timeout);
    Ok((Arc::new(local), Own(Some(Opened { engine, listener: Rc::default() }))))
}

/// Opens the store of this machine, or makes one.
///
/// # Errors
/// Its folder cannot be made, the store in it cannot be read, another process has it open, or its address is taken.
#[cfg(feature = "store")]
pub fn open(settings: &Settings) -> Result<(Arc<dyn Store>, Own), String> {
    let own = &settings.store;
    let told =
        |error| format!("{error}; if that file is damaged, docs/runbooks/store-damaged.md says what to do");
    let engine = engine(settings, &own.folder).map_err(told)?;
    crate::info!("the fleet's keys are on this machine, in {}", own.folder.display());
    if own.is_relaxed {
        crate::warn!("durability=relaxed: a crash may cost what was written in the second before it");
    }
    let listener = own.listen.map(Listener::tcp).transpose().map_err(|error| format!("store: {error}"))?;
    let tls = own.tls.as_ref().map(|files| Tls::load(files, Clients::Vouched)).transpose();
    let tls = tls.map_err(|error| format!("store: {error}"))?;
    let listener = match (listener, &tls) {
        (Some(listener), Some(tls)) => Some(listener.encrypted(tls)),
        (listener, _) => listener,
    };
    let prefix = settings.etcd.key_prefix.as_str();
    let local = store::LocalStore::new(engine.clone(), prefix, settings.etcd.poll_timeout);
    Ok((metrics::counted(local), Own(Some(Opened { engine, listener: Rc::new(Cell::new(listener)) }))))
}

#[cfg(feature = "store")]
impl Own {
    /// Serves it to other machines for as long as this is polled, if it is to be served.
    pub async fn serve(self) {
        let Some(Opened { engine, listener }) = self.0 else { return };
        let Some(listener) = listener.take() else { return };
        crate::info!("serving the fleet's keys on {}{}", listener.name(), with_tls(&listener));
        let scheme = if listener.is_encrypted() { "https" } else { "http" };
        let url = listener.tcp_address().map_or(String::new(), |address| format!("{scheme}://{address}"));
        let face = store::http::Face::new(engine, url);
        let options = crate::http::Options {
            server_name: String::new(),
            limits: store::http::limits(),
            notify: Box::new(|notice| tell("store", &notice)),
        };
        let handler = async |request, _| face.answer(request).await;
        crate::http::serve(vec![listener], options, handler, std::future::pending()).await;
    }

    /// Puts on disk what is not there yet. Nothing can be written afterwards.
    pub fn close(&self) {
        if let Some(opened) = &self.0 {
            opened.engine.close();
        }
    }
}
