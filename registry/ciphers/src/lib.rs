//! The cryptography of all TLS connections, a client's or a server's: what rustls makes of ring, with AES-GCM alone. Every
//! TLS stack speaks it, TLS 1.3 demands it, and ChaCha20 beside it is 43 kB of each program. ring's own provider is not
//! called anywhere: whatever it names is linked. Keys, certificates and settings are for those who make connections.
#![forbid(unsafe_code)]

mod signatures;

use std::sync::Arc;

use ring::rand::SystemRandom;
use rustls::Error;
use rustls::crypto::ring::{ALL_KX_GROUPS, cipher_suite, sign};
use rustls::crypto::{CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;

/// The provider for every configuration of rustls.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    let cipher_suites = vec![
        cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher_suite::TLS13_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        cipher_suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    ];
    Arc::new(CryptoProvider {
        cipher_suites,
        kx_groups: ALL_KX_GROUPS.to_vec(),
        signature_verification_algorithms: signatures::VERIFIED,
        secure_random: &Ring,
        key_provider: &Ring,
    })
}

/// ring's random numbers and private keys.
#[derive(Debug)]
struct Ring;

impl SecureRandom for Ring {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), GetRandomFailed> {
        ring::rand::SecureRandom::fill(&SystemRandom::new(), bytes).map_err(|_| GetRandomFailed)
    }
}

impl KeyProvider for Ring {
    fn load_private_key(&self, key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        sign::any_supported_type(&key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::crypto::ring::default_provider;

    #[test]
    fn all_but_chacha_is_as_ring_has_it() {
        let (ours, theirs) = (provider(), default_provider());
        let verified = |provider: &CryptoProvider| {
            let algorithms = provider.signature_verification_algorithms;
            format!("{:?} {:?}", algorithms.all, algorithms.mapping)
        };
        assert_eq!(verified(&ours), verified(&theirs));
        assert_eq!(format!("{:?}", ours.kx_groups), format!("{:?}", theirs.kx_groups));
        for suite in &theirs.cipher_suites {
            let is_left_out = format!("{:?}", suite.suite()).contains("CHACHA20");
            assert_eq!(ours.cipher_suites.contains(suite), !is_left_out, "{suite:?}");
        }
    }
}
