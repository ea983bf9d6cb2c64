//! Whether the resolvers are of use for DNSSEC, found out before the first lookup and every hour (rfc C5).
//!
//! Where signatures are checked here, the keys of the anchored zone must come through and validate; who fails is asked last, and a lookup for
//! which all fail blames them and not the zone asked for. Nothing is decided by it: where nobody carries DNSSEC no lookup validates anyway. Where the AD bit is believed, the
//! resolver must set it for the root's SOA record; who brings that record without the bit is not believed in anything, since the bit it leaves out
//! would make signed data look unsigned. The verdict stands until a later test says otherwise. Where a test finds nothing out, the operator's word
//! for the resolver counts.
//!
//! Limitation: a resolver that sets AD on everything passes, and so does one that knows no root. To find it out takes a zone that is known to be
//! broken, which the test does not ask for.

use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use super::endpoint::Endpoint;
use super::observe::Transport;
use super::query::Checks;
use super::stub::Resolver;
use super::upstream::{Failure, Upstream};
use super::{LookupErrorKind, ValidationSettings};
use crate::dns::{Message, Name, Rcode, Record, RecordType};
use crate::dnssec::{Algorithms, Budget, KeyId, Security, Why, ZoneKeys, rrset};
use crate::log;
use crate::time::{Deadline, Timestamp};

/// Patience with one resolver.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How often idle connections are looked for between two tests: about as long as they may be idle.
const SWEEP: Duration = Duration::from_secs(10);

/// What the test says when every key that was followed is revoked.
const NO_ANCHOR: &str = "there is no trust anchor: all in the spool's file 'anchors' are revoked; start a newer gateway without that file, or give the root's \
                         present keys with 'trust-anchor FILE'";

/// What the test says of a resolver that leaves the AD bit out.
const NOT_VALIDATING: &str = "it does not say AD for the SOA record of the root, so it does not validate, or not as it should; turn on DNSSEC validation \
                              in it, or say 'dnssec validate', which needs none there";

/// What the test says of a resolver of a private DNS.
const NO_ROOT: &str =
    "it has no SOA record of the root; whether it validates is the operator's word";

/// When this was written, 2026-11-24, in seconds since 1970: a clock before it is wrong (rfc C2).
const WRITTEN: Timestamp = Timestamp::from_unix(1_795_478_400);

impl ValidationSettings {
    /// The time at which signatures must be valid.
    pub(super) fn now(&self) -> Timestamp {
        self.at.unwrap_or_else(Timestamp::now)
    }

    /// What is wrong with the clock, if that can be told.
    pub(super) fn fault_of_clock(&self) -> Option<String> {
        let now = self.now();
        (self.at.is_none() && now < WRITTEN).then(|| {
            format!("the clock of this machine says {now}, which is before this program was written; nothing can be validated until it is set")
        })
    }
}

/// What the test of one resolver gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolverTest {
    /// The resolver.
    pub server: Endpoint,
    /// What it does, or what is wrong, or why that could not be found out.
    pub result: Result<String, LookupErrorKind>,
}

impl fmt::Display for ResolverTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = &self.server;
        match &self.result {
            Ok(what) => write!(f, "resolver {server} {what}"),
            Err(LookupErrorKind::NoDnssec(why) | LookupErrorKind::Anchors(why)) => write!(
                f,
                "resolver-not-validating: nothing can be validated with resolver {server}: {why}"
            ),
            Err(why) => write!(f, "resolver {server} could not be tested: {why}"),
        }
    }
}

/// How long to wait for the next test.
#[derive(Clone, Copy, Debug)]
pub struct Waits {
    /// While all is well.
    pub well: Duration,
    /// While a resolver fails: it may have been a network that was not there yet.
    pub failing: Duration,
}

/// An hour (rfc C5), or a minute.
impl Default for Waits {
    fn default() -> Self {
        Self {
            well: Duration::from_secs(3600),
            failing: Duration::from_secs(60),
        }
    }
}

impl Resolver {
    /// Tests each resolver that may be asked, and remembers the verdicts.
    pub fn self_test(&self) -> Vec<ResolverTest> {
        let servers = self.upstream.servers.all().into_iter();
        let servers = servers.filter(|server| self.upstream.admits(server));
        let test = |server: Endpoint| ResolverTest {
            result: self
                .test(&server, Deadline::after(PATIENCE))
                .map_err(|failure| failure.kind),
            server,
        };
        servers.map(test).collect()
    }

