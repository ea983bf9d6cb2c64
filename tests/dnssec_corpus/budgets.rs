//! Zones made to cost work (KeyTrap, CVE-2023-50387; NSEC3 hashing, CVE-2023-50868): the work is bounded, and the end is an error.

use gateway::dns::{Algorithm, Rdata, RecordType};
use gateway_lab::world::{Denial, Hashing, KeyUse, ZoneKey, more_signatures};

use crate::case::{Case, DATA, Expected, combined};
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
        case = case.record("@", Rdata::Dnskey(zone_key.twin(number)));
    }
    if wrong > 0 {
        case = case.edit(more_signatures(wrong, |_| {}));
    }
    case
}

/// A name of many labels in a zone with NSEC3.
fn deep(label: &str, labels: usize) -> Case {
    let owner = vec!["x"; labels].join(".");
    Case::new(label, &owner, A, crate::case::NXDOMAIN)
        .zone(|zone| zone.denial(Denial::Nsec3(Hashing::default())))
}
