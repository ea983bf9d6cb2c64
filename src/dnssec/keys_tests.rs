use super::*;
use crate::dns::{Class, zonefile};
use crate::dnssec::limits::KEYS_PER_TAG;
use crate::dnssec::signer_tests::{NOW, Signer};
use crate::dnssec::{Consequence, group};

fn zone() -> Name {
    Name::parse("example.").unwrap()
}

fn rrset(text: &str) -> Rrset {
    group(&zonefile::parse(text, &Name::root()).unwrap()).remove(0)
}

/// RFC 4035 §5.2, RFC 4509 §3.
#[test]
fn entry_points_are_those_of_use() {
    let (short, long) = ("00".repeat(20), "00".repeat(32));
    let nine: Vec<String> = (1..10).map(|tag| format!("{tag} 8 2 L")).collect();
    let nine: Vec<&str> = nine.iter().map(String::as_str).collect();
    for (lines, expected) in [
        (&["1 8 1 S"][..], "1"),
        (&["1 8 1 S", "2 8 2 L"], "2"),
        (&["1 8 1 S", "2 8 4 L"], "2"),
        (&["1 8 1 S", "2 12 2 L"], "1"),
        (&["1 8 1 S", "2 8 3 L"], "1"),
        (&["1 13 2 L", "2 8 4 L"], "1 2"),
        (&["1 8 2 L"; 9], "1"),
        (&nine[..8], "1 2 3 4 5 6 7 8"),
        (&nine, "more than 8 DS records per zone"),
        (
            &["1 12 2 L", "2 5 2 L"],
            "algorithms that are not supported here: ECC-GOST, RSASHA1",
        ),
        (
            &["1 8 3 L", "2 3 2 L"],
            "digest types that are not supported here: GOST, SHA-256",
        ),
    ] {
        let text = lines.iter().map(|line| {
            let line = line.replace('S', &short).replace('L', &long);
            format!("x. DS {line}\n")
        });
        let set = rrset(&text.collect::<String>());
        let found = match EntryPoints::of_delegation(&set, Algorithms::new(false)) {
            Ok(points) => {
                let tags = points
                    .points()
                    .iter()
                    .map(|point| point.key_tag().to_string());
                tags.collect::<Vec<_>>().join(" ")
            }
            Err(why) => why.to_string(),
        };
        assert!(found.ends_with(expected), "{lines:?}: {found}");
    }
    let not_ds = EntryPoints::of_delegation(&rrset("x. NS ns."), Algorithms::new(false));
    assert_eq!(not_ds.unwrap_err().consequence(), Consequence::Bogus);
}

/// A zone as its servers and its parent present it.
#[derive(Default)]
struct Presented {
    keys: Vec<Dnskey>,
    ds: Vec<Ds>,
}

impl Presented {
    /// Its DNSKEY RRset signed by these.
    fn judge(self, signers: &[&Signer]) -> (Result<ZoneKeys, Why>, Budget) {
        let mut dnskeys = Rrset {
            owner: zone(),
            class: Class::IN,
            rtype: RecordType::DNSKEY,
            ttl: 3600,
            data: self.keys.into_iter().map(Rdata::Dnskey).collect(),
            signatures: Vec::new(),
        };
        dnskeys.data.sort_by_cached_key(Rdata::canonical);
        for signer in signers {
            signer.sign(&mut dnskeys, &zone());
        }
        let ds = Rrset {
            rtype: RecordType::DS,
            data: self.ds.into_iter().map(Rdata::Ds).collect(),
            ..dnskeys.clone()
        };
        let mut budget = Budget::new();
        let now = Timestamp::from_unix(NOW.into());
        let keys = EntryPoints::of_delegation(&ds, Algorithms::new(false))
            .and_then(|points| ZoneKeys::authenticate(&dnskeys, &points, now, &mut budget));
        (keys, budget)
    }

    /// The tags of the trusted keys, or the name of the reason.
    fn word(self, signers: &[&Signer]) -> String {
        match self.judge(signers).0 {
            Ok(keys) => {
                let tags = keys.ids().map(|id| id.tag.to_string());
                tags.collect::<Vec<_>>().join(" ")
            }
            Err(why) => format!("{why:?}").split(' ').next().unwrap().to_owned(),
        }
    }
}

