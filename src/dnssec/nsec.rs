//! Names in a chain of NSEC records (RFC 4034 §4, RFC 4035 §5.4).

use super::denial::{Chain, Place, hides_what_is_below, missing};
use super::limits::Budget;
use super::why::{RrsetId, Why};
use crate::dns::{Name, Nsec};

/// The verified NSEC records of one zone that came with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NsecChain {
    zone: Name,
    links: Vec<(Name, Nsec)>,
}

impl NsecChain {
    pub(super) fn new(zone: &Name) -> Self {
        Self {
            zone: zone.clone(),
            links: Vec::new(),
        }
    }

    /// Adds a record; one that leads out of the zone proves nothing and is left out.
    pub(super) fn add(&mut self, owner: &Name, data: &Nsec) {
        let names = [owner, &data.next];
        if names.iter().all(|name| name.is_at_or_below(&self.zone)) {
            self.links.push((owner.clone(), data.clone()));
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// The record between whose names `name` would be.
    fn covering(&self, name: &Name) -> Option<&(Name, Nsec)> {
        self.links.iter().find(|(owner, data)| {
            let is_before_next = match *owner < data.next {
                true => *name < data.next,
                // The last record leads back to the apex, and nowhere else (RFC 4034 §4.1.1).
                false => data.next == self.zone,
            };
            let is_hidden = name.is_at_or_below(owner) && hides_what_is_below(&data.types);
            owner < name && is_before_next && !is_hidden
        })
    }
}

impl Chain for NsecChain {
    fn locate(&self, name: &Name, about: &RrsetId, _: &mut Budget) -> Result<Place<'_>, Why> {
        let unproven = || missing(about, &self.zone);
        if !name.is_at_or_below(&self.zone) {
            return Err(unproven());
        }
        if let Some((_, data)) = self.links.iter().find(|(owner, _)| owner == name) {
            return Ok(Place::At(&data.types));
        }
        let (owner, data) = self.covering(name).ok_or_else(unproven)?;
        if data.next.is_at_or_below(name) {
            return Ok(Place::EmptyNonTerminal);
        }
        Ok(Place::Nowhere {
            encloser: encloser(name, owner, &data.next).ok_or_else(unproven)?,
            opt_out: false,
        })
    }

    fn covers(&self, name: &Name, _: &RrsetId, _: &mut Budget) -> Result<Option<bool>, Why> {
        let link = self.covering(name);
        let is_nowhere = link.is_some_and(|(_, data)| !data.next.is_at_or_below(name));
        Ok((is_nowhere && name.is_at_or_below(&self.zone)).then_some(false))
    }
}

/// The closest encloser of a name that is not there. Both neighbours exist, and what lies between them does not: so it is the longer part
/// that the name shares with one of them.
pub(super) fn encloser(name: &Name, owner: &Name, next: &Name) -> Option<Name> {
    name.suffix(shared_labels(name, owner).max(shared_labels(name, next)))
}

/// How many labels two names have in common, from the right.
fn shared_labels(one: &Name, other: &Name) -> usize {
    let pairs = one.labels().rev().zip(other.labels().rev());
    pairs
        .take_while(|(one, other)| one.eq_ignore_ascii_case(other))
        .count()
}
