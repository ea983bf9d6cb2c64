use openssl::asn1::Asn1Time;
use openssl::base64::decode_block;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509Name};

use super::*;
use gateway_lab::random::Random;

/// The certificate of RFC 8410 §10.2, whose key (X25519) cannot even sign.
const RFC_8410_CERTIFICATE: &str = "\
    MIIBLDCB36ADAgECAghWAUdKKo3DMDAFBgMrZXAwGTEXMBUGA1UEAwwOSUVURiBUZX\
    N0IERlbW8wHhcNMTYwODAxMTIxOTI0WhcNNDAxMjMxMjM1OTU5WjAZMRcwFQYDVQQD\
    DA5JRVRGIFRlc3QgRGVtbzAqMAUGAytlbgMhAIUg8AmJMKdUdIt93LQ+91oNvzoNJj\
    ga9OukqY6qm05qo0UwQzAPBgNVHRMBAf8EBTADAQEAMA4GA1UdDwEBAAQEAwIDCDAg\
    BgNVHQ4BAQAEFgQUmx9e7e0EM4Xk97xiPFl1uQvIuzswBQYDK2VwA0EAryMB/t3J5v\
    /BzKc9dNZIpDmAgs3babFOTQbs+BolzlDUwsPrdGxO3YNGhW7Ibz3OGhhlxXrCe1Cg\
    w1AH9efZBw==";

/// Its public key (32 octets) with the algorithm around it.
const RFC_8410_KEY: &str = "MCowBQYDK2VuAyEAhSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=";

pub(crate) fn rsa() -> PKey<Private> {
    PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key")
}

pub(crate) fn p256() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).expect("known");
    PKey::from_ec_key(EcKey::generate(&group).expect("a key")).expect("a key")
}

pub(crate) fn ed25519() -> PKey<Private> {
    PKey::generate_ed25519().expect("a key")
}

/// A self-signed certificate of that version (0 is v1, 2 is v3), valid until `end` (seconds since 1970).
pub(crate) fn certificate(key: &PKey<Private>, version: i32, end: i64) -> X509 {
    let mut name = X509Name::builder().expect("a name");
    name.append_entry_by_text("CN", "elsewhere.test")
        .expect("a name");
    let name = name.build();
    let mut builder = X509::builder().expect("a certificate");
    builder.set_version(version).expect("a version");
    let serial = BigNum::from_u32(77)
        .expect("a number")
        .to_asn1_integer()
        .expect("a number");
    builder.set_serial_number(&serial).expect("a number");
    builder.set_subject_name(&name).expect("a name");
    builder.set_issuer_name(&name).expect("a name");
    builder
        .set_not_before(&Asn1Time::from_unix(0).expect("a time"))
        .expect("a time");
    builder
        .set_not_after(&Asn1Time::from_unix(end).expect("a time"))
        .expect("a time");
    builder.set_pubkey(key).expect("a key");
    if version == 2 {
        let context = builder.x509v3_context(None, None);
        let names = SubjectAlternativeName::new()
            .dns("elsewhere.test")
            .build(&context)
            .expect("names");
        builder.append_extension(names).expect("names");
    }
    let digest = match key.id() {
        openssl::pkey::Id::ED25519 => MessageDigest::null(),
        _ => MessageDigest::sha256(),
    };
    builder.sign(key, digest).expect("signs");
    builder.build()
}

pub(crate) const FAR: i64 = 4_000_000_000;

#[test]
fn the_key_is_the_one_openssl_finds() {
    for key in [rsa(), p256(), ed25519()] {
        for (version, end) in [(0, FAR), (2, FAR), (2, 1)] {
            let certificate = certificate(&key, version, end);
            let expected = certificate
                .public_key()
                .expect("a key")
                .public_key_to_der()
                .expect("encodes");
            let octets = certificate.to_der().expect("encodes");
            assert_eq!(public_key_of(&octets), Some(&expected[..]));
            assert!(is_public_key(&expected));
        }
    }
}

#[test]
fn the_example_of_rfc_8410() {
    let certificate = decode_block(RFC_8410_CERTIFICATE).expect("base64");
    let key = decode_block(RFC_8410_KEY).expect("base64");
    assert_eq!(public_key_of(&certificate), Some(&key[..]));
}

