//! Which domains a line of the configuration is about.

use std::fmt;

use crate::smtp::{Domain, Host};

/// The first word behind `policy` and `route`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pattern {
    /// `*`: every destination; the only pattern that is also about address literals.
    Any,
    /// `.example.org`: what lies below it.
    Below(Domain),
    /// `example.org`: itself.
    Exactly(Domain),
}

/// How specific a pattern is about a destination; a greater one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Specificity(usize);

impl Pattern {
    /// How specific this pattern is about a destination; `None` where it does not match.
    pub fn specificity(&self, destination: &Host) -> Option<Specificity> {
        let octets = match (self, destination) {
            (Self::Any, _) => Some(0),
            (Self::Below(suffix), Host::Domain(domain)) => {
                (domain != suffix && domain.is_at_or_below(suffix)).then(|| suffix.as_str().len())
            }
            (Self::Exactly(exact), Host::Domain(domain)) => (domain == exact).then_some(usize::MAX),
            (Self::Below(_) | Self::Exactly(_), Host::Literal(_)) => None,
        };
        octets.map(Specificity)
    }
}

/// The most specific of these lines about a destination, and how specific it is; of equal ones the last.
pub fn most_specific<'a, T>(
    lines: &'a [T],
    pattern_of: impl Fn(&T) -> &Pattern,
    destination: &Host,
) -> Option<(Specificity, &'a T)> {
    let ranked = lines
        .iter()
        .filter_map(|line| Some((pattern_of(line).specificity(destination)?, line)));
    // Of equal maxima `max_by_key` takes the last one, as the configuration promises.
    ranked.max_by_key(|(specificity, _)| *specificity)
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(suffix) => write!(f, ".{suffix}"),
            Self::Exactly(domain) => write!(f, "{domain}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::fakes::domain;

    #[test]
    fn the_most_specific_line_wins_and_of_equal_ones_the_last() {
        let below = |suffix| Pattern::Below(domain(suffix));
        let exactly = |name| Pattern::Exactly(domain(name));
        let lines = [
            (exactly("example.org"), 1),
            (below("b.example.org"), 2),
            (below("example.org"), 3),
            (exactly("x.a.example.org"), 4),
            (Pattern::Any, 5),
            (Pattern::Any, 6),
            (below("example.org"), 7),
        ];
        for (name, expected) in [
            ("example.org", 1),
            ("c.b.example.org", 2),
            ("b.example.org", 7),
            ("a.example.org", 7),
            ("x.a.example.org", 4),
            ("badexample.org", 6),
            ("net", 6),
            ("[127.0.0.1]", 6),
        ] {
            let destination = Host::parse(name).expect("a destination");
            let found = most_specific(&lines, |line| &line.0, &destination);
            assert_eq!(found.map(|(_, line)| line.1), Some(expected), "{name}");
        }
        assert_eq!(exactly("a.test").to_string(), "a.test");
        assert_eq!(below("a.test").to_string(), ".a.test");
    }
}
