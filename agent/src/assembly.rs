//! What an agent consists of once it knows who it is: the loops and the bells between them. Where its parts come from
//! (configuration, signals, sockets) is the daemon's business.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use cluster::keys;
use smol::{LocalExecutor, Task};
use systemd_shim::{Changes, Drained};

use crate::bell::{Bell, bell};
use crate::hands::Hands;
use crate::node::{Node, Ropes};
use crate::reconcile::{self, Reconciler};
use crate::watch::Watch;
use crate::{engine, lease, presence, watchdog};

/// The bells that the loops listen to; the ropes are in the node.
#[derive(Debug)]
pub struct Bells {
    /// The reconcile loop's.
    pub reconcile: Bell,
    lease: Bell,
    schedule: Bell,
    beat: Bell,
}

/// Makes the bells of all loops, and their ropes.
#[must_use]
pub fn bells() -> (Ropes, Bells) {
    let ((reconcile, on_reconcile), (lease, on_lease)) = (bell(), bell());
    let ((schedule, on_schedule), (beat, on_beat)) = (bell(), bell());
    let bells = Bells { reconcile: on_reconcile, lease: on_lease, schedule: on_schedule, beat: on_beat };
    (Ropes { reconcile, lease, schedule, beat }, bells)
}

/// Starts every loop but the reconcile loop, which ends the agent and is the daemon's to run. They end with the tasks.
/// What is left of the bells is that loop's.
pub fn start(executor: &LocalExecutor<'_>, node: &Rc<Node>, bells: Bells) -> ([Task<()>; 4], Bell) {
    let tasks = [
        executor.spawn(presence::keep(Rc::clone(node), bells.beat)),
        executor.spawn(lease::keep(Rc::clone(node), bells.lease)),
        executor.spawn(engine::run(Rc::clone(node), bells.schedule)),
        executor.spawn(watchdog::keep(Rc::clone(node))),
    ];
    (tasks, bells.reconcile)
}

/// How the reconcile loop hears of changes in systemd, and what it has heard.
pub type Noticing = (Rc<RefCell<Changes>>, Rc<RefCell<Drained>>);

/// The reconcile loop with its watches, knowing what an earlier life of the agent left.
///
/// # Errors
/// The kernel gives no thread, or what was left cannot be read.
pub fn reconciler(node: &Rc<Node>, hands: Arc<Hands>, noticing: Noticing) -> Result<Reconciler, String> {
    let mut watches = Vec::new();
    for (name, key) in
        [("watch-machine", keys::machine(&node.identity.id)), ("watch-fleet", keys::FLEET.to_string())]
    {
        let rope = node.ropes.reconcile.clone();
        let watch =
            Watch::start(name, Arc::clone(&node.store), key, node.identity.id.share(), move |_| rope.ring());
        watches.push(watch.map_err(|error| format!("start {name}: {error}"))?);
    }
    let (changes, noticed) = noticing;
    let node = Rc::clone(node);
    let mut reconciler = Reconciler::new(reconcile::Parts { node, hands, changes, noticed, watches });
    reconciler.recall()?;
    Ok(reconciler)
}
