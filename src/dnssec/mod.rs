//! DNSSEC: what is proven about data. RRsets, signatures and keys from the trust anchors down; every step asks for octets and never fetches any.
//!
//! From the question down: [`chain`] asks for what it lacks, follows zone cuts and aliases, and ends with a status → [`anchor`], [`keys`]
//! (which keys are a zone's) → [`signature`] over an [`rrset`], by an [`algorithm`] → [`denial`] (what is proven not to be there). [`limits`]
//! bounds the work of all of them, and [`why`] names what failed. Beside them [`aggressive`] answers from earlier denials, so that less is asked for,
//! and [`tracking`] follows the root when it changes its keys.
#![forbid(unsafe_code)]

pub mod aggressive;
pub mod algorithm;
pub mod anchor;
pub mod chain;
pub mod denial;
pub mod keys;
pub mod limits;
mod nsec;
mod nsec3;
pub mod rrset;
pub mod signature;
pub mod status;
pub mod tracking;
pub mod why;

pub use aggressive::Denials;
pub use algorithm::{Algorithms, PublicKey};
pub use anchor::TrustAnchors;
pub use chain::{Known, Progress, Reply, Validation};
pub use denial::Denial;
pub use keys::{EntryPoints, ZoneKeys};
pub use limits::{Budget, Limit};
pub use rrset::{Rrset, group};
pub use signature::Proof;
pub use status::Security;
pub use tracking::Tracking;
pub use why::{Consequence, KeyId, RrsetId, Why};

#[cfg(test)]
#[path = "rfc_chains_tests.rs"]
mod rfc_chains;
#[cfg(test)]
mod rfc_tests;
#[cfg(test)]
mod signer_tests;
