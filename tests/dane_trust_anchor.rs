//! DANE-TA (usage 2): every row of the decision table about it, on chains that a CA could have issued.

use gateway::dane::{self, Match, Mismatch};
use gateway::dns::Tlsa;
use gateway::outbound::Reason;
use gateway::smtp::Domain;
use gateway::time::Timestamp;
use gateway_lab::{Certificate, CertificateSpec, KeyKind, SignatureDigest};

const HOST: &str = "mx.d.test";

struct Pki {
    root: Certificate,
    ca: Certificate,
    /// Below both, with the names `mx.d.test`, presenting both.
    leaf: Certificate,
}

impl Pki {
    fn new() -> Self {
        let root = CertificateSpec::authority("Root").build();
        let ca = CertificateSpec::authority("CA").build_below(&root);
        let leaf = CertificateSpec::new(HOST).build_below(&ca);
        let leaf = leaf.presenting(&[&ca, &root]);
        Self { root, ca, leaf }
    }

    /// A chain with another leaf.
    fn with(&self, leaf: &CertificateSpec) -> Certificate {
        leaf.build_below(&self.ca)
            .presenting(&[&self.ca, &self.root])
    }
}

fn verify(records: &[Tlsa], chain: &[Vec<u8>], references: &[&str]) -> Result<Match, Mismatch> {
    let parse = |name: &&str| Domain::parse(name).expect("a domain");
    let references: Vec<Domain> = references.iter().map(parse).collect();
    let chain = chain.to_vec().into();
    dane::verify(&dane::plan(records), &chain, &references, Timestamp::now())
}

/// `DEPTH NAME` or the reason.
fn word(found: &Result<Match, Mismatch>) -> String {
    match found {
        Ok(matched) => {
            let name = matched.reference().map_or("-", Domain::as_str);
            format!("{} {name}", matched.depth())
        }
        Err(mismatch) => Reason::from(mismatch).to_string(),
    }
}

fn check(what: &str, records: &[Tlsa], chain: &Certificate, expected: &str) {
    let found = verify(records, &chain.chain(), &[HOST, "d.test"]);
    assert_eq!(word(&found), expected, "{what}: {found:?}");
}

fn text_of(records: &[Tlsa], chain: &Certificate) -> String {
    verify(records, &chain.chain(), &[HOST])
        .expect_err("refused")
        .to_string()
}

/// C3, C6, C7, C8; T06, T11 to T13.
#[test]
fn every_selector_and_matching_type_at_every_place() {
    let Pki { root, ca, leaf } = Pki::new();
    let without_root = leaf.clone().presenting(&[&ca]);
    let alone = leaf.clone().presenting(&[]);
    let shuffled = leaf
        .clone()
        .presenting(&[&root, &Certificate::new("x.test"), &ca]);
    for selector in [0, 1] {
        for matching in [0, 1, 2] {
            let of_root = [root.record(2, selector, matching)];
            let of_ca = [ca.record(2, selector, matching)];
            let form = format!("2 {selector} {matching}");
            check(&form, &of_root, &leaf, "2 mx.d.test");
            check(&form, &of_ca, &leaf, "1 mx.d.test");
            check(&form, &of_root, &shuffled, "2 mx.d.test");
            check(&form, &of_ca, &shuffled, "1 mx.d.test");
            let (of_absent_root, of_absent_ca) = match (selector, matching) {
                (0, 0) => ("2 mx.d.test", "1 mx.d.test"),
                (1, 0) => ("1 mx.d.test", "0 mx.d.test"),
                _ => ("ta-not-presented", "ta-not-presented"),
            };
            check(&form, &of_root, &without_root, of_absent_root);
            check(&form, &of_ca, &alone, of_absent_ca);
            let of_absent_both = match matching {
                0 => "validation-failure",
                _ => "ta-not-presented",
            };
            check(&form, &of_root, &alone, of_absent_both);
        }
    }
}

