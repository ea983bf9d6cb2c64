//! One attempt at one destination, as a list of named steps: MX → addresses → TLSA → connect → verify → errand.
//!
//! The walk asks for facts, lets the pure rooms `route`, `address` and `base` decide, and acts. No connection is made before the TLSA
//! verdict (rfc G5), and each host must satisfy the level on its own (rfc G3). What is done on a verified connection is the errand's
//! business: deliver a message, or only look (`gateway check`).
//!
//! Whether we are an MX host ourselves is also seen by address (rfc M15, M16), so the addresses of all hosts of one preference are looked
//! up before the first of them is tried.
//!
//! next: `src/outbound/session.rs`, then `src/outbound/outcome.rs`

mod except;
mod hopeless;
mod host;

use core::net::{IpAddr, SocketAddr};
use std::slice;

use super::address::{self, Address, Addresses, Permit};
use super::cause::Cause;
use super::connect::{Carrier, Connect};
use super::decision::{Decision, Record, Step, bare};
use super::facts::{Asked, Questions};
use super::policy::{NextHop, Rule};
use super::route::{self, Exchange, MxHost, Random, Route};
use super::session::Phase;
use super::{Effect, Level, Memory, Reason, Settings};
use crate::dns::RecordType;
use crate::net::Breaker;
use crate::resolver::{Resolve, Status};
use crate::smtp::{Domain, Host};
use crate::time::Timestamp;
use host::Base;

/// MX hosts tried in one run (rfc M18); the others get their turn when those before them are gone from the DNS.
pub const HOSTS_MAX: usize = 5;

/// Addresses connected to in one run (rfc M18).
pub const ADDRESSES_MAX: usize = 10;

/// Addresses of one host connected to in one run, so that a host with many dead ones leaves some of the run to the next host.
pub const ADDRESSES_PER_HOST_MAX: usize = 4;

/// Addresses that an errand which looks at everything connects to; a bound only against answers made to keep it busy.
pub const ADDRESSES_LOOKED_AT_MAX: usize = 60;

/// What an attempt works with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Names, limits, policies.
    pub settings: &'a Settings,
    /// Who answers DNS questions.
    pub resolver: &'a dyn Resolve,
    /// Who makes connections.
    pub connector: &'a dyn Connect,
    /// What ends connections when the gateway stops.
    pub breaker: Option<&'a Breaker>,
    /// What earlier attempts have found out.
    pub memory: &'a Memory,
    /// Now, for exceptions and what is remembered.
    pub now: Timestamp,
    /// Whether the attempt is to end at the next step.
    pub is_stopping: &'a dyn Fn() -> bool,
}

/// Whether the walk goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To the next address or host.
    Host,
    /// It is over.
    Enough,
}

/// How an errand ended on one connection.
#[derive(Clone, Debug)]
pub struct Ended {
    /// How it ended.
    pub cause: Cause,
    /// How far it came.
    pub phase: Phase,
    /// Whether there is something left to do at the next host.
    pub next: Next,
}

/// What a walk is made for.
pub trait Errand {
    /// Whether it also looks at hosts and addresses that a delivery leaves for another run (rfc M18): at all hosts that are kept, and at up
    /// to [`ADDRESSES_LOOKED_AT_MAX`] addresses. Their records say so ([`Record::is_beyond`]), and decide nothing.
    fn looks_further(&self) -> bool {
        false
    }
    /// A walk begins, at the policy's level or at an exception's.
    fn begun(&mut self, _level: Level) {}
    /// A question was answered, or not.
    fn asked(&mut self, asked: &Asked);
    /// A connection stands that may carry mail; closing it is the errand's task.
    fn connected(&mut self, carrier: Box<dyn Carrier>) -> Ended;
    /// One host attempt is over, or the destination as a whole was refused.
    fn attempted(&mut self, record: &Record);
    /// Something that people should know besides the records: one line about an exception.
    fn noticed(&mut self, _text: &str) {}
}

/// Walks through the hosts of a destination until the errand has enough or nothing is left to try. If nothing but a proof is missing and there
/// is an exception for the destination, it walks once more with what the exception demands.
pub fn walk(
    means: Means<'_>,
    destination: &Host,
    errand: &mut dyn Errand,
    random: Random<'_>,
) -> Decision {
    let rule = means.settings.policies.rule(destination);
    let decision = walk_by(rule, means, destination, &mut *errand, &mut *random);
    let exceptions = &means.settings.policies;
    let Some(exception) = exceptions.exception(destination, means.now) else {
        return decision;
    };
    if decision.deciding.is_verified() {
        let notice = except::unneeded(exception, means, destination);
        notice.iter().for_each(|text| errand.noticed(text));
        return decision;
    }
    if !decision.lacks_proof() {
        return decision;
    }
    errand.noticed(&except::needed(exception, means, &decision));
    let instead = exception.instead_of(rule);
    let second = walk_by(instead, means, destination, errand, random);
    except::combined(exception, decision, second)
}

