//! Earlier denials spare later questions (RFC 8198): what is asked, and that the answers are those of a resolver without memory.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::dns::{Name, Rdata, Record, RecordType};
use gateway::dnssec::{Algorithms, Known, Rrset, RrsetId, TrustAnchors, chain};
use gateway::outbound::Level;
use gateway::outbound::address::is_absence_proven;
use gateway::outbound::facts::Questions;
use gateway::resolver::{
    Answer, Content, DnssecMode, LookupError, Resolve, Resolver, Settings, ValidationSettings,
};
use gateway::smtp::Domain;
use gateway::time::{Deadline, Timestamp};
use gateway_lab::random::Random;
use gateway_lab::validation::validate;
use gateway_lab::world::{Denial, Hashing, World, WorldBuilder, Zone};

/// Longer than anything here takes, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
const ZONES: [&str; 4] = ["nsec.test", "nsec3.test", "optout.test", "compact.test"];
/// Questions of the comparison, in each zone.
const QUESTIONS: usize = 200;

fn zones() -> WorldBuilder {
    let hashing = |opt_out| {
        Denial::Nsec3(Hashing {
            iterations: 3,
            salt: vec![0xAB],
            opt_out,
        })
    };
    let denials = [Denial::Nsec, hashing(false), hashing(true), Denial::Compact];
    let filled = |apex: &str, denial| {
        let at = |owner: &str| format!("{owner}.{apex}");
        Zone::signed(apex)
            .denial(denial)
            .mx(10, &at("mail"))
            .address(&at("mail"), [192, 0, 2, 1].into())
            .address(&at("deep.empty"), [192, 0, 2, 2].into())
            .address(&at("*.wild"), [192, 0, 2, 3].into())
            .cname(&at("alias"), &at("mail"))
            .dname(&at("moved"), &at("wild"))
    };
    let mut world = World::builder().zone(Zone::signed("test"));
    for (apex, denial) in ZONES.into_iter().zip(denials) {
        let address = [192, 0, 2, 4].into();
        let child = |label: &str| format!("{label}.{apex}");
        let host = |label: &str| format!("mail.{}", child(label));
        world = world
            .zone(filled(apex, denial))
            .zone(Zone::signed(&child("signed")).address(&host("signed"), address))
            .zone(Zone::unsigned(&child("unsigned")).address(&host("unsigned"), address));
    }
    world
}

fn resolver(world: &World) -> Resolver {
    let settings = Settings {
        servers: vec![world.resolver().into()],
        dnssec: DnssecMode::Validate,
        validation: ValidationSettings {
            anchors: TrustAnchors::parse(&world.trust_anchor()).expect("anchors"),
            ..ValidationSettings::default()
        },
        ..Settings::default()
    };
    Resolver::new(&settings).expect("a resolver")
}

fn ask(resolver: &Resolver, owner: &str, rtype: RecordType) -> Result<Answer, LookupError> {
    let owner = Name::parse(owner).expect(owner);
    resolver.lookup(&owner, rtype, Deadline::after(PATIENCE))
}

/// What an answer says, and what is proven of it.
fn told(outcome: &Result<Answer, LookupError>) -> String {
    match outcome {
        Ok(answer) => {
            let content = match &answer.content {
                Content::Records(records) => {
                    let data = records.iter().map(|record| record.data.to_string());
                    data.collect::<BTreeSet<_>>().into_iter().collect()
                }
                absence => format!("{absence:?}"),
            };
            format!("{} {content} {:?}", answer.security, answer.aliases)
        }
        Err(error) => error.to_string(),
    }
}

/// How many questions a look-up costs, and what comes of it.
fn cost(world: &World, resolver: &Resolver, owner: &str, rtype: RecordType) -> (usize, String) {
    world.clear_queries();
    let outcome = ask(resolver, owner, rtype);
    (world.queries().len(), told(&outcome))
}

fn assert_cost(found: &(usize, String), expected: (usize, &str), what: &str) {
    assert_eq!((found.0, found.1.as_str()), expected, "{what}");
}

#[test]
fn a_denial_answers_for_its_neighbours() {
    let world = zones().start();
    // Servers that make a denial for each question leave no gaps.
    for (apex, later) in [("nsec.test", 0), ("compact.test", 1)] {
        let resolver = resolver(&world);
        let ask = |label: &str, rtype| cost(&world, &resolver, &format!("{label}.{apex}"), rtype);
        let (_, told) = ask("maim", RecordType::A);
        assert_eq!(told, "secure NxDomain []");
        // As `maim`, they lie between `mail` and `moved`.
        for label in ["mainz", "mandy", "moth"] {
            let found = ask(label, RecordType::MX);
            assert_cost(&found, (later, "secure NxDomain []"), label);
        }
    }
}

