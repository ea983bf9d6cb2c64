//! The resolver that deliveries use: what is known already, what is asked, and aliases that lead from one reply to the next.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::anchors::{Follower, StateFault};
use super::cache::{Cache, Outcome};
use super::dot::Connecting;
use super::endpoint::{Endpoint, Proof};
use super::flights::Flights;
use super::observe::Observer;
use super::pcap::Pcap;
use super::servers::Servers;
use super::trust::AdTrust;
use super::upstream::{Failure, Finding, Upstream};
use super::validate::Explanation;
use super::validator::{Present, Validator};
use super::zones::Shown;
use super::{
    ALIASES_AT_MOST, Alias, Answer, Content, LookupErrorKind, Resolve, Settings, ValidationSettings,
};
use crate::dns::{EdeCode, Name, RecordType};
use crate::dnssec::{RrsetId, Security};
use crate::log;
use crate::time::Deadline;

/// Asks the configured servers; shared by all threads.
pub struct Resolver {
    pub(super) upstream: Upstream,
    cache: Mutex<Cache>,
    flights: Flights,
    /// What signatures are checked against, where any are.
    pub(super) present: Arc<Present>,
    /// `None` where the trust anchors are to stay as they are.
    pub(super) follower: Option<Follower>,
}

/// Why there is no resolver: one line that says what to change.
#[derive(Debug)]
pub enum SetupError {
    /// With `dnssec ad`, this server is not on loopback nor asked over TLS, and nobody vouched for it.
    NotTrusted(Endpoint),
    /// There is no server at all.
    NoServers,
    /// The file with the state of the trust anchors is of no use.
    Anchors(StateFault),
    /// The packet file cannot be written.
    Pcap(PathBuf, io::Error),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotTrusted(server) => write!(
                f,
                "resolver {server} is not on loopback, so anybody on the way can set its AD bit (resolver-not-validating): \
                 use a validating resolver on this machine or one over TLS (tls://ADDR#NAME), or say 'dnssec ad ad-trusted' if the link is safe"
            ),
            Self::NoServers => {
                f.write_str("no resolver is configured: add the directive 'resolver ADDRESS'")
            }
            Self::Anchors(fault) => fault.fmt(f),
            Self::Pcap(path, error) => {
                write!(f, "cannot write packets to {}: {error}", path.display())
            }
        }
    }
}

impl std::error::Error for SetupError {}

impl Settings {
    /// Whether lookups can succeed with these settings; asked before anything starts, so that a wrong configuration is refused at once.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn check(&self) -> Result<(), SetupError> {
        if self.servers.is_empty() {
            return Err(SetupError::NoServers);
        }
        let trust = AdTrust::of(self.dnssec);
        let is_refused = |server: &&Endpoint| trust.is_some_and(|trust| !trust.admits(server));
        if let Some(server) = self.servers.iter().find(is_refused) {
            return Err(SetupError::NotTrusted(server.clone()));
        }
        self.follower().map(drop)
    }
}

impl Settings {
    /// Whether any signature is checked here: all, or those of the records that resolvers prove themselves by.
    fn checks_signatures(&self) -> bool {
        let mut proofs = self.servers.iter().map(|server| server.proof.as_deref());
        let is_dane = |proof: Option<&Proof>| matches!(proof, Some(Proof::Dane(_)));
        AdTrust::of(self.dnssec).is_none() || proofs.any(is_dane)
    }

    /// What follows the trust anchors, if they are to be followed.
    fn follower(&self) -> Result<Option<Follower>, SetupError> {
        let file = self.validation.state.as_ref();
        let file = file.filter(|_| self.checks_signatures());
        let follower = file.map(|file| Follower::open(file)).transpose();
        follower.map_err(SetupError::Anchors)
    }
}

