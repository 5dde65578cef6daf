//! Three etcd members that elect a leader of their own, each of which can be stopped alone.

use std::net::IpAddr;
use std::path::Path;

use crate::etcd::{Etcd, EtcdOptions};
use crate::failure::Outcome;

/// Members of a cluster: one may be away.
pub const MEMBERS: usize = 3;

/// A cluster of [`MEMBERS`] members; dropping it ends them all.
#[derive(Debug)]
pub struct EtcdCluster {
    /// The members, in the order of their names `member-0`, `member-1`, `member-2`.
    pub members: Vec<Etcd>,
}

impl EtcdCluster {
    /// Starts all members on `address` with free ports and waits until every one answers.
    ///
    /// # Errors
    /// When one cannot be started or does not answer.
    pub fn start(address: IpAddr) -> Outcome<Self> {
        Self::start_in(address, None, None)
    }

    /// The same with the first member at `first_port` and the data in `folder`, which is the caller's to remove.
    ///
    /// # Errors
    /// As [`EtcdCluster::start`].
    pub fn start_in(address: IpAddr, first_port: Option<u16>, folder: Option<&Path>) -> Outcome<Self> {
        let member = |number| {
            Etcd::prepare(EtcdOptions {
                address,
                client_port: first_port.filter(|_| number == 0),
                name: format!("member-{number}"),
                folder: folder.map(Path::to_path_buf),
                ..EtcdOptions::default()
            })
        };
        let mut members = (0..MEMBERS).map(member).collect::<Outcome<Vec<_>>>()?;
        let peers: Vec<String> = members.iter().map(Etcd::peer).collect();
        for member in &mut members {
            let own = member.peer();
            member.set_peers(peers.iter().filter(|peer| **peer != own).cloned().collect());
            member.launch()?;
        }
        for member in &mut members {
            member.wait_healthy()?;
        }
        Ok(Self { members })
    }

    /// The client URLs, comma-separated, as `etcd_servers=` takes them.
    #[must_use]
    pub fn endpoints(&self) -> String {
        self.members.iter().map(Etcd::endpoint).collect::<Vec<_>>().join(",")
    }
}
