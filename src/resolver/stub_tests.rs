//! Whole lookups against scripted servers on loopback.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::*;
use crate::dns::{Edns, EdnsOption, Message, Rcode, Rdata, Record};
use crate::resolver::fake::{Fake, address, alias, name, record, reply, resolve, soa};
use crate::resolver::{Direction, DnssecMode, Packet, Retry, Transport};

/// Long enough for a loaded machine to answer.
const PATIENT: Duration = Duration::from_secs(5);
/// For servers that will not answer.
const SHORT: Duration = Duration::from_millis(40);
/// Long enough for a few short waits, and not for a silent connection.
const BRIEF: Duration = Duration::from_millis(400);

fn settings(servers: &[&Fake], timeout: Duration) -> Settings {
    Settings {
        servers: servers.iter().map(|fake| fake.address.into()).collect(),
        retry: Retry {
            timeout,
            attempts: 2,
        },
        dnssec: DnssecMode::Ad,
        ..Settings::default()
    }
}

fn resolver(servers: &[&Fake]) -> Resolver {
    Resolver::new(&settings(servers, PATIENT)).expect("a resolver")
}

fn ask(resolver: &Resolver, text: &str) -> Outcome {
    resolver.lookup(&name(text), RecordType::A, Deadline::after(PATIENT))
}

fn ask_one(fake: &Fake) -> Outcome {
    ask(&resolver(&[fake]), "host.example")
}

fn kind(outcome: Outcome) -> LookupErrorKind {
    outcome.expect_err("an error").kind
}

/// The last octet of the one address found.
fn found(outcome: Outcome) -> u8 {
    match outcome.expect("an answer").content {
        Content::Records(records) => match records.as_slice() {
            [
                Record {
                    data: Rdata::A(address),
                    ..
                },
            ] => address.octets()[3],
            other => panic!("not one address: {other:?}"),
        },
        other => panic!("no address: {other:?}"),
    }
}

fn good(query: &Message) -> Message {
    reply(query, Rcode::NOERROR, vec![address("host.example", 1)])
}

/// A server that knows these records.
fn server_of(world: Vec<Record>) -> Fake {
    Fake::start(move |_, query| vec![resolve(query, &world).encode()])
}

/// A server that changes a good reply, over both transports.
fn server_that(change: impl Fn(&mut Message) + Send + Sync + 'static) -> Fake {
    Fake::start(move |_, query| {
        let mut reply = good(query);
        change(&mut reply);
        vec![reply.encode()]
    })
}

#[test]
fn a_question_is_asked_as_the_rules_want_it() {
    let queries = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&queries);
    let fake = Fake::start(move |_, query| {
        seen.lock().expect("sound").push(query.clone());
        vec![good(query).encode()]
    });
    let resolver = resolver(&[&fake]);
    let deadline = Deadline::after(PATIENT);
    let asked = name("a-long-name-with-many-letters.in-it.host.example");
    for _ in 0..2 {
        // The reply belongs to another name.
        let outcome = resolver.lookup_fresh(&asked, RecordType::TLSA, deadline);
        assert!(matches!(kind(outcome), LookupErrorKind::Malformed(_)));
    }
    let queries = queries.lock().expect("sound");
    let [first, second] = queries.as_slice() else {
        panic!("not two queries: {queries:?}");
    };
    assert_ne!(first.header.id, second.header.id, "once in 65,536 runs");
    assert!(!first.questions[0].name.eq_case(&second.questions[0].name));
    for query in [first, second] {
        let header = query.header;
        assert!(header.recursion_desired && header.authentic_data);
        assert!(!header.checking_disabled && !header.response);
        assert_eq!(query.edns, Some(Edns::query(1232, true)));
        assert_eq!(query.questions[0].name, asked);
        assert_eq!(query.questions[0].rtype, RecordType::TLSA);
        assert!(query.answers.is_empty() && query.additionals.is_empty());
    }
}

#[test]
fn the_ad_bit_is_the_status_and_nothing_else_is() {
    for (authentic, authoritative, expected) in [
        (true, false, Security::Secure),
        (true, true, Security::Secure),
        (false, true, Security::Insecure),
        (false, false, Security::Insecure),
    ] {
        let fake = server_that(move |reply| {
            reply.header.authentic_data = authentic;
            reply.header.authoritative = authoritative;
        });
        let answer = ask_one(&fake).expect("an answer");
        assert_eq!(answer.security, expected);
        assert_eq!(answer.server, fake.address.to_string());
        assert_eq!(fake.seen(), [1, 0]);
    }
}

