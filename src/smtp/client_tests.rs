use super::*;
use gateway_lab::random::Random;

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).expect("a mailbox")
}

fn mailboxes(count: usize) -> Vec<Mailbox> {
    (0..count)
        .map(|n| mailbox(&format!("r{n}@d.test")))
        .collect()
}

fn reply(line: &str) -> Reply {
    Reply::parse(&[line.as_bytes()]).expect("a reply")
}

fn offering(pipelining: bool) -> Extensions {
    Extensions {
        pipelining,
        eight_bit_mime: true,
        size: Some(0),
        ..Extensions::default()
    }
}

/// Plays a server that answers each line as `answers` says (first match of the line's beginning; else the usual) and returns what went
/// over the wire: `C:` lines per write, joined by `|`, and the outcome.
fn play(
    mut transaction: Transaction<'_>,
    answers: &[(&str, &str)],
) -> (Vec<String>, Result<Outcome, Unexpected>) {
    let mut writes = Vec::new();
    let mut queue = std::collections::VecDeque::new();
    for _ in 0..10_000 {
        match transaction.step() {
            Step::Send(lines) => {
                let text = String::from_utf8(lines).expect("ASCII");
                let text = text.strip_suffix("\r\n").expect("whole lines");
                queue.extend(text.split("\r\n").map(str::to_owned));
                writes.push(text.replace("\r\n", "|"));
            }
            Step::Content(content) => {
                let wire: Vec<u8> = Blocks::new(content).flatten().collect();
                let text = String::from_utf8(wire).expect("ASCII");
                writes.push(text.replace("\r\n", "|"));
                queue.push_back(".".to_owned());
            }
            Step::Receive(_) => {
                let line = queue.pop_front().expect("waits only for what was sent");
                let scripted = answers.iter().find(|(start, _)| line.starts_with(start));
                let usual = if line == "DATA" {
                    "354 go"
                } else {
                    "250 2.0.0 fine"
                };
                let answer = scripted.map_or(usual, |(_, answer)| answer);
                if let Err(unexpected) = transaction.reply(reply(answer)) {
                    return (writes, Err(unexpected));
                }
            }
            Step::Done => return (writes, Ok(transaction.finish())),
        }
    }
    panic!("no end");
}

struct Sent {
    recipients: Vec<Mailbox>,
    sender: ReversePath,
}

impl Sent {
    fn to(count: usize) -> Self {
        Self {
            recipients: mailboxes(count),
            sender: ReversePath::Mailbox(mailbox("s@c.test")),
        }
    }

    fn mail<'a>(&'a self, content: &'a [u8]) -> Mail<'a> {
        Mail {
            sender: &self.sender,
            recipients: &self.recipients,
            eight_bit: false,
            content,
        }
    }

    fn play(
        &self,
        pipelining: bool,
        answers: &[(&str, &str)],
    ) -> (Vec<String>, Result<Outcome, Unexpected>) {
        let mail = self.mail(b"Hi\r\n");
        let transaction = Transaction::new(mail, offering(pipelining), false).expect("sendable");
        play(transaction, answers)
    }
}

/// `+` for a delivered recipient, `p` and `t` for a permanent and a transient refusal.
fn marks(outcome: &Outcome) -> String {
    let mark = |receipt: &Result<Reply, Refusal>| match receipt {
        Ok(_) => '+',
        Err(refusal) if refusal.is_permanent => 'p',
        Err(_) => 't',
    };
    outcome.receipts.iter().map(mark).collect()
}

