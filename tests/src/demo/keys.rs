//! Where the demo's fleet keeps its keys: in its first machine's own store, or in a real etcd. What either is called in
//! configuration files and environments, and the tool that a unit has to use it.

use std::fs::{Permissions, set_permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::demo::folders::write;
use crate::failure::{Failure, Outcome};

/// What a unit says to a store where there is neither etcdctl nor curl.
const REQUEST: &str = "store-request";
const REQUEST_SCRIPT: &str = r#"#!/bin/bash
# store-request GET|PUT|DELETE KEY [value=VALUE&ttl=SECONDS]: one request to the fleet's store, over HTTP by hand.
exec 3<>"/dev/tcp/${STORE_ADDRESS/://}" || exit 1
printf '%s /v2/keys%s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n' "$1" "$2" "$STORE_ADDRESS" >&3
printf 'Content-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s' ${#3} "$3" >&3
while IFS= read -r line <&3 && [ "$line" != $'\r' ]; do :; done
exec cat <&3
"#;

/// The keeper of a fleet's keys, and where it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// The first machine.
    Hub(SocketAddr),
    /// An etcd.
    Etcd(SocketAddr),
}

impl Keys {
    /// Whether it is an etcd.
    #[must_use]
    pub fn in_etcd(self) -> bool {
        matches!(self, Self::Etcd(_))
    }

    /// Its URL for clients.
    #[must_use]
    pub fn url(self) -> String {
        let (Self::Hub(address) | Self::Etcd(address)) = self;
        format!("http://{address}")
    }

    /// What a machine's configuration says of it; `store` is the folder for the keys where the machine keeps them itself.
    #[must_use]
    pub fn configuration(self, is_first: bool, store: &Path) -> Vec<String> {
        match self {
            Self::Hub(address) if is_first => vec![
                "# This machine keeps the fleet's keys, and the others ask it for them.".to_owned(),
                format!("store_dir={}", store.display()),
                format!("store_listen={address}"),
            ],
            _ => vec![format!("etcd_servers={}", self.url())],
        }
    }

    /// Words for the agent's command line.
    #[must_use]
    pub fn agent_words(self, is_first: bool) -> &'static [&'static str] {
        if is_first && !self.in_etcd() { &["--standalone"] } else { &[] }
    }

    /// The variables by which the tool of the units finds it.
    #[must_use]
    pub fn environment(self) -> Vec<(&'static str, String)> {
        match self {
            Self::Hub(address) => vec![("STORE_ADDRESS", address.to_string())],
            Self::Etcd(_) => vec![("ETCDCTL_API", "2".to_owned()), ("ETCDCTL_ENDPOINTS", self.url())],
        }
    }

    /// Puts the tool for the store into a folder; an etcd has its own tool.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn lay_out_tool(self, folder: &Path) -> Outcome {
        if self.in_etcd() {
            return Ok(());
        }
        let script = folder.join(REQUEST);
        write(&script, REQUEST_SCRIPT)?;
        set_permissions(&script, Permissions::from_mode(0o755))
            .map_err(|cause| Failure::during(format!("make {} executable", script.display()), cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_machine_keeps_keys() {
        let hub = Keys::Hub(([127, 0, 0, 1], 4001).into());
        let first = hub.configuration(true, Path::new("/s"));
        assert_eq!(
            first.get(1..),
            Some(["store_dir=/s".to_owned(), "store_listen=127.0.0.1:4001".to_owned()].as_slice())
        );
        let other = ["etcd_servers=http://127.0.0.1:4001".to_owned()];
        assert_eq!(hub.configuration(false, Path::new("/s")), other);
        let etcd = Keys::Etcd(([127, 0, 0, 1], 4001).into());
        assert_eq!(etcd.configuration(true, Path::new("/s")), other);
        assert_eq!(
            (hub.agent_words(true), hub.agent_words(false)),
            (["--standalone"].as_slice(), [].as_slice())
        );
        assert!(etcd.agent_words(true).is_empty());
    }
}
