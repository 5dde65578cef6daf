//! Addresses of endpoints: looked up once and kept until a connection to them fails. ureq's own resolver starts a
//! thread for every request; this one starts one for a look-up, of which there is at most one per name at a time.

use core::fmt;
use core::str::FromStr;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cluster::sorted::Map;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::failure::NotSent;

/// Enough for getaddrinfo of both C libraries.
const LOOKUP_STACK_BYTES: usize = 256 * 1024;
/// As many addresses of one name as are tried.
const ADDRESSES_MAX: usize = 16;

#[derive(Default)]
struct Name {
    addresses: Vec<SocketAddr>,
    /// A connection to them failed, or they were never looked up.
    stale: bool,
    looking: bool,
    fault: String,
}

#[derive(Default)]
struct State {
    names: Mutex<Map<String, Name>>,
    looked_up: Condvar,
}

/// The names of one client's endpoints. Clones share what they know.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<State>);

impl Names {
    /// Has the name of `uri` looked up again before it is used next.
    pub(super) fn distrust(&self, uri: &Uri) {
        let Some(name) = host_and_port(uri) else { return };
        if let Some(known) = self.lock().get_mut(&name) {
            known.stale = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Map<String, Name>> {
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The addresses of `name`: those known while they are good, else looked up within `limit`, else the old ones.
    fn addresses(&self, name: &str, limit: Duration) -> Result<Vec<SocketAddr>, String> {
        let mut names = self.lock();
        let known = names.entry(name.to_owned()).or_insert_with(|| Name { stale: true, ..Name::default() });
        if !known.stale {
            return Ok(known.addresses.clone());
        }
        if !known.looking {
            known.looking = true;
            known.fault = "no answer in time".to_owned();
            self.look_up(name.to_owned()).inspect_err(|_| known.looking = false)?;
        }
        let waits = |names: &mut Map<String, Name>| names.get(name).is_some_and(|known| known.looking);
        let waited = self.0.looked_up.wait_timeout_while(names, limit, waits);
        let (names, _) = waited.unwrap_or_else(PoisonError::into_inner);
        match names.get(name) {
            Some(known) if !known.addresses.is_empty() => Ok(known.addresses.clone()),
            Some(known) => Err(known.fault.clone()),
            None => Err(String::new()),
        }
    }

    fn look_up(&self, name: String) -> Result<(), String> {
        let shared = self.clone();
        let look = move || {
            let found = name.to_socket_addrs();
            let mut names = shared.lock();
            let known = names.entry(name).or_default();
            known.looking = false;
            match found {
                Ok(found) => {
                    known.addresses = found.take(ADDRESSES_MAX).collect();
                    known.stale = known.addresses.is_empty();
                    known.fault = "no address".to_owned();
                }
                Err(error) => known.fault = error.to_string(),
            }
            drop(names);
            shared.0.looked_up.notify_all();
        };
        let thread = std::thread::Builder::new().name("look-up".to_owned()).stack_size(LOOKUP_STACK_BYTES);
        thread.spawn(look).map(drop).map_err(|error| error.to_string())
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}

impl Resolver for Names {
    fn resolve(&self, uri: &Uri, _: &Config, limit: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let name = host_and_port(uri).ok_or_else(|| NotSent::error("no host".to_owned()))?;
        let found = match SocketAddr::from_str(&name) {
            Ok(address) => vec![address],
            Err(_) => self
                .addresses(&name, *limit.after)
                .map_err(|fault| NotSent::error(format!("look up {name}: {fault}")))?,
        };
        let mut addresses = self.empty();
        found.into_iter().for_each(|address| addresses.push(address));
        Ok(addresses)
    }
}

/// `host:port`, the form in which addresses and names are parsed.
fn host_and_port(uri: &Uri) -> Option<String> {
    let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let authority = uri.authority()?;
    Some(format!("{}:{}", authority.host(), authority.port_u16().unwrap_or(default)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_name_is_looked_up_once_and_again_after_distrust() {
        let names = Names::default();
        let uri: Uri = "http://localhost:7/".parse().unwrap();
        let first = names.addresses("localhost:7", LONG).unwrap();
        assert!(first.iter().all(|address| address.ip().is_loopback() && address.port() == 7), "{first:?}");
        assert!(!names.lock().get("localhost:7").unwrap().stale);
        names.distrust(&uri);
        assert!(names.lock().get("localhost:7").unwrap().stale);
        assert_eq!(names.addresses("localhost:7", LONG).unwrap(), first);
    }

    #[test]
    fn the_old_addresses_serve_while_a_look_up_fails() {
        let names = Names::default();
        let old: SocketAddr = "127.0.0.1:9".parse().unwrap();
        let known = Name { addresses: vec![old], stale: true, ..Name::default() };
        names.lock().insert("no.such.name.invalid:9".to_owned(), known);
        assert_eq!(names.addresses("no.such.name.invalid:9", LONG).unwrap(), [old]);
    }

    #[test]
    fn a_name_that_is_none_is_an_error_in_time() {
        let names = Names::default();
        let fault = names.addresses("no.such.name.invalid:9", LONG).unwrap_err();
        assert!(!fault.is_empty());
        // One that is still being looked up fails at its limit, and no second look-up begins.
        names.lock().insert("slow:9".to_owned(), Name { stale: true, looking: true, ..Name::default() });
        assert!(names.addresses("slow:9", Duration::from_millis(1)).is_err());
    }

    #[test]
    fn addresses_need_no_look_up() {
        for (url, want) in [
            ("http://127.0.0.1:2379/x", "127.0.0.1:2379"),
            ("https://[::1]/", "[::1]:443"),
            ("http://10.0.0.1", "10.0.0.1:80"),
        ] {
            let uri: Uri = url.parse().unwrap();
            let name = host_and_port(&uri).unwrap();
            assert_eq!(name, want);
            assert!(SocketAddr::from_str(&name).is_ok());
        }
    }
}
