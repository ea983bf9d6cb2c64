//! The resolver that deliveries use: cache, aliases across replies, several servers, and the status of what they say.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use core::net::SocketAddr;

use super::answer::{self, Reading, Unreadable};
use super::cache::{Cache, Outcome};
use super::exchange::{Fault, Wire};
use super::observe::{Observer, Transport};
use super::pcap::Pcap;
use super::query::Reply;
use super::servers::Servers;
use super::trust::AdTrust;
use super::{
    ALIASES_AT_MOST, Alias, Answer, Content, LookupError, LookupErrorKind, Resolve, Retry, Settings,
};
use crate::dns::{EdeCode, Name, Rcode, RecordType};
use crate::dnssec::Security;
use crate::time::{Deadline, Timestamp};

/// Asks the configured servers; shared by all threads.
pub struct Resolver {
    trust: AdTrust,
    retry: Retry,
    servers: Servers,
    observers: Vec<Arc<dyn Observer>>,
    cache: Mutex<Cache>,
}

/// Why there is no resolver: one line that says what to change.
#[derive(Debug)]
pub enum SetupError {
    /// `dnssec validate` is asked for.
    ValidationNotBuilt,
    /// With `dnssec ad`, this server is not on loopback, and nobody vouched for it.
    NotTrusted(SocketAddr),
    /// There is no server at all.
    NoServers,
    /// The packet file cannot be written.
    Pcap(PathBuf, io::Error),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ValidationNotBuilt => f.write_str(
                "dnssec validate is not built yet: say 'dnssec ad' (or --dnssec ad) and use a validating resolver on loopback",
            ),
            Self::NotTrusted(server) => write!(
                f,
                "resolver {server} is not on loopback, so anybody on the way can set its AD bit (resolver-not-validating): \\
                 use a validating resolver on this machine, or say 'dnssec ad ad-trusted' if the link is safe"
            ),
            Self::NoServers => f.write_str("no resolver is configured: add the directive 'resolver ADDRESS'"),
            Self::Pcap(path, error) => write!(f, "cannot write packets to {}: {error}", path.display()),
        }
    }
}

impl std::error::Error for SetupError {}

/// A reply that can be read, and what it is worth.
struct Understood {
    reading: Reading,
    security: Security,
    rcode: Rcode,
    extended_errors: Vec<(EdeCode, String)>,
    server: SocketAddr,
    length: usize,
}

