//! The file: records in order, the first of them a whole keyspace, the rest what was done to it since. When the rest has
//! grown as large as the whole, a fresh file takes the place of this one. The database below makes each batch of records
//! one transaction that is either all there after a crash or not at all; a record here is never changed.

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use redb::{Builder, Database, ReadableDatabase, StorageBackend, TableDefinition};

use crate::folder::{Backend, Folder};
use crate::keyspace::{Change, Keyspace, Unreadable};

const RECORDS: TableDefinition<'static, u64, &[u8]> = TableDefinition::new("records");
const FILE: &str = "store.redb";
const FRESH_FILE: &str = "store.redb.fresh";
/// Memory the database may use to keep pages of the file; records are written once and read at the start.
const CACHE_BYTES: usize = 128 * 1024;
/// Below this many bytes of records since the last fresh file there is no next one.
const REST_MIN_BYTES: u64 = 256 * 1024;

/// The file cannot be read or written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalError {
    /// What was done to which file.
    pub operation: String,
    /// Why it failed.
    pub cause: String,
}

impl fmt::Display for JournalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operation, self.cause)
    }
}

impl std::error::Error for JournalError {}

/// The file of one keyspace.
#[derive(Debug)]
pub(crate) struct Journal {
    folder: Arc<dyn Folder>,
    /// `None` after a failure: what is in the file is known only once it has been opened again.
    file: Option<Database>,
    next: u64,
    whole_bytes: u64,
    rest_bytes: u64,
}

impl Journal {
    /// Opens the file and reads the keyspace in it; makes both if there are none.
    pub(crate) fn open(folder: Arc<dyn Folder>, cluster: u64) -> Result<(Self, Keyspace), JournalError> {
        let mut journal = Self { folder, file: None, next: 0, whole_bytes: 0, rest_bytes: 0 };
        let mut keyspace = Keyspace::new(cluster);
        match journal.open_file()? {
            Some(file) => journal.catch_up_with(file, &mut keyspace).map(drop)?,
            // The first file comes to be as every later one does, so that there never is half of one.
            None => journal.renew(&keyspace)?.finish()?,
        }
        Ok((journal, keyspace))
    }

    /// Opens the file again if it has to be, and brings the keyspace up to what is in it: a batch that failed may be
    /// there all the same. Returns what that changed.
    pub(crate) fn catch_up(&mut self, keyspace: &mut Keyspace) -> Result<Vec<Change>, JournalError> {
        if self.file.is_some() {
            return Ok(Vec::new());
        }
        let file = self.reopened_file()?;
        self.catch_up_with(file, keyspace)
    }

    fn catch_up_with(
        &mut self,
        file: Database,
        keyspace: &mut Keyspace,
    ) -> Result<Vec<Change>, JournalError> {
        let changes = self.read_onto(&file, keyspace).map_err(|cause| self.failed("read", FILE, cause))?;
        self.file = Some(file);
        Ok(changes)
    }

    /// Opens the file again if it has to be. True if something is in it that was not known to be: the last batch that
    /// failed, or the fresh file that did.
    pub(crate) fn reopen(&mut self) -> Result<bool, JournalError> {
        if self.file.is_some() {
            return Ok(false);
        }
        let file = self.reopened_file()?;
        let mut last = None;
        self.each_new(&file, |number, _| {
            last = Some(number);
            Ok(())
        })
        .map_err(|cause| self.failed("read", FILE, cause))?;
        self.next = last.map_or(self.next, |last| last + 1);
        self.file = Some(file);
        Ok(last.is_some())
    }

    /// Adds records. When this returns `Ok` they are on disk; otherwise they may be there or not, but all of them or none.
    pub(crate) fn append(&mut self, records: &[Vec<u8>]) -> Result<(), JournalError> {
        let file = self.file.take().ok_or_else(|| self.failed("write", FILE, "not open after a failure"))?;
        let written = self.write(&file, records.iter().map(Vec::as_slice));
        let bytes = written.map_err(|cause| self.failed("write", FILE, cause))?;
        self.file = Some(file);
        self.rest_bytes += bytes;
        Ok(())
    }

    /// True if a fresh file is due.
    pub(crate) fn is_long(&self) -> bool {
        self.file.is_some() && self.rest_bytes > self.whole_bytes.max(REST_MIN_BYTES)
    }

