//! Units that are wrong, unlucky or hostile: each gets its own clear error, and its neighbours never notice.

use tests::failure::{Failure, Outcome};
use tests::run::Ran;
use tests::world::World;

use crate::Scenario;
use crate::placement::{exits, says};
use crate::units::{SLEEPER, sleeper_with};

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "bad units: one that systemd refuses and one that fails, beside good ones",
        run: refused,
    },
    Scenario { name: "bad units: hostile names are refused by the API, by name", run: hostile_names },
    Scenario { name: "bad units: rubbish written into etcd harms nobody", run: rubbish_in_etcd },
    Scenario { name: "bad units: impossible and unknown options are named", run: bad_options },
];

fn pinned(world: &World, number: usize) -> String {
    format!("MachineID={}", world.machine(number).identity().machine_id)
}

/// Fails before it is ever active.
const FAILS: &str = "[Service]\nExecStartPre=/bin/false\nExecStart=/bin/sleep infinity\n";

fn refused(world: &mut World) -> Outcome {
    world.fresh()?;
    let pin = pinned(world, 2);
    let before = world.start_unit("a-good.service", &sleeper_with(&pin))?;
    before.runs_on(&[2])?;
    let run = before.runs();
    let bad = [
        ("b-refused.service", "[Service]\nType=nonsense\n", "bad unit file setting"),
        ("c-fails.service", FAILS, "exit-code"),
        // systemd's own verdict. The line that names the program comes from a process that ends at once, and the
        // journal does not always know whose it was.
        ("d-missing.service", "[Service]\nType=exec\nExecStart=/no/such/program\n", "203/EXEC"),
    ];
    for (name, content, word) in bad {
        world.write_unit(name, &format!("{content}\n[X-Fleet]\n{pin}\n"))?;
        // On the unit's own machine, where ctl can show its last lines.
        says(&exits(world.ctl_on(2, &format!("start {name}"))?, 1)?, &[name, word])?;
        before.still_runs_as(&run)?;
    }
    // In one command: each bad one is named with its trouble, and the good one between them runs.
    world.write_unit("e-refused.service", &format!("[Service]\nType=nonsense\n\n[X-Fleet]\n{pin}\n"))?;
    world.write_unit("f-good.service", &sleeper_with(&pin))?;
    world.write_unit("g-fails.service", &format!("{FAILS}\n[X-Fleet]\n{pin}\n"))?;
    let all = exits(world.ctl("start e-refused.service f-good.service g-fails.service")?, 1)?;
    world.unit("f-good.service").runs_on(&[2])?;
    before.still_runs_as(&run)?;
    says(
        &all,
        &[
            "unit e-refused.service failed",
            "bad unit file setting",
            "unit g-fails.service failed",
            "exit-code",
        ],
    )?;
    // Active for a moment, and ctl may have gone by then: the cluster knows all the same.
    world.write_unit("h-dies.service", &format!("[Service]\nExecStart=/bin/false\n\n[X-Fleet]\n{pin}\n"))?;
    world.ctl("start h-dies.service")?;
    world.done("wait --for failed --timeout 15s h-dies.service")?;
    before.still_runs_as(&run)?;
    // Mended and replaced, it runs.
    world.write_unit("b-refused.service", &sleeper_with(&pin))?;
    world.done("start --replace b-refused.service")?;
    world.unit("b-refused.service").runs_on(&[2])?;
    before.still_runs_as(&run)
}

/// What a client may try as a name, percent-encoded, and a word of the answer that names the trouble.
fn hostile() -> Vec<(String, &'static str)> {
    vec![
        ("..%2f..%2f..%2fetc%2fpasswd".to_owned(), "invalid unit type"),
        ("..%2f..%2f..%2fetc%2fevil.service".to_owned(), "invalid character"),
        (format!("{}.service", "x".repeat(5000)), "256"),
        ("a%ffb.service".to_owned(), "UTF-8"),
        ("a%00b.service".to_owned(), "control character"),
        ("a%0ab.service".to_owned(), "character"),
        ("-rf%20.service".to_owned(), "invalid character"),
        ("unknown.type".to_owned(), "invalid unit type"),
        ("nodot".to_owned(), "must contain"),
    ]
}

const SPEC: &str = r#"{"desiredState":"launched","options":[{"section":"Service","name":"ExecStart","value":"/bin/sleep infinity"}]}"#;

