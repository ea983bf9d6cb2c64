//! Validation in the program itself, against the lab's resolver as a mere carrier.

use std::fs;
use std::thread;
use std::time::Duration;

use gateway::dns::{Algorithm, Class, DigestType, Message, Name, Rcode, Rdata, Record, RecordType};
use gateway::dnssec::TrustAnchors;
use gateway::dnssec::limits::FAILURES_PER_RRSET;
use gateway::resolver::{
    DnssecMode, Resolve, Resolver, Retry, Settings, Status, ValidationSettings,
};
use gateway::time::Deadline;
use gateway_lab::temp::TempDir;
use gateway_lab::world::{
    Damage, Elsewhere, Fault, KeyUse, Query, Transport, World, WorldBuilder, Zone, ZoneKey,
};
use gateway_lab::{Gateway, MxHost};

/// Long enough for a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn world() -> World {
    with_zones(World::builder()).start()
}

/// One sound zone, and some that are not.
fn with_zones(builder: WorldBuilder) -> WorldBuilder {
    let sound = Zone::signed("sound.test")
        .mx(10, "mail.sound.test")
        .address("mail.sound.test", [192, 0, 2, 1].into())
        .address("*.wild.sound.test", [192, 0, 2, 3].into())
        .dname("d.sound.test", "sound.test")
        .cname("www.sound.test", "mail.sound.test")
        .cname("out.sound.test", "mail.unsigned.test")
        .cname("bad.sound.test", "mail.broken.test")
        .cname("loop.sound.test", "loop.sound.test");
    let address = [192, 0, 2, 2].into();
    builder
        .zone(Zone::signed("test"))
        .zone(sound)
        .zone(Zone::unsigned("unsigned.test").address("mail.unsigned.test", address))
        .zone(
            Zone::signed("island.test")
                .damaged(Damage::NoDs)
                .address("mail.island.test", address),
        )
        .zone(
            Zone::signed("otherkey.test")
                .damaged(Damage::WrongDs)
                .address("mail.otherkey.test", address),
        )
        .zone(
            Zone::signed("broken.test")
                .damaged(Damage::Signatures)
                .address("mail.broken.test", address),
        )
}

fn settings(world: &World) -> Settings {
    Settings {
        servers: vec![world.resolver().into()],
        retry: Retry::default(),
        dnssec: DnssecMode::Validate,
        validation: ValidationSettings {
            anchors: TrustAnchors::parse(&world.trust_anchor()).expect("anchors"),
            ..ValidationSettings::default()
        },
        ..Settings::default()
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).expect(text)
}

/// The status of a lookup, and what is said about it.
fn ask(resolver: &Resolver, owner: &str, rtype: RecordType) -> (Status, String) {
    let outcome = resolver.lookup(&name(owner), rtype, Deadline::after(PATIENCE));
    let status = Status::of(&outcome);
    match outcome {
        Ok(answer) => (status, format!("{:?} {:?}", answer.content, answer.aliases)),
        Err(error) => (status, error.to_string()),
    }
}

