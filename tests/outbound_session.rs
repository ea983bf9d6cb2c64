//! Sessions with one server: every finding of the tables A4 and A5 against scripted servers on loopback, and what was never said to them.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use gateway::dane;
use gateway::dns::Tlsa;
use gateway::net::Breaker;
use gateway::outbound::{
    Channel, Failure, Link, Mail, Phase, Reason, Receipt, Timeouts, connect_plain, connect_verified,
};
use gateway::smtp::{Domain, EnhancedStatus, Mailbox, ReversePath};
use gateway::sys::crypto;
use gateway_lab::{
    Behaviour, Certificate, CertificateSpec, KeyKind, MxHost, Phase as Layer, TlsMode,
};

const HOST: &str = "mx.d.test";
/// Long enough for a busy machine; only the tests of silence wait for their own, short time.
const PATIENT: Timeouts = timeouts(Duration::from_secs(20));
const HASTY: Timeouts = timeouts(Duration::from_millis(300));

const fn timeouts(each: Duration) -> Timeouts {
    Timeouts {
        connect: each,
        command: each,
        final_dot: each,
    }
}

fn ourselves() -> Domain {
    Domain::parse("gateway.test").expect("a domain")
}

fn link<'a>(address: SocketAddr, hostname: &'a Domain, timeouts: Timeouts) -> Link<'a> {
    Link {
        address,
        server_name: HOST,
        hostname,
        timeouts,
        breaker: None,
    }
}

fn address(host: &MxHost) -> SocketAddr {
    SocketAddr::new(host.ip(), host.port())
}

fn connect_with(host: &MxHost, records: &[Tlsa]) -> Result<Channel, Failure> {
    connect_verified(
        &link(address(host), &ourselves(), PATIENT),
        &dane::plan(records),
    )
}

fn connect(host: &MxHost) -> Result<Channel, Failure> {
    connect_with(host, &[host.tlsa(1, 1)])
}

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

fn mailboxes(texts: &[&str]) -> Vec<Mailbox> {
    texts
        .iter()
        .map(|text| Mailbox::parse(text).expect("a mailbox"))
        .collect()
}

fn send(
    channel: &mut Channel,
    recipients: &[&str],
    content: &[u8],
) -> Result<Vec<Receipt>, Failure> {
    channel.send(&Mail {
        sender: &ReversePath::Mailbox(mailboxes(&["s@c.test"]).remove(0)),
        recipients: &mailboxes(recipients),
        eight_bit: false,
        content,
    })
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
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let plan = dane::plan(&[Certificate::new(HOST).tlsa(1, 1)]);
    let failure =
        connect_verified(&link(address, &ourselves(), PATIENT), &plan).expect_err("refused");
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
            let channel = connect_with(&host, &[record.clone()]).expect("verified");
            let matched = channel.matched().expect("a match");
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
        (vec![with(2, 1, good.data.clone())], Reason::TlsaInvalid),
        (vec![with(3, 1, vec![0; 31])], Reason::TlsaInvalid),
        (vec![], Reason::TlsaInvalid),
    ] {
        let failure = refusal(&host, &records);
        assert_eq!(failure.reason, reason, "{records:?}");
        assert_eq!(failure.status, EnhancedStatus::new(4, 7, 5));
        if reason == Reason::ValidationFailure {
            let presented = format!("presented {good}");
            assert!(failure.text.contains(&presented), "{failure:?}");
            assert!(
                failure.text.contains("TLSv1.3") && failure.text.contains("220 mx.d.test"),
                "{failure:?}"
            );
        }
    }
    assert_eq!(host.commands(Layer::Tls), [""; 0]);
    assert_eq!(
        host.connection_count(),
        3,
        "without usable records nobody is called"
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
    assert!(
        [Reason::TlsHandshake, Reason::ConnectionLost].contains(&failure.reason),
        "{failure:?}"
    );
    host.behave(Behaviour::new().silent_at("HANDSHAKE"));
    let plan = dane::plan(&[host.tlsa(1, 1)]);
    let failure =
        connect_verified(&link(address(&host), &ourselves(), HASTY), &plan).expect_err("silence");
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
            connect_verified(&link(peer, &ourselves(), PATIENT), &plan).expect_err("nonsense");
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
    let plan = dane::plan(&[Certificate::new(HOST).tlsa(1, 1)]);
    let peer = scripted(|mut socket| {
        socket.write_all(b"220 mx.d.test\r\n")?;
        read_line(&mut socket)?;
        // Everything in one write: the offer, the answer to a STARTTLS not yet asked, and more.
        socket.write_all(b"250-mx.d.test\r\n250 STARTTLS\r\n220 go\r\n250 fake\r\n")?;
        drain(&mut socket);
        Ok(())
    });
    let failure =
        connect_verified(&link(peer, &ourselves(), PATIENT), &plan).expect_err("attacked");
    assert_eq!(failure.reason, Reason::StartTlsInjection, "{failure:?}");
}

