//! The command line of `cargo cross`.

use std::path::PathBuf;

use ::tests::failure::{Failure, Outcome};

use crate::arch::Arch;

/// What `cargo cross --help` prints.
pub const HELP: &str = "\
cargo cross [release] [OPTIONS]   static binaries, archives, Debian packages and cloud-configs, in target/dist
cargo cross cloud [OPTIONS]       only the cloud-configs, from the binaries of the last release
cargo cross reproduce [OPTIONS]   build again in another folder and compare every byte with target/dist
cargo cross sizes [OPTIONS]       the sizes of the useful combinations of features
cargo cross order                 watch idle agents, and note what they execute in cross/idle.order; as root

  --arch x86_64|aarch64   only this one
  --output FOLDER         instead of target/dist
  --std-source FILE       archive with the source of Rust's standard library, for a toolchain without the musl targets;
                          SKIFF_STD_SOURCE does the same
  --url URL               where the cloud-configs fetch the files of target/dist from
  --conf FILE             the fleet.conf of the cloud-configs, instead of cross/cloud/fleet.conf
  --help                  these lines
";

/// Where releases are fetched from until somebody says so.
const NOWHERE: &str = "https://example.com/skiff";

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Everything.
    Release,
    /// The cloud-configs.
    Cloud,
    /// A second build, compared.
    Reproduce,
    /// The table of sizes.
    Sizes,
    /// The list of what idle agents execute.
    Order,
    /// [`HELP`]
    Help,
}

/// The whole command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// What is wanted.
    pub wish: Wish,
    /// For which machines.
    pub archs: Vec<Arch>,
    /// Where the results go, if not to `target/dist`.
    pub output: Option<PathBuf>,
    /// The standard library's source.
    pub std_source: Option<PathBuf>,
    /// Where cloud-configs fetch from.
    pub url: String,
    /// Their fleet.conf.
    pub conf: Option<PathBuf>,
}

/// Reads the words after the program's name.
///
/// # Errors
/// A word that has no place, or an option without its value.
pub fn parse(words: &[String]) -> Outcome<Arguments> {
    let mut arguments = Arguments {
        wish: Wish::Release,
        archs: Arch::ALL.to_vec(),
        output: None,
        std_source: None,
        url: NOWHERE.to_owned(),
        conf: None,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().cloned().ok_or_else(|| Failure::new(format!("{word} wants a value")));
        match word.as_str() {
            "release" => arguments.wish = Wish::Release,
            "cloud" => arguments.wish = Wish::Cloud,
            "reproduce" => arguments.wish = Wish::Reproduce,
            "sizes" => arguments.wish = Wish::Sizes,
            "order" => arguments.wish = Wish::Order,
            "--help" | "-h" => arguments.wish = Wish::Help,
            "--arch" => arguments.archs = vec![arch(&value()?)?],
            "--output" => arguments.output = Some(value()?.into()),
            "--std-source" => arguments.std_source = Some(value()?.into()),
            "--url" => value()?.trim_end_matches('/').clone_into(&mut arguments.url),
            "--conf" => arguments.conf = Some(value()?.into()),
            _ => return Err(Failure::new(format!("cannot read {word:?}\n\n{HELP}"))),
        }
    }
    Ok(arguments)
}

fn arch(name: &str) -> Outcome<Arch> {
    Arch::named(name).ok_or_else(|| Failure::new(format!("no architecture {name:?}: x86_64 or aarch64")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Outcome<Arguments> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn words_and_options_in_any_order() {
        let all = read("").unwrap();
        assert_eq!((all.wish, all.archs.len(), all.url.as_str()), (Wish::Release, 2, NOWHERE));
        let some = read("--arch aarch64 sizes --output /o --url http://h:1/x/").unwrap();
        assert_eq!((some.wish, some.archs), (Wish::Sizes, vec![Arch::Aarch64]));
        assert_eq!((some.output, some.url.as_str()), (Some("/o".into()), "http://h:1/x"));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        for (line, name) in [("--arch arm", "\"arm\""), ("--output", "--output wants"), ("pack", "\"pack\"")]
        {
            let failure = read(line).unwrap_err().to_string();
            assert!(failure.contains(name), "{line}: {failure}");
        }
    }
}
