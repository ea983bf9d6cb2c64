//! The keys of a zone: which DNSKEY records vouch for the others, and how they come to be trusted (RFC 4035 §5.2).

use openssl::sha::{sha1, sha256, sha384};

use super::algorithm::{Algorithms, KeyFault, PublicKey};
use super::limits::{Budget, DS_FAILURES_PER_ZONE, DS_PER_ZONE, KEYS_PER_ZONE, Limit};
use super::rrset::Rrset;
use super::signature::{self, Proof};
use super::why::{KeyId, RrsetId, Voucher, Why};
use crate::dns::{Algorithm, DigestType, Dnskey, Ds, Name, Rdata, RecordType, Rrsig};
use crate::time::Timestamp;

/// What names a key that vouches for the zone's other keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryPoint {
    /// A digest of the key.
    Ds(Ds),
    /// The key itself.
    Dnskey(Dnskey),
}

impl EntryPoint {
    /// Tag of the key.
    pub fn key_tag(&self) -> u16 {
        match self {
            Self::Ds(ds) => ds.key_tag,
            Self::Dnskey(key) => key.key_tag(),
        }
    }

    /// Whether it names this key of the zone; flags count for a digest only.
    pub(super) fn names(&self, zone: &Name, key: &Dnskey) -> bool {
        match self {
            Self::Ds(ds) => {
                (ds.algorithm, ds.key_tag) == (key.algorithm, key.key_tag())
                    && digest(zone, key, ds.digest_type).as_ref() == Some(&ds.digest)
            }
            Self::Dnskey(other) => {
                (other.algorithm, &other.public_key) == (key.algorithm, &key.public_key)
            }
        }
    }

    const fn is_supported(&self, algorithms: Algorithms) -> bool {
        match self {
            Self::Ds(ds) => {
                algorithms.supports(ds.algorithm) && algorithms.supports_digest(ds.digest_type)
            }
            Self::Dnskey(key) => algorithms.supports(key.algorithm),
        }
    }

    /// Whether it is a SHA-1 digest.
    pub(super) fn is_sha1(&self) -> bool {
        matches!(self, Self::Ds(ds) if ds.digest_type == DigestType::SHA1)
    }
}

/// The entry points into one zone that are trusted and of use here; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryPoints {
    zone: Name,
    points: Vec<EntryPoint>,
    voucher: Voucher,
    algorithms: Algorithms,
}

impl EntryPoints {
    /// Those of a delegation, from its DS RRset, which must have been verified with the keys of the parent zone.
    ///
    /// # Errors
    /// A [`Why`] that makes the zone insecure if no record has both an algorithm and a digest type that are supported (RFC 4035 §5.2);
    /// [`Why::Budget`] if too many have.
    pub fn of_delegation(ds: &Rrset, algorithms: Algorithms) -> Result<Self, Why> {
        let records = ds.data.iter().filter_map(|data| match data {
            Rdata::Ds(ds) => Some(ds),
            _ => None,
        });
        let points = records.clone().cloned().map(EntryPoint::Ds).collect();
        let points = useful(points, algorithms);
        if points.len() > DS_PER_ZONE {
            return Err(Why::over(Limit::Ds, &ds.id()));
        }
        if points.is_empty() {
            return Err(why_unsupported(
                &ds.owner,
                &records.collect::<Vec<_>>(),
                algorithms,
            ));
        }
        Ok(Self {
            zone: ds.owner.clone(),
            points,
            voucher: Voucher::Delegation,
            algorithms,
        })
    }

    /// Those of a zone's trust anchors.
    ///
    /// # Errors
    /// [`Why::AnchorUnsupported`] if none is of use.
    pub(super) fn of_anchors(
        zone: &Name,
        points: Vec<EntryPoint>,
        algorithms: Algorithms,
    ) -> Result<Self, Why> {
        let points = useful(points, algorithms);
        if points.is_empty() {
            return Err(Why::AnchorUnsupported { zone: zone.clone() });
        }
        Ok(Self {
            zone: zone.clone(),
            points,
            voucher: Voucher::TrustAnchor,
            algorithms,
        })
    }

    /// The zone that is entered.
    pub const fn zone(&self) -> &Name {
        &self.zone
    }

    /// The points, for texts.
    pub fn points(&self) -> &[EntryPoint] {
        &self.points
    }
}