impl Resolver {
    /// A resolver with an empty cache. Servers that are not trusted are no error here ([`Settings::check`] says so at start): they are
    /// never asked, and with no other every lookup fails with [`LookupErrorKind::NotTrusted`].
    ///
    /// # Errors
    /// [`SetupError::Pcap`], [`SetupError::Anchors`].
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        Self::with_observers(settings, Vec::new())
    }

    /// As [`Resolver::new`], and these see every packet.
    ///
    /// # Errors
    /// As [`Resolver::new`].
    pub fn with_observers(
        settings: &Settings,
        mut observers: Vec<Arc<dyn Observer>>,
    ) -> Result<Self, SetupError> {
        let trust = AdTrust::of(settings.dnssec);
        let follower = settings.follower()?;
        let mut validation = settings.validation.clone();
        if let Some(follower) = &follower {
            validation.anchors = follower.anchors();
        }
        if let Some(path) = &settings.pcap {
            let pcap = Pcap::open(path).map_err(|error| SetupError::Pcap(path.clone(), error))?;
            observers.push(Arc::new(pcap));
        }
        let present = Arc::new(Present::new(&validation));
        let how = Connecting {
            roots: settings.roots.clone(),
            proxy: settings.socks5,
            validator: Arc::clone(&present),
        };
        Ok(Self {
            upstream: Upstream {
                trust,
                retry: settings.retry,
                servers: Servers::new(&settings.servers, &how),
                observers,
            },
            cache: Mutex::new(Cache::new()),
            flights: Flights::default(),
            present,
            follower,
        })
    }

    /// Ends the connections to resolvers over TLS that have been idle for longer than these want to wait (RFC 7828 §3.4); a later question makes
    /// another.
    pub fn close_idle(&self) {
        self.upstream.servers.close_idle();
    }

    /// What signatures are checked against at present; `None` where a resolver's AD bit is believed.
    pub(super) fn validator(&self) -> Option<Arc<Validator>> {
        let is_checked_here = self.upstream.trust.is_none();
        is_checked_here.then(|| self.present.get())
    }

    /// Checks signatures against something else from now on, and forgets every answer.
    pub(super) fn begin_anew(&self, validation: &ValidationSettings) {
        self.present.replace(validation);
        *self.cache() = Cache::new();
    }

    /// As [`Resolve::lookup_fresh`], with everything that was found out on the way; `None` where a resolver's AD bit is believed.
    pub fn explain(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> (Outcome, Option<Explanation>) {
        self.ask(name, rtype, Shown::Zones, deadline)
    }

    /// Asks for what is not shown of what is known, and keeps the answer.
    fn ask(
        &self,
        name: &Name,
        rtype: RecordType,
        shown: Shown,
        deadline: Deadline,
    ) -> (Outcome, Option<Explanation>) {
        let validator = self.validator();
        let (result, length, explanation) = match &validator {
            Some(validator) => {
                let question = RrsetId {
                    owner: name.clone(),
                    rtype,
                };
                let found = self.validate(validator, &question, shown, deadline);
                (found.result, found.length, Some(found.explanation))
            }
            None => {
                let mut trail = Trail::start(name);
                let result = self.follow(&mut trail, rtype, deadline);
                (result, trail.length, None)
            }
        };
        let outcome = result.map_err(|failure| failure.about(name, rtype));
        let key = (name.clone(), rtype);
        let mut cache = self.cache();
        // What was validated with anchors that have changed since would outlive them.
        let present = self.validator();
        if present.as_ref().map(Arc::as_ptr) == validator.as_ref().map(Arc::as_ptr) {
            cache.insert(key, &outcome, length, Instant::now());
        }
        (outcome, explanation)
    }

    /// Asks until data or a denial is found, on through aliases whose targets the reply does not hold.
    fn follow(
        &self,
        trail: &mut Trail,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Answer, Failure> {
        // Each further question follows at least one alias.
        for _ in 0..=ALIASES_AT_MOST {
            let finding = self.upstream.ask(&trail.target, rtype, deadline)?;
            trail.extend(&finding);
            if trail.aliases.len() > ALIASES_AT_MOST || trail.is_loop() {
                break;
            }
            if let Some(content) = finding.reading.content.clone() {
                return Ok(trail.answer(&finding, content));
            }
        }
        Err(Failure::new(LookupErrorKind::AliasLimit, None))
    }

    /// What is known and may still be used.
    fn known(&self, name: &Name, rtype: RecordType) -> Option<Outcome> {
        let known = self.cache().find(name, rtype, Instant::now());
        if known.is_some() {
            log::trace(format_args!("dns cache: {name} {rtype} is known"));
        }
        known
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // No code panics with half a change of the cache made.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Resolver {
    fn lookup(&self, name: &Name, rtype: RecordType, deadline: Deadline) -> Outcome {
        if let Some(known) = self.known(name, rtype) {
            return known;
        }
        let key = (name.clone(), rtype);
        self.flights.share(&key, deadline, || {
            // Another thread may have found it since.
            let known = self.known(name, rtype);
            known.unwrap_or_else(|| self.ask(name, rtype, Shown::All, deadline).0)
        })
    }

    fn lookup_fresh(&self, name: &Name, rtype: RecordType, deadline: Deadline) -> Outcome {
        self.explain(name, rtype, deadline).0
    }
}

/// What the replies said so far, from the name asked for to where its aliases lead.
struct Trail {
    target: Name,
    aliases: Vec<Alias>,
    security: Security,
    ttl: u32,
    extended_errors: Vec<(EdeCode, String)>,
    /// Length of the replies in octets.
    length: usize,
}

impl Trail {
    fn start(name: &Name) -> Self {
        Self {
            target: name.clone(),
            aliases: Vec::new(),
            security: Security::Secure,
            ttl: u32::MAX,
            extended_errors: Vec::new(),
            length: 0,
        }
    }

    /// Goes on to where a reply leads; the whole is as secure as its weakest reply, and lasts as long as the shortest.
    fn extend(&mut self, finding: &Finding) {
        let links = finding.reading.links.iter();
        self.aliases.extend(links.map(|(owner, target)| Alias {
            owner: owner.clone(),
            target: target.clone(),
            security: finding.security,
        }));
        self.target.clone_from(&finding.reading.target);
        self.security = self.security.min(finding.security);
        self.ttl = self.ttl.min(finding.reading.ttl);
        self.extended_errors
            .extend_from_slice(&finding.extended_errors);
        self.length += finding.length;
    }

    /// Whether the aliases lead back to one of themselves.
    fn is_loop(&self) -> bool {
        self.aliases.iter().any(|alias| alias.owner == self.target)
    }

    fn answer(&self, last: &Finding, content: Content) -> Answer {
        Answer {
            security: self.security,
            aliases: self.aliases.clone(),
            owner: self.target.clone(),
            content,
            ttl: self.ttl,
            rcode: last.rcode,
            extended_errors: self.extended_errors.clone(),
            server: last.server.to_string(),
        }
    }
}

#[cfg(test)]
#[path = "stub_tests.rs"]
mod tests;