#[test]
fn each_status_is_found_here() {
    let world = world();
    let resolver = Resolver::new(&settings(&world)).expect("a resolver");
    for (owner, rtype, status, part) in [
        ("sound.test", RecordType::MX, Status::Secure, "mail"),
        (
            "mail.sound.test",
            RecordType::A,
            Status::Secure,
            "192.0.2.1",
        ),
        (
            "mail.sound.test",
            RecordType::AAAA,
            Status::Secure,
            "NoData",
        ),
        ("no.sound.test", RecordType::A, Status::Secure, "NxDomain"),
        (
            "x.wild.sound.test",
            RecordType::A,
            Status::Secure,
            "192.0.2.3",
        ),
        (
            "mail.d.sound.test",
            RecordType::A,
            Status::Secure,
            "192.0.2.1",
        ),
        ("www.sound.test", RecordType::A, Status::Secure, "192.0.2.1"),
        (
            "out.sound.test",
            RecordType::A,
            Status::Insecure,
            "192.0.2.2",
        ),
        (
            "mail.unsigned.test",
            RecordType::A,
            Status::Insecure,
            "192.0.2.2",
        ),
        (
            "no.unsigned.test",
            RecordType::A,
            Status::Insecure,
            "NxDomain",
        ),
        (
            "mail.island.test",
            RecordType::A,
            Status::Insecure,
            "192.0.2.2",
        ),
        (
            "mail.broken.test",
            RecordType::A,
            Status::Bogus,
            "validation fails: ",
        ),
        (
            "bad.sound.test",
            RecordType::A,
            Status::Bogus,
            "validation fails: ",
        ),
        (
            "mail.otherkey.test",
            RecordType::A,
            Status::Bogus,
            "otherkey.test",
        ),
        ("sound.test", RecordType::DS, Status::Secure, "Ds("),
        ("unsigned.test", RecordType::DS, Status::Secure, "NoData"),
        ("test", RecordType::DNSKEY, Status::Secure, "Dnskey"),
        (".", RecordType::NS, Status::Secure, "Ns("),
    ] {
        let (found, text) = ask(&resolver, owner, rtype);
        assert_eq!(found, status, "{owner} {rtype}: {text}");
        assert!(text.contains(part), "{owner} {rtype}: {text}");
    }
    for query in world.queries() {
        assert!(query.dnssec_ok, "{query:?}");
    }
    world.clear_queries();
    let (status, _) = ask(&resolver, "sound.test", RecordType::MX);
    assert_eq!(
        (status, world.queries()),
        (Status::Secure, Vec::new()),
        "known"
    );
}

#[test]
fn hostile_carriers_get_nowhere() {
    let world = world();
    for (fault, status, part) in [
        (Fault::Bogus, Status::Bogus, "wrong"),
        (Fault::Expired, Status::Bogus, "expired"),
        (Fault::StripRrsig, Status::Bogus, "RRSIG"),
        (
            Fault::NoEdns,
            Status::Error,
            "nothing can be validated with the resolver",
        ),
        (Fault::Servfail, Status::Error, "SERVFAIL"),
        (Fault::TruncateTcpRefused, Status::Error, "truncated"),
        (Fault::NoAd, Status::Secure, "mail"),
        (Fault::SpoofFirst, Status::Secure, "mail"),
        (Fault::Truncate, Status::Secure, "mail"),
    ] {
        world.set_fault("sound.test", RecordType::MX, fault);
        let resolver = Resolver::new(&settings(&world)).expect("a resolver");
        let (found, text) = ask(&resolver, "sound.test", RecordType::MX);
        assert_eq!(found, status, "{fault:?}: {text}");
        assert!(text.contains(part), "{fault:?}: {text}");
    }
}

/// A resolver that lies costs nothing where another does not; alone it gets nowhere, whatever it says about itself.
#[test]
fn resolvers_are_judged_each_by_what_it_brings() {
    let (honest, hostile) = (world(), world());
    // Another root, another chain: all that the second resolver says is forged.
    let mut settings = settings(&honest);
    settings.servers = vec![hostile.resolver().into(), honest.resolver().into()];
    // It comes last for a few seconds only, which a loaded machine may need for itself.
    let is_asked_last = (0..5).any(|_| {
        let resolver = Resolver::new(&settings).expect("a resolver");
        let (status, text) = ask(&resolver, "sound.test", RecordType::MX);
        assert_eq!(status, Status::Secure, "{text}");
        hostile.clear_queries();
        let (status, text) = ask(&resolver, "www.sound.test", RecordType::A);
        assert_eq!(status, Status::Secure, "{text}");
        hostile.queries().is_empty()
    });
    assert!(is_asked_last);

    settings.servers = vec![hostile.resolver().into()];
    let resolver = Resolver::new(&settings).expect("a resolver");
    let (status, text) = ask(&resolver, "sound.test", RecordType::MX);
    // Where nobody brings the root's keys, it is not the zone that is blamed.
    assert_eq!(status, Status::Bogus, "{text}");
    assert!(
        text.contains("the keys of . itself do not validate"),
        "{text}"
    );
    // Twice with CD set, the second time over TCP; then once to hear what it thinks itself.
    let of_question =
        |query: &&Query| query.name == name("sound.test") && query.rtype == RecordType::MX;
    let queries = hostile.queries();
    let asked: Vec<_> = queries
        .iter()
        .filter(of_question)
        .map(|query| (query.transport, query.checking_disabled))
        .collect();
    let expected = [
        (Transport::Udp, true),
        (Transport::Tcp, true),
        (Transport::Udp, false),
    ];
    assert!(asked.ends_with(&expected), "{asked:?}");

    settings.servers = vec![hostile.resolver().into(), honest.resolver().into()];
    let resolver = Resolver::new(&settings).expect("a resolver");
    let tests = resolver.self_test();
    let found: Vec<bool> = tests.iter().map(|test| test.result.is_ok()).collect();
    assert_eq!(found, [false, true]);
    hostile.clear_queries();
    let (status, text) = ask(&resolver, "sound.test", RecordType::MX);
    assert_eq!(status, Status::Secure, "{text}");
    assert_eq!(
        hostile.queries(),
        [],
        "it is asked last, however long ago the test was"
    );
    assert!(tests[0].to_string().contains("resolver-not-validating"));
}

