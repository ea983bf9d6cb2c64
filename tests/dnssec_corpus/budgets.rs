//! Zones made to cost work (KeyTrap, CVE-2023-50387; NSEC3 hashing, CVE-2023-50868): the work is bounded, and the end is an error.

use gateway::dns::{Algorithm, Dnskey, Rdata, RecordType};
use gateway_lab::world::{Denial, Hashing, KeyUse, ZoneKey};

use crate::case::{Case, DATA, Expected, combined};
use crate::edits;
use Expected::Indeterminate;

const A: RecordType = RecordType::A;

pub(crate) fn cases() -> Vec<Case> {
    let over = Indeterminate("Budget");
    vec![
        keytrap("keytrap", 30, 8, over),
        keytrap("keytrap-one-signature", 30, 1, over),
        keytrap("tag-shared-by-2", 1, 0, DATA),
        deep("nsec3-deep", 20),
    ]
}

/// Keys that share the tag of the one that signs, and wrong signatures before the right one.
fn keytrap(label: &str, keys: u16, wrong: usize, expected: Expected) -> Case {
    let zone_key = ZoneKey::zone_signing(Algorithm::RSASHA256);
    let mut case = Case::new(label, "h", A, expected)
        .key(KeyUse::key_signing(combined()))
        .key(KeyUse::zone_signing(zone_key.clone()));
    for number in 0..keys {
        let twin = twin(zone_key.dnskey(), number);
        case = case.record("@", Rdata::Dnskey(twin));
    }
    if wrong > 0 {
        case = case.edit(edits::more_signatures(wrong, |_| {}));
    }
    case
}

/// Another key with the same tag: words of the modulus change places, which the sum does not see (RFC 4034 Appendix B).
fn twin(key: &Dnskey, number: u16) -> Dnskey {
    let mut twin = key.clone();
    // The head of the record has four octets, so words of the key begin at even places.
    let place = 10 + 2 * usize::from(number);
    let (low, high) = twin.public_key.split_at_mut(place + 2);
    low[place..].swap_with_slice(&mut high[..2]);
    assert_eq!(twin.key_tag(), key.key_tag());
    twin
}

/// A name of many labels in a zone with NSEC3.
fn deep(label: &str, labels: usize) -> Case {
    let owner = vec!["x"; labels].join(".");
    Case::new(label, &owner, A, crate::case::NXDOMAIN)
        .zone(|zone| zone.denial(Denial::Nsec3(Hashing::default())))
}
