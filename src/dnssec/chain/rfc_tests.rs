//! The responses of RFC 4035 Appendix B and RFC 5155 Appendix B, validated from the key of their zone at their time.

use super::*;
use crate::dns::{Rdata, RecordType, zonefile};

const RFC_4035: (&str, u64) = (
    include_str!("../../../tests/data/dnssec/rfc4035.zone"),
    1_081_800_000,
);
const RFC_5155: (&str, u64) = (
    include_str!("../../../tests/data/dnssec/rfc5155.zone"),
    1_200_000_000,
);

fn id(text: &str) -> RrsetId {
    let (owner, rtype) = text.split_once(' ').unwrap();
    RrsetId {
        owner: Name::parse(owner).unwrap(),
        rtype: rtype.parse().unwrap(),
    }
}

/// The RRsets of these owners and types, with their signatures.
fn section(zone: &[Record], sets: &[&str]) -> Vec<Record> {
    let is_of = |record: &Record, set: &RrsetId| {
        let rtype = match &record.data {
            Rdata::Rrsig(rrsig) => rrsig.type_covered,
            data => data.rtype(),
        };
        record.name == set.owner && rtype == set.rtype
    };
    let of = |set: &&str| {
        let set = id(set);
        let records: Vec<_> = zone
            .iter()
            .filter(|record| is_of(record, &set))
            .cloned()
            .collect();
        assert!(!records.is_empty(), "{set}");
        records
    };
    sets.iter().flat_map(of).collect()
}

/// Validates an answer; each reply is given by its question, answer and authority.
fn verdict(
    (text, time): (&str, u64),
    question: &str,
    replies: &[(&str, Vec<Record>, Vec<Record>)],
) -> String {
    let zone = zonefile::parse(text, &Name::root()).unwrap();
    let keys = zone
        .iter()
        .filter(|record| record.rtype() == RecordType::DNSKEY);
    let entry = keys
        .filter(|record| matches!(&record.data, Rdata::Dnskey(key) if key.is_secure_entry_point()));
    let anchors = TrustAnchors::parse(
        &entry
            .map(|record| format!("{record}\n"))
            .collect::<String>(),
    )
    .unwrap();
    let settings = Settings {
        anchors: &anchors,
        algorithms: Algorithms::of_examples(),
        now: Timestamp::from_unix(time),
    };
    let mut validation = Validation::new(id(question), settings);
    let word = |why: &Why| format!("{why:?}").split(' ').next().unwrap().to_owned();
    for _ in 0..4 {
        match validation.progress(&()) {
            Progress::Need(questions) => {
                for question in questions {
                    let of = |one: &&(&str, Vec<Record>, Vec<Record>)| id(one.0) == question;
                    let reply = match replies.iter().find(of) {
                        Some((_, answers, authorities)) => {
                            Ok((answers.clone(), authorities.clone()))
                        }
                        None if question == id("example DNSKEY") => {
                            Ok((section(&zone, &["example DNSKEY"]), Vec::new()))
                        }
                        None => Err("nobody there".to_owned()),
                    };
                    let reply = reply.map(|(answers, authorities)| Reply {
                        rcode: Rcode::NOERROR,
                        answers,
                        authorities,
                    });
                    validation.supply(&question, reply);
                }
            }
            Progress::Done(outcome) => {
                return match outcome.answer {
                    Err(why) => word(&why),
                    Ok(answer) => {
                        let content = match &answer.content {
                            Content::Records(records) => format!("{} records", records.len()),
                            other => format!("{other:?}"),
                        };
                        let why = answer.why.as_ref().map_or("secure".to_owned(), word);
                        format!("{why} {content}")
                    }
                };
            }
        }
    }
    panic!("{question}: no end");
}

