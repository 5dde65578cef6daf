//! The time between two looks at units: until one of them changes, where the cluster can tell, and a growing rhythm where
//! it cannot. Either way some looks come without a change, since what they see may mean something else after a while.

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use cluster::UnitName;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::SILENCE_MAX;
use crate::api::Api;
use crate::clock::boottime;
use crate::exit::Failure;

/// Pauses between looks, in milliseconds: the shortest and the longest.
const PAUSE_MIN_MS: u16 = 20;
const PAUSE_MAX_MS: u16 = 250;
/// The longest wait for a change: the first after one, and the one it grows to.
const QUIET_MIN: Duration = Duration::from_millis(500);
const QUIET_MAX: Duration = Duration::from_secs(5);
/// A wait that would be shorter is not worth a request.
const WAIT_MIN: Duration = Duration::from_millis(20);

/// Rests between looks.
pub(super) struct Rest<'a> {
    /// Who tells of changes, as long as that works.
    api: Option<&'a Api>,
    after: Option<u64>,
    quiet: Duration,
}

impl<'a> Rest<'a> {
    pub(super) const fn new(api: Option<&'a Api>) -> Self {
        Self { api, after: None, quiet: QUIET_MIN }
    }

    /// Waits before the next look at `units`, for `soon` at most where all that is missing is time; the last look comes
    /// when nothing is `left`. Nobody may be left to read standard output meanwhile; there is no use in waiting then.
    pub(super) fn rest(
        &mut self,
        units: &[UnitName],
        elapsed: Duration,
        left: Option<Duration>,
        soon: Option<Duration>,
    ) -> Result<(), Failure> {
        let usual = soon.unwrap_or_else(|| usual(elapsed)).min(left.unwrap_or(Duration::MAX));
        let looked = boottime();
        // Nothing may be missed between a look and the first wait, so the moment is asked for before the look.
        let Some(after) = self.after else {
            pause(Duration::ZERO)?;
            if !self.begin() {
                pause(usual)?;
            }
            return Ok(());
        };
        let before_words = Some(SILENCE_MAX.saturating_sub(elapsed)).filter(|time| !time.is_zero());
        let longest =
            [Some(self.quiet), left, soon, before_words].into_iter().flatten().min().unwrap_or(self.quiet);
        if longest < WAIT_MIN {
            return pause(longest);
        }
        match self.api.map(|api| api.changes(Some(after), units, longest)) {
            Some(Ok(Some(changes))) => {
                self.after = Some(changes.index);
                self.quiet = if changes.is_some() { QUIET_MIN } else { (self.quiet * 2).min(QUIET_MAX) };
                // Many changes close together are worth one look.
                let rested = boottime().saturating_sub(looked);
                pause(if changes.is_some() { usual.saturating_sub(rested) } else { Duration::ZERO })
            }
            Some(Err(error)) if error.is_passing() => pause(usual),
            Some(_) | None => {
                (self.api, self.after) = (None, None);
                pause(usual)
            }
        }
    }

    /// Learns the present moment; false if nobody tells of changes.
    fn begin(&mut self) -> bool {
        let Some(api) = self.api else { return false };
        match api.changes(None, &[], Duration::ZERO) {
            Ok(Some(changes)) => {
                self.after = Some(changes.index);
                true
            }
            Ok(None) => {
                self.api = None;
                false
            }
            Err(_) => false,
        }
    }
}

/// Longer the longer it has been already, so that a look comes late by a fifth of the time waited at most.
fn usual(elapsed: Duration) -> Duration {
    let growing = u16::try_from(elapsed.as_millis() / 5).unwrap_or(u16::MAX);
    Duration::from_millis(growing.clamp(PAUSE_MIN_MS, PAUSE_MAX_MS).into())
}

/// Waits this long, unless nobody is left to read standard output. The clock of `poll` is coarser than ours: a look that
/// comes too early would be one too many.
///
/// # Errors
/// Nobody is.
pub(crate) fn pause(time: Duration) -> Result<(), Failure> {
    let pause_ms = u16::try_from(time.as_micros().div_ceil(1000)).unwrap_or(u16::MAX);
    let stdout = io::stdout();
    let mut watched = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
    // An interrupted poll is only a shorter pause.
    let hung_up = poll(&mut watched, PollTimeout::from(pause_ms)).unwrap_or(0) > 0;
    if hung_up { Err(Failure::Output(io::ErrorKind::BrokenPipe.into())) } else { Ok(()) }
}
