//! The levels: what a host must prove before it gets mail.

use std::fmt;

/// What a host must prove before it gets mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Every DNS answer DNSSEC-secure and the certificate DANE-verified, or no mail.
    DaneOnly,
    /// DANE where DNSSEC says that a host has it, encryption everywhere else (RFC 7672, but never below encryption).
    Dane,
    /// A certificate of a public CA that bears the right name.
    Secure,
    /// A certificate or key whose digest the configuration names.
    Fingerprint,
    /// Encryption; to whom is not proven.
    Encrypt,
    /// Nothing; loopback destinations only.
    None,
}

impl Level {
    /// All of them, the strictest first.
    pub const ALL: [Self; 6] = [
        Self::DaneOnly,
        Self::Dane,
        Self::Secure,
        Self::Fingerprint,
        Self::Encrypt,
        Self::None,
    ];

    /// The word of the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DaneOnly => "dane-only",
            Self::Dane => "dane",
            Self::Secure => "secure",
            Self::Fingerprint => "fingerprint",
            Self::Encrypt => "encrypt",
            Self::None => "none",
        }
    }

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }

    /// Whether TLSA records are looked up and obeyed.
    pub const fn uses_dane(self) -> bool {
        matches!(self, Self::DaneOnly | Self::Dane)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.name()), Some(level));
        }
        assert_eq!(Level::parse("mta-sts"), None);
    }
}
