use super::*;

/// The outcome, and what lies behind the message's end.
fn read_all(limit: u64, pieces: &[&[u8]]) -> (Data, Vec<u8>) {
    let mut reader = DataReader::new(limit);
    let mut pieces = pieces.iter();
    for piece in pieces.by_ref() {
        let mut input = *piece;
        match reader.read(&mut input) {
            Data::Open => assert!(input.is_empty()),
            end => {
                let mut rest = input.to_vec();
                pieces.for_each(|piece| rest.extend_from_slice(piece));
                return (end, rest);
            }
        }
    }
    (Data::Open, Vec::new())
}

/// As [`read_all`], at once and byte by byte, which must agree.
fn read(limit: u64, input: &[u8]) -> (Data, Vec<u8>) {
    let at_once = read_all(limit, &[input]);
    let singly: Vec<&[u8]> = input.chunks(1).collect();
    assert_eq!(read_all(limit, &singly), at_once, "byte by byte");
    at_once
}

fn message(text: &str) -> Data {
    Data::End(Ok(text.as_bytes().to_vec()))
}

#[test]
fn messages_end_at_a_dot_on_a_line_of_its_own() {
    for (input, expected, rest) in [
        (".\r\n", message(""), ""),
        ("a\r\n.\r\n", message("a\r\n"), ""),
        ("a\r\n.\r\nQUIT\r\n", message("a\r\n"), "QUIT\r\n"),
        ("\r\n\r\n.\r\n", message("\r\n\r\n"), ""),
        ("..\r\n.\r\n", message(".\r\n"), ""),
        (
            "..a\r\n...\r\n.b\r\n.\r\n",
            message(".a\r\n..\r\nb\r\n"),
            "",
        ),
        ("a.\r\n.\r\n", message("a.\r\n"), ""),
        ("a\r\n. \r\n.\r\n", message("a\r\n \r\n"), ""),
        ("ä\t\u{1b}\r\n.\r\n", message("ä\t\u{1b}\r\n"), ""),
        ("a\r\n.\r", Data::Open, ""),
        ("a\r\n.", Data::Open, ""),
        ("a.\r\n", Data::Open, ""),
        ("", Data::Open, ""),
    ] {
        let expected = (expected, rest.as_bytes().to_vec());
        assert_eq!(read(100, input.as_bytes()), expected, "{input:?}");
    }
}

/// Every way known to make one server see an end of the message where another does not.
#[test]
fn nothing_but_the_true_end_ends_a_message() {
    const ENDS: [&str; 22] = [
        "\n.\n",
        "\n.\r\n",
        "\n.\r",
        "\r.\r",
        "\r.\r\n",
        "\r.\n",
        "\r\n.\n",
        "\r\n.\r",
        "\r\n.\r\r\n",
        "\r\n.\r.\r\n",
        "\r\r\n.\n",
        "\r\n\n.\r\n",
        "\n\r.\r\n",
        "\n\r\n.\n",
        "\n..\r\n",
        "\r\n..\n",
        "\r\n.\n\r\n",
        "\n",
        "\r",
        "\n\n",
        "\r\r",
        "\n\r",
    ];
    const INJECTED: &str =
        "MAIL FROM:<evil@example.org>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nb\r\n";
    for end in ENDS {
        let input = format!("a{end}{INJECTED}.\r\nQUIT\r\n");
        let expected = Data::End(Err(DataFault::BareLineEnd));
        let found = read(1000, input.as_bytes());
        assert_eq!(found, (expected, b"QUIT\r\n".to_vec()), "{end:?}");
    }
}

/// Whoever takes CR CR LF for something else than one line end sees another end of the message than we do.
#[test]
fn an_end_behind_a_doubled_cr_is_doubtful() {
    for (input, is_doubtful) in [
        ("a\r\r\n.\r\n", true),
        ("a\r\r\r\n.\r\n", true),
        ("\r\n.\r\r\n.\r\n", true),
        ("a\r\r\nb\r\n.\r\n", false),
    ] {
        let fault = DataFault::BareLineEnd;
        let expected = match is_doubtful {
            true => Data::Doubtful(fault),
            false => Data::End(Err(fault)),
        };
        let input = format!("{input}QUIT\r\n");
        let found = read(100, input.as_bytes());
        assert_eq!(found, (expected, b"QUIT\r\n".to_vec()), "{input:?}");
    }
}

