//! One query in, octets out: with the switches that are about packets, and a log of what was asked.

use std::sync::RwLock;
use std::time::Duration;

use gateway::dns::{Class, Message, Name, Rcode, Rdata, Record, RecordType};

use super::fault::Fault;
use super::internet::Internet;
use super::reply;
use crate::journal::Journal;

/// Longest message over UDP to a client without EDNS (RFC 1035 §4.2.1).
const PLAIN_UDP: u16 = 512;

/// How a query came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// In a datagram.
    Udp,
    /// In a stream.
    Tcp,
}

/// A question the resolver got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Name, case as asked.
    pub name: Name,
    /// Type.
    pub rtype: RecordType,
    /// How it came.
    pub transport: Transport,
    /// Whether DO was set.
    pub dnssec_ok: bool,
    /// Whether CD was set.
    pub checking_disabled: bool,
}

/// What the sockets share.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) internet: RwLock<Internet>,
    pub(super) queries: Journal<Query>,
}

/// What to send, and when.
#[derive(Debug, Default)]
pub(super) struct Replies {
    pub(super) messages: Vec<Vec<u8>>,
    /// What someone else sends before, from another port.
    pub(super) strays: Vec<Vec<u8>>,
    pub(super) delay: Duration,
    /// The TCP connection is to be broken instead.
    pub(super) hangs_up: bool,
}

impl Exchange {
    pub(super) fn answer(&self, octets: &[u8], transport: Transport) -> Replies {
        let Ok(query) = Message::decode(octets) else {
            return Replies::default();
        };
        if query.header.response {
            return Replies::default();
        }
        if let Some(rcode) = reply::refusal(&query) {
            return one(reply::empty(&query, rcode).encode());
        }
        self.note(&query, transport);
        let question = &query.questions[0];
        let internet = self
            .internet
            .read()
            .expect("no thread panics while it holds the zones");
        let resolution = internet.resolve(
            &question.name,
            question.rtype,
            !query.header.checking_disabled,
        );
        let mut whole = reply::reply(&query, &resolution);
        internet.edit(&mut whole);
        let mut replies = match transport {
            Transport::Udp => over_udp(&query, &whole, &resolution.faults),
            Transport::Tcp => one(whole.encode()),
        };
        replies.apply(&resolution.faults, transport);
        replies
    }

    fn note(&self, query: &Message, transport: Transport) {
        let question = &query.questions[0];
        self.queries.push(Query {
            name: question.name.clone(),
            rtype: question.rtype,
            transport,
            dnssec_ok: query.edns.as_ref().is_some_and(|edns| edns.dnssec_ok),
            checking_disabled: query.header.checking_disabled,
        });
    }
}

impl Replies {
    fn apply(&mut self, faults: &[Fault], transport: Transport) {
        for fault in faults {
            match fault {
                Fault::Timeout => self.messages.clear(),
                Fault::Delay(delay) => self.delay += *delay,
                Fault::Malformed => {
                    for message in &mut self.messages {
                        message.pop();
                    }
                }
                Fault::TruncateTcpRefused => self.hangs_up = transport == Transport::Tcp,
                _ => {}
            }
        }
    }
}

fn one(message: Vec<u8>) -> Replies {
    Replies {
        messages: vec![message],
        ..Replies::default()
    }
}

fn over_udp(query: &Message, whole: &Message, faults: &[Fault]) -> Replies {
    let has = |fault| faults.contains(&fault);
    let mut reply = whole.clone();
    if has(Fault::Truncate) || has(Fault::TruncateTcpRefused) {
        reply = reply::empty(query, Rcode::NOERROR);
        reply.header.truncated = true;
    }
    if has(Fault::WrongCase) {
        reply.questions[0].name = other_case(&reply.questions[0].name);
    }
    let size = query
        .edns
        .as_ref()
        .map_or(PLAIN_UDP, |edns| edns.udp_size.max(PLAIN_UDP));
    let (mut messages, mut strays) = (Vec::new(), Vec::new());
    if has(Fault::SpoofFirst) {
        messages.extend(forgeries(&reply).iter().map(Message::encode));
        strays.push(poisoned(&reply).encode());
    }
    messages.push(reply.encode_within(usize::from(size)));
    Replies {
        messages,
        strays,
        ..Replies::default()
    }
}

/// What someone who cannot see the query might send: each is wrong in one respect, and poisonous in its data.
fn forgeries(reply: &Message) -> [Message; 3] {
    let forged = poisoned(reply);
    let owner = &reply.questions[0].name;
    let mut wrong_id = forged.clone();
    wrong_id.header.id ^= 1;
    let mut wrong_case = forged.clone();
    wrong_case.questions[0].name = other_case(owner);
    let mut wrong_question = forged;
    wrong_question.questions[0].name = owner.prepend(b"x").unwrap_or_else(|_| Name::root());
    [wrong_id, wrong_case, wrong_question]
}

/// The reply with the forger's data in it.
fn poisoned(reply: &Message) -> Message {
    let mut forged = reply.clone();
    let question = &reply.questions[0];
    forged.answers = vec![poison(&question.name, question.rtype)];
    forged.header.authentic_data = true;
    forged
}

/// A record of the type asked for that leads to the forger.
fn poison(owner: &Name, rtype: RecordType) -> Record {
    let evil = Name::parse("evil.test").expect("a name");
    let data = match rtype {
        RecordType::MX => Rdata::Mx {
            preference: 0,
            exchange: evil,
        },
        RecordType::A => Rdata::A([192, 0, 2, 66].into()),
        _ => Rdata::Cname(evil),
    };
    Record {
        name: owner.clone(),
        class: Class::IN,
        ttl: 86_400,
        data,
    }
}

/// The name with the case of every letter turned.
fn other_case(name: &Name) -> Name {
    let letters = name
        .as_wire()
        .iter()
        .filter(|octet| octet.is_ascii_alphabetic());
    let lower: Vec<bool> = letters.map(u8::is_ascii_lowercase).collect();
    let bits: Vec<u8> = lower
        .chunks(8)
        .map(|eight| {
            let bit = |(place, is_lower): (usize, &bool)| u8::from(*is_lower) << place;
            eight.iter().enumerate().map(bit).sum()
        })
        .collect();
    name.with_case_bits(&bits)
}
