//! The corpus before the chain machine, which asks and is told what the lab's resolver carries.

use gateway::dns::{Algorithm, DigestType, EdeCode, RecordType};
use gateway::dnssec::chain::{self, Outcome, Progress, Settings};
use gateway::dnssec::{
    Algorithms, Consequence, Known, RrsetId, Security, TrustAnchors, Validation, Why, limits,
};
use gateway::time::Timestamp;
use gateway_lab::validation::Memory;
use gateway_lab::world::{KeyUse, Validity, ZoneKey};
use gateway_lab::{Damage, World, Zone};

use crate::case::{Case, Content, Expected, name};

/// Rounds of questions that no validation needs.
const ROUNDS: usize = 100;

/// In which order replies come.
#[derive(Clone, Copy)]
enum Order {
    AsAsked,
    /// The last first, and each alone.
    Backwards,
}

/// Asks the machine; the time is now unless the case has its own.
fn outcome(world: &World, case: &Case, anchors: &TrustAnchors) -> Outcome {
    let asked = question(&case.owner, case.rtype);
    validate(world, asked, settings(case, anchors), &())
}

fn settings<'a>(case: &Case, anchors: &'a TrustAnchors) -> Settings<'a> {
    Settings {
        anchors,
        algorithms: Algorithms::new(case.sha1),
        now: Timestamp::from_unix(case.time()),
    }
}

fn question(owner: &str, rtype: RecordType) -> RrsetId {
    RrsetId {
        owner: name(owner),
        rtype,
    }
}

fn validate(
    world: &World,
    question: RrsetId,
    settings: Settings<'_>,
    known: &dyn Known,
) -> Outcome {
    validate_in(Order::AsAsked, world, question, settings, known)
}

fn validate_in(
    order: Order,
    world: &World,
    question: RrsetId,
    settings: Settings<'_>,
    known: &dyn Known,
) -> Outcome {
    let mut validation = Validation::new(question, settings);
    let mut waiting = Vec::new();
    for _ in 0..ROUNDS {
        match validation.progress(known) {
            Progress::Done(outcome) => return *outcome,
            Progress::Need(questions) => waiting.extend(questions),
        }
        let kept = match order {
            Order::AsAsked => 0,
            Order::Backwards => waiting.len() - 1,
        };
        for question in waiting.drain(kept..) {
            let reply = world.carry(&question.owner, question.rtype);
            validation.supply(&question, Ok(reply.into()));
        }
    }
    panic!("it never ends");
}

/// The outcome in the words of the table.
fn found(outcome: &Outcome) -> (Expected, Option<EdeCode>) {
    let word = |why: &Why| {
        let text = format!("{why:?}");
        let end = text.find(|letter: char| !letter.is_alphanumeric());
        let word = text[..end.unwrap_or(text.len())].to_owned();
        &*word.leak()
    };
    match &outcome.answer {
        Err(why) if why.consequence() == Consequence::Bogus => {
            (Expected::Bogus(word(why)), Some(why.ede()))
        }
        Err(why) => (Expected::Indeterminate(word(why)), Some(why.ede())),
        Ok(answer) if answer.security == Security::Insecure => {
            let why = answer.why.as_ref().expect("insecure for a reason");
            (Expected::Insecure(word(why)), Some(why.ede()))
        }
        Ok(answer) => {
            let content = match answer.content {
                chain::Content::Records(_) => Content::Data,
                chain::Content::NoData => Content::NoData,
                chain::Content::NxDomain => Content::NxDomain,
            };
            (Expected::Secure(content), None)
        }
    }
}

/// The sentence about a case that is not secure.
pub(crate) fn reason(world: &World, case: &Case) -> String {
    let anchors = TrustAnchors::parse(&world.trust_anchor()).unwrap();
    let why = match outcome(world, case, &anchors).answer {
        Ok(answer) => answer.why,
        Err(why) => Some(why),
    };
    why.map_or_else(String::new, |why| why.to_string())
}

