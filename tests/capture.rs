//! What somebody on the wire learns of fifty deliveries: every packet on loopback is captured and searched for the names of the recipients' domains.
//!
//! All those names share a mark that stands nowhere else, neither in the other test nor in another run. The lab's resolver answers over TLS in its own process, so that none of its
//! own questions are on the wire, and its mail hosts have names without the mark, so that what bears it can only come from the gateway.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gateway::certificate::Pin;
use gateway_lab::capture::{Capture, Packets, Stream};
use gateway_lab::dot::{APPLICATION_DATA, TlsServer, read_query, write_message};
use gateway_lab::{Certificate, Gateway, MxHost, Seats, World, Zone};

/// Longer than anything here takes, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
const DOMAINS: usize = 50;
const HOSTS: u8 = 5;
/// A query of one block (RFC 8467), its length, and what TLS 1.3 adds: the content type and the tag.
const QUERY_RECORD: usize = 128 + 2 + 1 + TAG;
/// What TLS 1.3 adds to what was padded: the tag of its cipher suites.
const TAG: usize = 16;
const PADDING: usize = 512;
/// As many octets as a record can have, and their content type.
const FULL_RECORD: usize = (1 << 14) + 1 + TAG;
/// More than fits into one record.
const LARGE: usize = 100_000;
/// First octet of a handshake's record in clear (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;

/// Fifty signed domains whose mail goes to five hosts.
struct Stage {
    /// In the names of all domains and their mail hosts.
    mark: String,
    hosts: Vec<MxHost>,
    world: Arc<World>,
    port: u16,
}

impl Stage {
    fn new(mark: &str) -> Self {
        // Another run may be on the same wire.
        let mark = format!("{mark}{:010}", std::process::id());
        let mut seats = Seats::reserve(HOSTS);
        let start = |number| {
            let name = format!("mx{number}.lab.test");
            MxHost::start_on(seats.take(), Certificate::new(&name), &name)
        };
        let hosts: Vec<MxHost> = (0..HOSTS).map(start).collect();
        let mut world = World::builder().zone(Zone::signed("test"));
        for (number, host) in (0..DOMAINS).zip(hosts.iter().cycle()) {
            let (domain, mail) = (domain(&mark, number), mail_host(&mark, number));
            let zone = Zone::signed(&domain).mx(10, &mail);
            let zone = zone.address(&mail, host.ip());
            world = world.zone(zone.tlsa(&mail, host.port(), host.tlsa(1, 1)));
        }
        Self {
            mark,
            hosts,
            world: Arc::new(world.start()),
            port: seats.port(),
        }
    }

    /// Delivers a message to each domain with these lines, and returns what was on the wire meanwhile, and the gateway's address for clients.
    fn deliver(&self, lines: &str) -> (Packets, SocketAddr) {
        let capture = Capture::start();
        let mut gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .validating(&self.world.trust_anchor())
            .config(lines)
            .smtp_port(self.port)
            .start();
        let before = self.hosts.iter().map(|host| host.messages().len());
        let before: Vec<usize> = before.collect();
        for number in 0..DOMAINS {
            let to = format!("r@{}", domain(&self.mark, number));
            let line = "x".repeat(70) + "\r\n";
            let body = line.repeat(if number == 0 { LARGE / line.len() } else { 1 });
            let message = format!("X: y\r\n\r\n{body}");
            let reply = gateway.submit("s@client.test", &[&to], &message);
            assert_eq!(reply.expect("answers").code, 250);
        }
        for (host, before) in self.hosts.iter().zip(before) {
            let count = before + DOMAINS / usize::from(HOSTS);
            let stored = host.wait_for_messages(count, PATIENCE);
            assert_eq!(stored.len(), count, "{:?}", gateway.log());
        }
        let clients = gateway.address();
        gateway.terminate();
        for host in &self.hosts {
            assert!(host.wait_for_silence(PATIENCE));
        }
        (capture.finish(), clients)
    }

    fn is_mail_host(&self, address: SocketAddr) -> bool {
        let mut hosts = self.hosts.iter();
        hosts.any(|host| (host.ip(), host.port()) == (address.ip(), address.port()))
    }
}

fn domain(mark: &str, number: usize) -> String {
    format!("recipient{number}-{mark}.test")
}

fn mail_host(mark: &str, number: usize) -> String {
    format!("mail{number}-{mark}.{}", domain(mark, number))
}

/// A resolver over TLS that answers as the world's does, but asks nobody over a socket.
fn resolver_over_tls(world: &Arc<World>) -> (TlsServer, String) {
    let certificate = Certificate::new("dns.lab.test");
    let world = Arc::clone(world);
    let server = TlsServer::start(&certificate, move |stream, _| {
        while let Ok(query) = read_query(stream) {
            let question = &query.questions[0];
            let mut reply = world.carry(&question.name, question.rtype);
            reply.header.id = query.header.id;
            reply.header.response = true;
            reply.questions.clone_from(&query.questions);
            if write_message(stream, &reply.encode()).is_err() {
                return;
            }
        }
    });
    let pin = Pin::all_of(&certificate.der())[0].to_base64();
    let text = format!("tls://{}#sha256/{pin}", server.address());
    (server, text)
}

/// How often the octets hold the text, in any case: names in DNS messages have a random one.
fn count(octets: &[u8], text: &str) -> usize {
    let parts = octets.windows(text.len());
    parts
        .filter(|part| part.eq_ignore_ascii_case(text.as_bytes()))
        .count()
}

