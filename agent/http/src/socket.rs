//! One accepted connection, Unix or TCP, as bytes that can be waited for. Every wait has a bound; what the bytes mean
//! is the business of `connection`.

use std::future::Future;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};
use smol::{Async, Timer, future};

/// A connected stream socket. One type for both families, so that what serves it is compiled once.
pub(super) struct Socket(Async<OwnedFd>);

impl Socket {
    /// # Errors
    /// The descriptor cannot be made non-blocking or watched.
    pub(super) fn new(fd: OwnedFd) -> io::Result<Self> {
        Async::new(fd).map(Self)
    }

    /// Waits for bytes, an end or an error, without taking any.
    pub(super) async fn readable(&self) -> io::Result<()> {
        self.0.readable().await
    }

    /// Ends once the peer has closed the connection or it broke; never while the peer may still listen.
    pub(super) async fn gone(&self) {
        let mut byte = [0_u8];
        let peek = || recv(self.0.as_raw_fd(), &mut byte, MsgFlags::MSG_PEEK);
        match self.0.readable().await.and_then(|()| uninterrupted(peek)) {
            Ok(1..) => future::pending().await,
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => future::pending().await,
            Ok(0) | Err(_) => {}
        }
    }

    /// Appends what is there to `buffer`, at most `most` bytes, and waits if there is nothing; 0 at the end of the
    /// stream. The buffer grows only once there is something.
    pub(super) async fn read_onto(&self, buffer: &mut Vec<u8>, most: usize) -> io::Result<usize> {
        loop {
            let before = buffer.len();
            buffer.resize(before + most, 0);
            let received = receive(&self.0, buffer.get_mut(before..).unwrap_or_default());
            buffer.truncate(before + received.as_ref().copied().unwrap_or(0));
            match received {
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => self.readable().await?,
                other => return other,
            }
        }
    }

    /// Sends all of `bytes`, unless the client takes longer than `limit` for any buffer of it.
    pub(super) async fn write_all(&self, mut bytes: &[u8], limit: Duration) -> io::Result<()> {
        while !bytes.is_empty() {
            let sent = within(
                limit,
                self.0.write_with(|fd| uninterrupted(|| send(fd.as_raw_fd(), bytes, MsgFlags::MSG_NOSIGNAL))),
            )
            .await?;
            bytes = bytes.get(sent..).unwrap_or_default();
        }
        Ok(())
    }

    /// Ends the connection from our side and takes what the client still sends, for at most `limit`: a socket closed
    /// with unread bytes would be reset, and the response lost on its way.
    pub(super) async fn linger(&self, limit: Duration) {
        let drain = async {
            shutdown(self.0.as_raw_fd(), Shutdown::Write)?;
            let mut dropped = [0_u8; 512];
            while self.0.read_with(|_| receive(&self.0, &mut dropped)).await? > 0 {}
            Ok(())
        };
        // However it ends, the connection is over.
        let _ = within(limit, drain).await;
    }
}

fn receive(socket: &Async<OwnedFd>, space: &mut [u8]) -> io::Result<usize> {
    uninterrupted(|| recv(socket.as_raw_fd(), space, MsgFlags::empty()))
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
