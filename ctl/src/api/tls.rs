//! Certificates for https endpoints: which authorities are trusted, and who ctl says it is. The handshake is
//! rustls' business.

use std::fs;
use std::sync::Arc;

use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PemItem, PrivateKey, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::transport::{Connector, RustlsConnector, TcpConnector};

use super::connection::{Builder, PlainResolver, Settings};
use super::unix_socket::{NoResolver, TunnelConnector};
use crate::remote::Tunnel;
use crate::talk;

/// Where distributions keep the authorities they trust, in PEM.
const SYSTEM_AUTHORITIES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

/// An agent for https, through `tunnel` if there is one.
///
/// # Errors
/// As of [`configure`].
pub(super) fn agent(
    builder: Builder,
    settings: &Settings,
    tunnel: Option<&Arc<Tunnel>>,
) -> Result<Agent, String> {
    if settings.insecure {
        talk::warn("the server's certificate is not verified (--insecure-skip-verify)");
    }
    let config = builder.tls_config(configure(settings)?).build();
    if let Some(tunnel) = tunnel {
        let connector = TunnelConnector(Arc::clone(tunnel)).chain(RustlsConnector::default());
        return Ok(Agent::with_parts(config, connector, NoResolver));
    }
    let connector = ().chain(TcpConnector::default()).chain(RustlsConnector::default());
    Ok(Agent::with_parts(config, connector, PlainResolver::default()))
}

/// TLS as the flags ask for it. Certificates of servers are verified unless `insecure` says otherwise.
///
/// # Errors
/// A file that cannot be read or holds something else; the text names it.
fn configure(settings: &Settings) -> Result<TlsConfig, String> {
    let provider = ciphers::provider();
    let mut builder = TlsConfig::builder().unversioned_rustls_crypto_provider(provider);
    if settings.insecure {
        builder = builder.disable_verification(true).root_certs(RootCerts::new_with_certs(&[]));
    } else {
        builder = builder.root_certs(RootCerts::new_with_certs(&authorities(settings)?));
    }
    match (&settings.cert_file, &settings.key_file) {
        (Some(cert), Some(key)) => {
            let client = ClientCert::new_with_certs(&certificates(cert)?, private_key(key)?);
            Ok(builder.client_cert(Some(client)).build())
        }
        (None, None) => Ok(builder.build()),
        (Some(_), None) => Err("--cert-file needs --key-file".to_owned()),
        (None, Some(_)) => Err("--key-file needs --cert-file".to_owned()),
    }
}

fn authorities(settings: &Settings) -> Result<Vec<Certificate<'static>>, String> {
    if let Some(file) = &settings.ca_file {
        return certificates(file);
    }
    match SYSTEM_AUTHORITIES.iter().find(|path| fs::exists(path).unwrap_or(false)) {
        Some(path) => certificates(path),
        None => Err("this system has no list of trusted authorities; name one with --ca-file".to_owned()),
    }
}

fn certificates(path: &str) -> Result<Vec<Certificate<'static>>, String> {
    let found: Vec<_> = items(path)?
        .into_iter()
        .filter_map(|item| match item {
            PemItem::Certificate(certificate) => Some(certificate),
            _ => None,
        })
        .collect();
    if found.is_empty() { Err(format!("{path} holds no certificate in PEM form")) } else { Ok(found) }
}

fn private_key(path: &str) -> Result<PrivateKey<'static>, String> {
    let key = items(path)?.into_iter().find_map(|item| match item {
        PemItem::PrivateKey(key) => Some(key),
        _ => None,
    });
    key.ok_or_else(|| format!("{path} holds no private key in PEM form"))
}

fn items(path: &str) -> Result<Vec<PemItem<'static>>, String> {
    let text = fs::read(path).map_err(|e| format!("read {path}: {e}"))?;
    parse_pem(&text).collect::<Result<_, _>>().map_err(|e| format!("read {path}: {e}"))
}
