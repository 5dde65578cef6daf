//! The whole test world: three machines (a fourth on demand), their network, an etcd or Skiff's own store on the bridge,
//! Skiff installed.
//! `fresh` makes it as new between scenarios without asking Skiff for anything: what Skiff left broken must not matter.

use std::path::PathBuf;

use crate::etcd::{Etcd, EtcdOptions};
use crate::failure::{Failure, Outcome};
use crate::images::{self, Registry};
use crate::install::{Binaries, configure, install};
use crate::isolation::Isolation;
use crate::machine::Machine;
use crate::machine_root::{Identity, put, put_bytes};
use crate::network::{HOST, Network};
use crate::promises::SOON;
use crate::run::Ran;
use crate::store_program::StoreProgram;
use crate::unit_view::UnitView;
use crate::wait::{self, wait_until};

/// The machines of the guide: IDs, and the host name that `%H` shows there.
const GUIDE_MACHINES: [(&str, &str); 4] = [
    ("148a18ff6e954cd892dac9de9bb90d5a", "ip-10-182-139-116"),
    ("491586a6508f4583a71dbfc4d146e996", "ip-10-182-139-117"),
    ("c9de94516a6f1d80b7e646e996bfc4d1", "ip-10-182-139-118"),
    ("f823e019aa3b4b0e8d1f0a5dbd9d7a66", "ip-10-182-139-119"),
];

/// How many machines there are unless a scenario adds one.
pub const MACHINES: usize = 3;

/// Takes a machine back to a freshly booted one, as far as Skiff and the units of former scenarios are concerned.
const CLEAN: &str = r"
systemctl kill --signal=KILL fleet.service 2>/dev/null
systemctl stop fleet.socket fleet.service
for file in /run/fleet/units/*; do
    unit=${file##*/}
    systemctl kill --signal=KILL -- $unit; systemctl stop -- $unit
