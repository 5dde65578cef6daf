//! What every build has to be before it is packed: for the right machine, static, and within the size that
//! SPECIFICATION.md promises.

use std::fs;
use std::path::Path;

use ::tests::failure::{Failure, Outcome};

use crate::arch::Arch;
use crate::build::{Features, Programs};
use crate::elf::{Linkage, linkage};

/// The largest `ctl` that SPECIFICATION.md allows, stripped; an agent's limit hangs on its features.
const LARGEST_CTL_BYTES: u64 = 1_900_000;

/// A program's name and size, checked.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The file's name.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Checks both programs, which were built with `features`.
///
/// # Errors
/// What is wrong with the first that is not as it should be.
pub fn check(arch: Arch, features: Features, programs: &Programs) -> Outcome<[Checked; 2]> {
    Ok([
        one(arch, &programs.agent, features.largest_agent_bytes)?,
        one(arch, &programs.ctl, LARGEST_CTL_BYTES)?,
    ])
}

fn one(arch: Arch, file: &Path, largest: u64) -> Outcome<Checked> {
    let content =
        fs::read(file).map_err(|cause| Failure::during(format!("read {}", file.display()), cause))?;
    let refuse = |what: String| Failure::new(format!("{}: {what}", file.display()));
    let found = linkage(&content).ok_or_else(|| refuse("is no 64-bit ELF file".to_owned()))?;
    verdict(arch, found).map_err(refuse)?;
    let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if bytes > largest {
        return Err(refuse(format!("{bytes} bytes, {largest} at most")));
    }
    Ok(Checked { name, bytes })
}

fn verdict(arch: Arch, found: Linkage) -> Result<(), String> {
    match found {
        Linkage { machine, .. } if machine != arch.elf_machine() => {
            Err(format!("is for machine {machine}, not for {arch}"))
        }
        Linkage { loader: true, .. } => Err("is not static: it names a loader".to_owned()),
        Linkage { libraries, .. } if libraries > 0 => {
            Err(format!("is not static: it needs {libraries} libraries"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_breach_is_found() {
        let right = Linkage { machine: 62, loader: false, libraries: 0 };
        assert_eq!(verdict(Arch::X86_64, right), Ok(()));
        assert!(verdict(Arch::Aarch64, right).unwrap_err().contains("machine 62"));
        assert!(verdict(Arch::X86_64, Linkage { loader: true, ..right }).unwrap_err().contains("loader"));
        assert!(
            verdict(Arch::X86_64, Linkage { libraries: 2, ..right }).unwrap_err().contains("2 libraries")
        );
    }
}
