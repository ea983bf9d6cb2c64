use super::*;

/// Each part as `parent type body`, the parts separated by `|`.
fn outline(message: &str) -> String {
    let tree = Tree::parse(message.as_bytes()).expect("within the limits");
    let show = |part: &Part| {
        let parent = part.parent.map_or("-".to_owned(), |p| p.to_string());
        let body = message.get(part.body_range()).expect("within the message");
        format!("{parent} {} {body:?}", part.media_type)
    };
    tree.parts.iter().map(show).collect::<Vec<_>>().join("|")
}

fn doubt(message: &str) -> Option<Doubt> {
    Tree::parse(message.as_bytes())
        .expect("within the limits")
        .doubt
}

const TWO: &str = "Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    preamble\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: image/gif\r\n\r\ntwo\r\n--b--\r\nepilogue\r\n";

#[test]
fn a_message_without_parts() {
    assert_eq!(outline(""), "- text/plain \"\"");
    assert_eq!(outline("A: 1\r\n\r\nbody"), "- text/plain \"body\"");
    assert_eq!(outline("A: 1"), "- text/plain \"\"");
    assert_eq!(
        outline("Content-Type: Image/GIF (x); n=1\r\n\r\nbody"),
        "- image/gif \"body\""
    );
}

#[test]
fn parts_of_a_multipart() {
    let body = TWO.split_once("\r\n\r\n").expect("a body").1;
    let expected = format!("- multipart/mixed {body:?}|0 text/plain \"one\"|0 image/gif \"two\"");
    assert_eq!(outline(TWO), expected);
    assert_eq!(doubt(TWO), None);
}

#[test]
fn parts_end_before_the_line_end_of_their_delimiter() {
    let tree = Tree::parse(TWO.as_bytes()).expect("parts");
    let octets = |part: &Part| &TWO[part.range.clone()];
    assert_eq!(octets(&tree.parts[1]), "\r\none");
    assert_eq!(octets(&tree.parts[2]), "Content-Type: image/gif\r\n\r\ntwo");
}

#[test]
fn delimiters_as_they_come() {
    let around = |body: &str| {
        let message = format!("Content-Type: multipart/x; boundary=\"b c\"\r\n\r\n{body}");
        let outline = outline(&message);
        let (_, parts) = outline.split_once('|').unwrap_or_default();
        parts.to_owned()
    };
    for (body, parts) in [
        ("--b c\r\n\r\nx\r\n--b c--", "0 text/plain \"x\""),
        ("--b c \t\r\n\r\nx\r\n--b c-- \r\n", "0 text/plain \"x\""),
        ("--b c\r\n\r\nx", "0 text/plain \"x\""),
        ("--b c\r\n\r\nx\r\n", "0 text/plain \"x\\r\\n\""),
        (
            "--b c\r\n--b c\r\n\r\n--b c--",
            "0 text/plain \"\"|0 text/plain \"\"",
        ),
        ("--b c", "0 text/plain \"\""),
        (
            "--b c\r\nContent-Type: a/b\r\n--b c\r\n",
            "0 a/b \"\"|0 text/plain \"\"",
        ),
        (
            "--b c\r\nno header\r\n--b c--",
            "0 text/plain \"no header\"",
        ),
        ("x--b c\r\n\r\nx", ""),
        ("--B C\r\n\r\nx", ""),
        ("--b c\n\nx", ""),
    ] {
        assert_eq!(around(body), parts, "{body:?}");
    }
}

#[test]
fn nested_parts() {
    let message = "Content-Type: multipart/mixed; boundary=outer\r\n\r\n\
        --outer\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n\
        --inner\r\n\r\ntext\r\n--inner\r\nContent-Type: text/html\r\n\r\nhtml\r\n\
        --outer\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\nContent-Type: a/b\r\n\r\nwithin\r\n\
        --outer--\r\n";
    let outline = outline(message);
    let parts: Vec<_> = outline.split('|').skip(1).collect();
    assert_eq!(
        parts,
        [
            "0 multipart/alternative \"--inner\\r\\n\\r\\ntext\\r\\n--inner\\r\\nContent-Type: text/html\\r\\n\\r\\nhtml\"",
            "1 text/plain \"text\"",
            "1 text/html \"html\"",
            "0 message/rfc822 \"Subject: x\\r\\nContent-Type: a/b\\r\\n\\r\\nwithin\"",
            "4 a/b \"within\"",
        ]
    );
    assert_eq!(doubt(message), None);
}

#[test]
fn parts_of_a_digest_are_messages() {
    let message = "Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nSubject: 1\r\n\r\nx\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\ny\r\n--b\r\n\r\nno field\r\n--b--";
    let outline = outline(message);
    let parts: Vec<_> = outline.split('|').skip(1).collect();
    assert_eq!(
        parts,
        [
            "0 message/rfc822 \"Subject: 1\\r\\n\\r\\nx\"",
            "1 text/plain \"x\"",
            "0 text/plain \"y\"",
            "0 message/rfc822 \"no field\"",
            "4 text/plain \"no field\"",
        ]
    );
}

#[test]
fn encoded_messages_are_leaves() {
    let message =
        "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\nU3ViamVjdDogeA==";
    let tree = Tree::parse(message.as_bytes()).expect("a tree");
    assert_eq!((tree.parts.len(), tree.doubt), (1, None));
    assert_eq!(tree.parts[0].encoding, Encoding::Base64);
}

