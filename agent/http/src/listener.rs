//! Listening sockets: those systemd passes and those the agent opens itself. A Unix socket of our own appears under its
//! name only once it has its mode and group, and goes with its listener.

use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::socket::{
    AddressFamily, SockType, SockaddrLike, SockaddrStorage, getsockname, getsockopt, sockopt,
};
use nix::unistd::Group;
use smol::Async;

use super::message::Peer;
use super::socket::Socket;
use super::tls::Tls;

/// Owner and group may use the API, nobody else (contract §0).
const SOCKET_MODE: u32 = 0o660;

/// A socket that connections come from.
pub struct Listener {
    socket: Family,
    tls: Option<Tls>,
    name: String,
    // Removes the file when the listener goes.
    _file: Option<SocketFile>,
}

enum Family {
    Unix(Async<UnixListener>),
    Tcp(Async<TcpListener>),
}

/// A listener could not be made.
#[derive(Debug)]
pub struct ListenError {
    name: String,
    cause: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "listen on {}: {}", self.name, self.cause)
    }
}

impl std::error::Error for ListenError {}

impl Listener {
    /// Takes over a listening stream socket, such as systemd passes; `name` is for messages only.
    ///
    /// # Errors
    /// It is no listening stream socket of the families Unix, IPv4 or IPv6.
    pub fn from_fd(fd: OwnedFd, name: &str) -> Result<Self, ListenError> {
        let named = |cause| ListenError { name: name.to_owned(), cause };
        let socket = take_over(fd).map_err(named)?;
        Ok(Self { socket, tls: None, name: name.to_owned(), _file: None })
    }

    /// Opens a TCP port.
    ///
    /// # Errors
    /// The address is not this machine's, or in use.
    pub fn tcp(address: SocketAddr) -> Result<Self, ListenError> {
        let named = |cause| ListenError { name: format!("tcp:{address}"), cause };
        let listener = Async::<TcpListener>::bind(address).map_err(named)?;
        let name = listener.get_ref().local_addr().map_err(named)?;
        let socket = Family::Tcp(listener);
        Ok(Self { socket, tls: None, name: format!("tcp:{name}"), _file: None })
    }

    /// Opens a Unix socket with mode 0660, its group `group` if there is one of that name. A socket left over by a
    /// process that is gone is replaced.
    ///
    /// # Errors
    /// Someone listens there, something that is no socket lies there, or the file system refuses.
    pub fn unix(path: &Path, group: &str) -> Result<Self, ListenError> {
        let name = format!("unix:{}", path.display());
        let open = || {
            refuse_if_taken(path)?;
            bind_unix(path, group)
        };
        let (listener, file) = open().map_err(|cause| ListenError { name: name.clone(), cause })?;
        Ok(Self { socket: Family::Unix(listener), tls: None, name, _file: Some(file) })
    }

    /// The same with TLS for whoever connects, if it is a TCP port: on a Unix socket the kernel says who that is.
    #[must_use]
    pub fn encrypted(mut self, tls: &Tls) -> Self {
        if let Family::Tcp(_) = self.socket {
            self.tls = Some(tls.clone());
        }
        self
    }

    /// True if whoever connects has to speak TLS.
    #[must_use]
    pub const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// True for a Unix socket: its clients are on this machine.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        matches!(self.socket, Family::Unix(_))
    }

    /// For messages: `unix:/path`, `tcp:address:port`, or the name it was taken over with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address of a TCP listener, its real port included.
    #[must_use]
    pub fn tcp_address(&self) -> Option<SocketAddr> {
        match &self.socket {
            Family::Tcp(listener) => listener.get_ref().local_addr().ok(),
            Family::Unix(_) => None,
        }
    }

    /// The next connection and who is at its other end.
    pub(super) async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match &self.socket {
            Family::Unix(listener) => {
                let (stream, _) = listener.read_with(UnixListener::accept).await?;
                let who = getsockopt(&stream, sockopt::PeerCredentials)?;
                Ok((
                    Socket::new(stream.into(), None)?,
                    Peer::Unix { pid: who.pid(), uid: who.uid(), gid: who.gid() },
                ))
            }
            Family::Tcp(listener) => {
                let (stream, address) = listener.read_with(TcpListener::accept).await?;
                stream.set_nodelay(true)?;
                let tls = self.tls.as_ref().map(Tls::session).transpose()?;
                Ok((Socket::new(stream.into(), tls)?, Peer::Tcp(address)))
            }
        }
    }
}

fn take_over(fd: OwnedFd) -> io::Result<Family> {
    let refuse = |what: &str| Err(io::Error::new(io::ErrorKind::InvalidInput, what.to_owned()));
    if getsockopt(&fd.as_fd(), sockopt::SockType)? != SockType::Stream {
        return refuse("not a stream socket");
    }
    if !getsockopt(&fd.as_fd(), sockopt::AcceptConn)? {
        return refuse("not a listening socket");
    }
    match getsockname::<SockaddrStorage>(fd.as_raw_fd())?.family() {
        Some(AddressFamily::Unix) => Ok(Family::Unix(Async::new(fd.into())?)),
        Some(AddressFamily::Inet | AddressFamily::Inet6) => Ok(Family::Tcp(Async::new(fd.into())?)),
        _ => refuse("neither a Unix nor an internet socket"),
    }
}

fn refuse_if_taken(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(cause),
        Ok(found) if !found.file_type().is_socket() => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, "something that is no socket lies there"))
        }
        Ok(_) => match UnixStream::connect(path) {
            Ok(_) => Err(io::Error::new(io::ErrorKind::AddrInUse, "another process listens there")),
            Err(_) => Ok(()),
        },
    }
}

/// Binds beside the path first: between bind and chmod the socket is open to whoever the umask lets in.
fn bind_unix(path: &Path, group: &str) -> io::Result<(Async<UnixListener>, SocketFile)> {
    let nearby = path.with_file_name(format!(".{}", std::process::id()));
    match fs::remove_file(&nearby) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
        _ => {}
    }
    let listener = Async::<UnixListener>::bind(&nearby)?;
    let prepare = || {
        fs::set_permissions(&nearby, fs::Permissions::from_mode(SOCKET_MODE))?;
        if let Some(group) = Group::from_name(group)? {
            chown(&nearby, None, Some(group.gid.as_raw()))?;
        }
        let found = fs::symlink_metadata(&nearby)?;
        fs::rename(&nearby, path)?;
        Ok(SocketFile { path: path.to_owned(), device: found.dev(), inode: found.ino() })
    };
    prepare().map(|file| (listener, file)).inspect_err(|_: &io::Error| {
        let _ = fs::remove_file(&nearby);
    })
}

/// The file of a Unix socket we bound.
struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Only if it is still ours: a successor may have put its own in place.
        let ours = |found: fs::Metadata| (found.dev(), found.ino()) == (self.device, self.inode);
        if fs::symlink_metadata(&self.path).is_ok_and(ours) {
            let _ = fs::remove_file(&self.path);
        }
    }
}
