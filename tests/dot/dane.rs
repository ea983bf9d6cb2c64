//! A resolver that proves itself by its own TLSA record: what the record must be, and what is asked before it is found good.

use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::dns::{Name, Rdata, RecordType, Tlsa};
use gateway::dnssec::TrustAnchors;
use gateway::resolver::{
    DnssecMode, Endpoint, LookupErrorKind, Resolve, Resolver, Settings, ValidationSettings,
};
use gateway::time::{Deadline, Timestamp};
use gateway_lab::dot::{APPLICATION_DATA, Recorder, TlsServer, read_query, write_message};
use gateway_lab::temp::TempDir;
use gateway_lab::unbound::Unbound;
use gateway_lab::world::tlsa_owner;
use gateway_lab::{Certificate, CertificateSpec, Fault, World, Zone};

use crate::{PATIENCE, QUERY_RECORD, reply_to};

const BOTH_MODES: [DnssecMode; 2] = [DnssecMode::Ad, DnssecMode::Validate];

/// The resolver is at home in `home.test`, in zones below it, and in one that is not signed; the question is for a name in `far.test`.
fn world(ttl: u32) -> World {
    World::builder()
        .zone(Zone::signed("home.test").ttl(ttl))
        .zone(Zone::unsigned("plain.test"))
        .zone(Zone::signed("far.test").address("far.test", [192, 0, 2, 1].into()))
        .start()
}

/// Resolvers with the world's trust anchor, of which the server at this address must prove to be this host by DANE.
fn resolver(world: &World, mode: DnssecMode, server: SocketAddr, host: &str) -> Resolver {
    let anchors = TrustAnchors::parse(&world.trust_anchor()).expect("anchors");
    Resolver::new(&settings(anchors, mode, server, host)).expect("a resolver")
}

fn settings(anchors: TrustAnchors, mode: DnssecMode, server: SocketAddr, host: &str) -> Settings {
    let text = format!("tls://{server}#dane/{host}");
    Settings {
        servers: vec![Endpoint::parse(&text).expect(&text)],
        dnssec: mode,
        validation: ValidationSettings {
            anchors,
            ..ValidationSettings::default()
        },
        ..Settings::default()
    }
}

/// Why the resolver is not asked; `None` if it is, and its answer is secure.
fn refusal(resolver: &Resolver) -> Option<String> {
    let far: Name = "far.test".parse().expect("a name");
    match resolver.lookup_fresh(&far, RecordType::A, Deadline::after(PATIENCE)) {
        Ok(answer) => {
            assert!(answer.security.is_secure());
            None
        }
        Err(error) => match error.kind {
            LookupErrorKind::Unproven(why) => Some(why),
            _ => panic!("{error}"),
        },
    }
}

/// Whether a question is about the resolver's own record, or a key above it.
fn is_for_the_proof((name, rtype): &(Name, RecordType), owner: &Name) -> bool {
    match *rtype {
        RecordType::TLSA => name == owner,
        RecordType::DNSKEY | RecordType::DS => owner.is_at_or_below(name),
        _ => false,
    }
}

fn questions(world: &World) -> Vec<(Name, RecordType)> {
    let queries = world.queries().into_iter();
    queries.map(|query| (query.name, query.rtype)).collect()
}

/// How often the server's record was asked for.
fn proofs(world: &World) -> usize {
    let asked = questions(world).into_iter();
    asked
        .filter(|(_, rtype)| *rtype == RecordType::TLSA)
        .count()
}

struct Case<'a> {
    what: &'static str,
    host: &'static str,
    certificate: &'a Certificate,
    records: Vec<Tlsa>,
    fault: Option<Fault>,
    refusal: Option<&'static str>,
}

impl<'a> Case<'a> {
    fn new(what: &'static str, certificate: &'a Certificate, records: &[Tlsa]) -> Self {
        Self {
            what,
            host: "dns.home.test",
            certificate,
            records: records.to_vec(),
            fault: None,
            refusal: None,
        }
    }

    fn of(self, host: &'static str) -> Self {
        Self { host, ..self }
    }

    fn with(self, fault: Fault) -> Self {
        Self {
            fault: Some(fault),
            ..self
        }
    }

    fn refused(self, why: &'static str) -> Self {
        Self {
            refusal: Some(why),
            ..self
        }
    }

