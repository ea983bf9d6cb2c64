//! The verdict agrees with OpenSSL's own DANE verification, on every record for every certificate of many chains, and on random sets of records.
//!
//! Where the two differ, [`reason`] says why. We never match what OpenSSL does not, but for what an RFC says there.

mod session;

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use gateway::certificate::Chain;
use gateway::dane::{self, Match, Mismatch};
use gateway::dns::Tlsa;
use gateway::outbound::{Channel, Demand};
use gateway::smtp::Domain;
use gateway::time::Timestamp;
use gateway_lab::openssl_dane::{Opinion, opinion};
use gateway_lab::random::Random;
use gateway_lab::{Certificate, CertificateSpec, KeyKind, MxHost, Seats, SignatureDigest};
use openssl::x509::X509;

const REFERENCES: [&str; 2] = ["mx.d.test", "d.test"];

/// A chain, and the certificates that records may name.
struct Case {
    what: &'static str,
    chain: Certificate,
    others: Vec<Certificate>,
}

/// One verdict in a word that both sides have.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Match(usize),
    Names,
    Dates,
    Rules,
    Nothing,
    NoUsableRecord,
}

fn references() -> [Domain; 2] {
    REFERENCES.map(|name| Domain::parse(name).expect("a domain"))
}

fn ours(records: &[Tlsa], chain: &[Vec<u8>]) -> (Word, Result<Match, Mismatch>) {
    let plan = dane::plan(records);
    let (references, now) = (references(), Timestamp::now());
    let found = dane::verify(&plan, &chain.to_vec().into(), &references, now);
    let read = chain.iter().map(|octets| X509::from_der(octets));
    let read = read.collect::<Result<_, _>>().and_then(Chain::of);
    let after_handshake = dane::verify(&plan, &read.expect("certificates"), &references, now);
    assert_eq!(found, after_handshake);
    let word = match &found {
        _ if plan.usable.is_empty() => Word::NoUsableRecord,
        Ok(matched) => Word::Match(matched.depth()),
        Err(Mismatch::HostMismatch(_)) => Word::Names,
        Err(Mismatch::Expired(_)) => Word::Dates,
        Err(Mismatch::NotTrusted(_)) => Word::Rules,
        Err(_) => Word::Nothing,
    };
    (word, found)
}

fn theirs(opinion: &Opinion) -> Word {
    match opinion {
        Opinion::Match(depth) => Word::Match(*depth),
        Opinion::Mismatch(62, _) => Word::Names,
        Opinion::Mismatch(9 | 10, _) => Word::Dates,
        // No record matches, or no issuer is there.
        Opinion::Mismatch(65 | 2 | 18..=21, _) => Word::Nothing,
        Opinion::Mismatch(..) => Word::Rules,
        Opinion::NoUsableRecord => Word::NoUsableRecord,
        Opinion::Unreadable => panic!("every certificate can be read"),
    }
}

fn cases() -> Vec<Case> {
    let mut all = Vec::new();
    let mut add = |what, chain: &Certificate, others: &[&Certificate]| {
        all.push(Case {
            what,
            chain: chain.clone(),
            others: others.iter().map(|one| (*one).clone()).collect(),
        });
    };
    for (what, root, ca, leaf) in specs() {
        let root = root.build();
        let ca = ca.build_below(&root);
        let leaf = leaf.build_below(&ca);
        let chain = leaf.presenting(&[&ca, &root]);
        add(what, &chain, &[&ca, &root]);
    }
    arrangements(&mut add);
    all
}

type Add<'a> = dyn FnMut(&'static str, &Certificate, &[&Certificate]) + 'a;

