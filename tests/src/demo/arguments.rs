//! The demo's command line: few words, most of them with one meaning, and two that only the demo says to itself.

use std::path::PathBuf;

use crate::demo::ground::IN_SCOPE;
use crate::failure::{Failure, Outcome};

/// The word with which the demo calls itself for the part that may be killed at any moment.
pub const WALK: &str = "--walk";

const KEEP: &str = "--keep";
const ETCD: &str = "--etcd";
const SLOW: &str = "--slow";

/// What `cargo demo --help` prints.
pub const HELP: &str = "\
cargo demo [--keep] [--etcd] [--slow] [--svg FILE]   show Skiff at work on this computer, then clean up
cargo demo --stop                                    end what --keep left running

  --keep      leave the three machines running, and say how to use them
  --etcd      keep the fleet's keys in a real etcd, in place of the first machine's own store
  --slow      leave time to read each step; Enter goes on at once
  --svg FILE  draw what the terminal showed into a picture
  --help      these lines
";

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Show the whole thing.
    Show(Options),
    /// The same, from the inside: on ground that is prepared, in this folder and this control group.
    Walk {
        /// The demo's folder.
        folder: PathBuf,
        /// The demo's control group.
        cgroup: PathBuf,
        /// How.
        options: Options,
    },
    /// End what was left running.
    Stop,
    /// Print [`HELP`].
    Help,
}

/// How it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Leave it running.
    pub keep: bool,
    /// Keep the fleet's keys in a real etcd.
    pub etcd: bool,
    /// Leave time to read.
    pub slow: bool,
    /// Draw it into this file.
    pub svg: Option<PathBuf>,
}

impl Options {
    /// The words that [`parse`] reads back as these options.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let switches = [(self.keep, KEEP), (self.etcd, ETCD), (self.slow, SLOW)];
        let chosen = switches.into_iter().filter(|(is_on, _)| *is_on);
        let mut words: Vec<String> = chosen.map(|(_, word)| word.to_owned()).collect();
        if let Some(file) = &self.svg {
            words.extend(["--svg".to_owned(), file.display().to_string()]);
        }
        words
    }
}

/// Reads the words after the program's name.
///
/// # Errors
/// An unknown word, or a missing one; the text ends with [`HELP`].
pub fn parse(words: &[String]) -> Outcome<Wish> {
    let mut options = Options::default();
    let mut walk = None;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value =
            || words.next().map(PathBuf::from).ok_or_else(|| wrong(&format!("{word} wants a value")));
        match word.as_str() {
            KEEP => options.keep = true,
            ETCD => options.etcd = true,
            SLOW => options.slow = true,
            "--svg" => options.svg = Some(value()?),
            "--stop" => return Ok(Wish::Stop),
            "--help" | "-h" => return Ok(Wish::Help),
            IN_SCOPE => {}
            WALK => walk = Some((value()?, value()?)),
            other => return Err(wrong(&format!("unknown word {other:?}"))),
        }
    }
    Ok(match walk {
        Some((folder, cgroup)) => Wish::Walk { folder, cgroup, options },
        None => Wish::Show(options),
    })
}

fn wrong(what: &str) -> Failure {
    Failure::new(format!("{what}\n{HELP}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_the_demo_says_to_itself_means_the_same() {
        let options = Options { keep: true, etcd: true, slow: true, svg: Some("docs/demo.svg".into()) };
        assert_eq!(parse(&options.words()), Ok(Wish::Show(options)));
        let inside = parse(&words("--walk /tmp/f /sys/c --keep"));
        let options = Options { keep: true, ..Options::default() };
        assert_eq!(inside, Ok(Wish::Walk { folder: "/tmp/f".into(), cgroup: "/sys/c".into(), options }));
    }

    #[test]
    fn a_wrong_word_is_named_and_help_is_near() {
        assert!(parse(&words("--kepe")).unwrap_err().to_string().contains("\"--kepe\""));
        assert!(parse(&words("--svg")).unwrap_err().to_string().contains("cargo demo --stop"));
        assert_eq!(parse(&words("--keep --stop")), Ok(Wish::Stop));
    }
}
