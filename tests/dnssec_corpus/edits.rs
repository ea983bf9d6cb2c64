//! Changes to replies, as a hostile or broken resolver would make them.

use gateway::dns::{Message, Rcode, Rdata, Record, RecordType};
use gateway_lab::world::Elsewhere;

const DENIALS: [RecordType; 2] = [RecordType::NSEC, RecordType::NSEC3];

/// The type of a record; of a signature the type that it covers.
fn about(record: &Record) -> RecordType {
    match &record.data {
        Rdata::Rrsig(rrsig) => rrsig.type_covered,
        _ => record.rtype(),
    }
}

fn is_denial(record: &Record) -> bool {
    DENIALS.contains(&about(record))
}

/// Leaves out all signatures.
pub(crate) fn strip(reply: &mut Message, _: &Elsewhere<'_>) {
    for section in [&mut reply.answers, &mut reply.authorities] {
        section.retain(|record| record.rtype() != RecordType::RRSIG);
    }
}

/// Leaves out the signatures of denials.
pub(crate) fn strip_denials(reply: &mut Message, _: &Elsewhere<'_>) {
    reply
        .authorities
        .retain(|record| !(record.rtype() == RecordType::RRSIG && is_denial(record)));
}

/// Leaves out the signatures of aliases.
pub(crate) fn strip_aliases(reply: &mut Message, _: &Elsewhere<'_>) {
    let aliases = [RecordType::CNAME, RecordType::DNAME];
    reply
        .answers
        .retain(|record| record.rtype() != RecordType::RRSIG || !aliases.contains(&about(record)));
}

/// Leaves out the signatures of SOA records.
pub(crate) fn strip_soa(reply: &mut Message, _: &Elsewhere<'_>) {
    let is_soa = |record: &Record| about(record) == RecordType::SOA;
    reply
        .authorities
        .retain(|record| !(record.rtype() == RecordType::RRSIG && is_soa(record)));
}

/// Leaves out SOA records and their signatures.
pub(crate) fn no_soa(reply: &mut Message, _: &Elsewhere<'_>) {
    reply
        .authorities
        .retain(|record| about(record) != RecordType::SOA);
}

/// Puts the SOA records of another reply in the place of this one's.
pub(crate) fn soa_of(
    owner: String,
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    move |reply, elsewhere| {
        no_soa(reply, elsewhere);
        let other = elsewhere.reply(&owner, RecordType::SOA);
        reply.authorities.extend(other.answers);
    }
}

/// Adds an unsigned NS record of the zone to the authority section.
pub(crate) fn stray_ns(
    zone: &str,
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    let stray = format!("{zone}. 300 IN NS evil.{zone}.");
    let stray = gateway::dns::zonefile::parse(&stray, &gateway::dns::Name::root()).unwrap();
    move |reply, _| reply.authorities.extend(stray.clone())
}

/// Leaves out every NSEC and NSEC3 record.
pub(crate) fn no_proof(reply: &mut Message, _: &Elsewhere<'_>) {
    reply.authorities.retain(|record| !is_denial(record));
}

/// Leaves the authority section empty.
pub(crate) fn no_authority(reply: &mut Message, _: &Elsewhere<'_>) {
    reply.authorities.clear();
}

/// Leaves nothing at all.
pub(crate) fn nothing(reply: &mut Message, _: &Elsewhere<'_>) {
    reply.answers.clear();
    reply.authorities.clear();
}

/// Says that the name does not exist.
pub(crate) fn nxdomain(reply: &mut Message, _: &Elsewhere<'_>) {
    reply.set_rcode(Rcode::NXDOMAIN);
}

/// Says that the name exists.
pub(crate) fn noerror(reply: &mut Message, _: &Elsewhere<'_>) {
    reply.set_rcode(Rcode::NOERROR);
}

/// Says that the resolver failed.
pub(crate) fn servfail(reply: &mut Message, elsewhere: &Elsewhere<'_>) {
    nothing(reply, elsewhere);
    reply.set_rcode(Rcode::SERVFAIL);
}

/// Puts the denials of another reply in the place of this one's.
pub(crate) fn proof_of(
    owner: String,
    rtype: RecordType,
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    move |reply, elsewhere| {
        let other = elsewhere.reply(&owner, rtype);
        reply.authorities.retain(|record| !is_denial(record));
        let proofs = other.authorities.into_iter().filter(is_denial);
        reply.authorities.extend(proofs);
    }
}

/// Puts the answers of another reply here, under the name of this question.
pub(crate) fn answer_of(
    owner: String,
    rtype: RecordType,
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    move |reply, elsewhere| {
        let asked = reply.questions[0].name.clone();
        reply.answers = elsewhere.reply(&owner, rtype).answers;
        for record in &mut reply.answers {
            record.name = asked.clone();
        }
        reply.set_rcode(Rcode::NOERROR);
    }
}

/// Denies what is there, with the denials of another reply.
pub(crate) fn denied_by(
    owner: String,
    rtype: RecordType,
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    move |reply, elsewhere| {
        let other = elsewhere.reply(&owner, rtype);
        reply.set_rcode(other.rcode());
        reply.answers.clear();
        reply.authorities = other.authorities;
    }
}

/// Keeps one of the sets of denials, counted from 0, and the SOA set.
pub(crate) fn only_proof(
    number: usize,
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    move |reply, _| {
        let owners = denial_owners(reply);
        reply
            .authorities
            .retain(|record| !is_denial(record) || Some(&record.name) == owners.get(number));
    }
}

/// Leaves out one of the sets of denials, counted from 0.
pub(crate) fn without_proof(
    number: usize,
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    move |reply, _| {
        let owners = denial_owners(reply);
        reply
            .authorities
            .retain(|record| !is_denial(record) || Some(&record.name) != owners.get(number));
    }
}

fn denial_owners(reply: &Message) -> Vec<gateway::dns::Name> {
    let mut owners = Vec::new();
    for record in reply.authorities.iter().filter(|record| is_denial(record)) {
        if !owners.contains(&record.name) {
            owners.push(record.name.clone());
        }
    }
    owners
}

/// Changes every record that is no signature.
pub(crate) fn records(
    change: fn(&mut Record),
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    move |reply, _| {
        let sections = reply.answers.iter_mut().chain(&mut reply.authorities);
        sections
            .filter(|record| record.rtype() != RecordType::RRSIG)
            .for_each(change);
    }
}

/// Changes every signature.
pub(crate) fn signatures(
    change: fn(&mut gateway::dns::Rrsig),
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    move |reply, _| {
        let sections = reply.answers.iter_mut().chain(&mut reply.authorities);
        for record in sections {
            if let Rdata::Rrsig(rrsig) = &mut record.data {
                change(rrsig);
            }
        }
    }
}
