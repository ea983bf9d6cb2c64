//! Writes a moment as a date of a header field.

use crate::time::Timestamp;

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The moment in UTC as RFC 5322 §3.3 writes it: `Tue, 24 Nov 2026 16:08:00 +0000`.
pub fn format(moment: Timestamp) -> String {
    let civil = moment.civil();
    let name = |names: &[&'static str], number: u64| {
        let found = usize::try_from(number).ok().and_then(|n| names.get(n));
        found.copied().unwrap_or_default()
    };
    format!(
        "{}, {} {} {:04} {:02}:{:02}:{:02} +0000",
        name(&WEEKDAYS, civil.weekday),
        civil.day,
        name(&MONTHS, civil.month.saturating_sub(1)),
        civil.year,
        civil.hour,
        civil.minute,
        civil.second
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_fields() {
        for (unix, text) in [
            (0, "Thu, 1 Jan 1970 00:00:00 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (1_795_536_480, "Tue, 24 Nov 2026 16:08:00 +0000"),
            (1_798_761_599, "Thu, 31 Dec 2026 23:59:59 +0000"),
        ] {
            assert_eq!(format(Timestamp::from_unix(unix)), text);
        }
    }
}