#[test]
fn commands_go_in_one_group_or_one_by_one() {
    let sent = Sent::to(2);
    let (writes, outcome) = sent.play(true, &[]);
    assert_eq!(
        writes,
        [
            "MAIL FROM:<s@c.test> SIZE=4|RCPT TO:<r0@d.test>|RCPT TO:<r1@d.test>|DATA",
            "Hi|.|"
        ]
    );
    assert_eq!(marks(&outcome.expect("in step")), "++");
    let (writes, outcome) = sent.play(false, &[]);
    assert_eq!(
        writes,
        [
            "MAIL FROM:<s@c.test> SIZE=4",
            "RCPT TO:<r0@d.test>",
            "RCPT TO:<r1@d.test>",
            "DATA",
            "Hi|.|"
        ]
    );
    let outcome = outcome.expect("in step");
    assert_eq!((outcome.is_open, outcome.is_closing), (false, false));
}

/// Refusals at every command, with and without pipelining: the same receipts; and whether the transaction is left open.
#[test]
fn refusals_at_each_command() {
    for (answers, expected, is_open) in [
        (&[("MAIL", "550 5.7.1 no")][..], "ppp", false),
        (&[("MAIL", "451 4.3.0 later")], "ttt", false),
        (
            &[("MAIL", "550 no"), ("RCPT", "503 no"), ("DATA", "503 no")],
            "ppp",
            false,
        ),
        (&[("RCPT TO:<r1", "550 5.1.1 unknown")], "+p+", false),
        (
            &[("RCPT TO:<r1", "450 4.2.1 busy"), ("RCPT TO:<r2", "550 no")],
            "+tp",
            false,
        ),
        (
            &[("RCPT", "550 5.1.1 unknown"), ("DATA", "554 nobody")],
            "ppp",
            true,
        ),
        (&[("RCPT", "550 5.1.1 unknown")], "ppp", true),
        (
            &[
                ("RCPT TO:<r0", "552 full"),
                ("RCPT TO:<r1", "552 5.5.3 many"),
                ("RCPT TO:<r2", "552 5.2.2 quota"),
            ],
            "ttp",
            true,
        ),
        (&[("DATA", "451 later")], "ttt", true),
        (
            &[("DATA", "554 5.7.0 no"), ("RCPT TO:<r0", "450 busy")],
            "tpp",
            true,
        ),
        (&[(".", "554 5.6.0 spam")], "ppp", false),
        (
            &[(".", "552 5.3.4 too big"), ("RCPT TO:<r0", "450 busy")],
            "tpp",
            false,
        ),
        (&[(".", "451 4.3.0 disk")], "ttt", false),
    ] {
        for pipelining in [true, false] {
            let (_, outcome) = Sent::to(3).play(pipelining, answers);
            let outcome = outcome.expect("in step");
            assert_eq!(marks(&outcome), expected, "{answers:?} {pipelining}");
            // With pipelining the lone dot has ended the transaction that a server opened for nobody.
            let is_ended = pipelining && expected_dot(answers);
            assert_eq!(
                outcome.is_open,
                is_open && !is_ended,
                "{answers:?} {pipelining}"
            );
            assert!(!outcome.is_closing);
        }
    }
}

/// Whether every recipient is refused and DATA is not.
fn expected_dot(answers: &[(&str, &str)]) -> bool {
    answers.iter().all(|(point, _)| point.starts_with("RCPT"))
}

#[test]
fn a_go_ahead_for_nobody_gets_only_a_dot() {
    for answers in [[("RCPT", "550 no")], [("MAIL", "550 no")]] {
        let (writes, outcome) = Sent::to(2).play(true, &answers);
        assert_eq!(writes.last().expect("written"), ".|");
        assert_eq!(marks(&outcome.expect("in step")), "pp");
        let (writes, _) = Sent::to(2).play(false, &answers);
        assert!(!writes.iter().any(|line| line == "DATA"), "{writes:?}");
    }
}

