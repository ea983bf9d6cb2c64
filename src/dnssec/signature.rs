//! The signature of an RRset: which RRSIG records may count, what octets they sign, and what a valid one proves (RFC 4035 §5.3).

use super::keys::{ZoneKey, ZoneKeys};
use super::limits::{
    Budget, FAILURES_PER_RRSET, INCEPTION_SKEW, KEYS_PER_TAG, Limit, SIGNATURES_PER_RRSET,
};
use super::rrset::Rrset;
use super::why::{KeyId, Why};
use crate::bytes::Writer;
use crate::dns::{Name, RecordType, Rrsig};
use crate::time::Timestamp;

/// What a valid signature proves about its RRset.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a proof from a wildcard is only half of one"]
pub struct Proof {
    /// The key that made the signature.
    pub key: KeyId,
    /// When the signature began: seconds since 1970, modulo 2^32.
    pub inception: u32,
    /// When it ends, likewise.
    pub expiration: u32,
    /// How long the RRset may be kept, in seconds (RFC 4035 §5.3.3).
    pub ttl: u32,
    /// The time to live that the zone gives the RRset, in seconds.
    pub original_ttl: u32,
    /// Set if the RRset was made from a wildcard: how many labels the wildcard's parent has, which is the closest encloser. That no closer
    /// name exists is then still to be proven (RFC 4035 §5.3.4).
    pub wildcard: Option<usize>,
}

impl Proof {
    /// The signature that was found valid, among those of its RRset; one with the same key and times may stand before it.
    pub(super) fn signature_of<'a>(&self, rrset: &'a Rrset) -> Option<&'a Rrsig> {
        rrset.signatures.iter().find(|rrsig| {
            (rrsig.key_tag, rrsig.algorithm) == (self.key.tag, self.key.algorithm)
                && (rrsig.inception, rrsig.expiration) == (self.inception, self.expiration)
        })
    }
}

/// Looks for one valid signature by the zone's keys; any one is enough (RFC 6840 §5.11).
///
/// # Errors
/// The [`Why`] of the signature that came closest to being valid, or of the limit that was hit.
pub fn verify(
    rrset: &Rrset,
    keys: &ZoneKeys,
    now: Timestamp,
    budget: &mut Budget,
) -> Result<Proof, Why> {
    verify_by(rrset, keys.zone(), keys.keys(), now, budget)
}

/// As [`verify`], by keys of which nothing more is known yet than that they are the zone's.
pub(super) fn verify_by(
    rrset: &Rrset,
    zone: &Name,
    keys: &[ZoneKey],
    now: Timestamp,
    budget: &mut Budget,
) -> Result<Proof, Why> {
    check_place(rrset, zone)?;
    let mut attempt = Attempt {
        rrset,
        zone,
        keys,
        now: serial(now),
        failures: 0,
    };
    let mut closest: Option<Refusal> = None;
    for (number, rrsig) in rrset.signatures.iter().enumerate() {
        if number >= SIGNATURES_PER_RRSET {
            return Err(Why::over(Limit::Signatures, &rrset.id()));
        }
        match attempt.judge(rrsig, budget) {
            Ok(proof) => return Ok(proof),
            Err(refusal) if refusal.step == Step::Budget => return Err(refusal.why),
            Err(refusal) if closest.as_ref().is_none_or(|best| best.step < refusal.step) => {
                closest = Some(refusal);
            }
            Err(_) => {}
        }
    }
    Err(closest.map_or_else(
        || Why::RrsigMissing {
            rrset: rrset.id(),
            zone: zone.clone(),
        },
        |refusal| refusal.why,
    ))
}

