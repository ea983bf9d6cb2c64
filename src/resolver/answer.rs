//! What a reply's records say about one question: follows the aliases inside it and finds data, denial, or where to ask on (RFC 1034 §4.3.2,
//! RFC 2308, RFC 6672).
//!
//! Only records of the chain count, only in class IN, only from the answer section; the authority section says how long a denial lasts. The
//! additional section is never looked at. What contradicts itself is an error, never an absence.

use super::{ALIASES_AT_MOST, Content, LookupErrorKind};
use crate::dns::{Class, EdeCode, Message, Name, Rcode, Rdata, Record, RecordType, Rrsig, Soa};
use crate::dnssec::chain;
use crate::time::Timestamp;

/// Longest use of positive data in seconds: a day (rfc B9).
const TTL_AT_MOST: u32 = 86_400;
/// Longest use of TLSA records in seconds: an hour, since keys are rolled (rfc B9).
const TLSA_TTL_AT_MOST: u32 = 3600;
/// Longest use of a denial in seconds: a quarter of an hour (rfc B9).
pub(super) const NEGATIVE_TTL_AT_MOST: u32 = 900;

const OTHER_ZONE: &str = "the denial is for another zone";

/// What one reply says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    /// The alias links followed, owner and target.
    pub(super) links: Vec<(Name, Name)>,
    /// Where they lead: the name asked for if there are none.
    pub(super) target: Name,
    /// Data or denial for the target; `None` if the reply ends before it: the target must be asked for.
    pub(super) content: Option<Content>,
    /// How long all of it may be used, in seconds.
    pub(super) ttl: u32,
}

/// Why a reply gives no reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It contradicts itself; says how.
    Contradiction(&'static str),
    /// More than [`ALIASES_AT_MOST`] links, as in a loop.
    AliasLimit,
}

/// Whether a reply with this response code and these extended errors is an answer at all, and a fresh one.
///
/// # Errors
/// What it is instead.
pub(super) fn readable(
    rcode: Rcode,
    extended_errors: &[(EdeCode, String)],
) -> Result<(), LookupErrorKind> {
    if !matches!(rcode, Rcode::NOERROR | Rcode::NXDOMAIN) {
        return Err(LookupErrorKind::Rcode(rcode));
    }
    // Extended errors never make an answer better than it is; here one makes it none (rfc B9).
    let stale = [EdeCode::STALE_ANSWER, EdeCode::STALE_NXDOMAIN];
    if extended_errors.iter().any(|(code, _)| stale.contains(code)) {
        let why = "the resolver says that its data is out of date; turn off serve-stale in it";
        return Err(LookupErrorKind::Indeterminate(why.to_owned()));
    }
    Ok(())
}

/// Reads a reply with response code NOERROR or NXDOMAIN; `now` bounds the TTL by the end of signatures.
///
/// # Errors
/// [`Unreadable`].
pub(super) fn read(
    name: &Name,
    rtype: RecordType,
    reply: &Message,
    now: Timestamp,
) -> Result<Reading, Unreadable> {
    let mut reading = Reading {
        links: Vec::new(),
        target: name.clone(),
        content: None,
        ttl: TTL_AT_MOST,
    };
    let answers = Section {
        records: &reply.answers,
        now,
    };
    // Whoever asks for aliases themselves wants the first one.
    if rtype != RecordType::CNAME && rtype != RecordType::ANY {
        follow_aliases(&mut reading, &answers, rtype)?;
    }
    let found = answers.of(&reading.target, rtype);
    let (content, ttl) = if found.is_empty() {
        denial(&reading, reply, now)?
    } else if reply.rcode() == Rcode::NXDOMAIN {
        return Err(Unreadable::Contradiction("NXDOMAIN, and data"));
    } else {
        let ttl = answers.ttl_of(&found);
        let records = found.into_iter().map(|record| Record {
            name: reading.target.clone(),
            data: without_random_case(&record.data),
            ..*record
        });
        let content = Content::Records(records.collect());
        let ttl = ttl.min(cap(&content, rtype));
        (Some(content), ttl)
    };
    reading.content = content;
    reading.ttl = reading.ttl.min(ttl);
    Ok(reading)
}

