//! The files of a test machine: the host's root with an overlay on top, made into a small clean systemd system.
//! What Skiff itself installs is in `install.rs`, what docker needs in `images.rs`.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Outcome};
use crate::isolation::{Isolation, overlay_root};
use crate::network::HOST;

/// Units of the host's own distribution that would only cost time or fight over the interface.
const MASKED: [&str; 12] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "getty.target",
    "man-db.timer",
    "NetworkManager.service",
    "networking.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
];

/// While it is there, cloud-init does nothing.
pub const CLOUD_INIT_OFF: &str = "etc/cloud/cloud-init.disabled";

/// Who a machine is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The harness's name for it, also of its namespace: `m1`.
    pub name: String,
    /// The last part of its address `10.10.1.<number>`.
    pub number: u8,
    /// Its host name, which `%H` gives in a unit.
    pub hostname: String,
    /// Its `/etc/machine-id`, 32 hexadecimal digits.
    pub machine_id: String,
}

/// Makes the root of a machine that has never booted.
///
/// # Errors
/// When the overlay cannot be mounted or a file cannot be written.
pub fn prepare(isolation: &Isolation, identity: &Identity) -> Outcome<PathBuf> {
    let root = overlay_root(isolation, &isolation.folder(&identity.name)?)?;
    put(&root, "etc/machine-id", &format!("{}\n", identity.machine_id))?;
    put(&root, "etc/hostname", &format!("{}\n", identity.hostname))?;
    put(&root, "etc/hosts", &format!("127.0.0.1 localhost\n127.0.1.1 {}\n", identity.hostname))?;
    clean_systemd(&root)?;
    // The guide's units call `etcdctl` plainly: it finds the test's etcd and speaks v2 by these.
    let environment = format!("ETCDCTL_API=2 ETCDCTL_ENDPOINTS=http://{HOST}:2379");
    put(
        &root,
        "etc/systemd/system.conf.d/test.conf",
        &format!("[Manager]\nDefaultEnvironment={environment}\n"),
    )?;
    // Kept over a reboot, so that a failure can be told from the boot before.
    put(
        &root,
        "etc/systemd/journald.conf.d/test.conf",
        "[Journal]\nStorage=persistent\nRateLimitIntervalSec=0\nSystemMaxUse=64M\n",
    )?;
    // Where the host has cloud-init, it is not these machines' business; a scenario about it takes the file away.
    put(&root, CLOUD_INIT_OFF, "")?;
    make_folder(&root.join("root/units"))?;
    Ok(root)
}

/// Only what is ours is enabled: whatever the host runs, a machine starts in about half a second.
fn clean_systemd(root: &Path) -> Outcome {
    let folder = root.join("etc/systemd/system");
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .map_err(|cause| Failure::during(format!("empty {}", folder.display()), cause))?;
    }
    make_folder(&folder)?;
    link(&folder.join("default.target"), "/lib/systemd/system/multi-user.target")?;
    MASKED.iter().try_for_each(|unit| link(&folder.join(unit), "/dev/null"))
}

/// Writes a file below `root`, with the folders it needs. What stands there is replaced, a link is not followed.
///
/// # Errors
/// When it cannot be written.
pub fn put(root: &Path, path: &str, content: &str) -> Outcome {
    put_bytes(root, path, content.as_bytes())
}

/// [`put`] for content that need not be text.
///
/// # Errors
/// When it cannot be written.
pub fn put_bytes(root: &Path, path: &str, content: &[u8]) -> Outcome {
    let file = root.join(path);
    if let Some(folder) = file.parent() {
        make_folder(folder)?;
    }
    let _ = fs::remove_file(&file);
    fs::write(&file, content).map_err(|cause| Failure::during(format!("write {}", file.display()), cause))
}

/// Makes a folder and those above it.
///
/// # Errors
/// When it cannot be created.
pub fn make_folder(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|cause| Failure::during(format!("create {}", folder.display()), cause))
}

/// Makes `path` a link to `target`, whatever stood there.
///
/// # Errors
/// When it cannot be created.
pub fn link(path: &Path, target: &str) -> Outcome {
    let _ = fs::remove_file(path);
    symlink(target, path)
        .map_err(|cause| Failure::during(format!("link {} to {target}", path.display()), cause))
}
