//! Denials: by NSEC, NSEC3 and compact ones, complete and not; wildcards.

use gateway::dns::{Nsec, Nsec3, Rdata, RecordType};
use gateway_lab::world::{Denial, Hashing, KeyUse, Signing};

use crate::case::{Case, DATA, Expected, NODATA, NXDOMAIN, combined};
use crate::edits;
use Expected::{Bogus, Indeterminate, Insecure};

const A: RecordType = RecordType::A;
const DS: RecordType = RecordType::DS;
const MX: RecordType = RecordType::MX;
const TXT: RecordType = RecordType::TXT;
const OPT_OUT: Hashing = hashing(0, Vec::new(), true);

const fn hashing(iterations: u16, salt: Vec<u8>, opt_out: bool) -> Hashing {
    Hashing {
        iterations,
        salt,
        opt_out,
    }
}

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (chain, denial) in [
        ("nsec", Denial::Nsec),
        ("nsec3", Denial::Nsec3(Hashing::default())),
        (
            "salted",
            Denial::Nsec3(hashing(10, b"\x00salt".to_vec(), false)),
        ),
    ] {
        cases.extend(complete(chain, &denial));
        cases.extend(incomplete(chain, &denial));
        cases.extend(with_soa(chain, &denial));
    }
    cases.extend(nsec_alone());
    cases.extend(nsec3_alone());
    cases.extend(opt_out());
    cases.extend(compact());
    cases
}

fn in_chain(case: Case, denial: &Denial) -> Case {
    case.zone(|zone| zone.denial(denial.clone()))
}

/// Every kind of denial and of wildcard.
fn complete(chain: &str, denial: &Denial) -> Vec<Case> {
    let cases = [
        ("nodata", "h", TXT, NODATA),
        ("nodata-apex", "@", TXT, NODATA),
        ("nxdomain", "none", A, NXDOMAIN),
        ("nxdomain-deep", "a.b.c.none", A, NXDOMAIN),
        ("nxdomain-below-data", "x.h", A, NXDOMAIN),
        ("nxdomain-first", "0", A, NXDOMAIN),
        ("nxdomain-last", "zzzz", A, NXDOMAIN),
        ("ent", "ent", A, NODATA),
        ("below-ent", "x.ent", A, NXDOMAIN),
        ("wildcard", "x.w", A, DATA),
        ("wildcard-deep", "a.b.x.w", A, DATA),
        ("wildcard-itself", "*.w", A, DATA),
        ("wildcard-nodata", "x.w", TXT, NODATA),
        ("wildcard-blocked", "x.closer.w", A, NXDOMAIN),
        ("ds-no-cut", "h", DS, NODATA),
        ("ds-of-none", "none", DS, NXDOMAIN),
    ];
    cases
        .map(|(kind, owner, rtype, expected)| {
            in_chain(
                Case::new(format!("{chain}-{kind}"), owner, rtype, expected),
                denial,
            )
        })
        .into()
}

/// The same with something missing or wrong.
fn incomplete(chain: &str, denial: &Denial) -> Vec<Case> {
    let missing = Bogus("DenialMissing");
    let unproven = Bogus("WildcardUnproven");
    let case = |kind: &str, owner: &str, rtype, expected| {
        in_chain(
            Case::new(format!("{chain}-{kind}"), owner, rtype, expected),
            denial,
        )
    };
    let at = |kind: &str, owner: &str| format!("{owner}.{chain}-{kind}.test");
    vec![
        case("nodata-no-proof", "h", TXT, missing).edit(edits::no_proof),
        case("nodata-empty", "h", TXT, missing).edit(edits::no_authority),
        case("nodata-stripped", "h", TXT, Bogus("RrsigMissing")).edit(edits::strip_denials),
        case("nodata-damaged", "h", TXT, Bogus("SignatureWrong"))
            .edit(edits::signatures(|rrsig| rrsig.signature[5] ^= 1)),
        case("nodata-other", "h", TXT, missing)
            .edit(edits::proof_of(at("nodata-other", "closer.w"), TXT)),
        case("nxdomain-no-proof", "none", A, missing).edit(edits::no_proof),
        case("nxdomain-other", "zzzz", A, missing)
            .edit(edits::proof_of(at("nxdomain-other", "qqq"), A)),
        case("nxdomain-by-nodata", "none", A, missing)
            .edit(edits::proof_of(at("nxdomain-by-nodata", "h"), TXT)),
        case("wildcard-no-proof", "x.w", A, unproven).edit(edits::no_proof),
        case("wildcard-other-proof", "x.w", A, unproven)
            .edit(edits::proof_of(at("wildcard-other-proof", "h"), TXT)),
        // The wildcard's data for a name that has its own.
        case("wildcard-over-data", "closer.w", A, unproven)
            .edit(edits::answer_of(at("wildcard-over-data", "x.w"), A)),
        case("denied-data", "h", A, Bogus("DenialContradicted"))
            .edit(edits::denied_by(at("denied-data", "h"), TXT)),
        case("denied-name", "h", A, missing).edit(edits::denied_by(at("denied-name", "zzzz"), A)),
        case("denied-wildcard", "x.w", A, missing)
            .edit(edits::denied_by(at("denied-wildcard", "h"), TXT)),
        unsigned_rcode(
            case("nodata-as-nxdomain", "h", TXT, NODATA),
            chain == "nsec",
        )
        .edit(edits::nxdomain),
        unsigned_rcode(case("nxdomain-as-nodata", "none", A, NXDOMAIN), false).edit(edits::noerror),
    ]
}

