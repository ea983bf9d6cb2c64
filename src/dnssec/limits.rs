//! How much work one question may cost: every limit of validation with its reason, and the budget that counts.
//!
//! Signed data choose how much is to be computed, and whoever signs them may be hostile (KeyTrap, CVE-2023-50387; NSEC3 hashing, CVE-2023-50868).
//! A limit that is hit ends as [`Why::Budget`], an error: never as insecure, which an attacker would be glad of.

use std::fmt;

use super::why::{RrsetId, Why};

/// Signatures verified per question and validation; a chain of six zones with an alias and a denial needs about 20.
///
/// A question costs at most three times that: one that ends as bogus where an earlier denial spared a question is begun anew without, and one that
/// ends as bogus is validated once more, from the trust anchors on, with what another resolver brings. Each has a budget of its own, or one hostile
/// resolver could use up what is needed for the data of an honest one. A validation that ends at a limit is not bogus, and so the end.
pub const VERIFICATIONS_PER_QUESTION: u32 = 32;
/// Signatures of one RRset that may prove wrong before the rest are left alone: one for a key tag that two keys share, one for a signer's mistake.
pub const FAILURES_PER_RRSET: u32 = 2;
/// RRSIG records looked at per RRset: two algorithms, old and new keys, and as many again.
pub const SIGNATURES_PER_RRSET: usize = 8;
/// Keys of one zone with the same tag and algorithm that are tried: an honest collision has two.
pub const KEYS_PER_TAG: usize = 2;
/// DNSKEY records per zone; zones in the middle of a roll-over of keys and algorithm have about eight.
pub const KEYS_PER_ZONE: usize = 32;
/// DS records per zone whose algorithm and digest are supported.
pub const DS_PER_ZONE: usize = 8;
/// Digests of DS records that may differ from the key they name before the rest are left alone.
pub const DS_FAILURES_PER_ZONE: u32 = 4;
/// NSEC3 iterations above which a zone counts as insecure (RFC 9276 §3.2), once the record's signature is verified.
pub const NSEC3_ITERATIONS_AT_MOST: u16 = 50;
/// NSEC3 iterations above which a zone counts as bogus (RFC 9276 §3.2).
pub const NSEC3_ITERATIONS_BOGUS: u16 = 500;
/// NSEC3 RRsets of one answer that are used; a complete denial has three, a wildcard's and a delegation's no more.
pub const NSEC3_PER_ANSWER: usize = 8;
/// NSEC3 hashes computed per proof: one for each label of any name in use.
pub const NSEC3_HASHES_PER_PROOF: u32 = 24;
/// Links of a CNAME or DNAME chain.
pub const ALIASES_AT_MOST: usize = 10;
/// Questions asked for one answer; an answer at the end of two aliases, four labels below the root each, needs about 20.
pub const QUESTIONS_AT_MOST: usize = 64;
/// Longest use of what was found out about a zone, in seconds: a day, as that of its data (rfc B9). Records may say 136 years.
pub const ZONE_TTL_AT_MOST: u32 = 86_400;
/// NSEC and NSEC3 records kept for later questions, over all zones: a mail domain has a few, and half a KiB each.
pub const DENIALS_AT_MOST: usize = 20_000;
/// Those of one zone: a third of the root's. A zone that makes up records for each question has no use for more.
pub const DENIALS_PER_ZONE: usize = 500;
/// Octets of such a record with its signature: two names, an RSA signature of 4096 bits, and the types of a zone that has them all.
pub const OCTETS_PER_DENIAL: usize = 2048;
/// Trust anchors, counted in records, over all zones.
pub const ANCHORS_AT_MOST: usize = 64;
/// Keys of a zone that are followed as trust anchors, in any state: RFC 5011 §2.4.3 wants five, and the root has had three at most.
pub const KEYS_TRACKED_AT_MOST: usize = 16;
/// Records of a message that are grouped: a message of 65,535 octets holds no more, at 11 octets each.
pub const RECORDS_PER_MESSAGE: usize = 5957;
/// Shortest RSA modulus in bits: shorter ones have been factored.
pub const RSA_BITS_AT_LEAST: u32 = 1024;
/// Longest RSA modulus in bits (RFC 3110 §1).
pub const RSA_BITS_AT_MOST: u32 = 4096;
/// Longest RSA exponent in bits; in use are 17 and 2. A verification costs time in proportion: 3071 bits take 8 ms.
pub const RSA_EXPONENT_BITS_AT_MOST: u32 = 64;
/// How far ahead of our clock a signature may begin, in seconds: the signer's clock may be that much ahead. An expired signature gets no such grace, it could be replayed.
pub const INCEPTION_SKEW: u32 = 300;

