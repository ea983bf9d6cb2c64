//! Why data are not proven: each reason says which record on which server is to be mended, what follows from it, and its code of RFC 8914.

use std::fmt;

use super::algorithm::KeyFault;
use super::limits::{Limit, NSEC3_ITERATIONS_AT_MOST, NSEC3_ITERATIONS_BOGUS};
use crate::dns::{Algorithm, DigestType, EdeCode, Name, RecordType};
use crate::time::Timestamp;

/// Which RRset: "example.org. MX".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RrsetId {
    /// Owner name.
    pub owner: Name,
    /// Type of the records.
    pub rtype: RecordType,
}

impl fmt::Display for RrsetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.owner, self.rtype)
    }
}

/// Which key: "key 20326 (RSASHA256) of .".
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId {
    /// The zone whose key it is.
    pub zone: Name,
    /// Key tag.
    pub tag: u16,
    /// Algorithm.
    pub algorithm: Algorithm,
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} ({}) of {}", self.tag, self.algorithm, self.zone)
    }
}

/// What vouches for a zone's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Voucher {
    /// The DS records in the parent zone.
    Delegation,
    /// The trust anchors configured here.
    TrustAnchor,
}

/// What follows for the data (RFC 4035 §4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consequence {
    /// Proven to be unsigned, or signed in a way that nobody here can check: to be used without trust.
    Insecure,
    /// Forged or broken: not to be used.
    Bogus,
    /// Could not be found out: not to be used, later perhaps.
    Indeterminate,
}

/// A reason for data to be insecure, bogus or indeterminate.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the texts of Display say what each one means")]
pub enum Why {
    RrsigMissing {
        rrset: RrsetId,
        zone: Name,
    },
    SignerNotZone {
        rrset: RrsetId,
        signer: Name,
        zone: Name,
    },
    OutsideZone {
        rrset: RrsetId,
        zone: Name,
    },
    DsOfChild {
        zone: Name,
    },
    LabelCount {
        rrset: RrsetId,
        labels: u8,
        zone: Name,
    },
    DenialExpanded {
        rrset: RrsetId,
        zone: Name,
    },
    KeyMissing {
        rrset: RrsetId,
        key: KeyId,
    },
    Expired {
        rrset: RrsetId,
        key: KeyId,
        expiration: u32,
        now: u32,
    },
    NotYetValid {
        rrset: RrsetId,
        key: KeyId,
        inception: u32,
        now: u32,
    },
    ExpiredBeforeValid {
        rrset: RrsetId,
        key: KeyId,
        inception: u32,
        expiration: u32,
    },
    SignatureWrong {
        rrset: RrsetId,
        key: KeyId,
    },
    DnskeyMissing {
        zone: Name,
    },
    DnskeyUnmatched {
        zone: Name,
        tags: Vec<u16>,
        voucher: Voucher,
    },
    DnskeyNotZoneKey {
        key: KeyId,
    },
    DnskeyRevoked {
        key: KeyId,
    },
    DnskeyBroken {
        key: KeyId,
        fault: KeyFault,
    },
    DenialMissing {
        rrset: RrsetId,
        zone: Name,
    },
    DenialContradicted {
        rrset: RrsetId,
        zone: Name,
    },
    WildcardUnproven {
        rrset: RrsetId,
        zone: Name,
    },
    Nsec3Excessive {
        zone: Name,
        iterations: u16,
    },
    AlgorithmUnsupported {
        zone: Name,
        algorithms: Vec<Algorithm>,
    },
    DigestUnsupported {
        zone: Name,
        digests: Vec<DigestType>,
    },
    KeyUnsupported {
        key: KeyId,
        fault: KeyFault,
    },
    Unsigned {
        zone: Name,
        parent: Name,
    },
    OptOut {
        name: Name,
        zone: Name,
    },
    Nsec3Iterations {
        zone: Name,
        iterations: u16,
    },
    NoAnchor {
        name: Name,
    },
    AnchorUnsupported {
        zone: Name,
    },
    Budget {
        limit: Limit,
        rrset: RrsetId,
    },
    Unanswered {
        rrset: RrsetId,
        reason: String,
    },
}

impl Why {
    /// The limit that work on this RRset has hit.
    pub fn over(limit: Limit, rrset: &RrsetId) -> Self {
        Self::Budget {
            limit,
            rrset: rrset.clone(),
        }
    }

