//! A run as a text that a person can read, shorten and keep: how many machines, which units, and what happens when. The
//! seed decides all that a text leaves open, so the same text is the same run.

use std::fmt;

use crate::guards::Guard;

/// What happens at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, in milliseconds from the beginning.
    pub at_ms: u64,
    /// What, as words.
    pub words: Vec<String>,
}

/// A unit that clients know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Its name.
    pub name: String,
    /// Its `[X-Fleet]` options, and those of `[Install]` as `Install.NAME`.
    pub fleet: Vec<(String, String)>,
    /// What its program does (`systemd::Program`).
    pub program: String,
}

/// A crash, a pause or a loss of power at one write of some agent, counted from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// Which write.
    pub write: u64,
    /// After it, and not before.
    pub after: bool,
    /// What happens.
    pub blow: Blow,
    /// Before which of that node's writes after it its agent is killed once more, if it is.
    pub again: Option<u64>,
}

/// What strikes an agent in the middle of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// kill -9.
    Crash,
    /// SIGSTOP for longer than the TTL.
    Pause,
    /// Its machine loses its power.
    Power,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Where chance begins.
    pub seed: u64,
    /// Machines at the start; every other one has `disk=ssd`.
    pub machines: usize,
    /// The units.
    pub units: Vec<Unit>,
    /// What happens.
    pub steps: Vec<Step>,
    /// One blow besides.
    pub cut: Option<Cut>,
    /// Guards of the agents that are taken out.
    pub without: Vec<Guard>,
}

impl Blow {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Crash, "crash"), (Self::Pause, "pause"), (Self::Power, "power")];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(blow, _)| *blow == self).map_or("", |(_, word)| word)
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = if self.after { "after" } else { "before" };
        write!(f, "cut {} {side} write {}", self.blow.word(), self.write)?;
        self.again.map_or(Ok(()), |again| write!(f, " and again before write {again}"))
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}\nmachines {}", self.seed, self.machines)?;
        if let Some(cut) = self.cut {
            writeln!(f, "{cut}")?;
        }
        for guard in &self.without {
            writeln!(f, "without {}", guard.word())?;
        }
        for unit in &self.units {
            let options: Vec<String> =
                unit.fleet.iter().map(|(key, value)| format!("{key}={value}")).collect();
            writeln!(f, "unit {} {} | {}", unit.name, options.join(" "), unit.program)?;
        }
        for step in &self.steps {
            writeln!(f, "at {}.{:03} {}", step.at_ms / 1000, step.at_ms % 1000, step.words.join(" "))?;
        }
        Ok(())
    }
}

impl Scenario {
    /// Reads a text; lines that begin with `#` are for people.
    ///
    /// # Errors
    /// A line that means nothing, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (units, steps, without) = (Vec::new(), Vec::new(), Vec::new());
        let mut scenario = Self { seed: 0, machines: 1, units, steps, cut: None, without };
        for line in text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()) {
            scenario.read_line(line).ok_or_else(|| format!("no line of a scenario: {line}"))?;
        }
        Ok(scenario)
    }

    fn read_line(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            ["seed", seed] => self.seed = seed.parse().ok()?,
            ["machines", count] => {
                self.machines = count.parse().ok().filter(|count| (1..=9).contains(count))?
            }
            ["cut", blow, side, "write", number, rest @ ..] => {
                let (blow, _) = Blow::ALL.into_iter().find(|(_, word)| word == blow)?;
                let again = match rest {
                    [] => None,
                    ["and", "again", "before", "write", number] => Some(number.parse().ok()?),
                    _ => return None,
                };
                let (write, after) = (number.parse().ok()?, *side == "after");
                self.cut = Some(Cut { write, after, blow, again });
            }
            ["without", guard] => self.without.push(Guard::of(guard)?),
            ["unit", name, rest @ ..] => self.units.push(unit(name, rest)?),
            ["at", time, step @ ..] if !step.is_empty() => {
                let words = step.iter().map(|word| (*word).to_owned()).collect();
                self.steps.push(Step { at_ms: millis(time)?, words });
            }
            _ => return None,
        }
        Some(())
    }

    /// The unit of a name.
    #[must_use]
    pub fn unit(&self, name: &str) -> Option<&Unit> {
        self.units.iter().find(|unit| unit.name == name)
    }
}

fn unit(name: &str, rest: &[&str]) -> Option<Unit> {
    let bar = rest.iter().position(|word| *word == "|")?;
    let (options, program) = rest.split_at_checked(bar)?;
    let option = |word: &&str| word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    let fleet = options.iter().map(option).collect::<Option<Vec<_>>>()?;
    Some(Unit { name: name.to_owned(), fleet, program: program.get(1..)?.join(" ") })
}

/// `12.345` in milliseconds.
fn millis(text: &str) -> Option<u64> {
    let (seconds, millis) = text.split_once('.').unwrap_or((text, "0"));
    Some(seconds.parse::<u64>().ok()? * 1000 + format!("{millis:0<3}").get(..3)?.parse::<u64>().ok()?)
}

impl Step {
    /// The word at a place.
    #[must_use]
    pub fn word(&self, at: usize) -> &str {
        self.words.get(at).map_or("", String::as_str)
    }

    /// The step that a snare holds.
    #[must_use]
    pub fn inner(&self) -> Option<Self> {
        let words = self.words.get(5..).filter(|words| !words.is_empty())?;
        Some(Self { at_ms: self.at_ms, words: words.to_vec() })
    }

    /// The number at a place, 0 if there is none.
    #[must_use]
    pub fn number(&self, at: usize) -> u64 {
        self.word(at).parse().unwrap_or(0)
    }
}
