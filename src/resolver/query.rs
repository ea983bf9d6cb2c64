//! One query as sent, and whether octets from the network are the reply to it (rfc C5, RFC 5452 §9.1).

use openssl::rand::rand_bytes;

use super::Transport;
use super::fault::Fault;
use crate::dns::{Class, Edns, EdnsOption, Message, Name, Opcode, Question, Rcode, RecordType};

/// Largest UDP reply asked for: fits every path without fragments, which can be forged (DNS flag day 2020).
const UDP_SIZE: u16 = 1232;
/// Queries within TLS are filled up to a multiple of so many octets, so that their length tells nothing (RFC 8467 §4.1). One block holds any name
/// of up to 93 octets.
const PADDING_BLOCK: usize = 128;
/// Octets of random bits for the case of letters; a name has at most 250 letters.
const CASE_OCTETS: usize = 32;
/// Opcode of an ordinary query (RFC 1035 §4.1.1).
const OPCODE_QUERY: Opcode = Opcode(0);

/// Who is to check what a query brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checks {
    /// The resolver, and it is to say what it found out: AD set, CD clear (RFC 6840 §5.7).
    Upstream,
    /// We: CD set, so that the resolver hands out whatever it has (RFC 6840 §5.9).
    Here,
}

/// A question made hard to guess: random id, and random case of the letters in its name (0x20).
pub(super) struct Query {
    id: u16,
    question: Question,
    octets: Vec<u8>,
}

/// The reply to a query.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reply {
    /// What it says.
    pub(super) message: Message,
    /// How long it was, in octets.
    pub(super) length: usize,
}

impl Reply {
    fn new(message: Message, octets: &[u8]) -> Box<Self> {
        Box::new(Self {
            message,
            length: octets.len(),
        })
    }
}

/// What octets from the server are to a [`Query`].
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// The reply; not yet looked into.
    Reply(Box<Reply>),
    /// Not a reply to this query; perhaps somebody guesses, so it is as if it had not come.
    Foreign,
    /// The id fits but something is wrong with the rest: not usable over UDP, where it may be forged; says what.
    Doubtful(&'static str),
}

impl Query {
    /// A query with RD and DO set, and with the flags that say who checks; within TLS padded, and asking how long the server keeps the connection.
    ///
    /// # Errors
    /// [`Fault::Unreachable`] when the random generator fails, which must not be papered over.
    pub(super) fn new(
        name: &Name,
        rtype: RecordType,
        checks: Checks,
        transport: Transport,
    ) -> Result<Self, Fault> {
        let (mut id, mut case) = ([0; 2], [0; CASE_OCTETS]);
        for octets in [&mut id[..], &mut case] {
            rand_bytes(octets).map_err(|error| {
                Fault::Unreachable(format!("no random numbers for the query: {error}"))
            })?;
        }
        let (name, id) = (name.with_case_bits(&case), u16::from_be_bytes(id));
        let question = Question {
            name,
            rtype,
            class: Class::IN,
        };
        Ok(Self::with(question, checks, id, transport))
    }

    /// The query with its random parts given.
    fn with(question: Question, checks: Checks, id: u16, transport: Transport) -> Self {
        let edns = Edns::query(UDP_SIZE, true);
        let mut message = Message::query(id, question.clone(), Some(edns));
        message.header.authentic_data = checks == Checks::Upstream;
        message.header.checking_disabled = checks == Checks::Here;
        let is_private = transport == Transport::Tls;
        if let Some(edns) = message.edns.as_mut().filter(|_| is_private) {
            edns.options.push(EdnsOption::keepalive());
        }
        Self {
            id,
            question,
            octets: match is_private {
                true => message.encode_padded(PADDING_BLOCK),
                false => message.encode(),
            },
        }
    }

    /// The message to send.
    pub(super) fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The id, for the trace.
    pub(super) const fn id(&self) -> u16 {
        self.id
    }

    /// Whether `octets` are the reply to this query.
    pub(super) fn judge(&self, octets: &[u8]) -> Judgement {
        if octets.first_chunk() != Some(&self.id.to_be_bytes()) {
            return Judgement::Foreign;
        }
        let Ok(reply) = Message::decode(octets) else {
            return Judgement::Doubtful("it is not a well-formed DNS message");
        };
        if !reply.header.response || reply.header.opcode != OPCODE_QUERY {
            return Judgement::Foreign;
        }
        match reply.questions.as_slice() {
            [question] if !self.asks(question) => Judgement::Foreign,
            [question] if !question.name.eq_case(&self.question.name) => {
                Judgement::Doubtful("it repeats the question in other upper and lower case")
            }
            [_] => Judgement::Reply(Reply::new(reply, octets)),
            [] => Judgement::Doubtful("it does not repeat the question"),
            _ => Judgement::Foreign,
        }
    }

    /// As [`Query::judge`] for a connection, which nobody off the path can write into: a server that understands nothing may leave the
    /// question out, and the case of letters protects nothing.
    pub(super) fn judge_on_connection(&self, octets: &[u8]) -> Judgement {
        match self.judge(octets) {
            Judgement::Doubtful(why) => match Message::decode(octets) {
                Ok(reply) if self.is_answered_or_not_understood_by(&reply) => {
                    Judgement::Reply(Reply::new(reply, octets))
                }
                _ => Judgement::Doubtful(why),
            },
            judgement => judgement,
        }
    }

