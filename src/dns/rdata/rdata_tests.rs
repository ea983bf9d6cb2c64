use super::*;
use crate::bytes::hex;
use crate::dns::Algorithm;
use crate::dns::{Record, zonefile};

fn parse(rtype: RecordType, text: &str) -> Record {
    let line = format!("owner.example. 60 IN {rtype} {text}");
    let records = zonefile::parse(&line, &Name::root());
    let mut records = records.unwrap_or_else(|error| panic!("{error}: {line}"));
    assert_eq!(records.len(), 1, "{line}");
    records.remove(0)
}

/// Wire form and zone-file form of each type, both ways.
#[test]
fn wire_and_text_are_two_forms_of_the_same() {
    for (rtype, wire, text) in [
        (RecordType::A, "C0000201", "192.0.2.1"),
        (
            RecordType::AAAA,
            "20010DB8000000000000000000000001",
            "2001:db8::1",
        ),
        (RecordType::NS, "026E7300", "ns."),
        (RecordType::CNAME, "01610162 00", "a.b."),
        // RFC 6672 §2.1.
        (RecordType::DNAME, "01610162 00", "a.b."),
        (RecordType::PTR, "00", "."),
        // RFC 7505 §3: a null MX.
        (RecordType::MX, "0000 00", "0 ."),
        (
            RecordType::SOA,
            "026E7300 0572002E6D6500 00000001 00000002 00000003 00000004 FFFFFFFF",
            "ns. r\\000\\.me. 1 2 3 4 4294967295",
        ),
        (RecordType::TXT, "00", "\"\""),
        (
            RecordType::TXT,
            "0361 2262 00 01FF",
            "\"a\\\"b\" \"\" \"\\255\"",
        ),
        // RFC 2782: old-slow-box.example.com is in its example; "." means that the service is not offered.
        (RecordType::SRV, "0000 0001 0009 03626F7800", "0 1 9 box."),
        (RecordType::SRV, "0000 0000 0000 00", "0 0 0 ."),
        // RFC 6698 §2.3.
        (RecordType::TLSA, "000001 D2ABDE24", "0 0 1 D2ABDE24"),
        (RecordType::TLSA, "030101", "\\# 3 030101"),
        (RecordType::DS, "EC45 05 01 2BB1", "60485 5 1 2BB1"),
        (RecordType::DS, "EC45 05 01", "\\# 4 EC450501"),
        (RecordType::DNSKEY, "0101 03 0D 000000", "257 3 13 AAAA"),
        (RecordType::DNSKEY, "0101 03 0D", "\\# 4 0101030D"),
        (
            RecordType::RRSIG,
            "0001 05 03 00015180 3E7C9DD7 3E5510D7 0A52 03636F6D00 A0907A",
            "A 5 3 86400 20030322173103 20030220173103 2642 com. oJB6",
        ),
        (
            RecordType::RRSIG,
            "04D2 FD 00 00000000 FFFFFFFF 00000000 0000 00 0000",
            "TYPE1234 253 0 0 21060207062815 19700101000000 0 . AAA=",
        ),
        // RFC 4034 §4.3 gives these octets.
        (
            RecordType::NSEC,
            "04686F7374076578616D706C6503636F6D00 0006400100000003 041B000000000000000000000000000000000000000000000000000020",
            "host.example.com. A MX RRSIG NSEC TYPE1234",
        ),
        (RecordType::NSEC, "00", "."),
        (
            RecordType::NSEC,
            "00 0020 0000000000000000000000000000000000000000000000000000000000000001 FF20 0000000000000000000000000000000000000000000000000000000000000001",
            ". ANY TYPE65535",
        ),
        // RFC 5155, Appendix A: salt, hash, and the types of an empty non-terminal: none.
        (
            RecordType::NSEC3,
            "01 01 000C 04 AABBCCDD 14 174EB2409FE28BCB4887A1836F957F0A8425E27B 0007 2201000000 0290",
            "1 1 12 AABBCCDD 2t7b4g4vsa5smi47k61mv5bv1a22bojr NS SOA MX RRSIG DNSKEY NSEC3PARAM",
        ),
        (RecordType::NSEC3, "01 00 0000 00 01 00", "1 0 0 - 00"),
        (
            RecordType::NSEC3PARAM,
            "01 00 000C 04 AABBCCDD",
            "1 0 12 AABBCCDD",
        ),
        (RecordType::NSEC3PARAM, "01 00 0000 00", "1 0 0 -"),
        (RecordType(65280), "0102", "\\# 2 0102"),
        (RecordType(65280), "", "\\# 0"),
    ] {
        let wire = hex::decode(&wire.replace(' ', "")).expect("hexadecimal");
        let data = Rdata::decode(rtype, Class::IN, &wire)
            .unwrap_or_else(|error| panic!("{rtype} {text}: {error}"));
        assert_eq!(data.rtype(), rtype);
        assert_eq!(data.to_string(), text, "{rtype}");
        assert_eq!(data.canonical(), wire, "{rtype} {text}");
        assert_eq!(parse(rtype, text).data, data);
        // Every type may be written in the generic form too (RFC 3597 §5).
        let generic = format!("\\# {} {}", wire.len(), hex::encode(&wire));
        assert_eq!(parse(rtype, &generic).data, data, "{rtype} {text}");
    }
}

