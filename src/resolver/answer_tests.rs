//! Replies as tables, and replies with random octets changed.

use super::*;
use crate::dns::{Algorithm, Edns, Question};
use crate::resolver::fake::{address, alias, name, record, reply, soa};

/// The time of all tests here.
const NOW: u32 = 1_000_000;

fn query(owner: &str, rtype: RecordType) -> Message {
    let question = Question {
        name: name(owner),
        rtype,
        class: Class::IN,
    };
    Message::query(7, question, Some(Edns::query(1232, true)))
}

fn read_as(rtype: RecordType, reply: &Message) -> Result<Reading, Unreadable> {
    let asked = name("a.example");
    read(&asked, rtype, reply, Timestamp::from_unix(NOW.into()))
}

fn answers(records: Vec<Record>) -> Message {
    reply(&query("a.example", RecordType::A), Rcode::NOERROR, records)
}

fn denial_of(rcode: Rcode, records: Vec<Record>, authorities: Vec<Record>) -> Message {
    let mut reply = answers(records);
    reply.set_rcode(rcode);
    reply.authorities = authorities;
    reply
}

fn dname(owner: &str, target: &str) -> Record {
    record(owner, Rdata::Dname(name(target)))
}

fn ns() -> Record {
    record("example", Rdata::Ns(name("ns.example")))
}

fn of_class(class: Class, record: Record) -> Record {
    Record { class, ..record }
}

fn with_ttl(ttl: u32, record: Record) -> Record {
    Record { ttl, ..record }
}

fn signature(owner: &str, type_covered: RecordType, original_ttl: u32, left: u32) -> Record {
    record(
        owner,
        Rdata::Rrsig(Rrsig {
            type_covered,
            algorithm: Algorithm::ECDSAP256SHA256,
            labels: 2,
            original_ttl,
            expiration: NOW.wrapping_add(left),
            inception: 0,
            key_tag: 1,
            signer: name("example"),
            signature: vec![1; 64],
        }),
    )
}

/// A reading in short: the targets of the links, then what is there.
fn in_short(reading: Result<Reading, Unreadable>) -> String {
    let reading = match reading {
        Ok(reading) => reading,
        Err(Unreadable::AliasLimit) => return "limit".to_owned(),
        Err(Unreadable::Contradiction(why)) => return format!("contradiction: {why}"),
    };
    let mut words: Vec<String> = reading.links.iter().map(|link| link.1.to_host()).collect();
    let last = reading.links.last().map(|(_, target)| target.clone());
    assert_eq!(reading.target, last.unwrap_or(name("a.example")));
    words.push(match reading.content {
        None => "ask on".to_owned(),
        Some(Content::NoData) => "no data".to_owned(),
        Some(Content::NxDomain) => "no name".to_owned(),
        Some(Content::Records(records)) => {
            assert!(records.iter().all(|record| record.name == reading.target));
            let data = records.iter().map(|record| record.data.to_string());
            data.collect::<Vec<_>>().join("+")
        }
    });
    words.join(" ")
}

/// Reads an answer section, and compares in short.
fn check(records: Vec<Record>, expected: &str) {
    let reply = answers(records);
    let found = in_short(read_as(RecordType::A, &reply));
    assert_eq!(found, expected, "{:?}", reply.answers);
}

#[test]
fn data_and_aliases() {
    for (records, expected) in [
        (vec![address("a.example", 1)], "192.0.2.1"),
        (
            vec![address("A.EXAMPLE", 1), address("a.example", 2)],
            "192.0.2.1+192.0.2.2",
        ),
        (
            vec![address("a.example", 1), address("b.example", 2)],
            "192.0.2.1",
        ),
        (
            vec![alias("a.example", "b.example"), address("b.example", 1)],
            "b.example 192.0.2.1",
        ),
        // The order of records means nothing.
        (
            vec![
                address("c.example", 1),
                alias("b.example", "c.example"),
                alias("a.example", "b.example"),
            ],
            "b.example c.example 192.0.2.1",
        ),
        (vec![alias("a.example", "b.example")], "b.example ask on"),
        (
            vec![alias("a.example", "b.example"), address("c.example", 1)],
            "b.example ask on",
        ),
        (
            vec![
                alias("a.example", "b.example"),
                alias("a.example", "B.example"),
            ],
            "b.example ask on",
        ),
        (
            vec![
                alias("a.example", "b.example"),
                alias("a.example", "c.example"),
            ],
            "contradiction: an alias has two targets",
        ),
        (
            vec![alias("a.example", "b.example"), address("a.example", 1)],
            "contradiction: an alias has data beside it",
        ),
        (
            vec![
                alias("a.example", "b.example"),
                alias("b.example", "a.example"),
            ],
            "limit",
        ),
        (vec![alias("a.example", "a.example")], "limit"),
        (
            vec![of_class(Class::CH, address("a.example", 1))],
            "contradiction: its answers belong to other names or types",
        ),
        (
            vec![
                of_class(Class::CH, alias("a.example", "b.example")),
                address("a.example", 1),
            ],
            "192.0.2.1",
        ),
        (
            vec![address("b.example", 1)],
            "contradiction: its answers belong to other names or types",
        ),
    ] {
        check(records, expected);
    }
}

