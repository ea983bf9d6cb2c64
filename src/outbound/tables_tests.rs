//! One row per finding of rfc7672.md A1 to A3 (MX, addresses, TLSA), at each level where it leads to another end.

use super::*;
use crate::outbound::fakes::domain;
use crate::outbound::policy::{Origin, Smarthost};
use crate::outbound::{Demand, Pattern};

#[test]
#[rustfmt::skip]
fn mx_findings() {
    check(
        "d.test",
        &[
            ("M1", STRICT, &[MX, A, TLSA], OK, AT_MX),
            ("M2", STRICT, &["d.test MX insecure 10 mx.d.test.", A, TLSA], "defer 4.7.5 mx-insecure", NONE),
            ("M3 bogus", STRICT, &["d.test MX bogus", A, TLSA], "defer 4.4.3 dnssec-invalid", NONE),
            ("M3 SERVFAIL", STRICT, &["d.test MX servfail", A, TLSA], "defer 4.4.3 mx-lookup-error", NONE),
            ("M3 timeout", STRICT, &["d.test MX timeout", A, TLSA], "defer 4.4.3 mx-lookup-error", NONE),
            ("M3 malformed", STRICT, &["d.test MX malformed", A, TLSA], "defer 4.4.3 mx-lookup-error", NONE),
            ("M3 refused", STRICT, &["d.test MX refused"], "defer 4.4.3 mx-lookup-error", NONE),
            ("M3 indeterminate", STRICT, &["d.test MX indeterminate"], "defer 4.4.3 mx-lookup-error", NONE),
            ("M4", STRICT, &["d.test MX secure nxdomain"], "reject 5.1.2 nxdomain", NONE),
            ("M5", STRICT, &["d.test MX insecure nxdomain"], "defer 4.7.5 nxdomain-insecure", NONE),
            ("M6", STRICT, &["d.test MX secure nodata", "d.test A secure 192.0.2.1", "_25._tcp.d.test TLSA secure good"], OK, "192.0.2.1:25 d.test"),
            ("M7", STRICT, &["d.test MX insecure nodata", "d.test A secure 192.0.2.1", "_25._tcp.d.test TLSA secure good"], "defer 4.7.5 implicit-mx", NONE),
            ("M8", STRICT, &["d.test MX secure 0 .", A, TLSA], "reject 5.1.10 null-mx", NONE),
            ("M9", STRICT, &["d.test MX insecure 0 ."], "defer 4.7.5 null-mx-insecure", NONE),
            ("M10", STRICT, &["d.test MX secure 0 ., 10 mx.d.test.", A, TLSA], OK, AT_MX),
            ("M10 only dots", STRICT, &["d.test MX secure 0 ., 5 ."], "defer 4.4.4 mx-malformed", NONE),
            ("M11", STRICT, &["d.test MX secure alias=e.test 10 mx.d.test.", A, TLSA], OK, AT_MX),
            ("M12", STRICT, &["d.test MX insecure alias=e.test 10 mx.d.test.", A, TLSA], "defer 4.7.5 mx-insecure", NONE),
            ("M13", STRICT, &["d.test MX alias-limit"], "defer 4.4.4 cname-limit", NONE),
            ("M14 address", STRICT, &["d.test MX secure 10 192.0.2.1."], "defer 4.4.4 mx-malformed", NONE),
            ("M14 name", STRICT, &["d.test MX secure 10 a_b.d.test."], "defer 4.4.4 mx-malformed", NONE),
            ("M14 next", STRICT, &["d.test MX secure 5 192.0.2.1., 10 mx.d.test.", A, TLSA], OK, AT_MX),
            ("M15 name", STRICT, &["d.test MX secure 10 GATEWAY.test., 20 mx.d.test.", A, TLSA], "reject 5.4.6 loop", NONE),
            ("M15 address", STRICT, &["d.test MX secure 10 us.d.test., 20 mx.d.test.", "us.d.test A secure 192.0.2.99", A, TLSA], "reject 5.4.6 loop", NONE),
            ("M15 equal", STRICT, &["d.test MX secure 10 us.d.test., 10 mx.d.test.", "us.d.test A secure 192.0.2.99", A, TLSA], "reject 5.4.6 loop", NONE),
            ("M15 insecure", STRICT, &["d.test MX secure 10 us.d.test.", "us.d.test A insecure 192.0.2.99"], "defer 4.7.5 addr-insecure", NONE),
            ("M16 name", STRICT, &["d.test MX secure 10 mx.d.test., 20 gateway.test., 20 b.d.test., 30 c.d.test.", A, BAD], "defer 4.7.5 validation-failure", AT_MX),
            ("M16 address", STRICT, &["d.test MX secure 10 mx.d.test., 20 us.d.test., 30 c.d.test.", A, "us.d.test A secure 192.0.2.99", "c.d.test A secure 192.0.2.3", BAD], "defer 4.7.5 validation-failure", AT_MX),
            ("T67", STRICT, &["d.test MX not-trusted"], "defer 4.7.5 resolver-not-validating", NONE),
            ("B9 stale", STRICT, &["d.test MX secure ede=3 10 mx.d.test.", A, TLSA], "defer 4.4.3 mx-lookup-error", NONE),
            ("none: M2", LAX, &["d.test MX insecure 10 mx.d.test.", "mx.d.test A insecure 127.0.0.2"], OK, "127.0.0.2:25 mx.d.test"),
            ("none: M3", LAX, &["d.test MX servfail"], "defer 4.4.3 mx-lookup-error", NONE),
            ("none: M5", LAX, &["d.test MX insecure nxdomain"], "reject 5.1.2 nxdomain-insecure", NONE),
            ("none: M7", LAX, &["d.test MX insecure nodata", "d.test A insecure 127.0.0.2"], OK, "127.0.0.2:25 d.test"),
            ("none: M9", LAX, &["d.test MX insecure 0 ."], "reject 5.1.10 null-mx-insecure", NONE),
            ("dane: M1", DANE, &[MX, A, TLSA], OK, AT_MX),
            ("dane: M2", DANE, &[BAD_MX, A, TLSA], OK, AT_MX),
            ("dane: M2 mismatch", DANE, &[BAD_MX, A, BAD], "defer 4.7.5 validation-failure", AT_MX),
            ("dane: M2 without TLSA", DANE, &[BAD_MX, "mx.d.test A insecure 192.0.2.1"], OK, AT_MX),
            ("dane: M3 bogus", DANE, &["d.test MX bogus", A, TLSA], "defer 4.4.3 dnssec-invalid", NONE),
            ("dane: M3 SERVFAIL", DANE, &["d.test MX servfail", A, TLSA], "defer 4.4.3 mx-lookup-error", NONE),
            ("dane: M4", DANE, &["d.test MX secure nxdomain"], "reject 5.1.2 nxdomain", NONE),
            ("dane: M5", DANE, &["d.test MX insecure nxdomain"], "reject 5.1.2 nxdomain-insecure", NONE),
            ("dane: M6", DANE, &["d.test MX secure nodata", "d.test A secure 192.0.2.1", "_25._tcp.d.test TLSA secure bad"], "defer 4.7.5 validation-failure", "192.0.2.1:25 d.test"),
            ("dane: M7", DANE, &["d.test MX insecure nodata", "d.test A secure 192.0.2.1", "_25._tcp.d.test TLSA secure bad"], "defer 4.7.5 validation-failure", "192.0.2.1:25 d.test"),
            ("dane: M8", DANE, &["d.test MX secure 0 ."], "reject 5.1.10 null-mx", NONE),
            ("dane: M9", DANE, &["d.test MX insecure 0 ."], "reject 5.1.10 null-mx-insecure", NONE),
            ("dane: M10", DANE, &["d.test MX insecure 0 ., 10 mx.d.test.", A, TLSA], OK, AT_MX),
            ("dane: M12", DANE, &["d.test MX insecure alias=e.test 10 mx.d.test.", A, TLSA], OK, AT_MX),
            ("dane: M13", DANE, &["d.test MX alias-limit"], "defer 4.4.4 cname-limit", NONE),
            ("dane: M14", DANE, &["d.test MX insecure 10 192.0.2.1."], "defer 4.4.4 mx-malformed", NONE),
            ("dane: M15", DANE, &["d.test MX insecure 10 gateway.test."], "reject 5.4.6 loop", NONE),
            ("dane: T67", DANE, &["d.test MX not-trusted"], "defer 4.7.5 resolver-not-validating", NONE),
            ("encrypt: M2", ENCRYPT, &[BAD_MX, A, BAD], OK, AT_MX),
            ("encrypt: M3", ENCRYPT, &["d.test MX servfail", A], "defer 4.4.3 mx-lookup-error", NONE),
            ("encrypt: M5", ENCRYPT, &["d.test MX insecure nxdomain"], "reject 5.1.2 nxdomain-insecure", NONE),
            ("encrypt: M9", ENCRYPT, &["d.test MX insecure 0 ."], "reject 5.1.10 null-mx-insecure", NONE),
        ],
    );
}

