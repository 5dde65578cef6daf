//! `destroy`: units stopped, off their machines, and out of the registry.

use argh::{ArgsInfo, FromArgs};
use cluster::UnitName;
use cluster::sorted::{Map, Set};

use crate::api::{Api, ApiError};
use crate::context::Context;
use crate::exit::{Ended, Exit, Failure};
use crate::lanes;
use crate::orders::{ASKED_SINGLY_MAX, doomed, late, read_states, read_units};
use crate::suggest;
use crate::talk;
use crate::waiting::{Patience, Sight, wait};

/// stop units and remove them from the cluster
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(subcommand, name = "destroy")]
#[argh(
    note = "Waits until the units are stopped and gone. Unit files on this machine's disk are not touched."
)]
pub(crate) struct Destroy {
    /// return as soon as the cluster knows what is wanted
    #[argh(switch)]
    pub(crate) no_block: bool,

    /// wait so many times two seconds; 0, the default, is for ever
    #[argh(option, arg_name = "n", default = "0")]
    pub(crate) block_attempts: u32,

    /// do not ask, however many units a pattern matches
    #[argh(switch)]
    pub(crate) yes: bool,

    /// names of units
    #[argh(positional, arg_name = "unit")]
    pub(crate) units: Vec<String>,
}

impl Destroy {
    pub(super) fn run(&self, context: &Context<'_>) -> Ended {
        if self.units.is_empty() {
            talk::say("No units given");
            return Ok(Exit::Ok);
        }
        let names = doomed(context, &self.units, "destroy", self.yes)?;
        let (removed, exit) = self.remove(context, &names)?;
        if removed.is_empty() && exit == Exit::Ok {
            talk::say("Units not found in registry");
            suggest::for_words(context, &self.units);
        } else if !self.no_block && !self.wait_gone(context, &removed)? {
            return Ok(Exit::Failed);
        }
        Ok(exit)
    }

    /// Removes what can be removed; an error with one unit does not keep the others.
    fn remove(&self, context: &Context<'_>, names: &[UnitName]) -> Result<(Vec<UnitName>, Exit), Failure> {
        let api = context.api()?;
        let mut exit = Exit::Ok;
        let mut removed = Vec::new();
        lanes::in_order(
            names,
            |name| Ok(api.destroy(name)),
            |name, outcome| {
                match outcome {
                    Ok(true) => {
                        if self.no_block {
                            context.answer(&format!("Destroyed {name}"))?;
                        }
                        removed.push(name.clone());
                    }
                    // Somebody else was faster, which is as good.
                    Ok(false) => {}
                    Err(e) => {
                        talk::say(&format!("Error destroying units: {e}"));
                        exit = e.exit();
                    }
                }
                Ok::<(), Failure>(())
            },
        )?;
        Ok((removed, exit))
    }

    /// Waits until neither the registry nor a machine has the units; false if that took too long.
    fn wait_gone(&self, context: &Context<'_>, names: &[UnitName]) -> Result<bool, Failure> {
        let api = context.api()?;
        let patience = Patience::attempts(self.block_attempts);
        let missing = wait(
            Some(api),
            names,
            patience,
            |left, _| look(api, left),
            |name, ()| context.answer(&format!("Destroyed {name}")),
        )?;
        for name in &missing.late {
            talk::say(&format!("Error waiting for units: {}", late(name, "destroyed")));
        }
        Ok(missing.is_empty())
    }
}

/// A sight of each unit: there where nothing is left of it.
pub(super) fn look(api: &Api, left: &[UnitName]) -> Result<Vec<Sight<()>>, ApiError> {
    let lingering = lingering(api, left)?;
    let gone: Vec<UnitName> = left.iter().filter(|name| !lingering.contains(*name)).cloned().collect();
    let states = if gone.is_empty() { Map::new() } else { read_states(api, &gone)? };
    let sight = |name: &UnitName| match lingering.contains(name) || states.contains_key(name) {
        true => Sight::NotYet(Some("it is being stopped".to_owned())),
        false => Sight::There(()),
    };
    Ok(left.iter().map(sight).collect())
}

/// Those of `names` of which the registry still has something.
fn lingering(api: &Api, names: &[UnitName]) -> Result<Set<UnitName>, ApiError> {
    let mut found = Set::new();
    if names.len() > ASKED_SINGLY_MAX {
        found.extend(read_units(api, names)?.into_keys());
        return Ok(found);
    }
    for name in names {
        if api.lingers(name)? {
            found.insert(name.clone());
        }
    }
    Ok(found)
}
