//! `--dry-run` of load and start: where each unit would go and why, or why nowhere, in the words of the scheduler that the
//! leader runs. Nothing is stored and nothing asked for.

use cluster::TargetState;

use crate::api::{Fate, Wish};
use crate::context::Context;
use crate::create::{Verb, intended};
use crate::exit::{Ended, Exit, Failure};
use crate::legend::legend;

const LEAD: &str = "Error rehearsing units";

/// Says what would become of the units `words` stand for; fails if one of them would have to wait.
pub(super) fn run(
    context: &Context<'_>,
    words: &[String],
    verb: Verb,
    replace: bool,
    target: TargetState,
) -> Ended {
    let units = intended(context, words, verb, replace)?;
    let wish = |(name, file)| Wish { name, target, file };
    let wishes: Vec<Wish> = units.into_iter().map(wish).collect();
    let rehearsal = context.api()?.rehearse(&wishes).map_err(|e| Failure::api(LEAD, &e))?;
    let Some(rehearsal) = rehearsal else {
        return Err(Failure::new(format_args!("{LEAD}: the server cannot; it may be fleet's")));
    };
    let mut exit = Exit::Ok;
    for fate in &rehearsal.units {
        lines(fate, target).iter().try_for_each(|line| context.answer(line))?;
        if !would_run(fate) {
            exit = Exit::Failed;
        }
    }
    for fate in &rehearsal.displaced {
        context.answer(&format!("Unit {} would have to leave {}{}", fate.name, place(fate), why(fate)))?;
    }
    Ok(exit)
}

fn would_run(fate: &Fate) -> bool {
    match fate.kind.as_str() {
        "stays" | "goes" => true,
        "everywhere" => fate.machines.iter().any(|(_, able, _)| *able),
        _ => false,
    }
}

fn lines(fate: &Fate, target: TargetState) -> Vec<String> {
    let Fate { name, .. } = fate;
    match fate.kind.as_str() {
        "stays" => vec![format!("Unit {name} would be {target} on {}: it is there already", place(fate))],
        "goes" => vec![format!("Unit {name} would be {target} on {}{}", place(fate), why(fate))],
        "leaves" => vec![format!("Unit {name} would first have to leave {}{}", place(fate), why(fate))],
        "everywhere" => {
            let able = fate.machines.iter().filter(|(_, able, _)| *able).count();
            let all = fate.machines.len();
            let head = format!("Global unit {name} would be {target} on {able} of {all} machines");
            let refusals = fate.machines.iter().filter(|(_, able, _)| !able);
            let refusal = |(machine, _, reason): &(crate::api::Machine, bool, String)| {
                format!("  not on {}: {reason}", legend(&machine.id, Some(&machine.address), false))
            };
            std::iter::once(head).chain(refusals.map(refusal)).collect()
        }
        _ => vec![format!("Unit {name} would be on no machine{}", why(fate))],
    }
}

fn place(fate: &Fate) -> String {
    fate.machine.as_ref().map_or_else(String::new, |(id, address)| legend(id, Some(address), false))
}

fn why(fate: &Fate) -> String {
    if fate.reason.is_empty() { String::new() } else { format!(": {}", fate.reason) }
}
