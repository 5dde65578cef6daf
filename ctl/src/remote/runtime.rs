//! A folder for the sockets of running tunnels that nobody else can reach into. What becomes of the sockets is told by
//! `tunnel`.

use std::fs::{DirBuilder, symlink_metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use crate::clock::boottime;

/// Longest path that ssh can use: the system's limit less what ssh appends while it makes the socket.
const PATH_BYTES_MAX: usize = 107 - 17;

/// A path for one more socket, in `$XDG_RUNTIME_DIR` or else among the temporary files.
///
/// # Errors
/// There is no folder for it that is ours alone; the text names it.
pub(crate) fn socket_path() -> Result<PathBuf, String> {
    let name = format!("{}-{:x}", std::process::id(), boottime().as_nanos());
    let of_user = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let of_user = of_user.filter(|folder| folder.is_absolute() && is_own(folder));
    let folder = |parent: PathBuf| parent.join(format!("skiff-ctl-{}", Uid::current()));
    let fits = |folder: &PathBuf| folder.as_os_str().len() + 1 + name.len() <= PATH_BYTES_MAX;
    let folder = of_user.map(folder).filter(fits).unwrap_or_else(|| folder(std::env::temp_dir()));
    make_private(&folder)?;
    Ok(folder.join(name))
}

/// Under sudo the variable may still name the folder of another user, who could put anything there.
fn is_own(folder: &Path) -> bool {
    symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == Uid::current().as_raw())
}

fn make_private(folder: &Path) -> Result<(), String> {
    let shown = folder.display();
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => return Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        Err(e) => return Err(format!("create {shown}: {e}")),
    }
    let is_closed = symlink_metadata(folder).is_ok_and(|found| found.mode() & 0o077 == 0);
    if is_own(folder) && is_closed {
        Ok(())
    } else {
        Err(format!("{shown} is not a folder that is yours alone (mode 0700)"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_folder_that_others_can_reach_is_refused() {
        let base = std::env::temp_dir().join(format!("ctl-runtime-{}", std::process::id()));
        let _ = fs::remove_dir_all(&base);
        fs::create_dir(&base).unwrap();
        let folder = base.join("folder");
        assert_eq!((make_private(&folder), make_private(&folder)), (Ok(()), Ok(())));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(make_private(&folder).is_err());
        symlink("/root", base.join("link")).unwrap();
        assert!(make_private(&base.join("link")).is_err());
        assert!(make_private(&base.join("none/folder")).unwrap_err().starts_with("create "));
        fs::remove_dir_all(&base).unwrap();
    }

    #[test]
    fn no_two_sockets_have_one_path() {
        assert_ne!(socket_path().unwrap(), socket_path().unwrap());
    }
}
