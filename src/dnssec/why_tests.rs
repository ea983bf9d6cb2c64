use super::*;

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// Each reason names what is to be mended where, in one line, with its code of RFC 8914 and what follows for the data.
#[test]
fn each_reason_says_where_to_look() {
    use Consequence::{Bogus, Indeterminate, Insecure};
    let zone = || name("example.");
    let rrset = || RrsetId {
        owner: name("www.example."),
        rtype: RecordType::A,
    };
    let key = || KeyId {
        zone: zone(),
        tag: 7,
        algorithm: Algorithm::RSASHA256,
    };
    let (inception, expiration, now) = (1_795_000_000, 1_795_536_480, 1_795_536_481);
    for (why, consequence, ede, text) in [
        (
            Why::RrsigMissing {
                rrset: rrset(),
                zone: zone(),
            },
            Bogus,
            10,
            "www.example. A has no RRSIG record, though zone example. is signed",
        ),
        (
            Why::SignerNotZone {
                rrset: rrset(),
                signer: name("evil."),
                zone: zone(),
            },
            Bogus,
            6,
            "the signer of www.example. A is evil., but only zone example. may sign it",
        ),
        (
            Why::OutsideZone {
                rrset: rrset(),
                zone: name("evil."),
            },
            Bogus,
            6,
            "www.example. A does not lie in zone evil.",
        ),
        (
            Why::DsOfChild { zone: zone() },
            Bogus,
            6,
            "only its parent zone may",
        ),
        (
            Why::LabelCount {
                rrset: rrset(),
                labels: 9,
                zone: zone(),
            },
            Bogus,
            6,
            "the RRSIG record of www.example. A in zone example. counts 9 labels",
        ),
        (
            Why::DenialExpanded {
                rrset: rrset(),
                zone: zone(),
            },
            Bogus,
            6,
            "was made from a wildcard",
        ),
        (
            Why::KeyMissing {
                rrset: rrset(),
                key: key(),
            },
            Bogus,
            9,
            "www.example. A is signed by key 7 (RSASHA256) of example., which the zone does not have",
        ),
        (
            Why::Expired {
                rrset: rrset(),
                key: key(),
                expiration,
                now,
            },
            Bogus,
            7,
            "expired at 2026-11-24 16:08:00 UTC; it is 2026-11-24 16:08:01 UTC here",
        ),
        (
            Why::NotYetValid {
                rrset: rrset(),
                key: key(),
                inception,
                now,
            },
            Bogus,
            8,
            "begins at 2026-11-18 11:06:40 UTC; it is 2026-11-24 16:08:01 UTC here; is the clock right?",
        ),
        (
            Why::ExpiredBeforeValid {
                rrset: rrset(),
                key: key(),
                inception: now,
                expiration,
            },
            Bogus,
            25,
            "before it began at 2026-11-24 16:08:01 UTC",
        ),
        (
            Why::SignatureWrong {
                rrset: rrset(),
                key: key(),
            },
            Bogus,
            6,
            "the signature of www.example. A by key 7 (RSASHA256) of example. is wrong",
        ),
        (
            Why::DnskeyMissing { zone: zone() },
            Bogus,
            9,
            "zone example. has no DNSKEY records",
        ),
        (
            Why::DnskeyUnmatched {
                zone: zone(),
                tags: vec![7, 8],
                voucher: Voucher::Delegation,
            },
            Bogus,
            9,
            "matches the DS records in its parent zone, which name keys 7, 8",
        ),
        (
            Why::DnskeyUnmatched {
                zone: zone(),
                tags: vec![7],
                voucher: Voucher::TrustAnchor,
            },
            Bogus,
            9,
            "matches the trust anchors configured here, which name key 7",
        ),
        (
            Why::DnskeyNotZoneKey { key: key() },
            Bogus,
            11,
            "lacks the zone flag",
        ),
        (
            Why::DnskeyRevoked { key: key() },
            Bogus,
            9,
            "key 7 (RSASHA256) of example. is revoked",
        ),
        (
            Why::DnskeyBroken {
                key: key(),
                fault: KeyFault::Malformed,
            },
            Bogus,
            9,
            "key 7 (RSASHA256) of example. is malformed",
        ),
        (
            Why::DenialMissing {
                rrset: rrset(),
                zone: zone(),
            },
            Bogus,
            12,
            "zone example. does not prove that www.example. A is absent",
        ),
        (
            Why::DenialContradicted {
                rrset: rrset(),
                zone: zone(),
            },
            Bogus,
            6,
            "NSEC or NSEC3 records of zone example. say that it is there",
        ),
        (
            Why::WildcardUnproven {
                rrset: rrset(),
                zone: zone(),
            },
            Bogus,
            12,
            "does not prove that no closer name exists",
        ),
        (
            Why::Nsec3Excessive {
                zone: zone(),
                iterations: 501,
            },
            Bogus,
            27,
            "zone example. has 501 NSEC3 iterations; more than 500 are refused",
        ),
        (
            Why::AlgorithmUnsupported {
                zone: zone(),
                algorithms: vec![Algorithm::RSASHA1, Algorithm(99)],
            },
            Insecure,
            1,
            "not supported here: RSASHA1, 99",
        ),
        (
            Why::DigestUnsupported {
                zone: zone(),
                digests: vec![DigestType::GOST],
            },
            Insecure,
            2,
            "not supported here: GOST",
        ),
        (
            Why::KeyUnsupported {
                key: key(),
                fault: KeyFault::RsaBits(512),
            },
            Insecure,
            1,
            "has a modulus of 512 bits; 1024 to 4096 are supported, and the DS records name no other",
        ),
        (
            Why::Unsigned {
                zone: name("sub.example."),
                parent: zone(),
            },
            Insecure,
            0,
            "zone sub.example. is not signed: example. proves that it has no DS record",
        ),
        (
            Why::OptOut {
                name: name("sub.example."),
                zone: zone(),
            },
            Insecure,
            0,
            "zone example. leaves sub.example. out of its proofs",
        ),
        (
            Why::Nsec3Iterations {
                zone: zone(),
                iterations: 51,
            },
            Insecure,
            27,
            "51 NSEC3 iterations; more than 50 are not computed",
        ),
        (
            Why::NoAnchor { name: zone() },
            Indeterminate,
            5,
            "no trust anchor is at or above example.",
        ),
        (
            Why::AnchorUnsupported { zone: zone() },
            Indeterminate,
            5,
            "the trust anchors of example. have only",
        ),
        (
            Why::over(Limit::Verifications, &rrset()),
            Indeterminate,
            5,
            "validating www.example. A takes more than 32 signature verifications per question",
        ),
        (
            Why::Unanswered {
                rrset: rrset(),
                reason: "no answer in time".to_owned(),
            },
            Indeterminate,
            22,
            "www.example. A was not answered: no answer in time",
        ),
    ] {
        let shown = why.to_string();
        assert!(shown.contains(text), "{shown}");
        assert!(!shown.contains('\n'));
        assert_eq!(
            (why.consequence(), why.ede().0),
            (consequence, ede),
            "{shown}"
        );
    }
}