    fn check(&self, world: &World, mode: DnssecMode) {
        let what = self.what;
        let server = TlsServer::before(self.certificate, world.resolver());
        let owner = tlsa_owner(self.host, server.address().port());
        if !self.records.is_empty() {
            let records = self.records.iter().cloned().map(Rdata::Tlsa).collect();
            world.replace_rrset(&owner, records);
        }
        if let Some(fault) = self.fault {
            world.set_fault(&owner.to_string(), RecordType::TLSA, fault);
        }
        world.clear_queries();
        let found = refusal(&resolver(world, mode, server.address(), self.host));
        let asked = questions(world);
        // A later server may get the same port.
        world.remove_rrset(&owner, RecordType::TLSA);
        world.clear_fault(&owner.to_string(), RecordType::TLSA);
        let is_other = |asked: &(Name, RecordType)| !is_for_the_proof(asked, &owner);
        let first = asked.iter().position(is_other);
        match (&found, self.refusal) {
            (None, None) => {
                let first = first.expect("it is asked what it is there for");
                let before = &asked[..first];
                let is_proof = |(_, rtype): &(Name, RecordType)| *rtype == RecordType::TLSA;
                assert!(before.iter().any(is_proof), "{what}: {asked:?}");
            }
            (Some(why), Some(expected)) => {
                assert!(why.contains(expected), "{what}: {why}");
                assert_eq!(first, None, "{what}: {asked:?}");
            }
            _ => panic!("{what}, {mode:?}: {found:?}"),
        }
    }
}

#[test]
fn the_record_must_be_proven_and_match() {
    let ca = CertificateSpec::authority("CA").build();
    let spec = CertificateSpec::new("dns.home.test");
    let own = CertificateSpec::new("whatever.test").expired().build();
    let below = spec.build_below(&ca).presenting(&[&ca]);
    let elsewhere = CertificateSpec::new("other.test");
    let elsewhere = elsewhere.build_below(&ca).presenting(&[&ca]);
    let expired = spec.clone().expired().build_below(&ca).presenting(&[&ca]);
    let (good, anchor) = ([own.tlsa(1, 1)], [ca.record(2, 0, 1)]);
    let (other, pkix) = (
        [below.tlsa(1, 1)],
        [own.record(1, 1, 1), own.record(0, 0, 1)],
    );
    let rolling = [below.tlsa(1, 1), own.tlsa(1, 1)];
    let long =
        "a-name-of-more-than-ninety-three-octets.with-its-labels.and-all-the-others.dns.home.test";
    let cases = [
        Case::new("3 1 1, whatever name and date", &own, &good),
        Case::new("one of two", &own, &rolling),
        Case::new("a long name", &own, &good).of(long),
        Case::new("2 0 1", &below, &anchor),
        Case::new("2 0 1, but another name", &elsewhere, &anchor).refused("is for other.test"),
        Case::new("2 0 1, but expired", &expired, &anchor).refused("expired on"),
        Case::new("another key", &own, &other).refused("the TLSA record does not match"),
        Case::new("usages 0 and 1", &own, &pkix).refused("`1 1 1` (tlsa-pkix-usage)"),
        Case::new("no record", &own, &[]).refused("has no TLSA record"),
        Case::new("no such zone", &own, &[])
            .of("dns.no.test")
            .refused("has no TLSA record"),
        Case::new("not signed", &own, &good)
            .of("dns.plain.test")
            .refused("not DNSSEC-secure"),
        Case::new("no record, not signed", &own, &[])
            .of("dns.plain.test")
            .refused("not DNSSEC-secure"),
        Case::new("forged", &own, &good)
            .with(Fault::Bogus)
            .refused("nothing is proven"),
        Case::new("out of date", &own, &good)
            .with(Fault::Expired)
            .refused("nothing is proven"),
        Case::new("stripped", &own, &good)
            .with(Fault::StripRrsig)
            .refused("nothing is proven"),
        Case::new("SERVFAIL", &own, &good)
            .with(Fault::Servfail)
            .refused("SERVFAIL"),
    ];
    let world = world(300);
    for case in &cases {
        for mode in BOTH_MODES {
            case.check(&world, mode);
        }
    }
}

#[test]
fn aliases_are_followed_where_they_are_secure() {
    let own = Certificate::new("dns.test");
    let world = world(300);
    for (target, expected) in [
        ("there.home.test", None),
        ("there.plain.test", Some("not DNSSEC-secure")),
        ("nowhere.home.test", Some("has no TLSA record")),
    ] {
        let server = TlsServer::before(&own, world.resolver());
        let target: Name = target.parse().expect("a name");
        if !target.to_string().starts_with("nowhere") {
            world.replace_rrset(&target, vec![Rdata::Tlsa(own.tlsa(1, 1))]);
        }
        let owner = tlsa_owner("dns.home.test", server.address().port());
        world.replace_rrset(&owner, vec![Rdata::Cname(target)]);
        let resolver = resolver(&world, DnssecMode::Ad, server.address(), "dns.home.test");
        let found = refusal(&resolver);
        let is_expected = match expected {
            None => found.is_none(),
            Some(why) => found.as_ref().is_some_and(|found| found.contains(why)),
        };
        assert!(is_expected, "{found:?}");
    }
}

