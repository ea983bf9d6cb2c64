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
            | LookupErrorKind::Unproven(_)
            | LookupErrorKind::NotTrusted
            | LookupErrorKind::NoServers => Duration::ZERO,
            LookupErrorKind::Rcode(_)
            | LookupErrorKind::Malformed(_)
            | LookupErrorKind::NoDnssec(_)
            | LookupErrorKind::Anchors(_)
            | LookupErrorKind::Bogus(_)
            | LookupErrorKind::Indeterminate(_)
            | LookupErrorKind::AliasLimit => ERROR_LIFE,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Rcode;
    use crate::dnssec::Security;
    use crate::resolver::Content;

    fn key(text: &str) -> Key {
        (Name::parse(text).expect(text), RecordType::A)
    }

    fn answer(ttl: u32) -> Outcome {
        Ok(Answer {
            security: Security::Secure,
            aliases: Vec::new(),
            owner: Name::root(),
            content: Content::NoData,
            ttl,
            rcode: Rcode::NOERROR,
            extended_errors: Vec::new(),
            server: String::new(),
        })
    }

    fn failure(kind: LookupErrorKind) -> Outcome {
        Err(LookupError {
            kind,
            name: Name::root(),
            rtype: RecordType::A,
            server: String::new(),
            extended_errors: Vec::new(),
        })
    }

    /// The TTL of what is found, if anything.
    fn ttl(cache: &mut Cache, text: &str, now: Instant) -> Option<u32> {
        let (name, rtype) = key(text);
        cache.find(&name, rtype, now)?.ok().map(|answer| answer.ttl)
    }

    #[test]
    fn answers_count_down_and_end() {
        let (mut cache, start) = (Cache::new(), Instant::now());
        cache.insert(key("a"), &answer(10), 50, start);
        for (millis, expected) in [(0, 10), (999, 10), (1000, 9), (9999, 1)] {
            let now = start + Duration::from_millis(millis);
            assert_eq!(ttl(&mut cache, "A", now), Some(expected), "{millis}");
        }
        let (name, _) = key("a");
        assert!(cache.find(&name, RecordType::MX, start).is_none());
        assert_eq!(ttl(&mut cache, "a", start + Duration::from_secs(10)), None);
        assert_eq!(
            (cache.octets, cache.ages.len(), cache.entries.len()),
            (0, 0, 0)
        );
        cache.insert(key("a"), &answer(10), 50, start);
        cache.insert(key("a"), &answer(0), 50, start);
        assert_eq!(
            ttl(&mut cache, "a", start),
            None,
            "what may not be kept replaces what was"
        );
    }

    #[test]
    fn errors_are_kept_for_a_moment_unless_the_way_failed() {
        for (kind, is_kept) in [
            (LookupErrorKind::Rcode(Rcode::SERVFAIL), true),
            (LookupErrorKind::Malformed(String::new()), true),
            (LookupErrorKind::NoDnssec(String::new()), true),
            (LookupErrorKind::AliasLimit, true),
            (LookupErrorKind::Timeout, false),
            (LookupErrorKind::Unreachable(String::new()), false),
            (LookupErrorKind::NotTrusted, false),
        ] {
            let (mut cache, start) = (Cache::new(), Instant::now());
            cache.insert(key("a"), &failure(kind), 0, start);
            let (name, rtype) = key("a");
            assert_eq!(cache.find(&name, rtype, start).is_some(), is_kept);
            assert!(cache.find(&name, rtype, start + ERROR_LIFE).is_none());
        }
    }

    #[test]
    fn the_oldest_make_room() {
        let (mut cache, start) = (Cache::with_limits(3, 1000), Instant::now());
        for text in ["a", "b", "c", "a", "d"] {
            cache.insert(key(text), &answer(10), 20, start);
        }
        let kept: Vec<_> = ["a", "b", "c", "d"]
            .into_iter()
            .filter(|text| ttl(&mut cache, text, start).is_some())
            .collect();
        assert_eq!(kept, ["a", "c", "d"]);
        cache.insert(key("e"), &answer(10), 500, start);
        let kept: Vec<_> = ["a", "c", "d", "e"]
            .into_iter()
            .filter(|text| ttl(&mut cache, text, start).is_some())
            .collect();
        assert_eq!(kept, ["d", "e"], "by octets");
        cache.insert(key("e"), &answer(10), 900, start);
        assert_eq!(ttl(&mut cache, "e", start), None, "too large at all");
        assert_eq!(cache.octets, 20 + ENTRY_OVERHEAD);
        for number in 0..1000 {
            cache.insert(key(&format!("n{}", number % 7)), &answer(10), 20, start);
        }
        assert_eq!((cache.entries.len(), cache.ages.len()), (3, 3));
    }
}
