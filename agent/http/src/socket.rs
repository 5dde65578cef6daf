//! One accepted connection, Unix or TCP, with TLS or without, as bytes that can be waited for. Every wait has a bound; what the bytes mean
//! is the business of `connection`.

use std::cell::RefCell;
use std::future::Future;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};
use smol::{Async, Timer, future};

use super::message::Peer;
use super::tls::{FIRST_BYTE, Progress, Session};

/// A connected stream socket, with TLS or without. One type for all, so that what serves it is compiled once.
pub(super) struct Socket {
    fd: Async<OwnedFd>,
    tls: Option<Box<RefCell<Session>>>,
}

/// Why there is no TLS on a connection that should have it.
pub(super) enum NoHandshake {
    /// The client speaks plain text.
    Plain,
    /// One of both refused the other, or the connection ended.
    Failed(io::Error),
}

impl Socket {
    /// # Errors
    /// The descriptor cannot be made non-blocking or watched.
    pub(super) fn new(fd: OwnedFd, tls: Option<Session>) -> io::Result<Self> {
        Ok(Self { fd: Async::new(fd)?, tls: tls.map(|session| Box::new(RefCell::new(session))) })
    }

    /// Shakes hands, if this is to be a connection with TLS, and says who is at the other end; `peer` as far as is known
    /// without. After a failure, the client can still be told: in plain text if that is what it speaks.
    pub(super) async fn shake_hands(&mut self, peer: &Peer, limit: Duration) -> Result<Peer, NoHandshake> {
        let (Some(tls), Peer::Tcp(address)) = (&self.tls, peer) else { return Ok(peer.clone()) };
        let shaken = async {
            if self.peek().await?.is_some_and(|first| first != FIRST_BYTE) {
                return Ok(None);
            }
            while tls.borrow().is_shaking_hands() {
                let progress = self.take_records(tls).await;
                // An alert, if it was an error.
                let sent = self.send_records(tls).await;
                let progress = progress?;
                sent?;
                if progress.ended && tls.borrow().is_shaking_hands() {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(Some(tls.borrow().peer(*address)))
        };
        match within(limit, shaken).await {
            Ok(Some(peer)) => Ok(peer),
            Ok(None) => {
                self.tls = None;
                Err(NoHandshake::Plain)
            }
            Err(cause) => Err(NoHandshake::Failed(cause)),
        }
    }

    /// Waits for bytes, an end or an error, without taking any.
    pub(super) async fn readable(&self) -> io::Result<()> {
        let Some(tls) = &self.tls else { return self.fd.readable().await };
        let mut progress = tls.borrow_mut().progress()?;
        while !progress.readable && !progress.ended {
            progress = self.take_records(tls).await?;
        }
        Ok(())
    }

    /// Ends once the peer has closed the connection or it broke; never while the peer may still listen.
    pub(super) async fn gone(&self) {
        let there = match &self.tls {
            None => self.peek().await.map(|byte| byte.is_some()),
            Some(tls) => self.readable().await.and_then(|()| Ok(!tls.borrow_mut().progress()?.ended)),
        };
        if let Ok(true) = there {
            future::pending().await
        }
    }

    /// The next byte, which stays where it is; none at the end.
    async fn peek(&self) -> io::Result<Option<u8>> {
        let mut byte = [0_u8];
        let look = |_: &OwnedFd| {
            uninterrupted(|| {
                recv(self.fd.as_raw_fd(), &mut byte, MsgFlags::MSG_PEEK | MsgFlags::MSG_DONTWAIT)
            })
        };
        let found = self.fd.read_with(look).await?;
        Ok(byte.first().copied().filter(|_| found > 0))
    }

    /// Appends what is there to `buffer`, at most `most` bytes, and waits if there is nothing; 0 at the end of the
    /// stream. The buffer grows only once there is something.
    pub(super) async fn read_onto(&self, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        loop {
            let before = buffer.len();
            buffer.resize(before + most, 0);
            let space = buffer.get_mut(before..).unwrap_or_default();
            let received = match &self.tls {
                None => Wire(&self.fd).read(space),
                Some(tls) => tls.borrow_mut().read(space),
            };
            buffer.truncate(before + received.as_ref().copied().unwrap_or(0));
            match (received, &self.tls) {
                (Err(cause), None) if cause.kind() == io::ErrorKind::WouldBlock => self.fd.readable().await?,
                (Err(cause), Some(tls)) if cause.kind() == io::ErrorKind::WouldBlock => {
                    self.take_records(tls).await?;
                }
                (other, _) => return other,
            }
        }
    }

    /// Sends all of `bytes`, unless the client takes longer than `limit` for any buffer of it.
    pub(super) async fn write_all(&self, mut bytes: &[u8], limit: Duration) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = match &self.tls {
                None => within(limit, self.fd.write_with(|_| Wire(&self.fd).write(bytes))).await?,
                Some(tls) => {
                    let sealed = tls.borrow_mut().seal(bytes)?;
                    within(limit, self.send_records(tls)).await?;
                    sealed
                }
            };
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Ends the connection from our side and takes what the client still sends, for at most `limit`: a socket closed
    /// with unread bytes would be reset, and the response lost on its way.
    pub(super) async fn linger(&self, limit: Duration) {
        let drain = async {
            if let Some(tls) = &self.tls {
                tls.borrow_mut().end();
                self.send_records(tls).await?;
            }
            shutdown(self.fd.as_raw_fd(), Shutdown::Write)?;
            let mut dropped = [0_u8; 512];
            while self.fd.read_with(|_| Wire(&self.fd).read(&mut dropped)).await? > 0 {}
            Ok(())
        };
        // However it ends, the connection is over.
        let _ = within(limit, drain).await;
    }

    /// Waits for records and takes them.
    async fn take_records(&self, tls: &RefCell<Session>) -> io::Result<Progress> {
        self.fd.read_with(|_| tls.borrow_mut().receive(Wire(&self.fd))).await
    }

    /// Sends what records there are.
    async fn send_records(&self, tls: &RefCell<Session>) -> io::Result<()> {
        while self.fd.write_with(|_| tls.borrow_mut().send(Wire(&self.fd))).await? {}
        Ok(())
    }
}

/// The bytes of a socket as they are on the network; says `WouldBlock` rather than to wait.
struct Wire<'a>(&'a Async<OwnedFd>);

impl Read for Wire<'_> {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        uninterrupted(|| recv(self.0.as_raw_fd(), space, MsgFlags::empty()))
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        uninterrupted(|| send(self.0.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn uninterrupted(mut call: impl FnMut() -> nix::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(Errno::EINTR) => {}
            result => return result.map_err(io::Error::from),
        }
    }
}

/// The future's result, or `TimedOut` if it takes longer than `limit`.
pub(super) async fn within<T>(limit: Duration, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    future::or(work, async {
        Timer::after(limit).await;
        Err(io::ErrorKind::TimedOut.into())
    })
    .await
}
