//! Denial of existence: what the NSEC or NSEC3 records of one zone prove about a name (RFC 4035 §5.4, RFC 5155 §8, RFC 6840 §4, RFC 9824).
//!
//! The records come here after their signatures were verified with keys of the zone. Where a zone has both chains, either proves; but what
//! a wildcard lacks is looked for in NSEC records alone if there are any.
//!
//! Limitation: an empty non-terminal that leads to nothing but unsigned delegations may have no NSEC3 record in a zone with opt-out; beside
//! a wildcard that has the type asked for, that it has no data is then not proven, and the answer is bogus.
//!
//! next: `nsec.rs` and `nsec3.rs` locate a name in their chain.

use super::limits::Budget;
use super::nsec::NsecChain;
use super::nsec3::Nsec3Chain;
use super::why::{RrsetId, Why};
use crate::dns::{Name, Rdata, Record, RecordType, TypeBitmap};

/// The type that marks a name that does not exist, in zones that sign their denials as they are asked (RFC 9824 §2).
const NXNAME: RecordType = RecordType(128);

/// What is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// The name, or a wildcard for it, exists, but not with this type.
    NoData,
    /// There is no such name.
    NxDomain,
}

/// A denial that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What is proven to be absent; `None` where nobody looked because the zone asks for too much hashing: then it is what the response code says.
    pub absence: Option<Absence>,
    /// Why the denial is insecure, if it is.
    pub weakness: Option<Why>,
}

/// Whether a zone ends at a name, as seen from the zone above.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The name is part of the zone.
    Inside,
    /// Neither the name nor anything below it is in the zone.
    Absent,
    /// An unsigned zone begins here, or may begin here; says why that is so.
    Insecure(Why),
}

/// Where a name lies in a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place<'a> {
    /// It owns records of these types.
    At(&'a TypeBitmap),
    /// It owns no records, but names below it do.
    EmptyNonTerminal,
    /// It does not exist.
    Nowhere {
        /// The longest name above it that does.
        encloser: Name,
        /// Whether unsigned delegations may lie where it would be.
        opt_out: bool,
    },
}

/// A chain of names in order.
pub(super) trait Chain {
    /// Finds a name; `about` is what the proof is for.
    fn locate(&self, name: &Name, about: &RrsetId, budget: &mut Budget) -> Result<Place<'_>, Why>;

    /// Whether the name, and so all below it, is proven not to exist, with the opt-out flag of that proof. Unlike `locate` it asks for no proof of a closest encloser.
    fn covers(
        &self,
        name: &Name,
        about: &RrsetId,
        budget: &mut Budget,
    ) -> Result<Option<bool>, Why>;
}

/// The verified denial records of one zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    zone: Name,
    nsec: NsecChain,
    nsec3: Nsec3Chain,
}

impl Denial {
    /// Takes the NSEC and NSEC3 records out of these, whose signatures by `zone` are verified and which no wildcard made.
    pub fn new<'a>(zone: &Name, verified: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut denial = Self {
            zone: zone.clone(),
            nsec: NsecChain::new(zone),
            nsec3: Nsec3Chain::new(zone),
        };
        for record in verified {
            match &record.data {
                Rdata::Nsec(data) => denial.nsec.add(&record.name, data),
                Rdata::Nsec3(data) => denial.nsec3.add(&record.name, data),
                _ => {}
            }
        }
        denial
    }

    /// Proves that there are no such records: no data or no name, whichever it is.
    ///
    /// # Errors
    /// [`Why::DenialMissing`], [`Why::DenialContradicted`], [`Why::DsOfChild`], [`Why::Nsec3Excessive`] or [`Why::Budget`].
    pub fn deny(&self, question: &RrsetId, budget: &mut Budget) -> Result<Denied, Why> {
        let of = Proof {
            denial: self,
            question,
        };
        if !self.nsec.is_empty() || self.nsec3.is_empty() {
            return of.deny(&self.nsec, budget);
        }
        if let Some(weakness) = self.nsec3.check(question)? {
            return Ok(Denied {
                absence: None,
                weakness: Some(weakness),
            });
        }
        of.deny(&self.nsec3, budget)
    }

    /// Proves that no name matches better than the wildcard with `labels` labels (without its asterisk) that made an answer for this
    /// question (RFC 4035 §5.3.4, RFC 5155 §8.8). What comes back says why the proof is insecure, if it is.
    ///
    /// # Errors
    /// [`Why::WildcardUnproven`], [`Why::Nsec3Excessive`] or [`Why::Budget`].
    pub fn no_closer_match(
        &self,
        question: &RrsetId,
        labels: usize,
        budget: &mut Budget,
    ) -> Result<Option<Why>, Why> {
        let unproven = || Why::WildcardUnproven {
            rrset: question.clone(),
            zone: self.zone.clone(),
        };
        let next_closer = question.owner.suffix(labels + 1).ok_or_else(unproven)?;
        if self.nsec.covers(&next_closer, question, budget)?.is_some() {
            return Ok(None);
        }
        if let Some(weakness) = self.nsec3.check(question)? {
            return Ok(Some(weakness));
        }
        budget.begin_proof();
        match self.nsec3.covers(&next_closer, question, budget)? {
            Some(opt_out) => Ok(opt_out.then(|| self.opt_out(&question.owner))),
            None => Err(unproven()),
        }
    }

    /// Proves that there are no DS records at `name`, and says what that means for the zones there (RFC 4035 §5.2, RFC 6840 §4.4).
    ///
    /// # Errors
    /// As [`Denial::deny`].
    pub fn cut(&self, name: &Name, budget: &mut Budget) -> Result<Cut, Why> {
        let question = RrsetId {
            owner: name.clone(),
            rtype: RecordType::DS,
        };
        let of = Proof {
            denial: self,
            question: &question,
        };
        if !self.nsec.is_empty() || self.nsec3.is_empty() {
            return of.cut(&self.nsec, budget);
        }
        match self.nsec3.check(&question)? {
            Some(weakness) => Ok(Cut::Insecure(weakness)),
            None => of.cut(&self.nsec3, budget),
        }
    }

    fn opt_out(&self, name: &Name) -> Why {
        Why::OptOut {
            name: name.clone(),
            zone: self.zone.clone(),
        }
    }
}

