//! Whether the parts of a reply are proven by the zone they are in: signatures, wildcards, denials.

use std::sync::Arc;

use super::super::denial::{Absence, Cut, Denial, Denied};
use super::super::keys::ZoneKeys;
use super::super::limits::Budget;
use super::super::rrset::Rrset;
use super::super::signature::{self, Proof};
use super::super::status::Security;
use super::super::why::{Consequence, RrsetId, Why};
use super::reply::{self, Reading};
use super::zone::{Known, Trust, Zone};
use super::{Content, Validation};
use crate::dns::{Name, Rcode, Rdata, Record, RecordType};
use crate::time::Timestamp;

/// One part of an answer, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The RRset; of a denial what is denied.
    pub rrset: RrsetId,
    /// Whether it is a denial.
    pub is_denial: bool,
    /// The zone it is in.
    pub zone: Name,
    /// The signature that was found valid; none for a denial, which has several.
    pub signature: Option<Proof>,
    /// Why it is insecure or broken, if it is.
    pub why: Option<Why>,
}

/// The denial records that came with an answer; verified when they are first needed.
pub(super) struct Evidence<'a> {
    authority: &'a [Rrset],
    keys: &'a ZoneKeys,
    now: Timestamp,
    verified: Option<Verified<'a>>,
}

struct Verified<'a> {
    denial: Denial,
    /// What the denial was made of.
    sets: Vec<(&'a Rrset, Proof)>,
    /// Why one of them did not count.
    failure: Option<Why>,
}

impl<'a> Evidence<'a> {
    pub(super) const fn new(authority: &'a [Rrset], keys: &'a ZoneKeys, now: Timestamp) -> Self {
        Self {
            authority,
            keys,
            now,
            verified: None,
        }
    }

    /// What the zone above says about a cut, and how long that may be kept; its SOA record is not asked about that.
    pub(super) fn cut(&mut self, name: &Name, budget: &mut Budget) -> Result<(Cut, u32), Why> {
        let verified = self.verified(budget)?;
        let cut = verified.denial.cut(name, budget);
        cut.map(|cut| (cut, verified.ttl()))
            .map_err(|why| verified.explain(why))
    }

    /// What is denied, by which RRsets: each with its valid signature alone, and how long it may be kept as its TTL (RFC 9077 §3.4).
    fn deny(
        &mut self,
        question: &RrsetId,
        budget: &mut Budget,
    ) -> Result<(Denied, Vec<Rrset>), Why> {
        let verified = self.verified(budget)?;
        let denied = verified.denial.deny(question, budget);
        let denied = denied.map_err(|why| verified.explain(why))?;
        let ttl = self.negative_ttl(question, budget)?;
        let sets = self.verified.iter().flat_map(|verified| &verified.sets);
        let sets = sets.map(|(set, proof)| Rrset {
            ttl: proof.ttl.min(ttl),
            signatures: proof.signature_of(set).cloned().into_iter().collect(),
            ..(*set).clone()
        });
        Ok((denied, sets.collect()))
    }

    fn no_closer_match(
        &mut self,
        question: &RrsetId,
        labels: usize,
        budget: &mut Budget,
    ) -> Result<(Option<Why>, u32), Why> {
        let verified = self.verified(budget)?;
        let weakness = verified.denial.no_closer_match(question, labels, budget);
        weakness
            .map(|weakness| (weakness, verified.ttl()))
            .map_err(|why| verified.explain(why))
    }

    /// How long the zone wants its denial to be kept (RFC 2308 §5), if it tells: that is used, so it must be signed as everything else.
    fn negative_ttl(&self, question: &RrsetId, budget: &mut Budget) -> Result<u32, Why> {
        let mut ttl = u32::MAX;
        for (set, minimum) in soas(self.authority, &question.owner) {
            let proof = signature::verify(set, self.keys, self.now, budget)?;
            ttl = ttl.min(proof.ttl).min(minimum);
        }
        Ok(ttl)
    }

    fn verified(&mut self, budget: &mut Budget) -> Result<&Verified<'a>, Why> {
        let verified = match self.verified.take() {
            Some(verified) => verified,
            None => self.verify(budget)?,
        };
        Ok(self.verified.insert(verified))
    }

    /// Records that are not signed by the zone do not count, but tell why a proof is missing.
    fn verify(&self, budget: &mut Budget) -> Result<Verified<'a>, Why> {
        let mut sets = Vec::new();
        let mut failure = None;
        let all = self.authority.iter();
        for set in all.filter(|set| matches!(set.rtype, RecordType::NSEC | RecordType::NSEC3)) {
            match signature::verify(set, self.keys, self.now, budget) {
                Ok(proof) => sets.push((set, proof)),
                Err(why) if why.consequence() == Consequence::Indeterminate => return Err(why),
                // Of another zone along the aliases.
                Err(Why::OutsideZone { .. }) => {}
                Err(why) => failure = failure.or(Some(why)),
            }
        }
        let records: Vec<Record> = sets
            .iter()
            .flat_map(|(set, _)| reply::records(set))
            .collect();
        Ok(Verified {
            denial: Denial::new(self.keys.zone(), &records),
            sets,
            failure,
        })
    }
}

