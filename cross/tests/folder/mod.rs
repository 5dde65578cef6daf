//! A place for a test's files.

use std::fs;
use std::path::PathBuf;

/// A folder of this test's own, removed in the end.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Makes it.
    pub(crate) fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("skiff-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("created");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