fn walk_by<'a>(
    rule: Rule<'a>,
    means: Means<'a>,
    destination: &Host,
    errand: &'a mut dyn Errand,
    random: Random<'a>,
) -> Decision {
    errand.begun(rule.level);
    let port = rule.port.unwrap_or(means.settings.smtp_port);
    let mut walk = Walk {
        means,
        errand,
        random,
        rule,
        next_hops: Vec::new(),
        known: Record::new(destination, rule.level, port),
        mx: None,
        hosts: Vec::new(),
        hosts_left: HOSTS_MAX,
        addresses_left: ADDRESSES_MAX,
        further_left: 0,
        proven_absent: 0,
        proven_without_dane: 0,
        is_doubtful: false,
    };
    if walk.errand.looks_further() {
        walk.further_left = ADDRESSES_LOOKED_AT_MAX;
    }
    let ended = match (rule.next_hop, destination) {
        (NextHop::Smarthost(smarthost), _) => walk.configured(slice::from_ref(&smarthost.host)),
        (NextHop::Listed(hosts), _) => walk.configured(hosts),
        (NextHop::Mx, Host::Domain(domain)) => walk.domain(domain),
        (NextHop::Mx, Host::Literal(address)) => walk.literal(*address),
    };
    let ended = ended.map_err(|cause| walk.at_mx(cause));
    walk.conclude(ended)
}

struct Walk<'a> {
    means: Means<'a>,
    errand: &'a mut dyn Errand,
    random: Random<'a>,
    rule: Rule<'a>,
    /// Names of the destination that the certificates of its hosts may bear (rfc B1).
    next_hops: Vec<Domain>,
    /// What is known about the destination; the records of its hosts begin with it.
    known: Record,
    mx: Option<Asked>,
    hosts: Vec<Record>,
    hosts_left: usize,
    addresses_left: usize,
    /// Addresses that may be looked at beyond those of a delivery.
    further_left: usize,
    /// Hosts that provably have no address (rfc H7).
    proven_absent: usize,
    /// Hosts that provably have no DANE (rfc G7).
    proven_without_dane: usize,
    /// Whether an answer is insecure without a proof that it must be, so that nothing is final for want of DANE.
    is_doubtful: bool,
}

/// One host with what its address lookups came to.
struct Candidate {
    record: Record,
    families: Option<[Asked; 2]>,
    found: Result<Addresses, Cause>,
}

impl<'a> Walk<'a> {
    /// The steps for a domain. `Err` means that the destination as a whole is refused.
    fn domain(&mut self, domain: &Domain) -> Result<(), Cause> {
        let route = self.route(domain)?;
        self.next_hops.clone_from(&route.next_hops);
        self.follow(&route)
    }

    /// M20, and hosts listed in a policy: nobody is asked where the mail goes.
    fn configured(&mut self, hosts: &[Domain]) -> Result<(), Cause> {
        self.follow(&route::configured(hosts))
    }

    /// Steps 2 to 5 for all hosts.
    fn follow(&mut self, route: &Route) -> Result<(), Cause> {
        self.known.remarks.clone_from(&route.remarks);
        if self.rule.is_exception {
            self.known.remarks.push(Reason::Exception);
        }
        let groups = route
            .hosts
            .chunk_by(|one, other| one.preference == other.preference);
        for (place, group) in groups.enumerate() {
            let candidates = self.look_up(group)?;
            let mut within = candidates.iter().filter(|one| !one.record.is_beyond);
            if let Some(ours) = within.find(|one| self.is_ourselves(one)) {
                return match place {
                    0 => Err(route::loops(bare(&self.known.domain), ours.record.host())),
                    // The better hosts were tried already; those that are not better than us are not.
                    _ => Ok(()),
                };
            }
            for candidate in candidates {
                if self.host(candidate)? == Next::Enough {
                    return Ok(());
                }
            }
        }
        self.refuse_if_hopeless(route)
    }

    /// Step 1: the MX records, and what they mean.
    fn route(&mut self, domain: &Domain) -> Result<Route, Cause> {
        let questions = self.questions();
        let mx = questions.mx(domain).map_err(|error| {
            let text = format!("{domain} is no DNS name: {error}");
            Cause::new(Reason::BadAddress, text)
        })?;
        self.known.note(&mx);
        self.asked(&mx);
        let hostname = &self.means.settings.hostname;
        let mx = self.mx.insert(mx);
        route::decide(mx, domain, self.rule.level, hostname, &mut *self.random)
    }

