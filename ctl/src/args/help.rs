//! The help texts, laid out as fleet's were (contract §3.4) and made from the definition of the commands. Nothing
//! about a command is written here.

use argh::{CommandInfoWithArgs as CommandInfo, FlagInfo, FlagInfoKind, Optionality, PositionalInfo};

use super::nearest::nearest;

/// The one command argh does not let others define.
const HELP: [&str; 2] = ["help", "print what there is, or how one command is used"];

/// What `help` prints for the command at `path`, all of ctl if that is empty.
///
/// # Errors
/// There is no such command; the text to print instead.
pub(crate) fn text(program: &str, root: &CommandInfo, path: &[String]) -> Result<String, String> {
    let mut command = root;
    for word in path {
        let found = command.commands.iter().find(|sub| sub.name == word);
        command = &found.ok_or_else(|| unknown(word, command))?.command;
    }
    let full_name = [&[program.to_owned()], path].concat().join(" ");
    let mut page = Page::default();
    page.block("NAME", [format!("{full_name} - {}", command.description)]);
    page.block("USAGE", [usage(&full_name, command)]);
    if path.is_empty() {
        page.block("VERSION", [env!("CARGO_PKG_VERSION").to_owned()]);
    }
    let commands =
        command.commands.iter().map(|sub| (sub.name.to_owned(), sub.command.description.to_owned()));
    let help = path.is_empty().then(|| HELP.map(str::to_owned).into());
    page.block("COMMANDS", aligned(commands.chain(help)));
    let example = |example: &&str| format!("{program} {example}");
    let notes = command.notes.iter().map(|note| (*note).to_owned());
    page.block("DESCRIPTION", notes.chain(command.examples.iter().map(example)));
    let arguments = command.positionals.iter().filter(|argument| !argument.hidden);
    page.block("ARGUMENTS", aligned(arguments.map(|a| (a.name.to_uppercase(), a.description.to_owned()))));
    if !path.is_empty() {
        page.block("OPTIONS", flag_lines(command));
    }
    page.block("GLOBAL OPTIONS", flag_lines(root));
    Ok(page.text)
}

fn unknown(word: &str, command: &CommandInfo) -> String {
    let nearest = nearest(word, command.commands.iter().map(|sub| sub.name));
    let hint = nearest.map(|nearest| format!("\nDid you mean {nearest:?}?")).unwrap_or_default();
    format!("Error: unknown command {word:?}{hint}")
}

/// How a command is called.
pub(crate) fn usage(full_name: &str, command: &CommandInfo) -> String {
    let mut line = full_name.to_owned();
    if !command.commands.is_empty() {
        return line + " [flags] COMMAND [arguments]";
    }
    line.push_str(" [flags]");
    for argument in command.positionals.iter().filter(|argument| !argument.hidden) {
        line.push(' ');
        line.push_str(&argument_form(argument));
    }
    line
}

fn argument_form(argument: &PositionalInfo<'_>) -> String {
    let name = argument.name.to_uppercase();
    match argument.optionality {
        Optionality::Required => name,
        Optionality::Optional => format!("[{name}]"),
        Optionality::Repeating | Optionality::Greedy => format!("[{name}...]"),
    }
}

fn flag_lines(command: &CommandInfo) -> Vec<String> {
    let shown = command.flags.iter().filter(|flag| !flag.hidden && flag.long != "--help");
    aligned(shown.map(|flag| (flag_form(flag), flag.description.to_owned())))
}

/// A flag as it is written.
pub(crate) fn flag_form(flag: &FlagInfo<'_>) -> String {
    let short = flag.short.map(|letter| format!(", -{letter}")).unwrap_or_default();
    match flag.kind {
        FlagInfoKind::Switch | FlagInfoKind::Option { arg_name: "bool" } => format!("{}{short}", flag.long),
        FlagInfoKind::Option { arg_name } => format!("{}={}{short}", flag.long, arg_name.to_uppercase()),
    }
}

fn aligned(pairs: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let pairs: Vec<_> = pairs.collect();
    let width = pairs.iter().map(|(left, _)| left.len()).max().unwrap_or(0);
    pairs.into_iter().map(|(left, right)| format!("{left:width$}  {right}")).collect()
}

#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    /// A heading and its lines, indented by a TAB; nothing where there are no lines.
    fn block(&mut self, heading: &str, lines: impl IntoIterator<Item = String>) {
        let mut lines = lines.into_iter().peekable();
        if lines.peek().is_none() {
            return;
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&format!("{heading}:\n"));
        for line in lines {
            self.text.push_str(&format!("\t{line}\n"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::definition;

    fn help(path: &[&str]) -> String {
        let path: Vec<String> = path.iter().map(|word| (*word).to_owned()).collect();
        text("ctl", &definition(), &path).unwrap()
    }

    fn headings(page: &str) -> Vec<&str> {
        page.lines().filter(|line| !line.starts_with('\t') && !line.is_empty()).collect()
    }

    #[test]
    fn the_root_page_lists_every_command() {
        let page = help(&[]);
        assert_eq!(
            headings(&page),
            ["NAME:", "USAGE:", "VERSION:", "COMMANDS:", "DESCRIPTION:", "GLOBAL OPTIONS:"]
        );
        for command in definition().commands {
            assert!(
                page.contains(&format!("\n\t{} ", command.name)),
                "{} is missing in\n{page}",
                command.name
            );
        }
    }

    #[test]
    fn every_command_has_a_page_with_its_flags() {
        let page = help(&["start"]);
        assert_eq!(
            headings(&page),
            ["NAME:", "USAGE:", "DESCRIPTION:", "ARGUMENTS:", "OPTIONS:", "GLOBAL OPTIONS:"]
        );
        assert!(page.contains("\tctl start [flags] [UNIT...]\n"), "{page}");
        assert!(page.contains("\t--block-attempts=N "), "{page}");
        for command in definition().commands {
            let page = help(&[command.name]);
            assert!(page.contains("DESCRIPTION:\n\t"), "{} says nothing of itself:\n{page}", command.name);
        }
        assert!(help(&["registry", "adopt"]).starts_with("NAME:\n\tctl registry adopt - "));
    }

    #[test]
    fn unknown_topics_are_refused() {
        let wrong = text("ctl", &definition(), &["strat".to_owned()]).unwrap_err();
        assert_eq!(wrong, "Error: unknown command \"strat\"\nDid you mean \"start\"?");
    }
}
