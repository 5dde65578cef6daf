//! What is measured, one phase after another on one fleet. Each waits for what it is about, and checks that nothing happened
//! that should not have: no unit on two machines, none started twice without a cause.

use std::time::Duration;

use cluster::records::Settled;
use cluster::{json, keys};
use registry::etcd::Etcd as Client;
use registry::store::{Freshness, Leaf, Store};
use tests::failure::{Failure, Outcome};
use tests::footprint::process::Process;
use tests::wait::{Stopwatch, holds_for, wait_until};

use crate::fleet::{Fleet, PATIENCE};
use crate::load;
use crate::report::{Memory, Phase, Size};

/// Events one after another whose cost is taken apart from the idle one.
const EVENTS: usize = 20;
/// Idle agents beat once in this time, a third of agent_ttl, and not evenly spread over it: whole ones are compared.
const BEAT: Duration = Duration::from_secs(10);
/// Between two looks at everything in steady state.
const LOOK: Duration = Duration::from_secs(5);
/// Longer than agent_ttl.
const STARVED: Duration = Duration::from_secs(40);

/// Everything.
pub(crate) fn all(fleet: &mut Fleet, steady: Duration) -> Outcome<Size> {
    let client = fleet.client()?;
    let mut size = Size::of(fleet.machines, fleet.units());
    say(fleet, "agents start and register");
    size.phases.push(measure(fleet, "all agents start and register", |fleet| {
        for host in fleet.others() {
            fleet.begin(host)?;
        }
        fleet.others().try_for_each(|host| fleet.joined(host))
    })?);
    let (endpoint, units) = (fleet.etcd.endpoint(), fleet.units());
    size.phases.push(measure(fleet, "units created, nobody leads", |_| load::create(&endpoint, 0..units))?);
    size.phases.push(measure(fleet, "all scheduled from nothing and running", |fleet| {
        Fleet::candidates().try_for_each(|host| fleet.begin(host))?;
        until(fleet, units)
    })?);
    quiet(fleet, &client)?;
    size.steady = Some(idle(fleet, &client, steady, &mut size.memory)?);
    size.phases.push(steady_succession(fleet, &client)?);
    size.events = Some(events(fleet, size.steady.as_ref())?);
    quiet(fleet, &client)?;
    size.phases.push(leader_dies(fleet, &client)?);
    size.phases.push(rack(fleet, &client, false)?);
    size.phases.push(rolling(fleet, &client)?);
    settled(&client)?;
    size.phases.push(rack(fleet, &client, true)?);
    size.phases.push(starved(fleet, &client)?);
    size.phases.push(measure(fleet, "all units destroyed, stopped and gone", |fleet| {
        load::destroy(&endpoint, 0..units)?;
        until(fleet, 0)
    })?);
    quiet(fleet, &client)?;
    size.phases.push(measure(fleet, "all created again and running, leader killed half-way", |fleet| {
        load::create(&endpoint, 0..units / 2)?;
        succession(fleet, &client, || load::create(&endpoint, units / 2..units))?;
        until(fleet, units)
    })?);
    Ok(size)
}

fn say(fleet: &Fleet, what: &str) {
    eprintln!("{} machines, {} units: {what}", fleet.machines, fleet.units());
}

/// Does something, and says how long it took and what etcd did meanwhile.
fn measure(
    fleet: &mut Fleet,
    what: &'static str,
    work: impl FnOnce(&mut Fleet) -> Outcome,
) -> Outcome<Phase> {
    say(fleet, what);
    let before = fleet.meter.read()?;
    let watch = Stopwatch::start();
    work(fleet).map_err(|cause| Failure::during(what, cause))?;
    let time = watch.elapsed();
    let spent = fleet.meter.since(&before)?;
    eprintln!(
        "  {:.1} s, {:.0} requests, {:.1} s of etcd's processor",
        time.as_secs_f64(),
        spent.requests,
        spent.cpu_seconds
    );
    Ok(Phase { what, time, spent })
}

/// Waits until so many units run, each once. A look at a thousand folders costs what the agents could use, so that there
/// are few.
fn until(fleet: &Fleet, units: usize) -> Outcome {
    let (mut looked, mut seen) = (None::<Stopwatch>, String::new());
    wait_until(format!("{units} units to run"), PATIENCE, || {
        if looked.is_some_and(|looked| looked.elapsed() < fleet.between_looks()) {
            return Err(seen.clone());
        }
        let running = fleet.running();
        (looked, seen) = (Some(Stopwatch::start()), format!("{running:?}"));
        if running.units == units && running.doubled == 0 { Ok(()) } else { Err(seen.clone()) }
    })
}

