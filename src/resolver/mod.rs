//! Looks up DNS data and says what is proven about it.
#![forbid(unsafe_code)]

use std::fmt;

use core::net::SocketAddr;
use std::path::PathBuf;

use crate::dns::{EdeCode, Name, Rcode, Record, RecordType};
use crate::dnssec::Security;
use crate::time::Deadline;

/// How to look things up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The resolvers to ask, in order; from the configuration, else from /etc/resolv.conf.
    pub servers: Vec<SocketAddr>,
    /// Where answers get their security status from.
    pub dnssec: DnssecMode,
    /// File that gets every DNS packet (`--pcap`).
    pub pcap: Option<PathBuf>,
}

/// Where the security status of answers comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnssecMode {
    /// `validate`: signatures are checked here. Not built yet: refused at start, its place is `resolver/validate.rs`.
    #[default]
    Validate,
    /// `ad`: the AD bit of a resolver on loopback is believed (RFC 4035 §4.9.3).
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
}

/// An answer that may be used: data or a denial, with what is proven about it.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status of the whole answer: the minimum over all alias links and the final data or denial.
    pub security: Security,
    /// The aliases followed, in order: owner and target of each link, with the link's own status.
    pub aliases: Vec<Alias>,
    /// Owner of the final RRset: the name asked for, or the target of the last alias.
    pub owner: Name,
    /// The records asked for, or why there are none.
    pub content: Content,
    /// How long the answer may be used, in seconds.
    pub ttl: u32,
    /// Response code as received.
    pub rcode: Rcode,
    /// Extended DNS errors the resolver attached: for the log, never for decisions (RFC 8914 §6).
    pub extended_errors: Vec<(EdeCode, String)>,
    /// The resolver that answered, for the log.
    pub server: String,
}

/// One CNAME link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The alias.
    pub owner: Name,
    /// What it points to.
    pub target: Name,
    /// Status of this link.
    pub security: Security,
}

/// Data or its proven or stated absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// At least one record of the type asked for, all with [`Answer::owner`] as owner.
    Records(Vec<Record>),
    /// The name exists, the type does not (RFC 2308 §2.2).
    NoData,
    /// The name does not exist (RFC 2308 §2.1).
    NxDomain,
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
    /// The resolver strips EDNS or otherwise cannot carry DNSSEC.
    NoDnssec(String),
    /// The AD bit came over a link, or from a server, that is not trusted for it.
    NotTrusted,
    /// Validation found the data forged or broken; names the failed check.
    Bogus(String),
    /// Validation could not be completed; names why.
    Indeterminate(String),
    /// More than the allowed number of alias links, or a loop.
    AliasLimit,
    /// No resolver is configured.
    NoServers,
}

impl fmt::Display for LookupError {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