impl Resolver {
    /// A resolver with an empty cache.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn new(settings: &Settings) -> Result<Self, SetupError> {
        Self::with_observers(settings, Vec::new())
    }

    /// As [`Resolver::new`], and these see every packet.
    ///
    /// # Errors
    /// [`SetupError`].
    pub fn with_observers(
        settings: &Settings,
        mut observers: Vec<Arc<dyn Observer>>,
    ) -> Result<Self, SetupError> {
        let trust = AdTrust::of(settings.dnssec).ok_or(SetupError::ValidationNotBuilt)?;
        if settings.servers.is_empty() {
            return Err(SetupError::NoServers);
        }
        if let Some(path) = &settings.pcap {
            let pcap = Pcap::create(path).map_err(|error| SetupError::Pcap(path.clone(), error))?;
            observers.push(Arc::new(pcap));
        }
        Ok(Self {
            trust,
            retry: settings.retry,
            servers: Servers::new(settings.servers.iter().copied()),
            observers,
            cache: Mutex::new(Cache::new()),
        })
    }

    fn resolve(&self, name: &Name, rtype: RecordType, deadline: Deadline) -> (Outcome, usize) {
        let mut length = 0;
        let outcome = self.follow(name, rtype, deadline, &mut length);
        (outcome, length)
    }

    /// Asks until data or a denial is found, on through aliases whose targets the reply does not hold.
    fn follow(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
        length: &mut usize,
    ) -> Outcome {
        let failed = |kind, understood: Option<&Understood>| LookupError {
            kind,
            name: name.clone(),
            rtype,
            server: understood.map_or_else(String::new, |found| found.server.to_string()),
            extended_errors: understood
                .map_or_else(Vec::new, |found| found.extended_errors.clone()),
        };
        let mut aliases = Vec::new();
        let mut security = Security::Secure;
        let mut ttl = u32::MAX;
        let mut target = name.clone();
        // Each further question follows at least one alias.
        for _ in 0..=ALIASES_AT_MOST {
            let found = self
                .ask_servers(&target, rtype, deadline)
                .map_err(|mut error| {
                    error.name = name.clone();
                    error
                })?;
            *length += found.length;
            security = security.min(found.security);
            ttl = ttl.min(found.reading.ttl);
            let links = found.reading.links.iter().map(|(owner, target)| Alias {
                owner: owner.clone(),
                target: target.clone(),
                security: found.security,
            });
            aliases.extend(links);
            if aliases.len() > ALIASES_AT_MOST || loops(name, &aliases) {
                return Err(failed(LookupErrorKind::AliasLimit, Some(&found)));
            }
            let Some(content) = found.reading.content.clone() else {
                target = found.reading.target;
                continue;
            };
            return Ok(answer(found, content, (security, ttl), aliases));
        }
        Err(failed(LookupErrorKind::AliasLimit, None))
    }

    /// Asks one server after the other until one gives a reply that can be read.
    fn ask_servers(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Understood, LookupError> {
        let mut last = LookupError {
            kind: LookupErrorKind::NoServers,
            name: name.clone(),
            rtype,
            server: String::new(),
            extended_errors: Vec::new(),
        };
        for server in self.servers.in_order(Instant::now()) {
            if !self.trust.admits(server) {
                last.kind = LookupErrorKind::NotTrusted;
                last.server = server.to_string();
                continue;
            }
            match self.ask_server(server, name, rtype, deadline) {
                Ok(found) => return Ok(found),
                Err(error) => last = error,
            }
            if deadline.is_over() {
                break;
            }
        }
        Err(last)
    }

    /// Asks one server: datagrams first, then a connection.
    fn ask_server(
        &self,
        server: SocketAddr,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Understood, LookupError> {
        let wire = Wire {
            server,
            udp_wait: self.retry.timeout,
            observers: &self.observers,
        };
        let datagrams = (0..self.retry.attempts).map(|_| Transport::Udp);
        let mut fault = Fault::Timeout;
        for transport in datagrams.chain([Transport::Tcp]) {
            if deadline.is_over() {
                break;
            }
            match wire.ask(name, rtype, transport, deadline) {
                Ok(reply) => {
                    self.servers.replied(server);
                    return self.understand(server, name, rtype, &reply);
                }
                Err(next) => fault = next,
            }
            if !fault.is_passing() {
                break;
            }
        }
        self.servers.failed(server, Instant::now());
        Err(LookupError {
            kind: kind_of(fault),
            name: name.clone(),
            rtype,
            server: server.to_string(),
            extended_errors: Vec::new(),
        })
    }

    /// What a reply says; every response code but NOERROR and NXDOMAIN means that it is not known (rfc G1).
    fn understand(
        &self,
        server: SocketAddr,
        name: &Name,
        rtype: RecordType,
        reply: &Reply,
    ) -> Result<Understood, LookupError> {
        let extended_errors = reply.message.extended_errors();
        let rcode = reply.message.rcode();
        let failed = |kind, extended_errors| LookupError {
            kind,
            name: name.clone(),
            rtype,
            server: server.to_string(),
            extended_errors,
        };
        if !matches!(rcode, Rcode::NOERROR | Rcode::NXDOMAIN) {
            return Err(failed(LookupErrorKind::Rcode(rcode), extended_errors));
        }
        let is_stale = |(code, _): &(EdeCode, String)| {
            matches!(*code, EdeCode::STALE_ANSWER | EdeCode::STALE_NXDOMAIN)
        };
        if extended_errors.iter().any(is_stale) {
            let why = "the resolver says that its answer is out of date".to_owned();
            return Err(failed(LookupErrorKind::Indeterminate(why), extended_errors));
        }
        match answer::read(name, rtype, &reply.message, Timestamp::now()) {
            Ok(reading) => Ok(Understood {
                reading,
                security: self.trust.status(server, &reply.message),
                rcode,
                extended_errors,
                server,
                length: reply.length,
            }),
            Err(Unreadable::AliasLimit) => {
                Err(failed(LookupErrorKind::AliasLimit, extended_errors))
            }
            Err(Unreadable::Contradiction(why)) => {
                let kind = LookupErrorKind::Malformed(why.to_owned());
                Err(failed(kind, extended_errors))
            }
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        // No code panics with half a change of the cache made.
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Resolve for Resolver {
    fn lookup(&self, name: &Name, rtype: RecordType, deadline: Deadline) -> Outcome {
        if let Some(known) = self.cache().find(name, rtype, Instant::now()) {
            return known;
        }
        self.lookup_fresh(name, rtype, deadline)
    }

    fn lookup_fresh(&self, name: &Name, rtype: RecordType, deadline: Deadline) -> Outcome {
        let (outcome, length) = self.resolve(name, rtype, deadline);
        let key = (name.clone(), rtype);
        self.cache().insert(key, &outcome, length, Instant::now());
        outcome
    }
}

fn answer(
    found: Understood,
    content: Content,
    (security, ttl): (Security, u32),
    aliases: Vec<Alias>,
) -> Answer {
    Answer {
        security,
        aliases,
        owner: found.reading.target,
        content,
        ttl,
        rcode: found.rcode,
        extended_errors: found.extended_errors,
        server: found.server.to_string(),
    }
}

/// Whether the last alias leads back to a name of the chain.
fn loops(name: &Name, aliases: &[Alias]) -> bool {
    let Some((last, earlier)) = aliases.split_last() else {
        return false;
    };
    last.target == *name
        || last.target == last.owner
        || earlier.iter().any(|alias| alias.target == last.target)
}

fn kind_of(fault: Fault) -> LookupErrorKind {
    match fault {
        Fault::Timeout => LookupErrorKind::Timeout,
        Fault::Unreachable(why) => LookupErrorKind::Unreachable(why),
        Fault::Malformed(why) => LookupErrorKind::Malformed(why),
        Fault::NoDnssec(why) => LookupErrorKind::NoDnssec(why),
    }
}
