//! What is known of zones: their keys, or that they are unsigned. Every validation uses and adds to it; bounded, oldest out first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dns::Name;
use crate::dnssec::chain::{Known, Zone};
use crate::log;
use crate::time::Timestamp;

/// Zones kept: the top-level domains and the mail domains of a busy day. One with three keys takes about 2 KiB.
const ZONES_AT_MOST: usize = 10_000;
/// Keys kept, over all zones: four for each, where a hostile zone has [`crate::dnssec::limits::KEYS_PER_ZONE`] of a KiB each.
const KEYS_AT_MOST: usize = 4 * ZONES_AT_MOST;

/// The zones that validations found out about.
pub(super) struct Zones(Mutex<Table>);

struct Table {
    zones: HashMap<Name, Entry>,
    /// Apexes by age: the number given at insertion.
    ages: BTreeMap<u64, Name>,
    next_age: u64,
    keys: usize,
    zones_at_most: usize,
    keys_at_most: usize,
}

struct Entry {
    zone: Arc<Zone>,
    age: u64,
}

impl Zones {
    pub(super) fn new() -> Self {
        Self::with_limits(ZONES_AT_MOST, KEYS_AT_MOST)
    }

    fn with_limits(zones_at_most: usize, keys_at_most: usize) -> Self {
        Self(Mutex::new(Table {
            zones: HashMap::new(),
            ages: BTreeMap::new(),
            next_age: 0,
            keys: 0,
            zones_at_most,
            keys_at_most,
        }))
    }

    /// The zones as one validation sees them at its time.
    pub(super) const fn at(&self, now: Timestamp) -> View<'_> {
        View {
            zones: self,
            now,
            is_blank: false,
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing in a change can panic, so a thread that did has left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The zones at one time.
pub(super) struct View<'a> {
    zones: &'a Zones,
    now: Timestamp,
    is_blank: bool,
}

impl View<'_> {
    /// A view that shows nothing, but takes what is found out: for finding out anew.
    pub(super) const fn blank(self) -> Self {
        Self {
            is_blank: true,
            ..self
        }
    }
}

impl Known for View<'_> {
    fn zone(&self, apex: &Name) -> Option<Arc<Zone>> {
        if self.is_blank {
            return None;
        }
        let table = self.zones.table();
        let zone = table.zones.get(apex).map(|entry| &entry.zone);
        zone.filter(|zone| self.now <= zone.until).cloned()
    }

    fn learn(&self, zone: &Arc<Zone>) {
        let is_new = self.zones.table().insert(zone);
        if is_new && zone.rests_on_sha1() {
            log::info(format_args!(
                "dns: zone {} is trusted by SHA-1 digests alone; it should have DS records with SHA-256",
                log::named(zone.apex())
            ));
        }
    }
}

impl Table {
    /// Keeps a zone in place of what was known of it, at the expense of the oldest; whether nothing was.
    fn insert(&mut self, zone: &Arc<Zone>) -> bool {
        let apex = zone.apex();
        let is_new = !self.remove(apex);
        let age = self.next_age;
        self.next_age += 1;
        self.keys += zone.link.keys.len();
        self.ages.insert(age, apex.clone());
        let entry = Entry {
            zone: Arc::clone(zone),
            age,
        };
        self.zones.insert(apex.clone(), entry);
        while self.zones.len() > self.zones_at_most || self.keys > self.keys_at_most {
            let Some((_, oldest)) = self.ages.pop_first() else {
                break;
            };
            self.remove(&oldest);
        }
        is_new
    }

    fn remove(&mut self, apex: &Name) -> bool {
        let removed = self.zones.remove(apex);
        if let Some(Entry { zone, age }) = &removed {
            self.ages.remove(age);
            self.keys -= zone.link.keys.len();
        }
        removed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Algorithm;
    use crate::dnssec::chain::{Link, Trust};
    use crate::dnssec::{KeyId, Why};

    fn name(text: &str) -> Name {
        Name::parse(text).expect(text)
    }

    fn zone(apex: &str, until: u64) -> Arc<Zone> {
        zone_with_keys(apex, until, 0)
    }

    fn zone_with_keys(apex: &str, until: u64, keys: u16) -> Arc<Zone> {
        let why = Why::NoAnchor { name: name(apex) };
        let key = |tag| KeyId {
            zone: name(apex),
            tag,
            algorithm: Algorithm::ED25519,
        };
        let link = Link {
            zone: name(apex),
            points: Vec::new(),
            delegation: None,
            keys: (0..keys).map(key).collect(),
            dnskey: None,
            why: Some(why.clone()),
        };
        Arc::new(Zone {
            link,
            trust: Trust::Insecure(why),
            until: Timestamp::from_unix(until),
            above: None,
        })
    }

    fn found(view: &View<'_>) -> String {
        let names = ["a", "b", "c", "d"].into_iter();
        names
            .filter(|apex| view.zone(&name(apex)).is_some())
            .collect()
    }

    #[test]
    fn zones_are_kept_as_long_as_they_last() {
        let zones = Zones::with_limits(3, 10);
        let at = |now| zones.at(Timestamp::from_unix(now));
        for (apex, until) in [("a", 10), ("b", 20)] {
            at(0).blank().learn(&zone(apex, until));
        }
        assert_eq!(
            [10, 11, 20, 21].map(|now| found(&at(now))),
            ["ab", "b", "b", ""]
        );
        assert_eq!(found(&at(0).blank()), "");
        at(0).learn(&zone("B", 5));
        assert_eq!(
            [5, 6].map(|now| found(&at(now))),
            ["ab", "a"],
            "the latest counts"
        );
    }

    /// However long others say that they last: whoever has many zones must not keep all other zones out.
    #[test]
    fn the_oldest_make_room() {
        let zones = Zones::with_limits(3, 10);
        let view = zones.at(Timestamp::from_unix(0));
        for (apex, until) in [("a", 5), ("b", 99), ("c", 99), ("a", 10), ("d", 1)] {
            view.learn(&zone(apex, until));
        }
        assert_eq!(found(&view), "acd");
        for _ in 0..9 {
            view.learn(&zone("d", 1));
        }
        assert_eq!(found(&view), "acd");
        let table = zones.table();
        assert_eq!((table.zones.len(), table.ages.len()), (3, 3));
    }

    #[test]
    fn keys_are_bounded_too() {
        let zones = Zones::with_limits(3, 10);
        let view = zones.at(Timestamp::from_unix(0));
        for (apex, keys) in [("a", 1), ("b", 4), ("b", 5), ("c", 5)] {
            view.learn(&zone_with_keys(apex, 1, keys));
        }
        assert_eq!(found(&view), "bc");
        view.learn(&zone_with_keys("a", 1, 6));
        assert_eq!(found(&view), "a");
        assert_eq!(zones.table().keys, 6);
    }
}
