//! Which recipients are delivered, fail, wait, or go to the next host: one row per line of the table above.

use super::*;
use crate::outbound::Level;
use crate::outbound::attempt::{Means, walk};
use crate::outbound::fakes::{FakeDns, FakeNet, Server, settings, summary};
use crate::smtp::Host;

const DNS: [&str; 5] = [
    "d.test MX secure 10 a.d.test., 20 b.d.test.",
    "a.d.test A secure 192.0.2.1",
    "b.d.test A secure 192.0.2.2",
    "_25._tcp.a.d.test TLSA secure good",
    "_25._tcp.b.d.test TLSA secure good",
];

/// Delivers to these local parts at d.test; one line for each that has an answer, then how many are left.
fn deliver(
    locals: &[&str],
    net: &FakeNet,
    content: &dyn Fn() -> Result<Vec<u8>, SpoolError>,
) -> (Vec<String>, usize) {
    let (dns, settings) = (FakeDns::new(&DNS), settings(Level::DaneOnly));
    let means = Means {
        settings: &settings,
        resolver: &dns,
        connector: net,
        breaker: None,
        memory: &crate::outbound::Memory::default(),
        now: crate::time::Timestamp::now(),
        is_stopping: &|| false,
    };
    let waiting = locals.iter().enumerate().map(|(index, local)| Waiting {
        index,
        mailbox: Mailbox::parse(&format!("{local}@d.test")).expect("a mailbox"),
    });
    let (id, sender) = (QueueId(1), ReversePath::Null);
    let mut delivery = Delivery::new(id, &sender, false, content, waiting.collect());
    let destination = Host::parse("d.test").expect("a domain");
    let decision = walk(means, &destination, &mut delivery, &mut || 0);
    let answers = delivery.answered.iter().map(|(index, record)| {
        let local = locals.get(*index).expect("a recipient");
        format!("{local}: {} at {}", summary(&record.cause), record.host())
    });
    let mut answers: Vec<String> = answers.collect();
    let left = delivery.pending.len();
    if left > 0 {
        answers.push(format!("left: {}", summary(&decision.deciding.cause)));
    }
    (answers, left)
}

#[test]
#[rustfmt::skip]
fn recipients_get_their_answers() {
    type Row = (&'static str, &'static [&'static str], Server, &'static [&'static str], &'static [&'static str]);
    let rows: [Row; 6] = [
        ("each its own", &["x", "no1", "later1"], Server::Presents(b"certificate"),
            &["x: deliver 2.0.0 ok at a.d.test", "no1: reject 5.0.0 remote at a.d.test", "later1: defer 4.0.0 remote at a.d.test"],
            &["192.0.2.1 x@d.test"]),
        ("MAIL later", &["x", "no1"], Server::MailLater,
            &["x: deliver 2.0.0 ok at b.d.test", "no1: reject 5.0.0 remote at b.d.test"],
            &["192.0.2.2 x@d.test"]),
        ("S13 before the content", &["x"], Server::Breaks(Phase::Recipient),
            &["x: deliver 2.0.0 ok at b.d.test"], &["192.0.2.2 x@d.test"]),
        ("S13 within the content", &["x"], Server::Breaks(Phase::Data),
            &["x: deliver 2.0.0 ok at b.d.test"], &["192.0.2.2 x@d.test"]),
        ("S13 after the content", &["x", "y"], Server::Breaks(Phase::FinalDot),
            &["x: defer 4.4.2 conn-lost at a.d.test", "y: defer 4.4.2 conn-lost at a.d.test"], &[]),
        ("T04", &["x"], Server::Presents(b"another"),
            &["x: deliver 2.0.0 ok at b.d.test"], &["192.0.2.2 x@d.test"]),
    ];
    for (name, locals, first, expected, taken) in rows {
        let net = FakeNet::new(&[("192.0.2.1", first)]);
        let (answers, _) = deliver(locals, &net, &|| Ok(b"x\r\n".to_vec()));
        assert_eq!(answers, expected, "{name}");
        assert_eq!(net.taken(), taken, "{name}");
    }
}

/// RFC 5321 §3.8: 421 says that the server closes, not what it thinks of the recipient or of the message.
#[test]
fn a_server_that_closes_decides_nothing() {
    for (reply, phase, goes_on) in [
        ("450 4.2.1 later", Phase::Recipient, false),
        ("451 4.3.0 later", Phase::Data, false),
        ("451 4.3.0 later", Phase::FinalDot, false),
        ("421 4.3.2 closing", Phase::Recipient, true),
        ("421 4.3.2 closing", Phase::Data, true),
        ("421 4.3.2 closing", Phase::FinalDot, true),
    ] {
        let text = reply.as_bytes();
        let failure = Failure {
            reply: Some(Reply::parse(&[text]).expect("a reply")),
            ..crate::outbound::fakes::failure(Reason::RemoteTransient, phase, "as told")
        };
        assert_eq!(is_for_next_host(&failure), goes_on, "{reply} to {phase}");
    }
}

#[test]
fn without_a_host_everybody_waits() {
    let lost = Server::Fails(Reason::Connect, Phase::Connect);
    let net = FakeNet::new(&[("192.0.2.1", lost), ("192.0.2.2", lost)]);
    let (answers, left) = deliver(&["x", "y"], &net, &|| panic!("nobody asked for it"));
    assert_eq!(
        (answers.as_slice(), left),
        (&["left: defer 4.4.1 connect".to_owned()][..], 2)
    );
}

#[test]
fn content_is_read_once_and_only_for_a_verified_server() {
    let reads = std::cell::Cell::new(0);
    let content = || {
        reads.set(reads.get() + 1);
        Ok(b"x\r\n".to_vec())
    };
    let net = FakeNet::new(&[
        ("192.0.2.1", Server::MailLater),
        ("192.0.2.2", Server::MailLater),
    ]);
    deliver(&["x"], &net, &content);
    assert_eq!((reads.get(), net.contacts().len()), (1, 2));
}

/// The record of a host says what became of all of them.
#[test]
fn records_sum_up() {
    let mut delivery = Delivery::new(
        QueueId(1),
        &ReversePath::Null,
        false,
        &|| Ok(vec![]),
        vec![],
    );
    let mailbox = Mailbox::parse("x@d.test").expect("a mailbox");
    delivery.pending = (0..2)
        .map(|index| Waiting {
            index,
            mailbox: mailbox.clone(),
        })
        .collect();
    let taken = Reply::parse(&[b"250 2.6.0 queued"]).expect("a reply");
    let refused =
        crate::outbound::fakes::failure(Reason::RemotePermanent, Phase::Recipient, "unknown");
    let ended = delivery.sort(vec![Ok(taken), Err(refused)]);
    assert_eq!(ended.next, Next::Enough);
    assert_eq!(ended.cause.status.to_string(), "2.6.0");
    assert_eq!(
        ended.cause.text,
        "1 of 2 recipients were taken, the server said \"250 2.6.0 queued\"; of the others the first: 5.0.0 unknown"
    );
}
