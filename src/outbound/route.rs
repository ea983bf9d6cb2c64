//! Decides from the MX facts which hosts are tried and in which order (RFC 5321 §5.1, RFC 7505, RFC 7672 §2.2.1, rfc M1 to M18).
//!
//! Preference beats security: hosts are never reordered because one has TLSA records (rfc G3).
//! Limitation: whether we are an MX host ourselves is seen here by name only; by address it is seen in `attempt.rs`.
//!
//! next: `src/outbound/address.rs`

use std::iter;

use super::cause::Cause;
use super::facts::Asked;
use super::{Level, Reason};
use crate::dns::{Name, Rdata};
use crate::dnssec::Security;
use crate::resolver::{Content, LookupError, LookupErrorKind, Status};
use crate::smtp::Domain;

/// MX hosts kept of one RRset (rfc M18): real domains have up to ten, and five are tried in one run.
pub const NAMES_MAX: usize = 20;

/// Random numbers for shuffling; an argument, so that tests can choose them.
pub type Random<'a> = &'a mut dyn FnMut() -> u32;

/// Where the mail of a domain may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The hosts in the order in which they are tried; at least one.
    pub hosts: Vec<MxHost>,
    /// Whether these are all hosts the domain has; if not, their failure proves nothing permanent.
    pub is_complete: bool,
    /// The domain and the name its aliases lead to, where every host of the domain may show a certificate for them (rfc B1): none unless
    /// the MX answer is secure.
    pub next_hops: Vec<Domain>,
    /// What was remarkable.
    pub remarks: Vec<Reason>,
}

/// One MX host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MxHost {
    /// Its name.
    pub exchange: Exchange,
    /// Its preference, low ones first; 0 for an implicit MX.
    pub preference: u16,
}

/// The target of an MX record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exchange {
    /// A host name.
    Host(Domain),
    /// An address or another thing that is no host name (rfc M14), as text.
    Malformed(String),
}

impl Exchange {
    fn of(name: &Name) -> Self {
        let text = name.to_host();
        Domain::parse(&text).map_or(Self::Malformed(text), Self::Host)
    }

    /// The name for people.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Host(domain) => domain.as_str(),
            Self::Malformed(text) => text,
        }
    }
}

/// Decides on the MX answer for a domain; `hostname` is our own name.
///
/// # Errors
/// [`Cause`]: no host of this domain is tried.
pub fn decide(
    mx: &Asked,
    domain: &Domain,
    level: Level,
    hostname: &Domain,
    random: Random<'_>,
) -> Result<Route, Cause> {
    let failed = |error| lookup_failed(domain, error);
    let answer = mx.result.as_ref().map_err(failed)?;
    let trust = match (answer.security, level) {
        (Security::Secure, _) => Trust::Proven,
        (Security::Insecure, Level::DaneOnly) => Trust::Nothing,
        (Security::Insecure, _) => Trust::Believed,
    };
    let mut remarks = Vec::new();
    let hosts = match &answer.content {
        Content::NxDomain => return Err(no_domain(domain, trust)),
        Content::NoData => implicit(domain, trust, &mut remarks)?,
        Content::Records(_) => explicit(mx, domain, trust, &mut remarks)?,
    };
    if mx.expanded().is_some() {
        remarks.push(Reason::Cname);
    }
    let mut hosts = in_order(hosts, random);
    let is_trimmed = drop_ourselves(&mut hosts, domain, hostname)?;
    if is_trimmed {
        remarks.push(Reason::LoopTrimmed);
    }
    let is_truncated = hosts.len() > NAMES_MAX;
    if is_truncated {
        hosts.truncate(NAMES_MAX);
        remarks.push(Reason::MxTruncated);
    }
    Ok(Route {
        hosts,
        is_complete: !is_trimmed && !is_truncated,
        next_hops: match trust {
            Trust::Proven => next_hops(mx, domain),
            Trust::Believed | Trust::Nothing => Vec::new(),
        },
        remarks,
    })
}

/// The hosts that the configuration names for a destination, in their order (rfc M20).
pub fn configured(hosts: &[Domain]) -> Route {
    let hosts = (0..).zip(hosts).map(|(preference, host)| MxHost {
        exchange: Exchange::Host(host.clone()),
        preference,
    });
    Route {
        hosts: hosts.collect(),
        // A name that does not exist is mended in the configuration, and the mail is to wait for that.
        is_complete: false,
        next_hops: Vec::new(),
        remarks: vec![Reason::Route],
    }
}

/// What an answer is worth at a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// It is secure.
    Proven,
    /// It is not, and the level goes on all the same.
    Believed,
    /// It is not, and the level demands that it were.
    Nothing,
}

/// B1: the domain, and what its aliases lead to; without MX records the alias leads to the host, which is another candidate.
fn next_hops(mx: &Asked, domain: &Domain) -> Vec<Domain> {
    let is_explicit = mx.data().next().is_some();
    let expanded = mx.expanded().filter(|_| is_explicit);
    let expanded = expanded.and_then(|name| Domain::parse(&name.to_host()).ok());
    iter::once(domain.clone()).chain(expanded).collect()
}

/// M3, M13, T67: nothing is known about the MX records.
fn lookup_failed(domain: &Domain, error: &LookupError) -> Cause {
    let reason = match &error.kind {
        LookupErrorKind::AliasLimit => Reason::CnameLimit,
        kind if kind.is_of_resolver() => Reason::ResolverNotValidating,
        _ if Status::of_error(error) == Status::Bogus => Reason::MxInvalid,
        _ => Reason::MxLookupError,
    };
    let text = format!("the MX records of {domain} are not known: {}", error.kind);
    Cause::new(reason, text)
}