/// A carrier that makes up answers, takes them from elsewhere, or denies: none of it is ever believed, nor called unsigned.
#[test]
fn what_a_carrier_makes_up_is_bogus() {
    let forged = |reply: &mut Message| {
        for record in &mut reply.answers {
            if let Rdata::A(address) = &mut record.data {
                *address = [192, 0, 2, 66].into();
            }
        }
        reply.header.authentic_data = true;
    };
    let changes: [(&str, fn(&mut Message, &Elsewhere<'_>)); 6] = [
        ("unsigned", |reply, _| {
            reply
                .answers
                .retain(|record| record.rtype() == RecordType::A);
        }),
        ("no such name", |reply, _| {
            reply.answers.clear();
            reply.set_rcode(Rcode::NXDOMAIN);
        }),
        ("no such type", |reply, _| reply.answers.clear()),
        ("a denial of another name", |reply, elsewhere| {
            *reply = Message {
                questions: reply.questions.clone(),
                header: reply.header,
                ..elsewhere.reply("no.sound.test", RecordType::A)
            };
            reply.set_rcode(Rcode::NXDOMAIN);
        }),
        ("an alias to the forger", |reply, elsewhere| {
            let forger = elsewhere.reply("mail.unsigned.test", RecordType::A);
            reply.answers = forger.answers;
            let alias = Rdata::Cname(name("mail.unsigned.test"));
            reply.answers.push(Record {
                name: name("mail.sound.test"),
                class: Class::IN,
                ttl: 60,
                data: alias,
            });
        }),
        ("another's address", |reply, elsewhere| {
            let mut other = elsewhere.reply("x.wild.sound.test", RecordType::A);
            for record in &mut other.answers {
                record.name = name("mail.sound.test");
            }
            reply.answers = other.answers;
        }),
    ];
    for (what, change) in changes {
        let world = with_zones(World::builder())
            .edit("mail.sound.test", RecordType::A, change)
            .start();
        let resolver = Resolver::new(&settings(&world)).expect("a resolver");
        let (status, text) = ask(&resolver, "mail.sound.test", RecordType::A);
        assert_eq!(status, Status::Bogus, "{what}: {text}");
    }
    let world = with_zones(World::builder())
        .edit("mail.sound.test", RecordType::A, move |reply, _| {
            forged(reply);
        })
        // That the zone is said to be unsigned does not help.
        .edit("sound.test", RecordType::DS, |reply, _| {
            reply.answers.clear();
        })
        .start();
    let resolver = Resolver::new(&settings(&world)).expect("a resolver");
    let (status, text) = ask(&resolver, "mail.sound.test", RecordType::A);
    assert_eq!(status, Status::Bogus, "{text}");
}

/// What cannot carry DNSSEC at all is told from a broken zone.
#[test]
fn a_resolver_without_dnssec_is_named_as_the_culprit() {
    for (fault, part) in [
        (Fault::StripRrsig, "leaves out the keys or signatures"),
        (Fault::NoEdns, "without EDNS"),
        (
            Fault::Servfail,
            "SERVFAIL even where it is asked for the root",
        ),
        (
            Fault::TruncateTcpRefused,
            "truncated over UDP, and over TCP",
        ),
    ] {
        let world = world();
        for (owner, rtype) in [(".", RecordType::DNSKEY), ("sound.test", RecordType::MX)] {
            world.set_fault(owner, rtype, fault);
        }
        let resolver = Resolver::new(&settings(&world)).expect("a resolver");
        let tests = resolver.self_test();
        let text = tests[0].to_string();
        assert!(
            tests[0].result.is_err() && text.contains(part),
            "{fault:?}: {text}"
        );
        let (status, text) = ask(&resolver, "sound.test", RecordType::MX);
        assert_eq!(status, Status::Error, "{fault:?}: {text}");
    }
}

#[test]
fn what_is_known_of_zones_is_not_asked_again() {
    let world = world();
    let resolver = Resolver::new(&settings(&world)).expect("a resolver");
    let _ = ask(&resolver, "sound.test", RecordType::MX);
    world.clear_queries();
    let (status, _) = ask(&resolver, "mail.sound.test", RecordType::A);
    assert_eq!(status, Status::Secure);
    let asked: Vec<_> = world
        .queries()
        .into_iter()
        .map(|query| query.rtype)
        .collect();
    assert!(asked.contains(&RecordType::A), "{asked:?}");
    assert!(!asked.contains(&RecordType::DNSKEY), "{asked:?}");
}

#[test]
fn each_alias_has_its_own_status_and_times_are_bounded() {
    let day = 2 * 86_400;
    let tlsa = MxHost::start("mail.long.test").tlsa(1, 1);
    let world = with_zones(World::builder())
        .zone(
            Zone::signed("long.test")
                .ttl(day)
                .mx(1, "mail.long.test")
                .tlsa("mail.long.test", 25, tlsa),
        )
        .start();
    let resolver = Resolver::new(&settings(&world)).expect("a resolver");
    let look_up = |owner: &str, rtype| {
        let deadline = Deadline::after(PATIENCE);
        resolver.lookup(&name(owner), rtype, deadline).expect(owner)
    };
    let answer = look_up("out.sound.test", RecordType::A);
    assert!(!answer.security.is_secure() && answer.aliases[0].security.is_secure());
    for (owner, rtype, at_most) in [
        ("long.test", RecordType::MX, 86_400),
        ("_25._tcp.mail.long.test", RecordType::TLSA, 3600),
        ("long.test", RecordType::TXT, 900),
        ("no.long.test", RecordType::A, 900),
        ("sound.test", RecordType::MX, 300),
    ] {
        let ttl = look_up(owner, rtype).ttl;
        assert!(
            ttl <= at_most && ttl > at_most - 60,
            "{owner} {rtype}: {ttl}"
        );
    }
}

#[test]
fn many_threads_ask_the_same_once() {
    let world = world();
    let mx = (name("sound.test"), RecordType::MX);
    world.set_fault(
        "sound.test",
        RecordType::MX,
        Fault::Delay(Duration::from_millis(300)),
    );
    let resolver = Resolver::new(&settings(&world)).expect("a resolver");
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let (status, text) = ask(&resolver, "sound.test", RecordType::MX);
                assert_eq!(status, Status::Secure, "{text}");
            });
        }
    });
    let queries = world.queries();
    let of_question = queries
        .iter()
        .filter(|query| (query.name.clone(), query.rtype) == mx);
    assert_eq!(of_question.count(), 1, "{queries:?}");
}