fn sha256_of(signer: &Signer) -> Ds {
    signer.ds(&zone(), DigestType::SHA256)
}

fn tag(signer: &Signer) -> String {
    signer.dnskey.key_tag().to_string()
}

/// In the order of text; the order of the records depends on the keys.
fn tags(signers: &[&Signer]) -> Vec<String> {
    let mut tags: Vec<String> = signers.iter().map(|signer| tag(signer)).collect();
    tags.sort();
    tags
}

#[test]
fn a_key_with_a_ds_vouches_for_the_others() {
    let ksk = Signer::new(Algorithm::ECDSAP256SHA256);
    let zsk = Signer::new(Algorithm::ED25519);
    for digest_type in [DigestType::SHA1, DigestType::SHA256, DigestType::SHA384] {
        let presented = Presented {
            keys: vec![ksk.dnskey.clone(), zsk.dnskey.clone()],
            ds: vec![ksk.ds(&zone(), digest_type)],
        };
        let (keys, budget) = presented.judge(&[&ksk]);
        let keys = keys.unwrap();
        let mut found: Vec<String> = keys.ids().map(|id| id.tag.to_string()).collect();
        found.sort();
        assert_eq!(found, tags(&[&ksk, &zsk]), "{digest_type}");
        assert_eq!(keys.proof().key.tag, ksk.dnskey.key_tag());
        assert_eq!((budget.digests(), budget.verifications()), (1, 1));
        let mut set = rrset("www.example. A 192.0.2.1");
        zsk.sign(&mut set, &zone());
        let now = Timestamp::from_unix(NOW.into());
        let proof = signature::verify(&set, &keys, now, &mut Budget::new()).unwrap();
        assert_eq!(proof.key.tag, zsk.dnskey.key_tag());
    }
}

/// RUSTSEC-2025-0006: a key with a DS that has not signed the keys vouches for none, not even for itself.
#[test]
fn only_the_signature_of_the_vouching_key_counts() {
    let ksk = Signer::new(Algorithm::ED25519);
    let other = Signer::new(Algorithm::ED25519);
    let stranger = Signer::new(Algorithm::ED25519);
    let presented = || Presented {
        keys: vec![ksk.dnskey.clone(), other.dnskey.clone()],
        ds: vec![sha256_of(&ksk)],
    };
    assert_eq!(presented().word(&[&other]), "KeyMissing");
    assert_eq!(presented().word(&[&stranger]), "KeyMissing");
    assert_eq!(presented().word(&[]), "RrsigMissing");
    assert!(presented().judge(&[&other, &ksk]).0.is_ok());
    let unnamed = Presented {
        ds: vec![sha256_of(&stranger)],
        ..presented()
    };
    assert_eq!(unnamed.word(&[&ksk, &other]), "DnskeyUnmatched");
}

/// RFC 6840 §5.11: one path is enough while keys or algorithms roll over.
#[test]
fn any_one_of_several_ds_is_enough() {
    let old = Signer::new(Algorithm::ECDSAP256SHA256);
    let new = Signer::new(Algorithm::ED25519);
    let ahead = Signer::new(Algorithm::ED448);
    let presented = || Presented {
        keys: vec![old.dnskey.clone(), new.dnskey.clone()],
        ds: vec![sha256_of(&ahead), sha256_of(&old), sha256_of(&new)],
    };
    for signers in [&[&old][..], &[&new], &[&new, &old]] {
        assert!(presented().judge(signers).0.is_ok());
    }
    assert_eq!(presented().word(&[&ahead]), "KeyMissing");
    // One digest wrong, another of the same key right.
    let mut wrong = sha256_of(&old);
    wrong.digest[0] ^= 1;
    let one_right = Presented {
        ds: vec![wrong.clone(), old.ds(&zone(), DigestType::SHA384)],
        ..presented()
    };
    assert!(one_right.judge(&[&old]).0.is_ok());
    let none_right = Presented {
        ds: vec![wrong],
        ..presented()
    };
    assert_eq!(none_right.word(&[&old]), "DnskeyUnmatched");
}

