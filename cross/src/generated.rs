//! Texts that are made from ctl's own definition of its commands and that a package installs: man pages and completions of
//! shells. They are the same for every architecture, so a program built for this machine writes them.

use std::fs;
use std::path::Path;

use ::tests::cargo;
use ::tests::failure::{Failure, Outcome};
use ::tests::run::finish;

use crate::tree::write;

/// Writes them below `root`, with the modes of installed files.
///
/// # Errors
/// ctl cannot be built, or a text not written.
pub fn lay_out(source: &Path, root: &Path) -> Outcome {
    let scratch = root.with_file_name("documents");
    let mut call =
        cargo::command(&["run", "--quiet", "--locked", "--package", "ctl", "--example", "documents", "--"]);
    call.current_dir(source).arg(&scratch);
    let listed = finish(call, &[])?.success()?.stdout;
    for path in listed.lines().map(Path::new) {
        let below = path.strip_prefix(&scratch).map_err(|cause| Failure::during(path.display(), cause))?;
        let text =
            fs::read(path).map_err(|cause| Failure::during(format!("read {}", path.display()), cause))?;
        write(&root.join("usr").join(below), &text, 0o644)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn man_pages_and_completions_are_laid_out() {
        let folder = std::env::temp_dir().join(format!("cross-generated-{}", std::process::id()));
        let root = folder.join("root");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        lay_out(&source, &root).unwrap();
        for path in ["man/man1/ctl.1", "man/man8/skiff-agent.8", "bash-completion/completions/ctl"] {
            assert!(fs::metadata(root.join("usr/share").join(path)).unwrap().len() > 0, "{path}");
        }
        fs::remove_dir_all(folder).unwrap();
    }
}
