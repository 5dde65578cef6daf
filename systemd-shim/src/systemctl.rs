//! The verbs of systemctl Skiff uses, each as one call for many units. What a unit should be is decided
//! elsewhere; here orders are given, and what systemd said to them is told per unit.

use std::time::Duration;

use cluster::UnitName;
use cluster::limits::{ERROR_TEXT_MAX_BYTES, SYSTEMCTL_NAMES_MAX, SYSTEMCTL_NAMES_MAX_BYTES};
use cluster::sorted::Map;

use crate::error::{BatchError, FileError, Refusal, SystemdError};
use crate::one_line::one_line;
use crate::process::{self, Output, Run};
use crate::refusals;
use crate::scope::{Paths, Scope, Timeouts};
use crate::states::{self, UnitStatus};

/// One systemd manager, asked through its command line. Every call blocks until its programs have ended, at
/// most as long as [`Timeouts`] says for each. Cloning shares nothing.
#[derive(Clone, Debug)]
pub struct Systemd {
    pub(crate) scope: Scope,
    pub(crate) paths: Paths,
    pub(crate) timeouts: Timeouts,
    pub(crate) run: Run,
}

/// An order to systemd.
struct Order {
    verb: &'static str,
    options: &'static [&'static str],
    /// "Not loaded" is what was wanted.
    absent_is_done: bool,
}

const START: Order = Order { verb: "start", options: &["--no-block"], absent_is_done: false };
const RESTART: Order = Order { verb: "restart", options: &["--no-block"], absent_is_done: false };
const STOP: Order = Order { verb: "stop", options: &["--no-block"], absent_is_done: true };
const RESET_FAILED: Order = Order { verb: "reset-failed", options: &[], absent_is_done: true };

/// What systemctl says when an `[Install]` section gives nothing to do.
const NOTHING_TO_ENABLE: &str = "no installation config";

impl Systemd {
    /// The manager of `scope` at its usual places.
    ///
    /// # Errors
    /// User scope without an absolute `XDG_RUNTIME_DIR`.
    pub fn new(scope: Scope) -> Result<Self, FileError> {
        let paths = Paths::of(scope, |name| std::env::var(name).ok())?;
        Ok(Self::with_paths(scope, paths, Timeouts::default()))
    }

    /// The manager of `scope` at places of the caller's choice.
    #[must_use]
    pub const fn with_paths(scope: Scope, paths: Paths, timeouts: Timeouts) -> Self {
        Self { scope, paths, timeouts, run: process::run }
    }

    /// The same with its programs run another way: a simulation brings a systemd of its own.
    #[must_use]
    pub fn run_by(self, run: Run) -> Self {
        Self { run, ..self }
    }

    /// Where this manager keeps things.
    #[must_use]
    pub const fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Makes systemd read its unit files again, and waits for the end of it. Needed for changed files and for
    /// what [`enable_runtime`](Self::enable_runtime) linked; see [`UnitStatus::needs_reload`].
    ///
    /// # Errors
    /// The reload did not happen.
    pub fn daemon_reload(&self) -> Result<(), SystemdError> {
        self.expect_success("daemon-reload", &["daemon-reload"], &[], self.timeouts.reload).map(drop)
    }

    /// Queues a start of each unit and waits for none. Units that run already stay as they are.
    ///
    /// # Errors
    /// Units whose start was not accepted, each with systemd's reason.
    pub fn start(&self, units: &[UnitName]) -> Result<(), BatchError> {
        self.order(&START, units)
    }

    /// Queues a stop of each unit and waits for none: the end shows in the states. A unit systemd does not
    /// know is stopped.
    ///
    /// # Errors
    /// Units whose stop was not accepted, each with systemd's reason.
    pub fn stop(&self, units: &[UnitName]) -> Result<(), BatchError> {
        self.order(&STOP, units)
    }

    /// Queues a stop and a start of each unit and waits for none; a unit that does not run is started.
    ///
    /// # Errors
    /// Units whose restart was not accepted, each with systemd's reason.
    pub fn restart(&self, units: &[UnitName]) -> Result<(), BatchError> {
        self.order(&RESTART, units)
    }

