//! What a reply says, before anything of it is believed: the aliases from the name asked for, and data, a denial or nothing at their end.

use super::super::anchor::TrustAnchors;
use super::super::limits::ALIASES_AT_MOST;
use super::super::rrset::{Rrset, group};
use super::super::why::{RrsetId, Why};
use super::Reply;
use crate::dns::{Class, Name, Rcode, Rdata, Record, RecordType};

/// A reply's RRsets that make up the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) aliases: Vec<Link>,
    /// Where they lead.
    pub(super) owner: Name,
    pub(super) end: End,
    pub(super) rcode: Rcode,
    /// The authority section: denials with their SOA record, and proofs for wildcards. What else is in it is never used, so it may be anything.
    pub(super) authority: Vec<Rrset>,
    /// Where the zones of aliases, data and denial are to be looked for, in this order.
    pub(super) targets: Vec<Target>,
}

/// An alias.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) owner: Name,
    pub(super) target: Name,
    /// The CNAME set at `owner`, or the DNAME set above it.
    pub(super) set: Rrset,
}

/// What stands at the end of the aliases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The RRset asked for; several for type ANY.
    Data(Vec<Rrset>),
    /// None, for good; the zone that says so is looked for here.
    Denial(Target),
    /// Nothing is said: the last name is to be asked for.
    AskOn,
}

/// Down to where zones are to be looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) name: Name,
    /// Whether a signature names it as its zone; else it is just a name.
    pub(super) is_signer: bool,
}

impl Reading {
    /// Reads the reply to a question with response code NOERROR or NXDOMAIN.
    pub(super) fn of(
        reply: &Reply,
        question: &RrsetId,
        anchors: &TrustAnchors,
    ) -> Result<Self, Why> {
        let mut reading = Self {
            aliases: Vec::new(),
            owner: question.owner.clone(),
            end: End::AskOn,
            rcode: reply.rcode,
            authority: in_class(group(&reply.authorities)),
            targets: Vec::new(),
        };
        let answers = in_class(group(&reply.answers));
        // Who asks for aliases themselves wants the first one.
        let follows = !matches!(question.rtype, RecordType::CNAME | RecordType::ANY);
        let data = loop {
            let data = data_at(&answers, &reading.owner, question.rtype);
            if !data.is_empty() || !follows || reading.aliases.len() > ALIASES_AT_MOST {
                break data;
            }
            match alias_at(&answers, &reading.owner, anchors, question)? {
                Some(link) => reading.push(link, anchors),
                None => break data,
            }
        };
        reading.end = if data.is_empty() {
            reading.end_without_data(question.rtype, anchors)
        } else {
            End::Data(data)
        };
        reading.note_targets(anchors);
        Ok(reading)
    }

    fn push(&mut self, link: Link, anchors: &TrustAnchors) {
        self.owner.clone_from(&link.target);
        self.targets.push(target_of(&link.set, anchors));
        self.aliases.push(link);
    }

    fn note_targets(&mut self, anchors: &TrustAnchors) {
        match &self.end {
            End::Data(sets) => {
                let targets = sets.iter().map(|set| target_of(set, anchors));
                self.targets.extend(targets);
            }
            End::Denial(target) => self.targets.push(target.clone()),
            End::AskOn => {}
        }
    }

    /// A reply that ends at an alias without an SOA record of a zone around its target says nothing about that target (RFC 2308 §2).
    fn end_without_data(&self, rtype: RecordType, anchors: &TrustAnchors) -> End {
        let soa =
            |set: &Rrset| set.rtype == RecordType::SOA && self.owner.is_at_or_below(&set.owner);
        let is_denied = self.rcode == Rcode::NXDOMAIN || self.authority.iter().any(soa);
        if !self.aliases.is_empty() && !is_denied {
            return End::AskOn;
        }
        let denials = self.authority.iter().filter(|set| is_denial(set.rtype));
        let signers = denials.flat_map(|set| set.signatures.iter().map(|one| &one.signer));
        End::Denial(target(place(&self.owner, rtype), signers, anchors))
    }
}

/// Whether records of this type take part in denials.
pub(super) const fn is_denial(rtype: RecordType) -> bool {
    matches!(
        rtype,
        RecordType::NSEC | RecordType::NSEC3 | RecordType::SOA
    )
}

