use super::*;

fn header(message: &[u8]) -> Header<'_> {
    Header::parse(message).expect("within the limits")
}

fn name(text: &str) -> FieldName {
    FieldName::parse(text).expect("a name")
}

#[test]
fn sections_end_where_readers_end_them() {
    for (message, fields, body) in [
        ("", &[][..], ""),
        ("\r\nbody", &[], "body"),
        ("A: 1\r\n\r\nbody", &["A: 1\r\n"], "body"),
        (
            "A: 1\r\nB: 2\r\n 3\r\n\t4\r\n\r\n",
            &["A: 1\r\n", "B: 2\r\n 3\r\n\t4\r\n"],
            "",
        ),
        ("A: 1", &["A: 1"], ""),
        (
            "A: 1\r\ntext\r\n\r\nmore",
            &["A: 1\r\n"],
            "text\r\n\r\nmore",
        ),
        (" A: 1\r\n\r\n", &[], " A: 1\r\n\r\n"),
        ("no field at all", &[], "no field at all"),
        ("From a@b Tue\r\nA: 1\r\n\r\nx", &["A: 1\r\n"], "x"),
        ("A : 1\r\n\r\nx", &["A : 1\r\n"], "x"),
        ("A: 1\nB: 2\r\n\r\nx", &["A: 1\nB: 2\r\n"], "x"),
        (
            "A: 1\r\n \r\nB: 2\r\n\r\nx",
            &["A: 1\r\n \r\n", "B: 2\r\n"],
            "x",
        ),
    ] {
        let found = header(message.as_bytes());
        let octets: Vec<_> = found.fields().iter().map(Field::octets).collect();
        let expected: Vec<_> = fields.iter().map(|field| field.as_bytes()).collect();
        assert_eq!(octets, expected, "{message:?}");
        assert_eq!(found.body(), body.as_bytes(), "{message:?}");
    }
}

#[test]
fn what_is_not_touched_keeps_its_octets() {
    for message in [
        &b"A:1\r\nb :\t2\r\n 3 \r\nC: \xff\0\n\r\r\n\r\nbody\r\n"[..],
        b"From x\r\nA: 1\r\n\r\n",
        b"\r\n",
        b"\r\nx",
        b"",
        b"A: 1\r\n",
    ] {
        assert_eq!(header(message).to_message(), message);
    }
}

#[test]
fn a_missing_border_is_put_in() {
    assert_eq!(header(b"A: 1\r\ntext").to_message(), b"A: 1\r\n\r\ntext");
    assert_eq!(header(b"text").to_message(), b"\r\ntext");
    assert_eq!(header(b"A: 1").to_message(), b"A: 1\r\n");
}

#[test]
fn values_are_unfolded() {
    for (field, raw, value) in [
        ("A:1\r\n", "1", "1"),
        ("A: 1\r\n 2\r\n\t3 \r\n", " 1\r\n 2\r\n\t3 ", "1 2\t3"),
        ("A:\r\n", "", ""),
        ("A:\r\n 1\r\n", "\r\n 1", "1"),
    ] {
        let found = header(field.as_bytes());
        let field = found.find("a").next().expect("a field");
        assert_eq!(field.raw_value(), raw.as_bytes());
        assert_eq!(field.value(), value.as_bytes());
    }
}

#[test]
fn fields_are_added_changed_and_removed() {
    let mut found = header(b"A: 1\r\nB: 2\r\na: 3\r\n\r\nbody");
    assert_eq!(found.find("A").count(), 2);
    found.prepend(Field::text(&name("X"), "new"));
    found.append(Field::text(&name("Z"), "last"));
    found.change(|field| match field.is("a") {
        true if field.raw_value() == b" 1" => None,
        true => Some(field.with_raw_value(b" changed")),
        false => Some(field),
    });
    found.set_body(b"other");
    let expected = b"X: new\r\nB: 2\r\na: changed\r\nZ: last\r\n\r\nother";
    assert_eq!(found.to_message(), expected);
}

#[test]
fn new_fields_are_folded_and_ascii() {
    let long = ["word"; 40].join(" ");
    let field = Field::text(&name("Subject"), &long);
    assert!(
        field
            .octets()
            .split(|o| *o == b'\n')
            .all(|line| line.len() <= 79)
    );
    assert_eq!(field.value(), long.as_bytes());
    let one_word = "x".repeat(300);
    assert_eq!(
        Field::text(&name("A"), &one_word).value(),
        one_word.as_bytes()
    );
    let field = Field::text(&name("Subject"), "Grüße\r\nBcc: x");
    assert_eq!(
        field.octets(),
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_?= Bcc: x\r\n"
    );
}

#[test]
fn structured_fields_keep_their_words() {
    let field = Field::structured(&name("To"), "<=?a?=@example.org>,\r\n \"b  c\"@x");
    assert_eq!(field.octets(), b"To: <=?a?=@example.org>,?? \"b  c\"@x\r\n");
}

#[test]
fn names_of_fields() {
    let longest = "x".repeat(77);
    for text in ["X", "X-Spam", "a.b!", &longest] {
        assert_eq!(
            FieldName::parse(text).map(|name| name.to_string()),
            Ok(text.to_owned())
        );
    }
    let too_long = "x".repeat(78);
    for text in ["", "a:", "a b", "a\r\nb", "ä", "a\0", &too_long] {
        assert_eq!(FieldName::parse(text), Err(NotAFieldName), "{text:?}");
    }
}

#[test]
fn limits_are_kept() {
    let wide = [
        b"A: ".to_vec(),
        vec![b'x'; HEADER_MAX],
        b"\r\n\r\n".to_vec(),
    ]
    .concat();
    assert_eq!(Header::parse(&wide).err(), Some(Excess::HeaderOctets));
    let many = b"A: 1\r\n".repeat(FIELDS_MAX + 1);
    assert_eq!(Header::parse(&many).err(), Some(Excess::Fields));
    let body = [b"A: 1\r\n\r\n".to_vec(), vec![b'x'; 2 * HEADER_MAX]].concat();
    assert!(Header::parse(&body).is_ok());
    let body = [b"A: 1\r\n".to_vec(), vec![b'x'; 2 * HEADER_MAX]].concat();
    assert!(
        Header::parse(&body).is_ok(),
        "a line that is no field begins the body, however long it is"
    );
}
