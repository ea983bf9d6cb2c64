//! One question to the configured servers, until one of them gives a reply that can be read.
//!
//! The rounds: every server gets a datagram, in the order of `servers`; those that were silent get another; those still silent are
//! tried over TCP. Servers that are asked over TLS are asked in that way in every round. Who gave a reply that is of no use is not asked again for the same question.

use std::sync::Arc;
use std::time::Instant;

use super::answer::{self, Reading, Unreadable, readable};
use super::endpoint::Endpoint;
use super::exchange::Way;
use super::fault::Fault;
use super::observe::{Observer, Transport};
use super::query::{Checks, Reply};
use super::servers::Servers;
use super::trust::AdTrust;
use super::wire::Wire;
use super::{LookupError, LookupErrorKind, Retry};
use crate::dns::{EdeCode, Message, Name, Rcode, RecordType};
use crate::dnssec::Security;
use crate::time::{Deadline, Timestamp};

/// The servers, how they are asked, and what their word is worth.
pub(super) struct Upstream {
    /// Whose AD bit counts; `None` where signatures are checked here: then nobody's does, and everybody may carry.
    pub(super) trust: Option<AdTrust>,
    pub(super) retry: Retry,
    pub(super) servers: Servers,
    pub(super) observers: Vec<Arc<dyn Observer>>,
}

/// A reply that can be read, and what it is worth.
pub(super) struct Finding {
    pub(super) reading: Reading,
    pub(super) security: Security,
    pub(super) rcode: Rcode,
    pub(super) extended_errors: Vec<(EdeCode, String)>,
    pub(super) server: Endpoint,
    /// Length of the reply in octets.
    pub(super) length: usize,
}

/// How servers are asked to carry data that are checked here.
#[derive(Clone, Copy)]
pub(super) struct Carriage<'a> {
    /// [`Checks::Here`]; only the search for what a broken answer suffers from asks with [`Checks::Upstream`].
    pub(super) checks: Checks,
    /// Who brought what was worth nothing. They are asked only if there is nobody else, and then over TCP, where nobody but they can answer.
    pub(super) blamed: &'a [Endpoint],
    /// When it must be over.
    pub(super) deadline: Deadline,
}

/// A reply as it was carried here.
pub(super) struct Carried {
    pub(super) message: Message,
    pub(super) server: Endpoint,
    /// Length of the reply in octets.
    pub(super) length: usize,
}

/// Why there is none, and who is to blame.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    pub(super) kind: LookupErrorKind,
    pub(super) server: Option<Endpoint>,
    pub(super) extended_errors: Vec<(EdeCode, String)>,
}

impl Failure {
    /// A failure of the way to a server, or of nobody.
    pub(super) fn new(kind: LookupErrorKind, server: Option<&Endpoint>) -> Self {
        Self {
            kind,
            server: server.cloned(),
            extended_errors: Vec::new(),
        }
    }

    /// As the caller of a lookup gets it.
    pub(super) fn about(self, name: &Name, rtype: RecordType) -> LookupError {
        let server = self.server.map(|server| server.to_string());
        LookupError {
            kind: self.kind,
            name: name.clone(),
            rtype,
            server: server.unwrap_or_default(),
            extended_errors: self.extended_errors,
        }
    }

    /// The one that says more: silence says less than what the system reports, that less than that the resolver is of no use, and that less
    /// than a reply; of two that say as much, the first.
    pub(super) fn or(self, other: Self) -> Self {
        match self.weight() < other.weight() {
            true => other,
            false => self,
        }
    }

    fn weight(&self) -> u8 {
        match (&self.server, &self.kind) {
            (None, _) => 0,
            (_, LookupErrorKind::Timeout) => 1,
            (_, LookupErrorKind::Unreachable(_)) => 2,
            (_, LookupErrorKind::NoDnssec(_) | LookupErrorKind::Unproven(_)) => 3,
            _ => 4,
        }
    }
}

