use super::*;
use crate::dns::{Algorithm, Rdata, zonefile};
use crate::dnssec::limits::VERIFICATIONS_PER_QUESTION;
use crate::dnssec::signer_tests::{NOW, Signer};
use crate::dnssec::{Algorithms, group};

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn rrset(text: &str) -> Rrset {
    group(&zonefile::parse(text, &Name::root()).unwrap()).remove(0)
}

/// A zone with one key, and what the signatures of its RRsets prove.
struct Zone {
    name: Name,
    signer: Signer,
    keys: Vec<ZoneKey>,
    budget: Budget,
}

impl Zone {
    fn new(text: &str) -> Self {
        let signer = Signer::new(Algorithm::ED25519);
        let mut zone = Self {
            name: name(text),
            signer,
            keys: Vec::new(),
            budget: Budget::new(),
        };
        let octets = zone.signer.dnskey.public_key.clone();
        zone.add_key(octets);
        zone
    }

    fn add_key(&mut self, public_key: Vec<u8>) {
        let mut key = self.signer.dnskey.clone();
        key.public_key = public_key;
        assert_eq!(key.key_tag(), self.signer.dnskey.key_tag());
        self.keys
            .push(ZoneKey::new(&key, Algorithms::new(false)).unwrap());
    }

    fn verify(&mut self, set: &Rrset) -> Result<Proof, Why> {
        let now = Timestamp::from_unix(NOW.into());
        verify_by(set, &self.name, &self.keys, now, &mut self.budget)
    }

    /// "ok", "ok" with the labels of the wildcard's parent, or the name of the reason.
    fn word(&mut self, set: &Rrset) -> String {
        match self.verify(set).map(|proof| proof.wildcard) {
            Ok(None) => "ok".to_owned(),
            Ok(Some(labels)) => format!("ok {labels}"),
            Err(why) => word(&why),
        }
    }
}

/// The name of the reason.
fn word(why: &Why) -> String {
    format!("{why:?}").split(' ').next().unwrap().to_owned()
}

type Change = fn(&mut Rrsig);

/// RFC 4035 §5.3.1: each signature is right over its octets, but not each may count.
#[test]
fn signatures_count_for_their_zone_labels_and_time_only() {
    let mut zone = Zone::new("Example.");
    let same: Change = |_| ();
    let table: [(&str, Change, &str); 32] = [
        ("www.example. A 192.0.2.1", same, "ok"),
        (
            "WWW.EXAMPLE. A 192.0.2.1",
            |s| s.signer = name("EXAMPLE."),
            "ok",
        ),
        ("example. MX 10 mail.example.", same, "ok"),
        ("*.example. A 192.0.2.1", same, "ok"),
        ("*.a.*.example. A 192.0.2.1", same, "ok"),
        // A name outside the zone, under the keys of an unrelated zone.
        ("victim.test. A 192.0.2.1", same, "OutsideZone"),
        ("anexample. A 192.0.2.1", same, "OutsideZone"),
        (". NS example.", same, "OutsideZone"),
        (
            "www.example. A 192.0.2.1",
            |s| s.signer = name("test."),
            "SignerNotZone",
        ),
        (
            "www.example. A 192.0.2.1",
            |s| s.signer = name("www.example."),
            "SignerNotZone",
        ),
        (
            "www.example. A 192.0.2.1",
            |s| s.signer = Name::root(),
            "SignerNotZone",
        ),
        // The zone's own delegation; one of a child is its to sign.
        ("example. DS 1 8 2 00", same, "DsOfChild"),
        ("sub.example. DS 1 8 2 00", same, "ok"),
        // Labels: more than the owner has, a wildcard, one above the zone.
        ("www.example. A 192.0.2.1", |s| s.labels = 3, "LabelCount"),
        ("*.example. A 192.0.2.1", |s| s.labels = 2, "LabelCount"),
        ("www.example. A 192.0.2.1", |s| s.labels = 255, "LabelCount"),
        ("www.example. A 192.0.2.1", |s| s.labels = 1, "ok 1"),
        ("a.b.c.example. A 192.0.2.1", |s| s.labels = 2, "ok 2"),
        ("*.c.example. A 192.0.2.1", |s| s.labels = 1, "ok 1"),
        ("www.example. A 192.0.2.1", |s| s.labels = 0, "LabelCount"),
        (
            "www.example. NSEC x.example. A",
            |s| s.labels = 1,
            "DenialExpanded",
        ),
        (
            "abcd.example. NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A",
            |s| s.labels = 1,
            "DenialExpanded",
        ),
        ("*.example. NSEC x.example. A", same, "ok"),
        // Keys.
        ("www.example. A 192.0.2.1", |s| s.key_tag ^= 1, "KeyMissing"),
        (
            "www.example. A 192.0.2.1",
            |s| s.algorithm = Algorithm::ED448,
            "KeyMissing",
        ),
        (
            "www.example. A 192.0.2.1",
            |s| s.type_covered = RecordType::AAAA,
            "RrsigMissing",
        ),
        // Times: both ends are included, the beginning may be five minutes ahead.
        ("www.example. A 192.0.2.1", |s| s.expiration = NOW, "ok"),
        (
            "www.example. A 192.0.2.1",
            |s| s.expiration = NOW - 1,
            "Expired",
        ),
        (
            "www.example. A 192.0.2.1",
            |s| s.inception = NOW + 300,
            "ok",
        ),
        (
            "www.example. A 192.0.2.1",
            |s| s.inception = NOW + 301,
            "NotYetValid",
        ),
        (
            "www.example. A 192.0.2.1",
            |s| (s.inception, s.expiration) = (NOW + 1, NOW),
            "ExpiredBeforeValid",
        ),
        (
            "www.example. A 192.0.2.1",
            |s| s.expiration = NOW - 99_999,
            "ExpiredBeforeValid",
        ),
    ];
    for (text, change, expected) in table {
        let mut set = rrset(text);
        zone.signer.sign_with(&mut set, &name("example."), change);
        zone.budget = Budget::new();
        assert_eq!(zone.word(&set), expected, "{text} {:?}", set.signatures);
    }
}

