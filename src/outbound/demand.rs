//! What a connection must prove before it may carry mail, and what it did prove.
//!
//! next: `src/outbound/session.rs`

use crate::dane::{self, Match, Mismatch, Plan};
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
    },
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
    /// Nothing but that it is encrypted: to whom is unknown.
    Encryption,
    /// The other side is this machine.
    Loopback,
}

impl Demand {
    /// What a certificate chain (exact DER, leaf first) presented over TLS proves of this `now`.
    ///
    /// # Errors
    /// [`Mismatch`]: what is demanded is not proven.
    pub fn check(&self, chain: &[Vec<u8>], now: Timestamp) -> Result<Proof, Mismatch> {
        match self {
            Self::Dane { plan, references } => {
                dane::verify(plan, chain, references, now).map(Proof::Dane)
            }
            // Where clear text is enough, encryption is too.
            Self::Encryption | Self::Cleartext => Ok(Proof::Encryption),
        }
    }
}

impl Proof {
    /// The TLSA record that matched.
    pub const fn matched(&self) -> Option<&Match> {
        match self {
            Self::Dane(matched) => Some(matched),
            Self::Encryption | Self::Loopback => None,
        }
    }
}