done 2>/dev/null
for link in $(find /run/systemd/system /etc/systemd/system -lname '/run/fleet/*'); do
    systemctl kill --signal=KILL -- ${link##*/} 2>/dev/null; systemctl stop -- ${link##*/} 2>/dev/null; rm -f $link
done
umount $(findmnt --raw --noheadings --output TARGET | grep containers/storage) 2>/dev/null
rm -rf /run/fleet /var/lib/fleet /root/units/* /run/containers /run/libpod /run/crun /var/lib/containers/storage
systemctl daemon-reload; systemctl reset-failed; true
";

/// The world. Its parts go in the order they stand here.
#[derive(Debug)]
pub struct World {
    machines: Vec<Machine>,
    /// The etcd, or Skiff's own store, that the machines are configured with, at `10.10.1.254:2379`.
    pub etcd: Etcd,
    program: StoreProgram,
    registry: Option<Registry>,
    network: Network,
    binaries: Binaries,
    isolation: Isolation,
    began_epoch_secs: u64,
    clusters: u32,
}

impl World {
    /// Builds everything with a real etcd and boots three machines.
    ///
    /// # Errors
    /// When a part of it cannot be had.
    pub fn start(isolation: Isolation, binaries: Binaries) -> Outcome<Self> {
        Self::start_on(StoreProgram::Etcd, isolation, binaries)
    }

    /// The same with this program in etcd's place.
    ///
    /// # Errors
    /// As [`World::start`].
    pub fn start_on(program: StoreProgram, isolation: Isolation, binaries: Binaries) -> Outcome<Self> {
        let network = Network::create(&isolation)?;
        let etcd = start_etcd("cluster-0", &program, &isolation)?;
        let mut world = Self {
            machines: Vec::new(),
            etcd,
            program,
            registry: None,
            network,
            binaries,
            isolation,
            began_epoch_secs: wait::epoch_secs(),
            clusters: 0,
        };
        for number in 1..=MACHINES {
            world.add_machine(number, None)?;
        }
        world.boot_all()?;
        Ok(world)
    }

    /// Prepares machine `number` (from 1), off, with Skiff installed; with another's ID where one is given.
    ///
    /// # Errors
    /// When it cannot be prepared.
    pub fn add_machine(&mut self, number: usize, machine_id: Option<&str>) -> Outcome {
        self.add_bare_machine(number, machine_id)?;
        let root = self.machine(self.machines.len()).root();
        install(root, &self.binaries)?;
        images::configure(root)?;
        configure(root, "", "")
    }

    /// The same without Skiff.
    ///
    /// # Errors
    /// When it cannot be prepared.
    pub fn add_bare_machine(&mut self, number: usize, machine_id: Option<&str>) -> Outcome {
        let (id, hostname) = GUIDE_MACHINES
            .get(number.wrapping_sub(1))
            .ok_or_else(|| Failure::new(format!("there is no machine {number}")))?;
        let identity = Identity {
            name: format!("m{number}"),
            number: u8::try_from(number).unwrap_or(u8::MAX),
            hostname: (*hostname).to_owned(),
            machine_id: machine_id.unwrap_or(id).to_owned(),
        };
        self.machines.push(Machine::create(&self.isolation, &self.network, identity)?);
        Ok(())
    }

    /// A folder on the tests' own file system, for files that go with it.
    ///
    /// # Errors
    /// When it cannot be created.
    pub fn folder(&self, name: &str) -> Outcome<PathBuf> {
        self.isolation.folder(name)
    }

    /// Makes the world as new: nothing but empty machines 1 to 3, an empty etcd, and agents that see each other.
    ///
    /// # Errors
    /// When that is not reached.
    pub fn fresh(&mut self) -> Outcome {
        self.fresh_with(&["", "", ""])
    }

    /// [`World::fresh`] with this metadata for machines 1 to 3.
    ///
    /// # Errors
    /// As [`World::fresh`].
    pub fn fresh_with(&mut self, metadata: &[&str; MACHINES]) -> Outcome {
        self.began_epoch_secs = wait::epoch_secs();
        self.machines.truncate(MACHINES);
        for machine in &self.machines {
            machine.link().restore()?;
        }
        self.boot_all()?;
        for machine in &self.machines {
            machine.run(&["/bin/sh", "-c", CLEAN])?.success()?;
        }
        self.empty_etcd()?;
        for (machine, metadata) in self.machines.iter().zip(metadata) {
            configure(machine.root(), metadata, "")?;
            machine.run(&["systemctl", "--no-block", "start", "fleet.socket", "fleet.service"])?.success()?;
        }
        self.all_machines_listed(MACHINES)
    }

    fn boot_all(&mut self) -> Outcome {
        let mut off: Vec<&mut Machine> =
            self.machines.iter_mut().filter(|machine| !machine.is_on()).collect();
        off.iter_mut().try_for_each(|machine| machine.begin_boot())?;
        off.iter_mut().try_for_each(|machine| machine.finish_boot())
    }

    fn empty_etcd(&mut self) -> Outcome {
        if !self.etcd.runs() {
            self.etcd.start_again()?;
        }
        self.etcd.resume()?;
        // A list leaves out names that begin with an underscore.
        self.etcd.etcdctl(&["rm", "--recursive", "/_coreos.com"])?;
        for key in self.etcd.etcdctl(&["ls", "/"])?.success()?.stdout.lines() {
            self.etcd.etcdctl(&["rm", "--recursive", key])?.success()?;
        }
        Ok(())
    }

    /// Stops this etcd and starts one of another cluster, empty, at the same address. Likewise for Skiff's own store.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn replace_etcd(&mut self) -> Outcome {
        self.etcd.stop()?;
        self.clusters += 1;
        self.etcd = start_etcd(&format!("cluster-{}", self.clusters), &self.program, &self.isolation)?;
        Ok(())
    }

    /// Starts the image registry if it does not run yet.
    ///
    /// # Errors
    /// When it cannot be started or filled.
    pub fn with_docker(&mut self) -> Outcome {
        if self.registry.is_none() {
            self.registry = Some(Registry::start(&self.isolation)?);
        }
        Ok(())
    }

    /// Machine `number`, from 1.
    ///
    /// # Panics
    /// When there is none: a mistake in the scenario.
    #[must_use]
    #[expect(
        clippy::indexing_slicing,
        reason = "a scenario that names a machine it has not got must be mended"
    )]
    pub fn machine(&self, number: usize) -> &Machine {
        &self.machines[number - 1]
    }

    /// Machine `number`, from 1, to boot, kill or power it off.
    ///
    /// # Panics
    /// When there is none.
    #[expect(clippy::indexing_slicing, reason = "as `machine`")]
    pub fn machine_mut(&mut self, number: usize) -> &mut Machine {
        &mut self.machines[number - 1]
    }

    /// All machines, also those that are off.
    #[must_use]
    pub fn machines(&self) -> &[Machine] {
        &self.machines
    }

    /// The numbers of all machines.
    pub fn numbers(&self) -> impl Iterator<Item = usize> + use<> {
        1..=self.machines.len()
    }

    /// When this scenario began, in seconds since 1970, for journals.
    #[must_use]
    pub fn began_epoch_secs(&self) -> u64 {
        self.began_epoch_secs
    }

    /// Runs `ctl` with these words, as typed into a shell on the first machine that is on.
    ///
    /// # Errors
    /// When no machine is on; ctl's exit status is the caller's to judge.
    pub fn ctl(&self, words: &str) -> Outcome<Ran> {
        let machine = self.machines.iter().find(|machine| machine.is_on());
        machine.ok_or_else(|| Failure::new("every machine is off"))?.shell(&format!("ctl {words}"))
    }

    /// The same on machine `number`.
    ///
    /// # Errors
    /// When it is off.
    pub fn ctl_on(&self, number: usize, words: &str) -> Outcome<Ran> {
        self.machine(number).shell(&format!("ctl {words}"))
    }

    /// [`World::ctl`] that has to succeed.
    ///
    /// # Errors
    /// When its exit status is not 0.
    pub fn done(&self, words: &str) -> Outcome<Ran> {
        self.ctl(words)?.success()
    }

    /// Puts a unit file where `ctl` is run, on every machine.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_unit(&self, name: &str, content: &str) -> Outcome {
        self.machines
            .iter()
            .try_for_each(|machine| put(machine.root(), &format!("root/units/{name}"), content))
    }

    /// The same for content that is not text.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_unit_bytes(&self, name: &str, content: &[u8]) -> Outcome {
        self.machines
            .iter()
            .try_for_each(|machine| put_bytes(machine.root(), &format!("root/units/{name}"), content))
    }

    /// Writes a unit file and starts it with ctl.
    ///
    /// # Errors
    /// When ctl does not succeed.
    pub fn start_unit(&self, name: &str, content: &str) -> Outcome<UnitView<'_>> {
        self.write_unit(name, content)?;
        self.done(&format!("start {name}"))?;
        Ok(self.unit(name))
    }

    /// A unit, to ask things of.
    #[must_use]
    pub fn unit<'world>(&'world self, name: &str) -> UnitView<'world> {
        UnitView::new(self, name)
    }

    /// The machine whose agent leads, as the lease in etcd says.
    ///
    /// # Errors
    /// When there soon is none.
    pub fn leader(&self) -> Outcome<usize> {
        wait_until("a leader", SOON, || {
            let lease = self
                .etcd
                .etcdctl(&["get", "/_coreos.com/fleet/fleet/lease"])
                .map_err(|failure| failure.to_string())?;
            let leads = |number: &usize| lease.stdout.contains(&self.machine(*number).identity().machine_id);
            self.numbers().find(leads).ok_or_else(|| lease.to_string())
        })
    }

    /// Gives machine `number` other metadata and further settings, and tells its agent to read them.
    ///
    /// # Errors
    /// When it is off or the reload fails.
    pub fn reconfigure(&self, number: usize, metadata: &str, more: &str) -> Outcome {
        configure(self.machine(number).root(), metadata, more)?;
        self.machine(number).run(&["systemctl", "reload", "fleet.service"])?.success().map(|_| ())
    }

    /// Waits until every machine that is on answers with a list of `count` machines.
    ///
    /// # Errors
    /// When they do not.
    pub fn all_machines_listed(&self, count: usize) -> Outcome {
        let on = self.numbers().filter(|number| self.machine(*number).is_on());
        for number in on {
            wait_until(format!("m{number} to list {count} machines"), SOON * 2, || {
                let listed = self
                    .ctl_on(number, "list-machines --no-legend")
                    .map_err(|failure| failure.to_string())?;
                let rows = listed.stdout.lines().count();
                if listed.exit == 0 && rows == count { Ok(()) } else { Err(listed.to_string()) }
            })?;
        }
        Ok(())
    }
}

fn start_etcd(token: &str, program: &StoreProgram, isolation: &Isolation) -> Outcome<Etcd> {
    Etcd::start_with(EtcdOptions {
        address: HOST,
        client_port: Some(2379),
        peer_port: Some(2380),
        folder: Some(isolation.folder(&format!("etcd-{token}"))?),
        token: token.to_owned(),
        program: program.clone(),
        ..EtcdOptions::default()
    })
}
