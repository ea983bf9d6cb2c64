//! A set of CAs to be believed, and whether a chain leads to one of them: the Web's way, for destinations without DANE.

use std::fmt;

use openssl::x509::X509;

use super::{Chain, Distrust, Presented};
use crate::smtp::Domain;
use crate::time::Timestamp;

/// CAs to be believed. They are read from PEM; where that comes from is the caller's business.
#[derive(Clone, PartialEq, Eq)]
pub struct Roots(Vec<X509>);

/// Why there are no roots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootsError(String);

impl Roots {
    /// Reads certificates in PEM, one after another.
    ///
    /// # Errors
    /// [`RootsError`] if one of them cannot be read or there is none.
    pub fn from_pem(pem: &[u8]) -> Result<Self, RootsError> {
        match X509::stack_from_pem(pem) {
            Ok(roots) if roots.is_empty() => Err(RootsError("there is no certificate".to_owned())),
            Ok(roots) => Ok(Self(roots)),
            Err(error) => Err(RootsError(format!("a certificate cannot be read: {error}"))),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Debug for Roots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Roots({})", self.count())
    }
}

impl fmt::Display for RootsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RootsError {}

/// Whether a presented chain leads to one of the roots and is for one of the references, as of `now`; the name that matched.
///
/// # Errors
/// [`Distrust`]: the rule that is broken.
pub fn verify_pkix<'a>(
    roots: &Roots,
    chain: &Chain,
    references: &'a [Domain],
    now: Timestamp,
) -> Result<&'a Domain, Distrust> {
    let presented = Presented::read(chain)?;
    presented.path_to(&roots.0, now)?;
    presented.name_among(references)
}
