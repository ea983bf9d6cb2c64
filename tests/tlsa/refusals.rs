//! Words that make no sense, and files that cannot be used.

use std::fs;

use gateway_lab::Certificate;

use super::bench::{Bench, NAME, openssl};

#[test]
fn words_that_make_no_sense_are_named() {
    let bench = Bench::new();
    let certificate = Certificate::new(NAME);
    let pem = bench.file("cert.pem", certificate.pem());
    let key = bench.file("cert.key", certificate.key_pem());
    for (words, named) in [
        (&[][..], "expected a file"),
        (&[&pem[..]], "'--name' is needed"),
        (&[&pem, "--name", "a_b.test"], "'a_b.test'"),
        (&[&pem, "--name", "192.0.2.1"], "'192.0.2.1'"),
        (&[&pem, "--name", NAME, "--usage", "4"], "found '4'"),
        (&[&pem, "--name", NAME, "--selector", "+1"], "found '+1'"),
        (&[&pem, "--name", NAME, "--matching", "256"], "found '256'"),
        (&[&pem, "--name", NAME, "--port", "0"], "found '0'"),
        (
            &[&pem, "--name", NAME, "--json"],
            "'--json' makes no sense without '--verify'",
        ),
        (
            &[&key, "--name", NAME, "--selector", "0"],
            "use --selector 1",
        ),
        (&["--from", "x.test", "--rollover"], "exclude each other"),
        (&["--from", "x.test:0"], "'x.test:0'"),
        (&["--from", "127.0.0.1"], "'--name' is needed"),
        (&["--from", "x.test", &pem], "takes no files"),
        (&["--rollover", &pem, "--name", NAME], "expected two files"),
        (
            &["--rollover", "-", "-", "--name", NAME],
            "only one of the two",
        ),
        (
            &["--rollover", &pem, &pem, "--name", NAME, "--ttl", "0"],
            "found '0'",
        ),
        (
            &["--verify", "3 1 1 AA", "--name", NAME],
            "'--chain' is needed",
        ),
        (
            &["--verify", "3 1 1 AA", "--chain", &pem],
            "'--no-name-check'",
        ),
        (
            &[
                "--verify", "3 1 1 AA", "--chain", &pem, "--name", NAME, "--usage", "3",
            ],
            "'--usage'",
        ),
        (
            &["--verify", "", "--chain", &pem, "--name", NAME],
            "'' is no record",
        ),
        (
            &["--verify", "3 1", "--chain", &pem, "--name", NAME],
            "'3 1' is no record",
        ),
        (
            &["--verify", "3 1 1", "--chain", &pem, "--name", NAME],
            "expected hexadecimal",
        ),
        (
            &["--verify", "3 1 1 AAB", "--chain", &pem, "--name", NAME],
            "expected hexadecimal",
        ),
        (
            &["--verify", "3 1 256 AA", "--chain", &pem, "--name", NAME],
            "expected a matching type",
        ),
        (
            &[
                "--verify",
                "3 1 1 AA\n3 1 1 AA",
                "--chain",
                &pem,
                "--name",
                NAME,
            ],
            "one TLSA record",
        ),
        (
            &[
                "--verify",
                "3 1 1 AA",
                "-1 1 1 AA",
                "--chain",
                &pem,
                "--name",
                NAME,
            ],
            "'-1'",
        ),
    ] {
        let (code, out, err) = bench.run(words);
        assert_eq!(
            (code, out.as_str(), err.lines().count()),
            (64, "", 1),
            "{words:?}: {err}"
        );
        assert!(
            err.starts_with("gateway tlsa: ") && err.contains(named),
            "{words:?}: {err}"
        );
    }
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let bench = Bench::new();
    let certificate = Certificate::new(NAME);
    let pem = certificate.pem();
    let cut = pem.len() / 2;
    let encrypted = openssl(
        &["pkey", "-aes128", "-passout", "pass:x"],
        certificate.key_pem().as_bytes(),
    );
    let huge = bench.file("huge", "");
    fs::File::create(&huge)
        .and_then(|file| file.set_len(50 << 20))
        .expect("a sparse file");
    let mut odd = certificate.der();
    odd.push(0);
    for (file, named) in [
        (
            bench.files.path().join("none").display().to_string(),
            "cannot be read",
        ),
        (bench.files.path().display().to_string(), "cannot be read"),
        (huge, "larger than 1 MiB"),
        (bench.file("empty", ""), "but it is neither"),
        (bench.file("text", "hello\n"), "but it is neither"),
        (
            bench.file("cut.pem", &pem[..cut]),
            "begins on line 1 has no end",
        ),
        (
            bench.file("cut.der", &certificate.der()[..cut / 2]),
            "but it is neither",
        ),
        (bench.file("odd.der", odd), "but it is neither"),
        (
            bench.file("word.pem", pem.replace("MII", "MI!")),
            "not whole base 64",
        ),
        (
            bench.file("json.pem", pem.replace("MII", "MIA")),
            "line 1 is not sound",
        ),
        (
            bench.file("encrypted.key", encrypted),
            "there is only ENCRYPTED PRIVATE KEY",
        ),
        (
            bench.file("none.pem", "-----BEGIN X"),
            "there is no PEM block in it",
        ),
    ] {
        for words in [
            &[&file[..], "--name", NAME][..],
            &["--verify", "3 1 1 AA", "--chain", &file, "--name", NAME],
            &["--rollover", &file, &file, "--name", NAME, "--offline"],
        ] {
            let (code, out, err) = bench.run(words);
            assert_eq!(
                (code, out.as_str(), err.lines().count()),
                (66, "", 1),
                "{words:?}: {err}"
            );
            assert!(
                err.contains(&file) && err.contains("expected") && err.contains(named),
                "{words:?}: {err}"
            );
        }
    }
    let key = bench.file("cert.key", certificate.key_pem());
    let (code, _, err) = bench.run(&["--verify", "3 1 1 AA", "--chain", &key, "--name", NAME]);
    assert!(code == 66 && err.contains("found only a key"), "{err}");
}
