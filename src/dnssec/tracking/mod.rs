//! Trust anchors that follow the keys of their zone (RFC 5011): which keys are believed, since when, and which are to be.
//!
//! [`Tracking::observe`] is the state table of RFC 5011 §4. A key in the states Start and Removed is simply not in the table. Beside
//! keys it holds DS records as they are built in: each is believed until the key that it names is seen, which then takes its place.
//!
//! Limitation: who carries all our answers and replays an old set of keys, as long as its signatures last, makes a key that waits begin anew
//! (RFC 5011 §2.2): he can delay a new key, never have one of his own believed.
//!
//! Time is an argument. It cannot run ahead unseen: a set of keys changes something only while its signatures are valid.
//!
//! next: src/resolver/anchors.rs

mod step;
mod text;

use std::fmt;
use std::time::Duration;

use super::algorithm::Algorithms;
use super::anchor::TrustAnchors;
use super::keys::EntryPoint;
use super::limits::{KEYS_PER_ZONE, KEYS_TRACKED_AT_MOST};
use super::rrset::Rrset;
use super::why::KeyId;
use crate::dns::{Dnskey, Name, RecordType};
use crate::time::Timestamp;
use step::Step;

pub use text::StateError;

/// How long a new key must be seen before it is believed, at least (RFC 5011 §2.4.1): whoever steals a key can add another only if
/// nobody notices for so long.
pub const ADD_HOLD_DOWN: Duration = Duration::from_secs(30 * 86_400);
/// How long a revoked key must have been absent before it is forgotten (RFC 5011 §2.4.2).
pub const REMOVE_HOLD_DOWN: Duration = Duration::from_secs(30 * 86_400);

/// The keys of one zone that are, will be or were trust anchors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracking {
    zone: Name,
    keys: Vec<Tracked>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// The key without its REVOKE flag, or the digest of one that was not seen yet.
    pub point: EntryPoint,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Timestamp,
}

/// The states of RFC 5011 §4 in which something is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// AddPend: seen, and not believed yet.
    Pending {
        /// When it may be.
        until: Timestamp,
        /// Tags of the keys that had signed the set in which it was first seen. If all of them are revoked, nobody speaks for it (RFC 5011 §2.2).
        vouchers: Vec<u16>,
    },
    /// Believed; a digest is always in this state.
    Valid,
    /// Believed, but not in the zone at present.
    Missing,
    /// Never to be believed again.
    Revoked {
        /// Since when it is not in the zone any more.
        gone: Option<Timestamp>,
    },
}

/// What became of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which key; the tag is the one without the REVOKE flag.
    pub key: KeyId,
    /// What became of it.
    pub event: Event,
}

/// What may become of a key; the names in brackets are those of RFC 5011 §4.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The key of a digest was seen: it takes the digest's place.
    Confirmed,
    /// New (NewKey); it will be believed at this time if it stays.
    Announced(Timestamp),
    /// It has stayed long enough and is believed (AddTime).
    Accepted,
    /// It went before it was believed (KeyRem).
    Withdrawn,
    /// All keys that spoke for it are revoked before it was believed.
    Orphaned,
    /// It is not in the zone, and still believed (KeyRem).
    Missing,
    /// It is back (KeyPres).
    Returned,
    /// Not believed any more (RevBit).
    Revoked,
    /// Forgotten (RemTime).
    Removed,
    /// There is no room in the table for another key.
    NoRoom,
}

impl Change {
    /// Whether somebody should have a look, though nothing needs to be done at once.
    pub const fn is_unusual(&self) -> bool {
        matches!(
            self.event,
            Event::Withdrawn | Event::Orphaned | Event::Missing | Event::Revoked | Event::NoRoom
        )
    }
}

/// One line for the log: which key, what it means, what is to be done.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "trust anchor: {} ", self.key)?;
        match &self.event {
            Event::Confirmed => f.write_str("is the one that was trusted by its digest; it is followed from now on (RFC 5011)"),
            Event::Announced(until) => write!(
                f,
                "is new and signed for by a trusted key; if it stays it is trusted from {until} on; nothing is to be done"
            ),
            Event::Accepted => f.write_str("has stayed long enough and is trusted from now on; nothing is to be done"),
            Event::Withdrawn => f.write_str("went before it was trusted; if it comes back, it waits anew; nothing is to be done"),
            Event::Orphaned => f.write_str("is not waited for any more, because the keys that signed for it are revoked; if it stays, it waits anew"),
            Event::Missing => f.write_str("is not among the zone's keys though nobody has revoked it; it stays trusted; nothing is to be done"),
            Event::Returned => f.write_str("is among the zone's keys again"),
            Event::Revoked => f.write_str("is revoked by a signature of its own and never trusted again"),
            Event::Removed => f.write_str("was revoked, has gone, and is forgotten"),
            Event::NoRoom => write!(
                f,
                "is new, but not followed: {KEYS_TRACKED_AT_MOST} keys are followed already; remove the file with the anchors' state if they are not the zone's any more"
            ),
        }
    }
}

impl Tracked {
    const fn new(key: Dnskey, state: State, since: Timestamp) -> Self {
        Self {
            point: EntryPoint::Dnskey(key),
            state,
            since,
        }
    }

    /// Whether its signatures count.
    pub const fn is_trusted(&self) -> bool {
        matches!(self.state, State::Valid | State::Missing)
    }

    const fn is_revoked(&self) -> bool {
        matches!(self.state, State::Revoked { .. })
    }

    const fn is_digest(&self) -> bool {
        matches!(self.point, EntryPoint::Ds(_))
    }
}

impl Tracking {
    /// The keys of the root that are built in, believed since now.
    pub fn built_in(now: Timestamp) -> Self {
        let anchors = TrustAnchors::built_in();
        let tracked = |(_, point): (&Name, &EntryPoint)| Tracked {
            point: point.clone(),
            state: State::Valid,
            since: now,
        };
        Self {
            zone: Name::root(),
            keys: anchors.iter().map(tracked).collect(),
        }
    }

    /// The zone.
    pub const fn zone(&self) -> &Name {
        &self.zone
    }

    /// Every key.
    pub fn keys(&self) -> &[Tracked] {
        &self.keys
    }

    /// Those that are believed; none if all are revoked, and then nothing can be validated (RFC 5011 §5).
    pub fn anchors(&self) -> TrustAnchors {
        let mut anchors = TrustAnchors::default();
        for tracked in self.keys.iter().filter(|tracked| tracked.is_trusted()) {
            anchors.add(self.zone.clone(), tracked.point.clone());
        }
        anchors
    }

    /// Takes the zone's keys as one or several resolvers bring them at one time. A key that signs its own revocation is revoked, whoever
    /// brings it. Everything else is decided by the newest of the sets that a key believed has signed; without such a set nothing else changes.
    pub fn observe(
        &mut self,
        sets: &[Rrset],
        algorithms: Algorithms,
        now: Timestamp,
    ) -> Vec<Change> {
        let is_ours = |set: &&Rrset| {
            set.owner == self.zone
                && set.rtype == RecordType::DNSKEY
                && set.data.len() <= KEYS_PER_ZONE
        };
        let sets: Vec<&Rrset> = sets.iter().filter(is_ours).collect();
        let mut step = Step {
            tracking: self,
            algorithms,
            now,
            changes: Vec::new(),
        };
        step.take(&sets);
        step.changes
    }
}

#[cfg(test)]
#[path = "tracking_tests.rs"]
mod tests;
