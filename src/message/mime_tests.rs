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

const MULTIPART: &str = "Content-Type: multipart/x; boundary=b";

#[test]
fn fields_that_readers_understand_differently() {
    let of = |parameters: &str| format!("Content-Type: multipart/x{parameters}");
    for (fields, expected) in [
        (of("; boundary=\"=_b/?:c\" ; x=y"), None),
        (of("; boundary=b\r\nContent-Transfer-Encoding: 8bit"), None),
        (of(""), Some(Doubt::Boundary)),
        (of("; boundary="), Some(Doubt::Boundary)),
        (of("; boundary=b; boundary=c"), Some(Doubt::Boundary)),
        (of("; boundary=b; boundary*0=c"), Some(Doubt::Boundary)),
        (of("; boundary=b c"), Some(Doubt::Boundary)),
        (of("; boundary=\"b\\c\""), Some(Doubt::Boundary)),
        (of("; boundary=\"b\"c"), Some(Doubt::Boundary)),
        (of("; boundary=b(c)"), Some(Doubt::Boundary)),
        (of("; x=\"y; boundary=b"), Some(Doubt::Boundary)),
        (
            of("; boundary=b\r\nContent-Transfer-Encoding: base64"),
            Some(Doubt::Encoded),
        ),
        (
            of("; boundary=b\r\nContent-Type: text/plain"),
            Some(Doubt::Repeated),
        ),
        (
            "Content-Type: text/a\r\nContent-Type: text/b".to_owned(),
            None,
        ),
        (
            "Content-Type: message/partial; id=x".to_owned(),
            Some(Doubt::Partial),
        ),
        (
            "Content-Type: message/x\r\nContent-Transfer-Encoding: x-y".to_owned(),
            Some(Doubt::Encoded),
        ),
    ] {
        assert_eq!(doubt(&format!("{fields}\r\n\r\n")), expected, "{fields}");
    }
}

#[test]
fn delimiters_that_readers_understand_differently() {
    let inner = |boundary: &str| {
        format!(
            "--b\r\nContent-Type: multipart/x; boundary={boundary}\r\n\r\n\
             --{boundary}\r\n\r\nx\r\n--{boundary}--\r\n--b--"
        )
    };
    for (body, expected) in [
        (inner("bc"), None),
        (inner("b"), Some(Doubt::SharedDelimiter)),
        (
            "--b\r\n\r\nx\r\n--bc\r\n".to_owned(),
            Some(Doubt::LongDelimiter),
        ),
        (
            "--b\r\n\r\nx\r\n--b--c\r\n".to_owned(),
            Some(Doubt::LongDelimiter),
        ),
        (
            "--b\r\n\r\nx\r\n--b--\r\n--b\r\n\r\ny\r\n".to_owned(),
            Some(Doubt::AfterEnd),
        ),
        ("--b\n\nx\r\n".to_owned(), Some(Doubt::LineEnd)),
    ] {
        assert_eq!(
            doubt(&format!("{MULTIPART}\r\n\r\n{body}")),
            expected,
            "{body}"
        );
    }
}

#[test]
fn broken_header_sections() {
    for (message, expected) in [
        (
            "text\r\nContent-Type: a/b\r\n\r\n",
            Some(Doubt::BrokenHeader),
        ),
        (
            "text\r\n\u{1}content-x: y\r\n\r\n",
            Some(Doubt::BrokenHeader),
        ),
        (
            "From x\r\n y\r\nContent-Type: a/b\r\n\r\n",
            Some(Doubt::BrokenHeader),
        ),
        (
            "Content-Type: message/rfc822\r\n: x\r\n\r\n",
            Some(Doubt::BrokenHeader),
        ),
        ("X: y\r\r\n\r\n", Some(Doubt::LineEnd)),
        ("text\r\nmore\r\n\r\nContent-Type: a/b\r\n", None),
        ("text about content-types\r\n\r\n", None),
        ("X: y\r\n\r\na\nb\rc", None),
    ] {
        assert_eq!(doubt(message), expected, "{message}");
    }
    let within = format!("{MULTIPART}\r\n\r\n--b\r\ntext\r\ncontent-type: x\r\n--b--");
    assert_eq!(doubt(&within), Some(Doubt::BrokenHeader));
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