/// The extended error that names each reason (RFC 8914 §4).
fn ede(expected: Expected) -> Option<EdeCode> {
    let word = match expected {
        Expected::Secure(_) => return None,
        Expected::Insecure(word) | Expected::Bogus(word) | Expected::Indeterminate(word) => word,
    };
    Some(match word {
        "Expired" => EdeCode::SIGNATURE_EXPIRED,
        "NotYetValid" => EdeCode::SIGNATURE_NOT_YET_VALID,
        "ExpiredBeforeValid" => EdeCode::SIGNATURE_EXPIRED_BEFORE_VALID,
        "RrsigMissing" => EdeCode::RRSIGS_MISSING,
        "DenialMissing" | "WildcardUnproven" => EdeCode::NSEC_MISSING,
        "KeyMissing" | "DnskeyMissing" | "DnskeyUnmatched" | "DnskeyRevoked" | "DnskeyBroken" => {
            EdeCode::DNSKEY_MISSING
        }
        "DnskeyNotZoneKey" => EdeCode::NO_ZONE_KEY,
        "AlgorithmUnsupported" | "KeyUnsupported" => EdeCode::UNSUPPORTED_ALGORITHM,
        "DigestUnsupported" => EdeCode::UNSUPPORTED_DIGEST,
        "Nsec3Iterations" | "Nsec3Excessive" => EdeCode::UNSUPPORTED_NSEC3_ITERATIONS,
        "Unsigned" | "OptOut" => EdeCode::OTHER,
        "Budget" | "NoAnchor" => EdeCode::INDETERMINATE,
        "Unanswered" => EdeCode::NO_REACHABLE_AUTHORITY,
        _ => EdeCode::BOGUS,
    })
}

