use gateway_lab::{Certificate, CertificateSpec, KeyKind, SignatureDigest};

use openssl::bn::{BigNum, MsbOption};
use openssl::rsa::Rsa;

use super::*;
use crate::certificate::{Pin, Roots, der, matching_pin, verify_pkix};

const HOST: &str = "mx.d.test";

fn domains(names: &[&str]) -> Vec<Domain> {
    let parse = |name: &&str| Domain::parse(name).expect("a domain");
    names.iter().map(parse).collect()
}

/// The word for a verdict: the depth, or the kind of failure.
fn word<T: std::fmt::Display>(found: &Result<T, Distrust>) -> String {
    match found {
        Ok(value) => value.to_string(),
        Err(Distrust::NoCertificate) => "no certificate".to_owned(),
        Err(Distrust::HostMismatch(_)) => "names".to_owned(),
        Err(Distrust::Expired(_)) => "dates".to_owned(),
        Err(Distrust::NoPath(_)) => "no path".to_owned(),
        Err(Distrust::NotTrusted(_)) => "rules".to_owned(),
    }
}

fn path(leaf: &Certificate, anchor: &Certificate) -> Result<usize, Distrust> {
    Presented::read(&leaf.chain().into())?.path_to_certificate(&anchor.der(), Timestamp::now())
}

/// A leaf below a CA below a root, each made by its own function of a good one.
fn chain_of(
    root: impl Fn(CertificateSpec) -> CertificateSpec,
    ca: impl Fn(CertificateSpec) -> CertificateSpec,
    leaf: impl Fn(CertificateSpec) -> CertificateSpec,
) -> (Certificate, Certificate, Certificate) {
    let root = root(CertificateSpec::authority("Root")).build();
    let ca = ca(CertificateSpec::authority("CA")).build_below(&root);
    let leaf = leaf(CertificateSpec::new(HOST)).build_below(&ca);
    let leaf = leaf.presenting(&[&ca, &root]);
    (leaf, ca, root)
}

fn good(spec: CertificateSpec) -> CertificateSpec {
    spec
}