/// C9, T14: usage 2 never names the server's own certificate, signed by itself or not.
#[test]
fn the_own_certificate_is_no_trust_anchor() {
    let Pki { root, leaf, .. } = Pki::new();
    let itself = CertificateSpec::new(HOST).is_authority(true).build();
    let twice = itself.clone().presenting(&[&itself]);
    for selector in [0, 1] {
        for matching in [0, 1, 2] {
            for chain in [&itself, &twice, &leaf] {
                let record = chain.record(2, selector, matching);
                check(
                    "own",
                    std::slice::from_ref(&record),
                    chain,
                    "ta-matches-leaf",
                );
                let with_strangers = [root.record(2, 0, 0), record];
                if !std::ptr::eq(chain, &raw const leaf) {
                    check("own and another", &with_strangers, chain, "ta-matches-leaf");
                }
            }
        }
    }
    let text = text_of(&[itself.record(2, 1, 1)], &itself);
    let (wrong, right) = (itself.record(2, 1, 1), itself.record(3, 1, 1));
    assert!(
        text.starts_with(&format!(
            "the TLSA record {wrong} names the server's own certificate"
        )),
        "{text}"
    );
    assert!(
        text.ends_with(&format!("must publish {right} instead")),
        "{text}"
    );
    let text = text_of(&[itself.record(2, 0, 0)], &itself);
    assert!(text.starts_with("the TLSA record 2 0 0 names"), "{text}");
}

/// C4, B1, B2; T07, T09, T15 to T17.
#[test]
fn one_reference_must_be_among_the_names() {
    let pki = Pki::new();
    let records = [pki.root.record(2, 0, 1)];
    let mismatch = "certificate-host-mismatch";
    for (common_name, dns_names, references, expected) in [
        (HOST, &[HOST][..], &[HOST][..], "2 mx.d.test"),
        ("x", &["d.test"], &[HOST, "d.test"], "2 d.test"),
        ("x", &["d.test"], &[HOST], mismatch),
        ("x", &["*.d.test"], &[HOST], "2 mx.d.test"),
        ("x", &["*.d.test"], &["a.b.d.test"], mismatch),
        ("x", &["*.test"], &["mx.test"], mismatch),
        ("x", &["mx*.d.test"], &["mx1.d.test"], mismatch),
        (HOST, &["other.test"], &[HOST], mismatch),
        (HOST, &[], &[HOST], "2 mx.d.test"),
        (HOST, &[HOST], &[], mismatch),
    ] {
        let leaf = pki.with(&CertificateSpec::new(common_name).dns_names(dns_names));
        let found = verify(&records, &leaf.chain(), references);
        assert_eq!(
            word(&found),
            expected,
            "{common_name} {dns_names:?} {references:?}"
        );
    }
}

/// C5, C10, T10.
#[test]
fn dates_and_rules() {
    let expired = CertificateSpec::authority("Root").expired().build();
    let below_expired = CertificateSpec::new(HOST).build_below(&expired);
    let presenting = below_expired.clone().presenting(&[&expired]);
    for matching in [0, 1, 2] {
        check(
            "TA expired",
            &[expired.record(2, 0, matching)],
            &presenting,
            "certificate-expired",
        );
        check(
            "TA expired",
            &[expired.record(2, 1, matching)],
            &presenting,
            "certificate-expired",
        );
    }
    check(
        "TA expired, from DNS",
        &[expired.record(2, 0, 0)],
        &below_expired,
        "certificate-expired",
    );
    check(
        "a bare key has no dates",
        &[expired.record(2, 1, 0)],
        &below_expired,
        "0 mx.d.test",
    );
    let pki = Pki::new();
    let record = [pki.root.record(2, 1, 1)];
    for (spec, expected) in [
        (CertificateSpec::new(HOST).expired(), "certificate-expired"),
        (
            CertificateSpec::new(HOST).not_yet_valid(),
            "certificate-expired",
        ),
        (
            CertificateSpec::new(HOST).signed_over(SignatureDigest::Sha1),
            "certificate-not-trusted",
        ),
        (
            CertificateSpec::new(HOST).key(KeyKind::Rsa(1024)),
            "certificate-not-trusted",
        ),
        (
            CertificateSpec::new(HOST).for_clients(),
            "certificate-not-trusted",
        ),
        (
            CertificateSpec::new(HOST).with_unknown_critical(),
            "certificate-not-trusted",
        ),
    ] {
        check("leaf", &record, &pki.with(&spec), expected);
    }
    let forged = CertificateSpec::authority("CA").build();
    let below_forged = CertificateSpec::new(HOST).build_below(&forged);
    let below_forged = below_forged.presenting(&[&forged, &pki.ca, &pki.root]);
    check(
        "of a CA with the same name",
        &record,
        &below_forged,
        "validation-failure",
    );
}

