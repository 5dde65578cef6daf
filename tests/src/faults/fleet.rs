//! The ground of every fault: three machines and an etcd of three members, made as new before each one whatever the
//! one before left broken. It breaks nothing itself.

use std::fmt::Write as _;
use std::fs;

use crate::etcd::Etcd;
use crate::etcd_cluster::EtcdCluster;
use crate::failure::{Failure, Outcome};
use crate::install::Binaries;
use crate::isolation::Isolation;
use crate::machine_root::put;
use crate::network::HOST;
use crate::promises::SOON;
use crate::run::Ran;
use crate::wait::wait_until;
use crate::world::{MACHINES, World};

/// Where [`World`] looks for etcd: the first member.
const FIRST_PORT: u16 = 2379;

/// A drop-in of the agent's unit, for faults that want it otherwise.
const DROP_IN: &str = "etc/systemd/system/fleet.service.d/zz-fault.conf";

/// An agent that nobody starts again when it hangs.
const NO_WATCHDOG: &str = "[Service]\nWatchdogSec=0\n";

/// How the agents of a fresh fleet are set up.
#[derive(Clone, Debug, Default)]
pub(super) struct Setup {
    /// No watchdog: an agent that hangs goes on hanging.
    pub(super) no_watchdog: bool,
    /// Other endpoints than the members' own.
    pub(super) endpoints: Option<String>,
}

/// Machines and members.
#[derive(Debug)]
pub(super) struct Fleet {
    /// The machines. Its `etcd` is the first member.
    pub(super) world: World,
    others: Vec<Etcd>,
}

impl Fleet {
    /// Boots the machines and starts the members.
    ///
    /// # Errors
    /// When something of it cannot be had.
    pub(super) fn start(isolation: Isolation, binaries: Binaries) -> Outcome<Self> {
        let mut world = World::start(isolation, binaries)?;
        world.etcd.stop()?;
        let folder = world.folder("etcd-members")?;
        let mut others = EtcdCluster::start_in(HOST, Some(FIRST_PORT), Some(&folder))?.members;
        world.etcd = others.remove(0);
        Ok(Self { world, others })
    }

    /// Everything as new: no fault, no unit, agents that see each other.
    ///
    /// # Errors
    /// When that is not reached.
    pub(super) fn fresh(&mut self, setup: &Setup) -> Outcome {
        self.start_members()?;
        self.mend_machines()?;
        self.world.fresh()?;
        let endpoints = setup.endpoints.clone().unwrap_or_else(|| self.endpoints());
        for machine in self.world.machines() {
            let path = machine.root().join("etc/fleet/fleet.conf");
            let text = fs::read_to_string(&path)
                .map_err(|cause| Failure::during(format!("read {}", path.display()), cause))?;
            let text = text.replace(&self.world.etcd.endpoint(), &endpoints);
            put(machine.root(), "etc/fleet/fleet.conf", &text)?;
            if setup.no_watchdog {
                put(machine.root(), DROP_IN, NO_WATCHDOG)?;
            }
            let again = "systemctl daemon-reload; systemctl restart fleet.service";
            machine.run(&["/bin/sh", "-c", again])?.success()?;
        }
        self.world.all_machines_listed(MACHINES)
    }

    /// Undoes what a fault did that did not come to its end.
    fn mend_machines(&mut self) -> Outcome {
        for number in self.world.numbers() {
            let machine = self.world.machine_mut(number);
            machine.freeze(false)?;
            let drop_in = machine.root().join(DROP_IN);
            if drop_in.exists() {
                fs::remove_file(&drop_in)
                    .map_err(|cause| Failure::during(format!("remove {}", drop_in.display()), cause))?;
            }
        }
        Ok(())
    }

    /// Off and on again: for machines whose systemd or `/run` a fault has hurt.
    ///
    /// # Errors
    /// When one does not boot.
    pub(super) fn boot_anew(&mut self) -> Outcome {
        for number in self.world.numbers() {
            let machine = self.world.machine_mut(number);
            machine.freeze(false)?;
            if machine.is_on() {
                machine.kill()?;
            }
            machine.boot()?;
        }
        Ok(())
    }