/// The TLS records at the beginning of these octets, as type and content; all of them must be such.
fn records(mut octets: &[u8]) -> Vec<(u8, &[u8])> {
    let mut records = Vec::new();
    while let [kind @ 20..=23, 3, 1..=3, high, low, rest @ ..] = octets {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (content, behind) = rest.split_at(length);
        records.push((*kind, content));
        octets = behind;
    }
    assert!(octets.is_empty(), "not TLS: {octets:?}");
    records
}

/// The octets in front of the first TLS record, and the records.
fn split(stream: &Stream) -> (&str, Vec<(u8, &[u8])>) {
    let octets = stream.octets.as_slice();
    let is_start = |part: &[u8]| part[0] == HANDSHAKE && part[1] == 3;
    let start = octets.windows(2).position(is_start).expect("TLS");
    let (clear, encrypted) = octets.split_at(start);
    (
        std::str::from_utf8(clear).expect("text"),
        records(encrypted),
    )
}

/// The sizes of the records after the clear part of the handshake.
fn data_sizes(records: &[(u8, &[u8])]) -> impl Iterator<Item = usize> {
    let data = records.iter().filter(|(kind, _)| *kind == APPLICATION_DATA);
    data.map(|(_, content)| content.len())
}

/// Of the padded length, or a full record, which has no room for padding.
const fn is_padded(size: usize) -> bool {
    size == FULL_RECORD || (size - TAG) % PADDING == 0
}

/// Whether it is a line of an SMTP reply (RFC 5321 §4.2).
fn is_reply(line: &str) -> bool {
    let (code, text) = line.split_at(3);
    code.parse().is_ok_and(|code: u16| code >= 200) && text.starts_with(['-', ' '])
}

/// rfc D: with the private set-up the wire shows no recipient's domain but in the handshake with its own mail host.
#[test]
fn fifty_deliveries_in_private() {
    let stage = Stage::new("k3v9xq");
    let seen = |octets: &[u8]| count(octets, &stage.mark);
    let (server, resolver) = resolver_over_tls(&stage.world);
    let lines = format!("resolver {resolver}\nehlo-name relay.invalid\ntls-padding {PADDING}");
    let (packets, clients) = stage.deliver(&lines);
    for packet in packets.all() {
        assert_ne!(packet.to, stage.world.resolver(), "asked in clear");
        assert!(packet.is_tcp || seen(&packet.octets) == 0, "{packet:?}");
    }
    let streams = packets.streams();
    let mut names_asked_for = BTreeSet::new();
    let mut sizes = Vec::new();
    for stream in &streams {
        let ends = [stream.from, stream.to];
        if stream.to == server.address() {
            let (clear, records) = split(stream);
            assert_eq!(clear, "");
            // The first one ends the handshake.
            sizes.extend(data_sizes(&records).skip(1));
        }
        if stage.is_mail_host(stream.to) {
            let (clear, records) = split(stream);
            assert_eq!(clear, "EHLO relay.invalid\r\nSTARTTLS\r\n");
            let (_, hello) = records[0];
            let name = (0..DOMAINS).map(|number| mail_host(&stage.mark, number));
            names_asked_for.extend(name.filter(|name| count(hello, name) > 0));
            let all = seen(&stream.octets);
            assert_eq!(all, seen(hello), "only the server name shows it");
            let sizes: Vec<usize> = data_sizes(&records).collect();
            assert!(sizes.iter().copied().all(is_padded), "{sizes:?}");
        } else if stage.is_mail_host(stream.from) {
            let (clear, records) = split(stream);
            assert!(clear.starts_with("220 ") && clear.ends_with("\r\n"));
            assert!(clear.lines().all(is_reply), "{clear}");
            assert_eq!(seen(&stream.octets), 0);
            let mut all = records.iter();
            let shows = all.any(|(_, content)| count(content, "lab.test") > 0);
            assert!(!shows, "TLS 1.3 hides the certificate");
        } else if !ends.contains(&clients) {
            // But for the client that brings the mail, nobody says the names.
            assert_eq!(seen(&stream.octets), 0, "{stream:?}");
        }
    }
    assert_eq!(names_asked_for.len(), DOMAINS, "each host was visited");
    // MX, A, AAAA and TLSA, and a zone's keys and DS records.
    assert!(sizes.len() >= 6 * DOMAINS, "only {} queries", sizes.len());
    assert!(sizes.iter().all(|size| *size == QUERY_RECORD), "{sizes:?}");
}

/// The same with a resolver that is asked in clear: so the names would have been found.
#[test]
fn fifty_deliveries_in_public() {
    let stage = Stage::new("w7h2zj");
    let (packets, _) = stage.deliver(&format!("resolver {}", stage.world.resolver()));
    let questions = packets.all().iter();
    let questions = questions.filter(|packet| packet.to == stage.world.resolver());
    let octets: Vec<u8> = questions.flat_map(|packet| packet.octets.clone()).collect();
    for number in 0..DOMAINS {
        // In a DNS message the labels stand without dots.
        for name in [domain(&stage.mark, number), mail_host(&stage.mark, number)] {
            let label = name.split('.').next().expect("a label");
            assert!(count(&octets, label) > 0, "{name} is not in any question");
        }
    }
    let streams = packets.streams().into_iter();
    let mut mails = streams.filter(|stream| stage.is_mail_host(stream.to));
    let is_exact = |stream: &Stream| !data_sizes(&split(stream).1).all(is_padded);
    assert!(mails.all(|stream| is_exact(&stream)), "nothing is padded");
}