/// An element with a length of one octet.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut octets = vec![tag, u8::try_from(content.len()).expect("short")];
    octets.extend_from_slice(content);
    octets
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(SEQUENCE, &parts.concat())
}

/// The smallest certificate, with `after` behind its key.
fn smallest(after: &[u8]) -> Vec<u8> {
    let empty = sequence(&[]);
    let signed = sequence(&[
        &element(INTEGER, &[1]),
        &empty,
        &empty,
        &empty,
        &empty,
        &small_key(),
        after,
    ]);
    sequence(&[&signed, &empty, &element(BIT_STRING, &[0])])
}

fn small_key() -> Vec<u8> {
    sequence(&[
        &sequence(&[&element(OBJECT_IDENTIFIER, &[42])]),
        &element(BIT_STRING, &[0, 9]),
    ])
}

#[test]
fn what_may_follow_the_key() {
    let (first, second, third) = (element(0x81, &[0]), element(0x82, &[0]), element(0xA3, &[]));
    for (after, sound) in [
        (vec![], true),
        (first.clone(), true),
        ([&first[..], &second, &third].concat(), true),
        ([&second[..], &first].concat(), false),
        ([&first[..], &first].concat(), false),
        (element(0x84, &[]), false),
        (vec![0x81], false),
    ] {
        assert_eq!(
            public_key_of(&smallest(&after)).is_some(),
            sound,
            "{after:?}"
        );
    }
}

#[test]
fn nothing_may_be_left_over_or_missing() {
    let certificate = certificate(&p256(), 2, FAR).to_der().expect("encodes");
    let key = public_key_of(&certificate).expect("sound").to_vec();
    for length in 0..certificate.len() {
        assert_eq!(public_key_of(&certificate[..length]), None);
    }
    for length in 0..key.len() {
        assert!(!is_public_key(&key[..length]));
    }
    assert_eq!(public_key_of(&[&certificate[..], &[0]].concat()), None);
    assert!(!is_public_key(&[&key[..], &[0]].concat()));
    assert!(!is_public_key(&certificate));
    assert_eq!(public_key_of(&key), None);
}

#[test]
fn lengths_are_definite_and_shortest() {
    for (octets, expected) in [
        (&[0x00][..], Some(0)),
        (&[0x7F], Some(0x7F)),
        (&[0x81, 0x80], Some(0x80)),
        (&[0x82, 0x01, 0x00], Some(0x100)),
        (&[0x84, 0x01, 0, 0, 0], Some(0x0100_0000)),
        (&[0x80], None),
        (&[0x81, 0x7F], None),
        (&[0x82, 0x00, 0xFF], None),
        (&[0x85, 1, 0, 0, 0, 0], None),
        (&[0x82, 0x01], None),
        (&[0xFF], None),
        (&[], None),
    ] {
        assert_eq!(
            length(octets).map(|(length, _)| length),
            expected,
            "{octets:?}"
        );
    }
}

#[test]
fn bit_strings_count_their_unused_bits() {
    for (content, sound) in [
        (&[0][..], true),
        (&[7, 0x80], true),
        (&[8, 0], false),
        (&[1], false),
        (&[], false),
    ] {
        let octets = element(BIT_STRING, content);
        assert_eq!(
            Walker(&octets).take_bit_string().is_some(),
            sound,
            "{content:?}"
        );
    }
}

fn extension(id: &[u8], critical: &[u8], value: &[u8]) -> Vec<u8> {
    let (id, value) = (element(OBJECT_IDENTIFIER, id), element(OCTET_STRING, value));
    sequence(&[&id, critical, &value])
}