/// DNAME, with and without the alias made from it; not for its own name, and not by its letters alone.
#[test]
fn dnames() {
    // 254 octets: with one more label of one letter it is too long.
    let wide = [63, 63, 63, 60].map(|length| "x".repeat(length)).join(".");
    for (records, expected) in [
        (
            vec![dname("example", "test"), address("a.test", 1)],
            "a.test 192.0.2.1",
        ),
        (
            vec![
                dname("example", "test"),
                alias("a.example", "a.test"),
                address("a.test", 1),
            ],
            "a.test 192.0.2.1",
        ),
        (
            vec![dname("example", "test"), alias("a.example", "b.test")],
            "contradiction: an alias has two targets",
        ),
        (
            vec![dname("example", &wide)],
            "contradiction: a DNAME makes the name too long",
        ),
        (
            vec![dname("a.example", "test"), address("a.example", 1)],
            "192.0.2.1",
        ),
        (
            vec![dname("xample", "test"), address("a.example", 1)],
            "192.0.2.1",
        ),
    ] {
        check(records, expected);
    }
}

#[test]
fn denials() {
    let to_b = || vec![alias("a.example", "b.example")];
    let (ok, nx) = (Rcode::NOERROR, Rcode::NXDOMAIN);
    let other = "contradiction: the denial is for another zone";
    for (rcode, records, authorities, expected) in [
        (ok, vec![], vec![soa("example")], "no data"),
        (ok, vec![], vec![soa("A.example")], "no data"),
        (ok, vec![], vec![soa(".")], "no data"),
        (ok, vec![], vec![], "no data"),
        (nx, vec![], vec![soa("example")], "no name"),
        (nx, vec![], vec![], "no name"),
        (ok, vec![], vec![soa("other")], other),
        (nx, vec![], vec![soa("other")], other),
        (ok, vec![], vec![of_class(Class::CH, soa("example"))], other),
        (
            ok,
            vec![],
            vec![ns()],
            "contradiction: a referral: the server does not resolve for us",
        ),
        (ok, vec![], vec![ns(), soa("example")], "no data"),
        (ok, to_b(), vec![soa("example")], "b.example no data"),
        (nx, to_b(), vec![soa("example")], "b.example no name"),
        (nx, to_b(), vec![], "b.example no name"),
        (nx, to_b(), vec![soa("other")], other),
        (ok, to_b(), vec![soa("other")], "b.example ask on"),
        (ok, to_b(), vec![ns()], "b.example ask on"),
        (
            nx,
            vec![address("a.example", 1)],
            vec![],
            "contradiction: NXDOMAIN, and data",
        ),
        (
            nx,
            vec![address("b.example", 1)],
            vec![soa("example")],
            "contradiction: its answers belong to other names or types",
        ),
    ] {
        let reply = denial_of(rcode, records, authorities);
        let found = in_short(read_as(RecordType::A, &reply));
        assert_eq!(
            found, expected,
            "{:?} {:?}",
            reply.answers, reply.authorities
        );
    }
}

#[test]
fn aliases_asked_for_are_not_followed() {
    let reply = answers(vec![
        alias("a.example", "b.example"),
        alias("b.example", "c.example"),
    ]);
    assert_eq!(in_short(read_as(RecordType::CNAME, &reply)), "b.example.");
    assert_eq!(in_short(read_as(RecordType::ANY, &reply)), "b.example.");
}

#[test]
fn the_additional_section_is_never_looked_at() {
    let mut reply = answers(vec![]);
    reply.additionals = vec![address("a.example", 1), soa("example")];
    let reading = read_as(RecordType::A, &reply).expect("a denial");
    assert_eq!((reading.content, reading.ttl), (Some(Content::NoData), 0));
}

