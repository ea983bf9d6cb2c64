//! G7 (`no-dane-action bounce`), B11 (what is remembered) and exceptions: what comes of a destination without DANE.

use super::*;
use crate::certificate::Pin;
use crate::outbound::exception::{Exception, Instead};
use crate::outbound::fakes::domain;
use crate::outbound::policy::Origin;

const OTHER: &str = "other certificate";

/// `[P]`: only what our own validator has proven ends attempts, and only if nothing is unknown.
#[test]
#[rustfmt::skip]
fn what_is_proven_can_be_final() {
    const TWO: &str = "d.test MX secure 10 mx.d.test., 20 b.d.test.";
    const B: &str = "b.d.test A secure 192.0.2.2";
    for (row, lines, expected) in [
        ("M2", vec![BAD_MX], "reject 5.7.5 mx-insecure"),
        ("M5", vec!["d.test MX insecure nxdomain"], "reject 5.7.5 nxdomain-insecure"),
        ("M7", vec!["d.test MX insecure nodata"], "reject 5.7.5 implicit-mx"),
        ("M9", vec!["d.test MX insecure 0 ."], "defer 4.7.5 null-mx-insecure"),
        ("M3", vec!["d.test MX servfail"], "defer 4.4.3 mx-lookup-error"),
        ("H4", vec![MX, "mx.d.test A insecure 192.0.2.1"], "reject 5.7.5 addr-insecure"),
        ("H4, other family unknown", vec![MX, "mx.d.test A insecure 192.0.2.1", "mx.d.test AAAA servfail"], "defer 4.7.5 addr-insecure"),
        ("H5", vec![MX, "mx.d.test A servfail"], "defer 4.4.3 addr-lookup-error"),
        ("L2", vec![MX, A, "_25._tcp.mx.d.test TLSA secure pkix"], "reject 5.7.5 tlsa-invalid"),
        ("L3", vec![MX, A], "reject 5.7.5 dane-required"),
        ("L4", vec![MX, A, "_25._tcp.mx.d.test TLSA insecure good"], "reject 5.7.5 tlsa-insecure"),
        ("L5", vec![MX, A, "_25._tcp.mx.d.test TLSA servfail"], "defer 4.7.5 tlsa-lookup-error"),
        ("mismatch", vec![MX, A, BAD], MISMATCH),
        ("all hosts", vec![TWO, A, B], "reject 5.7.5 dane-required"),
        ("one without, one without address", vec![TWO, A], "reject 5.7.5 dane-required"),
        ("one unknown", vec![TWO, A, B, "_25._tcp.b.d.test TLSA servfail"], "defer 4.7.5 tlsa-lookup-error"),
        ("one with", vec![TWO, A, B, "_25._tcp.b.d.test TLSA secure good"], OK),
        ("trimmed", vec!["d.test MX secure 10 mx.d.test., 20 gateway.test.", A], "defer 4.7.5 dane-required"),
    ] {
        let mut settings = settings(STRICT);
        settings.no_dane_is_final = true;
        let (dns, net) = (FakeDns::new(&lines), FakeNet::default());
        let run = |settings: &Settings| run_with(Look::default(), settings, "d.test", &dns, &net);
        assert_eq!(summary(&run(&settings).deciding.cause), expected, "{row}");
        settings.policies.lines[0].level = DANE;
        assert!(!summary(&run(&settings).deciding.cause).contains("5.7.5"), "dane: {row}");
    }
}

struct Stage {
    memory: Memory,
    now: Timestamp,
    settings: Settings,
    told: Vec<String>,
}

impl Stage {
    fn new(level: Level) -> Self {
        Self {
            memory: Memory::default(),
            now: Timestamp::from_unix(1_800_000_000),
            settings: settings(level),
            told: Vec::new(),
        }
    }

    fn run(&mut self, lines: &[&str], net: &FakeNet) -> Record {
        let means = Means {
            settings: &self.settings,
            resolver: &FakeDns::new(lines),
            connector: net,
            breaker: None,
            memory: &self.memory,
            now: self.now,
            is_stopping: &|| false,
        };
        let mut look = Look::default();
        let destination = Host::parse("d.test").expect("a domain");
        let decision = walk(means, &destination, &mut look, &mut || 0);
        self.told = look.notices;
        decision.deciding
    }
}

fn remarks(record: &Record) -> String {
    let words: Vec<&str> = record.remarks.iter().map(|remark| remark.token()).collect();
    words.join(" ")
}

