//! What stands in for `tls` in a build without it: nothing that can be had.

use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::net::SocketAddr;

use super::message::Peer;
use super::tls_files::{Clients, TlsError, TlsFiles};

pub(super) const FIRST_BYTE: u8 = 22;

/// A server's certificate; this build has no TLS.
#[derive(Clone)]
pub struct Tls(Infallible);

impl Tls {
    /// Never reads the files.
    ///
    /// # Errors
    /// Always.
    pub fn load(files: &TlsFiles, _: Clients) -> Result<Self, TlsError> {
        Err(TlsError::new(&files.certfile, "this agent was built without TLS".to_owned()))
    }

    pub(super) fn session(&self) -> io::Result<Session> {
        match self.0 {}
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) readable: bool,
    pub(super) ended: bool,
}

pub(super) struct Session(Infallible);

impl Session {
    pub(super) fn receive(&mut self, _: impl Read) -> io::Result<Progress> {
        match self.0 {}
    }

    pub(super) fn progress(&mut self) -> io::Result<Progress> {
        match self.0 {}
    }

    pub(super) fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match self.0 {}
    }

    pub(super) fn seal(&mut self, _: &[u8]) -> io::Result<usize> {
        match self.0 {}
    }

    pub(super) fn send(&mut self, _: impl Write) -> io::Result<bool> {
        match self.0 {}
    }

    pub(super) fn is_shaking_hands(&self) -> bool {
        match self.0 {}
    }

    pub(super) fn end(&mut self) {
        match self.0 {}
    }

    pub(super) fn peer(&self, _: SocketAddr) -> Peer {
        match self.0 {}
    }
}
