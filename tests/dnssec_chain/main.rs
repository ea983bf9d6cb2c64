//! Whole validations, driven by hand from the trust anchor to the answer, at a time of our choice.

mod tampered;
mod universe;

use std::time::Duration;

use gateway::dns::RecordType;
use gateway::dnssec::chain::{Settings, Trust};
use gateway::dnssec::{Algorithms, Security, TrustAnchors};
use gateway::time::Timestamp;
use gateway_lab::validation::{Memory, validate};
use gateway_lab::world::Validity;
use gateway_lab::{World, Zone};
use universe::{NOW, Order, Run, id, name, universe, without_keys};

/// What the zones say, all of it as it is.
const VERDICTS: &[(&str, &str)] = &[
    ("s.test MX", "secure 10 mx.s.test."),
    ("mx.s.test A", "secure 192.0.2.1"),
    ("MX.S.Test A", "secure 192.0.2.1"),
    ("_25._tcp.mx.s.test TLSA", "secure 3 1 1 AA"),
    ("_26._tcp.mx.s.test TLSA", "secure NxDomain"),
    ("mx.s.test AAAA", "secure NoData"),
    ("ent.s.test A", "secure NoData"),
    ("none.s.test A", "secure NxDomain"),
    ("none.test A", "secure NxDomain"),
    ("none A", "secure NxDomain"),
    (". NS", "secure ns."),
    // Wildcards: an answer, no data, an alias; and a name that is closer than the wildcard.
    ("q.w.s.test MX", "secure 10 mx.s.test."),
    ("q.r.w.s.test MX", "secure 10 mx.s.test."),
    ("q.w.s.test A", "secure NoData"),
    ("q.cw.s.test A", "secure 192.0.2.1"),
    ("q.y.w.s.test MX", "secure NxDomain"),
    ("*.w.s.test MX", "secure 10 mx.s.test."),
    // Further cuts, and one with an empty non-terminal above.
    ("www.child.s.test A", "secure 192.0.2.4"),
    ("none.child.s.test A", "secure NxDomain"),
    ("www.deep.under.test A", "secure 192.0.2.6"),
    ("under.test A", "secure NoData"),
    // Aliases: the least of all statuses.
    ("to-other.s.test A", "secure 192.0.2.5"),
    ("to-other.s.test CNAME", "secure mx.o.test."),
    ("to-none.s.test A", "secure NxDomain"),
    ("to-plain.s.test A", "insecure Unsigned 192.0.2.7"),
    ("to-s.plain.test A", "insecure Unsigned 192.0.2.1"),
    ("to-bogus.s.test A", "bogus SignatureWrong"),
    ("mx.d.s.test A", "secure 192.0.2.5"),
    ("none.d.s.test A", "secure NxDomain"),
    ("back.d.s.test A", "secure 192.0.2.1"),
    ("www.d-plain.s.test A", "insecure Unsigned 192.0.2.7"),
    ("d.s.test DNAME", "secure o.test."),
    ("loop.s.test A", "indeterminate Unanswered"),
    // Proven to be unsigned.
    ("www.plain.test A", "insecure Unsigned 192.0.2.7"),
    ("www.plain.test AAAA", "insecure Unsigned NoData"),
    ("none.plain.test A", "insecure Unsigned NxDomain"),
    ("q.w.plain.test A", "insecure Unsigned 192.0.2.9"),
    ("www.sub.plain.test A", "insecure Unsigned 192.0.2.8"),
    ("www.island.test A", "insecure Unsigned 192.0.2.10"),
    ("none.island.test A", "insecure Unsigned NxDomain"),
    // Both sides of a cut.
    ("plain.test DS", "secure NoData"),
    ("plain.test NS", "insecure Unsigned ns.plain.test."),
    ("island.test DS", "secure NoData"),
    ("s.test DNSKEY", "secure KEYS"),
    ("s.test DS", "secure DS"),
    ("s.test NS", "secure ns.s.test."),
    ("s.test SOA", "secure SOA"),
    ("mx.s.test DS", "secure NoData"),
    ("none.s.test DS", "secure NxDomain"),
    ("sub.plain.test DS", "insecure Unsigned NoData"),
    // Broken at the DS record, at the keys, at the data.
    ("www.ds.test A", "bogus DnskeyUnmatched"),
    ("none.ds.test A", "bogus DnskeyUnmatched"),
    ("www.sig.test A", "bogus SignatureWrong"),
    // Denials by NSEC3 records.
    ("mx.n.test A", "secure 192.0.2.1"),
    ("mx.n.test AAAA", "secure NoData"),
    ("none.n.test A", "secure NxDomain"),
    ("a.b.c.none.n.test A", "secure NxDomain"),
    ("ent.n.test A", "secure NoData"),
    ("q.w.n.test MX", "secure 10 mx.n.test."),
    ("q.w.n.test A", "secure NoData"),
    ("q.y.w.n.test A", "secure NxDomain"),
    ("www.child.n.test A", "secure 192.0.2.4"),
    ("www.plain.n.test A", "insecure Unsigned 192.0.2.7"),
    ("plain.n.test DS", "secure NoData"),
    ("none.many.test A", "secure NxDomain"),
    // With opt-out: what exists is proven, what does not may be an unsigned delegation.
    ("mx.opt.test AAAA", "secure NoData"),
    ("none.opt.test A", "insecure OptOut NxDomain"),
    ("q.w.opt.test MX", "insecure OptOut 10 mx.opt.test."),
    ("q.w.opt.test A", "insecure OptOut NoData"),
    ("www.child.opt.test A", "secure 192.0.2.4"),
    ("www.plain.opt.test A", "insecure OptOut 192.0.2.7"),
    ("plain.opt.test DS", "insecure OptOut NoData"),
    // With more hashing than is bearable: data are secure, denials are not.
    ("mx.toomany.test A", "secure 192.0.2.1"),
    ("none.toomany.test A", "insecure Nsec3Iterations NxDomain"),
    ("mx.toomany.test AAAA", "insecure Nsec3Iterations NoData"),
    (
        "q.w.toomany.test MX",
        "insecure Nsec3Iterations 10 mx.toomany.test.",
    ),
    (
        "www.plain.toomany.test A",
        "insecure Nsec3Iterations 192.0.2.7",
    ),
    ("mx.absurd.test A", "secure 192.0.2.1"),
    ("none.absurd.test A", "bogus Nsec3Excessive"),
    ("www.plain.absurd.test A", "bogus Nsec3Excessive"),
    // Compact denials.
    ("mx.compact.test AAAA", "secure NoData"),
    ("none.compact.test A", "secure NxDomain"),
    ("ent.compact.test A", "secure NoData"),
    ("q.w.compact.test A", "secure NoData"),
    ("www.plain.compact.test A", "insecure Unsigned 192.0.2.7"),
    // Signed in a way that does not count.
    ("www.old.test A", "insecure AlgorithmUnsupported 192.0.2.13"),
    ("none.old.test A", "insecure AlgorithmUnsupported NxDomain"),
];

