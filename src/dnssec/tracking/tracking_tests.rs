use std::sync::LazyLock;

use super::*;
use crate::dns::{Algorithm, Class, DigestType, Rdata};
use crate::dnssec::signer_tests::{NOW, Signer};

const DAY: u32 = 86_400;
const TTL: u32 = 172_800;

/// The keys a, b, c with one algorithm and d with another.
static SIGNERS: LazyLock<Vec<Signer>> = LazyLock::new(|| {
    let same = Algorithm::ED25519;
    let algorithms = [same, same, same, Algorithm::ECDSAP256SHA256];
    algorithms.map(Signer::new).to_vec()
});

fn signer(letter: char) -> Signer {
    SIGNERS[letter as usize - 'a' as usize].clone()
}

fn at(seconds: u32) -> Timestamp {
    Timestamp::from_unix(u64::from(NOW + seconds))
}

/// The keys of the root: `*` has signed the set, `!` is revoked, `-` is no secure entry point.
fn published(words: &str, seconds: u32) -> Rrset {
    signed(words, seconds, |_| ())
}

fn signed(words: &str, seconds: u32, change: impl Fn(&mut crate::dns::Rrsig)) -> Rrset {
    let keys: Vec<(Signer, bool)> = words
        .split_whitespace()
        .map(|word| {
            let mut signer = signer(word.chars().next().unwrap());
            if word.contains('!') {
                signer.dnskey.flags |= Dnskey::REVOKE;
            }
            if word.contains('-') {
                signer.dnskey.flags &= !Dnskey::SECURE_ENTRY_POINT;
            }
            (signer, word.contains('*'))
        })
        .collect();
    let data = keys
        .iter()
        .map(|(key, _)| Rdata::Dnskey(key.dnskey.clone()));
    let mut set = Rrset {
        owner: Name::root(),
        class: Class::IN,
        rtype: RecordType::DNSKEY,
        ttl: TTL,
        data: data.collect(),
        signatures: Vec::new(),
    };
    set.data.sort_by_cached_key(Rdata::canonical);
    for (signer, _) in keys.iter().filter(|(_, signs)| *signs) {
        signer.sign_with(&mut set, &Name::root(), |rrsig| {
            (rrsig.inception, rrsig.expiration) = (NOW + seconds - DAY, NOW + seconds + DAY);
            change(rrsig);
        });
    }
    set
}

/// Keys believed since a year ago, those in capitals by their digest.
fn believing(letters: &str) -> Tracking {
    let line = |letter: char| {
        let signer = signer(letter.to_ascii_lowercase());
        match letter.is_ascii_uppercase() {
            true => format!("DS {}", signer.ds(&Name::root(), DigestType::SHA256)),
            false => format!("DNSKEY {}", Rdata::Dnskey(signer.dnskey)),
        }
    };
    let lines = letters.chars().map(|letter| {
        let data = line(letter);
        format!("valid since=2026-01-01T00:00:00Z . IN {data}\n")
    });
    Tracking::parse(&lines.collect::<String>()).unwrap()
}

fn letter_of(tag: u16) -> char {
    let mut letters = 'a'..='d';
    letters
        .find(|letter| signer(*letter).dnskey.key_tag() == tag)
        .unwrap()
}

/// "a valid, b pending": in the order of the alphabet, digests in capitals.
fn states(tracking: &Tracking) -> String {
    let mut states: Vec<String> = tracking
        .keys()
        .iter()
        .map(|tracked| {
            let letter = letter_of(tracked.point.key_tag());
            let letter = match tracked.is_digest() {
                true => letter.to_ascii_uppercase(),
                false => letter,
            };
            let text = tracked.to_string();
            format!("{letter} {}", text.split(' ').next().unwrap())
        })
        .collect();
    states.sort();
    states.join(", ")
}

fn observe(tracking: &mut Tracking, sets: &[Rrset], seconds: u32) -> Vec<Change> {
    let changes = tracking.observe(sets, Algorithms::new(false), at(seconds));
    // What is written is read as the same.
    let text = tracking.to_string();
    assert_eq!(Tracking::parse(&text).as_ref(), Ok(&*tracking), "{text}");
    changes
}

/// "b Announced"
fn events(changes: &[Change]) -> String {
    let events = changes.iter().map(|change| {
        let event = format!("{:?}", change.event);
        let event = event.split('(').next().unwrap().to_owned();
        format!("{} {event}", letter_of(change.key.tag))
    });
    events.collect::<Vec<_>>().join(", ")
}

