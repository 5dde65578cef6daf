//! The two clocks of ctl: one for waiting, one for the time stamps of log lines. Nothing else reads the time.

use std::time::Duration;

use nix::time::ClockId;

/// Time since the machine booted, sleep included.
pub(crate) fn boottime() -> Duration {
    ClockId::CLOCK_BOOTTIME.now().map_or(Duration::ZERO, Duration::from)
}

/// The time of day in UTC, as fleet's log lines begin: `2016/01/02 15:04:05`.
pub(crate) fn stamp() -> String {
    stamp_of(ClockId::CLOCK_REALTIME.now().map_or(0, |now| now.tv_sec().max(0)))
}

fn stamp_of(unix_secs: i64) -> String {
    let (days, second) = (unix_secs.div_euclid(86_400), unix_secs.rem_euclid(86_400));
    let (year, month, day) = civil(days);
    format!("{year:04}/{month:02}/{day:02} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}

/// A moment as listings print it: `2016-01-02T15:04:05Z`.
pub(crate) fn moment(unix_secs: u64) -> String {
    let stamp = stamp_of(i64::try_from(unix_secs).unwrap_or(i64::MAX));
    format!("{}Z", stamp.replace('/', "-").replace(' ', "T"))
}

/// Year, month and day of the Gregorian calendar, from days since 1970-01-01. Years are taken to begin in March,
/// so that the leap day is a year's last.
fn civil(days: i64) -> (i64, i64, i64) {
    let since_era_start = days + 719_468;
    let era = since_era_start.div_euclid(146_097);
    let day_of_era = since_era_start.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_are_calendar_dates() {
        assert_eq!(stamp_of(0), "1970/01/01 00:00:00");
        assert_eq!(moment(1_795_357_017), "2026-11-22T14:16:57Z");
        assert_eq!(stamp_of(951_782_399), "2000/02/28 23:59:59");
        assert_eq!(stamp_of(951_782_400), "2000/02/29 00:00:00");
        assert_eq!(stamp_of(1_795_357_017), "2026/11/22 14:16:57");
        assert_eq!(stamp_of(4_107_542_399), "2100/02/28 23:59:59");
        assert_eq!(stamp_of(4_107_542_400), "2100/03/01 00:00:00");
    }

    #[test]
    fn boottime_runs() {
        assert!(boottime() > Duration::ZERO);
    }
}
