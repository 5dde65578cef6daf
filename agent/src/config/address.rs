//! The address a machine publishes where `public_ip` is not set: the first global unicast IPv4 address of the
//! interface that the default route goes through (contract §4.2). Reads the kernel's tables, sends nothing.

use std::fmt;
use std::fs;
use std::io;
use std::net::Ipv4Addr;

use nix::ifaddrs::getifaddrs;

const ROUTES: &str = "/proc/net/route";
/// Flag of a usable route (`RTF_UP`).
const ROUTE_IS_UP: u32 = 1;

/// The kernel's tables could not be read.
#[derive(Debug)]
pub enum AddressError {
    /// The table of routes.
    Routes(io::Error),
    /// The list of interfaces.
    Interfaces(io::Error),
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Routes(cause) => write!(f, "read {ROUTES}: {cause}"),
            Self::Interfaces(cause) => write!(f, "list network interfaces: {cause}"),
        }
    }
}

impl std::error::Error for AddressError {}

/// The machine's address; `None` if there is no default route, or no such address on its interface.
///
/// # Errors
/// The kernel's tables could not be read.
pub fn default_address() -> Result<Option<Ipv4Addr>, AddressError> {
    let routes = fs::read_to_string(ROUTES).map_err(AddressError::Routes)?;
    let Some(interface) = default_interface(&routes) else { return Ok(None) };
    let addresses = getifaddrs().map_err(|errno| AddressError::Interfaces(errno.into()))?;
    Ok(addresses
        .filter(|entry| entry.interface_name == interface)
        .filter_map(|entry| Some(entry.address?.as_sockaddr_in()?.ip()))
        .find(|address| is_global_unicast(*address)))
}

/// The interface of the usable default route with the lowest metric; the first of several.
fn default_interface(routes: &str) -> Option<&str> {
    let usable = |line| {
        let mut fields = str::split_ascii_whitespace(line);
        // Iface, Destination, Gateway, Flags, RefCnt, Use, Metric, Mask
        let (interface, destination) = (fields.next()?, fields.next()?);
        let flags = u32::from_str_radix(fields.nth(1)?, 16).ok()?;
        let metric: u32 = fields.nth(2)?.parse().ok()?;
        let mask = fields.next()?;
        let is_default = destination == "00000000" && mask == "00000000" && flags & ROUTE_IS_UP != 0;
        is_default.then_some((metric, interface))
    };
    routes.lines().filter_map(usable).min_by_key(|(metric, _)| *metric).map(|(_, interface)| interface)
}

/// Private addresses count: "global" is the scope, not the reach.
fn is_global_unicast(address: Ipv4Addr) -> bool {
    !(address.is_unspecified()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast())
}

#[cfg(test)]
mod tests {
    use super::{default_address, default_interface, is_global_unicast};

    const HEAD: &str =
        "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n";

    #[test]
    fn finds_the_interface_of_the_default_route() {
        let table = format!(
            "{HEAD}eth1\t00000000\t0100000A\t0003\t0\t0\t200\t00000000\t0\t0\t0\n\
             eth2\t00000000\t0100000A\t0002\t0\t0\t1\t00000000\t0\t0\t0\n\
             eth3\t00000000\t0100000A\t0001\t0\t0\t1\t00000080\t0\t0\t0\n\
             eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
             eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
        );
        assert_eq!(default_interface(&table), Some("eth0"));
    }

    #[test]
    fn finds_none_where_there_is_none() {
        for table in
            ["", HEAD, "eth0\t0000000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n", "eth0 00000000\n"]
        {
            assert_eq!(default_interface(table), None, "{table}");
        }
    }

    #[test]
    fn knows_which_addresses_others_can_use() {
        let verdicts = ["10.0.0.1", "127.0.0.1", "169.254.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255"]
            .map(|text| is_global_unicast(text.parse().unwrap()));
        assert_eq!(verdicts, [true, false, false, false, false, false]);
    }

    #[test]
    fn reads_the_tables_of_this_machine() {
        default_address().unwrap();
    }
}