    /// Tests one resolver.
    ///
    /// # Errors
    /// A verdict if it is of no use; every other failure says that it could not be found out.
    pub(super) fn test(&self, server: &Endpoint, deadline: Deadline) -> Result<String, Failure> {
        let ask = |transport| match self.validator() {
            Some(validator) => {
                let validation = &validator.settings;
                let tested = self.test_carrier((server, transport), validation, deadline);
                self.upstream.judge(server, tested)
            }
            None => {
                let tested = self.upstream.test_validator(server, transport, deadline);
                tested.map(|()| "says that the root's data are validated (AD)".to_owned())
            }
        };
        // One lost datagram says nothing.
        ask(Transport::Udp).or_else(|first| match first.kind.is_passing() {
            true => ask(Transport::Tcp).map_err(|second| first.or(second)),
            false => Err(first),
        })
    }

    /// Whether the keys of the highest anchored zone validate as this resolver brings them.
    fn test_carrier(
        &self,
        (server, transport): (&Endpoint, Transport),
        validation: &ValidationSettings,
        deadline: Deadline,
    ) -> Result<String, Failure> {
        let useless = |why| Failure::new(LookupErrorKind::NoDnssec(why), Some(server));
        if let Some(fault) = validation.fault_of_clock() {
            return Err(useless(fault));
        }
        let zones = validation.anchors.iter().map(|(zone, _)| zone);
        let zone = zones.min_by_key(|zone| zone.label_count());
        let zone = zone.ok_or_else(|| useless(NO_ANCHOR.to_owned()))?;
        let question = (zone, RecordType::DNSKEY);
        let carried =
            self.upstream
                .carry_from(server, question, (Checks::Here, transport), deadline);
        let reply = carried.map_err(useless_unless_silent)?.message;
        let keys = keys_in(&reply, zone, validation)
            .map_err(|why| Failure::new(diagnosis(&why, &reply, validation.now()), Some(server)))?;
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        let keys = keys.join(", ");
        Ok(format!("carries DNSSEC, and validates: {keys}"))
    }

    /// Tests now and again after these waits, in a thread of its own, and logs what it finds. Between tests it ends idle connections, and
    /// itself when the resolver is no longer used.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn watch(self: &Arc<Self>, waits: Waits) -> io::Result<()> {
        let resolver = Arc::downgrade(self);
        let thread = thread::Builder::new().name("self-test".to_owned());
        thread.spawn(move || watch(&resolver, waits)).map(drop)
    }
}

impl Upstream {
    /// Makes sure that a resolver whose AD bit is to be believed has not failed its test; the first lookup that wants to ask it runs the test.
    ///
    /// # Errors
    /// A verdict: it is not to be asked.
    pub(super) fn require_validator(
        &self,
        server: &Endpoint,
        transport: Transport,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        match self.servers.verdict(server) {
            Some(Ok(())) => Ok(()),
            Some(Err(why)) => Err(Failure::new(LookupErrorKind::NoDnssec(why), Some(server))),
            None => match self.test_validator(server, transport, deadline) {
                Err(failure) if failure.kind.is_of_resolver() => Err(failure),
                Ok(()) => Ok(()),
                Err(_) => {
                    self.servers.judged(server, &Ok(()));
                    Ok(())
                }
            },
        }
    }

    /// Whether a resolver says of the root's SOA record that it is authenticated; the record is small, and every resolver can get it.
    fn test_validator(
        &self,
        server: &Endpoint,
        transport: Transport,
        deadline: Deadline,
    ) -> Result<(), Failure> {
        let root = Name::root();
        let question = (&root, RecordType::SOA);
        let carried = self.carry_from(server, question, (Checks::Upstream, transport), deadline);
        let tested = carried.and_then(|carried| {
            let is_soa = |record: &Record| record.name == root && record.rtype() == RecordType::SOA;
            let has_soa = carried.message.answers.iter().any(is_soa);
            let kind = match (self.status(server, &carried.message), has_soa) {
                (Security::Secure, _) => return Ok(()),
                (Security::Insecure, true) => LookupErrorKind::NoDnssec(NOT_VALIDATING.to_owned()),
                (Security::Insecure, false) => LookupErrorKind::Indeterminate(NO_ROOT.to_owned()),
            };
            Err(Failure::new(kind, Some(server)))
        });
        self.judge(server, tested)
    }

