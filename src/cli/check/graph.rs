//! The chain of trust of a check as a tree, from the trust anchors down: zones, the RRsets in them, and the certificates that TLSA records lead to.
//!
//! A node hangs below what vouches for it, and says how. Where a resolver's AD bit is believed, the resolver vouches for everything.

use std::collections::HashMap;

use super::certificate::Certificate;
use super::remedy::failure;
use super::step::{host_and_port, shortened};
use super::visit::{Attempt, Finding, Question};
use crate::dns::{Name, RecordType};
use crate::dnssec::chain::{Link, Part};
use crate::dnssec::keys::EntryPoint;
use crate::dnssec::why::date;
use crate::dnssec::{Consequence, KeyId, Proof, Why};
use crate::outbound::cause::Verdict;
use crate::outbound::{Level, Proof as Outcome};
use crate::resolver::{Content, Status};

/// Keys or records shown of one zone or RRset.
const LINES_MAX: usize = 8;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A resolver whose word is taken.
    Resolver,
    /// A zone with its keys.
    Zone,
    /// Records, or the proof that there are none.
    Rrset,
    /// A server that presented a certificate.
    Certificate,
    /// A server that did not.
    Server,
}

impl Kind {
    /// The word for programs.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Resolver => "resolver",
            Self::Zone => "zone",
            Self::Rrset => "rrset",
            Self::Certificate => "certificate",
            Self::Server => "server",
        }
    }
}

/// How sure it is that a node belongs below the one above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bond {
    /// Proven, or believed.
    Proven,
    /// Not proven, and nothing here demands it.
    Unproven,
    /// The chain breaks here.
    Broken,
    /// Not reached, since the chain broke before.
    Unreached,
}

impl Bond {
    /// The word for programs.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Proven => "proven",
            Self::Unproven => "unproven",
            Self::Broken => "broken",
            Self::Unreached => "unreached",
        }
    }
}

/// One thing in the chain.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// What stands above the name: "zone", "MX", "certificate".
    pub(super) heading: String,
    pub(super) name: String,
    pub(super) lines: Vec<Line>,
    /// The node above; none for what is believed by itself.
    pub(super) above: Option<usize>,
    /// What ties it to the node above: `anchor`, `ds`, `rrsig`, `ad` or `tlsa`.
    pub(super) tie: &'static str,
    pub(super) bond: Bond,
    /// What the tie consists of.
    pub(super) label: String,
    /// Why it is broken or not proven.
    pub(super) why: Option<String>,
}

/// A line of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) text: String,
    /// The key it is about.
    pub(super) key: Option<KeyId>,
}

impl Line {
    fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            key: None,
        }
    }
}

/// The tree; every node stands behind the one it hangs from.
pub(super) fn grow(findings: &[Finding], level: Level) -> Vec<Node> {
    let mut tree = Tree {
        level,
        nodes: Vec::new(),
        zones: HashMap::new(),
        answers: HashMap::new(),
        resolvers: HashMap::new(),
        parts: Vec::new(),
        last_tlsa: None,
        last_mx: None,
    };
    for finding in findings {
        match finding {
            Finding::Question(question) => tree.question(question),
            Finding::Attempt(attempt) => tree.attempt(attempt),
            Finding::Exception(_) => {}
        }
    }
    tree.nodes
}

struct Tree {
    level: Level,
    nodes: Vec<Node>,
    zones: HashMap<Name, usize>,
    /// What answers a question.
    answers: HashMap<(Name, RecordType), usize>,
    resolvers: HashMap<String, usize>,
    parts: Vec<(Part, usize)>,
    last_tlsa: Option<usize>,
    last_mx: Option<usize>,
}

impl Tree {
    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Whether the chain breaks at this node or above it.
    fn is_broken(&self, mut place: Option<usize>) -> bool {
        while let Some(node) = place.and_then(|place| self.nodes.get(place)) {
            if matches!(node.bond, Bond::Broken | Bond::Unreached) {
                return true;
            }
            place = node.above;
        }
        false
    }

