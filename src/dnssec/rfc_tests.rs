//! The signed examples of the RFCs, each at its own time and with its own keys.

use super::*;
use crate::dns::{Dnskey, Name, Rdata, RecordType, zonefile};
use crate::time::Timestamp;
use keys::{EntryPoint, ZoneKey};

const RFC_4035: &str = include_str!("../../tests/data/dnssec/rfc4035.zone");
const RFC_5155: &str = include_str!("../../tests/data/dnssec/rfc5155.zone");
const RFC_5702: &str = include_str!("../../tests/data/dnssec/rfc5702.zone");
const RFC_6605: &str = include_str!("../../tests/data/dnssec/rfc6605.zone");
const RFC_8080: &str = include_str!("../../tests/data/dnssec/rfc8080.zone");

fn rrsets(text: &str) -> Vec<Rrset> {
    group(&zonefile::parse(text, &Name::root()).unwrap())
}

fn dnskeys(sets: &[Rrset]) -> (&Rrset, Vec<&Dnskey>) {
    let set = sets.iter().find(|set| set.rtype == RecordType::DNSKEY);
    let set = set.unwrap();
    let keys = set.data.iter().map(|data| match data {
        Rdata::Dnskey(key) => key,
        other => panic!("{other}"),
    });
    (set, keys.collect())
}

fn at(seconds: u32) -> Timestamp {
    Timestamp::from_unix(seconds.into())
}

/// The reason in one word.
fn word(why: &Why) -> String {
    let text = format!("{why:?}");
    text.split(' ').next().unwrap().to_owned()
}

/// Each signature is valid from its first to its last second and five minutes before, and not with one octet changed.
#[test]
fn each_signature_is_valid_in_its_time() {
    for (text, signatures) in [
        (RFC_4035, 19),
        (RFC_5155, 31),
        (RFC_5702, 2),
        (RFC_6605, 2),
        (RFC_8080, 4),
    ] {
        let sets = rrsets(text);
        let (dnskey_set, keys) = dnskeys(&sets);
        let zone = &dnskey_set.owner;
        let algorithms = Algorithms::of_examples();
        let keys = keys
            .iter()
            .map(|key| ZoneKey::new(key, algorithms).unwrap());
        let keys: Vec<ZoneKey> = keys.collect();
        let verify = |set: &Rrset, time: u32| {
            signature::verify_by(set, zone, &keys, at(time), &mut Budget::new())
        };
        let mut count = 0;
        for set in &sets {
            for rrsig in &set.signatures {
                count += 1;
                let set = Rrset {
                    signatures: vec![rrsig.clone()],
                    ..set.clone()
                };
                let fault = |set: &Rrset, time| word(&verify(set, time).unwrap_err());
                let (first, last) = (rrsig.inception, rrsig.expiration);
                for time in [first - 300, first, last] {
                    let proof = verify(&set, time).unwrap_or_else(|why| panic!("{why}"));
                    assert_eq!((proof.key.tag, proof.expiration), (rrsig.key_tag, last));
                    assert_eq!(proof.ttl, (last - time).min(3600));
                    let is_expanded = set.owner == Name::parse("a.z.w.example").unwrap();
                    assert_eq!(proof.wildcard, is_expanded.then_some(2), "{}", set.id());
                }
                assert_eq!(fault(&set, last + 1), "Expired");
                assert_eq!(fault(&set, first - 301), "NotYetValid");
                for broken in broken(&set) {
                    assert_eq!(fault(&broken, last), "SignatureWrong", "{}", set.id());
                }
            }
        }
        assert_eq!(count, signatures);
    }
}

/// The RRset with one octet of data, signature or signed fields changed.
fn broken(set: &Rrset) -> Vec<Rrset> {
    let mut octets = set.data[0].canonical();
    *octets.last_mut().unwrap() ^= 1;
    let rtype = set.rtype;
    let mut data = set.clone();
    data.data[0] = Rdata::Unknown {
        rtype,
        data: octets,
    };
    let mut signature = set.clone();
    signature.signatures[0].signature[9] ^= 0x10;
    let mut longer = set.clone();
    longer.signatures[0].signature.push(0);
    let mut shorter = set.clone();
    shorter.signatures[0].signature.pop();
    let mut ttl = set.clone();
    ttl.signatures[0].original_ttl += 1;
    let mut more = set.clone();
    more.data.push(set.data[0].clone());
    vec![data, signature, longer, shorter, ttl, more]
}

/// From the key-signing key down (RFC 4035 §5), by the key itself or by its digest.
#[test]
fn whole_zones_are_proven_from_their_anchors() {
    for (text, time) in [(RFC_4035, 1_081_800_000), (RFC_5155, 1_200_000_000)] {
        let sets = rrsets(text);
        let (dnskey_set, keys) = dnskeys(&sets);
        let key = keys.into_iter().find(|key| key.is_secure_entry_point());
        let mut anchors = TrustAnchors::default();
        anchors.add(
            dnskey_set.owner.clone(),
            EntryPoint::Dnskey(key.unwrap().clone()),
        );
        let zone = anchors.closest(&sets[1].owner).unwrap();
        let points = anchors
            .entry_points(zone, Algorithms::of_examples())
            .unwrap();
        let mut budget = Budget::new();
        let keys = ZoneKeys::authenticate(dnskey_set, &points, at(time), &mut budget).unwrap();
        assert_eq!(keys.ids().count(), 2);
        for set in &sets {
            let proof = signature::verify(set, &keys, at(time), &mut Budget::new());
            assert_eq!(proof.unwrap().key.zone, *keys.zone());
        }
        assert_eq!((budget.verifications(), budget.failures()), (1, 0));
    }
}

/// RFC 6605 §6 and RFC 8080 §6: each DS record names the key before it.
#[test]
fn digests_name_their_keys() {
    for (text, count) in [(RFC_6605, 2), (RFC_8080, 4)] {
        let sets = rrsets(text);
        let (dnskey_set, _) = dnskeys(&sets);
        let ds = sets.iter().find(|set| set.rtype == RecordType::DS).unwrap();
        assert_eq!(ds.data.len(), count);
        for data in &ds.data {
            let ds = Rrset {
                data: vec![data.clone()],
                ..ds.clone()
            };
            let points = EntryPoints::of_delegation(&ds, Algorithms::new(false)).unwrap();
            let mut budget = Budget::new();
            // The key is found; what fails is that it has not signed the keys.
            let why = ZoneKeys::authenticate(dnskey_set, &points, at(0), &mut budget).unwrap_err();
            assert_eq!(word(&why), "RrsigMissing");
            assert_eq!(budget.digests(), 1);
        }
    }
}
