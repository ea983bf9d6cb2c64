//! Which level applies to which recipient domain.

use std::fmt;

use crate::smtp::{Domain, Host};

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

/// What one destination gets, with the defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What must be proven.
    pub level: Level,
    /// Port of its MX hosts, where a line names one.
    pub port: Option<u16>,
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
            pattern,
            level: Level::None,
            port: Some(port),
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
        };
        assert_eq!(none.rule(&literal), strict);
        let some = Policies(vec![line("example.org", 1), line("*", 2)]);
        assert_eq!(some.rule(&literal).port, Some(2));
    }

    #[test]
    fn level_names_round_trip() {
        for level in [Level::DaneOnly, Level::None] {
            assert_eq!(Level::parse(level.name()), Some(level));
        }
        assert_eq!(Level::parse("dane"), None);
    }
}
