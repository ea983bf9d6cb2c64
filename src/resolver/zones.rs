//! What is known of zones: their keys, or that they are unsigned. Every validation uses and adds to it; bounded, first to run out first out.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::dns::Name;
use crate::dnssec::chain::{Known, Zone};
use crate::log;
use crate::time::Timestamp;

/// Zones kept: the top-level domains and the mail domains of a busy day. One with three keys takes about 2 KiB.
const ZONES_AT_MOST: usize = 10_000;

/// The zones that validations found out about.
pub(super) struct Zones {
    table: Mutex<Table>,
    zones_at_most: usize,
}

#[derive(Default)]
struct Table {
    zones: HashMap<Name, Arc<Zone>>,
    /// The apexes in the order in which their zones run out.
    ends: BTreeSet<(Timestamp, Name)>,
}

impl Zones {
    pub(super) fn new() -> Self {
        Self::with_limit(ZONES_AT_MOST)
    }

    fn with_limit(zones_at_most: usize) -> Self {
        Self {
            table: Mutex::default(),
            zones_at_most,
        }
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
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
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
        let zone = self.zones.table().zones.get(apex).map(Arc::clone);
        zone.filter(|zone| self.now <= zone.until)
    }

    fn learn(&self, zone: &Arc<Zone>) {
        let is_new = self.zones.table().insert(zone, self.zones.zones_at_most);
        if is_new && zone.rests_on_sha1() {
            log::info(format_args!(
                "dns: zone {} is trusted by SHA-1 digests alone; it should have DS records with SHA-256",
                zone.apex()
            ));
        }
    }
}

impl Table {
    /// Keeps a zone, at the expense of those that run out first; whether it was not here before.
    fn insert(&mut self, zone: &Arc<Zone>, zones_at_most: usize) -> bool {
        let is_new = !self.remove(zone.apex());
        self.ends.insert((zone.until, zone.apex().clone()));
        self.zones.insert(zone.apex().clone(), Arc::clone(zone));
        while self.zones.len() > zones_at_most {
            let Some((_, apex)) = self.ends.pop_first() else {
                break;
            };
            self.zones.remove(&apex);
        }
        is_new
    }

    fn remove(&mut self, apex: &Name) -> bool {
        let removed = self.zones.remove(apex);
        if let Some(zone) = &removed {
            self.ends.remove(&(zone.until, apex.clone()));
        }
        removed.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnssec::Why;
    use crate::dnssec::chain::{Link, Trust};

    fn name(text: &str) -> Name {
        Name::parse(text).expect(text)
    }

    fn zone(apex: &str, until: u64) -> Arc<Zone> {
        let why = Why::NoAnchor { name: name(apex) };
        let link = Link {
            zone: name(apex),
            points: Vec::new(),
            delegation: None,
            keys: Vec::new(),
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
        let zones = Zones::with_limit(3);
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

    #[test]
    fn the_first_to_run_out_makes_room() {
        let zones = Zones::with_limit(3);
        let view = zones.at(Timestamp::from_unix(0));
        for (apex, until) in [("a", 10), ("b", 5), ("c", 7), ("a", 10), ("d", 20)] {
            view.learn(&zone(apex, until));
        }
        assert_eq!(found(&view), "acd");
        view.learn(&zone("b", 1));
        assert_eq!(found(&view), "acd", "what lasts least is not kept");
        let table = zones.table();
        assert_eq!((table.zones.len(), table.ends.len()), (3, 3));
    }
}
