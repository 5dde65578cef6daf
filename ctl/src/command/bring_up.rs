//! What load and start have in common: make units ready, ask for a state, wait for it (contract §3.4).

use cluster::{TargetState, UnitName};

use super::dry_run;
use crate::activity;
use crate::context::Context;
use crate::create::{Ready, Verb, make_ready};
use crate::exit::{Ended, Exit, Failure};
use crate::orders::{Goal, await_units, report_missing, set_all};
use crate::talk;
use crate::waiting::{Missing, Patience};

/// A load or a start, as its flags describe it.
pub(super) struct BringUp<'a> {
    pub(super) words: &'a [String],
    pub(super) verb: Verb,
    pub(super) target: TargetState,
    /// The command's name, for `Triggered unit X start`.
    pub(super) name: &'static str,
    /// What an error in asking for the state begins with.
    pub(super) lead: &'static str,
    pub(super) replace: bool,
    pub(super) dry_run: bool,
    pub(super) no_block: bool,
    pub(super) block_attempts: u32,
}

impl BringUp<'_> {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.words.is_empty() {
            talk::say("No units given");
            return Ok(Exit::Ok);
        }
        if self.dry_run {
            return dry_run::run(context, self.words, self.verb, self.replace, self.target);
        }
        let patience = Patience::attempts(self.block_attempts);
        let ready = make_ready(context, self.words, self.verb, self.replace, patience)?;
        let changed: Vec<Ready> = ready.into_iter().filter(|unit| unit.desired != self.target).collect();
        set_all(context, &names(&changed), self.target, self.lead, |_| Ok(()))?;
        let (global, single): (Vec<Ready>, Vec<Ready>) = changed.into_iter().partition(|unit| unit.global);
        for unit in &global {
            context.answer(&format!("Triggered global unit {} {}", unit.name, self.name))?;
        }
        if self.no_block {
            for unit in &single {
                context.answer(&format!("Triggered unit {} {}", unit.name, self.name))?;
            }
            return Ok(Exit::Ok);
        }
        self.follow(context, &single, patience)
    }

    fn follow(&self, context: &Context<'_>, units: &[Ready], patience: Patience) -> Result<Exit, Failure> {
        let missing = await_units(context, &names(units), Goal::State(self.target), patience)?;
        if !missing.is_empty() {
            report_missing(context, &missing, self.target.as_str());
        }
        let arrived: Vec<Ready> = units.iter().filter(|unit| !missing.holds(&unit.name)).cloned().collect();
        let active = match self.target {
            TargetState::Launched => report(context, &activity::await_active(context, &arrived, patience)?),
            TargetState::Loaded | TargetState::Inactive => Exit::Ok,
        };
        // One unit's failure hides nobody else's.
        Ok(if missing.is_empty() { active } else { Exit::Failed })
    }
}

/// Says which units are not active; a person is told where to look.
fn report(context: &Context<'_>, missing: &Missing) -> Exit {
    let exit = activity::report(missing);
    if let Some((name, _)) = missing.lost.first()
        && talk::has_reader()
    {
        talk::say(&format!("\"{} journal {name}\" shows what it wrote.", context.program));
    }
    exit
}

fn names(units: &[Ready]) -> Vec<UnitName> {
    units.iter().map(|unit| unit.name.clone()).collect()
}
