//! Whether data are sound: the chain of trust from the root's key down, walked with real signatures.
//!
//! It is no validator for use elsewhere: denials are only checked for their signatures, because the lab makes them itself.

use gateway::dns::{Dnskey, Ds, EdeCode, Rdata, RecordType};
use gateway::time::Timestamp;

use super::internet::Internet;
use super::keys;
use super::live::LiveZone;
use super::rrset::Rrset;

/// What a validating resolver finds out about data, in the order in which the least counts along a chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    Bogus(EdeCode, String),
    Insecure,
    Secure,
}

impl Internet {
    /// Whether a set of this zone is sound.
    pub(super) fn judge(&self, zone: &LiveZone, set: &Rrset) -> Proof {
        match self.trusted_keys(zone) {
            _ if set.synthesized => Proof::Secure,
            Ok(keys) if set.is_signed_by(&keys, now()) => Proof::Secure,
            Ok(_) => bogus(set),
            Err(proof) => proof,
        }
    }

    /// The keys that may sign a zone's data; else the status of all its data.
    fn trusted_keys(&self, zone: &LiveZone) -> Result<Vec<Dnskey>, Proof> {
        let trusted = self.trusted_ds(zone)?;
        let (step, _) = self.served(zone, &zone.apex, RecordType::DNSKEY);
        let missing = || {
            let text = format!("no DNSKEY of {} matches its DS", zone.apex);
            Proof::Bogus(EdeCode::DNSKEY_MISSING, text)
        };
        let set = step.answers.first().ok_or_else(missing)?;
        let keys: Vec<_> = set.data.iter().filter_map(as_dnskey).collect();
        let is_named = |key: &&Dnskey| trusted.contains(&keys::delegation(&zone.apex, key));
        let named: Vec<_> = keys.iter().filter(is_named).cloned().collect();
        if named.is_empty() {
            return Err(missing());
        }
        if set.is_signed_by(&named, now()) {
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
            Some(Proof::Secure) if !step.answers.is_empty() => {
                Ok(step.answers.iter().flat_map(all_ds).collect())
            }
            Some(proof @ Proof::Bogus(..)) => Err(proof),
            _ => Err(Proof::Insecure),
        }
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

fn as_dnskey(data: &Rdata) -> Option<Dnskey> {
    match data {
        Rdata::Dnskey(key) => Some(key.clone()),
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