/// Every transition of RFC 5011 §4.2: each step is a time, what is published then, what happens, and what the table is afterwards.
#[test]
fn the_state_table() {
    let month = 30 * DAY;
    let (soon, late) = (month - 1, 2 * month);
    for (what, start, steps) in [
        (
            "NewKey, KeyPres, AddTime: a second too early, and on time",
            "a",
            &[
                (0, "a* b", "b Announced", "a valid, b pending"),
                (soon, "a* b", "", "a valid, b pending"),
                (month, "a* b", "b Accepted", "a valid, b valid"),
                (late, "a b*", "", "a valid, b valid"),
            ][..],
        ),
        (
            "it is not enough that the time has passed: the key must be seen after it",
            "a",
            &[
                (0, "a* b", "b Announced", "a valid, b pending"),
                (late, "a*", "b Withdrawn", "a valid"),
            ],
        ),
        (
            "KeyRem: a key that goes begins anew",
            "a",
            &[
                (0, "a* b", "b Announced", "a valid, b pending"),
                (10 * DAY, "a*", "b Withdrawn", "a valid"),
                (20 * DAY, "a* b", "b Announced", "a valid, b pending"),
                (month + 5 * DAY, "a* b", "", "a valid, b pending"),
                (50 * DAY, "a* b", "b Accepted", "a valid, b valid"),
            ],
        ),
        (
            "what nobody believed has signed says nothing",
            "a",
            &[
                (0, "b* c", "", "a valid"),
                (0, "a b*", "", "a valid"),
                (0, "a* b", "b Announced", "a valid, b pending"),
                (DAY, "b* c", "", "a valid, b pending"),
                (DAY, "a b* c", "", "a valid, b pending"),
                (late, "a b*", "", "a valid, b pending"),
            ],
        ),
        (
            "Missing and back",
            "ab",
            &[
                (0, "a*", "b Missing", "a valid, b missing"),
                (late, "a*", "", "a valid, b missing"),
                (late, "b*", "a Missing, b Returned", "a missing, b valid"),
                (late, "a b*", "a Returned", "a valid, b valid"),
            ],
        ),
        (
            "RevBit at once and for ever; RemTime after 30 days of absence in a row",
            "ab",
            &[
                (0, "a!* b*", "a Revoked", "a revoked, b valid"),
                (DAY, "a!* b*", "", "a revoked, b valid"),
                (late, "a!* b*", "", "a revoked, b valid"),
                (late, "a* b*", "", "a revoked, b valid"),
                (late, "a* b c", "", "a revoked, b valid"),
                (late + DAY, "b*", "", "a revoked, b valid"),
                (late + 2 * DAY, "a! b*", "", "a revoked, b valid"),
                (late + 3 * DAY, "b*", "", "a revoked, b valid"),
                (late + 3 * DAY + soon, "b*", "", "a revoked, b valid"),
                (late + 3 * DAY + month, "b*", "a Removed", "b valid"),
                (
                    late + 2 * month,
                    "a b*",
                    "a Announced",
                    "a pending, b valid",
                ),
            ],
        ),
        (
            "a flag that the key itself has not signed revokes nothing",
            "ab",
            &[
                (0, "a! b*", "a Missing", "a missing, b valid"),
                (0, "a!* b*", "a Revoked", "a revoked, b valid"),
            ],
        ),
        (
            "RevBit of a key that waits, or is missing",
            "ac",
            &[
                (
                    0,
                    "a* b",
                    "c Missing, b Announced",
                    "a valid, b pending, c missing",
                ),
                (DAY, "a* b!*", "b Revoked", "a valid, b revoked, c missing"),
                (
                    2 * DAY,
                    "a* b c!*",
                    "c Revoked",
                    "a valid, b revoked, c revoked",
                ),
                (late, "a* b", "", "a valid, b revoked, c revoked"),
            ],
        ),
        (
            "a flag on a key that waits, not signed by it",
            "a",
            &[
                (0, "a* b", "b Announced", "a valid, b pending"),
                (DAY, "a* b!", "b Withdrawn", "a valid"),
                (2 * DAY, "a* b!*", "", "a valid"),
            ],
        ),
        (
            "nobody is left to believe; nobody else comes in",
            "a",
            &[
                (0, "a* b", "b Announced", "a valid, b pending"),
                (DAY, "a!* b*", "a Revoked, b Orphaned", "a revoked"),
                (late, "a!* b*", "", "a revoked"),
                (late, "a* b*", "", "a revoked"),
            ],
        ),
        (
            "the key that spoke for another is revoked, one that did not stays",
            "ab",
            &[
                (0, "a* b c", "c Announced", "a valid, b valid, c pending"),
                (
                    DAY,
                    "a!* b* c",
                    "a Revoked, c Orphaned, c Announced",
                    "a revoked, b valid, c pending",
                ),
            ],
        ),
        (
            "two have spoken, one of them is revoked",
            "ab",
            &[
                (0, "a* b* c", "c Announced", "a valid, b valid, c pending"),
                (
                    DAY,
                    "a!* b* c",
                    "a Revoked",
                    "a revoked, b valid, c pending",
                ),
                (month, "b* c", "c Accepted", "a revoked, b valid, c valid"),
            ],
        ),
        (
            "the algorithm rolls",
            "a",
            &[
                (0, "a* d*", "d Announced", "a valid, d pending"),
                (month, "a* d*", "d Accepted", "a valid, d valid"),
                (month, "a!* d*", "a Revoked", "a revoked, d valid"),
                (late, "d*", "", "a revoked, d valid"),
                (late + month, "d*", "a Removed", "d valid"),
            ],
        ),
        (
            "keys without the flag are not followed, and not forgotten by losing it",
            "a",
            &[(0, "a* b-*", "", "a valid"), (DAY, "a-* b-", "", "a valid")],
        ),
        (
            "digests are believed until their key is seen",
            "AB",
            &[
                (0, "c*", "", "A valid, B valid"),
                (0, "a* b-", "a Confirmed", "B valid, a valid"),
                (DAY, "a* b", "b Confirmed", "a valid, b valid"),
            ],
        ),
        (
            "a key is revoked that was known by its digest",
            "AB",
            &[
                (0, "a! b*", "b Confirmed", "A valid, b valid"),
                (0, "a!* b*", "a Revoked", "a revoked, b valid"),
            ],
        ),
    ] {
        let mut tracking = believing(start);
        for (seconds, keys, happens, table) in steps {
            let changes = observe(&mut tracking, &[published(keys, *seconds)], *seconds);
            let found = (events(&changes), states(&tracking));
            let expected = ((*happens).to_owned(), (*table).to_owned());
            assert_eq!(found, expected, "{what}: {seconds} {keys}");
            assert!(
                changes
                    .iter()
                    .all(|change| change.to_string().contains("trust anchor: key "))
            );
        }
    }
}

