//! What a demo leaves on the computer while it runs: a folder and a control group, noted in a file so that another run
//! can find both. Removing them removes everything: processes, groups, files. Mounts go with the processes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::sys::signal::kill;
use nix::unistd::{Pid, Uid};

use crate::demo::cgroup::Cgroup;
use crate::demo::folders::{make_folder, remove_folder, write};
use crate::demo::ground;
use crate::failure::{Failure, Outcome};

/// What the names of all demos' folders begin with.
const FOLDER_PREFIX: &str = "skiff-demo-";
/// The note inside: the control group, and the process that must live for the demo to be alive.
const NOTE: &str = "demo.note";

/// One demo's folder and group.
#[derive(Clone, Debug)]
pub struct Traces {
    /// Everything the demo writes lies in here.
    pub folder: PathBuf,
    /// Everything the demo runs lives in here.
    pub cgroup: Cgroup,
}

impl Traces {
    /// Makes the folder and the note in it, for the calling process.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn begin(cgroup: Cgroup) -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("{FOLDER_PREFIX}{}", std::process::id()));
        make_folder(&folder)?;
        let traces = Self { folder, cgroup };
        traces.entrust(std::process::id())?;
        Ok(traces)
    }

    /// Notes that the demo lives as long as this process does.
    ///
    /// # Errors
    /// When the note cannot be written.
    pub fn entrust(&self, process: u32) -> Outcome {
        write(&self.folder.join(NOTE), &format!("{}\n{process}\n", self.cgroup.path().display()))
    }

    /// Kills and removes everything. Each part is tried even when another fails.
    ///
    /// # Errors
    /// The first part that failed.
    pub fn remove(&self) -> Outcome {
        let killed = self.cgroup.kill();
        let emptied = self.cgroup.remove();
        let cleared = remove_folder(&self.folder);
        killed.and(emptied).and(cleared)
    }
}

/// Ends demos of this user: all of them, or only those whose process is gone. Gives the folders that were removed.
///
/// # Errors
/// When one could not be removed.
pub fn end_others(living_too: bool) -> Outcome<Vec<PathBuf>> {
    let mut ended = Vec::new();
    for folder in folders() {
        let Ok(note) = fs::read_to_string(folder.join(NOTE)) else { continue };
        let mut lines = note.lines();
        let (Some(group), Some(process)) = (lines.next(), lines.next()) else { continue };
        if !living_too && lives(process) {
            continue;
        }
        if !Path::new(group).exists() {
            ground::see_again();
        }
        Traces { folder: folder.clone(), cgroup: Cgroup::at(PathBuf::from(group)) }
            .remove()
            .map_err(|failure| Failure::during(format!("end the demo in {}", folder.display()), failure))?;
        ended.push(folder);
    }
    Ok(ended)
}

fn folders() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(std::env::temp_dir()) else { return Vec::new() };
    let ours = |path: &PathBuf| {
        let named = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(FOLDER_PREFIX));
        // Anybody may put a folder into /tmp; only this user's notes are believed.
        let own = path
            .symlink_metadata()
            .is_ok_and(|data| data.is_dir() && data.uid() == Uid::effective().as_raw());
        named && own
    };
    entries.flatten().map(|entry| entry.path()).filter(ours).collect()
}

fn lives(process: &str) -> bool {
    process.parse().is_ok_and(|id| kill(Pid::from_raw(id), None).is_ok())
}