    /// Forgets that these units failed, so that systemd can let go of them. A unit it does not know is done.
    ///
    /// # Errors
    /// Units systemd refused, each with its reason.
    pub fn reset_failed(&self, units: &[UnitName]) -> Result<(), BatchError> {
        self.order(&RESET_FAILED, units)
    }

    /// Carries out a unit's `[Install]` section until the next boot (contract §2.7). The file must be linked
    /// already. The result counts after the next [`daemon_reload`](Self::daemon_reload), which is left to the
    /// caller so that a pass makes one.
    ///
    /// # Errors
    /// systemd refused, or the section gives nothing to enable.
    pub fn enable_runtime(&self, unit: &UnitName) -> Result<(), SystemdError> {
        let args = ["enable", "--runtime", "--force", "--no-reload"];
        let output = self.expect_success("enable", &args, std::slice::from_ref(unit), self.timeouts.order)?;
        if output.stderr.contains(NOTHING_TO_ENABLE) {
            let text = "its [Install] section gives nothing to enable".to_owned();
            return Err(SystemdError::Refused { command: label("enable", std::slice::from_ref(unit)), text });
        }
        Ok(())
    }

    /// Undoes [`enable_runtime`](Self::enable_runtime). systemd takes the unit's link in the runtime unit
    /// directory away with it, so this comes after the stop. Nothing to undo is success.
    ///
    /// # Errors
    /// systemd refused.
    pub fn disable_runtime(&self, unit: &UnitName) -> Result<(), SystemdError> {
        let args = ["disable", "--runtime", "--no-reload"];
        match self.expect_success("disable", &args, std::slice::from_ref(unit), self.timeouts.order) {
            Err(SystemdError::Refused { text, .. }) if text.ends_with(" does not exist.") => Ok(()),
            other => other.map(drop),
        }
    }

    /// The states of `units`, an entry for each: one question for up to
    /// [`SYSTEMCTL_NAMES_MAX`] of them, whatever their number costs about 7 ms per 100.
    ///
    /// # Errors
    /// Nothing is known about any of them.
    pub fn states(&self, units: &[UnitName]) -> Result<Map<UnitName, UnitStatus>, SystemdError> {
        let args = ["list-units", "--all", "--plain", "--no-legend", "--full"];
        let mut all = Map::new();
        for some in chunks(units) {
            let output = self.question("list-units", &args, some)?;
            let mut states = states::read(&output.stdout, some).map_err(|line| SystemdError::Unreadable {
                command: label("list-units", &[]),
                line: one_line(line, ERROR_TEXT_MAX_BYTES),
            })?;
            all.append(&mut states);
        }
        Ok(all)
    }

    /// The states of `units` as systemd finds them when it looks at their files, also of those it has dropped from
    /// memory because nothing of them runs. An entry for each; costs some 3 ms a unit, so it is for the few that
    /// [`states`](Self::states) has nothing to say about.
    ///
    /// # Errors
    /// Nothing is known about any of them.
    pub fn looked_up(&self, units: &[UnitName]) -> Result<Map<UnitName, UnitStatus>, SystemdError> {
        let args = ["show", "--property=LoadState,ActiveState,SubState"];
        let mut all = Map::new();
        for some in chunks(units) {
            let output = self.question("show", &args, some)?;
            let mut states =
                states::read_shown(&output.stdout, some).ok_or_else(|| SystemdError::Unreadable {
                    command: label("show", &[]),
                    line: one_line(&output.stdout, ERROR_TEXT_MAX_BYTES),
                })?;
            all.append(&mut states);
        }
        Ok(all)
    }

    fn order(&self, order: &Order, units: &[UnitName]) -> Result<(), BatchError> {
        let mut error = BatchError::default();
        for some in chunks(units) {
            self.order_some(order, some, &mut error);
        }
        error.into_result()
    }

