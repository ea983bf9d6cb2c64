//! Mutated DNS messages: none makes the decoder panic, and what is understood is stable. `DNS_MUTATIONS` sets the number of rounds.

use gateway::dns::{
    Class, EdeCode, Edns, EdnsOption, Message, Name, Question, Record, RecordType, annotate,
    zonefile,
};
use gateway_lab::random::Random;

const ROUNDS: u64 = 1_000_000;
/// The annotation is far slower than the decoder; every so many rounds is enough to meet all of its branches.
const ANNOTATED_EVERY: u64 = 97;

const ZONE: &str = "\
$ORIGIN example.org.
@ SOA ns admin 7 7200 1800 604800 900
@ NS ns
@ NS ns.elsewhere.test.
@ MX 10 mx
@ MX 20 mx2.Provider.test.
@ MX 0 .
@ TXT \"v=spf1 -all\" \"\"
@ DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==
@ RRSIG MX 13 2 3600 20261222235244 20261124235244 25917 @ AAECAwQFBgcICQoLDA0ODw==
@ NSEC _25._tcp.mx NS SOA MX TXT RRSIG NSEC DNSKEY TYPE1234
@ NSEC3PARAM 1 0 12 aabbccdd
child DS 60485 13 2 D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A
2t7b4g4vsa5smi47k61mv5bv1a22bojr NSEC3 1 1 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s MX RRSIG
mx A 192.0.2.1
mx AAAA 2001:db8::1
_25._tcp.mx TLSA 3 1 1 8CB0FC6C527506A053F4F14C8464BEBBD6DEDE2738D11468DD953D7D6A3021F1
_25._tcp.mx TLSA 2 0 2 00
alias CNAME mx
tree DNAME other.test.
4.3.2.1.in-addr PTR mx
_smtp._tcp SRV 0 5 25 mx
x TYPE65280 \\# 4 DEADBEEF
";

/// Queries, answers, denials, referrals and errors made of these records, each with and without EDNS.
fn corpus() -> Vec<Vec<u8>> {
    let records = zonefile::parse(ZONE, &Name::root()).unwrap();
    let mut messages = Vec::new();
    for (number, record) in records.iter().enumerate() {
        let question = Question {
            name: record.name.clone(),
            rtype: record.rtype(),
            class: Class::IN,
        };
        let edns = Edns {
            options: vec![
                EdnsOption::extended_error(EdeCode::BOGUS, "signature expired"),
                EdnsOption::extended_error(EdeCode(4711), ""),
            ],
            ..Edns::query(1232, true)
        };
        let edns = (number % 2 == 0).then_some(edns);
        let mut message = Message::query(number as u16, question, edns);
        messages.push(message.encode());
        message.header.response = true;
        message.answers.push(record.clone());
        let signatures = records
            .iter()
            .filter(|record| record.rtype() == RecordType::RRSIG);
        message.answers.extend(signatures.cloned());
        message.authorities = records.iter().skip(number).take(3).cloned().collect();
        message.additionals = records.iter().rev().skip(number).take(2).cloned().collect();
        messages.push(message.encode());
    }
    let everything = Message {
        answers: records,
        ..Message::decode(&messages[0]).unwrap()
    };
    messages.push(everything.encode());
    messages
}

#[test]
fn a_million_mutated_messages() {
    let rounds = std::env::var("DNS_MUTATIONS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(ROUNDS);
    let corpus = corpus();
    assert!(corpus.len() >= 30);
    let mut random = Random::new(0x5eed);
    let (mut understood, mut records) = (0, 0);
    for round in 0..rounds {
        let mut octets = corpus[random.below(corpus.len())].clone();
        random.mutate(&mut octets);
        let decoded = Message::decode(&octets);
        if round % ANNOTATED_EVERY == 0 {
            let is_called_malformed = annotate::annotate(&octets).contains("malformed DNS message");
            assert_eq!(is_called_malformed, decoded.is_err(), "{octets:02x?}");
        }
        let message = match decoded {
            Ok(message) => message,
            Err(error) => {
                assert!(error.offset <= octets.len(), "{error}: {octets:02x?}");
                continue;
            }
        };
        understood += 1;
        records += message.answers.len();
        let again = message.encode();
        assert_eq!(
            Message::decode(&again).as_ref(),
            Ok(&message),
            "{octets:02x?}"
        );
        if round % ANNOTATED_EVERY == 1 {
            let twice = Message::decode(&again).unwrap().encode();
            assert_eq!(twice, again, "to the case of letters: {octets:02x?}");
            message.answers.iter().for_each(text_is_stable);
        }
    }
    println!("{understood} of {rounds} messages understood, {records} answer records in them");
    assert!(
        understood > rounds / 20,
        "{understood} of {rounds}: the mutations are too wild to test anything"
    );
}

/// What a record is written as reads back as the same record.
fn text_is_stable(record: &Record) {
    let text = record.to_string();
    let again =
        zonefile::parse(&text, &Name::root()).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(again, std::slice::from_ref(record), "{text}");
}

#[test]
fn mutated_zone_files_are_read_or_refused() {
    let mut random = Random::new(0x20e);
    for _ in 0..20_000 {
        let mut octets = ZONE.as_bytes().to_vec();
        random.mutate(&mut octets);
        if let Ok(records) = zonefile::parse(&String::from_utf8_lossy(&octets), &Name::root()) {
            assert!(records.len() <= 40);
        }
    }
}
