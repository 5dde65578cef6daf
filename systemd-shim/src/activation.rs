//! Sockets that systemd opened for the agent (sd_listen_fds(3)). They become listeners here; what is served on
//! them is the agent's business.
//!
//! The descriptors themselves stay open beside the listeners, which are copies: a program that takes this one's place in
//! the same process finds them where systemd put them.

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use cluster::limits::LISTEN_FDS_MAX;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::socket::sockopt::{AcceptConn, SockType as TypeOf};
use nix::sys::socket::{AddressFamily, SockType, SockaddrLike, SockaddrStorage, getsockname, getsockopt};

/// The first descriptor systemd passes.
const FIRST: RawFd = 3;
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A listening stream socket, close-on-exec and non-blocking.
#[derive(Debug)]
pub enum Listener {
    /// `ListenStream=/path`.
    Unix(UnixListener),
    /// `ListenStream=PORT` and the like.
    Tcp(TcpListener),
}

/// A listener and the name its socket unit gave it (`FileDescriptorName=`, else the unit's name).
#[derive(Debug)]
pub struct Passed {
    /// The name; empty if systemd gave none.
    pub name: String,
    /// The socket.
    pub listener: Listener,
}

/// Why the passed sockets cannot be served.
#[derive(Debug)]
pub enum ActivationError {
    /// `LISTEN_FDS` is no number.
    BadCount(String),
    /// There are more than [`LISTEN_FDS_MAX`].
    TooMany(usize),
    /// One of them will not do: its number, its name, and why.
    Socket(RawFd, String, io::Error),
}

impl fmt::Display for ActivationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadCount(text) => write!(f, "use LISTEN_FDS {text:?}: not a number"),
            Self::TooMany(count) => {
                write!(f, "take passed sockets: {count} of them, at most {LISTEN_FDS_MAX} are taken")
            }
            Self::Socket(fd, name, why) => write!(f, "take passed socket {fd} ({name}): {why}"),
        }
    }
}

impl std::error::Error for ActivationError {}

/// The sockets systemd passed to this process; none if it was started otherwise, or on every call but the
/// first.
///
/// # Errors
/// systemd passed something that is no listening stream socket of the unix or internet families.
pub fn take_listeners() -> Result<Vec<Passed>, ActivationError> {
    let variable = |name: &str| std::env::var_os(name).and_then(|value: OsString| value.into_string().ok());
    let Some(count) = passed_count(&variable, std::process::id())? else { return Ok(Vec::new()) };
    if TAKEN.swap(true, Ordering::SeqCst) {
        return Ok(Vec::new());
    }
    let names = variable("LISTEN_FDNAMES").unwrap_or_default();
    let names = names.split(':').chain(std::iter::repeat(""));
    let fds = FIRST..FIRST.saturating_add(RawFd::try_from(count).unwrap_or(RawFd::MAX));
    fds.zip(names)
        .map(|(fd, name)| {
            let failed = |why| ActivationError::Socket(fd, name.to_owned(), why);
            let listener = passed(fd).and_then(copied).and_then(listener).map_err(failed)?;
            Ok(Passed { name: name.to_owned(), listener })
        })
        .collect()
}

/// Lets a program that this process becomes inherit the passed sockets, in their old places.
///
/// # Errors
/// A descriptor was closed by somebody who had no business with it.
pub fn hand_on_listeners() -> io::Result<()> {
    let variable = |name: &str| std::env::var_os(name).and_then(|value: OsString| value.into_string().ok());
    let count = passed_count(&variable, std::process::id()).ok().flatten().unwrap_or(0);
    let end = FIRST.saturating_add(RawFd::try_from(count).unwrap_or(RawFd::MAX));
    (FIRST..end).try_for_each(|fd| {
        fcntl(passed(fd)?, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(())
    })
}

/// How many descriptors were passed to process `pid`; `None` if none were, or to another.
fn passed_count(
    variable: &impl Fn(&str) -> Option<String>,
    pid: u32,
) -> Result<Option<usize>, ActivationError> {
    let (Some(count), Some(for_pid)) = (variable("LISTEN_FDS"), variable("LISTEN_PID")) else {
        return Ok(None);
    };
    if for_pid.parse() != Ok(pid) {
        return Ok(None);
    }
    match count.parse() {
        Ok(count) if count > LISTEN_FDS_MAX => Err(ActivationError::TooMany(count)),
        Ok(count) => Ok(Some(count)),
        Err(_) => Err(ActivationError::BadCount(count)),
    }
}

/// A descriptor systemd promised.
#[allow(unsafe_code)]
fn passed(fd: RawFd) -> io::Result<BorrowedFd<'static>> {
    // Also true for a descriptor that is open and broken, which the checks of `listener` then find.
    if Path::new("/proc/self/fd").join(fd.to_string()).symlink_metadata().is_err() {
        return Err(io::Error::new(io::ErrorKind::NotFound, "not open"));
    }
    // SAFETY: the descriptor is open (checked above). LISTEN_PID says that systemd opened it for this very
    // process and left it to us; nothing in this program owns its number, so that it stays open to the end.
    Ok(unsafe { BorrowedFd::borrow_raw(fd) })
}