/// Root, CA and leaf, one of them odd.
fn specs() -> Vec<(
    &'static str,
    CertificateSpec,
    CertificateSpec,
    CertificateSpec,
)> {
    let root = || CertificateSpec::authority("Root");
    let ca = || CertificateSpec::authority("CA");
    let leaf = || CertificateSpec::new("mx.d.test");
    let sha1 = |spec: CertificateSpec| spec.signed_over(SignatureDigest::Sha1);
    let rsa = |spec: CertificateSpec, bits| spec.key(KeyKind::Rsa(bits));
    let named = |names: &[&str]| CertificateSpec::new("x").dns_names(names);
    let bare = |name: &str| CertificateSpec::new(name).dns_names(&[]);
    vec![
        ("good", root(), ca(), leaf()),
        ("leaf expired", root(), ca(), leaf().expired()),
        ("leaf not yet valid", root(), ca(), leaf().not_yet_valid()),
        ("CA expired", root(), ca().expired(), leaf()),
        ("CA not yet valid", root(), ca().not_yet_valid(), leaf()),
        ("root expired", root().expired(), ca(), leaf()),
        ("root not yet valid", root().not_yet_valid(), ca(), leaf()),
        ("leaf over SHA-1", root(), ca(), sha1(leaf())),
        ("CA over SHA-1", root(), sha1(ca()), leaf()),
        ("root over SHA-1", sha1(root()), ca(), leaf()),
        (
            "leaf over MD5",
            root(),
            rsa(ca(), 2048),
            leaf().signed_over(SignatureDigest::Md5),
        ),
        ("leaf RSA", root(), ca(), rsa(leaf(), 2048)),
        ("leaf Ed25519", root(), ca(), leaf().key(KeyKind::Ed25519)),
        ("CA Ed25519", root(), ca().key(KeyKind::Ed25519), leaf()),
        ("CA weak", root(), rsa(ca(), 1024), leaf()),
        ("root weak", rsa(root(), 1024), ca(), leaf()),
        ("CA is none", root(), ca().is_authority(false), leaf()),
        ("root is none", root().is_authority(false), ca(), leaf()),
        ("leaf is a CA", root(), ca(), leaf().is_authority(true)),
        (
            "leaf of version 1",
            root(),
            ca(),
            CertificateSpec::new("mx.d.test").version_1(),
        ),
        ("CA of version 1", root(), ca().version_1(), leaf()),
        ("root of version 1", root().version_1(), ca(), leaf()),
        ("root for no CA below", root().path_length(0), ca(), leaf()),
        ("root for one CA below", root().path_length(1), ca(), leaf()),
        (
            "root for e.test",
            root().permits_only("e.test"),
            ca(),
            leaf(),
        ),
        ("CA for d.test", root(), ca().permits_only("d.test"), leaf()),
        (
            "leaf with unknown critical",
            root(),
            ca(),
            leaf().with_unknown_critical(),
        ),
        (
            "CA with unknown critical",
            root(),
            ca().with_unknown_critical(),
            leaf(),
        ),
        (
            "root with unknown critical",
            root().with_unknown_critical(),
            ca(),
            leaf(),
        ),
        ("leaf for clients", root(), ca(), leaf().for_clients()),
        ("CA for clients", root(), ca().for_clients(), leaf()),
        ("root for clients", root().for_clients(), ca(), leaf()),
        ("second reference", root(), ca(), named(&["d.test"])),
        ("other case", root(), ca(), named(&["MX.D.TEST"])),
        ("name with final dot", root(), ca(), named(&["mx.d.test."])),
        ("wildcard", root(), ca(), named(&["*.d.test"])),
        (
            "wildcard of a top-level domain",
            root(),
            ca(),
            named(&["*.test"]),
        ),
        ("wildcard in part", root(), ca(), named(&["m*.d.test"])),
        ("wildcard inside", root(), ca(), named(&["mx.*.test"])),
        (
            "other name, right common name",
            root(),
            ca(),
            CertificateSpec::new("mx.d.test").dns_names(&["e.test"]),
        ),
        ("common name only", root(), ca(), bare("mx.d.test")),
        ("common name only, other", root(), ca(), bare("e.test")),
        ("common name only, wildcard", root(), ca(), bare("*.d.test")),
        (
            "many names",
            root(),
            ca(),
            named(&["a.test", "b.test", "*.c.test", "mx.d.test"]),
        ),
    ]
}

