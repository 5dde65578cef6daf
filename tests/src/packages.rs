//! Programs of the distribution that the tests need: looked for, installed when root, otherwise named in the one
//! command that installs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::Uid;

use crate::failure::{Failure, Outcome};
use crate::machine_root::CLOUD_INIT_OFF;
use crate::run::{Ran, finish};

/// What `cargo verify` needs: a file that shows it is there (a bare name is looked for in `PATH`), and the package of
/// Debian and Ubuntu that has it.
pub const FOR_VERIFY: &[(&str, &str)] = &[
    ("bash", "bash"),
    ("busybox", "busybox-static"),
    ("c++", "g++"),
    ("cc", "gcc"),
    ("cloud-init", "cloud-init"),
    ("conmon", "conmon"),
    ("crun", "crun"),
    ("curl", "curl"),
    ("dpkg-deb", "dpkg"),
    ("docker-registry", "docker-registry"),
    ("etcd", "etcd-server"),
    ("etcdctl", "etcd-client"),
    ("fish", "fish"),
    ("git", "git"),
    ("groff", "groff"),
    ("ip", "iproute2"),
    ("iptables", "iptables"),
    ("jq", "jq"),
    ("man", "man-db"),
    ("nsenter", "util-linux"),
    ("openssl", "openssl"),
    ("pip3", "python3-pip"),
    ("podman", "podman"),
    ("promtool", "prometheus"),
    ("python3", "python3"),
    ("qemu-aarch64-static", "qemu-user-static"),
    ("setpriv", "util-linux"),
    ("ssh", "openssh-client"),
    ("sshd", "openssh-server"),
    ("systemctl", "systemd"),
    ("systemd-analyze", "systemd"),
    ("systemd-nspawn", "systemd-container"),
    ("timeout", "coreutils"),
    ("tmux", "tmux"),
    ("xz", "xz-utils"),
    ("zsh", "zsh"),
    ("/usr/bin/docker", "podman-docker"),
    ("/usr/lib/podman/netavark", "netavark"),
    ("/usr/lib/python3/dist-packages/yaml/__init__.py", "python3-yaml"),
];

/// Where programs are, also those that an ordinary user's `PATH` leaves out.
const MORE_FOLDERS: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Keeps packages from starting their services while they are installed: a test's etcd must not find the port taken,
/// and nobody asked for a running registry.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Sees to it that all of them are there.
///
/// # Errors
/// When one is missing and cannot be installed; the text has the command that does it.
pub fn ensure(programs: &[(&str, &'static str)]) -> Outcome {
    let path = format!("{}:{MORE_FOLDERS}", std::env::var("PATH").unwrap_or_default());
    let there = |program: &str| {
        let mut folders = path.split(':');
        folders.any(|folder| Path::new(folder).join(program).is_file())
    };
    let mut missing: Vec<&'static str> =
        programs.iter().filter(|(program, _)| !there(program)).map(|(_, package)| *package).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let command = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !there("apt-get") {
        return Err(Failure::new(format!("missing: what Debian calls {}", missing.join(" "))));
    }
    if !Uid::effective().is_root() {
        return Err(Failure::new(format!("programs are missing; this installs them:\n  sudo {command}")));
    }
    eprintln!("installing {} ...", missing.join(" "));
    let quiet = QuietServices::begin()?;
    if missing.contains(&"cloud-init") {
        keep_cloud_init_off()?;
    }
    apt_get(&["update"])?;
    let mut words = vec!["install", "-y", "--no-install-recommends"];
    words.extend(&missing);
    apt_get(&words)?;
    drop(quiet);
    Ok(())
}

fn apt_get(words: &[&str]) -> Outcome<Ran> {
    let mut command = Command::new("apt-get");
    command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
    finish(command, &[])?.success()
}

/// cloud-init is there to be used in test machines; this one's next boot is none of its business.
fn keep_cloud_init_off() -> Outcome {
    let file = Path::new("/").join(CLOUD_INIT_OFF);
    let folder = file.parent().unwrap_or(&file);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(&file, ""));
    written.map_err(|cause| Failure::during(format!("write {}", file.display()), cause))
}

/// While it lives, installed packages start nothing.
struct QuietServices {
    ours: bool,
}

impl QuietServices {
    fn begin() -> Outcome<Self> {
        if Path::new(POLICY).exists() {
            return Ok(Self { ours: false });
        }
        let trouble = |cause| Failure::during(format!("write {POLICY}"), cause);
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").map_err(trouble)?;
        let quiet = Self { ours: true };
        fs::set_permissions(POLICY, fs::Permissions::from_mode(0o755)).map_err(trouble)?;
        Ok(quiet)
    }
}

impl Drop for QuietServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_needs_no_package() {
        assert_eq!(ensure(&[("sh", "dash"), ("/bin/sh", "dash")]), Ok(()));
    }
}
