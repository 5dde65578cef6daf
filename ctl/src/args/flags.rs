//! What the definition of the commands says about flags, in the form the normaliser needs. Reading a command line
//! is not done here.

use argh::{CommandInfoWithArgs, FlagInfo, FlagInfoKind};

/// What follows a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Takes {
    /// Nothing, or `=true` or `=false`; argh knows it as a switch.
    Switch,
    /// Nothing, or `=true` or `=false`; argh wants the word.
    Truth,
    /// A value, after `=` or as the next word.
    Value,
}

/// One flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flag {
    /// Without dashes.
    pub(crate) name: &'static str,
    /// The one-letter form.
    pub(crate) short: Option<char>,
    /// What follows it.
    pub(crate) takes: Takes,
}

impl Flag {
    fn of(info: &FlagInfo<'static>) -> Self {
        let takes = match info.kind {
            FlagInfoKind::Switch => Takes::Switch,
            FlagInfoKind::Option { arg_name: "bool" } => Takes::Truth,
            FlagInfoKind::Option { .. } => Takes::Value,
        };
        Self { name: info.long.trim_start_matches('-'), short: info.short, takes }
    }
}

/// The flags of one command, those of its subcommands left out.
pub(crate) fn of_command(command: &CommandInfoWithArgs) -> Vec<Flag> {
    command.flags.iter().filter(|info| info.long != "--help").map(Flag::of).collect()
}

/// The flags of a command and of everything below it.
pub(crate) fn of_tree(command: &CommandInfoWithArgs) -> Vec<Flag> {
    let below = command.commands.iter().flat_map(|sub| of_tree(&sub.command));
    of_command(command).into_iter().chain(below).collect()
}

/// Reads a truth as Go's flag package does, which fleet's scripts were written against.
pub(crate) fn truth(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cluster::sorted::Map;

    #[test]
    fn a_flag_means_the_same_kind_of_thing_in_every_command() {
        // The kind must be known before the command word is (flags may come first).
        let mut kinds = Map::new();
        let mut letters = Map::new();
        for flag in of_tree(&crate::args::definition()) {
            assert_eq!(*kinds.entry(flag.name).or_insert(flag.takes), flag.takes, "{}", flag.name);
            if let Some(letter) = flag.short {
                assert_eq!(*letters.entry(letter).or_insert(flag.takes), flag.takes, "-{letter}");
            }
        }
    }

    #[test]
    fn global_flags_belong_to_no_command() {
        let definition = crate::args::definition();
        let global: Vec<_> = of_command(&definition).iter().map(|flag| flag.name).collect();
        for command in &definition.commands {
            for flag in of_tree(&command.command) {
                assert!(!global.contains(&flag.name), "--{} of {}", flag.name, command.name);
            }
        }
    }
}
