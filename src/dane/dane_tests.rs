use openssl::hash::{MessageDigest, hash};

use super::*;
use crate::certificate::tests::{FAR, certificate, ed25519, p256, rsa};

fn tlsa(usage: u8, selector: u8, matching: u8, data: &[u8]) -> Tlsa {
    Tlsa {
        usage,
        selector,
        matching,
        data: data.to_vec(),
    }
}

fn verify(plan: &Plan, chain: &[Vec<u8>]) -> Result<Match, Mismatch> {
    let chain = chain.to_vec().into();
    super::verify(plan, &chain, &[], Timestamp::from_unix(1_800_000_000))
}

fn verified(records: &[Tlsa], chain: &[Vec<u8>]) -> bool {
    verify(&plan(records), chain).is_ok()
}

/// The six associations of a certificate as OpenSSL computes them.
fn oracle(octets: &[u8]) -> Vec<Tlsa> {
    let certificate = openssl::x509::X509::from_der(octets).expect("a certificate");
    let key = certificate
        .public_key()
        .expect("a key")
        .public_key_to_der()
        .expect("encodes");
    let digest = |kind, octets: &[u8]| hash(kind, octets).expect("digests").to_vec();
    [(1, &key[..]), (0, octets)]
        .into_iter()
        .flat_map(|(selector, part)| {
            [
                tlsa(3, selector, 1, &digest(MessageDigest::sha256(), part)),
                tlsa(3, selector, 2, &digest(MessageDigest::sha512(), part)),
                tlsa(3, selector, 0, part),
            ]
        })
        .collect()
}

/// T02, T03, C1: only key or certificate octets count, not version, dates, names or issuers.
#[test]
fn each_selector_and_matching_type_agrees_with_openssl() {
    for key in [rsa(), p256(), ed25519()] {
        for (version, end) in [(0, FAR), (2, FAR), (2, 1)] {
            let leaf = certificate(&key, version, end).to_der().expect("encodes");
            let other = certificate(&p256(), 2, FAR).to_der().expect("encodes");
            assert_eq!(records_of(&leaf), oracle(&leaf));
            for record in oracle(&leaf) {
                let proof = verify(
                    &plan(std::slice::from_ref(&record)),
                    &[leaf.clone(), other.clone()],
                );
                let proof = proof.expect("matches");
                assert_eq!((proof.record(), proof.depth()), (&record, 0));
                assert!(!verified(
                    std::slice::from_ref(&record),
                    &[other.clone(), leaf.clone()]
                ));
                assert!(!verified(
                    &[Tlsa { usage: 2, ..record }],
                    std::slice::from_ref(&leaf)
                ));
            }
        }
    }
}

/// L9 to L12, T18, T20 to T22.
#[test]
fn unusable_records_and_why() {
    let leaf = certificate(&p256(), 2, FAR).to_der().expect("encodes");
    let key = certificate::public_key_of(&leaf).expect("sound");
    let trailing = [&leaf[..], &[0]].concat();
    for (record, expected) in [
        (tlsa(3, 1, 1, &[0; 32]), None),
        (tlsa(3, 0, 2, &[0; 64]), None),
        (tlsa(3, 0, 0, &leaf), None),
        (tlsa(3, 1, 0, key), None),
        (tlsa(0, 0, 1, &[0; 32]), Some(Unusable::PkixUsage)),
        (tlsa(1, 1, 1, &[0; 32]), Some(Unusable::PkixUsage)),
        (tlsa(4, 1, 1, &[0; 32]), Some(Unusable::UnknownParameter)),
        (tlsa(255, 1, 1, &[0; 32]), Some(Unusable::UnknownParameter)),
        (tlsa(3, 2, 1, &[0; 32]), Some(Unusable::UnknownParameter)),
        (tlsa(3, 1, 3, &[0; 32]), Some(Unusable::UnknownParameter)),
        (tlsa(3, 1, 255, &[0; 32]), Some(Unusable::UnknownParameter)),
        (tlsa(3, 1, 1, &[0; 31]), Some(Unusable::BadLength)),
        (tlsa(3, 1, 1, &[0; 33]), Some(Unusable::BadLength)),
        (tlsa(3, 1, 2, &[0; 32]), Some(Unusable::BadLength)),
        (tlsa(3, 0, 0, &[]), Some(Unusable::BadLength)),
        (tlsa(3, 0, 1, &[]), Some(Unusable::BadLength)),
        (tlsa(3, 0, 0, key), Some(Unusable::BadDer)),
        (tlsa(3, 1, 0, &leaf), Some(Unusable::BadDer)),
        (tlsa(3, 0, 0, &trailing), Some(Unusable::BadDer)),
        (tlsa(3, 0, 0, &[7; 40]), Some(Unusable::BadDer)),
        (tlsa(2, 1, 1, &[0; 32]), None),
        (tlsa(2, 1, 1, &[0; 31]), Some(Unusable::BadLength)),
        (tlsa(2, 0, 0, &leaf), None),
    ] {
        let plan = plan(std::slice::from_ref(&record));
        let found = plan.unusable.first().map(|(_, why)| *why);
        assert_eq!(found, expected, "{record:?}");
        assert_eq!(plan.usable.is_empty(), expected.is_some());
    }
}

