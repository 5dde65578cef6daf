//! The files of a release, as `cargo cross` leaves them: what the scenarios install, fetch and upgrade to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::failure::{Failure, Outcome};
use crate::install::workspace;
use crate::network::HOST;
use crate::run::{finish, run};
use crate::wait::wait_until;
use crate::{cargo, promises};

/// Another folder than `target/dist`.
const FOLDER: &str = "SKIFF_DIST";

/// The port that a folder is served on, on the bridge.
const PORT: u16 = 8000;

/// The file of a release whose name begins and ends so.
///
/// # Errors
/// It is not there: no release was made.
pub fn file(beginning: &str, end: &str) -> Outcome<PathBuf> {
    let folder = std::env::var_os(FOLDER).map_or_else(|| workspace().join("target/dist"), PathBuf::from);
    let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
    let found = entries.map(|entry| entry.path()).find(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with(beginning) && name.ends_with(end)
    });
    let missing = || format!("no {beginning}*{end} in {}: make it with `cargo cross`", folder.display());
    found.ok_or_else(|| Failure::new(missing()))
}

/// Copies a Debian package under another version, as if it were that version's.
///
/// # Errors
/// dpkg-deb fails.
pub fn package_as(package: &Path, version: &str, folder: &Path) -> Outcome<PathBuf> {
    let (tree, result) = (folder.join("tree"), folder.join(format!("skiff_{version}.deb")));
    let (from, tree_name, to) = (package.to_string_lossy(), tree.to_string_lossy(), result.to_string_lossy());
    run(&["dpkg-deb", "--raw-extract", &from, &tree_name])?.success()?;
    let control = tree.join("DEBIAN/control");
    let trouble = |cause| Failure::during(format!("change {}", control.display()), cause);
    let text = fs::read_to_string(&control).map_err(trouble)?;
    let lines = text.lines().map(|line| match line.strip_prefix("Version: ") {
        Some(_) => format!("Version: {version}\n"),
        None => format!("{line}\n"),
    });
    fs::write(&control, lines.collect::<String>()).map_err(trouble)?;
    run(&["dpkg-deb", "--build", "-Zgzip", &tree_name, &to])?.success()?;
    fs::remove_dir_all(&tree)
        .map_err(|cause| Failure::during(format!("remove {}", tree.display()), cause))?;
    Ok(result)
}

/// A folder served over HTTP to the machines, until it is dropped, and cloud-configs that fetch from it.
#[derive(Debug)]
pub struct Served {
    folder: PathBuf,
    server: Child,
}

impl Served {
    /// Copies the x86_64 programs of a release into `folder`, makes cloud-configs with this `fleet.conf` there, and
    /// serves it.
    ///
    /// # Errors
    /// There is no release, or the server does not start.
    pub fn start(folder: &Path, conf: &str) -> Outcome<Self> {
        for name in ["skiff-agent-x86_64", "ctl-x86_64"] {
            let from = file(name, ".gz")?;
            fs::copy(&from, folder.join(format!("{name}.gz")))
                .map_err(|cause| Failure::during(format!("copy {}", from.display()), cause))?;
        }
        let conf_file = folder.join("fleet.conf");
        fs::write(&conf_file, conf)
            .map_err(|cause| Failure::during(format!("write {}", conf_file.display()), cause))?;
        let (output, url) = (folder.to_string_lossy(), format!("http://{HOST}:{PORT}"));
        let conf_name = conf_file.to_string_lossy();
        let words =
            ["cross", "cloud", "--arch", "x86_64", "--output", &output, "--url", &url, "--conf", &conf_name];
        finish(cargo::command(&words), &[])?.success()?;
        let server = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "python3", "-m", "http.server", "--bind", &HOST.to_string()])
            .args(["--directory", &output, &PORT.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|cause| Failure::during("start python3 -m http.server", cause))?;
        let served = Self { folder: folder.to_path_buf(), server };
        wait_until("the folder to be served", promises::START, || {
            run(&["curl", "--silent", "--fail", "--output", "/dev/null", &url])?.success().map(|_| ())
        })?;
        Ok(served)
    }

    /// The text of one of the cloud-configs.
    ///
    /// # Errors
    /// It is not there.
    pub fn cloud_config(&self, name: &str) -> Outcome<String> {
        let file = self.folder.join("cloud-config").join(name);
        fs::read_to_string(&file).map_err(|cause| Failure::during(format!("read {}", file.display()), cause))
    }

    /// What is served.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
