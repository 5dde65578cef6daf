//! One test world in a process of its own: it reads names of scenarios, runs each, and says how it ended. And the other end
//! of that conversation, for the process that hands the names out.

use std::io::{BufRead, BufReader, Lines, Write, stdin, stdout};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tests::failure::{Failure, Outcome};
use tests::install::Binaries;
use tests::isolation::Isolation;
use tests::report;
use tests::store_program::{StoreKind, StoreProgram};
use tests::wait::Stopwatch;
use tests::world::World;

use crate::Scenario;

/// The option that makes this program a worker.
pub(crate) const OPTION: &str = "--worker=";

/// How a line begins that is part of the conversation, and not of a report.
const ANSWER: &str = "\u{1}";
const READY: &str = "ready";
const PASSED: &str = "ok";
const FAILED: &str = "FAILED";

/// Builds a world on this store and runs in it what is asked for, until nobody asks any more.
pub(crate) fn serve(store: StoreKind) -> Outcome {
    let binaries = Binaries::build()?;
    let program = store.program()?;
    let mut world = World::start_on(program, Isolation::enter()?, binaries)?;
    answer(READY)?;
    for name in stdin().lines() {
        let name = name.map_err(|cause| Failure::during("read a scenario's name", cause))?;
        let scenario = crate::all().find(|one| one.name == name);
        let scenario = scenario.ok_or_else(|| Failure::new(format!("there is no scenario {name:?}")))?;
        let watch = Stopwatch::start();
        let outcome = (scenario.run)(&mut world);
        let seconds = watch.elapsed().as_secs_f64();
        if let Err(failure) = &outcome {
            println!("{failure}\n{}", report::of(&world, &format!("{store} {name}")));
        }
        answer(&format!("{} {seconds:.1}", if outcome.is_ok() { PASSED } else { FAILED }))?;
    }
    Ok(())
}

fn answer(text: &str) -> Outcome {
    let mut screen = stdout();
    let said = writeln!(screen, "{ANSWER}{text}").and_then(|()| screen.flush());
    said.map_err(|cause| Failure::during("tell how a scenario ended", cause))
}

/// How a scenario ended.
pub(crate) struct Verdict {
    /// Whether it passed.
    pub passed: bool,
    /// What it took, in seconds.
    pub seconds: f64,
    /// What it had to say.
    pub report: String,
}

/// What every world needs, built once: cargo lets one build at a time, and worlds come and go.
pub(crate) struct Supplies {
    binaries: Binaries,
    programs: Vec<StoreProgram>,
}

impl Supplies {
    /// Builds what is not ready.
    pub(crate) fn gather(stores: &[StoreKind]) -> Outcome<Self> {
        let programs = stores.iter().map(|store| store.program()).collect::<Outcome<_>>()?;
        Ok(Self { binaries: Binaries::build()?, programs })
    }

    fn hand_to(&self, command: &mut Command) {
        self.binaries.hand_to(command);
        self.programs.iter().for_each(|program| program.hand_to(command));
    }
}

/// A worker, as seen by who asks it.
pub(crate) struct Worker {
    /// The store of its world.
    pub store: StoreKind,
    process: Child,
    asks: Option<ChildStdin>,
    says: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts one and waits until its world is there. It ends with the thread that called this.
    pub(crate) fn start(store: StoreKind, supplies: &Supplies) -> Outcome<Self> {
        let trouble = |cause| Failure::during("start a process for a test world", cause);
        let own = std::env::current_exe().map_err(trouble)?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(own).arg(format!("{OPTION}{store}"));
        supplies.hand_to(&mut command);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(trouble)?;
        let (asks, says) = (process.stdin.take(), process.stdout.take());
        let says = says.ok_or_else(|| Failure::new("a test world's process has no output"))?;
        let mut worker = Self { store, process, asks, says: BufReader::new(says).lines() };
        let (_, answer) = worker.hear()?;
        if answer == READY { Ok(worker) } else { Err(Failure::new(format!("a test world said {answer:?}"))) }
    }

    /// Has it run a scenario.
    pub(crate) fn run(&mut self, scenario: &Scenario) -> Outcome<Verdict> {
        let asks = self.asks.as_mut().ok_or_else(|| Failure::new("a test world was dismissed"))?;
        writeln!(asks, "{}", scenario.name)
            .map_err(|cause| Failure::during("ask a test world for a scenario", cause))?;
        let (report, answer) = self.hear()?;
        let (word, seconds) = answer.split_once(' ').unwrap_or_default();
        Ok(Verdict { passed: word == PASSED, seconds: seconds.parse().unwrap_or(0.0), report })
    }

    /// Everything up to the next answer, and that.
    fn hear(&mut self) -> Outcome<(String, String)> {
        let mut report = String::new();
        for line in self.says.by_ref() {
            let line = line.map_err(|cause| Failure::during("hear a test world", cause))?;
            if let Some(answer) = line.strip_prefix(ANSWER) {
                return Ok((report, answer.to_owned()));
            }
            report.push_str(&line);
            report.push('\n');
        }
        Err(Failure::new(format!("the process of a test world on {} ended\n{report}", self.store)))
    }
}

impl Drop for Worker {
    /// No more questions: it takes its world down and ends.
    fn drop(&mut self) {
        drop(self.asks.take());
        let _ = self.process.wait();
    }
}
