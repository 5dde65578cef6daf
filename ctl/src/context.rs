//! What every command works with: the global flags, the API they lead to, the names of machines, and standard
//! output. Commands hold no state of their own beyond it.

use std::cell::{OnceCell, RefCell};
use std::io::{self, Write};
use std::sync::Arc;

use cluster::MachineId;
use cluster::sorted::Map;

use crate::api::{Api, Backend, Connection, Direct, Endpoint, Settings};
use crate::args::{DEFAULT_ENDPOINT, Top};
use crate::exit::Failure;
use crate::legend::legend;
use crate::remote::{self, Place, Tunnel};
use crate::talk;

/// Everything a command needs besides its own flags.
pub(crate) struct Context<'f> {
    /// What ctl calls itself: `ctl`, or `fleetctl` when called through a link of that name.
    pub(crate) program: &'f str,
    /// The global flags.
    pub(crate) flags: &'f Top,
    reached: OnceCell<Reached>,
    addresses: RefCell<Map<MachineId, String>>,
}

impl<'f> Context<'f> {
    /// Connects to nothing yet.
    pub(crate) const fn new(program: &'f str, flags: &'f Top) -> Self {
        Self { program, flags, reached: OnceCell::new(), addresses: RefCell::new(Map::new()) }
    }

    /// The API, prepared at the first call.
    ///
    /// # Errors
    /// The global flags do not lead to one.
    pub(crate) fn api(&self) -> Result<&Api, Failure> {
        self.reached().map(|reached| &reached.api)
    }

    /// The tunnel, if one is asked for.
    ///
    /// # Errors
    /// As [`Context::api`].
    pub(crate) fn tunnel(&self) -> Result<Option<&Tunnel>, Failure> {
        self.reached().map(|reached| reached.tunnel.as_deref())
    }

    fn reached(&self) -> Result<&Reached, Failure> {
        if let Some(reached) = self.reached.get() {
            return Ok(reached);
        }
        let reached = reach(self.flags)?;
        reached.api.mind_age(self.program);
        Ok(self.reached.get_or_init(|| reached))
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
        let address = self.address(machine).ok().flatten();
        legend(machine, address.as_deref(), false)
    }

    /// The address of a machine, looked up once; `None` if the fleet knows none.
    ///
    /// # Errors
    /// No answer from the API.
    pub(crate) fn address(&self, machine: &MachineId) -> Result<Option<String>, Failure> {
        if !self.addresses.borrow().contains_key(machine) {
            let machines =
                self.api()?.machines().map_err(|e| Failure::api("Error retrieving machines", &e))?;
            self.addresses.borrow_mut().extend(machines.into_iter().map(|m| (m.id, m.address)));
        }
        let addresses = self.addresses.borrow();
        Ok(addresses.get(machine).filter(|address| !address.is_empty()).cloned())
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

/// The way to the cluster.
struct Reached {
    api: Api,
    tunnel: Option<Arc<Tunnel>>,
}

fn reach(flags: &Top) -> Result<Reached, Failure> {
    let wrong = |e: String| Failure::new(format_args!("Unable to initialize client: {e}"));
    let directly = is_direct(flags).map_err(wrong)?;
    let settings = Settings {
        request_timeout: flags.request_timeout.map(|seconds| seconds.0),
        key_file: given(&flags.key_file, &flags.etcd_keyfile),
        cert_file: given(&flags.cert_file, &flags.etcd_certfile),
        ca_file: given(&flags.ca_file, &flags.etcd_cafile),
        insecure: flags.insecure_skip_verify,
        debug: flags.debug,
    };
    if directly {
        if entrance(flags)?.is_some() {
            return Err(Failure::usage(
                "Error: --tunnel leads to an agent, not to etcd; leave --driver=etcd out",
            ));
        }
        let prefix = flags.etcd_key_prefix.as_deref().filter(|prefix| !prefix.is_empty());
        let direct = Direct::prepare(&settings, endpoint_of_etcd(flags), prefix).map_err(wrong)?;
        return Ok(Reached { api: Api::new(Backend::Registry(Box::new(direct))), tunnel: None });
    }
    let (endpoint, more) = Endpoint::parse(&flags.endpoint).map_err(|e| wrong(e.to_string()))?;
    if more {
        talk::warn(&format!("several endpoints given; only {endpoint} is used"));
    }
    let tunnel = tunnel(flags, &endpoint)?;
    let connection = Connection::prepare(endpoint, &settings, tunnel.clone()).map_err(wrong)?;
    Ok(Reached { api: Api::new(Backend::Agent(connection)), tunnel })
}

/// True where the registry itself is asked. The old flag wins over the new one, as it did in fleet.
fn is_direct(flags: &Top) -> Result<bool, String> {
    match flags.driver.as_str() {
        _ if !flags.experimental_api => Ok(true),
        "API" | "api" => Ok(false),
        "etcd" => Ok(true),
        other => Err(format!("unrecognized driver {other:?}")),
    }
}

/// `--endpoint`, if one was given: its default is an agent's and means nothing to the driver etcd.
fn endpoint_of_etcd(flags: &Top) -> Option<&str> {
    Some(flags.endpoint.as_str()).filter(|endpoint| *endpoint != DEFAULT_ENDPOINT)
}

/// Where `--tunnel` begins, if there is to be one.
fn entrance(flags: &Top) -> Result<Option<Place>, Failure> {
    let Some(text) = flags.tunnel.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
    let place = Place::parse(text);
    place
        .map(Some)
        .ok_or_else(|| Failure::usage(format_args!("Error: --tunnel {text:?} is not HOST or HOST:PORT")))
}

/// The tunnel that `--tunnel` asks for, logged in.
fn tunnel(flags: &Top, endpoint: &Endpoint) -> Result<Option<Arc<Tunnel>>, Failure> {
    let Some(entrance) = entrance(flags)? else { return Ok(None) };
    let far = endpoint.far().ok_or_else(|| {
        Failure::usage(format_args!("Error: {endpoint} has no host that a tunnel could lead to"))
    })?;
    Tunnel::open(remote::manners(flags)?, entrance, far).map(Some)
}

fn given(new: &Option<String>, old: &Option<String>) -> Option<String> {
    let set = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    set(new).or_else(|| set(old))
}