/// C2, B4, L8, C1: records of both usages beside each other.
#[test]
fn records_beside_each_other() {
    let Pki { root, ca, leaf } = Pki::new();
    let stranger = Certificate::new("x.test");
    let expired = CertificateSpec::new(HOST)
        .expired()
        .build_below(&ca)
        .presenting(&[&ca, &root]);
    let (bad_3, good_3) = (stranger.record(3, 1, 1), leaf.record(3, 1, 1));
    let (bad_2, good_2) = (stranger.record(2, 1, 1), root.record(2, 1, 1));
    for (what, records, chain, expected) in [
        (
            "3 before 2",
            vec![good_2.clone(), good_3.clone()],
            &leaf,
            "0 -",
        ),
        (
            "2 where 3 fails",
            vec![bad_3.clone(), good_2.clone()],
            &leaf,
            "2 mx.d.test",
        ),
        (
            "one of two",
            vec![bad_2.clone(), good_2.clone()],
            &leaf,
            "2 mx.d.test",
        ),
        ("3 is enough", vec![bad_2.clone(), good_3], &leaf, "0 -"),
        (
            "3 ignores dates",
            vec![good_2.clone(), expired.record(3, 1, 1)],
            &expired,
            "0 -",
        ),
        (
            "2 does not",
            vec![good_2.clone(), bad_3.clone()],
            &expired,
            "certificate-expired",
        ),
        (
            "path before absence",
            vec![bad_2.clone(), good_2.clone()],
            &expired,
            "certificate-expired",
        ),
        (
            "neither",
            vec![bad_2.clone(), bad_3.clone()],
            &leaf,
            "validation-failure",
        ),
        (
            "CA not there",
            vec![bad_2.clone()],
            &leaf,
            "ta-not-presented",
        ),
        (
            "masked",
            vec![good_2.clone(), stranger.record(2, 1, 2)],
            &leaf,
            "ta-not-presented",
        ),
        (
            "masked in its usage only",
            vec![good_2.clone(), stranger.record(3, 1, 2)],
            &leaf,
            "2 mx.d.test",
        ),
        (
            "masked by its selector only",
            vec![good_2.clone(), stranger.record(2, 0, 2)],
            &leaf,
            "2 mx.d.test",
        ),
        (
            "full is never masked",
            vec![root.record(2, 1, 0), stranger.record(2, 1, 2)],
            &leaf,
            "2 mx.d.test",
        ),
        (
            "unusable beside it",
            vec![root.record(0, 0, 1), good_2],
            &leaf,
            "2 mx.d.test",
        ),
        (
            "PKIX-TA only",
            vec![root.record(0, 0, 1)],
            &leaf,
            "validation-failure",
        ),
        (
            "another root in full",
            vec![stranger.record(2, 0, 0)],
            &leaf,
            "validation-failure",
        ),
        (
            "another key in full",
            vec![stranger.record(2, 1, 0)],
            &leaf,
            "validation-failure",
        ),
    ] {
        check(what, &records, chain, expected);
    }
}

