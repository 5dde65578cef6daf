//! The man page of ctl, made from the definition of the commands. Only what no command says of itself is written here.

use argh::CommandInfoWithArgs as CommandInfo;

use super::roff::Roff;
use crate::args::help::{flag_form, usage};

const ENVIRONMENT: &str = "Each global option can be set as a variable as well: `FLEETCTL_` and its name in capitals, \
                           with underscores. `NO_COLOR` is respected: nothing is coloured anyway.";

/// Exit codes scripts rely on.
const CODES: [(&str, &str); 6] = [
    ("0", "done"),
    ("1", "not done, or not all of it; standard error says what"),
    ("2", "the command line makes no sense"),
    ("3", "there is no such unit or machine"),
    ("4", "the agent does not answer, or cannot reach its store"),
    ("124", "`wait`: the time is over"),
];

/// The page.
pub(super) fn page(program: &str, root: &CommandInfo) -> String {
    let mut page = Roff::page(program, 1);
    page.heading("Name");
    page.line(&format!("{program} - {}", root.description));
    page.heading("Synopsis");
    page.line(&format!("`{program}` [flags] COMMAND [arguments]"));
    page.heading("Description");
    root.notes.iter().for_each(|note| page.paragraph(note));
    page.heading("Commands");
    root.commands.iter().for_each(|sub| command(&mut page, program, sub.name, &sub.command));
    page.heading("Global options");
    flags(&mut page, root);
    page.heading("Environment");
    page.line(ENVIRONMENT);
    page.heading("Files");
    page.item(&["/var/run/fleet.sock"], "where the agent of this machine listens; the default of --endpoint");
    page.heading("Exit status");
    CODES.iter().for_each(|(code, meaning)| page.item(&[code], meaning));
    page.line("`status`, `journal` and `ssh` end with the code of the program they ran on the machine.");
    page.heading("See also");
    page.line("skiff-agent(8), fleet.conf(5), systemctl(1)");
    page.text()
}

/// A command, or each of those it groups.
fn command(page: &mut Roff, program: &str, name: &str, info: &CommandInfo) {
    page.subheading(&usage(&format!("{program} {name}"), info));
    page.line(&sentence(info.description));
    if !info.notes.is_empty() {
        page.paragraph(&info.notes.join(" "));
    }
    flags(page, info);
    if !info.examples.is_empty() {
        let lines = info.examples.iter().map(|example| format!("{program} {example}"));
        page.example(&lines.collect::<Vec<_>>());
    }
    for sub in &info.commands {
        command(page, program, &format!("{name} {}", sub.name), &sub.command);
    }
}

fn flags(page: &mut Roff, info: &CommandInfo) {
    for flag in info.flags.iter().filter(|flag| !flag.hidden && flag.long != "--help") {
        page.item(&[&flag_form(flag)], &sentence(flag.description));
    }
}

/// The definition's descriptions begin in lower case and have no full stop.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}
