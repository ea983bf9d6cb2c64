use super::*;

fn parse(text: &str) -> Result<Reply, ReplyError> {
    let lines: Vec<&[u8]> = text.split_inclusive('\n').map(str::as_bytes).collect();
    Reply::parse(&lines)
}

fn reply(code: u16, enhanced: Option<(u8, u16, u16)>, lines: &[&str]) -> Reply {
    Reply {
        code: ReplyCode::new(code).expect("a code"),
        enhanced: enhanced
            .map(|(class, subject, detail)| EnhancedStatus::new(class, subject, detail)),
        lines: lines.iter().map(|line| (*line).to_owned()).collect(),
    }
}

#[test]
fn enhanced_status_codes_are_parsed() {
    for (text, expected) in [
        ("4.7.5", Some(EnhancedStatus::new(4, 7, 5))),
        ("2.0.0", Some(EnhancedStatus::new(2, 0, 0))),
        ("5.999.999", Some(EnhancedStatus::new(5, 999, 999))),
        ("3.0.0", None),
        ("4.7", None),
        ("4.7.", None),
        ("4.7.5.1", None),
        ("4.7.1000", None),
        ("04.7.5", None),
        ("4.+7.5", None),
        (" 4.7.5", None),
        ("", None),
    ] {
        assert_eq!(EnhancedStatus::parse(text), expected, "{text}");
    }
}

#[test]
fn replies_are_read() {
    for (text, expected) in [
        ("250 OK\r\n", reply(250, None, &["OK"])),
        ("250 OK", reply(250, None, &["OK"])),
        ("250\r\n", reply(250, None, &[""])),
        ("250 2.1.5 fine\r\n", reply(250, Some((2, 1, 5)), &["fine"])),
        ("250 2.1.5\r\n", reply(250, Some((2, 1, 5)), &[""])),
        ("250 5.1.5 odd\r\n", reply(250, None, &["5.1.5 odd"])),
        ("354 3.0.0 go\r\n", reply(354, None, &["3.0.0 go"])),
        (
            "250-a\r\n250-SIZE 1\r\n250 b\r\n",
            reply(250, None, &["a", "SIZE 1", "b"]),
        ),
        (
            "550-5.7.1 a\r\n550-5.7.1 b\r\n550-5.7.2 c\r\n550 d\r\n",
            reply(550, Some((5, 7, 1)), &["a", "b", "5.7.2 c", "d"]),
        ),
        (
            "550 a\x1b[0m\tb\r\n",
            reply(550, None, &["a\u{fffd}[0m\u{fffd}b"]),
        ),
    ] {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn other_lines_are_refused() {
    let long = format!("250 {}", "a".repeat(REPLY_LINE_READ_MAX));
    let many = "250-a\r\n".repeat(REPLY_LINES_MAX) + "250 b\r\n";
    for (text, error) in [
        ("", ReplyError::Incomplete),
        ("\r\n", ReplyError::NoCode),
        ("25\r\n", ReplyError::NoCode),
        ("abc OK\r\n", ReplyError::NoCode),
        ("199 OK\r\n", ReplyError::NoCode),
        ("600 OK\r\n", ReplyError::NoCode),
        ("2500 OK\r\n", ReplyError::NoCode),
        ("250_OK\r\n", ReplyError::NoCode),
        ("250-a\r\n", ReplyError::Incomplete),
        ("250 a\r\n250 b\r\n", ReplyError::Incomplete),
        ("250-a\r\n251 b\r\n", ReplyError::CodesDiffer),
        ("250-a\r\nhello\r\n", ReplyError::NoCode),
        (&long, ReplyError::LineTooLong),
        (&many, ReplyError::TooManyLines),
    ] {
        assert_eq!(parse(text), Err(error), "{text}");
    }
}

#[test]
fn replies_are_written_and_read_back() {
    for (given, wire) in [
        (reply(250, Some((2, 0, 0)), &["OK"]), "250 2.0.0 OK\r\n"),
        (
            reply(250, None, &["a", "SIZE 1"]),
            "250-a\r\n250 SIZE 1\r\n",
        ),
        (
            reply(550, Some((5, 7, 1)), &["a", "b"]),
            "550-5.7.1 a\r\n550 5.7.1 b\r\n",
        ),
        (reply(354, None, &[""]), "354 \r\n"),
    ] {
        assert_eq!(String::from_utf8(given.to_wire()).expect("ASCII"), wire);
        assert_eq!(parse(wire), Ok(given));
    }
    assert_eq!(reply(250, None, &[]).to_wire(), b"250 \r\n");
}

#[test]
fn no_text_can_break_a_line_or_its_limit() {
    let given = reply(
        550,
        Some((5, 7, 1)),
        &["a\r\n250 OK\u{85}ü\0", &"x".repeat(1500)],
    );
    let wire = given.to_wire();
    assert!(wire.starts_with(b"550-5.7.1 a??250 OK???\r\n"));
    for line in wire.split_inclusive(|octet| *octet == b'\n') {
        assert!(line.len() <= REPLY_LINE_SENT_MAX && line.ends_with(b"\r\n"));
    }
    let text: Vec<&[u8]> = wire.split_inclusive(|octet| *octet == b'\n').collect();
    let read = Reply::parse(&text).expect("a reply");
    assert_eq!(
        read.lines.concat(),
        format!("a??250 OK???{}", "x".repeat(1500))
    );
}

#[test]
fn a_reply_prints_as_one_line() {
    let text = reply(550, Some((5, 7, 1)), &["a", "b"]).to_string();
    assert_eq!(text, "550 5.7.1 a b");
    assert_eq!(reply(250, None, &["OK"]).to_string(), "250 OK");
}