/// RFC 4034 §2.1, RFC 5011 §2.1.
#[test]
fn revoked_keys_and_those_of_other_purpose_sign_nothing() {
    for (flags, protocol, expected) in [
        (0x0101, 3, ""),
        (0x0100, 3, ""),
        (0x8100, 3, ""),
        (0x0181, 3, "DnskeyRevoked"),
        (0x0180, 3, "DnskeyRevoked"),
        (0x0001, 3, "DnskeyNotZoneKey"),
        (0x0000, 3, "DnskeyNotZoneKey"),
        (0x0101, 2, "DnskeyNotZoneKey"),
        (0x0101, 255, "DnskeyNotZoneKey"),
    ] {
        let mut ksk = Signer::new(Algorithm::ED25519);
        (ksk.dnskey.flags, ksk.dnskey.protocol) = (flags, protocol);
        let good = Signer::new(Algorithm::ED25519);
        let alone = Presented {
            keys: vec![ksk.dnskey.clone()],
            ds: vec![sha256_of(&ksk)],
        };
        let expected = if expected.is_empty() {
            tag(&ksk)
        } else {
            expected.to_owned()
        };
        assert_eq!(alone.word(&[&ksk]), expected, "{flags} {protocol}");
        // Beside a good key it is not among the trusted ones.
        let both = Presented {
            keys: vec![ksk.dnskey.clone(), good.dnskey.clone()],
            ds: vec![sha256_of(&ksk), sha256_of(&good)],
        };
        let (keys, _) = both.judge(&[&ksk, &good]);
        let count = keys.unwrap().ids().count();
        assert_eq!(count, if expected.starts_with('D') { 1 } else { 2 });
    }
}

/// Insecure only if each DS of use names a key that is there and not supported: withholding a key does not lead there.
#[test]
fn keys_of_unsupported_size_make_a_zone_insecure_only_if_proven() {
    let short = Signer::rsa(Algorithm::RSASHA256, 512);
    let good = Signer::new(Algorithm::ED25519);
    let presented = || Presented {
        keys: vec![short.dnskey.clone()],
        ds: vec![sha256_of(&short)],
    };
    let why = presented().judge(&[&short]).0.unwrap_err();
    assert_eq!(why.consequence(), Consequence::Insecure);
    assert!(
        why.to_string().contains("has a modulus of 512 bits"),
        "{why}"
    );
    let withheld = Presented {
        ds: vec![sha256_of(&short), sha256_of(&good)],
        ..presented()
    };
    assert_eq!(withheld.word(&[&short]), "DnskeyUnmatched");
    let both = Presented {
        keys: vec![short.dnskey.clone(), good.dnskey.clone()],
        ds: vec![sha256_of(&short), sha256_of(&good)],
    };
    assert_eq!(both.word(&[&short, &good]), tag(&good));
    let mut broken = Signer::new(Algorithm::ECDSAP256SHA256);
    broken.dnskey.public_key[63] ^= 1;
    let malformed = Presented {
        keys: vec![broken.dnskey.clone()],
        ds: vec![sha256_of(&broken)],
    };
    assert_eq!(malformed.word(&[&broken]), "DnskeyBroken");
}

/// As two digests of each key while their type changes: what one signature costs does not grow with them.
#[test]
fn a_key_that_several_digests_name_is_tried_once() {
    let both = |signer: &Signer| {
        [DigestType::SHA256, DigestType::SHA384].map(|digest| signer.ds(&zone(), digest))
    };
    let (one, other) = (
        Signer::new(Algorithm::ED25519),
        Signer::new(Algorithm::ED25519),
    );
    let presented = || Presented {
        keys: vec![one.dnskey.clone(), other.dnskey.clone()],
        ds: [both(&one), both(&other)].concat(),
    };
    let mut mistaken = Signer::new(Algorithm::ED25519);
    mistaken.dnskey = one.dnskey.clone();
    let (keys, budget) = presented().judge(&[&mistaken, &other]);
    assert!(keys.is_ok(), "{keys:?}");
    assert_eq!((budget.verifications(), budget.failures()), (2, 1));
    assert_eq!(presented().word(&[&mistaken]), "SignatureWrong");
}

