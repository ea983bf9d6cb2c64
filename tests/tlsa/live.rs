//! `--from` and `--rollover` against the lab: what servers present, and what is published.

use std::net::{SocketAddr, TcpListener};
use std::thread;

use gateway::dns::Tlsa;
use gateway_lab::{Behaviour, Certificate, CertificateSpec, Gateway, MxHost, Seats, World, Zone};
use openssl::pkey::PKey;
use openssl::ssl::{SslAcceptor, SslMethod};
use openssl::x509::X509;

use super::bench::{Bench, NAME};

/// The signed zone `d.test` and the unsigned one `open.test`, each with a server that has the same records; only the first server runs.
struct Stage {
    _world: World,
    host: MxHost,
    bench: Bench,
}

impl Stage {
    fn new(certificate: Certificate, records: &[Tlsa]) -> Self {
        let host = MxHost::start_on(Seats::reserve(1).take(), certificate, NAME);
        let port = host.port();
        let publish = |zone: Zone, name: &str| {
            let zone = zone.address(name, host.ip());
            let records = records.iter().cloned();
            records.fold(zone.ttl(7200), |zone, record| zone.tlsa(name, port, record))
        };
        let world = World::builder()
            .zone(publish(Zone::signed("d.test"), NAME))
            .zone(publish(Zone::unsigned("open.test"), "mx.open.test"))
            .start();
        // The server has the gateway's own name, as on a machine where both run.
        let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .without("hostname")
            .config(&format!("hostname {NAME}"))
            .resolver(world.resolver());
        let bench = Bench::with(gateway.prepare());
        Self {
            _world: world,
            host,
            bench,
        }
    }
}

/// Asserts that standard output is a zone file with exactly this record, after a word of warning.
fn assert_shown(out: &str, owner: &str, record: &Tlsa) {
    let (records, comments): (Vec<&str>, Vec<&str>) =
        out.lines().partition(|line| !line.starts_with(';'));
    assert_eq!(records, [format!("{owner} IN TLSA {record}")], "{out}");
    let warning = "Nothing proves that this is the right server";
    assert!(comments.iter().any(|line| line.contains(warning)), "{out}");
}

#[test]
fn a_server_is_asked_for_its_certificates() {
    let ca = CertificateSpec::authority("CA").build();
    let leaf = CertificateSpec::new(NAME)
        .build_below(&ca)
        .presenting(&[&ca]);
    let (own, above) = (leaf.tlsa(1, 1), ca.record(2, 0, 1));
    let stage = Stage::new(leaf, &[]);
    let (port, ip) = (stage.host.port(), stage.host.ip());
    let (by_name, by_address) = (format!("{NAME}:{port}"), format!("{ip}:{port}"));
    let owner = format!("_{port}._tcp.{NAME}.");
    for (words, owner, record) in [
        (&["--from", &by_name[..]][..], &owner[..], &own),
        (&["--from", &by_address, "--name", NAME], &owner, &own),
        (
            &["--from", &by_name, "--name", "a.test", "--port", "25"],
            "_25._tcp.a.test.",
            &own,
        ),
        (
            &["--from", &by_name, "--usage", "2", "--selector", "0"],
            &owner,
            &above,
        ),
    ] {
        let (code, out, err) = stage.bench.run(words);
        assert_eq!(code, 0, "{words:?}: {err}");
        assert_shown(&out, owner, record);
        let looked_up = words.contains(&by_name.as_str());
        assert_eq!(out.contains("; A mx.d.test.: secure, "), looked_up, "{out}");
    }
    let names = stage.host.server_names();
    assert!(names.contains(&Some(NAME.to_owned())), "{names:?}");
    assert!(!stage.host.saw_mail_command());
}

#[test]
fn a_server_may_speak_tls_from_the_start() {
    let certificate = Certificate::new(NAME);
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address: SocketAddr = listener.local_addr().expect("bound");
    let mut acceptor =
        SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).expect("a context");
    let leaf = X509::from_der(&certificate.der()).expect("a certificate");
    acceptor.set_certificate(&leaf).expect("taken");
    let key = PKey::private_key_from_pem(certificate.key_pem().as_bytes()).expect("a key");
    acceptor.set_private_key(&key).expect("taken");
    let acceptor = acceptor.build();
    let server = thread::spawn(move || {
        let (socket, _) = listener.accept().expect("a connection");
        let _ = acceptor.accept(socket).expect("a handshake").shutdown();
    });
    let (code, out, err) =
        Bench::new().run(&["--from", &address.to_string(), "--smtps", "--name", NAME]);
    assert_eq!(code, 0, "{err}");
    assert_shown(
        &out,
        &format!("_{}._tcp.{NAME}.", address.port()),
        &certificate.tlsa(1, 1),
    );
    server.join().expect("it was asked");
}

#[test]
fn a_server_that_shows_no_certificate_is_named() {
    let stage = Stage::new(Certificate::new(NAME), &[]);
    let port = stage.host.port();
    let dead = Seats::reserve(1).refuse().to_string();
    for (from, named) in [
        (&format!("{NAME}:{port}"), "does not offer STARTTLS"),
        (&format!("none.d.test:{port}"), "no address of none.d.test"),
        (&dead, "no connection to 127."),
    ] {
        stage.host.behave(Behaviour::new().without("STARTTLS"));
        let (code, out, err) = stage.bench.run(&["--from", from, "--name", NAME]);
        assert_eq!(
            (code, out.as_str(), err.lines().count()),
            (75, "", 1),
            "{err}"
        );
        assert!(err.contains(named), "{err}");
    }
}

