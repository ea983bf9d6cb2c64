//! Looks up DNS data and says what is proven about it.
//!
//! One lookup, from the caller down: [`stub`] (cache, aliases across replies) → `flights` (equal questions once) → `upstream` (several servers) → `servers` (whose turn) →
//! `exchange` (one server: UDP, then TCP where it must, or TLS alone) → `udp`, `tcp`, `dot` over a `wire` → `query` (is this the reply to our question?) and back up →
//! `trust` (what the AD bit is worth) → `answer` (what the records say) → `cache`.
//!
//! What a configured resolver is says [`Endpoint`]. Where it is to be asked over TLS, `dot` makes it prove who it is before it is asked anything
//! (`bootstrap` by its own TLSA record, which `designations` remembers), and all threads share one `connection`.
//!
//! That is the way where a trusted resolver's AD bit is believed. Where signatures are checked here, `validate` stands in the place of
//! `trust` and `answer`: it drives the validator of `dnssec` over `upstream`. What signatures are checked against holds `validator`, and what is known
//! of zones, and of names that are not in them, `zones`. `self_test` judges the resolvers in both ways, and [`anchors`] follows what becomes of the
//! root's keys. Look-ups that do not depend on each other run side by side ([`task`]).
#![forbid(unsafe_code)]

pub mod anchors;
mod answer;
mod bootstrap;
mod cache;
mod connection;
mod designations;
mod dot;
pub mod endpoint;
mod exchange;
#[cfg(test)]
#[path = "fake_tests.rs"]
mod fake;
mod fault;
mod flights;
pub mod observe;
pub mod pcap;
mod query;
pub mod resolv_conf;
mod self_test;
mod servers;
pub mod status;
pub mod stub;
pub mod task;
mod tcp;
mod trust;
mod udp;
mod upstream;
mod validate;
mod validator;
mod wire;
mod zones;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::certificate::Roots;
use crate::dns::{EdeCode, Name, Rcode, RecordType};
use crate::dnssec::{Security, TrustAnchors};
use crate::time::{Deadline, Timestamp};

pub use crate::dnssec::chain::{Alias, Content};
pub use crate::dnssec::limits::ALIASES_AT_MOST;
pub use endpoint::{Endpoint, Proof};
pub use observe::{Direction, Observer, Packet, Transport};
pub use resolv_conf::ResolvConf;
pub use self_test::{ResolverTest, Waits};
pub use status::Status;
pub use stub::{Resolver, SetupError};
pub use task::Task;
pub use validate::{Explanation, FOUND_HERE};

/// How to look things up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The resolvers to ask, in order; from the configuration, else from /etc/resolv.conf.
    pub servers: Vec<Endpoint>,
    /// The CAs that are believed when a resolver proves itself by a certificate.
    pub roots: Option<Arc<Roots>>,
    /// The SOCKS proxy that makes connections to resolvers over TLS (`socks5`). Those asked in clear text are asked straight.
    pub socks5: Option<SocketAddr>,
    /// How long and how often they are asked.
    pub retry: Retry,
    /// Where answers get their security status from.
    pub dnssec: DnssecMode,
    /// What signatures are checked against, where they are checked here.
    pub validation: ValidationSettings,
    /// File that gets every DNS packet (`--pcap`).
    pub pcap: Option<PathBuf>,
}

/// What signatures are checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValidationSettings {
    /// The keys that are believed without further proof, unless `state` says otherwise.
    pub anchors: TrustAnchors,
    /// The file they come from; `None` for those that are built in.
    pub anchor_file: Option<PathBuf>,
    /// The file with the state of keys that follow the root's (RFC 5011), if they are to: where there is none yet, with the built-in ones.
    pub state: Option<PathBuf>,
    /// Whether the algorithms 5 and 7 count; RFC 9905 says that operators must not want them.
    pub sha1: bool,
    /// The time at which signatures must be valid instead of now (`--at`).
    pub at: Option<Timestamp>,
}

/// The root's keys, now.
impl Default for ValidationSettings {
    fn default() -> Self {
        Self {
            anchors: TrustAnchors::built_in(),
            anchor_file: None,
            state: None,
            sha1: false,
            at: None,
        }
    }
}

/// How patient a lookup is with each server (`options timeout:N attempts:N` of resolv.conf).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Wait for the reply to one UDP packet.
    pub timeout: Duration,
    /// UDP packets to each server before the last try over TCP.
    pub attempts: u32,
}

/// Two UDP packets, two seconds each, then TCP (rfc C5): longer than a slow resolver's work on a cold cache mostly takes.
impl Default for Retry {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            attempts: 2,
        }
    }
}

/// Where the security status of answers comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnssecMode {
    /// `validate`: signatures are checked here, and resolvers are mere carriers.
    #[default]
    Validate,
    /// `ad`: the AD bit of a resolver on loopback, or one that proves itself over TLS, is believed (RFC 4035 §4.9.3).
    Ad,
    /// `ad ad-trusted`: the AD bit of every listed resolver is believed, the operator vouches for the link.
    AdTrusted,
}