    /// The bond of something with this fault, below this node.
    fn bond(&self, above: Option<usize>, fault: Option<Consequence>) -> Bond {
        match fault {
            _ if self.is_broken(above) => Bond::Unreached,
            None if self.is_unproven(above) => Bond::Unproven,
            None => Bond::Proven,
            Some(Consequence::Insecure) if self.level != Level::DaneOnly => Bond::Unproven,
            Some(_) => Bond::Broken,
        }
    }

    fn is_unproven(&self, above: Option<usize>) -> bool {
        let node = above.and_then(|place| self.nodes.get(place));
        node.is_some_and(|node| node.bond == Bond::Unproven)
    }

    fn question(&mut self, question: &Question) {
        let asked = &question.asked;
        let place = match &question.explanation {
            Some(explanation) if !explanation.chain.is_empty() => {
                let zones = explanation.chain.iter();
                let last = zones.map(|link| self.zone(link)).last();
                let parts = explanation.parts.iter();
                let parts: Vec<(RecordType, usize)> = parts
                    .map(|part| (part.rrset.rtype, self.part(part, question)))
                    .collect();
                match parts.last() {
                    Some((rtype, place)) if *rtype == asked.rtype => *place,
                    _ => self.missing(question, last, explanation.why.as_ref()),
                }
            }
            _ => self.hearsay(question),
        };
        let key = (asked.name.clone(), asked.rtype);
        self.answers.insert(key, place);
        match asked.rtype {
            RecordType::TLSA => self.last_tlsa = Some(place),
            RecordType::MX => self.last_mx = Some(place),
            _ => {}
        }
    }

    fn zone(&mut self, link: &Link) -> usize {
        if let Some(place) = self.zones.get(&link.zone) {
            return *place;
        }
        let zones = self.zones.iter();
        let above = zones.filter(|(zone, _)| link.zone.is_at_or_below(zone));
        let above = above.max_by_key(|(zone, _)| zone.label_count());
        let is_anchor = link.delegation.is_none() && !link.points.is_empty();
        let above = above.filter(|_| !is_anchor).map(|(_, place)| *place);
        let place = self.add(Node {
            kind: Kind::Zone,
            heading: "zone".to_owned(),
            name: match link.zone.is_root() {
                true => ". (root)".to_owned(),
                false => link.zone.to_string(),
            },
            lines: keys(link),
            above,
            tie: if is_anchor { "anchor" } else { "ds" },
            bond: self.bond(above, link.why.as_ref().map(Why::consequence)),
            label: entry(link),
            why: link.why.as_ref().map(ToString::to_string),
        });
        self.zones.insert(link.zone.clone(), place);
        place
    }

    fn part(&mut self, part: &Part, question: &Question) -> usize {
        if let Some((_, place)) = self.parts.iter().find(|(one, _)| one == part) {
            return *place;
        }
        let above = self.zones.get(&part.zone).copied();
        let fault = part.why.as_ref().map(Why::consequence);
        let is_news = !self.is_said(above, part.why.as_ref());
        let label = match (&part.signature, part.is_denial) {
            (Some(proof), _) => signed(proof),
            (None, true) if part.why.is_none() => "absence proven by signed records".to_owned(),
            (None, _) if part.why.is_none() => "proven by signed records".to_owned(),
            (None, _) => "no valid signature".to_owned(),
        };
        let place = self.add(Node {
            kind: Kind::Rrset,
            heading: part.rrset.rtype.to_string(),
            name: part.rrset.owner.to_string(),
            lines: contents(part, question),
            above,
            tie: "rrsig",
            bond: self.bond(above, fault.filter(|_| is_news)),
            label,
            why: part
                .why
                .as_ref()
                .filter(|_| is_news)
                .map(ToString::to_string),
        });
        self.parts.push((part.clone(), place));
        place
    }

    /// Whether a node says this already.
    fn is_said(&self, place: Option<usize>, why: Option<&Why>) -> bool {
        let node = place.and_then(|place| self.nodes.get(place));
        let said = node.and_then(|node| node.why.as_ref());
        why.is_some_and(|why| said == Some(&why.to_string()))
    }

