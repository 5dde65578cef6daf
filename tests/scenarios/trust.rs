//! Who is let in, and what is never told: certificates between machines and for people, passwords towards etcd.

use std::fs;

use tests::certificates::Certificates;
use tests::failure::{Failure, Outcome};
use tests::machine_root::{put, put_bytes};
use tests::promises::SOON;
use tests::run::Ran;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::placement::says;
use crate::standalone::{begin, lists};
use crate::units::SLEEPER;

pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "trust: a hub, its machines and people with certificates, and nobody else",
        run: certificates,
    },
    Scenario {
        name: "trust: an etcd with passwords, and no secret in anything that is printed",
        run: passwords,
    },
];

/// Where certificates lie on machines.
const TLS: &str = "/etc/fleet/tls";
/// The hub's store, and its API.
const HUB: &str = "10.10.1.1:2379";
const API: &str = "10.10.1.1:49153";
/// The password of the fleet's user of etcd, and a wrong one: texts that nothing else has.
const PASSWORD: &str = "pw-Zq7vK2";
const WRONG: &str = "pw-Xw9tM4";

fn made(world: &World) -> Outcome<Certificates> {
    let certificates = Certificates::make(&world.folder("trust")?)?;
    for number in 1..=3 {
        certificates.server(&format!("m{number}"), &format!("IP:10.10.1.{number}"))?;
    }
    for name in ["alice", "watcher"] {
        certificates.client(name, &format!("/CN={name}"))?;
    }
    certificates.foreign("mallory", "/CN=alice")?;
    Ok(certificates)
}

/// Puts these files on a machine, for root alone.
fn give(world: &World, number: usize, certificates: &Certificates, names: &[&str]) -> Outcome {
    let machine = world.machine(number);
    machine.shell(&format!("install -d -m 0700 {TLS}"))?.success()?;
    for name in names {
        let path = certificates.file(name);
        let bytes =
            fs::read(&path).map_err(|cause| Failure::during(format!("read {}", path.display()), cause))?;
        put_bytes(machine.root(), &format!("{TLS}/{name}").replacen('/', "", 1), &bytes)?;
    }
    Ok(())
}

fn machine_settings(number: usize) -> String {
    format!("etcd_cafile={TLS}/ca.pem\netcd_certfile={TLS}/m{number}.pem\netcd_keyfile={TLS}/m{number}.key")
}

/// ctl on machine 2, over TLS to the hub's API, as one of its people.
fn ctl_as(world: &World, name: &str, words: &str) -> Outcome<Ran> {
    let files = format!("--ca-file={TLS}/ca.pem --cert-file={TLS}/{name}.pem --key-file={TLS}/{name}.key");
    world.ctl_on(2, &format!("--endpoint=https://{API} {files} {words}"))
}

fn certificates(world: &mut World) -> Outcome {
    world.fresh()?;
    world.etcd.stop()?;
    let made = made(world)?;
    for number in 1..=3 {
        let own = [format!("m{number}.pem"), format!("m{number}.key")];
        give(world, number, &made, &["ca.pem", &own[0], &own[1]])?;
    }
    give(
        world,
        2,
        &made,
        &["alice.pem", "alice.key", "watcher.pem", "watcher.key", "mallory.pem", "mallory.key"],
    )?;
    let api = format!(
        "listen={API}\napi_certfile={TLS}/m1.pem\napi_keyfile={TLS}/m1.key\napi_cafile={TLS}/ca.pem\n\
         api_read=watcher\napi_operate=alice"
    );
    begin(world, 1, &format!("store_listen={HUB}\n{}\n{api}", machine_settings(1)))?;
    for number in [2, 3] {
        begin(world, number, &format!("etcd_servers=https://{HUB}\n{}", machine_settings(number)))?;
    }
    (1..=3).try_for_each(|number| lists(world, number, 3))?;
    world.write_unit("web.service", SLEEPER)?;
    ctl_as(world, "alice", "start web.service")?.success()?;
    ctl_as(world, "watcher", "list-units --no-legend")?.success()?;
    says(
        &ctl_as(world, "watcher", "destroy web.service")?,
        &["Error 403", "may read here and change nothing"],
    )?;
    says(
        &ctl_as(world, "mallory", "list-units")?,
        &["does not trust whoever signed this client's certificate"],
    )?;
    let journal =
        world.machine(1).shell("journalctl --no-pager --output=cat --unit=fleet.service")?.success()?;
    for line in [
        "api-change: cert=alice from=10.10.1.2:",
        "state=launched outcome=done: ",
        "method=DELETE unit=web.service outcome=denied: ",
    ] {
        says(&journal, &[line])?;
    }
    strangers_get_nothing(world)?;
    renewed(world, &made)?;
    no_secret(world, &[1, 2, 3], &secrets_of_keys(&made)?)
}

