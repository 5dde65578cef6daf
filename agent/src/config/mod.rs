//! The agent's configuration, in three stages:
//!
//! 1. `ini`: what the file says, line by line;
//! 2. `merge`: one text for every key, from default, file or environment, the strongest last (contract §4.2);
//! 3. `check`: [`Settings`], which cannot be wrong.
//!
//! [`load`] runs all three and reads the file. Beside them: the command line ([`CommandLine`]), and the address a
//! machine publishes where none is set ([`default_address`]), which depends on the machine and not on any file.
//!
//! Decisions that fleet's users may notice: unknown keys in the file are errors, unknown `FLEET_*` variables only
//! remarks (other programs may use that prefix). Where `agent_ttl` is set and `engine_reconcile_interval` is not, the
//! interval follows from it. An `etcd_request_timeout` too long for the lease is shortened, with a remark. Where only
//! `runtime_directory` is set, units lie in its `units` folder.

mod address;
mod args;
mod check;
mod duration;
mod error;
mod ini;
mod keys;
mod listen_address;
mod merge;
mod nearest;
mod note;
mod servers;
mod settings;
mod timing;
mod tls;
mod values;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cluster::limits::CONFIG_FILE_MAX_BYTES;

pub use address::{AddressError, default_address};
pub use args::{CommandLine, EarlyEnd};
pub use error::{ConfigError, Origin, Problem};
pub use listen_address::ListenAddress;
pub use note::Note;
pub use settings::{ApiSettings, OnStop, Settings, StoreSettings};
pub use timing::Timing;

/// Where the file is looked for if the command line names none.
pub const DEFAULT_PATH: &str = "/etc/fleet/fleet.conf";

/// A configuration that may be used.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// What is worth logging about how they came about.
    pub notes: Vec<Note>,
    /// The file they were read from, if any.
    pub file: Option<PathBuf>,
}

/// Reads the file and the given environment (`std::env::vars_os()` in the agent). A `named` file must exist; without
/// one, [`DEFAULT_PATH`] is read if it is there.
///
/// # Errors
/// Everything that is wrong with the file, the variables or their combination.
pub fn load(
    named: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, ConfigError> {
    let file = match named {
        Some(path) => Some((path, read(path).map_err(|problem| ConfigError::new(vec![problem]))?)),
        None => match read(Path::new(DEFAULT_PATH)) {
            Ok(bytes) => Some((Path::new(DEFAULT_PATH), bytes)),
            Err(Problem::Read { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => None,
            Err(problem) => return Err(ConfigError::new(vec![problem])),
        },
    };
    let (settings, notes) = parse(file.as_ref().map(|(path, bytes)| (*path, bytes.as_slice())), environment)?;
    Ok(Loaded { settings, notes, file: file.map(|(path, _)| path.to_owned()) })
}

/// [`load`] without reading: the file's name and content are given.
///
/// # Errors
/// As [`load`].
pub fn parse(
    file: Option<(&Path, &[u8])>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(Settings, Vec<Note>), ConfigError> {
    let mut merged = merge::Merged::default();
    if let Some((path, bytes)) = file {
        merged.add_file(&path.to_string_lossy(), bytes);
    }
    merged.add_environment(environment);
    check::check(merged).map_err(ConfigError::new)
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let failed = |cause| Problem::Read { path: path.to_owned(), cause };
    let mut bytes = Vec::new();
    let limit = u64::try_from(CONFIG_FILE_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > CONFIG_FILE_MAX_BYTES {
        return Err(Problem::TooLarge { path: path.to_owned(), max_bytes: CONFIG_FILE_MAX_BYTES });
    }
    Ok(bytes)
}
