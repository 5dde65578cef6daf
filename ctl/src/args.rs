//! From the words of a command line to a command that can run. The argh structs of [`Top`] and of each command are
//! the one definition of commands and flags; `normalise` and `help` read it, and so will completions and man pages.

pub(crate) mod flags;
pub(crate) mod help;
pub(crate) mod nearest;
pub(crate) mod normalise;
pub(crate) mod seconds;
mod usage;
mod words;

use std::time::Duration;

use argh::{ArgsInfo, CommandInfoWithArgs, FromArgs};

use self::normalise::{Asked, normalise};

use self::seconds::Seconds;
use crate::command::Command;
use crate::exit::Failure;

/// systemd units across a cluster of machines
#[derive(FromArgs, ArgsInfo, Debug)]
#[argh(help_triggers("--help"))]
#[argh(
    note = "Each global option can also be set as an environment variable: --ssh-username is FLEETCTL_SSH_USERNAME."
)]
#[argh(note = "Commands can be shortened as long as only one is meant; flags may stand anywhere before --.")]
#[argh(
    note = "Unit names without a type get .service; names with *, ? or [ match files here, or else the registry."
)]
#[argh(
    note = "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no such unit or machine, 4 no answer, 124 timed out;"
)]
#[argh(
    note = "status, journal and ssh pass on that of the program on the machine, 255 where ssh did not get there."
)]
pub(crate) struct Top {
    /// API of the agent: unix://PATH, file://PATH, http://HOST:PORT or https://HOST:PORT
    #[argh(option, arg_name = "url", default = "DEFAULT_ENDPOINT.to_owned()")]
    pub(crate) endpoint: String,

    /// how to reach the cluster: API asks an agent, etcd the registry itself; --endpoint lists etcd's URLs then
    #[argh(option, arg_name = "name", default = "\"API\".to_owned()")]
    pub(crate) driver: String,

    /// key prefix in etcd, of the driver etcd
    #[argh(option, arg_name = "prefix")]
    pub(crate) etcd_key_prefix: Option<String>,

    /// seconds one request may take; 30 by default, 3 to etcd
    #[argh(option, arg_name = "seconds")]
    pub(crate) request_timeout: Option<Seconds>,

    /// private key for TLS, PEM
    #[argh(option, arg_name = "file")]
    pub(crate) key_file: Option<String>,

    /// client certificate for TLS, PEM
    #[argh(option, arg_name = "file")]
    pub(crate) cert_file: Option<String>,

    /// certificates of the authorities that may vouch for an https endpoint, PEM
    #[argh(option, arg_name = "file")]
    pub(crate) ca_file: Option<String>,

    /// old name of --key-file
    #[argh(option, arg_name = "file", hidden_help)]
    pub(crate) etcd_keyfile: Option<String>,

    /// old name of --cert-file
    #[argh(option, arg_name = "file", hidden_help)]
    pub(crate) etcd_certfile: Option<String>,

    /// old name of --ca-file
    #[argh(option, arg_name = "file", hidden_help)]
    pub(crate) etcd_cafile: Option<String>,

    /// take any certificate of an https endpoint; anyone on the way can then read and change everything
    #[argh(switch)]
    pub(crate) insecure_skip_verify: bool,

    /// user on the machines ssh goes to; core by default
    #[argh(option, arg_name = "user", default = "\"core\".to_owned()")]
    pub(crate) ssh_username: String,

    /// seconds ssh may take to connect; 10 by default
    #[argh(option, arg_name = "seconds", default = "Seconds(SSH_TIMEOUT_DEFAULT)")]
    pub(crate) ssh_timeout: Seconds,

    /// ask about unknown keys of machines; false: check none; ssh's own settings by default
    #[argh(option, arg_name = "bool")]
    pub(crate) strict_host_key_checking: Option<bool>,

    /// where ssh keeps the keys of machines; ~/.fleetctl/known_hosts by default
    #[argh(option, arg_name = "file")]
    pub(crate) known_hosts_file: Option<String>,

    /// machine to reach the cluster through, over ssh: HOST or HOST:PORT
    #[argh(option, arg_name = "host")]
    pub(crate) tunnel: Option<String>,

    /// old name of --driver: false is etcd
    #[argh(option, arg_name = "bool", hidden_help, default = "true")]
    pub(crate) experimental_api: bool,

    /// print each request and its answer's status on standard error
    #[argh(switch)]
    pub(crate) debug: bool,

    /// what to do
    #[argh(subcommand)]
    pub(crate) command: Command,
}

/// Where the agent listens unless told otherwise (contract §3.1).
pub(crate) const DEFAULT_ENDPOINT: &str = "unix:///var/run/fleet.sock";

/// How long ssh may take to connect unless told otherwise (contract §3.1).
const SSH_TIMEOUT_DEFAULT: Duration = Duration::from_secs(10);

/// Environment variables that stand for global flags begin with this (contract §3.1).
const ENVIRONMENT_PREFIX: &str = "FLEETCTL_";

/// Everything that can be said on a command line.
pub(crate) fn definition() -> CommandInfoWithArgs {
    Top::get_args_info()
}

/// What a command line means.
#[derive(Debug)]
pub(crate) enum Meant {
    /// Print this page.
    Help(String),
    /// Say what could stand in the place of the last of these words.
    Complete(Vec<String>),
    /// Run this command.
    Run(Box<Top>),
}

/// Reads the words after the program's name, with `environment` looking up variables.
///
/// # Errors
/// The words make no sense; always [`crate::exit::Exit::Usage`].
pub(crate) fn parse(
    program: &str,
    words: &[String],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Meant, Failure> {
    // What the completion scripts say; nobody else has to know of it.
    if let [complete, dashes, rest @ ..] = words
        && complete == "complete"
        && dashes == "--"
    {
        return Ok(Meant::Complete(rest.to_vec()));
    }
    let root = definition();
    let hint = |text: &str| {
        // The command, if it was said in full.
        let command = words.iter().find(|word| root.commands.iter().any(|sub| sub.name == *word));
        let topic = command.map(|name| format!(" {name}")).unwrap_or_default();
        Failure::usage(format_args!("Error: {text}\nRun \"{program} help{topic}\" for what there is."))
    };
    match normalise(&root, words, environment).map_err(|e| hint(&e.to_string()))? {
        Asked::Help(path) => help::text(program, &root, &path).map(Meant::Help).map_err(|e| hint(&e)),
        Asked::Run(plain) => {
            let plain: Vec<&str> = plain.iter().map(String::as_str).collect();
            let top =
                Top::from_args(&[program], &plain).map_err(|early| hint(&usage::plain(&early.output)))?;
            Ok(Meant::Run(Box::new(top)))
        }
    }
}

/// The global flags among the words of a line that is not finished yet. Words that make no sense are passed over.
pub(crate) fn globals(
    program: &str,
    root: &CommandInfoWithArgs,
    words: &[String],
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<Top> {
    let plain = normalise::globals(root, words, environment);
    let plain: Vec<&str> = plain.iter().map(String::as_str).chain(["version"]).collect();
    Top::from_args(&[program], &plain).ok()
}
