use super::*;
use crate::dns::Rdata;

fn records(text: &str) -> Vec<Record> {
    let origin = "example.org".parse().expect("a name");
    parse(text, &origin).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn lines(text: &str) -> Vec<String> {
    records(text).iter().map(ToString::to_string).collect()
}

#[test]
fn a_zone_as_people_write_it() {
    let text = "\
$TTL 1h30m ; an hour and a half
@  IN SOA ns admin.example.org. (
        7     ; serial
        2h 30m 1w 15m )
   NS ns
ns 60 IN A 192.0.2.1
   IN 61 AAAA 2001:db8::1
$ORIGIN sub.example.org.
mx\\.x MX 10 @
@ TXT \"two words; one \\\"quote\\\"\" \\065bc
";
    assert_eq!(
        lines(text),
        [
            "example.org. 5400 IN SOA ns.example.org. admin.example.org. 7 7200 1800 604800 900",
            "example.org. 5400 IN NS ns.example.org.",
            "ns.example.org. 60 IN A 192.0.2.1",
            "ns.example.org. 61 IN AAAA 2001:db8::1",
            "mx\\.x.sub.example.org. 5400 IN MX 10 sub.example.org.",
            "sub.example.org. 5400 IN TXT \"two words; one \\\"quote\\\"\" \"Abc\"",
        ]
    );
}

/// Examples of RFC 4034 §2.3, §3.3, §4.3 and §5.4, RFC 5155 §3.3, RFC 6698 §2.3, RFC 2782, RFC 6672 §2.2, RFC 3597 §5.
const EXAMPLES: &str = "\
example.com. 86400 IN DNSKEY 256 3 5 ( AQPSKmynfzW4kyBv015MUG2DeIQ3
 Cbl+BBZH4b/0PY1kxkmvHjcZc8no kfzj31GajIQKY+5CptLr3buXA10h WqTkF7H6RfoRqXQeogmMHfpftf6z
 Mv1LyBUgia7za6ZEzOJBOztyvhjL 742iU/TpPSEDhm2SNKLijfUppn1U aNvv4w== )
host.example.com. 86400 IN RRSIG A 5 3 86400 20030322173103 ( 20030220173103 2642 example.com.
 oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTr PYGv07h108dUKGMeDPKijVCHX3DDKdfb+v6o B9wfuh3DTJXUAfI/M0zmO/zz8bW0Rznl8O3t
 GNazPwQKkRN20XPXV6nwwfoXmJQbsLNrLfkG J5D6fwFm8nN+6pBzeDQfsS3Ap3o= )
alfa.example.com. 86400 IN NSEC host.example.com. ( A MX RRSIG NSEC TYPE1234 )
dskey.example.com. 86400 IN DS 60485 5 1 ( 2BB183AF5F22588179A53B0A 98631FAD1A292118 )
2vptu5timamqttgl4luu9kg21e0aor3s.example. 3600 IN NSEC3 1 1 12 aabbccdd ( 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG )
example. 3600 IN NSEC3PARAM 1 0 12 aabbccdd
_443._tcp.www.example.com. IN TLSA ( 0 0 1 d2abde240d7cd3ee6b4b28c54df034b9 7983a1d16e8a410e4561cb106618e971 )
_foobar._tcp.example.com. SRV 0 1 9 old-slow-box.example.com.
frobozz.example. DNAME frobozz-division.acme.example.
e.example. CLASS1 TYPE1 10.0.0.2
a.example. CLASS32 TYPE731 \\# 6 abcd ( ef 01 23 45 )
b.example. HS TYPE62347 \\# 0
e.example. IN A \\# 4 0A000001
";

#[test]
fn the_examples_of_the_rfcs_round_trip() {
    let parsed = records(EXAMPLES);
    assert_eq!(parsed.len(), 13);
    for record in &parsed {
        assert_eq!(records(&record.to_string()), std::slice::from_ref(record));
    }
    let text: Vec<_> = parsed.iter().map(ToString::to_string).collect();
    assert!(text[1].contains("20030322173103 20030220173103 2642"));
    assert_eq!(
        text[2],
        "alfa.example.com. 86400 IN NSEC host.example.com. A MX RRSIG NSEC TYPE1234"
    );
    assert_eq!(
        text[10],
        "a.example. 3600 CLASS32 TYPE731 \\# 6 ABCDEF012345"
    );
    assert_eq!(text[11], "b.example. 3600 HS TYPE62347 \\# 0");
    assert_eq!(text[12], "e.example. 3600 IN A 10.0.0.1");
    assert!(matches!(&parsed[0].data, Rdata::Dnskey(key) if key.key_tag() == 2642));
}

