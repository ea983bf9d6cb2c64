//! Which level applies to which recipient domain.

use std::fmt;

use crate::smtp::{Domain, Host};

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
    /// `addresses=rfc7672`: at `dane-only`, an insecure address is used if the host name is a secure alias with TLSA records (rfc H3).
    pub is_alias_enough: bool,
}

impl Policy {
    /// A line that says nothing but the level.
    pub const fn new(pattern: Pattern, level: Level) -> Self {
        Self {
            pattern,
            level,
            port: None,
            is_alias_enough: false,
        }
    }
}

/// All `policy` lines in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies(pub Vec<Policy>);

/// What one destination gets, with the defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What must be proven.
    pub level: Level,
    /// Port of its MX hosts, where a line names one.
    pub port: Option<u16>,
    /// Whether a secure alias is enough at `dane-only`.
    pub is_alias_enough: bool,
}

impl Policies {
    /// The most specific line for a domain; of equal ones the last. `None` means `dane-only` and the common port.
    pub fn find(&self, domain: &Domain) -> Option<&Policy> {
        self.most_specific(|pattern| pattern.specificity(domain))
    }

    /// The rule for a destination; only `*` speaks about address literals.
    pub fn rule(&self, host: &Host) -> Rule {
        let policy = match host {
            Host::Domain(domain) => self.find(domain),
            Host::Literal(_) => {
                self.most_specific(|pattern| (*pattern == Pattern::Any).then_some(0))
            }
        };
        Rule {
            level: policy.map_or(Level::DaneOnly, |policy| policy.level),
            port: policy.and_then(|policy| policy.port),
            is_alias_enough: policy.is_some_and(|policy| policy.is_alias_enough),
        }
    }

    fn most_specific(&self, rank: impl Fn(&Pattern) -> Option<usize>) -> Option<&Policy> {
        let ranked = self
            .0
            .iter()
            .filter_map(|policy| Some((rank(&policy.pattern)?, policy)));
        // Of equal maxima `max_by_key` takes the last one, as the configuration promises.
        let best = ranked.max_by_key(|(rank, _)| *rank);
        best.map(|(_, policy)| policy)
    }
}

impl Pattern {
    /// How specific this pattern is about the domain; `None` where it does not match.
    fn specificity(&self, domain: &Domain) -> Option<usize> {
        match self {
            Self::Any => Some(0),
            Self::Below(suffix) => {
                (domain != suffix && domain.is_at_or_below(suffix)).then(|| suffix.as_str().len())
            }
            Self::Exactly(exact) => (domain == exact).then_some(usize::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domain(text: &str) -> Domain {
        Domain::parse(text).expect("a domain")
    }

    fn line(pattern: &str, port: u16) -> Policy {
        let pattern = match pattern.strip_prefix('.') {
            Some(suffix) => Pattern::Below(domain(suffix)),
            None if pattern == "*" => Pattern::Any,
            None => Pattern::Exactly(domain(pattern)),
        };
        Policy {
            port: Some(port),
            ..Policy::new(pattern, Level::None)
        }
    }

    #[test]
    fn the_most_specific_line_wins_and_of_equal_ones_the_last() {
        let policies = Policies(vec![
            line("example.org", 1),
            line(".b.example.org", 2),
            line(".example.org", 3),
            line("x.a.example.org", 4),
            line("*", 5),
            line("*", 6),
            line(".example.org", 7),
        ]);
        for (name, port) in [
            ("example.org", 1),
            ("c.b.example.org", 2),
            ("b.example.org", 7),
            ("a.example.org", 7),
            ("x.a.example.org", 4),
            ("badexample.org", 6),
            ("net", 6),
        ] {
            let found = policies.find(&domain(name)).and_then(|policy| policy.port);
            assert_eq!(found, Some(port), "{name}");
        }
    }

    #[test]
    fn without_a_line_everything_must_be_proven() {
        let none = Policies::default();
        assert_eq!(none.find(&domain("example.org")), None);
        let literal = Host::Literal([127, 0, 0, 1].into());
        let strict = Rule {
            level: Level::DaneOnly,
            port: None,
            is_alias_enough: false,
        };
        assert_eq!(none.rule(&literal), strict);
        let some = Policies(vec![line("example.org", 1), line("*", 2)]);
        assert_eq!(some.rule(&literal).port, Some(2));
    }

    #[test]
    fn level_names_round_trip() {
        for level in Level::ALL {
            assert_eq!(Level::parse(level.name()), Some(level));
        }
        assert_eq!(Level::parse("mta-sts"), None);
    }
}