/// Whether this zone may sign an RRset of this owner and type at all.
fn check_place(rrset: &Rrset, zone: &Name) -> Result<(), Why> {
    if !rrset.owner.is_at_or_below(zone) {
        return Err(Why::OutsideZone {
            rrset: rrset.id(),
            zone: zone.clone(),
        });
    }
    // A delegation is the parent's to sign (RFC 4035 §2.4).
    if rrset.rtype == RecordType::DS && rrset.owner == *zone {
        return Err(Why::DsOfChild { zone: zone.clone() });
    }
    Ok(())
}

/// How far a signature came; the one that came furthest gives the reason.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Type,
    Signer,
    Labels,
    Key,
    Time,
    Octets,
    /// Ends the search.
    Budget,
}

struct Refusal {
    step: Step,
    why: Why,
}

/// One RRset, the keys that may have signed it, and what was tried so far.
struct Attempt<'a> {
    rrset: &'a Rrset,
    zone: &'a Name,
    keys: &'a [ZoneKey],
    now: u32,
    failures: u32,
}

impl Attempt<'_> {
    /// The checks of RFC 4035 §5.3.1, the cheap ones first, and then the octets.
    fn judge(&mut self, rrsig: &Rrsig, budget: &mut Budget) -> Result<Proof, Refusal> {
        self.check_signer(rrsig)?;
        let wildcard = self.check_labels(rrsig)?;
        self.check_key(rrsig)?;
        self.check_time(rrsig)?;
        self.check_octets(rrsig, wildcard, budget)?;
        let left = rrsig.expiration.wrapping_sub(self.now);
        Ok(Proof {
            key: self.key_id(rrsig),
            inception: rrsig.inception,
            expiration: rrsig.expiration,
            ttl: self.rrset.ttl.min(rrsig.original_ttl).min(left),
            original_ttl: rrsig.original_ttl,
            wildcard,
        })
    }

    fn check_signer(&self, rrsig: &Rrsig) -> Result<(), Refusal> {
        if rrsig.type_covered != self.rrset.rtype {
            return Err(Step::Type.refuse(Why::RrsigMissing {
                rrset: self.rrset.id(),
                zone: self.zone.clone(),
            }));
        }
        if rrsig.signer != *self.zone {
            return Err(Step::Signer.refuse(Why::SignerNotZone {
                rrset: self.rrset.id(),
                signer: rrsig.signer.clone(),
                zone: self.zone.clone(),
            }));
        }
        Ok(())
    }

    /// The labels of the wildcard's parent, if the owner has more labels than were signed. It lies in the zone, and it is no denial: a
    /// NSEC record speaks of its own owner, and one made from a wildcard could be made to speak of any (CVE-2017-15105).
    fn check_labels(&self, rrsig: &Rrsig) -> Result<Option<usize>, Refusal> {
        let owner = &self.rrset.owner;
        let labels = usize::from(rrsig.labels);
        let owner_labels = owner.label_count() - usize::from(owner.is_wildcard());
        if labels == owner_labels {
            return Ok(None);
        }
        let (rrset, zone) = (|| self.rrset.id(), || self.zone.clone());
        if labels > owner_labels || labels < self.zone.label_count() {
            return Err(Step::Labels.refuse(Why::LabelCount {
                rrset: rrset(),
                labels: rrsig.labels,
                zone: zone(),
            }));
        }
        if matches!(self.rrset.rtype, RecordType::NSEC | RecordType::NSEC3) {
            return Err(Step::Labels.refuse(Why::DenialExpanded {
                rrset: rrset(),
                zone: zone(),
            }));
        }
        Ok(Some(labels))
    }

    fn check_key(&self, rrsig: &Rrsig) -> Result<(), Refusal> {
        if self.keys.iter().any(|key| key.fits(rrsig)) {
            return Ok(());
        }
        Err(Step::Key.refuse(Why::KeyMissing {
            rrset: self.rrset.id(),
            key: self.key_id(rrsig),
        }))
    }

    /// Inception ≤ now ≤ expiration in serial number arithmetic (RFC 4034 §3.1.5, RFC 1982 §3.2).
    fn check_time(&self, rrsig: &Rrsig) -> Result<(), Refusal> {
        let (inception, expiration, now) = (rrsig.inception, rrsig.expiration, self.now);
        let (rrset, key) = (|| self.rrset.id(), || self.key_id(rrsig));
        let why = if is_after(inception, expiration) {
            Why::ExpiredBeforeValid {
                rrset: rrset(),
                key: key(),
                inception,
                expiration,
            }
        } else if is_after(now, expiration) {
            Why::Expired {
                rrset: rrset(),
                key: key(),
                expiration,
                now,
            }
        } else if is_after(inception, now.wrapping_add(INCEPTION_SKEW)) {
            Why::NotYetValid {
                rrset: rrset(),
                key: key(),
                inception,
                now,
            }
        } else {
            return Ok(());
        };
        Err(Step::Time.refuse(why))
    }

    /// Tries the keys that the key tag may mean.
    fn check_octets(
        &mut self,
        rrsig: &Rrsig,
        wildcard: Option<usize>,
        budget: &mut Budget,
    ) -> Result<(), Refusal> {
        let rrset = self.rrset.id();
        let over = |limit| Step::Budget.refuse(Why::over(limit, &rrset));
        let octets = signed_octets(self.rrset, rrsig, wildcard);
        let keys = self.keys.iter().filter(|key| key.fits(rrsig));
        for (number, key) in keys.enumerate() {
            if number >= KEYS_PER_TAG {
                return Err(over(Limit::SameTag));
            }
            if self.failures >= FAILURES_PER_RRSET {
                return Err(over(Limit::Failures));
            }
            budget
                .take_verification(&rrset)
                .map_err(|why| Step::Budget.refuse(why))?;
            if key.public.verify(&octets, &rrsig.signature) {
                return Ok(());
            }
            self.failures += 1;
            budget.note_failure();
        }
        let key = self.key_id(rrsig);
        Err(Step::Octets.refuse(Why::SignatureWrong { rrset, key }))
    }

    fn key_id(&self, rrsig: &Rrsig) -> KeyId {
        KeyId {
            zone: self.zone.clone(),
            tag: rrsig.key_tag,
            algorithm: rrsig.algorithm,
        }
    }
}

