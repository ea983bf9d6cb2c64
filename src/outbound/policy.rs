//! Which level applies to which recipient domain.

use std::fmt;

use crate::smtp::Domain;

/// What a host must prove before it gets mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Every DNS answer DNSSEC-secure and the certificate DANE-verified, or no mail.
    DaneOnly,
    /// Nothing; loopback destinations only.
    None,
}

impl Level {
    /// The word of the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DaneOnly => "dane-only",
            Self::None => "none",
        }
    }

    /// The level of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::DaneOnly, Self::None]
            .into_iter()
            .find(|level| level.name() == name)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which domains a policy is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `*`: every domain.
    Any,
    /// `.example.org`: what lies below it.
    Below(Domain),
    /// `example.org`: itself.
    Exactly(Domain),
}

/// One `policy` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// For whom.
    pub pattern: Pattern,
    /// What must be proven.
    pub level: Level,
    /// `port=P`: port of the domain's MX hosts instead of `smtp-port`.
    pub port: Option<u16>,
}

/// All `policy` lines in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies(pub Vec<Policy>);

impl Policies {
    /// The most specific line for a domain; of equal ones the last. `None` means `dane-only` and the common port.
    pub fn find(&self, _domain: &Domain) -> Option<&Policy> {
        todo!()
    }
}