/// Each response whole, and without each of its authority RRsets, which must never be enough.
#[test]
fn responses_of_the_rfcs() {
    for (of, question, answers, authorities, expected) in [
        (
            RFC_4035,
            "x.w.example MX",
            &["x.w.example MX"][..],
            &[][..],
            "secure 1 records",
        ),
        (
            RFC_4035,
            "ml.example A",
            &[],
            &["b.example NSEC", "example NSEC"],
            "secure NxDomain",
        ),
        (
            RFC_4035,
            "ns1.example MX",
            &[],
            &["ns1.example NSEC"],
            "secure NoData",
        ),
        (
            RFC_4035,
            "a.example DS",
            &["a.example DS"],
            &[],
            "secure 1 records",
        ),
        (
            RFC_4035,
            "b.example DS",
            &[],
            &["b.example NSEC"],
            "secure NoData",
        ),
        (
            RFC_4035,
            "a.z.w.example MX",
            &["a.z.w.example MX"],
            &["x.y.w.example NSEC"],
            "secure 1 records",
        ),
        (
            RFC_4035,
            "a.z.w.example AAAA",
            &[],
            &["x.y.w.example NSEC", "*.w.example NSEC"],
            "secure NoData",
        ),
        (
            RFC_5155,
            "a.c.x.w.example A",
            &[],
            &[
                "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example NSEC3",
                "b4um86eghhds6nea196smvmlo4ors995.example NSEC3",
                "35mthgpgcu1qg68fab165klnsnk3dpvl.example NSEC3",
            ],
            "OptOut NxDomain",
        ),
        (
            RFC_5155,
            "ns1.example MX",
            &[],
            &["2t7b4g4vsa5smi47k61mv5bv1a22bojr.example NSEC3"],
            "secure NoData",
        ),
        (
            RFC_5155,
            "y.w.example A",
            &[],
            &["ji6neoaepv8b5o6k4ev33abha8ht9fgc.example NSEC3"],
            "secure NoData",
        ),
        (
            RFC_5155,
            "c.example DS",
            &[],
            &[
                "35mthgpgcu1qg68fab165klnsnk3dpvl.example NSEC3",
                "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example NSEC3",
            ],
            "OptOut NoData",
        ),
        (
            RFC_5155,
            "a.example DS",
            &["a.example DS"],
            &[],
            "secure 1 records",
        ),
        (
            RFC_5155,
            "a.z.w.example MX",
            &["a.z.w.example MX"],
            &["q04jkcevqvmu85r014c7dkba38o0ji5r.example NSEC3"],
            "OptOut 1 records",
        ),
        (
            RFC_5155,
            "a.z.w.example AAAA",
            &[],
            &[
                "k8udemvp1j2f7eg6jebps17vp3n8i58h.example NSEC3",
                "q04jkcevqvmu85r014c7dkba38o0ji5r.example NSEC3",
                "r53bq7cc2uvmubfu5ocmm6pers9tk9en.example NSEC3",
            ],
            "OptOut NoData",
        ),
    ] {
        let zone = zonefile::parse(of.0, &Name::root()).unwrap();
        let validated = |authorities: &[&str], of| {
            let reply = (
                question,
                section(&zone, answers),
                section(&zone, authorities),
            );
            verdict(of, question, &[reply])
        };
        assert_eq!(validated(authorities, of), expected, "{question}");
        for number in 0..authorities.len() {
            let mut fewer = authorities.to_vec();
            fewer.remove(number);
            let verdict = validated(&fewer, of);
            // Where nothing is signed, a cut is looked for, and nobody answers.
            let expected = match (answers.is_empty(), fewer.is_empty()) {
                (true, true) if !question.ends_with(" DS") => "Unanswered",
                (true, _) => "DenialMissing",
                (false, _) => "WildcardUnproven",
            };
            assert_eq!(
                verdict, expected,
                "{question} without {}",
                authorities[number]
            );
        }
        let late = validated(authorities, (of.0, of.1 + 400_000_000));
        assert_eq!(late, "Expired", "{question}");
    }
}

/// RFC 4035 §B.5, RFC 5155 §B.3: what lies behind a referral to an unsigned zone.
#[test]
fn referrals_to_unsigned_zones() {
    for (of, question, cut, authorities, expected) in [
        (
            RFC_4035,
            "mc.b.example MX",
            "b.example DS",
            &["b.example NSEC"][..],
            "Unsigned 1 records",
        ),
        (
            RFC_4035,
            "mc.b.example MX",
            "b.example DS",
            &["ns1.example NSEC"],
            "DenialMissing",
        ),
        (
            RFC_5155,
            "mc.c.example MX",
            "c.example DS",
            &[
                "35mthgpgcu1qg68fab165klnsnk3dpvl.example NSEC3",
                "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example NSEC3",
            ],
            "OptOut 1 records",
        ),
        (
            RFC_5155,
            "mc.c.example MX",
            "c.example DS",
            &["35mthgpgcu1qg68fab165klnsnk3dpvl.example NSEC3"],
            "DenialMissing",
        ),
    ] {
        let zone = zonefile::parse(of.0, &Name::root()).unwrap();
        let owner = question.split(' ').next().unwrap();
        let mx = zonefile::parse(&format!("{owner}. 60 MX 10 {owner}."), &Name::root()).unwrap();
        let replies = [
            (question, mx, Vec::new()),
            (cut, Vec::new(), section(&zone, authorities)),
        ];
        assert_eq!(
            verdict(of, question, &replies),
            expected,
            "{question} {authorities:?}"
        );
    }
}
