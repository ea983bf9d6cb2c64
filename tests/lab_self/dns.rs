//! The lab's DNS: real signatures, proofs of denial, and a resolver that says AD only where it is due.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};
use std::time::Duration;

use gateway::dns::{
    Class, Dnskey, EdeCode, Edns, Message, Name, Question, Rcode, Rdata, Record, RecordType, Rrsig,
    Tlsa, Txt,
};
use gateway_lab::world::{Transport, tlsa_owner};
use gateway_lab::{Damage, Fault, World, Zone};
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey, EcPoint};
use openssl::ecdsa::EcdsaSig;
use openssl::nid::Nid;

pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn txt(length: usize) -> Rdata {
    let strings = vec![b"x".repeat(250); length.div_ceil(250)];
    Rdata::Txt(Txt::from_strings(strings.iter().map(Vec::as_slice)).expect("short strings"))
}

fn tlsa(octet: u8) -> Tlsa {
    Tlsa {
        usage: 3,
        selector: 1,
        matching: 1,
        data: vec![octet; 32],
    }
}

pub(crate) fn world() -> World {
    let signed = Zone::signed("d.test")
        .mx(10, "mx.d.test")
        .address("mx.d.test", [192, 0, 2, 1].into())
        .tlsa("mx.d.test", 25, tlsa(1))
        .cname("alias.d.test", "mx.d.test")
        .cname("away.d.test", "h.u.test")
        .cname("loop.d.test", "loop.d.test")
        .dname("old.d.test", "d.test")
        .record("*.w.d.test", txt(10))
        .record("big.d.test", txt(1500))
        .address("deep.below.empty.d.test", [192, 0, 2, 2].into());
    World::builder()
        .zone(signed)
        .zone(Zone::unsigned("u.test").address("h.u.test", [192, 0, 2, 3].into()))
        .zone(
            Zone::signed("broken.test")
                .mx(10, "mx.d.test")
                .damaged(Damage::Signatures),
        )
        .zone(
            Zone::signed("wrong-ds.test")
                .mx(10, "mx.d.test")
                .damaged(Damage::WrongDs),
        )
        .zone(
            Zone::signed("island.test")
                .mx(10, "mx.d.test")
                .damaged(Damage::NoDs),
        )
        .start()
}

/// How to ask; the default is as the gateway asks.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    edns: Option<u16>,
    dnssec_ok: bool,
    authentic_data: bool,
    checking_disabled: bool,
}

impl Default for Ask {
    fn default() -> Self {
        Self {
            edns: Some(1232),
            dnssec_ok: true,
            authentic_data: false,
            checking_disabled: false,
        }
    }
}

pub(crate) fn query(ask: Ask, owner: &str, rtype: RecordType) -> Message {
    let question = Question {
        name: name(owner),
        rtype,
        class: Class::IN,
    };
    let edns = ask.edns.map(|size| Edns::query(size, ask.dnssec_ok));
    let mut query = Message::query(7, question, edns);
    query.header.authentic_data = ask.authentic_data;
    query.header.checking_disabled = ask.checking_disabled;
    query
}

/// Sends a query in a datagram, and waits for the reply.
pub(crate) fn send(resolver: SocketAddr, query: &Message) -> Message {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    socket.send_to(&query.encode(), resolver).expect("sent");
    let mut buffer = [0; 65_535];
    let length = socket.recv(&mut buffer).expect("a reply");
    Message::decode(&buffer[..length]).expect("a message")
}

pub(crate) fn over_udp(world: &World, query: &Message) -> Message {
    send(world.resolver(), query)
}

fn over_tcp(world: &World, query: &Message) -> Message {
    let mut socket = TcpStream::connect(world.resolver()).expect("a connection");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let octets = query.encode();
    let length = u16::try_from(octets.len()).expect("short");
    socket.write_all(&length.to_be_bytes()).expect("sent");
    socket.write_all(&octets).expect("sent");
    let mut length = [0; 2];
    socket.read_exact(&mut length).expect("a length");
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    socket.read_exact(&mut reply).expect("a reply");
    Message::decode(&reply).expect("a message")
}

fn ask(world: &World, owner: &str, rtype: RecordType) -> Message {
    over_udp(world, &query(Ask::default(), owner, rtype))
}

fn signatures(records: &[Record]) -> impl Iterator<Item = (&Record, &Rrsig)> {
    records.iter().filter_map(|record| match &record.data {
        Rdata::Rrsig(signature) => Some((record, signature)),
        _ => None,
    })
}