/// The SOA record says how long a denial is kept: it is proven or it is not there. Other unsigned records beside an answer are not used.
fn with_soa(chain: &str, denial: &Denial) -> Vec<Case> {
    let case = |kind: &str, owner: &str, rtype, expected| {
        in_chain(
            Case::new(format!("{chain}-{kind}"), owner, rtype, expected),
            denial,
        )
    };
    let past = Signing {
        window: Some((1_000_000_000, 1_000_001_000)),
        ..Signing::default()
    };
    let wrong = Bogus("SignatureWrong");
    vec![
        case("soa-none-nodata", "h", TXT, NODATA).edit(edits::no_soa),
        case("soa-none-nxdomain", "none", A, NXDOMAIN).edit(edits::no_soa),
        case("soa-unsigned-nodata", "h", TXT, Bogus("RrsigMissing")).edit(edits::strip_soa),
        case("soa-unsigned-nxdomain", "none", A, Bogus("RrsigMissing")).edit(edits::strip_soa),
        case("soa-unsigned-wildcard", "x.w", TXT, Bogus("RrsigMissing")).edit(edits::strip_soa),
        case("soa-minimum", "h", TXT, wrong).edit(edits::records(|record| {
            if let Rdata::Soa(soa) = &mut record.data {
                soa.minimum += 1;
            }
        })),
        case("soa-ttl", "h", TXT, NODATA).edit(edits::records(|record| record.ttl += 9)),
        case("soa-expired", "h", TXT, Bogus("Expired")).signing("@", RecordType::SOA, past),
        case("soa-of-parent", "h", TXT, Bogus("OutsideZone"))
            .edit(edits::soa_of("test".to_owned())),
        stray_ns(case("stray-ns", "h", A, DATA)),
        stray_ns(case("stray-ns-nodata", "h", TXT, NODATA)),
    ]
}

fn stray_ns(case: Case) -> Case {
    let apex = case.full("@");
    case.edit(edits::stray_ns(&apex))
}

/// The response code is not signed, so what is proven counts.
fn unsigned_rcode(case: Case, agrees: bool) -> Case {
    match agrees {
        true => case,
        false => case.differs(
            "RFC 4035 §5.4: the records prove what is absent; Unbound wants the response code to fit",
        ),
    }
}

fn nsec_alone() -> Vec<Case> {
    let missing = Bogus("DenialMissing");
    let name = |label: &str, owner: &str| format!("{owner}.{label}.test");
    vec![
        // The wildcard is not denied.
        Case::new("nsec-nxdomain-no-wildcard", "none", A, missing).edit(edits::only_proof(1)),
        Case::new("nsec-nxdomain-no-cover", "none", A, missing).edit(edits::only_proof(0)),
        Case::new("nsec-wildcard-nodata-half", "x.w", TXT, missing).edit(edits::only_proof(0)),
        expanded("nsec-expanded"),
        made_up("nsec-next-outside", "none", missing, |nsec| {
            nsec.next = crate::case::name("zzz.test");
        }),
        Case::new("nsec-of-parent", "h.c", TXT, missing)
            .signed_child("c", |zone| zone)
            .edit(edits::denied_by(name("nsec-of-parent", "c"), DS)),
        // Seen from above, nothing is said about the apex of the zone below (RFC 6840 §4.1).
        Case::new("nsec-of-cut", "u", A, missing)
            .unsigned_child("u")
            .edit(edits::denied_by(name("nsec-of-cut", "u"), DS))
            .differs("RFC 6840 §4.1: the record proves nothing; Unbound knows already that the zone is unsigned"),
        Case::new("nsec-denied-alias", "alias", A, Bogus("DenialContradicted")).edit(
            |reply, elsewhere| {
                let owner = reply.questions[0].name.to_string();
                reply.authorities = elsewhere.reply(&owner, RecordType::NSEC).answers;
                reply.answers.clear();
            },
        ),
        Case::new("nsec-below-dname", "x.old", A, missing)
            .edit(edits::denied_by(name("nsec-below-dname", "old"), TXT)),
        any("any"),
    ]
}

