//! What a connection must prove before it may carry mail, and what it did prove.
//!
//! next: `src/outbound/session.rs`

use std::sync::Arc;

use super::Reason;
use super::base::shortened;
use crate::certificate::{self, Chain, Pin, Roots};
use crate::dane::{self, Match, Plan};
use crate::dns::Tlsa;
use crate::smtp::Domain;
use crate::time::Timestamp;

/// What must be proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// TLS with a certificate that matches the TLSA records (rfc AUTH).
    Dane {
        /// The records that count; at least one is usable.
        plan: Plan,
        /// The names of which a certificate that usage 2 vouches for must bear one (RFC 7672 §3.2.2, rfc B1).
        references: Vec<Domain>,
        /// The record that matched when the host was verified last. It only explains a mismatch.
        former: Option<Tlsa>,
    },
    /// TLS with a certificate of one of these CAs that bears one of these names (rfc C15).
    Pkix {
        /// The CAs.
        roots: Arc<Roots>,
        /// The names.
        names: Vec<Domain>,
    },
    /// TLS with a certificate or key that has one of these digests (rfc C15).
    Pins(Vec<Pin>),
    /// TLS with whoever answers (rfc ENC).
    Encryption,
    /// Nothing, to loopback only (level `none`).
    Cleartext,
}

/// What was proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The certificate matched a TLSA record.
    Dane(Match),
    /// A CA vouches for the certificate, which bears this name.
    Pkix(Domain),
    /// The certificate or its key has this digest.
    Pin(Pin),
    /// Nothing but that it is encrypted: to whom is unknown.
    Encryption,
    /// The other side is this machine.
    Loopback,
}

/// Why what is demanded is not proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which row of the tables.
    pub reason: Reason,
    /// What was presented, and what is wrong with it.
    pub text: String,
}

impl Demand {
    /// Whether both demand the same. The order of TLSA records in the DNS means nothing, and neither do records that do not count.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Dane {
                    plan,
                    references,
                    former: _,
                },
                Self::Dane {
                    plan: other,
                    references: others,
                    former: _,
                },
            ) => plan.is_same_set(other) && references == others,
            (one, other) => one == other,
        }
    }

    /// What a certificate chain presented over TLS proves of this `now`.
    ///
    /// # Errors
    /// [`Refusal`]: what is demanded is not proven.
    pub fn check(&self, chain: &Chain, now: Timestamp) -> Result<Proof, Refusal> {
        match self {
            Self::Dane {
                plan,
                references,
                former,
            } => dane::verify(plan, chain, references, now)
                .map(Proof::Dane)
                .map_err(|mismatch| Refusal {
                    reason: Reason::from(&mismatch),
                    text: match former {
                        Some(former) => explain_change(&mismatch.to_string(), former, chain),
                        None => mismatch.to_string(),
                    },
                }),
            Self::Pkix { roots, names } => certificate::verify_pkix(roots, chain, names, now)
                .map(|name| Proof::Pkix(name.clone()))
                .map_err(|distrust| Refusal {
                    reason: Reason::from(&distrust),
                    text: distrust.to_string(),
                }),
            Self::Pins(pins) => match certificate::matching_pin(chain, pins) {
                Some(pin) => Ok(Proof::Pin(*pin)),
                None => Err(no_pin(chain)),
            },
            // Where clear text is enough, encryption is too.
            Self::Encryption | Self::Cleartext => Ok(Proof::Encryption),
        }
    }
}

/// B11: what is presented may be what was right before, or something new like the records.
fn explain_change(mismatch: &str, former: &Tlsa, chain: &Chain) -> String {
    let plan = dane::plan(std::slice::from_ref(former));
    let presents_former = chain.octets().first().is_some_and(|leaf| {
        let presented = dane::records_of(leaf);
        plan.usable.iter().any(|record| presented.contains(record))
    });
    let former = shortened(former);
    match presents_former {
        true => format!(
            "{mismatch}; the server still presents what the former record {former} names, so the record was changed and the server was not (dane-changed)"
        ),
        false => format!(
            "{mismatch}; nor does the former record {former} match: the server presents something new (dane-changed)"
        ),
    }
}

fn no_pin(chain: &Chain) -> Refusal {
    let Some(leaf) = chain.octets().first() else {
        return Refusal {
            reason: Reason::NoCertificate,
            text: "the server presented no certificate".to_owned(),
        };
    };
    let presented: Vec<String> = Pin::all_of(leaf).iter().map(Pin::to_string).collect();
    Refusal {
        reason: Reason::ValidationFailure,
        text: format!(
            "the server's certificate has none of the pins; key and certificate are {}: if this is the right server, pin one of these",
            presented.join(" and ")
        ),
    }
}

impl Proof {
    /// The TLSA record that matched.
    pub const fn matched(&self) -> Option<&Match> {
        match self {
            Self::Dane(matched) => Some(matched),
            Self::Pkix(_) | Self::Pin(_) | Self::Encryption | Self::Loopback => None,
        }
    }

    /// The name the certificate had to be for, where names counted.
    pub const fn reference(&self) -> Option<&Domain> {
        match self {
            Self::Dane(matched) => matched.reference(),
            Self::Pkix(name) => Some(name),
            Self::Pin(_) | Self::Encryption | Self::Loopback => None,
        }
    }
}