/// All messages of up to eight octets from the alphabet that matters, against a description of the rule that shares no code with the reader.
#[test]
fn every_short_message_is_read_as_the_rule_says() {
    const ALPHABET: [u8; 4] = [b'\r', b'\n', b'.', b'a'];
    for length in 0..=8_u32 {
        for number in 0..4_usize.pow(length) {
            let digit = |place: u32| ALPHABET[number / 4_usize.pow(place) % 4];
            let input: Vec<u8> = (0..length).map(digit).collect();
            let found = read_all(100, &[&input]);
            assert_eq!(
                found,
                by_the_rule(&input),
                "{:?}",
                input.escape_ascii().to_string()
            );
        }
    }
}

/// Splits at CRLF.CRLF, then looks for what is left of CR and LF, then drops the first dot of each line.
fn by_the_rule(input: &[u8]) -> (Data, Vec<u8>) {
    let text = format!("\r\n{}", String::from_utf8(input.to_vec()).expect("ASCII"));
    let Some((body, rest)) = text.split_once("\r\n.\r\n") else {
        return (Data::Open, Vec::new());
    };
    if body.ends_with('\r') {
        return (Data::Doubtful(DataFault::BareLineEnd), rest.into());
    }
    if body.replace("\r\n", "").contains(['\r', '\n']) {
        return (Data::End(Err(DataFault::BareLineEnd)), rest.into());
    }
    let lines: Vec<&str> = body.split("\r\n").skip(1).collect();
    let unstuffed = lines
        .iter()
        .map(|line| line.strip_prefix('.').unwrap_or(line));
    let content: String = unstuffed.map(|line| format!("{line}\r\n")).collect();
    (message(&content), rest.into())
}

#[test]
fn limits_refuse_but_read_on() {
    let long = "x".repeat(CONTENT_LINE_MAX - 1);
    for (input, limit, fault) in [
        ("12345678\r\n.\r\n", 9, DataFault::TooLarge),
        ("1234567890\r\n.\r\n", 9, DataFault::TooLarge),
        ("a\r\nb\0c\r\n.\r\n", 100, DataFault::Nul),
        ("\0\r\n.\r\n", 100, DataFault::Nul),
        ("123456789012\n\r\n.\r\n", 9, DataFault::TooLarge),
        ("\n123456789012\r\n.\r\n", 9, DataFault::BareLineEnd),
        (&format!("{long}\r\n.\r\n"), 1 << 20, DataFault::LineTooLong),
    ] {
        let input = format!("{input}QUIT\r\n");
        let expected = (Data::End(Err(fault)), b"QUIT\r\n".to_vec());
        assert_eq!(read(limit, input.as_bytes()), expected, "{fault:?}");
    }
    let longest = "x".repeat(CONTENT_LINE_MAX - 2);
    let content = format!("{longest}\r\n{longest}\r\n");
    let input = format!("{content}.\r\n");
    let limit = content.len() as u64;
    let (found, _) = read(limit, input.as_bytes());
    assert!(found == message(&content), "the longest line");
    let mut reader = DataReader::new(100);
    reader.refuse(DataFault::NoRoom);
    let found = reader.read(&mut &b"a\r\n.\r\n"[..]);
    assert_eq!(found, Data::End(Err(DataFault::NoRoom)));
}

#[test]
fn what_never_ends_is_given_up() {
    let mut piece = vec![b'x'; 1 << 20];
    piece[0] = b'\n';
    let mut reader = DataReader::new(10);
    let mut read = 0;
    let found = loop {
        match reader.read(&mut piece.as_slice()) {
            Data::Open => read += piece.len() as u64,
            other => break other,
        }
        assert!(read <= DISCARD_MAX, "never given up");
    };
    assert_eq!(found, Data::Endless(DataFault::BareLineEnd));
    assert!(reader.is_empty());
}
