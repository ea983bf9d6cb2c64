//! One step through the state table of RFC 5011 §4: what the keys in a zone at one time make of those that are followed.

use std::time::Duration;

use super::{ADD_HOLD_DOWN, Change, Event, REMOVE_HOLD_DOWN, State, Tracked, Tracking};
use crate::dns::Dnskey;
use crate::dnssec::algorithm::Algorithms;
use crate::dnssec::keys::{EntryPoint, ZoneKey, ZoneKeys, as_dnskey};
use crate::dnssec::limits::{Budget, INCEPTION_SKEW, KEYS_TRACKED_AT_MOST};
use crate::dnssec::rrset::Rrset;
use crate::dnssec::signature::{self, Proof};
use crate::dnssec::why::KeyId;
use crate::time::Timestamp;

/// One observation on its way through the table.
pub(super) struct Step<'a> {
    pub(super) tracking: &'a mut Tracking,
    pub(super) algorithms: Algorithms,
    pub(super) now: Timestamp,
    pub(super) changes: Vec<Change>,
}

impl Step<'_> {
    pub(super) fn take(&mut self, sets: &[&Rrset]) {
        for set in sets {
            self.revoke(set);
        }
        self.forget_orphans();
        if let Some((set, proof)) = self.newest(sets) {
            self.confirm(set);
            self.advance(set);
            self.announce(set, &proof);
        }
    }

    fn change(&mut self, point: &EntryPoint, event: Event) {
        let (tag, algorithm) = match point {
            EntryPoint::Ds(ds) => (ds.key_tag, ds.algorithm),
            EntryPoint::Dnskey(key) => (key.key_tag(), key.algorithm),
        };
        let zone = self.tracking.zone.clone();
        let key = KeyId {
            zone,
            tag,
            algorithm,
        };
        self.changes.push(Change { key, event });
    }

    /// Whether this very record has signed the set; what trust it deserves is another question.
    fn signs(&self, key: &Dnskey, set: &Rrset) -> bool {
        let zone = &self.tracking.zone;
        let verify = |key| signature::verify_by(set, zone, &[key], self.now, &mut Budget::new());
        ZoneKey::new(key, self.algorithms).is_ok_and(|key| verify(key).is_ok())
    }

    /// RevBit, from any state: a key that is not believed yet shall never be.
    fn revoke(&mut self, set: &Rrset) {
        for revoked in keys_of(set).filter(|key| key.is_revoked()) {
            let zone = self.tracking.zone.clone();
            let key = without_revocation(revoked);
            let is_it = |tracked: &Tracked| tracked.point.names(&zone, &key);
            let mut named = self.tracking.keys.iter().filter(|tracked| is_it(tracked));
            let is_news = named.any(|tracked| !tracked.is_revoked());
            if !is_news || !self.signs(revoked, set) {
                continue;
            }
            self.tracking.keys.retain(|tracked| !is_it(tracked));
            let state = State::Revoked { gone: None };
            let tracked = Tracked::new(key, state, self.now);
            self.change(&tracked.point, Event::Revoked);
            self.tracking.keys.push(tracked);
        }
    }

    /// RFC 5011 §2.2: who is spoken for by revoked keys alone begins anew.
    fn forget_orphans(&mut self) {
        let keys = &self.tracking.keys;
        let trusted = keys.iter().filter(|tracked| tracked.is_trusted());
        let trusted: Vec<u16> = trusted.map(|tracked| tracked.point.key_tag()).collect();
        let is_orphan = |tracked: &Tracked| match &tracked.state {
            State::Pending { vouchers, .. } => !vouchers.iter().any(|tag| trusted.contains(tag)),
            _ => false,
        };
        let keys = std::mem::take(&mut self.tracking.keys);
        let (orphans, kept) = keys.into_iter().partition(is_orphan);
        self.tracking.keys = kept;
        let orphans: Vec<Tracked> = orphans;
        for orphan in orphans {
            self.change(&orphan.point, Event::Orphaned);
        }
    }

    /// The set that was signed last, of those that a key believed has signed.
    fn newest<'s>(&self, sets: &[&'s Rrset]) -> Option<(&'s Rrset, Proof)> {
        let anchors = self.tracking.anchors();
        let points = anchors.entry_points(&self.tracking.zone, self.algorithms);
        let points = points.ok()?;
        let proven = sets.iter().filter_map(|set| {
            let keys = ZoneKeys::authenticate(set, &points, self.now, &mut Budget::new());
            Some((*set, keys.ok()?.proof().clone()))
        });
        let latest = signature::serial(self.now).wrapping_add(INCEPTION_SKEW);
        proven.min_by_key(|(_, proof)| latest.wrapping_sub(proof.inception))
    }

    /// A key takes the place of the digests that name it.
    fn confirm(&mut self, set: &Rrset) {
        for key in keys_of(set).filter(|key| !key.is_revoked()) {
            let zone = self.tracking.zone.clone();
            let is_it = |tracked: &Tracked| tracked.is_digest() && tracked.point.names(&zone, key);
            if !self.tracking.keys.iter().any(is_it) {
                continue;
            }
            self.tracking.keys.retain(|tracked| !is_it(tracked));
            if self.find(key).is_none() {
                let tracked = Tracked::new(key.clone(), State::Valid, self.now);
                self.change(&tracked.point, Event::Confirmed);
                self.tracking.keys.push(tracked);
            }
        }
    }

    fn find(&self, key: &Dnskey) -> Option<&Tracked> {
        let zone = &self.tracking.zone;
        let mut keys = self.tracking.keys.iter();
        keys.find(|tracked| tracked.point.names(zone, key))
    }

    /// KeyPres, KeyRem, AddTime and RemTime for the keys that are known.
    fn advance(&mut self, set: &Rrset) {
        let keys = std::mem::take(&mut self.tracking.keys);
        let advanced = keys.into_iter().filter_map(|mut tracked| {
            if let EntryPoint::Dnskey(key) = &tracked.point {
                let place = Place::of(key, set);
                if let Some(event) = self.advance_one(&mut tracked, place) {
                    let is_forgotten = matches!(event, Event::Withdrawn | Event::Removed);
                    self.change(&tracked.point, event);
                    return (!is_forgotten).then_some(tracked);
                }
            }
            Some(tracked)
        });
        let advanced = advanced.collect();
        self.tracking.keys = advanced;
    }

    fn advance_one(&self, tracked: &mut Tracked, place: Place) -> Option<Event> {
        let now = self.now;
        let (state, event) = match &tracked.state {
            State::Pending { .. } if place != Place::Present => return Some(Event::Withdrawn),
            State::Pending { until, .. } if *until <= now => (State::Valid, Event::Accepted),
            State::Valid if place != Place::Present => (State::Missing, Event::Missing),
            State::Missing if place == Place::Present => (State::Valid, Event::Returned),
            State::Revoked { gone } => {
                let gone = match (place, gone) {
                    (Place::Absent, Some(gone)) if now.since(*gone) >= REMOVE_HOLD_DOWN => {
                        return Some(Event::Removed);
                    }
                    (Place::Absent, gone) => Some(gone.unwrap_or(now)),
                    _ => None,
                };
                tracked.state = State::Revoked { gone };
                return None;
            }
            State::Pending { .. } | State::Valid | State::Missing => return None,
        };
        tracked.state = state;
        tracked.since = now;
        Some(event)
    }

    /// NewKey for secure entry points that are not known.
    fn announce(&mut self, set: &Rrset, proof: &Proof) {
        let ttl = Duration::from_secs(proof.original_ttl.into());
        let until = self.now.after(ADD_HOLD_DOWN.max(ttl));
        let vouchers = self.vouchers(set, proof);
        for key in keys_of(set).filter(|key| is_candidate(key)) {
            if self.find(key).is_some() {
                continue;
            }
            let point = EntryPoint::Dnskey(key.clone());
            if self.tracking.keys.len() >= KEYS_TRACKED_AT_MOST {
                self.change(&point, Event::NoRoom);
                continue;
            }
            let vouchers = vouchers.clone();
            let state = State::Pending { until, vouchers };
            self.change(&point, Event::Announced(until));
            let tracked = Tracked::new(key.clone(), state, self.now);
            self.tracking.keys.push(tracked);
        }
    }

    /// Tags of the keys believed that have signed the set, the one that proved it first.
    fn vouchers(&self, set: &Rrset, proof: &Proof) -> Vec<u16> {
        let is_trusted = |key: &&Dnskey| self.find(key).is_some_and(Tracked::is_trusted);
        let others = keys_of(set)
            .filter(is_trusted)
            .filter(|key| key.key_tag() != proof.key.tag && self.signs(key, set));
        std::iter::once(proof.key.tag)
            .chain(others.map(Dnskey::key_tag))
            .collect()
    }
}

/// Where a key is in the zone.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Present,
    /// There, but marked as revoked.
    Marked,
    Absent,
}

impl Place {
    fn of(key: &Dnskey, set: &Rrset) -> Self {
        let is_it = |other: &&Dnskey| {
            (other.algorithm, &other.public_key) == (key.algorithm, &key.public_key)
        };
        let mut forms = keys_of(set).filter(is_it);
        match forms.next() {
            None => Self::Absent,
            Some(first) if !first.is_revoked() || forms.any(|key| !key.is_revoked()) => {
                Self::Present
            }
            Some(_) => Self::Marked,
        }
    }
}

/// The zone keys of a set.
fn keys_of(set: &Rrset) -> impl Iterator<Item = &Dnskey> {
    let keys = set.data.iter().filter_map(as_dnskey);
    keys.filter(|key| key.is_zone_key() && key.protocol == Dnskey::PROTOCOL)
}

const fn is_candidate(key: &Dnskey) -> bool {
    key.is_secure_entry_point() && !key.is_revoked()
}

fn without_revocation(key: &Dnskey) -> Dnskey {
    Dnskey {
        flags: key.flags & !Dnskey::REVOKE,
        ..key.clone()
    }
}
