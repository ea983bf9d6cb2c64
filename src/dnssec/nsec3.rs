//! Names in a chain of NSEC3 records (RFC 5155 §8), with the limits of RFC 9276.

use super::denial::{Chain, Place, hides_what_is_below, missing};
use super::limits::{
    Budget, Limit, NSEC3_ITERATIONS_AT_MOST, NSEC3_ITERATIONS_BOGUS, NSEC3_PER_ANSWER,
};
use super::why::{RrsetId, Why};
use crate::bytes::radix;
use crate::dns::{Name, Nsec3, TypeBitmap};

/// Hash algorithm SHA-1, the only one there is (RFC 5155 §11).
const SHA1: u8 = 1;

/// The hash of a name.
pub(super) type Hash = [u8; 20];

/// The verified NSEC3 records of one zone that came with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Nsec3Chain {
    zone: Name,
    links: Vec<Link>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    owner: Hash,
    next: Hash,
    data: Nsec3,
}

impl Nsec3Chain {
    pub(super) fn new(zone: &Name) -> Self {
        Self {
            zone: zone.clone(),
            links: Vec::new(),
        }
    }

    /// Adds a record. Left out are those that are not [`is_known`], and those whose owner is not a hash right below the apex.
    pub(super) fn add(&mut self, owner: &Name, data: &Nsec3) {
        let is_below_apex = owner.parent().as_ref() == Some(&self.zone);
        if let (true, true, Some(owner), Ok(next)) = (
            is_known(data),
            is_below_apex,
            hash_in(owner),
            data.next_hash.as_slice().try_into(),
        ) {
            let data = data.clone();
            self.links.push(Link { owner, next, data });
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// To be called before a proof: whether the records make one chain whose hashing is bearable; if it is not, why the denial is insecure.
    ///
    /// # Errors
    /// Too many records, iterations far beyond what is in use, or records of different chains.
    pub(super) fn check(&self, about: &RrsetId) -> Result<Option<Why>, Why> {
        if self.links.len() > NSEC3_PER_ANSWER {
            return Err(Why::over(Limit::Nsec3Records, about));
        }
        let most = self.links.iter().map(|link| link.data.iterations).max();
        let iterations = most.unwrap_or(0);
        let zone = self.zone.clone();
        if iterations > NSEC3_ITERATIONS_BOGUS {
            return Err(Why::Nsec3Excessive { zone, iterations });
        }
        if !self.is_one_chain() {
            let rrset = about.clone();
            return Err(Why::DenialContradicted { rrset, zone });
        }
        let is_too_much = iterations > NSEC3_ITERATIONS_AT_MOST;
        Ok(is_too_much.then_some(Why::Nsec3Iterations { zone, iterations }))
    }

    /// Whether all records have the same parameters (RFC 5155 §8.2).
    fn is_one_chain(&self) -> bool {
        let parameters = |link: &Link| (link.data.iterations, link.data.salt.clone());
        let mut all = self.links.iter().map(parameters);
        match all.next() {
            Some(first) => all.all(|other| other == first),
            None => true,
        }
    }

    /// The hash of a name (RFC 5155 §5); `None` if there are no records to say how.
    fn hash(&self, name: &Name, about: &RrsetId, budget: &mut Budget) -> Result<Option<Hash>, Why> {
        let Some(first) = self.links.first() else {
            return Ok(None);
        };
        budget.take_hash(about)?;
        Ok(Some(hash(name, &first.data.salt, first.data.iterations)))
    }

    fn matching(&self, hash: &Hash) -> Option<&TypeBitmap> {
        let link = self.links.iter().find(|link| link.owner == *hash);
        link.map(|link| &link.data.types)
    }

    /// The opt-out flag of the record between whose hashes this one would be.
    fn covering(&self, hash: &Hash) -> Option<bool> {
        let link = self.links.iter().find(|link| match link.owner < link.next {
            true => link.owner < *hash && *hash < link.next,
            // The last record leads back to the first.
            false => link.owner < *hash || *hash < link.next,
        });
        link.map(|link| link.data.is_opt_out())
    }
}

impl Chain for Nsec3Chain {
    /// The closest encloser proof (RFC 5155 §8.3): the walk up takes one hash for each label, which the budget bounds, and ends at the apex.
    fn locate(&self, name: &Name, about: &RrsetId, budget: &mut Budget) -> Result<Place<'_>, Why> {
        let unproven = || missing(about, &self.zone);
        let mut candidate = name.clone();
        let mut next_closer: Option<Hash> = None;
        while candidate.is_at_or_below(&self.zone) {
            let hash = self.hash(&candidate, about, budget)?.ok_or_else(unproven)?;
            match (self.matching(&hash), next_closer) {
                (Some(types), None) => return Ok(Place::At(types)),
                (Some(types), Some(_)) if hides_what_is_below(types) => return Err(unproven()),
                (Some(_), Some(next_closer)) => {
                    let opt_out = self.covering(&next_closer).ok_or_else(unproven)?;
                    let encloser = candidate;
                    return Ok(Place::Nowhere { encloser, opt_out });
                }
                (None, _) => next_closer = Some(hash),
            }
            candidate = candidate.parent().ok_or_else(unproven)?;
        }
        Err(unproven())
    }

    fn covers(
        &self,
        name: &Name,
        about: &RrsetId,
        budget: &mut Budget,
    ) -> Result<Option<bool>, Why> {
        if !name.is_at_or_below(&self.zone) {
            return Ok(None);
        }
        let hash = self.hash(name, about, budget)?;
        Ok(hash.and_then(|hash| self.covering(&hash)))
    }
}

/// Whether hash algorithm and flags are known ones (RFC 5155 §8.1, §8.2).
pub(super) const fn is_known(data: &Nsec3) -> bool {
    data.hash_algorithm == SHA1 && data.flags & !Nsec3::OPT_OUT == 0
}

/// The hash that is the first label of a NSEC3 record's owner (RFC 5155 §3).
fn hash_in(owner: &Name) -> Option<Hash> {
    let label = std::str::from_utf8(owner.labels().next()?).ok()?;
    radix::decode_base32_hex(label)?.try_into().ok()
}

pub(super) fn hash(name: &Name, salt: &[u8], iterations: u16) -> Hash {
    let first = [name.to_lowercase().as_wire(), salt].concat();
    (0..iterations).fold(openssl::sha::sha1(&first), |hash, _| {
        openssl::sha::sha1(&[&hash, salt].concat())
    })
}

#[cfg(test)]
#[path = "nsec3_tests.rs"]
mod tests;
