//! Docker for the guide's units: podman behind the name `docker`, and a registry on the test network that answers for
//! docker.io with images of our own making. The one deviation from the guide is a wrapper that reads `docker run -rm`,
//! which no docker takes any more, as `--rm`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::isolation::Isolation;
use crate::machine_root::{make_folder, put};
use crate::network::HOST;
use crate::run::{finish, run};
use crate::wait::wait_until;

const REGISTRY_PORT: u16 = 5000;

/// The registry answers about 0.2 s after its start.
const REGISTRY_PATIENCE: Duration = Duration::from_secs(20);

/// The images of the guide, by the names `docker pull` resolves them to.
const IMAGES: [&str; 3] = ["library/busybox", "coreos/apache", "datadog/docker-dd-agent"];

/// What our busybox is called as in an image.
const APPLETS: [&str; 9] = ["sh", "cat", "echo", "env", "hostname", "httpd", "ls", "sleep", "true"];

/// What the image of a service without a command of its own runs: until it is told to end.
const COMMAND: &str = r#"CMD ["/bin/sh", "-c", "trap 'exit 0' TERM; while true; do sleep 1; done"]"#;

const WRAPPER: &str = r#"#!/bin/bash
# `docker run -rm` was a flag when the guide was written.
for word; do
    shift
    [ "$word" = -rm ] && word=--rm
    set -- "$@" "$word"
done
exec /usr/bin/podman "$@"
"#;

const CONTAINERS: &str = "[containers]\nnetns=\"host\"\ncgroups=\"disabled\"\n\
                          [engine]\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"file\"\n";

/// The units of the guide require docker.service; podman needs no daemon, so it only has to be there.
const DOCKER_SERVICE: &str = "[Unit]\nDescription=Docker, as far as the guide's units need it\n\
                              [Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n";

/// Makes, at boot, the socket that one of the guide's units hands to its container, in place of Debian's link to
/// podman's own.
const DOCKER_SOCKET: &str = "f /run/docker.sock 0660 root root -\n";

/// Configures docker on a machine's root.
///
/// # Errors
/// When a file cannot be written.
pub fn configure(root: &Path) -> Outcome {
    put(root, "etc/containers/nodocker", "")?;
    put(root, "etc/containers/containers.conf", CONTAINERS)?;
    put(
        root,
        "etc/containers/storage.conf",
        &storage("/run/containers/storage", "/var/lib/containers/storage"),
    )?;
    let mirror = format!(
        "unqualified-search-registries=[\"docker.io\"]\n[[registry]]\nprefix=\"docker.io\"\nlocation=\"docker.io\"\n\
         [[registry.mirror]]\nlocation=\"{HOST}:{REGISTRY_PORT}\"\ninsecure=true\n"
    );
    put(root, "etc/containers/registries.conf", &mirror)?;
    put(root, "etc/systemd/system/docker.service", DOCKER_SERVICE)?;
    put(root, "etc/tmpfiles.d/podman-docker.conf", DOCKER_SOCKET)?;
    put(root, "usr/bin/docker", WRAPPER)?;
    executable(&root.join("usr/bin/docker"))
}

fn storage(run: &str, store: &str) -> String {
    format!("[storage]\ndriver=\"vfs\"\nrunroot=\"{run}\"\ngraphroot=\"{store}\"\n")
}

fn executable(path: &Path) -> Outcome {
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
        .map_err(|cause| Failure::during(format!("make {} executable", path.display()), cause))
}

/// A running registry that holds the guide's images; it ends when dropped.
#[derive(Debug)]
pub struct Registry {
    process: Child,
}

impl Registry {
    /// Starts it on the bridge's address and fills it.
    ///
    /// # Errors
    /// When docker-registry, podman or busybox (static) is missing or fails.
    pub fn start(isolation: &Isolation) -> Outcome<Self> {
        let folder = isolation.folder("images")?;
        let config = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}/registry}}}}\n\
             http: {{addr: \"{HOST}:{REGISTRY_PORT}\"}}\n",
            folder.display()
        );
        put(&folder, "registry.yml", &config)?;
        let log = fs::File::create(folder.join("registry.log"))
            .map_err(|cause| Failure::during("create the image registry's log", cause))?;
        let process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "docker-registry", "serve"])
            .arg(folder.join("registry.yml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|cause| Failure::during("start docker-registry", cause))?;
        let registry = Self { process };
        wait_until("the image registry to answer", REGISTRY_PATIENCE, || {
            let url = format!("http://{HOST}:{REGISTRY_PORT}/v2/");
            run(&["curl", "--silent", "--show-error", "--fail", "--max-time", "2", &url])?
                .success()
                .map(|_| ())
        })?;
        fill(&folder)?;
        Ok(registry)
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn fill(folder: &Path) -> Outcome {
    let archive = archive(folder)?.display().to_string();
    put(folder, "containers.conf", CONTAINERS)?;
    let (run_root, store) = (folder.join("run"), folder.join("store"));
    put(folder, "storage.conf", &storage(&run_root.to_string_lossy(), &store.to_string_lossy()))?;
    for image in IMAGES {
        let name = format!("{HOST}:{REGISTRY_PORT}/{image}");
        podman(folder, &["import", "--change", COMMAND, &archive, &name])?;
        podman(folder, &["push", "--tls-verify=false", &name])?;
    }
    Ok(())
}

fn podman(folder: &Path, words: &[&str]) -> Outcome {
    let mut command = Command::new("podman");
    command.args(words);
    command.env("CONTAINERS_CONF", folder.join("containers.conf"));
    command.env("CONTAINERS_STORAGE_CONF", folder.join("storage.conf"));
    finish(command, &[])?.success().map(|_| ())
}

/// One archive serves all three: busybox, and the command that the apache unit calls.
fn archive(folder: &Path) -> Outcome<PathBuf> {
    let tree = folder.join("tree");
    for name in ["bin", "etc", "host/proc", "host/sys/fs/cgroup", "tmp", "usr/sbin", "var/run"] {
        make_folder(&tree.join(name))?;
    }
    let busybox = tree.join("bin/busybox");
    fs::copy("/bin/busybox", &busybox)
        .map_err(|cause| Failure::during("copy /bin/busybox (busybox-static)", cause))?;
    for applet in APPLETS {
        let path = tree.join("bin").join(applet);
        symlink("busybox", &path)
            .map_err(|cause| Failure::during(format!("link {}", path.display()), cause))?;
    }
    put(&tree, "usr/sbin/apache2ctl", "#!/bin/sh\nexec /bin/httpd -f -p 80 -h /etc\n")?;
    executable(&tree.join("usr/sbin/apache2ctl"))?;
    let archive = folder.join("image.tar");
    let (from, to) = (tree.display().to_string(), archive.display().to_string());
    run(&["tar", "--directory", &from, "--create", "--file", &to, "."])?.success()?;
    Ok(archive)
}
