//! What applies to which recipient domain: the `policy` and `route` lines of the configuration.

use std::fmt;

use super::pattern::{Pattern, most_specific};
use super::{Exception, Instead, Level};
use crate::certificate::Pin;
use crate::smtp::{Domain, Host};

/// One `policy` line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// For whom.
    pub pattern: Pattern,
    /// What must be proven.
    pub level: Level,
    /// `port=P`: port of the domain's MX hosts instead of `smtp-port`.
    pub port: Option<u16>,
    /// `mx=HOST`: its MX hosts, the preferred first; nobody is asked for others.
    pub hosts: Vec<Domain>,
    /// `addresses=rfc7672`: at `dane-only`, an insecure address is used if the host name is a secure alias with TLSA records (rfc H3).
    pub is_alias_enough: bool,
    /// `pin=`: digests of which the server's certificate or key must have one; at least one at `fingerprint`, none elsewhere.
    pub pins: Vec<Pin>,
    /// Where the line stands.
    pub origin: Origin,
}

/// One `route` line: mail goes to this host, whatever the MX records say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smarthost {
    /// For whom.
    pub pattern: Pattern,
    /// Where to.
    pub host: Domain,
    /// Its port, instead of what else applies to the destination.
    pub port: Option<u16>,
    /// Where the line stands.
    pub origin: Origin,
}

/// Where a line of the configuration stands, for people. Lines that say the same are equal wherever they stand.
#[derive(Clone, Debug, Default)]
pub struct Origin(String);

impl PartialEq for Origin {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Origin {}

/// `/etc/gateway.conf:7`; "the default" for what no file says.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0.as_str() {
            "" => "the default",
            place => place,
        })
    }
}

/// All lines in the order of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policies {
    /// `policy` lines.
    pub lines: Vec<Policy>,
    /// `route` lines.
    pub smarthosts: Vec<Smarthost>,
    /// `exception` lines.
    pub exceptions: Vec<Exception>,
}

/// What one destination gets, with the defaults filled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule<'a> {
    /// What must be proven.
    pub level: Level,
    /// Port of its hosts, where a line names one.
    pub port: Option<u16>,
    /// Which hosts take its mail.
    pub next_hop: NextHop<'a>,
    /// Whether a secure alias is enough at `dane-only`.
    pub is_alias_enough: bool,
    /// The digests of which one is enough at `fingerprint`.
    pub pins: &'a [Pin],
    /// Whether an exception stands in for what the policy demands.
    pub is_exception: bool,
    /// The `policy` line it comes from.
    pub policy: Option<&'a Policy>,
}

