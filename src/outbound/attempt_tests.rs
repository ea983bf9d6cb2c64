//! One row per finding of rfc7672.md A1 to A3 (MX, addresses, TLSA) that can be had today, and the order and limits of fail-over.

use super::*;
use crate::outbound::decision::bare;
use crate::outbound::fakes::{FakeDns, FakeNet, Server, settings, summary};

/// An errand that has enough after the first connection.
#[derive(Default)]
struct Look {
    looks_further: bool,
    records: Vec<String>,
}

impl Errand for Look {
    fn looks_further(&self) -> bool {
        self.looks_further
    }

    fn asked(&mut self, _asked: &Asked) {}

    fn connected(&mut self, carrier: Box<dyn Carrier>) -> Ended {
        carrier.quit();
        Ended {
            cause: Cause::new(Reason::Delivered, "seen"),
            phase: Phase::Verdict,
            next: match self.looks_further {
                true => Next::Host,
                false => Next::Enough,
            },
        }
    }

    fn attempted(&mut self, record: &Record) {
        self.records.push(record.to_string());
    }
}

const STRICT: Level = Level::DaneOnly;
const LAX: Level = Level::None;

fn run(level: Level, destination: &str, dns: &FakeDns, net: &FakeNet) -> Decision {
    run_with(Look::default(), level, destination, dns, net)
}

fn run_with(
    mut look: Look,
    level: Level,
    destination: &str,
    dns: &FakeDns,
    net: &FakeNet,
) -> Decision {
    let settings = settings(level);
    let means = Means {
        settings: &settings,
        resolver: dns,
        connector: net,
        breaker: None,
        is_stopping: &|| false,
    };
    let destination = Host::parse(destination).expect("a destination");
    let decision = walk(means, &destination, &mut look, &mut || 0);
    assert_eq!(bare(&decision.deciding.domain), bare(&destination));
    let told = decision.hosts.len().max(1);
    assert!(look.records.len() >= told, "every record is told");
    decision
}

type Row = (
    &'static str,
    Level,
    &'static [&'static str],
    &'static str,
    &'static str,
);

/// Each row: its name, the level, the DNS, what comes of it, and the connections that are made.
fn check(destination: &str, rows: &[Row]) {
    for (row, level, lines, expected, contacts) in rows {
        let (dns, net) = (FakeDns::new(lines), FakeNet::default());
        let decision = run(*level, destination, &dns, &net);
        assert_eq!(summary(&decision.deciding.cause), *expected, "{row}");
        assert_eq!(net.contacts().join(", "), *contacts, "{row}");
    }
}

