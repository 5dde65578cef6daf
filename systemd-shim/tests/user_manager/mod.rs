//! A real systemd user manager for tests, on a host whose PID 1 need not be systemd: private in its mounts, its
//! runtime directory, its journal and its control groups, and gone without a trace when dropped. It needs root,
//! `unshare`, `sh`, and systemd's own programs; what is missing fails the test that asked for it.
//!
//! What each step is for:
//! * a control group of its own, in every hierarchy systemd uses: two managers in one group would share the
//!   groups of equally named units, and stopping one's unit would stop the other's. It is called
//!   `….slice/user@UID.service`, since journald reads the unit of a log line from a path of that form;
//! * a mount namespace with `/run/systemd/system`: a user manager refuses to start where that is missing;
//! * journald in the same namespace, started first: units connect to `/run/systemd/journal/stdout`;
//! * `NOTIFY_SOCKET` for the manager, and for it alone: its READY=1 says that it takes orders;
//! * a home directory that masks `sockets.target`, or the host's user sockets (gpg-agent and others) come up.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use systemd_shim::{Paths, Scope, Systemd, Timeouts};

use crate::scratch::Scratch;
use crate::waiting::{DEADLINE, try_wait_for};

/// Run as root in a mount namespace of its own. `$1` is the manager's directory, the rest its control groups.
const SCRIPT: &str = r#"
dir=$1; shift
for group in "$@"; do echo $$ > "$group/cgroup.procs"; done
mount --make-rprivate /
mkdir -p /run/systemd /run/log
mount -t tmpfs -o mode=0755 tmpfs /run/systemd
mount -t tmpfs -o mode=0755 tmpfs /run/log
mkdir -p /run/systemd/system /run/systemd/journald.conf.d /run/log/journal
mount --bind "$dir/journal" /run/log/journal
printf '[Journal]\nReadKMsg=no\nAudit=no\n' > /run/systemd/journald.conf.d/private.conf
env -u NOTIFY_SOCKET /lib/systemd/systemd-journald &
until [ -S /run/systemd/journal/io.systemd.journal ]; do sleep 0.01; done
exec /lib/systemd/systemd --user --unit=basic.target --log-target=journal
"#;

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A running manager.
#[derive(Debug)]
pub(crate) struct UserManager {
    scratch: Scratch,
    child: Child,
    group: String,
}

impl UserManager {
    /// Starts one and waits until it takes orders.
    pub(crate) fn start() -> Self {
        let scratch = Scratch::new();
        for dir in ["run", "journal", "home/.config/systemd/user"] {
            fs::create_dir_all(scratch.path().join(dir)).expect("made");
        }
        let private = fs::Permissions::from_mode(0o700);
        fs::set_permissions(scratch.path().join("run"), private).expect("private");
        symlink("/dev/null", scratch.path().join("home/.config/systemd/user/sockets.target"))
            .expect("masked");
        let ready = UnixDatagram::bind(scratch.path().join("ready")).expect("bound");
        ready.set_read_timeout(Some(DEADLINE)).expect("set");

        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let group = format!("skifftest{}x{number}.slice/user@0.service", std::process::id());
        let groups = hierarchies().into_iter().map(|root| root.join(&group));
        let groups: Vec<PathBuf> =
            groups.inspect(|dir| fs::create_dir_all(dir).expect("a control group")).collect();
        let log = fs::File::create(scratch.path().join("log")).expect("a log");
        let child = Command::new("unshare")
            .args(["--mount", "/bin/sh", "-ec", SCRIPT, "user-manager"])
            .arg(scratch.path())
            .args(&groups)
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("XDG_RUNTIME_DIR", scratch.path().join("run"))
            .env("HOME", scratch.path().join("home"))
            .env("NOTIFY_SOCKET", scratch.path().join("ready"))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("one more"))
            .stderr(log)
            .spawn()
            .expect("unshare runs");
        let mut manager = Self { scratch, child, group };
        manager.wait_until_ready(&ready);
        manager
    }

    /// The manager as this crate drives it.
    pub(crate) fn systemd(&self) -> Systemd {
        let text = |path: PathBuf| path.to_str().map(str::to_owned);
        let paths = Paths::of(Scope::User, |name| match name {
            "XDG_RUNTIME_DIR" => text(self.scratch.path().join("run")),
            "HOME" => text(self.scratch.path().join("home")),
            _ => None,
        });
        let mut paths = paths.expect("an absolute path");
        paths.journal_dir = Some(self.scratch.path().join("journal"));
        Systemd::with_paths(Scope::User, paths, Timeouts::default())
    }

    /// A directory that lives as long as the manager.
    pub(crate) fn dir(&self) -> &Path {
        self.scratch.path()
    }

    fn wait_until_ready(&mut self, ready: &UnixDatagram) {
        let mut buffer = [0; 4096];
        loop {
            let message =
                ready.recv(&mut buffer).map(|count| String::from_utf8_lossy(&buffer[..count]).into_owned());
            match message {
                Ok(text) if text.lines().any(|line| line == "READY=1") => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let log = fs::read_to_string(self.scratch.path().join("log")).unwrap_or_default();
                    panic!(
                        "the user manager did not get ready: {error}; its state {:?}, its log:\n{log}",
                        self.child.try_wait()
                    );
                }
            }
        }
    }

    /// Ends everything the manager started, journald included, and takes its control groups away.
    fn end(&mut self) -> io::Result<()> {
        for root in hierarchies() {
            let slice = root.join(&self.group);
            let slice = slice.parent().unwrap_or(&slice);
            // Only the unified hierarchy can kill; removing comes after it for all.
            if slice.join("cgroup.kill").exists() {
                fs::write(slice.join("cgroup.kill"), "1")?;
            }
        }
        // For a starter that had not joined its groups yet.
        self.child.kill()?;
        self.child.wait()?;
        for root in hierarchies() {
            let slice = root.join(&self.group);
            let slice = slice.parent().unwrap_or(&slice).to_path_buf();
            // A group stays busy until its last zombie is collected.
            try_wait_for("the control groups to be empty", || {
                remove_groups(&slice).map_err(|error| error.to_string())
            })
            .map_err(io::Error::other)?;
        }
        Ok(())
    }
}

impl Drop for UserManager {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("end the user manager in {}: {error}", self.group);
        }
    }
}

/// The roots of the hierarchies systemd sorts its processes in: both on a hybrid host, one on a unified one.
fn hierarchies() -> Vec<PathBuf> {
    let mount = Path::new("/sys/fs/cgroup");
    let hybrid: Vec<PathBuf> = ["unified", "systemd"].iter().map(|name| mount.join(name)).collect();
    if hybrid.iter().all(|root| root.join("cgroup.procs").exists()) {
        hybrid
    } else {
        vec![mount.to_path_buf()]
    }
}

fn remove_groups(dir: &Path) -> io::Result<()> {
    if !dir.exists() {
        return Ok(());
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_groups(&entry.path())?;
        }
    }
    fs::remove_dir(dir)
}
