//! What is refused and what is not: each row in both modes. Nothing here can connect anywhere.

use std::time::Duration;

use super::*;
use crate::dns::EdeCode;
use crate::outbound::fakes::{FakeDns, domain, settings, summary};
use crate::outbound::pattern::Pattern;
use crate::outbound::policy::{Origin, Policy};
use crate::outbound::{Exception, Instead, Level};
use crate::resolver::FOUND_HERE;

const PATIENCE: Duration = Duration::from_secs(20);
const DO: Level = Level::DaneOnly;
const D: Level = Level::Dane;
const VALIDATE: DnssecMode = DnssecMode::Validate;
const AD: DnssecMode = DnssecMode::Ad;
const NOTHING: &str = "";

fn ask(settings: Settings, mode: DnssecMode, destination: &str, dns: &[&str]) -> Option<Record> {
    let forecast = Forecast::new(settings, Arc::new(FakeDns::new(dns)), mode);
    let destination = Host::parse(destination).expect("a destination");
    forecast.refusal(&destination, Deadline::after(PATIENCE))
}

fn told(settings: Settings, mode: DnssecMode, destination: &str, dns: &[&str]) -> String {
    let record = ask(settings, mode, destination, dns);
    record.map_or_else(String::new, |record| summary(&record.cause))
}

/// Each row: its name, level, DNS of `d.test`, and what is said where we validate, and with an AD bit; every answer that is not listed is a
/// secure denial.
type Row = (
    &'static str,
    Level,
    &'static [&'static str],
    [&'static str; 2],
);

const MX: &str = "d.test MX secure 10 mx.test";
const TWO_MX: &str = "d.test MX secure 10 mx.test, 20 mx2.test";
const A: &str = "mx.test A secure 192.0.2.1";
const A2: &str = "mx2.test A secure 192.0.2.2";

