//! Every way of writing a command line that fleet's users have, against the one form argh reads.

use super::*;

fn split(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn with(line: &str, environment: &[(&str, &str)]) -> Result<String, String> {
    let look_up = |name: &str| environment.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    let plain = normalise(&crate::args::definition(), &split(line), &look_up);
    plain
        .map(|asked| match asked {
            Asked::Help(path) => [vec!["help".to_owned()], path].concat().join(" "),
            Asked::Run(words) => words.join(" "),
        })
        .map_err(|e| e.to_string())
}

fn plain(line: &str) -> String {
    with(line, &[]).unwrap()
}

fn error(line: &str) -> String {
    with(line, &[]).unwrap_err()
}

#[test]
fn values_follow_an_equals_sign_or_a_blank() {
    assert_eq!(plain("list-units --fields=unit,sub"), "list-units --fields unit,sub --");
    assert_eq!(plain("list-units --fields unit,sub"), "list-units --fields unit,sub --");
    assert_eq!(plain("list-units -fields=unit"), "list-units --fields unit --");
    assert_eq!(plain("list-units --fields="), "list-units --fields  --");
    assert_eq!(plain("journal --f x"), "journal --follow -- x");
    assert_eq!(error("journal --q x"), "unknown flag: -q");
    assert_eq!(plain("journal -n5 x"), "journal --lines 5 -- x");
    assert_eq!(plain("journal -n 5 x"), "journal --lines 5 -- x");
    assert_eq!(plain("journal -fn=5 x"), "journal --lines 5 --follow -- x");
}

#[test]
fn flags_stand_anywhere() {
    let wanted = "--endpoint unix:///x stop --no-block --block-attempts 3 -- a b";
    assert_eq!(plain("--endpoint=unix:///x stop --no-block --block-attempts=3 a b"), wanted);
    assert_eq!(plain("--no-block stop a --block-attempts 3 b --endpoint unix:///x"), wanted);
    assert_eq!(plain("stop a b --no-block --block-attempts 3 --endpoint unix:///x"), wanted);
}

#[test]
fn two_dashes_end_the_flags() {
    assert_eq!(plain("start -- --no-block -x"), "start -- --no-block -x");
    assert_eq!(plain("cat -- help"), "cat -- help");
    assert_eq!(plain("cat -"), "cat -- -");
}

#[test]
fn letters_stand_alone_and_in_groups() {
    assert_eq!(plain("list-units -l"), "list-units --full --");
    assert_eq!(plain("list-machines -l=false"), "list-machines --");
    assert_eq!(plain("journal -f x"), "journal --follow -- x");
}

#[test]
fn switches_can_be_given_a_truth_and_the_last_one_counts() {
    assert_eq!(plain("start --no-block=false x"), "start -- x");
    assert_eq!(plain("start --no-block --no-block=0 x"), "start -- x");
    assert_eq!(plain("start --no-block=false --no-block=T x"), "start --no-block -- x");
    assert_eq!(plain("version --strict-host-key-checking"), "--strict-host-key-checking true version --");
    assert_eq!(plain("version --strict-host-key-checking=f"), "--strict-host-key-checking false version --");
    assert_eq!(error("start --no-block=maybe x"), "--no-block is either true or false, not \"maybe\"");
}

#[test]
fn commands_can_be_shortened_as_long_as_one_is_meant() {
    assert_eq!(plain("list-m"), "list-machines --");
    assert_eq!(plain("list-units"), "list-units --");
    assert_eq!(plain("reg ad"), "registry adopt --");
    // What fleet had stays what it was.
    assert_eq!(plain("c x"), "cat -- x");
    assert_eq!(plain("d x"), "destroy -- x");
    assert_eq!(plain("dr x"), "drain -- x");
    assert_eq!(error("ver"), "command \"ver\" could be verify or version");
    assert_eq!(error("list-unit"), "command \"list-unit\" could be list-units or list-unit-files");
    assert_eq!(error("st x"), "command \"st\" could be start or stop or status");
}

#[test]
fn the_environment_comes_first() {
    let environment =
        [("FLEETCTL_ENDPOINT", "unix:///e"), ("FLEETCTL_DEBUG", "true"), ("FLEETCTL_DRIVER", "")];
    assert_eq!(with("version", &environment).unwrap(), "--endpoint unix:///e --debug version --");
    let wanted = "--endpoint unix:///f version --";
    assert_eq!(with("version --endpoint unix:///f --debug=false", &environment).unwrap(), wanted);
    let wrong = with("version", &[("FLEETCTL_DEBUG", "perhaps")]);
    assert_eq!(wrong.unwrap_err(), "FLEETCTL_DEBUG is either true or false, not \"perhaps\"");
}

#[test]
fn help_and_version_are_found_wherever_they_stand() {
    assert_eq!(plain(""), "help");
    assert_eq!(plain("--debug"), "help");
    assert_eq!(plain("--help"), "help");
    assert_eq!(plain("-h"), "help");
    assert_eq!(plain("help list-m"), "help list-machines");
    assert_eq!(plain("start --help x"), "help start");
    assert_eq!(plain("registry adopt -h"), "help registry adopt");
    assert_eq!(plain("--version"), "version");
    assert_eq!(plain("-v"), "version");
    assert_eq!(error("start --version"), "unknown flag: --version");
}

#[test]
fn typos_name_the_nearest_word() {
    assert_eq!(error("strat x"), "unknown command \"strat\"\nDid you mean \"start\"?");
    assert_eq!(error("list-units --no-legnd"), "unknown flag: --no-legnd\nDid you mean \"--no-legend\"?");
    assert_eq!(error("frobnicate"), "unknown command \"frobnicate\"");
    assert_eq!(error("list-units -q"), "unknown flag: -q");
    assert_eq!(error("cat --no-legend x"), "cat has no flag --no-legend");
    assert_eq!(error("list-units --fields"), "flag needs an argument: --fields");
    assert_eq!(error("registry"), "registry needs one of: adopt, copy");
}