    /// Begins a fresh file with the keyspace as it is; it takes effect with [`Fresh::finish`]. Until then nothing else
    /// may be done with the journal, but the keyspace may change.
    pub(crate) fn renew(&mut self, keyspace: &Keyspace) -> Result<Fresh<'_>, JournalError> {
        let made = self.folder.create(FRESH_FILE).map_err(|cause| self.failed("make", FRESH_FILE, cause))?;
        let file = self.database(FRESH_FILE, made)?;
        // Numbers go on, so that whoever finds the fresh file where the old one was reads all of it.
        let mut next = self.next;
        let mut bytes = 0;
        let mut fill = || -> Result<redb::WriteTransaction, redb::Error> {
            let transaction = file.begin_write()?;
            {
                let mut table = transaction.open_table(RECORDS)?;
                keyspace.save(|record| {
                    table.insert(next, record)?;
                    next += 1;
                    bytes += size(record);
                    Ok::<_, redb::StorageError>(())
                })?;
            }
            Ok(transaction)
        };
        let transaction = fill().map_err(|cause| self.failed("write", FRESH_FILE, cause))?;
        Ok(Fresh { journal: self, file, transaction, next, bytes })
    }

    fn write<'a>(
        &mut self,
        file: &Database,
        records: impl Iterator<Item = &'a [u8]>,
    ) -> Result<u64, redb::Error> {
        let transaction = file.begin_write()?;
        let mut next = self.next;
        let mut bytes = 0;
        {
            let mut table = transaction.open_table(RECORDS)?;
            for record in records {
                table.insert(next, record)?;
                next += 1;
                bytes += size(record);
            }
        }
        transaction.commit()?;
        self.next = next;
        Ok(bytes)
    }

    fn read_onto(&mut self, file: &Database, keyspace: &mut Keyspace) -> Result<Vec<Change>, String> {
        let mut changes = Vec::new();
        let (mut next, mut bytes) = (self.next, 0);
        self.each_new(file, |number, record| {
            let made = keyspace.restore(record);
            changes.extend(made.map_err(|Unreadable| format!("record {number} is unreadable"))?);
            next = number + 1;
            bytes += size(record);
            Ok(())
        })?;
        self.next = next;
        self.rest_bytes += bytes;
        Ok(changes)
    }

    /// Every record that was not known to be in the file.
    fn each_new(
        &self,
        file: &Database,
        mut each: impl FnMut(u64, &[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let told = |error: redb::Error| error.to_string();
        let transaction = file.begin_read().map_err(|error| told(error.into()))?;
        // No file of the store is without records: where there are none, somebody emptied it.
        let table = transaction.open_table(RECORDS).map_err(|error| told(error.into()))?;
        let new = (Bound::Included(self.next), Bound::Unbounded);
        for entry in table.range::<u64>(new).map_err(|error| told(error.into()))? {
            let (number, record) = entry.map_err(|error| told(error.into()))?;
            each(number.value(), record.value())?;
        }
        Ok(())
    }

    fn open_file(&self) -> Result<Option<Database>, JournalError> {
        let opened = self.folder.open(FILE).map_err(|cause| self.failed("open", FILE, cause))?;
        opened.map(|backend| self.database(FILE, backend)).transpose()
    }

    fn reopened_file(&self) -> Result<Database, JournalError> {
        self.open_file()?.ok_or_else(|| self.failed("open", FILE, "it is gone"))
    }

    fn database(&self, name: &str, backend: Box<dyn StorageBackend>) -> Result<Database, JournalError> {
        let mut builder = Builder::new();
        // Else the database believes what a cleanly closed file says of its own pages: where that is wrong it asks for any
        // amount of memory, or ends the process. All of the file is read in a moment anyway.
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        builder.create_with_backend(Backend(backend)).map_err(|cause| self.failed("open", name, cause))
    }

    fn failed(&self, verb: &str, name: &str, cause: impl fmt::Display) -> JournalError {
        let operation = format!("{verb} {}", self.folder.describe(name));
        // The database repeats what stands in a damaged file as it stands there.
        JournalError { operation, cause: cause.to_string().replace(char::is_control, " ") }
    }
}

/// A fresh file that is not yet the journal's.
pub(crate) struct Fresh<'a> {
    journal: &'a mut Journal,
    file: Database,
    transaction: redb::WriteTransaction,
    next: u64,
    bytes: u64,
}

impl Fresh<'_> {
    /// Puts the fresh file in the old one's place. If that fails the old one goes on.
    pub(crate) fn finish(self) -> Result<(), JournalError> {
        let Self { journal, file, transaction, next, bytes } = self;
        transaction.commit().map_err(|cause| journal.failed("write", FRESH_FILE, cause))?;
        let renamed = journal.folder.rename(FRESH_FILE, FILE);
        if let Err(cause) = renamed {
            // Whichever of the two is there now, the next batch has to go into that one.
            journal.file = None;
            // Should it be the old one it is as long as before.
            drop(file);
            return Err(journal.failed("replace", FILE, cause));
        }
        (journal.file, journal.next, journal.whole_bytes, journal.rest_bytes) = (Some(file), next, bytes, 0);
        Ok(())
    }
}

fn size(record: &[u8]) -> u64 {
    u64::try_from(record.len()).unwrap_or(u64::MAX)
}
