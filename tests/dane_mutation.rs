//! Damaged chains and damaged TLSA records: never a panic, never a match that OpenSSL does not see, and none at all where what counts was changed.

use gateway::certificate::Chain;
use gateway::dane;
use gateway::dns::Tlsa;
use gateway::smtp::Domain;
use gateway::time::Timestamp;
use gateway_lab::openssl_dane::{Opinion, opinion};
use gateway_lab::random::Random;
use gateway_lab::{Certificate, CertificateSpec};
use openssl::x509::X509;

const HOST: &str = "mx.d.test";
const ROUNDS: usize = 3000;

struct Pki {
    root: Certificate,
    ca: Certificate,
    leaf: Certificate,
}

fn pki() -> Pki {
    let root = CertificateSpec::authority("Root").build();
    let ca = CertificateSpec::authority("CA").build_below(&root);
    let leaf = CertificateSpec::new(HOST).build_below(&ca);
    let leaf = leaf.presenting(&[&ca, &root]);
    Pki { root, ca, leaf }
}

/// The verdict, which does not depend on who has read the chain.
fn matches(records: &[Tlsa], chain: &[Vec<u8>]) -> bool {
    let references = [Domain::parse(HOST).expect("a domain")];
    let plan = dane::plan(records);
    let verify = |chain| dane::verify(&plan, &chain, &references, Timestamp::now());
    let found = verify(chain.to_vec().into());
    let read = chain.iter().map(|octets| X509::from_der(octets));
    let read = read.collect::<Result<_, _>>().and_then(Chain::of);
    if let Some(read) = read.ok().filter(|read| read.octets() == chain) {
        assert_eq!(verify(read), found, "{records:?} {chain:?}");
    }
    found.is_ok()
}

/// Whether OpenSSL, which is shown only what it can read, sees a match; `None` if it cannot even read the server's own certificate.
fn openssl_matches(records: &[Tlsa], chain: &[Vec<u8>]) -> Option<bool> {
    let is_readable = |octets: &&Vec<u8>| X509::from_der(octets).is_ok();
    chain.first().filter(is_readable)?;
    let readable: Vec<Vec<u8>> = chain.iter().filter(is_readable).cloned().collect();
    let opinion = opinion(records, &readable, &[HOST]);
    Some(matches!(opinion, Opinion::Match(_)))
}

fn damage(octets: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(2) {
        let at = random.below(octets.len().max(1));
        match random.below(6) {
            _ if octets.is_empty() => octets.push(0x30),
            0 => octets[at] = u8::try_from(random.below(256)).expect("an octet"),
            1 => octets[at] ^= 1 << random.below(8),
            2 => octets.insert(at, [0, 1, 0x30, 0x80, 0xFF][random.below(5)]),
            3 => drop(octets.remove(at)),
            4 => octets.truncate(at),
            _ => octets.extend_from_within(at..),
        }
    }
}

#[test]
fn damaged_chains_never_match_falsely() {
    let Pki { root, ca, leaf } = pki();
    let original = leaf.chain();
    let without_root = leaf.clone().presenting(&[&ca]).chain();
    let mut random = Random::new(6698);
    let mut matched = 0;
    let presented = [
        (root.record(2, 0, 1), &original),
        (root.record(2, 1, 2), &original),
        (ca.record(2, 0, 2), &original),
        (ca.record(2, 1, 1), &without_root),
        (root.record(2, 0, 0), &without_root),
        (root.record(2, 1, 0), &without_root),
        (leaf.record(3, 0, 1), &without_root),
        (leaf.record(3, 1, 1), &without_root),
    ];
    for round in 0..ROUNDS {
        let (record, chain) = &presented[round % presented.len()];
        let mut damaged = (*chain).clone();
        let at = random.below(damaged.len());
        damage(&mut damaged[at], &mut random);
        if random.below(8) == 0 {
            damaged.swap(0, random.below(chain.len()));
        }
        let records = std::slice::from_ref(record);
        if !matches(records, &damaged) {
            continue;
        }
        matched += 1;
        let same_own = damaged[0] == chain[0];
        assert!(
            same_own || (record.usage, record.selector) == (3, 1),
            "{record}: {damaged:?}"
        );
        let named = damaged
            .iter()
            .any(|one| *one == root.der() || *one == ca.der());
        assert!(
            named || record.usage == 3 || record.selector == 1,
            "{record}: {damaged:?}"
        );
        let theirs = openssl_matches(records, &damaged);
        let unseen = theirs.is_none() && record.usage == 3;
        assert!(theirs == Some(true) || unseen, "{record}: {damaged:?}");
    }
    assert!(
        matched > ROUNDS / 10 && matched < ROUNDS * 3 / 4,
        "{matched}: too mild or too wild"
    );
}

#[test]
fn damaged_records_never_match_falsely() {
    let Pki { root, ca, leaf } = pki();
    let chain = leaf.clone().presenting(&[&ca]).chain();
    let mut random = Random::new(7671);
    let mut usable = 0;
    for round in 0..ROUNDS {
        let (usage, one) = [(3, &leaf), (2, &ca), (2, &root)][round % 3];
        let selector = u8::try_from(random.below(2)).expect("0 or 1");
        let matching = u8::try_from(random.below(3)).expect("0 to 2");
        let good = one.record(usage, selector, matching);
        let mut record = good.clone();
        damage(&mut record.data, &mut random);
        let records = [record];
        usable += dane::plan(&records).usable.len();
        if records[0] == good || !matches(&records, &chain) {
            continue;
        }
        // A certificate or key from DNS is believed as it is there; all that must hold is that it signs what was presented.
        assert!(usage == 2 && matching == 0, "{}", records[0]);
        assert_eq!(
            openssl_matches(&records, &chain),
            Some(true),
            "{}",
            records[0]
        );
    }
    assert!(usable > ROUNDS / 10, "{usable}: too wild");
}