/// Which limit was hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`VERIFICATIONS_PER_QUESTION`].
    Verifications,
    /// [`FAILURES_PER_RRSET`].
    Failures,
    /// [`SIGNATURES_PER_RRSET`].
    Signatures,
    /// [`KEYS_PER_TAG`].
    SameTag,
    /// [`KEYS_PER_ZONE`].
    Keys,
    /// [`DS_PER_ZONE`].
    Ds,
    /// [`DS_FAILURES_PER_ZONE`].
    DsFailures,
    /// [`NSEC3_PER_ANSWER`].
    Nsec3Records,
    /// [`NSEC3_HASHES_PER_PROOF`].
    Nsec3Hashes,
    /// [`ALIASES_AT_MOST`].
    Aliases,
    /// [`QUESTIONS_AT_MOST`].
    Questions,
}

/// The limit as a noun phrase with its number: "32 signature verifications per question".
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Verifications => write!(
                f,
                "{VERIFICATIONS_PER_QUESTION} signature verifications per question"
            ),
            Self::Failures => write!(f, "{FAILURES_PER_RRSET} wrong signatures per RRset"),
            Self::Signatures => write!(f, "{SIGNATURES_PER_RRSET} RRSIG records per RRset"),
            Self::SameTag => write!(f, "{KEYS_PER_TAG} keys with the same tag"),
            Self::Keys => write!(f, "{KEYS_PER_ZONE} DNSKEY records per zone"),
            Self::Ds => write!(f, "{DS_PER_ZONE} DS records per zone"),
            Self::DsFailures => write!(f, "{DS_FAILURES_PER_ZONE} wrong DS digests per zone"),
            Self::Nsec3Records => write!(f, "{NSEC3_PER_ANSWER} NSEC3 records per answer"),
            Self::Nsec3Hashes => write!(f, "{NSEC3_HASHES_PER_PROOF} NSEC3 hashes per proof"),
            Self::Aliases => write!(f, "{ALIASES_AT_MOST} aliases in a row"),
            Self::Questions => write!(f, "{QUESTIONS_AT_MOST} questions per answer"),
        }
    }
}

/// Counts the work of one question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    verifications: u32,
    failures: u32,
    digests: u32,
    hashes: u32,
    hashes_of_proof: u32,
}

impl Budget {
    /// A budget of which nothing is used.
    pub fn new() -> Self {
        Self::default()
    }

    /// Signatures verified so far, right and wrong ones.
    pub const fn verifications(&self) -> u32 {
        self.verifications
    }

    /// Signatures found wrong so far.
    pub const fn failures(&self) -> u32 {
        self.failures
    }

    /// DS digests computed so far.
    pub const fn digests(&self) -> u32 {
        self.digests
    }

    /// NSEC3 hashes computed so far, over all proofs.
    pub const fn hashes(&self) -> u32 {
        self.hashes
    }

    /// To be called before a proof of non-existence is looked into.
    pub const fn begin_proof(&mut self) {
        self.hashes_of_proof = 0;
    }

    /// To be called before each NSEC3 hash is computed; `about` is what the proof is for.
    ///
    /// # Errors
    /// [`Why::Budget`] when the proof has used up its hashes.
    pub fn take_hash(&mut self, about: &RrsetId) -> Result<(), Why> {
        if self.hashes_of_proof >= NSEC3_HASHES_PER_PROOF {
            return Err(Why::over(Limit::Nsec3Hashes, about));
        }
        self.hashes_of_proof += 1;
        self.hashes += 1;
        Ok(())
    }

    /// To be called before each signature is verified.
    pub(super) fn take_verification(&mut self, about: &RrsetId) -> Result<(), Why> {
        if self.verifications >= VERIFICATIONS_PER_QUESTION {
            return Err(Why::over(Limit::Verifications, about));
        }
        self.verifications += 1;
        Ok(())
    }

    pub(super) const fn note_failure(&mut self) {
        self.failures += 1;
    }

    pub(super) const fn note_digest(&mut self) {
        self.digests += 1;
    }
}