const NONE: &str = "";
const OK: &str = "deliver 2.0.0 ok";
const MX: &str = "d.test MX secure 10 mx.d.test.";
const A: &str = "mx.d.test A secure 192.0.2.1";
const TLSA: &str = "_25._tcp.mx.d.test TLSA secure good";
const AT_MX: &str = "192.0.2.1:25 mx.d.test";

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
            ("M16 name", STRICT, &["d.test MX secure 10 mx.d.test., 20 gateway.test., 20 b.d.test., 30 c.d.test.", A, "_25._tcp.mx.d.test TLSA secure bad"], "defer 4.7.5 validation-failure", AT_MX),
            ("M16 address", STRICT, &["d.test MX secure 10 mx.d.test., 20 us.d.test., 30 c.d.test.", A, "us.d.test A secure 192.0.2.99", "c.d.test A secure 192.0.2.3", "_25._tcp.mx.d.test TLSA secure bad"], "defer 4.7.5 validation-failure", AT_MX),
            ("T67", STRICT, &["d.test MX not-trusted"], "defer 4.7.5 resolver-not-validating", NONE),
            ("B9 stale", STRICT, &["d.test MX secure ede=3 10 mx.d.test.", A, TLSA], "defer 4.4.3 mx-lookup-error", NONE),
            ("none: M2", LAX, &["d.test MX insecure 10 mx.d.test.", "mx.d.test A insecure 127.0.0.2"], OK, "127.0.0.2:25 mx.d.test"),
            ("none: M3", LAX, &["d.test MX servfail"], "defer 4.4.3 mx-lookup-error", NONE),
            ("none: M5", LAX, &["d.test MX insecure nxdomain"], "reject 5.1.2 nxdomain", NONE),
            ("none: M7", LAX, &["d.test MX insecure nodata", "d.test A insecure 127.0.0.2"], OK, "127.0.0.2:25 d.test"),
            ("none: M9", LAX, &["d.test MX insecure 0 ."], "reject 5.1.10 null-mx", NONE),
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
    ) {
        let line = format!("_25._tcp.mx.d.test TLSA {answer}");
        let (dns, net) = (FakeDns::new(&[MX, A, &line]), FakeNet::default());
        let decision = run(STRICT, "d.test", &dns, &net);
        assert_eq!(summary(&decision.deciding.cause), expected, "{name}");
        assert_eq!(net.contacts().join(", "), contacts, "{name}");
    }
    row("L1", "secure good", OK, AT_MX);
    row("L2", "secure pkix, unknown", "defer 4.7.5 tlsa-invalid", NONE);
    row("L3 NODATA", "secure nodata", "defer 4.7.5 dane-required", NONE);
    row("L3 NXDOMAIN", "secure nxdomain", "defer 4.7.5 dane-required", NONE);
    row("L4", "insecure good", "defer 4.7.5 tlsa-insecure", NONE);
    row("L4 denial", "insecure nodata", "defer 4.7.5 tlsa-insecure", NONE);
    row("L5 bogus", "bogus", "defer 4.7.5 dnssec-invalid", NONE);
    row("L5 SERVFAIL", "servfail", "defer 4.7.5 tlsa-lookup-error", NONE);
    row("L5 timeout", "timeout", "defer 4.7.5 tlsa-lookup-error", NONE);
    row("L5 REFUSED", "refused", "defer 4.7.5 tlsa-lookup-error", NONE);
    row("L5 NOTIMP", "notimp", "defer 4.7.5 tlsa-lookup-error", NONE);
    row("L6", "secure alias=_25._tcp.other.test good", OK, AT_MX);
    row("L7 insecure", "insecure alias=_25._tcp.other.test good", "defer 4.7.5 tlsa-insecure", NONE);
    row("L7 dangling", "secure alias=_25._tcp.other.test nxdomain", "defer 4.7.5 dane-required", NONE);
    row("L7 loop", "alias-limit", "defer 4.7.5 tlsa-lookup-error", NONE);
    row("L8 match", "secure pkix, good", OK, AT_MX);
    row("L8 mismatch", "secure pkix, bad", "defer 4.7.5 validation-failure", AT_MX);
    row("L9", "secure pkix", "defer 4.7.5 tlsa-invalid", NONE);
    row("L10", "secure unknown", "defer 4.7.5 tlsa-invalid", NONE);
    row("L11", "secure short", "defer 4.7.5 tlsa-invalid", NONE);
    row("L12", "secure garbage", "defer 4.7.5 tlsa-invalid", NONE);
    row("L13", "secure good, good", OK, AT_MX);
    row("T67", "not-trusted", "defer 4.7.5 resolver-not-validating", NONE);
    let at_target = |answer: &str| format!("{AT_TARGET} TLSA {answer}");
    for (name, first, expected, contacts) in [
        ("L2 stops", "secure pkix", "defer 4.7.5 tlsa-invalid", NONE),
        ("L3 goes on", "secure nodata", OK, AT_MX),
        ("L4 goes on", "insecure good", OK, AT_MX),
        ("L5 stops", "servfail", "defer 4.7.5 tlsa-lookup-error", NONE),
        ("T36", "bogus", "defer 4.7.5 dnssec-invalid", NONE),
    ] {
        let line = at_target(first);
        let (dns, net) = (
            FakeDns::new(&[MX, ALIASED, &line, TLSA]),
            FakeNet::default(),
        );
        let decision = run(STRICT, "d.test", &dns, &net);
        assert_eq!(summary(&decision.deciding.cause), expected, "{name}");
        assert_eq!(net.contacts().join(", "), contacts, "{name}");
    }
}

/// G5: no question is asked that an earlier answer made needless.
#[test]
fn questions_are_asked_in_order_and_only_as_far_as_needed() {
    let insecure = "mx.d.test A insecure 192.0.2.1";
    for (lines, questions) in [
        (vec!["d.test MX insecure 10 mx.d.test."], "MX d.test."),
        (
            vec![MX, insecure],
            "MX d.test., AAAA mx.d.test., A mx.d.test.",
        ),
        (
            vec![MX, A, TLSA],
            "MX d.test., AAAA mx.d.test., A mx.d.test., TLSA _25._tcp.mx.d.test.",
        ),
    ] {
        let (dns, net) = (FakeDns::new(&lines), FakeNet::default());
        run(STRICT, "d.test", &dns, &net);
        assert_eq!(dns.questions().join(", "), questions);
    }
}

