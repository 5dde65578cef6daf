//! The walk through the guide: each chapter types the guide's commands on the demo's fleet, shows what they print, and
//! goes on only when it is what the guide promises.

use std::time::Duration;

use crate::demo::fleet::Fleet;
use crate::demo::rows::Rows;
use crate::demo::screen::Screen;
use crate::failure::{Failure, Outcome};
use crate::wait::{Stopwatch, wait_until};

/// How long any promise of the guide may take to come true.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the units of a lost machine may take to run elsewhere: three times what SPECIFICATION.md promises for an
/// agent_ttl of 5 s, and the units' own start.
const MOVE_PATIENCE: Duration = Duration::from_secs(20);

const LIST_MACHINES: &str = "ctl list-machines";
const LIST_UNITS: &str = "ctl list-units";
const LIST_UNIT_FILES: &str = "ctl list-unit-files";
/// The copies that must never share a machine.
const APACHES: [&str; 2] = ["apache.1.service", "apache.2.service"];

/// A walk under way.
#[derive(Debug)]
pub struct Walk<'a> {
    /// Where it is shown.
    pub screen: &'a mut Screen,
    /// What it is done with.
    pub fleet: &'a mut Fleet,
}

impl Walk<'_> {
    /// All chapters up to the point where every unit of the guide runs on three machines.
    ///
    /// # Errors
    /// At the first promise that did not come true; the text says which, and what was seen instead.
    pub fn whole_guide(&mut self) -> Outcome {
        self.machines()?;
        self.one_service()?;
        self.high_availability()?;
        self.sidekick()?;
        self.global_unit()?;
        self.machine_metadata()?;
        self.template()?;
        self.lost_machine()?;
        self.returned_machine()
    }

    /// Stops and destroys everything, and shows that nothing is left.
    ///
    /// # Errors
    /// As [`Walk::whole_guide`].
    pub fn farewell(&mut self) -> Outcome {
        self.screen.heading("Stop and destroy");
        self.show("ctl stop myapp.service")?;
        let loaded = ["myapp.service", "*", "loaded", "loaded", "*"];
        self.show_once(LIST_UNIT_FILES, "myapp.service to be loaded and no longer launched", |rows| {
            rows.has(&loaded)
        })?;
        self.show("ctl destroy *.service web@1 web@2")?;
        self.show_once(LIST_UNITS, "no unit to be left", |rows| rows.count(0))?;
        self.show_once(LIST_UNIT_FILES, "no unit file to be left", |rows| rows.count(0))
    }

    fn machines(&mut self) -> Outcome {
        self.screen.heading("The machines of the cluster");
        self.screen.talk(if self.fleet.keys.in_etcd() {
            "Three machines, each with a systemd and an agent of its own, and one etcd. ctl talks to the first."
        } else {
            "Three machines, each with a systemd and an agent of its own. The first is skiff-agent --standalone:\n\
             it keeps the fleet's keys itself, and the others have joined it. ctl talks to the first."
        });
        let endpoint = self.fleet.endpoint()?;
        self.screen.command(&format!("export FLEETCTL_ENDPOINT={endpoint}"), "");
        self.show_once(LIST_MACHINES, "three machines in the list", |rows| rows.count(3))
    }

    fn one_service(&mut self) -> Outcome {
        self.screen.heading("Run a service in the cluster");
        self.screen.talk("An ordinary unit file, and the cluster finds a machine for it.");
        self.show("cat myapp.service")?;
        self.show("ctl start myapp.service")?;
        self.show_once(LIST_UNITS, "myapp.service to run on one machine", |rows| {
            rows.machine_of("myapp.service").map(drop)
        })?;
        let launched = ["myapp.service", "*", "launched", "launched", "*"];
        self.show_once(LIST_UNIT_FILES, "myapp.service to be launched", |rows| rows.has(&launched))?;
        self.hello_world()
    }

    fn hello_world(&mut self) -> Outcome {
        let rows = Rows::read(&self.fleet.type_line(LIST_UNITS)?);
        let legend = rows.machine_of("myapp.service").map_err(Failure::new)?;
        let machine = self.fleet.machines.iter().find(|machine| machine.identity.legend() == legend);
        let machine = machine.ok_or_else(|| Failure::new(format!("{legend} is none of our machines")))?;
        let log = machine.runtime().join("myapp.log");
        self.screen.talk("It writes where %t is on that machine, since this computer may have no journal.");
        self.show_when(
            &format!("tail -n 2 {}", log.display()),
            PATIENCE,
            "it to say Hello World",
            |printed| {
                if printed.lines().any(|line| line == "Hello World") {
                    Ok(())
                } else {
                    Err("nothing yet".to_owned())
                }
            },
        )
    }

    fn high_availability(&mut self) -> Outcome {
        self.screen.heading("Run a high availability service");
        self.screen.talk("Two copies that refuse to share a machine.");
        self.show("cat apache.1.service")?;
        self.show("ctl start apache.*")?;
        self.show_once(LIST_UNITS, "both copies on machines of their own", |rows| rows.apart(&APACHES))
    }

    fn sidekick(&mut self) -> Outcome {
        self.screen.heading("Run a simple sidekick");
        self.screen.talk(
            "Each copy gets a companion on its machine, which announces it among the fleet's keys and stops with it.",
        );
        self.show("cat apache-discovery.1.service")?;
        self.show("ctl start apache-discovery.*.service")?;
        self.show_once(LIST_UNITS, "the sidekicks beside their partners", sidekicks)?;
        if !self.fleet.keys.in_etcd() {
            return self.show_when(
                "./store-request GET /services/website",
                PATIENCE,
                "both announcements",
                |printed| {
                    let missing = ["apache1", "apache2"].into_iter().find(|name| !printed.contains(name));
                    missing.map_or(Ok(()), |name| Err(format!("no {name}")))
                },
            );
        }
        let both = "/services/website\n/services/website/apache1\n/services/website/apache2";
        self.show_when("etcdctl ls /services/ --recursive", PATIENCE, "both announcements", |printed| {
            if printed.trim() == both { Ok(()) } else { Err("not both".to_owned()) }
        })?;
        self.show("etcdctl get /services/website/apache1")
    }

    fn global_unit(&mut self) -> Outcome {
        self.screen.heading("Run a global unit");
        self.screen.talk("One copy on every machine.");
        self.show("cat datadog.service")?;
        self.show("ctl start datadog.service")?;
        self.show_once(LIST_UNITS, "datadog.service on three machines", |rows| everywhere(rows, 3))?;
        let full = ["datadog.service", "*", "launched", "launched", "3", "of", "3"];
        self.show_once(LIST_UNIT_FILES, "datadog.service as 3 of 3", |rows| rows.has(&full))
    }

    fn machine_metadata(&mut self) -> Outcome {
        self.screen.heading("Schedule based on machine metadata");
        self.screen
            .talk("Three units, each for one kind of machine, and one for any machine with a fast disk.");
        self.show("cat webapp-amazon.service")?;
        self.show("ctl start webapp-*.service database.service")?;
        let legends: Vec<String> =
            self.fleet.machines.iter().map(|machine| machine.identity.legend()).collect();
        self.show_once(LIST_UNITS, "every unit on a machine that fits", |rows| {
            for (unit, legend) in ["metal", "cloud", "amazon"].iter().zip(&legends) {
                rows.has(&[&format!("webapp-{unit}.service"), legend, "active", "running"])?;
            }
            let disk = rows.machine_of("database.service")?;
            if Some(&disk) == legends.last() { Err(format!("database.service on {disk}")) } else { Ok(()) }
        })
    }

    fn template(&mut self) -> Outcome {
        self.screen.heading("Templates");
        self.screen.talk("One file, any number of copies. %p is what stands before the @.");
        self.show("cat web@.service")?;
        self.show("ctl submit web@.service")?;
        self.show("ctl start web@1 web@2")?;
        let instances = ["web@1.service", "web@2.service"];
        self.show_once(LIST_UNITS, "both instances on machines of their own", |rows| rows.apart(&instances))
    }

    fn lost_machine(&mut self) -> Outcome {
        let (index, legend) = self.victim()?;
        self.screen.heading("A machine dies");
        self.screen.talk(&format!(
            "{legend} loses its power: its systemd, its agent and its units\nget SIGKILL at the same moment, and nobody is told."
        ));
        let watch = Stopwatch::start();
        if let Some(machine) = self.fleet.machines.get_mut(index) {
            machine.lose_power()?;
        }
        // webapp-amazon fits no other machine; everything else has to run again.
        self.show_in(
            MOVE_PATIENCE,
            LIST_UNITS,
            "all units that fit to run on the two machines left",
            |rows| {
                rows.apart(&APACHES)?;
                sidekicks(rows)?;
                everywhere(rows, 2)?;
                rows.apart(&["web@1.service", "web@2.service"])?;
                rows.machine_of("myapp.service").map(drop)?;
                rows.machine_of("database.service").map(drop)
            },
        )?;
        self.screen
            .talk(&format!("That took {:.1} s; agent_ttl is 5 s here.", watch.elapsed().as_secs_f64()));
        self.show_once(LIST_MACHINES, "two machines in the list", |rows| rows.count(2))?;
        if !self.fleet.keys.in_etcd() {
            self.screen.talk(
                "The first machine would have taken the fleet's keys with it: units go on running, and nothing moves\n\
                 until it is back. A fleet that has to outlive any one machine keeps them in an etcd.",
            );
        }
        Ok(())
    }

    fn returned_machine(&mut self) -> Outcome {
        let (index, _) = self.victim()?;
        self.screen.heading("And comes back");
        self.screen.talk("What only it can run has waited for it. Nothing else moves.");
        let before = Rows::read(&self.fleet.type_line(LIST_UNITS)?);
        if let Some(machine) = self.fleet.machines.get_mut(index) {
            machine.switch_on()?;
        }
        self.show_once(LIST_MACHINES, "three machines in the list", |rows| rows.count(3))?;
        self.show_once(LIST_UNITS, "the webapp and the global unit on it again", |rows| {
            rows.machine_of("webapp-amazon.service").map(drop)?;
            everywhere(rows, 3)?;
            rows.keeps(&before)
        })
    }

    /// The machine to lose: the last one, which neither keeps the fleet's keys nor answers the typed commands.
    fn victim(&self) -> Outcome<(usize, String)> {
        let last = self.fleet.machines.iter().enumerate().next_back();
        last.map(|(index, machine)| (index, machine.identity.legend()))
            .ok_or_else(|| Failure::new("no machine was raised"))
    }

    /// Types a line and shows what it printed.
    fn show(&mut self, line: &str) -> Outcome {
        let printed = self.fleet.type_line(line)?;
        self.screen.command(line, &printed);
        Ok(())
    }

    fn show_once(&mut self, line: &str, what: &str, check: impl Fn(&Rows) -> Result<(), String>) -> Outcome {
        self.show_in(PATIENCE, line, what, check)
    }

    fn show_in(
        &mut self,
        patience: Duration,
        line: &str,
        what: &str,
        check: impl Fn(&Rows) -> Result<(), String>,
    ) -> Outcome {
        self.show_when(line, patience, what, |printed| check(&Rows::read(printed)))
    }

    /// Types a line again and again until it prints what it should, and shows that last time.
    fn show_when(
        &mut self,
        line: &str,
        patience: Duration,
        what: &str,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Outcome {
        let fleet = &mut *self.fleet;
        let printed = wait_until(what, patience, || {
            if let Err(ended) = fleet.check() {
                // No use in waiting for the deadline: out of the wait with it, as a result.
                return Ok(Err(ended));
            }
            let printed = fleet.type_line(line).map_err(|failure| failure.to_string())?;
            check(&printed).map_err(|seen| format!("{seen}\n$ {line}\n{printed}"))?;
            Ok::<_, String>(Ok(printed))
        })??;
        self.screen.command(line, &printed);
        Ok(())
    }
}

fn sidekicks(rows: &Rows) -> Result<(), String> {
    rows.together("apache-discovery.1.service", "apache.1.service")?;
    rows.together("apache-discovery.2.service", "apache.2.service")
}

fn everywhere(rows: &Rows, machines: usize) -> Result<(), String> {
    let found = rows.running("datadog.service")?.len();
    if found == machines { Ok(()) } else { Err(format!("datadog.service on {found} machines")) }
}