#[test]
fn the_steps_of_a_change_are_told() {
    let (current, next) = (Certificate::new(NAME), Certificate::new(NAME));
    let renewed = CertificateSpec::new(NAME).key_of(&current).build();
    let bench = Bench::new();
    let current_file = bench.file("current.pem", current.pem());
    let next_file = bench.file("next.key", next.key_pem());
    let renewed_file = bench.file("renewed.pem", renewed.pem());
    let line = |ttl: &str, record: Tlsa| format!("    _25._tcp.mx.d.test.{ttl} IN TLSA {record}\n");
    let run = |words: &[&str]| {
        let mut all = vec!["--rollover", "--offline", "--name", NAME];
        all.extend(words);
        let (code, out, err) = bench.run(&all);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        out
    };
    let out = run(&[&current_file, &next_file, "--ttl", "600"]);
    let (old, new) = (
        line(" 600", current.tlsa(1, 1)),
        line(" 600", next.tlsa(1, 1)),
    );
    let mut rest = out.as_str();
    for part in [
        "1. Publish both",
        &old,
        &new,
        "2. Wait",
        " 20m,",
        "3. Switch",
        "4. Wait another 10m",
        "5. Remove",
        &new,
    ] {
        let Some((_, after)) = rest.split_once(part) else {
            panic!("'{part}' is missing, or not where it belongs, in\n{out}");
        };
        rest = after;
    }
    let out = run(&[&current_file, &next_file, "--matching", "2"]);
    assert!(
        out.contains(" 2h,") && out.contains("taken to be 1h; say --ttl"),
        "{out}"
    );
    assert!(out.contains(&line("", next.tlsa(1, 2))), "{out}");
    let out = run(&[&current_file, &renewed_file]);
    assert!(
        out.contains("because the key stays the same. Nothing is to be published"),
        "{out}"
    );
    assert!(out.ends_with(&line("", current.tlsa(1, 1))), "{out}");
    let (_, out, _) = bench.run(&[
        "--rollover",
        &current_file,
        &renewed_file,
        "--offline",
        "--name",
        NAME,
        "--selector",
        "0",
    ]);
    assert!(
        out.contains("1. Publish both")
            && out.contains("The key stays the same: a record of the form 3 1 1"),
        "{out}"
    );
}

#[test]
fn what_is_published_says_which_step_it_is() {
    let ca = CertificateSpec::authority("CA").build();
    let current = CertificateSpec::new(NAME)
        .build_below(&ca)
        .presenting(&[&ca]);
    let (next, other) = (Certificate::new(NAME), Certificate::new(NAME));
    for (records, parts) in [
        (
            vec![],
            &["secure, no such ", "no record: no sender uses DANE"][..],
        ),
        (vec![other.tlsa(1, 1)], &["none of these is for either key"]),
        (vec![current.tlsa(1, 1)], &["step 1 is next", " 4h,"]),
        (vec![current.tlsa(0, 2)], &["step 1 is next"]),
        (vec![ca.record(2, 1, 1)], &["step 1 is next"]),
        (
            vec![current.tlsa(1, 1), next.tlsa(1, 1)],
            &["step 2 or later"],
        ),
        (
            vec![ca.record(2, 0, 1), next.tlsa(0, 1)],
            &["step 2 or later"],
        ),
        (
            vec![current.tlsa(1, 2), next.tlsa(1, 1)],
            &["step 1 is next", "does not count beside a stronger digest"],
        ),
        (vec![next.tlsa(1, 1)], &["the change is over, if"]),
        (
            vec![current.record(1, 1, 1), next.tlsa(1, 1)],
            &[
                "the change is over, if",
                "cannot be used (tlsa-pkix-usage); remove it",
            ],
        ),
    ] {
        let stage = Stage::new(Certificate::new(NAME), &records);
        let port = stage.host.port().to_string();
        let current = stage.bench.file("current.pem", current.chain_pem());
        let next = stage.bench.file("next.pem", next.pem());
        let words = ["--rollover", &current, &next, "--port", &port, "--name"];
        let run = |name| stage.bench.run(&[&words[..], &[name]].concat());
        let (code, out, err) = run(NAME);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        for part in parts {
            assert!(out.contains(part), "{part} in {out}");
        }
        let (code, out, _) = run("mx.open.test");
        assert_eq!(
            (code, out.contains("not DNSSEC-secure")),
            (0, !records.is_empty()),
            "{out}"
        );
    }
}

#[test]
fn an_answer_that_is_not_had_is_no_absence() {
    let bench = Bench::new();
    let (current, next) = (Certificate::new(NAME), Certificate::new(NAME));
    let current = bench.file("current.pem", current.pem());
    let next = bench.file("next.pem", next.pem());
    let (code, out, _) = bench.run(&["--rollover", &current, &next, "--name", NAME]);
    assert_eq!(code, 75, "{out}");
    assert!(
        out.contains("1. Publish both") && out.contains("That is not known"),
        "{out}"
    );
}