/// Moves the target along the aliases in the answer section.
fn follow_aliases(
    reading: &mut Reading,
    answers: &Section<'_>,
    rtype: RecordType,
) -> Result<(), Unreadable> {
    while let Some((next, ttl)) = answers.alias_at(&reading.target)? {
        if !answers.of(&reading.target, rtype).is_empty() {
            return Err(Unreadable::Contradiction("an alias has data beside it"));
        }
        if reading.links.len() >= ALIASES_AT_MOST {
            return Err(Unreadable::AliasLimit);
        }
        let owner = std::mem::replace(&mut reading.target, next.clone());
        reading.links.push((owner, next));
        reading.ttl = reading.ttl.min(ttl);
    }
    Ok(())
}

/// The longest that content of an answer may be used, in seconds.
pub(super) fn cap(content: &Content, rtype: RecordType) -> u32 {
    match content {
        Content::Records(_) if rtype == RecordType::TLSA => TLSA_TTL_AT_MOST,
        Content::Records(_) => TTL_AT_MOST,
        Content::NoData | Content::NxDomain => NEGATIVE_TTL_AT_MOST,
    }
}

/// What a reply without data for the target says about it, and how long that lasts.
fn denial(
    reading: &Reading,
    reply: &Message,
    now: Timestamp,
) -> Result<(Option<Content>, u32), Unreadable> {
    let authority = Section {
        records: &reply.authorities,
        now,
    };
    if reading.links.is_empty() && !reply.answers.is_empty() {
        let why = "its answers belong to other names or types";
        return Err(Unreadable::Contradiction(why));
    }
    let negative_ttl = authority.negative_ttl(&reading.target);
    let is_for_another_zone = negative_ttl.is_none() && authority.has(RecordType::SOA);
    if reply.rcode() == Rcode::NXDOMAIN {
        // The code is about the last name of the chain (RFC 6604 §3).
        return match is_for_another_zone {
            true => Err(Unreadable::Contradiction(OTHER_ZONE)),
            false => Ok((Some(Content::NxDomain), negative_ttl.unwrap_or(0))),
        };
    }
    if let Some(ttl) = negative_ttl {
        return Ok((Some(Content::NoData), ttl));
    }
    if !reading.links.is_empty() {
        return Ok((None, TTL_AT_MOST));
    }
    if is_for_another_zone {
        return Err(Unreadable::Contradiction(OTHER_ZONE));
    }
    if authority.has(RecordType::NS) {
        let why = "a referral: the server does not resolve for us";
        return Err(Unreadable::Contradiction(why));
    }
    // A denial that does not say how long it lasts must not be kept (RFC 2308 §5).
    Ok((Some(Content::NoData), 0))
}

/// One section of a reply, and the time.
struct Section<'a> {
    records: &'a [Record],
    now: Timestamp,
}

