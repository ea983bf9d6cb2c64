//! Unsigned data put into secure zones, at every kind of name: they are bogus wherever nobody proves that a zone may be unsigned there.

use gateway::dns::{Class, Message, Rcode, Rdata, Record, RecordType};
use gateway_lab::Zone;
use gateway_lab::world::{Denial, Elsewhere, Hashing, KeyUse, Signing, sign_again};

use crate::case::{Case, DATA, Expected, NODATA, NXDOMAIN, combined, name};
use crate::edits;
use Expected::{Bogus, Insecure};

const A: RecordType = RecordType::A;
const TXT: RecordType = RecordType::TXT;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (chain, denial) in [
        ("nsec", Denial::Nsec),
        ("nsec3", Denial::Nsec3(Hashing::default())),
        ("compact", Denial::Compact),
    ] {
        cases.extend(everywhere(chain, &denial));
    }
    cases.extend(in_opt_out());
    cases.extend(denials());
    cases.extend(others());
    cases
}

/// Puts an unsigned address in the place of the answer.
fn forge(reply: &mut Message, _: &Elsewhere<'_>) {
    reply.set_rcode(Rcode::NOERROR);
    reply.authorities.clear();
    reply.answers = vec![Record {
        name: reply.questions[0].name.clone(),
        class: Class::IN,
        ttl: 300,
        data: Rdata::A([192, 0, 2, 66].into()),
    }];
}

fn forged(label: String, denial: &Denial, owner: &str, expected: Expected) -> Case {
    Case::new(label, owner, A, expected)
        .zone(|zone| zone.denial(denial.clone()))
        .signed_child("s", |zone| zone)
        .edit(forge)
}

fn everywhere(chain: &str, denial: &Denial) -> Vec<Case> {
    [
        ("data", "h"),
        ("apex", "@"),
        ("none", "none"),
        ("below-none", "a.b.none"),
        ("below-data", "x.h"),
        ("ent", "ent"),
        ("below-ent", "x.ent"),
        ("wildcard", "x.w"),
        ("below-wildcard", "y.x.w"),
        ("alias", "alias"),
        ("below-alias", "x.alias"),
        ("below-dangling", "x.dangling"),
        ("below-dname", "x.old"),
        ("deep-below-dname", "y.x.old"),
        ("in-child", "h.s"),
        ("none-in-child", "x.none.s"),
    ]
    .map(|(kind, owner)| {
        let label = format!("forged-{chain}-{kind}");
        forged(label, denial, owner, Bogus("RrsigMissing"))
    })
    .into()
}

/// Where unsigned zones may be, nothing is proven; elsewhere all is as usual.
fn in_opt_out() -> Vec<Case> {
    let denial = Denial::Nsec3(Hashing {
        opt_out: true,
        ..Hashing::default()
    });
    [
        ("data", "h", Bogus("RrsigMissing")),
        ("ent", "ent", Bogus("RrsigMissing")),
        ("in-child", "h.s", Bogus("RrsigMissing")),
        ("none", "none", Insecure("OptOut")),
        ("below-none", "a.b.none", Insecure("OptOut")),
    ]
    .map(|(kind, owner, expected)| {
        forged(format!("forged-opt-out-{kind}"), &denial, owner, expected)
    })
    .into()
}

/// Denials that somebody else made, or that speak of other names.
fn denials() -> Vec<Case> {
    let missing = Bogus("DenialMissing");
    let at = |label: &str, owner: &str| format!("{owner}.{label}.test");
    vec![
        // The record of the delegation covers the names below it in canonical order, and proves nothing about them.
        Case::new("denied-above-cut", "h.s", A, missing)
            .signed_child("s", |zone| zone)
            .edit(edits::denied_by(at("denied-above-cut", "s0"), A)),
        Case::new("denied-above-cut-nodata", "s", TXT, missing)
            .signed_child("s", |zone| zone)
            .edit(edits::denied_by(at("denied-above-cut-nodata", "s0"), A)),
        by_stranger("denied-by-stranger"),
        moved("nsec3-too-deep"),
        Case::new("denied-by-sibling", "h", TXT, Bogus("DenialMissing"))
            .other(Zone::signed("h.denied-by-sibling-2.test"))
            .edit(edits::denied_by(
                "h.denied-by-sibling-2.test".to_owned(),
                TXT,
            )),
    ]
}

/// A zone that is secure itself signs a denial of another's name.
fn by_stranger(label: &str) -> Case {
    let key = combined();
    let evil = format!("evil-{label}.test");
    let signer = name(&evil);
    let by = key.clone();
    Case::new(label, "h", TXT, Bogus("SignerNotZone"))
        .other(Zone::signed(&evil).key(KeyUse::combined(key)))
        .edit(move |reply, _| sign_again(&mut reply.authorities, &by, &signer))
}

/// NSEC3 records must stand right below the apex (RFC 5155 §3).
fn moved(label: &str) -> Case {
    let key = combined();
    let case = Case::new(label, "none", A, Bogus("DenialMissing"))
        .key(KeyUse::combined(key.clone()))
        .zone(|zone| zone.denial(Denial::Nsec3(Hashing::default())));
    let (apex, below) = (name(&case.full("@")), name(&case.full("h")));
    case.edit(move |reply, _| {
        for record in &mut reply.authorities {
            if record.rtype() == RecordType::NSEC3 {
                let hash = record.name.labels().next().unwrap().to_vec();
                record.name = below.prepend(&hash).unwrap();
            }
        }
        sign_again(&mut reply.authorities, &key, &apex);
    })
}

fn others() -> Vec<Case> {
    let tlsa = || {
        Rdata::Tlsa(gateway::dns::Tlsa {
            usage: 3,
            selector: 1,
            matching: 1,
            data: vec![7; 32],
        })
    };
    let of_tlsa = |label: &str, owner: &str, expected| {
        Case::new(label, owner, RecordType::TLSA, expected).record("_25._tcp.h", tlsa())
    };
    vec![
        of_tlsa("tlsa", "_25._tcp.h", DATA),
        of_tlsa("tlsa-other-port", "_26._tcp.h", NXDOMAIN),
        of_tlsa("tlsa-between", "_tcp.h", NODATA),
        of_tlsa("tlsa-unsigned", "_25._tcp.h", Bogus("RrsigMissing")).signing(
            "_25._tcp.h",
            RecordType::TLSA,
            Signing {
                is_missing: true,
                ..Signing::default()
            },
        ),
        of_tlsa("tlsa-denied", "_25._tcp.h", Bogus("DenialContradicted")).edit(edits::denied_by(
            "_25._tcp.h.tlsa-denied.test".to_owned(),
            TXT,
        )),
        // Data of another class are not there.
        Case::new("other-class", "h", A, Bogus("DenialMissing")).edit(|reply, _| {
            for record in &mut reply.answers {
                record.class = Class::CH;
            }
        }),
        // What was not asked for is not looked at.
        Case::new("more-answers", "h", A, DATA).edit(|reply, _| {
            let mut more = reply.answers[0].clone();
            more.name = name("evil.test");
            reply.answers.insert(0, more);
        }),
        Case::new("only-other-answers", "h", A, Bogus("DenialMissing")).edit(|reply, _| {
            for record in &mut reply.answers {
                record.name = name("evil.test");
            }
        }),
    ]
}