#[test]
fn a_name_that_lacks_one_type_is_known_to_lack_others() {
    let world = zones().start();
    let resolver = resolver(&world);
    for apex in ZONES {
        let mail = format!("mail.{apex}");
        let (_, told) = cost(&world, &resolver, &mail, RecordType::AAAA);
        assert_eq!(told, "secure NoData []");
        let found = cost(&world, &resolver, &mail, RecordType::TXT);
        assert_cost(&found, (0, "secure NoData []"), apex);
        let answer = ask(&resolver, &mail, RecordType::TXT).expect("an answer");
        assert_eq!(answer.server, "", "nobody was asked");
        // Whoever wants to know anew, asks.
        world.clear_queries();
        let owner = Name::parse(&mail).expect("a name");
        let fresh = resolver.lookup_fresh(&owner, RecordType::TXT, Deadline::after(PATIENCE));
        let fresh = (world.queries().len(), self::told(&fresh));
        assert_cost(&fresh, (1, "secure NoData []"), apex);
        // Less could be demanded of a host without TLSA records, so they are asked for.
        let found = cost(&world, &resolver, &mail, RecordType::TLSA);
        assert_cost(&found, (1, "secure NoData []"), apex);
    }
}

/// The hashes of the names lie at random, so it takes a few questions until all gaps are known.
#[test]
fn hashed_gaps_are_known_after_a_while() {
    let world = zones().start();
    for (apex, opt_out) in [("nsec3.test", false), ("optout.test", true)] {
        let resolver = resolver(&world);
        let nobody = |number| format!("nobody{number}.{apex}");
        let costs: Vec<usize> = (0..100)
            .map(|number| cost(&world, &resolver, &nobody(number), RecordType::A).0)
            .collect();
        let free = costs.iter().filter(|cost| **cost == 0).count();
        match opt_out {
            // Unsigned zones may lie in such gaps.
            true => assert_eq!(free, 0, "{costs:?}"),
            false => assert!(free > 50, "{costs:?}"),
        }
    }
}

#[test]
fn what_may_not_be_kept_answers_for_nothing() {
    let brief = Zone::signed("brief.test").address("mail.brief.test", [192, 0, 2, 1].into());
    let world = World::builder()
        .zone(Zone::signed("test"))
        .zone(brief.ttl(0));
    let world = world.start();
    let resolver = resolver(&world);
    for label in ["maim", "mainz"] {
        let (count, told) = cost(
            &world,
            &resolver,
            &format!("{label}.brief.test"),
            RecordType::A,
        );
        assert!(count > 0, "{label}");
        assert_eq!(told, "secure NxDomain []");
    }
}

/// What a denial was accepted by.
#[derive(Default)]
struct Learned(Mutex<Vec<String>>);

impl Known for Learned {
    fn zone(&self, _: &Name) -> Option<Arc<chain::Zone>> {
        None
    }

    fn learn(&self, _: &Arc<chain::Zone>) {}

    fn learn_denial(&self, apex: &Name, set: Rrset) {
        assert_eq!(apex.to_string(), "nsec.test.");
        let mut owners = self.0.lock().expect("one thread");
        owners.push(set.owner.to_string());
    }
}

/// What the resolver puts beside a sound denial is not learnt, and neither is a denial that is none.
#[test]
fn only_what_is_proven_is_kept() {
    let world = zones().start();
    let anchors = TrustAnchors::parse(&world.trust_anchor()).expect("anchors");
    let settings = chain::Settings {
        anchors: &anchors,
        algorithms: Algorithms::new(false),
        now: Timestamp::now(),
    };
    let id = |label: &str, rtype| RrsetId {
        owner: Name::parse(&format!("{label}.nsec.test")).expect("a name"),
        rtype,
    };
    let is_nsec = |record: &&mut Record| record.rtype() == RecordType::NSEC;
    type Change = fn(&mut Record);
    let changes: [(&str, Change, &[&str]); 3] = [
        (
            "as it is",
            |_| {},
            &["mail.nsec.test.", "nsec.test.", "signed.nsec.test."],
        ),
        (
            "another gap",
            |record| {
                if let Rdata::Nsec(nsec) = &mut record.data {
                    nsec.next = Name::parse("zzz.nsec.test").expect("a name");
                }
            },
            &["mail.nsec.test.", "nsec.test."],
        ),
        (
            "of another name",
            |record| record.name = Name::parse("moved.nsec.test").expect("a name"),
            &["mail.nsec.test.", "nsec.test."],
        ),
    ];
    for (what, change, expected) in changes {
        let question = id("maim", RecordType::A);
        let learned = Learned::default();
        let outcome = validate(&question, settings, &learned, |asked| {
            let mut reply = world.carry(&asked.owner, asked.rtype);
            if *asked == question {
                let mut beside = world.carry(&id("sin", RecordType::A).owner, RecordType::A);
                beside
                    .authorities
                    .retain(|record| record.name.to_string() != "nsec.test.");
                beside
                    .authorities
                    .iter_mut()
                    .filter(is_nsec)
                    .for_each(change);
                reply.authorities.append(&mut beside.authorities);
            }
            reply.into()
        });
        assert!(outcome.answer.is_ok(), "{what}: {:?}", outcome.answer);
        let mut owners = learned.0.into_inner().expect("one thread");
        owners.sort();
        assert_eq!(owners, expected, "{what}");
    }
}

