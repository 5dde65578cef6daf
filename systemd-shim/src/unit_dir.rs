//! The units directory (`units_directory`, default `/run/fleet/units`): unit files as Skiff wrote them. Whole
//! or not at all, under valid names only, no symbolic link followed. How systemd finds them is `unit_links`.

use std::fs::{DirBuilder, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use cluster::UnitName;
use cluster::limits::{UNIT_DIR_ENTRIES_MAX, UNIT_FILE_MAX_BYTES};
use cluster::sorted::Set;
use nix::dir::{Dir, Type};
use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, open, openat, renameat};
use nix::sys::stat::{Mode, SFlag, fchmod, fstatat};
use nix::unistd::{UnlinkatFlags, fsync, unlinkat};

use crate::error::{FileCause, FileError};

/// Files under this prefix are half written; nobody else's names begin so.
const TEMP_PREFIX: &str = ".skiff-tmp.";
static TEMP_COUNTER: AtomicU32 = AtomicU32::new(0);

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// There was no such file.
    Created,
    /// There was one with other content.
    Changed,
    /// The file had this content already; nothing was written.
    Unchanged,
}

/// The directory of unit files. It is made again, mode 0755, whenever it is missing.
#[derive(Clone, Debug)]
pub struct UnitDir {
    path: PathBuf,
}