#[test]
fn the_chain_machine_finds_the_status_and_names_the_reason() {
    let (cases, world) = crate::corpus();
    let anchors = TrustAnchors::parse(&world.trust_anchor()).unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let outcome = outcome(world, case, &anchors);
        let found = found(&outcome);
        if found != (case.expected, ede(case.expected)) {
            let why = outcome.answer.err().map(|why| why.to_string());
            wrong.push(format!(
                "{}: {found:?} {why:?}, table {:?}",
                case.name, case.expected
            ));
        }
        let work = outcome.work;
        assert!(
            work.verifications() <= limits::VERIFICATIONS_PER_QUESTION,
            "{}",
            case.name
        );
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Zones made to cost work cost little: signatures found wrong, signatures verified, and hashes computed at most.
#[test]
fn hostile_zones_cost_little() {
    let (cases, world) = crate::corpus();
    let anchors = TrustAnchors::parse(&world.trust_anchor()).unwrap();
    for (label, failures, verifications, hashes) in [
        ("keytrap", 2, 8, 0),
        ("keytrap-one-signature", 2, 8, 0),
        ("failures-2", 2, 8, 0),
        ("ds-failures-4", 0, 4, 0),
        ("nsec3-iterations-data", 0, 8, 0),
        ("nsec3-iterations-51", 0, 12, 0),
        ("nsec3-iterations-500", 0, 12, 0),
        ("nsec3-iterations-501", 0, 12, 0),
        ("nsec3-deep", 0, 12, limits::NSEC3_HASHES_PER_PROOF),
    ] {
        let case = cases.iter().find(|case| case.name == label).unwrap();
        let work = outcome(world, case, &anchors).work;
        let done = (work.failures(), work.verifications(), work.hashes());
        assert!(
            done.0 <= failures && done.1 <= verifications && done.2 <= hashes,
            "{label}: {done:?}"
        );
    }
}

/// The outcome is the same in whatever order replies come.
#[test]
fn the_order_of_replies_does_not_matter() {
    let (cases, world) = crate::corpus();
    let anchors = TrustAnchors::parse(&world.trust_anchor()).unwrap();
    for case in cases {
        let asked = question(&case.owner, case.rtype);
        let outcome = validate_in(
            Order::Backwards,
            world,
            asked,
            settings(case, &anchors),
            &(),
        );
        assert_eq!(found(&outcome).0, case.expected, "{}", case.name);
    }
}

/// What was learnt from other questions about the same zones does not make an answer better or worse.
#[test]
fn what_is_known_of_zones_does_not_change_the_outcome() {
    let (cases, world) = crate::corpus();
    let anchors = TrustAnchors::parse(&world.trust_anchor()).unwrap();
    let mut learnt = 0;
    for case in cases {
        let known = Memory::default();
        for (owner, rtype) in [
            ("@", RecordType::MX),
            ("none", RecordType::A),
            ("u", RecordType::DS),
            ("h.u", RecordType::A),
            ("h.s", RecordType::A),
            ("x.w", RecordType::TXT),
        ] {
            let asked = question(&case.full(owner), rtype);
            let _ = validate(world, asked, settings(case, &anchors), &known);
        }
        learnt += known.zones().len();
        let asked = question(&case.owner, case.rtype);
        let outcome = validate(world, asked, settings(case, &anchors), &known);
        assert_eq!(found(&outcome).0, case.expected, "{}", case.name);
    }
    assert!(learnt > cases.len(), "{learnt} zones were learnt");
}

/// Zones that are signed until after 2106, when the 32 bits of the times begin anew (RFC 4034 §3.1.5).
#[test]
fn times_wrap_around_in_2106() {
    const WRAP: u64 = 1 << 32;
    let validity = Validity {
        inception: u32::MAX - 1000,
        expiration: 1000,
    };
    let zone = |apex: &str| Zone::signed(apex).validity(validity);
    let world = World::builder()
        .zone(zone("."))
        .zone(zone("test"))
        .zone(zone("d.test").address("h.d.test", [192, 0, 2, 1].into()))
        .start();
    let anchors = TrustAnchors::parse(&world.trust_anchor()).unwrap();
    for (at, expected) in [
        (WRAP - 1, Expected::Secure(Content::Data)),
        (WRAP, Expected::Secure(Content::Data)),
        (WRAP + 1000, Expected::Secure(Content::Data)),
        (WRAP + 1001, Expected::Bogus("Expired")),
        (WRAP - 2000, Expected::Bogus("NotYetValid")),
    ] {
        let settings = Settings {
            anchors: &anchors,
            algorithms: Algorithms::new(false),
            now: Timestamp::from_unix(at),
        };
        let outcome = validate(&world, question("h.d.test", RecordType::A), settings, &());
        assert_eq!(found(&outcome).0, expected, "{at}");
    }
}

/// Anchors at the root, at zones below it, and at none.
#[test]
fn the_closest_anchor_counts() {
    let key = ZoneKey::key_signing(Algorithm::ED25519);
    let other = ZoneKey::key_signing(Algorithm::ED25519);
    let address = [192, 0, 2, 1].into();
    let world = World::builder()
        .zone(
            Zone::signed("d.test")
                .key(KeyUse::combined(key.clone()))
                .damaged(Damage::WrongDs)
                .address("h.d.test", address),
        )
        .zone(Zone::signed("s.d.test").address("h.s.d.test", address))
        .zone(Zone::signed("e.test").address("h.e.test", address))
        .start();
    let ds = |key: &ZoneKey, digest| format!("d.test. DS {}\n", key.ds("d.test", digest));
    let root = world.trust_anchor();
    let good = ds(&key, DigestType::SHA256);
    let dnskey = format!("d.test. DNSKEY {}\n", key.dnskey());
    let stranger = ds(&other, DigestType::SHA256);
    let data = Expected::Secure(Content::Data);
    let unmatched = Expected::Bogus("DnskeyUnmatched");
    for (anchors, owner, expected) in [
        (root.clone(), "h.e.test", data),
        (root.clone(), "h.d.test", unmatched),
        (format!("{root}{good}"), "h.d.test", data),
        (format!("{root}{good}"), "h.s.d.test", data),
        (format!("{root}{good}"), "h.e.test", data),
        (format!("{root}{stranger}"), "h.d.test", unmatched),
        (format!("{root}{stranger}"), "h.e.test", data),
        (format!("{stranger}{good}"), "h.d.test", data),
        (good.clone(), "h.d.test", data),
        (dnskey, "h.d.test", data),
        (good, "h.e.test", Expected::Indeterminate("NoAnchor")),
    ] {
        let parsed = TrustAnchors::parse(&anchors).unwrap();
        let settings = Settings {
            anchors: &parsed,
            algorithms: Algorithms::new(false),
            now: Timestamp::now(),
        };
        let outcome = validate(&world, question(owner, RecordType::A), settings, &());
        assert_eq!(found(&outcome).0, expected, "{owner} with\n{anchors}");
    }
}