/// What hits a limit is not bogus, so it is not asked for once more: a hostile zone's work is not done twice.
#[test]
fn what_costs_too_much_is_asked_for_once() {
    let more_signatures = |reply: &mut Message, _: &Elsewhere<'_>| {
        let is_signature = |record: &&Record| record.rtype() == RecordType::RRSIG;
        let good = reply.answers.iter().find(is_signature).cloned();
        for number in 1..=FAILURES_PER_RRSET {
            let mut bad = good.clone().expect("a signature");
            if let Rdata::Rrsig(rrsig) = &mut bad.data {
                rrsig.signature[0] ^= u8::try_from(number).expect("a small number");
            }
            reply.answers.insert(0, bad);
        }
    };
    let world = with_zones(World::builder())
        .edit("mail.sound.test", RecordType::A, more_signatures)
        .start();
    let resolver = Resolver::new(&settings(&world)).expect("a resolver");
    let (status, text) = ask(&resolver, "mail.sound.test", RecordType::A);
    assert_eq!(status, Status::Indeterminate, "{text}");
    let queries = world.queries();
    let (of, rtype) = (name("mail.sound.test"), RecordType::A);
    let of_question = |query: &&Query| query.name == of && query.rtype == rtype;
    assert_eq!(queries.iter().filter(of_question).count(), 1, "{queries:?}");
}