#[test]
fn limits_are_named_with_their_numbers() {
    for (limit, text) in [
        (
            Limit::Verifications,
            "32 signature verifications per question",
        ),
        (Limit::Failures, "2 wrong signatures per RRset"),
        (Limit::Signatures, "8 RRSIG records per RRset"),
        (Limit::SameTag, "2 keys with the same tag"),
        (Limit::Keys, "32 DNSKEY records per zone"),
        (Limit::Ds, "8 DS records per zone"),
        (Limit::DsFailures, "4 wrong DS digests per zone"),
        (Limit::Nsec3Records, "8 NSEC3 records per answer"),
        (Limit::Nsec3Hashes, "24 NSEC3 hashes per proof"),
    ] {
        assert_eq!(limit.to_string(), text);
    }
}

#[test]
fn proofs_have_their_own_count_of_hashes() {
    let about = RrsetId {
        owner: name("www.example."),
        rtype: RecordType::A,
    };
    let mut budget = super::super::Budget::new();
    for _ in 0..2 {
        budget.begin_proof();
        for _ in 0..24 {
            assert_eq!(budget.take_hash(&about), Ok(()));
        }
        let why = Why::over(Limit::Nsec3Hashes, &about);
        assert_eq!(budget.take_hash(&about), Err(why));
    }
    assert_eq!(budget.hashes(), 48);
}