#[test]
fn statuses() {
    for (question, expected) in VERDICTS {
        let verdict = without_keys(Run::default().verdict(question), question);
        assert_eq!(verdict, *expected, "{question}");
    }
}

/// Whichever reply comes first, the outcome is the same to the last detail.
#[test]
fn the_order_of_replies_does_not_matter() {
    let orders = [Order::Last, Order::Seed(3), Order::Seed(5), Order::Seed(7)];
    for (question, _) in VERDICTS {
        let (expected, _) = Run::default().ask(question);
        for order in orders {
            let (outcome, _) = Run {
                order,
                ..Run::default()
            }
            .ask(question);
            assert_eq!(outcome.answer, expected.answer, "{question} {order:?}");
            assert_eq!(outcome.chain, expected.chain, "{question} {order:?}");
            assert_eq!(outcome.parts, expected.parts, "{question} {order:?}");
            assert_eq!(outcome.work, expected.work, "{question} {order:?}");
        }
    }
}

/// Two rounds of questions reach an answer three zones down; from what is known already, it takes one question.
#[test]
fn what_does_not_depend_on_each_other_is_asked_at_once() {
    let memory = Memory::default();
    let run = Run {
        known: &memory,
        ..Run::default()
    };
    let (_, asked) = run.ask("mx.s.test A");
    let first = ["mx.s.test. A", ". DNSKEY", "test. DS", "s.test. DS"];
    let second = ["test. DNSKEY", "s.test. DNSKEY"];
    let asked: Vec<String> = asked.iter().map(ToString::to_string).collect();
    assert_eq!(asked[..4], first);
    assert_eq!(asked.len(), 6, "{asked:?}");
    assert!(
        second
            .iter()
            .all(|one| asked[4..].contains(&(*one).to_owned())),
        "{asked:?}"
    );
    for (question, count) in [
        ("mx.s.test A", 1),
        ("none.s.test MX", 1),
        ("mx.o.test A", 3),
        ("www.plain.test A", 2),
        ("q.plain.test A", 1),
    ] {
        let (outcome, asked) = run.ask(question);
        assert_eq!(asked.len(), count, "{question}: {asked:?}");
        assert!(outcome.answer.is_ok(), "{question}");
    }
}

