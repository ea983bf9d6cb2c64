//! Replies as tables, and replies with random octets changed.
//!
//! Records are written `[TTL:][CLASS:]OWNER TYPE DATA`, several with commas between them; an address is its last octet, and a signature
//! says the type covered, the original TTL, and the seconds until it ends.

use super::*;
use crate::dns::{Algorithm, Edns, Question};
use crate::resolver::fake::{address, alias, name, record, reply, soa};
use gateway_lab::random::Random;

/// The time of all tests here.
const NOW: u32 = 1_000_000;

fn records(text: &str) -> Vec<Record> {
    let texts = text.split(", ").filter(|text| !text.is_empty());
    texts.map(one_record).collect()
}

fn one_record(text: &str) -> Record {
    let words: Vec<&str> = text.split(' ').collect();
    let mut prefixes: Vec<&str> = words[0].split(':').collect();
    let owner = prefixes.pop().expect("an owner");
    let mut made = match &words[1..] {
        ["A", last] => address(owner, last.parse().expect(text)),
        ["CNAME", target] => alias(owner, target),
        ["DNAME", target] => record(owner, Rdata::Dname(name(target))),
        ["NS", target] => record(owner, Rdata::Ns(name(target))),
        ["SOA"] => soa(owner),
        ["RRSIG", covered, original_ttl, left] => signature(
            owner,
            covered.parse().expect(text),
            original_ttl.parse().expect(text),
            left.parse().expect(text),
        ),
        _ => panic!("{text}"),
    };
    for prefix in prefixes {
        match prefix.parse() {
            Ok(class) if prefix.starts_with(char::is_alphabetic) => made.class = class,
            _ => made.ttl = prefix.parse().expect(text),
        }
    }
    made
}

fn signature(owner: &str, type_covered: RecordType, original_ttl: u32, left: i32) -> Record {
    let rrsig = Rrsig {
        type_covered,
        algorithm: Algorithm::ECDSAP256SHA256,
        labels: 2,
        original_ttl,
        expiration: NOW.wrapping_add_signed(left),
        inception: 0,
        key_tag: 1,
        signer: name("ex"),
        signature: vec![1; 64],
    };
    Record {
        ttl: 100_000,
        ..record(owner, Rdata::Rrsig(rrsig))
    }
}

/// A reply to the question for the addresses of `a.ex`.
fn reply_of(rcode: Rcode, answers: &str, authorities: &str) -> Message {
    let question = Question {
        name: name("a.ex"),
        rtype: RecordType::A,
        class: Class::IN,
    };
    let query = Message::query(7, question, Some(Edns::query(1232, true)));
    let mut reply = reply(&query, rcode, records(answers));
    reply.authorities = records(authorities);
    reply
}

fn read_as(rtype: RecordType, reply: &Message) -> Result<Reading, Unreadable> {
    let now = Timestamp::from_unix(NOW.into());
    read(&name("a.ex"), rtype, reply, now)
}

/// The targets of the links, then what is there.
fn in_short(reading: Result<Reading, Unreadable>) -> String {
    let reading = match reading {
        Ok(reading) => reading,
        Err(Unreadable::AliasLimit) => return "limit".to_owned(),
        Err(Unreadable::Contradiction(why)) => return format!("error: {why}"),
    };
    let mut words: Vec<String> = reading.links.iter().map(|link| link.1.to_host()).collect();
    let last = reading.links.last().map(|(_, target)| target.clone());
    assert_eq!(reading.target, last.unwrap_or(name("a.ex")));
    words.push(match reading.content {
        None => "ask on".to_owned(),
        Some(Content::NoData) => "no data".to_owned(),
        Some(Content::NxDomain) => "no name".to_owned(),
        Some(Content::Records(records)) => {
            let data = records.iter().map(|record| record.data.to_string());
            data.collect::<Vec<_>>().join("+")
        }
    });
    words.join(" ")
}

