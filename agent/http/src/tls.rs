//! The server's side of TLS: which certificate it shows, whose clients it takes, and one connection's records. It moves
//! bytes and waits for none; waiting is `socket`'s business. rustls does the work.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use super::message::{Peer, Shown};
use super::subject::common_name;
use super::tls_files::{Clients, TlsError, TlsFiles};

/// The first byte of a TLS connection: a handshake record.
pub(super) const FIRST_BYTE: u8 = 22;
/// Most bytes of plain text that become records at a time.
const SEALED_BYTES: usize = 16 * 1024;
/// What is read of a file of certificates at a time.
const READ_BUFFER_BYTES: usize = 4096;

/// A server's certificate and the authority of its clients, ready for any number of connections.
#[derive(Clone)]
pub struct Tls(Arc<ServerConfig>);

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read or used, or key and certificate do not go together.
    pub fn load(files: &TlsFiles, clients: Clients) -> Result<Self, TlsError> {
        let together = |error: &dyn fmt::Display| unusable(&files.certfile, error);
        let provider = ciphers::provider();
        let mut roots = RootCertStore::empty();
        for certificate in certificates(&files.cafile)? {
            roots.add(certificate).map_err(|error| unusable(&files.cafile, &error))?;
        }
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let verifier = match clients {
            Clients::Vouched => verifier.build(),
            Clients::Any => verifier.allow_unauthenticated().build(),
        };
        let verifier = verifier.map_err(|error| unusable(&files.cafile, &error))?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| together(&error))?
            .with_client_cert_verifier(verifier)
            .with_single_cert(certificates(&files.certfile)?, private_key(&files.keyfile)?)
            .map_err(|error| together(&error))?;
        // Clients keep their connections; a server that remembers nothing has nothing to bound.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self(Arc::new(config)))
    }

    pub(super) fn session(&self) -> io::Result<Session> {
        ServerConnection::new(Arc::clone(&self.0)).map(Session).map_err(io::Error::other)
    }
}

fn unusable(path: &Path, cause: &dyn fmt::Display) -> TlsError {
    TlsError::new(path, cause.to_string())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let file = File::open(path).map_err(|error| unusable(path, &error))?;
    let mut found = Vec::new();
    for certificate in CertificateDer::pem_reader_iter(BufReader::with_capacity(READ_BUFFER_BYTES, file)) {
        found.push(certificate.map_err(|error| unusable(path, &error))?);
    }
    if found.is_empty() { Err(unusable(path, &"no certificate in it")) } else { Ok(found) }
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = std::fs::read(path).map_err(|error| unusable(path, &error))?;
    // Its own words may repeat a line of the file.
    PrivateKeyDer::from_pem_slice(&pem).map_err(|_| unusable(path, &"no private key in it that can be used"))
}

/// What has come of the records so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// There are bytes to be read.
    pub(super) readable: bool,
    /// The client will send no more.
    pub(super) ended: bool,
}

/// One connection's records. A method that finds the socket not ready says `WouldBlock`.
pub(super) struct Session(ServerConnection);

impl Session {
    /// Takes records from the socket.
    pub(super) fn receive(&mut self, mut socket: impl Read) -> io::Result<Progress> {
        let received = self.0.read_tls(&mut socket)?;
        let mut progress = self.progress()?;
        progress.ended |= received == 0;
        Ok(progress)
    }

    /// What has come without asking the socket.
    pub(super) fn progress(&mut self) -> io::Result<Progress> {
        let state = self.0.process_new_packets().map_err(io::Error::other)?;
        Ok(Progress { readable: state.plaintext_bytes_to_read() > 0, ended: state.peer_has_closed() })
    }

    /// Gives what records have brought; `WouldBlock` if there is nothing, 0 at the end.
    pub(super) fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.0.reader().read(space)
    }

    /// Makes records of the beginning of `bytes` and tells how much that was.
    pub(super) fn seal(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.writer().write(bytes.get(..SEALED_BYTES).unwrap_or(bytes))
    }

    /// Sends records that wait. False once there are none.
    pub(super) fn send(&mut self, mut socket: impl Write) -> io::Result<bool> {
        if self.0.wants_write() {
            self.0.write_tls(&mut socket)?;
        }
        Ok(self.0.wants_write())
    }

    pub(super) fn is_shaking_hands(&self) -> bool {
        self.0.is_handshaking()
    }

    /// The last record: nothing more comes from here.
    pub(super) fn end(&mut self) {
        self.0.send_close_notify();
    }

    /// Who is at the other end, once hands are shaken.
    pub(super) fn peer(&self, address: SocketAddr) -> Peer {
        let certificate = self.0.peer_certificates().and_then(|chain| chain.first());
        let shown = match certificate {
            None => Shown::Nothing,
            Some(certificate) => {
                common_name(certificate).map_or(Shown::Unnamed, |name| Shown::Name(name.into()))
            }
        };
        Peer::Tls { address, shown }
    }
}
