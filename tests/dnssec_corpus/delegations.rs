//! Zone cuts: DS records and their denial, unsigned zones, chains that break on the way.

use gateway::dns::{DigestType, RecordType};
use gateway_lab::world::{Denial, Hashing, KeyUse, Signing, ZoneKey, sign_again};
use gateway_lab::{Damage, Zone};

use crate::case::{Case, DATA, Expected, NODATA, NXDOMAIN, combined, name};
use crate::edits;
use Expected::{Bogus, Indeterminate, Insecure};

const A: RecordType = RecordType::A;
const DS: RecordType = RecordType::DS;
const TXT: RecordType = RecordType::TXT;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (chain, denial) in [
        ("nsec", Denial::Nsec),
        ("nsec3", Denial::Nsec3(Hashing::default())),
    ] {
        cases.extend(cuts(chain, &denial));
        cases.extend(ds_missing(chain, &denial));
    }
    cases.extend(broken());
    cases
}

fn cuts(chain: &str, denial: &Denial) -> Vec<Case> {
    let unsigned = Insecure("Unsigned");
    let case = |kind: &str, owner: &str, rtype, expected| {
        let denial = denial.clone();
        Case::new(format!("cut-{chain}-{kind}"), owner, rtype, expected)
            .zone(|zone| zone.denial(denial))
    };
    vec![
        case("signed", "h.s", A, DATA).signed_child("s", |zone| zone),
        case("signed-nodata", "h.s", TXT, NODATA).signed_child("s", |zone| zone),
        case("signed-nxdomain", "none.s", A, NXDOMAIN).signed_child("s", |zone| zone),
        case("signed-ds", "s", DS, DATA).signed_child("s", |zone| zone),
        case("signed-deep", "h.t.s", A, DATA)
            .signed_child("s", |zone| zone)
            .signed_child("t.s", |zone| zone),
        // No zone begins at the name between.
        case("signed-over-ent", "h.t.e", A, DATA).signed_child("t.e", |zone| zone),
        case("unsigned", "h.u", A, unsigned).unsigned_child("u"),
        case("unsigned-nodata", "h.u", TXT, unsigned).unsigned_child("u"),
        case("unsigned-nxdomain", "none.u", A, unsigned).unsigned_child("u"),
        case("unsigned-apex", "u", RecordType::MX, unsigned).unsigned_child("u"),
        case("unsigned-ds", "u", DS, NODATA).unsigned_child("u"),
        case("unsigned-over-ent", "h.t.e", A, unsigned).unsigned_child("t.e"),
        case("unsigned-deep", "h.t.u", A, unsigned)
            .unsigned_child("u")
            .unsigned_child("t.u"),
        // Signed again below, but nobody vouches for it.
        case("unsigned-signed", "h.t.u", A, unsigned)
            .unsigned_child("u")
            .signed_child("t.u", |zone| zone),
        case("island", "h.s", A, unsigned).signed_child("s", |zone| zone.damaged(Damage::NoDs)),
        case("island-stripped", "h.s", A, unsigned)
            .signed_child("s", |zone| zone.damaged(Damage::NoDs))
            .edit(edits::strip),
    ]
}

/// That there are no DS records is not proven, or by the wrong side.
fn ds_missing(chain: &str, denial: &Denial) -> Vec<Case> {
    let missing = Bogus("DenialMissing");
    let stripped = Bogus("RrsigMissing");
    let case = |kind: &str, owner: &str, expected| {
        let of_child = denial.clone();
        let denial = denial.clone();
        Case::new(format!("ds-{chain}-{kind}"), owner, A, expected)
            .zone(|zone| zone.denial(denial))
            .signed_child("s", |zone| zone.denial(of_child))
            .unsigned_child("u")
    };
    let at = |kind: &str, owner: &str| format!("{owner}.ds-{chain}-{kind}.test");
    vec![
        case("no-proof", "h.u", missing).edit_at(at("no-proof", "u"), DS, edits::no_proof),
        case("empty", "h.u", missing).edit_at(at("empty", "u"), DS, edits::no_authority),
        case("stripped-proof", "h.u", stripped).edit_at(
            at("stripped-proof", "u"),
            DS,
            edits::strip_denials,
        ),
        case("stripped", "h.s", stripped).edit_at(at("stripped", "s"), DS, edits::strip),
        case("withheld", "h.s", missing).edit_at(at("withheld", "s"), DS, edits::nothing),
        // What proves that another delegation has none says nothing about this one.
        case("denied-by-other", "h.s", missing).edit_at(
            at("denied-by-other", "s"),
            DS,
            edits::denied_by(at("denied-by-other", "u"), DS),
        ),
        case("servfail", "h.s", Indeterminate("Unanswered")).edit_at(
            at("servfail", "s"),
            DS,
            edits::servfail,
        ),
        // The data look unsigned, so it is asked whether the zone is.
        case("data-stripped", "h.s", stripped).edit(edits::strip),
    ]
}

