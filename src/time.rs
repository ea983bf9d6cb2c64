//! Wall-clock timestamps, monotonic deadlines and their text forms; the only room that reads a clock for the others.

use std::fmt;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A moment of wall-clock time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The system clock now; a clock before 1970 reads as 1970.
    pub fn now() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Self(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
    }

    /// From whole seconds since 1970.
    pub const fn from_unix(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// From milliseconds since 1970.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Whole seconds since 1970.
    pub const fn unix(self) -> u64 {
        self.0 / 1000
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The moment `duration` later, at most the end of time.
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }

    /// How long after `earlier` this is; zero if it is not later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// Reads RFC 3339 in UTC, as it is written here; the fraction of a second may be missing.
    pub fn parse(text: &str) -> Option<Self> {
        let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "000"));
        let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
        let time = numbers(clock, ':', [2, 2, 2])?;
        let [millis] = numbers(fraction, '.', [3])?;
        let seconds = Self::from_calendar([year, month, day], time)?;
        Some(seconds.after(Duration::from_millis(millis)))
    }

    /// From year, month, day and hour, minute, second in UTC; `None` for what no calendar has, or what was before 1970.
    pub fn from_calendar(date: [u64; 3], time: [u64; 3]) -> Option<Self> {
        let [hour, minute, second] = time;
        let is_time = hour < 24 && minute < 60 && second < 60;
        let moment =
            Self::from_unix(day_of_date(date)? * 86_400 + hour * 3600 + minute * 60 + second);
        let civil = moment.civil();
        (is_time && [civil.year, civil.month, civil.day] == date).then_some(moment)
    }

    /// The calendar fields of this moment in UTC.
    pub fn civil(self) -> Civil {
        let seconds = self.unix();
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = date_of_day(days);
        Civil {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest % 3600 / 60,
            second: rest % 60,
            weekday: (days + 4) % 7,
        }
    }
}

/// RFC 3339 in UTC with milliseconds, as in the log: `2026-11-24T16:08:00.123Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let c = self.civil();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
            c.year,
            c.month,
            c.day,
            c.hour,
            c.minute,
            c.second,
            self.0 % 1000
        )
    }
}

/// Calendar fields in UTC; `weekday` counts from Sunday = 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year of the proleptic Gregorian calendar.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
    /// Sunday is 0.
    pub weekday: u64,
}

/// Year, month and day of a day counted from 1970-01-01, by the 400-year cycle that starts on March 1st.
fn date_of_day(days: u64) -> (u64, u64, u64) {
    let shifted = days.saturating_add(719_468);
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// The day counted from 1970-01-01, the other way round; any result for a date that no calendar has.
fn day_of_date([year, month, day]: [u64; 3]) -> Option<u64> {
    let is_near = (1970..=9999).contains(&year) && (1..=12).contains(&month) && day <= 31;
    let year = is_near.then_some(year)? - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = (month + 9) % 12;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100;
    (days + (153 * shifted_month + 2) / 5 + day).checked_sub(719_469)
}

/// Numbers of so many digits with this between them.
fn numbers<const N: usize>(text: &str, between: char, widths: [usize; N]) -> Option<[u64; N]> {
    let mut words = text.split(between);
    let numbers = widths.map(|width| {
        let is_number =
            |word: &&str| word.len() == width && word.bytes().all(|octet| octet.is_ascii_digit());
        words.next().filter(is_number)?.parse().ok()
    });
    let is_all = words.next().is_none() && numbers.iter().all(Option::is_some);
    is_all.then(|| numbers.map(Option::unwrap_or_default))
}

/// A monotonic point in time by which a blocking step must be over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// The longest deadline that can be set: a day.
    pub const LONGEST: Duration = Duration::from_secs(86_400);

    /// `duration` from now, at most [`Deadline::LONGEST`].
    pub fn after(duration: Duration) -> Self {
        Self(Instant::now() + duration.min(Self::LONGEST))
    }

    /// The time left, or `None` when it is over.
    pub fn remaining(self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    /// Whether no time is left.
    pub fn is_over(self) -> bool {
        self.remaining().is_none()
    }

    /// This deadline, but no later than `duration` from now.
    pub fn within(self, duration: Duration) -> Self {
        self.min(Self::after(duration))
    }
}

/// Parses a duration of the configuration: digits and a unit `ms`, `s`, `m`, `h`, `d` or `w`; no unit means seconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(split)?;
    let count: u64 = digits.parse().ok()?;
    let unit_millis: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    count.checked_mul(unit_millis).map(Duration::from_millis)
}

/// Writes a duration as [`parse_duration`] reads it, in the largest unit that is exact.
pub fn format_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    let units = [
        (86_400_000, "d"),
        (3_600_000, "h"),
        (60_000, "m"),
        (1000, "s"),
    ];
    match units
        .iter()
        .find(|(unit, _)| millis > 0 && millis % unit == 0)
    {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None => format!("{millis}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_read_as_rfc_3339() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_795_536_480, "2026-11-24T16:08:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::from_unix(unix).to_string(), text);
            assert_eq!(Timestamp::parse(text), Some(Timestamp::from_unix(unix)));
        }
        assert_eq!(Timestamp::from_unix(0).civil().weekday, 4);
        assert_eq!(Timestamp::from_unix(1_795_536_480).civil().weekday, 2);
    }

    #[test]
    fn timestamps_are_read_as_they_are_written() {
        for day in 0..60_000 {
            let moment = Timestamp::from_millis(day * 86_399_003);
            assert_eq!(Timestamp::parse(&moment.to_string()), Some(moment));
        }
        let short = Timestamp::parse("2026-11-24T16:08:00Z");
        assert_eq!(short, Some(Timestamp::from_unix(1_795_536_480)));
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T16:08:00",
            "2026-11-24T16:08Z",
            "2026-11-24T16:08:00.1Z",
            "2026-11-24T16:08:00:00Z",
            "2026-11-24T24:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "1969-12-31T23:59:59Z",
            "+026-11-24T16:08:00Z",
            "2026-11-24T16:08:00é",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_round_trip() {
        for text in ["5d", "1m", "4h", "90s", "250ms", "1d"] {
            let parsed = parse_duration(text).expect("valid");
            assert_eq!(format_duration(parsed), text);
        }
        assert_eq!(parse_duration("30"), Some(Duration::from_secs(30)));
        for text in ["", "s", "-1s", "1y", "99999999999999999999d", "1 s", "é"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn deadlines_end() {
        assert!(Deadline::after(Duration::ZERO).is_over());
        let long = Deadline::after(Duration::MAX);
        assert!(long.remaining().is_some());
        assert!(long.within(Duration::ZERO).is_over());
    }
}