const ROWS: &[Row] = &[
    (
        "M1, L1",
        DO,
        &[MX, A, "_25._tcp.mx.test TLSA secure good"],
        [NOTHING; 2],
    ),
    (
        "M2",
        DO,
        &["d.test MX insecure 10 mx.test"],
        ["reject 5.7.5 mx-insecure", NOTHING],
    ),
    ("M2", D, &["d.test MX insecure 10 mx.test", A], [NOTHING; 2]),
    ("M3", DO, &["d.test MX servfail"], [NOTHING; 2]),
    ("M3", DO, &["d.test MX timeout"], [NOTHING; 2]),
    ("M3", DO, &["d.test MX bogus"], [NOTHING; 2]),
    ("M3", DO, &["d.test MX indeterminate"], [NOTHING; 2]),
    (
        "M4",
        DO,
        &["d.test MX secure nxdomain"],
        ["reject 5.1.2 nxdomain"; 2],
    ),
    (
        "M4",
        D,
        &["d.test MX secure nxdomain"],
        ["reject 5.1.2 nxdomain"; 2],
    ),
    (
        "M5",
        DO,
        &["d.test MX insecure nxdomain"],
        ["reject 5.7.5 nxdomain-insecure", NOTHING],
    ),
    (
        "M5",
        D,
        &["d.test MX insecure nxdomain"],
        ["reject 5.1.2 nxdomain-insecure"; 2],
    ),
    (
        "M6, L3",
        DO,
        &["d.test A secure 192.0.2.1"],
        ["reject 5.7.5 dane-required", NOTHING],
    ),
    (
        "M7",
        DO,
        &["d.test MX insecure nodata"],
        ["reject 5.7.5 implicit-mx", NOTHING],
    ),
    (
        "M8",
        DO,
        &["d.test MX secure 0 ."],
        ["reject 5.1.10 null-mx"; 2],
    ),
    (
        "M8",
        D,
        &["d.test MX secure 0 ."],
        ["reject 5.1.10 null-mx"; 2],
    ),
    ("M9", DO, &["d.test MX insecure 0 ."], [NOTHING; 2]),
    (
        "M9",
        D,
        &["d.test MX insecure 0 ."],
        ["reject 5.1.10 null-mx-insecure"; 2],
    ),
    (
        "M11",
        DO,
        &["d.test MX secure alias=e.test 10 mx.test", A],
        ["reject 5.7.5 dane-required", NOTHING],
    ),
    (
        "M12",
        DO,
        &["d.test MX insecure alias=e.test 10 mx.test"],
        ["reject 5.7.5 mx-insecure", NOTHING],
    ),
    ("M13", DO, &["d.test MX alias-limit"], [NOTHING; 2]),
    ("M14", DO, &["d.test MX secure 10 192.0.2.1"], [NOTHING; 2]),
    (
        "M15",
        DO,
        &["d.test MX secure 10 gateway.test"],
        ["reject 5.4.6 loop"; 2],
    ),
    (
        "M15",
        DO,
        &[MX, "mx.test A secure 192.0.2.99"],
        ["reject 5.4.6 loop"; 2],
    ),
    (
        "M16",
        DO,
        &["d.test MX secure 10 mx.test, 20 gateway.test", A],
        [NOTHING; 2],
    ),
    ("T67", DO, &["d.test MX not-trusted"], [NOTHING; 2]),
    ("B9", DO, &["d.test MX secure ede=3 nxdomain"], [NOTHING; 2]),
    (
        "H3",
        DO,
        &[MX, "mx.test A insecure alias=a.test 192.0.2.1"],
        ["reject 5.7.5 addr-insecure", NOTHING],
    ),
    (
        "H4",
        DO,
        &[MX, "mx.test A insecure 192.0.2.1"],
        ["reject 5.7.5 addr-insecure", NOTHING],
    ),
    ("H4", D, &[MX, "mx.test A insecure 192.0.2.1"], [NOTHING; 2]),
    (
        "H4, the other family unknown",
        DO,
        &[MX, "mx.test A insecure 192.0.2.1", "mx.test AAAA timeout"],
        [NOTHING; 2],
    ),
    (
        "H5",
        DO,
        &[MX, "mx.test A servfail", "mx.test AAAA servfail"],
        [NOTHING; 2],
    ),
    ("H6", DO, &[MX, A, "mx.test AAAA servfail"], [NOTHING; 2]),
    ("H7", DO, &[MX], ["reject 5.4.4 no-address"; 2]),
    ("H7", D, &[MX], ["reject 5.4.4 no-address"; 2]),
    ("H7", DO, &[MX, "mx.test A insecure nodata"], [NOTHING; 2]),
    (
        "H7, one family unknown",
        DO,
        &[MX, "mx.test A servfail"],
        [NOTHING; 2],
    ),
    (
        "H7, one host of two",
        DO,
        &[TWO_MX, A],
        ["reject 5.7.5 dane-required", NOTHING],
    ),
    ("H9", DO, &[MX, "mx.test A secure 127.0.0.1"], [NOTHING; 2]),
    (
        "L2",
        DO,
        &[MX, A, "_25._tcp.mx.test TLSA secure pkix"],
        ["reject 5.7.5 tlsa-invalid", NOTHING],
    ),
    (
        "L2",
        D,
        &[MX, A, "_25._tcp.mx.test TLSA secure pkix"],
        [NOTHING; 2],
    ),
    ("L3", DO, &[MX, A], ["reject 5.7.5 dane-required", NOTHING]),
    ("L3", D, &[MX, A], [NOTHING; 2]),
    (
        "L4",
        DO,
        &[MX, A, "_25._tcp.mx.test TLSA insecure good"],
        ["reject 5.7.5 tlsa-insecure", NOTHING],
    ),
    (
        "L5",
        DO,
        &[MX, A, "_25._tcp.mx.test TLSA servfail"],
        [NOTHING; 2],
    ),
    (
        "L5",
        DO,
        &[MX, A, "_25._tcp.mx.test TLSA timeout"],
        [NOTHING; 2],
    ),
    (
        "L5",
        DO,
        &[MX, A, "_25._tcp.mx.test TLSA bogus"],
        [NOTHING; 2],
    ),
    (
        "L3 twice",
        DO,
        &[TWO_MX, A, A2],
        ["reject 5.7.5 dane-required", NOTHING],
    ),
    (
        "L3, then L1",
        DO,
        &[TWO_MX, A, A2, "_25._tcp.mx2.test TLSA secure good"],
        [NOTHING; 2],
    ),
    (
        "L3, then L5",
        DO,
        &[TWO_MX, A, A2, "_25._tcp.mx2.test TLSA timeout"],
        [NOTHING; 2],
    ),
    (
        "L5, then L3",
        DO,
        &[TWO_MX, A, A2, "_25._tcp.mx.test TLSA timeout"],
        [NOTHING; 2],
    ),
    (
        "L3, then M14",
        DO,
        &["d.test MX secure 10 mx.test, 20 192.0.2.1", A],
        [NOTHING; 2],
    ),
    (
        "too many NSEC3 iterations for us",
        DO,
        &["d.test MX insecure ede=27 10 mx.test"],
        ["reject 5.7.5 mx-insecure", NOTHING],
    ),
    (
        "encrypt",
        Level::Encrypt,
        &["d.test MX insecure 10 mx.test", A],
        [NOTHING; 2],
    ),
];

