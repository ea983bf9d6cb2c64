//! The MX hosts of the lab: they store, record, and misbehave as told.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use gateway_lab::mx::{Event, What};
use gateway_lab::smtp::{SmtpClient, submit};
use gateway_lab::{
    Behaviour, Certificate, CertificateSpec, KeyKind, MxHost, Phase, Seats, TlsMode,
};
use openssl::ssl::{Ssl, SslContext, SslMethod, SslStream};

const PATIENCE: Duration = Duration::from_secs(30);

fn read(stream: &mut impl Read) -> String {
    let mut buffer = [0; 1024];
    let count = stream.read(&mut buffer).expect("a reply");
    String::from_utf8_lossy(&buffer[..count]).into_owned()
}

/// Connects, asks for STARTTLS, and handshakes with nothing verified.
fn starttls(host: &MxHost) -> Result<SslStream<TcpStream>, String> {
    let mut context = SslContext::builder(SslMethod::tls_client()).expect("a context");
    context
        .set_cipher_list("ALL:@SECLEVEL=0")
        .expect("cipher suites");
    starttls_as(host, Ssl::new(&context.build()).expect("a client"))
}

fn starttls_as(host: &MxHost, mut ssl: Ssl) -> Result<SslStream<TcpStream>, String> {
    let mut socket = TcpStream::connect(host.address()).expect("the host listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert!(read(&mut socket).starts_with("220 "));
    socket.write_all(b"STARTTLS\r\n").expect("sent");
    assert!(read(&mut socket).starts_with("220 "));
    ssl.set_hostname("mx.d.test").expect("a name");
    ssl.connect(socket).map_err(|error| error.to_string())
}

#[test]
fn an_mx_host_stores_what_it_gets_and_records_the_dialogue() {
    let host = MxHost::start("mx.d.test");
    let message = "Subject: x\n\n.dot\nlast\n";
    let reply = submit(host.address(), "a@s.test", &["b@d.test"], message).expect("a dialogue");
    assert_eq!(reply.code, 250);
    let stored = host.wait_for_messages(1, PATIENCE);
    assert_eq!(stored[0].sender, "a@s.test");
    assert_eq!(stored[0].recipients, ["b@d.test"]);
    assert_eq!(stored[0].text(), "Subject: x\r\n\r\n.dot\r\nlast\r\n");
    assert_eq!(stored[0].phase, Phase::Clear);
    assert!(host.saw_mail_command());
    assert_eq!(host.commands(Phase::Clear)[0], "EHLO client.test");
    assert_eq!(host.commands(Phase::Tls), Vec::<String>::new());
}

#[test]
fn the_handshake_shows_the_certificate_that_the_tlsa_record_names() {
    for spec in [
        CertificateSpec::new("mx.d.test"),
        CertificateSpec::new("mx.d.test").key(KeyKind::Rsa(2048)),
        CertificateSpec::new("other.test").expired(),
        CertificateSpec::new("mx.d.test")
            .not_yet_valid()
            .version_1(),
    ] {
        let certificate = spec.build();
        let host = MxHost::start_on(Seats::reserve(1).take(), certificate, "mx.d.test");
        let mut tls = starttls(&host).expect("a handshake");
        let leaf = tls.ssl().peer_certificate().expect("a certificate");
        let der = leaf.to_der().expect("DER");
        let key = leaf
            .public_key()
            .expect("a key")
            .public_key_to_der()
            .expect("DER");
        assert_eq!(host.tlsa(0, 0).data, der);
        assert_eq!(host.tlsa(0, 1).data, openssl::sha::sha256(&der));
        assert_eq!(host.tlsa(1, 1).data, openssl::sha::sha256(&key));
        assert_eq!(host.tlsa(1, 2).data, openssl::sha::sha512(&key));
        tls.write_all(b"EHLO client.test\r\n").expect("sent");
        let reply = read(&mut tls);
        assert!(
            reply.contains("PIPELINING") && !reply.contains("STARTTLS"),
            "{reply}"
        );
        assert_eq!(host.server_names(), [Some("mx.d.test".to_owned())]);
        assert_eq!(host.commands(Phase::Tls), ["EHLO client.test"]);
    }
}

#[test]
fn the_handshake_fails_where_it_shall() {
    let host = MxHost::start("mx.d.test");
    let other = Certificate::new("mx.d.test");
    let own = host.certificate().der();
    let presented = |tls: &SslStream<TcpStream>| {
        let leaf = tls.ssl().peer_certificate()?;
        Some(leaf.to_der().expect("DER"))
    };
    for (behaviour, version, certificate) in [
        (Behaviour::new(), "TLSv1.3", Some(own.clone())),
        (
            Behaviour::new().tls(TlsMode::Tls12Only),
            "TLSv1.2",
            Some(own.clone()),
        ),
        (
            Behaviour::new().tls(TlsMode::Tls11Only),
            "TLSv1.1",
            Some(own.clone()),
        ),
        (
            Behaviour::new().tls(TlsMode::AnonymousOnly),
            "TLSv1.2",
            None,
        ),
        (
            Behaviour::new().tls(TlsMode::UnrecognizedNameWarning),
            "TLSv1.3",
            Some(own),
        ),
        (
            Behaviour::new().wrong_certificate(other.clone()),
            "TLSv1.3",
            Some(other.der()),
        ),
    ] {
        host.behave(behaviour);
        let tls = starttls(&host).expect("a handshake");
        assert_eq!(tls.ssl().version_str(), version);
        assert_eq!(presented(&tls), certificate);
    }
    for behaviour in [
        Behaviour::new().tls(TlsMode::UnrecognizedNameFatal),
        Behaviour::new().close_at("HANDSHAKE"),
    ] {
        host.behave(behaviour);
        starttls(&host).expect_err("no handshake");
    }
}

#[test]
fn switches_change_the_dialogue() {
    let host = MxHost::start("mx.d.test");
    let at = host.address();
    let connect = || SmtpClient::connect(at).expect("a greeting");

    host.behave(Behaviour::new().reply("BANNER", "554 5.3.2 go away"));
    assert_eq!(connect().1.code, 554);

    host.behave(
        Behaviour::new()
            .without("STARTTLS")
            .with("SIZE 100")
            .reply("RCPT TO:<b@", "550 5.1.1 nobody")
            .reply_in_tls("MAIL", "451 4.3.0 later"),
    );
    let mut client = connect().0;
    let hello = client.command("EHLO c.test").expect("a reply").text;
    assert!(
        !hello.contains("STARTTLS") && hello.contains("SIZE 100\r\n"),
        "{hello}"
    );
    let code = |client: &mut SmtpClient, line: &str| client.command(line).expect("a reply").code;
    assert_eq!(code(&mut client, "MAIL FROM:<> SIZE=101"), 552);
    assert_eq!(code(&mut client, "MAIL FROM:<> SIZE=100"), 250);
    assert_eq!(code(&mut client, "RCPT TO:<b@d.test>"), 550);
    assert_eq!(code(&mut client, "DATA"), 503);
    assert_eq!(code(&mut client, "RCPT TO:<a@d.test>"), 250);

    host.behave(Behaviour::new().inject_after_starttls(b"250 fake\r\n"));
    let mut client = connect().0;
    assert_eq!(code(&mut client, "STARTTLS"), 220);
    assert_eq!(client.reply().expect("injected").code, 250);

    host.behave(Behaviour::new().close_at("CONTENT"));
    let mut client = connect().0;
    client
        .transact("a@s.test", &["b@d.test"], "one\ntwo\n")
        .expect_err("closed in the middle");
    assert_eq!(host.messages(), []);

    let mut seats = Seats::reserve(1);
    TcpStream::connect(seats.refuse()).expect_err("nobody listens");
}

/// A session can be resumed by whoever wants to, and the transcript says so.
#[test]
fn a_resumed_session_is_seen() {
    let host = MxHost::start("mx.d.test");
    host.behave(Behaviour::new().tls(TlsMode::Tls12Only));
    let context = SslContext::builder(SslMethod::tls_client()).expect("a context");
    let context = context.build();
    let first = Ssl::new(&context).expect("a client");
    let first = starttls_as(&host, first).expect("a handshake");
    let session = first.ssl().session().expect("a session");
    let mut second = Ssl::new(&context).expect("a client");
    // SAFETY: the session was made in the same context.
    unsafe { second.set_session(session) }.expect("a session");
    let mut second = starttls_as(&host, second).expect("a handshake");
    second.write_all(b"NOOP\r\n").expect("sent");
    assert!(read(&mut second).starts_with("250 "));
    let resumed = |event: Event| match event.what {
        What::Handshake { is_resumed, .. } => Some(is_resumed),
        _ => None,
    };
    let transcript = host.transcript().into_iter();
    assert_eq!(
        transcript.filter_map(resumed).collect::<Vec<_>>(),
        [false, true]
    );
}

/// What a client sends is kept as it came: what it says in clear, what it says after STARTTLS was granted, and what it says inside TLS.
#[test]
fn octets_are_captured() {
    let host = MxHost::start("mx.d.test");
    let mut tls = starttls(&host).expect("a handshake");
    tls.write_all(b"NOOP\r\n").expect("sent");
    assert!(read(&mut tls).starts_with("250 "));
    let mut socket = TcpStream::connect(host.address()).expect("the host listens");
    assert!(read(&mut socket).starts_with("220 "));
    socket.write_all(b"STARTTLS\r\n").expect("sent");
    assert!(read(&mut socket).starts_with("220 "));
    socket.write_all(b"MAIL FROM:<a@s.test>\r\n").expect("sent");
    let is_over = |event: &Event| event.connection == 2 && event.what == What::Closed;
    drop(socket);
    assert!(host.wait_for_event(PATIENCE, is_over));
    let captures = host.captures();
    let clear = b"STARTTLS\r\n".len();
    for capture in &captures {
        assert_eq!(capture.clear, Some(clear));
        assert_eq!(capture.raw[..clear], *b"STARTTLS\r\n");
    }
    // A handshake record (RFC 8446 §5.1), or what is none.
    assert_eq!(captures[0].raw[clear], 22);
    assert_eq!(captures[0].inside, b"NOOP\r\n");
    assert_eq!(captures[1].raw[clear..], *b"MAIL FROM:<a@s.test>\r\n");
    assert_eq!(captures[1].inside, b"");
}