#[test]
fn data_and_aliases() {
    for (answers, expected) in [
        ("a.ex A 1", "192.0.2.1"),
        ("A.EX A 1, a.ex A 2", "192.0.2.1+192.0.2.2"),
        ("a.ex A 1, b.ex A 2", "192.0.2.1"),
        ("a.ex CNAME b.ex, b.ex A 1", "b.ex 192.0.2.1"),
        // The order of records means nothing.
        (
            "c.ex A 1, b.ex CNAME c.ex, a.ex CNAME b.ex",
            "b.ex c.ex 192.0.2.1",
        ),
        ("a.ex CNAME b.ex", "b.ex ask on"),
        ("a.ex CNAME b.ex, c.ex A 1", "b.ex ask on"),
        ("a.ex CNAME b.ex, a.ex CNAME B.ex", "b.ex ask on"),
        (
            "a.ex CNAME b.ex, a.ex CNAME c.ex",
            "error: an alias has two targets",
        ),
        (
            "a.ex CNAME b.ex, a.ex A 1",
            "error: an alias has data beside it",
        ),
        ("a.ex CNAME b.ex, b.ex CNAME a.ex", "limit"),
        ("a.ex CNAME a.ex", "limit"),
        (
            "b.ex A 1",
            "error: its answers belong to other names or types",
        ),
        (
            "CH:a.ex A 1",
            "error: its answers belong to other names or types",
        ),
        ("CH:a.ex CNAME b.ex, a.ex A 1", "192.0.2.1"),
        // DNAME, with and without the alias made from it; not for its own name, and not by its letters alone.
        ("ex DNAME test, a.test A 1", "a.test 192.0.2.1"),
        (
            "ex DNAME test, a.ex CNAME a.test, a.test A 1",
            "a.test 192.0.2.1",
        ),
        (
            "ex DNAME test, a.ex CNAME b.test",
            "error: an alias has two targets",
        ),
        ("CH:ex DNAME test, a.ex A 1", "192.0.2.1"),
        ("a.ex DNAME test, a.ex A 1", "192.0.2.1"),
        ("x DNAME test, a.ex A 1", "192.0.2.1"),
    ] {
        let reply = reply_of(Rcode::NOERROR, answers, "");
        assert_eq!(
            in_short(read_as(RecordType::A, &reply)),
            expected,
            "{answers}"
        );
    }
    // 254 octets: with one more label of one letter it is too long.
    let wide = [63, 63, 63, 60].map(|length| "x".repeat(length)).join(".");
    let reply = reply_of(Rcode::NOERROR, &format!("ex DNAME {wide}"), "");
    let expected = "error: a DNAME makes the name too long";
    assert_eq!(in_short(read_as(RecordType::A, &reply)), expected);
}

#[test]
fn the_tenth_alias_is_the_last() {
    for (links, expected) in [(10, "192.0.2.1"), (11, "limit")] {
        let mut text = String::from("a.ex CNAME n1.ex");
        for number in 1..links {
            text += &format!(", n{number}.ex CNAME n{}.ex", number + 1);
        }
        text += &format!(", n{links}.ex A 1");
        let found = in_short(read_as(RecordType::A, &reply_of(Rcode::NOERROR, &text, "")));
        assert!(found.ends_with(expected), "{found}");
    }
}

#[test]
fn denials() {
    let (ok, nx) = (Rcode::NOERROR, Rcode::NXDOMAIN);
    let other = "error: the denial is for another zone";
    let to_b = "a.ex CNAME b.ex";
    for (rcode, answers, authorities, expected) in [
        (ok, "", "ex SOA", "no data"),
        (ok, "", "A.ex SOA", "no data"),
        (ok, "", ". SOA", "no data"),
        (ok, "", "", "no data"),
        (nx, "", "ex SOA", "no name"),
        (nx, "", "", "no name"),
        (ok, "", "other SOA", other),
        (nx, "", "other SOA", other),
        (ok, "", "CH:ex SOA", other),
        (
            ok,
            "",
            "ex NS ns.ex",
            "error: a referral: the server does not resolve for us",
        ),
        (ok, "", "ex NS ns.ex, ex SOA", "no data"),
        (ok, to_b, "ex SOA", "b.ex no data"),
        (nx, to_b, "ex SOA", "b.ex no name"),
        (nx, to_b, "", "b.ex no name"),
        (nx, to_b, "other SOA", other),
        (ok, to_b, "other SOA", "b.ex ask on"),
        (ok, to_b, "ex NS ns.ex", "b.ex ask on"),
        (nx, "a.ex A 1", "", "error: NXDOMAIN, and data"),
        (
            nx,
            "b.ex A 1",
            "ex SOA",
            "error: its answers belong to other names or types",
        ),
    ] {
        let reply = reply_of(rcode, answers, authorities);
        let found = in_short(read_as(RecordType::A, &reply));
        assert_eq!(found, expected, "{rcode}: {answers} / {authorities}");
    }
}

#[test]
fn aliases_asked_for_are_not_followed() {
    let reply = reply_of(Rcode::NOERROR, "a.ex CNAME b.ex, b.ex CNAME c.ex", "");
    for rtype in [RecordType::CNAME, RecordType::ANY] {
        assert_eq!(in_short(read_as(rtype, &reply)), "b.ex.");
    }
}

