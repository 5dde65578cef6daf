//! What is installed, and where: the one list that the archive and the Debian package are made from.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use ::tests::failure::{Failure, Outcome};

use crate::build::Programs;

/// Files of the repository, and where they go.
const FILES: [(&str, &str); 6] = [
    ("dist/fleet.service", "usr/lib/systemd/system/fleet.service"),
    ("dist/fleet.socket", "usr/lib/systemd/system/fleet.socket"),
    ("dist/sysusers.d/fleet.conf", "usr/lib/sysusers.d/fleet.conf"),
    ("dist/fleet.conf", "usr/share/doc/skiff/fleet.conf"),
    ("README.md", "usr/share/doc/skiff/README.md"),
    ("LICENSE", "usr/share/doc/skiff/LICENSE"),
];

/// The names that fleet's users know.
const LINKS: [(&str, &str); 2] = [("usr/bin/fleetctl", "ctl"), ("usr/bin/fleetd", "skiff-agent")];

/// The configuration with every line explained.
pub const CONFIGURATION: &str = "etc/fleet/fleet.conf";

/// Texts made for this release.
#[derive(Clone, Debug)]
pub struct Papers {
    /// Licences of what is linked.
    pub licences: String,
    /// The bill of materials.
    pub bill: String,
}

/// Lays everything out below `root`, which is made anew.
///
/// # Errors
/// A file is missing or cannot be written.
pub fn lay_out(root: &Path, source: &Path, programs: &Programs, papers: &Papers) -> Outcome {
    if root.exists() {
        fs::remove_dir_all(root)
            .map_err(|cause| Failure::during(format!("remove {}", root.display()), cause))?;
    }
    copy(&programs.agent, &root.join("usr/bin/skiff-agent"), 0o755)?;
    copy(&programs.ctl, &root.join("usr/bin/ctl"), 0o755)?;
    for (path, target) in LINKS {
        let path = root.join(path);
        symlink(target, &path).map_err(|cause| Failure::during(format!("link {}", path.display()), cause))?;
    }
    for (from, to) in FILES {
        copy(&source.join(from), &root.join(to), 0o644)?;
    }
    copy(&source.join("dist/fleet.conf"), &root.join(CONFIGURATION), 0o644)?;
    write(&root.join("usr/share/doc/skiff/THIRD-PARTY"), papers.licences.as_bytes(), 0o644)?;
    write(&root.join("usr/share/doc/skiff/skiff.cdx.json"), papers.bill.as_bytes(), 0o644)
}

/// Copies a file and gives it this mode, whatever the checkout's umask was.
pub(crate) fn copy(from: &Path, to: &Path, mode: u32) -> Outcome {
    let bytes = fs::read(from).map_err(|cause| Failure::during(format!("read {}", from.display()), cause))?;
    write(to, &bytes, mode)
}

pub(crate) fn write(to: &Path, bytes: &[u8], mode: u32) -> Outcome {
    let trouble = |cause| Failure::during(format!("write {}", to.display()), cause);
    if let Some(folder) = to.parent() {
        folders(folder)?;
    }
    fs::write(to, bytes).map_err(trouble)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode)).map_err(trouble)
}

/// Makes a folder and those above it that are missing, each with mode 0755.
pub(crate) fn folders(folder: &Path) -> Outcome {
    let missing: Vec<PathBuf> =
        folder.ancestors().take_while(|above| !above.exists()).map(Path::to_path_buf).collect();
    for folder in missing.iter().rev() {
        let trouble = |cause| Failure::during(format!("create {}", folder.display()), cause);
        fs::create_dir(folder).map_err(trouble)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).map_err(trouble)?;
    }
    Ok(())
}