#[test]
fn what_is_believed_are_the_anchors() {
    let mut tracking = believing("abC");
    observe(&mut tracking, &[published("a!* b* d", 0)], 0);
    assert_eq!(states(&tracking), "C valid, a revoked, b valid, d pending");
    let anchors = tracking.anchors();
    let tags: Vec<char> = anchors
        .iter()
        .map(|(_, point)| letter_of(point.key_tag()))
        .collect();
    assert_eq!(tags, ['b', 'c']);
    observe(&mut tracking, &[published("b!*", 1)], 1);
    observe(&mut tracking, &[published("c!*", 1)], 1);
    assert_eq!(tracking.anchors(), TrustAnchors::default());
}

/// RFC 5011 §2.4.1: 30 days, or the time to live if that is longer; the one that was signed.
#[test]
fn a_long_time_to_live_is_waited_for() {
    for (ttl, days) in [(DAY, 30), (30 * DAY, 30), (40 * DAY, 40)] {
        let mut tracking = believing("a");
        let mut set = signed("a* b", 0, |rrsig| rrsig.original_ttl = ttl);
        // Nobody has signed this one.
        set.signatures.insert(0, set.signatures[0].clone());
        set.signatures[0].original_ttl = 365 * DAY;
        observe(&mut tracking, &[set], 0);
        for (seconds, table) in [
            (days * DAY - 1, "a valid, b pending"),
            (days * DAY, "a valid, b valid"),
        ] {
            observe(&mut tracking, &[published("a* b", seconds)], seconds);
            assert_eq!(states(&tracking), table, "{ttl} {seconds}");
        }
    }
}

/// A resolver that brings an old set beside the new one changes nothing, in whatever order; a revocation counts whoever brings it.
#[test]
fn of_several_sets_the_newest_counts() {
    let (old, new) = (published("a*", 0), published("a* b", 3600));
    let forged = published("c* d", 7200);
    for sets in [[&old, &new, &forged], [&forged, &new, &old]] {
        let mut tracking = believing("a");
        let sets = sets.map(Clone::clone);
        assert_eq!(events(&observe(&mut tracking, &sets, 3600)), "b Announced");
        assert_eq!(events(&observe(&mut tracking, &sets, 3600)), "");
    }
    let mut tracking = believing("ab");
    let sets = [published("a b*", 3600), published("a!* b*", 0)];
    assert_eq!(events(&observe(&mut tracking, &sets, 3600)), "a Revoked");
}

