//! What has to be known to talk to an etcd, checked once. Where the texts come from (a file, the environment, a
//! command line) is for whoever reads those.

use core::fmt;
use std::path::PathBuf;
use std::time::Duration;

use cluster::limits::REGISTRY_ENDPOINTS_MAX;
use ureq::http::Uri;

/// fleet's default for `etcd_request_timeout` (contract §4.2).
pub const DEFAULT_REQUEST_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a long poll stays open (registry rule 12).
pub const DEFAULT_POLL_TIMEOUT: Duration = Duration::from_secs(300);

/// How to reach an etcd and what to ask it for.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it answers; the first is asked first.
    pub endpoints: Endpoints,
    /// What every key lies under.
    pub key_prefix: KeyPrefix,
    /// How long one endpoint may take to answer a request; a call asks each endpoint at most once.
    pub request_timeout: Duration,
    /// After how long without a change a watch ends as quiet.
    pub poll_timeout: Duration,
    /// Basic auth.
    pub credentials: Option<Credentials>,
    /// For https endpoints.
    pub tls: TlsSettings,
    /// Called by a thread before it waits for long.
    pub before_wait: fn(),
}

impl Settings {
    /// fleet's defaults for everything else.
    #[must_use]
    pub fn new(endpoints: Endpoints, key_prefix: KeyPrefix) -> Self {
        Self {
            endpoints,
            key_prefix,
            request_timeout: DEFAULT_REQUEST_TIMEOUT,
            poll_timeout: DEFAULT_POLL_TIMEOUT,
            credentials: None,
            tls: TlsSettings::default(),
            before_wait: || (),
        }
    }
}

/// Which certificates to trust and to show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// PEM file of the authorities to trust; the system's own where it is not given.
    pub cafile: Option<PathBuf>,
    /// PEM file of this client's certificate, followed by the certificates it was signed with.
    pub certfile: Option<PathBuf>,
    /// PEM file of that certificate's private key, not encrypted.
    pub keyfile: Option<PathBuf>,
    /// Take any server for etcd. Whoever sets this should warn about it.
    pub insecure_skip_verify: bool,
}

/// A user of etcd. `Debug` leaves the password out, and no error holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's name.
    pub username: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("username", &self.username).finish_non_exhaustive()
    }
}

/// One URL of an etcd, without a path: `http://127.0.0.1:2379`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    url: String,
    https: bool,
}

impl Endpoint {
    /// Takes `http://` or `https://`, a host or an address, and a port (80 or 443 where there is none).
    ///
    /// # Errors
    /// Anything else; a user or a password in the URL above all, since URLs are printed.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let text = text.trim();
        if text.contains('@') {
            // Not repeated: it may hold a password.
            return Err(bad_endpoint("of the configuration", "user and password have settings of their own"));
        }
        let uri: Uri = text.parse().map_err(|_| bad_endpoint(text, "not a URL"))?;
        let https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(bad_endpoint(text, "starts with neither http:// nor https://")),
        };
        let authority = uri.authority().filter(|authority| !authority.host().is_empty());
        let authority = authority.ok_or_else(|| bad_endpoint(text, "no host"))?;
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        if !port.is_empty() && authority.port_u16().is_none_or(|port| port == 0) {
            return Err(bad_endpoint(text, "not a port"));
        }
        if uri.path() != "/" || uri.query().is_some() {
            return Err(bad_endpoint(text, "more than scheme, host and port"));
        }
        let scheme = if https { "https" } else { "http" };
        Ok(Self { url: format!("{scheme}://{authority}"), https })
    }

    /// The URL, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Whether it needs TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

/// One to [`REGISTRY_ENDPOINTS_MAX`] endpoints of one etcd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints(Vec<Endpoint>);

impl Endpoints {
    /// # Errors
    /// None, or too many.
    pub fn new(endpoints: Vec<Endpoint>) -> Result<Self, SettingsError> {
        match endpoints.len() {
            0 => Err(SettingsError::NoEndpoints),
            1..=REGISTRY_ENDPOINTS_MAX => Ok(Self(endpoints)),
            given => Err(SettingsError::TooManyEndpoints { given }),
        }
    }

    /// They in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Endpoint] {
        &self.0
    }
}

/// What every key of a fleet lies under, such as `/_coreos.com/fleet`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPrefix(String);

