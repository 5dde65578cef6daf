//! Keys there and back, what is no key of this layout, and how a snapshot takes leaves in.

use cluster::keys::{self, Key};
use cluster::limits::ERROR_TEXT_MAX_BYTES;
use cluster::{MachineId, Session, Snapshot, UnitName, backoff};
use proptest::prelude::*;

use crate::scene;
use crate::store::Store;

/// Unit names that begin with what etcd hides or cleans away, among others.
fn unit() -> impl Strategy<Value = UnitName> {
    "[_.a-zA-Z0-9:\\\\-]{1,12}(@[a-z.]{0,3})?\\.service"
        .prop_filter_map("no unit name", |text| UnitName::parse(&text).ok())
}

fn machine() -> impl Strategy<Value = MachineId> {
    "[a-zA-Z0-9-][a-zA-Z0-9._-]{0,20}".prop_map(|text| scene::machine(&text))
}

fn session() -> impl Strategy<Value = Session> {
    (1..=u64::MAX).prop_map(|number| Session::new(number).expect("not zero"))
}

proptest! {
    #[test]
    fn every_key_is_read_as_what_it_was_made_of(
        unit in unit(),
        id in machine(),
        session in session(),
        name in "[_.a-zA-Z0-9-]{1,12}",
    ) {
        let made = [
            (keys::LAYOUT.into(), Key::Layout),
            (keys::LEASE.into(), Key::Lease),
            (keys::EVENTS.into(), Key::Events),
            (keys::SETTLED.into(), Key::Settled),
            (keys::global(&unit), Key::Global(unit.clone())),
            (keys::spec(&unit), Key::Spec(unit.clone())),
            (keys::placement(&unit), Key::Placement(unit.clone())),
            (keys::setback(&unit), Key::Setback(unit.clone())),
            (keys::presence(&id), Key::Presence(id.clone())),
            (keys::drain(&id), Key::Drain(id.clone())),
            (keys::metadata(&id, &name), Key::Metadata(id.clone(), name)),
            (keys::assigned(&id, &unit), Key::Assigned(id.clone(), unit.clone())),
            (keys::state(&id, session, &unit), Key::State(id.clone(), session, unit)),
        ];
        for (text, key) in made {
            prop_assert_eq!(Key::parse(&text), Some(key), "{}", &text);
            // etcd hides a part that begins with an underscore and cleans `.` and `..` away.
            prop_assert!(text.split('/').all(|part| !part.starts_with(['_', '.']) && !part.is_empty()), "{}", text);
        }
        let folder = keys::session(&id, session);
        prop_assert!(folder.starts_with(&(keys::states(&id) + "/")));
    }

    #[test]
    fn any_text_is_a_key_or_none(text in "((fleet|units|placements|machines|states|globals|[a-z%._0-9]{0,6})/?){0,6}") {
        let _ = Key::parse(&text);
    }
}

#[test]
fn what_this_layout_does_not_have_is_no_key() {
    let texts = [
        "",
        "/",
        "fleet",
        "fleet/other",
        "fleet/layout/more",
        "fleet/globals",
        "fleet/globals/no-unit",
        "fleet/globals/a.service/more",
        "units",
        "units/",
        "units/no-unit",
        "units/a.service/more",
        "placements/../a.service",
        "machines/m1",
        "machines/m1/other",
        "machines/m1/presence/more",
        "machines/_m1/presence",
        "machines/m1/metadata",
        "machines/m1/metadata/a/b",
        "machines/m1/assigned/a.service/more",
        "states/m1/0/a.service",
        "states/m1/x/a.service",
        "states/m1/5",
        "states/m1/5/a.service/more",
        "job/a.service/object",
    ];
    for text in texts {
        assert_eq!(Key::parse(text), None, "{text}");
    }
}

#[test]
fn a_snapshot_leaves_out_what_it_does_not_know_and_names_what_it_cannot_read() {
    let mut snapshot = Snapshot::default();
    for key in ["fleet/other", "job/a.service/object", "units/no-unit"] {
        snapshot.absorb(key, "{", 5, 5);
    }
    assert_eq!(snapshot, Snapshot::default());
    let unreadable = [
        "fleet/layout",
        "fleet/lease",
        "fleet/globals/g.service",
        "units/a.service",
        "placements/a.service",
        "machines/m1/presence",
        "machines/m1/assigned/a.service",
        "states/m1/5/a.service",
    ];
    for key in unreadable {
        snapshot.absorb(key, "{\"half\":", 5, 5);
    }
    snapshot.absorb("units/b.service", "{}", 5, 0);
    let named: Vec<&str> = snapshot.unreadable.keys().map(String::as_str).collect();
    let mut expected = [unreadable.as_slice(), &["units/b.service"]].concat();
    expected.sort_unstable();
    assert_eq!(named, expected);
    assert!(
        snapshot.unreadable_specs.contains("a.service")
            && snapshot.unreadable_placements.contains("a.service")
    );
    assert!(
        snapshot.machines.get(&scene::machine("m1")).unwrap().is_live()
            && !snapshot.machines.get(&scene::machine("m1")).unwrap().takes_units()
    );
    assert!(snapshot.layout.is_none() && snapshot.lease.is_none());
    // A row that cannot be read still tells of its session, so that the row is swept with it.
    let sessions = snapshot.rows.get(&scene::machine("m1")).unwrap();
    assert!(sessions.len() == 1 && sessions.values().all(|rows| rows.is_empty()), "{sessions:?}");
}