    fn asked(&mut self, asked: &Asked) {
        self.is_doubtful |= asked.rests_on_iterations();
        self.errand.asked(asked);
    }

    /// Step 2: the addresses of the hosts of one preference.
    fn look_up(&mut self, group: &[MxHost]) -> Result<Vec<Candidate>, Cause> {
        let within = self.hosts_left;
        let wanted = match self.errand.looks_further() {
            true => group.len(),
            false => within,
        };
        let group = group.iter().take(wanted).enumerate();
        group
            .map(|(place, mx)| self.look_up_host(mx, place >= within))
            .collect()
    }

    fn look_up_host(&mut self, mx: &MxHost, is_beyond: bool) -> Result<Candidate, Cause> {
        self.stop_if_asked()?;
        let mut record = self.known.clone();
        record.mx = Some(mx.clone());
        record.is_beyond = is_beyond;
        let families = match &mx.exchange {
            Exchange::Host(host) => self
                .questions()
                .addresses(host, self.permit().uses_aliases())
                .ok(),
            Exchange::Malformed(_) => None,
        };
        let (Exchange::Host(host), Some(families)) = (&mx.exchange, families) else {
            let text = format!(
                "the MX target {} is no host name; it must name a host, not an address",
                mx.exchange.as_str()
            );
            return Ok(Candidate {
                record,
                families: None,
                found: Err(Cause::new(Reason::MxMalformed, text)),
            });
        };
        for asked in &families {
            self.asked(asked);
        }
        record.note_families(&families);
        let permit = self.permit();
        let found = address::decide(host, &families, permit, &mut *self.random);
        Ok(Candidate {
            record,
            families: Some(families),
            found,
        })
    }

    /// M15, M16 by address.
    fn is_ourselves(&self, candidate: &Candidate) -> bool {
        let own = &self.means.settings.own_addresses;
        let port = self.known.port;
        let is_own = |address: &Address| own.iter().any(|own| is_same(*own, address.ip, port));
        let found = candidate.found.as_ref();
        found.is_ok_and(|addresses| addresses.usable.iter().any(is_own))
    }

    /// Steps 3 to 5 for one host.
    fn host(&mut self, candidate: Candidate) -> Result<Next, Cause> {
        self.stop_if_asked()?;
        let Candidate {
            mut record,
            families,
            found,
        } = candidate;
        let addresses = match found {
            Ok(addresses) => addresses,
            Err(cause) => return Ok(self.without_address(record, families.as_ref(), cause)),
        };
        self.hosts_left = self.hosts_left.saturating_sub(1);
        record.remarks.extend(&addresses.remarks);
        let base = match self.rule.level.uses_dane() {
            true => self.find_base(&mut record, &addresses.candidates),
            false => Ok(None),
        };
        let base = match base {
            Ok(base) => base,
            Err(cause) => return Ok(self.without_proof(record, families.as_ref(), cause)),
        };
        self.addresses(&record, families.as_ref(), &addresses.usable, base)
    }

