use super::*;
use crate::dns::{Edns, EdnsOption, Message, Question, zonefile};

fn option(code: OptionCode, data: &[u8]) -> EdnsOption {
    EdnsOption {
        code,
        data: data.to_vec(),
    }
}

/// A reply to a TLSA question as a validating resolver sends it.
fn reply() -> Vec<u8> {
    let question = Question {
        name: "_25._tcp.mx.example.org".parse().expect("a name"),
        rtype: RecordType::TLSA,
        class: Class::IN,
    };
    let edns = Edns {
        options: vec![
            EdnsOption::extended_error(crate::dns::EdeCode::BOGUS, "for\nged"),
            option(OptionCode::COOKIE, b"abcdefghijklmnop"),
            option(OptionCode::NSID, b"ns1"),
            option(OptionCode::PADDING, &[0; 3]),
            option(OptionCode(65001), b"x"),
        ],
        ..Edns::query(1232, true)
    };
    let mut message = Message::query(0x1234, question, Some(edns));
    message.header.response = true;
    message.header.authentic_data = true;
    let zone = "\
$ORIGIN example.org.
_25._tcp.mx 300 TLSA 3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
_25._tcp.mx 300 RRSIG TLSA 13 5 300 20261222235244 20261124235244 25917 @ AAAA
@ MX 10 mx
@ DNSKEY 257 3 13 AAAA
@ DS 7 13 2 00FF
@ NSEC mx NS SOA TLSA
@ TXT \"a\" b
mx A 192.0.2.1
mx AAAA 2001:db8::1
@ SOA ns admin 1 2 3 4 5
h NSEC3 1 1 12 aabb 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX
@ TYPE99 \\# 2 0102
@ CH A \\# 3 010203
";
    message.answers = zonefile::parse(zone, &Name::root()).expect("a zone");
    message.encode()
}

#[test]
fn every_field_is_named() {
    let octets = reply();
    let text = annotate(&octets);
    for words in [
        "0000  12 34                    id 4660",
        "flags: QR response, opcode QUERY, RD recursion desired, AD authentic data, rcode NOERROR",
        "label of 3 octets: _25",
        "end of the name _25._tcp.mx.example.org.",
        "pointer to offset 000c: the owner is _25._tcp.mx.example.org.",
        "pointer to offset 0018: example.org.; the primary name server is ns.example.org.",
        "usage 3 DANE-EE: the server's own certificate",
        "selector 1 SPKI: its public key",
        "matching type 1 SHA2-256: its digest",
        "valid until 2026-12-22T23:52:44.000Z",
        "preference 10",
        "flags 257: zone key, secure entry point",
        "digest type 2 SHA-256",
        "types there: NS SOA TLSA",
        "address 192.0.2.1",
        "address 2001:db8::1",
        "flags 1: opt-out",
        "data of a type not known here",
        "flags: DO DNSSEC OK",
        "extended error 6: DNSSEC Bogus",
        "its text: for\\nged",
        "option COOKIE",
        "61 62 63 64 65 66 67 68  client cookie",
        "69 6a 6b 6c 6d 6e 6f 70  server cookie",
        "name of the server: ns1",
        "padding",
        "option OPTION65001",
    ] {
        assert!(text.contains(words), "{words}\n{text}");
    }
    assert!(!text.contains("not understood"), "{text}");
}

/// What stands before the fault is explained, and the fault is said with its place.
#[test]
fn broken_names_are_shown_up_to_their_fault() {
    let header = b"\x41\x07\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00";
    for (name, words) in [
        (
            &b"\x03abc\xC0\x0C"[..],
            [
                "label of 3 octets: abc",
                "0010: malformed DNS message at octet 16: the compression pointer does not point backwards",
            ],
        ),
        (
            b"\x03abc\x41a",
            [
                "label of 3 octets: abc",
                "0010: malformed DNS message at octet 16: the label type is reserved",
            ],
        ),
        (
            b"\x03abc\x09de",
            [
                "label of 3 octets: abc",
                "0011: malformed DNS message at octet 17: the octets end inside a field",
            ],
        ),
        (
            b"\x03abc\xC0\x0B",
            [
                "pointer to offset 000b: .",
                "0012: malformed DNS message at octet 18: the octets end inside a field",
            ],
        ),
        (
            b"\x03abc\xC0\x00",
            [
                "pointer to offset 0000: no readable name",
                "-- 0000: malformed DNS message",
            ],
        ),
    ] {
        let text = annotate(&[&header[..], name].concat());
        for words in words {
            assert!(text.contains(words), "{words}\n{text}");
        }
    }
}

/// The dump says that a message is malformed exactly when the decoder does.
#[test]
fn rules_between_fields_are_minded() {
    let mut message = Message::decode(&reply()).expect("valid");
    message.answers.clear();
    let good = message.encode();
    assert!(!annotate(&good).contains("malformed"));
    let opt = good.len()
        - message.edns.as_ref().map_or(0, |edns| {
            11 + edns
                .options
                .iter()
                .map(|option| 4 + option.data.len())
                .sum::<usize>()
        });
    let mut twice = [&good[..], &good[opt..]].concat();
    twice[11] = 2;
    let text = annotate(&twice);
    assert!(text.contains("there is more than one OPT record"), "{text}");
}

#[test]
fn the_dump_is_bounded() {
    let mut octets = b"\x00\x07\x01\x00\xFF\xFF\x00\x00\x00\x00\x00\x00".to_vec();
    octets.resize(65_535, 0);
    let text = annotate(&octets);
    assert!(text.lines().count() <= 4000 && text.ends_with("-- and so on\n"));
}

/// Every octet stands in the dump once, whole or cut.
#[test]
fn no_octet_is_left_out() {
    let octets = reply();
    for length in 0..=octets.len() {
        let text = annotate(&octets[..length]);
        let shown: String = text
            .lines()
            .filter(|line| !line.starts_with("--"))
            .map(|line| format!("{line:<30}")[6..30].to_owned())
            .collect();
        let shown: Vec<_> = shown.split_ascii_whitespace().collect();
        assert_eq!(shown.len(), length, "{text}");
        let says_why = text.contains("malformed DNS message at octet");
        assert_eq!(says_why, length < octets.len(), "{text}");
    }
}
