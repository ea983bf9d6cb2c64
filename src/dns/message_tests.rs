use super::*;
use crate::dns::{EdnsOption, OptionCode, Rdata, Tlsa};

fn name(text: &str) -> Name {
    text.parse().expect("a name")
}

fn record(owner: &str, data: Rdata) -> Record {
    Record {
        name: name(owner),
        class: Class::IN,
        ttl: 3600,
        data,
    }
}

fn answer() -> Message {
    let question = Question {
        name: name("eXample.org"),
        rtype: RecordType::MX,
        class: Class::IN,
    };
    let mut message = Message::query(7, question, Some(Edns::query(1232, true)));
    message.header.response = true;
    message.header.authentic_data = true;
    for preference in [10, 20] {
        let exchange = name(&format!("mx{preference}.example.org"));
        let data = Rdata::Mx {
            preference,
            exchange,
        };
        message.answers.push(record("eXample.org", data));
    }
    let tlsa = Tlsa {
        usage: 3,
        selector: 1,
        matching: 1,
        data: vec![0xab; 32],
    };
    message
        .additionals
        .push(record("_25._tcp.mx10.example.org", Rdata::Tlsa(tlsa)));
    message
}

#[test]
fn a_message_round_trips() {
    let message = answer();
    let octets = message.encode();
    assert_eq!(Message::decode(&octets), Ok(message.clone()));
    let text = message.answers[0].to_string();
    assert_eq!(text, "eXample.org. 3600 IN MX 10 mx10.example.org.");
}

#[test]
fn names_are_compressed_letter_for_letter() {
    let octets = answer().encode();
    let pointers = octets.iter().filter(|octet| **octet == 0xC0).count();
    assert!(pointers >= 4, "{octets:02x?}");
    assert!(octets.windows(8).any(|window| window == b"\x07eXample"));
}

#[test]
fn every_shorter_or_longer_message_is_refused() {
    let mut octets = answer().encode();
    for length in 0..octets.len() {
        assert!(Message::decode(&octets[..length]).is_err(), "{length}");
    }
    octets.push(0);
    let error = Message::decode(&octets).expect_err("a trailing octet");
    assert_eq!(error.fault, Fault::TrailingOctets);
}

#[test]
fn what_does_not_fit_is_truncated() {
    let message = answer();
    let octets = message.encode_within(60);
    assert!(octets.len() <= 60);
    let short = Message::decode(&octets).expect("a message");
    assert!(short.header.truncated && short.answers.is_empty());
    assert_eq!(short.edns, message.edns);
}

#[test]
fn rcodes_are_put_together() {
    let mut message = answer();
    message.set_rcode(Rcode::BADVERS);
    assert_eq!(message.header.rcode, Rcode::NOERROR);
    let decoded = Message::decode(&message.encode()).expect("a message");
    assert_eq!(decoded.rcode(), Rcode::BADVERS);
}

fn question(text: &str, rtype: RecordType) -> Question {
    Question {
        name: name(text),
        rtype,
        class: Class::IN,
    }
}

fn mx_answer() -> Message {
    let asked = question("security2017.vaucher.org.", RecordType::MX);
    let mut answer = Message::query(0xBEEF, asked, Some(Edns::query(1232, true)));
    answer.header.response = true;
    answer.header.recursion_available = true;
    answer.header.authentic_data = true;
    answer.answers.push(Record {
        ttl: 300,
        ..record(
            "security2017.vaucher.org.",
            Rdata::Mx {
                preference: 10,
                exchange: name("mailtest.vaucher.org."),
            },
        )
    });
    answer
}

#[test]
fn a_query_is_encoded_octet_by_octet() {
    let query = Message::query(
        0x1234,
        question("Org.", RecordType::MX),
        Some(Edns::query(1232, true)),
    );
    let expected = [
        &b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"[..],
        b"\x03Org\x00\x00\x0F\x00\x01",
        b"\x00\x00\x29\x04\xD0\x00\x00\x80\x00\x00\x00",
    ]
    .concat();
    assert_eq!(query.encode(), expected);
    assert_eq!(Message::decode(&expected), Ok(query));
}

#[test]
fn an_answer_is_compressed_and_read_back() {
    let answer = mx_answer();
    let octets = answer.encode();
    let expected = [
        &b"\xBE\xEF\x81\xA0\x00\x01\x00\x01\x00\x00\x00\x01"[..],
        b"\x0Csecurity2017\x07vaucher\x03org\x00\x00\x0F\x00\x01",
        b"\xC0\x0C\x00\x0F\x00\x01\x00\x00\x01\x2C\x00\x0D",
        b"\x00\x0A\x08mailtest\xC0\x19",
        b"\x00\x00\x29\x04\xD0\x00\x00\x80\x00\x00\x00",
    ]
    .concat();
    assert_eq!(octets, expected);
    assert_eq!(Message::decode(&octets), Ok(answer));
}

#[test]
fn every_flag_has_its_own_bit() {
    for (bit, flags) in [
        (0x8000, "response"),
        (0x0400, "authoritative"),
        (0x0200, "truncated"),
        (0x0100, "recursion_desired"),
        (0x0080, "recursion_available"),
        (0x0020, "authentic_data"),
        (0x0010, "checking_disabled"),
        (0x7800, "opcode"),
        (0x000F, "rcode"),
        (0x0000, "none"),
    ] {
        let octets = [&[0, 7][..], &u16::to_be_bytes(bit), &[0; 8]].concat();
        let message = Message::decode(&octets).expect("valid");
        let header = message.header;
        let found = [
            (header.response, "response"),
            (header.authoritative, "authoritative"),
            (header.truncated, "truncated"),
            (header.recursion_desired, "recursion_desired"),
            (header.recursion_available, "recursion_available"),
            (header.authentic_data, "authentic_data"),
            (header.checking_disabled, "checking_disabled"),
            (header.opcode == Opcode(15), "opcode"),
            (header.rcode == Rcode(15), "rcode"),
        ];
        for (is_set, name) in found {
            assert_eq!(is_set, name == flags, "{flags}: {name}");
        }
        assert_eq!(message.encode(), octets);
    }
}