    /// What follows for the data.
    pub const fn consequence(&self) -> Consequence {
        match self {
            Self::RrsigMissing { .. }
            | Self::SignerNotZone { .. }
            | Self::OutsideZone { .. }
            | Self::DsOfChild { .. }
            | Self::LabelCount { .. }
            | Self::DenialExpanded { .. }
            | Self::KeyMissing { .. }
            | Self::Expired { .. }
            | Self::NotYetValid { .. }
            | Self::ExpiredBeforeValid { .. }
            | Self::SignatureWrong { .. }
            | Self::DnskeyMissing { .. }
            | Self::DnskeyUnmatched { .. }
            | Self::DnskeyNotZoneKey { .. }
            | Self::DnskeyRevoked { .. }
            | Self::DnskeyBroken { .. }
            | Self::DenialMissing { .. }
            | Self::DenialContradicted { .. }
            | Self::WildcardUnproven { .. }
            | Self::Nsec3Excessive { .. } => Consequence::Bogus,
            Self::AlgorithmUnsupported { .. }
            | Self::DigestUnsupported { .. }
            | Self::KeyUnsupported { .. }
            | Self::Unsigned { .. }
            | Self::OptOut { .. }
            | Self::Nsec3Iterations { .. } => Consequence::Insecure,
            Self::NoAnchor { .. }
            | Self::AnchorUnsupported { .. }
            | Self::Budget { .. }
            | Self::Unanswered { .. } => Consequence::Indeterminate,
        }
    }

    /// The extended error that names the reason (RFC 8914 §4); [`EdeCode::OTHER`] where none does.
    pub const fn ede(&self) -> EdeCode {
        match self {
            Self::SignerNotZone { .. }
            | Self::OutsideZone { .. }
            | Self::DsOfChild { .. }
            | Self::LabelCount { .. }
            | Self::DenialExpanded { .. }
            | Self::SignatureWrong { .. }
            | Self::DenialContradicted { .. } => EdeCode::BOGUS,
            Self::RrsigMissing { .. } => EdeCode::RRSIGS_MISSING,
            Self::KeyMissing { .. }
            | Self::DnskeyMissing { .. }
            | Self::DnskeyUnmatched { .. }
            | Self::DnskeyRevoked { .. }
            | Self::DnskeyBroken { .. } => EdeCode::DNSKEY_MISSING,
            Self::DnskeyNotZoneKey { .. } => EdeCode::NO_ZONE_KEY,
            Self::Expired { .. } => EdeCode::SIGNATURE_EXPIRED,
            Self::NotYetValid { .. } => EdeCode::SIGNATURE_NOT_YET_VALID,
            Self::ExpiredBeforeValid { .. } => EdeCode::SIGNATURE_EXPIRED_BEFORE_VALID,
            Self::DenialMissing { .. } | Self::WildcardUnproven { .. } => EdeCode::NSEC_MISSING,
            Self::AlgorithmUnsupported { .. } | Self::KeyUnsupported { .. } => {
                EdeCode::UNSUPPORTED_ALGORITHM
            }
            Self::DigestUnsupported { .. } => EdeCode::UNSUPPORTED_DIGEST,
            Self::Nsec3Excessive { .. } | Self::Nsec3Iterations { .. } => {
                EdeCode::UNSUPPORTED_NSEC3_ITERATIONS
            }
            Self::Unsigned { .. } | Self::OptOut { .. } => EdeCode::OTHER,
            Self::NoAnchor { .. } | Self::AnchorUnsupported { .. } | Self::Budget { .. } => {
                EdeCode::INDETERMINATE
            }
            Self::Unanswered { .. } => EdeCode::NO_REACHABLE_AUTHORITY,
        }
    }
}

/// One sentence for the operator: what is wrong, and where it is to be mended.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.consequence() {
            Consequence::Bogus => self.write_bogus(f),
            Consequence::Insecure => self.write_insecure(f),
            Consequence::Indeterminate => self.write_indeterminate(f),
        }
    }
}

