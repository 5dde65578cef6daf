//! Tells where time goes: agents ask etcd through a proxy that notes when, and a wrapper around each machine's systemctl
//! notes when it ran. What neither covers is Skiff's own. All times are since 1970, which the machines share.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use crate::bench::etcd_write::middle;
use crate::etcd_proxy::{EtcdProxy, Kind};
use crate::failure::{Failure, Outcome};
use crate::machine_root::put;
use crate::wait::{monotonic, since_epoch};
use crate::world::World;

/// A shell that notes times by itself; the program it calls knows itself by its name's beginning.
const WRAPPER: &str = "#!/bin/bash\nbegan=$EPOCHREALTIME\n/usr/bin/systemctl.real \"$@\"\nstatus=$?\n\
                       echo \"$began $EPOCHREALTIME $*\" >> /run/systemctl.times\nexit $status\n";

/// From one moment to another.
pub(crate) type Span = (Duration, Duration);

/// Where the time of one thing went.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Share {
    /// All of it.
    pub total: Duration,
    /// Until a TTL that had to run out had.
    pub ttl: Duration,
    /// While etcd had a request to answer.
    pub etcd: Duration,
    /// While systemctl ran or systemd brought the unit up, and etcd had none.
    pub systemd: Duration,
    /// To get into the machine and out, which is the test's.
    pub way: Duration,
}

impl Share {
    /// What is left.
    pub(crate) fn own(&self) -> Duration {
        self.total.saturating_sub(self.ttl + self.etcd + self.systemd + self.way)
    }

    /// The median of each part.
    pub(crate) fn median(all: &[Self]) -> Self {
        let part = |get: fn(&Self) -> Duration| middle(all.iter().map(get).collect());
        Self {
            total: part(|share| share.total),
            ttl: part(|share| share.ttl),
            etcd: part(|share| share.etcd),
            systemd: part(|share| share.systemd),
            way: part(|share| share.way),
        }
    }
}

/// The proxy and the wrappers.
#[derive(Debug)]
pub(crate) struct Probe {
    proxy: EtcdProxy,
}

impl Probe {
    /// Starts the proxy; no agent uses it yet.
    ///
    /// # Errors
    /// When it has no port.
    pub(crate) fn start(world: &World) -> Outcome<Self> {
        Ok(Self { proxy: EtcdProxy::start(world.etcd.client_address())? })
    }

    /// A fresh fleet that is looked at.
    ///
    /// # Errors
    /// When it does not come up.
    pub(crate) fn fresh(&self, world: &mut World) -> Outcome {
        world.fresh()?;
        for machine in world.machines() {
            let root = machine.root();
            wrap(root).map_err(|cause| Failure::during("wrap systemctl", cause))?;
            let path = root.join("etc/fleet/fleet.conf");
            let text = fs::read_to_string(&path)
                .map_err(|cause| Failure::during(format!("read {}", path.display()), cause))?;
            let proxied = text.replace(":2379", &format!(":{}", self.proxy.port()));
            put(root, "etc/fleet/fleet.conf", &proxied)?;
            machine.run(&["systemctl", "restart", "fleet.service"])?.success()?;
        }
        world.all_machines_listed(3)?;
        self.proxy.forget();
        Ok(())
    }

    /// Splits what happened within `whole`; `more` are spans of systemd's that no systemctl shows. `since` is when a TTL
    /// that had to run out had.
    ///
    /// # Errors
    /// When a machine's notes cannot be read.
    pub(crate) fn split(&self, world: &World, whole: Span, since: Duration, more: &[Span]) -> Outcome<Share> {
        let rest = (since, whole.1);
        let asked = |kind: Kind| matches!(kind, Kind::Read | Kind::Write);
        let exchanges = self.proxy.exchanges();
        let etcd: Vec<Span> = exchanges
            .iter()
            .filter(|exchange| asked(exchange.kind))
            .filter_map(|exchange| Some((exchange.asked, exchange.answered?)))
            .collect();
        let mut both = etcd.clone();
        both.extend(more);
        for machine in world.machines().iter().filter(|machine| machine.is_on()) {
            let notes = fs::read_to_string(machine.inside("/run/systemctl.times")?).unwrap_or_default();
            both.extend(notes.lines().filter_map(span));
        }
        let etcd = covered(etcd, rest);
        Ok(Share {
            total: whole.1.saturating_sub(whole.0),
            ttl: since.saturating_sub(whole.0),
            etcd,
            systemd: covered(both, rest).saturating_sub(etcd),
            way: Duration::ZERO,
        })
    }

    /// When the first request since `began` was sent whose first line `is` it.
    pub(crate) fn first(&self, began: Duration, is: impl Fn(&str) -> bool) -> Option<Duration> {
        let exchanges = self.proxy.exchanges();
        let found = exchanges.iter().find(|exchange| exchange.asked >= began && is(&exchange.line));
        found.map(|exchange| exchange.asked)
    }
}

/// When systemd began to bring `unit` up on machine `number`, and when it was active.
///
/// # Errors
/// When it is not there.
pub(crate) fn came_up(world: &World, unit: &str, number: usize) -> Outcome<Span> {
    let view = world.unit(unit);
    let at = |property: &str| {
        let text = view.property(number, property)?;
        let micros = text.parse().map_err(|cause| Failure::during(format!("{property}={text}"), cause))?;
        Ok::<Duration, Failure>(since_epoch().saturating_sub(monotonic()) + Duration::from_micros(micros))
    };
    Ok((at("InactiveExitTimestampMonotonic")?, at("ActiveEnterTimestampMonotonic")?))
}

/// Puts the wrapper in systemctl's place, once.
fn wrap(root: &std::path::Path) -> std::io::Result<()> {
    let (plain, real) = (root.join("usr/bin/systemctl"), root.join("usr/bin/systemctl.real"));
    if real.exists() {
        return Ok(());
    }
    fs::copy(&plain, &real)?;
    fs::remove_file(&plain)?;
    fs::write(&plain, WRAPPER)?;
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o755))
}

/// The times of one note, which are seconds with six decimals.
fn span(note: &str) -> Option<Span> {
    let mut words = note.split(' ');
    let mut time = || Duration::try_from_secs_f64(words.next()?.parse().ok()?).ok();
    Some((time()?, time()?))
}

/// How much of `within` is covered by any of `spans`.
fn covered(mut spans: Vec<Span>, within: Span) -> Duration {
    spans.sort_unstable();
    let (mut sum, mut from) = (Duration::ZERO, within.0);
    for (begin, end) in spans {
        let (begin, end) = (begin.max(from), end.min(within.1));
        sum += end.saturating_sub(begin);
        from = from.max(end);
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn what_overlaps_counts_once_and_what_lies_outside_does_not() {
        let spans =
            vec![(ms(30), ms(40)), (ms(0), ms(12)), (ms(11), ms(20)), (ms(13), ms(15)), (ms(90), ms(99))];
        assert_eq!(covered(spans, (ms(10), ms(35))), ms(15));
        assert_eq!(covered(Vec::new(), (ms(10), ms(35))), ms(0));
    }

    #[test]
    fn notes_of_the_wrapper_are_read() {
        assert_eq!(span("10.500000 11.000000 start -- a.service"), Some((ms(10_500), ms(11_000))));
        assert_eq!(span("half a line"), None);
    }

    #[test]
    fn the_rest_is_skiffs_own() {
        let share = Share { total: ms(100), ttl: ms(40), etcd: ms(10), systemd: ms(20), way: ms(5) };
        assert_eq!(share.own(), ms(25));
        assert_eq!(Share { total: ms(20), ..share }.own(), ms(0));
    }
}
