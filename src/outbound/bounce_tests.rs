use super::*;
use crate::message::mime::Tree;
use crate::queue::{QueueId, RecipientState};
use crate::smtp::EnhancedStatus;

fn diagnosis(token: &str, text: &str) -> Diagnosis {
    Diagnosis {
        status: EnhancedStatus::new(5, 7, 5),
        token: token.to_owned(),
        host: "mx.example.net".to_owned(),
        text: text.to_owned(),
    }
}

fn entry(sender: &str, recipients: &[&str]) -> Entry {
    let mailbox = |text: &str| Mailbox::parse(text).expect("a mailbox");
    let recipients: Vec<Mailbox> = recipients.iter().map(|text| mailbox(text)).collect();
    let state = |mailbox: &Mailbox| Recipient {
        mailbox: mailbox.clone(),
        state: RecipientState::Failed,
        attempts: 3,
        due: Timestamp::default(),
        last: None,
    };
    Entry {
        id: QueueId(7),
        arrived: Timestamp::from_unix(1_795_536_480),
        size: 100,
        recipients: recipients.iter().map(state).collect(),
        envelope: Envelope {
            sender: match sender {
                "" => ReversePath::Null,
                text => ReversePath::Mailbox(mailbox(text)),
            },
            recipients,
            eight_bit: true,
        },
        held: false,
    }
}

fn report(
    entry: &Entry,
    failed: &[(usize, Diagnosis)],
    content: &[u8],
) -> Option<(Envelope, String)> {
    let (envelope, octets) = build(&Report {
        reporting_mta: &Domain::parse("gw.example.org").expect("a domain"),
        entry,
        failed,
        content,
        now: Timestamp::from_unix(1_795_540_080),
        unique: 0xabc,
    })?;
    Some((envelope, String::from_utf8(octets).expect("ASCII")))
}

/// The bodies of the three parts.
fn parts(message: &str) -> [String; 3] {
    assert!(is_seven_bit(message.as_bytes()), "{message}");
    let tree = Tree::parse(message.as_bytes()).expect("within the limits");
    assert_eq!(tree.doubt, None);
    let types = ["multipart/report", "text/plain", "message/delivery-status"];
    let found = tree.parts.iter().map(|part| part.media_type.as_str());
    assert!(found.take(3).eq(types));
    let last = tree.parts.last().expect("parts");
    assert_eq!(last.media_type, "text/rfc822-headers");
    [&tree.parts[1], &tree.parts[2], last].map(|part| {
        let octets = message.as_bytes().get(part.body_range()).expect("a body");
        let decoded = part.encoding.decode(octets).expect("a known encoding");
        String::from_utf8(decoded).expect("UTF-8")
    })
}

const CONTENT: &[u8] = b"Received: x\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nMessage-ID: <1@example.org>\r\n\r\nsecret body\r\n";

#[test]
fn nobody_is_told_about_a_bounce_or_about_nothing() {
    let failed = [(0, diagnosis("nxdomain", "x"))];
    assert!(report(&entry("", &["b@example.net"]), &failed, CONTENT).is_none());
    let entry = entry("a@example.org", &["b@example.net"]);
    assert!(report(&entry, &[], CONTENT).is_none());
    assert!(report(&entry, &[(1, diagnosis("nxdomain", "x"))], CONTENT).is_none());
}

#[test]
fn the_envelope_goes_back_to_the_sender() {
    let entry = entry("a@example.org", &["b@example.net"]);
    let (envelope, _) =
        report(&entry, &[(0, diagnosis("remote", "x"))], CONTENT).expect("a report");
    assert_eq!(envelope.sender, ReversePath::Null);
    assert_eq!(
        Some(&envelope.recipients[0]),
        entry.envelope.sender.mailbox()
    );
    assert_eq!((envelope.recipients.len(), envelope.eight_bit), (1, false));
}

#[test]
fn the_header_says_what_it_is() {
    let entry = entry("a@example.org", &["b@example.net", "c@example.net"]);
    let (_, message) = report(&entry, &[(1, diagnosis("remote", "x"))], CONTENT).expect("a report");
    let header = Header::parse(message.as_bytes()).expect("a header");
    for (name, value) in [
        ("Date", "Tue, 24 Nov 2026 17:08:00 +0000"),
        ("From", "Mail gateway <MAILER-DAEMON@gw.example.org>"),
        ("To", "a@example.org"),
        ("Subject", "Undelivered: your message to c@example.net"),
        (
            "Message-ID",
            "<1795540080000.abc.0000000007@gw.example.org>",
        ),
        ("In-Reply-To", "<1@example.org>"),
        ("References", "<1@example.org>"),
        ("Auto-Submitted", "auto-replied"),
        ("MIME-Version", "1.0"),
    ] {
        let fields: Vec<_> = header.find(name).map(Field::value).collect();
        assert_eq!(fields, [value.as_bytes()], "{name}");
    }
    let content_type = header.find("Content-Type").next().expect("a type").value();
    assert!(String::from_utf8_lossy(&content_type).contains("report-type=delivery-status;"));
}