impl Why {
    fn write_bogus(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RrsigMissing { rrset, zone } => write!(
                f,
                "{rrset} has no RRSIG record, though zone {zone} is signed; if its servers do send one, the resolver drops it"
            ),
            Self::SignerNotZone {
                rrset,
                signer,
                zone,
            } => write!(
                f,
                "the signer of {rrset} is {signer}, but only zone {zone} may sign it"
            ),
            Self::OutsideZone { rrset, zone } => {
                write!(
                    f,
                    "{rrset} does not lie in zone {zone}, whose keys cannot sign it"
                )
            }
            Self::DsOfChild { zone } => write!(
                f,
                "the DS records of {zone} are signed by {zone} itself; only its parent zone may"
            ),
            Self::LabelCount {
                rrset,
                labels,
                zone,
            } => write!(
                f,
                "the RRSIG record of {rrset} in zone {zone} counts {labels} labels, which cannot be"
            ),
            Self::DenialExpanded { rrset, zone } => write!(
                f,
                "{rrset} in zone {zone} was made from a wildcard, so it proves nothing about other names"
            ),
            Self::DenialMissing { rrset, zone } => write!(
                f,
                "zone {zone} does not prove that {rrset} is absent: NSEC or NSEC3 records are missing"
            ),
            Self::DenialContradicted { rrset, zone } => write!(
                f,
                "{rrset} is said to be absent, but NSEC or NSEC3 records of zone {zone} say that it is there"
            ),
            Self::WildcardUnproven { rrset, zone } => write!(
                f,
                "{rrset} was made from a wildcard, but zone {zone} does not prove that no closer name exists"
            ),
            Self::Nsec3Excessive { zone, iterations } => write!(
                f,
                "zone {zone} has {iterations} NSEC3 iterations; more than {NSEC3_ITERATIONS_BOGUS} are refused"
            ),
            _ => self.write_bogus_signature(f),
        }
    }

    fn write_bogus_signature(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyMissing { rrset, key } => write!(
                f,
                "{rrset} is signed by {key}, which the zone does not have or which cannot be used"
            ),
            Self::Expired {
                rrset,
                key,
                expiration,
                now,
            } => write!(
                f,
                "the signature of {rrset} by {key} expired at {}; it is {} here; the zone must be signed anew",
                date(*expiration),
                date(*now)
            ),
            Self::NotYetValid {
                rrset,
                key,
                inception,
                now,
            } => write!(
                f,
                "the signature of {rrset} by {key} begins at {}; it is {} here; is the clock right?",
                date(*inception),
                date(*now)
            ),
            Self::ExpiredBeforeValid {
                rrset,
                key,
                inception,
                expiration,
            } => write!(
                f,
                "the signature of {rrset} by {key} expired at {}, before it began at {}",
                date(*expiration),
                date(*inception)
            ),
            Self::SignatureWrong { rrset, key } => {
                write!(f, "the signature of {rrset} by {key} is wrong")
            }
            _ => self.write_bogus_dnskey(f),
        }
    }

    fn write_bogus_dnskey(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DnskeyMissing { zone } => write!(
                f,
                "zone {zone} has no DNSKEY records, though it is designated as signed"
            ),
            Self::DnskeyUnmatched {
                zone,
                tags,
                voucher,
            } => write!(
                f,
                "no DNSKEY record of zone {zone} matches {}, which name {}",
                match voucher {
                    Voucher::Delegation => "the DS records in its parent zone",
                    Voucher::TrustAnchor => "the trust anchors configured here",
                },
                Tags(tags)
            ),
            Self::DnskeyNotZoneKey { key } => {
                write!(
                    f,
                    "{key} lacks the zone flag or has a protocol other than 3"
                )
            }
            Self::DnskeyRevoked { key } => write!(f, "{key} is revoked"),
            Self::DnskeyBroken { key, fault } => write!(f, "{key} {fault}"),
            _ => Ok(()),
        }
    }

    fn write_insecure(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlgorithmUnsupported { zone, algorithms } => write!(
                f,
                "the DS records of zone {zone} name only algorithms that are not supported here: {}",
                Listed(algorithms)
            ),
            Self::DigestUnsupported { zone, digests } => write!(
                f,
                "the DS records of zone {zone} have only digest types that are not supported here: {}",
                Listed(digests)
            ),
            Self::KeyUnsupported { key, fault } => {
                write!(f, "{key} {fault}, and the DS records name no other")
            }
            Self::Unsigned { zone, parent } => write!(
                f,
                "zone {zone} is not signed: {parent} proves that it has no DS record"
            ),
            Self::OptOut { name, zone } => write!(
                f,
                "zone {zone} leaves {name} out of its proofs (NSEC3 opt-out)"
            ),
            Self::Nsec3Iterations { zone, iterations } => write!(
                f,
                "zone {zone} has {iterations} NSEC3 iterations; more than {NSEC3_ITERATIONS_AT_MOST} are not computed"
            ),
            _ => Ok(()),
        }
    }

    fn write_indeterminate(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnchor { name } => write!(f, "no trust anchor is at or above {name}"),
            Self::AnchorUnsupported { zone } => write!(
                f,
                "the trust anchors of {zone} have only algorithms or digest types that are not supported here"
            ),
            Self::Budget { limit, rrset } => {
                write!(f, "validating {rrset} takes more than {limit}")
            }
            Self::Unanswered { rrset, reason } => write!(f, "{rrset} was not answered: {reason}"),
            _ => Ok(()),
        }
    }
}

/// A time of an RRSIG record in words. They are 32 bits wide; until 2106 no more are needed.
pub fn date(seconds: u32) -> String {
    let c = Timestamp::from_unix(seconds.into()).civil();
    let (year, month, day) = (c.year, c.month, c.day);
    let (hour, minute, second) = (c.hour, c.minute, c.second);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

/// Key tags: "key 1", "keys 1, 2".
struct Tags<'a>(&'a [u16]);

impl fmt::Display for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let noun = if self.0.len() == 1 { "key" } else { "keys" };
        write!(f, "{noun} {}", Listed(self.0))
    }
}

/// Things with commas between them.
struct Listed<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Listed<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, thing) in self.0.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            write!(f, "{comma}{thing}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "why_tests.rs"]
mod tests;
