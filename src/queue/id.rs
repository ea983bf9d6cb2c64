//! Queue ids and their text.

use std::fmt;
use std::str::FromStr;

/// Identifies a message for as long as the spool exists; shown in log lines and taken by `queue show`.
///
/// The number grows from message to message, across restarts and whatever the clock does (see `next_id` in `spool.rs`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub u64);

/// Digits of the text form, base 32, without `i`, `l`, `o` and `u`, which are misread or make words.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Digits of an id until the year 2109; then there will be eleven.
const WIDTH: usize = 10;
/// Digits of the greatest number.
const WIDTH_MAX: usize = 13;

/// Ten (or more) digits of base 32 in lower case; of two ids of one length the later one sorts after the earlier one.
impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |place: usize| {
            let value = (self.0 >> (5 * place)) & 31;
            DIGITS
                .get(value as usize)
                .map_or('0', |digit| char::from(*digit))
        };
        let significant = (WIDTH..WIDTH_MAX)
            .rev()
            .find(|place| self.0 >> (5 * place) != 0);
        let width = significant.map_or(WIDTH, |place| place + 1);
        let text: String = (0..width).rev().map(digit).collect();
        f.pad(&text)
    }
}

/// The text is not a queue id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnId;

impl fmt::Display for NotAnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a queue id (10 letters and digits, as `gateway queue list` prints them)")
    }
}

impl std::error::Error for NotAnId {}

/// Reads what `Display` writes, in either case.
impl FromStr for QueueId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        if !(WIDTH..=WIDTH_MAX).contains(&text.len()) {
            return Err(NotAnId);
        }
        let mut number: u64 = 0;
        for octet in text.bytes() {
            let octet = octet.to_ascii_lowercase();
            let value = DIGITS.iter().position(|digit| *digit == octet);
            let value = value.ok_or(NotAnId)? as u64;
            number = number.checked_mul(32).ok_or(NotAnId)? | value;
        }
        Ok(Self(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_round_trip() {
        let table = [
            (0, "0000000000"),
            (31, "000000000z"),
            (1_795_536_480_000 * 256, "d21s86e000"),
            (1 << 50, "10000000000"),
            (u64::MAX, "fzzzzzzzzzzzz"),
        ];
        for (number, text) in table {
            assert_eq!(QueueId(number).to_string(), text);
            assert_eq!(text.parse(), Ok(QueueId(number)));
            assert_eq!(text.to_uppercase().parse(), Ok(QueueId(number)));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let table = [
            "",
            "000000000",
            "00000000000000",
            "000000000i",
            "00000 0000",
            "zzzzzzzzzzzzz",
            "../../etc/",
            "ééééé",
        ];
        for text in table {
            assert_eq!(text.parse::<QueueId>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let ids = [0, 1, 31, 32, 1 << 20, (1 << 50) - 1].map(|number| QueueId(number).to_string());
        assert!(ids.is_sorted());
    }
}
