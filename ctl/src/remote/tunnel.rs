//! `--tunnel`: one login to another machine, and through it as many connections as are needed. The ssh that carries the
//! first connection is also the master over whose login all others go (ssh's ControlMaster), further ones to the API
//! and the hops to machines alike. It ends with ctl: its input is a socket that closes even when ctl is killed.

use std::fmt;
use std::fs;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use super::way::{self, Host, Manners, Place, TARGET, option};
use super::{prepared, quoting, runtime, unstartable};
use crate::exit::{Exit, Failure};

/// Runs whichever of the two names the far end has.
const FAR_SCRIPT: &str = r#"exec "$(command -v ctl || command -v fleetctl || echo ctl)" fd-forward "$1""#;

/// Where the API is, seen from the far end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Far {
    /// A unix socket there.
    Socket(String),
    /// A port there or further on.
    Port(Host, u16),
}

/// A login on the way to the API.
#[derive(Debug)]
pub(crate) struct Tunnel {
    manners: Manners,
    entrance: Place,
    far: Far,
    /// Socket of the master.
    control: PathBuf,
    master: Mutex<Master>,
}

#[derive(Debug)]
struct Master {
    process: Child,
    /// The connection it carries itself, until somebody takes it.
    own: Option<[UnixStream; 2]>,
}

/// One connection through a tunnel.
#[derive(Debug)]
pub(crate) struct Link {
    /// To read from, and to write to.
    pub(crate) streams: [UnixStream; 2],
    process: Option<Child>,
    _tunnel: Arc<Tunnel>,
}

impl Tunnel {
    /// Logs in; people may be asked for keys and passwords meanwhile.
    ///
    /// # Errors
    /// ssh did not get there; it has said why.
    pub(crate) fn open(manners: Manners, entrance: Place, far: Far) -> Result<Arc<Self>, Failure> {
        let unreachable =
            |why: String| Failure::Says(format!("--tunnel {entrance}: {why}"), Exit::Unreachable);
        let control = runtime::socket_path().map_err(unreachable)?;
        let watch = watch(&control).map_err(|e| unreachable(format!("watch {}: {e}", control.display())))?;
        let words = words(&manners, &entrance, &control, "yes", &far);
        let (mut process, streams) = start(&words).map_err(|e| unreachable(unstartable("ssh", &e)))?;
        if !logged_in(&watch, &control, &streams[0]) {
            let ended = process.wait().map_err(|e| unreachable(format!("wait for ssh: {e}")))?;
            return Err(unreachable(end_of_ssh(ended)));
        }
        let master = Mutex::new(Master { process, own: Some(streams) });
        Ok(Arc::new(Self { manners, entrance, far, control, master }))
    }

    /// A connection of its own to the API.
    ///
    /// # Errors
    /// ssh cannot be started.
    pub(crate) fn connect(self: &Arc<Self>) -> io::Result<Link> {
        let own = self.master.lock().unwrap_or_else(PoisonError::into_inner).own.take();
        let (process, streams) = match own {
            Some(streams) => (None, streams),
            None => {
                let words = words(&self.manners, &self.entrance, &self.control, "no", &self.far);
                start(&words).map(|(process, streams)| (Some(process), streams))?
            }
        };
        Ok(Link { streams, process, _tunnel: Arc::clone(self) })
    }

    /// The options that take an ssh to a machine through this tunnel, and not through a login that a person's settings
    /// keep open: the same address may be another machine here.
    pub(crate) fn proxy(&self) -> Vec<String> {
        let mut more = shared(&self.control, "no");
        more.extend(["-W".to_owned(), TARGET.to_owned()]);
        let proxy = way::proxy(&way::ssh(&self.manners, &self.entrance, &more, None));
        [option("ControlPath", "none"), proxy].concat()
    }
}

impl fmt::Display for Tunnel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entrance.fmt(f)
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        let master = self.master.get_mut().unwrap_or_else(PoisonError::into_inner);
        end(&mut master.process);
        let _ = fs::remove_file(&self.control);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.process.as_mut().map(end);
    }
}

/// Killed, because it would otherwise wait for the far end to say good-bye, and complain if it does not.
fn end(process: &mut Child) {
    // Both fail only if it has ended already.
    let _ = process.kill();
    let _ = process.wait();
}