#[test]
fn a_closing_server_is_left_alone() {
    for (point, expected, writes_until_then) in [
        ("MAIL", "ttt", 1),
        ("RCPT TO:<r1", "ttt", 3),
        ("DATA", "ttt", 5),
        (".", "ttt", 6),
    ] {
        let answers = [(point, "421 4.3.2 closing")];
        let (writes, outcome) = Sent::to(3).play(false, &answers);
        let outcome = outcome.expect("in step");
        assert_eq!(marks(&outcome), expected);
        assert!(outcome.is_closing);
        assert_eq!(writes.len(), writes_until_then, "{writes:?}");
    }
    let (_, outcome) = Sent::to(3).play(
        true,
        &[("RCPT TO:<r0", "550 no"), ("RCPT TO:<r1", "421 bye")],
    );
    assert_eq!(marks(&outcome.expect("in step")), "ptt");
}

#[test]
fn replies_that_answer_nothing_end_it() {
    for (point, answer, command) in [
        ("MAIL", "354 go", Command::Mail),
        ("RCPT", "354 go", Command::Recipient(0)),
        ("DATA", "250 fine", Command::Data),
        (".", "354 more", Command::Content),
    ] {
        let (_, outcome) = Sent::to(2).play(true, &[(point, answer)]);
        assert_eq!(outcome.expect_err("out of step").command, command);
    }
}

/// However many recipients there are, what is under way stays bounded.
#[test]
fn groups_are_bounded() {
    let sent = Sent::to(170);
    let (writes, outcome) = sent.play(true, &[("RCPT TO:<r99@", "550 no")]);
    assert!(
        writes
            .iter()
            .all(|write| write.split('|').count() <= PIPELINE_MAX)
    );
    assert!(writes.len() < 170);
    let marks = marks(&outcome.expect("in step"));
    assert_eq!((marks.len(), marks.find('p')), (170, Some(99)));
    assert_eq!(marks.matches('+').count(), 169);
}

#[test]
fn an_open_transaction_is_reset_first() {
    let sent = Sent::to(1);
    let begin = |pipelining| {
        Transaction::new(sent.mail(b""), offering(pipelining), true).expect("sendable")
    };
    let (writes, outcome) = play(begin(true), &[]);
    assert!(
        writes[0].starts_with("RSET|MAIL FROM:<s@c.test> SIZE=0|RCPT"),
        "{writes:?}"
    );
    assert_eq!(writes[1], ".|");
    assert_eq!(marks(&outcome.expect("in step")), "+");
    let (writes, outcome) = play(begin(false), &[("RSET", "500 what")]);
    assert_eq!(writes, ["RSET"].map(str::to_owned)[..writes.len().min(1)]);
    assert_eq!(marks(&outcome.expect("in step")), "p");
}

#[test]
fn parameters_only_where_offered() {
    let sent = Sent {
        sender: ReversePath::Null,
        ..Sent::to(1)
    };
    let none = Extensions::default();
    let body = Extensions {
        eight_bit_mime: true,
        ..none
    };
    let size = Extensions {
        size: Some(100),
        ..none
    };
    for (extensions, eight_bit, content, expected) in [
        (none, false, "a\r\n", "MAIL FROM:<>"),
        (none, true, "a\r\n", "MAIL FROM:<>"),
        (body, false, "a\r\n", "MAIL FROM:<>"),
        (body, true, "a\r\n", "MAIL FROM:<> BODY=8BITMIME"),
        (body, false, "ä\r\n", "MAIL FROM:<> BODY=8BITMIME"),
        (size, false, "a\r\n", "MAIL FROM:<> SIZE=3"),
        (size, false, "a", "MAIL FROM:<> SIZE=3"),
        (size, false, ".a\r\n", "MAIL FROM:<> SIZE=4"),
    ] {
        let mail = Mail {
            eight_bit,
            ..sent.mail(content.as_bytes())
        };
        let mut transaction = Transaction::new(mail, extensions, false).expect("sendable");
        assert_eq!(
            transaction.step(),
            Step::Send(format!("{expected}\r\n").into_bytes())
        );
    }
}

