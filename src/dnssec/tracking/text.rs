//! The state of tracked keys as text, one line per key: the state's word, its times, and the record in zone-file form.

use std::fmt;

use super::{State, Tracked, Tracking};
use crate::dns::{Name, Rdata, zonefile};
use crate::dnssec::anchor::entry_point;
use crate::dnssec::keys::EntryPoint;
use crate::dnssec::limits::KEYS_TRACKED_AT_MOST;
use crate::time::Timestamp;

const HEAD: &str = "; The trust anchors as they have followed their zone's keys (RFC 5011); written by gateway serve.\n\
                    ; Without this file it begins anew with the keys that are built in.\n";

/// Why text is no state of tracked keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError {
    /// The line, counted from 1.
    pub line: usize,
    /// What was expected.
    pub reason: String,
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

impl std::error::Error for StateError {}

/// The whole file.
impl fmt::Display for Tracking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        for tracked in &self.keys {
            let (rtype, data) = match &tracked.point {
                EntryPoint::Ds(ds) => ("DS", Rdata::Ds(ds.clone())),
                EntryPoint::Dnskey(key) => ("DNSKEY", Rdata::Dnskey(key.clone())),
            };
            let tag = tracked.point.key_tag();
            writeln!(f, "{tracked} {} IN {rtype} {data} ; key {tag}", self.zone)?;
        }
        Ok(())
    }
}

/// State and times as they begin its line: `valid since=2026-11-25T00:00:00.000Z`.
impl fmt::Display for Tracked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.since;
        match &self.state {
            State::Pending { until, vouchers } => {
                let tags: Vec<String> = vouchers.iter().map(u16::to_string).collect();
                let tags = tags.join(",");
                write!(f, "pending since={since} until={until} by={tags}")
            }
            State::Valid => write!(f, "valid since={since}"),
            State::Missing => write!(f, "missing since={since}"),
            State::Revoked { gone: None } => write!(f, "revoked since={since}"),
            State::Revoked { gone: Some(gone) } => write!(f, "revoked since={since} gone={gone}"),
        }
    }
}

impl Tracking {
    /// Reads what was written with [`fmt::Display`], or by hand.
    ///
    /// # Errors
    /// [`StateError`] for the first line that cannot be understood, or that says something twice.
    pub fn parse(text: &str) -> Result<Self, StateError> {
        let mut found: Option<Self> = None;
        let mut last = 1;
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            last = number;
            if !line.is_empty() && !line.starts_with(';') {
                let read = read(line).and_then(|(zone, tracked)| add(&mut found, &zone, tracked));
                read.map_err(|reason| StateError {
                    line: number,
                    reason,
                })?;
            }
        }
        found.ok_or_else(|| StateError {
            line: last,
            reason: "expected at least one key, found none".to_owned(),
        })
    }
}

fn add(tracking: &mut Option<Tracking>, zone: &Name, tracked: Tracked) -> Result<(), String> {
    let tracking = tracking.get_or_insert_with(|| Tracking {
        zone: zone.clone(),
        keys: Vec::new(),
    });
    if tracking.zone != *zone {
        let other = &tracking.zone;
        return Err(format!(
            "expected a key of {other} as before, found one of {zone}"
        ));
    }
    if tracking.keys.len() >= KEYS_TRACKED_AT_MOST {
        return Err(format!("expected at most {KEYS_TRACKED_AT_MOST} keys"));
    }
    let is_same = |other: &Tracked| match (&tracked.point, &other.point) {
        (EntryPoint::Dnskey(key), point) | (point, EntryPoint::Dnskey(key)) => {
            point.names(zone, key)
        }
        (one, other) => one == other,
    };
    if tracking.keys.iter().any(is_same) {
        return Err("the key is there twice".to_owned());
    }
    tracking.keys.push(tracked);
    Ok(())
}

fn read(line: &str) -> Result<(Name, Tracked), String> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut fields = Fields { rest };
    let since = |fields: &mut Fields<'_>| fields.time("since");
    let (since, state) = match word {
        "pending" => {
            let since = since(&mut fields)?;
            let until = fields.time("until")?;
            let vouchers = fields.tags("by")?;
            (since, State::Pending { until, vouchers })
        }
        "valid" => (since(&mut fields)?, State::Valid),
        "missing" => (since(&mut fields)?, State::Missing),
        "revoked" => {
            let since = since(&mut fields)?;
            let gone = fields.is_next("gone").then(|| fields.time("gone"));
            let gone = gone.transpose()?;
            (since, State::Revoked { gone })
        }
        _ => {
            let expected = "expected 'valid', 'pending', 'missing' or 'revoked'";
            return Err(format!("{expected}, found '{word}'"));
        }
    };
    let (zone, point) = record(fields.rest)?;
    if matches!(point, EntryPoint::Ds(_)) && state != State::Valid {
        return Err(format!(
            "expected a DNSKEY record: a DS record is never {word}"
        ));
    }
    let tracked = Tracked {
        point,
        state,
        since,
    };
    Ok((zone, tracked))
}

/// The fields between the state and the record, in their order.
struct Fields<'a> {
    rest: &'a str,
}

impl<'a> Fields<'a> {
    fn is_next(&self, name: &str) -> bool {
        let after = self.rest.strip_prefix(name);
        after.is_some_and(|after| after.starts_with('='))
    }

    fn take(&mut self, name: &str) -> Result<&'a str, String> {
        let (word, rest) = self.rest.split_once(' ').unwrap_or((self.rest, ""));
        let value = word.split_once('=').filter(|(found, _)| *found == name);
        let (_, value) = value.ok_or_else(|| format!("expected '{name}=', found '{word}'"))?;
        self.rest = rest.trim_start();
        Ok(value)
    }

    fn time(&mut self, name: &str) -> Result<Timestamp, String> {
        let value = self.take(name)?;
        Timestamp::parse(value).ok_or_else(|| {
            format!("expected '{name}=' and a time like 2026-11-25T00:00:00Z, found '{value}'")
        })
    }

    fn tags(&mut self, name: &str) -> Result<Vec<u16>, String> {
        let value = self.take(name)?;
        let tags: Option<Vec<u16>> = value.split(',').map(|tag| tag.parse().ok()).collect();
        let tags = tags.filter(|tags| tags.len() <= KEYS_TRACKED_AT_MOST);
        tags.ok_or_else(|| {
            format!("expected '{name}=' and key tags like 20326,38696, found '{value}'")
        })
    }
}

fn record(text: &str) -> Result<(Name, EntryPoint), String> {
    let found = zonefile::parse(text, &Name::root()).map_err(|error| error.reason)?;
    let [record] = <[_; 1]>::try_from(found)
        .map_err(|found| format!("expected one DS or DNSKEY record, found {}", found.len()))?;
    let zone = record.name.clone();
    let point = entry_point(record).map_err(|reason| format!("no trust anchor: {reason}"))?;
    Ok((zone, point))
}