/// What cannot be read is never taken for a certificate without names, to which other rules apply.
#[test]
fn names_as_sent_or_none_at_all() {
    let name = |name: &[u8]| element(DNS_NAME, name);
    let other = element(0x81, b"a@d.test");
    let critical = element(BOOLEAN, &[0xFF]);
    let names = |parts: &[&[u8]]| extension(&SUBJECT_ALT_NAME, &[], &sequence(parts));
    let one = names(&[&other, &name(b"d.test"), &name(b"\xFC.test"), &name(b"")]);
    let all: Option<&[&[u8]]> = Some(&[b"d.test", b"\xFC.test", b""]);
    let none: Option<&[&[u8]]> = Some(&[]);
    let broken = [&names(&[&other])[..], &[0x30, 5]].concat();
    for (extensions, expected) in [
        (sequence(&[&one]), all),
        (
            sequence(&[&extension(&[0x55, 0x1D, 0x13], &critical, &[9]), &one]),
            all,
        ),
        (
            sequence(&[&extension(
                &SUBJECT_ALT_NAME,
                &critical,
                &sequence(&[&name(b"x")]),
            )]),
            Some(&[b"x"]),
        ),
        (
            sequence(&[&names(&[&name(b"x")]), &names(&[&name(b"y")])]),
            Some(&[b"x", b"y"]),
        ),
        (sequence(&[&names(&[&other])]), none),
        (sequence(&[]), none),
        (
            sequence(&[&extension(&SUBJECT_ALT_NAME, &[], &name(b"d.test"))]),
            None,
        ),
        (sequence(&[&extension(&SUBJECT_ALT_NAME, &[], b"")]), None),
        (sequence(&[&names(&[&[DNS_NAME, 9, b'd']])]), None),
        (sequence(&[&names(&[&[0x9F, 0x21, 0]])]), None),
        (sequence(&[&broken]), None),
        (one, None),
        (vec![], None),
    ] {
        let certificate = smallest(&element(EXTENSIONS, &extensions));
        assert_eq!(
            dns_names_of(&certificate).as_deref(),
            expected,
            "{extensions:?}"
        );
    }
    assert_eq!(dns_names_of(&smallest(&[])).as_deref(), none);
    assert_eq!(dns_names_of(b"no certificate"), None);
}

#[test]
fn who_says_that_it_is_an_authority() {
    let constraints = |value: &[u8]| {
        let id = element(OBJECT_IDENTIFIER, &BASIC_CONSTRAINTS);
        let critical = element(BOOLEAN, &[0xFF]);
        let extension = sequence(&[&id, &critical, &element(OCTET_STRING, value)]);
        smallest(&element(EXTENSIONS, &sequence(&[&extension])))
    };
    let (yes, no) = (element(BOOLEAN, &[0xFF]), element(BOOLEAN, &[0]));
    for (certificate, expected) in [
        (constraints(&sequence(&[&yes])), true),
        (
            constraints(&sequence(&[&yes, &element(INTEGER, &[0])])),
            true,
        ),
        (constraints(&sequence(&[&no])), false),
        (constraints(&sequence(&[&element(INTEGER, &[0])])), false),
        (constraints(&sequence(&[])), false),
        (constraints(&yes), false),
        (smallest(&[]), false),
        (b"no certificate".to_vec(), false),
    ] {
        assert_eq!(is_authority(&certificate), expected, "{certificate:?}");
    }
}

#[test]
fn kinds_of_keys() {
    for (key, expected) in [(rsa(), "RSA"), (p256(), "ECDSA"), (ed25519(), "Ed25519")] {
        let key = key.public_key_to_der().expect("encodes");
        assert_eq!(key_kind(&key), Some(expected));
    }
    assert_eq!(key_kind(&small_key()), None);
    assert_eq!(key_kind(b"no key"), None);
}

/// Whatever is done to a certificate: no panic, and a key that is found is a slice of it and well-formed.
#[test]
fn mutated_certificates_do_no_harm() {
    let originals: Vec<Vec<u8>> = [(p256(), 2), (ed25519(), 0)]
        .iter()
        .map(|(key, version)| certificate(key, *version, FAR).to_der().expect("encodes"))
        .collect();
    let mut random = Random::new(0x5eed);
    let mut found = 0;
    for round in 0..60_000 {
        let mut octets = originals[round % originals.len()].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(octets.len());
            match random.below(3) {
                0 => octets[at] = u8::try_from(random.below(256)).expect("an octet"),
                1 => octets.truncate(at.max(1)),
                _ => octets.insert(at, [0, 0x30, 0x80, 0xFF][random.below(4)]),
            }
        }
        let _ = is_authority(&octets);
        for name in dns_names_of(&octets).into_iter().flatten() {
            assert!(name.is_empty() || octets.windows(name.len()).any(|window| window == name));
        }
        if let Some(key) = public_key_of(&octets) {
            assert!(is_public_key(key));
            assert!(octets.windows(key.len()).any(|window| window == key));
            found += 1;
        }
    }
    assert!(
        (1000..59_000).contains(&found),
        "{found}: the mutations are too mild or too wild"
    );
}
