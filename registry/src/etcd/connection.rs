//! Connections as ureq wants them: TCP with the options a long poll needs, TLS on top where the endpoint asks for it.
//! Nothing of HTTP is known here.

use core::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::{Arc, Weak};
use std::time::Duration;

use cluster::limits::HTTP_BUFFER_BYTES;
use nix::sys::socket::{MsgFlags, recv, setsockopt, sockopt};
use ureq::unversioned::transport::time::Instant;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, NextTimeout, ShutdownHandle, Transport,
};

use super::failure::{NotSent, in_words};
use super::names::Names;
use super::settings::{Endpoint, Settings, SettingsError};
#[cfg(feature = "tls")]
use super::tls::{Encrypted, Trust};

/// An idle connection is probed after this, so that a peer that vanished is noticed even where no beat goes.
const PROBE_AFTER_SECS: u32 = 60;
/// Between two probes.
const PROBE_EVERY_SECS: u32 = 15;
/// Probes without an answer until the connection is given up.
const PROBES_MAX: u32 = 3;
/// Sent data that is not acknowledged for this long ends the connection.
const UNACKNOWLEDGED_MAX_MS: u32 = 30_000;

/// A wait for which it pays to put things away.
const LONG_WAIT: Duration = Duration::from_secs(10);

/// ureq's clock, so that a connection needs none of its own.
pub(super) type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

#[cfg(feature = "tls")]
type Wired = Either<Plain, Encrypted>;
#[cfg(not(feature = "tls"))]
type Wired = Either<Plain, Plain>;

/// Makes connections for one client.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    pub(super) names: Names,
    before_wait: fn(),
    #[cfg(feature = "tls")]
    trust: Option<Trust>,
}

impl Connector for Wire {
    type Out = Wired;

    /// Every error of this comes before a byte of a request was sent.
    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Wired>, ureq::Error> {
        let plain = self.dial(details).inspect_err(|_| self.names.distrust(details.uri))?;
        // From here on Agent::shutdown ends whatever waits on it, a TLS handshake too.
        (details.register_shutdown)(plain.handle())?;
        #[cfg(feature = "tls")]
        if details.needs_tls() {
            let trust = self.trust.as_ref().ok_or_else(|| NotSent::error("no TLS".to_owned()))?;
            return Ok(Some(Either::B(trust.encrypt(plain, details)?)));
        }
        Ok(Some(Either::A(plain)))
    }
}

impl Wire {
    /// Reads the certificates, if any endpoint needs some.
    pub(super) fn new(endpoints: &[Endpoint], settings: &Settings) -> Result<Self, SettingsError> {
        let encrypted = endpoints.iter().find(|endpoint| endpoint.is_https());
        #[cfg(feature = "tls")]
        let trust = encrypted.map(|_| Trust::new(&settings.tls)).transpose()?;
        #[cfg(not(feature = "tls"))]
        if let Some(endpoint) = encrypted {
            return Err(SettingsError::BuiltWithoutTls { endpoint: endpoint.to_string() });
        }
        Ok(Self {
            names: Names::default(),
            before_wait: settings.before_wait,
            #[cfg(feature = "tls")]
            trust,
        })
    }

    /// Tries the endpoint's addresses in turn; each may take its share of the time that is left.
    fn dial(&self, details: &ConnectionDetails<'_>) -> Result<Plain, ureq::Error> {
        let mut fault = "no address".to_owned();
        let mut left = details.addrs.len();
        for address in details.addrs.iter() {
            let remaining = details.timeout.after.saturating_sub(since(&details.current_time, details.now));
            let share = remaining / u32::try_from(left).unwrap_or(1).max(1);
            left = left.saturating_sub(1);
            match open(*address, share.max(Duration::from_millis(1))) {
                Ok(stream) => {
                    return Ok(Plain::new(stream, Arc::clone(&details.current_time), self.before_wait));
                }
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    "no connection in time".clone_into(&mut fault)
                }
                Err(error) => fault = in_words(&error),
            }
        }
        Err(NotSent::error(fault))
    }
}

/// Time passed since `start`.
pub(super) fn since(clock: &Clock, start: Instant) -> Duration {
    match (clock(), start) {
        (Instant::Exact(now), Instant::Exact(start)) => now.saturating_duration_since(start),
        _ => Duration::ZERO,
    }
}