/// Certificates are renewed by new files and a reload: of the hub, at both of its ports, and of its clients. Half of a
/// pair is refused, and the agent goes on as it was.
fn renewed(world: &World, made: &Certificates) -> Outcome {
    let agent = |number| world.unit("fleet.service").property(number, "MainPID");
    let reload =
        |number: usize| world.machine(number).run(&["systemctl", "reload", "fleet.service"])?.success();
    let (pids, runs) = ([agent(1)?, agent(2)?], world.unit("web.service").runs());
    for number in [1, 2] {
        let name = format!("m{number}");
        made.server(&name, &format!("IP:10.10.1.{number}"))?;
        give(world, number, made, &[&format!("{name}.pem")])?;
        reload(number)?;
        let journal =
            world.machine(number).shell("journalctl --no-pager --output=cat --unit=fleet.service")?;
        says(&journal, &["the certificates were renewed", "the old program goes on"])?;
        give(world, number, made, &[&format!("{name}.key")])?;
        reload(number)?;
    }
    let file = world.machine(1).shell(&format!("openssl x509 -noout -serial -in {TLS}/m1.pem"))?.success()?;
    let files = format!("-CAfile {TLS}/ca.pem -cert {TLS}/m2.pem -key {TLS}/m2.key");
    for port in [HUB, API] {
        wait_until(format!("{port} to show the new certificate"), SOON, || {
            let show =
                format!("openssl s_client -connect {port} {files} </dev/null | openssl x509 -noout -serial");
            let shown = world.machine(2).shell(&show)?;
            if shown.stdout == file.stdout { Ok(()) } else { Err(Failure::new(shown.to_string())) }
        })?;
    }
    (1..=3).try_for_each(|number| lists(world, number, 3))?;
    if [agent(1)?, agent(2)?] != pids || world.unit("web.service").runs() != runs {
        return Err(Failure::new("an agent or a unit was started anew for a certificate"));
    }
    world.start_unit("renewed.service", SLEEPER)?.runs_once().map(drop)
}

/// The store's address: no plain text, no client without a certificate, none of another authority.
fn strangers_get_nothing(world: &World) -> Outcome {
    let ask = |words: &str| {
        let line = format!("curl --silent --show-error --max-time 5 {words}/v2/keys/?recursive=true");
        world.machine(2).shell(&line)
    };
    says(&ask(&format!("http://{HUB}"))?, &["use https://"])?;
    let mallory = format!("--cert {TLS}/mallory.pem --key {TLS}/mallory.key");
    for certificate in ["", &mallory] {
        let refused = ask(&format!("--cacert {TLS}/ca.pem {certificate} https://{HUB}"))?;
        if refused.exit == 0 {
            return Err(Failure::new(format!("the store let in {certificate:?}: {refused}")));
        }
    }
    Ok(())
}

/// A line from the middle of each private key.
fn secrets_of_keys(made: &Certificates) -> Outcome<Vec<String>> {
    let names = ["m1", "m2", "m3", "alice", "watcher", "mallory"];
    let secret = |name: &str| {
        let path = made.file(&format!("{name}.key"));
        let text = fs::read_to_string(&path)
            .map_err(|cause| Failure::during(format!("read {}", path.display()), cause))?;
        text.lines().nth(2).map(str::to_owned).ok_or_else(|| Failure::new(format!("{name}.key: short")))
    };
    names.into_iter().map(secret).collect()
}

fn passwords(world: &mut World) -> Outcome {
    world.fresh()?;
    let outcome = with_passwords(world);
    // The next scenario wants one without.
    world.replace_etcd()?;
    outcome
}