impl<'a> Section<'a> {
    /// The records of one owner and type; every type but signatures for `ANY`.
    fn of(&self, owner: &Name, rtype: RecordType) -> Vec<&'a Record> {
        let is_asked = |record: &&Record| {
            record.class == Class::IN
                && record.name == *owner
                && (record.rtype() == rtype
                    || rtype == RecordType::ANY && record.rtype() != RecordType::RRSIG)
        };
        self.records.iter().filter(is_asked).collect()
    }

    fn has(&self, rtype: RecordType) -> bool {
        self.records.iter().any(|record| record.rtype() == rtype)
    }

    /// Where an alias at `owner` leads, and how long the link may be used.
    fn alias_at(&self, owner: &Name) -> Result<Option<(Name, u32)>, Unreadable> {
        let cnames = self.of(owner, RecordType::CNAME);
        let dname = self.dname_above(owner)?;
        let mut targets = cnames
            .iter()
            .filter_map(|record| match &record.data {
                Rdata::Cname(target) => Some(target.to_lowercase()),
                _ => None,
            })
            .chain(dname.as_ref().map(|(target, _)| target.clone()));
        let Some(first) = targets.next() else {
            return Ok(None);
        };
        // A CNAME made from a DNAME must be what the DNAME gives (RFC 6672 §3.4.1).
        if targets.any(|target| target != first) {
            return Err(Unreadable::Contradiction("an alias has two targets"));
        }
        let dname_ttl = dname.map_or(TTL_AT_MOST, |(_, ttl)| ttl);
        Ok(Some((first, self.ttl_of(&cnames).min(dname_ttl))))
    }

    /// The name that a DNAME above `name` turns it into, and the DNAME's TTL.
    fn dname_above(&self, name: &Name) -> Result<Option<(Name, u32)>, Unreadable> {
        let found = self.records.iter().find_map(|record| match &record.data {
            Rdata::Dname(target) if record.class == Class::IN && is_below(name, &record.name) => {
                Some((record, target))
            }
            _ => None,
        });
        let Some((record, target)) = found else {
            return Ok(None);
        };
        let kept = name.label_count() - record.name.label_count();
        let labels: Vec<_> = name.labels().take(kept).collect();
        let substituted = labels
            .into_iter()
            .rev()
            .try_fold(target.clone(), |below, label| below.prepend(label))
            .map_err(|_| Unreadable::Contradiction("a DNAME makes the name too long"))?;
        let set = self.of(&record.name, RecordType::DNAME);
        Ok(Some((substituted, self.ttl_of(&set))))
    }

    /// How long an RRset may be used: its TTL and those of its signatures, and no longer than a signature holds (RFC 4035 §5.3.3).
    fn ttl_of(&self, set: &[&Record]) -> u32 {
        let ttl = set.iter().map(|record| plain_ttl(record.ttl)).min();
        let signed = set.first().and_then(|record| self.signature_ttl(record));
        ttl.into_iter().chain(signed).min().unwrap_or(TTL_AT_MOST)
    }

    /// How long the signatures over a record's set let it be used; `None` without any.
    fn signature_ttl(&self, signed: &Record) -> Option<u32> {
        let records = self.of(&signed.name, RecordType::RRSIG);
        let lives: Vec<u32> = records
            .into_iter()
            .filter_map(|record| match &record.data {
                Rdata::Rrsig(rrsig) if rrsig.type_covered == signed.rtype() => {
                    let ttl = plain_ttl(record.ttl).min(plain_ttl(rrsig.original_ttl));
                    Some(ttl.min(self.seconds_left(rrsig)))
                }
                _ => None,
            })
            .collect();
        // A signature that has ended beside one that has not is left over from a change of keys.
        let alive = lives.iter().filter(|life| **life > 0).min();
        alive.or(lives.first()).copied()
    }

    /// Seconds until a signature ends, in serial number arithmetic (RFC 4034 §3.1.5); zero once it has.
    fn seconds_left(&self, signature: &Rrsig) -> u32 {
        // Only the low 32 bits of the time take part.
        let [.., a, b, c, d] = self.now.unix().to_be_bytes();
        let now = u32::from_be_bytes([a, b, c, d]);
        plain_ttl(signature.expiration.wrapping_sub(now))
    }

    /// How long a denial of `name` lasts; `None` if there is no SOA of a zone around it (RFC 2308 §5).
    fn negative_ttl(&self, name: &Name) -> Option<u32> {
        self.records
            .iter()
            .filter(|record| record.class == Class::IN && name.is_at_or_below(&record.name))
            .find_map(|record| match &record.data {
                Rdata::Soa(soa) => Some(self.ttl_of(&[record]).min(plain_ttl(soa.minimum))),
                _ => None,
            })
            .map(|ttl| ttl.min(NEGATIVE_TTL_AT_MOST))
    }
}

/// The random case of the question shows in names that point into it; in texts it would only confuse. Signatures are over lower case
/// (RFC 4034 §6.2, RFC 6840 §5.1).
pub(super) fn without_case(mut reply: chain::Reply) -> chain::Reply {
    let answers = reply.answers.iter_mut();
    for record in answers.chain(&mut reply.authorities) {
        record.name = record.name.to_lowercase();
        if let Rdata::Rrsig(rrsig) = &mut record.data {
            rrsig.signer = rrsig.signer.to_lowercase();
        }
    }
    reply
}

/// Names that a server may have written as pointers into the question show the random case of its letters; they all become lower case.
pub(super) fn without_random_case(data: &Rdata) -> Rdata {
    match data {
        Rdata::Ns(name) => Rdata::Ns(name.to_lowercase()),
        Rdata::Cname(name) => Rdata::Cname(name.to_lowercase()),
        Rdata::Ptr(name) => Rdata::Ptr(name.to_lowercase()),
        Rdata::Mx {
            preference,
            exchange,
        } => Rdata::Mx {
            preference: *preference,
            exchange: exchange.to_lowercase(),
        },
        Rdata::Soa(soa) => Rdata::Soa(Soa {
            mname: soa.mname.to_lowercase(),
            rname: soa.rname.to_lowercase(),
            ..*soa
        }),
        other => other.clone(),
    }
}

/// Strictly below, not equal.
fn is_below(name: &Name, ancestor: &Name) -> bool {
    name != ancestor && name.is_at_or_below(ancestor)
}

/// A TTL with the top bit set is zero (RFC 2181 §8).
fn plain_ttl(ttl: u32) -> u32 {
    if ttl > i32::MAX.unsigned_abs() {
        0
    } else {
        ttl
    }
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
