//! The Date header. It reads the calendar clock, since a client sees it; nothing decides on it.

use std::fmt;

use nix::time::{ClockId, clock_gettime};

const DAY_NAMES: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTH_NAMES: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECONDS_PER_DAY: u64 = 86_400;
/// Days of 400 years, after which the calendar repeats itself.
const DAYS_PER_ERA: u64 = 146_097;

/// A moment in the form of RFC 9110, `Sun, 06 Nov 1994 08:49:37 GMT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HttpDate {
    unix_seconds: u64,
}

impl HttpDate {
    /// Now; the beginning of 1970 if the clock cannot be read or stands before it.
    pub(super) fn now() -> Self {
        let seconds = clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, |time| time.tv_sec());
        Self { unix_seconds: u64::try_from(seconds).unwrap_or(0) }
    }

    /// Year, month from 0, day from 1, counted in years that begin in March, so that a leap day is a year's last.
    fn calendar(self) -> (u64, usize, u64) {
        let days = self.unix_seconds / SECONDS_PER_DAY + 719_468; // since 0000-03-01
        let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * march_month + 2) / 5 + 1;
        let month = usize::try_from((march_month + 2) % 12).unwrap_or(0);
        (era * 400 + year_of_era + u64::from(month < 2), month, day)
    }
}

impl fmt::Display for HttpDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.calendar();
        let weekday = usize::try_from(self.unix_seconds / SECONDS_PER_DAY % 7).unwrap_or(0);
        let name = |names: &[&'static str], index: usize| names.get(index).copied().unwrap_or("");
        let second = self.unix_seconds % SECONDS_PER_DAY;
        write!(
            f,
            "{}, {day:02} {} {year:04} {:02}:{:02}:{:02} GMT",
            name(&DAY_NAMES, weekday),
            name(&MONTH_NAMES, month),
            second / 3600,
            second / 60 % 60,
            second % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::HttpDate;

    #[test]
    fn writes_known_moments() {
        for (unix_seconds, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 GMT"),
            (1_795_357_029, "Sun, 22 Nov 2026 14:17:09 GMT"),
            (4_102_444_799, "Thu, 31 Dec 2099 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] {
            assert_eq!(HttpDate { unix_seconds }.to_string(), text);
        }
    }
}