fn with_passwords(world: &World) -> Outcome {
    let user = format!("fleet:{PASSWORD}");
    for words in [&["user", "add", "root:only-here"][..], &["auth", "enable"]] {
        world.etcd.etcdctl(words)?.success()?;
    }
    let as_root =
        |words: &[&str]| world.etcd.etcdctl(&[&["-u", "root:only-here"], words].concat())?.success();
    as_root(&["role", "revoke", "guest", "--path", "/*", "--readwrite"])?;
    as_root(&["role", "add", "fleet"])?;
    as_root(&["role", "grant", "fleet", "--path", "/_coreos.com/*", "--readwrite"])?;
    as_root(&["user", "add", &user])?;
    as_root(&["user", "grant", "fleet", "--roles", "fleet"])?;
    // The later lines count: etcd takes its time for each password, and more on a busy machine.
    let settings = |password: &str| {
        format!(
            "etcd_servers=http://10.10.1.254:2379\netcd_username=fleet\netcd_password={password}\nverbosity=1\n\
             agent_ttl=60s\nengine_reconcile_interval=4\netcd_request_timeout=5.0"
        )
    };
    // One machine: etcd takes a tenth of a second of the processor for every password.
    for number in [2, 3] {
        world.machine(number).shell("systemctl stop fleet.socket fleet.service")?.success()?;
    }
    begin(world, 1, &settings(WRONG))?;
    wait_until("the agent to say that etcd refuses it", SOON, || {
        let status = world.machine(1).shell("systemctl status --no-pager --full fleet.service")?;
        let told = status.stdout.contains("Insufficient credentials");
        if told { Ok(()) } else { Err(Failure::new(status.to_string())) }
    })?;
    begin(world, 1, &settings(PASSWORD))?;
    wait_until("the machine to be listed", SOON * 4, || {
        let listed = world.ctl_on(1, "list-machines --no-legend")?;
        if listed.exit == 0 { Ok(()) } else { Err(Failure::new(listed.to_string())) }
    })?;
    world.start_unit("web.service", SLEEPER)?.runs_once_within(SOON * 4)?;
    // A file with mistakes around the secret: checked, and reloaded.
    let machine = world.machine(1);
    let broken = format!("{}\n{PASSWORD}\ntoken_limit=none\netcd_user=fleet:", settings(PASSWORD));
    put(machine.root(), "etc/fleet/broken.conf", &broken)?;
    let checked =
        machine.shell("skiff-agent --check --config /etc/fleet/broken.conf > /root/checked 2>&1")?;
    if checked.exit == 0 {
        return Err(Failure::new("a broken file was accepted"));
    }
    put(machine.root(), "etc/fleet/fleet.conf", &broken)?;
    machine.run(&["systemctl", "reload", "fleet.service"])?;
    no_secret(world, &[1], &[PASSWORD.to_owned(), WRONG.to_owned()])
}

/// What Skiff prints, and what lies in the folder it writes to, gathered in one place.
const GATHER: &str = "mkdir -p /root/said; cd /root/said; \
    journalctl --no-pager --all --output=export > journal; journalctl --no-pager --all --output=cat > text; \
    cat /proc/[0-9]*/cmdline /proc/[0-9]*/comm > processes 2>/dev/null; \
    systemctl status --no-pager --full fleet.service > status 2>&1; \
    systemctl show fleet.service fleet.socket > show 2>&1; \
    for path in metrics fleet/v1/units fleet/v1/machines fleet/v1/state fleet/v1/explain/web.service; do \
    curl --silent --unix-socket /run/fleet.sock http://x/$path; done > api; \
    (ctl --debug list-units; ctl list-machines -o json; ctl cat web.service; ctl explain web.service) > ctl 2>&1; \
    cp -r /root/checked /run/fleet . 2>/dev/null; true";

/// Looks for the secrets in all of that: the journal with every field, state dumps, the words of every process, what ctl,
/// the API and `--check` say, the files under /run/fleet.
fn no_secret(world: &World, numbers: &[usize], secrets: &[String]) -> Outcome {
    for number in numbers {
        let machine = world.machine(*number);
        machine.run(&["systemctl", "kill", "--signal=USR1", "fleet.service"])?.success()?;
        wait_until(format!("m{number} to print its state"), SOON, || {
            let dumped = machine.shell("journalctl --output=cat --unit=fleet.service | grep TargetStates")?;
            if dumped.exit == 0 { Ok(()) } else { Err(Failure::new(dumped.to_string())) }
        })?;
        machine.shell(GATHER)?.success()?;
        for secret in secrets {
            let found = machine.shell(&format!("grep -r --text -e '{secret}' /root/said"))?;
            if found.exit != 1 {
                return Err(Failure::new(format!("a secret on m{number}: {found}")));
            }
        }
        // That search finds what is there.
        for (word, place) in [("TargetStates", "text"), ("web.service", "api"), ("web.service", "ctl")] {
            machine.shell(&format!("grep --text {word} /root/said/{place}"))?.success()?;
        }
        machine.shell("rm -rf /root/said /root/checked")?.success()?;
    }
    Ok(())
}