/// The points that are supported; SHA-1 digests only where there is nothing better (RFC 4509 §3).
fn useful(mut points: Vec<EntryPoint>, algorithms: Algorithms) -> Vec<EntryPoint> {
    points.retain(|point| point.is_supported(algorithms));
    if points.iter().any(|point| !point.is_sha1()) {
        points.retain(|point| !point.is_sha1());
    }
    points
}

/// Why none of a delegation's DS records is of use.
fn why_unsupported(zone: &Name, records: &[&Ds], algorithms: Algorithms) -> Why {
    let zone = zone.clone();
    if records.is_empty() {
        return Why::DnskeyMissing { zone };
    }
    if records.iter().any(|ds| algorithms.supports(ds.algorithm)) {
        let digests = records.iter().map(|ds| ds.digest_type).collect();
        return Why::DigestUnsupported { zone, digests };
    }
    let algorithms = records.iter().map(|ds| ds.algorithm).collect();
    Why::AlgorithmUnsupported { zone, algorithms }
}

/// One key that may sign the zone's data.
#[derive(Clone, Debug)]
pub(super) struct ZoneKey {
    tag: u16,
    algorithm: Algorithm,
    pub(super) public: PublicKey,
}

impl ZoneKey {
    pub(super) fn new(key: &Dnskey, algorithms: Algorithms) -> Result<Self, KeyFault> {
        Ok(Self {
            tag: key.key_tag(),
            algorithm: key.algorithm,
            public: PublicKey::new(key, algorithms)?,
        })
    }

    /// Whether the signature may be by this key.
    pub(super) fn fits(&self, rrsig: &Rrsig) -> bool {
        self.tag == rrsig.key_tag && self.algorithm == rrsig.algorithm
    }
}

/// The keys of a zone, trusted and ready to verify its data; may be shared by threads.
#[derive(Clone, Debug)]
pub struct ZoneKeys {
    zone: Name,
    keys: Vec<ZoneKey>,
    proof: Proof,
}

impl ZoneKeys {
    /// Trusts the DNSKEY RRset of the zone if a key that an entry point names has signed it. That signature is the only thing that makes the
    /// other keys trusted: that they stand beside a trusted one means nothing (RUSTSEC-2025-0006).
    ///
    /// # Errors
    /// The [`Why`] that makes the zone bogus, or insecure if all keys named are well formed and not supported.
    pub fn authenticate(
        dnskeys: &Rrset,
        points: &EntryPoints,
        now: Timestamp,
        budget: &mut Budget,
    ) -> Result<Self, Why> {
        let zone = points.zone.clone();
        if dnskeys.owner != zone || dnskeys.rtype != RecordType::DNSKEY {
            return Err(Why::DnskeyMissing { zone });
        }
        if dnskeys.data.len() > KEYS_PER_ZONE {
            return Err(Why::over(Limit::Keys, &dnskeys.id()));
        }
        let records: Vec<&Dnskey> = dnskeys.data.iter().filter_map(as_dnskey).collect();
        let entries = Matches::of(points, &records, budget)?.decide(points)?;
        let proof = signature::verify_by(dnskeys, &zone, &entries, now, budget)?;
        let fit = records
            .into_iter()
            .filter(|key| why_unfit(&zone, key).is_none());
        let keys = fit.filter_map(|key| ZoneKey::new(key, points.algorithms).ok());
        Ok(Self {
            keys: keys.collect(),
            zone,
            proof,
        })
    }

    /// The apex of the zone.
    pub const fn zone(&self) -> &Name {
        &self.zone
    }

    /// The signature over the keys; they may be kept as long as it says.
    pub const fn proof(&self) -> &Proof {
        &self.proof
    }

    /// Tag and algorithm of each key, for texts.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.keys.iter().map(|key| KeyId {
            zone: self.zone.clone(),
            tag: key.tag,
            algorithm: key.algorithm,
        })
    }

    pub(super) fn keys(&self) -> &[ZoneKey] {
        &self.keys
    }
}

pub(super) fn as_dnskey(data: &Rdata) -> Option<&Dnskey> {
    match data {
        Rdata::Dnskey(key) => Some(key),
        _ => None,
    }
}

/// Why a key may not sign the zone, whatever its algorithm.
fn why_unfit(zone: &Name, key: &Dnskey) -> Option<Why> {
    let id = || key_id(zone, key);
    if key.is_revoked() {
        return Some(Why::DnskeyRevoked { key: id() });
    }
    let is_fit = key.is_zone_key() && key.protocol == Dnskey::PROTOCOL;
    (!is_fit).then(|| Why::DnskeyNotZoneKey { key: id() })
}

