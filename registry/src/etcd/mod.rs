//! [`crate::store::Store`] on etcd's v2 keys API: one HTTP request per verb, blocking. What is written under which key, and what may
//! be concluded from an answer, is decided elsewhere. `registry/README.md` lists what etcd was tried to do.

mod answer;
mod client;
mod connection;
mod failure;
#[cfg(feature = "fuzz")]
pub mod fuzz;
mod leaf;
mod names;
mod request;
mod settings;
mod split;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_fault;
mod verbs;

pub use settings::{
    Credentials, DEFAULT_POLL_TIMEOUT, DEFAULT_REQUEST_TIMEOUT, Endpoint, Endpoints, KeyPrefix, Settings,
    SettingsError, TlsSettings,
};
#[cfg(feature = "tls")]
pub use tls_fault::{tls_fault, tls_fault_of_io};
pub use verbs::Etcd;
