use super::*;
use crate::dns::zonefile;
use crate::dnssec::rfc_chains::{RFC_4035, RFC_5155};
use crate::dnssec::rrset::group;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

/// Keeps each line, for a minute from the beginning.
fn keep(denials: &mut Denials, zone: &str, text: &str) {
    let records = zonefile::parse(text, &Name::root()).unwrap();
    for set in group(&records) {
        denials.insert(&name(zone), Rrset { ttl: 60, ..set }, at(0));
    }
}

fn of(zone: &str, text: &str) -> Denials {
    let mut denials = Denials::default();
    keep(&mut denials, zone, text);
    denials
}

/// What is denied after so many seconds, by how many records, and how long that may be kept.
fn found_at(denials: &Denials, question: (&str, &str), seconds: u64) -> String {
    let question = RrsetId {
        owner: name(question.0),
        rtype: question.1.parse().unwrap(),
    };
    let Some(reply) = denials.find(&question, 0, at(seconds)) else {
        return "asked".to_owned();
    };
    assert!(reply.answers.is_empty());
    let ttl = reply.authorities.iter().map(|record| record.ttl).min();
    let count = reply.authorities.len();
    format!("{} {count} {}", reply.rcode, ttl.unwrap())
}

fn found(denials: &Denials, owner: &str, rtype: &str) -> String {
    found_at(denials, (owner, rtype), 0)
}

#[test]
fn a_chain_denies_what_it_has_not() {
    let all = of("example", RFC_4035);
    for (owner, rtype, expected) in [
        // The gap, and that for the wildcard, which is the first.
        ("ml.example", "A", "NXDOMAIN 2 60"),
        ("0.example", "A", "NXDOMAIN 1 60"),
        ("zz.example", "TLSA", "NXDOMAIN 2 60"),
        ("_25._tcp.ns1.example", "TLSA", "NXDOMAIN 1 60"),
        ("ns1.example", "MX", "NOERROR 1 60"),
        ("NS1.Example", "mx", "NOERROR 1 60"),
        ("ns1.example", "A", "asked"),
        // Between names that are there: an empty non-terminal.
        ("y.w.example", "MX", "NOERROR 1 60"),
        // By a wildcard without the type, or with it.
        ("a.z.w.example", "AAAA", "NOERROR 2 60"),
        ("a.z.w.example", "MX", "asked"),
        // An unsigned zone below, a signed one, and names in them.
        ("b.example", "DS", "NOERROR 1 60"),
        ("b.example", "A", "asked"),
        ("mc.b.example", "A", "asked"),
        ("a.example", "DS", "asked"),
        ("mc.a.example", "A", "asked"),
        ("example", "DS", "asked"),
        ("example", "TXT", "NOERROR 1 60"),
        ("example.org", "A", "asked"),
        ("org", "A", "asked"),
    ] {
        assert_eq!(found(&all, owner, rtype), expected, "{owner} {rtype}");
    }
}

#[test]
fn part_of_a_chain_denies_what_lies_in_it() {
    let part = of(
        "example",
        "ns1.example. NSEC ns2.example. A RRSIG NSEC\nd.example. NSEC ns0.example. DNAME RRSIG NSEC\n",
    );
    for (owner, rtype, expected) in [
        ("ns1.example", "AAAA", "NOERROR 1 60"),
        // Nothing is known of the wildcard.
        ("ns11.example", "A", "asked"),
        ("x.d.example", "A", "asked"),
        ("d.example", "MX", "NOERROR 1 60"),
        ("ns3.example", "A", "asked"),
    ] {
        assert_eq!(found(&part, owner, rtype), expected, "{owner} {rtype}");
    }
    let mut whole = part;
    keep(
        &mut whole,
        "example",
        "example. NSEC a.example. NS SOA RRSIG NSEC\n",
    );
    assert_eq!(found(&whole, "ns11.example", "A"), "NXDOMAIN 2 60");
    // What one zone says of names in another's stead proves nothing.
    let other = of("other", "ns1.example. NSEC ns2.example. A RRSIG NSEC\n");
    assert_eq!(found(&other, "ns1.example", "AAAA"), "asked");
}