#[test]
fn malformed_data_is_an_error_where_it_is_wrong() {
    let window = |length: usize| hex::encode(&vec![1; length]);
    for (rtype, wire, offset, fault) in [
        (RecordType::A, "C00002".to_owned(), 0, Fault::Truncated),
        (
            RecordType::A,
            "C000020100".to_owned(),
            4,
            Fault::RdataTooLong,
        ),
        (RecordType::AAAA, "C0000201".to_owned(), 0, Fault::Truncated),
        (RecordType::MX, "00".to_owned(), 0, Fault::Truncated),
        (RecordType::MX, "0000".to_owned(), 2, Fault::Truncated),
        (
            RecordType::MX,
            "00000000".to_owned(),
            3,
            Fault::RdataTooLong,
        ),
        (RecordType::NS, "C000".to_owned(), 0, Fault::PointerForward),
        (
            RecordType::MX,
            "0000C000".to_owned(),
            2,
            Fault::PointerForbidden,
        ),
        (RecordType::TXT, String::new(), 0, Fault::EmptyText),
        (RecordType::TXT, "0261".to_owned(), 1, Fault::Truncated),
        (
            RecordType::SRV,
            "000000000000".to_owned(),
            6,
            Fault::Truncated,
        ),
        (RecordType::TLSA, "0301".to_owned(), 2, Fault::Truncated),
        (RecordType::DS, "000105".to_owned(), 3, Fault::Truncated),
        (RecordType::RRSIG, "00".repeat(18), 18, Fault::Truncated),
        (RecordType::NSEC, "000001".to_owned(), 3, Fault::Truncated),
        (RecordType::NSEC, "000000".to_owned(), 1, Fault::TypeBitmap),
        (
            RecordType::NSEC,
            "00000100".to_owned(),
            1,
            Fault::TypeBitmap,
        ),
        (
            RecordType::NSEC,
            format!("000021{}", window(33)),
            1,
            Fault::TypeBitmap,
        ),
        (
            RecordType::NSEC,
            "00010101000101".to_owned(),
            4,
            Fault::TypeBitmap,
        ),
        (
            RecordType::NSEC,
            "00000101000101".to_owned(),
            4,
            Fault::TypeBitmap,
        ),
        (
            RecordType::NSEC3,
            "010000000000".to_owned(),
            5,
            Fault::EmptyHash,
        ),
        (
            RecordType::NSEC3,
            "0100000002AA".to_owned(),
            5,
            Fault::Truncated,
        ),
        (
            RecordType::NSEC3PARAM,
            "0100000001".to_owned(),
            5,
            Fault::Truncated,
        ),
        (
            RecordType::NSEC3PARAM,
            "010000000000".to_owned(),
            5,
            Fault::RdataTooLong,
        ),
    ] {
        let octets = hex::decode(&wire).expect("hexadecimal");
        let error = Rdata::decode(rtype, Class::IN, &octets).expect_err(&wire);
        assert_eq!(
            (error.offset, error.fault),
            (offset, fault),
            "{rtype} {wire}"
        );
    }
}

