//! The agent of an earlier commit, which `tests/previous-release` names: what a cluster in the middle of an upgrade runs
//! beside this one.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::cargo;
use crate::failure::{Failure, Outcome};
use crate::install::workspace;
use crate::run::{finish, run};

/// The file with the commit, in the repository.
const NAMED_IN: &str = "tests/previous-release";

/// What the file says where nothing was released before.
const NONE: &str = "none";

/// The commit, if there is one.
///
/// # Errors
/// The file cannot be read, or neither this clone nor its origin has the commit.
pub fn commit() -> Outcome<Option<String>> {
    let text = fs::read_to_string(workspace().join(NAMED_IN))
        .map_err(|cause| Failure::during(format!("read {NAMED_IN}"), cause))?;
    let named = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let commit = named.ok_or_else(|| Failure::new(format!("{NAMED_IN} names no commit")))?.to_owned();
    if commit == NONE {
        return Ok(None);
    }
    let there = || git(&["cat-file", "-e", &format!("{commit}^{{commit}}")]);
    if there().is_err() {
        // A shallow clone, as some CI systems make, asks where it came from.
        let fetched = git(&["fetch", "--quiet", "--depth=1", "origin", &commit]).and_then(|()| there());
        fetched.map_err(|failure| {
            Failure::new(format!(
                "{NAMED_IN} names {commit}, which is neither in this clone nor where it came from; a shallow clone \
                 gets it with `git fetch --unshallow`\n{failure}"
            ))
        })?;
    }
    Ok(Some(commit))
}

/// Its agent, built in a folder of its own beside the other targets. Done once for a commit. `None` where nothing was
/// released before.
///
/// # Errors
/// git or cargo fails.
pub fn agent() -> Outcome<Option<PathBuf>> {
    let Some(commit) = commit()? else { return Ok(None) };
    let target = workspace().join("target/previous");
    // Two worlds may want it at once; the second one finds it built.
    let _lock = lock(&target)?;
    let source = target.join("source");
    let built = target.join(format!("skiff-agent-{commit}"));
    if built.exists() {
        return Ok(Some(built));
    }
    let tree = source.to_string_lossy().into_owned();
    let leave = || {
        let _ = fs::remove_dir_all(&source);
        git(&["worktree", "prune"])
    };
    leave()?;
    git(&["worktree", "add", "--detach", &tree, &commit])?;
    let mut build = cargo::command(&["build", "--quiet", "--locked", "--package", "agent"]);
    build.current_dir(&source).arg("--target-dir").arg(&target);
    let outcome = finish(build, &[]).and_then(|ran| ran.success()).and_then(|_| {
        let binary = target.join("debug/skiff-agent");
        fs::copy(&binary, &built)
            .map_err(|cause| Failure::during(format!("copy {}", binary.display()), cause))
    });
    leave()?;
    outcome.map(|_| Some(built))
}

/// Waits until nobody else builds there; it is free again once the file is dropped.
fn lock(target: &Path) -> Outcome<File> {
    let file = target.join("lock");
    let trouble = |cause| Failure::during(format!("lock {}", file.display()), cause);
    fs::create_dir_all(target).map_err(trouble)?;
    let lock = File::create(&file).map_err(trouble)?;
    lock.lock().map_err(trouble)?;
    Ok(lock)
}

fn git(words: &[&str]) -> Outcome {
    let folder = workspace();
    let folder = folder.to_string_lossy();
    // A checkout of another user than root's, as in CI, is still the one this program was built from.
    let safe = format!("safe.directory={folder}");
    let mut call = vec!["git", "-c", &safe, "-C", &folder];
    call.extend(words);
    run(&call)?.success().map(drop)
}