/// C12, B9: what was published a moment ago counts, not what was looked up first.
#[test]
#[rustfmt::skip]
fn records_are_fetched_anew_once() {
    let new = Server::Presents(b"new certificate");
    let old = "_25._tcp.mx.d.test TLSA secure good";
    let short_lived = "_25._tcp.mx.d.test TLSA secure ttl=0 good";
    let twice = "192.0.2.1:25 mx.d.test, 192.0.2.1:25 mx.d.test";
    for (name, first, fresh, server, expected, contacts) in [
        ("rolled", old, "secure new", new, OK, twice),
        ("rolled to another", old, "secure bad", new, "defer 4.7.5 validation-failure", twice),
        ("not rolled", old, "secure good", new, "defer 4.7.5 validation-failure", AT_MX),
        ("refetch fails", old, "servfail", new, "defer 4.7.5 validation-failure", AT_MX),
        ("out of date, same", short_lived, "secure good", Server::Presents(b"certificate"), OK, AT_MX),
        ("out of date, gone", short_lived, "secure nodata", Server::Presents(b"certificate"), "defer 4.7.5 dane-required", AT_MX),
        ("out of date, unknown", short_lived, "servfail", Server::Presents(b"certificate"), "defer 4.7.5 tlsa-lookup-error", AT_MX),
        ("out of date, changed", short_lived, "secure bad", Server::Presents(b"certificate"), "defer 4.7.5 validation-failure", twice),
    ] {
        let fresh = format!("fresh _25._tcp.mx.d.test TLSA {fresh}");
        let dns = FakeDns::new(&[MX, A, first, &fresh]);
        let net = FakeNet::new(&[("192.0.2.1", server)]);
        let decision = run(STRICT, "d.test", &dns, &net);
        assert_eq!(summary(&decision.deciding.cause), expected, "{name}");
        assert_eq!(net.contacts().join(", "), contacts, "{name}");
    }
}

/// B9 for MX records.
#[test]
fn a_host_that_is_no_mx_host_any_more_gets_nothing() {
    struct Moving(FakeDns);
    impl Resolve for Moving {
        fn lookup(
            &self,
            name: &crate::dns::Name,
            rtype: RecordType,
            deadline: crate::time::Deadline,
        ) -> Result<crate::resolver::Answer, crate::resolver::LookupError> {
            let answer = self.0.lookup(name, rtype, deadline);
            if rtype == RecordType::MX {
                self.0.set("d.test MX secure ttl=0 10 elsewhere.d.test.");
            }
            answer
        }
    }
    let dns = Moving(FakeDns::new(&[
        "d.test MX secure ttl=0 10 mx.d.test.",
        A,
        TLSA,
    ]));
    let (settings, net) = (settings(STRICT), FakeNet::default());
    let means = Means {
        settings: &settings,
        resolver: &dns,
        connector: &net,
        breaker: None,
        is_stopping: &|| false,
    };
    let destination = Host::parse("d.test").expect("a domain");
    let decision = walk(means, &destination, &mut Look::default(), &mut || 0);
    assert_eq!(summary(&decision.deciding.cause), "defer 4.4.3 mx-expired");
}

/// T44 to T47, S1: the next address, then the next host, in the order of preference whatever is published about them.
#[test]
#[rustfmt::skip]
fn fail_over() {
    const TWO: &str = "d.test MX secure 20 b.d.test., 10 mx.d.test.";
    const B: [&str; 2] = [
        "b.d.test A secure 192.0.2.2",
        "_25._tcp.b.d.test TLSA secure good",
    ];
    const AT_B: &str = "192.0.2.2:25 b.d.test";
    let dead = [("192.0.2.1", Server::Fails(Reason::Connect, Phase::Connect))];
    let both = "192.0.2.1:25 mx.d.test, 192.0.2.2:25 b.d.test";
    type Row<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, Server)], &'a str, &'a str);
    let rows: [Row<'_>; 7] = [
        ("better first", &[TWO, A, TLSA, B[0], B[1]], &[], OK, AT_MX),
        ("T44", &[TWO, A, TLSA, B[0], B[1]], &dead, OK, both),
        ("T44 mismatch", &[TWO, A, "_25._tcp.mx.d.test TLSA secure bad", B[0], B[1]], &[], OK, both),
        ("T45", &[TWO, A, B[0], B[1]], &[], OK, AT_B),
        ("T46", &[TWO, A, "_25._tcp.mx.d.test TLSA servfail", B[0], B[1]], &[], OK, AT_B),
        ("addresses", &[TWO, A, TLSA, "mx.d.test AAAA secure 2001:db8::1"], &dead, OK, "[2001:db8::1]:25 mx.d.test"),
        ("last cause", &[TWO, A, TLSA, B[0]], &dead, "defer 4.7.5 dane-required", AT_MX),
    ];
    for (name, lines, servers, expected, contacts) in rows {
        let (dns, net) = (FakeDns::new(lines), FakeNet::new(servers));
        let decision = run(STRICT, "d.test", &dns, &net);
        assert_eq!(summary(&decision.deciding.cause), expected, "{name}");
        assert_eq!(net.contacts().join(", "), contacts, "{name}");
    }
}

