//! Replies of a hostile resolver: whatever it changes, nothing becomes secure that is not so, and nothing signed becomes insecure.

use gateway::dns::{Rcode, Rdata, Record, RecordType};
use gateway::dnssec::{Limit, Reply, RrsetId, Why};
use gateway_lab::random::Random;

use super::VERDICTS;
use super::universe::{NOW, Run, Tamper, id, is_about, name, universe, verdict, without_keys};

/// The links from the root to an address.
const LINKS: [&str; 6] = [
    ". DNSKEY",
    "test DS",
    "test DNSKEY",
    "s.test DS",
    "s.test DNSKEY",
    "mx.s.test A",
];

/// The verdict on `asked` when each reply to `at` is changed.
fn changed(asked: &str, at: &str, change: &dyn Fn(&mut Reply)) -> String {
    let at = id(at);
    let tamper: Tamper = &|question, reply| {
        if *question == at {
            change(reply);
        }
    };
    let run = Run {
        tamper,
        ..Run::default()
    };
    run.verdict(asked)
}

fn strip(reply: &mut Reply) {
    let is_kept = |record: &Record| record.rtype() != RecordType::RRSIG;
    reply.answers.retain(is_kept);
    reply.authorities.retain(is_kept);
}

fn damage(reply: &mut Reply) {
    for record in reply.answers.iter_mut().chain(&mut reply.authorities) {
        if let Rdata::Rrsig(rrsig) = &mut record.data {
            rrsig.signature[5] ^= 1;
        }
    }
}

fn empty(reply: &mut Reply) {
    reply.answers.clear();
    reply.authorities.clear();
}

#[test]
fn every_link_must_hold() {
    let deny = |reply: &mut Reply| {
        empty(reply);
        reply.rcode = Rcode::NXDOMAIN;
    };
    let fail = |reply: &mut Reply| reply.rcode = Rcode::SERVFAIL;
    let changes: [(&dyn Fn(&mut Reply), [&str; 3]); 5] = [
        (&strip, ["RrsigMissing", "RrsigMissing", "RrsigMissing"]),
        (
            &damage,
            ["SignatureWrong", "SignatureWrong", "SignatureWrong"],
        ),
        (&empty, ["DnskeyMissing", "DenialMissing", "DenialMissing"]),
        (&deny, ["DnskeyMissing", "DenialMissing", "DenialMissing"]),
        (&fail, ["Unanswered", "Unanswered", "Unanswered"]),
    ];
    for (change, [at_keys, at_ds, at_data]) in changes {
        for link in LINKS {
            let expected = match id(link).rtype {
                RecordType::DNSKEY => at_keys,
                RecordType::DS => at_ds,
                _ => at_data,
            };
            let verdict = changed("mx.s.test A", link, change);
            let word = verdict.split(' ').next_back();
            assert_eq!(word, Some(expected), "{link}: {verdict}");
            assert!(!verdict.contains("secure"), "{link}: {verdict}");
        }
    }
}

/// Which link broke is told, and nothing beyond it.
#[test]
fn the_broken_link_is_the_last_of_the_chain() {
    for (link, zones) in [
        (". DNSKEY", 1),
        ("test DS", 2),
        ("test DNSKEY", 2),
        ("s.test DS", 3),
        ("s.test DNSKEY", 3),
    ] {
        let at = id(link);
        let tamper: Tamper = &|question, reply| {
            if *question == at {
                damage(reply);
            }
        };
        let (outcome, _) = Run {
            tamper,
            ..Run::default()
        }
        .ask("mx.s.test A");
        let last = outcome.chain.last().expect("a link");
        assert_eq!(
            (&last.zone, outcome.chain.len()),
            (&at.owner, zones),
            "{link}"
        );
        assert_eq!(last.why.as_ref(), outcome.answer.as_ref().err(), "{link}");
        assert!(outcome.parts.is_empty(), "{link}");
    }
}

/// A resolver that strips every signature gets nothing past us.
#[test]
fn stripped_replies_are_bogus() {
    // Of a loop there is nothing to strip.
    for (question, _) in VERDICTS.iter().filter(|one| one.0 != "loop.s.test A") {
        let run = Run {
            tamper: &|_, reply| strip(reply),
            ..Run::default()
        };
        assert_eq!(run.verdict(question), "bogus RrsigMissing", "{question}");
    }
}

