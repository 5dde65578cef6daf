//! A conductor's fleet behind the agent's real API: its routes and its HTTP server, without an agent around them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use agent::api::{self, Audit, Host, NotDone};
use agent::http::{self, Limits, Listener, Options};
use agent::news::Desk;
use registry::store::Store;
use smol::channel::{Sender, bounded};

use crate::conductor::Conductor;

/// The server; it ends with this value.
pub(crate) struct Served {
    pub(crate) fleet: Conductor,
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
    /// Closed to end the server, never written to.
    _open: Sender<()>,
}

impl Served {
    /// Serves a fleet on a port of its own.
    pub(crate) fn start(fleet: Conductor) -> Self {
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let endpoint = format!("http://{}", listener.tcp_address().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (open, closed) = bounded::<()>(1);
        let (store, log) = (fleet.shared_store(), Arc::clone(&asked));
        thread::spawn(move || {
            let server = Server { desk: Desk::new(Arc::clone(&store)), store };
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
        Self { fleet, endpoint, asked, _open: open }
    }

    /// What `--endpoint` takes.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Every request so far.
    pub(crate) fn asked(&self) -> MutexGuard<'_, Vec<String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Server {
    store: Arc<dyn Store>,
    desk: Desk,
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

    fn metrics(&self) -> Option<String> {
        None
    }

    async fn adopt(&self) -> Result<String, NotDone> {
        Err(NotDone::Refused("there is nothing to adopt".to_owned()))
    }

    async fn copy(&self, _: String) -> Result<String, NotDone> {
        Err(NotDone::Refused("there is nowhere to go".to_owned()))
    }

    fn audit(&self, _: &Audit<'_>) {}
}