/// C5, C10, each rule at each place where it can be broken.
#[test]
fn a_path_keeps_to_the_rules() {
    let sha1 = |spec: CertificateSpec| spec.signed_over(SignatureDigest::Sha1);
    let rsa_1024 = |spec: CertificateSpec| spec.key(KeyKind::Rsa(1024));
    let rsa_2048 = |spec: CertificateSpec| spec.key(KeyKind::Rsa(2048));
    let md5 = |spec: CertificateSpec| spec.signed_over(SignatureDigest::Md5);
    let no_ca = |spec: CertificateSpec| spec.is_authority(false);
    let unknown = CertificateSpec::with_unknown_critical;
    let constrained = |domain: &'static str| move |spec: CertificateSpec| spec.permits_only(domain);
    for (what, (leaf, ca, root), to_root, to_ca) in [
        ("good", chain_of(good, good, good), "2", "1"),
        (
            "leaf expired",
            chain_of(good, good, CertificateSpec::expired),
            "dates",
            "dates",
        ),
        (
            "leaf not yet",
            chain_of(good, good, CertificateSpec::not_yet_valid),
            "dates",
            "dates",
        ),
        (
            "CA expired",
            chain_of(good, CertificateSpec::expired, good),
            "dates",
            "dates",
        ),
        (
            "root expired",
            chain_of(CertificateSpec::expired, good, good),
            "dates",
            "1",
        ),
        (
            "root not yet",
            chain_of(CertificateSpec::not_yet_valid, good, good),
            "dates",
            "1",
        ),
        (
            "leaf over SHA-1",
            chain_of(good, good, sha1),
            "rules",
            "rules",
        ),
        ("CA over SHA-1", chain_of(good, sha1, good), "rules", "1"),
        ("root over SHA-1", chain_of(sha1, good, good), "2", "1"),
        (
            "leaf over MD5",
            chain_of(good, rsa_2048, md5),
            "rules",
            "rules",
        ),
        (
            "leaf RSA 1024",
            chain_of(good, good, rsa_1024),
            "rules",
            "rules",
        ),
        (
            "CA RSA 1024",
            chain_of(good, rsa_1024, good),
            "rules",
            "rules",
        ),
        (
            "root RSA 1024",
            chain_of(rsa_1024, good, good),
            "rules",
            "1",
        ),
        ("CA is none", chain_of(good, no_ca, good), "rules", "rules"),
        ("root is none", chain_of(no_ca, good, good), "rules", "1"),
        (
            "CA of version 1",
            chain_of(good, CertificateSpec::version_1, good),
            "rules",
            "rules",
        ),
        (
            "root of version 1",
            chain_of(CertificateSpec::version_1, good, good),
            "2",
            "1",
        ),
        (
            "leaf of version 1",
            chain_of(good, good, CertificateSpec::version_1),
            "2",
            "1",
        ),
        (
            "path too long",
            chain_of(|spec| spec.path_length(0), good, good),
            "rules",
            "1",
        ),
        (
            "path just so long",
            chain_of(|spec| spec.path_length(1), good, good),
            "2",
            "1",
        ),
        (
            "names excluded",
            chain_of(constrained("e.test"), good, good),
            "rules",
            "1",
        ),
        (
            "names permitted",
            chain_of(good, constrained("d.test"), good),
            "2",
            "1",
        ),
        (
            "leaf unknown critical",
            chain_of(good, good, unknown),
            "rules",
            "rules",
        ),
        (
            "CA unknown critical",
            chain_of(good, unknown, good),
            "rules",
            "rules",
        ),
        (
            "leaf for clients",
            chain_of(good, good, CertificateSpec::for_clients),
            "rules",
            "rules",
        ),
        (
            "CA for clients",
            chain_of(good, CertificateSpec::for_clients, good),
            "rules",
            "rules",
        ),
        (
            "leaf is a CA",
            chain_of(good, good, |spec| spec.is_authority(true)),
            "2",
            "1",
        ),
    ] {
        let (root, ca) = (path(&leaf, &root), path(&leaf, &ca));
        assert_eq!(
            (word(&root), word(&ca)),
            (to_root.to_owned(), to_ca.to_owned()),
            "{what}: {root:?} {ca:?}"
        );
    }
}

/// Order, extra certificates and rubbish among the others do not matter; what is missing does.
#[test]
fn the_others_are_material() {
    let (leaf, ca, root) = chain_of(good, good, good);
    let (_, other_ca, other_root) = chain_of(good, good, good);
    let stray = Certificate::new("stray.test");
    for (others, expected) in [
        (&[&ca, &root][..], "2"),
        (&[&ca], "2"),
        (&[&root, &ca], "2"),
        (&[&stray, &root, &other_root, &ca, &stray], "2"),
        (&[&root], "no path"),
        (&[], "no path"),
        (&[&other_ca, &root], "no path"),
    ] {
        let found = path(&leaf.clone().presenting(others), &root);
        assert_eq!(word(&found), expected, "{found:?}");
    }
    assert_eq!(word(&path(&leaf, &other_root)), "no path");
    assert_eq!(word(&path(&leaf, &stray)), "no path");
    let mut broken = leaf.chain();
    broken.insert(1, b"no certificate".to_vec());
    let presented = Presented::read(&broken.into()).expect("readable");
    let found = presented.path_to_certificate(&root.der(), Timestamp::now());
    assert_eq!(word(&found), "2");
    assert!(matches!(
        presented.path_to_certificate(b"0", Timestamp::now()),
        Err(Distrust::NotTrusted(_))
    ));
}

