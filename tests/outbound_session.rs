//! Sessions up to the verdict: the findings of the tables A4 and A5 against scripted servers on loopback, and what was never said to them.

mod session;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use gateway::dane;
use gateway::dns::Tlsa;
use gateway::outbound::{Channel, Event, Failure, Link, Phase, Reason, Transcript};
use gateway::smtp::EnhancedStatus;
use gateway::sys::crypto;
use gateway_lab::seats::address_for_a_program;
use gateway_lab::{
    Behaviour, Certificate, CertificateSpec, KeyKind, MxHost, Phase as Layer, TlsMode,
};

use session::{
    HASTY, HOST, PATIENT, address, connect, connect_with, demand, drain, link, ourselves, prelude,
    read_line, scripted,
};

/// Connects in a way that must fail, and holds it against the promise: no mail command, and inside TLS nothing at all.
fn refusal(host: &MxHost, records: &[Tlsa]) -> Failure {
    let failure = connect_with(host, records).expect_err("refused");
    assert!(!host.saw_mail_command(), "{failure:?}");
    let said = host.commands(Layer::Clear);
    let is_harmless =
        |line: &String| ["EHLO gateway.test", "STARTTLS", "QUIT"].contains(&line.as_str());
    assert!(said.iter().all(is_harmless), "{said:?}");
    let is_plain = failure.text.chars().all(|c| (' '..='~').contains(&c));
    assert!(is_plain, "{failure:?}");
    failure
}

/// Who asks for it gets every word, and the certificate whether it matched or not.
#[test]
fn sessions_can_be_written_down() {
    let host = MxHost::start(HOST);
    let other = Certificate::new(HOST);
    for (record, is_right) in [(host.tlsa(1, 1), true), (other.tlsa(1, 1), false)] {
        let (transcript, hostname) = (Transcript::default(), ourselves());
        let link = Link {
            transcript: Some(&transcript),
            ..link(address(&host), &hostname, PATIENT)
        };
        let channel = Channel::open(&link, &demand(&[record]));
        assert_eq!(channel.is_ok(), is_right);
        channel.into_iter().for_each(Channel::quit);
        let event = |event: &Event| match event {
            Event::Connected => "connected".to_owned(),
            Event::Sent(line) => line.clone(),
            Event::Received(reply) => reply.code.number().to_string(),
            Event::Encrypted { facts, chain } => {
                assert_eq!(dane::records_of(&chain[0])[0], host.tlsa(1, 1));
                facts.version.to_owned()
            }
        };
        let events: Vec<String> = transcript.events().iter().map(event).collect();
        let clear = "connected, 220, EHLO gateway.test, 250, STARTTLS, 220";
        let inside = "EHLO gateway.test, 250, QUIT, 221";
        // The host has no key of another type, so the second handshake does not come about (rfc C12).
        let then = if is_right { inside } else { clear };
        let expected = format!("{clear}, TLSv1.3, {then}");
        assert_eq!(events.join(", "), expected);
    }
}

