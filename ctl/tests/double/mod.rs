//! A double of the agent for tests of ctl: a fleet in memory behind the HTTP API, on a unix socket. It keeps the rules
//! ctl can see (contract §5), places units where the test says, and does everything at once.

pub(crate) mod fleet;
pub(crate) mod http;
mod rehearsal;
mod routes;

use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use fleet::Fleet;

/// A running double. Its socket lies in a folder of its own, removed when the test ends.
pub(crate) struct Double {
    folder: PathBuf,
    fleet: Arc<Mutex<Fleet>>,
}

impl Double {
    /// Starts one under a name no other test uses.
    pub(crate) fn start(name: &str, fleet: Fleet) -> Self {
        let folder = crate::run::fresh_folder(name);
        let listener = UnixListener::bind(folder.join("fleet.sock")).unwrap();
        let fleet = Arc::new(Mutex::new(fleet));
        let served = Arc::clone(&fleet);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let fleet = Arc::clone(&served);
                thread::spawn(move || http::serve(stream, |request| routes::answer(&fleet, request)));
            }
        });
        Self { folder, fleet }
    }

    /// What `--endpoint` takes.
    pub(crate) fn endpoint(&self) -> String {
        format!("unix://{}/fleet.sock", self.folder.display())
    }

    /// The fleet, to arrange and to inspect.
    pub(crate) fn fleet(&self) -> MutexGuard<'_, Fleet> {
        self.fleet.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