fn put(world: &World, name: &str, body: &str) -> Outcome<Ran> {
    let url = format!("http://fleet/fleet/v1/units/{name}");
    let words = [
        "curl",
        "--silent",
        "--show-error",
        "--path-as-is",
        "--max-time",
        "10",
        "--unix-socket",
        "/run/fleet.sock",
        "--write-out",
        "\n%{http_code}\n",
        "--request",
        "PUT",
        "--header",
        "Content-Type: application/json",
        "--data",
        body,
        &url,
    ];
    world.machine(1).run(&words)
}

fn hostile_names(world: &mut World) -> Outcome {
    world.fresh()?;
    let good = world.start_unit("good.service", SLEEPER)?;
    good.runs_once()?;
    let run = good.runs();
    for (name, word) in hostile() {
        let answer = put(world, &name, SPEC)?;
        let status = answer.stdout.lines().last().unwrap_or_default();
        // A name too long for a request line may be refused as such.
        let too_long = name.len() > 5000 && status == "414";
        if !too_long && (status != "400" || !answer.stdout.contains(word)) {
            return Err(Failure::new(format!("{name:.60} was not refused with {word:?}: {answer}")));
        }
    }
    for words in
        ["start ../../etc/passwd", "start unknown.type", "submit $(printf 'x%.0s' $(seq 5000)).service"]
    {
        let ran = world.ctl(words)?;
        if ran.exit == 0 {
            return Err(Failure::new(format!("{ran} should have failed")));
        }
    }
    says(&put(world, "state.service", &SPEC.replace("launched", "flying"))?, &["400"])?;
    says(&put(world, "new.service", SPEC)?, &["201"])?;
    world.unit("new.service").runs_once()?;
    good.still_runs_as(&run)
}

/// What somebody with access to etcd could write, and nobody may stumble over.
const RUBBISH: [(&str, &str); 9] = [
    ("units/rubbish.service", "{\"not\": \"a spec\"}"),
    ("units/cut.service", "{\"target\":\"launch"),
    ("units/..%2F..%2Fetc%2Fpasswd", "{}"),
    ("units/what.foo", "{}"),
    ("units/folder.service/inside", "1"),
    ("placements/rubbish.service", "nothing"),
    ("machines/nobody/presence", "[]"),
    ("fleet/globals/what.foo", "{"),
    ("states/nobody/1/x.service", "\u{1}"),
];

fn rubbish_in_etcd(world: &mut World) -> Outcome {
    world.fresh()?;
    let good = world.start_unit("good.service", SLEEPER)?;
    good.runs_once()?;
    let run = good.runs();
    for (key, value) in RUBBISH {
        let url = format!("{}/v2/keys/_coreos.com/fleet/{key}", world.etcd.endpoint());
        let value = format!("value={value}");
        let words =
            ["curl", "--silent", "--fail", "--path-as-is", "-X", "PUT", "--data-urlencode", &value, &url];
        world.machine(1).run(&words)?.success()?;
    }
    let own = format!("machines/{}/assigned/rubbish.service", world.machine(1).identity().machine_id);
    world.etcd.etcdctl(&["set", &format!("/_coreos.com/fleet/{own}"), "{{{{"])?.success()?;
    for name in ["later1.service", "later2.service", "later3.service"] {
        world.start_unit(name, SLEEPER)?.runs_once()?;
    }
    good.still_runs_as(&run)?;
    says(&world.done("list-units")?, &["good.service", "later1.service", "later3.service"])?;
    says(&world.done("list-unit-files")?, &["good.service"])?;
    says(&world.done("list-machines")?, &["148a18ff", "491586a6", "c9de9451"])
}

fn bad_options(world: &mut World) -> Outcome {
    world.fresh()?;
    let rows = [
        ("both.service", "Global=true\nMachineOf=x.service", "Global cannot be used with Peers"),
        ("blanks.service", "MachineMetadata=a=b c=d", "a=b c=d"),
        ("pinned.service", "MachineID=abc\nConflicts=x*", "MachineID cannot be used with Conflicts"),
    ];
    for (name, options, message) in rows {
        world.write_unit(name, &sleeper_with(options))?;
        says(&exits(world.ctl(&format!("submit {name}"))?, 1)?, &[message])?;
    }
    world.write_unit("unknown.service", &sleeper_with("NoSuchOption=1"))?;
    let warned = world.done("submit unknown.service")?;
    says(&warned, &["unrecognized requirement in [X-Fleet] section: \"NoSuchOption\""])?;
    world.write_unit("garbage.service", "this is no unit file at all")?;
    exits(world.ctl("submit garbage.service")?, 1).map(|_| ())
}
