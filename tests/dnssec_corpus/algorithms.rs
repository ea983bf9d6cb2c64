//! Algorithms, supported and not; digests of DS records.

use gateway::dns::{Algorithm, DigestType, Dnskey, Rdata, RecordType};
use gateway_lab::world::{Denial, Hashing, KeyUse, Signing, ZoneKey};

use crate::case::{Case, DATA, Expected, NODATA, NXDOMAIN, combined, pair};
use Expected::{Bogus, Indeterminate, Insecure};

const A: RecordType = RecordType::A;
const TXT: RecordType = RecordType::TXT;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = supported();
    cases.extend(with_sha1());
    cases.extend(unsupported());
    cases.extend(digests());
    cases
}

/// Every algorithm signs every kind of answer.
fn supported() -> Vec<Case> {
    let mut cases = Vec::new();
    for number in [8, 10, 13, 14, 15, 16] {
        let keys = pair(Algorithm(number));
        for (chain, denial) in [
            ("nsec", Denial::Nsec),
            ("nsec3", Denial::Nsec3(Hashing::default())),
        ] {
            for (kind, owner, rtype, expected) in [
                ("data", "h", A, DATA),
                ("nodata", "h", TXT, NODATA),
                ("nxdomain", "none", A, NXDOMAIN),
                ("wildcard", "x.w", A, DATA),
            ] {
                let [ksk, zsk] = keys.clone();
                let case = Case::new(format!("a{number}-{chain}-{kind}"), owner, rtype, expected);
                let denial = denial.clone();
                cases.push(case.key(ksk).key(zsk).zone(|zone| zone.denial(denial)));
            }
        }
        let [ksk, zsk] = keys;
        let damaged = Signing {
            is_damaged: true,
            ..Signing::default()
        };
        let case = Case::new(format!("a{number}-wrong"), "h", A, Bogus("SignatureWrong"));
        cases.push(case.key(ksk).key(zsk).signing("h", A, damaged));
    }
    cases
}

/// Algorithms 5 and 7 count only where they are wanted (RFC 9905).
fn with_sha1() -> Vec<Case> {
    let mut cases = Vec::new();
    for number in [5, 7] {
        let keys = pair(Algorithm(number));
        let case = |kind: &str, owner: &str, rtype, expected| {
            let [ksk, zsk] = keys.clone();
            Case::new(format!("a{number}-{kind}"), owner, rtype, expected)
                .key(ksk)
                .key(zsk)
        };
        let damaged = Signing {
            is_damaged: true,
            ..Signing::default()
        };
        cases.extend([
            case("off", "h", A, Insecure("AlgorithmUnsupported"))
                .differs("RFC 9905 §2: SHA-1 counts no more; this Unbound is older"),
            case("on", "h", A, DATA).with_sha1(),
            case("on-nxdomain", "none", A, NXDOMAIN).with_sha1(),
            case("on-wrong", "h", A, Bogus("SignatureWrong"))
                .with_sha1()
                .signing("h", A, damaged),
        ]);
    }
    cases
}

fn unsupported() -> Vec<Case> {
    let mut cases: Vec<_> = [1, 3, 6, 12, 17, 200, 253, 254]
        .map(|number| {
            let key = combined().numbered(Algorithm(number));
            Case::new(
                format!("a{number}-unknown"),
                "h",
                A,
                Insecure("AlgorithmUnsupported"),
            )
            .key(KeyUse::combined(key))
        })
        .into();
    let unknown = || KeyUse::combined(combined().numbered(Algorithm(200)));
    let rsa = |bits| KeyUse::combined(ZoneKey::rsa(Algorithm::RSASHA256, bits));
    let hollow = Dnskey {
        flags: Dnskey::ZONE | Dnskey::SECURE_ENTRY_POINT,
        protocol: 3,
        algorithm: Algorithm::ECDSAP256SHA256,
        public_key: vec![1; 63],
    };
    let of_hollow = combined();
    let mut hollow_ds = of_hollow.ds("a13-short-key.test", DigestType::SHA256);
    hollow_ds.key_tag = hollow.key_tag();
    hollow_ds.digest = digest_of("a13-short-key.test", &hollow);
    cases.extend([
        Case::new("a13-and-unknown", "h", A, DATA)
            .key(unknown())
            .key(KeyUse::combined(combined())),
        Case::new("a13-and-unknown-dead", "h", A, Bogus("DnskeyUnmatched"))
            .key(unknown())
            .key(KeyUse::combined(combined()).unpublished()),
        Case::new("a8-and-a13", "h", A, DATA)
            .key(KeyUse::combined(ZoneKey::key_signing(Algorithm::RSASHA256)))
            .key(KeyUse::combined(combined())),
        Case::new("a8-2048", "h", A, DATA).key(rsa(2048)),
        Case::new("a8-512", "h", A, Insecure("KeyUnsupported"))
            .key(rsa(512))
            .differs("RFC 5702 §2.1 allows 512 bits, which have been factored"),
        Case::new("a8-1016", "h", A, Insecure("KeyUnsupported"))
            .key(rsa(1016))
            .differs("RFC 5702 §2.1 allows 512 bits, which have been factored"),
        Case::new("a13-short-key", "h", A, Bogus("DnskeyBroken"))
            .key(KeyUse::combined(of_hollow))
            .record("@", Rdata::Dnskey(hollow))
            .zone(|zone| zone.ds(vec![hollow_ds])),
    ]);
    cases
}

