//! Signed zones to validate answers from, and the loop that drives a validation: by hand, at any time, in any order, with replies changed on the way.

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};

use gateway::dns::{Algorithm, Name, Rdata, Record, RecordType};
use gateway::dnssec::chain::{Content, Outcome, Settings};
use gateway::dnssec::{
    Algorithms, Consequence, Known, Progress, Reply, RrsetId, TrustAnchors, Validation,
};
use gateway::time::Timestamp;
use gateway_lab::random::Random;
use gateway_lab::world::{Denial, Hashing, KeyUse, Validity, WorldBuilder, ZoneKey};
use gateway_lab::{Damage, World, Zone};

/// When everything is signed, and for how long.
pub(super) const NOW: u32 = 1_800_000_000;
const VALIDITY: Validity = Validity {
    inception: NOW - 3600,
    expiration: NOW + 86_400,
};

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).expect(text)
}

pub(super) fn id(text: &str) -> RrsetId {
    let (owner, rtype) = text.split_once(' ').expect(text);
    RrsetId {
        owner: name(owner),
        rtype: rtype.parse().expect(text),
    }
}

/// The zones, and every reply once it was asked for; shared by all tests of this file.
pub(super) struct Universe {
    world: World,
    pub(super) anchors: TrustAnchors,
    replies: Mutex<HashMap<RrsetId, Reply>>,
}

pub(super) fn universe() -> &'static Universe {
    static UNIVERSE: OnceLock<Universe> = OnceLock::new();
    UNIVERSE.get_or_init(Universe::start)
}

fn signed(apex: &str) -> Zone {
    Zone::signed(apex).validity(VALIDITY)
}

/// A zone with NSEC3 records.
fn hashed(apex: &str, iterations: u16, opt_out: bool) -> Zone {
    let hashing = Hashing {
        iterations,
        salt: vec![0xAB; usize::from(iterations % 7)],
        opt_out,
    };
    signed(apex)
        .denial(Denial::Nsec3(hashing))
        .text("mx A 192.0.2.1\na.ent A 192.0.2.2\n*.w MX 10 mx\nx.y.w A 192.0.2.3")
}

impl Universe {
    fn start() -> Self {
        let zones = [
            signed("."),
            signed("test"),
            signed("s.test").text(
                "@ MX 10 mx\nmx A 192.0.2.1\n_25._tcp.mx TLSA 3 1 1 AA\na.ent A 192.0.2.2\n*.w MX 10 mx\n*.cw CNAME mx\nx.y.w A 192.0.2.3\n\
                 to-plain CNAME www.plain.test.\nto-other CNAME mx.o.test.\nto-none CNAME none.o.test.\nto-bogus CNAME www.sig.test.\n\
                 d DNAME o.test.\nd-plain DNAME plain.test.\nloop CNAME pool\npool CNAME loop",
            ),
            signed("child.s.test").text("www A 192.0.2.4"),
            signed("o.test").text("mx A 192.0.2.5\nback CNAME mx.s.test."),
            signed("deep.under.test").text("www A 192.0.2.6"),
            Zone::unsigned("plain.test").text("www A 192.0.2.7\nto-s CNAME mx.s.test.\n*.w A 192.0.2.9"),
            Zone::unsigned("sub.plain.test").text("www A 192.0.2.8"),
            signed("island.test")
                .damaged(Damage::NoDs)
                .text("www A 192.0.2.10"),
            signed("ds.test")
                .damaged(Damage::WrongDs)
                .text("www A 192.0.2.11"),
            signed("sig.test")
                .damaged(Damage::Signatures)
                .text("www A 192.0.2.12"),
            signed("evil.test").text("@ A 192.0.2.66"),
            hashed("n.test", 0, false),
            hashed("opt.test", 1, true),
            hashed("many.test", 50, false),
            hashed("toomany.test", 51, false),
            hashed("absurd.test", 501, false),
            signed("child.n.test").text("www A 192.0.2.4"),
            Zone::unsigned("plain.n.test").text("www A 192.0.2.7"),
            signed("child.opt.test").text("www A 192.0.2.4"),
            Zone::unsigned("plain.opt.test").text("www A 192.0.2.7"),
            Zone::unsigned("plain.toomany.test").text("www A 192.0.2.7"),
            Zone::unsigned("plain.absurd.test").text("www A 192.0.2.7"),
            signed("compact.test")
                .denial(Denial::Compact)
                .text("mx A 192.0.2.1\na.ent A 192.0.2.2\n*.w MX 10 mx"),
            Zone::unsigned("plain.compact.test").text("www A 192.0.2.7"),
            signed("old.test")
                .key(KeyUse::combined(ZoneKey::key_signing(Algorithm::RSASHA1)))
                .text("www A 192.0.2.13"),
        ];
        let world = zones
            .into_iter()
            .fold(World::builder(), WorldBuilder::zone)
            .start();
        Self {
            anchors: TrustAnchors::parse(&world.trust_anchor()).expect("the root's anchor"),
            world,
            replies: Mutex::default(),
        }
    }