/// Every NSEC record of a denial, or of a wildcard's proof, is needed; the SOA record is not.
#[test]
fn denials_need_all_of_their_proof() {
    for (question, at, expected) in [
        ("none.s.test A", "none.s.test A", "bogus DenialMissing"),
        ("mx.s.test AAAA", "mx.s.test AAAA", "bogus DenialMissing"),
        ("ent.s.test A", "ent.s.test A", "bogus DenialMissing"),
        ("q.w.s.test A", "q.w.s.test A", "bogus DenialMissing"),
        ("none.d.s.test A", "none.d.s.test A", "bogus DenialMissing"),
        ("q.w.s.test MX", "q.w.s.test MX", "bogus WildcardUnproven"),
        ("q.cw.s.test A", "q.cw.s.test A", "bogus WildcardUnproven"),
        ("www.plain.test A", "plain.test DS", "bogus DenialMissing"),
        ("www.island.test A", "island.test DS", "bogus DenialMissing"),
        ("plain.test DS", "plain.test DS", "bogus DenialMissing"),
    ] {
        let whole = universe().ask(&id(at));
        let nsec: Vec<_> = whole
            .authorities
            .iter()
            .filter(|one| one.rtype() == RecordType::NSEC)
            .cloned()
            .collect();
        assert!(!nsec.is_empty(), "{at}");
        for record in &nsec {
            let is_of = |one: &Record| one.name == record.name && is_about(one, RecordType::NSEC);
            let verdict = changed(question, at, &|reply| {
                reply.authorities.retain(|one| !is_of(one));
            });
            assert_eq!(verdict, expected, "{question} without {record}");
        }
        let plain = Run::default().verdict(question);
        let verdict = changed(question, at, &|reply| {
            reply
                .authorities
                .retain(|one| !is_about(one, RecordType::SOA));
        });
        assert_eq!(verdict, plain, "{question} without SOA");
    }
}

/// The response code is not signed: what is proven counts.
#[test]
fn response_codes_are_not_believed() {
    for (question, rcode, expected) in [
        ("none.s.test A", Rcode::NOERROR, "secure NxDomain"),
        ("mx.s.test AAAA", Rcode::NXDOMAIN, "secure NoData"),
        ("q.w.s.test A", Rcode::NXDOMAIN, "secure NoData"),
        ("to-none.s.test A", Rcode::NOERROR, "secure NxDomain"),
        ("mx.s.test A", Rcode::NXDOMAIN, "secure 192.0.2.1"),
        ("mx.s.test A", Rcode::REFUSED, "indeterminate Unanswered"),
    ] {
        let verdict = changed(question, question, &|reply| reply.rcode = rcode);
        assert_eq!(verdict, expected, "{question} {rcode}");
    }
}

/// Signed data of one question in the place of another's.
#[test]
fn replays_are_bogus() {
    for (question, at, from, expected) in [
        // Denials of other names and types.
        (
            "mx.s.test A",
            "mx.s.test A",
            "mx.s.test AAAA",
            "bogus DenialContradicted",
        ),
        (
            "mx.s.test A",
            "mx.s.test A",
            "none.s.test A",
            "bogus DenialMissing",
        ),
        (
            "mx.s.test A",
            "mx.s.test A",
            "none.test A",
            "bogus DenialMissing",
        ),
        (
            "www.child.s.test A",
            "www.child.s.test A",
            "none.s.test A",
            "bogus DenialMissing",
        ),
        (
            "x.y.w.s.test A",
            "x.y.w.s.test A",
            "q.w.s.test A",
            "bogus DenialMissing",
        ),
        // DS records denied by the child, by a neighbour, by another zone; DS records of another zone.
        (
            "mx.s.test A",
            "s.test DS",
            "s.test TXT",
            "bogus SignerNotZone",
        ),
        (
            "s.test DS",
            "s.test DS",
            "s.test TXT",
            "bogus SignerNotZone",
        ),
        (
            "mx.s.test A",
            "s.test DS",
            "plain.test DS",
            "bogus DenialMissing",
        ),
        (
            "mx.s.test A",
            "s.test DS",
            "none.test A",
            "bogus DenialMissing",
        ),
        (
            "mx.s.test A",
            "s.test DS",
            "o.test DS",
            "bogus DenialMissing",
        ),
        // The parent's side of a cut says nothing about the child.
        ("s.test A", "s.test A", "s.test DS", "bogus DenialMissing"),
        (
            "plain.test A",
            "plain.test A",
            "plain.test DS",
            "bogus DenialMissing",
        ),
        // Keys of another zone.
        (
            "mx.s.test A",
            "s.test DNSKEY",
            "o.test DNSKEY",
            "bogus DnskeyMissing",
        ),
    ] {
        let verdict = changed(question, at, &|reply| *reply = universe().ask(&id(from)));
        assert_eq!(verdict, expected, "{question} with {from} for {at}");
    }
}