/// A message would bounce for good: what earlier denials say of a whole gap may be older than the name.
#[test]
fn a_new_name_is_asked_for_before_mail_is_refused() {
    let world = zones().start();
    let resolver = resolver(&world);
    let questions = Questions {
        resolver: &resolver,
        timeout: PATIENCE,
    };
    let (_, told) = cost(&world, &resolver, "maim.nsec.test", RecordType::MX);
    assert_eq!(told, "secure NxDomain []");
    let name = Name::parse("mail2.nsec.test").expect("a name");
    let domain = Domain::parse("mail2.nsec.test").expect("a domain");
    world.replace_rrset(&name, vec![Rdata::A([192, 0, 2, 9].into())]);
    let found = cost(&world, &resolver, "mail2.nsec.test", RecordType::A);
    assert_cost(&found, (0, "secure NxDomain []"), "of the gap");
    let mx = questions.mx(&domain).expect("a name").result;
    assert_eq!(mx.expect("an answer").content, Content::NoData);
    let families = questions.addresses(&domain, true).expect("a name");
    assert!(!is_absence_proven(&families, Level::DaneOnly));
    assert_eq!(families[1].data().count(), 1);
    // The same where the name is older than its address.
    let name = Name::parse("mail3.nsec.test").expect("a name");
    let domain = Domain::parse("mail3.nsec.test").expect("a domain");
    world.replace_rrset(&name, vec![Rdata::Ptr(name.clone())]);
    let mx = questions.mx(&domain).expect("a name").result;
    assert_eq!(mx.expect("an answer").content, Content::NoData);
    world.replace_rrset(&name, vec![Rdata::A([192, 0, 2, 10].into())]);
    let found = cost(&world, &resolver, "mail3.nsec.test", RecordType::A);
    assert_cost(&found, (0, "secure NoData []"), "of the name");
    let families = questions.addresses(&domain, true).expect("a name");
    assert!(!is_absence_proven(&families, Level::DaneOnly));
    assert_eq!(families[1].data().count(), 1);
}

/// Random questions, many of them for what exists: with memory and without, the answer is the same.
#[test]
fn no_answer_is_changed() {
    const LABELS: [&str; 20] = [
        "",
        "mail.",
        "maim.",
        "_25._tcp.mail.",
        "alias.",
        "deep.",
        "empty.",
        "deep.empty.",
        "x.deep.empty.",
        "wild.",
        "x.wild.",
        "y.x.wild.",
        "moved.",
        "x.moved.",
        "signed.",
        "mail.signed.",
        "no.signed.",
        "unsigned.",
        "mail.unsigned.",
        "no.unsigned.",
    ];
    const TYPES: [RecordType; 6] = [
        RecordType::A,
        RecordType::AAAA,
        RecordType::MX,
        RecordType::TLSA,
        RecordType::DS,
        RecordType::CNAME,
    ];
    let world = zones().start();
    let mut random = Random::new(8198);
    let [mut with, mut without] = [0, 0];
    for apex in ZONES {
        let [warm, cold] = [resolver(&world), resolver(&world)];
        for _ in 0..QUESTIONS {
            let label = match random.below(3) {
                0 => format!("r{}.", random.below(1000)),
                _ => LABELS[random.below(LABELS.len())].to_owned(),
            };
            let owner = format!("{label}{apex}");
            let rtype = TYPES[random.below(TYPES.len())];
            let (count, found) = cost(&world, &warm, &owner, rtype);
            with += count;
            world.clear_queries();
            let name = Name::parse(&owner).expect("a name");
            let fresh = cold.lookup_fresh(&name, rtype, Deadline::after(PATIENCE));
            without += world.queries().len();
            assert_eq!(found, told(&fresh), "{owner} {rtype}");
        }
    }
    assert!(with * 2 < without, "{with} questions instead of {without}");
}