    /// Remembers what a test found out, if it did.
    fn judge<T>(&self, server: &Endpoint, tested: Result<T, Failure>) -> Result<T, Failure> {
        match &tested {
            Ok(_) => self.servers.judged(server, &Ok(())),
            Err(failure) => {
                if let LookupErrorKind::NoDnssec(why) | LookupErrorKind::Anchors(why) =
                    &failure.kind
                {
                    self.servers.judged(server, &Err(why.clone()));
                }
            }
        }
        tested
    }
}

fn watch(watched: &Weak<Resolver>, waits: Waits) {
    let mut last = Vec::new();
    while let Some(resolver) = watched.upgrade() {
        resolver.follow_anchors();
        let tests = resolver.self_test();
        // While it sleeps, nobody else may be using it.
        drop(resolver);
        report(&tests, &last);
        let is_well = tests.iter().all(|test| test.result.is_ok());
        rest(watched, if is_well { waits.well } else { waits.failing });
        last = tests;
    }
}

/// Sleeps, and ends idle connections meanwhile.
fn rest(resolver: &Weak<Resolver>, wait: Duration) {
    let end = Deadline::after(wait);
    while let Some(left) = end.remaining() {
        thread::sleep(left.min(SWEEP));
        let Some(resolver) = resolver.upgrade() else {
            return;
        };
        resolver.close_idle();
    }
}

/// What was so at the last test is only said again while nothing works.
fn report(tests: &[ResolverTest], last: &[ResolverTest]) {
    let is_useless = |test: &ResolverTest| {
        let failed = test.result.as_ref().err();
        failed.is_some_and(|kind| kind.is_of_resolver() || kind.is_passing())
    };
    let is_lost = tests.iter().all(is_useless);
    for test in tests.iter().filter(|test| is_lost || !last.contains(test)) {
        match &test.result {
            Ok(_) => log::info(test),
            Err(_) if is_useless(test) => log::error(test),
            Err(_) => log::warning(test),
        }
    }
    if is_lost {
        log::error("no resolver carries DNSSEC: every delivery is deferred until one does");
    }
}

fn keys_in(
    reply: &Message,
    zone: &Name,
    validation: &ValidationSettings,
) -> Result<Vec<KeyId>, Why> {
    let missing = || Why::DnskeyMissing { zone: zone.clone() };
    let points = validation
        .anchors
        .entry_points(zone, Algorithms::new(validation.sha1))?;
    let sets = rrset::group(&reply.answers);
    let is_keys = |set: &&rrset::Rrset| set.owner == *zone && set.rtype == RecordType::DNSKEY;
    let keys = sets.iter().find(is_keys).ok_or_else(missing)?;
    let keys = ZoneKeys::authenticate(keys, &points, validation.now(), &mut Budget::new())?;
    Ok(keys.ids().collect())
}

/// A resolver that says something else than an answer about the root is of no use; silence says nothing about it.
fn useless_unless_silent(failure: Failure) -> Failure {
    match failure.kind.is_passing() {
        true => failure,
        false => Failure {
            kind: LookupErrorKind::NoDnssec(reason(failure.kind)),
            ..failure
        },
    }
}

fn reason(kind: LookupErrorKind) -> String {
    match kind {
        LookupErrorKind::NoDnssec(why) => why,
        LookupErrorKind::Rcode(Rcode::SERVFAIL) => {
            "it answers SERVFAIL even where it is asked for the root itself".to_owned()
        }
        other => other.to_string(),
    }
}

/// Why what a resolver brings does not validate.
fn diagnosis(why: &Why, reply: &Message, now: Timestamp) -> LookupErrorKind {
    let is_signature = |record: &Record| record.rtype() == RecordType::RRSIG;
    LookupErrorKind::Anchors(match why {
        Why::RrsigMissing { .. } | Why::DnskeyMissing { .. }
            if !reply.answers.iter().any(is_signature) =>
        {
            let text = "it leaves out the keys or signatures (DNSKEY, RRSIG): it, or a firewall on the way, cannot do DNSSEC";
            return LookupErrorKind::NoDnssec(text.to_owned());
        }
        Why::Expired { .. } | Why::NotYetValid { .. } => {
            format!("{why}; is the clock of this machine right? It says {now}")
        }
        Why::DnskeyUnmatched { zone, .. } => format!(
            "{why}: the keys of {zone} itself do not validate, so nothing can; either the trust anchors are wrong or out of date (directive \
             'trust-anchor', else the spool's file 'anchors', without which the next start begins with those built in), or the resolver, or somebody on the way, puts another zone in its place"
        ),
        _ => why.to_string(),
    })
}

#[cfg(test)]
#[path = "self_test_tests.rs"]
mod tests;
