use super::*;
use crate::dns::zonefile;
use crate::dnssec::rfc_chains::RFC_4035;

fn denial(zone: &str, text: &str) -> Denial {
    let records = zonefile::parse(text, &Name::root()).unwrap();
    Denial::new(&Name::parse(zone).unwrap(), &records)
}

fn question(owner: &str, rtype: &str) -> RrsetId {
    RrsetId {
        owner: Name::parse(owner).unwrap(),
        rtype: rtype.parse().unwrap(),
    }
}

/// The name of the reason, in one word.
fn word(why: &Why) -> String {
    let text = format!("{why:?}");
    text.split([' ', '{']).next().unwrap().to_owned()
}

fn denied(denial: &Denial, owner: &str, rtype: &str) -> String {
    match denial.deny(&question(owner, rtype), &mut Budget::new()) {
        Ok(Denied { absence, weakness }) => {
            let absence = absence.map_or("unknown".to_owned(), |one| format!("{one:?}"));
            match weakness {
                Some(why) => format!("{absence} {}", word(&why)),
                None => absence,
            }
        }
        Err(why) => word(&why),
    }
}

fn cut(denial: &Denial, name: &str) -> String {
    match denial.cut(&Name::parse(name).unwrap(), &mut Budget::new()) {
        Ok(Cut::Insecure(why)) => format!("Insecure {}", word(&why)),
        Ok(other) => format!("{other:?}"),
        Err(why) => word(&why),
    }
}

fn wildcard(denial: &Denial, name: &str, labels: usize) -> String {
    match denial.no_closer_match(&question(name, "MX"), labels, &mut Budget::new()) {
        Ok(None) => "secure".to_owned(),
        Ok(Some(why)) => word(&why),
        Err(why) => word(&why),
    }
}

#[test]
fn the_whole_chain_proves_what_the_rfc_says() {
    let all = denial("example", RFC_4035);
    for (owner, rtype, expected) in [
        ("ml.example", "A", "NxDomain"),
        ("ns1.example", "MX", "NoData"),
        ("NS1.Example", "mx", "NoData"),
        ("ns1.example", "A", "DenialContradicted"),
        ("y.w.example", "MX", "NoData"),
        ("w.example", "A", "NoData"),
        ("a.z.w.example", "AAAA", "NoData"),
        ("a.z.w.example", "MX", "DenialContradicted"),
        ("example", "DS", "DsOfChild"),
        ("example", "TXT", "NoData"),
        ("b.example", "DS", "NoData"),
        ("b.example", "A", "DenialMissing"),
        ("mc.b.example", "A", "DenialMissing"),
        ("a.example", "DS", "DenialContradicted"),
        ("zz.example", "A", "NxDomain"),
        ("0.example", "A", "NxDomain"),
        ("org", "A", "DenialMissing"),
        ("ns1.example", "ANY", "DenialContradicted"),
        ("x.w.example", "CNAME", "NoData"),
    ] {
        assert_eq!(denied(&all, owner, rtype), expected, "{owner} {rtype}");
    }
}

/// Each line alone, and the part of the proof that is then missing.
#[test]
fn every_part_of_a_proof_is_needed() {
    let of = |lines: &[usize]| {
        let text: Vec<_> = RFC_4035.lines().collect();
        let text: Vec<_> = lines.iter().map(|&line| text[line]).collect();
        denial("example", &text.join("\n"))
    };
    // RFC 4035 §B.2: ml.example is between b and ns1, *.example between the apex and a.
    assert_eq!(denied(&of(&[3, 0]), "ml.example", "A"), "NxDomain");
    assert_eq!(denied(&of(&[3]), "ml.example", "A"), "DenialMissing");
    assert_eq!(denied(&of(&[0]), "ml.example", "A"), "DenialMissing");
    // §B.7: the wildcard has no such type, and no name is closer.
    assert_eq!(denied(&of(&[8, 6]), "a.z.w.example", "AAAA"), "NoData");
    assert_eq!(denied(&of(&[8]), "a.z.w.example", "AAAA"), "DenialMissing");
    assert_eq!(denied(&of(&[6]), "a.z.w.example", "AAAA"), "DenialMissing");
    assert_eq!(denied(&of(&[]), "a.z.w.example", "AAAA"), "DenialMissing");
    // §B.6: an answer made by the wildcard.
    assert_eq!(wildcard(&of(&[8]), "a.z.w.example", 2), "secure");
    assert_eq!(wildcard(&of(&[7]), "a.z.w.example", 2), "WildcardUnproven");
    assert_eq!(wildcard(&of(&[8]), "a.z.w.example", 4), "WildcardUnproven");
    // y.w.example exists without records, so the wildcard does not speak for what is below it.
    let all = denial("example", RFC_4035);
    assert_eq!(wildcard(&all, "a.y.w.example", 2), "WildcardUnproven");
    assert_eq!(wildcard(&all, "a.z.w.example", 2), "secure");
}

