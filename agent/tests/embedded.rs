//! The agent's own store, opened as the configuration says: what the registry writes is there again after a restart, and
//! others see it over HTTP.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use agent::config::{self, Settings};
use agent::embedded;
use registry::store::{Freshness, Outcome};
use smol::future;

fn settings(folder: &str, listen: &str, durability: &str) -> Settings {
    let variables = [("STORE_DIR", folder), ("STORE_LISTEN", listen), ("DURABILITY", durability)];
    let variables =
        variables.map(|(key, value)| (OsString::from(format!("FLEET_{key}")), OsString::from(value)));
    config::parse(None, variables).unwrap().0
}

fn get(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.write_all(
        b"GET /v2/keys/_coreos.com/fleet/layout HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn its_keys_outlive_it_and_are_served() {
    for durability in ["durable", "relaxed"] {
        let folder = std::env::temp_dir().join(format!("skiff-embedded-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let settings = settings(folder.to_str().unwrap(), &address.to_string(), durability);
        assert!(settings.store.is_own);
        let (store, own) = embedded::open(&settings).unwrap();
        assert!(matches!(store.create("layout", "v", None), Outcome::Done { .. }));
        let refused = embedded::open(&settings).map(|_| ()).unwrap_err();
        assert!(refused.starts_with("open "), "one process at a time: {refused}");
        own.close();
        assert!(matches!(store.put("layout", "w"), Outcome::Unknown(_)), "closed");
        drop((store, own));

        let (store, own) = embedded::open(&settings).unwrap();
        assert_eq!(store.read("layout", Freshness::Quorum).unwrap().0.unwrap().value, "v");
        let asked = smol::unblock(move || {
            loop {
                // Until it listens.
                if let Ok(answer) = get(address) {
                    return answer;
                }
            }
        });
        let answer = smol::block_on(future::or(asked, async {
            own.clone().serve().await;
            panic!("not served")
        }));
        assert!(answer.contains(r#""key":"/_coreos.com/fleet/layout","value":"v""#), "{answer}");
        own.close();
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
