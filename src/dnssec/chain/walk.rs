//! The way from a trust anchor down to the zone of a name, one label at a time.
//!
//! At each label the zone above says in signed records whether another zone begins there: DS records (signed, or signed in a way that is
//! not supported), their denial at a delegation (unsigned), or their denial elsewhere (the zone goes on).

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::super::denial::Cut;
use super::super::keys::{EntryPoints, ZoneKeys};
use super::super::limits::{Budget, ZONE_TTL_AT_MOST};
use super::super::rrset::{Rrset, group};
use super::super::signature::Proof;
use super::super::why::{Consequence, RrsetId, Why};
use super::judge::{Evidence, prove};
use super::reply::{Target, place};
use super::zone::{Known, Link, Trust, Zone};
use super::{Replies, Reply, Settings};
use crate::dns::{Class, Name, RecordType};
use crate::time::Timestamp;

/// So many labels from the root nearly always begin a zone each: what is asked for ahead where nothing better is known.
const LABELS_OF_ZONES: usize = 2;
/// DS RRsets asked for ahead at once: names in use have no more labels.
const AHEAD_AT_MOST: usize = 8;

/// Finds zones, and remembers every step.
#[derive(Debug)]
pub(super) struct Walker<'a> {
    pub(super) settings: Settings<'a>,
    pub(super) replies: Replies,
    pub(super) budget: Budget,
    steps: HashMap<Name, Step>,
    /// The ends of all walks so far, in order.
    ends: Vec<Arc<Zone>>,
    /// The link that broke, and the zone above it.
    broken: Option<(Option<Arc<Zone>>, Link)>,
}

/// What was found out about a name from the zone above it.
#[derive(Clone)]
enum Step {
    /// It is the apex of a zone.
    Zone(Arc<Zone>),
    /// It is the apex of a signed zone, whose keys are still to come.
    Delegation(Arc<(EntryPoints, Proof)>),
    /// It is part of the zone above.
    Inside,
    /// Neither it nor any name below it begins a zone.
    Absent,
}

/// The kind alone: keys are no use to a reader.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Zone(_) => "Zone",
            Self::Delegation(_) => "Delegation",
            Self::Inside => "Inside",
            Self::Absent => "Absent",
        })
    }
}

impl<'a> Walker<'a> {
    pub(super) fn new(settings: Settings<'a>) -> Self {
        Self {
            settings,
            replies: Replies::default(),
            budget: Budget::new(),
            steps: HashMap::new(),
            ends: Vec::new(),
            broken: None,
        }
    }

    /// The zone of each target; `None` while replies are missing. Work is done in order, so that the outcome does not depend on which
    /// reply comes first; for later targets replies are only asked for.
    pub(super) fn zones_of(
        &mut self,
        targets: &[Target],
        known: &dyn Known,
    ) -> Result<Option<Vec<Arc<Zone>>>, Why> {
        let mut zones = Vec::new();
        let mut is_waiting = false;
        for target in targets {
            if is_waiting {
                self.ask_below_known(target, known);
                continue;
            }
            match self.walk(target, known)? {
                Some(zone) => zones.push(zone),
                None => is_waiting = true,
            }
        }
        Ok((!is_waiting).then_some(zones))
    }

    /// Asks for what any answer to this question will probably need.
    pub(super) fn ask_first(&mut self, question: &RrsetId, known: &dyn Known) {
        let target = Target {
            name: place(&question.owner, question.rtype),
            is_signer: false,
        };
        self.ask_below_known(&target, known);
    }

    /// The links of all zones visited, and of the one that broke.
    pub(super) fn chain(&self) -> Vec<Link> {
        let above = self.broken.iter().filter_map(|(above, _)| above.as_ref());
        let paths = self.ends.iter().chain(above).flat_map(|zone| zone.path());
        let mut chain: Vec<Link> = Vec::new();
        for zone in paths {
            if chain.iter().all(|link| link.zone != zone.link.zone) {
                chain.push(zone.link.clone());
            }
        }
        chain.extend(self.broken.iter().map(|(_, link)| link.clone()));
        chain
    }

    /// Goes down to the deepest zone at or above the target; `None` while replies are missing.
    fn walk(&mut self, target: &Target, known: &dyn Known) -> Result<Option<Arc<Zone>>, Why> {
        let Some(mut zone) = self.start(target, known)? else {
            return Ok(None);
        };
        for count in zone.apex().label_count() + 1..=target.name.label_count() {
            let Trust::Secure(keys) = zone.trust.clone() else {
                break;
            };
            let Some(name) = target.name.suffix(count) else {
                break;
            };
            match self.step(&zone, &keys, &name, known)? {
                None => {
                    self.ask_ahead(count, target);
                    return Ok(None);
                }
                Some(Step::Zone(below)) => zone = below,
                Some(Step::Absent) => break,
                Some(Step::Inside | Step::Delegation(_)) => {}
            }
        }
        if self.ends.iter().all(|end| end.apex() != zone.apex()) {
            self.ends.push(Arc::clone(&zone));
        }
        Ok(Some(zone))
    }

