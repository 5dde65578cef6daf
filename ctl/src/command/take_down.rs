//! What stop and unload have in common: find units, ask for less, wait for it (contract §3.4).

use cluster::{TargetState, UnitName};

use crate::api::Unit;
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::orders::{Goal, await_units, doomed, existing_of, late, set_all};
use crate::suggest;
use crate::talk;
use crate::waiting::{Missing, Patience};

/// What becomes of one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is taken down.
    TakenDown,
    /// It is down already.
    Skipped,
    /// It cannot be, and that is an error.
    Refused,
}

/// A stop or an unload, as its flags describe it.
pub(super) struct TakeDown<'a> {
    pub(super) words: &'a [String],
    pub(super) target: TargetState,
    /// The command's name, for `Triggered unit X stop`.
    pub(super) name: &'static str,
    /// The same as a past participle, for `Successfully stopped units`.
    pub(super) done: &'static str,
    /// What global units are waited for.
    pub(super) global_goal: Goal,
    pub(super) fate: fn(&Unit) -> Fate,
    pub(super) yes: bool,
    pub(super) no_block: bool,
    pub(super) block_attempts: u32,
}

impl TakeDown<'_> {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.words.is_empty() {
            talk::say("No units given");
            return Ok(Exit::Ok);
        }
        let units = existing_of(context, &doomed(context, self.words, self.name, self.yes)?)?;
        if units.is_empty() {
            talk::say("Units not found in registry");
            suggest::for_words(context, self.words);
            return Ok(Exit::Ok);
        }
        let mut exit = Exit::Ok;
        for unit in units.iter().filter(|unit| (self.fate)(unit) == Fate::Refused) {
            talk::say(&format!(
                "Unable to {} unit {} in state {}",
                self.name,
                unit.name,
                TargetState::Inactive
            ));
            exit = Exit::Failed;
        }
        let taken: Vec<Unit> =
            units.into_iter().filter(|unit| (self.fate)(unit) == Fate::TakenDown).collect();
        if exit != Exit::Ok && taken.is_empty() {
            return Ok(exit);
        }
        let lead = format!("Error in {} of units", self.name);
        set_all(context, &names(taken.iter()), self.target, &lead, |_| Ok(()))?;
        let missing = self.follow(context, &taken)?;
        Ok(if self.report(&taken, &missing) { exit } else { Exit::Failed })
    }

    fn follow(&self, context: &Context<'_>, taken: &[Unit]) -> Result<Missing, Failure> {
        let global = names(taken.iter().filter(|unit| unit.global));
        let single = names(taken.iter().filter(|unit| !unit.global));
        for name in &global {
            context.answer(&format!("Triggered global unit {name} {}", self.name))?;
        }
        if self.no_block {
            for name in &single {
                context.answer(&format!("Triggered unit {name} {}", self.name))?;
            }
            return Ok(Missing::default());
        }
        let patience = Patience::attempts(self.block_attempts);
        let mut missing = await_units(context, &single, Goal::State(self.target), patience)?;
        let more = await_units(context, &global, self.global_goal, patience)?;
        missing.late.extend(more.late);
        missing.lost.extend(more.lost);
        Ok(missing)
    }

    /// fleet's closing line; false if something is missing.
    fn report(&self, taken: &[Unit], missing: &Missing) -> bool {
        let reason = match (missing.late.first(), missing.lost.first()) {
            (Some(name), _) => late(name, self.target.as_str()),
            (None, Some((name, why))) => format!("unit {name}: {why}"),
            (None, None) => {
                talk::say(&format!("Successfully {} units [{}].", self.done, listed(names(taken.iter()))));
                return true;
            }
        };
        let failed = missing.late.iter().chain(missing.lost.iter().map(|(name, _)| name)).cloned().collect();
        talk::say(&format!("Failed to {} units [{}]. err: {reason}", self.name, listed(failed)));
        false
    }
}

fn names<'u>(units: impl Iterator<Item = &'u Unit>) -> Vec<UnitName> {
    units.map(|unit| unit.name.clone()).collect()
}

fn listed(names: Vec<UnitName>) -> String {
    names.iter().map(UnitName::as_str).collect::<Vec<_>>().join(" ")
}