#[test]
fn address_literals() {
    check(
        "[192.0.2.1]",
        &[
            ("M19", STRICT, &[], "reject 5.7.4 address-literal", NONE),
            ("T76", LAX, &[], "defer 4.3.5 not-loopback", NONE),
            ("T50 dane", DANE, &[], OK, "192.0.2.1:25 "),
            (
                "M19 fingerprint",
                Level::Fingerprint,
                &[],
                MISMATCH,
                "192.0.2.1:25 ",
            ),
            ("M19 encrypt", ENCRYPT, &[], OK, "192.0.2.1:25 "),
            (
                "M19 secure",
                Level::Secure,
                &[],
                "reject 5.7.4 address-literal",
                NONE,
            ),
        ],
    );
    check(
        "[127.0.0.2]",
        &[("M19 none", LAX, &[], OK, "127.0.0.2:25 ")],
    );
}

#[test]
#[rustfmt::skip]
fn address_findings() {
    const AAAA: &str = "mx.d.test AAAA secure 2001:db8::1";
    check(
        "d.test",
        &[
            ("H1", STRICT, &[MX, A, AAAA, TLSA], OK, "[2001:db8::1]:25 mx.d.test"),
            ("H2 expanded", STRICT, &[MX, "mx.d.test A secure alias=h.e.test 192.0.2.1", "_25._tcp.h.e.test TLSA secure good"], OK, "192.0.2.1:25 h.e.test"),
            ("H2 original", STRICT, &[MX, "mx.d.test A secure alias=h.e.test 192.0.2.1", TLSA], OK, AT_MX),
            ("H3 strict", STRICT, &[MX, "mx.d.test A insecure alias=h.e.test 192.0.2.1", TLSA], "defer 4.7.5 addr-insecure", NONE),
            ("H4", STRICT, &[MX, "mx.d.test A insecure 192.0.2.1", TLSA], "defer 4.7.5 addr-insecure", NONE),
            ("H5", STRICT, &[MX, "mx.d.test A servfail", "mx.d.test AAAA timeout", TLSA], "defer 4.4.3 addr-lookup-error", NONE),
            ("H5 one unknown, one absent", STRICT, &[MX, "mx.d.test A servfail", TLSA], "defer 4.4.3 addr-lookup-error", NONE),
            ("H6", STRICT, &[MX, "mx.d.test A bogus", AAAA, TLSA], OK, "[2001:db8::1]:25 mx.d.test"),
            ("H7 proven", STRICT, &[MX], "reject 5.4.4 no-address", NONE),
            ("H7 proven name", STRICT, &[MX, "mx.d.test A secure nxdomain", "mx.d.test AAAA secure nxdomain"], "reject 5.4.4 no-address", NONE),
            ("H7 insecure denial", STRICT, &[MX, "mx.d.test A insecure nodata"], "defer 4.4.4 no-address", NONE),
            ("H7 every MX", STRICT, &["d.test MX secure 10 mx.d.test., 20 b.d.test."], "reject 5.4.4 no-address", NONE),
            ("H7 not every MX", STRICT, &["d.test MX secure 10 mx.d.test., 20 b.d.test.", "b.d.test A servfail"], "defer 4.4.3 addr-lookup-error", NONE),
            ("H7 we are the other MX", STRICT, &["d.test MX secure 10 mx.d.test., 20 gateway.test."], "defer 4.4.4 no-address", NONE),
            ("H7 malformed MX", STRICT, &["d.test MX secure 10 mx.d.test., 20 192.0.2.7."], "defer 4.4.4 mx-malformed", NONE),
            ("H8", STRICT, &[MX, A, "mx.d.test AAAA insecure 2001:db8::1", TLSA], OK, AT_MX),
            ("H9 loopback", STRICT, &[MX, "mx.d.test A secure 127.0.0.1", TLSA], "defer 4.4.4 addr-reserved", NONE),
            ("H9 private", STRICT, &[MX, "mx.d.test A secure 10.2.0.1", TLSA], "defer 4.4.4 addr-reserved", NONE),
            ("H9 allowed", STRICT, &[MX, "mx.d.test A secure 10.1.0.1", TLSA], OK, "10.1.0.1:25 mx.d.test"),
            ("H9 some", STRICT, &[MX, "mx.d.test A secure 127.0.0.1, 192.0.2.1", TLSA], OK, AT_MX),
            ("dane: H2", DANE, &[MX, "mx.d.test A secure alias=h.e.test 192.0.2.1", "_25._tcp.h.e.test TLSA secure bad", TLSA], MISMATCH, "192.0.2.1:25 h.e.test"),
            ("dane: H2 original", DANE, &[MX, "mx.d.test A secure alias=h.e.test 192.0.2.1", BAD], MISMATCH, AT_MX),
            ("dane: H3", DANE, &[MX, "mx.d.test CNAME secure h.e.test.", "mx.d.test A insecure alias=h.e.test 192.0.2.1", "_25._tcp.h.e.test TLSA secure good", BAD], MISMATCH, AT_MX),
            ("dane: H4 alias", DANE, &[MX, "mx.d.test CNAME insecure h.e.test.", "mx.d.test A insecure alias=h.e.test 192.0.2.1", BAD], OK, AT_MX),
            ("dane: H4", DANE, &[MX, "mx.d.test A insecure 192.0.2.1", BAD], OK, AT_MX),
            ("dane: H5", DANE, &[MX, "mx.d.test A servfail", "mx.d.test AAAA bogus", TLSA], "defer 4.4.3 addr-lookup-error", NONE),
            ("dane: H6", DANE, &[MX, "mx.d.test A servfail", AAAA, TLSA], OK, "[2001:db8::1]:25 mx.d.test"),
            ("dane: H7", DANE, &[MX], "reject 5.4.4 no-address", NONE),
            ("dane: H7 insecure MX", DANE, &[BAD_MX], "defer 4.4.4 no-address", NONE),
            ("dane: H7 insecure", DANE, &[MX, "mx.d.test A insecure nodata"], "defer 4.4.4 no-address", NONE),
            ("dane: H8", DANE, &[MX, A, "mx.d.test AAAA insecure 2001:db8::1", BAD], OK, "[2001:db8::1]:25 mx.d.test"),
            ("dane: H9", DANE, &[MX, "mx.d.test A insecure 127.0.0.1"], "defer 4.4.4 addr-reserved", NONE),
            ("dane: H10", DANE, &[MX, "mx.d.test CNAME timeout", "mx.d.test A insecure alias=h.e.test 192.0.2.1", TLSA], "defer 4.7.5 addr-lookup-error", NONE),
            ("encrypt: H5", ENCRYPT, &[MX, "mx.d.test A servfail"], "defer 4.4.3 addr-lookup-error", NONE),
            ("encrypt: H7", ENCRYPT, &[BAD_MX, "mx.d.test A insecure nodata"], "reject 5.4.4 no-address", NONE),
            ("encrypt: H9", ENCRYPT, &[MX, "mx.d.test A secure 10.9.0.1"], "defer 4.4.4 addr-reserved", NONE),
            ("none: H7", LAX, &[MX, "mx.d.test A insecure nodata"], "reject 5.4.4 no-address", NONE),
            ("none: H8", LAX, &[MX, "mx.d.test A insecure 127.0.0.2", "mx.d.test AAAA secure ::1"], OK, "[::1]:25 mx.d.test"),
            ("T76", LAX, &[MX, A], "defer 4.3.5 not-loopback", NONE),
        ],
    );
}