/// S1 to S10: what each bad server leads to. None of it is permanent, whatever the server claims (rfc G2).
#[test]
fn bad_servers_and_their_reasons() {
    let bad = Behaviour::new;
    let status = EnhancedStatus::new;
    for (behaviour, reason, expected, phase) in [
        (
            bad().reply("BANNER", "554 5.7.1 go away"),
            Reason::Banner,
            status(4, 3, 2),
            Phase::Greeting,
        ),
        (
            bad().reply("BANNER", "421 4.3.2 busy"),
            Reason::Banner,
            status(4, 3, 2),
            Phase::Greeting,
        ),
        (
            bad().reply("BANNER", "250 odd"),
            Reason::Banner,
            status(4, 3, 2),
            Phase::Greeting,
        ),
        (
            bad().reply("BANNER", "SSH-2.0-x"),
            Reason::Banner,
            status(4, 3, 2),
            Phase::Greeting,
        ),
        (
            bad().reply("BANNER", "220 Gateway.Test hello"),
            Reason::LoopBanner,
            status(4, 4, 6),
            Phase::Greeting,
        ),
        (
            bad().reply("EHLO", "250 gateway.test"),
            Reason::LoopBanner,
            status(4, 4, 6),
            Phase::Ehlo,
        ),
        (
            bad().reply("EHLO", "502 5.5.1 what?"),
            Reason::EhloRejected,
            status(4, 7, 4),
            Phase::Ehlo,
        ),
        (
            bad().reply("EHLO", "451 later"),
            Reason::EhloRejected,
            status(4, 7, 4),
            Phase::Ehlo,
        ),
        (
            bad().reply("EHLO", "250-a\r\n350 b"),
            Reason::EhloRejected,
            status(4, 7, 4),
            Phase::Ehlo,
        ),
        (
            bad().close_at("BANNER"),
            Reason::ConnectionLost,
            status(4, 4, 2),
            Phase::Greeting,
        ),
        (
            bad().close_at("EHLO"),
            Reason::ConnectionLost,
            status(4, 4, 2),
            Phase::Ehlo,
        ),
        (
            bad().without("STARTTLS"),
            Reason::StartTlsNotSupported,
            status(4, 7, 4),
            Phase::StartTls,
        ),
        (
            bad().reply("STARTTLS", "454 4.7.0 not now"),
            Reason::StartTlsRefused,
            status(4, 7, 4),
            Phase::StartTls,
        ),
        (
            bad().reply("STARTTLS", "554 5.7.0 never"),
            Reason::StartTlsRefused,
            status(4, 7, 4),
            Phase::StartTls,
        ),
        (
            bad().reply("STARTTLS", "250 fine"),
            Reason::StartTlsRefused,
            status(4, 7, 4),
            Phase::StartTls,
        ),
        (
            bad().reply("STARTTLS", "go"),
            Reason::StartTlsRefused,
            status(4, 7, 4),
            Phase::StartTls,
        ),
        (
            bad().inject_after_starttls(b"250 fake\r\n"),
            Reason::StartTlsInjection,
            status(4, 7, 5),
            Phase::StartTls,
        ),
        (
            bad().inject_after_starttls(b"x"),
            Reason::StartTlsInjection,
            status(4, 7, 5),
            Phase::StartTls,
        ),
        (
            bad().tls(TlsMode::Tls11Only),
            Reason::TlsVersion,
            status(4, 7, 5),
            Phase::Handshake,
        ),
        (
            bad().tls(TlsMode::AnonymousOnly),
            Reason::TlsHandshake,
            status(4, 7, 5),
            Phase::Handshake,
        ),
        (
            bad().tls(TlsMode::UnrecognizedNameFatal),
            Reason::SniRejected,
            status(4, 7, 5),
            Phase::Handshake,
        ),
    ] {
        let host = MxHost::start(HOST);
        host.behave(behaviour.clone());
        let failure = refusal(&host, &[host.tlsa(1, 1)]);
        let found = (failure.reason, failure.status, failure.phase);
        assert_eq!(
            found,
            (reason, expected, phase),
            "{behaviour:?}: {failure:?}"
        );
        assert_eq!(host.commands(Layer::Tls), [""; 0]);
    }
}

/// S5, S6: the operator sees what the server said; the program takes no octet of it for TLS.
#[test]
fn failures_quote_the_server() {
    let host = MxHost::start(HOST);
    host.behave(Behaviour::new().reply("STARTTLS", "454 4.7.0 no \u{1b}[2Jkey"));
    let failure = refusal(&host, &[host.tlsa(1, 1)]);
    assert!(failure.text.contains("454 4.7.0 no "), "{failure:?}");
    assert_eq!(failure.reply.expect("a reply").code.number(), 454);
    host.behave(Behaviour::new().inject_after_starttls(b"250 fake\r\n"));
    let failure = refusal(&host, &[host.tlsa(1, 1)]);
    assert!(failure.text.contains(r#""250 fake\r\n""#), "{failure:?}");
}

/// S1.
#[test]
fn nobody_listens() {
    let address = address_for_a_program();
    let demand = demand(&[Certificate::new(HOST).tlsa(1, 1)]);
    let failure =
        Channel::open(&link(address, &ourselves(), PATIENT), &demand).expect_err("refused");
    assert_eq!(
        (failure.reason, failure.phase),
        (Reason::Connect, Phase::Connect)
    );
    assert!(failure.text.contains(&address.to_string()), "{failure:?}");
}

/// C1, T01 to T03: each selector and matching type, whatever else is wrong with the certificate.
#[test]
fn only_the_certificate_octets_count() {
    let other = || CertificateSpec::new("elsewhere.test");
    for spec in [
        CertificateSpec::new(HOST),
        other().expired(),
        other().not_yet_valid(),
        other().version_1(),
        other().key(KeyKind::Rsa(2048)),
    ] {
        let certificate = spec.build();
        let host = MxHost::start_on(
            TcpListener::bind("127.0.0.1:0").expect("loopback"),
            certificate,
            HOST,
        );
        for (selector, matching) in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)] {
            let record = host.tlsa(selector, matching);
            let channel = connect_with(&host, std::slice::from_ref(&record)).expect("verified");
            let matched = channel.proof().matched().expect("a match");
            assert_eq!((matched.record(), matched.depth()), (&record, 0));
            channel.quit();
        }
        let names = host.server_names();
        assert!(
            names.iter().all(|name| name.as_deref() == Some(HOST)),
            "{names:?}"
        );
        assert_eq!(
            host.commands(Layer::Tls),
            ["EHLO gateway.test", "QUIT"].repeat(6)
        );
    }
}

