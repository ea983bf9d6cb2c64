//! DANE: which TLSA records count, and whether a presented certificate chain matches them (RFC 7672, RFC 7671).
//!
//! 1. [`plan`] sorts a TLSA RRset into records that count, records that a stronger digest overrides, and unusable ones.
//! 2. [`verify`] compares the presented chain with the records that count. Its [`Match`] is the proof a connection needs to carry mail.
//!    [`find`] is its first half, without the names.
//!
//! Usage 3 (DANE-EE): the key or the certificate itself is named by the record, so dates, names, issuers and every other certificate of the
//! chain are ignored (RFC 7671 §5.1). Usage 2 (DANE-TA): the record names a CA; what leads to it must be sound, valid and for one of the
//! reference identifiers (RFC 7672 §3.1.2, §3.2). Usage 3 is tried first: it costs two digests.
//!
//! next: `src/outbound/outcome.rs`
#![forbid(unsafe_code)]

mod explain;
mod mismatch;
mod trust_anchor;

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use sha2::{Digest, Sha256, Sha512};

use crate::certificate::{self, Chain, Presented};
use crate::dns::{Name, NameError, Rdata, Tlsa};
use crate::smtp::Domain;
use crate::time::Timestamp;

pub use mismatch::Mismatch;

/// Certificate usage DANE-TA (RFC 7218 §2.1).
const DANE_TA: u8 = 2;
/// Certificate usage DANE-EE.
const DANE_EE: u8 = 3;
/// Selector Cert: the whole certificate.
const CERT: u8 = 0;
/// Selector SPKI: the public key with its algorithm.
const SPKI: u8 = 1;
/// Matching type Full: the octets themselves.
const FULL: u8 = 0;
/// Matching type SHA2-256.
const SHA2_256: u8 = 1;
/// Matching type SHA2-512.
const SHA2_512: u8 = 2;

/// TLSA records sorted into those that may authenticate and those that may not (RFC 7672 §2.1.1, rfc L8 to L13), without duplicates.
///
/// Its size and the work on it are bounded by the DNS message the records came in (64 KiB).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// The records that count.
    pub usable: Vec<Tlsa>,
    /// Usable records that do not count, because the RRset has a stronger digest for the same usage and selector (RFC 7671 §9).
    pub masked: Vec<Tlsa>,
    /// Unusable records, each with the reason.
    pub unusable: Vec<(Tlsa, Unusable)>,
}

impl Plan {
    /// Whether the same records count, in whatever order.
    pub fn is_same_set(&self, other: &Self) -> bool {
        let contains = |outer: &Self, inner: &Self| {
            let mut records = inner.usable.iter();
            records.all(|record| outer.usable.contains(record))
        };
        contains(self, other) && contains(other, self)
    }
}

/// Why a TLSA record cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unusable {
    /// Usage 0 or 1: needs CAs, which SMTP servers cannot be expected to agree on (RFC 7672 §3.1.3).
    PkixUsage,
    /// A usage, selector or matching type nobody has defined, or for private use.
    UnknownParameter,
    /// No data, or not as long as the digest is.
    BadLength,
    /// Matching type 0 with data that is not exactly one certificate or public key.
    BadDer,
}

impl Unusable {
    /// The word in the log.
    pub const fn token(self) -> &'static str {
        match self {
            Self::PkixUsage => "tlsa-pkix-usage",
            Self::UnknownParameter => "tlsa-unknown-param",
            Self::BadLength => "tlsa-bad-length",
            Self::BadDer => "tlsa-bad-der",
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.token())
    }
}

/// Proof that a presented chain matched; only [`verify`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    record: Tlsa,
    depth: usize,
    reference: Option<Domain>,
}

impl Match {
    /// The record that matched.
    pub const fn record(&self) -> &Tlsa {
        &self.record
    }

    /// Depth in the verified path of the matched certificate; the leaf is 0.
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// The reference identifier the certificate is for; `None` for usage 3, which looks at no name.
    pub const fn reference(&self) -> Option<&Domain> {
        self.reference.as_ref()
    }
}

/// What a presented chain leads to, names aside: no proof yet.
pub struct Found {
    record: Tlsa,
    depth: usize,
    /// What must be for one of the reference identifiers; `None` for usage 3, which looks at no name.
    presented: Option<Presented>,
}

impl Found {
    /// As [`Match::record`].
    pub const fn record(&self) -> &Tlsa {
        &self.record
    }

    /// As [`Match::depth`].
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// The proof, if the server's certificate is for one of these names, where names count.
    ///
    /// # Errors
    /// [`Mismatch::HostMismatch`].
    fn named(self, references: &[Domain]) -> Result<Match, Mismatch> {
        let name = self
            .presented
            .map(|one| one.name_among(references).cloned());
        Ok(Match {
            record: self.record,
            depth: self.depth,
            reference: name.transpose()?,
        })
    }
}

/// The owner of a server's TLSA records, `_25._tcp.mx.example.org` (RFC 6698 §3).
///
/// # Errors
/// [`NameError`] when the host name is too long to have any.
pub fn tlsa_owner(host: &Name, port: u16) -> Result<Name, NameError> {
    host.prepend(b"_tcp")?
        .prepend(format!("_{port}").as_bytes())
}

/// The TLSA records among these.
pub fn records_among<'a>(data: impl IntoIterator<Item = &'a Rdata>) -> Vec<Tlsa> {
    let tlsa_of = |data: &Rdata| match data {
        Rdata::Tlsa(tlsa) => Some(tlsa.clone()),
        _ => None,
    };
    data.into_iter().filter_map(tlsa_of).collect()
}