/// A copy of our own; both are closed when a child is started.
fn copied(fd: BorrowedFd<'static>) -> io::Result<OwnedFd> {
    fcntl(fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    fd.try_clone_to_owned()
}

fn listener(fd: OwnedFd) -> io::Result<Listener> {
    let refused = |why: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    fcntl(&fd, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))?;
    if getsockopt(&fd, TypeOf)? != SockType::Stream {
        return refused("not a stream socket");
    }
    if !getsockopt(&fd, AcceptConn)? {
        return refused("not listening (Accept=yes is not supported)");
    }
    let address: SockaddrStorage = getsockname(fd.as_raw_fd())?;
    match address.family() {
        Some(AddressFamily::Unix) => {
            let listener = UnixListener::from(fd);
            listener.set_nonblocking(true)?;
            Ok(Listener::Unix(listener))
        }
        Some(AddressFamily::Inet | AddressFamily::Inet6) => {
            let listener = TcpListener::from(fd);
            listener.set_nonblocking(true)?;
            Ok(Listener::Tcp(listener))
        }
        _ => refused("neither a unix nor an internet socket"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::{UnixDatagram, UnixStream};

    fn count(fds: Option<&str>, pid: Option<&str>) -> Result<Option<usize>, ActivationError> {
        let variable = |name: &str| match name {
            "LISTEN_FDS" => fds.map(str::to_owned),
            "LISTEN_PID" => pid.map(str::to_owned),
            _ => None,
        };
        passed_count(&variable, 77)
    }

    #[test]
    fn only_sockets_meant_for_this_process_count() {
        assert_eq!(count(Some("2"), Some("77")).expect("fine"), Some(2));
        assert_eq!(count(Some("2"), Some("78")).expect("fine"), None);
        assert_eq!(count(Some("2"), None).expect("fine"), None);
        assert_eq!(count(None, Some("77")).expect("fine"), None);
        assert!(matches!(count(Some("many"), Some("77")), Err(ActivationError::BadCount(_))));
        assert!(matches!(count(Some("33"), Some("77")), Err(ActivationError::TooMany(33))));
    }

    #[test]
    fn listening_streams_are_taken_and_made_fit() {
        let tcp = TcpListener::bind("127.0.0.1:0").expect("bound");
        let Ok(Listener::Tcp(tcp)) = listener(OwnedFd::from(tcp)) else { panic!("a TCP listener") };
        assert_eq!(tcp.accept().expect_err("nobody calls").kind(), io::ErrorKind::WouldBlock);
        let path = std::env::temp_dir().join(format!("skiff-activation-{}", std::process::id()));
        let unix = UnixListener::bind(&path).expect("bound");
        let Ok(Listener::Unix(unix)) = listener(OwnedFd::from(unix)) else { panic!("a unix listener") };
        assert_eq!(unix.accept().expect_err("nobody calls").kind(), io::ErrorKind::WouldBlock);
        let flags = fcntl(&unix, FcntlArg::F_GETFD).expect("flags");
        assert_eq!(FdFlag::from_bits_truncate(flags), FdFlag::FD_CLOEXEC);
        std::fs::remove_file(path).expect("removed");
    }

    #[test]
    fn other_descriptors_are_refused_with_the_reason() {
        let (stream, _other) = UnixStream::pair().expect("a pair");
        let datagram = UnixDatagram::unbound().expect("a socket");
        let file = std::fs::File::open("/dev/null").expect("opened");
        for (fd, why) in [
            (OwnedFd::from(stream), "not listening"),
            (OwnedFd::from(datagram), "not a stream socket"),
            (OwnedFd::from(file), "Socket operation on non-socket"),
        ] {
            let error = listener(fd).expect_err("refused").to_string();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_descriptor_that_is_not_open_is_never_used() {
        assert_eq!(passed(1_000_000).expect_err("not open").to_string(), "not open");
    }
}
