//! The self-test against scripted servers on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use super::*;
use crate::dns::Message;
use crate::resolver::fake::{Fake, address, is_self_test, name, reply, resolve, soa};
use crate::resolver::{Answer, DnssecMode, LookupError, Resolve, Retry, Settings};

/// Long enough for a loaded machine.
const PATIENT: Duration = Duration::from_secs(10);

fn resolver(servers: &[&Fake]) -> Resolver {
    let settings = Settings {
        servers: servers.iter().map(|fake| fake.address.into()).collect(),
        retry: Retry {
            timeout: PATIENT,
            attempts: 1,
        },
        dnssec: DnssecMode::Ad,
        ..Settings::default()
    };
    Resolver::new(&settings).expect("a resolver")
}

fn ask(resolver: &Resolver) -> Result<Answer, LookupError> {
    let host = name("host.example");
    resolver.lookup_fresh(&host, RecordType::A, Deadline::after(PATIENT))
}

/// The reply of a server that knows one address and the root.
fn good(query: &Message) -> Message {
    match is_self_test(query) {
        true => reply(query, Rcode::NOERROR, vec![soa(".")]),
        false => resolve(query, &[address("host.example", 1)]),
    }
}

/// A server that spoils its reply to the test, and nothing else.
fn failing(spoil: impl Fn(&mut Message) + Send + Sync + 'static) -> Fake {
    Fake::start_untested(move |_, query| {
        let mut reply = good(query);
        if is_self_test(query) {
            spoil(&mut reply);
        }
        vec![reply.encode()]
    })
}

#[test]
fn who_does_not_pass_is_not_believed() {
    let spoils: [(fn(&mut Message), &str); 2] = [
        (
            |reply| reply.header.authentic_data = false,
            "does not say AD",
        ),
        (|reply| reply.edns = None, "without EDNS"),
    ];
    for (spoil, part) in spoils {
        let bad = failing(spoil);
        let resolver = resolver(&[&bad]);
        for _ in 0..2 {
            let error = ask(&resolver).expect_err(part);
            let is_verdict =
                matches!(&error.kind, LookupErrorKind::NoDnssec(why) if why.contains(part));
            assert!(is_verdict, "{error}");
            assert_eq!(error.server, bad.address.to_string());
        }
        assert_eq!(bad.seen(), [0, 0], "asked although it failed: {part}");
        let text = resolver.self_test()[0].to_string();
        assert!(
            text.starts_with("resolver-not-validating: ") && text.contains(part),
            "{text}"
        );
    }
}

/// A resolver with a switch: whether it validates, and how often it was tested.
fn switched() -> (Fake, Arc<AtomicBool>, Arc<AtomicUsize>) {
    let (validates, tests) = (Arc::default(), Arc::default());
    let (on, count): (Arc<AtomicBool>, Arc<AtomicUsize>) =
        (Arc::clone(&validates), Arc::clone(&tests));
    let fake = Fake::start_untested(move |_, query| {
        let mut reply = good(query);
        reply.header.authentic_data = on.load(Ordering::SeqCst);
        count.fetch_add(usize::from(is_self_test(query)), Ordering::SeqCst);
        vec![reply.encode()]
    });
    (fake, validates, tests)
}

#[test]
fn the_verdict_stands_until_the_next_test() {
    let (fake, validates, tests) = switched();
    let resolver = resolver(&[&fake]);
    for (is_on, counted) in [(true, 1), (false, 2), (true, 3)] {
        validates.store(is_on, Ordering::SeqCst);
        if counted > 1 {
            assert_eq!(ask(&resolver).is_ok(), !is_on, "the verdict before");
            assert_eq!(resolver.self_test()[0].result.is_ok(), is_on);
        }
        for _ in 0..2 {
            assert_eq!(ask(&resolver).is_ok(), is_on);
        }
        assert_eq!(tests.load(Ordering::SeqCst), counted);
    }
}

