//! Which machine this is, and which of its boots: read from two files, checked, and no more.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use cluster::limits::MACHINE_ID_MAX_BYTES;
use cluster::{BootId, MachineId};

use crate::error::{FileCause, FileError};

/// Where systemd keeps the machine's ID (machine-id(5)).
pub const MACHINE_ID_FILE: &str = "/etc/machine-id";
/// Where the kernel keeps the boot's.
pub const BOOT_ID_FILE: &str = "/proc/sys/kernel/random/boot_id";
/// What systemd writes into the file before a machine's first boot has chosen an ID.
const UNINITIALIZED: &str = "uninitialized";

/// The machine's ID: the trimmed content of `file`, usually [`MACHINE_ID_FILE`] (contract §1.1).
///
/// # Errors
/// The file is missing, empty, not yet filled in, or holds no machine ID.
pub fn machine_id(file: &Path) -> Result<MachineId, FileError> {
    let text = short_text(file)?;
    if text == UNINITIALIZED {
        let why = "the machine has not chosen its ID yet".to_owned();
        return Err(FileError::new("read", file, FileCause::Content(why)));
    }
    MachineId::parse(&text)
        .map_err(|error| FileError::new("read", file, FileCause::Content(error.to_string())))
}

/// The boot's ID: the trimmed content of `file`, usually [`BOOT_ID_FILE`].
///
/// # Errors
/// The file is missing or holds no boot ID.
pub fn boot_id(file: &Path) -> Result<BootId, FileError> {
    let text = short_text(file)?;
    BootId::parse(&text).map_err(|error| FileError::new("read", file, FileCause::Content(error.to_string())))
}

/// A file of one short word.
fn short_text(file: &Path) -> Result<String, FileError> {
    let limit_bytes = 2 * MACHINE_ID_MAX_BYTES;
    let mut text = String::new();
    let read = File::open(file).and_then(|opened| {
        opened.take(u64::try_from(limit_bytes).unwrap_or(u64::MAX)).read_to_string(&mut text)
    });
    read.map_err(|error| FileError::new("read", file, error))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_content<T>(name: &str, content: &str, test: impl Fn(&Path) -> T) -> T {
        let path = std::env::temp_dir().join(format!("skiff-identity-{}-{name}", std::process::id()));
        std::fs::write(&path, content).expect("written");
        let result = test(&path);
        std::fs::remove_file(&path).expect("removed");
        result
    }

    #[test]
    fn ids_are_trimmed() {
        let machine = with_content("id", "0123456789abcdef0123456789abcdef\n", machine_id);
        assert_eq!(machine.expect("an ID").as_str(), "0123456789abcdef0123456789abcdef");
        boot_id(Path::new(BOOT_ID_FILE)).expect("every kernel has one");
    }

    #[test]
    fn a_file_without_an_id_is_an_error_that_names_it() {
        let long = "a".repeat(1000);
        for (name, content) in
            [("empty", "\n"), ("new", "uninitialized\n"), ("path", "../x"), ("long", &long)]
        {
            let error = with_content(name, content, machine_id).expect_err(content).to_string();
            assert!(error.contains("skiff-identity-"), "{error}");
        }
        let missing = machine_id(Path::new("/nonexistent/machine-id")).expect_err("missing").to_string();
        assert_eq!(missing, "read /nonexistent/machine-id: No such file or directory (os error 2)");
    }
}
