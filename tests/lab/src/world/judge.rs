//! Whether data are sound: the chain of trust from the root's key down, walked with real signatures.
//!
//! It is no validator for use elsewhere: denials are only checked for their signatures, because the lab makes them itself, and what a test edits
//! into a reply is not looked at. It knows neither the limits of work nor the rule that a SHA-1 digest yields to a better one (RFC 4509 §3).

use gateway::dns::{Algorithm, DigestType, Dnskey, Ds, EdeCode, Rdata, RecordType};
use gateway::time::Timestamp;

use super::internet::Internet;
use super::keys::{self, ZoneKey};
use super::live::LiveZone;
use super::rrset::Rrset;

/// What a validating resolver finds out about data, in the order in which the least counts along a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    Bogus(EdeCode, String),
    Insecure,
    Secure,
}

/// Algorithms that count; zones with no other are insecure (RFC 4035 §5.2).
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RSASHA256,
    Algorithm::RSASHA512,
    Algorithm::ECDSAP256SHA256,
    Algorithm::ECDSAP384SHA384,
    Algorithm::ED25519,
    Algorithm::ED448,
];
const DIGESTS: [DigestType; 3] = [DigestType::SHA1, DigestType::SHA256, DigestType::SHA384];
/// NSEC3 iterations above which a zone counts as insecure, and as bogus (RFC 9276 §3.2).
const INSECURE_ITERATIONS: u16 = 50;
const BOGUS_ITERATIONS: u16 = 500;

impl Internet {
    /// Whether a set of this zone is sound.
    pub(super) fn judge(&self, zone: &LiveZone, set: &Rrset) -> Proof {
        match self.trusted_keys(zone) {
            _ if set.synthesized => Proof::Secure,
            Ok(keys) if set.is_signed_by(&keys, &zone.apex, now()) => judge_hashing(set),
            Ok(_) => bogus(set),
            Err(proof) => proof,
        }
    }

    /// The keys that may sign a zone's data; else the status of all its data.
    fn trusted_keys<'a>(&self, zone: &'a LiveZone) -> Result<Vec<&'a ZoneKey>, Proof> {
        let trusted = self.trusted_ds(zone)?;
        let (step, _) = self.served(zone, &zone.apex, RecordType::DNSKEY);
        let missing = || {
            let text = format!("no DNSKEY of {} matches its DS", zone.apex);
            Proof::Bogus(EdeCode::DNSKEY_MISSING, text)
        };
        let set = step.answers.first().ok_or_else(missing)?;
        let published: Vec<_> = set.data.iter().filter_map(as_dnskey).collect();
        let keys: Vec<_> = zone
            .keys()
            .filter(|key| published.contains(&&key.dnskey) && may_sign(&key.dnskey))
            .collect();
        let is_named = |key: &&ZoneKey| {
            trusted
                .iter()
                .any(|ds| *ds == keys::delegation(&zone.apex, &key.dnskey, ds.digest_type))
        };
        let named: Vec<_> = keys.iter().copied().filter(is_named).collect();
        if named.is_empty() {
            return Err(missing());
        }
        if set.is_signed_by(&named, &zone.apex, now()) {
            Ok(keys)
        } else {
            Err(bogus(set))
        }
    }

    /// The DS records that name a zone's keys: of the root the trust anchor, of all others those above.
    fn trusted_ds(&self, zone: &LiveZone) -> Result<Vec<Ds>, Proof> {
        if zone.apex.is_root() {
            let (ds, _) = zone.anchor().ok_or(Proof::Insecure)?;
            return Ok(vec![ds]);
        }
        let above = self.zone_of(&zone.apex, RecordType::DS);
        let (step, _) = self.served(above, &zone.apex, RecordType::DS);
        let sets = step.answers.iter().chain(&step.proofs);
        match sets.map(|set| self.judge(above, set)).min() {
            Some(Proof::Secure) => {
                let mut all: Vec<_> = step.answers.iter().flat_map(all_ds).collect();
                all.retain(is_supported);
                if all.is_empty() {
                    return Err(Proof::Insecure);
                }
                Ok(all)
            }
            Some(proof @ Proof::Bogus(..)) => Err(proof),
            _ => Err(Proof::Insecure),
        }
    }
}

fn is_supported(ds: &Ds) -> bool {
    ALGORITHMS.contains(&ds.algorithm) && DIGESTS.contains(&ds.digest_type)
}

/// Whether the record is of a key that may sign zone data (RFC 4034 §2.1, RFC 5011 §2.1).
fn may_sign(key: &Dnskey) -> bool {
    key.is_zone_key() && !key.is_revoked() && key.protocol == Dnskey::PROTOCOL
}

/// What NSEC3 records with many iterations are worth.
fn judge_hashing(set: &Rrset) -> Proof {
    match set.data.first() {
        Some(Rdata::Nsec3(data)) if data.iterations > BOGUS_ITERATIONS => Proof::Bogus(
            EdeCode::UNSUPPORTED_NSEC3_ITERATIONS,
            format!("{} NSEC3 iterations", data.iterations),
        ),
        Some(Rdata::Nsec3(data)) if data.iterations > INSECURE_ITERATIONS => Proof::Insecure,
        _ => Proof::Secure,
    }
}

fn bogus(set: &Rrset) -> Proof {
    let (owner, rtype) = (&set.owner, set.rtype);
    if set.signatures.is_empty() {
        let text = format!("{rtype} of {owner} has no signature");
        Proof::Bogus(EdeCode::RRSIGS_MISSING, text)
    } else if set.is_expired(now()) {
        let text = format!("the signature of {rtype} of {owner} has expired");
        Proof::Bogus(EdeCode::SIGNATURE_EXPIRED, text)
    } else {
        let text = format!("the signature of {rtype} of {owner} does not verify");
        Proof::Bogus(EdeCode::BOGUS, text)
    }
}

fn as_dnskey(data: &Rdata) -> Option<&Dnskey> {
    match data {
        Rdata::Dnskey(key) => Some(key),
        _ => None,
    }
}

fn all_ds(set: &Rrset) -> Vec<Ds> {
    let as_ds = |data: &Rdata| match data {
        Rdata::Ds(ds) => Some(ds.clone()),
        _ => None,
    };
    set.data.iter().filter_map(as_ds).collect()
}

/// Now in seconds since 1970, as signatures count.
fn now() -> u32 {
    u32::try_from(Timestamp::now().unix()).expect("before 2106")
}
