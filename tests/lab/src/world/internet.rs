//! All zones together: which one answers, and what an answer along aliases amounts to.

use std::collections::BTreeMap;

use gateway::dns::{EdeCode, Name, Rcode, RecordType};

use super::edit::Edits;
use super::fault::{Fault, Faults};
use super::judge::Proof;
use super::live::LiveZone;
use super::lookup::{Outcome, Step};
use super::rrset::Rrset;

/// Most aliases in a row, as resolvers have such a limit.
const ALIAS_LIMIT: usize = 16;

/// Zones and switches.
#[derive(Clone, Debug)]
pub(super) struct Internet {
    pub(super) zones: BTreeMap<Name, LiveZone>,
    pub(super) faults: Faults,
    pub(super) edits: Edits,
}

/// The result of a look-up along all aliases.
#[derive(Clone, Debug)]
pub(super) struct Resolution {
    pub(super) answers: Vec<Rrset>,
    pub(super) proofs: Vec<Rrset>,
    pub(super) rcode: Rcode,
    /// Means nothing if it was not to be judged.
    pub(super) proof: Proof,
    pub(super) faults: Vec<Fault>,
}

impl Internet {
    /// Looks up a name like a recursive resolver; whoever asks with CD wants nothing judged.
    pub(super) fn resolve(&self, name: &Name, rtype: RecordType, is_judged: bool) -> Resolution {
        let mut result = Resolution {
            answers: Vec::new(),
            proofs: Vec::new(),
            rcode: Rcode::NOERROR,
            proof: Proof::Secure,
            faults: Vec::new(),
        };
        let mut name = name.clone();
        for _ in 0..ALIAS_LIMIT {
            let zone = self.zone_of(&name, rtype);
            let (step, faults) = self.served(zone, &name, rtype);
            let sets = step.answers.iter().chain(&step.proofs);
            let sets = sets.filter(|_| is_judged);
            let judged = sets.map(|set| self.judge(zone, set));
            result.proof = judged.fold(result.proof, Ord::min);
            if step.is_opted_out {
                result.proof = result.proof.min(Proof::Insecure);
            }
            if faults.contains(&Fault::NoProof) {
                let text = format!("{name} is not proven to be absent");
                result.proof = Proof::Bogus(EdeCode::NSEC_MISSING, text);
            }
            result.faults.extend(faults);
            result.answers.extend(step.answers);
            result.proofs.extend(step.proofs);
            match step.outcome {
                Outcome::Alias(target) => name = target,
                Outcome::Data | Outcome::NoData => return result,
                Outcome::NxDomain => {
                    result.rcode = Rcode::NXDOMAIN;
                    return result;
                }
            }
        }
        // Over the limit the answer is worth nothing, however sound its links are.
        result.rcode = Rcode::SERVFAIL;
        result.proof = Proof::Insecure;
        result
    }

    /// The zone that answers: the deepest one, but for DS the one above the cut (RFC 4035 §3.1.4.1).
    pub(super) fn zone_of(&self, name: &Name, rtype: RecordType) -> &LiveZone {
        let above = name.parent().filter(|_| rtype == RecordType::DS);
        let mut place = Some(above.unwrap_or_else(|| name.clone()));
        while let Some(apex) = place {
            if let Some(zone) = self.zones.get(&apex) {
                return zone;
            }
            place = apex.parent();
        }
        panic!("the root is always served")
    }

    /// The zone that holds a name's data.
    pub(super) fn zone_of_mut(&mut self, name: &Name) -> &mut LiveZone {
        let apex = self.zone_of(name, RecordType::A).apex.clone();
        self.zones.get_mut(&apex).expect("it was just found")
    }

    /// What the zone answers once the faults have been at its data, and which faults those are.
    pub(super) fn served(
        &self,
        zone: &LiveZone,
        name: &Name,
        rtype: RecordType,
    ) -> (Step, Vec<Fault>) {
        let mut step = zone.lookup(name, rtype);
        let asked: Vec<_> = self.faults.find(name, rtype).collect();
        let mut hit = asked.clone();
        for set in &mut step.answers {
            if set.owner != *name || set.rtype != rtype {
                hit.extend(self.faults.find(&set.owner, set.rtype));
            }
            // Damage done twice would be undone.
            hit.dedup();
            for fault in &hit {
                tamper(zone, set, *fault);
            }
        }
        if asked.contains(&Fault::NoProof) {
            step.proofs.clear();
        }
        for set in &mut step.proofs {
            for fault in &asked {
                tamper(zone, set, *fault);
            }
        }
        (step, hit)
    }
}

/// Does to a set what the fault does to data.
fn tamper(zone: &LiveZone, set: &mut Rrset, fault: Fault) {
    match fault {
        Fault::Bogus => set.damage(),
        Fault::Expired => *set = zone.expired(set),
        _ => {}
    }
}
