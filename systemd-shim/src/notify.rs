//! What the agent tells the systemd that started it (sd_notify(3)): ready, status, reloading, stopping,
//! watchdog. When to say which is the agent's decision.
//!
//! The variables stay in the agent's environment: taking them out of a running program's is unsound, and the
//! only children there are, those of this crate, get an environment of their own.

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use cluster::limits::NOTIFY_STATUS_MAX_BYTES;
use nix::time::{ClockId, clock_gettime};

use crate::one_line::one_line;

/// The way to the systemd that started this process, if one did.
#[derive(Debug)]
pub struct Notify {
    to: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl Notify {
    /// Finds systemd through `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` of this process. Without the
    /// first, every message is dropped.
    ///
    /// # Errors
    /// `NOTIFY_SOCKET` is neither an absolute path nor an abstract name (`@…`), or no socket can be made.
    pub fn from_env() -> io::Result<Self> {
        Self::of(|name| std::env::var_os(name), std::process::id())
    }

    /// The same for an environment of the caller's choice, as process `pid`.
    ///
    /// # Errors
    /// As [`from_env`](Self::from_env).
    pub fn of(variable: impl Fn(&str) -> Option<OsString>, pid: u32) -> io::Result<Self> {
        let to = match variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()) {
            Some(name) => {
                let socket = UnixDatagram::unbound()?;
                // systemd reads at its leisure; the agent waits for nobody.
                socket.set_nonblocking(true)?;
                Some((socket, address(&name)?))
            }
            None => None,
        };
        let text = |name: &str| variable(name).and_then(|value| value.into_string().ok());
        Ok(Self { to, watchdog: watchdog(text("WATCHDOG_USEC"), text("WATCHDOG_PID"), pid) })
    }

    /// True if a systemd listens.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.to.is_some()
    }

    /// How long systemd waits for a sign of life before it kills the process (`WatchdogSec=`); `None` if it
    /// does not. Signs should come at less than half of it.
    #[must_use]
    pub const fn watchdog_interval(&self) -> Option<Duration> {
        self.watchdog
    }

    /// The service is up, or its reload has ended.
    ///
    /// # Errors
    /// The message was not sent.
    pub fn ready(&self) -> io::Result<()> {
        self.send("READY=1")
    }

    /// One line for `systemctl status`, at most [`NOTIFY_STATUS_MAX_BYTES`].
    ///
    /// # Errors
    /// The message was not sent.
    pub fn status(&self, text: &str) -> io::Result<()> {
        self.send(&format!("STATUS={}", one_line(text, NOTIFY_STATUS_MAX_BYTES)))
    }

    /// A reload begins; [`ready`](Self::ready) ends it. Carries the time `Type=notify-reload` wants.
    ///
    /// # Errors
    /// The message was not sent.
    pub fn reloading(&self) -> io::Result<()> {
        let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC)?);
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()))
    }

    /// The service begins to stop.
    ///
    /// # Errors
    /// The message was not sent.
    pub fn stopping(&self) -> io::Result<()> {
        self.send("STOPPING=1")
    }

    /// A sign of life.
    ///
    /// # Errors
    /// The message was not sent.
    pub fn watchdog(&self) -> io::Result<()> {
        self.send("WATCHDOG=1")
    }

    fn send(&self, message: &str) -> io::Result<()> {
        match &self.to {
            Some((socket, address)) => socket.send_to_addr(message.as_bytes(), address).map(drop),
            None => Ok(()),
        }
    }
}

fn address(name: &OsString) -> io::Result<SocketAddr> {
    match name.as_bytes().split_first() {
        Some((b'@', abstract_name)) => SocketAddr::from_abstract_name(abstract_name),
        Some((b'/', _)) => SocketAddr::from_pathname(name),
        _ => {
            let why = format!(
                "use NOTIFY_SOCKET {}: neither an absolute path nor an abstract name",
                name.display()
            );
            Err(io::Error::new(io::ErrorKind::InvalidInput, why))
        }
    }
}