impl KeyPrefix {
    /// Takes parts between slashes; slashes at either end and doubled ones change nothing, and none at all mean the
    /// root of the store.
    ///
    /// # Errors
    /// A part is `.` or `..`, or there is a control character.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let mut prefix = String::new();
        for part in text.split('/').filter(|part| !part.is_empty()) {
            if part == "." || part == ".." || part.chars().any(char::is_control) {
                return Err(SettingsError::BadPrefix { prefix: text.escape_debug().collect() });
            }
            prefix.push('/');
            prefix.push_str(part);
        }
        Ok(Self(prefix))
    }

    /// With a slash before each part and none at the end; empty for the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why no client can be made of some settings. Nothing has been sent anywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// There is no endpoint.
    NoEndpoints,
    /// There are more than [`REGISTRY_ENDPOINTS_MAX`] endpoints.
    TooManyEndpoints {
        /// How many.
        given: usize,
    },
    /// An endpoint is no URL of an etcd.
    BadEndpoint {
        /// The text, or where it came from if it may hold a secret.
        endpoint: String,
        /// What is wrong with it.
        cause: &'static str,
    },
    /// A key prefix cannot be part of a key.
    BadPrefix {
        /// The text.
        prefix: String,
    },
    /// A time-out is zero.
    ZeroTimeout,
    /// A name or a password of basic auth that HTTP cannot carry.
    BadUsername,
    /// A certificate without a key, or a key without a certificate.
    HalfClientCertificate,
    /// A file of certificates or keys cannot be used.
    Certificates {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: String,
    },
    /// No `cafile` was given and the system has no bundle in any of the usual places.
    NoSystemCertificates,
    /// Key and certificate do not go together, or the key is of no known kind.
    ClientCertificate {
        /// What TLS says to it.
        cause: String,
    },
    /// An https endpoint, and this build has no TLS.
    BuiltWithoutTls {
        /// The endpoint.
        endpoint: String,
    },
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEndpoints => f.write_str("no etcd endpoint"),
            Self::TooManyEndpoints { given } => {
                write!(f, "{given} etcd endpoints are more than {REGISTRY_ENDPOINTS_MAX}")
            }
            Self::BadEndpoint { endpoint, cause } => write!(f, "etcd endpoint {endpoint}: {cause}"),
            Self::BadPrefix { prefix } => write!(f, "etcd key prefix {prefix}: not a key"),
            Self::ZeroTimeout => f.write_str("an etcd time-out of zero"),
            Self::BadUsername => f.write_str("an etcd user name with a colon"),
            Self::HalfClientCertificate => f.write_str("etcd certificate and key: one without the other"),
            Self::Certificates { path, cause } => write!(f, "read {}: {cause}", path.display()),
            Self::NoSystemCertificates => f.write_str(
                "the system has no certificate authorities in the usual places; name a file of them",
            ),
            Self::ClientCertificate { cause } => write!(f, "etcd certificate and key: {cause}"),
            Self::BuiltWithoutTls { endpoint } => write!(f, "etcd endpoint {endpoint}: built without TLS"),
        }
    }
}

impl core::error::Error for SettingsError {}

fn bad_endpoint(endpoint: &str, cause: &'static str) -> SettingsError {
    SettingsError::BadEndpoint {
        endpoint: endpoint.chars().take(200).flat_map(char::escape_debug).collect(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_normalised() {
        for (text, url, https) in [
            ("http://127.0.0.1:2379", "http://127.0.0.1:2379", false),
            (" https://etcd.example/ ", "https://etcd.example", true),
            ("http://[::1]:4001/", "http://[::1]:4001", false),
            ("HTTP://localhost", "http://localhost", false),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.as_str(), endpoint.is_https()), (url, https), "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_named() {
        for (text, cause) in [
            ("127.0.0.1:2379", "neither http"),
            ("unix:///run/etcd.sock", "not a URL"),
            ("ftp://h:1", "neither http"),
            ("http://", "not a URL"),
            ("http://h:0", "not a port"),
            ("http://h:99999", "not a port"),
            ("http://h:", "not a port"),
            ("http://h/v2", "more than"),
            ("http://h?x=1", "more than"),
            ("", "not a URL"),
            ("http://a b", "not a URL"),
        ] {
            let error = Endpoint::parse(text).unwrap_err().to_string();
            assert!(error.contains(cause), "{text:?}: {error}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let error = Endpoint::parse("http://root:hunter2@h:1").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        let credentials = Credentials { username: "root".to_owned(), password: "hunter2".to_owned() };
        assert_eq!(format!("{credentials:?}"), "Credentials { username: \"root\", .. }");
    }

    #[test]
    fn endpoints_are_at_least_one_and_bounded() {
        let one = Endpoint::parse("http://h").unwrap();
        assert_eq!(Endpoints::new(Vec::new()), Err(SettingsError::NoEndpoints));
        assert!(Endpoints::new(vec![one.clone(); REGISTRY_ENDPOINTS_MAX]).is_ok());
        assert!(Endpoints::new(vec![one; REGISTRY_ENDPOINTS_MAX + 1]).is_err());
    }

    #[test]
    fn prefixes_are_normalised() {
        for (text, prefix) in
            [("/_coreos.com/fleet/", "/_coreos.com/fleet"), ("a//b", "/a/b"), ("", ""), ("///", "")]
        {
            assert_eq!(KeyPrefix::parse(text).unwrap().as_str(), prefix);
        }
        for text in ["/a/../b", "/./", "a\nb"] {
            assert!(KeyPrefix::parse(text).is_err(), "{text:?}");
        }
    }
}
