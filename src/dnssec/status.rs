//! The security status of data that may be used.

use std::fmt;

/// What is proven about an answer that may be used (RFC 4035 §4.3); bogus and indeterminate data never become an answer, they are lookup errors.
/// Ordered so that the minimum over an alias chain is the status of the whole.
#[must_use = "an answer means nothing without its security status"]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Security {
    /// Not authenticated: proven unsigned, or (AD mode) delivered without the AD bit.
    Insecure,
    /// Authenticated by DNSSEC.
    Secure,
}

impl Security {
    /// Whether the data is authenticated.
    pub const fn is_secure(self) -> bool {
        matches!(self, Self::Secure)
    }
}

impl fmt::Display for Security {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Insecure => "insecure",
            Self::Secure => "secure",
        })
    }
}