/// The interval, if it is one and meant for this process.
fn watchdog(usec: Option<String>, for_pid: Option<String>, pid: u32) -> Option<Duration> {
    let interval = usec?.parse().ok().filter(|usec| *usec > 0).map(Duration::from_micros)?;
    match for_pid {
        Some(text) if text.parse() != Ok(pid) => None,
        _ => Some(interval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::sorted::Map;

    fn notify(variables: &[(&str, &str)]) -> io::Result<Notify> {
        let variables: Map<&str, OsString> =
            variables.iter().map(|(name, value)| (*name, OsString::from(value))).collect();
        Notify::of(|name| variables.get(name).cloned(), 77)
    }

    fn received(socket: &UnixDatagram) -> String {
        socket.set_read_timeout(Some(Duration::from_secs(10))).expect("set");
        let mut buffer = [0; 4096];
        let count = socket.recv(&mut buffer).expect("a message");
        String::from_utf8_lossy(&buffer[..count]).into_owned()
    }

    fn says_everything(name: &str, socket: &UnixDatagram) {
        let notify = notify(&[("NOTIFY_SOCKET", name)]).expect("an address");
        assert!(notify.is_connected());
        notify.ready().expect("sent");
        assert_eq!(received(socket), "READY=1");
        notify.status("waits for\nREADY=1 etcd").expect("sent");
        assert_eq!(received(socket), "STATUS=waits for READY=1 etcd");
        notify.reloading().expect("sent");
        let reloading = received(socket);
        let usec = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect("both lines");
        assert!(usec.parse::<u64>().is_ok_and(|usec| usec > 0), "{reloading}");
        notify.stopping().expect("sent");
        assert_eq!(received(socket), "STOPPING=1");
        notify.watchdog().expect("sent");
        assert_eq!(received(socket), "WATCHDOG=1");
    }

    #[test]
    fn messages_reach_a_socket_in_the_file_system() {
        let path = std::env::temp_dir().join(format!("skiff-notify-{}", std::process::id()));
        let socket = UnixDatagram::bind(&path).expect("bound");
        says_everything(path.to_str().expect("UTF-8"), &socket);
        std::fs::remove_file(&path).expect("removed");
        let error = notify(&[("NOTIFY_SOCKET", path.to_str().expect("UTF-8"))]).expect("an address").ready();
        assert_eq!(error.expect_err("nobody listens").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn messages_reach_an_abstract_socket() {
        let name = format!("skiff-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let socket = UnixDatagram::bind_addr(&address).expect("bound");
        says_everything(&format!("@{name}"), &socket);
    }

    #[test]
    fn without_systemd_nothing_is_sent_and_nothing_fails() {
        for variables in [&[][..], &[("NOTIFY_SOCKET", "")]] {
            let notify = notify(variables).expect("no address is fine");
            assert!(!notify.is_connected());
            notify.ready().expect("dropped");
            assert_eq!(notify.watchdog_interval(), None);
        }
    }

    #[test]
    fn a_socket_of_another_kind_is_refused() {
        let error = notify(&[("NOTIFY_SOCKET", "vsock:2:1234")]).expect_err("no unix socket");
        assert!(error.to_string().contains("vsock:2:1234"), "{error}");
    }

    #[test]
    fn the_watchdog_is_ours_only_with_our_pid_and_a_sane_interval() {
        let interval = |usec, pid| watchdog(Some(str::to_owned(usec)), pid, 77);
        assert_eq!(interval("5000000", None), Some(Duration::from_secs(5)));
        assert_eq!(interval("5000000", Some("77".to_owned())), Some(Duration::from_secs(5)));
        for (usec, pid) in
            [("5000000", Some("78")), ("5000000", Some("x")), ("0", None), ("-1", None), ("", None)]
        {
            assert_eq!(interval(usec, pid.map(str::to_owned)), None, "{usec} {pid:?}");
        }
    }
}
