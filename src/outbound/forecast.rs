//! Says before a message is taken whether its destination provably cannot be reached: an attempt's walk that stops short of connecting.
//!
//! What the walk refuses for good is foretold with its own cause: what an attempt would bounce at once, and, where we validate and the level
//! is `dane-only`, what is proven to lack DANE (rfc G7). Where a resolver's AD bit is believed, data without it may be signed all the same, so
//! that proves nothing. An error, bogus data, or no time left is not known, and whether a host that is connected to takes the mail is not either.
//!
//! next: `src/outbound/attempt.rs`

use std::sync::Arc;

use super::attempt::{self, Ended, Errand, Means, Next};
use super::cause::{Cause, Verdict};
use super::connect::{Carrier, Connect, Purpose};
use super::decision::Record;
use super::facts::Asked;
use super::session::{Failure, Link, Phase};
use super::{Demand, Memory, Reason, Settings, random};
use crate::dns::{Name, RecordType};
use crate::dnssec::Security;
use crate::resolver::{Answer, DnssecMode, LookupError, Resolve};
use crate::smtp::Host;
use crate::time::{Deadline, Timestamp};

/// Foretells what attempts would come to.
pub struct Forecast {
    settings: Settings,
    resolver: Arc<dyn Resolve>,
}

impl Forecast {
    /// For deliveries with these settings and this resolver, which gets its security status in this way.
    pub fn new(settings: Settings, resolver: Arc<dyn Resolve>, dnssec: DnssecMode) -> Self {
        let settings = Settings {
            // Whether a message that waits already goes on waiting is another question.
            no_dane_is_final: dnssec == DnssecMode::Validate,
            ..settings
        };
        Self { settings, resolver }
    }

    /// The record that says why mail for this destination can never be delivered, if that is proven by the deadline. Nothing is connected to.
    pub fn refusal(&self, destination: &Host, deadline: Deadline) -> Option<Record> {
        let means = Means {
            settings: &self.settings,
            resolver: &InTime {
                resolver: &*self.resolver,
                deadline,
            },
            connector: &Nowhere,
            breaker: None,
            // Nothing that is foretold counts as the use of an exception.
            memory: &Memory::default(),
            now: Timestamp::now(),
            is_stopping: &|| deadline.is_over(),
        };
        let decision = attempt::walk(means, destination, &mut Look, &mut random);
        (decision.verdict() == Verdict::Reject).then_some(decision.deciding)
    }
}

/// Only the decision counts.
struct Look;

impl Errand for Look {
    fn asked(&mut self, _asked: &Asked) {}

    fn connected(&mut self, carrier: Box<dyn Carrier>) -> Ended {
        carrier.quit();
        let failure = reachable();
        Ended {
            cause: Cause::from(&failure),
            phase: failure.phase,
            next: Next::Enough,
        }
    }

    fn attempted(&mut self, _record: &Record) {}
}

/// Makes no connection: whoever wants one has left what can be foretold.
struct Nowhere;

impl Connect for Nowhere {
    fn connect(
        &self,
        _purpose: Purpose<'_>,
        _link: &Link<'_>,
        _demand: &Demand,
    ) -> Result<Box<dyn Carrier>, Failure> {
        Err(reachable())
    }
}

/// Ends a walk, and is no reason to refuse anything.
fn reachable() -> Failure {
    let reason = Reason::Stopped;
    Failure {
        reason,
        status: reason.status(),
        phase: Phase::Connect,
        reply: None,
        text: "whether the host can be reached only an attempt can tell".to_owned(),
    }
}

/// Answers as the resolver behind it, but in time.
struct InTime<'a> {
    resolver: &'a dyn Resolve,
    deadline: Deadline,
}

impl Resolve for InTime<'_> {
    fn lookup(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Answer, LookupError> {
        let deadline = deadline.min(self.deadline);
        self.resolver.lookup(name, rtype, deadline)
    }

    fn lookup_fresh(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Answer, LookupError> {
        let deadline = deadline.min(self.deadline);
        self.resolver.lookup_fresh(name, rtype, deadline)
    }

    fn alias_security(&self, owner: &Name, deadline: Deadline) -> Result<Security, LookupError> {
        let deadline = deadline.min(self.deadline);
        self.resolver.alias_security(owner, deadline)
    }
}

#[cfg(test)]
#[path = "forecast_tests.rs"]
mod tests;
