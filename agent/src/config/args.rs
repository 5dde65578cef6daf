//! The agent's command line (contract §4.1): `[--config PATH] [--standalone] [--check] [--version]`, or the word `version`. Both of
//! Go's spellings are taken, `-config PATH` and `--config=PATH` included. Called through a link, the program goes by
//! the link's name.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use argh::FromArgs;

/// Runs units of a fleet on this machine. Settings are read from /etc/fleet/fleet.conf and from FLEET_* variables,
/// which win.
#[derive(FromArgs, Debug)]
struct Arguments {
    /// read this configuration file, which must exist
    #[argh(option, arg_name = "path")]
    config: Option<String>,

    /// say whether the configuration is right, and end
    #[argh(switch)]
    check: bool,

    /// be a whole fleet: keep the fleet's keys on this machine, without an etcd
    #[argh(switch)]
    standalone: bool,

    /// print the version and end; so does the word "version"
    #[argh(switch)]
    version: bool,

    #[argh(positional, greedy, hidden_help)]
    words: Vec<String>,
}

/// What the command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    /// The configuration file, if one was named.
    pub config: Option<PathBuf>,
    /// Only read the configuration.
    pub check: bool,
    /// Keep the fleet's keys in a store of this machine's own, whatever the configuration says of etcd.
    pub standalone: bool,
}

/// The command line asks for a text, or is wrong: print and end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlyEnd {
    /// For standard output.
    pub output: String,
    /// For standard error.
    pub complaint: String,
    /// 0 for an answer, 1 for a word that has no place here, 2 for a wrong flag.
    pub exit_code: u8,
}

impl CommandLine {
    /// Reads all of `std::env::args_os()`, the program's name first.
    ///
    /// # Errors
    /// There is something to print instead of running.
    pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, EarlyEnd> {
        let mut arguments = arguments.into_iter();
        let program = program_name(arguments.next());
        let words = arguments
            .map(|word| {
                word.into_string()
                    .map_err(|word| refuse(2, format!("{program}: argument is not UTF-8: {word:?}")))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let words = spelled_for_argh(words);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let parsed = Arguments::from_args(&[&program], &words).map_err(|end| match end.status {
            Ok(()) => answer(end.output),
            Err(()) => refuse(2, format!("{program}: {}", end.output.trim_end())),
        })?;
        if parsed.version || parsed.words == ["version"] {
            return Err(answer(format!("{program} version {}\n", env!("CARGO_PKG_VERSION"))));
        }
        if !parsed.words.is_empty() {
            let control = if program == "fleetd" { "fleetctl" } else { "ctl" };
            return Err(refuse(
                1,
                format!("{program} takes no arguments. Did you mean to invoke {control} instead?"),
            ));
        }
        let Arguments { config, standalone, check, .. } = parsed;
        Ok(Self { config: config.map(PathBuf::from), standalone, check })
    }
}

fn answer(output: String) -> EarlyEnd {
    EarlyEnd { output, complaint: String::new(), exit_code: 0 }
}

fn refuse(exit_code: u8, complaint: String) -> EarlyEnd {
    EarlyEnd { output: String::new(), complaint: complaint + "\n", exit_code }
}

fn program_name(first: Option<OsString>) -> String {
    let name = first.as_deref().map(Path::new).and_then(Path::file_name);
    name.map_or_else(|| "skiff-agent".to_owned(), |name| name.to_string_lossy().into_owned())
}

/// argh knows neither `-flag` nor `--flag=value`; both are rewritten to what it knows.
fn spelled_for_argh(words: Vec<String>) -> Vec<String> {
    let mut spelled = Vec::with_capacity(words.len());
    for word in words {
        let name = word.strip_prefix("--").or_else(|| word.strip_prefix('-')).unwrap_or("");
        match name.split_once('=') {
            Some(("config", path)) => spelled.extend(["--config".to_owned(), path.to_owned()]),
            Some(("version", "true" | "1" | "t")) => spelled.push("--version".to_owned()),
            Some(("version", "false" | "0" | "f")) => {}
            _ if matches!(name, "check" | "config" | "standalone" | "version" | "help" | "h") => {
                spelled.push(format!("--{}", if name == "h" { "help" } else { name }));
            }
            _ => spelled.push(word),
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use super::{CommandLine, EarlyEnd};

    fn parse(line: &str) -> Result<CommandLine, EarlyEnd> {
        CommandLine::parse(line.split(' ').map(Into::into))
    }

    #[test]
    fn takes_the_file_in_every_spelling() {
        for line in ["-config", "--config"].map(|flag| [format!("{flag} /a"), format!("{flag}=/a")]).concat()
        {
            let parsed = parse(&format!("/usr/bin/skiff-agent {line}")).unwrap();
            assert_eq!(parsed.config.as_deref(), Some("/a".as_ref()), "{line}");
        }
        assert_eq!(parse("skiff-agent").unwrap(), CommandLine::default());
        for line in ["a --config /a --check", "a -check -config=/a"] {
            assert_eq!(
                parse(line).unwrap(),
                CommandLine { config: Some("/a".into()), check: true, standalone: false },
                "{line}"
            );
        }
    }

    #[test]
    fn prints_its_version_under_the_name_it_was_called_by() {
        for (line, name) in [
            ("/usr/bin/fleetd version", "fleetd"),
            ("fleetd -version", "fleetd"),
            ("skiff-agent --version", "skiff-agent"),
            ("skiff-agent --config /a --version", "skiff-agent"),
        ] {
            let end = parse(line).unwrap_err();
            assert_eq!(end.output, format!("{name} version {}\n", env!("CARGO_PKG_VERSION")), "{line}");
            assert_eq!((end.complaint.as_str(), end.exit_code), ("", 0), "{line}");
        }
    }

    #[test]
    fn sends_other_words_to_the_command_line_tool() {
        let end = parse("/usr/bin/fleetd list-units").unwrap_err();
        assert_eq!(end.complaint, "fleetd takes no arguments. Did you mean to invoke fleetctl instead?\n");
        assert_eq!(end.exit_code, 1);
        let end = parse("skiff-agent version now").unwrap_err();
        assert_eq!(end.complaint, "skiff-agent takes no arguments. Did you mean to invoke ctl instead?\n");
        assert_eq!(end.exit_code, 1);
    }

    #[test]
    fn the_man_page_has_every_flag() {
        let page = include_str!("../../../dist/man/skiff-agent.8");
        let help = parse("skiff-agent --help").unwrap_err().output;
        let flags: Vec<&str> = help.split_whitespace().filter(|word| word.starts_with("--")).collect();
        assert!(flags.len() > 1, "{help}");
        for flag in flags {
            let flag = flag.trim_end_matches(',');
            assert!(page.contains(&flag.replace('-', "\\-")), "{flag} is missing in the page:\n{page}");
        }
    }

    #[test]
    fn refuses_a_wrong_flag_and_helps() {
        for line in ["a --nonsense", "a -x", "a --config", "a --version=maybe"] {
            let end = parse(line).unwrap_err();
            assert_eq!((end.exit_code, end.output.as_str()), (2, ""), "{line}");
            assert!(end.complaint.starts_with("a: "), "{}", end.complaint);
        }
        for line in ["a --help", "a -h", "a -help"] {
            let end = parse(line).unwrap_err();
            assert!(end.exit_code == 0 && end.output.contains("--config"), "{line}: {end:?}");
        }
    }
}