#[test]
fn people_read_who_what_and_what_to_do() {
    let entry = entry(
        "a@example.org",
        &["b@example.net", "c@example.net", "d@example.com"],
    );
    let failed = [
        (0, diagnosis("validation-failure", "no record matches")),
        (1, diagnosis("validation-failure", "no record matches")),
        (2, diagnosis("nxdomain", "example.com does not exist ü")),
    ];
    let (_, message) = report(&entry, &failed, CONTENT).expect("a report");
    let [text, ..] = parts(&message);
    let places = [
        "gw.example.org",
        "Your message \"Grüße\" could",
        "    <b@example.net>\r\n",
        "    <c@example.net>\r\n",
        "No encrypted connection",
        "What can be done: Only",
        "Record: 5.7.5 [validation-failure] no record matches\r\n",
        "    <d@example.com>\r\n",
        "does not exist",
        "Record: 5.7.5 [nxdomain] example.com does not exist ü\r\n",
        "0000000007",
    ]
    .map(|part| {
        text.find(part)
            .unwrap_or_else(|| panic!("{part:?} is missing in {text}"))
    });
    assert!(places.is_sorted(), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= COLUMNS),
        "{text}"
    );
    assert!(!message.contains("secret body"));
}

#[test]
fn programs_read_one_block_per_recipient() {
    let entry = entry("a@example.org", &["b@example.net", "\"c c\"@example.net"]);
    let mut other = diagnosis("expired", "ü\r\nAction: delivered");
    other.host = String::new();
    let failed = [(0, diagnosis("remote", "550 5.1.1 unknown")), (1, other)];
    let (_, message) = report(&entry, &failed, CONTENT).expect("a report");
    let [_, status, _] = parts(&message);
    let date = "Tue, 24 Nov 2026 17:08:00 +0000";
    assert_eq!(
        status,
        format!(
            "Reporting-MTA: dns; gw.example.org\r\nArrival-Date: Tue, 24 Nov 2026 16:08:00 +0000\r\n\r\n\
             Final-Recipient: rfc822; b@example.net\r\nAction: failed\r\nStatus: 5.7.5\r\nRemote-MTA: dns; mx.example.net\r\n\
             Diagnostic-Code: x-gateway; [remote] 550 5.1.1 unknown\r\nLast-Attempt-Date: {date}\r\n\r\n\
             Final-Recipient: rfc822; \"c c\"@example.net\r\nAction: failed\r\nStatus: 5.7.5\r\n\
             Diagnostic-Code: x-gateway; [expired] ???Action: delivered\r\nLast-Attempt-Date: {date}\r\n"
        )
    );
}

#[test]
fn header_sections_are_repeated_in_a_form_that_passes() {
    let entry = entry("a@example.org", &["b@example.net"]);
    let failed = [(0, diagnosis("remote", &"long".repeat(1000)))];
    let wide = [b"A: ".to_vec(), vec![b'x'; 2000], b"\r\n\r\n".to_vec()].concat();
    for (content, repeated) in [
        (
            &b"A: 1\r\nB: 2\r\n 3\r\n\r\nbody"[..],
            "A: 1\r\nB: 2\r\n 3\r\n",
        ),
        ("Subject: Grüße\r\n\r\n".as_bytes(), "Subject: Grüße\r\n"),
        (
            b"--=_0000000007-abc: x\r\n\r\n",
            "--=_0000000007-abc: x\r\n",
        ),
        (b"A: \0\n\r\r\n\r\n", "A: \0\n\r\r\n"),
        (b"no header", ""),
        (b"", ""),
        (
            &wide,
            std::str::from_utf8(&wide[..wide.len() - 2]).expect("ASCII"),
        ),
    ] {
        let (_, message) = report(&entry, &failed, content).expect("a report");
        let [.., found] = parts(&message);
        assert_eq!(found, repeated);
    }
}

#[test]
fn long_header_sections_are_cut_between_fields() {
    let entry = entry("a@example.org", &["b@example.net"]);
    let content = b"A-Field: with a value\r\n".repeat(10_000);
    let (_, message) =
        report(&entry, &[(0, diagnosis("remote", "x"))], &content).expect("a report");
    let [.., found] = parts(&message);
    assert!(found.len() <= HEADER_REPEATED_MAX && found.len() > HEADER_REPEATED_MAX - 100);
    assert!(found.lines().all(|line| line == "A-Field: with a value"));
    let many = b"a:\r\n".repeat(20_000);
    assert!(report(&entry, &[(0, diagnosis("remote", "x"))], &many).is_some());
}

#[test]
fn only_a_real_message_id_is_referred_to() {
    for (value, is_one) in [
        ("<a@b>", true),
        (" <a@b> ", true),
        ("a@b", false),
        ("<a b@c>", false),
        ("<a@b> <c@d>", false),
        ("<ä@b>", false),
        ("<>", false),
    ] {
        let content = format!("Message-ID: {value}\r\n\r\n");
        let fields = header_to_repeat(content.as_bytes());
        assert_eq!(message_id(&fields).is_some(), is_one, "{value}");
    }
}