/// Sorts a TLSA RRset; the order of the records means nothing.
pub fn plan(records: &[Tlsa]) -> Plan {
    let mut plan = Plan::default();
    let mut seen = HashSet::new();
    for record in records.iter().filter(|record| seen.insert(*record)) {
        match check(record) {
            Ok(()) => plan.usable.push(record.clone()),
            Err(why) => plan.unusable.push((record.clone(), why)),
        }
    }
    apply_digest_agility(&mut plan);
    plan
}

/// Whether a record may authenticate a server (rfc L9 to L12).
fn check(record: &Tlsa) -> Result<(), Unusable> {
    if record.usage > DANE_EE || record.selector > SPKI || record.matching > SHA2_512 {
        return Err(Unusable::UnknownParameter);
    }
    if record.usage < DANE_TA {
        return Err(Unusable::PkixUsage);
    }
    match record.matching {
        SHA2_256 if record.data.len() != 32 => Err(Unusable::BadLength),
        SHA2_512 if record.data.len() != 64 => Err(Unusable::BadLength),
        FULL if record.data.is_empty() => Err(Unusable::BadLength),
        FULL if !is_well_formed(record) => Err(Unusable::BadDer),
        _ => Ok(()),
    }
}

/// Whether the data of a record of matching type 0 is what its selector promises.
fn is_well_formed(record: &Tlsa) -> bool {
    match record.selector {
        CERT => certificate::public_key_of(&record.data).is_some(),
        _ => certificate::is_public_key(&record.data),
    }
}

/// Of each usage and selector only the strongest digest counts, so that a broken weaker one cannot be used against a server that
/// publishes both (RFC 7671 §9). Matching type 0 is no digest and always counts.
fn apply_digest_agility(plan: &mut Plan) {
    let strong: HashSet<(u8, u8)> = plan
        .usable
        .iter()
        .filter(|record| record.matching == SHA2_512)
        .map(|record| (record.usage, record.selector))
        .collect();
    let is_masked = |record: &Tlsa| {
        record.matching == SHA2_256 && strong.contains(&(record.usage, record.selector))
    };
    (plan.masked, plan.usable) = std::mem::take(&mut plan.usable)
        .into_iter()
        .partition(is_masked);
}

/// Checks a presented chain against the usable records. Usage 2 also demands one of the `references`
/// (RFC 7672 §3.2.2) and certificates that are valid `now`.
///
/// # Errors
/// [`Mismatch`] when nothing matches.
pub fn verify(
    plan: &Plan,
    chain: &Chain,
    references: &[Domain],
    now: Timestamp,
) -> Result<Match, Mismatch> {
    find(plan, chain, now)?.named(references)
}

/// As [`verify`], but whom the certificate is for is left open.
///
/// # Errors
/// [`Mismatch`] when nothing matches.
pub fn find(plan: &Plan, chain: &Chain, now: Timestamp) -> Result<Found, Mismatch> {
    let own = chain.octets().first().ok_or(Mismatch::NoCertificate)?;
    let presented = plan.forms_of(DANE_EE, own);
    match plan.usable.iter().find(|record| presented.contains(record)) {
        Some(record) => Ok(Found {
            record: record.clone(),
            depth: 0,
            presented: None,
        }),
        None => trust_anchor::find(plan, chain, now),
    }
}

/// Every usage-3 record that matches a certificate: the ones its owner may publish. `3 1 1` comes first, as the one to prefer
/// (RFC 7672 §3.1). Without selector 1 if the octets are not exactly one certificate.
pub fn records_of(certificate: &[u8]) -> Vec<Tlsa> {
    let forms = [SPKI, CERT].map(|selector| [SHA2_256, SHA2_512, FULL].map(|one| (selector, one)));
    let forms = forms.into_iter().flatten();
    forms
        .filter_map(|form| association(DANE_EE, form, certificate))
        .collect()
}

impl Plan {
    /// The records of that usage that would name a certificate, in the forms that the set has.
    fn forms_of(&self, usage: u8, certificate: &[u8]) -> Vec<Tlsa> {
        let records = self.usable.iter().chain(&self.masked);
        let records = records.filter(|record| record.usage == usage);
        let forms: BTreeSet<Form> = records.map(form_of).collect();
        let name = |form| association(usage, form, certificate);
        forms.into_iter().filter_map(name).collect()
    }
}

/// Selector and matching type.
type Form = (u8, u8);

const fn form_of(record: &Tlsa) -> Form {
    (record.selector, record.matching)
}

/// The record of that usage and form that names a certificate; `None` where selector 1 finds no key.
fn association(usage: u8, form: Form, certificate: &[u8]) -> Option<Tlsa> {
    let selected = match form {
        (SPKI, _) => certificate::public_key_of(certificate)?,
        _ => certificate,
    };
    Some(record_for(usage, form, selected))
}

/// The record of that usage, selector and matching type (0 to 2) for what the selector selects: a certificate or a public key in DER
/// (RFC 6698 §2.1).
pub fn record_for(usage: u8, (selector, matching): (u8, u8), selected: &[u8]) -> Tlsa {
    let data = match matching {
        SHA2_256 => Sha256::digest(selected).to_vec(),
        SHA2_512 => Sha512::digest(selected).to_vec(),
        _ => selected.to_vec(),
    };
    Tlsa {
        usage,
        selector,
        matching,
        data,
    }
}

#[cfg(test)]
#[path = "dane_tests.rs"]
mod tests;