fn keys(world: &World, zone: &Name) -> Vec<Dnskey> {
    let reply = ask(world, &zone.to_string(), RecordType::DNSKEY);
    let as_key = |record: Record| match record.data {
        Rdata::Dnskey(key) => Some(key),
        _ => None,
    };
    reply.answers.into_iter().filter_map(as_key).collect()
}

/// RFC 4034 §3.1.8.1 and RFC 6605 once more, from the packet and by OpenSSL.
fn verifies(key: &Dnskey, owner: &Name, signature: &Rrsig, records: &[Record]) -> bool {
    let covered = records
        .iter()
        .filter(|record| record.name == *owner && record.rtype() == signature.type_covered);
    let mut data: Vec<_> = covered.map(|record| record.data.canonical()).collect();
    data.sort();
    let mut signed_name = owner.to_lowercase();
    if owner.label_count() > usize::from(signature.labels) && !owner.is_wildcard() {
        let encloser = owner.suffix(usize::from(signature.labels)).expect("labels");
        signed_name = encloser.prepend(b"*").expect("a name").to_lowercase();
    }
    let mut octets = signature.signed_prefix();
    for rdata in data {
        octets.extend(signed_name.as_wire());
        octets.extend(signature.type_covered.0.to_be_bytes());
        octets.extend([0, 1]);
        octets.extend(signature.original_ttl.to_be_bytes());
        octets.extend(u16::try_from(rdata.len()).expect("short").to_be_bytes());
        octets.extend(rdata);
    }
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("P-256");
    let mut context = openssl::bn::BigNumContext::new().expect("a context");
    let point = [&[4], key.public_key.as_slice()].concat();
    let point = EcPoint::from_bytes(&group, &point, &mut context).expect("a point");
    let key = EcKey::from_public_key(&group, &point).expect("a key");
    let (r, s) = signature.signature.split_at(32);
    let number = |octets| BigNum::from_slice(octets).expect("a number");
    EcdsaSig::from_private_components(number(r), number(s))
        .and_then(|two| two.verify(&openssl::sha::sha256(&octets), &key))
        .expect("a verdict")
}

#[test]
fn every_signature_verifies() {
    let world = world();
    for (owner, rtype) in [
        (".", RecordType::DNSKEY),
        ("test", RecordType::DNSKEY),
        ("d.test", RecordType::DNSKEY),
        ("d.test", RecordType::DS),
        ("u.test", RecordType::DS),
        ("d.test", RecordType::MX),
        ("_25._tcp.MX.d.test", RecordType::TLSA),
        ("alias.d.test", RecordType::A),
        ("mx.old.d.test", RecordType::A),
        ("a.b.w.d.test", RecordType::TXT),
        ("a.b.w.d.test", RecordType::MX),
        ("none.d.test", RecordType::A),
        ("mx.d.test", RecordType::AAAA),
        ("empty.d.test", RecordType::A),
        ("none", RecordType::A),
    ] {
        let reply = ask(&world, owner, rtype);
        assert!(reply.header.authentic_data, "{owner} {rtype}");
        let mut count = 0;
        for section in [&reply.answers, &reply.authorities] {
            for (record, signature) in signatures(section) {
                let keys = keys(&world, &signature.signer);
                let mut tagged = keys.iter().filter(|key| key.key_tag() == signature.key_tag);
                assert!(
                    tagged.any(|key| verifies(key, &record.name, signature, section)),
                    "{record}"
                );
                count += 1;
            }
        }
        assert!(count > 0, "{owner} {rtype}");
    }
}

#[test]
fn the_zones_verify_with_a_tool_written_elsewhere() {
    let world = world();
    for zone in [".", "test", "d.test", "broken.test"] {
        let mut child = Command::new("ldns-verify-zone")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("ldns-verify-zone is installed (scripts/setup test)");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin
            .write_all(world.zone_file(zone).as_bytes())
            .expect("a zone of a few kilobytes fits the pipe");
        drop(stdin);
        let output = child.wait_with_output().expect("its end");
        let is_sound = zone != "broken.test";
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.success(), is_sound, "{zone}: {errors}");
    }
}