/// However the octets trickle in, a reply is over by its deadline.
#[test]
fn trickling_servers_end_at_the_deadline() {
    let plan = dane::plan(&[Certificate::new(HOST).tlsa(1, 1)]);
    let peer = scripted(|mut socket| {
        loop {
            socket.write_all(b"220-wait\r\n2")?;
            thread::sleep(Duration::from_millis(50));
            socket.write_all(b"20-more\r\n")?;
            thread::sleep(Duration::from_millis(50));
        }
    });
    let started = Instant::now();
    let failure = connect_verified(&link(peer, &ourselves(), HASTY), &plan).expect_err("too slow");
    assert_eq!(
        (failure.reason, failure.phase),
        (Reason::ConnectionLost, Phase::Greeting),
        "{failure:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(60), "no end");
}

/// S12, T78: inside the verified session the server's word counts.
#[test]
fn refusals_inside_the_session() {
    let host = MxHost::start(HOST);
    for (point, reply, reason, status, phase) in [
        (
            "EHLO",
            "550 5.7.1 no",
            Reason::RemotePermanent,
            (5, 7, 1),
            Phase::Ehlo,
        ),
        (
            "EHLO",
            "421 4.3.2 bye",
            Reason::RemoteTransient,
            (4, 3, 2),
            Phase::Ehlo,
        ),
        (
            "MAIL",
            "550 5.7.1 no",
            Reason::RemotePermanent,
            (5, 7, 1),
            Phase::Mail,
        ),
        (
            "MAIL",
            "451 later",
            Reason::RemoteTransient,
            (4, 0, 0),
            Phase::Mail,
        ),
        (
            "RCPT",
            "550 5.1.1 unknown",
            Reason::RemotePermanent,
            (5, 1, 1),
            Phase::Recipient,
        ),
        (
            "RCPT",
            "450-4.2.1 too\r\n450 4.2.1 busy",
            Reason::RemoteTransient,
            (4, 2, 1),
            Phase::Recipient,
        ),
        (
            "DATA",
            "554 no",
            Reason::RemotePermanent,
            (5, 0, 0),
            Phase::Data,
        ),
        (
            ".",
            "552 5.3.4 too big",
            Reason::RemotePermanent,
            (5, 3, 4),
            Phase::Data,
        ),
        (
            ".",
            "451 4.3.0 disk",
            Reason::RemoteTransient,
            (4, 3, 0),
            Phase::Data,
        ),
        (".", "what", Reason::BadReply, (4, 5, 0), Phase::Data),
        (
            "RCPT",
            "what",
            Reason::BadReply,
            (4, 5, 0),
            Phase::Recipient,
        ),
    ] {
        for extension in ["PIPELINING", "NOTHING"] {
            host.behave(
                Behaviour::new()
                    .without(extension)
                    .reply_in_tls(point, reply),
            );
            let failure = match connect(&host) {
                Ok(mut channel) => {
                    let sent = send(&mut channel, &["r@d.test"], b"Hi\r\n");
                    channel.quit();
                    sent.and_then(|mut receipts| receipts.remove(0))
                        .expect_err("refused")
                }
                Err(failure) => failure,
            };
            let expected = EnhancedStatus::new(status.0, status.1, status.2);
            let found = (failure.reason, failure.status, failure.phase);
            assert_eq!(
                found,
                (reason, expected, phase),
                "{point} {reply}: {failure:?}"
            );
        }
    }
    assert!(host.messages().is_empty());
}

#[test]
fn one_message_for_several_recipients() {
    let host = MxHost::start(HOST);
    for extension in ["PIPELINING", "NOTHING"] {
        let count = host.messages().len();
        host.behave(
            Behaviour::new()
                .without(extension)
                .reply("RCPT TO:<b@", "550 5.1.1 unknown"),
        );
        let mut channel = connect(&host).expect("verified");
        let content = b"Subject: x\r\n\r\n.dot\r\n..\r\n.\r\nend";
        let receipts =
            send(&mut channel, &["a@d.test", "b@d.test", "c@d.test"], content).expect("sent");
        let results: Vec<Option<u16>> = receipts
            .iter()
            .map(|receipt| receipt.as_ref().ok().map(|reply| reply.code.number()))
            .collect();
        assert_eq!(results, [Some(250), None, Some(250)]);
        let refused = receipts[1].as_ref().expect_err("refused");
        assert_eq!(
            (refused.reason, refused.phase),
            (Reason::RemotePermanent, Phase::Recipient)
        );
        let again = send(&mut channel, &["d@d.test"], b"").expect("sent");
        assert!(again[0].is_ok());
        channel.quit();
        let stored = &host.messages()[count..];
        assert_eq!(stored[0].recipients, ["a@d.test", "c@d.test"]);
        assert_eq!(stored[0].content, [&content[..], b"\r\n"].concat());
        assert_eq!(
            stored[0].parameters,
            [format!("SIZE={}", content.len() + 2)]
        );
        assert_eq!(
            (stored[1].content.len(), &stored[1].recipients[0][..]),
            (0, "d@d.test")
        );
        assert!(stored.iter().all(|message| message.phase == Layer::Tls));
    }
}

/// A server that answers nothing until it has seen DATA: without one group, neither side would ever go on.
#[test]
fn commands_travel_together_where_offered() {
    let peer = scripted(|mut socket| {
        socket.write_all(b"220 mx.d.test\r\n")?;
        read_line(&mut socket)?;
        socket.write_all(b"250-mx.d.test\r\n250 PIPELINING\r\n")?;
        for wanted in [
            "MAIL FROM:<s@c.test>\r\n",
            "RCPT TO:<r@d.test>\r\n",
            "DATA\r\n",
        ] {
            assert_eq!(read_line(&mut socket)?, wanted);
        }
        socket.write_all(b"250 ok\r\n250 ok\r\n354 go\r\n")?;
        while read_line(&mut socket)? != ".\r\n" {}
        socket.write_all(b"250 2.0.0 stored\r\n")?;
        read_line(&mut socket)?;
        Ok(())
    });
    let mut channel = connect_plain(&link(peer, &ourselves(), PATIENT)).expect("loopback");
    let receipts = send(&mut channel, &["r@d.test"], b"x\r\n").expect("sent");
    assert!(receipts[0].is_ok());
    channel.quit();
}

#[test]
fn a_refused_transaction_does_not_spoil_the_next() {
    let host = MxHost::start(HOST);
    for extension in ["PIPELINING", "NOTHING"] {
        host.behave(
            Behaviour::new()
                .without(extension)
                .reply("RCPT TO:<b@", "550 5.1.1 unknown"),
        );
        let mut channel = connect(&host).expect("verified");
        assert!(send(&mut channel, &["b@d.test"], b"x\r\n").expect("in step")[0].is_err());
        assert!(send(&mut channel, &["a@d.test"], b"y\r\n").expect("in step")[0].is_ok());
        channel.quit();
    }
    assert_eq!(host.messages().len(), 2);
    assert!(host.commands(Layer::Tls).contains(&"RSET".to_owned()));
}

#[test]
fn what_the_server_cannot_take_stays_here() {
    let host = MxHost::start(HOST);
    host.behave(Behaviour::new().without("8BITMIME").with("SIZE 10"));
    let mut channel = connect(&host).expect("verified");
    let failure = send(&mut channel, &["r@d.test"], "ä\r\n".as_bytes()).expect_err("8 bits");
    assert_eq!(failure.status, EnhancedStatus::new(5, 6, 3));
    let failure = send(&mut channel, &["r@d.test"], b"0123456789\r\n").expect_err("too big");
    assert_eq!(failure.status, EnhancedStatus::new(5, 3, 4));
    channel.quit();
    assert!(!host.saw_mail_command());
}

/// S11: an extension that was offered only before TLS is forgotten.
#[test]
fn offers_before_tls_are_forgotten() {
    let host = MxHost::start(HOST);
    host.behave(Behaviour::new().reply_in_tls("EHLO", "250 mx.d.test"));
    let mut channel = connect(&host).expect("verified");
    send(&mut channel, &["r@d.test"], b"x\r\n").expect("sent");
    channel.quit();
    assert_eq!(
        host.messages()[0].parameters,
        [""; 0],
        "SIZE was offered before TLS only"
    );
}

/// S13: no receipt without the reply to the final dot, and no second try in clear text.
#[test]
fn connections_lost_inside_the_session() {
    let host = MxHost::start(HOST);
    for point in ["EHLO", "MAIL", "RCPT", "DATA", "CONTENT", "."] {
        for extension in ["PIPELINING", "NOTHING"] {
            host.behave(Behaviour::new().without(extension).close_in_tls_at(point));
            let failure = match connect(&host) {
                Ok(mut channel) => {
                    let content = b"0123456789\r\n".repeat(100_000);
                    let failure = send(&mut channel, &["r@d.test"], &content).expect_err("lost");
                    let again = send(&mut channel, &["r@d.test"], b"x\r\n").expect_err("over");
                    assert_eq!(again.reason, Reason::ConnectionLost);
                    channel.quit();
                    failure
                }
                Err(failure) => failure,
            };
            assert_eq!(
                failure.reason,
                Reason::ConnectionLost,
                "{point}: {failure:?}"
            );
            assert_eq!(failure.status, EnhancedStatus::new(4, 4, 2));
        }
    }
    assert!(host.messages().is_empty());
    assert_eq!(host.connection_count(), 12);
}

/// A stop ends a session that waits for a silent server.
#[test]
fn sessions_can_be_broken_off() {
    let host = MxHost::start(HOST);
    host.behave(Behaviour::new().silent_at("MAIL"));
    let breaker = Breaker::default();
    let hostname = ourselves();
    let link = Link {
        breaker: Some(&breaker),
        ..link(address(&host), &hostname, PATIENT)
    };
    let mut channel = connect_verified(&link, &dane::plan(&[host.tlsa(1, 1)])).expect("verified");
    thread::scope(|scope| {
        let sender = scope.spawn(|| send(&mut channel, &["r@d.test"], b"x\r\n"));
        assert!(host.wait_for_event(PATIENT.command, |event| event.to_string().contains("MAIL")));
        breaker.break_all();
        let failure = sender.join().expect("no panic").expect_err("broken off");
        assert_eq!(failure.reason, Reason::ConnectionLost);
    });
}

#[test]
fn silence_inside_the_session_ends() {
    let host = MxHost::start(HOST);
    host.behave(Behaviour::new().silent_at("."));
    let hasty_at_the_end = Timeouts {
        final_dot: HASTY.command,
        ..PATIENT
    };
    let hostname = ourselves();
    let link = link(address(&host), &hostname, hasty_at_the_end);
    let mut channel = connect_verified(&link, &dane::plan(&[host.tlsa(1, 1)])).expect("verified");
    let failure = send(&mut channel, &["r@d.test"], b"x\r\n").expect_err("silence");
    assert_eq!(
        (failure.reason, failure.phase),
        (Reason::ConnectionLost, Phase::Data)
    );
    channel.quit();
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

/// Level `none`: EHLO or HELO, no STARTTLS, and only on loopback (rfc G6, T76).
#[test]
fn plain_sessions_stay_on_this_machine() {
    let host = MxHost::start(HOST);
    for behaviour in [
        Behaviour::new(),
        Behaviour::new().reply("EHLO", "502 5.5.1 what?"),
        Behaviour::new().reply("BANNER", "220 gateway.test is this machine too"),
    ] {
        host.behave(behaviour);
        let mut channel =
            connect_plain(&link(address(&host), &ourselves(), PATIENT)).expect("loopback");
        assert!(channel.tls().is_none() && channel.matched().is_none());
        let receipts = send(&mut channel, &["r@d.test"], b"x\r\n").expect("sent");
        assert!(receipts[0].is_ok());
        channel.quit();
    }
    assert_eq!(host.messages().len(), 3);
    assert!(!host.commands(Layer::Clear).contains(&"STARTTLS".to_owned()));
    host.behave(
        Behaviour::new()
            .reply("EHLO", "502 no")
            .reply("HELO", "550 5.7.1 no"),
    );
    let failure = connect_plain(&link(address(&host), &ourselves(), PATIENT)).expect_err("refused");
    assert_eq!(failure.reason, Reason::EhloRejected);
    for outside in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0"] {
        let outside: IpAddr = outside.parse().expect("an address");
        let link_out = SocketAddr::new(outside, 25);
        let failure = connect_plain(&link(link_out, &ourselves(), HASTY)).expect_err("outside");
        assert_eq!(failure.reason, Reason::NotLoopback);
        assert_eq!(failure.status, EnhancedStatus::new(4, 3, 5));
    }
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

/// A server that is played by a function, once; whatever ends it, the connection is closed then.
fn scripted(play: impl FnOnce(TcpStream) -> std::io::Result<()> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        if let Ok((socket, _)) = listener.accept() {
            // A client that has left breaks the play, as it should.
            let _ = play(socket);
        }
    });
    address
}

/// Greeting, EHLO and STARTTLS up to the 220.
fn prelude(socket: &mut TcpStream) {
    let mut say = |reply: &[u8]| socket.write_all(reply).and_then(|()| read_line(socket));
    let said = say(b"220 mx.d.test\r\n").and_then(|_| say(b"250-mx.d.test\r\n250 STARTTLS\r\n"));
    assert_eq!(said.expect("the client asks"), "STARTTLS\r\n");
    socket.write_all(b"220 go\r\n").expect("writes");
}

fn read_line(socket: &mut TcpStream) -> std::io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut octet = [0];
        socket.read_exact(&mut octet)?;
        line.extend_from_slice(&octet);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn drain(socket: &mut TcpStream) {
    let mut buffer = [0; 1024];
    while socket.read(&mut buffer).is_ok_and(|count| count > 0) {}
}