/// Waits until the last row and the last derived key are written: the store's index stands still but for beats, which
/// are spread over a third of agent_ttl.
fn quiet(fleet: &Fleet, client: &Client) -> Outcome {
    let beats = u64::try_from(fleet.machines).unwrap_or(u64::MAX) / 5 + 10;
    let mut last = 0;
    wait_until("the store to become quiet", PATIENCE, || {
        let watch = Stopwatch::start();
        let (_, before) = client.read(keys::LAYOUT, Freshness::Local).map_err(|error| error.to_string())?;
        let _ = holds_for("a pause", Duration::from_secs(1), || Ok::<(), String>(()));
        let (_, now) = client.read(keys::LAYOUT, Freshness::Local).map_err(|error| error.to_string())?;
        last = now.index - before.index;
        if last <= beats {
            Ok(())
        } else {
            Err(format!("{last} writes in {:.1} s", watch.elapsed().as_secs_f64()))
        }
    })
}

/// Steady state: what etcd does for a fleet of which nothing is wanted, and what leader and follower hold.
fn idle(fleet: &mut Fleet, client: &Client, period: Duration, memory: &mut Vec<Memory>) -> Outcome<Phase> {
    let (starts, units) = (fleet.starts(), fleet.units());
    let phase = measure(fleet, "steady state", |fleet| {
        let mut looked = Stopwatch::start();
        holds_for("every unit where it is", period, || {
            if looked.elapsed() < LOOK {
                return Ok(());
            }
            looked = Stopwatch::start();
            let running = fleet.running();
            let is_same = running.units == units && running.doubled == 0 && fleet.starts() == starts;
            if is_same { Ok(()) } else { Err(format!("{running:?}, {} starts", fleet.starts())) }
        })
    })?;
    let leader = fleet.leader(client)?;
    for candidate in Fleet::candidates() {
        let role = if candidate == leader { "leader" } else { "follower" };
        memory.push(Memory { role, holds: Process::of_host(fleet.process(candidate)?).holds()? });
    }
    Ok(phase)
}

/// Units created one after another, each running before the next is: requests of one such event, the idle ones left out.
fn events(fleet: &mut Fleet, steady: Option<&Phase>) -> Outcome<f64> {
    let units = fleet.units();
    let endpoint = fleet.etcd.endpoint();
    let phase = measure(fleet, "one unit after another created", |fleet| {
        let watch = Stopwatch::start();
        for number in units..units + EVENTS {
            load::create(&endpoint, number..number + 1)?;
            let unit = load::name(number)?;
            wait_until(format!("{unit} to run"), PATIENCE, || {
                if fleet.runs(&unit) { Ok(()) } else { Err("not yet") }
            })?;
        }
        // Rows and what the leader tells come after the start.
        holds_for("a pause", Duration::from_secs(2), || Ok::<(), String>(()))?;
        let over = watch.elapsed().as_millis() % BEAT.as_millis();
        let rest = BEAT.saturating_sub(Duration::from_millis(u64::try_from(over).unwrap_or_default()));
        holds_for("the last beats", rest, || Ok::<(), String>(()))
    })?;
    let rate = steady.map_or(0.0, |steady| steady.spent.requests / steady.spent.seconds);
    #[expect(clippy::cast_precision_loss, reason = "twenty")]
    let each = (phase.spent.requests - rate * phase.spent.seconds) / EVENTS as f64;
    load::destroy(&endpoint, units..units + EVENTS)?;
    until(fleet, units)?;
    eprintln!("  {each:.1} requests each");
    Ok(each)
}

fn leader_dies(fleet: &mut Fleet, client: &Client) -> Outcome<Phase> {
    let (old, units) = (fleet.leader(client)?, fleet.units());
    let starts = fleet.starts();
    let key = keys::placement(&load::name(units)?);
    let phase = measure(fleet, "leader killed, until the next decision is written", |fleet| {
        fleet.kill(old)?;
        load::create(&fleet.etcd.endpoint(), units..units + 1)?;
        // Written, not running: the dead leader's machine is not known to be dead yet, and may be the one that is chosen.
        wait_until("a placement", PATIENCE, || match client.read(&key, Freshness::Quorum) {
            Ok((Some(_), _)) => Ok(()),
            other => Err(format!("{other:?}")),
        })
    })?;
    fleet.begin(old)?;
    fleet.joined(old)?;
    until(fleet, units + 1)?;
    load::destroy(&fleet.etcd.endpoint(), units..units + 1)?;
    until(fleet, units)?;
    let more = fleet.starts() - starts;
    if more == 1 {
        Ok(phase)
    } else {
        Err(Failure::new(format!("{more} units started for one that was created")))
    }
}

/// Everything of a fleet that runs, and then a store that stands still for longer than records live.
pub(crate) fn starvation(fleet: &mut Fleet) -> Outcome<Size> {
    let client = fleet.client()?;
    let mut size = Size::of(fleet.machines, fleet.units());
    let units = fleet.units();
    load::create(&fleet.etcd.endpoint(), 0..units)?;
    for host in 0..fleet.hosts.len() {
        fleet.begin(host)?;
    }
    until(fleet, units)?;
    quiet(fleet, &client)?;
    size.phases.push(starved(fleet, &client)?);
    Ok(size)
}

