//! The words of an ssh command: what the flags say, as ssh's options. What is not said stays ssh's own choice, so that a
//! person's own settings apply. Nothing is run here.

use std::fmt;

use super::quoting::{line, option_path};

/// What the global flags say of every ssh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manners {
    /// `--ssh-username`.
    pub(crate) user: String,
    /// `--ssh-timeout`, in whole seconds.
    pub(crate) timeout_secs: u64,
    /// `--known-hosts-file` and `--strict-host-key-checking`.
    pub(crate) host_keys: HostKeys,
}

/// How machines are known again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HostKeys {
    /// By their keys.
    Checked {
        /// Where the keys stand; new ones go into the first. ssh's own files if there are none.
        files: Vec<String>,
        /// Have ssh ask about unknown keys, whatever its own settings say.
        ask: bool,
    },
    /// Any key will do, and none is kept.
    Unchecked,
}

/// A name or address that ssh and the shells on the way take for nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host(String);

impl Host {
    /// `None` for a text that is no name or address. Addresses come from the registry, and end up in command lines.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || ".-_:%".contains(c);
        let is_host = !text.is_empty() && !text.starts_with('-') && text.chars().all(fits);
        is_host.then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An sshd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its machine.
    pub(crate) host: Host,
    /// Its port; ssh's own choice if not given.
    pub(crate) port: Option<u16>,
}

impl Place {
    /// Reads `HOST`, `HOST:PORT` or `[HOST]:PORT`; an address of IPv6 needs the brackets only before a port.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, after) = rest.split_once(']')?;
                (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
            }
            None if text.matches(':').count() == 1 => {
                text.split_once(':').map(|(host, port)| (host, Some(port)))?
            }
            None => (text, None),
        };
        let port = match port {
            Some(port) => Some(port.parse().ok().filter(|port| *port > 0)?),
            None => None,
        };
        Some(Self { host: Host::parse(host)?, port })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) if self.host.0.contains(':') => write!(f, "[{}]:{port}", self.host),
            Some(port) => write!(f, "{}:{port}", self.host),
            None => write!(f, "{}", self.host),
        }
    }
}

/// ssh to `place` with these further options, and there `line`, or a login shell.
pub(crate) fn ssh(manners: &Manners, place: &Place, more: &[String], line: Option<String>) -> Vec<String> {
    let mut words = vec!["ssh".to_owned()];
    words.extend(option("ConnectTimeout", &manners.timeout_secs.to_string()));
    match &manners.host_keys {
        HostKeys::Checked { files, ask } => {
            if !files.is_empty() {
                let files: Vec<String> = files.iter().map(|file| option_path(file)).collect();
                words.extend(option("UserKnownHostsFile", &files.join(" ")));
            }
            if *ask {
                words.extend(option("StrictHostKeyChecking", "ask"));
            }
        }
        HostKeys::Unchecked => {
            words.extend(option("StrictHostKeyChecking", "no"));
            words.extend(option("UserKnownHostsFile", "/dev/null"));
            words.extend(option("GlobalKnownHostsFile", "/dev/null"));
            // Or else ssh tells each time that it has noted the key.
            words.extend(option("LogLevel", "ERROR"));
        }
    }
    if let Some(port) = place.port {
        words.extend(["-p".to_owned(), port.to_string()]);
    }
    words.extend_from_slice(more);
    words.extend(["--".to_owned(), format!("{}@{}", manners.user, place.host)]);
    words.extend(line);
    words
}

/// `-o KEY=VALUE`.
pub(crate) fn option(key: &str, value: &str) -> [String; 2] {
    ["-o".to_owned(), format!("{key}={value}")]
}

/// The option that makes ssh go through the ssh of `words`, which ends with a `-W` of its own. ssh hands the value to a
/// shell, after it has replaced what begins with a percent sign.
pub(crate) fn proxy(words: &[String]) -> [String; 2] {
    option("ProxyCommand", &line(words).replace('%', "%%").replace(TARGET_ESCAPED, TARGET))
}

