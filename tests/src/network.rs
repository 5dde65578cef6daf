//! The machines' network: one bridge in our network namespace, one namespace with an address per machine, and the
//! power to cut a machine off in one direction or both. Nothing here leaves the host.

use std::net::{IpAddr, Ipv4Addr};

use crate::failure::{Failure, Outcome};
use crate::isolation::Isolation;
use crate::run::{Ran, run};

/// The bridge's own address, where etcd and the image registry listen.
pub const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 10, 1, 254));

const BRIDGE: &str = "skiff0";

/// The name of the interface inside a machine.
const INSIDE: &str = "host0";

/// What is cut off from a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The machine can send and hears nothing.
    Incoming,
    /// The machine hears and nothing it sends arrives.
    Outgoing,
    /// Neither.
    Both,
}

/// The bridge.
#[derive(Debug)]
pub struct Network(());

impl Network {
    /// Makes the bridge with [`HOST`] on it.
    ///
    /// # Errors
    /// When `ip` (package iproute2) refuses.
    pub fn create(_isolation: &Isolation) -> Outcome<Self> {
        ip(&["link", "add", BRIDGE, "type", "bridge"])?;
        ip(&["address", "add", &format!("{HOST}/24"), "dev", BRIDGE])?;
        ip(&["link", "set", BRIDGE, "up"])?;
        Ok(Self(()))
    }

    /// Makes a namespace `name` with `10.10.1.<number>` on the bridge. It outlives the machine's boots.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub fn attach(&self, name: &str, number: u8) -> Outcome<Link> {
        let address = Ipv4Addr::new(10, 10, 1, number);
        let outside = format!("to-{name}");
        ip(&["netns", "add", name])?;
        ip(&["link", "add", &outside, "type", "veth", "peer", "name", INSIDE, "netns", name])?;
        ip(&["link", "set", &outside, "master", BRIDGE, "up"])?;
        ip(&["-n", name, "link", "set", "lo", "up"])?;
        ip(&["-n", name, "address", "add", &format!("{address}/24"), "dev", INSIDE])?;
        ip(&["-n", name, "link", "set", INSIDE, "up"])?;
        ip(&["-n", name, "route", "add", "default", "via", &HOST.to_string()])?;
        Ok(Link { name: name.to_owned(), address })
    }
}

/// One machine's place on the bridge.
#[derive(Debug)]
pub struct Link {
    name: String,
    address: Ipv4Addr,
}

impl Link {
    /// The machine's address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The path of the namespace, for nspawn.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("/run/netns/{}", self.name)
    }

    /// Drops packets from now on, without a word to either side: open connections hang, as with a pulled cable.
    ///
    /// # Errors
    /// When `iptables` refuses.
    pub fn cut(&self, cut: Cut) -> Outcome {
        if cut != Cut::Outgoing {
            self.iptables(&["--append", "INPUT", "--in-interface", INSIDE, "--jump", "DROP"])?;
        }
        if cut != Cut::Incoming {
            self.iptables(&["--append", "OUTPUT", "--out-interface", INSIDE, "--jump", "DROP"])?;
        }
        Ok(())
    }

    /// Loses this part of the packets, in each direction and at random.
    ///
    /// # Errors
    /// When `iptables` refuses.
    pub fn lose(&self, percent: u8) -> Outcome {
        let part = format!("{:.2}", f64::from(percent) / 100.0);
        for (chain, option) in [("INPUT", "--in-interface"), ("OUTPUT", "--out-interface")] {
            let statistic = ["--match", "statistic", "--mode", "random", "--probability", &part];
            let rule = [&["--append", chain, option, INSIDE][..], &statistic, &["--jump", "DROP"]].concat();
            self.iptables(&rule)?;
        }
        Ok(())
    }

    /// Lets everything through again.
    ///
    /// # Errors
    /// When `iptables` refuses.
    pub fn restore(&self) -> Outcome {
        self.iptables(&["--flush"])
    }

    fn iptables(&self, words: &[&str]) -> Outcome {
        let namespace = format!("--net={}", self.namespace());
        let mut call = vec!["nsenter", &namespace, "iptables", "--wait"];
        call.extend(words);
        run(&call)?.success().map(|_| ())
    }
}

impl Drop for Link {
    /// The name goes at once; the namespace and its interfaces follow with the last process in it.
    fn drop(&mut self) {
        let _ = ip(&["link", "delete", &format!("to-{}", self.name)]);
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

fn ip(words: &[&str]) -> Outcome<Ran> {
    let mut call = vec!["ip"];
    call.extend(words);
    run(&call)?.success().map_err(|cause| Failure::during("set up the test network", cause))
}
