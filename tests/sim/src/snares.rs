//! Faults at an exact place: a step that waits until some node asks the store or its systemd for something, and strikes
//! before the question goes out or before its answer is heard.

use crate::fiber::suspend;
use crate::kernel::{current, with};
use crate::scenario::Step;
use crate::sim::Sim;

/// On which side of a request a snare lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The question has not gone out.
    Asks,
    /// The answer is there, and nobody has heard it.
    Told,
}

/// A step that waits: `once NODE asks|told VERB KEY STEP…`. The key may end in `*`.
#[derive(Debug)]
pub struct Snare {
    node: usize,
    side: Side,
    verb: String,
    key: String,
    then: Step,
}

impl Sim {
    /// Lays a snare, if the step is one.
    pub fn lay(&mut self, step: &Step) -> Option<()> {
        let node = self.nodes.iter().position(|node| node.name == step.word(1))?;
        let side = match step.word(2) {
            "asks" => Side::Asks,
            "told" => Side::Told,
            _ => return None,
        };
        let (verb, key) = (step.word(3).to_owned(), step.word(4).to_owned());
        self.snares.push(Snare { node, side, verb, key, then: step.inner()? });
        Some(())
    }

    fn snared(&mut self, node: usize, side: Side, verb: &str, key: &str) -> Option<Step> {
        let is_met = |snare: &Snare| {
            let fits = match snare.key.strip_suffix('*') {
                Some(start) => key.starts_with(start),
                None => key == snare.key,
            };
            (snare.node, snare.side, snare.verb.as_str()) == (node, side, verb) && fits
        };
        let at = self.snares.iter().position(is_met)?;
        Some(self.snares.remove(at).then)
    }
}

/// Passed by whoever asks for something, on both sides of it. What strikes its own process takes effect here.
pub fn pass(side: Side, verb: &str, key: &str) {
    let Some((id, fiber)) = current() else { return };
    let struck = with(|sim| {
        if sim.snares.is_empty() {
            return false;
        }
        let Some(node) = sim.node_of(id) else { return false };
        let Some(step) = sim.snared(node, side, verb, key) else { return false };
        sim.take_step(&step);
        sim.processes.wake(id, fiber);
        true
    });
    if struck {
        suspend();
    }
}
