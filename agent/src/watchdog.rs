//! A sign of life for systemd, sent only while both loops really turn: a pass that has been going on for longer than
//! any bounded call can take means that the agent hangs, and silence lets systemd end it (design: promises).

use std::rc::Rc;

use crate::clock;
use crate::node::Node;

/// Longest a single pass may take: every call in it is bounded, most of them to seconds.
const LONGEST_PASS_MS: u64 = 180_000;

/// Sends signs of life for as long as the agent lives and systemd wants them.
pub async fn keep(node: Rc<Node>) {
    let Some(interval) = node.watchdog_interval() else { return };
    if node.agent_ttl_ms() < 2 * clock::ms(interval) {
        crate::warn!(
            "WatchdogSec={} s is more than half of agent_ttl: if this agent hangs, its units move before it is restarted",
            interval.as_secs_f32()
        );
    }
    let mut silent = false;
    loop {
        let now_ms = clock::now_ms();
        let hangs =
            node.turns.iter().filter_map(std::cell::Cell::get).any(|began| now_ms > began + LONGEST_PASS_MS);
        if !hangs {
            node.tell(systemd_shim::Notify::watchdog);
        } else if !silent {
            crate::error!("a loop hangs: no more signs of life for systemd");
        }
        silent = hangs;
        clock::until(now_ms + clock::ms(interval) / 2).await;
    }
}
