//! What is known of a zone: its keys, or that it is unsigned, and how that was found out.

use std::sync::Arc;

use crate::dns::Name;
use crate::dnssec::keys::{EntryPoint, ZoneKeys};
use crate::dnssec::rrset::Rrset;
use crate::dnssec::signature::Proof;
use crate::dnssec::why::{KeyId, Why};
use crate::time::Timestamp;

/// A store of what earlier validations have found out about zones, with the same trust anchors; shared by threads.
pub trait Known {
    /// What is known of the zone with this apex. What has run out is not used, whether it is given or not.
    fn zone(&self, apex: &Name) -> Option<Arc<Zone>>;

    /// Takes what was found out.
    fn learn(&self, zone: &Arc<Zone>);

    /// Takes an RRset of a denial that was accepted as secure: NSEC or NSEC3 records of the zone with this apex, with the one signature that
    /// was found valid, and how long they may be used as their TTL. Whoever does not make use of denials leaves it.
    fn learn_denial(&self, _apex: &Name, _set: Rrset) {}
}

/// Knows nothing and keeps nothing.
impl Known for () {
    fn zone(&self, _: &Name) -> Option<Arc<Zone>> {
        None
    }

    fn learn(&self, _: &Arc<Zone>) {}
}

/// A zone that was reached.
#[derive(Clone, Debug)]
pub struct Zone {
    /// What it is reached by.
    pub link: Link,
    /// Whether its data can be trusted.
    pub trust: Trust,
    /// Until when this may be used: the records it rests on may not be kept any longer.
    pub until: Timestamp,
    /// The zone above; none for one with a trust anchor.
    pub above: Option<Arc<Zone>>,
}

/// Whether a zone's data can be trusted.
#[derive(Clone, Debug)]
pub enum Trust {
    /// With these keys.
    Secure(Arc<ZoneKeys>),
    /// No: it is proven to be unsigned, or nobody here can check its signatures.
    Insecure(Why),
}

impl Zone {
    /// Its apex.
    pub const fn apex(&self) -> &Name {
        &self.link.zone
    }

    /// Whether its keys are trusted, but by SHA-1 digests alone: DS records that have them count where there are no others (RFC 4509 §3).
    pub fn rests_on_sha1(&self) -> bool {
        let is_secure = matches!(self.trust, Trust::Secure(_));
        // The points of a link are those that count.
        is_secure && self.link.points.iter().any(EntryPoint::is_sha1)
    }

    /// The zones from the trust anchor to this one.
    pub fn path(&self) -> Vec<&Self> {
        let mut path: Vec<&Self> =
            std::iter::successors(Some(self), |zone| zone.above.as_deref()).collect();
        path.reverse();
        path
    }
}

/// One zone of a chain of trust, for people to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The apex.
    pub zone: Name,
    /// The DS records or trust anchors that are of use; none if the zone is unsigned.
    pub points: Vec<EntryPoint>,
    /// The signature of the zone above over its DS records; none for a trust anchor.
    pub delegation: Option<Proof>,
    /// The zone's keys.
    pub keys: Vec<KeyId>,
    /// The signature over its keys, by one that an entry point names.
    pub dnskey: Option<Proof>,
    /// Why the chain does not go on securely here: insecure, or broken.
    pub why: Option<Why>,
}

impl Link {
    pub(super) const fn to(zone: Name) -> Self {
        Self {
            zone,
            points: Vec::new(),
            delegation: None,
            keys: Vec::new(),
            dnskey: None,
            why: None,
        }
    }
}
