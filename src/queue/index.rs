//! The queue's memory: one entry per message, changed only by playing records, after a commit and at recovery alike.

use std::collections::BTreeMap;

use super::entry::{Accept, Changed, RecipientChange, Record};
use super::limits::DIAGNOSIS_TEXT_MAX;
use super::segment::Place;
use super::{Change, Diagnosis, Entry, QueueId, Recipient, RecipientState};
use crate::time::Timestamp;

/// All messages in the queue.
#[derive(Default)]
pub(super) struct Index {
    entries: BTreeMap<QueueId, Indexed>,
}

/// One message and the records that still matter for it.
struct Indexed {
    entry: Entry,
    place: Place,
    /// The latest change record of each recipient that has one; it keeps that record's segment.
    changes: BTreeMap<u32, Place>,
    hold: Option<Place>,
}

/// What playing a record did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Played {
    /// The message is in the queue, and something is left to do.
    Present,
    /// The message is in the queue, but no recipient is pending: it needs a gone record.
    Finished,
    /// The message is not in the queue (any more).
    Absent,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn entry(&self, id: QueueId) -> Option<&Entry> {
        self.entries.get(&id).map(|indexed| &indexed.entry)
    }

    pub(super) fn place(&self, id: QueueId) -> Option<Place> {
        self.entries.get(&id).map(|indexed| indexed.place.clone())
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(|indexed| &indexed.entry)
    }

    /// The messages that no recipient is waiting for.
    pub(super) fn finished(&self) -> Vec<QueueId> {
        let is_finished = |entry: &&Entry| !is_pending(entry);
        let ids = self.entries().filter(is_finished).map(|entry| entry.id);
        ids.collect()
    }

    /// Lets a durable record count. Records of unknown messages, and older ones than those already played, change nothing.
    pub(super) fn play(&mut self, record: Record, place: &Place) -> Played {
        let id = record.id();
        match record {
            Record::Accept(accept) => {
                let indexed = self.entries.entry(id);
                indexed.or_insert_with(|| Indexed::new(accept, place.clone()));
            }
            Record::Gone(_) => {
                if let Some(indexed) = self.entries.remove(&id) {
                    indexed.place.segment.outlived_by(&place.segment);
                }
            }
            Record::Change(changed) => {
                if let Some(indexed) = self.entries.get_mut(&id) {
                    indexed.change(changed, place);
                }
            }
            Record::Hold(_, held) => {
                if let Some(indexed) = self.entries.get_mut(&id) {
                    indexed.set_held(held, place);
                }
            }
        }
        match self.entry(id) {
            None => Played::Absent,
            Some(entry) if is_pending(entry) => Played::Present,
            Some(_) => Played::Finished,
        }
    }

    /// The record that says what `changes` make of a message; `None` if it is not in the queue or has no such recipient.
    pub(super) fn record_of(&self, id: QueueId, changes: &[(usize, Change)]) -> Option<Record> {
        let entry = self.entry(id)?;
        // By recipient: one that is named twice must not count as two that are finished.
        let mut latest = BTreeMap::new();
        for (index, change) in changes {
            let recipient = entry.recipients.get(*index)?;
            if recipient.state == RecipientState::Pending {
                latest.insert(*index, changed(*index, recipient, change)?);
            }
        }
        let is_final = |change: &&RecipientChange| change.state != RecipientState::Pending;
        let is_pending = |recipient: &&Recipient| recipient.state == RecipientState::Pending;
        let finished = latest.values().filter(is_final).count();
        if finished == entry.recipients.iter().filter(is_pending).count() {
            return Some(Record::Gone(id));
        }
        let recipients = latest.into_values().collect();
        Some(Record::Change(Changed { id, recipients }))
    }

    /// The record that makes the pending recipients that are meant due at `now`, without counting an attempt; `None` if nothing would change.
    pub(super) fn record_of_retry(
        &self,
        id: QueueId,
        now: Timestamp,
        is_meant: impl Fn(&Recipient) -> bool,
    ) -> Option<Record> {
        let hurried = |(index, recipient): (u32, &Recipient)| RecipientChange {
            index,
            state: RecipientState::Pending,
            attempts: recipient.attempts,
            due: now,
            last: recipient.last.clone(),
        };
        let waits = |recipient: &Recipient| {
            recipient.state == RecipientState::Pending && recipient.due > now && is_meant(recipient)
        };
        let all = (0u32..).zip(&self.entry(id)?.recipients);
        let waiting = all.filter(|(_, recipient)| waits(recipient));
        let recipients: Vec<RecipientChange> = waiting.map(hurried).collect();
        (!recipients.is_empty()).then_some(Record::Change(Changed { id, recipients }))
    }
}

fn is_pending(entry: &Entry) -> bool {
    let mut recipients = entry.recipients.iter();
    recipients.any(|recipient| recipient.state == RecipientState::Pending)
}

fn changed(index: usize, recipient: &Recipient, change: &Change) -> Option<RecipientChange> {
    let (state, due, last) = match change {
        Change::Delivered(last) => (RecipientState::Delivered, recipient.due, last),
        Change::Deferred { due, why } => (RecipientState::Pending, *due, why),
        Change::Failed(last) => (RecipientState::Failed, recipient.due, last),
    };
    Some(RecipientChange {
        index: u32::try_from(index).ok()?,
        state,
        attempts: recipient.attempts.saturating_add(1),
        due,
        last: Some(shortened(last)),
    })
}

/// The diagnosis with every text at most [`DIAGNOSIS_TEXT_MAX`] octets long.
fn shortened(diagnosis: &Diagnosis) -> Diagnosis {
    let cut = |text: &str| {
        let mut end = text.len().min(DIAGNOSIS_TEXT_MAX);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.get(..end).unwrap_or_default().to_owned()
    };
    Diagnosis {
        status: diagnosis.status,
        token: cut(&diagnosis.token),
        host: cut(&diagnosis.host),
        text: cut(&diagnosis.text),
    }
}

impl Indexed {
    fn new(accept: Accept, place: Place) -> Self {
        let recipient = |mailbox: &_| Recipient {
            mailbox: Clone::clone(mailbox),
            state: RecipientState::Pending,
            attempts: 0,
            due: accept.arrived,
            last: None,
        };
        let recipients = accept.envelope.recipients.iter().map(recipient).collect();
        let entry = Entry {
            id: accept.id,
            arrived: accept.arrived,
            size: place.content_length,
            envelope: accept.envelope,
            recipients,
            held: false,
        };
        Self {
            entry,
            place,
            changes: BTreeMap::new(),
            hold: None,
        }
    }

    fn set_held(&mut self, held: bool, place: &Place) {
        let earlier = self.hold.as_ref();
        if earlier.is_none_or(|earlier| place.is_after(earlier)) {
            self.entry.held = held;
            self.hold = Some(place.clone());
        }
    }

    fn change(&mut self, changed: Changed, place: &Place) {
        for change in changed.recipients {
            let earlier = self.changes.get(&change.index);
            if earlier.is_some_and(|earlier| !place.is_after(earlier)) {
                continue;
            }
            let index = change.index as usize;
            let Some(recipient) = self.entry.recipients.get_mut(index) else {
                continue;
            };
            recipient.state = change.state;
            recipient.attempts = change.attempts;
            recipient.due = change.due;
            recipient.last = change.last;
            self.changes.insert(change.index, place.clone());
        }
    }
}