    /// Steps 4 and 5 for each address.
    fn addresses(
        &mut self,
        record: &Record,
        families: Option<&[Asked; 2]>,
        usable: &[Address],
        mut base: Option<Base>,
    ) -> Result<Next, Cause> {
        for (place, address) in usable.iter().enumerate() {
            self.stop_if_asked()?;
            let mut record = record.clone();
            record.is_beyond |= place >= ADDRESSES_PER_HOST_MAX || self.addresses_left == 0;
            let left = match record.is_beyond {
                true => &mut self.further_left,
                false => &mut self.addresses_left,
            };
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None if self.addresses_left == 0 => return Ok(Next::Enough),
                None => break,
            }
            record.address = Some(address.ip);
            record.address_status = status_of_family(families, address.ip);
            let base = base.as_mut().filter(|_| address.has_dane);
            if self.address(record, address.ip, base) == Next::Enough {
                return Ok(Next::Enough);
            }
        }
        Ok(Next::Host)
    }

    fn address(
        &mut self,
        mut record: Record,
        address: IpAddr,
        mut base: Option<&mut Base>,
    ) -> Next {
        let mut ended = self.session(&mut record, address, base.as_deref_mut());
        if is_reuse_failed(&record, &ended) {
            record.remarks.retain(|remark| *remark != Reason::Reused);
            record.remarks.push(Reason::ReuseFailed);
            ended = self.session(&mut record, address, base);
        }
        let ended = match ended {
            Ok(ended) => ended,
            Err(cause) => return self.record(record.ended(cause)),
        };
        record.step = Step::Session(ended.phase);
        match self.record(record.ended(ended.cause)) {
            Next::Enough => Next::Enough,
            Next::Host => ended.next,
        }
    }

    /// Steps 4 and 5 once; `Err` means that no connection was had.
    fn session(
        &mut self,
        record: &mut Record,
        address: IpAddr,
        base: Option<&mut Base>,
    ) -> Result<Ended, Cause> {
        let carrier = self.connect(record, address, base)?;
        record.tls = carrier.tls().cloned();
        record.proof = Some(carrier.proof().clone());
        if carrier.is_reused() {
            record.remarks.push(Reason::Reused);
        }
        if record.tls.as_ref().is_some_and(|tls| tls.is_other_key) {
            record.remarks.push(Reason::OtherKey);
        }
        Ok(self.errand.connected(carrier))
    }

    /// M19: the recipients have an address instead of a domain.
    fn literal(&mut self, address: IpAddr) -> Result<(), Cause> {
        if matches!(self.rule.level, Level::DaneOnly | Level::Secure) {
            let text = format!(
                "no server can be proven to be at an address literal: write a domain instead of [{address}]"
            );
            return Err(Cause::new(Reason::AddressLiteral, text));
        }
        self.permit().check(address)?;
        let record = self.known.clone();
        let address = Address {
            ip: address,
            has_dane: false,
        };
        self.addresses(&record, None, &[address], None).map(|_| ())
    }

    fn stop_if_asked(&self) -> Result<(), Cause> {
        match (self.means.is_stopping)() {
            true => Err(Cause::new(Reason::Stopped, "the gateway is stopping")),
            false => Ok(()),
        }
    }

    /// Keeps the record of a host; a cause that concerns the whole destination ends the walk.
    fn record(&mut self, record: Record) -> Next {
        let record = self.remembered(record);
        self.errand.attempted(&record);
        let effect = record.cause.reason.effect();
        self.hosts.push(record);
        match effect {
            Effect::Defer => Next::Enough,
            Effect::Delivered | Effect::Remark | Effect::NextHost | Effect::Bounce => Next::Host,
        }
    }

    /// The record that decides: what refused the destination, else a success, else the last host (rfc A, NX).
    fn conclude(mut self, ended: Result<(), Cause>) -> Decision {
        let mut counting = self.hosts.iter().filter(|record| !record.is_beyond);
        let last = counting.clone().next_back();
        let success = |record: &&Record| record.cause.reason.effect() == Effect::Delivered;
        let success = counting.find(success).cloned();
        let deciding = match (success, ended) {
            (Some(success), _) => success,
            (None, Err(cause)) => self.refused(cause),
            (None, Ok(())) => match last {
                Some(last) => last.clone(),
                None => self.refused(Cause::new(
                    Reason::LoopTrimmedAll,
                    "no MX host is better than this gateway itself",
                )),
            },
        };
        Decision {
            mx: self.mx,
            hosts: self.hosts,
            deciding,
        }
    }

    fn refused(&mut self, cause: Cause) -> Record {
        let record = self.remembered(self.known.clone().ended(cause));
        self.errand.attempted(&record);
        record
    }

    fn questions(&self) -> Questions<'a> {
        Questions {
            resolver: self.means.resolver,
            timeout: self.means.settings.lookup_timeout,
        }
    }

    fn permit(&self) -> Permit<'a> {
        Permit {
            level: self.rule.level,
            is_alias_enough: self.rule.is_alias_enough,
            allowed: &self.means.settings.allow_addresses,
        }
    }
}

/// Whether an address and port of an MX host are one of ours; a listener on every address is found on loopback only.
fn is_same(own: SocketAddr, address: IpAddr, port: u16) -> bool {
    let address = address.to_canonical();
    let is_everywhere = own.ip().is_unspecified() && address.is_loopback();
    own.port() == port && (own.ip().to_canonical() == address || is_everywhere)
}

/// Whether a connection that had carried other messages took nothing of this one. That says nothing about the message: servers close what
/// was idle for too long, and limit the messages of one connection. As MAIL was not accepted, no content was sent.
fn is_reuse_failed(record: &Record, ended: &Result<Ended, Cause>) -> bool {
    let is_refused = |ended: &Ended| ended.phase == Phase::Mail && ended.next == Next::Host;
    record.remarks.contains(&Reason::Reused) && ended.as_ref().is_ok_and(is_refused)
}

fn status_of_family(families: Option<&[Asked; 2]>, address: IpAddr) -> Option<Status> {
    let rtype = match address {
        IpAddr::V4(_) => RecordType::A,
        IpAddr::V6(_) => RecordType::AAAA,
    };
    let asked = families?.iter().find(|asked| asked.rtype == rtype)?;
    Some(asked.status())
}

#[cfg(test)]
#[path = "attempt_tests.rs"]
mod tests;