/// M18, T51.
#[test]
fn a_run_has_limits_and_exceeding_them_is_never_permanent() {
    let hosts = |count: usize| -> String {
        let hosts: Vec<String> = (0..count).map(|n| format!("10 h{n}.d.test.")).collect();
        format!("d.test MX secure {}", hosts.join(", "))
    };
    let absent = run(
        STRICT,
        "d.test",
        &FakeDns::new(&[&hosts(40)]),
        &FakeNet::default(),
    );
    assert_eq!(summary(&absent.deciding.cause), "defer 4.4.4 no-address");
    assert!(absent.deciding.remarks.contains(&Reason::MxTruncated));

    let mut lines = vec![hosts(12)];
    for n in 0..12 {
        let v4: Vec<String> = (1..=6).map(|last| format!("192.0.{n}.{last}")).collect();
        let v6: Vec<String> = (1..=6)
            .map(|last| format!("2001:db8:{n}::{last}"))
            .collect();
        lines.push(format!("h{n}.d.test A secure {}", v4.join(", ")));
        lines.push(format!("h{n}.d.test AAAA secure {}", v6.join(", ")));
        lines.push(format!("_25._tcp.h{n}.d.test TLSA secure bad"));
    }
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let net = FakeNet::default();
    let tried = run(STRICT, "d.test", &FakeDns::new(&lines), &net);
    assert_eq!(
        summary(&tried.deciding.cause),
        "defer 4.7.5 validation-failure"
    );
    assert_eq!(net.contacts().len(), ADDRESSES_MAX);
    let is_v6 = |contact: &&String| contact.starts_with('[');
    assert_eq!(
        net.contacts().iter().filter(is_v6).count(),
        ADDRESSES_MAX / 2
    );

    let lines: Vec<&str> = lines
        .iter()
        .copied()
        .filter(|line| !line.contains("AAAA"))
        .collect();
    let single: Vec<String> = lines
        .iter()
        .map(|line| line.split(", 192").next().unwrap_or(line).to_owned())
        .collect();
    let single: Vec<&str> = single.iter().map(String::as_str).collect();
    let net = FakeNet::default();
    run(STRICT, "d.test", &FakeDns::new(&single), &net);
    assert_eq!(net.contacts().len(), HOSTS_MAX);
}

/// M18: who looks further sees what a run leaves for another one, and it decides nothing.
#[test]
#[rustfmt::skip]
fn what_a_run_leaves_out_can_be_looked_at() {
    let further = |dns: &FakeDns, net: &FakeNet| {
        let look = Look { looks_further: true, ..Look::default() };
        run_with(look, STRICT, "d.test", dns, net)
    };
    let mut lines = vec!["d.test MX secure".to_owned()];
    let mut hosts = Vec::new();
    for n in 0..HOSTS_MAX + 2 {
        hosts.push(format!("{n} h{n}.d.test."));
        lines.push(format!("h{n}.d.test A secure 192.0.2.{n}"));
        let tlsa = if n == HOSTS_MAX { "good" } else { "bad" };
        lines.push(format!("_25._tcp.h{n}.d.test TLSA secure {tlsa}"));
    }
    lines[0] = format!("d.test MX secure {}", hosts.join(", "));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let seen = further(&FakeDns::new(&lines), &FakeNet::default());
    assert_eq!(summary(&seen.deciding.cause), "defer 4.7.5 validation-failure");
    let beyond: Vec<&Record> = seen.hosts.iter().filter(|record| record.is_beyond).collect();
    assert_eq!(seen.hosts.len(), HOSTS_MAX + 2);
    assert_eq!(summary(&beyond[0].cause), OK);
    assert_eq!((beyond[0].host(), beyond[1].host(), beyond.len()), ("h5.d.test", "h6.d.test", 2));

    // After a success, and all addresses of one host.
    let addresses: Vec<String> = (1..=9).map(|last| format!("192.0.2.{last}")).collect();
    let many = format!("mx.d.test A secure {}", addresses.join(", "));
    let net = FakeNet::default();
    let seen = further(&FakeDns::new(&[MX, &many, TLSA]), &net);
    assert_eq!(summary(&seen.deciding.cause), OK);
    assert_eq!(net.contacts().len(), addresses.len());
    let within = seen.hosts.iter().filter(|record| !record.is_beyond).count();
    assert_eq!(within, ADDRESSES_PER_HOST_MAX);

    // There is an end to it all the same.
    let addresses: Vec<String> = (1..=90).map(|last| format!("192.0.2.{last}")).collect();
    let many = format!("mx.d.test A secure {}", addresses.join(", "));
    let net = FakeNet::default();
    further(&FakeDns::new(&[MX, &many, TLSA]), &net);
    assert_eq!(net.contacts().len(), ADDRESSES_PER_HOST_MAX + ADDRESSES_LOOKED_AT_MAX);
}