    /// What was asked for, where the chain ended before it.
    fn missing(&mut self, question: &Question, above: Option<usize>, why: Option<&Why>) -> usize {
        let asked = &question.asked;
        let why = why.filter(|why| !self.is_said(above, Some(why)));
        let fault = why
            .map(Why::consequence)
            .unwrap_or(Consequence::Indeterminate);
        self.add(Node {
            kind: Kind::Rrset,
            heading: asked.rtype.to_string(),
            name: asked.name.to_string(),
            lines: vec![Line::plain(asked.status().word())],
            above,
            tie: "rrsig",
            bond: self.bond(above, Some(fault)),
            label: "not proven".to_owned(),
            why: why.map(ToString::to_string),
        })
    }

    /// An answer that rests on a resolver's word.
    fn hearsay(&mut self, question: &Question) -> usize {
        let asked = &question.asked;
        if let Some(place) = self.known(question) {
            return place;
        }
        let above = self.resolver(asked.server(), question.explanation.is_none());
        let status = asked.status();
        let (fault, label) = match status {
            Status::Secure => (None, "AD bit set"),
            Status::Insecure => (Some(Consequence::Insecure), "no AD bit"),
            Status::Bogus => (Some(Consequence::Bogus), "no answer that may be used"),
            Status::Indeterminate | Status::Error => (
                Some(Consequence::Indeterminate),
                "no answer that may be used",
            ),
        };
        let why = asked
            .result
            .as_ref()
            .err()
            .map(|error| error.kind.to_string());
        self.add(Node {
            kind: Kind::Rrset,
            heading: asked.rtype.to_string(),
            name: asked.name.to_string(),
            lines: records(question),
            above: Some(above),
            tie: "ad",
            bond: self.bond(Some(above), fault),
            label: label.to_owned(),
            why,
        })
    }

    /// The node of this question, if it was answered the same before.
    fn known(&self, question: &Question) -> Option<usize> {
        let key = (question.asked.name.clone(), question.asked.rtype);
        let place = *self.answers.get(&key)?;
        let node = self.nodes.get(place)?;
        (node.lines == records(question)).then_some(place)
    }

    fn resolver(&mut self, server: &str, is_believed: bool) -> usize {
        if let Some(place) = self.resolvers.get(server) {
            return *place;
        }
        let (name, label) = match (server, is_believed) {
            ("", _) => ("none has answered", "nothing is known"),
            (server, true) => (server, "believed: its AD bit is the proof"),
            (server, false) => (server, "a carrier, not believed"),
        };
        let place = self.add(Node {
            kind: Kind::Resolver,
            heading: "resolver".to_owned(),
            name: name.to_owned(),
            lines: Vec::new(),
            above: None,
            tie: "anchor",
            bond: match is_believed {
                true => Bond::Proven,
                false => Bond::Unproven,
            },
            label: label.to_owned(),
            why: None,
        });
        self.resolvers.insert(server.to_owned(), place);
        place
    }

    fn attempt(&mut self, attempt: &Attempt) {
        let record = &attempt.record;
        let above = self.voucher(attempt);
        let is_refused = record.cause.verdict() != Verdict::Deliver;
        let fault = is_refused.then_some(Consequence::Bogus);
        let certificate = attempt.leaf().and_then(Certificate::read);
        let mut lines: Vec<Line> = Vec::new();
        if let Some(facts) = attempt.facts() {
            lines.push(Line::plain(format!("{} {}", facts.version, facts.cipher)));
        }
        for (label, text) in certificate.iter().flat_map(Certificate::facts) {
            lines.push(Line::plain(format!("{label}: {text}")));
        }
        let proof = record.proof.as_ref().filter(|_| !is_refused);
        let label = proof.map_or_else(
            || format!("{} at {}", record.cause.reason, record.step),
            proven,
        );
        let (kind, heading) = match attempt.is_encrypted() {
            true => (Kind::Certificate, "certificate presented by"),
            false => (Kind::Server, "server"),
        };
        let bond = self.bond(above, fault);
        self.add(Node {
            kind,
            heading: heading.to_owned(),
            name: host_and_port(record),
            lines,
            above,
            tie: "tlsa",
            bond: match (bond, proof) {
                (Bond::Proven, Some(Outcome::Encryption | Outcome::Loopback)) => Bond::Unproven,
                // These prove who the server is whatever the DNS says.
                (Bond::Unproven, Some(Outcome::Pkix(_) | Outcome::Pin(_))) => Bond::Proven,
                (bond, _) => bond,
            },
            label,
            why: (bond == Bond::Broken).then(|| failure(record)),
        });
    }