/// Signatures that are not valid now say nothing, so a clock that is wrong by more than they last moves no key.
#[test]
fn sets_of_another_time_say_nothing() {
    for set in [published("a* b", 3 * DAY), published("a!* b", 3 * DAY)] {
        for seconds in [0, 60 * DAY] {
            let mut tracking = believing("a");
            assert_eq!(
                events(&observe(&mut tracking, std::slice::from_ref(&set), seconds)),
                ""
            );
            assert_eq!(states(&tracking), "a valid");
        }
    }
    let mut tracking = believing("a");
    observe(&mut tracking, &[published("a* b", 60 * DAY)], 60 * DAY);
    // Set back by a month, and right again: it has waited no longer for that.
    observe(&mut tracking, &[published("a* b", 30 * DAY)], 30 * DAY);
    observe(&mut tracking, &[published("a* b", 89 * DAY)], 89 * DAY);
    assert_eq!(states(&tracking), "a valid, b pending");
}

#[test]
fn sets_of_other_zones_and_types_and_too_many_keys_are_left_alone() {
    let mut other = published("a!* b", 0);
    other.owner = Name::parse("test").unwrap();
    let mut cds = published("a!* b", 0);
    cds.rtype = RecordType(60);
    let mut many = published("a!* b", 0);
    let rest = many.data[0].clone();
    many.data.resize(KEYS_PER_ZONE + 1, rest);
    let mut tracking = believing("a");
    assert_eq!(observe(&mut tracking, &[other, cds, many], 0), []);
}

#[test]
fn the_table_is_bounded() {
    let mut tracking = believing("a");
    let mut set = published("a", 0);
    let more = (0..KEYS_TRACKED_AT_MOST).map(|number| {
        let mut key = signer('b').dnskey;
        key.public_key[0] = number.try_into().unwrap();
        Rdata::Dnskey(key)
    });
    set.data.extend(more);
    set.data.sort_by_cached_key(Rdata::canonical);
    signer('a').sign(&mut set, &Name::root());
    let changes = tracking.observe(&[set], Algorithms::new(false), at(0));
    assert_eq!(tracking.keys().len(), KEYS_TRACKED_AT_MOST);
    assert_eq!(changes.len(), KEYS_TRACKED_AT_MOST);
    assert_eq!(
        changes.last().map(|change| &change.event),
        Some(&Event::NoRoom)
    );
}

#[test]
fn the_start_is_what_is_built_in() {
    let tracking = Tracking::built_in(at(0));
    assert_eq!(tracking.anchors(), TrustAnchors::built_in());
    assert_eq!(Tracking::parse(&tracking.to_string()), Ok(tracking));
}

#[test]
fn lines_that_cannot_be_understood_are_named() {
    const KEY: &str = "DNSKEY 257 3 8 AwEAAQ==";
    const SINCE: &str = "since=2026-11-25T00:00:00Z";
    for (text, reason) in [
        ("", "line 1: expected at least one key"),
        ("; nothing\n\n", "line 2: expected at least one key"),
        ("\nvalidated\n", "line 2: expected 'valid', 'pending'"),
        ("valid", "expected 'since=', found ''"),
        (
            "valid since=now . @",
            "a time like 2026-11-25T00:00:00Z, found 'now'",
        ),
        (
            "valid until=2026 . @",
            "expected 'since=', found 'until=2026'",
        ),
        ("valid SINCE", "expected one DS or DNSKEY record, found 0"),
        (
            "valid SINCE gone=1 . @",
            "expected a record type, found '.'",
        ),
        ("valid SINCE . @ )", ""),
        ("valid SINCE . TXT a", "expected type DS or DNSKEY"),
        ("valid SINCE . DNSKEY 385 3 8 AwEAAQ==", "it is revoked"),
        ("pending SINCE . @", "expected 'until=', found '.'"),
        (
            "pending SINCE until=2026-12-25T00:00:00Z by=, . @",
            "key tags like 20326,38696",
        ),
        ("revoked SINCE gone=x . @", "a time like"),
        (
            "missing SINCE . DS 1 13 1 0000000000000000000000000000000000000000",
            "never missing",
        ),
        (
            "valid SINCE . @\nrevoked SINCE . @",
            "line 2: the key is there twice",
        ),
        (
            "valid SINCE . @\nvalid SINCE test. @",
            "expected a key of . as before, found one of test.",
        ),
    ] {
        let text = text.replace('@', KEY).replace("SINCE", SINCE);
        let error = Tracking::parse(&text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
    let many = (0..17).map(|number| format!("valid {SINCE} . DNSKEY 257 3 {number} AwEAAQ==\n"));
    let error = Tracking::parse(&many.collect::<String>())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("line 17: expected at most 16 keys"),
        "{error}"
    );
}
