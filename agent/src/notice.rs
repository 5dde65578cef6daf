//! Noticing that something changed in systemd: waits for the shim's change descriptor and names the units that are to
//! be asked about. No process is started here, and nothing concluded.

use std::cell::RefCell;
use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;

use smol::Async;
use systemd_shim::{Changes, Drained};

use crate::clock;
use crate::node::Node;

/// Wait before a descriptor that could not be read is tried again; the sweep covers the time.
const RETRY_MS: u64 = 10_000;

/// Notices for as long as the agent lives; what was noticed adds up in `noticed` until the loop takes it.
pub async fn notice(node: Rc<Node>, changes: Rc<RefCell<Changes>>, noticed: Rc<RefCell<Drained>>) {
    // A second descriptor of the same queue: this task waits on it while the loop adds and takes away units.
    let copy = changes.borrow().as_fd().try_clone_to_owned();
    let waiting = match copy.and_then(Async::new) {
        Ok(waiting) => waiting,
        Err(error) => {
            crate::error!("wait for changes of systemd: {error}; units are looked at once a minute");
            return;
        }
    };
    loop {
        let taken = match waiting.readable().await {
            Ok(()) => take(&node, &changes, &noticed),
            Err(error) => Err(error),
        };
        if let Err(error) = taken {
            crate::warn!("read changes of systemd: {error}");
            clock::until(clock::now_ms() + RETRY_MS).await;
        }
    }
}

/// Adds what has changed to what was noticed before, and wakes the loop if that is anything. Never waits.
///
/// # Errors
/// The descriptor cannot be read.
pub fn take(node: &Node, changes: &RefCell<Changes>, noticed: &RefCell<Drained>) -> io::Result<()> {
    let drained = changes.borrow_mut().drain()?;
    let mut all = noticed.borrow_mut();
    all.units.extend(drained.units);
    all.everything |= drained.everything;
    if all.everything || !all.units.is_empty() {
        node.ropes.reconcile.nudge();
    }
    Ok(())
}