    /// What an attempt rests on: the TLSA records, else the addresses, else the MX records.
    fn voucher(&self, attempt: &Attempt) -> Option<usize> {
        let record = &attempt.record;
        let address = || {
            let name = Name::parse(record.host()).ok()?;
            let rtype = match record.address {
                Some(address) if address.is_ipv6() => RecordType::AAAA,
                _ => RecordType::A,
            };
            self.answers.get(&(name, rtype)).copied()
        };
        let tlsa = record.tlsa_status.and(self.last_tlsa);
        tlsa.or_else(address).or(self.last_mx)
    }
}

/// What a server has proven.
fn proven(proof: &Outcome) -> String {
    match proof {
        Outcome::Dane(matched) => {
            let record = matched.record();
            let (usage, selector, matching) = (record.usage, record.selector, record.matching);
            format!("{usage} {selector} {matching} matches")
        }
        Outcome::Pkix(name) => format!("a CA vouches for {name}"),
        Outcome::Pin(pin) => format!("pinned: {pin}"),
        Outcome::Encryption => "encrypted, to whom is not proven".to_owned(),
        Outcome::Loopback => "this machine".to_owned(),
    }
}

fn keys(link: &Link) -> Vec<Line> {
    let signer = link.dnskey.as_ref().map(|proof| &proof.key);
    let line = |key: &KeyId| Line {
        text: match signer == Some(key) {
            true => format!("key {} {}, signs the keys", key.tag, key.algorithm),
            false => format!("key {} {}", key.tag, key.algorithm),
        },
        key: Some(key.clone()),
    };
    first(link.keys.iter().map(line).collect())
}

/// What leads into a zone.
fn entry(link: &Link) -> String {
    let mut points: Vec<String> = Vec::new();
    for point in &link.points {
        let text = match point {
            EntryPoint::Ds(ds) => format!("DS {} {}", ds.key_tag, ds.digest_type),
            EntryPoint::Dnskey(key) => format!("DNSKEY {}", key.key_tag()),
        };
        if !points.contains(&text) {
            points.push(text);
        }
    }
    let points = points.join(", ");
    match &link.delegation {
        _ if points.is_empty() => "no usable DS record".to_owned(),
        None => format!("trust anchor: {points}"),
        Some(proof) => format!("{points}, {}", signed(proof)),
    }
}

fn signed(proof: &Proof) -> String {
    let until = date(proof.expiration);
    let day = until.split(' ').next().unwrap_or_default();
    format!("signed by key {} until {day}", proof.key.tag)
}

/// What a part of an answer holds.
fn contents(part: &Part, question: &Question) -> Vec<Line> {
    let rtype = part.rrset.rtype;
    if part.is_denial || rtype == question.asked.rtype {
        return records(question);
    }
    let answer = question.asked.result.as_ref();
    let aliases = answer.map_or(&[][..], |answer| answer.aliases.as_slice());
    let mut targets = aliases
        .iter()
        .filter(|alias| alias.owner == part.rrset.owner);
    let target = targets.next();
    target
        .map(|alias| Line::plain(alias.target.to_string()))
        .into_iter()
        .collect()
}

fn records(question: &Question) -> Vec<Line> {
    let asked = &question.asked;
    let absence = match &asked.result {
        Err(_) => Some(asked.status().word()),
        Ok(answer) => match answer.content {
            Content::Records(_) => None,
            Content::NoData => Some("no such record"),
            Content::NxDomain => Some("no such name"),
        },
    };
    let data = asked
        .data()
        .map(|data| Line::plain(shortened(&data.to_string())));
    first(data.chain(absence.map(Line::plain)).collect())
}

/// The first of many lines, and how many more there are.
fn first(mut lines: Vec<Line>) -> Vec<Line> {
    let more = lines.len().saturating_sub(LINES_MAX);
    if more > 0 {
        lines.truncate(LINES_MAX);
        lines.push(Line::plain(format!("and {more} more")));
    }
    lines
}