/// Signatures may last for months and records for 136 years: what is known of a zone does not (rfc B9).
#[test]
fn zones_are_known_for_a_day_at_most() {
    let long = |zone: Zone| {
        let validity = Validity {
            inception: NOW - 3600,
            expiration: NOW + 100 * 86_400,
        };
        zone.validity(validity).ttl(u32::MAX)
    };
    let world = World::builder()
        .zone(long(Zone::signed(".")))
        .zone(long(Zone::signed("test")))
        .zone(Zone::unsigned("plain.test").text("www A 192.0.2.7"))
        .start();
    let anchors = TrustAnchors::parse(&world.trust_anchor()).expect("the root's anchor");
    let now = Timestamp::from_unix(NOW.into());
    let settings = Settings {
        anchors: &anchors,
        algorithms: Algorithms::new(false),
        now,
    };
    let memory = Memory::default();
    let outcome = validate(&id("www.plain.test A"), settings, &memory, |question| {
        world.carry(&question.owner, question.rtype).into()
    });
    assert!(outcome.answer.is_ok(), "{outcome:?}");
    for apex in [".", "test", "plain.test"] {
        let until = memory.zones()[&name(apex)].until;
        assert_eq!(until.since(now), Duration::from_secs(86_400), "{apex}");
    }
}

/// What is known is used as long as it holds, and not a second longer.
#[test]
fn known_zones_run_out() {
    let memory = Memory::default();
    let run = |now| {
        Run {
            known: &memory,
            now,
            ..Run::default()
        }
        .ask("mx.s.test A")
        .1
        .len()
    };
    assert_eq!((run(NOW), run(NOW + 299), run(NOW + 300)), (6, 1, 6));
    let zone = memory.zones()[&name("s.test")].clone();
    assert!(matches!(zone.trust, Trust::Secure(_)));
    assert_eq!(zone.path().len(), 3);
}