/// ssh that joins its standard input and output to the API.
fn words(manners: &Manners, entrance: &Place, control: &Path, master: &str, far: &Far) -> Vec<String> {
    // Neither agent nor screen is lent to a machine that only passes bytes on.
    let mut more = vec!["-T".to_owned(), "-a".to_owned(), "-x".to_owned()];
    more.extend(shared(control, master));
    more.extend(option("ClearAllForwardings", "yes"));
    let line = match far {
        Far::Socket(path) => {
            more.extend(option("RemoteCommand", "none"));
            Some(quoting::line(&["sh", "-c", FAR_SCRIPT, "sh", path]))
        }
        Far::Port(host, port) => {
            let place = Place { host: host.clone(), port: Some(*port) };
            more.extend(["-W".to_owned(), place.to_string()]);
            None
        }
    };
    way::ssh(manners, entrance, &more, line)
}

fn shared(control: &Path, master: &str) -> Vec<String> {
    let control = quoting::option_path(&control.to_string_lossy());
    let options =
        [option("ControlMaster", master), option("ControlPersist", "no"), option("ControlPath", &control)];
    options.into_iter().flatten().collect()
}

/// Starts ssh with a socket for each direction: of one socket for both, ssh could not pass the far end's end on.
fn start(words: &[String]) -> io::Result<(Child, [UnixStream; 2])> {
    let (to, input) = UnixStream::pair()?;
    let (from, output) = UnixStream::pair()?;
    let mut command = prepared(words);
    command.stdin(Stdio::from(OwnedFd::from(input))).stdout(Stdio::from(OwnedFd::from(output)));
    Ok((command.spawn()?, [from, to]))
}

fn watch(control: &Path) -> nix::Result<Inotify> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
    inotify.add_watch(control.parent().unwrap_or(control), AddWatchFlags::IN_CREATE)?;
    Ok(inotify)
}

/// Waits until the master's socket is there, which ssh makes once it is logged in; false if ssh ends instead.
fn logged_in(watch: &Inotify, control: &Path, from: &UnixStream) -> bool {
    loop {
        if control.exists() {
            return true;
        }
        let mut fds =
            [PollFd::new(watch.as_fd(), PollFlags::POLLIN), PollFd::new(from.as_fd(), PollFlags::POLLIN)];
        let looked = poll(&mut fds, PollTimeout::NONE);
        let ended = fds.get(1).and_then(PollFd::any) == Some(true);
        match looked {
            Err(nix::Error::EINTR) => {}
            Ok(_) if !ended => {
                // What it says does not matter, only that it is read.
                let _ = watch.read_events();
            }
            _ => return control.exists(),
        }
    }
}

fn end_of_ssh(status: ExitStatus) -> String {
    match status.code() {
        Some(255) => "ssh could not connect; it says why above".to_owned(),
        Some(code) => format!("ssh ended with {code}"),
        None => format!("ssh was killed: {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::way::HostKeys;

    fn manners() -> Manners {
        let host_keys = HostKeys::Checked { files: Vec::new(), ask: false };
        Manners { user: "core".to_owned(), timeout_secs: 10, host_keys }
    }

    #[test]
    fn the_far_end_joins_a_socket_or_a_port() {
        let place = Place::parse("bastion:2222").unwrap();
        let socket =
            words(&manners(), &place, Path::new("/run/50%/c"), "yes", &Far::Socket("/run/it's".to_owned()));
        assert_eq!(
            socket.join("|"),
            "ssh|-o|ConnectTimeout=10|-p|2222|-T|-a|-x|-o|ControlMaster=yes|-o|ControlPersist=no|\
             -o|ControlPath=/run/50%%/c|-o|ClearAllForwardings=yes|-o|RemoteCommand=none|--|core@bastion|\
             sh -c 'exec \"$(command -v ctl || command -v fleetctl || echo ctl)\" fd-forward \"$1\"' sh '/run/it'\\''s'"
        );
        let far = Far::Port(Host::parse("fe80::1").unwrap(), 49153);
        let port = words(&manners(), &place, Path::new("/c"), "no", &far);
        assert!(
            port.join("|").ends_with("|-o|ClearAllForwardings=yes|-W|[fe80::1]:49153|--|core@bastion"),
            "{port:?}"
        );
    }
}