/// RFC 1982: the clock of RRSIG records starts anew in 2106.
#[test]
fn signatures_last_over_the_end_of_the_32_bit_clock() {
    let mut zone = Zone::new("example.");
    let mut set = rrset("www.example. 3600 A 192.0.2.1");
    zone.signer.sign_with(&mut set, &name("example."), |rrsig| {
        (rrsig.inception, rrsig.expiration) = (u32::MAX - 100, 500);
    });
    for (unix, expected) in [
        (u64::from(u32::MAX) - 401, "NotYetValid"),
        (u64::from(u32::MAX) - 100, "601"),
        ((1 << 32) + 200, "300"),
        ((1 << 32) + 501, "Expired"),
    ] {
        let now = Timestamp::from_unix(unix);
        let found = match verify_by(&set, &zone.name, &zone.keys, now, &mut zone.budget) {
            Ok(proof) => proof.ttl.to_string(),
            Err(why) => word(&why),
        };
        assert_eq!(found, expected, "{unix}");
    }
}

#[test]
fn times_are_serial_numbers() {
    for (a, b, after) in [
        (0, 0, false),
        (1, 0, true),
        (0, 1, false),
        (0, u32::MAX, true),
        (u32::MAX, 0, false),
        (0x7FFF_FFFF, 0, true),
        (0x8000_0000, 0, true),
        (0, 0x8000_0000, true),
        (0x8000_0001, 0, false),
    ] {
        assert_eq!(is_after(a, b), after, "{a} {b}");
    }
}

/// Time to live: the least of what the answer, the signer and the signature's end allow (RFC 4035 §5.3.3).
#[test]
fn proofs_last_as_long_as_their_shortest_part() {
    for (ttl, original, left, expected) in [
        (300, 3600, 86_400, 300),
        (7200, 3600, 86_400, 3600),
        (7200, 3600, 60, 60),
        (7200, 3600, 0, 0),
    ] {
        let mut zone = Zone::new("example.");
        let mut set = rrset(&format!("www.example. {ttl} A 192.0.2.1"));
        zone.signer.sign_with(&mut set, &name("example."), |rrsig| {
            (rrsig.original_ttl, rrsig.expiration) = (original, NOW + left);
        });
        let proof = zone.verify(&set).unwrap();
        assert_eq!(proof.ttl, expected);
        assert_eq!(
            (proof.inception, proof.expiration),
            (NOW - 86_400, NOW + left)
        );
        assert_eq!(
            proof.key.to_string(),
            format!("key {} (ED25519) of example.", zone.signer.dnskey.key_tag())
        );
    }
}

/// Any one valid signature is enough (RFC 6840 §5.11); if none is, the one that came furthest gives the reason; work is bounded.
#[test]
fn one_signature_of_several_is_enough() {
    let good = |zone: &Zone, set: &mut Rrset| zone.signer.sign(set, &name("example."));
    let wrong = |zone: &Zone, set: &mut Rrset| {
        good(zone, set);
        set.signatures.last_mut().unwrap().signature[5] ^= 1;
    };
    let expired = |zone: &Zone, set: &mut Rrset| {
        let change = |rrsig: &mut Rrsig| rrsig.expiration = NOW - 1;
        zone.signer.sign_with(set, &name("example."), change);
    };
    let unknown = |zone: &Zone, set: &mut Rrset| {
        good(zone, set);
        set.signatures.last_mut().unwrap().key_tag ^= 1;
    };
    // One letter per signature; what is found; signatures verified.
    for (letters, expected, work) in [
        ("", "RrsigMissing", 0),
        ("g", "ok", 1),
        ("w", "SignatureWrong", 1),
        ("e", "Expired", 0),
        ("u", "KeyMissing", 0),
        ("uewg", "ok", 2),
        ("geuw", "ok", 1),
        ("ewu", "SignatureWrong", 1),
        ("uue", "Expired", 0),
        ("wwu", "SignatureWrong", 2),
        ("wwe", "SignatureWrong", 2),
        ("wwg", "Budget", 2),
        ("www", "Budget", 2),
        ("uuuuuuug", "ok", 1),
        ("uuuuuuuu", "KeyMissing", 0),
        ("uuuuuuuug", "Budget", 0),
        ("guuuuuuuuuuuuu", "ok", 1),
    ] {
        let mut zone = Zone::new("example.");
        let mut set = rrset("www.example. A 192.0.2.1");
        for letter in letters.chars() {
            match letter {
                'g' => good(&zone, &mut set),
                'w' => wrong(&zone, &mut set),
                'e' => expired(&zone, &mut set),
                _ => unknown(&zone, &mut set),
            }
        }
        assert_eq!(zone.word(&set), expected, "{letters}");
        assert_eq!(zone.budget.verifications(), work, "{letters}");
    }
}

