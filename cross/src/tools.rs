//! The linker and C compiler for musl on any architecture: zig and cargo-zigbuild, both from PyPI, in versions that are
//! part of what makes a build reproducible. They live in the user's cache folder, beside the standard library's source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ::tests::failure::{Failure, Outcome};
use ::tests::packages;
use ::tests::run::run;

/// Exact versions: another compiler gives other bytes.
const WHEELS: [&str; 2] = ["ziglang==0.17.1", "cargo-zigbuild==0.24.1"];

/// What the host has to have, and the Debian package it comes in.
const HOST_PROGRAMS: [(&str, &str); 4] =
    [("pip3", "python3-pip"), ("tar", "tar"), ("gzip", "gzip"), ("xz", "xz-utils")];

/// The tools, in place.
#[derive(Clone, Debug)]
pub struct Tools {
    folder: PathBuf,
}

/// The folder for what builds share: not in the checkout, since its path must not depend on where that lies.
///
/// # Errors
/// Neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn cache() -> Outcome<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
    let base = base.ok_or_else(|| Failure::new("find a cache folder: HOME is not set"))?;
    Ok(base.join("skiff-cross"))
}

/// Unpacks or installs something into `folder` once: into another name first, so that half of it never counts.
pub(crate) fn once(folder: &Path, fill: impl FnOnce(&Path) -> Outcome) -> Outcome {
    if folder.exists() {
        return Ok(());
    }
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let half = folder.with_file_name(format!("{name}.{}", std::process::id()));
    fs::create_dir_all(&half)
        .map_err(|cause| Failure::during(format!("create {}", half.display()), cause))?;
    let filled = fill(&half).and_then(|()| {
        // Another build may have been quicker; its folder is as good.
        fs::rename(&half, folder)
            .or_else(|cause| if folder.exists() { Ok(()) } else { Err(cause) })
            .map_err(|cause| Failure::during(format!("put {} in place", folder.display()), cause))
    });
    let _ = fs::remove_dir_all(&half);
    filled
}

impl Tools {
    /// Finds them, or installs them.
    ///
    /// # Errors
    /// They cannot be installed.
    pub fn ensure() -> Outcome<Self> {
        packages::ensure(&HOST_PROGRAMS)?;
        let folder = cache()?.join(WHEELS.join("-").replace("==", "-"));
        once(&folder, |folder| {
            let target = folder.to_string_lossy();
            let mut words = vec!["pip3", "install", "--quiet", "--disable-pip-version-check", "--target"];
            words.push(&target);
            words.extend(WHEELS);
            run(&words)?.success().map(drop)
        })?;
        Ok(Self { folder })
    }

    /// Lets `command`, a cargo, find them.
    pub fn lend(&self, command: &mut Command) {
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.folder.join("bin").display()));
        command.env("CARGO_ZIGBUILD_ZIG_PATH", self.folder.join("ziglang/zig"));
    }

    /// The licence of the C library that zig links.
    #[must_use]
    pub fn musl_licence(&self) -> PathBuf {
        self.folder.join("ziglang/lib/libc/musl/COPYRIGHT")
    }
}