#[test]
#[rustfmt::skip]
fn tlsa_findings() {
    const ALIASED: &str = "mx.d.test A secure alias=h.e.test 192.0.2.1";
    const AT_TARGET: &str = "_25._tcp.h.e.test";
    fn row(
        name: &'static str,
        answer: &'static str,
        expected: &'static str,
        contacts: &'static str,
        at_dane: &'static str,
    ) {
        let line = format!("_25._tcp.mx.d.test TLSA {answer}");
        let (dns, net) = (FakeDns::new(&[MX, A, &line]), FakeNet::default());
        let decision = run(STRICT, "d.test", &dns, &net);
        assert_eq!(summary(&decision.deciding.cause), expected, "{name}");
        assert_eq!(net.contacts().join(", "), contacts, "{name}");
        let decision = run(DANE, "d.test", &dns, &net).deciding;
        let proof = decision.proof_word().map(str::to_owned);
        assert_eq!(proof.unwrap_or_else(|| summary(&decision.cause)), at_dane, "dane: {name}");
        let decision = run(ENCRYPT, "d.test", &dns, &net).deciding;
        assert_eq!(decision.proof_word(), Some("encrypted"), "encrypt: {name}");
    }
    row("L1", "secure good", OK, AT_MX, "verified");
    row("L2", "secure pkix, unknown", "defer 4.7.5 tlsa-invalid", NONE, "encrypted");
    row("L3 NODATA", "secure nodata", "defer 4.7.5 dane-required", NONE, "encrypted");
    row("L3 NXDOMAIN", "secure nxdomain", "defer 4.7.5 dane-required", NONE, "encrypted");
    row("L4", "insecure good", "defer 4.7.5 tlsa-insecure", NONE, "encrypted");
    row("L4 denial", "insecure nodata", "defer 4.7.5 tlsa-insecure", NONE, "encrypted");
    row("L5 bogus", "bogus", "defer 4.7.5 dnssec-invalid", NONE, "defer 4.7.5 dnssec-invalid");
    row("L5 SERVFAIL", "servfail", "defer 4.7.5 tlsa-lookup-error", NONE, "defer 4.7.5 tlsa-lookup-error");
    row("L5 timeout", "timeout", "defer 4.7.5 tlsa-lookup-error", NONE, "defer 4.7.5 tlsa-lookup-error");
    row("L5 REFUSED", "refused", "defer 4.7.5 tlsa-lookup-error", NONE, "defer 4.7.5 tlsa-lookup-error");
    row("L5 NOTIMP", "notimp", "defer 4.7.5 tlsa-lookup-error", NONE, "defer 4.7.5 tlsa-lookup-error");
    row("L6", "secure alias=_25._tcp.other.test good", OK, AT_MX, "verified");
    row("L7 insecure", "insecure alias=_25._tcp.other.test good", "defer 4.7.5 tlsa-insecure", NONE, "encrypted");
    row("L7 dangling", "secure alias=_25._tcp.other.test nxdomain", "defer 4.7.5 dane-required", NONE, "encrypted");
    row("L7 loop", "alias-limit", "defer 4.7.5 tlsa-lookup-error", NONE, "defer 4.7.5 tlsa-lookup-error");
    row("L8 match", "secure pkix, good", OK, AT_MX, "verified");
    row("L8 mismatch", "secure pkix, bad", "defer 4.7.5 validation-failure", AT_MX, "defer 4.7.5 validation-failure");
    row("L9", "secure pkix", "defer 4.7.5 tlsa-invalid", NONE, "encrypted");
    row("L10", "secure unknown", "defer 4.7.5 tlsa-invalid", NONE, "encrypted");
    row("L11", "secure short", "defer 4.7.5 tlsa-invalid", NONE, "encrypted");
    row("L12", "secure garbage", "defer 4.7.5 tlsa-invalid", NONE, "encrypted");
    row("L13", "secure good, good", OK, AT_MX, "verified");
    row("T67", "not-trusted", "defer 4.7.5 resolver-not-validating", NONE, "defer 4.7.5 resolver-not-validating");
    let at_target = |answer: &str| format!("{AT_TARGET} TLSA {answer}");
    for (name, level, first, expected, contacts) in [
        ("L2 stops", STRICT, "secure pkix", "defer 4.7.5 tlsa-invalid", NONE),
        ("L3 goes on", STRICT, "secure nodata", OK, AT_MX),
        ("L4 goes on", STRICT, "insecure good", OK, AT_MX),
        ("L5 stops", STRICT, "servfail", "defer 4.7.5 tlsa-lookup-error", NONE),
        ("T36", STRICT, "bogus", "defer 4.7.5 dnssec-invalid", NONE),
        ("dane: L2 stops", DANE, "secure pkix", OK, AT_MX),
        ("dane: L3 goes on", DANE, "secure nodata", MISMATCH, AT_MX),
        ("dane: L4 goes on", DANE, "insecure good", MISMATCH, AT_MX),
        ("dane: L5 stops", DANE, "servfail", "defer 4.7.5 tlsa-lookup-error", NONE),
        ("dane: T36", DANE, "bogus", "defer 4.7.5 dnssec-invalid", NONE),
    ] {
        let at_original = match level {
            STRICT => TLSA,
            _ => BAD,
        };
        let line = at_target(first);
        let (dns, net) = (
            FakeDns::new(&[MX, ALIASED, &line, at_original]),
            FakeNet::default(),
        );
        let decision = run(level, "d.test", &dns, &net);
        assert_eq!(summary(&decision.deciding.cause), expected, "{name}");
        assert_eq!(net.contacts().join(", "), contacts, "{name}");
    }
}