    /// The members' client URLs, as `etcd_servers=` takes them.
    #[must_use]
    pub(super) fn endpoints(&self) -> String {
        self.members().map(Etcd::endpoint).collect::<Vec<_>>().join(",")
    }

    /// The members.
    pub(super) fn members(&self) -> impl Iterator<Item = &Etcd> {
        std::iter::once(&self.world.etcd).chain(&self.others)
    }

    /// The members, to be killed and started.
    pub(super) fn members_mut(&mut self) -> impl Iterator<Item = &mut Etcd> {
        std::iter::once(&mut self.world.etcd).chain(&mut self.others)
    }

    /// Member `number`, from 0.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn member(&mut self, number: usize) -> Outcome<&mut Etcd> {
        self.members_mut().nth(number).ok_or_else(|| Failure::new(format!("there is no member {number}")))
    }

    /// Starts the members that do not run, lets the others go on, and waits until all answer.
    ///
    /// # Errors
    /// When one does not.
    pub(super) fn start_members(&mut self) -> Outcome {
        for member in self.members_mut() {
            if member.runs() {
                member.resume()?;
            } else {
                member.launch()?;
            }
        }
        self.members_mut().try_for_each(Etcd::wait_healthy)
    }

    /// The member that leads etcd, from 0.
    ///
    /// # Errors
    /// When none soon does.
    pub(super) fn store_leader(&self) -> Outcome<usize> {
        wait_until("etcd to have a leader", SOON, || {
            let listed = self.ask(&["member", "list"]).map_err(|failure| failure.to_string())?;
            let leader = listed.stdout.lines().find(|line| line.contains("isLeader=true"));
            let name =
                |number: &usize| leader.is_some_and(|line| line.contains(&format!("name=member-{number} ")));
            (0..=self.others.len()).find(name).ok_or_else(|| listed.to_string())
        })
    }

    /// Runs `etcdctl` against all members: it takes the first that answers.
    ///
    /// # Errors
    /// When it cannot be run.
    pub(super) fn ask(&self, words: &[&str]) -> Outcome<Ran> {
        let endpoints = self.endpoints();
        let mut all = vec!["--endpoints", &endpoints];
        all.extend(words);
        self.world.etcd.etcdctl(&all)
    }

    /// The machine whose agent leads.
    ///
    /// # Errors
    /// When there soon is none.
    pub(super) fn leader(&self) -> Outcome<usize> {
        wait_until("a leader", SOON, || {
            let lease = self
                .ask(&["get", "/_coreos.com/fleet/fleet/lease"])
                .map_err(|failure| failure.to_string())?;
            let leads =
                |number: &usize| lease.stdout.contains(&self.world.machine(*number).identity().machine_id);
            self.world.numbers().find(leads).ok_or_else(|| lease.to_string())
        })
    }

    /// A machine whose agent does not lead.
    ///
    /// # Errors
    /// When none leads.
    pub(super) fn follower(&self) -> Outcome<usize> {
        Ok(self.leader()? % MACHINES + 1)
    }

    /// `MachineID=` of a machine, for `[X-Fleet]`.
    #[must_use]
    pub(super) fn pin(&self, number: usize) -> String {
        format!("MachineID={}", self.world.machine(number).identity().machine_id)
    }

    /// What of units is left on machines that are on, and in the registry; empty where nothing is.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub(super) fn left_behind(&self) -> Outcome<String> {
        const LOOK: &str = "find /run/fleet/units -mindepth 1; \
                            find /run/systemd/system /etc/systemd/system -lname '/run/fleet/*'";
        let mut text = String::new();
        for machine in self.world.machines().iter().filter(|machine| machine.is_on()) {
            let found = machine.run(&["/bin/sh", "-c", LOOK])?.success()?;
            for line in found.stdout.lines() {
                let _ = writeln!(text, "{}: {line}", machine.identity().name);
            }
        }
        let keys = self.ask(&["ls", "--recursive", "/_coreos.com"])?.success()?;
        for key in keys.stdout.lines().filter(|key| key.ends_with(".service")) {
            let _ = writeln!(text, "etcd: {key}");
        }
        Ok(text)
    }
}
