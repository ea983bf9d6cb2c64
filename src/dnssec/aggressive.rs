//! Keeps denials that were validated, and finds those that prove what is asked for next not to be there either, so that nobody need be asked
//! (RFC 8198).
//!
//! What is found is a reply as any other, with its signatures, to be validated as any other: a wrong choice costs a question, and proves
//! nothing. It is found only where the denial is definite; what opt-out leaves open is asked for.
//!
//! One record says of a whole gap that it is empty, and of a name which types it lacks. Servers that make up their denials for each question (RFC 4470, RFC 9824) leave no such gaps; their
//! records take up some room and are out first.
//!
//! Limitations: answers are not made from wildcards (RFC 8198 §5.3). Records that came with a positive answer or a proof of delegation are
//! not kept. Whoever signs a denial that denies too much is believed until it runs out.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::chain::Reply;
use super::denial::{Absence, Denial};
use super::limits::{
    Budget, DENIALS_AT_MOST, DENIALS_PER_ZONE, NSEC3_ITERATIONS_AT_MOST, OCTETS_PER_DENIAL,
};
use super::nsec::encloser;
use super::nsec3;
use super::rrset::Rrset;
use super::why::RrsetId;
use crate::bytes::radix;
use crate::dns::{Class, Name, Nsec3, Rcode, Rdata, Record, RecordType};
use crate::time::Timestamp;

/// Zones searched for one denial, the closest ones of which anything is kept: that of the name and, for a DS record, the one above.
const ZONES_SEARCHED: usize = 2;

/// Denials of many zones; bounded, oldest out first.
#[derive(Debug)]
pub struct Denials {
    /// By apex; none without records.
    zones: HashMap<Name, Records>,
    /// Apexes by age: the number given to each record at insertion.
    ages: BTreeMap<u64, Name>,
    next_age: u64,
    at_most: usize,
    per_zone: usize,
}

impl Default for Denials {
    fn default() -> Self {
        Self::with_limits(DENIALS_AT_MOST, DENIALS_PER_ZONE)
    }
}

impl Denials {
    fn with_limits(at_most: usize, per_zone: usize) -> Self {
        Self {
            zones: HashMap::new(),
            ages: BTreeMap::new(),
            next_age: 0,
            at_most,
            per_zone,
        }
    }

    /// Keeps an RRset of a validated denial of the zone with this apex, for the seconds of its TTL, in place of what its owner had. What can
    /// prove nothing definite is left out.
    pub fn insert(&mut self, apex: &Name, set: Rrset, now: Timestamp) {
        if set.ttl == 0 || !is_of_use(&set) || octets_of(&set) > OCTETS_PER_DENIAL {
            return;
        }
        let records = self.zones.entry(apex.clone()).or_default();
        let place = (set.rtype, set.owner.clone());
        let mut outdated = records.of_other_chains(&set);
        outdated.extend(records.by_place.get(&place).map(|held| held.age));
        outdated.into_iter().for_each(|age| self.remove(age));
        let age = self.next_age;
        self.next_age += 1;
        self.ages.insert(age, apex.clone());
        let until = now.after(Duration::from_secs(set.ttl.into()));
        let records = self.zones.entry(apex.clone()).or_default();
        records.ages.insert(age, place.clone());
        records.by_place.insert(place, Held { set, until, age });
        if let Some(age) = oldest_beyond(self.per_zone, &records.ages) {
            self.remove(age);
        }
        if let Some(age) = oldest_beyond(self.at_most, &self.ages) {
            self.remove(age);
        }
    }

    /// The reply that denies this, if one can be made from what is kept; from zones with at least so many labels, the closest first.
    pub fn find(&self, question: &RrsetId, labels: usize, now: Timestamp) -> Option<Reply> {
        let owner = &question.owner;
        let zones = (labels..=owner.label_count()).rev().filter_map(|count| {
            let apex = owner.suffix(count)?;
            let records = self.zones.get(&apex)?;
            Some(Zone { apex, records })
        });
        zones.take(ZONES_SEARCHED).find_map(|zone| {
            let reply = |proof: Vec<&Held>| zone.reply(proof, question, now);
            let by_nsec = zone.by_nsec(owner).and_then(reply);
            by_nsec.or_else(|| zone.by_nsec3(question).and_then(reply))
        })
    }