#[test]
fn versions_and_warnings_that_are_fine() {
    for (mode, version) in [
        (TlsMode::Modern, "TLSv1.3"),
        (TlsMode::Tls12Only, "TLSv1.2"),
        (TlsMode::UnrecognizedNameWarning, "TLSv1.3"),
    ] {
        let host = MxHost::start(HOST);
        host.behave(Behaviour::new().tls(mode));
        let channel = connect(&host).expect("verified");
        let facts = channel.tls().expect("TLS").clone();
        assert_eq!(facts.version, version);
        assert!(channel.greeting().contains("220 mx.d.test ESMTP"));
        channel.quit();
        let is_forward_secret = facts.cipher.contains("DHE") || version == "TLSv1.3";
        assert!(is_forward_secret, "{facts:?}");
    }
}

/// T04, T18, T20, T22, T24: nothing is said inside TLS to a server that is not the one.
#[test]
fn the_wrong_server_hears_nothing() {
    let host = MxHost::start(HOST);
    let good = host.tlsa(1, 1);
    let with = |usage, matching, data: Vec<u8>| Tlsa {
        usage,
        matching,
        data,
        ..good.clone()
    };
    for (records, reason) in [
        (vec![with(3, 1, vec![0; 32])], Reason::ValidationFailure),
        (
            vec![with(1, 1, good.data.clone()), with(3, 1, vec![1; 32])],
            Reason::ValidationFailure,
        ),
        (
            vec![good.clone(), with(3, 2, vec![0; 64])],
            Reason::ValidationFailure,
        ),
        (vec![with(1, 1, good.data.clone())], Reason::TlsaInvalid),
        (vec![with(2, 1, good.data.clone())], Reason::TaMatchesLeaf),
        (vec![with(3, 1, vec![0; 31])], Reason::TlsaInvalid),
        (vec![], Reason::TlsaInvalid),
    ] {
        let failure = refusal(&host, &records);
        assert_eq!(failure.reason, reason, "{records:?}");
        assert_eq!(failure.status, EnhancedStatus::new(4, 7, 5));
        if reason == Reason::ValidationFailure {
            assert!(failure.text.contains("presented 3 1 "), "{failure:?}");
            assert!(failure.text.contains(&good.to_string()), "{failure:?}");
            assert!(
                failure.text.contains("TLSv1.3") && failure.text.contains("220 mx.d.test"),
                "{failure:?}"
            );
        }
    }
    assert_eq!(host.commands(Layer::Tls), [""; 0]);
    assert_eq!(
        host.connection_count(),
        2 * 3 + 1,
        "a host without a match is asked for its other certificate, and without usable records nobody is called"
    );
    let second = [with(3, 1, vec![0; 32]), good.clone()];
    assert!(connect_with(&host, &second).is_ok(), "T05");
}

/// C11.
#[test]
fn weak_keys_are_refused() {
    let weak = CertificateSpec::new(HOST).key(KeyKind::Rsa(1024)).build();
    let host = MxHost::start_on(
        TcpListener::bind("127.0.0.1:0").expect("loopback"),
        weak,
        HOST,
    );
    let failure = refusal(&host, &[host.tlsa(1, 1)]);
    assert_eq!(
        (failure.reason, failure.phase),
        (Reason::WeakKey, Phase::Handshake),
        "{failure:?}"
    );
    assert!(failure.text.contains("1024"), "{failure:?}");
}

