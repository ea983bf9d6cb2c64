use super::*;

fn domain(text: &str) -> Domain {
    Domain::parse(text).expect("a domain")
}

#[test]
fn domains_are_parsed_and_lower_cased() {
    let longest_label = "a".repeat(63);
    let longest = format!("{0}.{0}.{0}.{1}", longest_label, "b".repeat(61));
    assert_eq!(longest.len(), DOMAIN_MAX);
    for (text, expected) in [
        ("example.org", "example.org"),
        ("EXAMPLE.Org.", "example.org"),
        ("localhost", "localhost"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1.2.example", "1.2.example"),
        ("4711.de", "4711.de"),
        (&longest, &longest),
    ] {
        assert_eq!(domain(text).as_str(), expected);
    }
}

#[test]
fn other_domains_are_refused() {
    for (text, error) in [
        ("", AddressError::Empty),
        (".", AddressError::Empty),
        ("..", AddressError::EmptyLabel),
        ("a..b", AddressError::EmptyLabel),
        (".a", AddressError::EmptyLabel),
        ("a..", AddressError::EmptyLabel),
        ("-a.b", AddressError::Hyphen),
        ("a-.b", AddressError::Hyphen),
        ("a_b.org", AddressError::DomainCharacter),
        ("a b.org", AddressError::DomainCharacter),
        ("a\0b.org", AddressError::DomainCharacter),
        ("a*.org", AddressError::DomainCharacter),
        ("bücher.example", AddressError::NotAscii),
        ("192.0.2.1", AddressError::Number),
        ("127.1", AddressError::Number),
        ("25", AddressError::Number),
        (
            &format!("{}.org", "a".repeat(64)),
            AddressError::LabelTooLong,
        ),
        (
            &format!("{}a", "a.".repeat(127)),
            AddressError::DomainTooLong,
        ),
    ] {
        assert_eq!(Domain::parse(text), Err(error), "{text}");
    }
}

#[test]
fn a_domain_lies_below_its_ancestors_only() {
    for (lower, upper, expected) in [
        ("example.org", "example.org", true),
        ("a.example.org", "example.org", true),
        ("a.b.example.org", "example.org", true),
        ("badexample.org", "example.org", false),
        ("org", "example.org", false),
        ("example.org", "a.example.org", false),
    ] {
        let found = domain(lower).is_at_or_below(&domain(upper));
        assert_eq!(found, expected, "{lower} {upper}");
    }
}

#[test]
fn mailboxes_round_trip() {
    let longest = format!("{}@example.org", "a".repeat(64));
    for text in [
        "a@example.org",
        "First.Last+tag@example.org",
        "!#$%&'*+-/=?^_`{|}~@example.org",
        r#""quoted string"@example.org"#,
        r#""a@b>c\"d\\"@example.org"#,
        r#"""@example.org"#,
        "a@[192.0.2.1]",
        "a@[IPv6:2001:db8::1]",
        &longest,
    ] {
        let parsed = Mailbox::parse(text).expect(text);
        assert_eq!(parsed.to_string(), text);
        assert_eq!(
            ReversePath::parse(&format!("<{text}> X=1")),
            Ok((ReversePath::Mailbox(parsed), " X=1")),
            "{text}"
        );
    }
    let parsed = Mailbox::parse("User@EXAMPLE.org").expect("valid");
    assert_eq!(parsed.to_string(), "User@example.org");
    let parsed = Mailbox::parse("a@[ipv6:2001:DB8::1]").expect("valid");
    assert_eq!(parsed.to_string(), "a@[IPv6:2001:db8::1]");
}

#[test]
fn other_mailboxes_are_refused() {
    for (text, error) in [
        ("", AddressError::Empty),
        ("a", AddressError::NoHost),
        ("a@", AddressError::Empty),
        ("@example.org", AddressError::EmptyAtom),
        (".a@example.org", AddressError::EmptyAtom),
        ("a.@example.org", AddressError::EmptyAtom),
        ("a..b@example.org", AddressError::EmptyAtom),
        ("a b@example.org", AddressError::LocalPartCharacter),
        ("a\r@example.org", AddressError::LocalPartCharacter),
        ("a@b@example.org", AddressError::DomainCharacter),
        ("ä@example.org", AddressError::NotAscii),
        ("a@exämple.org", AddressError::NotAscii),
        (r#""a@example.org"#, AddressError::Quotes),
        (r#""a\"@example.org"#, AddressError::Quotes),
        ("\"a\nb\"@example.org", AddressError::Quotes),
        (r#""a"b@example.org"#, AddressError::NoHost),
        (r#""a""#, AddressError::NoHost),
        ("a@[192.0.2.256]", AddressError::Literal),
        ("a@[192.0.2.1", AddressError::Literal),
        ("a@[2001:db8::1]", AddressError::Literal),
        ("a@[IPv6:fe80::1%eth0]", AddressError::Literal),
        ("a@[x:y]", AddressError::Literal),
        ("a@192.0.2.1", AddressError::Number),
        (
            &format!("{}@example.org", "a".repeat(65)),
            AddressError::LocalPartTooLong,
        ),
    ] {
        assert_eq!(Mailbox::parse(text), Err(error), "{text}");
    }
}

#[test]
fn paths_are_taken_off_the_front() {
    let mailbox = Mailbox::parse("a@example.org").expect("valid");
    let sender = ReversePath::Mailbox(mailbox.clone());
    for (text, expected) in [
        ("<>", Ok((ReversePath::Null, ""))),
        ("<> SIZE=1", Ok((ReversePath::Null, " SIZE=1"))),
        ("<@x.org,@y.org:a@example.org>", Ok((sender.clone(), ""))),
        ("a@example.org", Err(AddressError::Brackets)),
        ("<a@example.org", Err(AddressError::Brackets)),
        ("<\"a>@example.org", Err(AddressError::Brackets)),
        ("<@x.org,y.org:a@example.org>", Err(AddressError::Route)),
        ("<@x.org>", Err(AddressError::Route)),
        ("<@:a@example.org>", Err(AddressError::Route)),
        ("<postmaster>", Err(AddressError::NoHost)),
    ] {
        assert_eq!(ReversePath::parse(text), expected, "{text}");
    }
    assert_eq!(ReversePath::Null.to_string(), "<>");
    assert_eq!(sender.to_string(), "<a@example.org>");
    for (text, expected) in [
        ("<PostMaster>", Ok((ForwardPath::Postmaster, ""))),
        ("<a@example.org>", Ok((ForwardPath::Mailbox(mailbox), ""))),
        ("<>", Err(AddressError::Empty)),
    ] {
        assert_eq!(ForwardPath::parse(text), expected, "{text}");
    }
}