#[test]
fn denials_are_answers() {
    let text = record("host.example", Rdata::Ns(name("ns.example")));
    let fake = server_of(vec![text, alias("alias.example", "nothing.example")]);
    let resolver = resolver(&[&fake]);
    for (asked, owner, content, rcode) in [
        (
            "host.example",
            "host.example",
            Content::NoData,
            Rcode::NOERROR,
        ),
        (
            "no.example",
            "no.example",
            Content::NxDomain,
            Rcode::NXDOMAIN,
        ),
        (
            "alias.example",
            "nothing.example",
            Content::NxDomain,
            Rcode::NXDOMAIN,
        ),
    ] {
        let answer = ask(&resolver, asked).expect("an answer");
        assert_eq!((answer.content, answer.rcode), (content, rcode), "{asked}");
        assert_eq!((answer.owner, answer.ttl), (name(owner), 60));
        assert!(answer.security.is_secure());
    }
}

#[test]
fn errors_are_never_absence() {
    for (rcode, has_edns, expected) in [
        (Rcode::SERVFAIL, true, "SERVFAIL"),
        (Rcode::SERVFAIL, false, "SERVFAIL"),
        (Rcode::REFUSED, false, "REFUSED"),
        (Rcode::NOTIMP, true, "NOTIMP"),
        (Rcode::FORMERR, true, "FORMERR"),
        (Rcode(22), true, "RCODE22"),
        (
            Rcode::NOTIMP,
            false,
            "nothing can be validated with the resolver",
        ),
        (
            Rcode::FORMERR,
            false,
            "nothing can be validated with the resolver",
        ),
        (
            Rcode::NOERROR,
            false,
            "nothing can be validated with the resolver",
        ),
        (
            Rcode::NXDOMAIN,
            false,
            "nothing can be validated with the resolver",
        ),
        (
            Rcode::BADVERS,
            true,
            "nothing can be validated with the resolver",
        ),
    ] {
        let fake = server_that(move |reply| {
            reply.set_rcode(rcode);
            reply.answers.clear();
            reply.edns = reply.edns.take().filter(|_| has_edns);
        });
        let text = kind(ask_one(&fake)).to_string();
        assert!(text.contains(expected), "{rcode}: {text}");
        // Neither again nor in another way: without EDNS, signed data looks unsigned.
        assert_eq!(fake.seen(), [1, 0], "{rcode}");
    }
}

#[test]
fn extended_errors_are_carried_and_stale_data_is_none() {
    for (rcode, code, expected) in [
        (Rcode::SERVFAIL, EdeCode::BOGUS, "SERVFAIL"),
        (
            Rcode::NOERROR,
            EdeCode::STALE_ANSWER,
            "nothing can be proven",
        ),
        (
            Rcode::NXDOMAIN,
            EdeCode::STALE_NXDOMAIN,
            "nothing can be proven",
        ),
    ] {
        let fake = server_that(move |reply| {
            reply.set_rcode(rcode);
            let option = EdnsOption::extended_error(code, "because");
            reply.edns.as_mut().expect("EDNS").options.push(option);
        });
        let error = ask_one(&fake).expect_err("an error");
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(error.extended_errors, [(code, "because".to_owned())]);
    }
}

#[test]
fn silence_ends_with_the_tries_or_the_deadline() {
    let silent = Fake::start(|_, _| vec![]);
    let resolver = Resolver::new(&settings(&[&silent], SHORT)).expect("a resolver");
    let deadline = Deadline::after(BRIEF);
    let outcome = resolver.lookup(&name("host.example"), RecordType::A, deadline);
    assert_eq!(kind(outcome), LookupErrorKind::Timeout);
    assert_eq!(silent.seen()[0], 2);
    let over = Deadline::after(Duration::ZERO);
    let outcome = resolver.lookup(&name("host.example"), RecordType::A, over);
    assert_eq!(kind(outcome), LookupErrorKind::Timeout);
    assert_eq!(silent.seen()[0], 2);
}

#[test]
fn the_next_server_is_asked_where_one_fails() {
    let referral = |query: &Message| {
        let mut reply = reply(query, Rcode::NOERROR, vec![]);
        reply
            .authorities
            .push(record("example", Rdata::Ns(name("ns.example"))));
        reply
    };
    let failing: [Fake; 4] = [
        Fake::start(|_, query| vec![reply(query, Rcode::SERVFAIL, vec![]).encode()]),
        Fake::start(move |_, query| vec![referral(query).encode()]),
        server_that(|reply| reply.edns = None),
        server_that(|reply| reply.answers.push(alias("host.example", "x.example"))),
    ];
    let works = server_of(vec![address("host.example", 1)]);
    for fails in &failing {
        assert_eq!(found(ask(&resolver(&[fails, &works]), "host.example")), 1);
        assert_eq!(fails.seen(), [1, 0]);
    }
    assert!(matches!(
        kind(ask_one(&failing[1])),
        LookupErrorKind::Malformed(_)
    ));
}

