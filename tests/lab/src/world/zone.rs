//! What a zone shall hold, in few lines.

use std::net::IpAddr;

use gateway::dns::{Ds, Name, Rdata, Record, RecordType, Tlsa, zonefile};
use gateway::time::Timestamp;

use super::edit::Signing;
use super::keys::KeyUse;
use super::rrset::Validity;

/// Time to live of all records unless a zone says otherwise, in seconds.
const TTL: u32 = 300;
/// How long signatures are valid before and after now, in seconds: an hour back for clocks that are behind, two weeks ahead.
const SIGNED_SINCE: u64 = 3_600;
const SIGNED_UNTIL: u64 = 14 * 86_400;

/// What is wrong with a whole zone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Damage {
    /// Nothing.
    #[default]
    None,
    /// Every signature has a flipped bit.
    Signatures,
    /// The DS record above names another key.
    WrongDs,
    /// It is signed, but has no DS record above: an island, and so insecure.
    NoDs,
}

/// How a zone proves that something is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Denial {
    /// By NSEC records (RFC 4034 §4).
    #[default]
    Nsec,
    /// By NSEC3 records (RFC 5155).
    Nsec3(Hashing),
    /// By NSEC records made for each question (RFC 9824).
    Compact,
}

/// The parameters of NSEC3 records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hashing {
    /// Additional iterations.
    pub iterations: u16,
    /// Salt.
    pub salt: Vec<u8>,
    /// Whether unsigned delegations have no record of their own.
    pub opt_out: bool,
}

/// A zone to be served: an SOA and an NS record are added, and all that DNSSEC needs.
///
/// Names are absolute, the final dot may be missing.
#[derive(Clone, Debug)]
pub struct Zone {
    pub(super) apex: Name,
    pub(super) is_signed: bool,
    pub(super) damage: Damage,
    pub(super) ttl: u32,
    pub(super) validity: Validity,
    pub(super) records: Vec<(Name, Rdata)>,
    pub(super) denial: Denial,
    /// Empty for a key of either kind, new ones with algorithm 13.
    pub(super) keys: Vec<KeyUse>,
    /// The DS records above, if they are not to be those of the keys.
    pub(super) ds: Option<Vec<Ds>>,
    pub(super) signings: Vec<(Name, RecordType, Signing)>,
}

impl Zone {
    /// A signed zone with a DS record above it.
    pub fn signed(apex: &str) -> Self {
        Self::new(apex, true)
    }

    /// An unsigned zone; a signed zone above it proves that there is no DS record.
    pub fn unsigned(apex: &str) -> Self {
        Self::new(apex, false)
    }

    fn new(apex: &str, is_signed: bool) -> Self {
        let now = Timestamp::now().unix();
        let seconds = |time: u64| u32::try_from(time).expect("before 2106");
        Self {
            apex: name(apex),
            is_signed,
            damage: Damage::None,
            ttl: TTL,
            validity: Validity {
                inception: seconds(now - SIGNED_SINCE),
                expiration: seconds(now + SIGNED_UNTIL),
            },
            records: Vec::new(),
            denial: Denial::default(),
            keys: Vec::new(),
            ds: None,
            signings: Vec::new(),
        }
    }

    /// Its apex, without the final dot.
    pub fn apex(&self) -> String {
        self.apex.to_host()
    }

    /// How it proves that something is not there.
    #[must_use]
    pub fn denial(mut self, denial: Denial) -> Self {
        self.denial = denial;
        self
    }

    /// With this key, and others added in the same way, instead of two new ones.
    #[must_use]
    pub fn key(mut self, key: KeyUse) -> Self {
        self.keys.push(key);
        self
    }

    /// With these DS records above instead of those of its keys.
    #[must_use]
    pub fn ds(mut self, records: Vec<Ds>) -> Self {
        self.ds = Some(records);
        self
    }

    /// With one of its RRsets signed otherwise.
    #[must_use]
    pub fn signing(mut self, owner: &str, rtype: RecordType, signing: Signing) -> Self {
        self.signings.push((name(owner), rtype, signing));
        self
    }

    /// An MX record of the zone itself.
    #[must_use]
    pub fn mx(self, preference: u16, exchange: &str) -> Self {
        let owner = self.apex.clone();
        let exchange = name(exchange);
        self.rdata(
            owner,
            Rdata::Mx {
                preference,
                exchange,
            },
        )
    }

    /// An A or AAAA record.
    #[must_use]
    pub fn address(self, owner: &str, address: IpAddr) -> Self {
        let data = match address {
            IpAddr::V4(address) => Rdata::A(address),
            IpAddr::V6(address) => Rdata::Aaaa(address),
        };
        self.record(owner, data)
    }

    /// The TLSA record of a host's port on TCP (RFC 6698 §3).
    #[must_use]
    pub fn tlsa(self, host: &str, port: u16, tlsa: Tlsa) -> Self {
        self.rdata(tlsa_owner(host, port), Rdata::Tlsa(tlsa))
    }

    /// An alias.
    #[must_use]
    pub fn cname(self, owner: &str, target: &str) -> Self {
        self.record(owner, Rdata::Cname(name(target)))
    }

    /// An alias of everything below a name (RFC 6672).
    #[must_use]
    pub fn dname(self, owner: &str, target: &str) -> Self {
        self.record(owner, Rdata::Dname(name(target)))
    }

    /// Any record.
    ///
    /// # Panics
    /// When the owner is no name, or is not in the zone.
    #[must_use]
    pub fn record(self, owner: &str, data: Rdata) -> Self {
        self.rdata(name(owner), data)
    }

    /// Records in zone-file form, relative to the apex; their own times to live are not kept.
    ///
    /// # Panics
    /// When it is no zone file, or an owner is not in the zone.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        let records = zonefile::parse(text, &self.apex)
            .unwrap_or_else(|error| panic!("zone {}: {error}", self.apex));
        let add = |zone: Self, record: Record| zone.rdata(record.name, record.data);
        records.into_iter().fold(self, add)
    }

    /// The time to live of all its records, in seconds.
    #[must_use]
    pub fn ttl(mut self, seconds: u32) -> Self {
        self.ttl = seconds;
        self
    }

    /// When its signatures are valid.
    #[must_use]
    pub fn validity(mut self, validity: Validity) -> Self {
        self.validity = validity;
        self
    }

    /// What is wrong with it.
    #[must_use]
    pub fn damaged(mut self, damage: Damage) -> Self {
        self.damage = damage;
        self
    }

    fn rdata(mut self, owner: Name, data: Rdata) -> Self {
        assert!(
            owner.is_at_or_below(&self.apex),
            "{owner} does not lie in zone {}",
            self.apex
        );
        self.records.push((owner, data));
        self
    }
}

/// The owner of the TLSA records of a host's port on TCP: `_25._tcp.mx.example.org.` (RFC 6698 §3).
pub fn tlsa_owner(host: &str, port: u16) -> Name {
    name(&format!("_{port}._tcp.{host}"))
}

/// Parses a name that the test's author wrote.
pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap_or_else(|error| panic!("'{text}': {error}"))
}
