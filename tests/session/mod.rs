//! What the tests of sessions share: links to scripted servers, and servers that are played by a function.

// Each test file uses its part of this.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use gateway::dane;
use gateway::dns::Tlsa;
use gateway::net::Dialer;
use gateway::outbound::{Channel, Demand, Failure, Link, Mail, Receipt, Timeouts};
use gateway::smtp::{Domain, Mailbox, ReversePath};
use gateway_lab::MxHost;

pub(crate) const HOST: &str = "mx.d.test";
/// Long enough for a busy machine; only the tests of silence wait for their own, shorter time.
pub(crate) const PATIENT: Timeouts = timeouts(Duration::from_secs(60));
/// What a server says before its silence must come within it, though the machine stands still for a while.
pub(crate) const HASTY: Timeouts = timeouts(Duration::from_secs(4));

const fn timeouts(each: Duration) -> Timeouts {
    Timeouts {
        connect: each,
        command: each,
        final_dot: each,
    }
}

pub(crate) fn ourselves() -> Domain {
    Domain::parse("gateway.test").expect("a domain")
}

pub(crate) fn link<'a>(address: SocketAddr, hostname: &'a Domain, timeouts: Timeouts) -> Link<'a> {
    Link {
        address,
        server_name: HOST,
        dialer: Dialer::STRAIGHT,
        hostname,
        ehlo_name: hostname,
        tls_padding: None,
        timeouts,
        breaker: None,
        transcript: None,
    }
}

pub(crate) fn address(host: &MxHost) -> SocketAddr {
    SocketAddr::new(host.ip(), host.port())
}

pub(crate) fn connect_with(host: &MxHost, records: &[Tlsa]) -> Result<Channel, Failure> {
    Channel::open(
        &link(address(host), &ourselves(), PATIENT),
        &demand(records),
    )
}

/// One of these TLSA records must match.
pub(crate) fn demand(records: &[Tlsa]) -> Demand {
    Demand::Dane {
        plan: dane::plan(records),
        references: Vec::new(),
        former: None,
    }
}

pub(crate) fn connect(host: &MxHost) -> Result<Channel, Failure> {
    connect_with(host, &[host.tlsa(1, 1)])
}

pub(crate) fn mailboxes(texts: &[&str]) -> Vec<Mailbox> {
    texts
        .iter()
        .map(|text| Mailbox::parse(text).expect("a mailbox"))
        .collect()
}

pub(crate) fn send(
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

/// A server that is played by a function, once; whatever ends it, the connection is closed then.
pub(crate) fn scripted(
    play: impl FnOnce(TcpStream) -> std::io::Result<()> + Send + 'static,
) -> SocketAddr {
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
pub(crate) fn prelude(socket: &mut TcpStream) {
    let mut say = |reply: &[u8]| socket.write_all(reply).and_then(|()| read_line(socket));
    let said = say(b"220 mx.d.test\r\n").and_then(|_| say(b"250-mx.d.test\r\n250 STARTTLS\r\n"));
    assert_eq!(said.expect("the client asks"), "STARTTLS\r\n");
    socket.write_all(b"220 go\r\n").expect("writes");
}

pub(crate) fn read_line(socket: &mut TcpStream) -> std::io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        let mut octet = [0];
        socket.read_exact(&mut octet)?;
        line.extend_from_slice(&octet);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

pub(crate) fn drain(socket: &mut TcpStream) {
    let mut buffer = [0; 1024];
    while socket.read(&mut buffer).is_ok_and(|count| count > 0) {}
}
