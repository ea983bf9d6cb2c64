//! The order and limits of fail-over, and what records say; the findings themselves are in `tables_tests.rs`.

#[path = "hopeless_tests.rs"]
mod hopeless;
#[path = "tables_tests.rs"]
mod tables;

use super::*;
use crate::outbound::decision::bare;
use crate::outbound::fakes::{FakeDns, FakeNet, Server, settings, summary};

/// An errand that has enough after the first connection.
#[derive(Default)]
struct Look {
    looks_further: bool,
    records: Vec<String>,
    notices: Vec<String>,
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

    fn noticed(&mut self, text: &str) {
        self.notices.push(text.to_owned());
    }
}

const STRICT: Level = Level::DaneOnly;
const LAX: Level = Level::None;
const DANE: Level = Level::Dane;
const ENCRYPT: Level = Level::Encrypt;

fn run(level: Level, destination: &str, dns: &FakeDns, net: &FakeNet) -> Decision {
    run_with(Look::default(), &settings(level), destination, dns, net)
}

fn run_with(
    mut look: Look,
    settings: &Settings,
    destination: &str,
    dns: &FakeDns,
    net: &FakeNet,
) -> Decision {
    let means = Means {
        settings,
        resolver: dns,
        connector: net,
        breaker: None,
        memory: &Memory::default(),
        now: Timestamp::now(),
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
const BAD_MX: &str = "d.test MX insecure 10 mx.d.test.";
const A: &str = "mx.d.test A secure 192.0.2.1";
const TLSA: &str = "_25._tcp.mx.d.test TLSA secure good";
const BAD: &str = "_25._tcp.mx.d.test TLSA secure bad";
const AT_MX: &str = "192.0.2.1:25 mx.d.test";
const MISMATCH: &str = "defer 4.7.5 validation-failure";

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
        memory: &Memory::default(),
        now: Timestamp::now(),
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
        ("T44 mismatch", &[TWO, A, BAD, B[0], B[1]], &[], OK, both),
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
        run_with(look, &settings(STRICT), "d.test", dns, net)
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
        memory: &Memory::default(),
        now: Timestamp::now(),
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
        " reason=\"_25._tcp.mx.d.test.: the TLSA record does not match; the server presented 3 0 1 ",
        "; if this is the right server, its operator must publish",
    ] {
        assert!(line.contains(part), "{part}\n{line}");
    }
    assert!(!line.contains('\n'));
    let json = decision.json().to_string();
    for part in [
        r#"{"domain":"d.test","level":"dane-only","verdict":"defer","code":"4.7.5","reason":"validation-failure","text":"#,
        r#""mx":{"status":"secure","rcode":"NOERROR","ede":[{"code":29,"name":"Synthesized","text":""}],"expanded":null,"records":["10 mx.d.test."],"resolver":"fake","error":null}"#,
        r#""hosts":[{"name":"mx.d.test","preference":10,"port":25,"address":"192.0.2.1","proxy":null,"mx_status":"secure","address_status":"secure","tlsa_base":"mx.d.test","tlsa_status":"secure","tlsa":["3 0 1 "#,
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
    let end = r#""verified":true,"matched":{"usage":3,"selector":0,"matching":1,"depth":0,"reference":null},"tls":"TLSv1.3 TLS_AES_256_GCM_SHA384","only_looked_at":false}]}"#;
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

/// L2: whoever publishes many long records fills no log, no queue and no reply with them.
#[test]
fn texts_do_not_grow_with_what_is_published() {
    let many: Vec<String> = (0..60).map(|number| format!("long{number}")).collect();
    let many = format!("_25._tcp.mx.d.test TLSA secure {}", many.join(", "));
    let dns = FakeDns::new(&[MX, A, &many]);
    let record = run(STRICT, "d.test", &dns, &FakeNet::default()).deciding;
    assert_eq!(summary(&record.cause), "defer 4.7.5 tlsa-invalid");
    assert!(
        record.cause.text.contains(", and 56 more; "),
        "{}",
        record.cause.text
    );
    assert!(record.cause.text.len() < 1500, "{}", record.cause.text);
}
