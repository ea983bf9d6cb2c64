//! Mutated keys, signatures and signed records: none makes the validator panic, and none that differs from what was signed is believed.
//! `DNSSEC_MUTATIONS` sets the number of rounds.

use gateway::dns::{Class, Dnskey, Name, Rdata, RecordType, zonefile};
use gateway::dnssec::{
    Algorithms, Budget, Proof, PublicKey, Rrset, Tracking, TrustAnchors, Why, ZoneKeys, group,
    signature,
};
use gateway::time::Timestamp;
use gateway_lab::random::Random;

const ROUNDS: usize = 20_000;
/// The signed zone of RFC 4035 Appendix A.
const ZONE: &str = include_str!("data/dnssec/rfc4035.zone");
/// Within the time of its signatures.
const NOW: Timestamp = Timestamp::from_unix(1_081_800_000);

fn rounds() -> usize {
    let wanted = std::env::var("DNSSEC_MUTATIONS").ok();
    wanted.and_then(|text| text.parse().ok()).unwrap_or(ROUNDS)
}

fn rrsets() -> Vec<Rrset> {
    group(&zonefile::parse(ZONE, &Name::root()).unwrap())
}

fn authenticate(dnskeys: &Rrset) -> Result<ZoneKeys, Why> {
    let anchor = "example. DNSKEY 257 3 5 AQOeX7+baTmvpVHb2CcLnL1dMRWbuscRvHXlLnXwDzvqp4tZVKp1sZMepFb8MvxhhW3y/0QZsyCjczGJ1qk8vJe52iOhInKROVLRwxGpMfzPRLMlGybr51bOV/1se0ODacj3DomyB4QB5gKTYot/K9alk5/j8vfd4jWCWD+E1Sze0Q==";
    let anchors = TrustAnchors::parse(anchor).unwrap();
    let points = anchors.entry_points(&Name::parse("example.").unwrap(), Algorithms::new(true));
    ZoneKeys::authenticate(dnskeys, &points.unwrap(), NOW, &mut Budget::new())
}

fn verify(set: &Rrset, keys: &ZoneKeys) -> Result<Proof, Why> {
    signature::verify(set, keys, NOW, &mut Budget::new())
}

fn mutated(random: &mut Random, data: &Rdata) -> Option<Rdata> {
    let mut octets = data.canonical();
    random.mutate(&mut octets);
    let rtype = data.rtype();
    let changed = Rdata::decode(rtype, Class::IN, &octets).ok()?;
    (changed.canonical() != data.canonical()).then_some(changed)
}

#[test]
fn no_mutated_record_or_signature_is_believed() {
    let sets = rrsets();
    let dnskeys = sets.iter().find(|set| set.rtype == RecordType::DNSKEY);
    let keys = authenticate(dnskeys.unwrap()).unwrap();
    let mut random = Random::new(4035);
    let mut count = 0;
    for _ in 0..rounds() {
        let mut set = sets[random.below(sets.len())].clone();
        // One signature, so that no other one proves the set.
        set.signatures.truncate(1);
        assert!(verify(&set, &keys).is_ok() || set.rtype == RecordType::DNSKEY);
        if random.below(2) == 0 {
            let place = random.below(set.data.len());
            let Some(changed) = mutated(&mut random, &set.data[place]) else {
                continue;
            };
            set.data[place] = changed;
        } else {
            let original = Rdata::Rrsig(set.signatures[0].clone());
            let Some(Rdata::Rrsig(changed)) = mutated(&mut random, &original) else {
                continue;
            };
            set.signatures[0] = changed;
        }
        count += 1;
        let found = verify(&set, &keys);
        assert!(
            found.is_err(),
            "{:?} {:?} {found:?}",
            set.data,
            set.signatures
        );
        let found = authenticate(&set);
        assert!(found.is_err(), "{:?} {:?}", set.data, set.signatures);
    }
    assert!(count > rounds() / 2, "{count}");
}

/// Of each algorithm one key and a signature; what is built of mutated octets is a key or a fault.
#[test]
fn mutated_keys_and_signatures_do_not_verify() {
    let files = [
        include_str!("data/dnssec/rfc4035.zone"),
        include_str!("data/dnssec/rfc6605.zone"),
        include_str!("data/dnssec/rfc8080.zone"),
    ];
    let mut keys: Vec<Dnskey> = Vec::new();
    for record in files
        .iter()
        .flat_map(|text| zonefile::parse(text, &Name::root()).unwrap())
    {
        if let Rdata::Dnskey(key) = record.data {
            keys.push(key);
        }
    }
    assert_eq!(keys.len(), 8);
    let mut random = Random::new(6605);
    let mut built = 0;
    for number in 0..rounds() {
        let mut key = keys[random.below(keys.len())].clone();
        random.mutate(&mut key.public_key);
        // Also read as a key of any other algorithm.
        if random.below(4) == 0 {
            key.algorithm.0 = random.below(20) as u8;
        }
        let Ok(public) = PublicKey::new(&key, Algorithms::new(true)) else {
            continue;
        };
        built += 1;
        // Verifying costs far more than building.
        if number % 16 == 0 {
            let mut signature = vec![0; key.public_key.len() & !1];
            random.mutate(&mut signature);
            assert!(!public.verify(b"octets", &signature), "{key:?}");
        }
    }
    assert!(built > rounds() / 20, "{built}");
}

/// The state of tracked trust anchors comes from the disk.
#[test]
fn mutated_states_of_trust_anchors_are_refused_or_mean_something() {
    let text = "; both forms, every state\n\
        valid since=2026-11-25T00:00:00.000Z . IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n\
        missing since=2026-11-25T00:00:00Z . IN DNSKEY 257 3 8 AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTO\n\
        pending since=2026-11-25T00:00:00Z until=2026-12-25T00:00:00Z by=20326,1 . 172800 DNSKEY 257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==\n\
        revoked since=2026-11-25T00:00:00Z gone=2026-11-26T00:00:00Z . DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n";
    assert_eq!(Tracking::parse(text).unwrap().keys().len(), 4);
    let mut random = Random::new(5011);
    let mut understood = 0;
    for _ in 0..rounds() {
        let mut octets = text.as_bytes().to_vec();
        random.mutate(&mut octets);
        match Tracking::parse(&String::from_utf8_lossy(&octets)) {
            Ok(tracking) => {
                understood += 1;
                assert_eq!(Tracking::parse(&tracking.to_string()), Ok(tracking));
            }
            Err(error) => assert!((1..=6).contains(&error.line) && !error.reason.is_empty()),
        }
    }
    assert!((1..rounds()).contains(&understood), "{understood}");
}
