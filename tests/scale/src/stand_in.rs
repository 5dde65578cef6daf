//! A systemctl that answers at once, in place of the program: a unit runs from the moment it is started, and its invocation
//! link says so, as systemd's would, also to an agent that was killed meanwhile.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use systemd_shim::{Output, Paths, SystemdError};

/// systemd's name for the link of a unit that runs.
pub(crate) const LINK_PREFIX: &str = "invocation:";

/// A file of a machine with a byte for each start there ever was.
pub(crate) const STARTS: &str = "starts";

/// The folders of one machine below `folder`, in the places of systemd's.
pub(crate) fn paths(folder: &Path) -> Paths {
    Paths {
        // Never run: it tells `run` whose systemd is asked.
        systemctl: folder.join("systemctl"),
        journalctl: folder.join("journalctl"),
        runtime_unit_dir: folder.join("system"),
        machine_unit_dirs: Vec::new(),
        invocation_dir: links(folder),
        cgroup_root: None,
        xdg_runtime_dir: None,
        journal_dir: None,
    }
}

/// Where the links of the machine's units are.
pub(crate) fn links(folder: &Path) -> PathBuf {
    folder.join("links")
}

/// Answers as systemctl would.
pub(crate) fn run(label: &str, command: &mut Command, _: Duration) -> Result<Output, SystemdError> {
    let folder = Path::new(command.get_program()).parent().unwrap_or(Path::new("/")).to_owned();
    let words: Vec<String> = command.get_args().map(|word| word.to_string_lossy().into_owned()).collect();
    let mut parts = words.splitn(2, |word| word == "--");
    let (options, units) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let verb = options.iter().find(|word| !word.starts_with('-')).map_or("", String::as_str);
    let stdout = match verb {
        "list-units" => units.iter().filter(|unit| runs(&folder, unit)).map(|unit| line(unit)).collect(),
        "show" => units.iter().map(|unit| shown(&folder, unit)).collect(),
        "start" => {
            units.iter().map(|unit| start(&folder, unit)).collect::<Result<_, _>>().map_err(|cause| {
                SystemdError::Unreachable { command: label.to_owned(), text: cause.to_string() }
            })?
        }
        "stop" => {
            for unit in units {
                let _ = fs::remove_file(link(&folder, unit));
            }
            String::new()
        }
        _ => String::new(),
    };
    Ok(Output { success: true, stdout, stderr: String::new(), stderr_cut: false })
}

fn link(folder: &Path, unit: &str) -> PathBuf {
    links(folder).join(format!("{LINK_PREFIX}{unit}"))
}

fn runs(folder: &Path, unit: &str) -> bool {
    link(folder, unit).symlink_metadata().is_ok()
}

/// Makes the link, and a mark for each start, so that one too many shows.
fn start(folder: &Path, unit: &str) -> std::io::Result<String> {
    if !runs(folder, unit) {
        symlink("0123456789abcdef0123456789abcdef", link(folder, unit))?;
        fs::File::options().create(true).append(true).open(folder.join(STARTS))?.write_all(b".")?;
    }
    Ok(String::new())
}

fn line(unit: &str) -> String {
    format!("{unit} loaded active running a unit that runs\n")
}

fn shown(folder: &Path, unit: &str) -> String {
    let load = if folder.join("system").join(unit).exists() { "loaded" } else { "not-found" };
    let (active, sub) = if runs(folder, unit) { ("active", "running") } else { ("inactive", "dead") };
    format!("LoadState={load}\nActiveState={active}\nSubState={sub}\n\n")
}