#[test]
fn the_watch_tests_again_by_itself() {
    let (fake, validates, _) = switched();
    let resolver = Arc::new(resolver(&[&fake]));
    let moment = Duration::from_millis(5);
    let waits = Waits {
        well: moment,
        failing: moment,
    };
    resolver.watch(waits).expect("a thread");
    for is_on in [true, false, true] {
        validates.store(is_on, Ordering::SeqCst);
        let deadline = Deadline::after(PATIENT);
        while ask(&resolver).is_ok() != is_on {
            assert!(!deadline.is_over(), "{is_on}");
            thread::sleep(moment);
        }
    }
}

/// A private DNS may know no root at all; then the operator's word counts.
#[test]
fn what_a_test_does_not_find_out_is_no_verdict() {
    let spoils: [(fn(&mut Message), &str); 4] = [
        (|reply| reply.set_rcode(Rcode::SERVFAIL), "SERVFAIL"),
        (|reply| reply.set_rcode(Rcode::REFUSED), "REFUSED"),
        (
            |reply| {
                reply.set_rcode(Rcode::NXDOMAIN);
                reply.answers.clear();
                reply.header.authentic_data = false;
            },
            "no SOA record of the root",
        ),
        (
            |reply| {
                reply.answers.clear();
                reply.header.authentic_data = false;
            },
            "no SOA record of the root",
        ),
    ];
    for (spoil, part) in spoils {
        let fake = failing(spoil);
        let resolver = resolver(&[&fake]);
        assert!(ask(&resolver).expect(part).security.is_secure());
        let text = resolver.self_test()[0].to_string();
        assert!(
            text.contains("could not be tested") && text.contains(part),
            "{text}"
        );
        assert!(ask(&resolver).is_ok(), "{part}");
    }
}

#[test]
fn silence_is_no_verdict() {
    let fake = Fake::start_untested(|_, query| match is_self_test(query) {
        true => vec![],
        false => vec![good(query).encode()],
    });
    let settings = Settings {
        servers: vec![fake.address.into()],
        retry: Retry {
            timeout: Duration::from_millis(200),
            attempts: 1,
        },
        dnssec: DnssecMode::Ad,
        ..Settings::default()
    };
    let resolver = Resolver::new(&settings).expect("a resolver");
    for _ in 0..2 {
        assert!(ask(&resolver).expect("an answer").security.is_secure());
    }
    let failure = resolver.test(&fake.address.into(), Deadline::after(PATIENT));
    assert_eq!(failure.expect_err("silence").kind, LookupErrorKind::Timeout);
    assert!(ask(&resolver).is_ok());
}

#[test]
fn the_others_are_asked_where_one_fails() {
    let bad = failing(|reply| reply.header.authentic_data = false);
    let works = Fake::start(|_, query| vec![good(query).encode()]);
    let broken = Fake::start(|_, query| vec![reply(query, Rcode::SERVFAIL, vec![]).encode()]);
    let both = resolver(&[&bad, &works]);
    for asked in 1..=2 {
        let answer = ask(&both).expect("an answer");
        assert!(answer.security.is_secure());
        assert_eq!(answer.server, works.address.to_string());
        assert_eq!((bad.seen(), works.seen()), ([0, 0], [asked, 0]));
    }
    assert_eq!(
        both.upstream.servers.in_order(Instant::now()),
        [works.address, bad.address].map(Endpoint::from)
    );
    let error = ask(&resolver(&[&bad, &broken])).expect_err("nobody knows");
    assert_eq!(
        error.kind,
        LookupErrorKind::Rcode(Rcode::SERVFAIL),
        "says more"
    );
}

#[test]
fn a_time_that_is_asked_for_is_not_the_clock() {
    for at in [None, Some(Timestamp::from_unix(0)), Some(WRITTEN)] {
        let validation = ValidationSettings {
            at,
            ..ValidationSettings::default()
        };
        assert_eq!(validation.fault_of_clock(), None, "{at:?}");
    }
}