#[test]
fn ad_is_said_only_where_it_is_due() {
    let world = world();
    let (a, mx) = (RecordType::A, RecordType::MX);
    for (owner, rtype, rcode, secure) in [
        ("d.test", mx, Rcode::NOERROR, true),
        ("alias.d.test", a, Rcode::NOERROR, true),
        ("none.d.test", a, Rcode::NXDOMAIN, true),
        ("x.w.d.test", RecordType::TXT, Rcode::NOERROR, true),
        ("h.u.test", a, Rcode::NOERROR, false),
        ("none.u.test", a, Rcode::NXDOMAIN, false),
        ("away.d.test", a, Rcode::NOERROR, false),
        ("island.test", mx, Rcode::NOERROR, false),
        ("loop.d.test", a, Rcode::SERVFAIL, false),
        ("broken.test", mx, Rcode::SERVFAIL, false),
        ("wrong-ds.test", mx, Rcode::SERVFAIL, false),
        ("none.broken.test", a, Rcode::SERVFAIL, false),
    ] {
        for (dnssec_ok, authentic_data) in
            [(true, false), (true, true), (false, true), (false, false)]
        {
            let how = Ask {
                dnssec_ok,
                authentic_data,
                ..Ask::default()
            };
            let reply = over_udp(&world, &query(how, owner, rtype));
            assert_eq!(reply.rcode(), rcode, "{owner}");
            let expected = secure && (dnssec_ok || authentic_data);
            assert_eq!(reply.header.authentic_data, expected, "{owner}");
            let signed = signatures(&reply.answers).chain(signatures(&reply.authorities));
            let is_expected = secure && dnssec_ok;
            assert!(signed.count() > 0 || !is_expected, "{owner}");
        }
    }
}

#[test]
fn bogus_data_come_only_with_checking_disabled_and_say_why() {
    let world = world();
    let how = Ask {
        checking_disabled: true,
        ..Ask::default()
    };
    for (owner, code) in [
        ("broken.test", EdeCode::BOGUS),
        ("wrong-ds.test", EdeCode::DNSKEY_MISSING),
    ] {
        let reply = ask(&world, owner, RecordType::MX);
        assert_eq!(reply.extended_errors()[0].0, code);
        assert!(reply.answers.is_empty());
        let raw = over_udp(&world, &query(how, owner, RecordType::MX));
        assert_eq!(raw.rcode(), Rcode::NOERROR);
        assert!(!raw.header.authentic_data);
        assert_eq!(raw.answers[0].rtype(), RecordType::MX);
        assert_eq!(signatures(&raw.answers).count(), 1);
    }
}

#[test]
fn denials_are_proven() {
    let world = world();
    let proofs = |owner: &str, rtype| -> Vec<String> {
        let reply = ask(&world, owner, rtype);
        let nsec = reply
            .authorities
            .iter()
            .filter(|record| record.rtype() == RecordType::NSEC);
        nsec.map(|record| record.name.to_string()).collect()
    };
    // Canonical order: d, alias, away, big, deep.below.empty, loop, mx, _25._tcp.mx, ns, old, *.w.
    let a = RecordType::A;
    assert_eq!(proofs("mx.d.test", RecordType::AAAA), ["mx.d.test."]);
    assert_eq!(proofs("empty.d.test", a), ["big.d.test."]);
    assert_eq!(proofs("none.d.test", a), ["d.test.", "_25._tcp.mx.d.test."]);
    assert_eq!(proofs("x.w.d.test", RecordType::TXT), ["*.w.d.test."]);
    assert_eq!(proofs("x.w.d.test", a), ["*.w.d.test."]);
    assert_eq!(proofs("u.test", RecordType::DS), ["u.test."]);
}

#[test]
fn long_answers_are_truncated_over_udp_only() {
    let world = world();
    let asked = |edns| {
        let how = Ask {
            edns,
            ..Ask::default()
        };
        query(how, "big.d.test", RecordType::TXT)
    };
    for (size, truncated) in [(Some(1232), true), (None, true), (Some(4096), false)] {
        let reply = over_udp(&world, &asked(size));
        assert_eq!(reply.header.truncated, truncated);
        assert_eq!(reply.answers.is_empty(), truncated);
        assert_eq!(reply.edns.is_some(), size.is_some());
    }
    let reply = over_tcp(&world, &asked(Some(1232)));
    assert!(!reply.header.truncated && reply.header.authentic_data);
    assert_eq!(reply.answers[0].data, txt(1500));
    let transports: Vec<_> = world.queries().iter().map(|one| one.transport).collect();
    let udp = Transport::Udp;
    assert_eq!(transports, [udp, udp, udp, Transport::Tcp]);
}

