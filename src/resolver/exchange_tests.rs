//! One question to one scripted server on loopback: what is taken for a reply, and when TCP is used.

use super::*;
use crate::dns::{Class, Opcode, Rcode};
use crate::resolver::fake::{Fake, address, name, reply};
use crate::resolver::query::Checks;

/// Long enough for a loaded machine to answer.
const PATIENT: Duration = Duration::from_secs(5);
/// For servers that will not answer.
const SHORT: Duration = Duration::from_millis(100);

fn ask(fake: &Fake, transport: Transport, udp_wait: Duration) -> Result<Box<Reply>, Fault> {
    let way = Way {
        wire: Wire {
            server: fake.address,
            checks: Checks::Upstream,
            udp_wait,
            observers: &[],
        },
        link: None,
    };
    let deadline = Deadline::after(PATIENT);
    way.ask(&name("host.example"), RecordType::A, transport, deadline)
}

fn good(query: &Message) -> Message {
    reply(query, Rcode::NOERROR, vec![address("host.example", 1)])
}

/// Looks like the good reply, and sends the mail elsewhere.
fn evil(query: &Message) -> Message {
    reply(query, Rcode::NOERROR, vec![address("host.example", 66)])
}

fn assert_good(outcome: Result<Box<Reply>, Fault>, what: &str) {
    let reply = outcome.expect(what);
    assert_eq!(
        reply.message.answers,
        [address("host.example", 1)],
        "{what}"
    );
}

type Change = fn(&mut Message);
type Spoil = fn(&mut Message) -> Vec<u8>;
type Say = fn(&Message) -> Vec<Vec<u8>>;

/// Changes of a good reply that make it none.
const FORGERIES: [(&str, Change); 8] = [
    ("id", |reply| reply.header.id ^= 0x0100),
    ("query", |reply| reply.header.response = false),
    ("opcode", |reply| reply.header.opcode = Opcode(4)),
    ("name", |reply| {
        reply.questions[0].name = name("other.example");
    }),
    ("type", |reply| reply.questions[0].rtype = RecordType::AAAA),
    ("class", |reply| reply.questions[0].class = Class(3)),
    ("questions", |reply| {
        reply.questions.push(reply.questions[0].clone());
    }),
    ("below", |reply| {
        reply.questions[0].name = reply.questions[0].name.prepend(b"x").expect("fits");
    }),
];

#[test]
fn forged_replies_are_passed_over_until_the_right_one_comes() {
    let fake = Fake::start(|_, query| {
        let forged = FORGERIES.map(|(_, change)| {
            let mut forged = evil(query);
            change(&mut forged);
            forged.encode()
        });
        let mut sent = vec![vec![], vec![0], b"garbage of some length".to_vec()];
        sent.extend(forged);
        sent.push(good(query).encode());
        sent
    });
    assert_good(ask(&fake, Transport::Udp, PATIENT), "the last one");
    assert_eq!(fake.seen(), [1, 0]);
}

#[test]
fn forged_replies_alone_are_silence() {
    for (what, change) in FORGERIES {
        let fake = Fake::start_udp(move |_, query| {
            let mut forged = good(query);
            change(&mut forged);
            vec![forged.encode()]
        });
        let outcome = ask(&fake, Transport::Udp, SHORT);
        assert_eq!(outcome.err(), Some(Fault::Timeout), "{what}");
    }
}

#[test]
fn doubtful_replies_are_fetched_over_tcp() {
    let changes: [(&str, Spoil); 4] = [
        ("case", |reply| {
            let question = &mut reply.questions[0];
            let wire = question.name.as_wire();
            let turned: Vec<u8> = (0..32)
                .map(|_| u8::from(wire[1].is_ascii_lowercase()) * 255)
                .collect();
            question.name = question.name.with_case_bits(&turned);
            reply.encode()
        }),
        ("truncated", |reply| {
            reply.header.truncated = true;
            reply.encode()
        }),
        ("cut off", |reply| {
            let mut octets = reply.encode();
            octets.truncate(octets.len() - 3);
            octets
        }),
        ("garbage behind", |reply| {
            let mut octets = reply.encode();
            octets.push(0);
            octets
        }),
    ];
    for (what, change) in changes {
        let script = move |transport, query: &Message| match transport {
            Transport::Udp => {
                vec![change(&mut evil(query))]
            }
            Transport::Tcp | Transport::Tls => vec![good(query).encode()],
        };
        let fake = Fake::start(script);
        assert_good(ask(&fake, Transport::Udp, PATIENT), what);
        assert_eq!(fake.seen(), [1, 1], "{what}");
        let fake = Fake::start_udp(script);
        let refused = ask(&fake, Transport::Udp, PATIENT);
        assert!(matches!(refused, Err(Fault::Unreachable(_))), "{what}");
    }
}

#[test]
fn what_is_wrong_over_tcp_is_an_error() {
    let scripts: [(&str, Say); 4] = [
        ("well-formed", |query| {
            vec![[good(query).encode(), vec![0]].concat()]
        }),
        ("truncated", |query| {
            let mut reply = good(query);
            reply.header.truncated = true;
            vec![reply.encode()]
        }),
        ("not asked", |_| vec![b"xx".to_vec(); 9]),
        ("before the reply was whole", |_| vec![vec![]]),
    ];
    for (expected, script) in scripts {
        let fake = Fake::start(move |_, query| script(query));
        let text = match ask(&fake, Transport::Tcp, PATIENT) {
            Err(Fault::Malformed(why) | Fault::Unreachable(why)) => why,
            other => panic!("{other:?}"),
        };
        assert!(text.contains(expected), "{text}");
        assert_eq!(fake.seen(), [0, 1]);
    }
}

#[test]
fn a_long_reply_comes_whole_over_tcp() {
    let fake = Fake::start(|transport, query| {
        let many = (0..=255).map(|last| address("host.example", last));
        let reply = reply(query, Rcode::NOERROR, many.collect());
        vec![match transport {
            Transport::Udp => reply.encode_within(1232),
            Transport::Tcp | Transport::Tls => reply.encode(),
        }]
    });
    let whole = ask(&fake, Transport::Udp, PATIENT).expect("a reply");
    assert_eq!(whole.message.answers.len(), 256);
}

#[test]
fn a_server_that_understands_nothing_is_recognised() {
    let fake = Fake::start(|_, query| {
        let mut reply = reply(query, Rcode::FORMERR, vec![]);
        reply.questions.clear();
        reply.edns = None;
        vec![reply.encode()]
    });
    let outcome = ask(&fake, Transport::Udp, PATIENT);
    assert!(matches!(outcome, Err(Fault::NoDnssec(_))));
    // A reply without the question is not taken from UDP.
    assert_eq!(fake.seen(), [1, 1]);
}
