//! Doors for the fuzz targets: what systemctl prints, as plain values. What has to hold of them is checked over there.

use cluster::UnitName;
use cluster::sorted::Map;

use crate::failure::Failure;
use crate::states::{self, UnitStatus};
use crate::{one_line, refusals};

/// What `list-units` says of some units.
///
/// # Errors
/// The line that was not understood.
pub fn listed(stdout: &str, names: &[UnitName]) -> Result<Map<UnitName, UnitStatus>, String> {
    states::read(stdout, names).map_err(str::to_owned)
}

/// What `show` says of some units.
#[must_use]
pub fn shown(stdout: &str, names: &[UnitName]) -> Option<Map<UnitName, UnitStatus>> {
    states::read_shown(stdout, names)
}

/// What `show` says of a unit's end.
#[must_use]
pub fn failure(stdout: &str) -> Failure {
    Failure::read(stdout)
}

/// Which units systemctl says were refused and why, and why systemd was not reached.
#[must_use]
pub fn refused(stderr: &str, names: &[UnitName]) -> (Map<UnitName, String>, Option<String>) {
    let said = refusals::read(stderr, names);
    (said.refused, said.unreachable)
}

/// All that was said, as one line.
#[must_use]
pub fn whole(stderr: &str) -> String {
    refusals::whole(stderr)
}

/// A text as one line of at most that many bytes.
#[must_use]
pub fn line(text: &str, max_bytes: usize) -> String {
    one_line::one_line(text, max_bytes)
}