    /// Gives the order for `units` and sorts what came of it into `error`. Where systemctl failed without
    /// naming a unit, the halves are tried apart until the failing ones stand alone. An order repeated to a
    /// unit that took it does nothing, a restart apart, which may then happen once more.
    fn order_some(&self, order: &Order, units: &[UnitName], error: &mut BatchError) {
        if error.cause.is_some() {
            error.unknown.extend_from_slice(units);
            return;
        }
        let mut args = vec![order.verb];
        args.extend(order.options);
        let outcome = self.call(order.verb, &args, units, self.timeouts.order).and_then(|output| {
            let said = refusals::read(&output.stderr, units);
            match &said.unreachable {
                Some(text) => {
                    let command = label(order.verb, units);
                    Err(SystemdError::Unreachable { command, text: text.clone() })
                }
                None => Ok((output, said.refused)),
            }
        });
        let (output, mut refused) = match outcome {
            Ok((output, _)) if output.success => return,
            Ok(failed) => failed,
            Err(cause) => {
                error.unknown.extend_from_slice(units);
                error.cause = Some(cause);
                return;
            }
        };
        if let [unit] = units {
            refused.entry(unit.clone()).or_insert_with(|| refusals::whole(&output.stderr));
        }
        let unnamed: Vec<UnitName> =
            units.iter().filter(|unit| !refused.contains_key(*unit)).cloned().collect();
        let told = !refused.is_empty() && !output.stderr_cut;
        let kept =
            refused.into_iter().filter(|(_, reason)| !(order.absent_is_done && refusals::is_absent(reason)));
        error.refused.extend(kept.map(|(unit, reason)| Refusal { unit, reason }));
        if !told {
            self.order_apart(order, &unnamed, units.len(), error);
        }
    }

    /// The rest of a batch of `of` units that failed: at once if it got smaller, else in halves.
    fn order_apart(&self, order: &Order, rest: &[UnitName], of: usize, error: &mut BatchError) {
        let middle = if rest.len() < of { rest.len() } else { rest.len() / 2 };
        let (first, second) = rest.split_at_checked(middle).unwrap_or((rest, &[]));
        for part in [first, second].into_iter().filter(|part| !part.is_empty()) {
            self.order_some(order, part, error);
        }
    }

    /// A call whose failure is systemd's answer.
    fn expect_success(
        &self,
        verb: &str,
        args: &[&str],
        units: &[UnitName],
        timeout: Duration,
    ) -> Result<Output, SystemdError> {
        let output = self.call(verb, args, units, timeout)?;
        if let Some(text) = refusals::read(&output.stderr, units).unreachable {
            return Err(SystemdError::Unreachable { command: label(verb, units), text });
        }
        if output.success {
            return Ok(output);
        }
        Err(SystemdError::Refused { command: label(verb, units), text: refusals::whole(&output.stderr) })
    }

    /// A call that only asks: whatever makes it fail, nothing is known.
    pub(crate) fn question(
        &self,
        verb: &str,
        args: &[&str],
        units: &[UnitName],
    ) -> Result<Output, SystemdError> {
        match self.expect_success(verb, args, units, self.timeouts.question) {
            Err(SystemdError::Refused { command, text }) => Err(SystemdError::Unreachable { command, text }),
            other => other,
        }
    }

    fn call(
        &self,
        verb: &str,
        args: &[&str],
        units: &[UnitName],
        timeout: Duration,
    ) -> Result<Output, SystemdError> {
        let mut command = process::command(&self.paths.systemctl, self.paths.xdg_runtime_dir.as_deref());
        if self.scope == Scope::User {
            command.arg("--user");
        }
        command.args(["--no-ask-password", "--no-pager"]).args(args);
        // A unit name may begin with a dash; after this it cannot be an option.
        command.arg("--").args(units.iter().map(UnitName::as_str));
        (self.run)(&label(verb, units), &mut command, timeout)
    }
}

/// How a call is named in errors: `systemctl start a.service`, `systemctl start of 3 units`.
fn label(verb: &str, units: &[UnitName]) -> String {
    match units {
        [] => format!("systemctl {verb}"),
        [unit] => format!("systemctl {verb} {unit}"),
        more => format!("systemctl {verb} of {} units", more.len()),
    }
}

/// `units` in pieces that fit one argument list.
fn chunks(mut units: &[UnitName]) -> impl Iterator<Item = &[UnitName]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |unit: &&UnitName| {
            bytes += unit.as_str().len() + 1;
            bytes <= SYSTEMCTL_NAMES_MAX_BYTES
        };
        let count = units.iter().take(SYSTEMCTL_NAMES_MAX).take_while(fits).count();
        let (piece, rest) = units.split_at_checked(count)?;
        units = rest;
        (!piece.is_empty()).then_some(piece)
    })
}
