//! What a presented certificate chain is worth: names, dates, the path to a trust anchor, pins (RFC 5280, RFC 6125).
//!
//! A [`Chain`] is what a server presented, exact DER, its own certificate first. The others are material for a path, in whatever order and
//! with whatever else among them; one that cannot be read is left out.
//!
//! - [`Presented`] is a chain that was read; it looks for a path to one trust anchor and for a name.
//! - [`verify_pkix`] does both with a set of [`Roots`], as browsers do.
//! - [`Pin`] is the digest of a certificate or of its key, compared without regard to anything else.
//! - [`public_key_of`] and [`is_public_key`] cut keys out as they were sent.
//!
//! OpenSSL checks the path: signatures, issuers, dates, basic constraints, path length, name constraints, key usage, and that nothing in it
//! is weaker than 112 bits (RSA of 2048 bits, SHA-2). It is given the time and the anchors, and has no store of its own.
//!
//! Limitations: OpenSSL follows one candidate for each issuer, so that of two CAs of the same name and key only one may be seen. There is no
//! revocation: nothing is fetched, and stapled answers are not looked at (rfc C14).
#![forbid(unsafe_code)]

mod chain;
mod der;
mod distrust;
mod limits;
mod names;
mod path;
mod pin;
mod roots;

pub use chain::Chain;
pub use der::{is_authority, is_public_key, key_kind, public_key_of};
pub use distrust::Distrust;
pub use names::subject_of;
pub use path::Presented;
pub use pin::{Pin, matching_pin};
pub use roots::{Roots, RootsError, verify_pkix};

#[cfg(test)]
pub(crate) use der::tests;
