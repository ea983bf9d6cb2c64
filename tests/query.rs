//! `gateway query` as users run it, against the lab's resolver and its faults.

use std::fs;
use std::process::Output;

use gateway::dns::{Message, Rdata, RecordType};
use gateway_lab::Certificate;
use gateway_lab::dot::TlsServer;
use gateway_lab::process::Gateway;
use gateway_lab::world::{Damage, Fault, World, Zone, tlsa_owner};

/// A world with something secure, unsigned and broken in it.
fn world() -> World {
    let sound = Zone::signed("sound.test")
        .mx(10, "mail.sound.test")
        .address("mail.sound.test", [192, 0, 2, 1].into())
        .cname("www.sound.test", "mail.sound.test")
        .cname("out.sound.test", "mail.unsigned.test");
    let unsigned = Zone::unsigned("unsigned.test");
    let broken = Zone::signed("broken.test").mx(10, "mail.sound.test");
    World::builder()
        .zone(Zone::signed("test"))
        .zone(sound)
        .zone(unsigned.address("mail.unsigned.test", [192, 0, 2, 2].into()))
        .zone(broken.damaged(Damage::Signatures))
        .start()
}

fn gateway(world: &World) -> Gateway {
    Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .resolver(world.resolver())
        .config("lookup-timeout 6s")
        .prepare()
}

fn query(gateway: &Gateway, words: &str) -> Output {
    let words: Vec<&str> = words.split_whitespace().collect();
    gateway.run(&[&["query"], words.as_slice()].concat())
}

fn text(octets: &[u8]) -> String {
    String::from_utf8(octets.to_vec()).expect("UTF-8")
}

/// Exit code, status and answer, in short.
fn in_short(output: &Output) -> String {
    let shown = text(&output.stdout);
    let (line, rest) = shown
        .split_once('\n')
        .unwrap_or_else(|| panic!("{output:?}"));
    let answers = rest
        .lines()
        .skip_while(|line| !line.starts_with("  answer"));
    let answers: Vec<&str> = answers.filter_map(|line| line.get(10..)).collect();
    let code = output.status.code().expect("an exit code");
    [&format!("{code} {line}")[..], &answers.join(", ")]
        .join(" ")
        .trim_end()
        .to_owned()
}

#[test]
fn a_resolver_over_tls_proves_itself_by_its_tlsa_record() {
    let world = world();
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .validating(&world.trust_anchor())
        .prepare();
    let [right, wrong] = [0; 2].map(|_| Certificate::new("dns.test"));
    let server = TlsServer::before(&right, world.resolver());
    let owner = tlsa_owner("dns.sound.test", server.address().port());
    let words = format!(
        "-s tls://{}#dane/dns.sound.test sound.test MX",
        server.address()
    );
    for (certificate, expected) in [(&right, "0 sound.test. MX: secure"), (&wrong, "75 ")] {
        world.replace_rrset(&owner, vec![Rdata::Tlsa(certificate.tlsa(1, 1))]);
        let output = query(&gateway, &words);
        let code = output.status.code().expect("an exit code");
        let said = format!("{code} {}{}", text(&output.stdout), text(&output.stderr));
        assert!(said.starts_with(expected), "{said}");
        let is_refused = said.contains("the TLSA record does not match");
        assert_eq!(is_refused, code != 0, "{said}");
    }
}

#[test]
fn each_status_has_its_word_and_exit_code() {
    let world = world();
    let gateway = gateway(&world);
    for (words, expected) in [
        (
            "sound.test MX",
            "0 sound.test. MX: secure sound.test. 300 IN MX 10 mail.sound.test.",
        ),
        (
            "mail.sound.test.",
            "0 mail.sound.test. A: secure mail.sound.test. 300 IN A 192.0.2.1",
        ),
        (
            "mail.sound.test TYPE28",
            "0 mail.sound.test. AAAA: secure none: the name exists, but not with this type",
        ),
        (
            "no.sound.test",
            "0 no.sound.test. A: secure none: the name does not exist",
        ),
        (
            "www.sound.test a",
            "0 www.sound.test. A: secure www.sound.test. 300 IN CNAME mail.sound.test., mail.sound.test. 300 IN A 192.0.2.1",
        ),
        (
            "www.sound.test CNAME",
            "0 www.sound.test. CNAME: secure www.sound.test. 300 IN CNAME mail.sound.test.",
        ),
        (
            "out.sound.test",
            "0 out.sound.test. A: insecure out.sound.test. 300 IN CNAME mail.unsigned.test., mail.unsigned.test. 300 IN A 192.0.2.2",
        ),
        (
            "mail.unsigned.test",
            "0 mail.unsigned.test. A: insecure mail.unsigned.test. 300 IN A 192.0.2.2",
        ),
        ("broken.test MX", "1 broken.test. MX: bogus"),
        (
            "-s 192.0.2.1 sound.test MX",
            "1 sound.test. MX: indeterminate",
        ),
        // Nobody listens there.
        ("-s 127.0.0.1:1 sound.test MX", "75 sound.test. MX: error"),
    ] {
        assert_eq!(in_short(&query(&gateway, words)), expected, "{words}");
    }
}