#[test]
fn a_dead_server_comes_last_for_a_while() {
    let (dead, works) = (Fake::start(|_, _| vec![]), server_of(vec![]));
    let resolver = Resolver::new(&settings(&[&dead, &works], BRIEF)).expect("a resolver");
    for asked in ["a.example", "b.example", "c.example"] {
        let answer = ask(&resolver, asked).expect("an answer");
        assert_eq!(answer.content, Content::NxDomain);
    }
    assert_eq!(dead.seen()[0], 1);
    let said = Fake::start(|_, query| vec![reply(query, Rcode::REFUSED, vec![]).encode()]);
    let resolver = Resolver::new(&settings(&[&said, &dead], SHORT)).expect("a resolver");
    let deadline = Deadline::after(BRIEF);
    let outcome = resolver.lookup(&name("d.example"), RecordType::A, deadline);
    assert_eq!(
        kind(outcome),
        LookupErrorKind::Rcode(Rcode::REFUSED),
        "says more than silence"
    );
}

#[test]
fn aliases_are_followed_within_and_across_replies() {
    let world = vec![
        alias("a.example", "b.example"),
        alias("b.example", "host.example"),
        address("host.example", 1),
    ];
    let one = server_of(world.clone());
    let apart = Fake::start(move |_, query| {
        let mut reply = resolve(query, &world);
        reply.answers.truncate(1);
        reply.header.authentic_data = query.questions[0].name != name("b.example");
        vec![reply.encode()]
    });
    for (fake, questions, expected) in [(&one, 1, [true, true]), (&apart, 3, [true, false])] {
        let resolver = resolver(&[fake]);
        let answer = ask(&resolver, "a.example").expect("an answer");
        let whole = answer.security.is_secure();
        assert_eq!(whole, expected[1], "the weakest link counts");
        assert_eq!(answer.owner, name("host.example"));
        let links = answer.aliases.iter().map(|link| link.security.is_secure());
        assert_eq!(links.collect::<Vec<_>>(), expected);
        assert_eq!(found(Ok(answer)), 1);
        assert_eq!(fake.seen(), [questions, 0]);
        let link = resolver.alias_security(&name("a.example"), Deadline::after(PATIENT));
        assert!(link.expect("a link").is_secure());
    }
}

#[test]
fn endless_aliases_end() {
    let ring = server_of(vec![
        alias("a.example", "b.example"),
        alias("b.example", "a.example"),
    ]);
    let itself = server_of(vec![alias("a.example", "a.example")]);
    let apart = Fake::start(|_, query| {
        let asked = &query.questions[0].name;
        let next = if *asked == name("a.example") {
            "b.example"
        } else {
            "a.example"
        };
        vec![reply(query, Rcode::NOERROR, vec![alias(&asked.to_string(), next)]).encode()]
    });
    let line = Fake::start(|_, query| {
        let asked = &query.questions[0].name;
        let next = asked.prepend(b"x").expect("fits").to_string();
        vec![
            reply(
                query,
                Rcode::NOERROR,
                vec![alias(&asked.to_string(), &next)],
            )
            .encode(),
        ]
    });
    for (fake, questions) in [
        (&ring, 1),
        (&itself, 1),
        (&apart, 2),
        (&line, ALIASES_AT_MOST + 1),
    ] {
        let outcome = ask(&resolver(&[fake]), "a.example");
        assert_eq!(kind(outcome), LookupErrorKind::AliasLimit);
        assert_eq!(fake.seen(), [questions, 0]);
    }
}

#[test]
fn what_is_known_is_not_asked_again() {
    let fake = Fake::start(|_, query| {
        let world = [address("host.example", 1)];
        let asked = &query.questions[0].name;
        vec![match *asked == name("fails.example") {
            true => reply(query, Rcode::SERVFAIL, vec![]).encode(),
            false => resolve(query, &world).encode(),
        }]
    });
    let resolver = resolver(&[&fake]);
    for asked in [
        "host.example",
        "HOST.example",
        "no.example",
        "no.example",
        "fails.example",
        "fails.example",
    ] {
        let _ = ask(&resolver, asked);
    }
    assert_eq!(fake.seen(), [3, 0]);
    let deadline = Deadline::after(PATIENT);
    let fresh = resolver.lookup_fresh(&name("host.example"), RecordType::A, deadline);
    assert_eq!(found(fresh), 1);
    assert_eq!(fake.seen(), [4, 0]);
}