#[test]
fn names_come_from_both_fields() {
    let message = "Content-Type: a/b; name=one\r\nContent-Disposition: attachment;\r\n filename=two\r\n\
        Content-Disposition: inline; filename=three\r\n\r\n";
    let tree = Tree::parse(message.as_bytes()).expect("a tree");
    assert_eq!(tree.parts[0].names.readings, ["two", "three", "one"]);
    let cut =
        "Content-Type: multipart/x; boundary=b\r\n\r\n--b\r\nContent-Type: a/b; name=cut\r\n--b--";
    let tree = Tree::parse(cut.as_bytes()).expect("a tree");
    assert_eq!(tree.parts[1].names.readings, ["cut"]);
}

#[test]
fn doubts() {
    let within = |field: &str, body: &str| format!("{field}\r\n\r\n{body}");
    let b = "Content-Type: multipart/x; boundary=b";
    for (message, expected) in [
        (
            within("Content-Type: text/plain\r\nContent-Type: text/html", ""),
            None,
        ),
        (
            within(
                "Content-Type: text/plain\r\nContent-Type: multipart/x; boundary=b",
                "",
            ),
            Some(Doubt::Repeated),
        ),
        (
            within("Content-Type: multipart/x", ""),
            Some(Doubt::Boundary),
        ),
        (
            within("Content-Type: multipart/x; boundary=", ""),
            Some(Doubt::Boundary),
        ),
        (
            within("Content-Type: multipart/x; boundary=b; boundary=c", ""),
            Some(Doubt::Boundary),
        ),
        (
            within("Content-Type: multipart/x; boundary=b; boundary*0=c", ""),
            Some(Doubt::Boundary),
        ),
        (
            within("Content-Type: multipart/x; boundary=b c", ""),
            Some(Doubt::Boundary),
        ),
        (
            within("Content-Type: multipart/x; boundary=\"b\\c\"", ""),
            Some(Doubt::Boundary),
        ),
        (
            within("Content-Type: multipart/x; boundary=\"b\"c", ""),
            Some(Doubt::Boundary),
        ),
        (
            within("Content-Type: multipart/x; boundary=b(c)", ""),
            Some(Doubt::Boundary),
        ),
        (
            within("Content-Type: multipart/x; boundary=\"=_b/?:c\" ; x=y", ""),
            None,
        ),
        (
            within(
                "Content-Type: multipart/x; boundary=b\r\nContent-Transfer-Encoding: base64",
                "",
            ),
            Some(Doubt::Encoded),
        ),
        (
            within(
                "Content-Type: multipart/x; boundary=b\r\nContent-Transfer-Encoding: 8bit",
                "",
            ),
            None,
        ),
        (
            within(
                "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: x-uuencode",
                "",
            ),
            Some(Doubt::Encoded),
        ),
        (
            within("Content-Type: message/partial; id=x; number=1", ""),
            Some(Doubt::Partial),
        ),
        (
            within(b, "--b\r\n\r\nx\r\n--bc\r\n"),
            Some(Doubt::LongDelimiter),
        ),
        (
            within(b, "--b\r\n\r\nx\r\n--b--c\r\n"),
            Some(Doubt::LongDelimiter),
        ),
        (
            within(
                b,
                "--b\r\nContent-Type: multipart/x; boundary=bc\r\n\r\n--bc\r\n\r\nx\r\n--bc--\r\n--b--",
            ),
            None,
        ),
        (
            within(
                b,
                "--b\r\nContent-Type: multipart/x; boundary=b\r\n\r\n--b\r\n\r\nx\r\n--b--\r\n--b--",
            ),
            Some(Doubt::SharedDelimiter),
        ),
        (
            within(b, "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n"),
            Some(Doubt::AfterEnd),
        ),
        (
            within("text\r\nContent-Type: a/b", ""),
            Some(Doubt::BrokenHeader),
        ),
        (within("text\r\nmore", "Content-Type: a/b\r\n"), None),
        (
            within("From x\r\n y\r\nContent-Type: a/b", ""),
            Some(Doubt::BrokenHeader),
        ),
        (
            within(b, "--b\r\ntext\r\ncontent-disposition: x\r\n--b--"),
            Some(Doubt::BrokenHeader),
        ),
    ] {
        assert_eq!(doubt(&message), expected, "{message}");
    }
}

#[test]
fn limits_are_kept() {
    let many = format!(
        "{}{}",
        "Content-Type: multipart/x; boundary=b\r\n\r\n",
        "--b\r\n".repeat(PARTS_MAX)
    );
    assert_eq!(Tree::parse(many.as_bytes()).err(), Some(Excess::Parts));
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(DEPTH_MAX);
    assert_eq!(Tree::parse(deep.as_bytes()).err(), Some(Excess::Depth));
    let deep = "Content-Type: message/rfc822\r\n\r\n".repeat(DEPTH_MAX - 1);
    assert_eq!(
        Tree::parse(deep.as_bytes()).map(|tree| tree.parts.len()),
        Ok(DEPTH_MAX)
    );
    let wide = format!("A: {}\r\n\r\n", "x".repeat(HEADER_MAX));
    assert_eq!(
        Tree::parse(wide.as_bytes()).err(),
        Some(Excess::HeaderOctets)
    );
}
