//! Denials of small random zones against what the zones really hold: whole chains prove all that is true, parts of them never anything else.

use std::collections::{BTreeMap, BTreeSet};

use gateway::bytes::radix;
use gateway::dns::{Class, Name, Nsec, Nsec3, Rdata, Record, RecordType, TypeBitmap};
use gateway::dnssec::denial::{Absence, Cut, Denied};
use gateway::dnssec::{Budget, Denial, RrsetId, Why};
use gateway_lab::random::Random;

const A: RecordType = RecordType::A;
const NS: RecordType = RecordType::NS;
const DS: RecordType = RecordType::DS;
const SALT: [u8; 2] = [0xAB, 0xCD];

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// What a zone holds: owners with their types, none below a delegation or a DNAME.
struct Zone {
    apex: Name,
    nodes: BTreeMap<Name, Vec<RecordType>>,
}

/// What is true of a name and type.
#[derive(Debug, PartialEq, Eq)]
enum Truth {
    Absent(Absence),
    /// It is there, or the zone has no say.
    Nothing,
}

impl Zone {
    fn new(random: &mut Random) -> Self {
        let apex = name("z.test");
        let mut nodes = BTreeMap::from([(apex.clone(), vec![NS, RecordType::SOA])]);
        for _ in 0..random.below(8) {
            let owner = random_name(random, &apex, &["a", "b", "c", "*"]);
            let types = match random.below(7) {
                _ if owner == apex => continue,
                0 if !owner.is_wildcard() => vec![NS],
                1 if !owner.is_wildcard() => vec![NS, DS],
                2 => vec![RecordType::CNAME],
                3 if !owner.is_wildcard() => vec![RecordType::DNAME],
                4 => vec![RecordType::MX],
                _ => vec![A],
            };
            nodes.insert(owner, types);
        }
        let mut zone = Self { apex, nodes };
        let hidden: Vec<_> = zone
            .nodes
            .keys()
            .filter(|name| zone.is_hidden(name))
            .cloned()
            .collect();
        for name in hidden {
            zone.nodes.remove(&name);
        }
        zone
    }

    fn is_delegation(&self, name: &Name) -> bool {
        *name != self.apex
            && self
                .nodes
                .get(name)
                .is_some_and(|types| types.contains(&NS))
    }

    /// Whether a delegation or a DNAME lies above.
    fn is_hidden(&self, name: &Name) -> bool {
        let has_dname = |name: &Name| {
            self.nodes
                .get(name)
                .is_some_and(|types| types.contains(&RecordType::DNAME))
        };
        above(name, &self.apex).any(|name| self.is_delegation(&name) || has_dname(&name))
    }

    fn exists(&self, name: &Name) -> bool {
        self.nodes.keys().any(|owner| owner.is_at_or_below(name))
    }

    fn at(&self, name: &Name, rtype: RecordType) -> Truth {
        let types = self.nodes.get(name).map_or(&[][..], Vec::as_slice);
        let is_there = types.contains(&rtype) || types.contains(&RecordType::CNAME);
        let is_of_other_side = match rtype {
            DS => *name == self.apex,
            _ => self.is_delegation(name),
        };
        match is_there || is_of_other_side {
            true => Truth::Nothing,
            false => Truth::Absent(Absence::NoData),
        }
    }

    fn truth(&self, name: &Name, rtype: RecordType) -> Truth {
        if self.is_hidden(name) {
            return Truth::Nothing;
        }
        if self.exists(name) {
            return self.at(name, rtype);
        }
        let mut encloser = above(name, &self.apex);
        let encloser = encloser.find(|name| self.exists(name)).unwrap();
        let wildcard = encloser.prepend(b"*").unwrap();
        match self.exists(&wildcard) {
            true => self.at(&wildcard, rtype),
            false => Truth::Absent(Absence::NxDomain),
        }
    }

    fn nsec(&self) -> Vec<Record> {
        let owners: Vec<&Name> = self.nodes.keys().collect();
        let next = owners.iter().cycle().skip(1);
        let pairs = owners.iter().zip(next);
        pairs
            .map(|(owner, next)| {
                let types = self.nodes[*owner]
                    .iter()
                    .copied()
                    .chain([RecordType::NSEC, RecordType::RRSIG]);
                let next = (*next).clone();
                let types = TypeBitmap::from_types(types);
                record((*owner).clone(), Rdata::Nsec(Nsec { next, types }))
            })
            .collect()
    }

    fn nsec3(&self, iterations: u16, opt_out: bool) -> Vec<Record> {
        let is_left_out =
            |owner: &Name| opt_out && self.is_delegation(owner) && !self.nodes[owner].contains(&DS);
        let owners = self.nodes.keys().filter(|owner| !is_left_out(owner));
        let names: BTreeSet<Name> = owners
            .flat_map(|owner| above(owner, &self.apex).chain([owner.clone()]))
            .collect();
        let mut hashes: Vec<_> = names
            .iter()
            .map(|name| (hash(name, iterations), name))
            .collect();
        hashes.sort_unstable();
        let next = hashes.iter().cycle().skip(1);
        hashes
            .iter()
            .zip(next)
            .map(|((hash, name), (next, _))| {
                let types = self.nodes.get(*name).cloned().unwrap_or_default();
                let owner = self
                    .apex
                    .prepend(radix::encode_base32_hex(hash).as_bytes())
                    .unwrap();
                let data = Nsec3 {
                    hash_algorithm: 1,
                    flags: u8::from(opt_out),
                    iterations,
                    salt: SALT.to_vec(),
                    next_hash: next.to_vec(),
                    types: TypeBitmap::from_types(types),
                };
                record(owner, Rdata::Nsec3(data))
            })
            .collect()
    }
}

