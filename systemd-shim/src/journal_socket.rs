//! Entries for journald with fields of their own, by its native protocol (`JOURNAL_NATIVE_PROTOCOL`, systemd.journal-fields(7)): one
//! datagram an entry, a line a field. Only where the journal is what this process's stderr goes to, too.
//!
//! Fields are cut to a bound, so that every entry fits into a datagram: the way of sealed memory files, which larger ones
//! would have to go, is not needed for lines of a log.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::limits::JOURNAL_FIELD_MAX_BYTES;
use nix::sys::socket::{MsgFlags, send};

use crate::one_line::one_line;

/// Where journald takes entries.
const PATH: &str = "/run/systemd/journal/socket";
/// How long a full queue is waited for; journald empties one in much less.
const WAIT: Duration = Duration::from_millis(5);

/// The way to journald.
#[derive(Debug)]
pub struct JournalSocket {
    socket: UnixDatagram,
    path: PathBuf,
}

/// One entry, as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry(String);

impl JournalEntry {
    /// An entry of this priority (syslog(3)) with this message.
    #[must_use]
    pub fn new(priority: u8, message: &str) -> Self {
        let mut entry = Self(String::with_capacity(256));
        entry.field("PRIORITY", &priority.to_string());
        entry.field("SYSLOG_IDENTIFIER", "skiff-agent");
        entry.field("MESSAGE", message);
        entry
    }

    /// One more field; `name` has to be one that journald takes: capitals, digits and underscores. Control characters of
    /// the value become blanks, so that no value can pass for a field.
    pub fn field(&mut self, name: &str, value: &str) {
        self.0.push_str(name);
        self.0.push('=');
        self.0.push_str(&one_line(value, JOURNAL_FIELD_MAX_BYTES));
        self.0.push('\n');
    }
}

impl JournalSocket {
    /// The journal that stderr goes to; `None` where it goes elsewhere.
    #[must_use]
    pub fn of_stderr() -> Option<Self> {
        let stream = std::env::var("JOURNAL_STREAM").ok()?;
        let stderr = File::from(io::stderr().as_fd().try_clone_to_owned().ok()?).metadata().ok()?;
        // The variable is inherited by whoever is started, with whatever stderr.
        let is_ours = stream == format!("{}:{}", stderr.dev(), stderr.ino());
        if is_ours { Self::at(PATH.as_ref()).ok() } else { None }
    }

    /// The same at a path of the caller's choice. Nobody need listen there yet.
    ///
    /// # Errors
    /// No socket can be made.
    pub fn at(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(WAIT))?;
        Ok(Self { socket, path: path.to_owned() })
    }

    /// Sends an entry, and waits for a full queue no longer than 5 ms.
    ///
    /// # Errors
    /// Nobody listens, or journald is behind; nothing was sent.
    pub fn send(&self, entry: &JournalEntry) -> io::Result<()> {
        self.socket.send_to(entry.0.as_bytes(), &self.path).map(drop)
    }
}

/// Sends a line on stderr, which has to be the journal's stream, and waits for nobody.
///
/// # Errors
/// The journal takes no more at the moment, or is gone.
pub fn send_on_stderr(line: &str) -> io::Result<()> {
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    let sent = send(io::stderr().as_raw_fd(), line.as_bytes(), flags)?;
    if sent == line.len() { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(name: &str) -> (PathBuf, UnixDatagram) {
        let path = std::env::temp_dir().join(format!("skiff-journal-{name}-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let socket = UnixDatagram::bind(&path).expect("bound");
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        (path, socket)
    }

    fn received(socket: &UnixDatagram) -> String {
        let mut buffer = vec![0; 64 * 1024];
        let count = socket.recv(&mut buffer).expect("an entry");
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    #[test]
    fn an_entry_is_a_datagram_of_lines_and_no_value_passes_for_a_field() {
        let (path, listener) = listener("lines");
        let journal = JournalSocket::at(&path).expect("a socket");
        let mut entry = JournalEntry::new(4, "lost\nPRIORITY=0\0");
        entry.field("SKIFF_EVENT", "machine-lost");
        entry.field("SKIFF_REASON", &"x".repeat(9000));
        journal.send(&entry).expect("sent");
        let text = received(&listener);
        let lines: Vec<&str> = text.lines().collect();
        let first = [
            "PRIORITY=4",
            "SYSLOG_IDENTIFIER=skiff-agent",
            "MESSAGE=lost PRIORITY=0",
            "SKIFF_EVENT=machine-lost",
        ];
        assert_eq!(lines[..4], first);
        assert!(lines.len() == 5 && text.ends_with("x…\n") && lines[4].len() < 4200, "{}", lines[4].len());
        std::fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn a_journal_that_is_away_comes_back_and_one_that_is_full_holds_up_nobody() {
        let (path, first) = listener("away");
        let journal = JournalSocket::at(&path).expect("a socket");
        let entry = JournalEntry::new(6, "here");
        drop(first);
        assert_eq!(journal.send(&entry).expect_err("nobody").kind(), io::ErrorKind::ConnectionRefused);
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(journal.send(&entry).expect_err("nothing").kind(), io::ErrorKind::NotFound);
        let second = UnixDatagram::bind(&path).expect("bound");
        let taken = (0..100_000).take_while(|_| journal.send(&entry).is_ok()).count();
        assert!((1..100_000).contains(&taken), "{taken}");
        assert_eq!(journal.send(&entry).expect_err("full").kind(), io::ErrorKind::WouldBlock);
        assert!(received(&second).contains("MESSAGE=here\n"));
        journal.send(&entry).expect("there is room again");
        std::fs::remove_file(&path).expect("removed");
    }
}
