//! What the agent keeps between two of its lives and not beyond a boot: its nonce, the fleet it belongs to, and one
//! marker for each unit on this machine. Small files in the runtime directory, each replaced whole. Unit files
//! themselves are the shim's.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cluster::records::Marker;
use cluster::sorted::Map;
use cluster::standing::Remembered;
use cluster::{MachineId, Nonce, UnitName, json};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest of these files in bytes.
const FILE_MAX_BYTES: usize = 4096;

/// A file of the runtime directory could not be read or written.
#[derive(Debug)]
pub struct RuntimeError {
    operation: &'static str,
    path: PathBuf,
    cause: String,
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.operation, self.path.display(), self.cause)
    }
}

impl std::error::Error for RuntimeError {}

/// The runtime directory of one machine.
#[derive(Clone, Debug)]
pub struct RuntimeDir {
    root: PathBuf,
    /// Held by whoever writes here: several threads of an agent do.
    writing: Arc<Mutex<()>>,
}

impl RuntimeDir {
    /// Opens the directory, creating what is missing of it (mode 0755; what is in it is no secret).
    ///
    /// # Errors
    /// It cannot be created.
    pub fn open(root: &Path) -> Result<Self, RuntimeError> {
        let this = Self { root: root.to_owned(), writing: Arc::default() };
        let markers = this.root.join("markers");
        fs::create_dir_all(&markers).map_err(|error| failed("create", &markers, &error))?;
        Ok(this)
    }

    /// This directory's nonce, made at its first use: it tells a restarted agent from a cloned machine.
    ///
    /// # Errors
    /// It cannot be read or made.
    pub fn nonce(&self) -> Result<Nonce, RuntimeError> {
        let path = self.root.join("nonce");
        let invalid = |cause: String| RuntimeError { operation: "read", path: path.clone(), cause };
        if let Some(text) = read(&path)? {
            return Nonce::parse(text.trim()).map_err(|error| invalid(error.to_string()));
        }
        let fresh = random_id().map_err(|error| failed("make a nonce for", &path, &error))?;
        replace(&path, fresh.as_bytes())?;
        Nonce::parse(&fresh).map_err(|error| invalid(error.to_string()))
    }

    /// The fleet this machine belongs to, `None` for one that has not joined any since it booted.
    ///
    /// # Errors
    /// It is there and cannot be read.
    pub fn remembered(&self, me: &MachineId) -> Result<Option<Remembered>, RuntimeError> {
        self.load(&self.fleet_path(me))
    }

    /// Remembers the fleet.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn remember(&self, me: &MachineId, remembered: &Remembered) -> Result<(), RuntimeError> {
        self.store(&self.fleet_path(me), remembered)
    }

    fn fleet_path(&self, me: &MachineId) -> PathBuf {
        self.root.join(format!("fleet-{me}"))
    }

    /// Every marker; unreadable ones are named, so that their units are left alone and not taken for absent.
    ///
    /// # Errors
    /// The folder cannot be listed.
    pub fn markers(&self) -> Result<(Map<UnitName, Marker>, Vec<RuntimeError>), RuntimeError> {
        let folder = self.root.join("markers");
        let (mut markers, mut unreadable) = (Map::new(), Vec::new());
        for entry in fs::read_dir(&folder).map_err(|error| failed("list", &folder, &error))? {
            let path = entry.map_err(|error| failed("list", &folder, &error))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).map(UnitName::parse);
            let Some(Ok(name)) = name else { continue };
            match self.load(&path) {
                Ok(Some(marker)) => drop(markers.insert(name, marker)),
                Ok(None) => {}
                Err(error) => unreadable.push(error),
            }
        }
        Ok((markers, unreadable))
    }

    /// Writes a unit's marker.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn mark(&self, unit: &UnitName, marker: &Marker) -> Result<(), RuntimeError> {
        self.store(&self.marker_path(unit), marker)
    }

    /// Writes a unit's marker, made of the one that is there: whoever brings units into another registry renames them, while
    /// whoever starts and stops them notes how far that is. Gives what was to be written, also where it could not be.
    pub fn remark(
        &self,
        unit: &UnitName,
        change: impl FnOnce(Option<Marker>) -> Marker,
    ) -> (Marker, Result<(), RuntimeError>) {
        let path = self.marker_path(unit);
        #[cfg(feature = "simulation")]
        crate::simulation::step("write", &path);
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        // One that cannot be read is as good as none.
        let marker = change(self.load(&path).unwrap_or_default());
        let written = text_of(&path, &marker).and_then(|text| replace(&path, text.as_bytes()));
        (marker, written)
    }

    /// Removes a unit's marker; a missing one is what was wanted.
    ///
    /// # Errors
    /// It cannot be removed.
    pub fn unmark(&self, unit: &UnitName) -> Result<(), RuntimeError> {
        let path = self.marker_path(unit);
        #[cfg(feature = "simulation")]
        crate::simulation::step("remove", &path);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove", &path, &error)),
            _ => Ok(()),
        }
    }

    fn marker_path(&self, unit: &UnitName) -> PathBuf {
        self.root.join("markers").join(unit.as_str())
    }

    fn load<T: DeserializeOwned>(&self, path: &Path) -> Result<Option<T>, RuntimeError> {
        let Some(text) = read(path)? else { return Ok(None) };
        let invalid = |error: json::JsonError| RuntimeError {
            operation: "read",
            path: path.to_owned(),
            cause: error.to_string(),
        };
        json::decode(text.as_bytes()).map(Some).map_err(invalid)
    }

    fn store(&self, path: &Path, value: &impl Serialize) -> Result<(), RuntimeError> {
        let text = text_of(path, value)?;
        #[cfg(feature = "simulation")]
        crate::simulation::step("write", path);
        let _alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        replace(path, text.as_bytes())
    }
}

fn text_of(path: &Path, value: &impl Serialize) -> Result<String, RuntimeError> {
    json::encode(value, FILE_MAX_BYTES).map_err(|error| RuntimeError {
        operation: "write",
        path: path.to_owned(),
        cause: error.to_string(),
    })
}

/// 32 random hexadecimal digits from the kernel.
///
/// # Errors
/// The kernel's source cannot be read.
pub fn random_id() -> io::Result<String> {
    #[cfg(feature = "simulation")]
    if let Some(simulator) = crate::simulation::here() {
        return Ok(simulator.random_id());
    }
    let mut bytes = [0_u8; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn failed(operation: &'static str, path: &Path, error: &io::Error) -> RuntimeError {
    RuntimeError { operation, path: path.to_owned(), cause: error.to_string() }
}

fn read(path: &Path) -> Result<Option<String>, RuntimeError> {
    let mut text = String::new();
    let limit = u64::try_from(FILE_MAX_BYTES).unwrap_or(u64::MAX);
    let result = File::open(path).and_then(|file| file.take(limit).read_to_string(&mut text));
    match result {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("read", path, &error)),
    }
}

/// Replaces a file whole: readers see the old text or the new one. The temporary file's name ends in `%`, which no
/// unit name holds.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), RuntimeError> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let temporary = path.with_file_name(format!("{name}%"));
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o644);
        let mut file = options.custom_flags(nix::libc::O_NOFOLLOW).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error| failed("write", path, &error))
}
