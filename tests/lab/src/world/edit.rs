//! What a test changes by hand: fields of a signature before it is made, and replies before they go out.

use std::fmt;
use std::sync::Arc;

use gateway::dns::{Class, Edns, Message, Name, Question, Rdata, Record, RecordType, Rrsig};
use gateway::time::Timestamp;

use super::internet::Internet;
use super::keys::ZoneKey;
use super::reply;
use super::rrset::{Rrset, Validity};
use super::zone::name;

/// How one RRset of a zone is signed otherwise than the rest.
#[derive(Clone, Default)]
pub struct Signing {
    /// By this key instead of the zone's.
    pub key: Option<ZoneKey>,
    /// With these fields: the change is made before the signature, which covers it.
    pub fields: Option<fn(&mut Rrsig)>,
    /// With this signer's name.
    pub signer: Option<Name>,
    /// From when until when, in seconds since 1970.
    pub window: Option<(u32, u32)>,
    /// With the last bit turned once it is made.
    pub is_damaged: bool,
    /// Not at all.
    pub is_missing: bool,
}

impl fmt::Debug for Signing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signing").finish_non_exhaustive()
    }
}

/// A change to a reply; the second argument is what the resolver knows else.
pub type Change = dyn Fn(&mut Message, &Elsewhere<'_>) + Send + Sync;

/// The other replies of the resolver, unchanged.
#[derive(Debug)]
pub struct Elsewhere<'a>(pub(super) &'a Internet);

impl Elsewhere<'_> {
    /// What it replies to this question with DO and CD.
    ///
    /// # Panics
    /// When `owner` is no name.
    pub fn reply(&self, owner: &str, rtype: RecordType) -> Message {
        self.0.carried(&question(&name(owner), rtype))
    }
}

/// Replies that are changed, by question.
#[derive(Clone, Default)]
pub(super) struct Edits(Vec<(Name, RecordType, Arc<Change>)>);

impl fmt::Debug for Edits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let questions = self.0.iter().map(|(owner, rtype, _)| (owner, rtype));
        f.debug_list().entries(questions).finish()
    }
}

impl Edits {
    pub(super) fn add(&mut self, owner: Name, rtype: RecordType, change: Arc<Change>) {
        self.0.push((owner, rtype, change));
    }

    pub(super) fn find(&self, owner: &Name, rtype: RecordType) -> impl Iterator<Item = &Change> {
        self.0
            .iter()
            .filter(move |(name, of, _)| name == owner && *of == rtype)
            .map(|(_, _, change)| &**change)
    }
}

impl Internet {
    /// The reply to a question with DO and CD, before any change.
    fn carried(&self, question: &Question) -> Message {
        let mut query = Message::query(0, question.clone(), Some(Edns::query(1232, true)));
        query.header.checking_disabled = true;
        let resolution = self.resolve(&question.name, question.rtype, false);
        reply::reply(&query, &resolution)
    }

    /// The reply to a question with DO and CD as it goes out, whatever its size.
    pub(super) fn carry(&self, owner: &Name, rtype: RecordType) -> Message {
        let mut reply = self.carried(&question(owner, rtype));
        self.edit(&mut reply);
        reply
    }

    /// Makes the changes that the test wants of this reply. What is changed is never called authentic.
    pub(super) fn edit(&self, reply: &mut Message) {
        let Some(question) = reply.questions.first().cloned() else {
            return;
        };
        for change in self.edits.find(&question.name, question.rtype) {
            change(reply, &Elsewhere(self));
            reply.header.authentic_data = false;
        }
    }
}

fn question(owner: &Name, rtype: RecordType) -> Question {
    Question {
        name: owner.clone(),
        rtype,
        class: Class::IN,
    }
}

/// Replaces the signatures of these records with new ones by this key of this zone, valid for a day from a minute ago; for records that a test has changed.
pub fn sign_again(records: &mut Vec<Record>, key: &ZoneKey, zone: &Name) {
    let now = u32::try_from(Timestamp::now().unix()).expect("before 2106");
    let validity = Validity {
        inception: now - 60,
        expiration: now + 86_400,
    };
    let mut sets: Vec<Rrset> = Vec::new();
    for record in records.drain(..) {
        let rtype = record.rtype();
        if rtype == RecordType::RRSIG {
            continue;
        }
        let is_same = |set: &&mut Rrset| set.owner == record.name && set.rtype == rtype;
        match sets.iter_mut().find(is_same) {
            Some(set) => set.data.push(record.data),
            None => sets.push(Rrset::new(record.name, record.ttl, vec![record.data])),
        }
    }
    for set in &mut sets {
        set.sign([key], zone, validity);
        records.extend(set.records().chain(set.signature_records()));
    }
}

/// A change that puts so many copies of the first signature before it, each wrong and different, and changed once more.
///
/// # Panics
/// When there is no signature, or more copies than 127.
pub fn more_signatures(
    count: usize,
    change: fn(&mut Rrsig),
) -> impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static {
    move |reply, _| {
        let is_signature = |record: &Record| record.rtype() == RecordType::RRSIG;
        let place = reply.answers.iter().position(is_signature);
        let place = place.expect("the answer is signed");
        let good = reply.answers[place].clone();
        for number in 0..count {
            let mut copy = good.clone();
            if let Rdata::Rrsig(rrsig) = &mut copy.data {
                change(rrsig);
                // Each is different, so that none is a duplicate.
                rrsig.signature[0] ^= u8::try_from(number).expect("few copies") | 0x80;
            }
            reply.answers.insert(place, copy);
        }
    }
}
