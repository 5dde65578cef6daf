//! TLS to etcd: which authorities are trusted, which certificate is shown, and a connection that speaks it. rustls
//! does the work; reading its settings from files happens once, when a client is made.

use core::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, RootCertStore, SignatureScheme, StreamOwned,
};
use ureq::unversioned::transport::time::Duration;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, NextTimeout, Transport, TransportAdapter};

use super::connection::{Plain, SmallBuffers, since};
use super::failure::{NotSent, in_words};
use super::settings::{SettingsError, TlsSettings};
use super::tls_fault::{tls_fault, tls_fault_of_io};

/// Where distributions keep the authorities they trust, all in one file.
const SYSTEM_BUNDLES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
];
/// What is read of a file of certificates at a time.
const READ_BUFFER_BYTES: usize = 4096;
/// Sessions remembered for a quicker handshake: one for each endpoint that is in use at a time, and a spare.
const SESSIONS_MAX: usize = 4;

/// The client's side of TLS, ready for any number of connections.
#[derive(Clone)]
pub(super) struct Trust(Arc<ClientConfig>);

impl Trust {
    pub(super) fn new(settings: &TlsSettings) -> Result<Self, SettingsError> {
        let provider = ciphers::provider();
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(client_certificate)?;
        let builder = if settings.insecure_skip_verify {
            let verifier = Arc::new(AnyServer(Arc::clone(&provider)));
            builder.dangerous().with_custom_certificate_verifier(verifier)
        } else {
            builder.with_root_certificates(authorities(settings)?)
        };
        let mut config = match (&settings.certfile, &settings.keyfile) {
            (None, None) => builder.with_no_client_auth(),
            (Some(certfile), Some(keyfile)) => builder
                .with_client_auth_cert(certificates(certfile)?, private_key(keyfile)?)
                .map_err(client_certificate)?,
            _ => return Err(SettingsError::HalfClientCertificate),
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS_MAX);
        Ok(Self(Arc::new(config)))
    }

    /// Shakes hands on a new connection.
    pub(super) fn encrypt(
        &self,
        plain: Plain,
        details: &ConnectionDetails<'_>,
    ) -> Result<Encrypted, ureq::Error> {
        let host = details.uri.host().unwrap_or_default().trim_matches(['[', ']']);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| NotSent::error(format!("{host}: not a name that a certificate can have")))?;
        let mut connection =
            ClientConnection::new(Arc::clone(&self.0), name).map_err(|e| NotSent::error(e.to_string()))?;
        let mut limit = details.timeout;
        if !limit.after.is_not_happening() {
            limit.after =
                Duration::Exact(limit.after.saturating_sub(since(&details.current_time, details.now)));
        }
        let mut inner = TransportAdapter::new(plain, Arc::clone(&details.current_time));
        inner.set_timeout(limit);
        connection.complete_io(&mut inner).map_err(|error| NotSent::error(handshake_fault(error)))?;
        Ok(Encrypted { stream: StreamOwned::new(connection, inner), buffers: SmallBuffers::new() })
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust").finish_non_exhaustive()
    }
}

fn handshake_fault(error: io::Error) -> String {
    match ureq::Error::from(error) {
        ureq::Error::Timeout(_) => "no TLS handshake in time".to_owned(),
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            "TLS: the connection was closed in the handshake (a port for http:// does that)".to_owned()
        }
        ureq::Error::Io(error) => {
            format!("TLS: {}", tls_fault_of_io(&error).unwrap_or_else(|| in_words(&error)))
        }
        error => format!("TLS: {error}"),
    }
}

/// In TLS 1.3 a server's refusal of the client's certificate comes only after the handshake, as an alert.
pub(super) fn refusal(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        error @ rustls::Error::AlertReceived(_) => Some(format!("TLS: {}", tls_fault(error))),
        _ => None,
    }
}

fn client_certificate(error: rustls::Error) -> SettingsError {
    SettingsError::ClientCertificate { cause: error.to_string() }
}

fn unusable(path: &Path, cause: impl fmt::Display) -> SettingsError {
    SettingsError::Certificates { path: path.to_owned(), cause: cause.to_string() }
}

fn read(path: &Path) -> Result<Vec<u8>, SettingsError> {
    std::fs::read(path).map_err(|error| unusable(path, in_words(&error)))
}

/// The certificates of a file one by one: a system's bundle is larger than this process should ever be.
fn each_certificate(path: &Path, mut each: impl FnMut(CertificateDer<'static>)) -> Result<(), SettingsError> {
    let file = File::open(path).map_err(|error| unusable(path, in_words(&error)))?;
    let mut found = false;
    for certificate in CertificateDer::pem_reader_iter(BufReader::with_capacity(READ_BUFFER_BYTES, file)) {
        each(certificate.map_err(|error| unusable(path, error))?);
        found = true;
    }
    if found { Ok(()) } else { Err(unusable(path, "no certificate in it")) }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
    let mut chain = Vec::new();
    each_certificate(path, |certificate| chain.push(certificate))?;
    Ok(chain)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, SettingsError> {
    let pem = read(path)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| {
        let encrypted = pem.windows(9).any(|word| word == b"ENCRYPTED");
        let cause = if encrypted { "the key is encrypted".to_owned() } else { error.to_string() };
        unusable(path, cause)
    })
}

fn authorities(settings: &TlsSettings) -> Result<RootCertStore, SettingsError> {
    let path = match &settings.cafile {
        Some(path) => path.as_path(),
        None => SYSTEM_BUNDLES
            .iter()
            .map(Path::new)
            .find(|path| path.is_file())
            .ok_or(SettingsError::NoSystemCertificates)?,
    };
    let mut roots = RootCertStore::empty();
    // A system's bundle may hold a certificate that is too odd for one verifier; that one is then not trusted.
    each_certificate(path, |certificate| drop(roots.add(certificate)))?;
    if roots.is_empty() { Err(unusable(path, "no certificate in it can be used")) } else { Ok(roots) }
}

/// A connection with TLS.
pub(super) struct Encrypted {
    stream: StreamOwned<ClientConnection, TransportAdapter<Plain>>,
    buffers: SmallBuffers,
}

impl Transport for Encrypted {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, limit: NextTimeout) -> Result<(), ureq::Error> {
        self.stream.sock.set_timeout(limit);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, limit: NextTimeout) -> Result<bool, ureq::Error> {
        self.stream.sock.set_timeout(limit);
        let count = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Encrypted").field(self.stream.sock.get_ref()).finish()
    }
}

/// `insecure_skip_verify`: any certificate will do, but the server has to hold its key.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
