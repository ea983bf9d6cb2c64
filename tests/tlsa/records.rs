//! Records as OpenSSL's commands compute them, of the certificate that is meant, and what speaks against them.

use gateway_lab::{Certificate, CertificateSpec, KeyKind};

use super::bench::{Bench, NAME, openssl, said};

/// A private key in the other forms that files have.
fn other_forms(kind: &str, key_pem: &str) -> Vec<Vec<u8>> {
    let mut forms = vec![
        vec!["pkey", "-outform", "DER"],
        vec!["pkey", "-pubout", "-outform", "DER"],
    ];
    if kind != "ed25519" {
        forms.push(vec!["pkey", "-traditional"]);
        forms.push(vec!["pkey", "-traditional", "-outform", "DER"]);
    }
    if kind == "rsa" {
        forms.push(vec!["rsa", "-RSAPublicKey_out"]);
    }
    forms
        .iter()
        .map(|words| openssl(words, key_pem.as_bytes()))
        .collect()
}

/// What OpenSSL's own commands make of a certificate: `selector matching` and the data in hexadecimal.
fn by_openssl(pem: &str) -> Vec<(u8, u8, String)> {
    let hex = |octets: &[u8]| {
        octets
            .iter()
            .map(|octet| format!("{octet:02X}"))
            .collect::<String>()
    };
    let certificate = openssl(&["x509", "-outform", "DER"], pem.as_bytes());
    let key = openssl(&["x509", "-noout", "-pubkey"], pem.as_bytes());
    let key = openssl(&["pkey", "-pubin", "-outform", "DER"], &key);
    let mut found = Vec::new();
    for (selector, octets) in [(0, &certificate), (1, &key)] {
        found.push((selector, 0, hex(octets)));
        for (matching, digest) in [(1, "-sha256"), (2, "-sha512")] {
            let digest = openssl(&["dgst", digest, "-binary"], octets);
            found.push((selector, matching, hex(&digest)));
        }
    }
    found
}

#[test]
fn records_are_those_that_openssl_computes() {
    let bench = Bench::new();
    for (kind, key) in [
        ("p256", KeyKind::P256),
        ("rsa", KeyKind::Rsa(2048)),
        ("ed25519", KeyKind::Ed25519),
    ] {
        let certificate = CertificateSpec::new(NAME).key(key).build();
        let pem = bench.file(&format!("{kind}.pem"), certificate.pem());
        let der = bench.file(&format!("{kind}.der"), certificate.der());
        let private = bench.file(&format!("{kind}.key"), certificate.key_pem());
        let public = openssl(&["pkey", "-pubout"], certificate.key_pem().as_bytes());
        let public = bench.file(&format!("{kind}.pub"), public);
        for (selector, matching, data) in by_openssl(&certificate.pem()) {
            let (s, m) = (selector.to_string(), matching.to_string());
            let expected = format!("3 {s} {m} {data}");
            let mut files = vec![pem.as_str(), der.as_str()];
            if selector == 1 {
                files.extend([private.as_str(), public.as_str()]);
            }
            let count = files.len();
            files.extend(["--selector", &s, "--matching", &m, "--name", NAME]);
            assert_eq!(bench.records(&files), vec![expected; count], "{kind}");
        }
        for octets in other_forms(kind, &certificate.key_pem()) {
            let file = bench.file("key", octets);
            let expected = certificate.tlsa(1, 1).to_string();
            assert_eq!(
                bench.records(&[&file, "--name", NAME]),
                [expected],
                "{kind}"
            );
        }
    }
}