/// B11: `dane-lost` names when the host, or the destination, was verified last.
#[test]
#[rustfmt::skip]
fn lost_dane_is_named() {
    for (row, level, lines, remark, expected) in [
        ("M2", STRICT, vec![BAD_MX, A, TLSA], "dane-lost", "defer 4.7.5 mx-insecure"),
        ("H4", STRICT, vec![MX, "mx.d.test A insecure 192.0.2.1"], "dane-lost", "defer 4.7.5 addr-insecure"),
        ("L3", STRICT, vec![MX, A], "dane-lost", "defer 4.7.5 dane-required"),
        ("L3 dane", DANE, vec![MX, A], "no-tlsa dane-lost", OK),
        ("L5", STRICT, vec![MX, A, "_25._tcp.mx.d.test TLSA servfail"], "", "defer 4.7.5 tlsa-lookup-error"),
        ("another host", STRICT, vec!["d.test MX secure 10 b.d.test.", "b.d.test A secure 192.0.2.2"], "", "defer 4.7.5 dane-required"),
    ] {
        let mut stage = Stage::new(level);
        let before = stage.run(&lines, &FakeNet::default());
        assert!(!remarks(&before).contains("dane-lost"), "{row}");
        assert_eq!(summary(&stage.run(&[MX, A, TLSA], &FakeNet::default()).cause), OK);
        let record = stage.run(&lines, &FakeNet::default());
        assert_eq!((remarks(&record).as_str(), summary(&record.cause).as_str()), (remark, expected), "{row}");
        let is_told = record.cause.text.contains("was DANE-verified until 2027-01-15T08:00:00.000Z");
        assert_eq!(is_told, !remark.is_empty(), "{row}: {}", record.cause.text);
    }
}

/// B11: `dane-changed` tells a server that was left behind from one that is new.
#[test]
#[rustfmt::skip]
fn changed_records_are_named() {
    let new = FakeNet::new(&[("192.0.2.1", Server::Presents(b"new certificate"))]);
    let other = FakeNet::new(&[("192.0.2.1", Server::Presents(OTHER.as_bytes()))]);
    let rolled = "_25._tcp.mx.d.test TLSA secure new";
    let both = "_25._tcp.mx.d.test TLSA secure good, new";
    for (row, lines, net, remark, hint) in [
        ("left behind", [MX, A, rolled], &FakeNet::default(), "", "still presents what the former record 3 0 1 "),
        ("new", [MX, A, TLSA], &other, "", "something new (dane-changed)"),
        ("rollover", [MX, A, both], &new, "", ""),
        ("both new", [MX, A, rolled], &new, "dane-changed", ""),
        ("same", [MX, A, TLSA], &FakeNet::default(), "", ""),
    ] {
        let mut stage = Stage::new(STRICT);
        stage.run(&[MX, A, TLSA], &FakeNet::default());
        let record = stage.run(&lines, net);
        assert_eq!(remarks(&record), remark, "{row}");
        assert!(record.cause.text.contains(hint), "{row}: {}", record.cause.text);
        assert_eq!(record.cause.text.contains("dane-changed"), !hint.is_empty(), "{row}");
    }
}

fn exception(pin: &str) -> Exception {
    Exception {
        domain: domain("d.test"),
        instead: Instead::Pins(vec![Pin::all_of(pin.as_bytes())[0]]),
        until: Timestamp::from_unix(1_800_086_400),
        reason: "keys are being rolled".to_owned(),
        origin: Origin::default(),
    }
}