#[test]
fn the_shortest_time_counts() {
    let a = || address("a.example", 1);
    let rrsig = |original, left| signature("a.example", RecordType::A, original, left);
    let to_b = |ttl| with_ttl(ttl, alias("a.example", "b.example"));
    for (records, expected) in [
        (vec![a()], 300),
        (vec![a(), with_ttl(20, address("a.example", 2))], 20),
        (vec![with_ttl(0, a())], 0),
        // A negative number, by RFC 2181 §8.
        (vec![with_ttl(0x8000_0001, a())], 0),
        (vec![with_ttl(0x7FFF_FFFF, a())], TTL_AT_MOST),
        (vec![a(), rrsig(200, 5000)], 200),
        (vec![a(), rrsig(5000, 100)], 100),
        (vec![a(), rrsig(5000, 5000)], 300),
        (vec![a(), with_ttl(50, rrsig(5000, 5000))], 50),
        (vec![a(), rrsig(5000, 0)], 0),
        (vec![a(), rrsig(5000, 0_u32.wrapping_sub(9))], 0),
        (
            vec![a(), rrsig(5000, 0_u32.wrapping_sub(9)), rrsig(5000, 70)],
            70,
        ),
        (vec![a(), signature("a.example", RecordType::MX, 1, 1)], 300),
        (vec![a(), signature("b.example", RecordType::A, 1, 1)], 300),
        (vec![to_b(10), address("b.example", 1)], 10),
        (vec![to_b(400), address("b.example", 1)], 300),
        (
            vec![
                to_b(400),
                signature("a.example", RecordType::CNAME, 30, 30),
                address("b.example", 1),
            ],
            30,
        ),
        (vec![with_ttl(8, dname("example", "test"))], 8),
        (vec![to_b(400)], 400),
    ] {
        let reply = answers(records);
        let reading = read_as(RecordType::A, &reply).expect("readable");
        assert_eq!(reading.ttl, expected, "{:?}", reply.answers);
    }
    let tlsa = Rdata::Unknown {
        rtype: RecordType::TLSA,
        data: vec![3, 1, 1],
    };
    let reply = answers(vec![with_ttl(80_000, record("a.example", tlsa))]);
    let reading = read_as(RecordType::TLSA, &reply).expect("data");
    assert_eq!(reading.ttl, TLSA_TTL_AT_MOST);
}

#[test]
fn denials_last_as_their_zone_says() {
    for (authorities, expected) in [
        (vec![soa("example")], 60),
        (vec![with_ttl(20, soa("example"))], 20),
        (
            vec![
                soa("example"),
                signature("example", RecordType::SOA, 40, 5000),
            ],
            40,
        ),
        (
            vec![
                soa("example"),
                signature("example", RecordType::SOA, 5000, 9),
            ],
            9,
        ),
        (vec![], 0),
    ] {
        for rcode in [Rcode::NOERROR, Rcode::NXDOMAIN] {
            let reply = denial_of(rcode, vec![], authorities.clone());
            let reading = read_as(RecordType::A, &reply).expect("a denial");
            assert_eq!(reading.ttl, expected, "{authorities:?}");
        }
    }
    let mut long = soa("example");
    if let Rdata::Soa(soa) = &mut long.data {
        soa.minimum = 90_000;
    }
    let reply = denial_of(Rcode::NXDOMAIN, vec![], vec![with_ttl(90_000, long)]);
    let reading = read_as(RecordType::A, &reply).expect("a denial");
    assert_eq!(reading.ttl, NEGATIVE_TTL_AT_MOST);
}

/// A small generator of random numbers, so that a failure can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).expect("48 bits") % limit
    }
}

#[test]
fn whatever_a_reply_says_is_read_by_the_rules() {
    let templates = [
        answers(vec![
            address("a.example", 1),
            signature("a.example", RecordType::A, 9, 9),
        ]),
        answers(vec![
            alias("a.example", "b.example"),
            alias("b.example", "c.example"),
            address("c.example", 1),
        ]),
        answers(vec![
            dname("example", "a.example"),
            alias("a.example", "a.a.example"),
            address("a.a.example", 1),
        ]),
        denial_of(
            Rcode::NXDOMAIN,
            vec![alias("a.example", "b.example")],
            vec![soa("example"), ns()],
        ),
    ]
    .map(|reply| reply.encode());
    let mut dice = Dice(0x5EED_0001);
    let mut read_so_far = [0; 2];
    for round in 0..40_000 {
        let mut octets = templates[round % templates.len()].clone();
        for _ in 0..=dice.below(4) {
            let at = dice.below(octets.len() - 12) + 12;
            octets[at] = u8::try_from(dice.below(256)).expect("an octet");
        }
        let Ok(reply) = Message::decode(&octets) else {
            continue;
        };
        if !matches!(reply.rcode(), Rcode::NOERROR | Rcode::NXDOMAIN) {
            continue;
        }
        let Ok(reading) = read_as(RecordType::A, &reply) else {
            read_so_far[0] += 1;
            continue;
        };
        read_so_far[1] += 1;
        assert!(reading.links.len() <= ALIASES_AT_MOST && reading.ttl <= TTL_AT_MOST);
        let mut at = name("a.example");
        for (owner, target) in &reading.links {
            assert_eq!(*owner, at);
            at = target.clone();
        }
        assert_eq!(reading.target, at);
        if let Some(Content::Records(records)) = &reading.content {
            assert!(!records.is_empty() && reply.rcode() == Rcode::NOERROR);
            for record in records {
                assert!(record.name == at && record.class == Class::IN);
                assert_eq!(record.rtype(), RecordType::A);
            }
        }
    }
    // The changes must leave enough to be read, and break enough.
    assert!(
        read_so_far.iter().all(|count| *count > 1000),
        "{read_so_far:?}"
    );
}
