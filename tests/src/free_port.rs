//! A port for a server that starts later.

use std::io;
use std::net::{IpAddr, TcpListener};
use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

/// Ports below those that the kernel gives to connections (`ip_local_port_range`): none of them takes one away between the
/// look and the use.
const PORTS: Range<u16> = 10_000..32_000;

/// A port nobody listens on at this moment, each time another one.
///
/// # Errors
/// All are taken.
pub fn free_port(address: IpAddr) -> io::Result<u16> {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    // Programs that run side by side begin in different places.
    let first = std::process::id().wrapping_mul(97);
    let count = u32::from(PORTS.end - PORTS.start);
    for _ in PORTS {
        let step = first.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % count;
        let port = PORTS.start + u16::try_from(step).unwrap_or_default();
        if TcpListener::bind((address, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(io::Error::new(io::ErrorKind::AddrInUse, format!("all ports of {address} are taken")))
}