fn any(label: &str) -> Case {
    Case::new(label, "none", RecordType::ANY, NXDOMAIN)
}

/// The NSEC record of the wildcard under another owner, as if it had been made from the wildcard (CVE-2017-15105).
fn expanded(label: &str) -> Case {
    let wildcard = format!("*.w.{label}.test");
    let case = Case::new(label, "x.w", TXT, Bogus("DenialExpanded"))
        .differs("RFC 4035 §5.3.4, CVE-2017-15105: a NSEC record speaks of its own owner only");
    case.edit(move |reply, _| {
        let asked = reply.questions[0].name.clone();
        for record in &mut reply.authorities {
            if record.name == crate::case::name(&wildcard) {
                record.name = asked.clone();
            }
        }
    })
}

/// The NSEC record before the name is changed, and signed by the zone as it is then.
fn made_up(label: &str, owner: &str, expected: Expected, change: fn(&mut Nsec)) -> Case {
    let key = combined();
    let case = Case::new(label, owner, A, expected).key(KeyUse::combined(key.clone()));
    let apex = crate::case::name(&case.full("@"));
    case.edit(move |reply, _| {
        for record in &mut reply.authorities {
            if let Rdata::Nsec(nsec) = &mut record.data {
                change(nsec);
            }
        }
        gateway_lab::world::sign_again(&mut reply.authorities, &key, &apex);
    })
    .differs("RFC 4034 §4.1.1: the next name is one of the zone's")
}

/// As `made_up`, for NSEC3 records.
fn rehashed(label: &str, owner: &str, expected: Expected, change: fn(&mut Nsec3)) -> Case {
    let key = combined();
    let case = Case::new(label, owner, A, expected)
        .key(KeyUse::combined(key.clone()))
        .zone(|zone| zone.denial(Denial::Nsec3(Hashing::default())));
    let apex = crate::case::name(&case.full("@"));
    case.edit(move |reply, _| {
        for record in &mut reply.authorities {
            if let Rdata::Nsec3(nsec3) = &mut record.data {
                change(nsec3);
            }
        }
        gateway_lab::world::sign_again(&mut reply.authorities, &key, &apex);
    })
}

fn nsec3_alone() -> Vec<Case> {
    let missing = Bogus("DenialMissing");
    let hashed = |label: String, iterations, expected| {
        let denial = Denial::Nsec3(hashing(iterations, Vec::new(), false));
        in_chain(Case::new(label, "none", A, expected), &denial)
    };
    let three = |label: &str, owner: &str, rtype, expected| {
        let denial = Denial::Nsec3(Hashing::default());
        in_chain(Case::new(label, owner, rtype, expected), &denial)
    };
    let soft = Insecure("Nsec3Iterations");
    let older = "RFC 9276 §3.2 leaves the number open: ours is 50, that of this Unbound 150";
    let mut cases = vec![
        hashed("nsec3-iterations-1".into(), 1, NXDOMAIN),
        hashed("nsec3-iterations-50".into(), 50, NXDOMAIN),
        hashed("nsec3-iterations-51".into(), 51, soft).differs(older),
        hashed("nsec3-iterations-151".into(), 151, soft),
        hashed("nsec3-iterations-500".into(), 500, soft),
        hashed("nsec3-iterations-501".into(), 501, Bogus("Nsec3Excessive"))
            .differs("RFC 9276 §3.2: a validator may call it bogus; Unbound calls it insecure"),
        hashed(
            "nsec3-iterations-unsigned".into(),
            51,
            Bogus("RrsigMissing"),
        )
        .edit(edits::strip_denials),
        // However many iterations, data are not denied.
        three("nsec3-iterations-data", "h", A, DATA)
            .zone(|zone| zone.denial(Denial::Nsec3(hashing(2500, Vec::new(), false)))),
        three("nsec3-long-salt", "none", A, NXDOMAIN)
            .zone(|zone| zone.denial(Denial::Nsec3(hashing(0, vec![7; 255], false)))),
        rehashed("nsec3-unknown-hash", "none", missing, |nsec3| {
            nsec3.hash_algorithm = 2;
        }),
        rehashed("nsec3-unknown-flags", "none", missing, |nsec3| {
            nsec3.flags = 0x82;
        }),
        rehashed("nsec3-no-types", "none", NXDOMAIN, |_| {}),
        three("nsec3-ds-inside-no-proof", "h", DS, missing).edit(edits::no_proof),
    ];
    // A denial of a name has three records; each is needed.
    for number in 0..3 {
        let label = format!("nsec3-nxdomain-without-{number}");
        cases.push(three(&label, "zz.none.ent", A, missing).edit(edits::without_proof(number)));
        let label = format!("nsec3-wildcard-nodata-without-{number}");
        cases.push(three(&label, "zz.x.w", TXT, missing).edit(edits::without_proof(number)));
    }
    cases.push(many_nsec3("nsec3-many"));
    cases
}