#[test]
fn the_case_of_the_question_is_kept() {
    let world = world();
    let reply = ask(&world, "ALias.d.TEST", RecordType::A);
    assert!(reply.questions[0].name.eq_case(&name("ALias.d.TEST")));
    assert!(reply.answers[0].name.eq_case(&name("ALias.d.TEST")));
}

#[test]
fn faults_are_switched_at_run_time() {
    let world = world();
    let (host, a) = ("mx.d.test", RecordType::A);
    for (fault, rcode, secure) in [
        (Fault::Servfail, Rcode::SERVFAIL, false),
        (Fault::Refused, Rcode::REFUSED, false),
        (Fault::NotImp, Rcode::NOTIMP, false),
        (Fault::FormErr, Rcode::FORMERR, false),
        (Fault::Bogus, Rcode::SERVFAIL, false),
        (Fault::Expired, Rcode::SERVFAIL, false),
        (Fault::NoAd, Rcode::NOERROR, false),
        (Fault::StripRrsig, Rcode::NOERROR, false),
        (Fault::NoEdns, Rcode::NOERROR, false),
        (Fault::Delay(Duration::from_millis(1)), Rcode::NOERROR, true),
    ] {
        world.set_fault(host, a, fault);
        for asked in [host, "alias.d.test"] {
            let reply = ask(&world, asked, a);
            assert_eq!(reply.rcode(), rcode, "{fault:?}");
            assert_eq!(reply.header.authentic_data, secure, "{fault:?}");
        }
        assert!(ask(&world, "d.test", RecordType::MX).header.authentic_data);
    }
    world.set_fault(host, a, Fault::Expired);
    let expired = ask(&world, host, a).extended_errors();
    assert_eq!(expired[0].0, EdeCode::SIGNATURE_EXPIRED);
    world.set_fault(host, a, Fault::Truncate);
    assert!(ask(&world, host, a).header.truncated);
    let asked = query(Ask::default(), host, a);
    assert!(over_tcp(&world, &asked).header.authentic_data);
    world.set_fault(host, a, Fault::WrongCase);
    let question = &ask(&world, host, a).questions[0].name;
    assert!(*question == name(host) && !question.eq_case(&name(host)));
    world.clear_fault(host, a);
    assert!(ask(&world, host, a).header.authentic_data);
    world.set_fault("d.test", RecordType::DNSKEY, Fault::Bogus);
    assert_eq!(ask(&world, host, a).rcode(), Rcode::SERVFAIL);
}

#[test]
fn forged_replies_come_before_the_right_one() {
    let world = world();
    world.set_fault("mx.d.test", RecordType::A, Fault::SpoofFirst);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let asked = query(Ask::default(), "mx.d.test", RecordType::A);
    socket
        .send_to(&asked.encode(), world.resolver())
        .expect("sent");
    let replies: Vec<_> = (0..5)
        .map(|_| {
            let mut buffer = [0; 4096];
            let (length, from) = socket.recv_from(&mut buffer).expect("a reply");
            let message = Message::decode(&buffer[..length]).expect("a message");
            (message, from)
        })
        .collect();
    let fits = |(reply, from): &(Message, SocketAddr)| {
        let same_case = reply.questions[0].name.eq_case(&asked.questions[0].name);
        reply.header.id == asked.header.id && same_case && *from == world.resolver()
    };
    let fitting: Vec<_> = replies.iter().map(fits).collect();
    assert_eq!(fitting, [false, false, false, false, true]);
    assert_eq!(
        replies[4].0.answers[0].data,
        Rdata::A([192, 0, 2, 1].into())
    );
}

#[test]
fn records_are_replaced_and_signed_anew() {
    let world = world();
    let owner = tlsa_owner("mx.d.test", 25);
    world.replace_rrset(&owner, vec![Rdata::Tlsa(tlsa(2)), Rdata::Tlsa(tlsa(3))]);
    let reply = ask(&world, &owner.to_string(), RecordType::TLSA);
    assert!(reply.header.authentic_data);
    assert_eq!(reply.answers[0].data, Rdata::Tlsa(tlsa(2)));
    world.remove_rrset(&owner, RecordType::TLSA);
    let reply = ask(&world, &owner.to_string(), RecordType::TLSA);
    assert_eq!(reply.rcode(), Rcode::NXDOMAIN);
    assert!(reply.header.authentic_data);
}
