//! A conductor's fleet behind the agent's real API: its routes and its HTTP server, without an agent around them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use agent::api::{self, Audit, Host, NotDone};
use agent::http::{self, Clients, Limits, Listener, Options, Tls, TlsFiles};
use agent::news::Desk;
use fleet_api::access::{Identity, Roles};
use fleet_api::{Failure, Method};
use registry::store::Store;
use smol::channel::{Sender, bounded};

use crate::conductor::Conductor;

/// The server; it ends with this value.
pub(crate) struct Served {
    pub(crate) fleet: Conductor,
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
    audits: Arc<Mutex<Vec<String>>>,
    /// Closed to end the server, never written to.
    _open: Sender<()>,
}

impl Served {
    /// Serves a fleet on a port of its own.
    pub(crate) fn start(fleet: Conductor) -> Self {
        Self::start_as(fleet, None, Roles::default())
    }

    /// Serves it with TLS.
    #[allow(dead_code, reason = "one of the tests that share this file has no need of it")]
    pub(crate) fn start_with_tls(fleet: Conductor, files: &TlsFiles, roles: Roles) -> Self {
        Self::start_as(fleet, Some(Tls::load(files, Clients::Any).unwrap()), roles)
    }

    fn start_as(fleet: Conductor, tls: Option<Tls>, roles: Roles) -> Self {
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = tls.iter().fold(listener, Listener::encrypted);
        let endpoint = format!("{scheme}://{}", listener.tcp_address().unwrap());
        let audits = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (open, closed) = bounded::<()>(1);
        let (store, log, told) = (fleet.shared_store(), Arc::clone(&asked), Arc::clone(&audits));
        thread::spawn(move || {
            let server = Server { desk: Desk::new(Arc::clone(&store)), store, roles, audits: told };
            let options = Options {
                server_name: "fleetd/0".into(),
                limits: Limits::default(),
                notify: Box::new(|_| {}),
            };
            let handler = async |request: http::Request, peer| {
                let line = format!("{} {}", request.method, request.target);
                log.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                api::answer(&server, request, peer).await
            };
            let stop = async {
                let _ = closed.recv().await;
                server.desk.close();
            };
            smol::block_on(http::serve(vec![listener], options, handler, stop));
        });
        Self { fleet, endpoint, asked, audits, _open: open }
    }

    /// What `--endpoint` takes.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Every audit line so far.
    #[allow(dead_code, reason = "one of the tests that share this file has no need of it")]
    pub(crate) fn audits(&self) -> Vec<String> {
        self.audits.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> MutexGuard<'_, Vec<String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Server {
    store: Arc<dyn Store>,
    desk: Desk,
    roles: Roles,
    audits: Arc<Mutex<Vec<String>>>,
}

impl Host for Server {
    fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.store)
    }

    fn desk(&self) -> &Desk {
        &self.desk
    }

    fn page_limit(&self) -> u16 {
        100
    }

    fn standing(&self) -> Result<(), String> {
        Ok(())
    }

    fn may(&self, identity: Identity<'_>, method: Method) -> Result<(), Failure> {
        self.roles.check(identity, method)
    }

    fn metrics(&self) -> Option<String> {
        None
    }

    async fn adopt(&self) -> Result<String, NotDone> {
        Err(NotDone::Refused("there is nothing to adopt".to_owned()))
    }

    async fn copy(&self, _: String) -> Result<String, NotDone> {
        Err(NotDone::Refused("there is nowhere to go".to_owned()))
    }

    fn audit(&self, audit: &Audit<'_>) {
        self.audits.lock().unwrap_or_else(PoisonError::into_inner).push(audit.to_string());
    }
}
