//! From a look-up to the message a resolver sends.

use gateway::dns::{Edns, EdnsOption, Header, Message, Opcode, Rcode};

use super::fault::Fault;
use super::internet::Resolution;
use super::judge::Proof;

/// What the lab's resolver says about its own buffers, in octets.
const UDP_SIZE: u16 = 1232;

/// The reply to a query that could be understood.
pub(super) fn reply(query: &Message, resolution: &Resolution) -> Message {
    let mut reply = empty(query, Rcode::NOERROR);
    let faults = &resolution.faults;
    let rcode = faults.iter().find_map(|fault| fault.rcode());
    let checked = !query.header.checking_disabled;
    match (rcode, &resolution.proof) {
        (Some(rcode), _) => reply.set_rcode(rcode),
        (None, Proof::Bogus(code, text)) if checked => {
            reply.set_rcode(Rcode::SERVFAIL);
            if let Some(edns) = &mut reply.edns {
                edns.options.push(EdnsOption::extended_error(*code, text));
            }
        }
        (None, proof) => {
            reply.set_rcode(resolution.rcode);
            fill(&mut reply, query, resolution);
            reply.header.authentic_data = checked && *proof == Proof::Secure && wants_ad(query);
        }
    }
    let has = |fault| faults.contains(&fault);
    if has(Fault::NoAd) || has(Fault::StripRrsig) || has(Fault::NoEdns) {
        reply.header.authentic_data = false;
    }
    if has(Fault::NoEdns) || has(Fault::FormErr) {
        reply.edns = None;
    }
    reply
}

/// A reply that has only the question, and EDNS where the query has.
pub(super) fn empty(query: &Message, rcode: Rcode) -> Message {
    let mut reply = Message {
        header: Header {
            response: true,
            recursion_available: true,
            authentic_data: false,
            truncated: false,
            ..query.header
        },
        questions: query.questions.clone(),
        answers: Vec::new(),
        authorities: Vec::new(),
        additionals: Vec::new(),
        edns: query
            .edns
            .as_ref()
            .map(|edns| Edns::query(UDP_SIZE, edns.dnssec_ok)),
    };
    reply.set_rcode(rcode);
    reply
}

/// What a query that cannot be answered gets, if it is one at all.
pub(super) fn refusal(query: &Message) -> Option<Rcode> {
    let version = query.edns.as_ref().map_or(0, |edns| edns.version);
    match query {
        _ if query.header.opcode != Opcode::QUERY => Some(Rcode::NOTIMP),
        _ if query.questions.len() != 1 => Some(Rcode::FORMERR),
        _ if version != 0 => Some(Rcode::BADVERS),
        _ => None,
    }
}

fn fill(reply: &mut Message, query: &Message, resolution: &Resolution) {
    let strips = [Fault::StripRrsig, Fault::NoEdns];
    let with_signatures =
        dnssec_ok(query) && !strips.iter().any(|one| resolution.faults.contains(one));
    for set in &resolution.answers {
        reply.answers.extend(set.records());
        if with_signatures {
            reply.answers.extend(set.signature_records());
        }
    }
    for set in &resolution.proofs {
        let is_soa = set.rtype == gateway::dns::RecordType::SOA;
        if is_soa || with_signatures {
            reply.authorities.extend(set.records());
        }
        if with_signatures {
            reply.authorities.extend(set.signature_records());
        }
    }
}

fn dnssec_ok(query: &Message) -> bool {
    query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok)
}

/// RFC 6840 §5.7: a query asks for AD with DO or with AD.
fn wants_ad(query: &Message) -> bool {
    dnssec_ok(query) || query.header.authentic_data
}
