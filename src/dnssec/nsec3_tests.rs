use super::super::denial::{Cut, Denial, Denied};
use super::super::limits::NSEC3_HASHES_PER_PROOF;
use super::*;
use crate::dns::zonefile;
use crate::dnssec::rfc_chains::RFC_5155;

fn lines(numbers: &[usize], flags: &str) -> String {
    let text: Vec<_> = RFC_5155.lines().collect();
    let chosen: Vec<_> = numbers.iter().map(|&line| text[line]).collect();
    chosen.join("\n").replace("FLAGS", flags)
}

fn of(text: &str) -> Denial {
    let records = zonefile::parse(text, &Name::root()).unwrap();
    Denial::new(&Name::parse("example").unwrap(), &records)
}

fn question(owner: &str, rtype: &str) -> RrsetId {
    RrsetId {
        owner: Name::parse(owner).unwrap(),
        rtype: rtype.parse().unwrap(),
    }
}

fn word(why: &Why) -> String {
    let text = format!("{why:?}");
    text.split([' ', '{']).next().unwrap().to_owned()
}

fn denied(text: &str, owner: &str, rtype: &str) -> String {
    match of(text).deny(&question(owner, rtype), &mut Budget::new()) {
        Ok(Denied { absence, weakness }) => {
            format!(
                "{absence:?} {}",
                weakness.as_ref().map(word).unwrap_or_default()
            )
        }
        Err(why) => word(&why),
    }
}

fn cut(text: &str, name: &str) -> String {
    match of(text).cut(&Name::parse(name).unwrap(), &mut Budget::new()) {
        Ok(Cut::Insecure(why)) => format!("Insecure {}", word(&why)),
        Ok(other) => format!("{other:?}"),
        Err(why) => word(&why),
    }
}

#[test]
fn hashes_are_those_of_the_rfc() {
    for (name, expected) in [
        ("example", "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom"),
        ("A.Example", "35mthgpgcu1qg68fab165klnsnk3dpvl"),
        ("*.w.example", "r53bq7cc2uvmubfu5ocmm6pers9tk9en"),
        ("x.y.w.example", "2vptu5timamqttgl4luu9kg21e0aor3s"),
    ] {
        let hash = hash(&Name::parse(name).unwrap(), &[0xaa, 0xbb, 0xcc, 0xdd], 12);
        assert_eq!(radix::encode_base32_hex(&hash), expected, "{name}");
    }
}

/// RFC 5155 Appendix B: each response whole, and without one of its records.
#[test]
fn the_responses_of_the_rfc() {
    for (numbers, owner, rtype, expected) in [
        // B.1: closest encloser x.w.example, next closer name and wildcard covered.
        (&[0, 4, 3][..], "a.c.x.w.example", "A", "Some(NxDomain) "),
        (&[4, 3], "a.c.x.w.example", "A", "DenialMissing"),
        (&[0, 3], "a.c.x.w.example", "A", "DenialMissing"),
        (&[0, 4], "a.c.x.w.example", "A", "DenialMissing"),
        // B.2, B.2.1: no data; an empty non-terminal.
        (&[1], "ns1.example", "MX", "Some(NoData) "),
        (&[1], "ns1.example", "A", "DenialContradicted"),
        (&[6], "y.w.example", "A", "Some(NoData) "),
        (&[], "y.w.example", "A", "DenialMissing"),
        // B.5: no data at a wildcard.
        (&[7, 9, 10], "a.z.w.example", "AAAA", "Some(NoData) "),
        (&[7, 9, 10], "a.z.w.example", "MX", "DenialContradicted"),
        (&[9, 10], "a.z.w.example", "AAAA", "DenialMissing"),
        (&[7, 10], "a.z.w.example", "AAAA", "DenialMissing"),
        (&[7, 9], "a.z.w.example", "AAAA", "DenialMissing"),
        // B.6: the child's server is asked for its DS.
        (&[0], "example", "DS", "DsOfChild"),
        // The parent's side of a cut says nothing of the child's types.
        (&[3], "a.example", "A", "DenialMissing"),
        (&[3, 0, 9], "x.a.example", "A", "DenialMissing"),
    ] {
        let text = lines(numbers, "0");
        assert_eq!(
            denied(&text, owner, rtype),
            expected,
            "{owner} {rtype} {numbers:?}"
        );
    }
}

