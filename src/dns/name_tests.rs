use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn text_round_trips() {
    for (text, shown) in [
        (".", "."),
        ("example.org", "example.org."),
        ("ExAmPlE.oRg.", "ExAmPlE.oRg."),
        (
            "_10587._tcp.mailtest.vaucher.org.",
            "_10587._tcp.mailtest.vaucher.org.",
        ),
        (r"a\.b.example.", r"a\.b.example."),
        (r"a\\b\032\000\255.", r"a\\b\032\000\255."),
        (r"\097\ b.", r"a\032b."),
        (r"*.example.", "*.example."),
        (r#"\"\(\)\;\@\$."#, r#"\"\(\)\;\@\$."#),
    ] {
        assert_eq!(name(text).to_string(), shown);
        assert!(name(shown).eq_case(&name(text)));
    }
    assert_eq!(name("a.").as_wire(), [1, b'a', 0]);
    assert_eq!(Name::root().as_wire(), [0]);
    assert_eq!(name("Example.ORG.").to_host(), "Example.ORG");
    assert_eq!(Name::root().to_host(), ".");
}

#[test]
fn bad_text_is_named() {
    let long_label = "a".repeat(64);
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "b".repeat(61));
    assert_eq!(name(&longest).as_wire().len(), 255);
    for (text, error) in [
        ("", NameError::Empty),
        ("..", NameError::EmptyLabel),
        (".a", NameError::EmptyLabel),
        ("a..b", NameError::EmptyLabel),
        (&long_label, NameError::LabelTooLong),
        (&format!("{longest}b"), NameError::NameTooLong),
        (&format!("{longest}.b"), NameError::NameTooLong),
        ("a\\", NameError::BadEscape),
        (r"a\25", NameError::BadEscape),
        (r"a\256", NameError::BadEscape),
        (r"a\2x5", NameError::BadEscape),
        ("a b", NameError::BadCharacter),
        ("zürich.example", NameError::BadCharacter),
        ("a\n", NameError::BadCharacter),
    ] {
        assert_eq!(Name::parse(text), Err(error), "{text}");
    }
}

#[test]
fn relative_names_get_the_origin() {
    let origin = name("example.org.");
    let parse = |text| Name::parse_relative(text, Some(&origin)).expect("valid");
    assert_eq!(parse("www"), name("www.example.org."));
    assert_eq!(parse("www."), name("www."));
    assert_eq!(parse("."), Name::root());
    let label = "a".repeat(63);
    let long = format!("{label}.{label}.{label}.{}", "b".repeat(50));
    assert_eq!(
        Name::parse_relative(&long, Some(&origin)),
        Err(NameError::NameTooLong)
    );
}

/// RFC 4034 §6.1's own list, in canonical order.
#[test]
fn canonical_order_is_that_of_rfc_4034() {
    let ordered = [
        "example.",
        "a.example.",
        "yljkjljk.a.example.",
        "Z.a.example.",
        "zABC.a.EXAMPLE.",
        "z.example.",
        r"\001.z.example.",
        "*.z.example.",
        r"\200.z.example.",
    ];
    for (i, left) in ordered.iter().enumerate() {
        for (j, right) in ordered.iter().enumerate() {
            assert_eq!(name(left).cmp(&name(right)), i.cmp(&j), "{left} {right}");
        }
    }
    assert_eq!(name("a.b.").cmp(&name("A.B.")), Ordering::Equal);
    assert_eq!(Name::root().cmp(&name("a.")), Ordering::Less);
    assert_eq!(name("ab.").cmp(&name("a.")), Ordering::Greater);
}

#[test]
fn comparison_and_hash_ignore_case_but_eq_case_does_not() {
    let hash = |name: &Name| {
        let mut hasher = std::hash::DefaultHasher::new();
        name.hash(&mut hasher);
        hasher.finish()
    };
    let (lower, mixed) = (name("mail.example.org."), name("mAIl.Example.org."));
    assert_eq!(lower, mixed);
    assert_eq!(hash(&lower), hash(&mixed));
    assert!(!lower.eq_case(&mixed));
    assert!(mixed.to_lowercase().eq_case(&lower));
    // Only the letters of ASCII have a case.
    assert_ne!(name("@."), name("`."));
    assert_ne!(name(r"\192."), name(r"\224."));
}

#[test]
fn labels_and_ancestors() {
    let host = name("a.b.c.");
    let forward: Vec<&[u8]> = host.labels().collect();
    assert_eq!(forward, [b"a", b"b", b"c"]);
    let backward: Vec<&[u8]> = host.labels().rev().collect();
    assert_eq!(backward, [b"c", b"b", b"a"]);
    let mut both = host.labels();
    assert_eq!(
        (both.next(), both.next_back()),
        (Some(&b"a"[..]), Some(&b"c"[..]))
    );
    assert_eq!((both.next(), both.next()), (Some(&b"b"[..]), None));
    assert_eq!(host.label_count(), 3);
    assert_eq!(host.parent(), Some(name("b.c.")));
    assert_eq!(Name::root().parent(), None);
    assert_eq!(name("c.").parent(), Some(Name::root()));
    assert_eq!(host.suffix(2), Some(name("b.c.")));
    assert_eq!(host.suffix(0), Some(Name::root()));
    assert_eq!(host.suffix(3), Some(host.clone()));
    assert_eq!(host.suffix(4), None);
    assert!(name("*.c.").is_wildcard() && !name("a.*.").is_wildcard());
    for (below, above, expected) in [
        ("a.b.c.", "C.", true),
        ("a.b.c.", "B.c.", true),
        ("a.b.c.", ".", true),
        ("a.b.c.", "a.b.c.", true),
        ("ab.c.", "b.c.", false),
        ("b.c.", "a.b.c.", false),
        (r"a\001b.c.", "b.c.", false),
        ("c.", "b.", false),
    ] {
        assert_eq!(
            name(below).is_at_or_below(&name(above)),
            expected,
            "{below} {above}"
        );
    }
}

#[test]
fn prepend_minds_the_limits() {
    let host = name("example.org.");
    assert_eq!(host.prepend(b"_tcp"), Ok(name("_tcp.example.org.")));
    assert_eq!(host.prepend(b""), Err(NameError::EmptyLabel));
    assert_eq!(host.prepend(&[b'a'; 64]), Err(NameError::LabelTooLong));
    let label = "a".repeat(63);
    let long = name(&format!("{label}.{label}.{label}.{}", "b".repeat(60)));
    assert_eq!(long.prepend(b"a"), Err(NameError::NameTooLong));
}

#[test]
fn case_bits_set_letters_only() {
    let host = name("_25._tcp.MX.example.");
    assert_eq!(host.with_case_bits(&[]).to_string(), "_25._tcp.mx.example.");
    assert_eq!(
        host.with_case_bits(&[0xFF]).to_string(),
        "_25._TCP.MX.EXAMPLE."
    );
    assert_eq!(
        host.with_case_bits(&[0b0000_0101]).to_string(),
        "_25._TcP.mx.exaMpL e.".replace(' ', "")
    );
}