#[test]
fn the_word_of_the_server_itself_is_worth_nothing() {
    let own = Certificate::new("dns.test");
    let world = Arc::new(world(300));
    let asked: Arc<Mutex<Vec<(Name, RecordType)>>> = Arc::default();
    let (shared, noted) = (Arc::clone(&world), Arc::clone(&asked));
    // Says AD to everything, and has no signature for anything.
    let server = TlsServer::start(&own, move |stream, _| {
        while let Ok(query) = read_query(stream) {
            let question = &query.questions[0];
            let entry = (question.name.clone(), question.rtype);
            noted.lock().expect("sound").push(entry);
            let octets = reply_to(&shared, &query, &[]);
            let mut reply = gateway::dns::Message::decode(&octets).expect("a reply");
            reply
                .answers
                .retain(|record| record.rtype() != RecordType::RRSIG);
            if write_message(stream, &reply.encode()).is_err() {
                return;
            }
        }
    });
    let owner = tlsa_owner("dns.home.test", server.address().port());
    world.replace_rrset(&owner, vec![Rdata::Tlsa(own.tlsa(1, 1))]);
    for mode in BOTH_MODES {
        let resolver = resolver(&world, mode, server.address(), "dns.home.test");
        let why = refusal(&resolver).expect("nothing is proven");
        assert!(why.contains("nothing is proven"), "{why}");
        let tests = resolver.self_test();
        assert!(tests[0].result.is_err(), "{tests:?}");
    }
    let asked = asked.lock().expect("sound");
    assert!(!asked.is_empty());
    for question in &*asked {
        assert!(is_for_the_proof(question, &owner), "{question:?}");
    }
}

#[test]
fn silence_before_the_proof_ends_with_the_deadline() {
    let own = Certificate::new("dns.test");
    let world = world(300);
    let server = TlsServer::start(&own, |stream, _| while read_query(stream).is_ok() {});
    for mode in BOTH_MODES {
        let resolver = resolver(&world, mode, server.address(), "dns.home.test");
        let far: Name = "far.test".parse().expect("a name");
        let soon = Deadline::after(Duration::from_millis(300));
        let error = resolver.lookup_fresh(&far, RecordType::A, soon);
        let kind = error.expect_err("nobody answers").kind;
        assert_eq!(kind, LookupErrorKind::Timeout);
    }
}

#[test]
fn only_the_configured_anchors_are_believed() {
    let own = Certificate::new("dns.test");
    let (world, other) = (world(300), world(300));
    let server = TlsServer::before(&own, world.resolver());
    let owner = tlsa_owner("dns.home.test", server.address().port());
    world.replace_rrset(&owner, vec![Rdata::Tlsa(own.tlsa(1, 1))]);
    let anchors = TrustAnchors::parse(&other.trust_anchor()).expect("anchors");
    for mode in BOTH_MODES {
        for anchors in [anchors.clone(), TrustAnchors::built_in()] {
            let settings = settings(anchors, mode, server.address(), "dns.home.test");
            let resolver = Resolver::new(&settings).expect("a resolver");
            let why = refusal(&resolver).expect("the root is another");
            assert!(why.contains("nothing is proven"), "{why}");
        }
    }
}

/// Also where the AD bit is believed of everything else.
#[test]
fn anchors_that_are_followed_count() {
    let own = Certificate::new("dns.test");
    let world = world(300);
    let server = TlsServer::before(&own, world.resolver());
    let owner = tlsa_owner("dns.home.test", server.address().port());
    world.replace_rrset(&owner, vec![Rdata::Tlsa(own.tlsa(1, 1))]);
    let directory = TempDir::new("followed");
    let state = directory.path().join("anchors");
    let anchor = world.trust_anchor();
    let digest = anchor.lines().next().expect("a DS record");
    fs::write(
        &state,
        format!("valid since=2026-01-01T00:00:00Z {digest}\n"),
    )
    .expect("writable");
    for (state, is_asked) in [(Some(state), true), (None, false)] {
        let settings = Settings {
            validation: ValidationSettings {
                state,
                ..ValidationSettings::default()
            },
            ..settings(
                TrustAnchors::built_in(),
                DnssecMode::Ad,
                server.address(),
                "dns.home.test",
            )
        };
        let resolver = Resolver::new(&settings).expect("a resolver");
        assert_eq!(refusal(&resolver).is_none(), is_asked);
    }
}