    fn remove(&mut self, age: u64) {
        let Some(apex) = self.ages.remove(&age) else {
            return;
        };
        let Some(records) = self.zones.get_mut(&apex) else {
            return;
        };
        if let Some(place) = records.ages.remove(&age) {
            records.by_place.remove(&place);
        }
        if records.ages.is_empty() {
            self.zones.remove(&apex);
        }
    }
}

/// The oldest, if there are more than so many.
fn oldest_beyond<T>(at_most: usize, ages: &BTreeMap<u64, T>) -> Option<u64> {
    let oldest = ages.keys().next().copied();
    oldest.filter(|_| ages.len() > at_most)
}

/// Type and owner: the order of either chain is that of its owners, since base32hex keeps the order of hashes (RFC 5155 §1.3).
type Place = (RecordType, Name);

/// The records of one zone.
#[derive(Debug, Default)]
struct Records {
    by_place: BTreeMap<Place, Held>,
    ages: BTreeMap<u64, Place>,
}

/// One NSEC or NSEC3 record with its signature.
#[derive(Debug)]
struct Held {
    set: Rrset,
    until: Timestamp,
    age: u64,
}

impl Records {
    /// The record at a name, or the last one before it.
    fn at_or_before(&self, rtype: RecordType, name: &Name) -> Option<&Held> {
        let range = (rtype, Name::root())..=(rtype, name.clone());
        self.by_place.range(range).next_back().map(|(_, held)| held)
    }

    /// Any NSEC3 record: they all have the same parameters.
    fn nsec3(&self) -> Option<&Nsec3> {
        let mut places = self.by_place.range((RecordType::NSEC3, Name::root())..);
        places.next().and_then(|(_, held)| nsec3_of(&held.set))
    }

    /// The NSEC3 records that do not belong to one chain with this RRset: the zone has changed its parameters.
    fn of_other_chains(&self, set: &Rrset) -> Vec<u64> {
        let parameters = |data: &Nsec3| (data.iterations, data.salt.clone());
        let (Some(new), Some(old)) = (nsec3_of(set), self.nsec3()) else {
            return Vec::new();
        };
        if parameters(new) == parameters(old) {
            return Vec::new();
        }
        let of_zone = self.by_place.range((RecordType::NSEC3, Name::root())..);
        of_zone.map(|(_, held)| held.age).collect()
    }
}

/// One zone that is searched.
struct Zone<'a> {
    apex: Name,
    records: &'a Records,
}

