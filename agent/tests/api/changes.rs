//! `GET /changes`: it waits for what was asked about and nothing else, for many at a time, and holds up nobody.

use std::future::Future;
use std::pin::pin;

use agent::http::Method;
use cluster::limits::{API_CHANGES_KEPT_MAX, API_CHANGES_WAITERS_MAX};
use cluster::state::Order;
use smol::future::{self, poll_once, zip};

use super::fleet::{Fleet, SLEEP, error, request};

fn index(answer: &(u16, String)) -> u64 {
    let (status, body) = answer;
    let digits = body.strip_prefix(r#"{"index":"#).unwrap_or_else(|| panic!("{status} {body}"));
    digits.split([',', '}']).next().unwrap().parse().unwrap()
}

fn wait<'f>(fleet: &'f Fleet, query: &str) -> impl Future<Output = (u16, String)> + use<'f> {
    let request = request(Method::Get, &format!("fleet/v1/changes?{query}"), &[], "");
    fleet.agent.answer(request)
}

fn now(fleet: &Fleet) -> u64 {
    index(&fleet.get("changes"))
}

#[test]
fn a_change_ends_the_wait_and_says_of_what() {
    let fleet = Fleet::start();
    let after = now(&fleet);
    smol::block_on(async {
        let mut waiting = pin!(wait(&fleet, &format!("after={after}&unitName=x.service&waitMs=30000")));
        assert!(poll_once(waiting.as_mut()).await.is_none());
        let change = smol::unblock({
            let store = fleet.shared_store();
            move || super::fleet::create_in(&*store, "x.service")
        });
        let (answer, ()) = zip(waiting, change).await;
        assert!(answer.1.ends_with(r#","units":["x.service"]}"#), "{answer:?}");
        assert!(index(&answer) > after);
    });
    // What happened before the question is told at once, and what was told is not told again.
    let told = fleet.get(&format!("changes?after={after}&unitName=x.service&waitMs=30000"));
    assert!(told.1.ends_with(r#","units":["x.service"]}"#), "{told:?}");
    let after = index(&told);
    let nothing = (200, format!(r#"{{"index":{after}}}"#));
    assert_eq!(fleet.get(&format!("changes?after={after}&unitName=x.service&waitMs=300")), nothing);
}

#[test]
fn placements_and_rows_of_the_unit_count_and_others_do_not() {
    let fleet = Fleet::start();
    let session = fleet.register("m1");
    let unit = fleet.create("x.service", "launched", SLEEP);
    let changed = |after: u64| fleet.get(&format!("changes?after={after}&unitName=x.service&waitMs=300"));
    let after = now(&fleet);
    fleet.create("y.service", "inactive", SLEEP);
    assert_eq!(changed(after), (200, format!(r#"{{"index":{after}}}"#)));
    fleet.place("x.service", "m1", unit);
    let placed = changed(after);
    assert!(placed.1.ends_with(r#","units":["x.service"]}"#), "{placed:?}");
    fleet.report("x.service", "m1", session, unit, Order::Launched);
    let reported = changed(index(&placed));
    assert!(reported.1.ends_with(r#","units":["x.service"]}"#), "{reported:?}");
    let after = now(&fleet);
    fleet.create("z.service", "inactive", SLEEP);
    let any = fleet.get(&format!("changes?after={after}&waitMs=30000"));
    assert!(any.1.ends_with(r#","units":["z.service"]}"#), "{any:?}");
    // A machine that comes or goes changes every unit.
    let after = now(&fleet);
    fleet.remove(&cluster::keys::presence(&super::fleet::id("m1")));
    let gone = changed(after);
    assert!(gone.1.ends_with(r#","all":true}"#), "{gone:?}");
}

#[test]
fn many_may_wait_and_nobody_is_held_up() {
    let fleet = Fleet::start();
    let after = now(&fleet);
    smol::block_on(async {
        let query = format!("after={after}&unitName=x.service&waitMs=30000");
        let mut waiting: Vec<_> =
            (0..API_CHANGES_WAITERS_MAX).map(|_| Box::pin(wait(&fleet, &query))).collect();
        for one in &mut waiting {
            assert!(poll_once(one).await.is_none());
        }
        assert_eq!(wait(&fleet, &query).await, error(503, "too many requests wait for changes"));
        // More wait than there are threads for blocking calls, and those are all free.
        let request = request(Method::Get, "fleet/v1/units", &[], "");
        assert_eq!(fleet.agent.answer(request).await, (200, "{}".to_owned()));
        let store = fleet.shared_store();
        smol::unblock(move || super::fleet::create_in(&*store, "x.service")).await;
        for one in waiting {
            let answer = one.await;
            assert!(answer.1.ends_with(r#","units":["x.service"]}"#), "{answer:?}");
        }
        // Their places are free again.
        assert!(wait(&fleet, &format!("after={after}&waitMs=30000")).await.1.contains("x.service"));
    });
}

#[test]
fn whoever_is_too_far_back_looks_at_everything() {
    let fleet = Fleet::start();
    let session = fleet.register("m1");
    let unit = fleet.create("x.service", "launched", SLEEP);
    let after = now(&fleet);
    smol::block_on(async {
        // Somebody who waits for something else keeps the changes coming.
        let mut waiting = pin!(wait(&fleet, &format!("after={after}&unitName=y.service&waitMs=30000")));
        assert!(poll_once(waiting.as_mut()).await.is_none());
        for _ in 0..=API_CHANGES_KEPT_MAX / 2 {
            fleet.report("x.service", "m1", session, unit, Order::Launched);
            fleet.remove(&cluster::keys::states(&super::fleet::id("m1")));
        }
        let last = wait(&fleet, &format!("after={}&unitName=x.service&waitMs=30000", now(&fleet) - 1)).await;
        assert!(index(&last) > after, "{last:?}");
        let old = wait(&fleet, &format!("after={after}&unitName=z.service&waitMs=30000")).await;
        assert!(old.1.ends_with(r#","all":true}"#), "{old:?}");
    });
    assert_eq!(fleet.get("changes?after=x"), error(400, "invalid after: expect a number"));
}

#[test]
fn the_end_of_the_agent_ends_every_wait() {
    let fleet = Fleet::start();
    let after = now(&fleet);
    smol::block_on(async {
        let waiting = wait(&fleet, &format!("after={after}&waitMs=30000"));
        let end = async {
            future::yield_now().await;
            fleet.agent.desk.close();
        };
        let (answer, ()) = zip(waiting, end).await;
        assert_eq!(answer, (200, format!(r#"{{"index":{after}}}"#)));
        let late = wait(&fleet, &format!("after={after}&waitMs=30000")).await;
        assert_eq!(late, error(503, "the agent is about to end"));
    });
}