fn digest_of(zone: &str, key: &Dnskey) -> Vec<u8> {
    let mut octets = crate::case::name(zone).as_wire().to_vec();
    octets.extend(Rdata::Dnskey(key.clone()).canonical());
    openssl::sha::sha256(&octets).to_vec()
}

/// DS records of one key, with the digest types given; a negative one has a wrong digest.
fn ds(name: &str, types: &[i16], expected: Expected) -> Case {
    let key = combined();
    let zone = format!("{name}.test");
    let records = types.iter().map(|number| {
        let digest_type = DigestType(u8::try_from(number.unsigned_abs()).unwrap());
        let mut ds = key.ds(&zone, digest_type);
        if *number < 0 {
            ds.digest[0] ^= 1;
        }
        ds
    });
    let records = records.collect();
    Case::new(name, "h", A, expected)
        .key(KeyUse::combined(key.clone()))
        .zone(|zone| zone.ds(records))
}

fn digests() -> Vec<Case> {
    let (unsupported, unmatched) = (Insecure("DigestUnsupported"), Bogus("DnskeyUnmatched"));
    let key = combined();
    let change = |name: &str, change: fn(&mut gateway::dns::Ds)| {
        let mut ds = key.ds(&format!("{name}.test"), DigestType::SHA256);
        change(&mut ds);
        Case::new(name, "h", A, unmatched)
            .key(KeyUse::combined(key.clone()))
            .zone(|zone| zone.ds(vec![ds]))
    };
    vec![
        ds("ds-1", &[1], DATA),
        ds("ds-2", &[2], DATA),
        ds("ds-4", &[4], DATA),
        ds("ds-3", &[3], unsupported),
        ds("ds-200", &[200], unsupported),
        ds("ds-1-2-4", &[1, 2, 4], DATA),
        ds("ds-3-2", &[3, 2], DATA),
        ds("ds-200-1", &[200, 1], DATA),
        ds("ds-wrong-1", &[-1], unmatched),
        ds("ds-wrong-2", &[-2], unmatched),
        ds("ds-wrong-4", &[-4], unmatched),
        ds("ds-wrong-2-unknown", &[-2, 200], unmatched),
        // RFC 4509 §3: the SHA-1 digest is not looked at.
        ds("ds-1-wrong-2", &[1, -2], unmatched).differs(
            "RFC 4509 §3: SHA-1 is ignored beside SHA-256, which Unbound does only when hardened",
        ),
        ds("ds-wrong-1-2", &[-1, 2], DATA),
        ds("ds-wrong-2-4", &[-2, 4], DATA),
        ds("ds-2-wrong-4", &[2, -4], DATA),
        change("ds-tag", |ds| ds.key_tag ^= 1),
        change("ds-algorithm", |ds| ds.algorithm = Algorithm::RSASHA256),
        change("ds-short", |ds| ds.digest.truncate(31)),
        change("ds-long", |ds| ds.digest.push(0)),
        many_ds("ds-8", 7, 0, DATA),
        many_ds("ds-9", 8, 0, Indeterminate("Budget"))
            .differs("RFC 4035 §5.2 sets no number; the limit is ours"),
        many_ds("ds-failures-3", 0, 3, DATA),
        many_ds("ds-failures-4", 0, 4, Indeterminate("Budget"))
            .differs("RFC 4035 §5.2 sets no number; the limit is ours"),
    ]
}

/// Before the right DS record so many of keys that are not there, and so many of the right key with a wrong digest.
fn many_ds(name: &str, others: u8, wrong: u8, expected: Expected) -> Case {
    let (key, zone) = (combined(), format!("{name}.test"));
    let right = key.ds(&zone, DigestType::SHA256);
    let absent = (0..others).map(|_| combined().ds(&zone, DigestType::SHA256));
    let mut records: Vec<_> = absent.collect();
    for number in 0..wrong {
        let mut ds = right.clone();
        // Before the right one in canonical order.
        ds.digest = vec![0; 32];
        ds.digest[31] = number;
        records.push(ds);
    }
    records.push(right);
    Case::new(name, "h", A, expected)
        .key(KeyUse::combined(key))
        .zone(|zone| zone.ds(records))
}