/// C8.
#[test]
fn a_bare_key_needs_a_signature() {
    let (leaf, ca, root) = chain_of(good, good, good);
    let without_root = leaf.clone().presenting(&[&ca]);
    let alone = leaf.clone().presenting(&[]);
    let weak = CertificateSpec::authority("Weak")
        .key(KeyKind::Rsa(1024))
        .build();
    let below_weak = CertificateSpec::new(HOST).build_below(&weak);
    let sha1 = CertificateSpec::new(HOST)
        .signed_over(SignatureDigest::Sha1)
        .build_below(&ca);
    let ed25519 = CertificateSpec::authority("Ed")
        .key(KeyKind::Ed25519)
        .build();
    let below_ed25519 = CertificateSpec::new(HOST).build_below(&ed25519);
    let expired = CertificateSpec::new(HOST).expired().build_below(&ca);
    for (what, leaf, signer, expected) in [
        ("of the root", &without_root, &root, "1"),
        ("of the CA", &alone, &ca, "0"),
        ("of the root, CA missing", &alone, &root, "no path"),
        ("of another", &without_root, &weak, "no path"),
        ("too weak", &below_weak, &weak, "rules"),
        ("over SHA-1", &sha1, &ca, "rules"),
        ("Ed25519", &below_ed25519, &ed25519, "0"),
        ("expired below", &expired, &ca, "dates"),
    ] {
        let presented = Presented::read(&leaf.chain().into()).expect("readable");
        let signer = signer.der();
        let key = der::public_key_of(&signer).expect("a key");
        let found = presented.path_to_key(key, Timestamp::now());
        assert_eq!(word(&found), expected, "{what}: {found:?}");
    }
}

#[test]
fn paths_are_not_endless() {
    let root = CertificateSpec::authority("Root").build();
    let mut above = vec![root.clone()];
    for count in 1..=10 {
        let ca = CertificateSpec::authority(&format!("CA {count}")).build_below(&above[0]);
        above.insert(0, ca);
        let leaf = CertificateSpec::new(HOST).build_below(&above[0]);
        let found = path(&leaf.presenting(&above.iter().collect::<Vec<_>>()), &root);
        let expected = match count {
            ..=9 => (count + 1).to_string(),
            _ => "rules".to_owned(),
        };
        assert_eq!(word(&found), expected, "{found:?}");
    }
}

#[test]
fn keys_that_would_cost_much_are_not_tried() {
    let (leaf, _, _) = chain_of(good, good, good);
    let presented = Presented::read(&leaf.chain().into()).expect("readable");
    for (bits, exponent_bits, expected) in [
        (8192, 64, "no path"),
        (8193, 17, "rules"),
        (3072, 65, "rules"),
    ] {
        let number = |bits: i32| {
            let mut number = BigNum::new().expect("a number");
            number.rand(bits, MsbOption::ONE, true).expect("random");
            number
        };
        let key = Rsa::from_public_components(number(bits), number(exponent_bits));
        let key = key.expect("a key").public_key_to_der().expect("encodes");
        let found = presented.path_to_key(&key, Timestamp::now());
        assert_eq!(word(&found), expected, "{bits} {exponent_bits}");
    }
    assert_eq!(
        word(&presented.path_to_key(b"no key", Timestamp::now())),
        "rules"
    );
}

/// B2: common names count only where there is no dNSName at all.
#[test]
fn names_of_certificates() {
    for (common_name, dns_names, references, expected) in [
        (HOST, &[HOST][..], &[HOST][..], HOST),
        (HOST, &[], &[HOST], HOST),
        ("*.d.test", &[], &[HOST], HOST),
        (HOST, &["other.test"], &[HOST], "names"),
        ("any", &["*.d.test"], &["d.test", HOST], HOST),
        (
            "any",
            &["a.test", "b.test", "d.test"],
            &[HOST, "d.test"],
            "d.test",
        ),
        ("any", &[HOST], &[], "names"),
        ("any", &["mx*.d.test"], &["mx1.d.test"], "names"),
        (HOST, &["mx.\u{fc}.test"], &[HOST], "names"),
        ("mx.d.test\0.e.test", &[], &[HOST], "names"),
        ("mx.\u{fc}.test", &[], &[HOST], "names"),
    ] {
        let leaf = CertificateSpec::new(common_name)
            .dns_names(dns_names)
            .build();
        let presented = Presented::read(&leaf.chain().into()).expect("readable");
        let references = domains(references);
        let found = presented.name_among(&references);
        assert_eq!(word(&found), expected, "{common_name} {dns_names:?}");
    }
}

