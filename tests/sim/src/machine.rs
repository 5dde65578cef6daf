//! A machine of the simulation: its disk (a real folder), its systemd, its clock and the lives of its agent, which is
//! put together from the agent's own parts.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use agent::hands::Hands;
use agent::node::{Identity, Node, Parts};
use agent::runtime_dir::RuntimeDir;
use agent::{adopt, assembly, config, leave, metrics, notice};
use cluster::{BootId, MachineId};
use smol::LocalExecutor;
use systemd_shim::{Changes, Notify, Paths, Scope, Timeouts, UnitDir, UnitLinks};

use crate::fiber::suspend;
use crate::kernel::{Event, ProcessId, current, with};
use crate::network::Link;
use crate::sim::Sim;
use crate::systemctl;
use crate::systemd::{GROUPS, Mood, Systemd};
use crate::weakened::Weakened;

/// How long systemd waits before it starts an agent again that was killed.
const RESTART_US: u64 = 500_000;

/// A machine, or the place from where clients ask.
pub struct Machine {
    /// What it is called in traces and scenarios.
    pub name: String,
    /// Its ID.
    pub id: MachineId,
    /// What its agent publishes.
    pub metadata: String,
    /// It has power.
    pub up: bool,
    /// Counts its boots.
    pub boots: u64,
    /// The agent's process.
    pub agent: Option<ProcessId>,
    /// Its way to the store.
    pub link: Link,
    /// How far its clock is from the simulation's.
    pub clock_us: u64,
    /// Its disk.
    pub dir: PathBuf,
    /// Its systemd.
    pub systemd: Systemd,
    /// Something changed that inotify tells of.
    pub noticed: bool,
    /// systemd has asked the agent to end.
    ending: bool,
    /// It is to be started again once it has ended.
    again: bool,
}

impl Machine {
    /// A machine that is off.
    #[must_use]
    pub fn new(name: &str, id: MachineId, metadata: &str, dir: PathBuf) -> Self {
        Self {
            name: name.to_owned(),
            id,
            metadata: metadata.to_owned(),
            up: false,
            boots: 0,
            agent: None,
            link: Link::default(),
            clock_us: 5_000_000,
            dir,
            systemd: Systemd::default(),
            noticed: false,
            ending: false,
            again: false,
        }
    }
}

impl Sim {
    /// Gives a machine power, with nothing left of what lies in `/run`.
    pub fn power_on(&mut self, node: usize) {
        let machine = &mut self.nodes[node];
        if machine.up {
            return;
        }
        machine.up = true;
        machine.boots += 1;
        machine.systemd.mood = Mood::Well;
        let run = machine.dir.join("run");
        // A first boot has nothing to remove.
        let _ = fs::remove_dir_all(&run);
        for folder in ["systemd/system", "systemd/units", GROUPS] {
            fs::create_dir_all(run.join(folder)).expect("folders of a simulated machine");
        }
        self.trace(node, "boots");
        self.start_agent(node);
    }

    /// Takes a machine's power.
    pub fn cut_power(&mut self, node: usize) {
        self.trace(node, "loses its power");
        self.kill_agent(node);
        self.power_off(node);
        self.nodes[node].up = false;
    }

    /// systemd starts the agent: one that it has asked to end once it has ended.
    pub fn start_agent(&mut self, node: usize) {
        self.nodes[node].again |= self.nodes[node].ending;
        if self.nodes[node].agent.is_none() && self.nodes[node].up {
            self.trace(node, "agent starts");
            self.nodes[node].agent = Some(self.processes.start(node, move || live(node)));
        }
    }

    /// The agent has ended, in whatever way; says whether systemd was waiting for that to start it again.
    pub fn has_ended(&mut self, node: usize) -> bool {
        self.nodes[node].ending = false;
        std::mem::take(&mut self.nodes[node].again)
    }

    /// kill -9.
    pub fn kill_agent(&mut self, node: usize) {
        let _ = self.has_ended(node);
        if let Some(id) = self.nodes[node].agent.take() {
            self.trace(node, "agent is killed");
            self.processes.kill(id);
            self.dead_agents.extend(self.agents.remove(&id));
            self.observer.away(node, self.now_us);
        }
    }

    /// kill -9, and systemd starts it again.
    pub fn crash_agent(&mut self, node: usize) {
        self.kill_agent(node);
        let again = move |sim: &mut Self| sim.start_agent(node);
        self.agenda.put(self.now_us + RESTART_US, Event::World(Box::new(again)));
    }

    /// Wakes the agent's loops, so that they look at what changed.
    pub fn stir_agent(&mut self, node: usize) {
        if let Some(id) = self.nodes[node].agent {
            self.processes.wake(id, crate::kernel::MAIN);
        }
    }

    /// Has the agent leave the fleet with everything it holds.
    pub fn ask_to_leave(&mut self, node: usize) {
        if let Some(id) = self.nodes[node].agent
            && let Some(agent) = self.agents.get(&id)
        {
            agent.leaves.set(true);
            self.nodes[node].ending = true;
            self.stir_agent(node);
        }
    }
}

/// What the simulator knows of an agent.
pub struct Handle {
    /// Its state.
    pub node: Rc<Node>,
    /// It is to leave.
    pub leaves: Cell<bool>,
    /// An operator asks it to adopt the store.
    pub adopts: Cell<bool>,
}

