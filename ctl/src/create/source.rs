//! Where a unit's content comes from: the file named, its template in the registry, its template beside the file; and
//! the checks it passes before it is sent. Nothing is sent here.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use cluster::UnitName;
use cluster::limits::UNIT_SOURCE_MAX_BYTES;
use cluster::requirements::Requirements;
use cluster::unit_file::UnitFile;
use cluster::validate;

use super::{Kind, Trouble};
use crate::api::{Api, Unit};
use crate::exit::Exit;
use crate::naming::Wanted;
use crate::suggest;

/// Content for a unit that the registry does not have.
pub(super) struct Found {
    pub(super) file: UnitFile,
    /// What the user should know about where it was found.
    pub(super) remark: Option<String>,
}

/// Finds content for a new unit (contract §3.5, step 3).
pub(super) fn find(api: &Api, wanted: &Wanted) -> Result<Found, Trouble> {
    if Path::new(&wanted.path).exists() {
        return Ok(Found { file: read(&wanted.path).map_err(Trouble::words)?, remark: None });
    }
    let Some(template) = wanted.name.template() else {
        let folder = wanted.path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        let hint = suggest::unit(api, wanted.name.as_str(), &suggest::files_in(folder));
        return Err(Trouble::from_nowhere(wanted.name.as_str(), &hint));
    };
    let beside = beside(&wanted.path, &template);
    if let Some(unit) = api.unit(&template)? {
        let remark =
            differs(&beside, &unit).then(|| warning(&unit.name, "local template unit file", &beside));
        return Ok(Found { file: unit.file, remark });
    }
    if Path::new(&beside).exists() {
        return Ok(Found { file: read(&beside).map_err(Trouble::words)?, remark: None });
    }
    let name = &wanted.name;
    let text = format!(
        "failed getting Unit({name}) from template: unable to find template Unit({template}) in Registry or on \
         filesystem"
    );
    Err(Trouble::Words(text, Exit::NotFound))
}

/// The remark that a unit in the registry is not what the file here says, if it is not (contract §3.5, step 2).
pub(super) fn difference(wanted: &Wanted, unit: &Unit) -> Option<String> {
    if Path::new(&wanted.path).exists() {
        return differs(&wanted.path, unit).then(|| warning(&unit.name, "local unit file", &wanted.path));
    }
    let beside = beside(&wanted.path, &wanted.name.template()?);
    differs(&beside, unit).then(|| warning(&unit.name, "local template unit file", &beside))
}

fn warning(name: &UnitName, what: &str, path: &str) -> String {
    format!("WARNING: Unit {name} in registry differs from {what} {path}. Add --replace to override.")
}

/// True where a file can be read and has other content.
fn differs(path: &str, unit: &Unit) -> bool {
    read(path).is_ok_and(|file| file.hash() != unit.file.hash())
}

/// The template's file in the folder of an instance's.
pub(crate) fn beside(path: &str, template: &UnitName) -> String {
    match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/{template}"),
        None => template.to_string(),
    }
}

/// Reads a unit file.
///
/// # Errors
/// It cannot be read, is too large, no UTF-8, or no unit file; the text names it.
pub(super) fn read(path: &str) -> Result<UnitFile, String> {
    UnitFile::parse(&text(path)?).map_err(|e| failed(path, &e))
}

fn failed(path: &str, cause: &dyn std::fmt::Display) -> String {
    format!("read unit file {path}: {cause}")
}

/// The text of a unit file.
///
/// # Errors
/// It cannot be read, is too large, or no UTF-8; the text names it.
pub(crate) fn text(path: &str) -> Result<String, String> {
    let failed = |cause: &dyn std::fmt::Display| failed(path, cause);
    let file = File::open(path).map_err(|e| failed(&e))?;
    let mut bytes = Vec::new();
    file.take(UNIT_SOURCE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| failed(&e))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > UNIT_SOURCE_MAX_BYTES) {
        return Err(failed(&format_args!("larger than {UNIT_SOURCE_MAX_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|e| failed(&e.utf8_error()))
}

/// The server's own checks of a new unit, made here first (contract §2.5).
///
/// # Errors
/// The first that fails.
pub(super) fn check(name: &UnitName, file: &UnitFile) -> Result<(), String> {
    validate::validate(name, file).map_err(|e| e.to_string())
}

/// A warning for each option in `[X-Fleet]` that nobody reads.
pub(super) fn unknown_options(name: &UnitName, file: &UnitFile) -> Vec<String> {
    let unknown = validate::unrecognized_options(file);
    unknown
        .iter()
        .map(|option| format!("Unit {name}: unrecognized requirement in [X-Fleet] section: {option:?}"))
        .collect()
}

pub(super) fn is_global(name: &UnitName, file: &UnitFile) -> bool {
    Requirements::of(name, file).global
}

/// What `active` will say of the unit, by its last `Type=` (systemd.service(5), Type=).
pub(super) fn kind(name: &UnitName, file: &UnitFile) -> Kind {
    let given = file.values("Service", "Type").last();
    match given {
        _ if name.suffix() != "service" => Kind::Ready,
        Some("oneshot") => Kind::Ends,
        Some("simple" | "exec" | "idle") => Kind::Forked,
        None if file.values("Service", "BusName").next().is_none() => Kind::Forked,
        _ => Kind::Ready,
    }
}