/// One proof: the same steps for either chain.
struct Proof<'a> {
    denial: &'a Denial,
    question: &'a RrsetId,
}

impl Proof<'_> {
    fn deny(&self, chain: &impl Chain, budget: &mut Budget) -> Result<Denied, Why> {
        budget.begin_proof();
        let question = self.question;
        let (encloser, opt_out) = match chain.locate(&question.owner, question, budget)? {
            Place::At(types) => return Ok(secure(self.absence_at(types)?)),
            Place::EmptyNonTerminal => return Ok(secure(Absence::NoData)),
            Place::Nowhere { encloser, opt_out } => (encloser, opt_out),
        };
        let absence = match self.wildcard(&encloser, chain, budget) {
            // An unsigned delegation would hide the wildcard, whatever that has (RFC 5155 §8.6).
            Err(Why::DenialMissing { .. } | Why::DenialContradicted { .. })
                if opt_out && question.rtype == RecordType::DS =>
            {
                Absence::NoData
            }
            other => other?,
        };
        Ok(Denied {
            absence: Some(absence),
            weakness: opt_out.then(|| self.denial.opt_out(&question.owner)),
        })
    }

    /// What the wildcard below the closest encloser, the source of synthesis, has for a name that does not exist (RFC 4592 §3.3.1).
    fn wildcard(
        &self,
        encloser: &Name,
        chain: &impl Chain,
        budget: &mut Budget,
    ) -> Result<Absence, Why> {
        // Where the name would be too long, there is no wildcard.
        let Ok(wildcard) = encloser.prepend(b"*") else {
            return Ok(Absence::NxDomain);
        };
        match chain.locate(&wildcard, self.question, budget)? {
            Place::At(types) => self.absence_at(types),
            Place::EmptyNonTerminal => Ok(Absence::NoData),
            Place::Nowhere { .. } => Ok(Absence::NxDomain),
        }
    }

    /// What a name with these types has not; an error if it has what was asked for, or if these are not the types to look at.
    fn absence_at(&self, types: &TypeBitmap) -> Result<Absence, Why> {
        let RrsetId { owner, rtype } = self.question;
        if types.contains(NXNAME) {
            return Ok(Absence::NxDomain);
        }
        let is_there = match *rtype {
            RecordType::ANY => types.types().any(is_data),
            other => types.contains(other) || types.contains(RecordType::CNAME),
        };
        if is_there {
            return Err(self.contradicted());
        }
        if *rtype == RecordType::DS {
            // The child has no say in that (RFC 6840 §4.4); the root has no parent.
            return match types.contains(RecordType::SOA) && !owner.is_root() {
                true => Err(Why::DsOfChild {
                    zone: owner.clone(),
                }),
                false => Ok(Absence::NoData),
            };
        }
        // Above a cut nothing is known of the types below it (RFC 6840 §4.1).
        match is_delegation(types) {
            true => Err(self.missing()),
            false => Ok(Absence::NoData),
        }
    }

    fn cut(&self, chain: &impl Chain, budget: &mut Budget) -> Result<Cut, Why> {
        budget.begin_proof();
        let name = &self.question.owner;
        match chain.locate(name, self.question, budget)? {
            Place::At(types) if types.contains(NXNAME) => Ok(Cut::Absent),
            Place::At(types) => {
                self.absence_at(types)?;
                Ok(match types.contains(RecordType::NS) {
                    true => Cut::Insecure(Why::Unsigned {
                        zone: name.clone(),
                        parent: self.denial.zone.clone(),
                    }),
                    false => Cut::Inside,
                })
            }
            Place::EmptyNonTerminal => Ok(Cut::Inside),
            Place::Nowhere { opt_out: true, .. } => Ok(Cut::Insecure(self.denial.opt_out(name))),
            Place::Nowhere { .. } => Ok(Cut::Absent),
        }
    }

    fn contradicted(&self) -> Why {
        Why::DenialContradicted {
            rrset: self.question.clone(),
            zone: self.denial.zone.clone(),
        }
    }

    fn missing(&self) -> Why {
        missing(self.question, &self.denial.zone)
    }
}

const fn secure(absence: Absence) -> Denied {
    Denied {
        absence: Some(absence),
        weakness: None,
    }
}

pub(super) fn missing(question: &RrsetId, zone: &Name) -> Why {
    Why::DenialMissing {
        rrset: question.clone(),
        zone: zone.clone(),
    }
}

/// Whether the types are those of a delegation, as the zone above it sees them.
pub(super) fn is_delegation(types: &TypeBitmap) -> bool {
    types.contains(RecordType::NS) && !types.contains(RecordType::SOA)
}

/// Whether names below an owner of these types are no concern of its zone (RFC 6840 §4.1, RFC 6672 §5.3.4.1).
pub(super) fn hides_what_is_below(types: &TypeBitmap) -> bool {
    is_delegation(types) || types.contains(RecordType::DNAME)
}

/// Types that are there for a name's own sake.
fn is_data(rtype: RecordType) -> bool {
    !matches!(rtype, RecordType::RRSIG | RecordType::NSEC)
}

#[cfg(test)]
#[path = "denial_tests.rs"]
mod tests;
