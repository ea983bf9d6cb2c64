//! One scenario of RFC 7672: a domain, and how mail for it ends at each level.

use std::fmt;

use crate::stage::Host;

/// Where DNSSEC is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By the lab's resolver, whose AD bit is believed.
    Ad,
    /// By Unbound, whose AD bit is believed: it takes nothing but signatures from the lab's resolver.
    Unbound,
    /// By the gateway.
    Validate,
}

/// What must be proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    DaneOnly,
    Dane,
}

impl Level {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::DaneOnly => "dane-only",
            Self::Dane => "dane",
        }
    }
}

/// What is known of the server that got the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// The domain designated it, and its certificate matches.
    Verified,
    /// Its certificate matches, but that the domain designated it is not proven.
    Trusted,
    /// The line is encrypted.
    Encrypted,
    /// It is on this machine.
    Loopback,
}

/// What becomes of mail for a domain.
#[derive(Clone)]
pub(crate) struct Ending {
    pub(crate) verdict: &'static str,
    pub(crate) code: &'static str,
    pub(crate) reason: &'static str,
    /// Who gets the mail, or refuses it, and what was known of him.
    pub(crate) to: Option<(Host, Proof)>,
    /// Another host that `check` finds to be the right one, and greets.
    pub(crate) visited: Option<Host>,
    /// Words in the log about a host.
    pub(crate) remarks: Vec<(String, &'static str)>,
}

impl Ending {
    /// Delivered, and to a server that is proven to be the right one.
    pub(crate) fn verified(to: &Host) -> Self {
        Self::delivered(to, Proof::Verified)
    }

    /// Delivered to the server that an unproven MX record names, which is proven to be that one.
    pub(crate) fn trusted(to: &Host) -> Self {
        Self::delivered(to, Proof::Trusted).saying(to.name(), "mx-insecure")
    }

    /// Delivered over TLS to whoever answered.
    pub(crate) fn encrypted(to: &Host) -> Self {
        Self::delivered(to, Proof::Encrypted)
    }

    /// Delivered in clear text within this machine.
    pub(crate) fn in_clear(to: &Host) -> Self {
        Self::delivered(to, Proof::Loopback)
    }

    fn delivered(to: &Host, proof: Proof) -> Self {
        Self {
            to: Some((to.clone(), proof)),
            ..Self::new("deliver", "2.0.0", "ok")
        }
    }

    /// Waits in the queue.
    pub(crate) const fn waits(code: &'static str, reason: &'static str) -> Self {
        Self::new("defer", code, reason)
    }

    /// Fails for good, and no server hears of it.
    pub(crate) const fn bounces(code: &'static str, reason: &'static str) -> Self {
        Self::new("reject", code, reason)
    }

    /// Fails for good because this verified server says so.
    pub(crate) fn refused(by: &Host, code: &'static str) -> Self {
        Self {
            to: Some((by.clone(), Proof::Verified)),
            ..Self::new("reject", code, "remote")
        }
    }

    /// Waits in the queue because this verified server says so.
    pub(crate) fn postponed(by: &Host, code: &'static str) -> Self {
        Self {
            to: Some((by.clone(), Proof::Verified)),
            ..Self::new("defer", code, "remote")
        }
    }

    const fn new(verdict: &'static str, code: &'static str, reason: &'static str) -> Self {
        Self {
            verdict,
            code,
            reason,
            to: None,
            visited: None,
            remarks: Vec::new(),
        }
    }

    /// And `check`, which does not stop at a success, verifies this host too.
    pub(crate) fn visiting(mut self, host: &Host) -> Self {
        self.visited = Some(host.clone());
        self
    }

    /// And the log says this of that host.
    pub(crate) fn saying(mut self, host: &str, word: &'static str) -> Self {
        self.remarks.push((host.to_owned(), word));
        self
    }

    /// What `gateway check`, which sends no mail, foretells.
    pub(crate) fn foretold(&self) -> Self {
        match &self.to {
            Some((to, proof)) => Self {
                visited: self.visited.clone(),
                ..Self::delivered(to, *proof)
            },
            None => self.clone(),
        }
    }

    pub(crate) fn is_delivery(&self) -> bool {
        self.verdict == "deliver"
    }