/// Signed records under another owner.
#[test]
fn records_of_others_are_bogus() {
    let moved = |from: &str, to: &str| {
        let mut reply = universe().ask(&id(from));
        for record in &mut reply.answers {
            record.name = name(to);
        }
        reply
    };
    // RFC 4035 §5.3.1: the signer is an unrelated zone, however sound that is.
    let reply = moved("evil.test A", "mx.s.test");
    let verdict = changed("mx.s.test A", "mx.s.test A", &|one| *one = reply.clone());
    assert_eq!(verdict, "bogus SignerNotZone");
    // An answer of a wildcard, for a name that the wildcard does not reach: y.w.s.test exists.
    let mut reply = moved("q.w.s.test MX", "q.y.w.s.test");
    reply.authorities = universe().ask(&id("q.y.w.s.test MX")).authorities;
    let verdict = changed("q.y.w.s.test MX", "q.y.w.s.test MX", &|one| {
        *one = reply.clone();
    });
    assert_eq!(verdict, "bogus WildcardUnproven");
    // A NSEC record that a wildcard made speaks of any name it is put at (CVE-2017-15105).
    let wildcard = universe().ask(&id("*.w.s.test A")).authorities;
    let mut reply = universe().ask(&id("q.w.s.test A"));
    reply.authorities = wildcard;
    for record in &mut reply.authorities {
        if is_about(record, RecordType::NSEC) {
            record.name = name("q.w.s.test");
        }
    }
    let verdict = changed("q.w.s.test MX", "q.w.s.test MX", &|one| {
        *one = reply.clone();
    });
    assert_eq!(verdict, "bogus DenialExpanded");
}

#[test]
fn aliases() {
    let redirect = |reply: &mut Reply| {
        for record in &mut reply.answers {
            if let Rdata::Cname(target) = &mut record.data {
                *target = name("evil.test");
            }
        }
    };
    let verdict = changed("to-other.s.test A", "to-other.s.test A", &redirect);
    assert_eq!(verdict, "bogus SignatureWrong");
    // The CNAME beside a DNAME is made anew.
    let verdict = changed("mx.d.s.test A", "mx.d.s.test A", &redirect);
    assert_eq!(verdict, "secure 192.0.2.5");
    let drop_dname = |reply: &mut Reply| {
        reply
            .answers
            .retain(|one| !is_about(one, RecordType::DNAME));
    };
    let verdict = changed("mx.d.s.test A", "mx.d.s.test A", &drop_dname);
    assert_eq!(verdict, "bogus RrsigMissing");
    // A reply that ends at an alias: its target is asked for.
    for question in [
        "to-other.s.test A",
        "mx.d.s.test A",
        "to-none.s.test A",
        "to-plain.s.test A",
    ] {
        let owner = id(question).owner;
        let cut = |reply: &mut Reply| {
            reply
                .answers
                .retain(|one| one.name == owner || is_about(one, RecordType::DNAME));
            reply.authorities.clear();
            reply.rcode = Rcode::NOERROR;
        };
        let verdict = changed(question, question, &cut);
        assert_eq!(verdict, Run::default().verdict(question), "{question}");
    }
}