/// Something that answers DNS questions with a security status.
pub trait Resolve: Send + Sync {
    /// Looks up one RRset, following aliases.
    ///
    /// # Errors
    /// [`LookupError`] whenever it could not be found out: never for a denial, which is an [`Answer`].
    fn lookup(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Answer, LookupError>;

    /// As [`Resolve::lookup`], but asks anew even where an earlier answer could still be used (rfc C12: the peer may just have changed its key).
    ///
    /// # Errors
    /// As [`Resolve::lookup`].
    fn lookup_fresh(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Answer, LookupError> {
        self.lookup(name, rtype, deadline)
    }

    /// Status of the one alias link at `owner`, whatever it leads to (rfc H10).
    ///
    /// The AD bit speaks for a whole chain, so [`Alias::security`] cannot tell a secure first link in an insecure chain; this asks for it alone.
    ///
    /// # Errors
    /// As [`Resolve::lookup`]; the link then counts as unknown.
    fn alias_security(&self, owner: &Name, deadline: Deadline) -> Result<Security, LookupError> {
        self.lookup(owner, RecordType::CNAME, deadline)
            .map(|answer| answer.security)
    }
}

/// An answer that may be used: data or a denial, with what is proven about it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status of the whole answer: the minimum over all alias links and the final data or denial.
    pub security: Security,
    /// The aliases followed, in order, each with its own status. Where an AD bit is believed that is the status of the reply it came in: a secure
    /// link in an insecure chain reads insecure there, see [`Resolve::alias_security`].
    pub aliases: Vec<Alias>,
    /// Owner of the final RRset: the name asked for, or the target of the last alias.
    pub owner: Name,
    /// The records asked for, or why there are none.
    pub content: Content,
    /// How long the answer may be used, in seconds.
    pub ttl: u32,
    /// Response code, as received or, where signatures are checked here, as proven.
    pub rcode: Rcode,
    /// Extended DNS errors the resolver attached: for the log, never for decisions (RFC 8914 §6).
    pub extended_errors: Vec<(EdeCode, String)>,
    /// The resolver that answered, for the log; empty where nobody was asked, because earlier denials prove this one (RFC 8198).
    pub server: String,
}

/// "We do not know": no answer that may be used. Never means that data is absent.
#[derive(Clone, Debug)]
pub struct LookupError {
    /// What went wrong.
    pub kind: LookupErrorKind,
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    pub rtype: RecordType,
    /// The resolver that caused it; empty when none was reached.
    pub server: String,
    /// Extended DNS errors, for the log.
    pub extended_errors: Vec<(EdeCode, String)>,
}

/// The ways not to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupErrorKind {
    /// No reply by the deadline.
    Timeout,
    /// The transport failed: connection refused or reset.
    Unreachable(String),
    /// The resolver answered with this response code (SERVFAIL: bogus data or broken servers).
    Rcode(Rcode),
    /// The reply is not a usable DNS message or contradicts itself.
    Malformed(String),
    /// The resolver, which is asked over TLS, has not proven that it is the one configured; it was asked nothing but for that proof.
    Unproven(String),
    /// The resolver is of no use for DNSSEC: it strips EDNS or signatures, or does not validate though its AD bit is to be believed.
    NoDnssec(String),
    /// The keys of the anchored zone itself do not validate, so nothing can: wrong trust anchors, a wrong clock, or forged keys.
    Anchors(String),
    /// The AD bit came over a link, or from a server, that is not trusted for it.
    NotTrusted,
    /// ValidationSettings found the data forged or broken; names the failed check.
    Bogus(String),
    /// ValidationSettings could not be completed; names why.
    Indeterminate(String),
    /// More than the allowed number of alias links, or a loop.
    AliasLimit,
    /// No resolver is configured.
    NoServers,
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.name, self.rtype, self.kind)?;
        if !self.server.is_empty() {
            write!(f, " [resolver {}]", self.server)?;
        }
        for (code, text) in &self.extended_errors {
            match text.is_empty() {
                true => write!(f, " (EDE {}: {code})", code.0)?,
                false => write!(f, " (EDE {}: {text})", code.0)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for LookupError {}

impl LookupErrorKind {
    /// Whether nothing at all can be validated, whatever is asked for: it is the resolver or the trust anchors, and not the zone.
    pub const fn is_of_resolver(&self) -> bool {
        matches!(
            self,
            Self::NotTrusted | Self::Unproven(_) | Self::NoDnssec(_) | Self::Anchors(_)
        )
    }

    /// Whether asking the same server the same question again may help.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Timeout | Self::Unreachable(_))
    }
}

/// What is known and what to do, for an operator.
impl fmt::Display for LookupErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no reply in time"),
            Self::Unreachable(why) => write!(f, "the resolver cannot be reached: {why}"),
            Self::Rcode(Rcode::SERVFAIL) => {
                f.write_str("the resolver answers SERVFAIL: the signatures are broken, or the zone's servers are")
            }
            Self::Rcode(rcode) => write!(f, "the resolver answers {rcode}"),
            Self::Malformed(why) => write!(f, "the reply cannot be used: {why}"),
            Self::Unproven(why) => write!(
                f,
                "the resolver does not prove that it is the one configured, so it is not asked: {why}"
            ),
            Self::NoDnssec(why) => write!(f, "nothing can be validated with the resolver: {why}"),
            Self::Anchors(why) => write!(f, "nothing can be validated: {why}"),
            Self::NotTrusted => f.write_str(
                "resolver-not-validating: with `dnssec ad` only a validating resolver on loopback or over TLS is believed",
            ),
            Self::Bogus(why) => write!(f, "validation fails: {why}"),
            Self::Indeterminate(why) => write!(f, "nothing can be proven: {why}"),
            Self::AliasLimit => write!(f, "the aliases loop, or are more than {ALIASES_AT_MOST}"),
            Self::NoServers => f.write_str("no resolver is configured; add the directive `resolver ADDRESS`"),
        }
    }
}