#[test]
fn hashed_names_are_denied_too() {
    for (owner, rtype, secure, opt_out) in [
        ("a.c.x.w.example", "A", "NXDOMAIN 3 60", "asked"),
        ("ns1.example", "MX", "NOERROR 1 60", "NOERROR 1 60"),
        ("ns1.example", "A", "asked", "asked"),
        ("y.w.example", "A", "NOERROR 1 60", "NOERROR 1 60"),
        ("c.example", "DS", "NXDOMAIN 3 60", "asked"),
        ("a.z.w.example", "AAAA", "NOERROR 3 60", "asked"),
        ("a.z.w.example", "MX", "asked", "asked"),
        ("a.example", "DS", "asked", "asked"),
        ("mc.a.example", "A", "asked", "asked"),
        ("example", "TLSA", "NOERROR 1 60", "NOERROR 1 60"),
        ("example.org", "A", "asked", "asked"),
    ] {
        for (flags, expected) in [("0", secure), ("1", opt_out)] {
            let all = of("example", &RFC_5155.replace("FLAGS", flags));
            assert_eq!(
                found(&all, owner, rtype),
                expected,
                "{owner} {rtype} {flags}"
            );
        }
    }
}

#[test]
fn other_parameters_are_another_chain() {
    let old = RFC_5155.replace("FLAGS", "0");
    let mut denials = of("example", &old);
    let apex = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 0 ";
    let next = " 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA";
    keep(
        &mut denials,
        "example",
        &format!("{apex}51 aabbccdd{next}\n"),
    );
    let unbearable = "more hashing than is bearable changes nothing";
    assert_eq!(
        found(&denials, "ns1.example", "MX"),
        "NOERROR 1 60",
        "{unbearable}"
    );
    keep(
        &mut denials,
        "example",
        &format!("{apex}12 aabbccde{next}\n"),
    );
    assert_eq!(denials.ages.len(), 1);
    assert_eq!(found(&denials, "ns1.example", "MX"), "asked");
}

#[test]
fn nothing_is_kept_longer_than_it_lasts() {
    let mut denials = of("example", RFC_4035);
    let question = ("ml.example", "A");
    for (seconds, expected) in [
        (0, "NXDOMAIN 2 60"),
        (59, "NXDOMAIN 2 1"),
        (60, "asked"),
        (61, "asked"),
    ] {
        assert_eq!(found_at(&denials, question, seconds), expected);
    }
    let count = denials.ages.len();
    let records = zonefile::parse(RFC_4035, &Name::root()).unwrap();
    let mut sets = group(&records).into_iter();
    let apex = sets.next().unwrap();
    denials.insert(
        &name("example"),
        Rrset {
            ttl: 90,
            ..apex.clone()
        },
        at(0),
    );
    assert_eq!(found_at(&denials, ("example", "TXT"), 60), "NOERROR 1 30");
    denials.insert(&name("example"), Rrset { ttl: 0, ..apex }, at(0));
    assert_eq!(found_at(&denials, ("example", "TXT"), 60), "NOERROR 1 30");
    assert_eq!(denials.ages.len(), count);
}

#[test]
fn the_oldest_make_room() {
    let mut denials = Denials::with_limits(12, 9);
    keep(&mut denials, "example", RFC_4035);
    assert_eq!(
        found(&denials, "example", "TXT"),
        "asked",
        "ten, and nine are kept"
    );
    assert_eq!(found(&denials, "ai.example", "TXT"), "NOERROR 1 60");
    for zone in ["a", "b", "c", "d"] {
        let text = format!("{zone}. NSEC {zone}. NS SOA\n");
        keep(&mut denials, zone, &text);
        assert_eq!(found(&denials, zone, "TXT"), "NOERROR 1 60");
    }
    assert_eq!(found(&denials, "ai.example", "TXT"), "NOERROR 1 60");
    assert_eq!(found(&denials, "a.example", "TXT"), "asked");
    assert_eq!(denials.ages.len(), 12);
    for number in 0..20 {
        let text = format!("n{number}.e. NSEC n{number}0.e. A\n");
        keep(&mut denials, "e", &text);
    }
    assert_eq!((denials.ages.len(), denials.zones.len()), (12, 4));
    let held: usize = denials.zones.values().map(|zone| zone.by_place.len()).sum();
    assert_eq!(held, 12);
    let long = "a.".repeat(100);
    let types: String = (256..65_280)
        .step_by(32)
        .map(|code| format!(" TYPE{code}"))
        .collect();
    keep(
        &mut denials,
        "f",
        &format!("{long}f. NSEC {long}f.{types}\n"),
    );
    assert!(!denials.zones.contains_key(&name("f")), "too long");
}