/// The dnskey.example.com key of RFC 4034 §5.4 has the tag 60485.
#[test]
fn key_tags_are_as_in_the_rfc() {
    let key = "dskey.example.com. DNSKEY 256 3 5 AQOeiiR0GOMYkDshWoSKz9Xz fwJr1AYtsmx3TGkJaNXVbfi/ \
        2pHm822aJ5iI9BMzNXxeYCmZ DRD99WYwYqUSdjMmmAphXdvx egXd/M5+X7OrzKBaMbCVdFLU Uh6DhweJBjEVv5f2wwjM9Xzc nOf+EPbtG9DMBmADjFDc2w/r ljwvFw==";
    let parsed = records(key);
    assert!(matches!(&parsed[0].data, Rdata::Dnskey(key) if key.key_tag() == 60485));
}

#[test]
fn errors_name_the_line_and_what_was_expected() {
    let origin = Name::root();
    for (text, error) in [
        (
            " A 192.0.2.1",
            "line 1: the first record needs an owner name",
        ),
        (
            "\na A 192.0.2",
            "line 2: expected an IPv4 address, found '192.0.2'",
        ),
        (
            "a MX 10",
            "line 1: expected a name, the record ends before it",
        ),
        (
            "a MX 65536 b",
            "line 1: expected a preference, found '65536'",
        ),
        ("a A 192.0.2.1 x", "line 1: 'x' is one word too many for A"),
        ("a TXT \"open", "line 1: a '\"' is not closed"),
        ("a TXT ( b", "line 1: a '(' is not closed"),
        ("a TXT b )", "line 1: a ')' without a '('"),
        ("a MXX b", "line 1: expected a record type, found 'MXX'"),
        (
            "a CAA b",
            "line 1: CAA is written as '\\# LENGTH HEX' (RFC 3597)",
        ),
        (
            "a CH A 192.0.2.1",
            "line 1: A in class CH is written as '\\# LENGTH HEX' (RFC 3597)",
        ),
        (
            ". DS 20326 8 2",
            "line 1: expected hexadecimal, the record ends before it",
        ),
        (
            ". DNSKEY 257 3 8",
            "line 1: expected base 64, the record ends before it",
        ),
        (
            "a TYPE98 b",
            "line 1: TYPE98 is written as '\\# LENGTH HEX' (RFC 3597)",
        ),
        (
            "a TYPE98 \\# 2 00",
            "line 1: 2 octets are announced, 1 given",
        ),
        (
            "$INCLUDE x",
            "line 1: $INCLUDE is not supported, only $ORIGIN and $TTL",
        ),
        (
            "a TLSA 3 1 1 zz",
            "line 1: expected hexadecimal, found 'zz'",
        ),
        (
            "a RRSIG A 13 1 60 20260230000000 20260101000000 1 a. AAAA",
            "line 1: expected a time as YYYYMMDDHHmmSS, found '20260230000000'",
        ),
    ] {
        let found = parse(text, &origin).expect_err(text).to_string();
        assert_eq!(found, error);
    }
}

#[test]
fn the_data_of_one_record() {
    for (text, expected) in [
        ("3 1 1 0aFF", Ok("3 1 1 0AFF")),
        ("3 1 (\n 1 0a ; half\n ff )", Ok("3 1 1 0AFF")),
        ("\\# 4 03010100", Ok("3 1 1 00")),
        ("", Err("expected the data of one TLSA record")),
        (
            "3 1 1 00\n3 1 1 00",
            Err("expected the data of one TLSA record"),
        ),
        (
            "3 1 1",
            Err("expected hexadecimal, the record ends before it"),
        ),
        ("3 1 256 00", Err("expected a matching type, found '256'")),
        ("3 1 1 00 zz", Err("expected hexadecimal, found '00zz'")),
    ] {
        let found = parse_data(RecordType::TLSA, text).map(|data| data.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
    }
}