#[test]
fn by_default_it_is_3_1_1_on_port_25() {
    let bench = Bench::new();
    let certificate = Certificate::new(NAME);
    let pem = bench.file("cert.pem", certificate.pem());
    let record = certificate.tlsa(1, 1);
    let line = |owner: &str| format!("{owner} IN TLSA {record}\n");
    for (words, expected) in [
        (&["--name", NAME][..], line("_25._tcp.mx.d.test.")),
        (
            &["--name", "MX.D.test.", "--port", "10587"],
            line("_10587._tcp.mx.d.test."),
        ),
        (
            &["--name", "a.test", "--name", "b.test"],
            line("_25._tcp.a.test.") + &line("_25._tcp.b.test."),
        ),
    ] {
        let mut all = vec![pem.as_str()];
        all.extend(words);
        assert_eq!(bench.run(&all), (0, expected, String::new()), "{words:?}");
    }
    let output = bench.gateway.run_with_input(
        &["tlsa", "-", "--name", NAME],
        certificate.key_pem().as_bytes(),
    );
    assert_eq!(
        said(output),
        (0, line("_25._tcp.mx.d.test."), String::new())
    );
}

#[test]
fn a_chain_has_one_certificate_that_is_meant() {
    let bench = Bench::new();
    let root = CertificateSpec::authority("Root").build();
    let ca = CertificateSpec::authority("CA").build_below(&root);
    let leaf = CertificateSpec::new(NAME)
        .build_below(&ca)
        .presenting(&[&ca, &root]);
    let chain = bench.file("chain.pem", leaf.key_pem() + &leaf.chain_pem());
    let alone = bench.file("ca.pem", ca.pem());
    for (file, usage, record, note) in [
        (
            &chain,
            "3",
            leaf.record(3, 1, 1),
            "; certificate 1 of 3 in ",
        ),
        (
            &chain,
            "1",
            leaf.record(1, 1, 1),
            "; certificate 1 of 3 in ",
        ),
        (
            &chain,
            "2",
            root.record(2, 1, 1),
            "; certificate 3 of 3 in ",
        ),
        (
            &chain,
            "0",
            root.record(0, 1, 1),
            "; certificate 3 of 3 in ",
        ),
        (&alone, "2", ca.record(2, 1, 1), "_25._tcp."),
    ] {
        let (code, out, _) = bench.run(&[file, "--usage", usage, "--name", NAME]);
        assert_eq!(code, 0);
        assert!(
            out.starts_with(note) && out.ends_with(&format!("IN TLSA {record}\n")),
            "{out}"
        );
    }
    let (_, out, _) = bench.run(&[&chain, "--usage", "2", "--name", NAME]);
    assert!(out.contains("of 'Root', valid until "), "{out}");
}

#[test]
fn what_will_not_work_is_said() {
    let bench = Bench::new();
    let leaf = bench.file("leaf.pem", Certificate::new(NAME).pem());
    let weak = CertificateSpec::new(NAME).key(KeyKind::Rsa(1024)).build();
    let weak = bench.file("weak.pem", weak.pem());
    let expired = CertificateSpec::new(NAME).expired().build();
    let expired = bench.file("expired.pem", expired.pem());
    let ca = CertificateSpec::authority("CA").expired().build();
    let ca = bench.file("ca.pem", ca.pem());
    for (words, named) in [
        (&[&leaf[..], "--usage", "0"][..], "usage 0 is ignored"),
        (&[&leaf, "--usage", "1"], "usage 1 is ignored"),
        (&[&leaf, "--usage", "2"], "not marked as a CA's"),
        (&[&leaf, "--matching", "0"], "use --matching 1"),
        (
            &[&leaf, "--selector", "0", "--at", "4000000000"],
            "its successor needs another record",
        ),
        (
            &[&expired, "--selector", "0"],
            "its successor needs another record",
        ),
        (&[&weak], "1024 bits is too weak"),
        (&[&ca, "--usage", "2"], "nothing below it will match"),
    ] {
        let mut all = words.to_vec();
        all.extend(["--name", NAME]);
        let (code, out, err) = bench.run(&all);
        assert_eq!((code, out.lines().count()), (0, 1), "{words:?}");
        assert!(
            err.starts_with("gateway tlsa: ") && err.contains(named),
            "{words:?}: {err}"
        );
    }
    let (_, _, err) = bench.run(&[&expired, "--name", NAME]);
    assert_eq!(err, "", "dates are of no concern to 3 1 1");
}