#[test]
fn a_spec_is_unreadable_if_its_file_is() {
    let mut store = Store::new();
    let hash = cluster::Hash::of("");
    store.put_text("units/a.service", &format!(r#"{{"target":"launched","hash":"{hash}","unit":"[Unit"}}"#));
    store.put_text("units/b.service", &format!(r#"{{"target":"running","hash":"{hash}","unit":""}}"#));
    store.put_text("units/c.service", &format!(r#"{{"target":"loaded","hash":"{hash}","unit":"","new":1}}"#));
    let snapshot = store.snapshot();
    assert_eq!(snapshot.unreadable_specs.len(), 2, "{:?}", snapshot.unreadable);
    assert!(snapshot.units.contains_key("c.service"), "a field of a later version is no harm");
}

#[test]
fn only_rows_of_the_present_life_of_a_machine_count() {
    let scene = scene::read("machine m1\nmachine m2 silent\nrows m1 old\nrows m1 now\nrows m2 old".lines())
        .expect("a scene");
    let snapshot = scene.store.snapshot();
    let present = snapshot.machines.get(&scene::machine("m1")).unwrap().session();
    let rows = snapshot.rows.get(&scene::machine("m1")).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(snapshot.live_rows(&scene::machine("m1")), present.and_then(|session| rows.get(&session)));
    assert_eq!(snapshot.live_rows(&scene::machine("m2")), None);
}

#[test]
fn files_are_kept_where_asked_for() {
    let scene = scene::read("unit a.service launched".lines()).expect("a scene");
    assert!(scene.store.snapshot().units.get("a.service").unwrap().file.is_none());
    let mut with_files = Snapshot::with_files();
    let spec = scene::spec("", cluster::TargetState::Launched);
    let value = cluster::json::encode(&spec, 4096).expect("JSON");
    with_files.absorb("units/a.service", &value, 5, 5);
    assert_eq!(
        with_files.units.get("a.service").unwrap().file.as_ref().map(cluster::unit_file::UnitFile::serialise),
        Some(spec.unit)
    );
}

#[test]
fn waits_double_up_to_a_minute_and_errors_are_bounded() {
    let waits: Vec<u64> = (0..9).map(backoff::delay_ms).collect();
    assert_eq!(waits, [1000, 1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]);
    assert_eq!(backoff::delay_ms(u32::MAX), 60_000);

    let aim = |incarnation| {
        (cluster::Incarnation::new(incarnation).expect("not zero"), cluster::Hash::of(""), None)
    };
    let first = backoff::Trouble::after(None, aim(1), "no such file", 500);
    assert_eq!((first.failures, first.retry_at_ms, first.error.as_str()), (1, 1500, "no such file"));
    let second = backoff::Trouble::after(Some(&first), aim(1), "still", 2000);
    assert_eq!((second.failures, second.retry_at_ms), (2, 4000));
    let other = backoff::Trouble::after(Some(&second), aim(2), "another unit", u64::MAX);
    assert_eq!((other.failures, other.retry_at_ms), (1, u64::MAX));

    let short = "ü".repeat(ERROR_TEXT_MAX_BYTES / 2);
    assert_eq!(backoff::bounded(&short), short);
    let cut = backoff::bounded(&("x".to_owned() + &short));
    assert!(cut.len() <= ERROR_TEXT_MAX_BYTES && cut.ends_with("ü…"), "{cut}");
}

#[test]
fn machines_that_could_not_read_come_back_spread_out() {
    let waits =
        |share: u32| (0..6).map(|failures| backoff::read_again_ms(failures, share)).collect::<Vec<_>>();
    assert_eq!(waits(0), [500, 500, 1000, 2000, 4000, 4000]);
    assert_eq!(waits(u32::MAX / 2), [749, 749, 1499, 2999, 5999, 5999]);
    assert_eq!(backoff::read_again_ms(u32::MAX, u32::MAX), 7999);
    assert_eq!((backoff::return_ms(0, u32::MAX), backoff::return_ms(16_000, u32::MAX)), (0, 999));

    // In each tenth of a second about as many of a thousand machines, however alike their IDs are.
    let mut tenths = [0_usize; 10];
    for number in 0..1000 {
        let id = MachineId::parse(&format!("{number:032x}")).expect("an ID");
        tenths[usize::try_from(backoff::return_ms(16_000, id.share()) / 100).expect("small")] += 1;
    }
    assert!(tenths.iter().all(|count| (50..150).contains(count)), "{tenths:?}");
}