fn broken() -> Vec<Case> {
    let child = |label: &str, expected, change: fn(Zone) -> Zone| {
        Case::new(label, "h.s", A, expected).signed_child("s", change)
    };
    let at = |label: &str, owner: &str| format!("{owner}.{label}.test");
    let mut cases = vec![
        child("cut-wrong-ds", Bogus("DnskeyUnmatched"), |zone| {
            zone.damaged(Damage::WrongDs)
        }),
        child("cut-damaged", Bogus("SignatureWrong"), |zone| {
            zone.damaged(Damage::Signatures)
        }),
        child(
            "cut-unknown-algorithm",
            Insecure("AlgorithmUnsupported"),
            |zone| {
                let key = combined().numbered(gateway::dns::Algorithm(200));
                zone.key(KeyUse::combined(key))
            },
        ),
        child(
            "cut-unknown-digest",
            Insecure("DigestUnsupported"),
            |zone| zone.key(KeyUse::combined(combined()).digests(&[DigestType::GOST])),
        ),
        // Whatever breaks above breaks all below.
        Case::new(
            "cut-grandchild-of-broken",
            "h.t.s",
            A,
            Bogus("DnskeyUnmatched"),
        )
        .signed_child("s", |zone| zone.damaged(Damage::WrongDs))
        .signed_child("t.s", |zone| zone),
        // Unsupported, but the DS records themselves must be signed first.
        Case::new("cut-unknown-unsigned", "h.s", A, Bogus("RrsigMissing"))
            .signed_child("s", |zone| {
                let key = combined().numbered(gateway::dns::Algorithm(200));
                zone.key(KeyUse::combined(key))
            })
            .signing(
                "s",
                DS,
                Signing {
                    is_missing: true,
                    ..Signing::default()
                },
            ),
        Case::new("cut-dnskey-servfail", "h.s", A, Indeterminate("Unanswered"))
            .signed_child("s", |zone| zone)
            .edit_at(
                at("cut-dnskey-servfail", "s"),
                RecordType::DNSKEY,
                edits::servfail,
            ),
        Case::new("cut-answer-servfail", "h.s", A, Indeterminate("Unanswered"))
            .signed_child("s", |zone| zone)
            .edit(edits::servfail),
        Case::new("cut-dnskey-of-other", "h.s", A, Bogus("DnskeyUnmatched"))
            .signed_child("s", |zone| zone)
            .edit_at(
                at("cut-dnskey-of-other", "s"),
                RecordType::DNSKEY,
                edits::answer_of("cut-dnskey-of-other.test".to_owned(), RecordType::DNSKEY),
            ),
        // RFC 6840 §4.4: the apex of the zone below cannot deny its own DS records.
        Case::new("ds-denied-by-child", "h.s", A, Bogus("SignerNotZone"))
            .edit_at(
                at("ds-denied-by-child", "s"),
                DS,
                edits::denied_by(at("ds-denied-by-child", "s"), TXT),
            )
            .signed_child("s", |zone| zone),
    ];
    cases.push(ds_signed_by_child("ds-signed-by-child"));
    cases.push(soa_bit("ds-denied-soa-bit"));
    cases.push(denied_by_child_with_keys_of_parent("ds-denied-by-apex"));
    cases
}

/// The zone below signs its own DS records.
fn ds_signed_by_child(label: &str) -> Case {
    let key = combined();
    let case = Case::new(label, "h.s", A, Bogus("SignerNotZone"));
    let child = case.full("s");
    let signing = Signing {
        key: Some(key.clone()),
        signer: Some(name(&child)),
        ..Signing::default()
    };
    case.signing("s", DS, signing)
        .signed_child("s", |zone| zone.key(KeyUse::combined(key)))
}

/// The key of the zone above signs the denial that only the zone below can have made: the SOA bit tells.
fn soa_bit(label: &str) -> Case {
    let key = combined();
    let case = Case::new(label, "s", DS, Bogus("DsOfChild")).key(KeyUse::combined(key.clone()));
    let (apex, child) = (name(&case.full("@")), case.full("s"));
    case.signed_child("s", |zone| zone)
        .edit(move |reply, elsewhere| {
            edits::denied_by(child.clone(), TXT)(reply, elsewhere);
            reply
                .authorities
                .retain(|record| record.rtype() == RecordType::NSEC);
            sign_again(&mut reply.authorities, &key, &apex);
        })
}

/// The same key signs both zones, so that only the signer tells whose denial it is.
fn denied_by_child_with_keys_of_parent(label: &str) -> Case {
    let key: ZoneKey = combined();
    let case = Case::new(label, "s", DS, Bogus("SignerNotZone"));
    let child = case.full("s");
    case.key(KeyUse::combined(key.clone()))
        .signed_child("s", |zone| zone.key(KeyUse::combined(key)))
        .edit(edits::denied_by(child, TXT))
}