impl UnitDir {
    /// Takes the directory at `path` and removes what an interrupted write left in it.
    ///
    /// # Errors
    /// `path` is relative, cannot be made or read, or its last part is no directory (a symbolic link is none).
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, FileError> {
        let unit_dir = Self { path: path.into() };
        if !unit_dir.path.is_absolute() {
            let why = FileCause::Content("not an absolute path".into());
            return Err(unit_dir.error("open", why));
        }
        unit_dir.remove_temporary_files()?;
        Ok(unit_dir)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where a unit's file is, whether it exists or not.
    #[must_use]
    pub fn path_of(&self, unit: &UnitName) -> PathBuf {
        self.path.join(unit.as_str())
    }

    /// Puts `text` in place as the file of `unit`, mode 0644: readers see the old file or the new one.
    ///
    /// # Errors
    /// The text is longer than [`UNIT_FILE_MAX_BYTES`], or the kernel refused; the old file is untouched.
    pub fn write(&self, unit: &UnitName, text: &str) -> Result<Written, FileError> {
        let failed = |cause: FileCause| FileError::new("write", self.path_of(unit), cause);
        if text.len() > UNIT_FILE_MAX_BYTES {
            return Err(failed(FileCause::TooLarge(UNIT_FILE_MAX_BYTES)));
        }
        let written = match self.read(unit) {
            Ok(Some(before)) if before == text => return Ok(Written::Unchanged),
            Ok(None) => Written::Created,
            // A file that cannot be read is one to replace.
            Ok(Some(_)) | Err(_) => Written::Changed,
        };
        let dir = self.dir("write")?;
        let temporary =
            format!("{TEMP_PREFIX}{}.{}", std::process::id(), TEMP_COUNTER.fetch_add(1, Ordering::Relaxed));
        let outcome = write_new(&dir, &temporary, text)
            .and_then(|()| Ok(renameat(&dir, temporary.as_str(), &dir, unit.as_str())?));
        if let Err(cause) = outcome {
            // The error above is the one to tell; a leftover goes at the next open.
            let _ = unlinkat(&dir, temporary.as_str(), UnlinkatFlags::NoRemoveDir);
            return Err(failed(cause));
        }
        Ok(written)
    }

    /// The file of `unit`; `None` if there is none.
    ///
    /// # Errors
    /// It is no regular file, longer than [`UNIT_FILE_MAX_BYTES`], not UTF-8, or cannot be read.
    pub fn read(&self, unit: &UnitName) -> Result<Option<String>, FileError> {
        let failed = |cause: FileCause| FileError::new("read", self.path_of(unit), cause);
        // Non-blocking, or opening a FIFO would wait for its writer.
        let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let file = match openat(self.dir("read")?, unit.as_str(), flags, Mode::empty()) {
            Ok(fd) => File::from(fd),
            Err(Errno::ENOENT) => return Ok(None),
            Err(Errno::ELOOP) => return Err(failed(FileCause::NotAFile)),
            Err(errno) => return Err(failed(errno.into())),
        };
        if !file.metadata().map_err(|error| failed(error.into()))?.is_file() {
            return Err(failed(FileCause::NotAFile));
        }
        let mut bytes = Vec::new();
        let limit = u64::try_from(UNIT_FILE_MAX_BYTES).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_end(&mut bytes).map_err(|error| failed(error.into()))?;
        if bytes.len() > UNIT_FILE_MAX_BYTES {
            return Err(failed(FileCause::TooLarge(UNIT_FILE_MAX_BYTES)));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| failed(FileCause::NotUtf8))
    }

    /// Removes the file of `unit`; false if there was none.
    ///
    /// # Errors
    /// The kernel refused.
    pub fn remove(&self, unit: &UnitName) -> Result<bool, FileError> {
        match unlinkat(self.dir("remove")?, unit.as_str(), UnlinkatFlags::NoRemoveDir) {
            Ok(()) => Ok(true),
            Err(Errno::ENOENT) => Ok(false),
            Err(errno) => Err(FileError::new("remove", self.path_of(unit), errno)),
        }
    }

    /// The units that have a regular file here, of every type. Hidden and temporary files, and names that are
    /// none of a unit, are passed over.
    ///
    /// # Errors
    /// The directory cannot be read, or has more than [`UNIT_DIR_ENTRIES_MAX`] entries.
    pub fn list(&self) -> Result<Set<UnitName>, FileError> {
        let fd = self.dir("list")?;
        let mut units = Set::new();
        for (name, kind) in self.entries("list")? {
            let Ok(unit) = UnitName::parse(&name) else { continue };
            if !name.starts_with('.') && kind.map_or_else(|| is_file(&fd, &name), |kind| kind == Type::File) {
                units.insert(unit);
            }
        }
        Ok(units)
    }

    fn remove_temporary_files(&self) -> Result<(), FileError> {
        let fd = self.dir("open")?;
        for (name, _) in self.entries("open")? {
            if name.starts_with(TEMP_PREFIX) {
                unlinkat(&fd, name.as_str(), UnlinkatFlags::NoRemoveDir)
                    .map_err(|errno| FileError::new("remove", self.path.join(&name), errno))?;
            }
        }
        Ok(())
    }

    /// Names (those that are UTF-8) and types where the file system tells them.
    fn entries(&self, operation: &'static str) -> Result<Vec<(String, Option<Type>)>, FileError> {
        let mut dir =
            Dir::from_fd(self.dir(operation)?).map_err(|errno| self.error(operation, errno.into()))?;
        let mut entries = Vec::new();
        for entry in dir.iter() {
            let entry = entry.map_err(|errno| self.error(operation, errno.into()))?;
            if entries.len() >= UNIT_DIR_ENTRIES_MAX {
                return Err(self.error(operation, FileCause::TooManyEntries(UNIT_DIR_ENTRIES_MAX)));
            }
            if let Ok(name) = entry.file_name().to_str() {
                entries.push((name.to_owned(), entry.file_type()));
            }
        }
        Ok(entries)
    }

    /// The directory itself, made if it is missing. Opened anew each time: whoever empties `/run` must not
    /// leave the agent writing into a directory nobody sees.
    fn dir(&self, operation: &'static str) -> Result<OwnedFd, FileError> {
        let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        match open(&self.path, flags, Mode::empty()) {
            Err(Errno::ENOENT) => {
                self.create()?;
                open(&self.path, flags, Mode::empty()).map_err(|errno| self.error(operation, errno.into()))
            }
            Err(Errno::ENOTDIR | Errno::ELOOP) => {
                Err(self.error(operation, FileCause::Content("not a directory".into())))
            }
            other => other.map_err(|errno| self.error(operation, errno.into())),
        }
    }

    fn create(&self) -> Result<(), FileError> {
        let created = DirBuilder::new().recursive(true).mode(0o755).create(&self.path);
        // The mode above went through the umask.
        let mode = std::fs::Permissions::from_mode(0o755);
        created
            .and_then(|()| std::fs::set_permissions(&self.path, mode))
            .map_err(|error| self.error("create", error.into()))
    }

    fn error(&self, operation: &'static str, cause: FileCause) -> FileError {
        FileError::new(operation, &self.path, cause)
    }
}

fn write_new(dir: &OwnedFd, name: &str, text: &str) -> Result<(), FileCause> {
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let mode = Mode::S_IRUSR | Mode::S_IWUSR | Mode::S_IRGRP | Mode::S_IROTH;
    let mut file = File::from(openat(dir, name, flags, mode)?);
    // The mode above went through the umask.
    fchmod(&file, mode)?;
    file.write_all(text.as_bytes())?;
    Ok(fsync(&file)?)
}

/// For file systems that do not tell types in listings.
fn is_file(dir: &OwnedFd, name: &str) -> bool {
    fstatat(dir, name, AtFlags::AT_SYMLINK_NOFOLLOW)
        .is_ok_and(|stat| SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG)
}