/// An exception replaces a missing proof and nothing else.
#[test]
#[rustfmt::skip]
fn exceptions_stand_in_for_a_proof() {
    let refuses = FakeNet::new(&[("192.0.2.1", Server::Fails(Reason::Connect, Phase::Connect))]);
    let clear = FakeNet::new(&[("192.0.2.1", Server::Fails(Reason::StartTlsNotSupported, Phase::StartTls))]);
    let good = FakeNet::default();
    for (row, lines, net, pin, expected, level) in [
        ("M2", vec![BAD_MX, A], &good, "certificate", OK, "fingerprint"),
        ("M7", vec!["d.test MX insecure nodata", "d.test A insecure 192.0.2.1"], &good, "certificate", OK, "fingerprint"),
        ("H4", vec![MX, "mx.d.test A insecure 192.0.2.1"], &good, "certificate", OK, "fingerprint"),
        ("L3", vec![MX, A], &good, "certificate", OK, "fingerprint"),
        ("L5", vec![MX, A, "_25._tcp.mx.d.test TLSA bogus"], &good, "certificate", OK, "fingerprint"),
        ("mismatch", vec![MX, A, BAD], &good, "certificate", OK, "fingerprint"),
        ("wrong pin", vec![MX, A, BAD], &good, OTHER, MISMATCH, "dane-only"),
        ("not needed", vec![MX, A, TLSA], &good, OTHER, OK, "dane-only"),
        ("M3", vec!["d.test MX servfail"], &good, "certificate", "defer 4.4.3 mx-lookup-error", "dane-only"),
        ("M5", vec!["d.test MX insecure nxdomain"], &good, "certificate", "defer 4.7.5 nxdomain-insecure", "dane-only"),
        ("M9", vec!["d.test MX insecure 0 ."], &good, "certificate", "defer 4.7.5 null-mx-insecure", "dane-only"),
        ("H7", vec![BAD_MX, "mx.d.test A insecure nodata"], &good, "certificate", "defer 4.7.5 mx-insecure", "dane-only"),
        ("S1", vec![MX, A, TLSA], &refuses, "certificate", "defer 4.4.1 connect", "dane-only"),
        ("S4", vec![MX, A, TLSA], &clear, "certificate", "defer 4.7.4 starttls-not-supported", "dane-only"),
        ("S4 and M2", vec![BAD_MX, A], &clear, "certificate", "defer 4.7.5 mx-insecure", "dane-only"),
    ] {
        let mut stage = Stage::new(STRICT);
        // Whoever is excepted may be reached once his server answers, so that he has no DANE is not the end.
        stage.settings.no_dane_is_final = true;
        stage.settings.policies.exceptions.push(exception(pin));
        let record = stage.run(&lines, net);
        assert_eq!(summary(&record.cause), expected, "{row}");
        assert_eq!(record.level.name(), level, "{row}");
        assert_eq!(record.remarks.contains(&Reason::Exception), level == "fingerprint", "{row}");
        assert!(!record.is_verified() || row == "not needed", "{row}");
    }
}

/// A check that looks at more hosts than a delivery needs no exception that the delivery would not use.
#[test]
fn hosts_beyond_need_no_exception() {
    let mut lines: Vec<String> = Vec::new();
    let net = FakeNet::default();
    let mut exchanges = Vec::new();
    for number in 1..=HOSTS_MAX + 1 {
        exchanges.push(format!("{number} mx{number}.d.test."));
        lines.push(format!("mx{number}.d.test A secure 192.0.2.{number}"));
        if number <= HOSTS_MAX {
            lines.push(format!("_25._tcp.mx{number}.d.test TLSA secure good"));
            let down = Server::Fails(Reason::Connect, Phase::Connect);
            net.set(&format!("192.0.2.{number}"), down);
        }
    }
    lines.push(format!("d.test MX secure {}", exchanges.join(", ")));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for looks_further in [false, true] {
        let look = Look {
            looks_further,
            ..Look::default()
        };
        let decision = run_with(
            look,
            &settings(STRICT),
            "d.test",
            &FakeDns::new(&lines),
            &net,
        );
        assert_eq!(
            summary(&decision.deciding.cause),
            "defer 4.4.1 connect",
            "{looks_further}"
        );
        assert!(!decision.lacks_proof(), "{looks_further}");
    }
}

/// It ends at its date without a reload, and the log tells each use and when it can go.
#[test]
fn exceptions_end_and_are_told() {
    let net = FakeNet::default();
    let mut stage = Stage::new(STRICT);
    stage
        .settings
        .policies
        .exceptions
        .push(exception("certificate"));
    for (lines, told) in [
        (
            vec![BAD_MX, A],
            "time 1 since the start; without it: 4.7.5 mx-insecure",
        ),
        (vec![BAD_MX, A], "(keys are being rolled) is used, time 2"),
        (vec![MX, A, TLSA], "it can be removed"),
        (vec![MX, A, TLSA], ""),
        (vec![BAD_MX, A], "time 3"),
        (vec![MX, A, TLSA], "it can be removed"),
    ] {
        assert_eq!(summary(&stage.run(&lines, &net).cause), OK);
        let said = stage.told.join(" ");
        assert!(
            said.contains(told) && said.is_empty() == told.is_empty(),
            "{said}"
        );
    }
    stage.now = Timestamp::from_unix(1_800_086_400);
    let record = stage.run(&[BAD_MX, A], &net);
    assert_eq!(summary(&record.cause), "defer 4.7.5 mx-insecure");
    assert!(stage.told.is_empty());
}
