//! Cloud-configs, in the form of each system that has one and in two ways: with the programs inside, or fetched from a
//! URL and checked. The parts come from one template; a form only writes them down.

mod butane;
mod cloud_init;
mod coreos;
mod ignition;
mod template;
mod yaml;

use std::fs;
use std::path::Path;

use ::tests::failure::{Failure, Outcome};
use ::tests::run::run;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::arch::Arch;
use crate::tree::write;

pub use template::{Content, File, Parts, Unit};

/// A program, as a release has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Its name.
    pub name: String,
    /// Where the compressed program can be fetched.
    pub url: String,
    /// SHA-256 of the program itself.
    pub sha256: String,
    /// The compressed program, in base64.
    pub inline: String,
}

impl Fetched {
    /// Reads a compressed program that will be served below `url` under its own name.
    ///
    /// # Errors
    /// It is not there or is not compressed.
    pub fn read(name: &str, packed: &Path, url: &str) -> Outcome<Self> {
        let bytes = fs::read(packed).map_err(|cause| {
            Failure::during(format!("read {} (a release makes it)", packed.display()), cause)
        })?;
        // The sum is of the program, and hashing wants a file: unpacked beside it for as long as that takes.
        let plain = packed.with_extension("");
        run(&["gzip", "--decompress", "--keep", "--force", &packed.to_string_lossy()])?.success()?;
        let sha256 = crate::digest::sha256(&plain);
        let _ = fs::remove_file(&plain);
        let file = packed.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: name.to_owned(),
            url: format!("{url}/{file}"),
            sha256: sha256?,
            inline: STANDARD.encode(bytes),
        })
    }
}

/// How the programs come to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From a URL.
    Fetch,
    /// In the cloud-config.
    Inline,
}

impl Way {
    const ALL: [Self; 2] = [Self::Fetch, Self::Inline];

    const fn name(self) -> &'static str {
        match self {
            Self::Fetch => "fetch",
            Self::Inline => "inline",
        }
    }
}

/// A form: what its files are called, and what writes it.
type Form = (&'static str, &'static str, fn(&Parts, Way) -> String);

const FORMS: [Form; 4] = [
    ("cloud-init", "yaml", cloud_init::write),
    ("coreos", "yaml", coreos::write),
    ("butane", "bu", butane::write),
    ("ignition", "json", ignition::write),
];

/// Writes every form both ways into `folder`, for one architecture.
///
/// # Errors
/// A part of the template cannot be read, or a file not written.
pub fn write_all(source: &Path, conf: &Path, arch: Arch, programs: &[Fetched], folder: &Path) -> Outcome {
    let parts = template::read(source, conf, programs)?;
    for (name, extension, form) in FORMS {
        for way in Way::ALL {
            let file = folder.join(format!("{name}-{}-{arch}.{extension}", way.name()));
            write(&file, form(&parts, way).as_bytes(), 0o644)?;
        }
    }
    Ok(())
}