/// Resolvers that never come to an end.
#[test]
fn endless_chains_end() {
    let endless: [(&str, Tamper); 2] = [
        // Signed aliases in a circle.
        ("loop.s.test A", &|question, reply| {
            if question.rtype == RecordType::A {
                let rtype = RecordType::CNAME;
                let owner = question.owner.clone();
                *reply = universe().ask(&RrsetId { owner, rtype });
            }
        }),
        // Ever new names in an unsigned zone.
        ("www.plain.test A", &|question, reply| {
            if question.rtype == RecordType::A {
                let target = question.owner.prepend(b"a").expect("a short name");
                empty(reply);
                reply.rcode = Rcode::NOERROR;
                reply.answers = vec![Record {
                    name: question.owner.clone(),
                    class: gateway::dns::Class::IN,
                    ttl: 60,
                    data: Rdata::Cname(target),
                }];
            }
        }),
    ];
    for (question, tamper) in endless {
        let (outcome, asked) = Run {
            tamper,
            ..Run::default()
        }
        .ask(question);
        let why = outcome.answer.expect_err(question);
        let is_alias_limit = matches!(
            why,
            Why::Budget {
                limit: Limit::Aliases,
                ..
            }
        );
        assert!(is_alias_limit, "{question}: {why}");
        assert!(asked.len() < 30, "{question}: {asked:?}");
    }
    // An unsigned answer to a name of a hundred labels, all of which exist as far as the resolver says.
    let deep = format!("{}s.test", "a.".repeat(100));
    let tamper: Tamper = &|question, reply| {
        if question.owner.label_count() > 2 {
            *reply = universe().ask(&id("ent.s.test A"));
            reply.authorities.retain(|one| one.name != name("s.test"));
        }
    };
    let (outcome, asked) = Run {
        tamper,
        ..Run::default()
    }
    .ask(&format!("{deep} A"));
    assert!(
        verdict(&outcome).starts_with("bogus"),
        "{}",
        verdict(&outcome)
    );
    assert!(asked.len() <= 64);
}

/// Changes by chance: a record left out, added from elsewhere, put under another name, changed in an octet; a whole reply taken from elsewhere.
#[test]
fn chance_never_makes_anything_secure() {
    let universe = universe();
    let replies: Vec<Reply> = VERDICTS
        .iter()
        .map(|(question, _)| universe.ask(&id(question)))
        .collect();
    let mut seen = [0; 3];
    for seed in 1..=2000 {
        let mut random = Random::new(seed);
        let (question, plain) = VERDICTS[random.below(VERDICTS.len())];
        let victim = random.below(7);
        let count = std::cell::Cell::new(0);
        let random = std::cell::RefCell::new(random);
        let tamper: Tamper = &|_, reply| {
            count.set(count.get() + 1);
            if count.get() == victim + 1 {
                change(&mut random.borrow_mut(), reply, &replies);
            }
        };
        let verdict = without_keys(
            Run {
                tamper,
                now: NOW,
                ..Run::default()
            }
            .verdict(question),
            question,
        );
        if verdict == plain {
            seen[0] += 1;
        } else if verdict.contains("secure") {
            // What is unsigned may be changed by anybody; where denials cannot be checked, anybody may deny, also that a name is signed.
            let is_weak = plain.starts_with("insecure") || question.contains("toomany.test");
            assert!(
                is_weak && verdict.starts_with("insecure"),
                "seed {seed}: {question}: {verdict}"
            );
            seen[1] += 1;
        } else {
            seen[2] += 1;
        }
    }
    assert!(seen[0] > 100 && seen[2] > 100, "{seen:?}");
}

fn change(random: &mut Random, reply: &mut Reply, replies: &[Reply]) {
    let other = &replies[random.below(replies.len())];
    let section = match random.below(2) {
        0 => &mut reply.answers,
        _ => &mut reply.authorities,
    };
    let at = random.below(section.len());
    match random.below(6) {
        0 => *reply = other.clone(),
        1 => section.extend(other.answers.iter().cloned()),
        2 => section.extend(other.authorities.iter().cloned()),
        _ if section.is_empty() => {}
        3 => drop(section.remove(at)),
        4 => {
            let owner = other
                .answers
                .first()
                .map_or_else(|| name("s.test"), |one| one.name.clone());
            section[at].name = owner;
        }
        _ => {
            let record = &mut section[at];
            let mut octets = record.data.canonical();
            random.mutate(&mut octets);
            if let Ok(data) = Rdata::decode(record.rtype(), record.class, &octets) {
                record.data = data;
            }
        }
    }
}