/// KeyTrap (CVE-2023-50387): many keys with one tag and many signatures by it. Swapping 16-bit words of a key keeps its tag.
#[test]
fn keys_that_share_a_tag_are_tried_twice_at_most() {
    for (strangers, expected, failures) in [
        (0, "ok", 0),
        (1, "ok", 1),
        (2, "Budget", 2),
        (15, "Budget", 2),
    ] {
        let mut zone = Zone::new("example.");
        let good = zone.keys.pop().unwrap();
        for number in 0..strangers {
            let mut octets = zone.signer.dnskey.public_key.clone();
            octets[2 * number..2 * number + 4].rotate_left(2);
            zone.add_key(octets);
        }
        zone.keys.push(good);
        let mut set = rrset("www.example. A 192.0.2.1");
        zone.signer.sign(&mut set, &name("example."));
        assert_eq!(zone.word(&set), expected, "{strangers}");
        assert_eq!(zone.budget.failures(), failures, "{strangers}");
    }
}

/// A question that needs one signature more than the limit ends as indeterminate, with exactly the limit's work done.
#[test]
fn a_question_has_a_limit_of_verifications() {
    let mut zone = Zone::new("example.");
    let mut set = rrset("www.example. A 192.0.2.1");
    zone.signer.sign(&mut set, &name("example."));
    for _ in 0..VERIFICATIONS_PER_QUESTION {
        assert_eq!(zone.word(&set), "ok");
    }
    let why = zone.verify(&set).unwrap_err();
    assert_eq!(why, Why::over(Limit::Verifications, &set.id()));
    assert_eq!(why.consequence(), crate::dnssec::Consequence::Indeterminate);
    assert_eq!(zone.budget.verifications(), VERIFICATIONS_PER_QUESTION);
}

/// RFC 4034 §6: case and order of the answer do not matter, letters in the data only where the list of RFC 6840 §5.1 says so.
#[test]
fn the_canonical_form_is_what_is_signed() {
    let mut zone = Zone::new("example.");
    for (signed, answered, expected) in [
        (
            "w.example. MX 10 Mail.Example.\nw.example. MX 5 b.",
            "W.example. MX 5 B.\nw.EXAMPLE. MX 10 mail.example.",
            "ok",
        ),
        (
            "w.example. CNAME A.example.",
            "w.example. CNAME a.EXAMPLE.",
            "ok",
        ),
        (
            "w.example. SRV 1 2 3 A.example.",
            "w.example. SRV 1 2 3 a.example.",
            "ok",
        ),
        (
            "w.example. NSEC A.example. A",
            "w.example. NSEC a.example. A",
            "SignatureWrong",
        ),
        (
            "w.example. TXT \"a\"",
            "w.example. TXT \"A\"",
            "SignatureWrong",
        ),
        (
            "w.example. A 10.0.0.2\nw.example. A 9.0.0.1",
            "w.example. A 9.0.0.1\nw.example. A 10.0.0.2\nw.example. A 9.0.0.1",
            "ok",
        ),
        (
            "w.example. A 10.0.0.2\nw.example. A 9.0.0.1",
            "w.example. A 9.0.0.1",
            "SignatureWrong",
        ),
        (
            "w.example. A 10.0.0.2",
            "w.example. A 9.0.0.1\nw.example. A 10.0.0.2",
            "SignatureWrong",
        ),
        (
            "w.example. A 10.0.0.2",
            "x.example. A 10.0.0.2",
            "SignatureWrong",
        ),
        ("w.example. 60 A 10.0.0.2", "w.example. 30 A 10.0.0.2", "ok"),
        (
            "w.example. TYPE65280 \\# 2 4141",
            "w.example. TYPE65280 \\# 2 6161",
            "SignatureWrong",
        ),
    ] {
        let (mut signed, mut answered) = (rrset(signed), rrset(answered));
        zone.signer.sign(&mut signed, &name("example."));
        answered.signatures = signed.signatures;
        zone.budget = Budget::new();
        assert_eq!(zone.word(&answered), expected, "{:?}", answered.data);
    }
    let mut ordered = rrset("w.example. A 10.0.0.2\nw.example. A 9.0.0.1");
    zone.signer.sign(&mut ordered, &name("example."));
    assert!(matches!(ordered.data[0], Rdata::A(address) if address.octets()[0] == 9));
}