fn key_id(zone: &Name, key: &Dnskey) -> KeyId {
    KeyId {
        zone: zone.clone(),
        tag: key.key_tag(),
        algorithm: key.algorithm,
    }
}

/// What the entry points of a zone name among its DNSKEY records.
#[derive(Default)]
struct Matches {
    /// Keys that may sign.
    keys: Vec<ZoneKey>,
    /// Why a key named may not sign.
    unfit: Option<Why>,
    /// A key named that is well formed, but not supported.
    unsupported: Option<(KeyId, KeyFault)>,
    /// Tags of entry points that name no record.
    unmatched: Vec<u16>,
}

impl Matches {
    fn of(points: &EntryPoints, records: &[&Dnskey], budget: &mut Budget) -> Result<Self, Why> {
        let mut matches = Self::default();
        // Several digests may name one key.
        let mut named: Vec<&Dnskey> = Vec::new();
        let mut failures = 0;
        for point in &points.points {
            match find(point, &points.zone, records, (&mut failures, budget))? {
                Some(key) if named.contains(&key) => {}
                Some(key) => {
                    named.push(key);
                    matches.add(key, points);
                }
                None => matches.unmatched.push(point.key_tag()),
            }
        }
        Ok(matches)
    }

    fn add(&mut self, key: &Dnskey, points: &EntryPoints) {
        if let Some(why) = why_unfit(&points.zone, key) {
            self.unfit = Some(why);
            return;
        }
        let id = key_id(&points.zone, key);
        match ZoneKey::new(key, points.algorithms) {
            Ok(key) => self.keys.push(key),
            Err(fault) if fault.is_unsupported() => self.unsupported = Some((id, fault)),
            Err(fault) => self.unfit = Some(Why::DnskeyBroken { key: id, fault }),
        }
    }

    /// The keys that may vouch for the others. Only if each single entry point of a delegation names a key that is not supported is the zone insecure:
    /// a carrier that withholds the other keys must not get there.
    fn decide(self, points: &EntryPoints) -> Result<Vec<ZoneKey>, Why> {
        if !self.keys.is_empty() {
            return Ok(self.keys);
        }
        if let Some(why) = self.unfit {
            return Err(why);
        }
        match self.unsupported {
            Some((key, fault)) if self.unmatched.is_empty() => Err(match points.voucher {
                Voucher::Delegation => Why::KeyUnsupported { key, fault },
                Voucher::TrustAnchor => Why::DnskeyBroken { key, fault },
            }),
            _ => Err(Why::DnskeyUnmatched {
                zone: points.zone.clone(),
                tags: self.unmatched,
                voucher: points.voucher,
            }),
        }
    }
}

/// The record that an entry point names.
fn find<'a>(
    point: &EntryPoint,
    zone: &Name,
    records: &[&'a Dnskey],
    (failures, budget): (&mut u32, &mut Budget),
) -> Result<Option<&'a Dnskey>, Why> {
    let ds = match point {
        EntryPoint::Ds(ds) => ds,
        EntryPoint::Dnskey(_) => {
            return Ok(records.iter().find(|key| point.names(zone, key)).copied());
        }
    };
    for key in records {
        if key.algorithm != ds.algorithm || key.key_tag() != ds.key_tag {
            continue;
        }
        if *failures >= DS_FAILURES_PER_ZONE {
            let owner = zone.clone();
            let rtype = RecordType::DS;
            return Err(Why::over(Limit::DsFailures, &RrsetId { owner, rtype }));
        }
        budget.note_digest();
        if digest(zone, key, ds.digest_type).as_ref() == Some(&ds.digest) {
            return Ok(Some(key));
        }
        *failures += 1;
    }
    Ok(None)
}

/// The digest of a key and its owner (RFC 4034 §5.1.4), if its type is supported.
fn digest(zone: &Name, key: &Dnskey, digest_type: DigestType) -> Option<Vec<u8>> {
    let mut octets = zone.to_lowercase().as_wire().to_vec();
    octets.extend(Rdata::Dnskey(key.clone()).canonical());
    match digest_type {
        DigestType::SHA1 => Some(sha1(&octets).to_vec()),
        DigestType::SHA256 => Some(sha256(&octets).to_vec()),
        DigestType::SHA384 => Some(sha384(&octets).to_vec()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "keys_tests.rs"]
mod tests;
