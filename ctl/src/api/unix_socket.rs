//! HTTP over unix sockets, the agent's own or those that lead into a tunnel: the piece ureq lets others supply. Requests
//! and answers are ureq's business.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, LazyBuffers, NextTimeout, ShutdownHandle, Transport,
};
use ureq::{Error, Timeout};

use crate::remote::{Link, Tunnel};

/// Connects every request to one socket.
#[derive(Debug)]
pub(super) struct UnixConnector(pub(super) PathBuf);

impl Connector<()> for UnixConnector {
    type Out = UnixTransport;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        let reader = UnixStream::connect(&self.0)?;
        let writer = reader.try_clone()?;
        UnixTransport::over(Stream::Own([reader, writer]), details).map(Some)
    }
}

/// Connects every request through a tunnel.
#[derive(Debug)]
pub(super) struct TunnelConnector(pub(super) Arc<Tunnel>);

impl Connector<()> for TunnelConnector {
    type Out = UnixTransport;

    fn connect(&self, details: &ConnectionDetails<'_>, _: Option<()>) -> Result<Option<Self::Out>, Error> {
        UnixTransport::over(Stream::Tunnelled(self.0.connect()?), details).map(Some)
    }
}

/// Where bytes come from and go to.
#[derive(Debug)]
enum Stream {
    Own([UnixStream; 2]),
    Tunnelled(Link),
}

impl Stream {
    const fn both(&self) -> &[UnixStream; 2] {
        match self {
            Self::Own(streams) => streams,
            Self::Tunnelled(link) => &link.streams,
        }
    }

    const fn reader(&self) -> &UnixStream {
        let [reader, _] = self.both();
        reader
    }

    const fn writer(&self) -> &UnixStream {
        let [_, writer] = self.both();
        writer
    }
}

impl ShutdownHandle for Stream {
    fn shutdown(&self) {
        // It fails only if the socket is closed already, which is what was wanted.
        self.both().iter().for_each(|stream| drop(stream.shutdown(Shutdown::Both)));
    }
}

/// One open connection.
#[derive(Debug)]
pub(super) struct UnixTransport {
    stream: Arc<Stream>,
    buffers: LazyBuffers,
}

impl UnixTransport {
    fn over(stream: Stream, details: &ConnectionDetails<'_>) -> Result<Self, Error> {
        let stream = Arc::new(stream);
        let handle: Weak<Stream> = Arc::downgrade(&stream);
        (details.register_shutdown)(handle)?;
        let buffers =
            LazyBuffers::new(details.config.input_buffer_size(), details.config.output_buffer_size());
        Ok(Self { stream, buffers })
    }
}

impl Transport for UnixTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let timeout = timeout.for_write();
        let mut writer = self.stream.writer();
        writer.set_write_timeout(timeout.not_zero().map(|t| *t))?;
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        writer.write_all(output).map_err(|e| timed_out_or(e, timeout.reason))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let timeout = timeout.for_read();
        let mut reader = self.stream.reader();
        reader.set_read_timeout(timeout.not_zero().map(|t| *t))?;
        let read = reader.read(self.buffers.input_append_buf());
        let amount = read.map_err(|e| timed_out_or(e, timeout.reason))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// A kept connection is good as long as nothing can be read from it, not even its end.
    fn is_open(&mut self) -> bool {
        let would_block = |stream: &UnixStream| {
            let mut unexpected = [0];
            stream.set_nonblocking(true)?;
            let read = (&mut &*stream).read(&mut unexpected);
            stream.set_nonblocking(false)?;
            Ok::<_, std::io::Error>(read.is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock))
        };
        would_block(self.stream.reader()).unwrap_or(false)
    }
}

fn timed_out_or(cause: std::io::Error, reason: Timeout) -> Error {
    match cause.kind() {
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut => Error::Timeout(reason),
        _ => Error::Io(cause),
    }
}

/// ureq wants an address before it connects; a socket's path is not one.
#[derive(Debug)]
pub(super) struct NoResolver;

impl Resolver for NoResolver {
    fn resolve(&self, _: &Uri, _: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let mut addresses = self.empty();
        addresses.push(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Ok(addresses)
    }
}
