//! The NSEC3 records of a zone (RFC 5155).

use std::collections::{BTreeMap, BTreeSet};

use gateway::bytes::radix;
use gateway::dns::{Name, Nsec3, Nsec3param, Rdata, RecordType, TypeBitmap};
use openssl::sha::sha1;

use super::live::LiveZone;
use super::rrset::Rrset;
use super::zone::Hashing;

/// SHA-1, the only hash algorithm (RFC 5155 §11).
const SHA1: u8 = 1;

/// The chain of hashed names; empty in a zone without NSEC3.
#[derive(Clone, Debug, Default)]
pub(super) struct Hashed {
    hashing: Hashing,
    sets: BTreeMap<[u8; 20], Rrset>,
}

impl Hashed {
    /// A record for each name of the zone and each empty one between them; with opt-out none for unsigned delegations.
    pub(super) fn new(zone: &LiveZone, hashing: &Hashing) -> Self {
        let has = |owner: &Name, rtype| zone.set(owner, rtype).is_some();
        let is_left_out = |owner: &Name| {
            hashing.opt_out
                && *owner != zone.apex
                && has(owner, RecordType::NS)
                && !has(owner, RecordType::DS)
        };
        let mut owners = BTreeSet::new();
        for owner in zone.chained().iter().filter(|owner| !is_left_out(owner)) {
            let mut name = Some(owner.clone());
            while let Some(one) = name.filter(|one| one.is_at_or_below(&zone.apex)) {
                name = one.parent();
                owners.insert(one);
            }
        }
        let by_hash: BTreeMap<_, _> = owners
            .into_iter()
            .map(|owner| (hash(&owner, hashing), owner))
            .collect();
        let following = by_hash.keys().cycle().skip(1);
        let sets = by_hash.iter().zip(following).map(|((hash, owner), next)| {
            let data = Nsec3 {
                hash_algorithm: SHA1,
                flags: u8::from(hashing.opt_out) * Nsec3::OPT_OUT,
                iterations: hashing.iterations,
                salt: hashing.salt.clone(),
                next_hash: next.to_vec(),
                types: types(zone, owner),
            };
            let owner = owner_name(hash, &zone.apex);
            (*hash, zone.new_set(owner, Rdata::Nsec3(data)))
        });
        Self {
            hashing: hashing.clone(),
            sets: sets.collect(),
        }
    }

    pub(super) fn sets(&self) -> impl Iterator<Item = &Rrset> {
        self.sets.values()
    }

    pub(super) fn sets_mut(&mut self) -> impl Iterator<Item = &mut Rrset> {
        self.sets.values_mut()
    }

    /// The record of this name.
    pub(super) fn matching(&self, name: &Name) -> Option<&Rrset> {
        self.sets.get(&hash(name, &self.hashing))
    }

    /// The record of the last hash before this name's, or of the very last.
    pub(super) fn covering(&self, name: &Name) -> Option<&Rrset> {
        let before = self.sets.range(..hash(name, &self.hashing)).next_back();
        let (_, set) = before.or_else(|| self.sets.last_key_value())?;
        Some(set)
    }

    /// The longest name at or above this one that has a record, and the name one label longer.
    pub(super) fn encloser(&self, name: &Name) -> (Name, Name) {
        let (mut encloser, mut next_closer) = (name.clone(), name.clone());
        while self.matching(&encloser).is_none() {
            let above = encloser.parent().expect("the apex has a record");
            next_closer = std::mem::replace(&mut encloser, above);
        }
        (encloser, next_closer)
    }

    pub(super) const fn opts_out(&self) -> bool {
        self.hashing.opt_out
    }
}

/// The types at an owner; signatures only where there is something to sign.
fn types(zone: &LiveZone, owner: &Name) -> TypeBitmap {
    let here = zone.node(owner).into_iter().flat_map(|node| node.keys());
    let mut types: Vec<_> = here.copied().collect();
    let is_unsigned = types.contains(&RecordType::NS)
        && !types.contains(&RecordType::SOA)
        && !types.contains(&RecordType::DS);
    if !types.is_empty() && !is_unsigned {
        types.push(RecordType::RRSIG);
    }
    TypeBitmap::from_types(types)
}

/// RFC 5155 §5.
fn hash(name: &Name, hashing: &Hashing) -> [u8; 20] {
    let first = name.to_lowercase().as_wire().to_vec();
    let once = |octets: &[u8]| sha1(&[octets, hashing.salt.as_slice()].concat());
    (0..hashing.iterations).fold(once(&first), |hash, _| once(&hash))
}

fn owner_name(hash: &[u8], apex: &Name) -> Name {
    let label = radix::encode_base32_hex(hash);
    apex.prepend(label.as_bytes()).expect("a short apex")
}

/// The NSEC3PARAM record of the zone (RFC 5155 §4).
pub(super) fn parameters(hashing: &Hashing) -> Rdata {
    Rdata::Nsec3param(Nsec3param {
        hash_algorithm: SHA1,
        flags: 0,
        iterations: hashing.iterations,
        salt: hashing.salt.clone(),
    })
}