#[test]
fn extended_errors_come_with_their_texts() {
    let mut answer = mx_answer();
    let edns = answer.edns.as_mut().expect("set");
    let raw = |data: &[u8]| EdnsOption {
        code: OptionCode::EXTENDED_ERROR,
        data: data.to_vec(),
    };
    edns.options = vec![
        EdnsOption::extended_error(EdeCode::BOGUS, "signature failed"),
        EdnsOption {
            code: OptionCode::PADDING,
            data: vec![0; 4],
        },
        raw(b"\x00\x0A\xFFa\x00"),
        raw(b"\x00"),
    ];
    let read = Message::decode(&answer.encode()).expect("valid");
    assert_eq!(read, answer);
    assert_eq!(
        read.extended_errors(),
        [
            (EdeCode(6), "signature failed".to_owned()),
            (EdeCode(10), "\u{FFFD}a".to_owned()),
        ]
    );
}

#[test]
fn a_message_never_outgrows_its_length_field() {
    let big = |octets| {
        let data = Rdata::Unknown {
            rtype: RecordType(65280),
            data: vec![7; octets],
        };
        record("big.example.", data)
    };
    let mut answer = mx_answer();
    for (what, answers) in [
        ("the message", vec![big(40_000), big(40_000)]),
        ("the data", vec![big(70_000)]),
    ] {
        answer.answers = answers;
        let read = Message::decode(&answer.encode()).expect(what);
        assert!(read.answers.is_empty() && read.header.truncated, "{what}");
        assert_eq!(read.edns, answer.edns, "{what}");
    }
    let padding = EdnsOption {
        code: OptionCode::PADDING,
        data: vec![0; 65_532],
    };
    answer.edns.as_mut().expect("set").options.push(padding);
    let read = Message::decode(&answer.encode()).expect("options that do not fit are left out");
    assert_eq!(read.edns, Some(Edns::query(1232, true)));
}

#[test]
fn lies_are_errors() {
    let good = mx_answer().encode();
    let with = |offset: usize, octets: &[u8]| {
        let mut message = good.clone();
        message[offset..offset + octets.len()].copy_from_slice(octets);
        message
    };
    let opt = good.len() - 11;
    let longer = [&good[..], &[0]].concat();
    // The answer becomes an additional record of type OPT.
    let mut owned_opt = with(6, &[0, 0, 0, 0, 0, 2]);
    owned_opt[45] = 0x29;
    let two_opts = [&with(10, &[0, 2])[..], &good[opt..]].concat();
    for (what, message, offset, fault) in [
        ("cut header", good[..11].to_vec(), 10, Fault::Truncated),
        (
            "cut",
            good[..good.len() - 1].to_vec(),
            good.len() - 2,
            Fault::Truncated,
        ),
        ("more octets", longer, good.len(), Fault::TrailingOctets),
        ("one question more", with(4, &[0, 2]), 59, Fault::Truncated),
        ("no question", with(4, &[0, 0]), 48, Fault::Truncated),
        (
            "65535 answers",
            with(6, &[0xFF, 0xFF]),
            opt,
            Fault::OptMisplaced,
        ),
        (
            "65535 additionals",
            with(10, &[0xFF, 0xFF]),
            good.len(),
            Fault::Truncated,
        ),
        (
            "no additional",
            with(10, &[0, 0]),
            opt,
            Fault::TrailingOctets,
        ),
        ("rdata too short", with(52, &[0, 12]), 66, Fault::Truncated),
        (
            "rdata too long",
            with(52, &[0, 14]),
            67,
            Fault::RdataTooLong,
        ),
        (
            "rdata over the end",
            with(52, &[0xFF, 0xFF]),
            54,
            Fault::Truncated,
        ),
        (
            "three additionals for two",
            with(6, &[0, 0, 0, 0, 0, 3]),
            good.len(),
            Fault::Truncated,
        ),
        (
            "OPT as authority",
            with(8, &[0, 1, 0, 0]),
            opt,
            Fault::OptMisplaced,
        ),
        ("two OPTs", two_opts, good.len(), Fault::OptRepeated),
        ("OPT with an owner", owned_opt, 42, Fault::OptOwner),
        (
            "owner points to itself",
            with(42, &[0xC0, 0x2A]),
            42,
            Fault::PointerForward,
        ),
    ] {
        let error = Message::decode(&message).expect_err(what);
        assert_eq!((error.offset, error.fault), (offset, fault), "{what}");
    }
    let error = Message::decode(&vec![0; 65_536]).expect_err("too long");
    assert_eq!(error.fault, Fault::MessageTooLong);
    assert_eq!(
        error.to_string(),
        "malformed DNS message at octet 65535: the message is longer than 65535 octets"
    );
}

#[test]
fn a_negative_time_to_live_is_zero() {
    let mut octets = mx_answer().encode();
    octets[48] = 0x80;
    assert_eq!(Message::decode(&octets).expect("valid").answers[0].ttl, 0);
}
