//! What is known of zones: their keys, or that they are unsigned, and what is proven not to be in them. Every validation uses and adds to
//! it; bounded, oldest out first.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answer::NEGATIVE_TTL_AT_MOST;
use crate::dns::{Name, RecordType};
use crate::dnssec::chain::{Known, Zone};
use crate::dnssec::{Denials, Reply, Rrset, RrsetId, TrustAnchors};
use crate::log;
use crate::time::Timestamp;

/// Zones kept: the top-level domains and the mail domains of a busy day. One with three keys takes about 2 KiB.
const ZONES_AT_MOST: usize = 10_000;
/// Keys kept, over all zones: four for each, where a hostile zone has [`crate::dnssec::limits::KEYS_PER_ZONE`] of a KiB each.
const KEYS_AT_MOST: usize = 4 * ZONES_AT_MOST;

/// What validations found out about zones.
pub(super) struct Zones {
    table: Mutex<Table>,
    denials: Mutex<Denials>,
}

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
        let table = Table {
            zones: HashMap::new(),
            ages: BTreeMap::new(),
            next_age: 0,
            keys: 0,
            zones_at_most,
            keys_at_most,
        };
        Self {
            table: Mutex::new(table),
            denials: Mutex::default(),
        }
    }

    /// The zones as one validation sees them at its time.
    pub(super) const fn at(&self, now: Timestamp, shown: Shown) -> View<'_> {
        View {
            zones: self,
            now,
            shown,
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // Nothing in a change can panic, so a thread that did has left nothing half done.
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn denials(&self) -> MutexGuard<'_, Denials> {
        self.denials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How much of what is known a validation is to see. It may add to all of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// Everything.
    All,
    /// Zones and their keys: where what is in them is to be asked for anew.
    Zones,
    /// Nothing: for finding out anew.
    Nothing,
}

/// The zones at one time.
pub(super) struct View<'a> {
    zones: &'a Zones,
    now: Timestamp,
    shown: Shown,
}

impl View<'_> {
    /// The time at which it is looked at.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// A reply that proves that there is no such RRset, made of what earlier ones proved. Zones above the closest trust anchor have no say.
    ///
    /// TLSA records are always asked for: at some levels their absence lowers what is demanded of a host, so a name server that fails with them
    /// must be noticed (rfc G1); and the host's name is no secret any more, its addresses were asked for.
    pub(super) fn denial(&self, question: &RrsetId, anchors: &TrustAnchors) -> Option<Reply> {
        if question.rtype == RecordType::TLSA {
            return None;
        }
        let anchor = anchors.closest(&question.owner)?;
        let denials = (self.shown == Shown::All).then(|| self.zones.denials())?;
        denials.find(question, anchor.label_count(), self.now)
    }
}

impl Known for View<'_> {
    fn zone(&self, apex: &Name) -> Option<Arc<Zone>> {
        if self.shown == Shown::Nothing {
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

    fn learn_denial(&self, apex: &Name, mut set: Rrset) {
        set.ttl = set.ttl.min(NEGATIVE_TTL_AT_MOST);
        self.zones.denials().insert(apex, set, self.now);
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
        let at = |now| zones.at(Timestamp::from_unix(now), Shown::Zones);
        let blank = zones.at(Timestamp::from_unix(0), Shown::Nothing);
        for (apex, until) in [("a", 10), ("b", 20)] {
            blank.learn(&zone(apex, until));
        }
        assert_eq!(
            [10, 11, 20, 21].map(|now| found(&at(now))),
            ["ab", "b", "b", ""]
        );
        assert_eq!(found(&blank), "");
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
        let view = zones.at(Timestamp::from_unix(0), Shown::All);
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
        let view = zones.at(Timestamp::from_unix(0), Shown::All);
        for (apex, keys) in [("a", 1), ("b", 4), ("b", 5), ("c", 5)] {
            view.learn(&zone_with_keys(apex, 1, keys));
        }
        assert_eq!(found(&view), "bc");
        view.learn(&zone_with_keys("a", 1, 6));
        assert_eq!(found(&view), "a");
        assert_eq!(zones.table().keys, 6);
    }
}