/// M4, M5.
fn no_domain(domain: &Domain, trust: Trust) -> Cause {
    let unproven = format!("{domain} is said not to exist, but DNSSEC does not prove it");
    match trust {
        Trust::Proven => Cause::new(
            Reason::NxDomain,
            format!("the domain {domain} does not exist"),
        ),
        Trust::Believed => Cause::new(Reason::NxDomainBelieved, unproven),
        Trust::Nothing => Cause::new(Reason::NxDomainInsecure, unproven),
    }
}

/// M6, M7: no MX record, the domain itself is the host.
fn implicit(
    domain: &Domain,
    trust: Trust,
    remarks: &mut Vec<Reason>,
) -> Result<Vec<MxHost>, Cause> {
    if trust == Trust::Nothing {
        let text = format!(
            "{domain} is said to have no MX record, but DNSSEC does not prove it; sign the zone and its delegation"
        );
        return Err(Cause::new(Reason::ImplicitMxInsecure, text));
    }
    remarks.push(Reason::ImplicitMx);
    Ok(vec![MxHost {
        exchange: Exchange::Host(domain.clone()),
        preference: 0,
    }])
}

/// M1, M2, M8 to M10, M14.
fn explicit(
    mx: &Asked,
    domain: &Domain,
    trust: Trust,
    remarks: &mut Vec<Reason>,
) -> Result<Vec<MxHost>, Cause> {
    let records: Vec<(u16, &Name)> = mx.data().filter_map(exchange_of).collect();
    let is_root = |(_, exchange): &(u16, &Name)| exchange.label_count() == 0;
    let is_null = records.len() == 1 && records.iter().all(is_root);
    match (is_null, trust) {
        (true, _) => return Err(null_mx(domain, trust)),
        (false, Trust::Nothing) => return Err(insecure(mx, domain)),
        (false, Trust::Believed) => remarks.push(Reason::MxInsecure),
        (false, Trust::Proven) => {}
    }
    if records.iter().any(is_root) {
        remarks.push(Reason::NullMxMixed);
    }
    let named = records.into_iter().filter(|record| !is_root(record));
    let hosts: Vec<MxHost> = named
        .map(|(preference, exchange)| MxHost {
            exchange: Exchange::of(exchange),
            preference,
        })
        .collect();
    if hosts.is_empty() {
        let text = format!("the MX records of {domain} name no host: publish one");
        return Err(Cause::new(Reason::MxMalformed, text));
    }
    Ok(hosts)
}

/// M8, M9.
fn null_mx(domain: &Domain, trust: Trust) -> Cause {
    let unproven = format!("{domain} is said to accept no mail, but DNSSEC does not prove it");
    match trust {
        Trust::Proven => {
            let text = format!("{domain} accepts no mail: its MX record is \".\" (RFC 7505)");
            Cause::new(Reason::NullMx, text)
        }
        Trust::Believed => Cause::new(Reason::NullMxBelieved, unproven),
        Trust::Nothing => Cause::new(Reason::NullMxInsecure, unproven),
    }
}

fn exchange_of(data: &Rdata) -> Option<(u16, &Name)> {
    match data {
        Rdata::Mx {
            preference,
            exchange,
        } => Some((*preference, exchange)),
        _ => None,
    }
}

/// M2, M12.
fn insecure(mx: &Asked, domain: &Domain) -> Cause {
    let text = match mx.expanded() {
        None => format!(
            "the MX records of {domain} are not DNSSEC-secure; sign the zone and its delegation"
        ),
        Some(target) => format!(
            "{domain} is an alias of {}, and not every link or the MX records there are DNSSEC-secure; sign those zones",
            target.to_host()
        ),
    };
    Cause::new(Reason::MxInsecure, text)
}

/// Low preferences first, equal ones shuffled (RFC 5321 §5.1); a host named twice counts where it is first.
fn in_order(mut hosts: Vec<MxHost>, random: Random<'_>) -> Vec<MxHost> {
    shuffle(&mut hosts, random);
    hosts.sort_by_key(|host| host.preference);
    let mut kept: Vec<MxHost> = Vec::new();
    for host in hosts {
        if !kept.iter().any(|other| other.exchange == host.exchange) {
            kept.push(host);
        }
        // One more than is used tells that there were more.
        if kept.len() > NAMES_MAX {
            break;
        }
    }
    kept
}

/// Every order equally likely (Fisher and Yates); the remainder's bias is far below what balancing load needs.
pub(super) fn shuffle<T>(items: &mut [T], random: Random<'_>) {
    for last in (1..items.len()).rev() {
        let chosen = usize::try_from(random()).unwrap_or(0) % (last + 1);
        items.swap(last, chosen);
    }
}

/// M15, M16 by name: we and all hosts that are not better than us go; says whether any did.
fn drop_ourselves(
    hosts: &mut Vec<MxHost>,
    domain: &Domain,
    hostname: &Domain,
) -> Result<bool, Cause> {
    let is_us = |host: &&MxHost| host.exchange == Exchange::Host(hostname.clone());
    let Some(ours) = hosts.iter().find(is_us).map(|host| host.preference) else {
        return Ok(false);
    };
    let best = hosts.first().map(|host| host.preference);
    if best == Some(ours) {
        return Err(loops(domain, hostname.as_str()));
    }
    hosts.retain(|host| host.preference < ours);
    Ok(true)
}

/// M15: the best MX host is ourselves.
pub(super) fn loops(domain: impl std::fmt::Display, what: &str) -> Cause {
    let text = format!(
        "the best MX host of {domain} is this gateway itself ({what}): give the domain another MX record, or do not send its mail here"
    );
    Cause::new(Reason::Loop, text)
}
