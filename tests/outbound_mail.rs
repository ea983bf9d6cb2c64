//! Mail inside a session: refusals, receipts, lost connections, and sessions in clear text that stay on this machine.

mod session;

use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::thread;

use gateway::net::Breaker;
use gateway::outbound::{Channel, Demand, Link, Phase, Proof, Reason, Timeouts};
use gateway::smtp::EnhancedStatus;
use gateway_lab::{Behaviour, MxHost, Phase as Layer};

use session::{
    HASTY, HOST, PATIENT, address, connect, demand, link, ourselves, read_line, scripted, send,
};

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
            Phase::FinalDot,
        ),
        (
            ".",
            "451 4.3.0 disk",
            Reason::RemoteTransient,
            (4, 3, 0),
            Phase::FinalDot,
        ),
        (".", "what", Reason::BadReply, (4, 5, 0), Phase::FinalDot),
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
    let mut channel =
        Channel::open(&link(peer, &ourselves(), PATIENT), &Demand::Cleartext).expect("loopback");
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
    let mut channel = Channel::open(&link, &demand(&[host.tlsa(1, 1)])).expect("verified");
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
    let mut channel = Channel::open(&link, &demand(&[host.tlsa(1, 1)])).expect("verified");
    let failure = send(&mut channel, &["r@d.test"], b"x\r\n").expect_err("silence");
    assert_eq!(
        (failure.reason, failure.phase),
        (Reason::ConnectionLost, Phase::FinalDot)
    );
    channel.quit();
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
        let mut channel = Channel::open(
            &link(address(&host), &ourselves(), PATIENT),
            &Demand::Cleartext,
        )
        .expect("loopback");
        assert!(channel.tls().is_none() && *channel.proof() == Proof::Loopback);
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
    let failure = Channel::open(
        &link(address(&host), &ourselves(), PATIENT),
        &Demand::Cleartext,
    )
    .expect_err("refused");
    assert_eq!(failure.reason, Reason::EhloRejected);
    for outside in ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1", "0.0.0.0"] {
        let outside: IpAddr = outside.parse().expect("an address");
        let link_out = SocketAddr::new(outside, 25);
        let failure = Channel::open(&link(link_out, &ourselves(), HASTY), &Demand::Cleartext)
            .expect_err("outside");
        assert_eq!(failure.reason, Reason::NotLoopback);
        assert_eq!(failure.status, EnhancedStatus::new(4, 3, 5));
    }
}