/// Where the hosts of a destination are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NextHop<'a> {
    /// In its MX records.
    Mx,
    /// In its `policy` line.
    Listed(&'a [Domain]),
    /// In a `route` line (rfc M20).
    Smarthost(&'a Smarthost),
}

impl Policy {
    /// A line that says nothing but the level.
    pub const fn new(pattern: Pattern, level: Level) -> Self {
        Self {
            pattern,
            level,
            port: None,
            hosts: Vec::new(),
            is_alias_enough: false,
            pins: Vec::new(),
            origin: Origin(String::new()),
        }
    }
}

impl Policies {
    /// The line that was read last stands here, if it is one of these.
    pub fn note_origin(&mut self, place: &dyn fmt::Display) {
        let line = self.lines.last_mut().map(|line| &mut line.origin);
        let smarthost = self.smarthosts.last_mut().map(|line| &mut line.origin);
        let exception = self.exceptions.last_mut().map(|line| &mut line.origin);
        let origins = [line, smarthost, exception].into_iter().flatten();
        for origin in origins.filter(|one| one.0.is_empty()) {
            *origin = Origin(place.to_string());
        }
    }

    /// The rule for a destination: `dane-only` and its MX records unless a line says otherwise. Only `*` is about address literals. Of a `route`
    /// line and a `policy` line with hosts the more specific one names the hosts, and the `route` line if both are equally so.
    pub fn rule(&self, destination: &Host) -> Rule<'_> {
        let policy = most_specific(&self.lines, |line| &line.pattern, destination);
        let smarthost = most_specific(&self.smarthosts, |line| &line.pattern, destination);
        let listed = policy.filter(|(_, policy)| !policy.hosts.is_empty());
        let next_hop = match (smarthost, listed) {
            (Some((smarthosts, _)), Some((lists, policy))) if lists > smarthosts => {
                NextHop::Listed(&policy.hosts)
            }
            (Some((_, smarthost)), _) => NextHop::Smarthost(smarthost),
            (None, Some((_, policy))) => NextHop::Listed(&policy.hosts),
            (None, None) => NextHop::Mx,
        };
        let policy = policy.map(|(_, policy)| policy);
        let own_port = match next_hop {
            NextHop::Smarthost(smarthost) => smarthost.port,
            NextHop::Mx | NextHop::Listed(_) => None,
        };
        Rule {
            level: policy.map_or(Level::DaneOnly, |policy| policy.level),
            port: own_port.or_else(|| policy.and_then(|policy| policy.port)),
            next_hop,
            is_alias_enough: policy.is_some_and(|policy| policy.is_alias_enough),
            pins: policy.map_or(&[], |policy| &policy.pins),
            is_exception: false,
            policy,
        }
    }

    /// Whether CAs are needed.
    pub fn need_roots(&self) -> bool {
        let is_pkix = |exception: &Exception| exception.instead == Instead::Pkix;
        let is_secure = |line: &Policy| line.level == Level::Secure;
        self.lines.iter().any(is_secure) || self.exceptions.iter().any(is_pkix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::fakes::domain;

    fn policy(pattern: Pattern, hosts: &[&str]) -> Policy {
        Policy {
            port: Some(1),
            hosts: hosts.iter().map(|host| domain(host)).collect(),
            ..Policy::new(pattern, Level::Dane)
        }
    }

    fn smarthost(pattern: Pattern, port: Option<u16>) -> Smarthost {
        Smarthost {
            pattern,
            host: domain("smart.test"),
            port,
            origin: Origin::default(),
        }
    }

    #[test]
    fn without_a_line_everything_must_be_proven() {
        let none = Policies::default();
        for destination in ["example.org", "[127.0.0.1]"] {
            let rule = none.rule(&Host::parse(destination).expect("a destination"));
            assert_eq!((rule.level, rule.port), (Level::DaneOnly, None));
            assert_eq!(rule.next_hop, NextHop::Mx);
        }
    }

    #[test]
    fn the_more_specific_line_names_the_hosts() {
        let exactly = || Pattern::Exactly(domain("a.test"));
        let (any, below) = (|| Pattern::Any, || Pattern::Below(domain("test")));
        for (policy_for, hosts, smarthost_for, port, expected) in [
            (any(), &[][..], exactly(), None, "smart.test:1"),
            (any(), &[], below(), Some(2), "smart.test:2"),
            (exactly(), &["mx.test"], any(), Some(2), "mx.test:1"),
            (exactly(), &["mx.test"], exactly(), Some(2), "smart.test:2"),
            (any(), &["mx.test"], exactly(), None, "smart.test:1"),
            (exactly(), &[], any(), Some(2), "smart.test:2"),
        ] {
            let policies = Policies {
                lines: vec![policy(policy_for, hosts)],
                smarthosts: vec![smarthost(smarthost_for, port)],
                exceptions: Vec::new(),
            };
            let rule = policies.rule(&Host::Domain(domain("a.test")));
            let host = match rule.next_hop {
                NextHop::Mx => "mx",
                NextHop::Listed(hosts) => hosts[0].as_str(),
                NextHop::Smarthost(smarthost) => smarthost.host.as_str(),
            };
            assert_eq!(format!("{host}:{}", rule.port.unwrap_or(25)), expected);
            assert_eq!(rule.level, Level::Dane);
        }
    }
}