    /// Whether a server was connected to: every cause after that is one of these.
    pub(crate) fn is_met(&self) -> bool {
        const MET: [&str; 14] = [
            "ok",
            "remote",
            "banner",
            "ehlo-rejected",
            "no-certificate",
            "sni-rejected",
            "starttls-injection",
            "starttls-not-supported",
            "starttls-refused",
            "tls-handshake",
            "tls-version",
            "validation-failure",
            "weak-key",
            "loop-banner",
        ];
        let is_of_chain = self.reason.starts_with("certificate-") || self.reason.starts_with("ta-");
        is_of_chain || MET.contains(&self.reason)
    }
}

/// The same at both levels.
impl From<Ending> for [Ending; 2] {
    fn from(ending: Ending) -> Self {
        [ending.clone(), ending]
    }
}

/// A row of the table.
pub(crate) struct Scenario {
    /// Its number in the table of scenarios, `T01`, and what is special here.
    pub(crate) name: &'static str,
    pub(crate) domain: String,
    /// At `dane-only` and at `dane`.
    endings: [Ending; 2],
    /// Its own.
    pub(crate) hosts: Vec<Host>,
    left_out: Option<&'static str>,
    mode: Option<(Mode, &'static str)>,
    not_mode: Option<(Mode, &'static str)>,
    level: Option<(Level, &'static str)>,
    /// The level of the domain, whatever that of all others is, and what else its `policy` line says.
    policy: Option<&'static str>,
    /// Hosts whose TLSA records nobody asks for.
    pub(crate) unasked: Vec<String>,
}

impl Scenario {
    pub(crate) fn new(
        name: &'static str,
        domain: &str,
        endings: [Ending; 2],
        hosts: Vec<Host>,
    ) -> Self {
        Self {
            name,
            domain: domain.to_owned(),
            endings,
            hosts,
            left_out: None,
            mode: None,
            not_mode: None,
            level: None,
            policy: None,
            unasked: Vec::new(),
        }
    }

    /// It cannot be had here, because…
    pub(crate) const fn left_out(&mut self, because: &'static str) -> &mut Self {
        self.left_out = Some(because);
        self
    }

    /// It means something in this mode only, because…
    pub(crate) const fn only_in(&mut self, mode: Mode, because: &'static str) -> &mut Self {
        self.mode = Some((mode, because));
        self
    }

    /// It comes out otherwise in this mode, because…
    pub(crate) const fn not_in(&mut self, mode: Mode, because: &'static str) -> &mut Self {
        self.not_mode = Some((mode, because));
        self
    }

    /// It means something at this level only, because…
    pub(crate) const fn only_at(&mut self, level: Level, because: &'static str) -> &mut Self {
        self.level = Some((level, because));
        self
    }

    /// The configuration has this `policy` for the domain.
    pub(crate) const fn with_policy(&mut self, policy: &'static str) -> &mut Self {
        self.policy = Some(policy);
        self
    }

    /// The TLSA records of this host are never asked for.
    pub(crate) fn without_asking(&mut self, host: &str) -> &mut Self {
        self.unasked.push(host.to_owned());
        self
    }

    pub(crate) fn ending(&self, level: Level) -> &Ending {
        let [strict, dane] = &self.endings;
        match level {
            Level::DaneOnly => strict,
            Level::Dane => dane,
        }
    }

    /// Why it is left out here.
    pub(crate) fn is_skipped(&self, mode: Mode, level: Level) -> Option<&'static str> {
        let other_mode = self.mode.filter(|(only, _)| *only != mode);
        let this_mode = self.not_mode.filter(|(not, _)| *not == mode);
        let other_level = self.level.filter(|(only, _)| *only != level);
        let reasons = [
            self.left_out,
            other_mode.map(|(_, because)| because),
            this_mode.map(|(_, because)| because),
            other_level.map(|(_, because)| because),
        ];
        reasons.into_iter().flatten().next()
    }

    /// The first words of the decision as the log and the queue have it.
    pub(crate) fn decision(&self, level: Level) -> String {
        let Ending {
            verdict,
            code,
            reason,
            ..
        } = self.ending(level);
        let domain = self.bare();
        let level = self.level_name(level);
        format!("{level} {verdict} {code} {reason} domain={domain}")
    }

    /// The `policy` line.
    pub(crate) fn policy(&self) -> Option<String> {
        let policy = self.policy?;
        Some(format!("policy {} {policy}", self.domain))
    }

    /// The level of the domain where that of most is this.
    pub(crate) fn level_name(&self, level: Level) -> &'static str {
        let own = self.policy.and_then(|policy| policy.split(' ').next());
        own.unwrap_or(level.name())
    }

    /// The number in the table of scenarios.
    pub(crate) fn number(&self) -> &'static str {
        self.name.split(' ').next().unwrap_or(self.name)
    }

    /// A domain, or an address literal without brackets.
    pub(crate) fn bare(&self) -> &str {
        self.domain.trim_matches(['[', ']'])
    }

    pub(crate) fn recipient(&self) -> String {
        format!("user@{}", self.domain)
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
