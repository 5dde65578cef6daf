//! What every command works with: the global flags, the API they lead to, the names of machines, and standard
//! output. Commands hold no state of their own beyond it.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::io::{self, Write};

use cluster::MachineId;

use crate::api::{Api, Backend, Connection, Direct, Settings};
use crate::args::{DEFAULT_ENDPOINT, Top};
use crate::exit::Failure;
use crate::legend::legend;

/// Everything a command needs besides its own flags.
pub(crate) struct Context<'f> {
    /// What ctl calls itself: `ctl`, or `fleetctl` when called through a link of that name.
    pub(crate) program: &'f str,
    /// The global flags.
    pub(crate) flags: &'f Top,
    api: OnceCell<Api>,
    addresses: RefCell<BTreeMap<MachineId, String>>,
}

impl<'f> Context<'f> {
    /// Connects to nothing yet.
    pub(crate) const fn new(program: &'f str, flags: &'f Top) -> Self {
        Self { program, flags, api: OnceCell::new(), addresses: RefCell::new(BTreeMap::new()) }
    }

    /// The API, prepared at the first call.
    ///
    /// # Errors
    /// The global flags do not lead to one.
    pub(crate) fn api(&self) -> Result<&Api, Failure> {
        if let Some(api) = self.api.get() {
            return Ok(api);
        }
        let api = prepare(self.flags)
            .map_err(|e| Failure::new(format_args!("Unable to initialize client: {e}")))?;
        api.mind_age(self.program);
        Ok(self.api.get_or_init(|| api))
    }

    /// Prints one line of an answer.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub(crate) fn answer(&self, line: &str) -> Result<(), Failure> {
        self.print(&format!("{line}\n"))
    }

    /// Prints a whole text as it is.
    ///
    /// # Errors
    /// Standard output is closed or full.
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        print(text)
    }

    /// A machine as progress lines name it: short ID and address. A machine that cannot be looked up is named by its
    /// short ID alone.
    pub(crate) fn legend(&self, machine: &MachineId) -> String {
        let known = self.addresses.borrow().contains_key(machine);
        if !known
            && let Ok(api) = self.api()
            && let Ok(machines) = api.machines()
        {
            self.addresses.borrow_mut().extend(machines.into_iter().map(|m| (m.id, m.address)));
        }
        legend(machine, self.addresses.borrow().get(machine).map(String::as_str), false)
    }
}

/// Prints a whole text on standard output.
///
/// # Errors
/// It is closed or full.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

fn prepare(flags: &Top) -> Result<Api, String> {
    // The old flag wins over the new one, as it did in fleet.
    let directly = match flags.driver.as_str() {
        _ if !flags.experimental_api => true,
        "API" | "api" => false,
        "etcd" => true,
        other => return Err(format!("unrecognized driver {other:?}")),
    };
    if flags.tunnel.as_ref().is_some_and(|host| !host.is_empty()) {
        return Err("--tunnel is not built yet; run this on a machine of the cluster, or name its API with --endpoint"
            .to_owned());
    }
    let settings = Settings {
        endpoint: flags.endpoint.clone(),
        request_timeout: flags.request_timeout.map(|seconds| seconds.0),
        key_file: given(&flags.key_file, &flags.etcd_keyfile),
        cert_file: given(&flags.cert_file, &flags.etcd_certfile),
        ca_file: given(&flags.ca_file, &flags.etcd_cafile),
        insecure: flags.insecure_skip_verify,
        debug: flags.debug,
    };
    let backend = if directly {
        let prefix = flags.etcd_key_prefix.as_deref().filter(|prefix| !prefix.is_empty());
        Backend::Registry(Box::new(Direct::prepare(&settings, endpoint_of_etcd(flags), prefix)?))
    } else {
        Backend::Agent(Connection::prepare(&settings)?)
    };
    Ok(Api::new(backend))
}

/// `--endpoint`, if one was given: its default is an agent's and means nothing to the driver etcd.
fn endpoint_of_etcd(flags: &Top) -> Option<&str> {
    Some(flags.endpoint.as_str()).filter(|endpoint| *endpoint != DEFAULT_ENDPOINT)
}

fn given(new: &Option<String>, old: &Option<String>) -> Option<String> {
    let set = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    set(new).or_else(|| set(old))
}
