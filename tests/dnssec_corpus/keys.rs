//! Keys of a zone: who signs what, roll-over states, revoked keys, keys that are none.

use gateway::dns::{Algorithm, Dnskey, RecordType};
use gateway_lab::world::{KeyUse, Signing, ZoneKey};

use crate::case::{Case, DATA, Expected, combined, pair};
use crate::edits;
use Expected::{Bogus, Indeterminate};

const A: RecordType = RecordType::A;
const DNSKEY: RecordType = RecordType::DNSKEY;
const IN_ANCHORS_ONLY: &str =
    "RFC 5011 §2.1: a revoked key must not be used; Unbound looks at the bit only in trust anchors";
const REVOKED: u16 = Dnskey::ZONE | Dnskey::SECURE_ENTRY_POINT | Dnskey::REVOKE;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = uses();
    cases.extend(rollovers());
    cases.extend(unfit());
    cases
}

fn ksk() -> KeyUse {
    KeyUse::key_signing(combined())
}

fn zsk() -> KeyUse {
    KeyUse::zone_signing(ZoneKey::zone_signing(Algorithm::ECDSAP256SHA256))
}

fn with(name: &str, expected: Expected, keys: impl IntoIterator<Item = KeyUse>) -> Case {
    keys.into_iter()
        .fold(Case::new(name, "h", A, expected), Case::key)
}

fn uses() -> Vec<Case> {
    let missing = Signing {
        is_missing: true,
        ..Signing::default()
    };
    let damaged = Signing {
        is_damaged: true,
        ..Signing::default()
    };
    let unnamed = KeyUse::combined(combined()).digests(&[]);
    let hollow = |name: &str, count: u16, expected| {
        (0..count).fold(Case::new(name, "h", A, expected), |case, number| {
            let mut key = ZoneKey::zone_signing(Algorithm::ED25519).dnskey().clone();
            key.public_key[0] = number.to_be_bytes()[1];
            case.record("@", gateway::dns::Rdata::Dnskey(key))
        })
    };
    vec![
        with("key-combined", DATA, [KeyUse::combined(combined())]),
        // The SEP flag is a hint (RFC 4034 §2.1.1).
        with(
            "key-no-sep",
            DATA,
            [KeyUse::combined(ZoneKey::zone_signing(
                Algorithm::ECDSAP256SHA256,
            ))],
        ),
        with(
            "key-sep-signs-data",
            DATA,
            [ksk(), KeyUse::zone_signing(combined())],
        ),
        Case::new("key-of-question", "@", DNSKEY, DATA),
        // Only a key that a DS names vouches for the others (RUSTSEC-2025-0006).
        with(
            "key-vouched-by-none",
            Bogus("KeyMissing"),
            [ksk().idle(), unnamed],
        ),
        with(
            "key-signs-nothing",
            Bogus("RrsigMissing"),
            [ksk().idle(), zsk()],
        ),
        with(
            "key-not-published",
            Bogus("KeyMissing"),
            [ksk(), zsk().unpublished()],
        ),
        with(
            "key-named-not-published",
            Bogus("DnskeyUnmatched"),
            [ksk().unpublished(), zsk()],
        ),
        Case::new("dnskey-unsigned", "h", A, Bogus("RrsigMissing")).signing(
            "@",
            DNSKEY,
            missing.clone(),
        ),
        Case::new("dnskey-wrong", "h", A, Bogus("SignatureWrong")).signing("@", DNSKEY, damaged),
        stripped("dnskey-stripped"),
        absent("dnskey-absent"),
        hollow("keys-32", 30, DATA),
        hollow("keys-33", 31, Indeterminate("Budget"))
            .differs("RFC 4035 §5.3 sets no number; the limit is ours"),
    ]
}

fn stripped(name: &str) -> Case {
    let case = Case::new(name, "h", A, Bogus("RrsigMissing"));
    let apex = case.full("@");
    case.edit_at(apex, DNSKEY, edits::strip)
}

fn absent(name: &str) -> Case {
    let case = Case::new(name, "h", A, Bogus("DnskeyMissing"));
    let apex = case.full("@");
    case.edit_at(apex, DNSKEY, edits::nothing)
}

fn rollovers() -> Vec<Case> {
    let no_ds = |key: KeyUse| key.digests(&[]);
    let [rsa_ksk, rsa_zsk] = pair(Algorithm::RSASHA256);
    vec![
        with("roll-zsk-prepublished", DATA, [ksk(), zsk(), zsk().idle()]),
        with("roll-zsk-double", DATA, [ksk(), zsk(), zsk()]),
        with(
            "roll-ksk-double-ds",
            DATA,
            [ksk(), ksk().unpublished(), zsk()],
        ),
        with(
            "roll-ksk-double-signature",
            DATA,
            [ksk(), no_ds(ksk()), zsk()],
        ),
        with("roll-ksk-standby", DATA, [ksk(), ksk().idle(), zsk()]),
        with(
            "roll-ksk-ds-too-late",
            Bogus("DnskeyUnmatched"),
            [ksk().unpublished(), no_ds(ksk()), zsk()],
        ),
        with(
            "roll-algorithm-both",
            DATA,
            [rsa_ksk.clone(), rsa_zsk.clone(), ksk(), zsk()],
        ),
        // RFC 6840 §5.11: not every algorithm of the DS set must sign.
        with(
            "roll-algorithm-one-signs",
            DATA,
            [rsa_ksk.clone(), rsa_zsk.clone().idle(), ksk(), zsk()],
        ),
        with(
            "roll-algorithm-one-published",
            DATA,
            [rsa_ksk.unpublished(), rsa_zsk.idle(), ksk(), zsk()],
        ),
    ]
}

fn unfit() -> Vec<Case> {
    let revoked = || KeyUse::key_signing(combined().flags(REVOKED));
    let not_zone = || KeyUse::key_signing(combined().flags(Dnskey::SECURE_ENTRY_POINT));
    let protocol = || KeyUse::key_signing(combined().protocol(2));
    let zone_signing = |key: ZoneKey| KeyUse::zone_signing(key);
    vec![
        with("revoked", Bogus("DnskeyRevoked"), [revoked(), zsk()]).differs(IN_ANCHORS_ONLY),
        with("revoked-and-new", DATA, [revoked(), ksk(), zsk()]),
        with(
            "revoked-zsk",
            Bogus("KeyMissing"),
            [
                ksk(),
                zone_signing(combined().flags(Dnskey::ZONE | Dnskey::REVOKE)),
            ],
        )
        .differs(IN_ANCHORS_ONLY),
        with(
            "no-zone-flag",
            Bogus("DnskeyNotZoneKey"),
            [not_zone(), zsk()],
        ),
        with("no-zone-flag-and-good", DATA, [not_zone(), ksk(), zsk()]),
        with(
            "no-zone-flag-zsk",
            Bogus("KeyMissing"),
            [ksk(), zone_signing(combined().flags(0))],
        ),
        with("protocol-2", Bogus("DnskeyNotZoneKey"), [protocol(), zsk()]),
        with(
            "protocol-2-zsk",
            Bogus("KeyMissing"),
            [ksk(), zone_signing(combined().protocol(2))],
        ),
        // Flags that nobody knows are ignored (RFC 4034 §2.1.1).
        with(
            "unknown-flags",
            DATA,
            [KeyUse::combined(combined().flags(0x7f01 & !Dnskey::REVOKE))],
        ),
    ]
}