#[test]
fn the_chain_is_told_from_the_anchor_to_the_answer() {
    let (outcome, _) = Run::default().ask("to-plain.s.test A");
    let zones: Vec<String> = outcome
        .chain
        .iter()
        .map(|link| link.zone.to_string())
        .collect();
    assert_eq!(zones, [".", "test.", "s.test.", "plain.test."]);
    assert!(
        outcome.chain[..3]
            .iter()
            .all(|link| link.why.is_none() && link.dnskey.is_some() && !link.keys.is_empty())
    );
    assert!(outcome.chain[0].delegation.is_none() && outcome.chain[1].delegation.is_some());
    assert!(outcome.chain[3].why.is_some());
    let answer = outcome.answer.unwrap();
    let statuses: Vec<_> = answer.aliases.iter().map(|alias| alias.security).collect();
    assert_eq!(
        (statuses, answer.security),
        (vec![Security::Secure], Security::Insecure)
    );
    assert_eq!(answer.owner, name("www.plain.test"));
    assert!(outcome.parts[0].signature.is_some() && outcome.parts[1].why.is_some());

    let (outcome, _) = Run::default().ask("www.ds.test A");
    let zones: Vec<String> = outcome
        .chain
        .iter()
        .map(|link| link.zone.to_string())
        .collect();
    assert_eq!(zones, [".", "test.", "ds.test."]);
    assert_eq!(outcome.chain[2].why.as_ref(), outcome.answer.as_ref().err());

    // An insecure link before a secure one.
    let (outcome, _) = Run::default().ask("to-s.plain.test A");
    assert_eq!(
        outcome.answer.unwrap().aliases[0].security,
        Security::Insecure
    );
}

/// The whole chain is signed from an hour before to a day after.
#[test]
fn signatures_are_valid_to_the_second() {
    for (now, expected) in [
        (NOW - 3600, "secure 192.0.2.1"),
        (NOW - 3600 - 300, "secure 192.0.2.1"),
        (NOW - 3600 - 301, "bogus NotYetValid"),
        (NOW + 86_400, "secure 192.0.2.1"),
        (NOW + 86_401, "bogus Expired"),
    ] {
        let verdict = Run {
            now,
            ..Run::default()
        }
        .verdict("mx.s.test A");
        assert_eq!(verdict, expected, "{now}");
    }
    let ttl = |now| {
        let run = Run {
            now,
            ..Run::default()
        };
        run.ask("mx.s.test A").0.answer.unwrap().ttl
    };
    assert_eq!((ttl(NOW), ttl(NOW + 86_390)), (300, 10));
}

/// An anchor at any zone: the closest one above a name counts, and no other.
#[test]
fn anchors_below_the_root() {
    let universe = universe();
    let anchor = |zone: &str| {
        let keys = universe.ask(&id(&format!("{zone} DNSKEY"))).answers;
        let keys = keys
            .iter()
            .filter(|record| record.rtype() == RecordType::DNSKEY);
        keys.map(|record| format!("{record}\n")).collect::<String>()
    };
    let root = anchor(".");
    for (anchors, question, expected) in [
        (
            anchor("island.test"),
            "www.island.test A",
            "secure 192.0.2.10",
        ),
        (
            anchor("island.test"),
            "none.island.test A",
            "secure NxDomain",
        ),
        (
            anchor("island.test"),
            "mx.s.test A",
            "indeterminate NoAnchor",
        ),
        (
            format!("{root}{}", anchor("island.test")),
            "www.island.test A",
            "secure 192.0.2.10",
        ),
        (
            format!("{root}{}", anchor("island.test")),
            "mx.s.test A",
            "secure 192.0.2.1",
        ),
        (
            format!("{root}{}", anchor("island.test")),
            "island.test DS",
            "secure NoData",
        ),
        // The anchor of a zone counts even where the way from the root is sound.
        (
            format!(
                "{root}{}",
                anchor("evil.test").replace("evil.test.", "s.test.")
            ),
            "mx.s.test A",
            "bogus DnskeyUnmatched",
        ),
    ] {
        let anchors = TrustAnchors::parse(&anchors).unwrap();
        let verdict = Run {
            anchors: &anchors,
            ..Run::default()
        }
        .verdict(question);
        assert_eq!(verdict, expected, "{question} with {anchors:?}");
    }
}
