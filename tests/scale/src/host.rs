//! A process with many agents: each with folders, an etcd client, watches and loops of its own, put together as the daemon
//! puts them together; only systemd is a stand-in, and no API is served.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use agent::assembly;
use agent::config;
use agent::hands::Hands;
use agent::metrics;
use agent::node::{Identity, Node, Parts};
use agent::runtime_dir::RuntimeDir;
use cluster::{BootId, MachineId};
use registry::etcd::Etcd;
use smol::LocalExecutor;
use smol::future;
use systemd_shim::{Changes, Notify, Scope, Systemd, Timeouts, UnitDir, UnitLinks};
use tests::failure::{Failure, Outcome};

use crate::stand_in;

/// The folder of machine `number`.
pub(crate) fn folder_of(root: &Path, number: usize) -> PathBuf {
    root.join(format!("m{number:04}"))
}

/// The ID of machine `number`.
pub(crate) fn id_of(number: usize) -> String {
    // Spread over the whole range, as random ones are.
    format!("{:08x}{number:024x}", number.wrapping_mul(2_654_435_761) & 0xffff_ffff)
}

/// Runs machines `first` to `first + count - 1` until the process is killed.
pub(crate) fn main(root: &Path, endpoint: &str, (first, count): (&str, &str), may_lead: bool) -> Outcome {
    let number = |text: &str| text.parse::<usize>().map_err(|cause| Failure::during(text, cause));
    let (first, count) = (number(first)?, number(count)?);
    let executor = LocalExecutor::new();
    for machine in first..first + count {
        let folder = folder_of(root, machine);
        start(&executor, &folder, endpoint, machine, may_lead)
            .map_err(|cause| Failure::during(format!("start agent {machine}"), cause))?;
    }
    future::block_on(executor.run(future::pending::<()>()));
    Ok(())
}

fn start(
    executor: &LocalExecutor<'static>,
    folder: &Path,
    endpoint: &str,
    number: usize,
    may_lead: bool,
) -> Result<(), String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    for part in ["", "system", "links"] {
        fs::create_dir_all(folder.join(part)).map_err(|error| words(&error))?;
    }
    let file = folder.join("fleet.conf");
    fs::write(&file, configuration(folder, endpoint, number, may_lead)).map_err(|error| words(&error))?;
    let loaded = config::load(Some(&file), std::iter::empty()).map_err(|error| words(&error))?;
    let settings = loaded.settings;
    let systemd = Systemd::with_paths(Scope::System, stand_in::paths(folder), Timeouts::default());
    let systemd = systemd.run_by(stand_in::run);
    let units = UnitDir::open(&settings.units_directory).map_err(|error| words(&error))?;
    let links = UnitLinks::new(systemd.paths(), &units);
    let runtime = RuntimeDir::open(&settings.runtime_directory).map_err(|error| words(&error))?;
    let hands = Arc::new(Hands { systemd, units, links, runtime: runtime.clone() });
    let identity = Identity {
        id: MachineId::parse(&id_of(number)).map_err(|error| words(&error))?,
        boot: BootId::parse("one-boot").map_err(|error| words(&error))?,
        nonce: runtime.nonce().map_err(|error| words(&error))?,
    };
    let store = metrics::counted(Etcd::new(&settings.etcd).map_err(|error| words(&error))?);
    let remembered = runtime.remembered(&identity.id).map_err(|error| words(&error))?;
    let (ropes, bells) = assembly::bells();
    let notify = Notify::of(|_| None, 1).map_err(|error| words(&error))?;
    let (config_file, named_config) = (loaded.file, None);
    let parts =
        Parts { settings, config_file, named_config, identity, store, runtime, remembered, ropes, notify };
    run(executor, Rc::new(Node::new(parts)), hands, bells)
}

fn run(
    executor: &LocalExecutor<'static>,
    node: Rc<Node>,
    hands: Arc<Hands>,
    bells: assembly::Bells,
) -> Result<(), String> {
    let changes = Changes::new(&hands.systemd, "/").map_err(|error| error.to_string())?;
    let noticing = (Rc::new(RefCell::new(changes)), Rc::default());
    let (changes, noticed) = noticing.clone();
    executor.spawn(agent::notice::notice(Rc::clone(&node), changes, noticed)).detach();
    let mut reconciler = assembly::reconciler(&node, hands, noticing)?;
    let (tasks, bell) = assembly::start(executor, &node, bells);
    tasks.into_iter().for_each(smol::Task::detach);
    executor.spawn(async move { reconciler.run(&bell).await }).detach();
    Ok(())
}

/// The shipped settings, but for where things are.
fn configuration(folder: &Path, endpoint: &str, number: usize, may_lead: bool) -> String {
    let folder = folder.display();
    format!(
        "etcd_servers={endpoint}\npublic_ip=10.{}.{}.{}\ndisable_engine={}\nunits_directory={folder}/units\n\
         runtime_directory={folder}/runtime\nmetadata=\"rack={}\"\n",
        number / 65_536,
        number / 256 % 256,
        number % 256,
        !may_lead,
        number / 100,
    )
}
