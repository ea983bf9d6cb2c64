//! Whether the resolvers carry what DNSSEC needs: the keys of the anchored zone must come through and validate (rfc C5).
//!
//! Nothing depends on the result but the log: where no resolver carries DNSSEC, no lookup validates, so everything is deferred by itself.

use std::fmt;
use std::io;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::Duration;

use core::net::SocketAddr;

use super::observe::Transport;
use super::query::Checks;
use super::stub::Resolver;
use super::upstream::Failure;
use super::{LookupErrorKind, ValidationSettings};
use crate::dns::{Message, Name, Rcode, RecordType};
use crate::dnssec::{Algorithms, Budget, KeyId, Why, ZoneKeys, rrset};
use crate::log;
use crate::time::{Deadline, Timestamp};

/// Wait between two tests while all is well (rfc C5).
const WAIT: Duration = Duration::from_secs(3600);
/// Wait after a test that no resolver has passed: it may have been a network that was not there yet.
const WAIT_AFTER_FAILURE: Duration = Duration::from_secs(60);
/// Patience with one resolver.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

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
pub struct CarrierTest {
    /// The resolver.
    pub server: SocketAddr,
    /// The keys of the anchored zone if they validate, else what is wrong.
    pub result: Result<Vec<KeyId>, String>,
}

impl fmt::Display for CarrierTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let server = self.server;
        match &self.result {
            Ok(keys) => {
                let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
                let keys = keys.join(", ");
                write!(f, "resolver {server} carries DNSSEC, and validates: {keys}")
            }
            Err(why) => write!(
                f,
                "resolver-not-validating: nothing can be validated with resolver {server}: {why}"
            ),
        }
    }
}

impl Resolver {
    /// Asks each resolver for the keys of the anchored zone, and validates them. Resolvers whose AD bit is believed are not tested.
    pub fn self_test(&self) -> Vec<CarrierTest> {
        let Some(validator) = self.validator() else {
            return Vec::new();
        };
        let test = |server| CarrierTest {
            server,
            result: self.test_carrier(server, &validator.settings, Deadline::after(PATIENCE)),
        };
        self.upstream.servers.all().into_iter().map(test).collect()
    }

    /// The keys of the highest anchored zone as this resolver brings them, if they validate; else what is wrong.
    pub(super) fn test_carrier(
        &self,
        server: SocketAddr,
        validation: &ValidationSettings,
        deadline: Deadline,
    ) -> Result<Vec<KeyId>, String> {
        let zones = validation.anchors.iter().map(|(zone, _)| zone);
        let zone = zones.min_by_key(|zone| zone.label_count());
        let zone = zone.ok_or("there is no trust anchor")?;
        let now = validation.now();
        if let Some(fault) = validation.fault_of_clock() {
            return Err(fault);
        }
        let ask = |transport| {
            let question = (zone, RecordType::DNSKEY);
            self.upstream
                .carry_from(server, question, (Checks::Here, transport), deadline)
        };
        // One lost datagram says nothing.
        let carried = ask(Transport::Udp).or_else(|first| {
            ask(Transport::Tcp).map_err(|second| match first.says_less_than(&second) {
                true => second,
                false => first,
            })
        });
        let carried = carried.map_err(|failure| refusal(&failure))?;
        keys_in(&carried.message, zone, validation)
            .map_err(|why| diagnosis(&why, &carried.message, now))
    }

    /// Tests now and every hour, in a thread of its own, and logs what it finds; it ends when the resolver is no longer used.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn watch(self: &Arc<Self>) -> io::Result<()> {
        if self.validator().is_none() {
            return Ok(());
        }
        let resolver = Arc::downgrade(self);
        let thread = thread::Builder::new().name("self-test".to_owned());
        thread.spawn(move || watch(&resolver)).map(drop)
    }
}

fn watch(resolver: &Weak<Resolver>) {
    let mut was_well = None;
    while let Some(resolver) = resolver.upgrade() {
        resolver.follow_anchors();
        let tests = resolver.self_test();
        // While it sleeps, nobody else may be using it.
        drop(resolver);
        let is_well = tests.iter().any(|test| test.result.is_ok());
        report(&tests, was_well != Some(is_well));
        was_well = Some(is_well);
        thread::sleep(if is_well { WAIT } else { WAIT_AFTER_FAILURE });
    }
}

/// What works is only said when it is news.
fn report(tests: &[CarrierTest], is_news: bool) {
    for test in tests {
        match test.result {
            Ok(_) if is_news => log::info(test),
            Ok(_) => {}
            Err(_) => log::error(test),
        }
    }
    if tests.iter().all(|test| test.result.is_err()) {
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

/// Why a resolver that cannot even be asked is of no use.
fn refusal(failure: &Failure) -> String {
    match failure.kind {
        LookupErrorKind::Rcode(Rcode::SERVFAIL) => {
            "it answers SERVFAIL even where it is told not to check (CD)".to_owned()
        }
        ref other => other.to_string(),
    }
}

/// Why what a resolver brings does not validate.
fn diagnosis(why: &Why, reply: &Message, now: Timestamp) -> String {
    let is_signature = |record: &crate::dns::Record| record.rtype() == RecordType::RRSIG;
    match why {
        Why::RrsigMissing { .. } | Why::DnskeyMissing { .. }
            if !reply.answers.iter().any(is_signature) =>
        {
            "it leaves out the keys or signatures (DNSKEY, RRSIG): it, or a firewall on the way, cannot do DNSSEC".to_owned()
        }
        Why::Expired { .. } | Why::NotYetValid { .. } => {
            format!("{why}; is the clock of this machine right? It says {now}")
        }
        Why::DnskeyUnmatched { .. } => format!(
            "{why}: it, or somebody on the way, brings another zone's keys, or the trust anchors are out of date"
        ),
        _ => why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_asked_for_is_not_the_clock() {
        for at in [None, Some(Timestamp::from_unix(0)), Some(WRITTEN)] {
            let validation = ValidationSettings {
                at,
                ..ValidationSettings::default()
            };
            assert_eq!(validation.fault_of_clock(), None, "{at:?}");
        }
    }
}