#[test]
fn opt_out_is_never_secure() {
    let text = lines(&[0, 4, 3], "1");
    assert_eq!(
        denied(&text, "a.c.x.w.example", "A"),
        "Some(NxDomain) OptOut"
    );
    // B.3: a referral to an unsigned zone: c.example is not in the chain, but may be a delegation.
    assert_eq!(cut(&lines(&[3, 0], "1"), "c.example"), "Insecure OptOut");
    assert_eq!(
        denied(&lines(&[3, 0], "1"), "c.example", "DS"),
        "Some(NoData) OptOut"
    );
    assert_eq!(cut(&lines(&[3, 0], "0"), "c.example"), "Absent");
    assert_eq!(cut(&lines(&[3], "1"), "c.example"), "DenialMissing");
    assert_eq!(cut(&lines(&[3], "1"), "a.example"), "DenialContradicted");
    assert_eq!(cut(&lines(&[6], "1"), "y.w.example"), "Inside");
    // A match needs no opt-out.
    assert_eq!(
        denied(&lines(&[1], "1"), "ns1.example", "MX"),
        "Some(NoData) "
    );
}

/// B.4: an answer made by *.w.example for a.z.w.example.
#[test]
fn wildcard_answers() {
    let closer = |text: &str, labels| {
        let result =
            of(text).no_closer_match(&question("a.z.w.example", "MX"), labels, &mut Budget::new());
        match result {
            Ok(weakness) => format!("proven {}", weakness.as_ref().map(word).unwrap_or_default()),
            Err(why) => word(&why),
        }
    };
    assert_eq!(closer(&lines(&[9], "0"), 2), "proven ");
    assert_eq!(closer(&lines(&[9], "1"), 2), "proven OptOut");
    assert_eq!(closer(&lines(&[8], "0"), 2), "WildcardUnproven");
    assert_eq!(closer("", 2), "WildcardUnproven");
    assert_eq!(closer(&lines(&[9], "0"), 9), "WildcardUnproven");
}

#[test]
fn parameters_out_of_bounds() {
    let with = |from: &str, to: &str| lines(&[1], "0").replace(from, to);
    for (text, expected) in [
        (with(" 12 ", " 50 "), "DenialMissing"),
        (with(" 12 ", " 51 "), "None Nsec3Iterations"),
        (with(" 12 ", " 500 "), "None Nsec3Iterations"),
        (with(" 12 ", " 501 "), "Nsec3Excessive"),
        // Unknown algorithm, unknown flags, an owner that is no hash or not right below the apex: as if not there.
        (with("NSEC3 1 ", "NSEC3 2 "), "DenialMissing"),
        (with("NSEC3 1 0", "NSEC3 1 2"), "DenialMissing"),
        (
            with("2t7b4g4vsa5smi47k61mv5bv1a22bojr.", "ns1."),
            "DenialMissing",
        ),
        (with("bojr.example.", "bojr.sub.example."), "DenialMissing"),
        (with("bojr.example.", "bojr."), "DenialMissing"),
        (
            with("2vptu5timamqttgl4luu9kg21e0aor3s", "2vpt2vpt"),
            "DenialMissing",
        ),
        // Two chains at once.
        (
            format!(
                "{}\n{}",
                lines(&[1], "0"),
                lines(&[2], "0").replace("aabbccdd", "-")
            ),
            "DenialContradicted",
        ),
        // More records than any denial has.
        (lines(&[0, 1, 2, 3, 4, 5, 6, 7, 8], "0"), "Budget"),
        (lines(&[0, 1, 2, 3, 4, 5, 6, 7], "0"), "Some(NoData) "),
    ] {
        assert_eq!(denied(&text, "ns1.example", "MX"), expected, "{text}");
    }
    assert_eq!(
        cut(&with(" 12 ", " 51 "), "ns1.example"),
        "Insecure Nsec3Iterations"
    );
    assert_eq!(cut(&with(" 12 ", " 501 "), "ns1.example"), "Nsec3Excessive");
}

/// A name of more labels than the budget has hashes ends as an error, after so many hashes.
#[test]
fn hashing_is_bounded() {
    let deep = format!("{}example", "a.".repeat(100));
    let mut budget = Budget::new();
    let denial = of(&lines(&[0, 3, 4], "0"));
    let result = denial.deny(&question(&deep, "A"), &mut budget);
    assert_eq!(word(&result.unwrap_err()), "Budget");
    assert_eq!(budget.hashes(), NSEC3_HASHES_PER_PROOF);
}
