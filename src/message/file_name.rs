//! Every name under which some reader may show or save a part.
//!
//! Names come from `filename` of Content-Disposition and `name` of Content-Type, plain, extended or in pieces (RFC 2231), with encoded-words in
//! them (RFC 2047 §5 forbids those there, mailers write them), well-formed or not. Readers disagree about broken and contradictory names, so all readings are kept.

use std::collections::BTreeMap;

use super::charset;
use super::encoded_word;
use super::limits::{FILE_NAME_MAX, FILE_NAMES_MAX};
use super::parameter::{Parameter, Structured};
use super::transfer::hexadecimal;

/// The names of one part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileNames {
    /// All readings, each once, the most regular first.
    pub readings: Vec<String>,
    /// Whether there is a reading that cannot be told: an unknown charset, contradicting pieces, a name beyond every limit.
    pub is_unclear: bool,
}

impl FileNames {
    /// Adds the names that the value of a field gives by the parameters `filename` and `name`.
    pub fn collect(&mut self, value: &[u8]) {
        let parsed = Structured::parse(value);
        // Without the word there is no name to be hidden by misplaced quotes.
        self.is_unclear |= parsed.is_unclear && mentions_a_name(value);
        for parameter in ["filename", "name"] {
            self.collect_parameter(&parsed, parameter);
        }
    }

    fn collect_parameter(&mut self, value: &Structured, parameter: &str) {
        let mut pieces = Pieces::default();
        for found in &value.parameters {
            let Some(suffix) = found.name.strip_prefix(parameter) else {
                continue;
            };
            match suffix {
                "" => {
                    self.add(&charset::guess(&found.strict));
                    self.add(&charset::guess(&found.loose));
                }
                "*" => {
                    self.add_extended(&found.strict);
                    self.add_extended(&found.loose);
                }
                _ => self.is_unclear |= !pieces.add(suffix, found),
            }
        }
        self.add_pieces(&pieces);
    }

    /// The strict reading stops at the first gap (RFC 2231 §3), the loose one joins whatever there is.
    fn add_pieces(&mut self, pieces: &Pieces<'_>) {
        let strict = pieces
            .numbered
            .iter()
            .enumerate()
            .take_while(|(index, (number, _))| index == *number)
            .map(|(_, (_, piece))| (piece.is_extended, &*piece.parameter.strict));
        self.add_joined(strict);
        let loose = pieces.numbered.values();
        self.add_joined(loose.map(|piece| (piece.is_extended, &*piece.parameter.loose)));
    }

    /// Joins pieces; the first one names the charset if it is extended.
    fn add_joined<'a>(&mut self, pieces: impl Iterator<Item = (bool, &'a [u8])>) {
        let mut charset: Option<&[u8]> = None;
        let mut octets = Vec::new();
        for (index, (is_extended, piece)) in pieces.enumerate() {
            let text = match (index, is_extended) {
                (0, true) => {
                    let (name, text) = split_charset(piece);
                    charset = Some(name);
                    text
                }
                _ => piece,
            };
            match is_extended {
                true => octets.extend(decode_percent(text)),
                false => octets.extend_from_slice(text),
            }
        }
        match charset {
            Some(charset) => self.add_octets(charset, &octets),
            None => self.add(&charset::guess(&octets)),
        }
    }

    fn add_extended(&mut self, value: &[u8]) {
        let (charset, text) = split_charset(value);
        self.add_octets(charset, &decode_percent(text));
    }

    fn add_octets(&mut self, charset: &[u8], octets: &[u8]) {
        match charset::decode(charset, octets) {
            Some(text) => self.add(&text),
            None => self.is_unclear = true,
        }
    }

    /// Adds a name as it stands, and with its encoded-words decoded.
    fn add(&mut self, name: &str) {
        let decoded = encoded_word::decode(name.as_bytes());
        self.is_unclear |= !decoded.is_whole;
        for reading in [decoded.text.as_str(), name] {
            if reading.trim().is_empty() || self.readings.iter().any(|known| known == reading) {
                continue;
            }
            let is_too_long = reading.chars().nth(FILE_NAME_MAX).is_some();
            if is_too_long || self.readings.len() == FILE_NAMES_MAX {
                self.is_unclear = true;
                return;
            }
            self.readings.push(reading.to_owned());
        }
    }
}

fn mentions_a_name(value: &[u8]) -> bool {
    value
        .windows(4)
        .any(|word| word.eq_ignore_ascii_case(b"name"))
}