/// RFC 4509 §3: SHA-1 digests count where there are no others, and that is said, once.
#[test]
fn zones_trusted_by_sha1_digests_alone_are_named() {
    let zone = |apex: &str, digests: &[DigestType]| {
        let key = KeyUse::combined(ZoneKey::key_signing(Algorithm::ECDSAP256SHA256));
        Zone::signed(apex)
            .key(key.digests(digests))
            .address(&format!("h.{apex}"), [192, 0, 2, 1].into())
            .cname(&format!("again.{apex}"), &format!("h.{apex}"))
    };
    let world = World::builder()
        .zone(zone("old.test", &[DigestType::SHA1]))
        .zone(zone("both.test", &[DigestType::SHA1, DigestType::SHA256]))
        .start();
    let (mut gateway, _anchor) = gateway(&world, "");
    gateway.serve();
    for domain in ["h.old.test", "again.old.test", "h.both.test"] {
        let message = "Subject: hello\r\n\r\nHello\r\n";
        let reply = gateway.submit("", &[&format!("a@{domain}")], message);
        assert_eq!(reply.expect("a reply").code, 250);
        let is_it = |line: &str| line.contains(&format!("domain={domain}"));
        gateway
            .wait_for_line(domain, PATIENCE, is_it)
            .unwrap_or_else(|error| panic!("{domain}: {error:?}"));
    }
    let log = gateway.log();
    let is_said = |line: &&String| line.contains("SHA-1 digests alone");
    let said: Vec<&String> = log.iter().filter(is_said).collect();
    assert_eq!(said.len(), 1, "{log:?}");
    assert!(said[0].contains("zone old.test. "), "{log:?}");
}

/// A gateway that validates with this world's root, and the directory of its anchor.
fn gateway(world: &World, lines: &str) -> (Gateway, TempDir) {
    let directory = TempDir::new("anchor");
    let anchor = directory.path().join("root.key");
    fs::write(&anchor, world.trust_anchor()).expect("a writable directory");
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .without("dnssec")
        .resolver(world.resolver())
        .config(&format!("trust-anchor {}", anchor.display()))
        .config(lines)
        .prepare();
    (gateway, directory)
}

/// The whole way: mail goes out where everything validates, and nowhere else.
#[test]
fn deliveries_rest_on_what_is_validated_here() {
    let host = MxHost::start("mx.good.test");
    let zone = |apex: &str| {
        Zone::signed(apex)
            .mx(10, &format!("mx.{apex}"))
            .address(&format!("mx.{apex}"), host.ip())
            .tlsa(&format!("mx.{apex}"), host.port(), host.tlsa(1, 1))
    };
    let world = World::builder()
        .zone(zone("good.test"))
        .zone(zone("broken.test").damaged(Damage::Signatures))
        .zone(zone("island.test").damaged(Damage::NoDs))
        .start();
    let (mut gateway, _anchor) = gateway(&world, &format!("smtp-port {}", host.port()));
    gateway.serve();
    gateway
        .wait_for_log("carries DNSSEC, and validates", PATIENCE)
        .expect("the self-test");
    for (domain, decided) in [
        ("good.test", "deliver 2.0.0 ok"),
        ("broken.test", "defer 4.4.3 dnssec-invalid"),
        ("island.test", "defer 4.7.5 "),
    ] {
        let message = "Subject: hello\r\n\r\nHello\r\n";
        let reply = gateway.submit("", &[&format!("a@{domain}")], message);
        assert_eq!(reply.expect("a reply").code, 250);
        let is_it = |line: &str| line.contains(domain) && line.contains(decided);
        gateway
            .wait_for_line(decided, PATIENCE, is_it)
            .unwrap_or_else(|error| panic!("{domain}: {error:?}"));
    }
    assert_eq!(host.messages().len(), 1);
}