#[test]
fn only_what_is_proven_is_refused() {
    for (name, level, dns, expected) in ROWS {
        for (mode, expected) in [VALIDATE, AD, DnssecMode::AdTrusted].into_iter().zip([
            expected[0],
            expected[1],
            expected[1],
        ]) {
            let found = told(settings(*level), mode, "d.test", dns);
            assert_eq!(found, expected, "{name} at {level} with {mode:?}");
        }
    }
}

#[test]
fn address_literals_are_refused_at_dane_only() {
    for mode in [VALIDATE, AD] {
        let refused = "reject 5.7.4 address-literal";
        assert_eq!(told(settings(DO), mode, "[192.0.2.1]", &[]), refused);
        assert_eq!(told(settings(D), mode, "[192.0.2.1]", &[]), NOTHING);
    }
}

/// More hosts than are tried in one run: those that are left may be better.
#[test]
fn every_host_must_be_hopeless() {
    for (count, expected) in [
        (5, "reject 5.7.5 dane-required"),
        (6, NOTHING),
        (21, NOTHING),
    ] {
        let hosts: Vec<String> = (0..count).map(|n| format!("{n} mx{n}.test")).collect();
        let mx = format!("d.test MX secure {}", hosts.join(", "));
        let addresses: Vec<String> = (0..count)
            .map(|n| format!("mx{n}.test A secure 192.0.2.{n}"))
            .collect();
        let mut dns: Vec<&str> = addresses.iter().map(String::as_str).collect();
        dns.push(&mx);
        assert_eq!(
            told(settings(DO), VALIDATE, "d.test", &dns),
            expected,
            "{count}"
        );
        dns.push("_25._tcp.mx4.test TLSA secure good");
        assert_eq!(
            told(settings(DO), VALIDATE, "d.test", &dns),
            NOTHING,
            "{count}"
        );
    }
}

