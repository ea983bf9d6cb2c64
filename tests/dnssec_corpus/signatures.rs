//! Signatures: their fields, their times, and the data they cover.

use std::time::{SystemTime, UNIX_EPOCH};

use gateway::dns::{Name, Rdata, RecordType, Rrsig};
use gateway_lab::Zone;
use gateway_lab::world::{KeyUse, Signing, more_signatures};

use crate::case::{Case, DATA, Expected, combined, name};
use crate::edits;
use Expected::{Bogus, Indeterminate};

const A: RecordType = RecordType::A;
const MX: RecordType = RecordType::MX;
const TXT: RecordType = RecordType::TXT;
/// How far ahead a signature may begin, in seconds.
const SKEW: u64 = 300;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = times();
    cases.extend(fields());
    cases.extend(data());
    cases.extend(several());
    cases
}

fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u32::try_from(since.as_secs()).unwrap()
}

fn window(inception: u32, expiration: u32) -> Signing {
    Signing {
        window: Some((inception, expiration)),
        ..Signing::default()
    }
}

fn times() -> Vec<Case> {
    let now = now();
    // Further back than the day of grace that Unbound gives.
    let past = || window(now - 400_000, now - 200_000);
    let future = || window(now + 10_000, now + 20_000);
    let turned = || window(now - 1000, now - 2000);
    let set = |name: &str, (owner, rtype), signing, expected| {
        Case::new(name, "h", A, expected).signing(owner, rtype, signing)
    };
    let (h, keys, soa) = (("h", A), ("@", RecordType::DNSKEY), ("@", RecordType::SOA));
    let start = now - 500;
    let end = now + 1000;
    let boundary =
        |name: &str, at: u64, expected| set(name, h, window(start, end), expected).at(at);
    let begins = |name: &str, at: u64, expected| {
        set(name, h, window(now + 5000, now + 9000), expected).at(at)
    };
    let (start, end) = (u64::from(start), u64::from(end));
    let begin = u64::from(now) + 5000;
    vec![
        set("expired", h, past(), Bogus("Expired")),
        set("future", h, future(), Bogus("NotYetValid")),
        set("turned", h, turned(), Bogus("ExpiredBeforeValid")),
        set("dnskey-expired", keys, past(), Bogus("Expired")),
        set("dnskey-future", keys, future(), Bogus("NotYetValid")),
        set("dnskey-turned", keys, turned(), Bogus("ExpiredBeforeValid")),
        set("soa-expired", soa, past(), DATA),
        Case::new("nsec-expired", "h", TXT, Bogus("Expired")).signing(
            "h",
            RecordType::NSEC,
            past(),
        ),
        ds_signed("ds-expired", past(), Bogus("Expired")),
        ds_signed("ds-future", future(), Bogus("NotYetValid")),
        ds_signed("ds-turned", turned(), Bogus("ExpiredBeforeValid")),
        boundary("last-second", end, DATA),
        boundary("expired-by-one", end + 1, Bogus("Expired")),
        boundary("first-second", start, DATA),
        begins("begins-now", begin, DATA),
        begins("begins-in-skew", begin - SKEW, DATA),
        begins("begins-after-skew", begin - SKEW - 1, Bogus("NotYetValid")),
    ]
}

/// The DS RRset of a zone below is signed like this.
fn ds_signed(name: &str, signing: Signing, expected: Expected) -> Case {
    Case::new(name, "h.c", A, expected)
        .signed_child("c", |zone| zone)
        .signing("c", RecordType::DS, signing)
}

fn changed(name: &str, fields: fn(&mut Rrsig), expected: Expected) -> Case {
    let signing = Signing {
        fields: Some(fields),
        ..Signing::default()
    };
    Case::new(name, "h", A, expected).signing("h", A, signing)
}

fn fields() -> Vec<Case> {
    let signer = |label: &str, signer: &str, expected| {
        let signing = Signing {
            signer: Some(name(signer)),
            ..Signing::default()
        };
        Case::new(label, "h", A, expected).signing("h", A, signing)
    };
    vec![
        changed(
            "labels-more",
            |rrsig| rrsig.labels += 1,
            Bogus("LabelCount"),
        ),
        changed(
            "labels-255",
            |rrsig| rrsig.labels = 255,
            Bogus("LabelCount"),
        ),
        // It claims that *.labels-fewer.test made the answer.
        changed(
            "labels-fewer",
            |rrsig| rrsig.labels -= 1,
            Bogus("WildcardUnproven"),
        ),
        changed(
            "labels-above-zone",
            |rrsig| rrsig.labels = 1,
            Bogus("LabelCount"),
        ),
        changed("labels-0", |rrsig| rrsig.labels = 0, Bogus("LabelCount")),
        changed("tag", |rrsig| rrsig.key_tag ^= 1, Bogus("KeyMissing")),
        changed(
            "signature-algorithm",
            |rrsig| rrsig.algorithm = gateway::dns::Algorithm::ED25519,
            Bogus("KeyMissing"),
        ),
        changed(
            "type-covered",
            |rrsig| rrsig.type_covered = TXT,
            Bogus("RrsigMissing"),
        ),
        changed("original-ttl-less", |rrsig| rrsig.original_ttl = 1, DATA),
        changed(
            "original-ttl-more",
            |rrsig| rrsig.original_ttl = 86_400,
            DATA,
        ),
        signer("signer-parent", "test", Bogus("KeyMissing")),
        signer("signer-root", ".", Bogus("KeyMissing")),
        signer("signer-none", "none.test", Bogus("SignerNotZone")),
        signer(
            "signer-owner",
            "h.signer-owner.test",
            Bogus("SignerNotZone"),
        ),
        signer("signer-case", "SIGNER-Case.TEST", DATA),
        unrelated("signer-unrelated"),
        by_parent("signed-by-parent"),
        by_child("signed-by-child"),
    ]
}