#[test]
fn without_a_resolver_that_carries_dnssec_it_is_said_loudly() {
    let (world, other) = (world(), world());
    let (mut gateway, _anchor) = gateway(&world, "");
    gateway.serve();
    gateway
        .wait_for_log("carries DNSSEC", PATIENCE)
        .expect("the self-test");
    // The other's root has other keys.
    let text = gateway.configuration();
    let text = text.replace(&world.resolver().to_string(), &other.resolver().to_string());
    fs::write(gateway.directory().join("gateway.conf"), text).expect("writable");
    gateway.signal("HUP");
    for part in [
        "resolver-not-validating: nothing can be validated with resolver 127.0.0.1",
        "no resolver carries DNSSEC: every delivery is deferred until one does",
    ] {
        gateway.wait_for_log(part, PATIENCE).expect(part);
    }
    let reply = gateway.submit("", &["a@sound.test"], "Subject: hello\r\n\r\nHello\r\n");
    assert_eq!(reply.expect("a reply").code, 250);
    let line = gateway.wait_for_log(" defer ", PATIENCE).expect("deferred");
    let parts = [
        "defer 4.7.5 resolver-not-validating",
        "the keys of . itself do not validate",
    ];
    assert!(parts.iter().all(|part| line.contains(part)), "{line}");
}

#[test]
fn query_shows_the_chain_and_where_it_broke() {
    let world = world();
    let (gateway, _anchor) = gateway(&world, "");
    let query = |words: &str| {
        let words: Vec<&str> = words.split(' ').collect();
        let output = gateway.run(&[&["query"], words.as_slice()].concat());
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        (output.status.code().expect("an exit code"), text)
    };
    for (words, code, parts) in [
        (
            "sound.test MX",
            0,
            &[
                "sound.test. MX: secure",
                ". trust anchor ",
                "\n            test. DS ",
                "sound.test. MX, signed by ",
            ][..],
        ),
        (
            "no.sound.test",
            0,
            &[
                "no.sound.test. A: secure",
                "denial of no.sound.test. A, proven",
            ],
        ),
        (
            "mail.unsigned.test",
            0,
            &[
                ": insecure",
                "-- not signed from here: zone unsigned.test. is not signed",
            ],
        ),
        (
            "bad.sound.test",
            1,
            &[
                ": bogus",
                "broken.test. DS ",
                "XX broken here: the signature of broken.test. DNSKEY by key ",
            ],
        ),
        (
            "--at 1000000000 sound.test",
            1,
            &[": bogus", "EDE     8 (Signature Not Yet Valid)"],
        ),
        (
            "--at 1900000000 sound.test",
            1,
            &[": bogus", "EDE     7 (Signature Expired)"],
        ),
    ] {
        let (found, text) = query(words);
        assert_eq!(found, code, "{text}");
        for part in parts {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
    let (_, json) = query("--json bad.sound.test");
    for part in [
        "\"status\":\"bogus\"",
        "\"ede\":[{\"code\":6,",
        "\"chain\":[{\"zone\":\".\",\"status\":\"secure\",\"anchor\":true,\"ds\":[{\"tag\":",
        "\"algorithm\":\"ECDSAP256SHA256\"",
        "{\"zone\":\"broken.test.\",\"status\":\"bogus\",",
    ] {
        assert!(json.contains(part), "{part}: {json}");
    }
}
