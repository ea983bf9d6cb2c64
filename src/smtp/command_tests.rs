use super::*;
use crate::smtp::Mailbox;
use gateway_lab::random::Random;

fn mailbox(text: &str) -> Mailbox {
    Mailbox::parse(text).expect("a mailbox")
}

fn name(text: &str) -> ClientName {
    ClientName::parse(text).expect("a name")
}

fn mail(sender: &str, size: Option<u64>, eight_bit: bool) -> Command {
    Command::Mail(Mail {
        sender: match sender {
            "" => ReversePath::Null,
            sender => ReversePath::Mailbox(mailbox(sender)),
        },
        size,
        eight_bit,
    })
}

fn rcpt(text: &str) -> Command {
    Command::Rcpt(ForwardPath::Mailbox(mailbox(text)))
}

#[test]
fn commands_are_understood() {
    for (line, expected) in [
        ("HELO mx.example.org", Command::Helo(name("mx.example.org"))),
        ("ehlo  [192.0.2.1] ", Command::Ehlo(name("[192.0.2.1]"))),
        (
            "EHLO [IPv6:2001:db8::1]",
            Command::Ehlo(name("[IPv6:2001:db8::1]")),
        ),
        ("EHLO my_laptop", Command::Ehlo(name("my_laptop"))),
        ("MAIL FROM:<>", mail("", None, false)),
        (
            "mail from:<a@example.org>",
            mail("a@example.org", None, false),
        ),
        (
            "MAIL FROM: <a@example.org>",
            mail("a@example.org", None, false),
        ),
        (
            "MAIL  FROM:<a@example.org>  ",
            mail("a@example.org", None, false),
        ),
        (
            "MAIL FROM:<a@example.org> SIZE=1000 BODY=8BITMIME",
            mail("a@example.org", Some(1000), true),
        ),
        ("MAIL FROM:<> body=7bit size=0", mail("", Some(0), false)),
        (
            "MAIL FROM:<> SIZE=99999999999999999999",
            mail("", Some(u64::MAX), false),
        ),
        (
            "MAIL FROM:<@relay.example:a@example.org>",
            mail("a@example.org", None, false),
        ),
        (
            r#"MAIL FROM:<"a> SIZE=1"@example.org>"#,
            mail(r#""a> SIZE=1"@example.org"#, None, false),
        ),
        ("RCPT TO:<b@example.org>", rcpt("b@example.org")),
        ("rcpt to: <b@[192.0.2.1]>\t", rcpt("b@[192.0.2.1]")),
        (
            "RCPT TO:<@x.org,@y.org:b@example.org>",
            rcpt("b@example.org"),
        ),
        (
            "RCPT TO:<postmaster>",
            Command::Rcpt(ForwardPath::Postmaster),
        ),
        ("DATA", Command::Data),
        ("data ", Command::Data),
        ("RSET", Command::Rset),
        ("NOOP", Command::Noop),
        ("NOOP as you like", Command::Noop),
        ("QUIT", Command::Quit),
        ("VRFY b", Command::Vrfy),
        ("HELP", Command::Help),
        ("HELP MAIL", Command::Help),
    ] {
        assert_eq!(Command::parse(line.as_bytes()), Ok(expected), "{line}");
    }
}

#[test]
fn every_other_line_has_a_reply() {
    let long_name = format!("EHLO {}", "a".repeat(256));
    for (line, start) in [
        ("", "500 5.5.1 "),
        ("HELLO x", "500 5.5.1 "),
        ("MAILFROM:<>", "500 5.5.1 "),
        ("ÄHLO x", "500 5.5.1 "),
        ("EHLO", "501 5.5.4 "),
        ("EHLO a b", "501 5.5.4 "),
        ("HELO <script>", "501 5.5.4 "),
        ("HELO (comment)", "501 5.5.4 "),
        (&long_name, "501 5.5.4 "),
        ("MAIL", "501 5.5.4 "),
        ("MAIL <a@example.org>", "501 5.5.4 "),
        ("MAIL TO:<a@example.org>", "501 5.5.4 "),
        ("MAIL FROM:", "501 5.1.7 "),
        ("MAIL FROM:a@example.org", "501 5.1.7 "),
        ("MAIL FROM:<a>", "501 5.1.7 "),
        ("MAIL FROM:<a@b..c>", "501 5.1.7 "),
        ("MAIL FROM:<a@192.0.2.1>", "501 5.1.7 "),
        ("MAIL FROM:<ä@example.org>", "553 5.6.7 "),
        ("MAIL FROM:<a@example.org>SIZE=1", "501 5.5.4 "),
        ("MAIL FROM:<a@example.org> SIZE", "501 5.5.4 "),
        ("MAIL FROM:<a@example.org> SIZE=-1", "501 5.5.4 "),
        ("MAIL FROM:<a@example.org> SIZE=1 SIZE=1", "501 5.5.4 "),
        (
            "MAIL FROM:<a@example.org> SIZE=999999999999999999999",
            "501 5.5.4 ",
        ),
        ("MAIL FROM:<a@example.org> BODY=", "501 5.5.4 "),
        ("MAIL FROM:<a@example.org> BODY=BINARYMIME", "504 5.5.4 "),
        (
            "MAIL FROM:<a@example.org> BODY=7BIT BODY=7BIT",
            "501 5.5.4 ",
        ),
        ("MAIL FROM:<a@example.org> AUTH=<>", "555 5.5.4 "),
        ("MAIL FROM:<a@example.org> SMTPUTF8", "555 5.5.4 "),
        ("MAIL FROM:<a@example.org> X", "555 5.5.4 "),
        ("RCPT", "501 5.5.4 "),
        ("RCPT FROM:<a@example.org>", "501 5.5.4 "),
        ("RCPT TO:<>", "501 5.1.3 "),
        ("RCPT TO:<a>", "501 5.1.3 "),
        ("RCPT TO:<a@ex_ample.org>", "501 5.1.3 "),
        ("RCPT TO:<a@exämple.org>", "553 5.6.7 "),
        ("RCPT TO:<a@example.org> NOTIFY=NEVER", "555 5.5.4 "),
        ("RCPT TO:<a@example.org>,<b@example.org>", "501 5.5.4 "),
        ("DATA now", "501 5.5.4 "),
        ("RSET all", "501 5.5.4 "),
        ("QUIT please", "501 5.5.4 "),
        ("VRFY", "501 5.5.4 "),
        ("STARTTLS", "502 5.5.1 "),
        ("AUTH PLAIN AGEAYg==", "502 5.5.1 "),
        ("BDAT 3 LAST", "502 5.5.1 "),
        ("EXPN staff", "502 5.5.1 "),
        ("GET / HTTP/1.1", "421 4.7.0 "),
        ("POST /mail HTTP/1.1", "421 4.7.0 "),
    ] {
        let error = Command::parse(line.as_bytes()).expect_err(line);
        let reply = error.reply().to_string();
        assert!(reply.starts_with(start), "{line:?}: {reply}");
    }
    let invalid_utf8 = Command::parse(b"MAIL FROM:<a\xFF@example.org>").expect_err("not ASCII");
    assert_eq!(invalid_utf8, CommandError::Sender(AddressError::NotAscii));
}

/// Seeded mutations of good lines: no panic, each error has a reply of class 4 or 5, and what is understood can be printed in one line.
#[test]
fn mutated_lines_do_no_harm() {
    const LINES: [&str; 5] = [
        "EHLO [IPv6:2001:db8::1]",
        "MAIL FROM:<@x.org,@y.org:a.b@example.org> SIZE=1000 BODY=8BITMIME",
        r#"MAIL FROM:<"a\" > b"@example.org> SIZE=1"#,
        "RCPT TO:<Postmaster>",
        "RCPT TO:<b@[192.0.2.1]>",
    ];
    const OCTETS: &[u8] = b"<>@\":\\[]., =-\t\0\xFFaZ9\xC3\xA4";
    let mut random = Random::new(5321);
    let mut understood = 0;
    for round in 0..100_000 {
        let mut line = LINES[round % LINES.len()].as_bytes().to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(line.len());
            match random.below(3) {
                0 => line[at] = OCTETS[random.below(OCTETS.len())],
                1 => line.insert(at, OCTETS[random.below(OCTETS.len())]),
                _ => drop(line.remove(at)),
            }
        }
        match Command::parse(&line) {
            Ok(command) => {
                understood += 1;
                check_printable(&command);
            }
            Err(error) => {
                let code = error.reply().code;
                assert!(code.is_permanent() || code.is_transient());
            }
        }
    }
    assert!(
        (10_000..90_000).contains(&understood),
        "{understood}: the mutations are too mild or too wild"
    );
}

/// What was understood is printable and reads back as the same.
fn check_printable(command: &Command) {
    let (text, verb) = match command {
        Command::Mail(mail) => (mail.sender.to_string(), "MAIL FROM:"),
        Command::Rcpt(ForwardPath::Mailbox(mailbox)) => (format!("<{mailbox}>"), "RCPT TO:"),
        Command::Ehlo(name) => (name.to_string(), "EHLO "),
        _ => return,
    };
    assert!(
        text.bytes().all(|octet| matches!(octet, b' '..=b'~')),
        "{text:?}"
    );
    let again = Command::parse(format!("{verb}{text}").as_bytes()).expect(&text);
    match (command, again) {
        (Command::Mail(mail), Command::Mail(again)) => assert_eq!(mail.sender, again.sender),
        (command, again) => assert_eq!(*command, again),
    }
}