impl Step {
    const fn refuse(self, why: Why) -> Refusal {
        Refusal { step: self, why }
    }
}

/// Seconds since 1970 as RRSIG records count them: modulo 2^32.
pub(super) fn serial(time: Timestamp) -> u32 {
    let [_, _, _, _, low @ ..] = time.unix().to_be_bytes();
    u32::from_be_bytes(low)
}

/// Whether `a` is later than `b` (RFC 1982 §3.2); two times half the circle apart count as out of order, whichever comes first.
const fn is_after(a: u32, b: u32) -> bool {
    let distance = a.wrapping_sub(b);
    distance != 0 && distance <= 1 << 31
}

/// The RRSIG data without the signature, then each record in canonical form and order with the original owner and time to live
/// (RFC 4034 §3.1.8.1).
pub fn signed_octets(rrset: &Rrset, rrsig: &Rrsig, wildcard: Option<usize>) -> Vec<u8> {
    let owner = wildcard
        .and_then(|labels| rrset.owner.suffix(labels)?.prepend(b"*").ok())
        .unwrap_or_else(|| rrset.owner.clone())
        .to_lowercase();
    let mut out = Writer::default();
    out.octets(&rrsig.signed_prefix());
    for data in &rrset.data {
        out.octets(owner.as_wire());
        out.u16(rrset.rtype.0);
        out.u16(rrset.class.0);
        out.u32(rrsig.original_ttl);
        let data = data.canonical();
        // Data from a message are never longer; others would only make the signature wrong.
        out.u16(u16::try_from(data.len()).unwrap_or(u16::MAX));
        out.octets(&data);
    }
    out.into_octets()
}

#[cfg(test)]
#[path = "signature_tests.rs"]
mod tests;