/// More NSEC3 records than any honest answer has.
fn many_nsec3(label: &str) -> Case {
    let denial = Denial::Nsec3(Hashing::default());
    let case = in_chain(
        Case::new(label, "none", A, Indeterminate("Budget")),
        &denial,
    );
    let others = [
        "h", "new.d", "deep.ent", "closer.w", "alias", "old", "ns", "@", "w", "d",
    ]
    .map(|owner| case.full(owner));
    case.edit(move |reply, elsewhere| {
        for owner in &others {
            let other = elsewhere.reply(owner, RecordType::URI);
            let is_new = |record: &gateway::dns::Record| record.rtype() != RecordType::SOA;
            let more = other.authorities.into_iter().filter(is_new);
            reply.authorities.extend(more.collect::<Vec<_>>());
        }
    })
    .differs("RFC 5155 §8 sets no number; the limit is ours")
}

fn opt_out() -> Vec<Case> {
    let denial = Denial::Nsec3(OPT_OUT);
    let opted = Insecure("OptOut");
    let case = |label: &str, owner: &str, rtype, expected| {
        in_chain(Case::new(label, owner, rtype, expected), &denial)
    };
    let name = |label: &str, owner: &str| format!("{owner}.{label}.test");
    vec![
        case("opt-out-data", "h", A, DATA),
        case("opt-out-nodata", "h", TXT, NODATA),
        case("opt-out-nxdomain", "none", A, opted),
        case("opt-out-ent", "ent", A, NODATA),
        case("opt-out-wildcard", "x.w", A, opted),
        case("opt-out-wildcard-nodata", "x.w", TXT, opted),
        case("opt-out-unsigned-child", "h.u", A, opted).unsigned_child("u"),
        case("opt-out-unsigned-nxdomain", "none.u", A, opted).unsigned_child("u"),
        case("opt-out-unsigned-ds", "u", DS, opted).unsigned_child("u"),
        case("opt-out-signed-child", "h.s", A, DATA).signed_child("s", |zone| zone),
        case("opt-out-signed-ds", "s", DS, DATA).signed_child("s", |zone| zone),
        // A record that covers the name without the flag does not let it be.
        case("opt-out-no-proof", "h.u", A, Bogus("DenialMissing"))
            .unsigned_child("u")
            .edit_at(name("opt-out-no-proof", "u"), DS, edits::no_proof),
        case("opt-out-other-proof", "h.u", A, Bogus("DenialMissing"))
            .unsigned_child("u")
            .edit_at(
                name("opt-out-other-proof", "u"),
                DS,
                edits::proof_of(name("opt-out-other-proof", "h"), TXT),
            ),
    ]
}

fn compact() -> Vec<Case> {
    let case = |label: &str, owner: &str, rtype, expected| {
        in_chain(Case::new(label, owner, rtype, expected), &Denial::Compact)
    };
    let name = |label: &str, owner: &str| format!("{owner}.{label}.test");
    vec![
        case("compact-data", "h", A, DATA),
        case("compact-nodata", "h", TXT, NODATA),
        case("compact-nxname", "none", A, NXDOMAIN),
        case("compact-nxname-deep", "a.b.none", MX, NXDOMAIN),
        case("compact-ent", "ent", A, NODATA),
        case("compact-wildcard", "x.w", A, DATA),
        case("compact-wildcard-nodata", "x.w", TXT, NODATA),
        case("compact-unsigned-child", "h.u", A, Insecure("Unsigned")).unsigned_child("u"),
        case("compact-signed-child", "h.s", A, DATA).signed_child("s", |zone| zone),
        case("compact-no-proof", "none", A, Bogus("DenialMissing")).edit(edits::no_proof),
        case("compact-other-name", "none", A, Bogus("DenialMissing"))
            .edit(edits::proof_of(name("compact-other-name", "other"), A)),
        case("compact-stripped", "none", A, Bogus("RrsigMissing")).edit(edits::strip_denials),
        case("compact-denied-data", "h", A, Bogus("DenialContradicted"))
            .edit(edits::denied_by(name("compact-denied-data", "h"), TXT)),
    ]
}