#[test]
fn servers_that_are_not_trusted_are_not_asked() {
    let elsewhere = Endpoint::parse("192.0.2.1:53").expect("an address");
    let works = server_of(vec![address("host.example", 1)]);
    let mut settings = settings(&[&works], PATIENT);
    assert!(settings.check().is_ok());
    settings.servers = vec![elsewhere];
    let error = settings.check().expect_err("refused").to_string();
    assert!(
        error.contains("192.0.2.1:53") && error.contains("resolver-not-validating"),
        "{error}"
    );
    let outcome = ask(
        &Resolver::new(&settings).expect("a resolver"),
        "host.example",
    );
    assert_eq!(kind(outcome), LookupErrorKind::NotTrusted);
    settings.servers.push(works.address.into());
    assert!(settings.check().is_err());
    assert_eq!(
        found(ask(
            &Resolver::new(&settings).expect("a resolver"),
            "host.example"
        )),
        1
    );
    settings.dnssec = DnssecMode::AdTrusted;
    assert!(settings.check().is_ok());
    settings.servers.clear();
    assert!(matches!(settings.check(), Err(SetupError::NoServers)));
    let outcome = ask(
        &Resolver::new(&settings).expect("a resolver"),
        "host.example",
    );
    assert_eq!(kind(outcome), LookupErrorKind::NoServers);
    settings.dnssec = DnssecMode::Validate;
    assert!(matches!(settings.check(), Err(SetupError::NoServers)));
    settings
        .servers
        .push(Endpoint::parse("192.0.2.1").expect("an address"));
    assert!(settings.check().is_ok(), "anybody may carry");
}

#[derive(Default)]
struct Recorder(Mutex<Vec<(Direction, Transport, usize)>>);

impl Observer for Recorder {
    fn packet(&self, packet: &Packet<'_>) {
        assert_ne!(packet.local.port(), packet.server.port());
        let seen = (packet.direction, packet.transport, packet.octets.len());
        self.0.lock().expect("sound").push(seen);
    }
}

#[test]
fn observers_see_every_packet() {
    let fake = Fake::start(|transport, query| {
        let mut reply = good(query);
        reply.header.truncated = transport == Transport::Udp;
        vec![reply.encode()]
    });
    let recorder = Arc::new(Recorder::default());
    let observers: Vec<Arc<dyn Observer>> = vec![Arc::<Recorder>::clone(&recorder)];
    let settings = settings(&[&fake], PATIENT);
    let resolver = Resolver::with_observers(&settings, observers).expect("a resolver");
    assert!(resolver.self_test().iter().all(|test| test.result.is_ok()));
    recorder.0.lock().expect("sound").clear();
    assert_eq!(found(ask(&resolver, "host.example")), 1);
    let seen = recorder.0.lock().expect("sound");
    let ways: Vec<_> = seen
        .iter()
        .map(|(direction, transport, _)| (*direction, *transport))
        .collect();
    let expected = [
        (Direction::Sent, Transport::Udp),
        (Direction::Received, Transport::Udp),
        (Direction::Sent, Transport::Tcp),
        (Direction::Received, Transport::Tcp),
    ];
    assert_eq!(ways, expected);
    // Header, question and OPT; the reply has a record more.
    assert_eq!(seen[0].2, 12 + 14 + 4 + 11);
    assert!(seen[1].2 > seen[0].2);
}

#[test]
fn a_denial_without_a_zone_is_not_kept() {
    let fake = Fake::start(|_, query| vec![reply(query, Rcode::NOERROR, vec![]).encode()]);
    let resolver = resolver(&[&fake]);
    for questions in 1..=2 {
        let answer = ask(&resolver, "host.example").expect("an answer");
        assert_eq!((answer.content, answer.ttl), (Content::NoData, 0));
        assert_eq!(fake.seen(), [questions, 0]);
    }
    let other_zone = Fake::start(|_, query| {
        let mut reply = reply(query, Rcode::NXDOMAIN, vec![]);
        reply.authorities.push(soa("other"));
        vec![reply.encode()]
    });
    assert!(matches!(
        kind(ask_one(&other_zone)),
        LookupErrorKind::Malformed(_)
    ));
}
