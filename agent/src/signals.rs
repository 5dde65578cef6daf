//! Signals (contract §4.4): SIGTERM and SIGINT end the agent, SIGHUP reloads its configuration or, if it was replaced,
//! its program, SIGUSR1 prints its state. They are blocked in every thread and read from a descriptor, so that nothing runs in a handler.

use std::io;
use std::path::Path;
use std::rc::Rc;

use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use smol::Async;

use crate::certificates::{self, Lay};
use crate::config::{self, OnStop, Settings};
use crate::leave;
use crate::log;
use crate::node::Node;
use crate::pool;
use crate::successor::{self, Program};

/// The signals, blocked and readable.
pub struct Signals(SignalFd);

/// Why the agent ends while its units run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was stopped (on_stop=keep).
    Stopped,
    /// Another program takes its place.
    Replaced,
}

impl Signals {
    /// Blocks the signals. Called before any thread is started, since threads inherit the mask.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn block() -> io::Result<Self> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGUSR1] {
            mask.add(signal);
        }
        mask.thread_block()?;
        Ok(Self(SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?))
    }

    /// Obeys signals until one says to end at once; a graceful end is left to the reconcile loop.
    ///
    /// # Errors
    /// The descriptor cannot be waited for or read.
    pub async fn obey(self, node: Rc<Node>, program: &Program) -> io::Result<End> {
        let signals = Async::new(self.0)?;
        let certificates = certificates::lie(&node.settings());
        loop {
            let info = signals
                .read_with(|fd| fd.read_signal()?.ok_or_else(|| io::ErrorKind::WouldBlock.into()))
                .await?;
            let number = i32::try_from(info.ssi_signo).unwrap_or_default();
            match Signal::try_from(number) {
                Ok(Signal::SIGHUP) if gives_way(&node, program, &certificates).await => {
                    return Ok(End::Replaced);
                }
                Ok(Signal::SIGHUP) => reload(&node),
                Ok(Signal::SIGUSR1) => {
                    node.dump.set(true);
                    node.ropes.reconcile.nudge();
                }
                Ok(Signal::SIGTERM | Signal::SIGINT) if node.is_leaving() => {
                    crate::info!("already shutting down");
                }
                Ok(Signal::SIGTERM | Signal::SIGINT) => match node.settings().on_stop {
                    OnStop::Leave => leave::begin(&node).await,
                    OnStop::Keep => {
                        crate::info!("ending; units keep running (on_stop=keep)");
                        node.tell(systemd_shim::Notify::stopping);
                        return Ok(End::Stopped);
                    }
                },
                _ => {}
            }
        }
    }
}

/// True if another program lies in this one's place, if the configuration names another store or other certificates, or if
/// these were renewed, and the program there can take over. One that cannot is told of, and the old program goes on.
async fn gives_way(node: &Node, program: &Program, certificates: &[Lay]) -> bool {
    let news = match () {
        () if node.is_leaving() => return false,
        () if program.is_replaced() => "the program was replaced",
        () if names_others(node) => "another store or other certificates are to be used",
        () if certificates::lie(&node.settings()) != certificates => "the certificates were renewed",
        () => return false,
    };
    crate::info!("{news}; units keep running while a new agent takes over");
    node.tell(systemd_shim::Notify::reloading);
    let asked = program.clone();
    if let Err(why) = pool::unblock(move || asked.accepts()).await {
        crate::error!("reload: {why}; the old program goes on");
        return false;
    }
    successor::passes_end(node).await;
    true
}

/// True if the configuration is right and says something else about the store or about certificates than it did at the
/// start.
fn names_others(node: &Node) -> bool {
    let told =
        |settings: &Settings| format!("{:?} {:?} {:?}", settings.etcd, settings.store, settings.api.tls);
    config::load(node.named_config.as_deref(), std::env::vars_os())
        .is_ok_and(|loaded| told(&loaded.settings) != told(&node.settings()))
}

/// Reads the configuration again. What cannot change in a running agent keeps its old value and is named; a faulty
/// file changes nothing.
fn reload(node: &Node) {
    let shown = node.config_file.as_deref().unwrap_or_else(|| Path::new(config::DEFAULT_PATH));
    crate::info!("Reloading configuration from {}", shown.display());
    node.tell(systemd_shim::Notify::reloading);
    match config::load(node.named_config.as_deref(), std::env::vars_os()) {
        Ok(loaded) => {
            for note in &loaded.notes {
                crate::warn!("{note}");
            }
            let old = node.settings();
            let mut new = (*old).clone();
            new.verbose = loaded.settings.verbose;
            new.metadata = loaded.settings.metadata.clone();
            new.public_ip = loaded.settings.public_ip.clone();
            new.on_stop = loaded.settings.on_stop;
            new.api.roles = loaded.settings.api.roles.clone();
            new.page_items = loaded.settings.page_items;
            if format!("{new:?}") != format!("{:?}", loaded.settings) {
                crate::warn!("some changed settings take effect at the next start of the agent only");
            }
            log::set_verbose(new.verbose);
            *node.settings.borrow_mut() = Rc::new(new);
            node.ropes.beat.ring();
        }
        Err(error) => crate::error!("reload: {error}; the old configuration stays in force"),
    }
    node.tell(systemd_shim::Notify::ready);
}
