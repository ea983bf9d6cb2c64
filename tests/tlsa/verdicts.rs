//! `--verify`: verdicts as the library gives them, and their texts.

use gateway::dane;
use gateway::dns::{Rdata, RecordType, Tlsa, zonefile};
use gateway::smtp::Domain;
use gateway::time::Timestamp;
use gateway_lab::random::Random;
use gateway_lab::{Certificate, CertificateSpec};

use super::bench::{Bench, NAME};

#[test]
fn verdicts_are_those_of_the_library() {
    let bench = Bench::new();
    let root = CertificateSpec::authority("Root").build();
    let ca = CertificateSpec::authority("CA").build_below(&root);
    let other = Certificate::new("other.test");
    let now = Timestamp::now();
    for (place, leaf) in [
        CertificateSpec::new(NAME).build_below(&ca),
        CertificateSpec::new("else.test").build_below(&ca),
        CertificateSpec::new(NAME).expired().build_below(&ca),
    ]
    .into_iter()
    .enumerate()
    {
        let leaf = leaf.presenting(&[&ca, &root]);
        let file = bench.file(&format!("{place}.pem"), leaf.chain_pem());
        for records in [
            vec![leaf.record(3, 1, 1)],
            vec![leaf.record(3, 0, 2), other.record(3, 0, 1)],
            vec![leaf.record(3, 0, 1), other.record(3, 0, 2)],
            vec![other.record(3, 1, 1), ca.record(2, 0, 1)],
            vec![root.record(2, 1, 0)],
            vec![leaf.record(2, 1, 1)],
            vec![leaf.record(1, 1, 1)],
        ] {
            let plan = dane::plan(&records);
            let names =
                [Domain::parse("d.test"), Domain::parse(NAME)].map(|name| name.expect("a domain"));
            let words: Vec<String> = records.iter().map(Tlsa::to_string).collect();
            let mut all = vec!["--verify"];
            all.extend(words.iter().map(String::as_str));
            all.extend(["--chain", &file, "--json"]);
            let named = dane::verify(&plan, &leaf.chain().into(), &names, now);
            let named = named.map(|found| (found.record().clone(), found.depth()));
            let unnamed = dane::find(&plan, &leaf.chain().into(), now);
            let unnamed = unnamed.map(|found| (found.record().clone(), found.depth()));
            for (names, expected) in [
                (&["--name", "d.test", "--name", NAME][..], named),
                (&["--no-name-check"], unnamed),
            ] {
                let mut all = all.clone();
                all.extend(names);
                let (code, json) = match expected {
                    Ok((record, depth)) => (
                        0,
                        format!(
                            r#"{{"match":true,"depth":{depth},"record":"{record}","error":""}}"#
                        ),
                    ),
                    Err(why) => (
                        1,
                        format!(r#"{{"match":false,"depth":null,"record":null,"error":"{why}"}}"#),
                    ),
                };
                assert_eq!(
                    bench.run(&all),
                    (code, json + "\n", String::new()),
                    "{all:?}"
                );
            }
        }
    }
}

#[test]
fn people_are_told_why_there_is_no_match() {
    let bench = Bench::new();
    let ca = CertificateSpec::authority("CA").build();
    let leaf = CertificateSpec::new(NAME)
        .build_below(&ca)
        .presenting(&[&ca]);
    let (own, above) = (leaf.tlsa(1, 1).to_string(), ca.record(2, 0, 1).to_string());
    let chain = bench.file("chain.pem", leaf.chain_pem());
    let stronger = Certificate::new(NAME).tlsa(1, 2).to_string();
    for (words, code, parts) in [
        (
            &[&own[..], "--name", "else.test"][..],
            0,
            &["match: 3 1 1 ", "the server's own certificate"][..],
        ),
        (
            &[&above, "--name", NAME],
            0,
            &["match: 2 0 1 ", "the CA at depth 1 ", "is for mx.d.test\n"],
        ),
        (
            &[&above, "--name", "else.test"],
            1,
            &["no match: the certificate is for mx.d.test, but must be for else.test"],
        ),
        (
            &[&above, "--no-name-check"],
            0,
            &["match: 2 0 1 ", "was not looked at"],
        ),
        (
            &[&above, "--name", NAME, "--at", "4000000000"],
            1,
            &["no match: the certificate at depth 1 (CA) expired"],
        ),
        (
            &[&own, &stronger, "--name", NAME],
            1,
            &[
                "no match: ",
                "agility-masked",
                "a record with a stronger digest",
            ],
        ),
        (
            &[
                "1 1 1 AA", "3 1 1 AA", "3 9 1 AA", "3 0 0 AA", "--name", NAME,
            ],
            1,
            &[
                "no match: no TLSA record is usable",
                "1 1 1 AA cannot be used (tlsa-pkix-usage)",
                "3 1 1 AA cannot be used (tlsa-bad-length)",
                "3 9 1 AA cannot be used (tlsa-unknown-param)",
                "3 0 0 AA cannot be used (tlsa-bad-der)",
                "at dane-only none\n",
            ],
        ),
    ] {
        let mut all = vec!["--chain", &chain, "--verify"];
        all.extend(words);
        let (found, out, err) = bench.run(&all);
        assert_eq!((found, err.as_str()), (code, ""), "{words:?}: {out}");
        for part in parts {
            assert!(out.contains(part), "{part} in {out}");
        }
    }
}

/// What is understood of a record's text is printed so that it is understood the same, and nothing makes it panic.
#[test]
fn mutated_records_are_read_or_refused() {
    let mut random = Random::new(0x715A);
    let sound = Certificate::new(NAME).tlsa(1, 1).to_string();
    let mut read = 0;
    for _ in 0..20_000 {
        let mut text: Vec<char> = sound.chars().collect();
        for _ in 0..random.below(4) {
            let at = random.below(text.len());
            let with = [
                '0', '9', 'f', 'G', ' ', '\t', '\n', '(', ')', ';', '"', '\\', '#', '-', 'é', '\0',
            ];
            match random.below(3) {
                0 => text[at] = with[random.below(with.len())],
                1 => text.insert(at, with[random.below(with.len())]),
                _ => text.truncate(at.max(1)),
            }
        }
        let text: String = text.into_iter().collect();
        if let Ok(Rdata::Tlsa(record)) = zonefile::parse_data(RecordType::TLSA, &text) {
            let again = zonefile::parse_data(RecordType::TLSA, &record.to_string());
            assert_eq!(again, Ok(Rdata::Tlsa(record)), "{text:?}");
            read += 1;
        }
    }
    assert!((1000..20_000).contains(&read), "{read} were read");
}
