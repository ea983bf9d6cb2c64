use super::*;

const KEY: &str = "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==";

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

#[test]
fn both_root_keys_are_built_in() {
    assert_eq!(root_key_tags().collect::<Vec<_>>(), ["20326", "38696"]);
    let anchors = TrustAnchors::built_in();
    let tags: Vec<u16> = anchors.iter().map(|(_, point)| point.key_tag()).collect();
    assert_eq!(tags, [20326, 38696]);
    assert_eq!(anchors.closest(&name("a.b.example.")), Some(&Name::root()));
    let algorithms = Algorithms::new(false);
    let points = anchors.entry_points(&Name::root(), algorithms).unwrap();
    assert_eq!(points.points().len(), 2);
}

/// The DNSKEY records that the root publishes.
#[test]
fn what_is_built_in_names_the_keys_of_the_root() {
    for (ds, key) in ROOT.iter().zip([
        "AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3+/4RgWOq7HrxRixHlFlExOLAJr5emLvN7SWXgnLh4+B5xQlNVz8Og8kvArMtNROxVQuCaSnIDdD5LKyWbRd2n9WGe2R8PzgCmr3EgVLrjyBxWezF0jLHwVN8efS3rCj/EWgvIWgb9tarpVUDK/b58Da+sqqls3eNbuv7pr+eoZG+SrDK6nWeL3c6H5Apxz7LjVc1uTIdsIXxuOLYA4/ilBmSVIzuDWfdRUfhHdY6+cn8HFRm+2hM8AnXGXws9555KrUB5qihylGa8subX2Nn6UwNR1AkUTV74bU=",
        "AwEAAa96jeuknZlaeSrvyAJj6ZHv28hhOKkx3rLGXVaC6rXTsDc449/cidltpkyGwCJNnOAlFNKF2jBosZBU5eeHspaQWOmOElZsjICMQMC3aeHbGiShvZsx4wMYSjH8e7Vrhbu6irwCzVBApESjbUdpWWmEnhathWu1jo+siFUiRAAxm9qyJNg/wOZqqzL/dL/q8PkcRU5oUKEpUge71M3ej2/7CPqpdVwuMoTvoB+ZOT4YeGyxMvHmbrxlFzGOHOijtzN+u1TQNatX2XBuzZNQ1K+s2CXkPIZo7s6JgZyvaBevYtxPvYLw4z9mR7K2vaF18UYH9Z9GNUUeayffKC73PYc=",
    ]) {
        let anchors = TrustAnchors::parse(&format!("{ds}\n. DNSKEY 257 3 8 {key}")).unwrap();
        let points: Vec<&EntryPoint> = anchors.iter().map(|(_, point)| point).collect();
        let [named, EntryPoint::Dnskey(key)] = points.as_slice() else {
            panic!("{points:?}");
        };
        assert!(named.names(&Name::root(), key));
        assert!(!named.names(&name("test."), key));
    }
}

#[test]
fn the_closest_zone_with_anchors_counts() {
    let text = format!(
        "; two forms, two zones\n{}\nexample.net DNSKEY {KEY}\nExample.Net. DNSKEY {KEY}\nsub.example.net. DNSKEY {KEY}\n",
        ROOT[0]
    );
    let anchors = TrustAnchors::parse(&text).unwrap();
    assert_eq!(anchors.iter().count(), 3);
    for (asked, zone) in [
        (".", "."),
        ("net.", "."),
        ("anexample.net.", "."),
        ("example.net.", "example.net."),
        ("a.EXAMPLE.net.", "example.net."),
        ("b.a.sub.example.net.", "sub.example.net."),
    ] {
        assert_eq!(anchors.closest(&name(asked)), Some(&name(zone)), "{asked}");
    }
    let alone = TrustAnchors::parse(&format!("example.net. DNSKEY {KEY}")).unwrap();
    assert_eq!(alone.closest(&name("example.org.")), None);
    let why = alone.entry_points(&Name::root(), Algorithms::new(false));
    assert_eq!(why, Err(Why::NoAnchor { name: Name::root() }));
}

#[test]
fn what_cannot_be_an_anchor_is_refused() {
    for (text, reason) in [
        ("", "expected a DS or DNSKEY record, found none"),
        ("x. DNSKEY", "line 1: "),
        ("x. A 192.0.2.1", "x. A is no trust anchor: expected type"),
        ("x. CH DS 1 8 2 00", "its class is not IN"),
        ("x. DS 1 8 2 00", "length"),
        ("x. DS 1 8 3 00", "digest type"),
        ("x. DNSKEY 1 3 13 AAAA", "zone flag"),
        ("x. DNSKEY 257 2 13 AAAA", "zone flag"),
        ("x. DNSKEY 385 3 13 AAAA", "revoked"),
        (&"x. DNSKEY 257 3 13 AAAA\n".repeat(65), "more than 64"),
    ] {
        let error = TrustAnchors::parse(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

/// An anchor of no use is a fault here, not a zone without signatures.
#[test]
fn unsupported_anchors_make_nothing_insecure() {
    let digest = "00".repeat(20);
    let anchors = TrustAnchors::parse(&format!("x. DS 1 5 1 {digest}")).unwrap();
    let why = anchors.entry_points(&name("x."), Algorithms::new(false));
    assert_eq!(why, Err(Why::AnchorUnsupported { zone: name("x.") }));
}