#[test]
fn what_a_server_cannot_take_is_not_sent() {
    let sent = Sent::to(1);
    let limit = |size| Extensions {
        size: Some(size),
        ..Extensions::default()
    };
    let refusal =
        |content: &[u8], extensions| Transaction::new(sent.mail(content), extensions, false).err();
    assert_eq!(
        refusal("ä\r\n".as_bytes(), limit(0)),
        Some(Unsendable::EightBit)
    );
    assert_eq!(
        refusal(b"12345678\r\n", limit(9)),
        Some(Unsendable::TooBig { limit: 9 })
    );
    assert_eq!(refusal(b"12345678\r\n", limit(10)), None);
    assert_eq!(
        refusal(b"12345678", limit(9)),
        Some(Unsendable::TooBig { limit: 9 })
    );
    assert_eq!(refusal(b"12345678\r\n", limit(0)), None);
    let mut forged = Sent::to(1);
    forged.recipients[0].local = "a@d.test>\r\nRCPT TO:<b".to_owned();
    let refusal = Transaction::new(forged.mail(b""), limit(0), false).err();
    assert_eq!(refusal, Some(Unsendable::Address));
}

#[test]
fn extensions_are_read_in_any_case() {
    let lines: Vec<String> = [
        "mx.test says hi",
        "size 1000",
        "8bitMIME",
        "Pipelining",
        "STARTTLS",
        "X-NEW 1",
        "",
        "ENHANCEDSTATUSCODES",
    ]
    .map(str::to_owned)
    .to_vec();
    let extensions = Extensions::parse(&Reply::plain(ReplyCode::OK, lines));
    let expected = Extensions {
        start_tls: true,
        pipelining: true,
        eight_bit_mime: true,
        enhanced_status_codes: true,
        size: Some(1000),
    };
    assert_eq!(extensions, expected);
    for (line, size) in [
        ("SIZE", Some(0)),
        ("SIZE x", Some(0)),
        ("SIZE 99999999999999999999", Some(0)),
        ("SIZES 1", None),
    ] {
        let reply = Reply::plain(ReplyCode::OK, vec!["STARTTLS".to_owned(), line.to_owned()]);
        let expected = Extensions {
            size,
            ..Extensions::default()
        };
        assert_eq!(
            Extensions::parse(&reply),
            expected,
            "the first line is a name"
        );
    }
}

#[test]
fn messages_are_dot_stuffed() {
    for (content, wire) in [
        ("", ".\r\n"),
        ("a\r\n", "a\r\n.\r\n"),
        ("a", "a\r\n.\r\n"),
        ("\r\n", "\r\n.\r\n"),
        (".\r\n", "..\r\n.\r\n"),
        ("a\r\n.\r\nb\r\n..c\r\n", "a\r\n..\r\nb\r\n...c\r\n.\r\n"),
        ("a.b\r\n", "a.b\r\n.\r\n"),
        ("a\n.\nb\n", "a\r\n..\r\nb\r\n.\r\n"),
        ("a\r.\rb", "a\r\n..\r\nb\r\n.\r\n"),
        ("a\r\r\n.\r\n", "a\r\n\r\n..\r\n.\r\n"),
        ("a\n\r\n", "a\r\n\r\n.\r\n"),
    ] {
        let sent: Vec<u8> = Blocks::new(content.as_bytes()).flatten().collect();
        assert_eq!(String::from_utf8(sent).expect("ASCII"), wire, "{content:?}");
    }
}

/// Whatever the message: undoing the stuffing gives it back, only the end ends it, and no block is large.
#[test]
fn stuffing_can_be_undone() {
    let mut random = Random::new(7);
    for round in 0..2000 {
        let length = random.below(if round % 50 == 0 { 40_000 } else { 40 });
        let mut content: Vec<u8> = Vec::new();
        while content.len() < length {
            match random.below(4) {
                0 => content.extend_from_slice(b"\r\n"),
                1 => content.push(b'.'),
                2 if round % 3 == 0 => content.extend_from_slice(&[b'x'; 20_000]),
                _ => content.push(b'a'),
            }
        }
        content.extend_from_slice(b"\r\n");
        let blocks: Vec<Vec<u8>> = Blocks::new(&content).collect();
        assert!(blocks.iter().all(|block| block.len() <= 3 * 16 * 1024));
        let wire = blocks.concat();
        let body = wire.strip_suffix(b".\r\n").expect("a final dot");
        let lines = body.split_inclusive(|octet| *octet == b'\n');
        let undone: Vec<u8> = lines
            .flat_map(|line| line.strip_prefix(b".").unwrap_or(line))
            .copied()
            .collect();
        assert_eq!(undone, content);
        assert!(!body.starts_with(b".\r\n") && !body.windows(5).any(|five| five == b"\r\n.\r\n"));
    }
}