/// Chains that are not leaf, CA, root.
fn arrangements(add: &mut Add<'_>) {
    let root = CertificateSpec::authority("Root").build();
    let other_root = CertificateSpec::authority("Other Root").build();
    let high = CertificateSpec::authority("High").build_below(&root);
    let ca_spec = CertificateSpec::authority("CA");
    let ca = ca_spec.build_below(&high);
    let cross = ca_spec.clone().key_of(&ca).build_below(&other_root);
    let old = ca_spec.clone().key_of(&ca).expired().build_below(&high);
    let forged = ca_spec.build();
    let stray = Certificate::new("stray.test");
    let spec = CertificateSpec::new("mx.d.test");
    let leaf = spec.build_below(&ca);
    let family = [&ca, &high, &root];
    for (what, others) in [
        ("deep", &[&ca, &high, &root][..]),
        ("root missing", &[&ca, &high]),
        ("two missing", &[&ca]),
        ("alone", &[]),
        ("gap", &[&ca, &root]),
        ("gap at the bottom", &[&high, &root]),
        ("reversed", &[&root, &high, &ca]),
        (
            "strays",
            &[&stray, &ca, &stray, &high, &other_root, &root, &stray],
        ),
        (
            "everything twice",
            &[&leaf, &ca, &ca, &high, &high, &root, &root],
        ),
        ("forged CA", &[&forged, &high, &root]),
        ("forged CA first", &[&forged, &ca, &high, &root]),
        ("stray only", &[&stray]),
    ] {
        add(what, &leaf.clone().presenting(others), &family);
    }
    let crossed = [&ca, &cross, &old, &root, &other_root];
    for (what, others) in [
        (
            "cross-signed, ours first",
            &[&ca, &cross, &high, &root, &other_root][..],
        ),
        (
            "cross-signed, other first",
            &[&cross, &ca, &high, &root, &other_root],
        ),
        ("cross-signed, other only", &[&cross, &other_root]),
        (
            "cross-signed, other root missing",
            &[&cross, &ca, &high, &root],
        ),
        ("expired twin first", &[&old, &ca, &high, &root]),
        ("expired twin last", &[&ca, &high, &root, &old]),
    ] {
        add(what, &leaf.clone().presenting(others), &crossed);
    }
    let itself = spec.build();
    let itself_ca = CertificateSpec::new("mx.d.test").is_authority(true).build();
    let renewed = CertificateSpec::new("mx.d.test")
        .is_authority(true)
        .key_of(&itself_ca)
        .build();
    for (what, own, others) in [
        ("self-signed", &itself, &[][..]),
        ("self-signed twice", &itself, &[&itself]),
        ("self-signed CA", &itself_ca, &[]),
        ("self-signed CA twice", &itself_ca, &[&itself_ca]),
        ("self-signed with its twin", &renewed, &[&itself_ca]),
        ("self-signed with a stray", &itself, &[&root]),
        ("self-signed, expired", &spec.clone().expired().build(), &[]),
        ("self-signed, other name", &Certificate::new("e.test"), &[]),
        ("below the root", &spec.build_below(&root), &[&root]),
        (
            "below the root, which is missing",
            &spec.build_below(&root),
            &[],
        ),
        ("below an expired root", &spec.build_below(&old), &[&old]),
    ] {
        add(
            what,
            &own.clone().presenting(others),
            &[&root, &itself_ca, &old],
        );
    }
}

/// Every record that names one of the certificates; usage 3 in all forms only for the server's own.
fn records_for(case: &Case, stranger: &Certificate) -> Vec<Tlsa> {
    const FORMS: [(u8, u8); 6] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)];
    let own = FORMS.map(|(selector, matching)| case.chain.record(3, selector, matching));
    let all = [&case.chain, stranger].into_iter().chain(&case.others);
    let others = all.flat_map(|one| {
        let anchors = FORMS.map(|(selector, matching)| one.record(2, selector, matching));
        anchors.into_iter().chain([one.record(3, 1, 1)])
    });
    own.into_iter().chain(others).collect()
}

/// Why the two differ where they may. Each reason but one makes us stricter.
fn reason(what: &str, ours: &Result<Match, Mismatch>, theirs: &Word) -> Option<&'static str> {
    Some(match (ours, theirs) {
        (Err(Mismatch::Expired(_)), Word::Match(_)) => {
            "C5: OpenSSL does not look at the dates of a trust anchor that is not self-signed"
        }
        (Err(Mismatch::TaMatchesLeaf(_)), Word::Match(0) | Word::Dates | Word::Names) => {
            "C9: OpenSSL takes a bare key for the trust anchor of the certificate that it signed itself"
        }
        (Err(Mismatch::HostMismatch(_)), Word::Match(_)) if what == "wildcard in part" => {
            "B2: OpenSSL takes wildcards that are part of a label unless told otherwise"
        }
        (Ok(_), Word::Nothing) if what.starts_with("cross-signed") => {
            "RFC 6698 §2.1.1: any certificate that matches may be the trust anchor; OpenSSL follows one of two twins only"
        }
        (Err(Mismatch::Expired(_)), Word::Nothing)
            if what.starts_with("cross-signed") || what.starts_with("expired twin") =>
        {
            "both refuse: the record names the expired twin, which OpenSSL does not come to see"
        }
        _ => return None,
    })
}

