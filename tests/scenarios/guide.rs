//! The guide "Launching Containers with fleet" from its first unit to its last, with its own unit files, commands and
//! output, docker included. The sidekick has a file of its own.

use tests::failure::{Failure, Outcome};
use tests::promises::START;
use tests::table::same_table;
use tests::wait::wait_until;
use tests::world::World;

use crate::Scenario;
use crate::units::SLEEPER;

pub(crate) const ALL: &[Scenario] = &[
    Scenario { name: "guide: the two types of units, in all three lists", run: types_of_units },
    Scenario { name: "guide: a container runs once and says Hello World", run: run_a_container },
    Scenario { name: "guide: two apaches run on two machines", run: high_availability },
    Scenario { name: "guide: the global unit runs on all three machines", run: global_unit },
    Scenario { name: "guide: metadata is listed, and disk=ssd finds its machine", run: metadata },
    Scenario { name: "guide: three providers, three units, one place each", run: three_providers },
];

/// "Run a Container in the Cluster".
pub(crate) const MYAPP: &str = r#"[Unit]
Description=MyApp
After=docker.service
Requires=docker.service

[Service]
TimeoutStartSec=0
ExecStartPre=-/usr/bin/docker kill busybox1
ExecStartPre=-/usr/bin/docker rm busybox1
ExecStartPre=/usr/bin/docker pull busybox
ExecStart=/usr/bin/docker run --name busybox1 busybox /bin/sh -c "while true; do echo Hello World; sleep 1; done"
ExecStop=/usr/bin/docker stop busybox1
"#;

/// "Run a High Availability Service", the first copy.
pub(crate) const APACHE_1: &str = r"[Unit]
Description=My Apache Frontend
After=docker.service
Requires=docker.service

[Service]
TimeoutStartSec=0
ExecStartPre=-/usr/bin/docker kill apache1
ExecStartPre=-/usr/bin/docker rm apache1
ExecStartPre=/usr/bin/docker pull coreos/apache
ExecStart=/usr/bin/docker run -rm --name apache1 -p 80:80 coreos/apache /usr/sbin/apache2ctl -D FOREGROUND
ExecStop=/usr/bin/docker stop apache1

[X-Fleet]
Conflicts=apache.*.service
";

/// "Run a Global Unit".
const DATADOG: &str = r#"[Unit]
Description=Monitoring Service

[Service]
TimeoutStartSec=0
ExecStartPre=-/usr/bin/docker kill dd-agent
ExecStartPre=-/usr/bin/docker rm dd-agent
ExecStartPre=/usr/bin/docker pull datadog/docker-dd-agent
ExecStart=/usr/bin/bash -c \
"/usr/bin/docker run --privileged --name dd-agent -h `hostname` \
-v /var/run/docker.sock:/var/run/docker.sock \
-v /proc/mounts:/host/proc/mounts:ro \
-v /sys/fs/cgroup/:/host/sys/fs/cgroup:ro \
-e API_KEY=`etcdctl get /ddapikey` \
datadog/docker-dd-agent"

[X-Fleet]
Global=true
"#;

const LIST_MACHINES: &str = "MACHINE                                 IP          METADATA
148a18ff-6e95-4cd8-92da-c9de9bb90d5a    10.10.1.1   -
491586a6-508f-4583-a71d-bfc4d146e996    10.10.1.2   -
c9de9451-6a6f-1d80-b7e6-46e996bfc4d1    10.10.1.3   -
";

/// `ctl WORDS` soon prints the guide's table.
pub(crate) fn soon_prints(world: &World, words: &str, expected: &str) -> Outcome {
    wait_until(format!("ctl {words} to print the guide's table"), START, || {
        let printed = world.done(words)?;
        same_table(&printed.stdout, expected)
    })
}

fn types_of_units(world: &mut World) -> Outcome {
    world.fresh()?;
    world.write_unit("global-unit.service", &format!("{SLEEPER}\n[X-Fleet]\nGlobal=true\n"))?;
    world.write_unit("standard-unit.service", SLEEPER)?;
    world.done("start global-unit.service standard-unit.service")?;
    soon_prints(
        world,
        "list-unit-files",
        "UNIT                   HASH     DSTATE    STATE     TMACHINE
         global-unit.service    8ff68b9  launched  launched  3 of 3
         standard-unit.service  7710e8a  launched  launched  148a18ff.../10.10.1.1",
    )?;
    soon_prints(world, "list-machines", LIST_MACHINES)?;
    soon_prints(world, "list-machines --full", LIST_MACHINES)?;
    soon_prints(
        world,
        "list-units",
        "UNIT                    MACHINE                  ACTIVE    SUB
         global-unit.service     148a18ff.../10.10.1.1    active    running
         global-unit.service     491586a6.../10.10.1.2    active    running
         global-unit.service     c9de9451.../10.10.1.3    active    running
         standard-unit.service   148a18ff.../10.10.1.1    active    running",
    )
}

