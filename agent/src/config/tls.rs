//! The part of stage three that is about certificates: those shown to etcd, those the API and this machine's own store
//! are served with, and the names that have a role.

use cluster::limits::{CERTIFICATE_NAME_MAX_BYTES, ROLE_NAMES_MAX};
use fleet_api::access::Roles;
use http_server::TlsFiles;
use registry::etcd::TlsSettings;

use super::check::Reader;
use super::keys::Key;
use super::settings::ApiSettings;
use super::values::{boolean, optional_path};

impl Reader {
    /// This machine's certificate as a client of etcd, and as the server of its own store.
    pub(super) fn tls(&mut self) -> Option<TlsSettings> {
        let keyfile = self.read(Key::EtcdKeyfile, optional_path);
        let certfile = self.read(Key::EtcdCertfile, optional_path);
        let cafile = self.read(Key::EtcdCafile, optional_path);
        let insecure_skip_verify = self.read(Key::EtcdInsecureSkipVerify, boolean);
        if insecure_skip_verify == Some(true) {
            self.risky(Key::EtcdInsecureSkipVerify, "anyone between this machine and etcd can pass for etcd");
        }
        match (&certfile, &keyfile) {
            (Some(Some(_)), Some(None)) => {
                self.conflict(Key::EtcdCertfile, "etcd_keyfile is not set; a certificate needs its key");
            }
            (Some(None), Some(Some(_))) => {
                self.conflict(Key::EtcdKeyfile, "etcd_certfile is not set; a key needs its certificate");
            }
            _ => {}
        }
        Some(TlsSettings {
            cafile: cafile?,
            certfile: certfile?,
            keyfile: keyfile?,
            insecure_skip_verify: insecure_skip_verify?,
        })
    }

    /// What the store's address is served with: the certificates that its clients use towards it, seen from the other end.
    pub(super) fn store_tls(&mut self, tls: Option<&TlsSettings>) -> Option<TlsFiles> {
        let TlsSettings { cafile, certfile, keyfile, .. } = tls?;
        match (certfile, keyfile, cafile) {
            (Some(certfile), Some(keyfile), Some(cafile)) => {
                let (certfile, keyfile, cafile) = (certfile.clone(), keyfile.clone(), cafile.clone());
                return Some(TlsFiles { certfile, keyfile, cafile });
            }
            (Some(_), Some(_), None) => self.conflict(
                Key::StoreListen,
                "etcd_certfile is set and etcd_cafile is not; with TLS, it says whose certificates may use the store",
            ),
            (None, None, Some(_)) => self.conflict(
                Key::StoreListen,
                "etcd_cafile is set and etcd_certfile is not; with TLS, the store needs a certificate of its own",
            ),
            _ => {}
        }
        None
    }

    pub(super) fn api(&mut self) -> Option<ApiSettings> {
        let keys = [Key::ApiCertfile, Key::ApiKeyfile, Key::ApiCafile];
        let [certfile, keyfile, cafile] = keys.map(|key| self.read(key, optional_path));
        let [read, operate] = [Key::ApiRead, Key::ApiOperate].map(|key| self.read(key, names));
        let files = [certfile?, keyfile?, cafile?];
        let roles = Roles { read: read?, operate: operate? };
        let set = keys.into_iter().zip(&files).find(|(_, file)| file.is_some());
        let missing = keys.into_iter().zip(&files).find(|(_, file)| file.is_none());
        if let (Some((set, _)), Some((missing, _))) = (set, missing) {
            self.conflict(
                set,
                format!("{} is not set; TLS for the API needs all three files", missing.name()),
            );
        }
        let named = [(Key::ApiRead, &roles.read), (Key::ApiOperate, &roles.operate)];
        match (set, named.into_iter().find(|(_, names)| !names.is_empty())) {
            (None, Some((key, _))) => {
                self.conflict(key, "api_certfile is not set; only certificates have names");
            }
            (Some((key, _)), None) => self
                .conflict(key, "neither api_read nor api_operate is set; nobody could use the API over TLS"),
            _ => {}
        }
        if files.iter().any(Option::is_some) && self.text(Key::ApiCafile) == self.text(Key::EtcdCafile) {
            self.risky(
                Key::ApiCafile,
                "etcd_cafile is the same: whoever has a certificate for the API may have all of the registry with it",
            );
        }
        let [certfile, keyfile, cafile] = files;
        let tls = certfile.zip(keyfile).zip(cafile);
        let tls = tls.map(|((certfile, keyfile), cafile)| TlsFiles { certfile, keyfile, cafile });
        Some(ApiSettings { tls, roles })
    }
}

/// Reads names of certificates with commas between; `*` is any.
fn names(text: &str) -> Result<Vec<String>, String> {
    let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
    let names: Vec<String> = items.map(str::to_owned).collect();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.@:/+".contains(&byte);
    let is_name = |name: &String| name == "*" || name.bytes().all(plain);
    if names.len() > ROLE_NAMES_MAX {
        return Err(format!("{} names, at most {ROLE_NAMES_MAX}", names.len()));
    }
    match names.iter().find(|name| !is_name(name) || name.len() > CERTIFICATE_NAME_MAX_BYTES) {
        None => Ok(names),
        Some(_) => Err(format!(
            "expected common names of certificates with commas between, each of at most \
             {CERTIFICATE_NAME_MAX_BYTES} letters, digits and -_.@:/+, or * for any"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn names_are_those_that_certificates_can_have() {
        assert_eq!(names(" alice, ops@example.com,*,").unwrap(), ["alice", "ops@example.com", "*"]);
        assert_eq!(names("").unwrap(), Vec::<String>::new());
        for text in ["a b", "a\"", "CN=alice", "al*", "\u{e4}", &"x".repeat(65)] {
            assert!(names(text).is_err(), "{text}");
        }
        assert!(names(&["a"; 257].join(",")).is_err());
    }
}