#[test]
fn the_random_case_of_the_question_does_not_show() {
    let mut reply = reply_of(Rcode::NOERROR, "A.eX CNAME b.eX, b.eX A 1", "");
    let reading = read_as(RecordType::A, &reply).expect("data");
    let (owner, target) = &reading.links[0];
    assert!(owner.eq_case(&name("a.ex")) && target.eq_case(&name("b.ex")));
    let mut both = records("A.eX A 1, A.eX A 2");
    let exchange = name("mail.A.eX");
    both[0].data = Rdata::Mx {
        preference: 10,
        exchange,
    };
    both.swap(0, 1);
    reply.answers = both;
    let reading = read_as(RecordType::MX, &reply).expect("data");
    match reading.content {
        Some(Content::Records(found)) => {
            assert_eq!(found[0].to_string(), "a.ex. 300 IN MX 10 mail.a.ex.");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_additional_section_is_never_looked_at() {
    let mut reply = reply_of(Rcode::NOERROR, "", "");
    reply.additionals = records("a.ex A 1, ex SOA");
    let reading = read_as(RecordType::A, &reply).expect("a denial");
    assert_eq!((reading.content, reading.ttl), (Some(Content::NoData), 0));
}

#[test]
fn the_shortest_time_counts() {
    for (answers, expected) in [
        ("a.ex A 1", 300),
        ("a.ex A 1, 20:a.ex A 2", 20),
        ("0:a.ex A 1", 0),
        ("2147483647:a.ex A 1", TTL_AT_MOST),
        // A negative number, by RFC 2181 §8.
        ("2147483649:a.ex A 1", 0),
        ("a.ex A 1, a.ex RRSIG A 200 5000", 200),
        ("a.ex A 1, a.ex RRSIG A 5000 100", 100),
        ("a.ex A 1, a.ex RRSIG A 5000 5000", 300),
        ("a.ex A 1, 50:a.ex RRSIG A 5000 5000", 50),
        ("a.ex A 1, a.ex RRSIG A 5000 0", 0),
        ("a.ex A 1, a.ex RRSIG A 5000 -9", 0),
        ("a.ex A 1, a.ex RRSIG A 5000 -9, a.ex RRSIG A 5000 70", 70),
        ("a.ex A 1, a.ex RRSIG A 5000 90, a.ex RRSIG A 5000 70", 70),
        ("a.ex A 1, a.ex RRSIG MX 1 1, b.ex RRSIG A 1 1", 300),
        ("10:a.ex CNAME b.ex, b.ex A 1", 10),
        ("400:a.ex CNAME b.ex, b.ex A 1", 300),
        ("a.ex CNAME b.ex, a.ex RRSIG CNAME 30 30, b.ex A 1", 30),
        ("a.ex CNAME b.ex, b.ex A 1, b.ex RRSIG A 5000 9", 9),
        ("8:ex DNAME test, a.ex CNAME a.test", 8),
        ("ex DNAME test, ex RRSIG DNAME 5000 7", 7),
        ("400:a.ex CNAME b.ex", 400),
    ] {
        let reply = reply_of(Rcode::NOERROR, answers, "");
        let reading = read_as(RecordType::A, &reply).expect(answers);
        assert_eq!(reading.ttl, expected, "{answers}");
    }
}

#[test]
fn tlsa_records_are_used_for_an_hour_at_most() {
    let mut reply = reply_of(Rcode::NOERROR, "80000:a.ex A 1", "");
    assert_eq!(read_as(RecordType::A, &reply).expect("data").ttl, 80_000);
    reply.answers[0].data = Rdata::Unknown {
        rtype: RecordType::TLSA,
        data: vec![3, 1, 1],
    };
    let reading = read_as(RecordType::TLSA, &reply).expect("data");
    assert_eq!(reading.ttl, TLSA_TTL_AT_MOST);
}

#[test]
fn denials_last_as_their_zone_says() {
    for (authorities, expected) in [
        ("ex SOA", 60),
        ("20:ex SOA", 20),
        ("ex SOA, ex RRSIG SOA 40 5000", 40),
        ("ex SOA, ex RRSIG SOA 5000 9", 9),
        ("", 0),
    ] {
        for rcode in [Rcode::NOERROR, Rcode::NXDOMAIN] {
            let reply = reply_of(rcode, "", authorities);
            let reading = read_as(RecordType::A, &reply).expect("a denial");
            assert_eq!(reading.ttl, expected, "{authorities}");
        }
    }
    let mut reply = reply_of(Rcode::NXDOMAIN, "", "90000:ex SOA");
    if let Rdata::Soa(soa) = &mut reply.authorities[0].data {
        soa.minimum = 90_000;
    }
    let reading = read_as(RecordType::A, &reply).expect("a denial");
    assert_eq!(reading.ttl, NEGATIVE_TTL_AT_MOST);
}

#[test]
fn whatever_a_reply_says_is_read_by_the_rules() {
    let templates = [
        (Rcode::NOERROR, "a.ex A 1, a.ex RRSIG A 9 9", ""),
        (
            Rcode::NOERROR,
            "a.ex CNAME b.ex, b.ex CNAME c.ex, c.ex A 1",
            "",
        ),
        (
            Rcode::NOERROR,
            "ex DNAME b.ex, a.ex CNAME a.b.ex, a.b.ex A 1",
            "",
        ),
        (Rcode::NXDOMAIN, "a.ex CNAME b.ex", "ex SOA, ex NS ns.ex"),
    ]
    .map(|(rcode, answers, authorities)| reply_of(rcode, answers, authorities).encode());
    let mut random = Random::new(0x5EED_0001);
    let mut read_so_far = [0; 2];
    for round in 0..40_000 {
        let mut octets = templates[round % templates.len()].clone();
        for _ in 0..=random.below(4) {
            let at = random.below(octets.len() - 12) + 12;
            octets[at] = u8::try_from(random.below(256)).expect("an octet");
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
        let mut at = name("a.ex");
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
