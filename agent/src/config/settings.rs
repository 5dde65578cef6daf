//! Stage three's result: settings that cannot be wrong, in the types the agent works with. How they come about is
//! `check`'s business.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;

use cluster::ids::MachineId;
use cluster::sorted::Map;
use fleet_api::access::Roles;
use http_server::TlsFiles;
use registry::etcd;

use super::listen_address::ListenAddress;
use super::timing::Timing;

/// Everything the agent is told from outside. Each value is within its bounds and goes together with the others.
#[derive(Clone, Debug)]
pub struct Settings {
    /// True to log what is only of use to someone looking for an error (`verbosity` above 0).
    pub verbose: bool,
    /// How to reach etcd; its request time-out is `timing`'s.
    pub etcd: etcd::Settings,
    /// The store in the agent itself, where there is one in place of an etcd.
    pub store: StoreSettings,
    /// TTLs, planning interval and request time-out.
    pub timing: Timing,
    /// False if this machine may never lead.
    pub may_lead: bool,
    /// Address to publish, at most `limits::ADDRESS_MAX_BYTES`; `None` to look for one
    /// ([`super::default_address`]).
    pub public_ip: Option<String>,
    /// What the machine is published with; keys are never empty.
    pub metadata: Map<String, String>,
    /// Absolute path of the folder for unit files.
    pub units_directory: PathBuf,
    /// Absolute path of the folder for what outlives the agent but not the boot.
    pub runtime_directory: PathBuf,
    /// True to drive `systemctl --user`.
    pub systemd_user: bool,
    /// Identity to use in place of `/etc/machine-id`; only with `systemd_user` (registry rule 9).
    pub machine_id: Option<MachineId>,
    /// Items on one page of a list of the API.
    pub page_items: NonZeroU16,
    /// Addresses of the API beside the sockets systemd passes.
    pub listen: Vec<ListenAddress>,
    /// How the API is served on TCP, and to whom.
    pub api: ApiSettings,
    /// What SIGTERM does to the machine's units.
    pub on_stop: OnStop,
}

/// What becomes of the units when the agent is told to end (contract §4.4, registry rule 10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnStop {
    /// Stop and release them, leave the fleet.
    Leave,
    /// Write nothing, let them run; for an upgrade in place.
    Keep,
}

/// The API on TCP. Unix sockets have neither TLS nor roles: their mode decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiSettings {
    /// The files of TLS; `None` for plain text, and then whoever connects may do everything.
    pub tls: Option<TlsFiles>,
    /// Whose certificates may do what.
    pub roles: Roles,
}

/// The agent's own store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreSettings {
    /// True if this machine's store is its own; `--standalone` says so too.
    pub is_own: bool,
    /// Absolute path of the folder it lies in.
    pub folder: PathBuf,
    /// Where others may use it as if it were an etcd.
    pub listen: Option<SocketAddr>,
    /// With which certificates; `None` for plain text.
    pub tls: Option<TlsFiles>,
    /// True if a crash may cost the last second's writes.
    pub is_relaxed: bool,
}