    /// The deepest zone known at or above the target, else that of the closest trust anchor.
    fn start(&mut self, target: &Target, known: &dyn Known) -> Result<Option<Arc<Zone>>, Why> {
        let anchors = self.settings.anchors;
        let Some(apex) = anchors.closest(&target.name) else {
            let name = target.name.clone();
            return Err(Why::NoAnchor { name });
        };
        if let Some(zone) = self.deepest(&target.name, apex, known) {
            return Ok(Some(zone));
        }
        let points = anchors
            .entry_points(apex, self.settings.algorithms)
            .map_err(|why| self.broke(None, Link::to(apex.clone()), why))?;
        let zone = self.enter(&points, None, None, known)?;
        if zone.is_none() {
            self.ask_ahead(apex.label_count() + 1, target);
        }
        Ok(zone)
    }

    /// The deepest zone that was found earlier, not above the anchor.
    fn deepest(&mut self, name: &Name, anchor: &Name, known: &dyn Known) -> Option<Arc<Zone>> {
        for count in (anchor.label_count()..=name.label_count()).rev() {
            let apex = name.suffix(count)?;
            if let Some(Step::Zone(zone)) = self.steps.get(&apex) {
                return Some(Arc::clone(zone));
            }
            let is_current = |zone: &Arc<Zone>| self.settings.now < zone.until;
            if let Some(zone) = known.zone(&apex).filter(is_current) {
                self.steps.insert(apex, Step::Zone(Arc::clone(&zone)));
                return Some(zone);
            }
        }
        None
    }

    /// One label down from a secure zone; `None` while replies are missing.
    fn step(
        &mut self,
        zone: &Arc<Zone>,
        keys: &ZoneKeys,
        name: &Name,
        known: &dyn Known,
    ) -> Result<Option<Step>, Why> {
        let step = match self.steps.get(name) {
            Some(step) => step.clone(),
            None => match self.ask_above(zone, keys, name, known) {
                Ok(Some(step)) => step,
                Ok(None) => return Ok(None),
                Err(why) => return Err(self.broke(Some(zone), Link::to(name.clone()), why)),
            },
        };
        self.steps.insert(name.clone(), step.clone());
        let Step::Delegation(delegation) = step else {
            return Ok(Some(step));
        };
        let (points, proof) = &*delegation;
        let zone = self.enter(points, Some(proof), Some(zone), known)?;
        Ok(zone.map(Step::Zone))
    }

    /// What the zone above says about DS records at a name.
    fn ask_above(
        &mut self,
        zone: &Arc<Zone>,
        keys: &ZoneKeys,
        name: &Name,
        known: &dyn Known,
    ) -> Result<Option<Step>, Why> {
        let Some(reply) = self.replies.find(&id(name, RecordType::DS))? else {
            return Ok(None);
        };
        let sets = group(&reply.answers);
        let set_of = |rtype| find(&sets, name, rtype);
        if let Some(set) = set_of(RecordType::DS) {
            return self.delegation(zone, keys, set, known).map(Some);
        }
        let authority = group(&reply.authorities);
        let mut evidence = Evidence::new(&authority, keys, self.settings.now);
        if let Some(set) = set_of(RecordType::CNAME).filter(|set| !set.signatures.is_empty()) {
            // Where there is an alias, there is no delegation (RFC 2181 §10.1).
            prove(set, &mut evidence, &mut self.budget)?;
            return Ok(Some(Step::Inside));
        }
        let is_dname =
            |set: &&Rrset| set.rtype == RecordType::DNAME && name.is_at_or_below(&set.owner);
        if let Some(set) = sets.iter().find(is_dname).filter(|set| set.owner != *name) {
            prove(set, &mut evidence, &mut self.budget)?;
            return Ok(Some(Step::Absent));
        }
        let (cut, ttl) = evidence.cut(name, &mut self.budget)?;
        Ok(Some(match cut {
            Cut::Inside => Step::Inside,
            Cut::Absent => Step::Absent,
            Cut::Insecure(why) => {
                Step::Zone(self.insecure(Link::to(name.clone()), why, (zone, ttl), known))
            }
        }))
    }

    /// Verifies the DS records of a zone.
    fn delegation(
        &mut self,
        zone: &Arc<Zone>,
        keys: &ZoneKeys,
        set: &Rrset,
        known: &dyn Known,
    ) -> Result<Step, Why> {
        let mut evidence = Evidence::new(&[], keys, self.settings.now);
        let proof = prove(set, &mut evidence, &mut self.budget)?.signature;
        match EntryPoints::of_delegation(set, self.settings.algorithms) {
            Ok(points) => Ok(Step::Delegation(Arc::new((points, proof)))),
            Err(why) if why.consequence() == Consequence::Insecure => {
                let ttl = proof.ttl;
                let mut link = Link::to(set.owner.clone());
                link.delegation = Some(proof);
                Ok(Step::Zone(self.insecure(link, why, (zone, ttl), known)))
            }
            Err(why) => Err(why),
        }
    }

