//! What attempts remember of each other: which hosts were DANE-verified when and by which record, and which exceptions were needed.
//!
//! Nothing is decided by it: it lets a refusal say what has changed (rfc B11), and the log say when an exception can go.
//!
//! Limitation: it is kept in memory only, so a restart forgets it; nobody's security hangs on it, and there is no file to be believed.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;

use super::decision::Record;
use super::lock;
use crate::dns::{Name, Tlsa};
use crate::smtp::Host;
use crate::time::Timestamp;

/// Entries of each kind: about a megabyte, and more domains than most gateways send to in a day. The oldest goes first.
const ENTRIES_MAX: usize = 5000;

/// What is remembered, shared by all attempts.
#[derive(Debug, Default)]
pub struct Memory(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Destination and host name, or no name for the destination as a whole.
    verified: Recent<(Host, String), ()>,
    /// The record that matched, by TLSA base domain.
    matched: Recent<Name, Tlsa>,
    exceptions: Recent<Host, Usage>,
}

/// How an exception fares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// How often it was needed.
    pub count: u64,
    /// Whether it was needed the last time.
    pub is_needed: bool,
}

impl Memory {
    /// Notes a verified host; whether it was verified by another record before, which is not published any more.
    pub fn note_verified(&self, record: &Record, now: Timestamp) -> bool {
        let (Some(base), Some(matched)) = (&record.base, record.matched()) else {
            return false;
        };
        let mut state = lock(&self.0);
        for host in ["", record.host()] {
            let key = (record.domain.clone(), host.to_owned());
            state.verified.put(key, (), now);
        }
        let former = state
            .matched
            .put(base.clone(), matched.record().clone(), now);
        former.is_some_and(|former| !record.tlsa.contains(&former))
    }

    /// When the host of the record, or the destination where it names none, was verified last.
    pub fn last_verified(&self, record: &Record) -> Option<Timestamp> {
        let key = (record.domain.clone(), record.host().to_owned());
        let state = lock(&self.0);
        state.verified.0.get(&key).map(|(when, ())| *when)
    }

    /// The record by which a host with this TLSA base domain was verified last.
    pub fn former(&self, base: &Name) -> Option<Tlsa> {
        let state = lock(&self.0);
        state.matched.0.get(base).map(|(_, record)| record.clone())
    }

    /// Notes whether the exception for a destination was needed; how it fares now, and whether that is a change.
    pub fn note_exception(
        &self,
        destination: &Host,
        is_needed: bool,
        now: Timestamp,
    ) -> (Usage, bool) {
        let mut state = lock(&self.0);
        let before = state.exceptions.0.get(destination).map(|(_, usage)| *usage);
        let count = before.unwrap_or_default().count + u64::from(is_needed);
        let usage = Usage { count, is_needed };
        state.exceptions.put(destination.clone(), usage, now);
        let is_change = before.is_none_or(|before| before.is_needed != is_needed);
        (usage, is_change)
    }
}

/// A map of the entries noted last.
#[derive(Debug)]
struct Recent<K, V>(HashMap<K, (Timestamp, V)>);

impl<K, V> Default for Recent<K, V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash, V> Recent<K, V> {
    /// Notes an entry; the value before.
    fn put(&mut self, key: K, value: V, now: Timestamp) -> Option<V> {
        if self.0.len() >= ENTRIES_MAX && !self.0.contains_key(&key) {
            let oldest = self.0.iter().min_by_key(|(_, (when, _))| *when);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.0.remove(&oldest);
            }
        }
        self.0.insert(key, (now, value)).map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_entries_go() {
        let mut recent = Recent::default();
        for number in 0..ENTRIES_MAX + 10 {
            let now = Timestamp::from_millis(u64::try_from(number).expect("small"));
            assert_eq!(recent.put(number, number, now), None);
        }
        assert_eq!(recent.0.len(), ENTRIES_MAX);
        assert!(!recent.0.contains_key(&9) && recent.0.contains_key(&10));
        assert_eq!(recent.put(10, 7, Timestamp::from_millis(1)), Some(10));
        assert_eq!(recent.0.len(), ENTRIES_MAX);
    }

    #[test]
    fn changes_in_the_need_of_an_exception_are_told_once() {
        let memory = Memory::default();
        let destination = Host::parse("d.test").expect("a domain");
        let now = Timestamp::from_unix(1);
        for (is_needed, count, is_change) in [
            (true, 1, true),
            (true, 2, false),
            (false, 2, true),
            (false, 2, false),
            (true, 3, true),
        ] {
            let usage = Usage { count, is_needed };
            let noted = memory.note_exception(&destination, is_needed, now);
            assert_eq!(noted, (usage, is_change));
        }
    }
}