impl<'a> Zone<'a> {
    /// The record at the name; or the one before it and, unless names lie below it, that for the wildcard.
    fn by_nsec(&self, name: &Name) -> Option<Vec<&'a Held>> {
        let place = |name: &Name| self.records.at_or_before(RecordType::NSEC, name);
        let held = place(name)?;
        let Some(Rdata::Nsec(data)) = held.set.data.first() else {
            return None;
        };
        if held.set.owner == *name || data.next.is_at_or_below(name) {
            return Some(vec![held]);
        }
        let wildcard = encloser(name, &held.set.owner, &data.next)?.prepend(b"*");
        let wildcard = wildcard.ok().and_then(|wildcard| place(&wildcard));
        Some([held].into_iter().chain(wildcard).collect())
    }

    /// The record of the name; or that of its closest encloser with those for the next closer name and the wildcard (RFC 5155 §8.3).
    fn by_nsec3(&self, question: &RrsetId) -> Option<Vec<&'a Held>> {
        let parameters = self.records.nsec3()?;
        let mut budget = Budget::new();
        budget.begin_proof();
        let mut place = |name: &Name| {
            budget.take_hash(question).ok()?;
            let hash = nsec3::hash(name, &parameters.salt, parameters.iterations);
            let label = radix::encode_base32_hex(&hash);
            let owner = self.apex.prepend(label.as_bytes()).ok()?;
            let before = self.records.at_or_before(RecordType::NSEC3, &owner);
            // Before the first hash lies the last one.
            let held = before.or_else(|| self.last_nsec3())?;
            Some((held, held.set.owner == owner))
        };
        let mut candidate = question.owner.clone();
        let mut next_closer = None;
        while candidate.is_at_or_below(&self.apex) {
            match (place(&candidate)?, next_closer) {
                ((held, true), None) => return Some(vec![held]),
                ((held, true), Some(next_closer)) => {
                    let wildcard = candidate.prepend(b"*").ok();
                    let wildcard = wildcard.and_then(|wildcard| place(&wildcard));
                    let wildcard = wildcard.map(|(held, _)| held);
                    return Some([held, next_closer].into_iter().chain(wildcard).collect());
                }
                ((held, false), _) => next_closer = Some(held),
            }
            candidate = candidate.parent()?;
        }
        None
    }

    fn last_nsec3(&self) -> Option<&'a Held> {
        let mut places = self
            .records
            .by_place
            .range((RecordType::NSEC3, Name::root())..);
        places.next_back().map(|(_, held)| held)
    }

    /// The reply with these records, if they may still be used and prove what they were chosen for.
    fn reply(&self, mut proof: Vec<&Held>, question: &RrsetId, now: Timestamp) -> Option<Reply> {
        proof.sort_by_key(|held| held.age);
        proof.dedup_by_key(|held| held.age);
        let mut authorities = Vec::new();
        for held in proof {
            authorities.extend(records_of(&held.set, seconds_left(held.until, now)?));
        }
        let denied = Denial::new(&self.apex, &authorities).deny(question, &mut Budget::new());
        let denied = denied.ok().filter(|denied| denied.weakness.is_none())?;
        Some(Reply {
            rcode: match denied.absence? {
                Absence::NoData => Rcode::NOERROR,
                Absence::NxDomain => Rcode::NXDOMAIN,
            },
            answers: Vec::new(),
            authorities,
        })
    }
}

/// Seconds until then; `None` where there are none.
fn seconds_left(until: Timestamp, now: Timestamp) -> Option<u32> {
    let seconds = u32::try_from(until.since(now).as_secs()).ok()?;
    Some(seconds).filter(|&seconds| seconds > 0)
}

/// The records and signatures of an RRset.
fn records_of(set: &Rrset, ttl: u32) -> impl Iterator<Item = Record> + '_ {
    let signatures = set.signatures.iter().cloned().map(Rdata::Rrsig);
    let data = set.data.iter().cloned().chain(signatures);
    data.map(move |data| Record {
        name: set.owner.clone(),
        class: set.class,
        ttl,
        data,
    })
}

/// Whether an RRset is one record that can prove something: one NSEC record, or one NSEC3 record whose hashing is bearable.
fn is_of_use(set: &Rrset) -> bool {
    let is_one = match set.data.as_slice() {
        [Rdata::Nsec(_)] => true,
        [Rdata::Nsec3(data)] => {
            nsec3::is_known(data) && data.iterations <= NSEC3_ITERATIONS_AT_MOST
        }
        _ => false,
    };
    is_one && set.class == Class::IN
}

fn nsec3_of(set: &Rrset) -> Option<&Nsec3> {
    set.data.iter().find_map(|data| match data {
        Rdata::Nsec3(data) => Some(data),
        _ => None,
    })
}

/// About what an RRset takes up: owner, data, and the parts of its signatures that vary.
fn octets_of(set: &Rrset) -> usize {
    let data = set.data.iter().map(|data| data.canonical().len());
    let signatures = set.signatures.iter();
    let signatures = signatures.map(|rrsig| rrsig.signer.as_wire().len() + rrsig.signature.len());
    set.owner.as_wire().len() + data.chain(signatures).sum::<usize>()
}

#[cfg(test)]
#[path = "aggressive_tests.rs"]
mod tests;