#[test]
fn the_work_for_keys_is_bounded() {
    let ksk = Signer::new(Algorithm::ED25519);
    let many = |count: usize| {
        let mut keys = vec![ksk.dnskey.clone(); count];
        for (number, key) in keys.iter_mut().enumerate().skip(1) {
            key.public_key[0] ^= u8::try_from(number).unwrap();
        }
        Presented {
            keys,
            ds: vec![sha256_of(&ksk)],
        }
    };
    assert!(many(KEYS_PER_ZONE).judge(&[&ksk]).0.is_ok());
    assert_eq!(many(KEYS_PER_ZONE + 1).word(&[&ksk]), "Budget");

    // DS records with wrong digests of a key that is there.
    let wrong = |count: u8| Presented {
        keys: vec![ksk.dnskey.clone()],
        ds: (0..count)
            .map(|number| {
                let mut ds = sha256_of(&ksk);
                ds.digest[0] ^= number + 1;
                ds
            })
            .chain([sha256_of(&ksk)])
            .collect(),
    };
    assert!(wrong(4).judge(&[&ksk]).0.is_err());
    let (keys, budget) = wrong(3).judge(&[&ksk]);
    assert!(keys.is_ok());
    assert_eq!(budget.digests(), 4);
    let (keys, budget) = wrong(7).judge(&[&ksk]);
    assert_eq!(keys.unwrap_err().consequence(), Consequence::Indeterminate);
    assert_eq!(budget.digests(), DS_FAILURES_PER_ZONE);

    // Keys with the tag of the right one: swapped 16-bit words.
    let mut collisions = Presented {
        keys: vec![ksk.dnskey.clone()],
        ds: vec![sha256_of(&ksk)],
    };
    for number in 0..12 {
        let mut key = ksk.dnskey.clone();
        key.public_key[2 * number..2 * number + 4].rotate_left(2);
        collisions.keys.push(key);
    }
    let (keys, budget) = collisions.judge(&[&ksk]);
    assert!(budget.digests() <= DS_FAILURES_PER_ZONE + 1);
    if let Ok(keys) = keys {
        let mut set = rrset("www.example. A 192.0.2.1");
        ksk.sign(&mut set, &zone());
        let mut budget = Budget::new();
        let now = Timestamp::from_unix(NOW.into());
        let _ = signature::verify(&set, &keys, now, &mut budget);
        assert!(budget.verifications() <= u32::try_from(KEYS_PER_TAG).unwrap());
    }
}

#[test]
fn keys_of_another_zone_or_type_are_none() {
    let ksk = Signer::new(Algorithm::ED25519);
    let ds = Rrset {
        owner: zone(),
        data: vec![Rdata::Ds(sha256_of(&ksk))],
        ..rrset("x. DS 1 8 2 00")
    };
    let points = EntryPoints::of_delegation(&ds, Algorithms::new(false)).unwrap();
    for text in ["other. DNSKEY 257 3 15 AAAA", "example. A 192.0.2.1"] {
        let now = Timestamp::from_unix(NOW.into());
        let why = ZoneKeys::authenticate(&rrset(text), &points, now, &mut Budget::new());
        assert_eq!(why.unwrap_err(), Why::DnskeyMissing { zone: zone() });
    }
}

/// A key as trust anchor is found by its octets, and revoking it ends its trust (RFC 5011 §2.1).
#[test]
fn anchors_may_be_whole_keys() {
    let mut ksk = Signer::new(Algorithm::ED25519);
    let anchor = EntryPoint::Dnskey(ksk.dnskey.clone());
    let judge = |signer: &Signer| {
        let mut dnskeys = Rrset {
            owner: zone(),
            data: vec![Rdata::Dnskey(signer.dnskey.clone())],
            ..rrset("x. DNSKEY 257 3 15 AAAA")
        };
        signer.sign(&mut dnskeys, &zone());
        let points = EntryPoints::of_anchors(&zone(), vec![anchor.clone()], Algorithms::new(false));
        let now = Timestamp::from_unix(NOW.into());
        ZoneKeys::authenticate(&dnskeys, &points.unwrap(), now, &mut Budget::new())
    };
    assert!(judge(&ksk).is_ok());
    let stranger = judge(&Signer::new(Algorithm::ED25519)).unwrap_err();
    assert!(
        stranger
            .to_string()
            .contains("the trust anchors configured here"),
        "{stranger}"
    );
    ksk.dnskey.flags |= Dnskey::REVOKE;
    assert!(matches!(judge(&ksk), Err(Why::DnskeyRevoked { .. })));
}