/// etcd stands still until every record has ended, and finds every agent at its door when it goes on.
fn starved(fleet: &mut Fleet, client: &Client) -> Outcome<Phase> {
    let (starts, machines, units) = (fleet.starts(), fleet.machines, fleet.units());
    let phase = measure(fleet, "etcd stopped for 40 s, until all are registered and it is quiet", |fleet| {
        fleet.etcd.pause()?;
        holds_for("a pause", STARVED, || Ok::<(), String>(()))?;
        fleet.etcd.resume()?;
        wait_until("all machines to be registered", PATIENCE, || {
            let mut registered = 0;
            let mut count = |leaf: Leaf<'_>| registered += usize::from(leaf.key.ends_with("/presence"));
            let read = client.read_tree(keys::MACHINES, Freshness::Local, &mut count);
            read.map_err(|error| error.to_string())?;
            if registered == machines { Ok(()) } else { Err(format!("{registered} of {machines} are")) }
        })?;
        quiet(fleet, client)?;
        until(fleet, units)
    })?;
    unmoved(fleet, starts, phase)
}

/// Waits until a loss would count against no unit any more: what was lost twice within three agent_ttl is held back, whoever
/// leads, and that is not what a rack's loss is to show.
fn settled(client: &Client) -> Outcome {
    let mut youngest = 0;
    let mut note = |leaf: Leaf<'_>| youngest = youngest.max(leaf.created);
    client
        .read_tree(keys::PLACEMENTS, Freshness::Quorum, &mut note)
        .map_err(|cause| Failure::during("read the placements", cause))?;
    wait_until("all placements to be no longer new", PATIENCE, || {
        let (noted, _) = client.read(keys::SETTLED, Freshness::Local).map_err(|error| error.to_string())?;
        let noted = noted.and_then(|held| json::decode::<Settled>(held.value.as_bytes()).ok());
        let index = noted.map_or(0, |noted| noted.index);
        if index >= youngest { Ok(()) } else { Err(format!("noted {index}, the youngest is of {youngest}")) }
    })
}

/// A tenth of the machines lose their power at once, and come back empty afterwards.
fn rack(fleet: &mut Fleet, client: &Client, kills_leader: bool) -> Outcome<Phase> {
    let units = fleet.units();
    let leader = fleet.leader(client)?;
    let what = if kills_leader {
        "a rack lost and the leader with it, until all its units run"
    } else {
        "a rack lost, until all its units run"
    };
    let phase = measure(fleet, what, |fleet| {
        fleet.rack().try_for_each(|host| fleet.kill(host))?;
        if kills_leader {
            fleet.kill(leader)?;
        }
        until(fleet, units)
    })?;
    if kills_leader {
        fleet.wipe(leader)?;
        fleet.begin(leader)?;
        fleet.joined(leader)?;
    }
    for host in fleet.rack() {
        fleet.wipe(host)?;
        fleet.begin(host)?;
    }
    fleet.rack().try_for_each(|host| fleet.joined(host))?;
    quiet(fleet, client)?;
    until(fleet, units)?;
    Ok(phase)
}

/// Kills the leader and does something meanwhile. It is back only once another one leads: one that comes back at once
/// goes on leading.
fn succession(fleet: &mut Fleet, client: &Client, meanwhile: impl FnOnce() -> Outcome) -> Outcome {
    let leader = fleet.leader(client)?;
    fleet.kill(leader)?;
    meanwhile()?;
    wait_until("another leader", PATIENCE, || match fleet.leader(client) {
        Ok(next) if next != leader => Ok(()),
        other => Err(format!("{other:?}")),
    })?;
    fleet.begin(leader)?;
    fleet.joined(leader)
}

/// The leader killed while nothing is wanted: another one takes over, and no unit notices.
fn steady_succession(fleet: &mut Fleet, client: &Client) -> Outcome<Phase> {
    let (starts, units) = (fleet.starts(), fleet.units());
    let phase =
        measure(fleet, "leader killed in steady state, until another leads and it is back", |fleet| {
            succession(fleet, client, || Ok(()))?;
            until(fleet, units)
        })?;
    quiet(fleet, client)?;
    unmoved(fleet, starts, phase)
}

/// Every agent killed and started again, one process of them after another, the leader once more half-way. Units
/// notice nothing.
fn rolling(fleet: &mut Fleet, client: &Client) -> Outcome<Phase> {
    let (starts, units) = (fleet.starts(), fleet.units());
    let phase =
        measure(fleet, "all agents restarted, one process after another, leader killed half-way", |fleet| {
            for host in 0..fleet.hosts.len() {
                if host == fleet.hosts.len() / 2 {
                    succession(fleet, client, || Ok(()))?;
                }
                fleet.kill(host)?;
                fleet.begin(host)?;
                fleet.joined(host)?;
            }
            until(fleet, units)
        })?;
    unmoved(fleet, starts, phase)
}

/// The phase, if not one unit was started in it.
fn unmoved(fleet: &Fleet, starts_before: u64, phase: Phase) -> Outcome<Phase> {
    let more = fleet.starts() - starts_before;
    if more == 0 {
        Ok(phase)
    } else {
        Err(Failure::new(format!("{}: {more} units were started", phase.what)))
    }
}
