use super::*;
use crate::dns::{Rdata, Tlsa};

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
