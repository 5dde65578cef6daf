//! The cryptography of all TLS connections, a client's or a server's: what rustls makes of ring, with AES-GCM alone. Every
//! TLS stack speaks it, TLS 1.3 demands it, and ChaCha20 beside it would be 45 kB of each program. Keys, certificates and
//! settings are for those who make connections.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::{self, cipher_suite};

/// The provider for every configuration of rustls.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    let suites = vec![
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ];
    Arc::new(CryptoProvider { cipher_suites: suites, ..ring::default_provider() })
}