/// Names in lower case for the types that RFC 4034 §6.2 lists, but not in NSEC (RFC 6840 §5.1), and never compressed.
#[test]
fn canonical_data_has_lower_case_names() {
    for (rtype, text, canonical) in [
        (RecordType::NS, "Ns.A.", "ns.a."),
        (RecordType::CNAME, "A.", "a."),
        (RecordType::DNAME, "A.", "a."),
        (RecordType::PTR, "A.", "a."),
        (RecordType::MX, "10 MX.A.", "10 mx.a."),
        (RecordType::SOA, "A. A. 1 2 3 4 5", "a. a. 1 2 3 4 5"),
        (RecordType::SRV, "1 2 3 A.", "1 2 3 a."),
        (
            RecordType::RRSIG,
            "A 5 1 60 20030322173103 20030220173103 7 Com. AAAA",
            "A 5 1 60 20030322173103 20030220173103 7 com. AAAA",
        ),
        (RecordType::NSEC, "A.B. A", "A.B. A"),
        (RecordType::TXT, "\"Aa\"", "\"Aa\""),
    ] {
        let octets = parse(rtype, text).data.canonical();
        let read = Rdata::decode(rtype, Class::IN, &octets).expect("valid");
        assert_eq!(read.to_string(), canonical);
    }
}

#[test]
fn addresses_of_other_classes_are_octets() {
    let class = Class(3);
    let octets = b"\x01a\x00\x00\x07";
    let data = Rdata::decode(RecordType::A, class, octets).expect("any octets");
    assert_eq!(data.canonical(), octets);
    assert_eq!(data.to_string(), "\\# 5 0161000007");
}

#[test]
fn type_bitmaps_are_sets() {
    let types = [
        RecordType(1234),
        RecordType::MX,
        RecordType::A,
        RecordType::MX,
    ];
    let bitmap = TypeBitmap::from_types(types);
    let found: Vec<_> = bitmap.types().collect();
    assert_eq!(found, [RecordType::A, RecordType::MX, RecordType(1234)]);
    for number in 0..=u16::MAX {
        let rtype = RecordType(number);
        assert_eq!(bitmap.contains(rtype), types.contains(&rtype), "{rtype}");
    }
    assert_eq!(TypeBitmap::from_types([]).types().count(), 0);
    let all = TypeBitmap::from_types((0..=u16::MAX).map(RecordType));
    assert_eq!(all.types().count(), 65_536);
}

#[test]
fn strings_of_text_are_bounded() {
    let longest = [b'a'; 255];
    let txt = Txt::from_strings([&longest[..], b"", b"b"]).expect("fit");
    let strings: Vec<_> = txt.strings().collect();
    assert_eq!(strings, [&longest[..], b"", b"b"]);
    assert!(Txt::from_strings([&[0; 256][..]]).is_err());
    let none = Txt::from_strings([]).expect("fits");
    assert_eq!(none.strings().collect::<Vec<_>>(), [b""]);
}

/// RFC 4034 Appendix B.1: algorithm 1 has its own rule; key tags of the other algorithms are checked with the examples of the RFCs.
#[test]
fn key_tags_of_algorithm_1_come_from_the_modulus() {
    let mut key = Dnskey {
        flags: 256,
        protocol: 3,
        algorithm: Algorithm::RSAMD5,
        public_key: vec![1, 2, 3, 4, 5],
    };
    assert_eq!(key.key_tag(), 0x0304);
    key.public_key.truncate(2);
    assert_eq!(key.key_tag(), 0);
}