/// Two CAs of one name and key, below different roots: whichever the record names.
#[test]
fn cross_signed_authorities() {
    let Pki { root, ca, leaf } = Pki::new();
    let other_root = CertificateSpec::authority("Other Root").build();
    let cross = CertificateSpec::authority("CA")
        .key_of(&ca)
        .build_below(&other_root);
    let expired = CertificateSpec::authority("CA")
        .key_of(&ca)
        .expired()
        .build_below(&other_root);
    for others in [
        &[&ca, &cross, &root, &other_root][..],
        &[&cross, &ca, &other_root, &root],
    ] {
        let chain = leaf.clone().presenting(others);
        for record in [
            ca.record(2, 0, 1),
            cross.record(2, 0, 1),
            ca.record(2, 1, 1),
        ] {
            check("the CA", &[record], &chain, "1 mx.d.test");
        }
    }
    let chain = leaf.presenting(&[&expired, &ca, &root]);
    check(
        "one of them expired",
        &[ca.record(2, 1, 1)],
        &chain,
        "1 mx.d.test",
    );
    check(
        "the expired one",
        &[expired.record(2, 0, 1)],
        &chain,
        "certificate-expired",
    );
}

/// B6: what cannot be read elsewhere in the chain neither breaks usage 3 nor a path beside it.
#[test]
fn rubbish_in_the_chain() {
    let Pki { root, leaf, .. } = Pki::new();
    let mut chain = leaf.chain();
    chain.insert(1, vec![0x30, 3, 1, 2, 3]);
    chain.push(Vec::new());
    for (record, expected) in [
        (leaf.record(3, 1, 1), "0 -"),
        (root.record(2, 1, 1), "2 mx.d.test"),
    ] {
        assert_eq!(word(&verify(&[record], &chain, &[HOST])), expected);
    }
    let rubbish_first = [vec![vec![1, 2, 3]], leaf.chain()].concat();
    let found = verify(&[root.record(2, 1, 1)], &rubbish_first, &[HOST]);
    assert_eq!(word(&found), "certificate-not-trusted");
    let many = [leaf.chain(), vec![root.der(); 40]].concat();
    let found = verify(&[root.record(2, 1, 1)], &many, &[HOST]);
    assert_eq!(word(&found), "certificate-not-trusted");
    assert_eq!(
        word(&verify(&[leaf.record(3, 0, 2)], &many, &[HOST])),
        "0 -"
    );
}

/// The texts name the record, what was presented and what to publish.
#[test]
fn refusals_say_what_to_mend() {
    let Pki { root, ca, leaf } = Pki::new();
    let without_root = leaf.clone().presenting(&[&ca]);
    let text = text_of(&[root.record(2, 1, 1)], &without_root);
    let (presented, preferred) = (ca.record(2, 1, 1), leaf.record(3, 1, 1));
    assert_eq!(
        text,
        format!(
            "the TLSA record does not match; its trust anchor was not presented: the server presented 1 above its own: {presented}; its operator must add the CA's certificate to the chain that the server presents, or publish {preferred}"
        )
    );
    let text = text_of(&[root.record(2, 0, 1)], &leaf.clone().presenting(&[]));
    assert!(text.contains("no other certificate than its own"), "{text}");
    let text = text_of(&[root.record(2, 1, 1)], &leaf.clone().presenting(&[&root]));
    let published = root.record(2, 1, 1);
    assert!(
        text.starts_with(&format!(
            "the CA that the TLSA record {published} names was presented, but the server's certificate does not lead to it: "
        )) && text.contains("whose issuer was not presented")
            && text.ends_with(&format!("or publish {preferred}")),
        "{text}"
    );
    let masked = [
        root.record(2, 1, 1),
        Certificate::new("x.test").record(2, 1, 2),
    ];
    let text = text_of(&masked, &leaf);
    assert!(
        text.contains(&format!("{} would match", root.record(2, 1, 1)))
            && text.contains("agility-masked"),
        "{text}"
    );
    let text = text_of(&[Certificate::new("x.test").record(2, 0, 0)], &leaf);
    assert!(text.contains("no path leads to the trust anchor"), "{text}");
    let text = text_of(&[Certificate::new("x.test").record(3, 1, 1)], &leaf);
    assert!(
        text.contains(
            "an ECDSA key; a server that has RSA and ECDSA certificates needs a record for each"
        ),
        "{text}"
    );
}
