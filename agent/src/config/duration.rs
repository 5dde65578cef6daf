//! The two spellings of a duration in the configuration: Go's (`1m30s`) and seconds as a decimal (`1.5`), both exact
//! to the nanosecond. Which key uses which, and within what bounds, is `settings`' business.

use std::time::Duration;

const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// Longest duration that is read at all: far above every bound, far below every overflow.
const MAX_NANOS: u128 = 1_000_000 * 3600 * NANOS_PER_SECOND;

/// Nanoseconds of each unit of Go's notation.
const UNITS: [(&str, u128); 8] = [
    ("h", 3600 * NANOS_PER_SECOND),
    ("m", 60 * NANOS_PER_SECOND),
    ("s", NANOS_PER_SECOND),
    ("ms", 1_000_000),
    ("us", 1000),
    ("\u{b5}s", 1000),
    ("\u{3bc}s", 1000),
    ("ns", 1),
];

/// Reads `30s`, `1m30s`, `1.5h`, `500ms`, `0`. No sign, no blanks, no number without its unit except zero.
pub(super) fn parse_go(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    let mut rest = text;
    let mut nanos = 0_u128;
    while !rest.is_empty() {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, after) = rest.split_at(number_end);
        let unit_end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit_end);
        let (_, nanos_per_unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
        nanos += scaled(number, *nanos_per_unit)?;
        if nanos > MAX_NANOS {
            return None;
        }
        rest = after;
    }
    (!text.is_empty()).then(|| from_nanos(nanos))?
}

/// Reads seconds such as `2`, `1.0`, `.25`. No sign, no exponent.
pub(super) fn parse_seconds(text: &str) -> Option<Duration> {
    from_nanos(scaled(text, NANOS_PER_SECOND)?)
}

fn from_nanos(nanos: u128) -> Option<Duration> {
    u64::try_from(nanos).ok().filter(|_| nanos <= MAX_NANOS).map(Duration::from_nanos)
}

/// A decimal number times `unit`; digits past the nanosecond are dropped.
fn scaled(number: &str, unit: u128) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut nanos = u128::from(whole).checked_mul(unit)?;
    let mut place = unit;
    for digit in fraction.bytes() {
        place /= 10;
        nanos += u128::from(digit - b'0') * place;
    }
    Some(nanos)
}

#[cfg(test)]
mod tests {
    use super::{parse_go, parse_seconds};
    use std::time::Duration;

    #[test]
    fn reads_go_durations() {
        let cases = [
            ("30s", 30_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5s", 1500),
            (".5s", 500),
            ("1h", 3_600_000),
            ("0", 0),
            ("0s", 0),
            ("2000000us", 2000),
        ];
        for (text, millis) in cases {
            assert_eq!(parse_go(text), Some(Duration::from_millis(millis)), "{text}");
        }
        assert_eq!(parse_go("7\u{b5}s"), Some(Duration::from_micros(7)));
    }

    #[test]
    fn refuses_what_is_none() {
        let bad = [
            "",
            "30",
            "s",
            "-3s",
            "+3s",
            "3 s",
            "3s ",
            "1e3s",
            "3x",
            "..s",
            "1.2.3s",
            "99999999999999999999s",
            "9999999h",
        ];
        for text in bad {
            assert_eq!(parse_go(text), None, "{text}");
        }
        for text in ["", ".", "-1", "1e3", "nan", "inf", "1s", "1,5", "99999999999999999999", "99999999999"] {
            assert_eq!(parse_seconds(text), None, "{text}");
        }
    }

    #[test]
    fn reads_decimal_seconds() {
        assert_eq!(parse_seconds("2"), Some(Duration::from_secs(2)));
        assert_eq!(parse_seconds("2.0"), Some(Duration::from_secs(2)));
        assert_eq!(parse_seconds(".25"), Some(Duration::from_millis(250)));
        assert_eq!(parse_seconds("0.1"), Some(Duration::from_millis(100)));
        assert_eq!(parse_seconds("1.0000000009"), Some(Duration::from_secs(1)));
    }
}
