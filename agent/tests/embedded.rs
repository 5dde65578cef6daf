//! The agent's own store, opened as the configuration says: what the registry writes is there again after a restart, and
//! others see it over HTTP.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use agent::config::{self, Settings};
use agent::embedded;
use registry::store::{Freshness, Outcome};
use smol::future;
use tests::free_port::free_port;

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
        let loopback = Ipv4Addr::LOCALHOST;
        let address = SocketAddr::from((loopback, free_port(loopback.into()).unwrap()));
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

/// Runs an agent on the store in `folder` until it ends; what it logged, and the last line of its status.
fn ended(folder: &Path) -> (String, String) {
    let own = |name: &str| folder.join(name).display().to_string();
    let notifications = UnixDatagram::bind(own("notify")).unwrap();
    notifications.set_nonblocking(true).unwrap();
    let (units, runtime, store) = (own("units"), own("runtime"), own("store"));
    let lines = [
        "machine_id=148a18ff6e954cd892dac9de9bb90d5a".to_owned(),
        "systemd_user=true".to_owned(),
        format!("units_directory={units}\nruntime_directory={runtime}\nstore_dir={store}"),
    ];
    fs::write(own("fleet.conf"), lines.join("\n") + "\n").unwrap();
    let ran = Command::new(env!("CARGO_BIN_EXE_skiff-agent"))
        .args(["--config", &own("fleet.conf")])
        .env_clear()
        .env("XDG_RUNTIME_DIR", folder)
        .env("HOME", folder)
        .env("NOTIFY_SOCKET", own("notify"))
        .output()
        .unwrap();
    assert!(!ran.status.success(), "{ran:?}");
    let (mut buffer, mut status) = ([0; 4096], String::new());
    while let Ok(count) = notifications.recv(&mut buffer) {
        let told = String::from_utf8_lossy(&buffer[..count]).into_owned();
        status = told.strip_prefix("STATUS=").map_or(status, str::to_owned);
    }
    fs::remove_file(own("notify")).unwrap();
    (String::from_utf8_lossy(&ran.stderr).into_owned(), status)
}

#[test]
fn a_damaged_file_is_refused_with_what_to_do() {
    let folder = std::env::temp_dir().join(format!("skiff-damaged-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("units")).unwrap();
    let place = folder.join("store");
    let (_, own) = embedded::open(&settings(place.to_str().unwrap(), "127.0.0.1:0", "durable")).unwrap();
    own.close();
    drop(own);
    let file = place.join("store.redb");
    let good = fs::read(&file).unwrap();

    let is_told = || {
        let (log, status) = ended(&folder);
        let refused = format!("open {}: ", file.display());
        for told in [refused.as_str(), "docs/runbooks/store-damaged.md says what to do"] {
            assert!(log.contains(told) && status.contains(told), "{log} {status}");
        }
    };

    // Not the database's at all.
    fs::write(&file, b"no such thing").unwrap();
    is_told();

    // A name of the database's own tables that is no text.
    let mut bad = good.clone();
    let name = b"allocated";
    let places: Vec<usize> = (0..good.len()).filter(|at| good[*at..].starts_with(name)).collect();
    assert!(!places.is_empty(), "the database has no such table any more");
    places.iter().for_each(|at| bad[*at..*at + name.len()].fill(0xff));
    fs::write(&file, bad).unwrap();
    is_told();
    fs::remove_dir_all(&folder).unwrap();
}