/// Everything the reader gives out for octets that arrive in pieces of `size`, until it ends or fails.
fn read(
    octets: &[u8],
    mut size: impl FnMut() -> usize,
) -> (Vec<Reply>, Option<super::super::ReplyError>) {
    let mut reader = ReplyReader::default();
    let mut replies = Vec::new();
    let mut rest = octets;
    loop {
        match reader.reply() {
            Ok(Some(reply)) => replies.push(reply),
            Ok(None) if rest.is_empty() => return (replies, None),
            Ok(None) => {
                let (piece, later) = rest.split_at(size().clamp(1, rest.len()));
                reader.push(piece);
                rest = later;
            }
            Err(error) => return (replies, Some(error)),
        }
    }
}

const DIALOGUE: &[u8] =
    b"220 mx.test ESMTP\r\n250-mx.test\r\n250-SIZE 5\r\n250 PIPELINING\n250 2.1.0 ok\r\n\
    550-5.1.1 no\r\n550-5.1.1 such\r\n550 5.1.1 user\r\n354\r\n";

#[test]
fn replies_read_the_same_however_they_arrive() {
    let (whole, error) = read(DIALOGUE, || usize::MAX);
    assert_eq!(error, None);
    let codes: Vec<u16> = whole.iter().map(|reply| reply.code.number()).collect();
    assert_eq!(codes, [220, 250, 250, 550, 354]);
    assert_eq!(whole[3].enhanced, Some(EnhancedStatus::new(5, 1, 1)));
    assert_eq!(whole[3].text(), "no such user");
    for size in 1..20 {
        assert_eq!(read(DIALOGUE, || size), (whole.clone(), None));
    }
}

#[test]
fn what_is_unread_can_be_seen() {
    let mut reader = ReplyReader::default();
    reader.push(b"220 go\r\n250 injected");
    assert!(reader.reply().expect("sound").is_some());
    assert_eq!(reader.unread(), b"250 injected");
}

#[test]
fn endless_lines_are_refused() {
    let mut reader = ReplyReader::default();
    let mut pushed = 0;
    while matches!(reader.reply(), Ok(None)) {
        reader.push(&[b'2'; 500]);
        pushed += 500;
        assert!(pushed < 10_000, "no limit");
    }
    let (replies, error) = read(&b"250-more\r\n".repeat(10_000), || 1000);
    assert!(replies.is_empty() && error.is_some());
}

/// Seeded mutations of a dialogue: no panic, and the same result in one piece and in random pieces.
#[test]
fn mutated_replies_do_no_harm() {
    let mut random = Random::new(99);
    let mut failed = 0;
    for _ in 0..20_000 {
        let mut octets = DIALOGUE.to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(octets.len());
            match random.below(3) {
                0 => octets[at] = [b'\r', b'\n', b'-', b'2', 0, 0xFF][random.below(6)],
                1 => octets.truncate(at.max(1)),
                _ => octets.insert(at, [b'\r', b'\n', b' ', b'5'][random.below(4)]),
            }
        }
        let whole = read(&octets, || usize::MAX);
        assert_eq!(read(&octets, || 1 + random.below(9)), whole);
        failed += usize::from(whole.1.is_some());
    }
    assert!(
        (1000..19_000).contains(&failed),
        "{failed}: the mutations are too mild or too wild"
    );
}