impl Verified<'_> {
    /// How long all the records may be kept.
    fn ttl(&self) -> u32 {
        let ttls = self.sets.iter().map(|(_, proof)| proof.ttl);
        ttls.min().unwrap_or(u32::MAX)
    }

    /// A proof is missing because a record did not count: that record is to be mended.
    fn explain(&self, why: Why) -> Why {
        match (why, &self.failure) {
            (Why::DenialMissing { .. } | Why::WildcardUnproven { .. }, Some(failure)) => {
                failure.clone()
            }
            (why, _) => why,
        }
    }
}

/// An RRset that is proven.
pub(super) struct Proven {
    pub(super) signature: Proof,
    /// Why it is insecure nonetheless: an unsigned delegation may lie where the wildcard was put.
    weakness: Option<Why>,
    /// How long it may be kept.
    ttl: u32,
}

/// Proves an RRset by its signature, and if a wildcard made it, that no name is closer.
pub(super) fn prove(
    set: &Rrset,
    evidence: &mut Evidence<'_>,
    budget: &mut Budget,
) -> Result<Proven, Why> {
    let signature = signature::verify(set, evidence.keys, evidence.now, budget)?;
    let (weakness, ttl) = match signature.wildcard {
        Some(labels) => evidence.no_closer_match(&set.id(), labels, budget)?,
        None => (None, u32::MAX),
    };
    Ok(Proven {
        ttl: ttl.min(signature.ttl),
        signature,
        weakness,
    })
}

impl Validation<'_> {
    /// Judges an RRset of the answer by its zone.
    pub(super) fn judge_set(
        &mut self,
        set: &Rrset,
        zone: &Arc<Zone>,
        authority: &[Rrset],
    ) -> Result<Security, Why> {
        let mut part = Part {
            rrset: set.id(),
            is_denial: false,
            zone: zone.apex().clone(),
            signature: None,
            why: None,
        };
        let keys = match &zone.trust {
            Trust::Secure(keys) => keys,
            Trust::Insecure(why) => {
                self.ttl = self.ttl.min(set.ttl);
                part.why = Some(why.clone());
                return Ok(self.accept(part));
            }
        };
        let mut evidence = Evidence::new(authority, keys, self.walker.settings.now);
        match prove(set, &mut evidence, &mut self.walker.budget) {
            Ok(proven) => {
                self.ttl = self.ttl.min(proven.ttl);
                part.signature = Some(proven.signature);
                part.why = proven.weakness;
                Ok(self.accept(part))
            }
            Err(why) => Err(self.reject(part, why)),
        }
    }

    /// Judges that there is no data at the end of a reply. Which kind of absence it is, says the proof; the response code is not signed.
    pub(super) fn judge_denial(
        &mut self,
        reading: &Reading,
        zone: &Arc<Zone>,
        known: &dyn Known,
    ) -> Result<Content, Why> {
        let mut part = Part {
            rrset: self.question.clone(),
            is_denial: true,
            zone: zone.apex().clone(),
            signature: None,
            why: None,
        };
        let stated = match reading.rcode {
            Rcode::NXDOMAIN => Absence::NxDomain,
            _ => Absence::NoData,
        };
        let keys = match &zone.trust {
            Trust::Secure(keys) => keys,
            Trust::Insecure(why) => {
                self.ttl = self.ttl.min(unsigned_negative_ttl(reading));
                part.why = Some(why.clone());
                let _ = self.accept(part);
                return Ok(content(stated));
            }
        };
        let mut evidence = Evidence::new(&reading.authority, keys, self.walker.settings.now);
        match evidence.deny(&self.question, &mut self.walker.budget) {
            Ok((denied, sets)) => {
                for set in sets {
                    self.ttl = self.ttl.min(set.ttl);
                    if denied.weakness.is_none() {
                        known.learn_denial(zone.apex(), set);
                    }
                }
                part.why = denied.weakness;
                let _ = self.accept(part);
                Ok(content(denied.absence.unwrap_or(stated)))
            }
            Err(why) => Err(self.reject(part, why)),
        }
    }

    fn accept(&mut self, part: Part) -> Security {
        let security = match part.why {
            Some(_) => Security::Insecure,
            None => Security::Secure,
        };
        self.parts.push(part);
        security
    }

    fn reject(&mut self, mut part: Part, why: Why) -> Why {
        part.why = Some(why.clone());
        self.parts.push(part);
        why
    }
}

const fn content(absence: Absence) -> Content {
    match absence {
        Absence::NoData => Content::NoData,
        Absence::NxDomain => Content::NxDomain,
    }
}

/// How long an unsigned zone wants its denial to be kept (RFC 2308 §5); not at all if it does not tell.
fn unsigned_negative_ttl(reading: &Reading) -> u32 {
    let soas = soas(&reading.authority, &reading.owner);
    let ttls = soas.map(|(set, minimum)| set.ttl.min(minimum));
    ttls.min().unwrap_or(0)
}

/// The SOA RRsets of zones around a name, with the least of their minimum fields.
fn soas<'a>(authority: &'a [Rrset], name: &Name) -> impl Iterator<Item = (&'a Rrset, u32)> {
    let sets = authority.iter();
    sets.filter(|set| name.is_at_or_below(&set.owner))
        .filter_map(|set| {
            let minimums = set.data.iter().filter_map(|data| match data {
                Rdata::Soa(soa) => Some(soa.minimum),
                _ => None,
            });
            Some((set, minimums.min()?))
        })
}