#[test]
fn refusals_say_what_is_wrong() {
    let (leaf, _, root) = chain_of(good, CertificateSpec::expired, good);
    let text = path(&leaf, &root).expect_err("expired").to_string();
    assert!(
        text.starts_with("the certificate at depth 1 (CA) expired on "),
        "{text}"
    );
    let (leaf, ca, root) = chain_of(good, |spec| spec.is_authority(false), good);
    let text = path(&leaf, &root).expect_err("no CA").to_string();
    assert!(
        text.starts_with("the certificate at depth 1 (CA): "),
        "{text}"
    );
    let text = path(&leaf.clone().presenting(&[]), &root)
        .expect_err("CA missing")
        .to_string();
    assert_eq!(
        text,
        "no path leads to the trust anchor: it ends with the certificate at depth 0 (mx.d.test), whose issuer was not presented"
    );
    let references = domains(&["mx.e.test", "e.test"]);
    let presented = Presented::read(&leaf.presenting(&[&ca]).chain().into()).expect("readable");
    let text = presented
        .name_among(&references)
        .expect_err("other names")
        .to_string();
    assert!(
        text.starts_with("the certificate is for mx.d.test, but must be for mx.e.test or e.test"),
        "{text}"
    );
}

#[test]
fn chains_have_limits() {
    let leaf = Certificate::new(HOST);
    let many = vec![leaf.der(); CERTIFICATES_MAX + 1];
    let long = vec![leaf.der(), vec![0; CHAIN_OCTETS_MAX]];
    for (chain, expected) in [
        (&many[..], "rules"),
        (&many[1..], "ok"),
        (&long, "rules"),
        (&[], "no certificate"),
        (&[vec![]], "rules"),
        (&[[leaf.der(), vec![0]].concat()], "rules"),
    ] {
        let found = Presented::read(&chain.to_vec().into()).map(|_| "ok");
        assert_eq!(word(&found), expected);
    }
}

/// Level `secure`.
#[test]
fn the_way_of_the_web() {
    let (leaf, ca, root) = chain_of(good, good, good);
    let other = Certificate::new("other.test");
    let roots = |all: &[&Certificate]| {
        let pem: String = all.iter().map(|one| one.pem()).collect();
        Roots::from_pem(pem.as_bytes()).expect("certificates")
    };
    let references = domains(&["d.test", HOST]);
    let strangers = domains(&["e.test"]);
    for (roots, references, expected) in [
        (roots(&[&other, &root]), &references, HOST),
        (roots(&[&ca]), &references, HOST),
        (roots(&[&other]), &references, "no path"),
        (roots(&[&root]), &strangers, "names"),
    ] {
        let found = verify_pkix(&roots, &leaf.chain().into(), references, Timestamp::now());
        assert_eq!(word(&found), expected, "{found:?}");
    }
    assert!(Roots::from_pem(b"").is_err());
    assert!(
        Roots::from_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err()
    );
    let later = Timestamp::from_unix(Timestamp::now().unix() + 40 * 86_400);
    let found = verify_pkix(&roots(&[&root]), &leaf.chain().into(), &references, later);
    assert_eq!(word(&found), "dates");
}

/// Level `fingerprint`.
#[test]
fn pins_name_a_certificate_or_its_key() {
    let leaf = CertificateSpec::new(HOST).expired().build();
    let renewed = CertificateSpec::new("other.test").key_of(&leaf).build();
    let [key, whole] = Pin::all_of(&leaf.der()).try_into().expect("two pins");
    for pin in [key, whole] {
        assert_eq!(Pin::parse(&pin.to_string()), Some(pin));
        assert_eq!(matching_pin(&leaf.chain().into(), &[pin]), Some(&pin));
    }
    assert_eq!(key.to_string()[7..], leaf.tlsa(1, 1).to_string()[6..]);
    assert_eq!(
        matching_pin(&renewed.chain().into(), &[whole, key]),
        Some(&key)
    );
    assert_eq!(matching_pin(&renewed.chain().into(), &[whole]), None);
    assert_eq!(
        matching_pin(&vec![renewed.der(), leaf.der()].into(), &[whole]),
        None,
        "only the server's own"
    );
    assert_eq!(matching_pin(&Chain::default(), &[whole]), None);
    for text in [
        "",
        "sha256:",
        "sha256:00",
        "sha1:00",
        &whole.to_string()[7..],
        &format!("{whole}00"),
    ] {
        assert_eq!(Pin::parse(text), None, "{text}");
    }
}