/// M2, M6, M7, H3, H8: what is said to be proven.
#[test]
#[rustfmt::skip]
fn a_match_at_a_host_nobody_designated_is_not_verified() {
    const H3: [&str; 2] = ["mx.d.test CNAME secure h.e.test.", "mx.d.test A insecure alias=h.e.test 192.0.2.1"];
    let implicit = |status: &str| format!("d.test MX {status} nodata");
    let (m6, m7) = (implicit("secure"), implicit("insecure"));
    let at_domain = ["d.test A secure 192.0.2.1", "_25._tcp.d.test TLSA secure good"];
    for (row, level, lines, proof) in [
        ("M1", STRICT, vec![MX, A, TLSA], "verified"),
        ("M1", DANE, vec![MX, A, TLSA], "verified"),
        ("M2", DANE, vec![BAD_MX, A, TLSA], "trusted"),
        ("M2, H4", DANE, vec![BAD_MX, "mx.d.test A insecure 192.0.2.1", TLSA], "encrypted"),
        ("M6", DANE, vec![&m6, at_domain[0], at_domain[1]], "verified"),
        ("M7", DANE, vec![&m7, at_domain[0], at_domain[1]], "trusted"),
        ("H3", DANE, vec![MX, H3[0], H3[1], TLSA], "verified"),
        ("H4", DANE, vec![MX, "mx.d.test A insecure 192.0.2.1", TLSA], "encrypted"),
        ("H8", DANE, vec![MX, "mx.d.test A insecure 192.0.2.1", "mx.d.test AAAA secure 2001:db8::1", TLSA], "verified"),
        ("M1", ENCRYPT, vec![MX, A, TLSA], "encrypted"),
    ] {
        let decision = run(level, "d.test", &FakeDns::new(&lines), &FakeNet::default());
        assert_eq!(decision.deciding.proof_word(), Some(proof), "{level}: {row}");
        let is_verified = decision.json().to_string().contains(r#""verified":true"#);
        assert_eq!(is_verified, proof == "verified", "{level}: {row}");
    }
}

/// M20, and hosts that a policy lists: no MX look-up, the host's own addresses and TLSA records count.
#[test]
#[rustfmt::skip]
fn configured_hosts_are_verified_like_mx_hosts() {
    const LISTED: [&str; 2] = ["mx.d.test", "b.d.test"];
    const SMART: [&str; 1] = ["mx.d.test"];
    for (row, level, destination, is_route, hosts, lines, expected, contacts) in [
        ("M20", STRICT, "d.test", true, &SMART[..], vec![A, TLSA], "verified", "192.0.2.1:26 mx.d.test"),
        ("M20 unsigned domain", STRICT, "d.test", true, &SMART, vec!["d.test MX bogus", A, TLSA], "verified", "192.0.2.1:26 mx.d.test"),
        ("M20 literal", STRICT, "[192.0.2.9]", true, &SMART, vec![A, TLSA], "verified", "192.0.2.1:26 mx.d.test"),
        ("M20 mismatch", STRICT, "d.test", true, &SMART, vec![A, BAD], MISMATCH, "192.0.2.1:26 mx.d.test"),
        ("M20 H4", STRICT, "d.test", true, &SMART, vec!["mx.d.test A insecure 192.0.2.1", TLSA], "defer 4.7.5 addr-insecure", NONE),
        ("M20 H7", STRICT, "d.test", true, &SMART, vec!["mx.d.test A secure nxdomain", "mx.d.test AAAA secure nxdomain"], "defer 4.4.4 no-address", NONE),
        ("M20 L3", STRICT, "d.test", true, &SMART, vec![A], "defer 4.7.5 dane-required", NONE),
        ("M20 dane", DANE, "d.test", true, &SMART, vec![A], "encrypted", "192.0.2.1:26 mx.d.test"),
        ("mx=", STRICT, "d.test", false, &LISTED, vec!["d.test MX insecure 10 other.test.", A, TLSA], "verified", "192.0.2.1:26 mx.d.test"),
        ("mx= second", STRICT, "d.test", false, &LISTED, vec![A, "b.d.test A secure 192.0.2.2", "_26._tcp.b.d.test TLSA secure good"], "verified", "192.0.2.2:26 b.d.test"),
    ] {
        let mut settings = settings(level);
        settings.smtp_port = 26;
        let hosts: Vec<Domain> = hosts.iter().map(|host| domain(host)).collect();
        match is_route {
            true => settings.policies.smarthosts.push(Smarthost {
                pattern: Pattern::Any,
                host: hosts[0].clone(),
                port: None,
                origin: Origin::default(),
            }),
            false => settings.policies.lines[0].hosts = hosts,
        }
        let lines: Vec<String> = lines.iter().map(|line| line.replace("_25.", "_26.")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let lines = match row {
            "mx= second" => lines.into_iter().filter(|line| !line.starts_with("_26._tcp.mx")).collect(),
            _ => lines,
        };
        let (dns, net) = (FakeDns::new(&lines), FakeNet::default());
        let decision = run_with(Look::default(), &settings, destination, &dns, &net).deciding;
        let proof = decision.proof_word().map(str::to_owned);
        assert_eq!(proof.unwrap_or_else(|| summary(&decision.cause)), expected, "{row}");
        assert_eq!(net.contacts().join(", "), contacts, "{row}");
        assert!(!dns.questions().iter().any(|question| question.starts_with("MX ")), "{row}");
    }
}

/// B1: which names a certificate below a trust anchor may bear.
#[test]
#[rustfmt::skip]
fn reference_identifiers() {
    const ALIASED: &str = "mx.d.test A secure alias=h.e.test 192.0.2.1";
    const AT_TARGET: &str = "_25._tcp.h.e.test TLSA secure good";
    for (row, level, lines, expected) in [
        ("plain", STRICT, vec![MX, A, TLSA], "mx.d.test d.test"),
        ("base at the target", STRICT, vec![MX, ALIASED, AT_TARGET], "h.e.test mx.d.test d.test"),
        ("base at the original", STRICT, vec![MX, ALIASED, TLSA], "mx.d.test d.test"),
        ("T43", STRICT, vec!["d.test MX secure alias=x.test 10 mx.d.test.", A, TLSA], "mx.d.test d.test x.test"),
        ("insecure MX", DANE, vec![BAD_MX, A, TLSA], "mx.d.test"),
        ("T08", DANE, vec![BAD_MX, ALIASED, AT_TARGET], "h.e.test"),
        ("insecure alias", DANE, vec!["d.test MX insecure alias=x.test 10 mx.d.test.", A, TLSA], "mx.d.test"),
        ("no MX", STRICT, vec!["d.test MX secure nodata", "d.test A secure alias=x.test 192.0.2.1", "_25._tcp.x.test TLSA secure good"], "x.test d.test"),
        ("no MX, alias", STRICT, vec!["d.test MX secure alias=x.test nodata", "d.test A secure 192.0.2.1", "_25._tcp.d.test TLSA secure good"], "d.test"),
        ("no MX, insecure", DANE, vec!["d.test MX insecure nodata", "d.test A secure 192.0.2.1", "_25._tcp.d.test TLSA secure good"], "d.test"),
    ] {
        let net = FakeNet::default();
        run(level, "d.test", &FakeDns::new(&lines), &net);
        let [Demand::Dane { references, .. }] = &net.demands()[..] else {
            panic!("{row}: one demand of DANE");
        };
        let names: Vec<&str> = references.iter().map(Domain::as_str).collect();
        assert_eq!(names.join(" "), expected, "{row}");
    }
}

/// H3 with the knob: the alias must be secure, and TLSA records count only there.
#[test]
#[rustfmt::skip]
fn addresses_behind_a_secure_alias_count_where_the_policy_says_so() {
    const A: &str = "mx.d.test A insecure alias=h.e.test 192.0.2.1";
    const SECURE: &str = "mx.d.test CNAME secure h.e.test.";
    const AT_TARGET: &str = "_25._tcp.h.e.test TLSA secure good";
    let mut settings = settings(STRICT);
    settings.policies.lines[0].is_alias_enough = true;
    for (row, lines, expected, contacts) in [
        ("H3", vec![MX, A, SECURE, TLSA], OK, AT_MX),
        ("T34 mismatch", vec![MX, A, SECURE, BAD], MISMATCH, AT_MX),
        ("H3 only at the target", vec![MX, A, SECURE, AT_TARGET], "defer 4.7.5 dane-required", NONE),
        ("H4", vec![MX, A, "mx.d.test CNAME insecure h.e.test.", TLSA], "defer 4.7.5 addr-insecure", NONE),
        ("H4 without alias", vec![MX, "mx.d.test A insecure 192.0.2.1", TLSA], "defer 4.7.5 addr-insecure", NONE),
        ("H10", vec![MX, A, "mx.d.test CNAME servfail", TLSA], "defer 4.7.5 addr-lookup-error", NONE),
    ] {
        let (dns, net) = (FakeDns::new(&lines), FakeNet::default());
        let decision = run_with(Look::default(), &settings, "d.test", &dns, &net);
        assert_eq!(summary(&decision.deciding.cause), expected, "{row}");
        assert_eq!(net.contacts().join(", "), contacts, "{row}");
    }
}
