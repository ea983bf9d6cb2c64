//! Zone files: text into records (RFC 1035 §5, RFC 3597 §5); `$ORIGIN`, `$TTL`, parentheses, comments, quoted strings, blank owners, TTL units.
//!
//! Limitations: `$INCLUDE` and `$GENERATE` are refused; the first record needs an owner.

mod fields;
mod token;

use std::fmt;

use super::{Class, Name, Rdata, Record, RecordType};
use fields::Fields;
use token::{Entry, Word};

/// Records of one file; a zone larger than this is not for a mail gateway.
const RECORDS_AT_MOST: usize = 1_000_000;

/// Why text is not a zone file: the line, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ZoneError {
    /// The line, counted from 1, on which the entry starts.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub reason: String,
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for ZoneError {}

/// Parses a zone file whose relative names end in `origin`, until a `$ORIGIN` says otherwise.
///
/// # Errors
/// [`ZoneError`] for the first entry that cannot be understood.
pub fn parse(text: &str, origin: &Name) -> Result<Vec<Record>, ZoneError> {
    let mut zone = Zone {
        origin: origin.clone(),
        ttl: None,
        owner: None,
        records: Vec::new(),
    };
    for entry in token::entries(text)? {
        let line = entry.line;
        zone.take(entry)
            .map_err(|reason| ZoneError { line, reason })?;
    }
    Ok(zone.records)
}

/// Parses the data of one record of class IN, for example `3 1 1 8C3A…` of a TLSA record.
///
/// # Errors
/// What was expected.
pub fn parse_data(rtype: RecordType, text: &str) -> Result<Rdata, String> {
    let entries = token::entries(text).map_err(|error| error.reason)?;
    let Ok([entry]) = <[Entry; 1]>::try_from(entries) else {
        return Err(format!("expected the data of one {rtype} record"));
    };
    Fields::new(entry.words, &Name::root()).rdata(rtype, Class::IN)
}

/// What carries over from one entry to the next.
struct Zone {
    origin: Name,
    ttl: Option<u32>,
    owner: Option<Name>,
    records: Vec<Record>,
}

/// Used where neither the record nor a `$TTL` says how long.
const TTL_DEFAULT: u32 = 3600;

impl Zone {
    fn take(&mut self, entry: Entry) -> Result<(), String> {
        let mut words = entry.words.into_iter().peekable();
        let first = words
            .peek()
            .filter(|word| !word.is_quoted && word.text.starts_with('$'));
        if let Some(directive) = first.map(|word| word.text.clone()) {
            words.next();
            return self.direct(&directive, &words.collect::<Vec<_>>());
        }
        let owner = if entry.has_owner {
            let word = words.next().ok_or("expected an owner name")?;
            fields::name(&word.text, &self.origin)?
        } else {
            self.owner
                .clone()
                .ok_or("the first record needs an owner name")?
        };
        let record = self.record(owner.clone(), words.collect())?;
        if self.records.len() >= RECORDS_AT_MOST {
            return Err(format!("more than {RECORDS_AT_MOST} records"));
        }
        self.owner = Some(owner);
        self.records.push(record);
        Ok(())
    }

    fn direct(&mut self, directive: &str, words: &[Word]) -> Result<(), String> {
        let [argument] = words else {
            return Err(format!("expected {directive} and one word"));
        };
        match directive {
            "$ORIGIN" => self.origin = fields::name(&argument.text, &self.origin)?,
            "$TTL" => {
                self.ttl = Some(fields::ttl(&argument.text).ok_or("expected $TTL and a time")?);
            }
            _ => {
                return Err(format!(
                    "{directive} is not supported, only $ORIGIN and $TTL"
                ));
            }
        }
        Ok(())
    }

    /// `[TTL] [CLASS] TYPE RDATA`, TTL and class in either order.
    fn record(&self, name: Name, words: Vec<Word>) -> Result<Record, String> {
        let mut words = words.into_iter().peekable();
        let (mut ttl, mut class) = (None, None);
        for _ in 0..2 {
            let Some(word) = words.peek() else { break };
            if let Some(seconds) = fields::ttl(&word.text).filter(|_| ttl.is_none()) {
                ttl = Some(seconds);
            } else if let Some(found) = explicit_class(&word.text).filter(|_| class.is_none()) {
                class = Some(found);
            } else {
                break;
            }
            words.next();
        }
        let word = words.next().ok_or("expected a record type")?;
        let rtype = record_type(&word.text)?;
        let class = class.unwrap_or(Class::IN);
        let data = Fields::new(words.collect(), &self.origin).rdata(rtype, class)?;
        Ok(Record {
            name,
            class,
            ttl: ttl.or(self.ttl).unwrap_or(TTL_DEFAULT),
            data,
        })
    }
}

/// A class by mnemonic or as `CLASS5`; never a plain number, which is a TTL, and never a class that only questions have.
fn explicit_class(text: &str) -> Option<Class> {
    is_word(text).then(|| text.parse().ok())?
}

fn record_type(text: &str) -> Result<RecordType, String> {
    let rtype = is_word(text).then(|| text.parse().ok());
    rtype
        .flatten()
        .ok_or_else(|| format!("expected a record type, found '{text}'"))
}

/// Whether the text may be a mnemonic of a record: not a number, and not a word of questions alone.
fn is_word(text: &str) -> bool {
    let of_questions = ["ANY", "NONE", "OPT"];
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && !of_questions
            .iter()
            .any(|word| word.eq_ignore_ascii_case(text))
}

#[cfg(test)]
#[path = "zonefile_tests.rs"]
mod tests;
