//! Keeps answers as long as they may be used, and errors for a moment (rfc B9); bounded, oldest out first.
//!
//! Nothing is served past its time. The caller gives the time; sharing between threads is the caller's.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use super::{Answer, LookupError, LookupErrorKind};
use crate::dns::{Name, RecordType};

/// Questions kept; a delivery asks about six.
const ENTRIES_AT_MOST: usize = 20_000;
/// Reply octets kept, as received; decoded they take up to about four times as much memory.
const OCTETS_AT_MOST: usize = 8 * 1024 * 1024;
/// What an entry takes beside its reply's octets.
const ENTRY_OVERHEAD: usize = 200;
/// How long an error is kept (RFC 9520 §3.2: at least 1 s, so that a failing domain is not asked for without end).
const ERROR_LIFE: Duration = Duration::from_secs(5);

type Key = (Name, RecordType);
/// What a lookup gave.
pub(super) type Outcome = Result<Answer, LookupError>;

/// The cache's core.
pub(super) struct Cache {
    entries: HashMap<Key, Entry>,
    /// Keys by age: the number given at insertion.
    ages: BTreeMap<u64, Key>,
    next_age: u64,
    octets: usize,
    entries_at_most: usize,
    octets_at_most: usize,
}

struct Entry {
    outcome: Outcome,
    stored: Instant,
    life: Duration,
    octets: usize,
    age: u64,
}

impl Cache {
    pub(super) fn new() -> Self {
        Self::with_limits(ENTRIES_AT_MOST, OCTETS_AT_MOST)
    }

    fn with_limits(entries_at_most: usize, octets_at_most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            ages: BTreeMap::new(),
            next_age: 0,
            octets: 0,
            entries_at_most,
            octets_at_most,
        }
    }

    /// What is known now, its TTL counted down.
    pub(super) fn find(&mut self, name: &Name, rtype: RecordType, now: Instant) -> Option<Outcome> {
        let key = (name.clone(), rtype);
        let entry = self.entries.get(&key)?;
        let passed = now.saturating_duration_since(entry.stored);
        if passed >= entry.life {
            self.remove(&key);
            return None;
        }
        let mut outcome = entry.outcome.clone();
        if let Ok(answer) = &mut outcome {
            let seconds = u32::try_from(passed.as_secs()).unwrap_or(u32::MAX);
            answer.ttl = answer.ttl.saturating_sub(seconds);
        }
        Some(outcome)
    }

    /// Keeps what a lookup gave, in place of what was known, if it may be kept at all; `length` is that of its replies in octets.
    pub(super) fn insert(&mut self, key: Key, outcome: &Outcome, length: usize, now: Instant) {
        self.remove(&key);
        let life = life_of(outcome);
        let octets = length.saturating_add(ENTRY_OVERHEAD);
        if life.is_zero() || octets > self.octets_at_most {
            return;
        }
        let age = self.next_age;
        self.next_age += 1;
        self.octets += octets;
        self.ages.insert(age, key.clone());
        let entry = Entry {
            outcome: outcome.clone(),
            stored: now,
            life,
            octets,
            age,
        };
        self.entries.insert(key, entry);
        while self.entries.len() > self.entries_at_most || self.octets > self.octets_at_most {
            let Some((_, oldest)) = self.ages.pop_first() else {
                return;
            };
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(entry) = self.entries.remove(key) {
            self.ages.remove(&entry.age);
            self.octets -= entry.octets;
        }
    }
}

/// How long an outcome may be kept. A failure of the way to the resolver says nothing about the name, and servers have a memory of their own.
fn life_of(outcome: &Outcome) -> Duration {
    match outcome {
        Ok(answer) => Duration::from_secs(answer.ttl.into()),
        Err(error) => match error.kind {
            LookupErrorKind::Timeout
            | LookupErrorKind::Unreachable(_)
            | LookupErrorKind::NotTrusted
            | LookupErrorKind::NoServers => Duration::ZERO,
            LookupErrorKind::Rcode(_)
            | LookupErrorKind::Malformed(_)
            | LookupErrorKind::NoDnssec(_)
            | LookupErrorKind::Bogus(_)
            | LookupErrorKind::Indeterminate(_)
            | LookupErrorKind::AliasLimit => ERROR_LIFE,
        },
    }
}