fn run_a_container(world: &mut World) -> Outcome {
    world.with_docker()?;
    world.fresh()?;
    let myapp = world.start_unit("myapp.service", MYAPP)?;
    let number = myapp.runs_once()?;
    myapp.journal_says(number, "Hello World")?;
    soon_prints(
        world,
        "list-units",
        "UNIT              MACHINE                 ACTIVE    SUB
         myapp.service     c9de9451.../10.10.1.3   active    running",
    )?;
    soon_prints(world, "list-machines", LIST_MACHINES)?;
    let journal = world.ctl_on(number, "journal myapp.service")?.success()?;
    let status = world.ctl_on(number, "status myapp.service")?.success()?;
    for (printed, text) in [(&journal, "Hello World"), (&status, "active (running)")] {
        if !printed.stdout.contains(text) {
            return Err(Failure::new(format!("{text:?} is not in {printed}")));
        }
    }
    world.done("destroy myapp.service")?;
    myapp.has_left_every_machine()
}

fn high_availability(world: &mut World) -> Outcome {
    world.with_docker()?;
    world.fresh()?;
    two_apaches(world)?;
    soon_prints(
        world,
        "list-units",
        "UNIT              MACHINE                 ACTIVE    SUB
         apache.1.service  491586a6.../10.10.1.2   active    running
         apache.2.service  148a18ff.../10.10.1.1   active    running",
    )?;
    let number = world.unit("apache.1.service").runs_once()?;
    // The container really serves: the port lies in its machine's network.
    wait_until("the apache container to answer", START, || {
        world
            .machine(number)
            .shell("curl --silent --fail http://127.0.0.1:80/hostname")?
            .success()
            .map(|_| ())
    })
}

/// Writes and starts the two, and sees that they are apart.
pub(crate) fn two_apaches(world: &World) -> Outcome {
    world.write_unit("apache.1.service", APACHE_1)?;
    world.write_unit("apache.2.service", &APACHE_1.replace("apache1", "apache2"))?;
    world.done("start apache.*")?;
    let one = world.unit("apache.1.service").runs_once()?;
    let two = world.unit("apache.2.service").runs_once()?;
    if one == two { Err(Failure::new(format!("both apaches run on m{one}"))) } else { Ok(()) }
}

fn global_unit(world: &mut World) -> Outcome {
    world.with_docker()?;
    world.fresh()?;
    world.machine(1).shell("etcdctl set /ddapikey 12345")?.success()?;
    world.start_unit("datadog.service", DATADOG)?.runs_on(&[1, 2, 3])?;
    soon_prints(
        world,
        "list-units",
        "UNIT                        MACHINE                 ACTIVE    SUB
         datadog.service             148a18ff.../10.10.1.1   active    running
         datadog.service             491586a6.../10.10.1.2   active    running
         datadog.service             c9de9451.../10.10.1.3   active    running",
    )?;
    // The lines that the backslashes join and the two commands in backquotes arrived as they stand in the file.
    wait_until("the container to have the key", START, || {
        let environment = world.machine(2).shell("/usr/bin/docker exec dd-agent /bin/env")?;
        if environment.stdout.contains("API_KEY=12345") {
            Ok(())
        } else {
            Err(Failure::new(environment.to_string()))
        }
    })?;
    world.unit("datadog.service").runs_on(&[1, 2, 3])?;
    world.done("destroy datadog.service")?;
    world.unit("datadog.service").has_left_every_machine()
}

/// The metadata that the guide's machine list shows.
pub(crate) const PROVIDERS: [&str; 3] = [
    "platform=metal,provider=rackspace,region=east,disk=ssd",
    "platform=cloud,provider=rackspace,region=east,disk=ssd",
    "platform=cloud,provider=amazon,region=east,disk=ssd",
];

fn metadata(world: &mut World) -> Outcome {
    world.fresh_with(&PROVIDERS)?;
    soon_prints(
        world,
        "list-machines",
        "MACHINE     IP            METADATA
         29db5063... 10.10.1.1  disk=ssd,platform=metal,provider=rackspace,region=east
         ebb97ff7... 10.10.1.2  disk=ssd,platform=cloud,provider=rackspace,region=east
         f823e019... 10.10.1.3  disk=ssd,platform=cloud,provider=amazon,region=east",
    )?;
    world.fresh_with(&["disk=slow", "", "disk=ssd"])?;
    let unit = format!("{SLEEPER}\n[X-Fleet]\nConditionMachineMetadata=disk=ssd\n");
    world.start_unit("io.service", &unit)?.runs_on(&[3])
}

fn three_providers(world: &mut World) -> Outcome {
    world.fresh_with(&PROVIDERS)?;
    let unit = |provider: &str, platform: &str| {
        format!(
            "{SLEEPER}\n[X-Fleet]\nConflicts=webapp*\nMachineMetadata=provider={provider}\n\
             MachineMetadata=platform={platform}\nMachineMetadata=region=east\n"
        )
    };
    world.write_unit("webapp1.service", &unit("rackspace", "metal"))?;
    world.write_unit("webapp2.service", &unit("rackspace", "cloud"))?;
    world.write_unit("webapp3.service", &unit("amazon", "cloud"))?;
    world.done("start webapp*")?;
    (1..=3).try_for_each(|number| world.unit(&format!("webapp{number}.service")).runs_on(&[number]))
}