impl Upstream {
    /// Asks until a reply can be read, the servers are through, or the deadline is over.
    ///
    /// # Errors
    /// The first [`Failure`] that a server caused by what it said; if none said anything, the first failure that the system reports.
    pub(super) fn ask(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Finding, Failure> {
        let servers = self.admitted()?;
        self.rounds(servers, &self.plan(), deadline, |server, transport| {
            self.require_validator(server, transport, deadline)?;
            let reply = self.fetch(
                server,
                (name, rtype),
                (Checks::Upstream, transport),
                deadline,
            )?;
            self.understand(server, name, rtype, &reply)
        })
    }

    /// As [`Upstream::ask`] for data that are checked here: whatever is no error may be worth checking.
    ///
    /// # Errors
    /// As [`Upstream::ask`].
    pub(super) fn carry(
        &self,
        name: &Name,
        rtype: RecordType,
        how: Carriage<'_>,
    ) -> Result<Carried, Failure> {
        let (blamed, others): (Vec<_>, Vec<_>) = self
            .admitted()?
            .into_iter()
            .partition(|server| how.blamed.contains(server));
        let (servers, plan) = match others.is_empty() {
            true => (blamed, vec![Transport::Tcp]),
            false => (others, self.plan()),
        };
        self.rounds(servers, &plan, how.deadline, |server, transport| {
            self.carry_from(server, (name, rtype), (how.checks, transport), how.deadline)
        })
    }

    /// As [`Upstream::carry`], from one server, asked once.
    ///
    /// # Errors
    /// As [`Upstream::ask`].
    pub(super) fn carry_from(
        &self,
        server: &Endpoint,
        question: (&Name, RecordType),
        way: (Checks, Transport),
        deadline: Deadline,
    ) -> Result<Carried, Failure> {
        let reply = self.fetch(server, question, way, deadline)?;
        let extended_errors = reply.message.extended_errors();
        match readable(reply.message.rcode(), &extended_errors) {
            Ok(()) => Ok(Carried {
                message: reply.message,
                server: server.clone(),
                length: reply.length,
            }),
            Err(kind) => Err(Failure {
                kind,
                server: Some(server.clone()),
                extended_errors,
            }),
        }
    }

    /// The transport of each round.
    fn plan(&self) -> Vec<Transport> {
        let datagrams = (0..self.retry.attempts).map(|_| Transport::Udp);
        datagrams.chain([Transport::Tcp]).collect()
    }

    fn rounds<T>(
        &self,
        servers: Vec<Endpoint>,
        plan: &[Transport],
        deadline: Deadline,
        ask: impl Fn(&Endpoint, Transport) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut waiting = servers;
        let mut failure = Failure::new(LookupErrorKind::Timeout, None);
        for transport in plan {
            let mut silent = Vec::new();
            for server in waiting {
                if deadline.is_over() {
                    return Err(failure);
                }
                match ask(&server, *transport) {
                    Ok(found) => return Ok(found),
                    Err(next) => {
                        if next.kind.is_passing() {
                            silent.push(server);
                        }
                        failure = failure.or(next);
                    }
                }
            }
            waiting = silent;
        }
        Err(failure)
    }

    /// The servers whose word is worth anything: nobody else learns what we look for.
    fn admitted(&self) -> Result<Vec<Endpoint>, Failure> {
        let (admitted, others): (Vec<_>, Vec<_>) = self
            .servers
            .in_order(Instant::now())
            .into_iter()
            .partition(|server| self.admits(server));
        match (admitted.is_empty(), others.first()) {
            (false, _) => Ok(admitted),
            (true, None) => Err(Failure::new(LookupErrorKind::NoServers, None)),
            (true, first) => Err(Failure::new(LookupErrorKind::NotTrusted, first)),
        }
    }

    pub(super) fn admits(&self, server: &Endpoint) -> bool {
        self.trust.is_none_or(|trust| trust.admits(server))
    }

    /// What a reply's AD bit is worth.
    pub(super) fn status(&self, server: &Endpoint, reply: &Message) -> Security {
        self.trust
            .map_or(Security::Insecure, |trust| trust.status(server, reply))
    }

    fn fetch(
        &self,
        server: &Endpoint,
        (name, rtype): (&Name, RecordType),
        (checks, transport): (Checks, Transport),
        deadline: Deadline,
    ) -> Result<Reply, Failure> {
        let link = self.servers.link(server);
        let way = Way {
            wire: Wire {
                server: server.address,
                checks,
                udp_wait: self.retry.timeout,
                observers: &self.observers,
            },
            link: link.as_deref(),
        };
        match way.ask(name, rtype, transport, deadline) {
            Ok(reply) => {
                self.servers.replied(server);
                Ok(*reply)
            }
            Err(fault) => {
                // A caller in a hurry says nothing about the server.
                if !deadline.is_over() {
                    self.servers.failed(server, Instant::now());
                }
                Err(Failure::new(kind_of(fault), Some(server)))
            }
        }
    }

    /// What a reply says; every response code but NOERROR and NXDOMAIN means that it is not known (rfc G1).
    fn understand(
        &self,
        server: &Endpoint,
        name: &Name,
        rtype: RecordType,
        reply: &Reply,
    ) -> Result<Finding, Failure> {
        let message = &reply.message;
        let extended_errors = message.extended_errors();
        match readable(message.rcode(), &extended_errors).and_then(|()| read(name, rtype, reply)) {
            Ok(reading) => Ok(Finding {
                reading,
                security: self.status(server, message),
                rcode: message.rcode(),
                extended_errors,
                server: server.clone(),
                length: reply.length,
            }),
            Err(kind) => Err(Failure {
                kind,
                server: Some(server.clone()),
                extended_errors,
            }),
        }
    }
}

fn read(name: &Name, rtype: RecordType, reply: &Reply) -> Result<Reading, LookupErrorKind> {
    answer::read(name, rtype, &reply.message, Timestamp::now()).map_err(|error| match error {
        Unreadable::AliasLimit => LookupErrorKind::AliasLimit,
        Unreadable::Contradiction(why) => LookupErrorKind::Malformed(why.to_owned()),
    })
}

fn kind_of(fault: Fault) -> LookupErrorKind {
    match fault {
        Fault::Timeout => LookupErrorKind::Timeout,
        Fault::Unreachable(why) => LookupErrorKind::Unreachable(why),
        Fault::Malformed(why) => LookupErrorKind::Malformed(why),
        Fault::Unproven(why) => LookupErrorKind::Unproven(why),
        Fault::NoDnssec(why) => LookupErrorKind::NoDnssec(why),
    }
}