/// A zone that is secure itself signs another's record.
fn unrelated(label: &str) -> Case {
    let key = combined();
    let evil = format!("evil-{label}.test");
    let signing = Signing {
        key: Some(key.clone()),
        signer: Some(name(&evil)),
        ..Signing::default()
    };
    Case::new(label, "h", A, Bogus("SignerNotZone"))
        .signing("h", A, signing)
        .other(Zone::signed(&evil).key(KeyUse::combined(key)))
}

/// The zone above the cut signs what lies below it: it could as well have the zone below signed by another key.
fn by_parent(label: &str) -> Case {
    let key = combined();
    let case = Case::new(label, "h.c", A, DATA).key(KeyUse::combined(key.clone()));
    let (owner, apex) = (case.full("h.c"), case.full("@"));
    let signing = Signing {
        key: Some(key),
        signer: Some(name(&apex)),
        ..Signing::default()
    };
    case.signed_child("c", |zone| zone.signing(&owner, A, signing))
}

/// A zone below signs a name above it.
fn by_child(label: &str) -> Case {
    let key = combined();
    let case = Case::new(label, "h", A, Bogus("SignerNotZone"));
    let signing = Signing {
        key: Some(key.clone()),
        signer: Some(name(&case.full("c"))),
        ..Signing::default()
    };
    case.signing("h", A, signing)
        .signed_child("c", |zone| zone.key(KeyUse::combined(key)))
}

fn data() -> Vec<Case> {
    let missing = Signing {
        is_missing: true,
        ..Signing::default()
    };
    let wrong = Bogus("SignatureWrong");
    let case = |label: &str, expected| Case::new(label, "@", MX, expected);
    vec![
        case("data-good", DATA),
        case("data-unsigned", Bogus("RrsigMissing")).signing("@", MX, missing),
        case("data-stripped", Bogus("RrsigMissing")).edit(edits::strip),
        case("data-changed", wrong).edit(edits::records(|record| {
            if let Rdata::Mx { preference, .. } = &mut record.data {
                *preference += 1;
            }
        })),
        case("data-removed", wrong).edit(|reply, _| {
            reply.answers.remove(0);
        }),
        case("data-added", wrong).edit(|reply, _| {
            let mut more = reply.answers[0].clone();
            more.data = Rdata::Mx {
                preference: 0,
                exchange: name("evil.test"),
            };
            reply.answers.push(more);
        }),
        case("data-twice", DATA).edit(|reply, _| {
            let again = reply.answers[0].clone();
            reply.answers.push(again);
        }),
        case("data-order", DATA).edit(|reply, _| reply.answers.reverse()),
        case("data-other-case", DATA).edit(edits::records(|record| {
            record.name = Name::parse(&record.name.to_string().to_uppercase()).unwrap();
        })),
        case("data-other-case-inside", DATA).edit(edits::records(|record| {
            if let Rdata::Mx { exchange, .. } = &mut record.data {
                *exchange = Name::parse(&exchange.to_string().to_uppercase()).unwrap();
            }
        })),
        case("ttl-more", DATA).edit(edits::records(|record| record.ttl = 86_400)),
        case("ttl-less", DATA).edit(edits::records(|record| record.ttl = 1)),
        case("original-ttl-changed", wrong)
            .edit(edits::signatures(|rrsig| rrsig.original_ttl += 1)),
        case("expiration-changed", wrong).edit(edits::signatures(|rrsig| rrsig.expiration += 1)),
        case("signature-empty", wrong).edit(edits::signatures(|rrsig| rrsig.signature.clear())),
        case("signature-short", wrong).edit(edits::signatures(|rrsig| {
            rrsig.signature.pop();
        })),
        case("signature-long", wrong).edit(edits::signatures(|rrsig| rrsig.signature.push(0))),
        case("signature-zero", wrong).edit(edits::signatures(|rrsig| rrsig.signature.fill(0))),
        case("additional-poison", DATA).edit(|reply, _| {
            let mut more = reply.answers[0].clone();
            more.data = Rdata::A([192, 0, 2, 66].into());
            reply.additionals.push(more);
        }),
        Case::new("answer-of-other-name", "h", A, wrong).edit(edits::answer_of(
            "ns.answer-of-other-name.test".to_owned(),
            A,
        )),
    ]
}

/// Several signatures over one set: any good one is enough, and the work is bounded.
fn several() -> Vec<Case> {
    let case = |label: &str, count, change: fn(&mut Rrsig), expected| {
        Case::new(label, "h", A, expected).edit(more_signatures(count, change))
    };
    vec![
        case("one-bad-one-good", 1, |_| {}, DATA),
        case("failures-2", 2, |_| {}, Indeterminate("Budget"))
            .differs("RFC 4035 §5.3.3 sets no number; the limit is ours"),
        case("tags-7", 7, |rrsig| rrsig.key_tag ^= 1, DATA),
        case(
            "tags-8",
            8,
            |rrsig| rrsig.key_tag ^= 1,
            Indeterminate("Budget"),
        )
        .differs("RFC 4035 §5.3.3 sets no number; the limit is ours"),
        case(
            "expired-7",
            7,
            |rrsig| rrsig.expiration = rrsig.inception,
            DATA,
        ),
    ]
}