/// The settings of every agent, in the words of its configuration file.
fn settings(machine: &Machine) -> String {
    let run = machine.dir.join("run");
    format!(
        "etcd_servers=http://127.0.0.1:1\nagent_ttl=6s\nverbosity=1\npublic_ip={}\nmetadata=\"{}\"\n\
         units_directory={}\nruntime_directory={}\n",
        machine.name,
        machine.metadata,
        run.join("fleet/units").display(),
        run.join("fleet").display()
    )
}

/// One life of an agent.
fn live(node: usize) {
    let Some((id, _)) = current() else { return };
    let executor = LocalExecutor::new();
    let assembled = assemble(&executor, node);
    let ending = match assembled {
        Ok(ending) => ending,
        Err(why) => {
            with(|sim| sim.trace(node, &format!("agent cannot start: {why}")));
            return with(|sim| sim.agent_ended(node, true));
        }
    };
    let (handle, changes, noticed, task) = ending;
    with(|sim| sim.agents.insert(id, Rc::clone(&handle)));
    loop {
        while is_alive(id) && executor.try_tick() {}
        if !is_alive(id) {
            // Killed within a task: the executor has caught what unwinds this stack.
            return;
        }
        if with(|sim| std::mem::take(&mut sim.nodes[node].noticed)) {
            // Without inotify the sweep would find it.
            let _ = notice::take(&handle.node, &changes, &noticed);
            continue;
        }
        if handle.leaves.replace(false) {
            let leaving = Rc::clone(&handle);
            executor.spawn(async move { leave::begin(&leaving.node).await }).detach();
            continue;
        }
        if handle.adopts.replace(false) {
            let ours = Rc::clone(&handle);
            // Refused where there is nothing to adopt.
            executor.spawn(async move { drop(adopt::adopt_store(&ours.node).await) }).detach();
            continue;
        }
        if task.is_finished() {
            return with(|sim| sim.agent_ended(node, false));
        }
        suspend();
    }
}

fn is_alive(id: ProcessId) -> bool {
    with(|sim| sim.processes.get(id).is_some())
}

type Assembled = (Rc<Handle>, Rc<RefCell<Changes>>, Rc<RefCell<systemd_shim::Drained>>, smol::Task<()>);

fn assemble(executor: &LocalExecutor<'static>, node: usize) -> Result<Assembled, String> {
    let (text, dir, id, boot) = with(|sim| {
        let machine = &sim.nodes[node];
        (settings(machine), machine.dir.clone(), machine.id.clone(), machine.boots)
    });
    let parsed = config::parse(Some((Path::new("fleet.conf"), text.as_bytes())), []);
    let (settings, _) = parsed.map_err(|error| error.to_string())?;
    let hands = Arc::new(hands(&dir, &settings)?);
    let nonce = hands.runtime.nonce().map_err(|error| error.to_string())?;
    let boot = BootId::parse(&format!("boot-{node}-{boot}")).map_err(|error| error.to_string())?;
    let remembered = hands.runtime.remembered(&id).map_err(|error| error.to_string())?;
    let (ropes, bells) = assembly::bells();
    let parts = Parts {
        settings,
        config_file: None,
        named_config: None,
        identity: Identity { id, boot, nonce },
        store: metrics::counted(Weakened::new(node, node)),
        runtime: hands.runtime.clone(),
        remembered,
        ropes,
        notify: Notify::of(|_| None, 0).map_err(|error| error.to_string())?,
    };
    let agent = Rc::new(Node::new(parts));
    let changes = changes(&hands)?;
    let (changes, noticed) = (Rc::new(RefCell::new(changes)), Rc::default());
    let noticing = (Rc::clone(&changes), Rc::clone(&noticed));
    let mut reconciler = assembly::reconciler(&agent, hands, noticing)?;
    let (tasks, bell) = assembly::start(executor, &agent, bells);
    let ours = Rc::clone(&agent);
    let task = executor.spawn(async move {
        reconciler.run(&bell).await;
        leave::end(&ours).await;
        drop(tasks);
    });
    let handle = Rc::new(Handle { node: agent, leaves: Cell::default(), adopts: Cell::default() });
    Ok((handle, changes, noticed, task))
}

fn hands(dir: &Path, settings: &config::Settings) -> Result<Hands, String> {
    let paths = Paths {
        systemctl: dir.join("systemctl"),
        journalctl: dir.join("journalctl"),
        runtime_unit_dir: dir.join("run/systemd/system"),
        machine_unit_dirs: Vec::new(),
        invocation_dir: dir.join("run/systemd/units"),
        cgroup_root: Some(dir.join("run/cgroup")),
        xdg_runtime_dir: None,
        journal_dir: None,
    };
    let systemd = systemd_shim::Systemd::with_paths(Scope::System, paths, Timeouts::default());
    let systemd = systemd.run_by(systemctl::run);
    let units = UnitDir::open(&settings.units_directory).map_err(|error| error.to_string())?;
    let links = UnitLinks::new(systemd.paths(), &units);
    let runtime = RuntimeDir::open(&settings.runtime_directory).map_err(|error| error.to_string())?;
    Ok(Hands { systemd, units, links, runtime })
}

/// The kernel gives a user few inotify instances, and others on this machine may have them all for a moment. No time
/// passes for the simulation meanwhile.
#[expect(clippy::disallowed_methods, reason = "nothing tells when the kernel has an instance to give again")]
fn changes(hands: &Hands) -> Result<Changes, String> {
    let mut left = 1000;
    loop {
        match Changes::new(&hands.systemd, "") {
            Ok(changes) => return Ok(changes),
            Err(error) if left == 0 => return Err(error.to_string()),
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
        left -= 1;
    }
}