#[test]
fn a_stop_ends_the_walk_at_the_next_step() {
    let (dns, net, settings) = (
        FakeDns::new(&[MX, A, TLSA]),
        FakeNet::default(),
        settings(STRICT),
    );
    let means = Means {
        settings: &settings,
        resolver: &dns,
        connector: &net,
        breaker: None,
        is_stopping: &|| true,
    };
    let destination = Host::parse("d.test").expect("a domain");
    let decision = walk(means, &destination, &mut Look::default(), &mut || 0);
    assert_eq!(summary(&decision.deciding.cause), "defer 4.3.2 stopped");
    assert!(net.contacts().is_empty());
}

/// The one line tells the whole way, and what has to be mended.
#[test]
fn records_are_printed_as_one_line() {
    let net = FakeNet::new(&[("192.0.2.1", Server::Presents(b"other"))]);
    let mx = "d.test MX secure ede=29 10 mx.d.test.";
    let decision = run(STRICT, "d.test", &FakeDns::new(&[mx, A, TLSA]), &net);
    let line = decision.to_string();
    for part in [
        "dane-only defer 4.7.5 validation-failure domain=d.test mx=mx.d.test preference=10 addr=192.0.2.1:25 base=mx.d.test step=verdict",
        " status=mx:secure,addr:secure,tlsa:secure resolver=fake tlsa=\"3 0 1 ",
        " reason=\"_25._tcp.mx.d.test.: the TLSA record does not match; if this is the right server",
    ] {
        assert!(line.contains(part), "{part}\n{line}");
    }
    assert!(!line.contains('\n'));
    let json = decision.json().to_string();
    for part in [
        r#"{"domain":"d.test","level":"dane-only","verdict":"defer","code":"4.7.5","reason":"validation-failure","text":"#,
        r#""mx":{"status":"secure","rcode":"NOERROR","ede":[{"code":29,"name":"Synthesized","text":""}],"expanded":null,"records":["10 mx.d.test."],"resolver":"fake","error":null}"#,
        r#""hosts":[{"name":"mx.d.test","preference":10,"port":25,"address":"192.0.2.1","mx_status":"secure","address_status":"secure","tlsa_base":"mx.d.test","tlsa_status":"secure","tlsa":["3 0 1 "#,
        r#""verified":false,"matched":null,"tls":null,"only_looked_at":false}]}"#,
    ] {
        assert!(json.contains(part), "{part}\n{json}");
    }
    let decision = run(
        STRICT,
        "d.test",
        &FakeDns::new(&[MX, A, TLSA]),
        &FakeNet::default(),
    );
    let json = decision.json().to_string();
    let end = r#""verified":true,"matched":{"usage":3,"selector":0,"matching":1,"depth":0},"tls":"TLSv1.3 TLS_AES_256_GCM_SHA384","only_looked_at":false}]}"#;
    assert!(json.ends_with(end), "{json}");
}

/// A success for some is none for recipients that were left for another host.
#[test]
fn the_unanswered_are_never_delivered() {
    let good = run(
        STRICT,
        "d.test",
        &FakeDns::new(&[MX, A, TLSA]),
        &FakeNet::default(),
    );
    assert_eq!(summary(&good.deciding.cause), OK);
    let unanswered = good.for_unanswered();
    assert_eq!(summary(&unanswered.cause), "defer 4.3.0 internal");
    let two = "d.test MX secure 20 mx.d.test., 10 b.d.test.";
    let dns = FakeDns::new(&[two, A, TLSA, "b.d.test A secure 192.0.2.2"]);
    let mixed = run(STRICT, "d.test", &dns, &FakeNet::default());
    assert_eq!(summary(&mixed.deciding.cause), OK);
    let unanswered = mixed.for_unanswered();
    assert_eq!(summary(&unanswered.cause), "defer 4.7.5 dane-required");
    let refused = run(
        STRICT,
        "d.test",
        &FakeDns::new(&["d.test MX secure nxdomain"]),
        &FakeNet::default(),
    );
    assert_eq!(
        summary(&refused.for_unanswered().cause),
        "reject 5.1.2 nxdomain"
    );
}