/// S7: an end, silence and nonsense instead of a handshake.
#[test]
fn handshakes_that_never_end() {
    let host = MxHost::start(HOST);
    host.behave(Behaviour::new().close_at("HANDSHAKE"));
    let failure = refusal(&host, &[host.tlsa(1, 1)]);
    // Either side may be the first to see the end: before the ClientHello, or after it.
    assert_eq!(
        (failure.reason, failure.phase),
        (Reason::TlsHandshake, Phase::Handshake),
        "{failure:?}"
    );
    host.behave(Behaviour::new().silent_at("HANDSHAKE"));
    let demand = demand(&[host.tlsa(1, 1)]);
    let failure =
        Channel::open(&link(address(&host), &ourselves(), HASTY), &demand).expect_err("silence");
    assert_eq!(
        (failure.reason, failure.phase),
        (Reason::TlsHandshake, Phase::Handshake),
        "{failure:?}"
    );
    for (answer, close) in [
        (&b"250 plain text\r\n"[..], false),
        (&[0x16, 3, 3, 0, 9, 2], true),
    ] {
        let peer = scripted(move |mut socket| {
            prelude(&mut socket);
            // The ClientHello has begun to arrive, so what follows is no injection.
            socket.read_exact(&mut [0; 5])?;
            socket.write_all(answer)?;
            if !close {
                drain(&mut socket);
            }
            Ok(())
        });
        let failure =
            Channel::open(&link(peer, &ourselves(), PATIENT), &demand).expect_err("nonsense");
        assert_eq!(
            (failure.reason, failure.phase),
            (Reason::TlsHandshake, Phase::Handshake),
            "{failure:?}"
        );
    }
}

/// S6: octets that are there when the ClientHello is about to be sent, in a segment of their own.
#[test]
fn injected_octets_in_their_own_segment() {
    let demand = demand(&[Certificate::new(HOST).tlsa(1, 1)]);
    let peer = scripted(|mut socket| {
        socket.write_all(b"220 mx.d.test\r\n")?;
        read_line(&mut socket)?;
        // Everything in one write: the offer, the answer to a STARTTLS not yet asked, and more.
        socket.write_all(b"250-mx.d.test\r\n250 STARTTLS\r\n220 go\r\n250 fake\r\n")?;
        drain(&mut socket);
        Ok(())
    });
    let failure = Channel::open(&link(peer, &ourselves(), PATIENT), &demand).expect_err("attacked");
    assert_eq!(failure.reason, Reason::StartTlsInjection, "{failure:?}");
}

/// However the octets trickle in, a reply is over by its deadline.
#[test]
fn trickling_servers_end_at_the_deadline() {
    let demand = demand(&[Certificate::new(HOST).tlsa(1, 1)]);
    let peer = scripted(|mut socket| {
        loop {
            socket.write_all(b"220-wait\r\n2")?;
            thread::sleep(Duration::from_millis(50));
            socket.write_all(b"20-more\r\n")?;
            thread::sleep(Duration::from_millis(50));
        }
    });
    let started = Instant::now();
    let failure = Channel::open(&link(peer, &ourselves(), HASTY), &demand).expect_err("too slow");
    assert_eq!(
        (failure.reason, failure.phase),
        (Reason::ConnectionLost, Phase::Greeting),
        "{failure:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(60), "no end");
}

/// T73: nothing is resumed, though the server offers tickets.
#[test]
fn every_handshake_is_a_full_one() {
    let host = MxHost::start(HOST);
    for _ in 0..3 {
        connect(&host).expect("verified").quit();
    }
    let other = Certificate::new(HOST);
    host.behave(Behaviour::new().wrong_certificate(other.clone()));
    let failure = connect(&host).expect_err("another certificate");
    assert_eq!(failure.reason, Reason::ValidationFailure);
    assert!(
        failure.text.contains(&other.tlsa(1, 1).to_string()),
        "{failure:?}"
    );
}

/// The system's openssl.cnf says nothing here: the same test again in a process whose configuration allows TLS 1.2 at most.
#[test]
fn the_systems_openssl_configuration_is_not_read() {
    const CHILD: &str = "GATEWAY_TEST_OPENSSL_CONFIGURATION";
    if std::env::var_os(CHILD).is_some() {
        assert!(crypto::init());
        let channel = connect(&MxHost::start(HOST)).expect("verified");
        assert_eq!(channel.tls().expect("TLS").version, "TLSv1.3");
        return;
    }
    let directory = gateway_lab::temp::TempDir::new("openssl");
    let file = directory.path().join("openssl.cnf");
    let text = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n[c]\nMaxProtocol = TLSv1.2\n";
    std::fs::write(&file, text).expect("writes");
    let status = Command::new(std::env::current_exe().expect("this test"))
        .args(["--exact", "the_systems_openssl_configuration_is_not_read"])
        .env(CHILD, "1")
        .env("OPENSSL_CONF", &file)
        .status()
        .expect("runs");
    assert!(status.success());
}
