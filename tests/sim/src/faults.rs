//! The steps of a scenario, carried out. Each fault ends by itself after the time it names.

use crate::clients;
use crate::etcd::MEMBERS;
use crate::kernel::Event;
use crate::scenario::Step;
use crate::sim::Sim;
use crate::systemd::Mood;

impl Sim {
    fn later(&mut self, after_ms: u64, change: impl FnOnce(&mut Self) + 'static) {
        self.agenda.put(self.now_us + after_ms * 1000, Event::World(Box::new(change)));
    }

    fn machine(&self, name: &str) -> Option<usize> {
        self.nodes.iter().position(|node| node.name == name).filter(|node| *node < self.office())
    }

    /// Carries a step out; a step about what is not there does nothing.
    pub fn take_step(&mut self, step: &Step) {
        let text = format!("== {}", step.words.join(" "));
        self.trace(self.office(), &text);
        let done = match self.machine(step.word(1)) {
            _ if step.word(0) == "once" => self.lay(step),
            _ if step.word(0) == "hold" => {
                self.held_us = step.number(1) * 1000;
                Some(())
            }
            Some(node) => self.strike_machine(node, step),
            None => self.strike_store(step),
        };
        if done.is_some() {
            self.observer.count(step.word(0));
            self.observer.strikes(self.now_us);
        } else {
            clients::ask(self, step);
        }
    }

    fn strike_machine(&mut self, node: usize, step: &Step) -> Option<()> {
        let ms = step.number(2);
        match step.word(0) {
            "crash" => self.crash_agent(node),
            "reboot" => {
                self.cut_power(node);
                self.later(ms, move |sim| sim.power_on(node));
            }
            "pause" => self.pause_agent(node, ms * 1000),
            "jump" => self.nodes[node].clock_us += ms * 1000,
            "cut" => self.cut_link(node, step),
            "deaf" => {
                let agent = self.nodes[node].agent?;
                self.deafen(agent);
            }
            "slow" => {
                self.nodes[node].link.slow_us = step.number(3) * 1000;
                self.later(ms, move |sim| sim.nodes[node].link.slow_us = 2_000);
            }
            "lossy" => {
                self.nodes[node].link.lost_permille = step.number(3);
                self.later(ms, move |sim| sim.nodes[node].link.lost_permille = 0);
            }
            "systemctl" => {
                self.nodes[node].systemd.mood = match step.word(3) {
                    "fails" => Mood::Failing,
                    "hangs" => Mood::Hung(self.now_us + ms * 1000),
                    _ => Mood::Slow(400_000),
                };
                self.nodes[node].systemd.moods += 1;
                let moods = self.nodes[node].systemd.moods;
                self.later(ms, move |sim| {
                    // Another trouble may have come on top of it, and ends by itself.
                    if sim.nodes[node].systemd.moods == moods {
                        sim.nodes[node].systemd.mood = Mood::Well;
                    }
                });
            }
            "leave" => {
                self.observer.leaves(node, self.now_us);
                self.ask_to_leave(node);
                self.later(ms, move |sim| sim.start_agent(node));
            }
            "twin" => self.twin_of(node, ms),
            _ => return None,
        }
        Some(())
    }

    fn cut_link(&mut self, node: usize, step: &Step) {
        let link = &mut self.nodes[node].link;
        link.to_cut |= step.word(3) != "from";
        link.from_cut |= step.word(3) != "to";
        self.later(step.number(2), move |sim| {
            (sim.nodes[node].link.to_cut, sim.nodes[node].link.from_cut) = (false, false);
        });
    }

    /// Another machine with the ID of this one is switched on, and off again.
    fn twin_of(&mut self, node: usize, ms: u64) {
        let twin = self.twin();
        if self.nodes[twin].up || node == twin {
            return;
        }
        self.nodes[twin].id = self.nodes[node].id.clone();
        self.twin_until_us = self.now_us + ms * 1000;
        self.power_on(twin);
        self.later(ms, move |sim| {
            sim.cut_power(twin);
            // Its record lives on for a TTL, and then it is watched before anyone takes it over.
            sim.observer.away(node, sim.now_us + 9_000_000);
        });
    }

    fn strike_store(&mut self, step: &Step) -> Option<()> {
        let ms = step.number(1);
        let member = usize::try_from(step.number(2)).unwrap_or(0) % MEMBERS;
        match step.word(0) {
            "etcd-elects" => self.elect(ms * 1000),
            "etcd-member-down" => self.member_down(member, ms * 1000),
            "etcd-down" => (0..MEMBERS).for_each(|member| self.member_down(member, ms * 1000)),
            "etcd-lags" => {
                self.member_lags(member, 400_000);
                self.later(ms, move |sim| sim.member_lags(member, 0));
            }
            "etcd-clears" => self.clear_history(),
            "etcd-clock" => {
                let by_ms = step.word(1).parse().unwrap_or(0);
                let all = step.word(2) == "all";
                (0..MEMBERS)
                    .filter(|one| all || *one == member)
                    .for_each(|one| self.member_clock(one, by_ms));
            }
            "etcd-wiped" => self.replaced(0, ms),
            "etcd-restored" => {
                let kept = self.etcd.length() / 2;
                self.replaced(kept, ms);
            }
            _ => return None,
        }
        Some(())
    }

    /// The store is another one; after that long an operator has it adopted.
    fn replaced(&mut self, kept: usize, ms: u64) {
        self.observer.store_replaced(self.now_us + (ms + 2_000) * 1000);
        self.replace_store(kept);
        self.later(ms, |sim| sim.adopt());
    }

    /// An operator asks every agent to adopt the store.
    pub fn adopt(&mut self) {
        self.observer.adopted();
        let agents: Vec<_> = self.agents.iter().map(|(id, handle)| (*id, handle.clone())).collect();
        for (_, handle) in agents {
            handle.adopts.set(true);
        }
        for node in 0..self.office() {
            self.stir_agent(node);
        }
    }
}