#[test]
fn faults_of_the_resolver_are_errors_or_overcome() {
    let world = world();
    let gateway = gateway(&world);
    let answer = "0 sound.test. MX: secure sound.test. 300 IN MX 10 mail.sound.test.";
    let error = "75 sound.test. MX: error";
    for (fault, expected, reason) in [
        (Fault::Truncate, answer, "NOERROR"),
        (Fault::SpoofFirst, answer, "NOERROR"),
        (Fault::WrongCase, answer, "NOERROR"),
        (Fault::TruncateTcpRefused, error, "cannot be reached"),
        (Fault::Servfail, error, "SERVFAIL"),
        (Fault::Refused, error, "REFUSED"),
        (Fault::NotImp, error, "NOTIMP"),
        (
            Fault::FormErr,
            error,
            "nothing can be validated with the resolver",
        ),
        (
            Fault::NoEdns,
            error,
            "nothing can be validated with the resolver",
        ),
        (Fault::Timeout, error, "no reply in time"),
        (Fault::Malformed, error, "not a well-formed DNS message"),
        (Fault::Bogus, "1 sound.test. MX: bogus", "EDE     6"),
        (Fault::Expired, "1 sound.test. MX: bogus", "EDE     7"),
    ] {
        world.set_fault("sound.test", RecordType::MX, fault);
        let output = query(&gateway, "sound.test MX");
        assert_eq!(in_short(&output), expected, "{fault:?}");
        assert!(
            text(&output.stdout).contains(reason),
            "{fault:?}: {output:?}"
        );
        world.clear_fault("sound.test", RecordType::MX);
    }
    world.set_fault("sound.test", RecordType::MX, Fault::NoAd);
    assert!(in_short(&query(&gateway, "sound.test MX")).starts_with("0 sound.test. MX: insecure"));
}

#[test]
fn json_is_one_line_with_the_keys_of_the_interface() {
    let world = world();
    let gateway = gateway(&world);
    for words in [
        "sound.test MX",
        "no.sound.test",
        "broken.test MX",
        "-s 192.0.2.1 sound.test",
    ] {
        let output = query(&gateway, &format!("--json -x {words}"));
        let line = text(&output.stdout);
        assert_eq!(line.lines().count(), 1, "{line}");
        let mut rest = line.as_str();
        for key in [
            "name", "type", "status", "rcode", "reason", "ede", "answer", "chain",
        ] {
            let (_, behind) = rest
                .split_once(&format!("\"{key}\":"))
                .unwrap_or_else(|| panic!("{key}: {line}"));
            rest = behind;
        }
        assert_eq!(rest, "[]}\n");
        let is_asked = !words.starts_with("-s");
        assert_eq!(text(&output.stderr).contains("sent to 127.0.0.1"), is_asked);
    }
}

#[test]
fn packets_are_shown_traced_and_written() {
    let world = world();
    world.set_fault("sound.test", RecordType::MX, Fault::Truncate);
    let gateway = gateway(&world);
    let file = gateway.directory().join("packets.pcap");
    let output = query(
        &gateway,
        &format!("-x --trace --pcap {} sound.test MX", file.display()),
    );
    let (shown, trace) = (text(&output.stdout), text(&output.stderr));
    for part in [
        "sent to 127.0.0.1:",
        "received from 127.0.0.1:",
        " over UDP, ",
        " over TCP, ",
        "the mail exchange",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    for part in [
        "asks sound.test. MX over UDP, id ",
        "asks again over TCP: the reply is truncated",
        "NOERROR AD RA, answers 2, authority 0",
    ] {
        assert!(trace.contains(part), "{part}: {trace}");
    }
    let messages = messages_of(&fs::read(&file).expect("a packet file"));
    let [test, passed, question, truncated, again, answer] = messages.as_slice() else {
        panic!("not six packets: {messages:?}");
    };
    // Whether the resolver validates is found out before it is believed.
    assert!(test.questions[0].name.is_root() && passed.header.authentic_data);
    assert!(truncated.header.truncated && truncated.answers.is_empty());
    assert!(answer.header.authentic_data && answer.answers.len() == 2);
    assert_eq!(question.questions, truncated.questions);
    assert_eq!(again.header.id, answer.header.id);
}

/// The DNS messages in a packet file of IPv4 packets.
fn messages_of(file: &[u8]) -> Vec<Message> {
    let mut rest = &file[24..];
    let mut messages = Vec::new();
    while !rest.is_empty() {
        let length: [u8; 4] = rest[8..12].try_into().expect("four octets");
        let (packet, behind) = rest[16..].split_at(u32::from_be_bytes(length) as usize);
        // IPv4 has 20 octets of header here, UDP 8, and TCP 20 before the length of the message.
        let start = if packet[9] == 17 { 28 } else { 42 };
        messages.push(Message::decode(&packet[start..]).expect("a DNS message"));
        rest = behind;
    }
    messages
}

#[test]
fn options_that_change_nothing_are_named() {
    let world = world();
    let gateway = gateway(&world);
    for words in ["--at 1795536480", "--sha1"] {
        let output = query(&gateway, &format!("--dnssec ad {words} sound.test MX"));
        let option = words.split(' ').next().expect("a word");
        let warning = format!("option '{option}' changes nothing");
        assert!(text(&output.stderr).contains(&warning), "{output:?}");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    let world = world();
    let gateway = gateway(&world);
    for (words, code, part) in [
        ("", 64, "NAME is missing"),
        ("a b", 64, "unknown type 'b'"),
        ("a MX c", 64, "unexpected word 'c'"),
        ("a..b", 64, "'a..b' is not a domain name"),
        ("-z a", 64, "unknown option '-z'"),
        (
            "--trust-anchor /dev/null a",
            64,
            "/dev/null: expected a DS or DNSKEY record, found none",
        ),
        (
            "--pcap /nonexistent/file a",
            78,
            "cannot write packets to /nonexistent/file",
        ),
    ] {
        let output = query(&gateway, words);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words}: {error}");
        assert!(
            error.starts_with("gateway query: ") && error.contains(part),
            "{words}: {error}"
        );
        assert_eq!(
            (error.lines().count(), output.stdout.len()),
            (1, 0),
            "{words}"
        );
    }
    assert!(world.queries().is_empty());
}