/// The records of a set, as they came.
pub(super) fn records(set: &Rrset) -> impl Iterator<Item = Record> {
    set.data.iter().map(|data| Record {
        name: set.owner.clone(),
        class: set.class,
        ttl: set.ttl,
        data: data.clone(),
    })
}

fn in_class(mut sets: Vec<Rrset>) -> Vec<Rrset> {
    sets.retain(|set| set.class == Class::IN);
    sets
}

fn data_at(answers: &[Rrset], owner: &Name, rtype: RecordType) -> Vec<Rrset> {
    let is_asked =
        |set: &&Rrset| set.owner == *owner && (set.rtype == rtype || rtype == RecordType::ANY);
    answers.iter().filter(is_asked).cloned().collect()
}

/// The alias that `owner` is. The CNAME that a DNAME implies is made here from the DNAME, whatever CNAME stands beside it (RFC 6672 §5.3.1).
fn alias_at(
    answers: &[Rrset],
    owner: &Name,
    anchors: &TrustAnchors,
    question: &RrsetId,
) -> Result<Option<Link>, Why> {
    let unusable = |reason: &str| Why::Unanswered {
        rrset: question.clone(),
        reason: reason.to_owned(),
    };
    let found = |rtype: RecordType, is_owner: &dyn Fn(&Name) -> bool| {
        let mut sets = answers.iter();
        sets.find(|set| set.rtype == rtype && is_owner(&set.owner))
    };
    let dname = found(RecordType::DNAME, &|above| {
        is_dname_for(above, owner, anchors)
    });
    let Some(set) = dname.or_else(|| found(RecordType::CNAME, &|name| name == owner)) else {
        return Ok(None);
    };
    let target = match set.data.as_slice() {
        [Rdata::Cname(target)] => target.clone(),
        [Rdata::Dname(target)] => substitute(owner, &set.owner, target)
            .ok_or_else(|| unusable("a DNAME record makes a name that is too long"))?,
        _ => return Err(unusable("an alias has two targets")),
    };
    Ok(Some(Link {
        owner: owner.clone(),
        target: target.to_lowercase(),
        set: set.clone(),
    }))
}

/// Whether a DNAME at `above` is about `name`: strictly below it, and with no trust anchor of its own in between.
fn is_dname_for(above: &Name, name: &Name, anchors: &TrustAnchors) -> bool {
    name != above
        && name.is_at_or_below(above)
        && above.label_count() >= anchor_labels(name, anchors)
}

/// Puts the DNAME's target in the place of its owner (RFC 6672 §2.2); `None` if the name becomes too long.
fn substitute(name: &Name, owner: &Name, target: &Name) -> Option<Name> {
    let kept = name.label_count().checked_sub(owner.label_count())?;
    let labels: Vec<_> = name.labels().take(kept).collect();
    let mut labels = labels.into_iter().rev();
    labels.try_fold(target.clone(), |below, label| below.prepend(label).ok())
}

/// Where the zone that signed a set is to be looked for.
fn target_of(set: &Rrset, anchors: &TrustAnchors) -> Target {
    let signers = set.signatures.iter().map(|rrsig| &rrsig.signer);
    target(place(&set.owner, set.rtype), signers, anchors)
}

/// The name in whose zone an RRset is: DS records belong to the zone above (RFC 4035 §2.4).
pub(super) fn place(owner: &Name, rtype: RecordType) -> Name {
    let above = owner.parent().filter(|_| rtype == RecordType::DS);
    above.unwrap_or_else(|| owner.clone())
}

/// The deepest signer that can be the zone of `place`. One above the closest trust anchor cannot: whoever adds such a signature must not
/// get around the anchor. One that is too deep does no harm, since the walk finds that there is no such zone.
fn target<'a>(
    place: Name,
    signers: impl Iterator<Item = &'a Name>,
    anchors: &TrustAnchors,
) -> Target {
    let least = anchor_labels(&place, anchors);
    let deepest = signers
        .filter(|signer| place.is_at_or_below(signer) && signer.label_count() >= least)
        .max_by_key(|signer| signer.label_count());
    match deepest {
        Some(signer) => Target {
            name: signer.clone(),
            is_signer: true,
        },
        None => Target {
            name: place,
            is_signer: false,
        },
    }
}

fn anchor_labels(name: &Name, anchors: &TrustAnchors) -> usize {
    anchors.closest(name).map_or(0, Name::label_count)
}
