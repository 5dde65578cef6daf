//! A bell: rung by anyone on any thread, waited for by one loop. It carries nothing; rung often before it is heard
//! it is heard once. Events wake, and the world is read afresh (design: events carry no data into a plan).
//! A ring says that what was read before is stale; a nudge only that there is something to look at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use smol::channel::{Receiver, Sender, bounded};
use smol::future::FutureExt;

use crate::clock;

/// The side that rings.
#[derive(Clone, Debug)]
pub struct Rope {
    wake: Sender<()>,
    stale: Arc<AtomicBool>,
}

/// The side that waits.
#[derive(Clone, Debug)]
pub struct Bell {
    woken: Receiver<()>,
    stale: Arc<AtomicBool>,
}

/// Makes a bell and its rope.
#[must_use]
pub fn bell() -> (Rope, Bell) {
    let (wake, woken) = bounded(1);
    let stale = Arc::new(AtomicBool::new(true));
    (Rope { wake, stale: Arc::clone(&stale) }, Bell { woken, stale })
}

impl Rope {
    /// Rings. Never waits.
    pub fn ring(&self) {
        self.outdate();
        self.nudge();
    }

    /// Declares what was read stale, and leaves the waking to others.
    pub fn outdate(&self) {
        self.stale.store(true, Ordering::Release);
    }

    /// Wakes without declaring anything stale. Never waits.
    pub fn nudge(&self) {
        // Full means rung already, closed means that nobody will listen again; neither is anyone's concern.
        let _ = self.wake.try_send(());
    }
}

impl Bell {
    /// True if the bell was rung since the last call: what was read before is stale. True at the first call.
    #[must_use]
    pub fn take_stale(&self) -> bool {
        self.stale.swap(false, Ordering::AcqRel)
    }

    /// True if the bell was rung since the last [`Self::take_stale`].
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    /// Waits for the next ring.
    pub async fn heard(&self) {
        if self.woken.recv().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits for the next ring, but not beyond `until_ms`.
    pub async fn heard_or_at(&self, until_ms: Option<u64>) {
        match until_ms {
            None => self.heard().await,
            Some(until_ms) => self.heard().or(clock::until(until_ms)).await,
        }
    }
}