#[test]
fn what_is_proven_is_remembered_until_the_key_is_another() {
    let [first, second, third] = [0; 3].map(|_| Certificate::new("dns.test"));
    let world = world(300);
    let server = TlsServer::before(&first, world.resolver());
    let owner = tlsa_owner("dns.home.test", server.address().port());
    let publish = |certificate: &Certificate| {
        world.replace_rrset(&owner, vec![Rdata::Tlsa(certificate.tlsa(1, 1))]);
    };
    publish(&first);
    let resolver = resolver(&world, DnssecMode::Ad, server.address(), "dns.home.test");
    for _ in 0..3 {
        assert_eq!(refusal(&resolver), None);
        server.end_connections();
    }
    assert_eq!(proofs(&world), 1, "three connections");
    publish(&second);
    server.present(&second);
    for _ in 0..2 {
        assert_eq!(refusal(&resolver), None);
        server.end_connections();
    }
    assert_eq!(proofs(&world), 2);
    server.present(&third);
    let why = refusal(&resolver).expect("nobody has said that the third key is right");
    assert!(why.contains("does not match"), "{why}");
    assert!(proofs(&world) > 2);
}

/// `--at` says when the data asked for must have been valid; whose server it is that brings them is a matter of today.
#[test]
fn a_resolver_is_proven_now_whatever_time_is_asked_about() {
    let own = Certificate::new("dns.test");
    let world = world(300);
    let server = TlsServer::before(&own, world.resolver());
    let owner = tlsa_owner("dns.home.test", server.address().port());
    world.replace_rrset(&owner, vec![Rdata::Tlsa(own.tlsa(1, 1))]);
    let far: Name = "far.test".parse().expect("a name");
    let (now, year) = (Timestamp::now().unix(), 365 * 86_400);
    for at in [now - year, now + year].map(Timestamp::from_unix) {
        let anchors = TrustAnchors::parse(&world.trust_anchor()).expect("anchors");
        let mut settings = settings(
            anchors,
            DnssecMode::Validate,
            server.address(),
            "dns.home.test",
        );
        settings.validation.at = Some(at);
        let resolver = Resolver::new(&settings).expect("a resolver");
        let error = resolver.lookup_fresh(&far, RecordType::A, Deadline::after(PATIENCE));
        let kind = error.expect_err("no signature of then").kind;
        assert!(matches!(kind, LookupErrorKind::Bogus(_)), "{at}: {kind:?}");
    }
}

#[test]
fn a_session_is_held_against_the_records_of_today() {
    let [first, second] = [0; 2].map(|_| Certificate::new("dns.test"));
    // What lasts no second is not remembered.
    let world = world(0);
    let server = TlsServer::before(&first, world.resolver());
    let owner = tlsa_owner("dns.home.test", server.address().port());
    world.replace_rrset(&owner, vec![Rdata::Tlsa(first.tlsa(1, 1))]);
    let resolver = resolver(&world, DnssecMode::Ad, server.address(), "dns.home.test");
    for round in 0..2 {
        assert_eq!(refusal(&resolver), None);
        assert_eq!(server.handshakes(), [1, round]);
        assert_eq!(proofs(&world), round + 1, "asked at each connection");
        server.end_connections();
    }
    world.replace_rrset(&owner, vec![Rdata::Tlsa(second.tlsa(1, 1))]);
    let why = refusal(&resolver).expect("the key was withdrawn");
    assert!(why.contains("does not match"), "{why}");
}

#[test]
fn a_resolver_of_the_distribution_proves_itself() {
    let own = Certificate::new("dns.test");
    let world = world(300);
    let (_unbound, unbound) = Unbound::validating_over_tls(&world, &own);
    for mode in BOTH_MODES {
        let wire = Recorder::before(unbound);
        let port = wire.address().port();
        let records = [
            ("dns.home.test", own.tlsa(1, 1)),
            ("wrong.home.test", Certificate::new("dns.test").tlsa(1, 1)),
        ];
        for (host, record) in records {
            world.replace_rrset(&tlsa_owner(host, port), vec![Rdata::Tlsa(record)]);
        }
        let why = refusal(&resolver(&world, mode, wire.address(), "wrong.home.test"));
        assert!(why.expect("another key").contains("does not match"));
        assert_eq!(
            refusal(&resolver(&world, mode, wire.address(), "dns.home.test")),
            None
        );
        let records = wire.records().concat();
        // The ends of handshakes and the goodbyes are shorter.
        let is_query = |record: &&(u8, usize)| record.0 == APPLICATION_DATA && record.1 > 80;
        let queries = records.iter().filter(is_query);
        assert!(queries.clone().count() > 8, "{records:?}");
        assert!(
            queries.clone().all(|record| *record == QUERY_RECORD),
            "{records:?}"
        );
        assert!(!wire.has_seen(b"far"));
    }
}
