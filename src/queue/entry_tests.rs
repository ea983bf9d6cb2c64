use super::*;
use gateway_lab::random::Random;

fn mailbox(local: &str, host: &str) -> Mailbox {
    Mailbox {
        local: local.to_owned(),
        host: host
            .parse()
            .map(Host::Literal)
            .unwrap_or_else(|_| Host::Domain(Domain::parse(host).expect("a domain"))),
    }
}

fn diagnosis(text: &str) -> Diagnosis {
    Diagnosis {
        status: EnhancedStatus::new(4, 7, 5),
        token: "tlsa-mismatch".to_owned(),
        host: "mx.example.org".to_owned(),
        text: text.to_owned(),
    }
}

/// One of everything.
fn records() -> Vec<Record> {
    let id = QueueId(459_657_338_880_512);
    let recipient = |index, state, last| RecipientChange {
        index,
        state,
        attempts: 3,
        due: Timestamp::from_millis(1_795_536_480_123),
        last,
    };
    let accept = |sender, recipients, eight_bit| {
        Record::Accept(Accept {
            id,
            arrived: Timestamp::from_millis(1_795_536_480_001),
            envelope: Envelope {
                sender,
                recipients,
                eight_bit,
            },
        })
    };
    let all = vec![
        mailbox("user", "security2017.vaucher.org"),
        mailbox("\"a b\"", "192.0.2.1"),
        mailbox("ü", "2001:db8::25"),
    ];
    vec![
        accept(ReversePath::Null, all, false),
        accept(
            ReversePath::Mailbox(mailbox("a", "127.0.0.1")),
            vec![mailbox("b", "127.0.0.2")],
            true,
        ),
        Record::Change(Changed {
            id,
            recipients: vec![
                recipient(0, RecipientState::Pending, Some(diagnosis("deferred"))),
                recipient(1, RecipientState::Delivered, Some(diagnosis(""))),
                recipient(9, RecipientState::Failed, None),
            ],
        }),
        Record::Hold(id, true),
        Record::Hold(id, false),
        Record::Gone(id),
    ]
}

#[test]
fn records_round_trip() {
    for record in records() {
        let octets = record.encode().expect("encodes");
        assert_eq!(Record::decode(record.kind(), &octets), Ok(record));
    }
}

#[test]
fn nothing_may_be_missing_or_left_over() {
    for record in records() {
        let mut octets = record.encode().expect("encodes");
        for length in 0..octets.len() {
            let cut = Record::decode(record.kind(), &octets[..length]);
            assert!(cut.is_err(), "{record:?} cut to {length}");
        }
        octets.push(0);
        assert!(Record::decode(record.kind(), &octets).is_err());
    }
}

#[test]
fn lies_are_named() {
    let id = [0; 8];
    let with = |rest: &[u8]| [&id[..], rest].concat();
    let table: [(u8, Vec<u8>, &str); 6] = [
        (9, with(&[]), "octet 8: expected a known kind of record"),
        (HOLD, with(&[2]), "octet 9: expected a flag of 0 or 1"),
        (HOLD, with(&[]), "octet 8: expected a flag"),
        (GONE, with(&[7]), "octet 8: expected the end of the record"),
        (
            CHANGE,
            with(&[0xff; 4]),
            "octet 12: expected as many items as the count says",
        ),
        (GONE, vec![1, 2], "octet 0: expected a queue id"),
    ];
    for (kind, octets, text) in table {
        let error = Record::decode(kind, &octets).expect_err("a lie");
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn what_does_not_fit_is_not_encoded() {
    let long = "x".repeat(usize::from(u16::MAX) + 1);
    let record = Record::Change(Changed {
        id: QueueId(1),
        recipients: vec![RecipientChange {
            index: 0,
            state: RecipientState::Failed,
            attempts: 1,
            due: Timestamp::default(),
            last: Some(diagnosis(&long)),
        }],
    });
    assert_eq!(record.encode(), None);
}

#[test]
fn mutated_records_decode_or_are_refused() {
    let originals: Vec<(u8, Vec<u8>)> = records()
        .iter()
        .map(|record| (record.kind(), record.encode().expect("encodes")))
        .collect();
    let mut random = Random::new(0x5eed);
    let mut understood = 0;
    for _ in 0..50_000 {
        let (kind, mut octets) = originals[random.below(originals.len())].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(octets.len());
            match random.below(4) {
                0 => octets[at] ^= 1 << random.below(8),
                1 => octets[at] = random.number() as u8,
                2 => octets.truncate(at + 1),
                _ => octets.insert(at, random.number() as u8),
            }
        }
        if let Ok(record) = Record::decode(kind, &octets) {
            understood += 1;
            // A domain may be read in capitals and is written in lower case, so stability is asked of the second round.
            let again = record.encode().expect("what was read can be written");
            assert_eq!(Record::decode(kind, &again), Ok(record));
        }
    }
    assert!(understood > 1000, "{understood}");
}
