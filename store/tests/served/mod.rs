//! A store with its HTTP face on a port of loopback, in a folder and a thread of its own; both go with it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

use http_server::{Listener, Options as ServerOptions};
use smol::channel::{Sender, bounded};
use store::RealClocks;
use store::engine::{Durability, Engine, Options};
use store::folder::RealFolder;
use store::http::{Face, limits};

/// A running store.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    folder: PathBuf,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(crate) fn start(durability: Durability) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("skiff-store-{}-{number}", std::process::id()));
        let options =
            Options { durability, clocks: Box::new(RealClocks), warn: Box::new(|text| panic!("{text}")) };
        let engine = Engine::open(Arc::new(RealFolder::new(&folder).unwrap()), options).unwrap();
        let listener = Listener::tcp("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.tcp_address().unwrap();
        let (stop, stopped) = bounded::<()>(1);
        let thread = std::thread::spawn(move || {
            let face = Face::new(engine, format!("http://{address}"));
            let notify = Box::new(|notice| eprintln!("{notice}"));
            let options = ServerOptions { server_name: String::new(), limits: limits(), notify };
            let handler = async |request, _| face.answer(request).await;
            let stop = async {
                let _ = stopped.recv().await;
            };
            smol::block_on(http_server::serve(vec![listener], options, handler, stop));
        });
        Self { address, folder, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop = None;
        let ended = self.thread.take().map(JoinHandle::join);
        let _ = std::fs::remove_dir_all(&self.folder);
        if matches!(ended, Some(Err(_))) && !std::thread::panicking() {
            panic!("the server's thread panicked");
        }
    }
}