#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    matches: usize,
    reasons: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Of one record everything is compared; of several only whether they match, since which of them is told of is free.
    fn compare(&mut self, what: &str, records: &[Tlsa], chain: &[Vec<u8>]) {
        let opinion = opinion(records, chain, &REFERENCES);
        let (ours, found) = ours(records, chain);
        let theirs = theirs(&opinion);
        self.asked += 1;
        self.matches += usize::from(found.is_ok());
        let agree = match records.len() {
            1 => ours == theirs,
            _ => found.is_ok() == matches!(theirs, Word::Match(_)),
        };
        if !agree {
            let reason = reason(what, &found, &theirs).unwrap_or_else(|| {
                let records: Vec<String> = records.iter().map(Tlsa::to_string).collect();
                panic!("{what}, {records:?}: {found:?}, OpenSSL: {opinion:?}");
            });
            *self.reasons.entry(reason).or_default() += 1;
        }
    }
}

#[test]
fn every_record_for_every_certificate() {
    let stranger = CertificateSpec::authority("Stranger").build();
    let mut tally = Tally::default();
    for case in cases() {
        let chain = case.chain.chain();
        for record in records_for(&case, &stranger) {
            tally.compare(case.what, &[record], &chain);
        }
    }
    println!("{tally:#?}");
    assert!(tally.asked > 2000 && tally.matches > 600, "{tally:?}");
}

/// Two to four records at a time, some of them damaged.
#[test]
fn random_sets_of_records() {
    let stranger = CertificateSpec::authority("Stranger").build();
    let mut random = Random::new(7672);
    let mut tally = Tally::default();
    for case in cases() {
        let chain = case.chain.chain();
        let all = records_for(&case, &stranger);
        for _ in 0..12 {
            let count = 2 + random.below(3);
            let pick = |_| all[random.below(all.len())].clone();
            let mut records: Vec<Tlsa> = (0..count).map(pick).collect();
            for record in &mut records {
                damage(record, &mut random);
            }
            tally.compare(case.what, &records, &chain);
        }
    }
    println!("{tally:#?}");
    assert!(tally.asked > 500 && tally.matches > 100, "{tally:?}");
}

/// The opinions are those of `openssl s_client`, which asks in a real handshake, and so does our session.
#[test]
fn handshakes_have_the_same_verdicts() {
    let root = CertificateSpec::authority("Root").build();
    let ca = CertificateSpec::authority("CA").build_below(&root);
    let leaf = CertificateSpec::new("mx.d.test").build_below(&ca);
    let other = CertificateSpec::new("e.test").build_below(&ca);
    let expired = CertificateSpec::new("d.test").expired().build_below(&ca);
    let mut matches = 0;
    for (chain, records) in [
        (
            leaf.clone().presenting(&[&ca, &root]),
            [root.record(2, 1, 1), ca.record(2, 0, 2)],
        ),
        (
            leaf.presenting(&[&ca]),
            [root.record(2, 0, 1), root.record(2, 0, 0)],
        ),
        (
            other.presenting(&[&ca, &root]),
            [root.record(2, 1, 1), ca.record(3, 1, 1)],
        ),
        (
            expired.clone().presenting(&[&ca]),
            [ca.record(2, 0, 1), expired.record(3, 1, 1)],
        ),
    ] {
        let host = MxHost::start_on(Seats::reserve(1).take(), chain.clone(), "mx.d.test");
        for record in records {
            let records = [record];
            let opinion = opinion(&records, &chain.chain(), &REFERENCES);
            let expected = matches!(opinion, Opinion::Match(_));
            assert_eq!(s_client(&host, &records[0]), expected, "{}", records[0]);
            let demand = Demand::Dane {
                plan: dane::plan(&records),
                references: references().to_vec(),
                former: None,
            };
            let hostname = session::ourselves();
            let link = session::link(host.address(), &hostname, session::PATIENT);
            let ours = Channel::open(&link, &demand);
            assert_eq!(ours.is_ok(), expected, "{:?}", ours.err());
            matches += usize::from(expected);
        }
    }
    assert_eq!(matches, 4);
}

fn s_client(host: &MxHost, record: &Tlsa) -> bool {
    let address = host.address().to_string();
    let record = record.to_string();
    let output = Command::new("openssl")
        .args([
            "s_client",
            "-brief",
            "-starttls",
            "smtp",
            "-verify_return_error",
        ])
        .args(["-connect", &address])
        .args(["-dane_ee_no_namechecks", "-dane_tlsa_domain", REFERENCES[0]])
        .args(["-dane_tlsa_rrdata", &record])
        .stdin(Stdio::null())
        .output()
        .expect("openssl is installed");
    output.status.success()
}

/// One record of four gets another digest, another length, or parameters that nobody has defined.
fn damage(record: &mut Tlsa, random: &mut Random) {
    match random.below(12) {
        0 if record.matching > 0 => record.data[0] ^= 1,
        1 => record.data.push(0),
        2 => record.matching = 3,
        _ => {}
    }
}