    /// What the resolver replies, with CD set.
    pub(super) fn ask(&self, question: &RrsetId) -> Reply {
        let mut replies = self.replies.lock().expect("no test panics in here");
        let reply = replies
            .entry(question.clone())
            .or_insert_with(|| self.world.carry(&question.owner, question.rtype).into());
        reply.clone()
    }
}

/// Which of the replies asked for comes next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Order {
    /// As they were asked for, all before the validation goes on.
    Batch,
    /// One after the other, the last first.
    Last,
    /// One after the other, by chance.
    Seed(u64),
}

/// A way of changing replies.
pub(super) type Tamper<'a> = &'a dyn Fn(&RrsetId, &mut Reply);

/// One run of a validation.
pub(super) struct Run<'a> {
    pub(super) anchors: &'a TrustAnchors,
    pub(super) now: u32,
    pub(super) order: Order,
    pub(super) known: &'a dyn Known,
    pub(super) tamper: Tamper<'a>,
}

impl Default for Run<'_> {
    fn default() -> Self {
        Self {
            anchors: &universe().anchors,
            now: NOW,
            order: Order::Batch,
            known: &(),
            tamper: &|_, _| {},
        }
    }
}

impl Run<'_> {
    /// Drives a validation to its end, with the questions it asked.
    pub(super) fn ask(&self, question: &str) -> (Outcome, Vec<RrsetId>) {
        let settings = Settings {
            anchors: self.anchors,
            algorithms: Algorithms::new(false),
            now: Timestamp::from_unix(self.now.into()),
        };
        let mut validation = Validation::new(id(question), settings);
        let (mut waiting, mut asked) = (Vec::new(), Vec::new());
        let mut random = Random::new(match self.order {
            Order::Seed(seed) => seed,
            Order::Batch | Order::Last => 1,
        });
        loop {
            match validation.progress(self.known) {
                Progress::Done(outcome) => return (*outcome, asked),
                Progress::Need(questions) => {
                    waiting.extend(questions.iter().cloned());
                    asked.extend(questions);
                }
            }
            assert!(!waiting.is_empty(), "{question}: waits for nothing");
            let next = match self.order {
                Order::Batch => std::mem::take(&mut waiting),
                Order::Last => waiting.pop().into_iter().collect(),
                Order::Seed(_) => vec![waiting.swap_remove(random.below(waiting.len()))],
            };
            for question in next {
                let mut reply = universe().ask(&question);
                (self.tamper)(&question, &mut reply);
                validation.supply(&question, Ok(reply));
            }
        }
    }

    /// The outcome in a few words, as the tables have it.
    pub(super) fn verdict(&self, question: &str) -> String {
        verdict(&self.ask(question).0)
    }
}

/// `secure 10 mx.s.test.`, `insecure Unsigned NoData`, `bogus Expired`.
pub(super) fn verdict(outcome: &Outcome) -> String {
    let word = |why: &dyn std::fmt::Debug| {
        let text = format!("{why:?}");
        text.split([' ', '{', '('])
            .next()
            .expect("a word")
            .to_owned()
    };
    match &outcome.answer {
        Ok(answer) => {
            let content = match &answer.content {
                Content::Records(records) => {
                    let data = records.iter().map(|record| record.data.to_string());
                    data.collect::<Vec<_>>().join(", ")
                }
                other => word(other),
            };
            match &answer.why {
                None => format!("secure {content}"),
                Some(why) => format!("insecure {} {content}", word(why)),
            }
        }
        Err(why) if why.consequence() == Consequence::Bogus => format!("bogus {}", word(why)),
        Err(why) => format!("indeterminate {}", word(why)),
    }
}

/// Whether a record is of this type or a signature over it.
pub(super) fn is_about(record: &Record, rtype: RecordType) -> bool {
    match &record.data {
        Rdata::Rrsig(rrsig) => rrsig.type_covered == rtype,
        data => data.rtype() == rtype,
    }
}

/// A verdict without data that differ from run to run.
pub(super) fn without_keys(verdict: String, question: &str) -> String {
    let rtype = question.split(' ').next_back().unwrap_or_default();
    match rtype {
        "DNSKEY" if verdict.starts_with("secure 25") => "secure KEYS".to_owned(),
        "DS" if verdict.ends_with(char::is_uppercase) || verdict.contains(" 13 2 ") => {
            "secure DS".to_owned()
        }
        "SOA" if verdict.starts_with("secure ns.") => "secure SOA".to_owned(),
        _ => verdict,
    }
}
