//! Aliases: CNAME and DNAME within zones and across them; the least status of all links counts.

use gateway::dns::{Rdata, RecordType};
use gateway_lab::{Damage, Zone};

use crate::case::{Case, DATA, Expected, NODATA, NXDOMAIN, name};
use crate::edits;
use Expected::{Bogus, Indeterminate, Insecure};

const A: RecordType = RecordType::A;
const TXT: RecordType = RecordType::TXT;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = within_a_zone();
    cases.extend(across());
    cases.extend(chains());
    cases
}

fn within_a_zone() -> Vec<Case> {
    let at = |label: &str, owner: &str| format!("{owner}.{label}.test");
    let wild = |label: &str, expected| {
        let target = at(label, "h");
        Case::new(label, "x.wa", A, expected).zone(|zone| zone.cname(&at(label, "*.wa"), &target))
    };
    vec![
        Case::new("cname", "alias", A, DATA),
        Case::new("cname-itself", "alias", RecordType::CNAME, DATA),
        Case::new("cname-nodata", "alias", TXT, NODATA),
        Case::new("cname-dangling", "dangling", A, NXDOMAIN),
        Case::new(
            "cname-dangling-no-proof",
            "dangling",
            A,
            Bogus("DenialMissing"),
        )
        .edit(edits::no_proof)
            .differs("RFC 4035 §5.4: the reply lacks the proof; Unbound asks for the target itself, and gets it"),
        Case::new("cname-unsigned", "alias", A, Bogus("RrsigMissing")).edit(edits::strip_aliases),
        Case::new("cname-elsewhere", "alias", A, Bogus("SignatureWrong")).edit(|reply, _| {
            for record in &mut reply.answers {
                if let Rdata::Cname(target) = &mut record.data {
                    *target = name("h.other.test");
                }
            }
        }),
        Case::new("cname-alone", "alias", A, DATA).edit(|reply, _| {
            reply
                .answers
                .retain(|record| record.name == reply.questions[0].name);
        }),
        wild("cname-wildcard", DATA),
        wild("cname-wildcard-no-proof", Bogus("WildcardUnproven")).edit(edits::no_proof),
        Case::new("dname", "new.old", A, DATA),
        Case::new("dname-nxdomain", "none.old", A, NXDOMAIN),
        Case::new("dname-itself", "old", RecordType::DNAME, DATA),
        Case::new("dname-owner", "old", A, NODATA),
        Case::new("dname-unsigned", "new.old", A, Bogus("RrsigMissing")).edit(edits::strip_aliases),
        // The CNAME is not signed; it is made again from the DNAME.
        Case::new("dname-no-cname", "new.old", A, DATA).edit(|reply, _| {
            reply
                .answers
                .retain(|record| record.rtype() != RecordType::CNAME);
        }),
        Case::new("dname-other-cname", "new.old", A, DATA)
            .edit(|reply, _| {
                for record in &mut reply.answers {
                    if let Rdata::Cname(target) = &mut record.data {
                        *target = name("h.dname-other-cname.test");
                    }
                }
            }),
        Case::new("dname-as-cname", "new.old", A, Bogus("RrsigMissing")).edit(|reply, _| {
            reply.answers.retain(|record| match &record.data {
                Rdata::Dname(_) => false,
                Rdata::Rrsig(rrsig) => rrsig.type_covered != RecordType::DNAME,
                _ => true,
            });
        }),
    ]
}

/// What zone an alias leads to.
#[derive(Clone, Copy)]
enum Kind {
    Signed,
    Unsigned,
    Broken,
}

fn across() -> Vec<Case> {
    use Kind::{Broken, Signed, Unsigned};
    let (insecure, bogus) = (Insecure("Unsigned"), Bogus("DnskeyUnmatched"));
    let mut cases = Vec::new();
    for (label, from, to, expected) in [
        ("signed-signed", Signed, Signed, DATA),
        ("signed-unsigned", Signed, Unsigned, insecure),
        ("signed-broken", Signed, Broken, bogus),
        ("unsigned-signed", Unsigned, Signed, insecure),
        ("unsigned-unsigned", Unsigned, Unsigned, insecure),
        ("unsigned-broken", Unsigned, Broken, bogus),
        ("broken-signed", Broken, Signed, bogus),
        ("broken-unsigned", Broken, Unsigned, bogus),
    ] {
        for (kind, owner) in [("cname", "away"), ("dname", "h.far")] {
            let case = Case::new(format!("{kind}-{label}"), owner, A, expected);
            let target = format!("to-{}", case.full("@"));
            let case = match from {
                Signed => case,
                Unsigned => case.unsigned(),
                Broken => case.zone(|zone| zone.damaged(Damage::WrongDs)),
            };
            let (away, far) = (case.full("away"), case.full("far"));
            let other = match to {
                Signed => Zone::signed(&target),
                Unsigned => Zone::unsigned(&target),
                Broken => Zone::signed(&target).damaged(Damage::WrongDs),
            };
            let host = format!("h.{target}");
            cases.push(
                case.zone(|zone| zone.cname(&away, &host).dname(&far, &target))
                    .other(other.address(&host, [192, 0, 2, 7].into())),
            );
        }
    }
    cases
}

/// So many aliases in a row.
fn links(label: &str, count: usize, expected: Expected) -> Case {
    let case = Case::new(label, "c0", A, expected);
    let apex = case.full("@");
    (0..count).fold(case, |case, number| {
        let (from, to) = (
            format!("c{number}.{apex}"),
            format!("c{}.{apex}", number + 1),
        );
        let last = format!("h.{apex}");
        let to = if number + 1 == count { last } else { to };
        case.zone(|zone| zone.cname(&from, &to))
    })
}

fn chains() -> Vec<Case> {
    let ours = "RFC 1034 §3.6.2 sets no number; the limit is ours";
    vec![
        links("links-2", 2, DATA),
        links("links-10", 10, DATA),
        links("links-11", 11, Indeterminate("Budget")).differs(ours),
        Case::new("loop", "loop", A, Indeterminate("Unanswered"))
            .zone(|zone| zone.cname("loop.loop.test", "loop.loop.test")),
    ]
}