/// T18, T19, T23 and usage 2 alone: what is unusable neither matches nor stands in the way.
#[test]
fn unusable_records_never_match() {
    let leaf = certificate(&p256(), 2, FAR).to_der().expect("encodes");
    let good = records_of(&leaf).remove(0);
    let bad = tlsa(3, 1, 1, &[0; 32]);
    let of_usage = |usage| Tlsa {
        usage,
        ..good.clone()
    };
    let chain = [leaf.clone(), leaf];
    assert!(!verified(&[of_usage(1), of_usage(0)], &chain));
    assert!(!verified(&[of_usage(2)], &chain));
    assert!(!verified(&[of_usage(1), bad.clone()], &chain));
    assert!(verified(&[of_usage(1), good.clone()], &chain));
    assert!(verified(&[bad.clone(), good.clone()], &chain), "T05");
    assert!(!verified(&[bad], &chain), "T04");
    assert!(!verified(&[], &chain));
    assert_eq!(verify(&plan(&[good]), &[]), Err(Mismatch::NoCertificate));
    assert!(
        !verified(&[tlsa(3, 0, 0, &[])], &[vec![]]),
        "no data never matches nothing"
    );
}

/// L13.
#[test]
fn duplicates_collapse() {
    let record = tlsa(3, 1, 1, &[5; 32]);
    let records = [
        record.clone(),
        tlsa(0, 0, 1, &[]),
        record.clone(),
        tlsa(0, 0, 1, &[]),
    ];
    let plan = plan(&records);
    assert_eq!(plan.usable, [record]);
    assert_eq!(plan.unusable.len(), 1);
}

/// B4, T24.
#[test]
fn only_the_strongest_digest_counts() {
    let leaf = certificate(&p256(), 2, FAR).to_der().expect("encodes");
    let matching = |selector, kind| {
        let wanted = |record: &Tlsa| (record.selector, record.matching) == (selector, kind);
        records_of(&leaf).into_iter().find(wanted).expect("there")
    };
    let chain = [leaf.clone()];
    let wrong_512 = tlsa(3, 1, 2, &[0; 64]);
    let masked = [matching(1, 1), wrong_512.clone()];
    assert_eq!(plan(&masked).masked, [matching(1, 1)]);
    assert!(!verified(&masked, &chain));
    assert!(
        verified(&[matching(1, 0), wrong_512.clone()], &chain),
        "full data is no digest"
    );
    assert!(
        verified(&[matching(0, 1), wrong_512.clone()], &chain),
        "another selector"
    );
    assert!(verified(&[tlsa(3, 1, 1, &[0; 32]), matching(1, 2)], &chain));
    let broken_512 = tlsa(3, 1, 2, &[0; 63]);
    assert!(
        verified(&[matching(1, 1), broken_512], &chain),
        "unusable records mask nothing"
    );
    assert!(
        verified(&[matching(1, 1), tlsa(2, 1, 2, &[0; 64])], &chain),
        "another usage"
    );
}

const ECDSA: &str =
    " (an ECDSA key; a server that has RSA and ECDSA certificates needs a record for each)";

#[test]
fn a_mismatch_says_what_would_match() {
    let leaf = certificate(&p256(), 2, FAR).to_der().expect("encodes");
    let good = records_of(&leaf).remove(0);
    let Err(Mismatch::NoMatch(text)) = verify(
        &plan(&[tlsa(3, 1, 1, &[0; 32])]),
        std::slice::from_ref(&leaf),
    ) else {
        panic!("matched");
    };
    assert_eq!(
        text,
        format!("the TLSA record does not match; the server presented {good}{ECDSA}")
    );
    let other = records_of(&leaf)
        .into_iter()
        .find(|record| (record.selector, record.matching) == (0, 1))
        .expect("there");
    let published = [tlsa(3, 0, 1, &[0; 32]), tlsa(3, 0, 1, &[1; 32])];
    let Err(Mismatch::NoMatch(text)) = verify(&plan(&published), std::slice::from_ref(&leaf))
    else {
        panic!("matched");
    };
    assert_eq!(
        text,
        format!(
            "none of the 2 TLSA records matches; the server presented {other}, in the form to prefer {good}{ECDSA}"
        )
    );
    let masked = [good.clone(), tlsa(3, 1, 2, &[0; 64])];
    let Err(Mismatch::NoMatch(text)) = verify(&plan(&masked), &[leaf]) else {
        panic!("matched");
    };
    assert!(
        text.contains(&format!("{good} would match")) && text.contains("agility-masked"),
        "{text}"
    );
    let Err(Mismatch::NoMatch(text)) = verify(&plan(&[good]), &[vec![0x30, 0]]) else {
        panic!("matched");
    };
    assert!(text.contains("presented 3 0 1 "), "{text}");
}
