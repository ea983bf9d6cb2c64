//! Exceptions: a domain that cannot be verified by DANE gets mail all the same, for a while, if it proves something else.
//!
//! They are narrow on purpose: one domain, one proof, a reason and a date, at which an exception ends by itself. DANE is tried first at each
//! attempt, so the log tells when an exception is needed no more. Nothing but a proof can be missing: a domain that cannot be looked up, or
//! a server that offers no TLS, gets nothing.

use super::cause::Verdict;
use super::decision::Decision;
use super::policy::{Origin, Rule};
use super::{Level, Policies, Reason};
use crate::certificate::Pin;
use crate::smtp::{Domain, Host};
use crate::time::Timestamp;

/// One `exception` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// For whom.
    pub domain: Domain,
    /// What is to be proven instead.
    pub instead: Instead,
    /// The moment at which it ends.
    pub until: Timestamp,
    /// Why there is one.
    pub reason: String,
    /// Where the line stands.
    pub origin: Origin,
}

/// What is to be proven instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// A certificate or key with one of these digests.
    Pins(Vec<Pin>),
    /// A certificate of a CA, with the right name.
    Pkix,
}

impl Exception {
    /// Whether it has ended.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until <= now
    }

    /// What counts instead of the rule.
    pub fn instead_of<'a>(&'a self, rule: Rule<'a>) -> Rule<'a> {
        let (level, pins): (Level, &[Pin]) = match &self.instead {
            Instead::Pins(pins) => (Level::Fingerprint, pins),
            Instead::Pkix => (Level::Secure, &[]),
        };
        Rule {
            level,
            pins,
            is_exception: true,
            ..rule
        }
    }
}

impl Policies {
    /// The exception for a destination at this moment, if DANE is what its rule demands; of several the last.
    pub fn exception(&self, destination: &Host, now: Timestamp) -> Option<&Exception> {
        let Host::Domain(domain) = destination else {
            return None;
        };
        if !self.rule(destination).level.uses_dane() {
            return None;
        }
        let mut exceptions = self.exceptions.iter().rev();
        exceptions.find(|exception| exception.domain == *domain && !exception.is_over(now))
    }
}

impl Decision {
    /// Whether nothing but a proof was missing at some host, and none after it was spoken to.
    pub fn lacks_proof(&self) -> bool {
        let lacks_proof = |reason: Reason| reason.denies_dane() || reason.refutes();
        let tried = self.hosts.iter().filter(|record| !record.is_beyond);
        let records = tried.chain([&self.deciding]);
        let mut reasons = records.map(|record| record.cause.reason);
        self.verdict() != Verdict::Deliver
            && self.deciding.proof.is_none()
            && reasons.any(lacks_proof)
    }
}