#[test]
fn cuts_are_proven_by_the_zone_above() {
    let all = denial("example", RFC_4035);
    for (name, expected) in [
        ("b.example", "Insecure Unsigned"),
        ("a.example", "DenialContradicted"),
        ("ns1.example", "Inside"),
        ("w.example", "Inside"),
        ("ml.example", "Absent"),
        ("x.b.example", "DenialMissing"),
        ("example", "DsOfChild"),
    ] {
        assert_eq!(cut(&all, name), expected, "{name}");
    }
    let child = denial(
        "example",
        "b.example. NSEC ns.b.example. NS SOA RRSIG NSEC DNSKEY",
    );
    assert_eq!(cut(&child, "b.example"), "DsOfChild");
    let nothing = denial("example", "");
    assert_eq!(cut(&nothing, "b.example"), "DenialMissing");
}

#[test]
fn records_that_prove_nothing() {
    for (text, owner, rtype, expected) in [
        // Below a DNAME and below a delegation the zone has no say.
        (
            "d.example. NSEC f.example. DNAME RRSIG NSEC\nexample. NSEC d.example. NS SOA",
            "a.d.example",
            "A",
            "DenialMissing",
        ),
        (
            "d.example. NSEC f.example. NS RRSIG NSEC\nexample. NSEC d.example. NS SOA",
            "a.d.example",
            "A",
            "DenialMissing",
        ),
        // An alias answers for every type.
        (
            "d.example. NSEC f.example. CNAME RRSIG NSEC",
            "d.example",
            "A",
            "DenialContradicted",
        ),
        // Only a record that leads back to the apex covers what comes after it.
        (
            "x.example. NSEC d.example. A RRSIG NSEC\nexample. NSEC d.example. NS SOA",
            "z.example",
            "A",
            "DenialMissing",
        ),
        (
            "x.example. NSEC other. A RRSIG NSEC\nexample. NSEC d.example. NS SOA",
            "z.example",
            "A",
            "DenialMissing",
        ),
        // A zone of one name.
        (
            "example. NSEC example. NS SOA RRSIG NSEC",
            "z.example",
            "A",
            "NxDomain",
        ),
        (
            "example. NSEC example. NS SOA RRSIG NSEC",
            "example",
            "A",
            "NoData",
        ),
        // Compact denial (RFC 9824 §3): signed as it is asked.
        (
            "z.example. NSEC \\000.z.example. RRSIG NSEC TYPE128",
            "z.example",
            "A",
            "NxDomain",
        ),
        (
            "z.example. NSEC \\000.z.example. A RRSIG NSEC",
            "z.example",
            "MX",
            "NoData",
        ),
        (
            "z.example. NSEC \\000.z.example. RRSIG NSEC TYPE128",
            "y.z.example",
            "A",
            "DenialMissing",
        ),
        // An empty non-terminal, and only what it is proven for.
        (
            "a.example. NSEC x.ent.example. A RRSIG NSEC",
            "ent.example",
            "A",
            "NoData",
        ),
        (
            "a.example. NSEC x.ent.example. A RRSIG NSEC",
            "ent.example",
            "ANY",
            "NoData",
        ),
        (
            "a.example. NSEC x.ent.example. A RRSIG NSEC",
            "d.example",
            "A",
            "NxDomain",
        ),
    ] {
        // *.example lies between a and the apex in the last table row only by chance of the alphabet: `*` precedes letters.
        let apex = "example. NSEC a.example. NS SOA RRSIG NSEC";
        let text = match expected {
            "NxDomain" if !text.contains("example. NSEC example.") => format!("{text}\n{apex}"),
            _ => text.to_owned(),
        };
        assert_eq!(
            denied(&denial("example", &text), owner, rtype),
            expected,
            "{owner} {rtype}: {text}"
        );
    }
    assert_eq!(
        cut(
            &denial(
                "example",
                "z.example. NSEC \\000.z.example. RRSIG NSEC TYPE128"
            ),
            "z.example"
        ),
        "Absent"
    );
    assert_eq!(
        denied(
            &denial(".", ". NSEC aaa. NS SOA RRSIG NSEC DNSKEY"),
            ".",
            "DS"
        ),
        "NoData"
    );
}