    fn is_answered_or_not_understood_by(&self, reply: &Message) -> bool {
        match reply.questions.as_slice() {
            [question] => self.asks(question),
            [] => matches!(reply.rcode(), Rcode::FORMERR | Rcode::NOTIMP),
            _ => false,
        }
    }

    /// Whether it is this question, whatever the case of its letters.
    fn asks(&self, question: &Question) -> bool {
        question.name == self.question.name
            && question.rtype == self.question.rtype
            && question.class == self.question.class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query() -> Query {
        let question = Question {
            name: Name::parse("hOsT.Example").expect("a name"),
            rtype: RecordType::A,
            class: Class::IN,
        };
        Query::with(question, Checks::Here, 0xABCD, Transport::Udp)
    }

    fn reply(change: impl Fn(&mut Message)) -> Vec<u8> {
        let mut reply = Message::decode(query().octets()).expect("a query");
        reply.header.response = true;
        change(&mut reply);
        reply.encode()
    }

    /// The judgements over UDP and on a connection, by their first letters.
    fn judgements(octets: &[u8]) -> String {
        [query().judge(octets), query().judge_on_connection(octets)]
            .map(|judgement| match judgement {
                Judgement::Reply(reply) => {
                    assert_eq!(reply.length, octets.len());
                    'R'
                }
                Judgement::Foreign => 'F',
                Judgement::Doubtful(_) => 'D',
            })
            .into_iter()
            .collect()
    }

    #[test]
    fn replies_are_told_from_everything_else() {
        let other_case = Name::parse("host.example").expect("a name");
        for (octets, expected) in [
            (reply(|_| {}), "RR"),
            (reply(|reply| reply.header.truncated = true), "RR"),
            (reply(|reply| reply.header.id = 0xABCE), "FF"),
            (reply(|reply| reply.header.response = false), "FF"),
            (reply(|reply| reply.header.opcode = Opcode(1)), "FF"),
            (
                reply(|reply| reply.questions[0].rtype = RecordType::MX),
                "FF",
            ),
            (reply(|reply| reply.questions[0].class = Class::CH), "FF"),
            (
                reply(|reply| reply.questions[0].name = other_case.clone()),
                "DR",
            ),
            (reply(|reply| reply.questions[0].name = Name::root()), "FF"),
            (
                reply(|reply| reply.questions.push(reply.questions[0].clone())),
                "FF",
            ),
            (reply(|reply| reply.questions.clear()), "DD"),
            (
                reply(|reply| {
                    reply.questions.clear();
                    reply.set_rcode(Rcode::FORMERR);
                }),
                "DR",
            ),
            (
                reply(|reply| {
                    reply.questions.clear();
                    reply.set_rcode(Rcode::NXDOMAIN);
                }),
                "DD",
            ),
            ([reply(|_| {}), vec![0]].concat(), "DD"),
            (vec![0xAB, 0xCD], "DD"),
            (vec![0xAB], "FF"),
            (vec![], "FF"),
        ] {
            assert_eq!(judgements(&octets), expected, "{octets:?}");
        }
    }

    #[test]
    fn no_two_queries_are_alike() {
        let name = Name::parse("mail.some-long-domain.example").expect("a name");
        let new = || Query::new(&name, RecordType::TLSA, Checks::Upstream, Transport::Udp);
        let [first, second] = [0; 2].map(|_| new().expect("random"));
        assert!(first.octets() != second.octets());
        assert_eq!(first.question.name, second.question.name);
    }

    #[test]
    fn within_tls_and_only_there_length_tells_nothing() {
        let of = |name: &Name, transport| {
            let query = Query::new(name, RecordType::TLSA, Checks::Here, transport);
            let octets = query.expect("random").octets;
            let edns = Message::decode(&octets).expect("a query").edns;
            let options = edns.expect("EDNS").options;
            let codes: Vec<u16> = options.iter().map(|option| option.code.0).collect();
            (octets.len(), codes)
        };
        let (keepalive, padding) = (11, 12);
        for (length, padded) in [
            (1, 128),
            (3, 128),
            (93, 128),
            (94, 256),
            (221, 256),
            (255, 384),
        ] {
            let name = name_of(length);
            for transport in [Transport::Udp, Transport::Tcp] {
                assert_eq!(of(&name, transport), (12 + length + 4 + 11, vec![]));
            }
            let expected = (padded, vec![keepalive, padding]);
            assert_eq!(of(&name, Transport::Tls), expected, "{length}");
        }
    }

    /// A name of so many octets on the wire.
    fn name_of(length: usize) -> Name {
        let mut name = Name::root();
        while name.as_wire().len() < length {
            let left = length - name.as_wire().len() - 1;
            let label = if left > 63 { left.min(65) - 2 } else { left };
            name = name.prepend(&vec![b'a'; label]).expect("fits");
        }
        name
    }
}
