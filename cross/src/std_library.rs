//! Where Rust's standard library for a target comes from: rustup's target if it is installed, else built from its
//! source, which is rustup's `rust-src` or an archive that the caller names. The toolchain itself is never changed.

use std::path::{Path, PathBuf};
use std::process::Command;

use ::tests::failure::{Failure, Outcome};
use ::tests::run::run;

use crate::arch::Arch;
use crate::tools::{cache, once};

/// Names the archive when no flag does.
pub const SOURCE_VARIABLE: &str = "SKIFF_STD_SOURCE";

/// The standard library for one target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Std {
    /// rustup has it ready.
    Installed,
    /// It is built from `library/`, which is here.
    Source(PathBuf),
}

impl Std {
    /// Finds it.
    ///
    /// # Errors
    /// It is neither installed nor is its source there; the text says how to get either.
    pub fn find(arch: Arch, archive: Option<&Path>) -> Outcome<Self> {
        let sysroot = PathBuf::from(run(&["rustc", "--print", "sysroot"])?.success()?.stdout.trim());
        let rustlib = sysroot.join("lib/rustlib");
        if rustlib.join(arch.triple()).join("lib").is_dir() {
            return Ok(Self::Installed);
        }
        let source = rustlib.join("src/rust/library");
        if source.join("Cargo.lock").is_file() {
            return Ok(Self::Source(source));
        }
        let named = std::env::var_os(SOURCE_VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        match archive.map(Path::to_path_buf).or(named) {
            Some(archive) => unpack(&archive).map(Self::Source),
            None => Err(Failure::new(format!(
                "no standard library for {0}: run `rustup target add {0}` or `rustup component add rust-src`, or \
                 name an archive with its source (`--std-source FILE` or {SOURCE_VARIABLE}; Debian's package \
                 rust-src has it)",
                arch.triple()
            ))),
        }
    }

    /// Tells a cargo command where it is.
    pub fn lend(&self, command: &mut Command) {
        if let Self::Source(library) = self {
            // Without backtraces, which nobody could read of a stripped program, and with sorts that are small: the agent
            // is 250 kB smaller for it.
            command.args(["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size"]);
            // Both are cargo's: its own tests use the second one, and without it the source would have to be put
            // into the toolchain.
            command.env("RUSTC_BOOTSTRAP", "1").env("__CARGO_TESTS_ONLY_SRC_ROOT", library);
        }
    }
}

/// Unpacks an archive whose one folder is `library/`, once for each version of the compiler.
fn unpack(archive: &Path) -> Outcome<PathBuf> {
    let version = run(&["rustc", "--version"])?.success()?.stdout;
    let release = version.split_whitespace().nth(1).unwrap_or("unknown").to_owned();
    let folder = cache()?.join(format!("rust-{release}"));
    once(&folder, |folder| {
        let target = format!("--directory={}", folder.display());
        let source = archive.to_string_lossy();
        run(&["tar", "--extract", "--file", &source, &target])?.success()?;
        if folder.join("library/Cargo.lock").is_file() {
            Ok(())
        } else {
            Err(Failure::new(format!("{}: holds no library/Cargo.lock", archive.display())))
        }
    })?;
    Ok(folder.join("library"))
}