    /// Verifies the keys of a zone by its entry points.
    fn enter(
        &mut self,
        points: &EntryPoints,
        delegation: Option<&Proof>,
        above: Option<&Arc<Zone>>,
        known: &dyn Known,
    ) -> Result<Option<Arc<Zone>>, Why> {
        let apex = points.zone();
        let mut link = Link::to(apex.clone());
        link.points = points.points().to_vec();
        link.delegation = delegation.cloned();
        let reply = match self.replies.find(&id(apex, RecordType::DNSKEY)) {
            Ok(Some(reply)) => reply,
            Ok(None) => return Ok(None),
            Err(why) => return Err(self.broke(above, link, why)),
        };
        let ttl = delegation.map_or(u32::MAX, |proof| proof.ttl);
        let keys = match (self.authenticate(&reply, points), above) {
            (Ok(keys), _) => keys,
            (Err(why), Some(above)) if why.consequence() == Consequence::Insecure => {
                return Ok(Some(self.insecure(link, why, (above, ttl), known)));
            }
            (Err(why), _) => return Err(self.broke(above, link, why)),
        };
        link.keys = keys.ids().collect();
        link.dnskey = Some(keys.proof().clone());
        let zone = Zone {
            link,
            until: self.until(ttl.min(keys.proof().ttl)),
            trust: Trust::Secure(Arc::new(keys)),
            above: above.cloned(),
        };
        Ok(Some(self.learn(zone, known)))
    }

    fn authenticate(&mut self, reply: &Reply, points: &EntryPoints) -> Result<ZoneKeys, Why> {
        let sets = group(&reply.answers);
        let zone = points.zone();
        let set = find(&sets, zone, RecordType::DNSKEY)
            .ok_or_else(|| Why::DnskeyMissing { zone: zone.clone() })?;
        ZoneKeys::authenticate(set, points, self.settings.now, &mut self.budget)
    }

    /// A zone whose data cannot be trusted.
    fn insecure(
        &mut self,
        mut link: Link,
        why: Why,
        (above, ttl): (&Arc<Zone>, u32),
        known: &dyn Known,
    ) -> Arc<Zone> {
        link.why = Some(why.clone());
        let zone = Zone {
            link,
            trust: Trust::Insecure(why),
            until: self.until(ttl),
            above: Some(Arc::clone(above)),
        };
        self.learn(zone, known)
    }

    fn learn(&mut self, zone: Zone, known: &dyn Known) -> Arc<Zone> {
        let zone = Arc::new(zone);
        let step = Step::Zone(Arc::clone(&zone));
        self.steps.insert(zone.apex().clone(), step);
        known.learn(&zone);
        zone
    }

    fn until(&self, ttl: u32) -> Timestamp {
        let ttl = ttl.min(ZONE_TTL_AT_MOST);
        self.settings.now.after(Duration::from_secs(ttl.into()))
    }

    /// Notes where the chain broke, and gives the reason back.
    fn broke(&mut self, above: Option<&Arc<Zone>>, mut link: Link, why: Why) -> Why {
        link.why = Some(why.clone());
        self.broken = Some((above.cloned(), link));
        why
    }

    /// Asks for what a walk to the target will need, without walking.
    fn ask_below_known(&mut self, target: &Target, known: &dyn Known) {
        let Some(anchor) = self.settings.anchors.closest(&target.name) else {
            return;
        };
        match self.deepest(&target.name, anchor, known) {
            None => {
                self.replies.ask_ahead(id(anchor, RecordType::DNSKEY));
                self.ask_ahead(anchor.label_count() + 1, target);
            }
            Some(zone) if target.is_signer && matches!(zone.trust, Trust::Secure(_)) => {
                self.ask_ahead(zone.apex().label_count() + 1, target);
            }
            Some(_) => {}
        }
    }

    /// Asks for the DS records of so many labels and more: to the target if that is a zone, else of those that are likely to begin one.
    fn ask_ahead(&mut self, from: usize, target: &Target) {
        let labels = target.name.label_count();
        let to = match target.is_signer {
            true => labels,
            false => labels.min(from.max(LABELS_OF_ZONES)),
        };
        for name in (from..=to)
            .take(AHEAD_AT_MOST)
            .filter_map(|count| target.name.suffix(count))
        {
            if !self.steps.contains_key(&name) {
                self.replies.ask_ahead(id(&name, RecordType::DS));
            }
        }
        if target.is_signer && from <= to {
            self.replies.ask_ahead(id(&target.name, RecordType::DNSKEY));
        }
    }
}

fn id(owner: &Name, rtype: RecordType) -> RrsetId {
    RrsetId {
        owner: owner.clone(),
        rtype,
    }
}

fn find<'a>(sets: &'a [Rrset], owner: &Name, rtype: RecordType) -> Option<&'a Rrset> {
    let is_it = |set: &&Rrset| set.owner == *owner && set.rtype == rtype && set.class == Class::IN;
    sets.iter().find(is_it)
}
