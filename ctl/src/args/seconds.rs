//! Durations as flags give them, in seconds with a decimal point: `10`, `0.5`, or with a unit: `30s`, `2m`, `1h`. Read without floating point, which
//! would cost more bytes than the rest of the command line.

use std::time::Duration;

use argh::FromArgValue;

/// Longest duration a flag may set, in seconds: a day.
const MAX_SECS: u64 = 86_400;

/// A duration above zero and up to a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seconds(pub(crate) Duration);

impl Seconds {
    /// The same in whole seconds, rounded up, for programs that know no parts of a second.
    pub(crate) const fn rounded_up(self) -> u64 {
        self.0.as_secs() + (self.0.subsec_nanos() > 0) as u64
    }
}

impl FromArgValue for Seconds {
    fn from_arg_value(text: &str) -> Result<Self, String> {
        let wrong = || format!("it takes seconds above 0 and up to {MAX_SECS}, such as 10, 0.5 or 2m");
        let units = [("s", 1), ("m", 60), ("h", 3600)];
        let with_unit = units.iter().find_map(|(unit, secs)| Some((text.strip_suffix(unit)?, *secs)));
        let (digits, unit_secs) = with_unit.unwrap_or((text, 1));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(part) {
            return Err(wrong());
        }
        let secs: u64 = whole.parse().map_err(|_| wrong())?;
        let millis: u64 =
            format!("{part:0<3}").get(..3).and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        let number = Duration::from_secs(secs).saturating_add(Duration::from_millis(millis));
        let total = number.checked_mul(unit_secs).ok_or_else(wrong)?;
        if total.is_zero() || total > Duration::from_secs(MAX_SECS) { Err(wrong()) } else { Ok(Self(total)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<u64> {
        Seconds::from_arg_value(text).ok().map(|seconds| u64::try_from(seconds.0.as_millis()).unwrap())
    }

    #[test]
    fn whole_and_decimal_seconds_are_read() {
        assert_eq!(read("10"), Some(10_000));
        assert_eq!(read("10.0"), Some(10_000));
        assert_eq!(read("0.5"), Some(500));
        assert_eq!(read("1.0625"), Some(1062));
        assert_eq!(read("86400"), Some(86_400_000));
        assert_eq!((read("30s"), read("1.5m"), read("24h")), (Some(30_000), Some(90_000), Some(86_400_000)));
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "0",
            "0.0",
            "-1",
            ".5",
            "1.",
            "1e3",
            "86401",
            "99999999999999999999999",
            "inf",
            "1.x",
            "18446744073709551615h",
            "s",
            "1d",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn parts_of_a_second_are_rounded_up() {
        assert_eq!(Seconds(Duration::from_millis(1500)).rounded_up(), 2);
        assert_eq!(Seconds(Duration::from_secs(3)).rounded_up(), 3);
    }
}
