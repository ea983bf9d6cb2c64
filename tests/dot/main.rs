//! DNS over TLS: what a resolver must prove before it is asked, what the wire shows, and how connections are used and lost.

mod dane;

use std::net::{TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use gateway::certificate::{Pin, Roots};
use gateway::dns::{EdnsOption, Message, Name, OptionCode, RecordType};
use gateway::dnssec::TrustAnchors;
use gateway::resolver::{
    Answer, DnssecMode, Endpoint, LookupError, LookupErrorKind, Resolve, Resolver, Settings,
    ValidationSettings,
};
use gateway::time::Deadline;
use gateway_lab::dnsdist::Dnsdist;
use gateway_lab::dot::{
    APPLICATION_DATA, Recorder, TlsConnection, TlsServer, carry, read_query, write_message,
};
use gateway_lab::unbound::Unbound;
use gateway_lab::{Certificate, CertificateSpec, World, Zone};
use openssl::ssl::SslVersion;

/// Longer than any step takes; whoever waits this long has failed.
const PATIENCE: Duration = Duration::from_secs(30);
/// A query of one block (RFC 8467), its length, and what TLS 1.3 adds: the content type and the tag.
const QUERY_RECORD: (u8, usize) = (APPLICATION_DATA, 128 + 2 + 1 + 16);

/// Two CAs, of which one is believed, and a world to ask about.
struct Stage {
    ca: Certificate,
    other_ca: Certificate,
    world: World,
}

impl Stage {
    fn new() -> Self {
        let zone = Zone::signed("sound.test").mx(10, "mail.sound.test");
        let many = (0..40).fold(zone, |zone, number| {
            zone.address(&format!("h{number}.sound.test"), [192, 0, 2, number].into())
        });
        Self {
            ca: CertificateSpec::authority("CA").build(),
            other_ca: CertificateSpec::authority("Other CA").build(),
            world: World::builder()
                .zone(Zone::signed("test"))
                .zone(many)
                .start(),
        }
    }

    fn certificate(&self) -> Certificate {
        CertificateSpec::new("dns.test").build_below(&self.ca)
    }

    /// A server with a sound certificate that does as it is told.
    fn server(
        &self,
        serve: impl Fn(&mut TlsConnection, usize) + Send + Sync + 'static,
    ) -> TlsServer {
        TlsServer::start(&self.certificate(), serve)
    }

    fn settings(&self, servers: &[String]) -> Settings {
        let servers = servers
            .iter()
            .map(|text| Endpoint::parse(text).expect(text));
        Settings {
            servers: servers.collect(),
            roots: Some(Arc::new(
                Roots::from_pem(self.ca.pem().as_bytes()).expect("a CA"),
            )),
            dnssec: DnssecMode::Ad,
            ..Settings::default()
        }
    }

    fn resolver(&self, servers: &[String]) -> Resolver {
        Resolver::new(&self.settings(servers)).expect("a resolver")
    }
}

/// As configured: the server at this address must prove to be `dns.test`.
fn named(address: std::net::SocketAddr) -> String {
    format!("tls://{address}#dns.test")
}

fn name(text: &str) -> Name {
    Name::parse(text).expect(text)
}

fn ask(resolver: &Resolver, text: &str) -> Result<Answer, LookupError> {
    resolver.lookup_fresh(&name(text), RecordType::A, Deadline::after(PATIENCE))
}

/// A good reply with these options.
fn reply_to(world: &World, query: &Message, options: &[EdnsOption]) -> Vec<u8> {
    let question = &query.questions[0];
    let mut reply = world.carry(&question.name, question.rtype);
    reply.header.id = query.header.id;
    reply.header.response = true;
    reply.header.authentic_data = true;
    reply.questions.clone_from(&query.questions);
    let edns = reply.edns.as_mut().expect("a reply with EDNS");
    edns.options.extend_from_slice(options);
    reply.encode()
}

#[test]
fn who_does_not_prove_to_be_the_right_one_is_asked_nothing() {
    let stage = Stage::new();
    let good = stage.certificate();
    let other = Certificate::new("dns.test");
    let spec = CertificateSpec::new("dns.test");
    let elsewhere = CertificateSpec::new("other.test").build_below(&stage.ca);
    let expired = spec.clone().expired().build_below(&stage.ca);
    let unknown = spec.build_below(&stage.other_ca);
    let pin_of = |certificate: &Certificate| {
        let pin = Pin::all_of(&certificate.der())[0];
        format!("sha256/{}", pin.to_base64())
    };
    for (what, certificate, proof, refusal) in [
        ("the right name", &good, "dns.test".to_owned(), None),
        ("the right pin", &good, pin_of(&good), None),
        ("a pin of a key without a CA", &other, pin_of(&other), None),
        ("a pin, whatever the date", &expired, pin_of(&expired), None),
        (
            "no CA",
            &other,
            "dns.test".to_owned(),
            Some("CN = dns.test"),
        ),
        (
            "expired",
            &expired,
            "dns.test".to_owned(),
            Some("expired on"),
        ),
        (
            "another name",
            &elsewhere,
            "dns.test".to_owned(),
            Some("is for other.test"),
        ),
        (
            "another CA",
            &unknown,
            "dns.test".to_owned(),
            Some("whose issuer"),
        ),
        (
            "another key",
            &good,
            pin_of(&other),
            Some("not the pinned one"),
        ),
    ] {
        for newest in [SslVersion::TLS1_2, SslVersion::TLS1_3] {
            stage.world.clear_queries();
            let resolver = stage.world.resolver();
            let serve = move |stream: &mut TlsConnection, _| carry(stream, resolver);
            let server = TlsServer::start_with(certificate, newest, serve);
            let wire = Recorder::before(server.address());
            let text = format!("tls://{}#{proof}", wire.address());
            let outcome = ask(&stage.resolver(&[text]), "h1.sound.test");
            match (outcome, refusal) {
                (Ok(answer), None) => assert!(answer.security.is_secure(), "{what}"),
                (Err(error), Some(refusal)) => {
                    let LookupErrorKind::Unproven(why) = &error.kind else {
                        panic!("{what}: {error}");
                    };
                    assert!(why.contains(refusal) || what == "no CA", "{what}: {why}");
                    assert!(stage.world.queries().is_empty(), "{what}");
                    let sent = wire.records().concat();
                    // What is encrypted in TLS 1.3: the end of the handshake and the goodbye.
                    let data = sent.iter().filter(|record| record.0 == APPLICATION_DATA);
                    let longest = data.map(|record| record.1).max().unwrap_or(0);
                    let most = if newest == SslVersion::TLS1_2 { 0 } else { 80 };
                    assert!(longest <= most, "{what}: {sent:?}");
                }
                (outcome, _) => panic!("{what}: {outcome:?}"),
            }
        }
    }
}

#[test]
fn all_queries_look_alike_on_the_wire() {
    let stage = Stage::new();
    let server = TlsServer::before(&stage.certificate(), stage.world.resolver());
    let wire = Recorder::before(server.address());
    let resolver = stage.resolver(&[named(wire.address())]);
    for number in 0..40 {
        ask(&resolver, &format!("h{number}.sound.test")).expect("an answer");
    }
    let records = wire.records();
    assert_eq!(records.len(), 1, "one connection for all");
    let queries = records[0].iter().filter(|record| **record == QUERY_RECORD);
    // The self-test is one more.
    assert_eq!(queries.count(), 41, "{records:?}");
    let longer = records[0]
        .iter()
        .filter(|(kind, length)| *kind == 23 && *length > QUERY_RECORD.1);
    assert_eq!(longer.count(), 0);
    assert!(!wire.has_seen(b"sound"));
    assert!(
        wire.has_seen(b"dns.test"),
        "the server's own name is all there is"
    );
}

#[test]
fn replies_come_in_any_order_over_one_connection() {
    let stage = Arc::new(Stage::new());
    let shared = Arc::clone(&stage);
    // Answers the self-test, then collects eight questions and answers the last one first.
    let server = stage.server(move |stream, _| {
        let Ok(first) = read_query(stream) else {
            return;
        };
        write_message(stream, &reply_to(&shared.world, &first, &[])).expect("open");
        let queries = (0..8).map(|_| read_query(stream).expect("eight questions at once"));
        let mut queries: Vec<Message> = queries.collect();
        queries.reverse();
        for query in &queries {
            write_message(stream, b"nobody asked").expect("open");
            write_message(stream, &reply_to(&shared.world, query, &[])).expect("open");
        }
        let _ = read_query(stream);
    });
    let resolver = stage.resolver(&[named(server.address())]);
    resolver.self_test();
    thread::scope(|scope| {
        for number in 0..8 {
            let resolver = &resolver;
            scope.spawn(move || {
                let owner = format!("h{number}.sound.test");
                let answer = ask(resolver, &owner).expect("an answer");
                assert_eq!(answer.owner, name(&owner));
            });
        }
    });
    assert_eq!(server.handshakes(), [1, 0]);
}

#[test]
fn a_connection_closed_while_idle_is_no_error_and_its_session_is_taken_up() {
    let stage = Stage::new();
    for newest in [SslVersion::TLS1_3, SslVersion::TLS1_2] {
        let resolver = stage.world.resolver();
        let serve = move |stream: &mut TlsConnection, _| carry(stream, resolver);
        let server = TlsServer::start_with(&stage.certificate(), newest, serve);
        let resolver = stage.resolver(&[named(server.address())]);
        for round in 0..3 {
            ask(&resolver, "h1.sound.test").expect("an answer");
            assert_eq!(server.handshakes(), [1, round], "{newest:?}");
            server.end_connections();
        }
    }
}

#[test]
fn the_server_says_how_long_a_connection_is_kept() {
    for (units, connections) in [(Some(0u16), 3), (Some(600), 1), (None, 1)] {
        let stage = Arc::new(Stage::new());
        let shared = Arc::clone(&stage);
        let seen: Arc<Mutex<Vec<Message>>> = Arc::default();
        let noted = Arc::clone(&seen);
        let server = stage.server(move |stream, _| {
            while let Ok(query) = read_query(stream) {
                let mut option = EdnsOption::keepalive();
                option.data = units.unwrap_or(0).to_be_bytes().to_vec();
                let options = if units.is_some() {
                    vec![option]
                } else {
                    vec![]
                };
                let reply = reply_to(&shared.world, &query, &options);
                noted.lock().expect("sound").push(query);
                write_message(stream, &reply).expect("open");
            }
        });
        let resolver = stage.resolver(&[named(server.address())]);
        for _ in 0..2 {
            ask(&resolver, "h1.sound.test").expect("an answer");
        }
        let total: usize = server.handshakes().iter().sum();
        assert_eq!(total, connections, "{units:?}");
        for query in seen.lock().expect("sound").iter() {
            let options = &query.edns.as_ref().expect("EDNS").options;
            let codes: Vec<OptionCode> = options.iter().map(|option| option.code).collect();
            assert_eq!(codes, [OptionCode::TCP_KEEPALIVE, OptionCode::PADDING]);
        }
    }
}

#[test]
fn an_idle_connection_is_ended_though_nobody_asks() {
    let stage = Arc::new(Stage::new());
    let shared = Arc::clone(&stage);
    let (here, there) = mpsc::channel();
    // Keeps connections for a tenth of a second.
    let server = stage.server(move |stream, _| {
        while let Ok(query) = read_query(stream) {
            let mut option = EdnsOption::keepalive();
            option.data = 1u16.to_be_bytes().to_vec();
            write_message(stream, &reply_to(&shared.world, &query, &[option])).expect("open");
        }
        here.send(()).expect("it waits");
    });
    let resolver = stage.resolver(&[named(server.address())]);
    ask(&resolver, "h1.sound.test").expect("an answer");
    let end = Instant::now() + PATIENCE / 3;
    while there.recv_timeout(Duration::from_millis(20)).is_err() {
        assert!(Instant::now() < end, "the connection stays");
        resolver.close_idle();
    }
    ask(&resolver, "h1.sound.test").expect("over another connection");
}

#[test]
fn the_next_server_is_asked_and_nobody_in_clear() {
    let stage = Stage::new();
    let good = TlsServer::before(&stage.certificate(), stage.world.resolver());
    // One that is silent, one that is gone, and one that ends every connection when it is asked.
    let silent = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let silent_at = silent.local_addr().expect("bound");
    let gone = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let gone_at = gone.local_addr().expect("bound");
    drop(gone);
    let ending = stage.server(|stream, _| drop(read_query(stream)));
    for first in [silent_at, gone_at, ending.address()] {
        let clear = UdpSocket::bind(first).expect("the same port for UDP");
        clear.set_nonblocking(true).expect("a socket");
        let resolver = stage.resolver(&[named(first), named(good.address())]);
        let start = Instant::now();
        let answer = ask(&resolver, "h1.sound.test").expect("an answer");
        assert_eq!(answer.server, named(good.address()));
        assert!(start.elapsed() < PATIENCE);
        assert!(clear.recv(&mut [0; 512]).is_err(), "asked in clear");
    }
    let alone = stage.resolver(&[named(gone_at), named(ending.address())]);
    let error = ask(&alone, "h1.sound.test").expect_err("nobody else may be asked");
    assert!(
        matches!(error.kind, LookupErrorKind::Unreachable(_)),
        "{error}"
    );
}

#[test]
fn servers_of_the_distribution_are_asked_over_tls() {
    let stage = Stage::new();
    let certificate = stage.certificate();
    let (_unbound, unbound) = Unbound::validating_over_tls(&stage.world, &certificate);
    let dnsdist = Dnsdist::over_tls(&stage.world, &certificate);
    for server in [unbound, dnsdist.address()] {
        let wire = Recorder::before(server);
        let resolver = stage.resolver(&[named(wire.address())]);
        thread::scope(|scope| {
            for number in 0..8 {
                let resolver = &resolver;
                scope.spawn(move || {
                    let answer = ask(resolver, &format!("h{number}.sound.test"));
                    assert!(answer.expect("an answer").security.is_secure());
                });
            }
        });
        let records = wire.records();
        assert_eq!(records.len(), 1, "{server}: one connection for all");
        let queries = records[0].iter().filter(|record| **record == QUERY_RECORD);
        assert!(queries.count() >= 9, "{server}: {records:?}");
        drop(resolver);
        let wire = Recorder::before(server);
        let other = stage.resolver(&[format!("tls://{}#other.test", wire.address())]);
        let error = ask(&other, "h1.sound.test").expect_err("the wrong name");
        let refusal = "is for dns.test, but must be for other.test";
        assert!(error.to_string().contains(refusal), "{server}: {error}");
        let records = wire.records().concat();
        assert!(!records.contains(&QUERY_RECORD), "{server}: {records:?}");
    }
}

#[test]
fn signatures_are_checked_here_over_tls_too() {
    let stage = Stage::new();
    let server = TlsServer::before(&stage.certificate(), stage.world.resolver());
    let anchors = TrustAnchors::parse(&stage.world.trust_anchor()).expect("anchors");
    let resolver = Resolver::new(&Settings {
        dnssec: DnssecMode::Validate,
        validation: ValidationSettings {
            anchors,
            ..ValidationSettings::default()
        },
        ..stage.settings(&[named(server.address())])
    });
    let resolver = resolver.expect("a resolver");
    assert!(resolver.self_test()[0].result.is_ok());
    let answer = ask(&resolver, "h1.sound.test").expect("an answer");
    assert!(answer.security.is_secure());
    assert_eq!(server.handshakes(), [1, 0]);
}