/// The names above, up to the apex.
fn above(name: &Name, apex: &Name) -> impl Iterator<Item = Name> {
    let apex = apex.clone();
    std::iter::successors(name.parent(), Name::parent)
        .take_while(move |name| name.is_at_or_below(&apex))
}

fn hash(name: &Name, iterations: u16) -> [u8; 20] {
    let first = openssl::sha::sha1(&[name.to_lowercase().as_wire(), &SALT].concat());
    (0..iterations).fold(first, |hash, _| {
        openssl::sha::sha1(&[&hash[..], &SALT].concat())
    })
}

fn record(name: Name, data: Rdata) -> Record {
    Record {
        name,
        class: Class::IN,
        ttl: 60,
        data,
    }
}

fn random_name(random: &mut Random, apex: &Name, labels: &[&str]) -> Name {
    (0..random.below(4)).fold(apex.clone(), |name, _| {
        name.prepend(labels[random.below(labels.len())].as_bytes())
            .unwrap()
    })
}

/// What holds of one question by some records of a chain.
struct Trial<'a> {
    zone: &'a Zone,
    records: Vec<Record>,
    is_whole: bool,
    is_nsec: bool,
    seed: u64,
}

impl Trial<'_> {
    fn check(&self, name: &Name, rtype: RecordType) {
        let denial = Denial::new(&self.zone.apex, &self.records);
        let question = RrsetId {
            owner: name.clone(),
            rtype,
        };
        let about = || {
            format!(
                "seed {}: {question} in {:?} by {:?}",
                self.seed, self.zone.nodes, self.records
            )
        };
        let truth = self.zone.truth(name, rtype);
        match denial.deny(&question, &mut Budget::new()) {
            Ok(Denied {
                weakness: Some(Why::OptOut { .. }),
                ..
            }) => {}
            Ok(denied) => {
                let found = denied.absence.map(Truth::Absent);
                assert_eq!(found, Some(truth), "{}", about());
            }
            Err(Why::Budget { .. }) => {}
            Err(Why::DenialContradicted { .. }) if self.is_left_out(name) => {}
            Err(why) if self.is_whole => assert_eq!(truth, Truth::Nothing, "{}: {why}", about()),
            Err(_) => {}
        }
        self.check_cut(&denial, name, &about);
        self.check_wildcard(&denial, &question, &about);
    }

    /// Whether the name is at or below an empty non-terminal that opt-out may have left out.
    fn is_left_out(&self, name: &Name) -> bool {
        let is_empty = |name: &Name| !self.zone.nodes.contains_key(name) && self.zone.exists(name);
        let mut names = above(name, &self.zone.apex).chain([name.clone()]);
        !self.is_nsec && names.any(|name| is_empty(&name))
    }

    fn check_cut(&self, denial: &Denial, name: &Name, about: &dyn Fn() -> String) {
        let zone = self.zone;
        let types = zone.nodes.get(name).map_or(&[][..], Vec::as_slice);
        let has_no_ds = [DS, RecordType::CNAME]
            .iter()
            .all(|one| !types.contains(one));
        let has_say = !zone.is_hidden(name) && *name != zone.apex && has_no_ds;
        match denial.cut(name, &mut Budget::new()) {
            Ok(Cut::Inside) => assert!(
                has_say && zone.exists(name) && !zone.is_delegation(name),
                "{}",
                about()
            ),
            Ok(Cut::Absent) => assert!(has_say && !zone.exists(name), "{}", about()),
            Ok(Cut::Insecure(Why::OptOut { .. })) => {
                assert!(has_say || zone.is_hidden(name), "{}", about());
            }
            Ok(Cut::Insecure(_)) => assert!(has_say && zone.is_delegation(name), "{}", about()),
            Err(Why::Budget { .. }) => {}
            Err(why) if self.is_whole => assert!(!has_say, "{}: {why}", about()),
            Err(_) => {}
        }
    }

    /// Hashes do not show what is above a name, but a wildcard's signature shows that its parent is in the zone.
    fn check_wildcard(&self, denial: &Denial, question: &RrsetId, about: &dyn Fn() -> String) {
        let from = self.zone.apex.label_count();
        for labels in from..question.owner.label_count() {
            let next_closer = question.owner.suffix(labels + 1).unwrap();
            if self.zone.is_hidden(&next_closer) && !self.is_nsec {
                continue;
            }
            let truth = !self.zone.exists(&next_closer) && !self.zone.is_hidden(&next_closer);
            match denial.no_closer_match(question, labels, &mut Budget::new()) {
                Ok(None) => assert!(truth, "{} below {labels} labels", about()),
                Ok(Some(_)) | Err(Why::Budget { .. }) => {}
                Err(why) if self.is_whole => {
                    assert!(!truth, "{} below {labels} labels: {why}", about());
                }
                Err(_) => {}
            }
        }
    }
}

#[test]
fn random_zones() {
    for seed in 1..=600 {
        let mut random = Random::new(seed * 0x9E37_79B9);
        let zone = Zone::new(&mut random);
        let chains = [
            (zone.nsec(), true),
            (zone.nsec3(0, false), false),
            (zone.nsec3(2, true), false),
        ];
        for (records, is_nsec) in chains {
            let part = records
                .iter()
                .filter(|_| random.below(3) > 0)
                .cloned()
                .collect();
            for (records, is_whole) in [(records.clone(), true), (part, false)] {
                let trial = Trial {
                    zone: &zone,
                    records,
                    is_whole,
                    is_nsec,
                    seed,
                };
                for _ in 0..8 {
                    let name = random_name(&mut random, &zone.apex, &["a", "b", "c", "d", "*"]);
                    let rtype = [A, DS, NS, RecordType::TXT][random.below(4)];
                    trial.check(&name, rtype);
                }
            }
        }
    }
}