#[test]
fn policies_count_as_for_deliveries() {
    let mut relaxed = settings(DO);
    let line = Policy {
        hosts: vec![domain("mx.other.test")],
        ..Policy::new(Pattern::Exactly(domain("d.test")), DO)
    };
    relaxed.policies.lines.push(line);
    let dns = [
        "d.test MX insecure 10 mx.test",
        "mx.other.test A secure 192.0.2.1",
        "_25._tcp.mx.other.test TLSA secure good",
    ];
    assert_eq!(
        told(relaxed.clone(), VALIDATE, "d.test", &dns),
        NOTHING,
        "mx="
    );
    assert_eq!(
        told(relaxed, VALIDATE, "d.test", &dns[..2]),
        NOTHING,
        "mx= of a host without TLSA: the operator may mend it"
    );
    let mut excepted = settings(DO);
    let exception = Exception {
        domain: domain("d.test"),
        instead: Instead::Pkix,
        until: Timestamp::now().after(PATIENCE),
        reason: String::new(),
        origin: Origin::default(),
    };
    excepted.policies.exceptions.push(exception);
    assert_eq!(
        told(excepted.clone(), VALIDATE, "d.test", &[MX, A]),
        NOTHING,
        "an exception"
    );
    excepted.policies.exceptions[0].until = Timestamp::now();
    assert_eq!(
        told(excepted, VALIDATE, "d.test", &[MX, A]),
        "reject 5.7.5 dane-required",
        "an exception that is over"
    );
    let mut lax = settings(DO);
    lax.policies
        .lines
        .push(Policy::new(Pattern::Exactly(domain("d.test")), D));
    assert_eq!(
        told(lax, VALIDATE, "d.test", &[MX, A]),
        NOTHING,
        "the level of the domain"
    );
}

#[test]
fn insecure_for_iterations_is_not_proven() {
    let dns = FakeDns::new(&["d.test MX insecure 10 mx.test"]);
    let forecast = Forecast::new(settings(DO), Arc::new(Doubtful(dns)), VALIDATE);
    let destination = Host::parse("d.test").expect("a domain");
    assert!(
        forecast
            .refusal(&destination, Deadline::after(PATIENCE))
            .is_none()
    );
}

/// Denials above are insecure for their NSEC3 iterations.
struct Doubtful(FakeDns);

impl Resolve for Doubtful {
    fn lookup(
        &self,
        name: &Name,
        rtype: RecordType,
        deadline: Deadline,
    ) -> Result<Answer, LookupError> {
        let mut answer = self.0.lookup(name, rtype, deadline)?;
        let own = (EdeCode::UNSUPPORTED_NSEC3_ITERATIONS, FOUND_HERE.to_owned());
        answer.extended_errors.push(own);
        Ok(answer)
    }
}

/// What is known already needs no time.
#[test]
fn without_time_nothing_is_asked() {
    let dns = Arc::new(FakeDns::new(&[MX, A]));
    let forecast = Forecast::new(settings(DO), Arc::<FakeDns>::clone(&dns), VALIDATE);
    let destination = Host::parse("d.test").expect("a domain");
    let over = Deadline::after(Duration::ZERO);
    assert!(forecast.refusal(&destination, over).is_none());
    assert_eq!(dns.questions(), ["MX d.test."], "a cache may know it");
}

/// No question outlasts the caller's patience, however long a delivery would wait.
#[test]
fn every_question_has_the_deadline() {
    struct Hurried(Deadline);
    impl Resolve for Hurried {
        fn lookup(
            &self,
            name: &Name,
            rtype: RecordType,
            deadline: Deadline,
        ) -> Result<Answer, LookupError> {
            assert!(deadline <= self.0, "{name} {rtype}");
            FakeDns::new(&[TWO_MX, A, A2]).lookup(name, rtype, deadline)
        }
    }
    let deadline = Deadline::after(PATIENCE);
    let long = Settings {
        lookup_timeout: PATIENCE * 3,
        ..settings(DO)
    };
    let forecast = Forecast::new(long, Arc::new(Hurried(deadline)), VALIDATE);
    let destination = Host::parse("d.test").expect("a domain");
    let record = forecast.refusal(&destination, deadline).expect("refused");
    let line = record.to_string();
    let start = "dane-only reject 5.7.5 dane-required domain=d.test step=mx status=mx:secure";
    assert!(line.starts_with(start), "{line}");
    assert!(line.contains("mx2.test has no TLSA record"), "{line}");
}