/// The pieces of a split parameter by their number.
#[derive(Default)]
struct Pieces<'a> {
    numbered: BTreeMap<usize, Piece<'a>>,
}

struct Piece<'a> {
    is_extended: bool,
    parameter: &'a Parameter,
}

impl<'a> Pieces<'a> {
    /// Takes the piece that `*NUMBER` or `*NUMBER*` behind the name denotes; false if there is one of that number already.
    fn add(&mut self, suffix: &str, parameter: &'a Parameter) -> bool {
        let Some(number) = suffix.strip_prefix('*') else {
            return true; // another parameter whose name begins alike
        };
        let plain = number.strip_suffix('*');
        let piece = Piece {
            is_extended: plain.is_some(),
            parameter,
        };
        match plain.unwrap_or(number).parse() {
            Ok(number) => self.numbered.insert(number, piece).is_none(),
            Err(_) => false,
        }
    }
}

/// Splits `charset'language'text` (RFC 2231 §4); without quotes all of it is text.
fn split_charset(value: &[u8]) -> (&[u8], &[u8]) {
    let mut parts = value.splitn(3, |octet| *octet == b'\'');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(charset), Some(_), Some(text)) => (charset, text),
        _ => (&[], value),
    }
}

/// `%XX` is an octet; any other percent sign stands for itself.
fn decode_percent(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        match hexadecimal(after).filter(|_| *first == b'%') {
            Some((octet, after)) => {
                out.push(octet);
                rest = after;
            }
            None => {
                out.push(*first);
                rest = after;
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(value: &str) -> FileNames {
        let mut names = FileNames::default();
        names.collect(value.as_bytes());
        names
    }

    #[test]
    fn every_reading_of_a_name() {
        for (value, readings) in [
            ("attachment", &[][..]),
            ("attachment; filename=a.exe", &["a.exe"]),
            ("attachment; filename=\"a b.exe\"", &["a b.exe"]),
            ("attachment; filename=a b.exe", &["a", "a b.exe"]),
            (
                "attachment; filename=a.txt; filename=b.exe",
                &["a.txt", "b.exe"],
            ),
            (
                "attachment; filename*=utf-8'de'M%C3%A4rz.exe",
                &["März.exe"],
            ),
            (
                "attachment; filename*=ISO-8859-1''M%E4rz.exe",
                &["März.exe"],
            ),
            ("attachment; filename*=a%2Eexe", &["a.exe"]),
            ("attachment; filename*0=a.; filename*1=exe", &["a.exe"]),
            ("attachment; filename*1=exe; filename*0=\"a.\"", &["a.exe"]),
            (
                "attachment; filename*0*=utf-8''%61; filename*1=\".exe\"",
                &["a.exe"],
            ),
            (
                "attachment; filename*0=a.txt; filename*2=.exe",
                &["a.txt", "a.txt.exe"],
            ),
            ("attachment; filename*1=a.exe", &["a.exe"]),
            (
                "attachment; filename=\"=?utf-8?B?YS5leGU=?=\"",
                &["a.exe", "=?utf-8?B?YS5leGU=?="],
            ),
            (
                "attachment; filename=\"=?utf-8?q?a?= =?utf-8?q?=2Eexe?=\"",
                &["a.exe", "=?utf-8?q?a?= =?utf-8?q?=2Eexe?="],
            ),
            (
                "attachment; filename=\"C:\\x\\a.exe\"",
                &["C:xa.exe", "C:\\x\\a.exe"],
            ),
            ("attachment; filename=\"  \"", &[]),
            ("attachment; filenames=a.exe", &[]),
            ("text/plain; charset=\"utf-8", &[]),
        ] {
            let found = names(value);
            assert_eq!(found.readings, readings, "{value}");
            assert!(!found.is_unclear, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_told_is_unclear() {
        let long = format!("attachment; filename={}", "x".repeat(FILE_NAME_MAX + 1));
        let many = format!("attachment{}", "; filename=a".repeat(300));
        for value in [
            "attachment; filename*=utf-7''a+AC4-exe",
            "attachment; filename=\"=?utf-16?q?=00a?=\"",
            "attachment; filename*0=a.txt; filename*0=b.exe",
            "attachment; filename*x=a.exe",
            "attachment; filename=\"a.txt; filename=\"b.exe\"",
            "attachment; x=\"; filename=b.exe",
            &long,
            &many,
        ] {
            assert!(names(value).is_unclear, "{value}");
        }
    }
}
