//! What can be asked of a unit across all machines, each as a sentence that waits and then passes or fails. It looks at
//! the machines' systemd, never at what Skiff says about it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use crate::failure::{Failure, Outcome};
use crate::promises::{SOON, START};
use crate::run::Ran;
use crate::wait::wait_until;
use crate::world::World;

/// A unit by name, on whatever machines it runs.
#[derive(Clone, Copy, Debug)]
pub struct UnitView<'world> {
    world: &'world World,
    name: &'world str,
}

/// Where a unit runs (machine number) and as which run of it (systemd's invocation ID).
pub type Runs = BTreeMap<usize, String>;

impl<'world> UnitView<'world> {
    pub(crate) fn new(world: &'world World, name: &str) -> Self {
        // A scenario ends soon and has few names; a view that can be copied reads better than one with a lifetime more.
        Self { world, name: Box::leak(name.to_owned().into_boxed_str()) }
    }

    /// Where it runs now, or is on its way up or down.
    #[must_use]
    pub fn runs(&self) -> Runs {
        let look = |number| Some((number, self.world.machine(number).leader().invocation(self.name)?));
        self.world.numbers().filter_map(look).collect()
    }

    /// Where it is active now.
    fn active_on(&self) -> Vec<usize> {
        let active =
            |number: &usize| self.property(*number, "ActiveState").is_ok_and(|state| state == "active");
        self.runs().into_keys().filter(active).collect()
    }

    /// It is, or soon will be, active on exactly one machine; which?
    ///
    /// # Errors
    /// When it is not in time.
    pub fn runs_once(&self) -> Outcome<usize> {
        self.runs_once_within(START)
    }

    /// The same with another deadline.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn runs_once_within(&self, deadline: Duration) -> Outcome<usize> {
        wait_until(format!("{} to be active on one machine", self.name), deadline, || {
            match (self.active_on().as_slice(), self.runs().len()) {
                ([number], 1) => Ok(*number),
                _ => Err(self.shown()),
            }
        })
    }

    /// It soon is active on these machines and nowhere else.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn runs_on(&self, numbers: &[usize]) -> Outcome {
        self.runs_on_within(numbers, SOON)
    }

    /// The same with another deadline.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn runs_on_within(&self, numbers: &[usize], deadline: Duration) -> Outcome {
        wait_until(format!("{} to be active on {numbers:?} only", self.name), deadline, || {
            let right = self.active_on() == numbers && self.runs().len() == numbers.len();
            if right { Ok(()) } else { Err(self.shown()) }
        })
    }

    /// It is, or soon will be, active on exactly one machine other than `lost`; which? What the lost one runs does not
    /// count: cut off, it may still have its copy.
    ///
    /// # Errors
    /// When it is not in time.
    pub fn rescued_from(&self, lost: usize, deadline: Duration) -> Outcome<usize> {
        wait_until(format!("{} to be active elsewhere than on m{lost}", self.name), deadline, || {
            let places: Vec<usize> = self.runs().into_keys().filter(|number| *number != lost).collect();
            match places.as_slice() {
                [number] if self.property(*number, "ActiveState")? == "active" => Ok(*number),
                _ => Err(Failure::new(self.shown())),
            }
        })
    }

    /// It soon runs nowhere.
    ///
    /// # Errors
    /// When it still does.
    pub fn runs_nowhere(&self) -> Outcome {
        wait_until(format!("{} to run nowhere", self.name), SOON, || {
            if self.runs().is_empty() { Ok(()) } else { Err(self.shown()) }
        })
    }

    /// Neither its process nor its file is left on any machine that is on.
    ///
    /// # Errors
    /// When something is.
    pub fn has_left_every_machine(&self) -> Outcome {
        self.runs_nowhere()?;
        let file = format!("/run/fleet/units/{}", self.name);
        wait_until(format!("{file} to be gone"), SOON, || {
            let on = self.world.machines().iter().filter(|machine| machine.is_on());
            for machine in on {
                let there = machine.run(&["test", "-e", &file]).map_err(|failure| failure.to_string())?;
                if there.exit == 0 {
                    return Err(format!("it is on {}", machine.identity().name));
                }
            }
            Ok(())
        })
    }

    /// It still is where it was, and was not restarted.
    ///
    /// # Errors
    /// When it moved, stopped or was started anew.
    pub fn still_runs_as(&self, before: &Runs) -> Outcome {
        let now = self.runs();
        if now == *before {
            return Ok(());
        }
        Err(Failure::new(format!(
            "{} ran as {before:?} and now runs as {now:?}: {}",
            self.name,
            self.shown()
        )))
    }

    /// A property of it on one machine.
    ///
    /// # Errors
    /// When the machine is off.
    pub fn property(&self, number: usize, property: &str) -> Outcome<String> {
        let option = format!("--property={property}");
        let shown =
            self.world.machine(number).run(&["systemctl", "show", &option, "--value", "--", self.name])?;
        Ok(shown.success()?.stdout.trim().to_owned())
    }

    /// Its journal on one machine, messages only, all boots.
    ///
    /// # Errors
    /// When the machine is off.
    pub fn journal(&self, number: usize) -> Outcome<Ran> {
        let since = format!("--since=@{}", self.world.began_epoch_secs());
        self.world.machine(number).run(&[
            "journalctl",
            "--no-pager",
            &since,
            "--output=cat",
            "--unit",
            self.name,
        ])
    }

    /// Its journal on that machine soon has `text` in it.
    ///
    /// # Errors
    /// When it has not.
    pub fn journal_says(&self, number: usize, text: &str) -> Outcome {
        wait_until(format!("the journal of {} on m{number} to say {text:?}", self.name), SOON, || {
            let journal = self.journal(number).map_err(|failure| failure.to_string())?;
            if journal.stdout.contains(text) { Ok(()) } else { Err(journal.to_string()) }
        })
    }

    /// Its state on every machine, for messages.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut text = String::new();
        for number in self.world.numbers() {
            let machine = self.world.machine(number);
            let state = if machine.is_on() {
                let words = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "--", self.name];
                machine
                    .run(&words)
                    .map_or_else(|failure| failure.to_string(), |ran| ran.stdout.trim().to_owned())
            } else {
                "off".to_owned()
            };
            let state = if state.is_empty() { "-" } else { &state };
            let _ = write!(text, "m{number}: {state}; ");
        }
        text
    }
}
