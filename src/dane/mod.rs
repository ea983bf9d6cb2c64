//! DANE: which TLSA records count, and whether a presented certificate chain matches them (RFC 7672, RFC 7671).
#![forbid(unsafe_code)]

use crate::dns::Tlsa;

/// TLSA records sorted into those that may authenticate and those that may not (RFC 7672 §2.1.1, rfc L8 to L13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Usable records without duplicates, after digest agility.
    pub usable: Vec<Tlsa>,
    /// Unusable records, each with the reason.
    pub unusable: Vec<(Tlsa, Unusable)>,
}

/// Why a TLSA record cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// Usage 0 or 1 (RFC 7672 §3.1.3).
    PkixUsage,
}

/// Proof that a presented chain matched; only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    record: Tlsa,
    depth: usize,
}

impl Match {
    /// The record that matched.
    pub fn record(&self) -> &Tlsa {
        &self.record
    }
    /// Depth in the chain of the matched certificate; the leaf is 0.
    pub fn depth(&self) -> usize {
        self.depth
    }
}

/// Why no record matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// The server presented no certificate.
    NoCertificate,
    /// No usable record matches; the text says what was presented.
    NoMatch(String),
}

/// Sorts a TLSA RRset.
pub fn plan(_records: &[Tlsa]) -> Plan {
    todo!()
}

/// Checks a presented chain (exact DER, leaf first) against the usable records.
///
/// # Errors
/// [`Mismatch`] when nothing matches.
pub fn verify(_plan: &Plan, _chain: &[Vec<u8>]) -> Result<Match, Mismatch> {
    todo!()
}
