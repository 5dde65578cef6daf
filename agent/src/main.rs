//! The daemon put together: configuration, identity, the store, the loops, the API, signals. What each does stands
//! in its own file; this one says what an agent consists of and in which order it starts.

#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::io::Write;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use agent::assembly::{self, Noticing};
use agent::config::{self, CommandLine, Loaded, Settings};
use agent::hands::Hands;
use agent::node::{Identity, Node, Parts, Ropes};
use agent::runtime_dir::RuntimeDir;
use agent::signals::{End, Signals};
use agent::successor::Program;
use agent::{certificates, embedded, error, event, leave, log, metrics, serving, warn};
use registry::etcd::Etcd;
use registry::store::Store;
use smol::LocalExecutor;
use smol::future::{self, FutureExt};
use systemd_shim::heap::Heap;
use systemd_shim::{Changes, Notify, Scope, Systemd, UnitDir, UnitLinks, identity, stack};

/// Keeps the same in half the memory that the allocator of the static build's C library takes for it, however often units
/// come and go (`cargo run --release -p tests --bin footprint`).
#[global_allocator]
static HEAP: Heap = Heap;

/// What the loops may use of the first thread's stack, which is that of the process and much larger.
const STACK_BYTES: usize = 256 * 1024;

fn main() -> ExitCode {
    let command = match CommandLine::parse(std::env::args_os()) {
        Ok(command) => command,
        Err(end) => {
            // A closed pipe is nobody's loss: there is nothing more to say than this.
            let _ = std::io::stdout().write_all(end.output.as_bytes());
            let _ = std::io::stderr().write_all(end.complaint.as_bytes());
            return ExitCode::from(end.exit_code);
        }
    };
    match start(&command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            error!("{why}");
            if !command.check {
                // The journal has the whole of it; this is what `systemctl status` shows first.
                let _ = Notify::from_env().and_then(|notify| notify.status(&why));
            }
            ExitCode::FAILURE
        }
    }
}

fn start(command: &CommandLine) -> Result<(), String> {
    let loaded =
        config::load(command.config.as_deref(), std::env::vars_os()).map_err(|error| error.to_string())?;
    log::set_verbose(loaded.settings.verbose);
    for note in &loaded.notes {
        warn!("{note}");
    }
    if command.check {
        return certificates::check(&loaded.settings);
    }
    let program = Program::running().map_err(|error| format!("find this program: {error}"))?;
    let signals = Signals::block().map_err(|error| format!("block signals: {error}"))?;
    stack::begins(STACK_BYTES);
    let executor = LocalExecutor::new();
    // Not smol's own `block_on`: this thread and the reactor's would then take turns at waiting for events, and each
    // event would wake both of them several times.
    let end = future::block_on(executor.run(run(&executor, command, loaded, (signals, &program))))?;
    drop(executor);
    match end {
        End::Stopped => Ok(()),
        End::Replaced => program.become_it().map(|never| match never {}),
    }
}

async fn run<'a>(
    executor: &LocalExecutor<'a>,
    command: &CommandLine,
    loaded: Loaded,
    (signals, program): (Signals, &Program),
) -> Result<End, String> {
    let notify = Notify::from_env().map_err(|error| format!("find systemd: {error}"))?;
    let mut listeners = serving::listeners(&loaded.settings)?;
    if command.standalone && listeners.is_empty() {
        listeners.push(serving::default_listener()?);
    }
    let hands = Arc::new(hands(&loaded)?);
    let (ropes, bells) = assembly::bells();
    let (node, own_store) = node(command, loaded, hands.runtime.clone(), (ropes, notify))?;
    let noticing = noticing(executor, &node, &hands)?;
    let mut reconciler = assembly::reconciler(&node, hands, noticing)?;
    let (end, ended) = smol::channel::bounded::<()>(1);
    // The channel is closed, never written to.
    let stop = async move { while ended.recv().await.is_ok() {} };
    executor.spawn(own_store.clone().serve()).detach();
    let serving = executor.spawn(serving::serve(Rc::clone(&node), listeners, stop));
    let (tasks, bell) = assembly::start(executor, &node, bells);
    let at_once = async {
        signals.obey(Rc::clone(&node), program).await.map_err(|error| format!("wait for signals: {error}"))
    };
    let gracefully = async {
        reconciler.run(&bell).await;
        leave::end(&node).await;
        Ok(End::Stopped)
    };
    let result = at_once.or(gracefully).await;
    drop(end);
    serving.await;
    drop(tasks);
    own_store.close();
    result
}

/// This machine with its store, as it was when an agent ended here.
fn node(
    command: &CommandLine,
    loaded: Loaded,
    runtime: RuntimeDir,
    (ropes, notify): (Ropes, Notify),
) -> Result<(Rc<Node>, embedded::Own), String> {
    let identity = identify(&loaded, &runtime)?;
    event!(AgentStarted, "skiff-agent {} on machine {}", env!("CARGO_PKG_VERSION"), identity.id);
    let (store, own_store) = store(command, &loaded.settings)?;
    let remembered = runtime.remembered(&identity.id).map_err(|error| error.to_string())?;
    let (settings, config_file, named_config) = (loaded.settings, loaded.file, command.config.clone());
    let node = Node::new(Parts {
        settings,
        config_file,
        named_config,
        identity,
        store,
        runtime,
        remembered,
        ropes,
        notify,
    });
    Ok((Rc::new(node), own_store))
}

/// The store of the fleet: an etcd, or this machine's own.
fn store(command: &CommandLine, settings: &Settings) -> Result<(Arc<dyn Store>, embedded::Own), String> {
    if command.standalone || settings.store.is_own {
        return embedded::open(settings);
    }
    let etcd = Etcd::new(&settings.etcd).map_err(|error| error.to_string())?;
    Ok((metrics::counted(etcd), embedded::Own::default()))
}

fn hands(loaded: &Loaded) -> Result<Hands, String> {
    let settings = &loaded.settings;
    let scope = if settings.systemd_user { Scope::User } else { Scope::System };
    let systemd = Systemd::new(scope).map_err(|error| error.to_string())?;
    let units = UnitDir::open(&settings.units_directory).map_err(|error| error.to_string())?;
    let links = UnitLinks::new(systemd.paths(), &units);
    let runtime = RuntimeDir::open(&settings.runtime_directory).map_err(|error| error.to_string())?;
    Ok(Hands { systemd, units, links, runtime })
}

fn identify(loaded: &Loaded, runtime: &RuntimeDir) -> Result<Identity, String> {
    let id = match &loaded.settings.machine_id {
        Some(id) => id.clone(),
        None => identity::machine_id(identity::MACHINE_ID_FILE.as_ref())
            .map_err(|error| format!("unable to determine local machine ID: {error}"))?,
    };
    let boot = identity::boot_id(identity::BOOT_ID_FILE.as_ref()).map_err(|error| error.to_string())?;
    let nonce = runtime.nonce().map_err(|error| error.to_string())?;
    Ok(Identity { id, boot, nonce })
}

fn noticing(executor: &LocalExecutor<'_>, node: &Rc<Node>, hands: &Hands) -> Result<Noticing, String> {
    let group = hands.systemd.control_group().map_err(|error| error.to_string())?;
    let changes = Changes::new(&hands.systemd, &group).map_err(|error| error.to_string())?;
    let noticing = (Rc::new(RefCell::new(changes)), Rc::default());
    let (changes, noticed) = noticing.clone();
    executor.spawn(agent::notice::notice(Rc::clone(node), changes, noticed)).detach();
    Ok(noticing)
}