/// What ssh replaces by host and port of where it goes.
pub(crate) const TARGET: &str = "[%h]:%p";
const TARGET_ESCAPED: &str = "[%%h]:%%p";

#[cfg(test)]
mod tests {
    use super::*;

    fn manners(host_keys: HostKeys) -> Manners {
        Manners { user: "core".to_owned(), timeout_secs: 10, host_keys }
    }

    fn place(host: &str, port: Option<u16>) -> Place {
        Place { host: Host::parse(host).unwrap(), port }
    }

    #[test]
    fn what_is_not_said_is_left_to_ssh() {
        let plain = manners(HostKeys::Checked { files: Vec::new(), ask: false });
        let words = ssh(&plain, &place("10.0.0.1", None), &[], None).join("|");
        assert_eq!(words, "ssh|-o|ConnectTimeout=10|--|core@10.0.0.1");
    }

    #[test]
    fn what_is_said_becomes_options() {
        let files = vec!["/h/.fleetctl/known_hosts".to_owned(), "/a b/k".to_owned()];
        let asking = manners(HostKeys::Checked { files, ask: true });
        let words = ssh(&asking, &place("10.0.0.1", Some(2222)), &["-A".to_owned()], Some("true".to_owned()))
            .join("|");
        assert_eq!(
            words,
            "ssh|-o|ConnectTimeout=10|-o|UserKnownHostsFile=/h/.fleetctl/known_hosts \"/a b/k\"|\
             -o|StrictHostKeyChecking=ask|-p|2222|-A|--|core@10.0.0.1|true"
        );
        let words = ssh(&manners(HostKeys::Unchecked), &place("m", None), &[], None).join("|");
        assert_eq!(
            words,
            "ssh|-o|ConnectTimeout=10|-o|StrictHostKeyChecking=no|-o|UserKnownHostsFile=/dev/null|\
             -o|GlobalKnownHostsFile=/dev/null|-o|LogLevel=ERROR|--|core@m"
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in ["10.0.0.1", "fe80::1%eth0", "node-1.example"] {
            assert!(Host::parse(text).is_some(), "{text}");
        }
        for text in ["", "-oProxyCommand=x", "a b", "a;b", "u@h", "$(a)", "a/b", "a\nb"] {
            assert_eq!(Host::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_proxy_is_one_line_for_a_shell_and_for_ssh() {
        let words = ["ssh", "-o", "ControlPath=/run/50% /x", "-W", TARGET, "--", "core@fe80::1%eth0"];
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        assert_eq!(
            proxy(&words)[1],
            "ProxyCommand=ssh -o 'ControlPath=/run/50%% /x' -W '[%h]:%p' -- 'core@fe80::1%%eth0'"
        );
    }

    #[test]
    fn places_are_read() {
        let read = |text: &str| Place::parse(text).map(|place| (place.host.to_string(), place.port));
        let host = |host: &str, port| Some((host.to_owned(), port));
        assert_eq!(read("bastion"), host("bastion", None));
        assert_eq!(read("bastion:2222"), host("bastion", Some(2222)));
        assert_eq!(read("fe80::1"), host("fe80::1", None));
        assert_eq!(read("[fe80::1]"), host("fe80::1", None));
        assert_eq!(read("[fe80::1]:22"), host("fe80::1", Some(22)));
        let text = |text: &str| Place::parse(text).map(|place| place.to_string());
        assert_eq!(text("[fe80::1]:22").as_deref(), Some("[fe80::1]:22"));
        let wrong = [
            "",
            ":22",
            "a:",
            "a:0",
            "a:65536",
            "a:b",
            "[a",
            "[a]22",
            "-oProxyCommand=x",
            "a b",
            "a;b",
            "u@h",
            "$(a)",
        ];
        for text in wrong {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