fn open(address: SocketAddr, limit: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_nodelay(true)?;
    setsockopt(&stream, sockopt::KeepAlive, &true)?;
    setsockopt(&stream, sockopt::TcpKeepIdle, &PROBE_AFTER_SECS)?;
    setsockopt(&stream, sockopt::TcpKeepInterval, &PROBE_EVERY_SECS)?;
    setsockopt(&stream, sockopt::TcpKeepCount, &PROBES_MAX)?;
    setsockopt(&stream, sockopt::TcpUserTimeout, &UNACKNOWLEDGED_MAX_MS)?;
    Ok(stream)
}

/// A TCP connection.
pub(super) struct Plain {
    /// Shared (weakly) with the agent, which shuts it down from another thread.
    stream: Arc<TcpStream>,
    buffers: SmallBuffers,
    clock: Clock,
    before_wait: fn(),
}

impl Plain {
    fn new(stream: TcpStream, clock: Clock, before_wait: fn()) -> Self {
        Self { stream: Arc::new(stream), buffers: SmallBuffers::new(), clock, before_wait }
    }

    fn handle(&self) -> Weak<dyn ShutdownHandle> {
        let stream: Arc<dyn ShutdownHandle> = Arc::clone(&self.stream) as Arc<dyn ShutdownHandle>;
        Arc::downgrade(&stream)
    }
}

/// What is left of a limit, as a socket option: `None` for no limit, an error when nothing is left.
fn left_of(limit: NextTimeout, passed: Duration) -> Result<Option<Duration>, ureq::Error> {
    if limit.after.is_not_happening() {
        return Ok(None);
    }
    match limit.after.saturating_sub(passed) {
        Duration::ZERO => Err(ureq::Error::Timeout(limit.reason)),
        left => Ok(Some(left)),
    }
}

impl Transport for Plain {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), ureq::Error> {
        let limit = limit.for_write();
        self.stream.set_write_timeout(left_of(limit, Duration::ZERO)?)?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        match (&*self.stream).write_all(output) {
            // What a socket says at its time limit. A kernel that gave the peer up says ETIMEDOUT: that is a broken
            // connection and no time limit of ours.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                Err(ureq::Error::Timeout(limit.reason))
            }
            result => Ok(result?),
        }
    }

    fn await_input(&mut self, limit: NextTimeout) -> Result<bool, ureq::Error> {
        let limit = limit.for_read();
        let start = (self.clock)();
        loop {
            let left = left_of(limit, since(&self.clock, start))?;
            self.stream.set_read_timeout(left)?;
            if left.is_none_or(|left| left >= LONG_WAIT) {
                (self.before_wait)();
            }
            match (&*self.stream).read(self.buffers.input_append_buf()) {
                Ok(count) => {
                    self.buffers.input_appended(count);
                    return Ok(count > 0);
                }
                // A signal: Linux does not go on with a read that has a time limit.
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(ureq::Error::Timeout(limit.reason));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Open and silent: neither ended by the peer nor holding bytes that no request asked for.
    fn is_open(&mut self) -> bool {
        let flags = MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT;
        matches!(recv(self.stream.as_raw_fd(), &mut [0], flags), Err(nix::Error::EAGAIN))
    }
}

impl fmt::Debug for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plain").field("peer", &self.stream.peer_addr().ok()).finish()
    }
}

/// One small buffer for each direction. ureq's own grow to ten kilobytes with the first PUT and stay so.
pub(super) struct SmallBuffers {
    input: Box<[u8]>,
    start: usize,
    end: usize,
    output: Box<[u8]>,
    progress: bool,
}

impl SmallBuffers {
    pub(super) fn new() -> Self {
        let buffer = || vec![0; HTTP_BUFFER_BYTES].into_boxed_slice();
        Self { input: buffer(), start: 0, end: 0, output: buffer(), progress: false }
    }
}

impl Buffers for SmallBuffers {
    fn output(&mut self) -> &mut [u8] {
        &mut self.output
    }

    fn input(&self) -> &[u8] {
        self.input.get(self.start..self.end).unwrap_or_default()
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.input.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        self.input.get_mut(self.end..).unwrap_or_default()
    }

    fn input_appended(&mut self, amount: usize) {
        self.end = (self.end + amount).min(self.input.len());
    }

    fn input_consume(&mut self, amount: usize) {
        self.progress = amount > 0;
        self.start = (self.start + amount).min(self.end);
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        (self.input.get_mut(self.end..).unwrap_or_default(), &mut self.output)
    }

    fn can_use_input(&self) -> bool {
        self.start < self.end && self.progress
    }
}
