//! One case: a zone of its own, a question, and what is to come of it.

use std::sync::LazyLock;

use gateway::dns::{Algorithm, Message, Name, Rdata, RecordType};
use gateway::time::Timestamp;
use gateway_lab::Zone;
use gateway_lab::world::{Elsewhere, KeyUse, Signing, ZoneKey};

/// A change to a reply of the resolver.
pub(crate) type Change = Box<dyn Fn(&mut Message, &Elsewhere<'_>) + Send + Sync>;

/// What is to come of a case; the words are the names of the variants of `Why`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Secure(Content),
    Insecure(&'static str),
    Bogus(&'static str),
    Indeterminate(&'static str),
}

/// What a secure answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Data,
    NoData,
    NxDomain,
}

pub(crate) const DATA: Expected = Expected::Secure(Content::Data);
pub(crate) const NODATA: Expected = Expected::Secure(Content::NoData);
pub(crate) const NXDOMAIN: Expected = Expected::Secure(Content::NxDomain);

/// A case under construction; its zone has the case's name as label below `test`.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) zone: Zone,
    pub(crate) others: Vec<Zone>,
    pub(crate) edits: Vec<(String, RecordType, Change)>,
    pub(crate) owner: String,
    pub(crate) rtype: RecordType,
    pub(crate) expected: Expected,
    /// Whether algorithms 5 and 7 count.
    pub(crate) sha1: bool,
    /// When it is asked, in seconds since 1970, if not now.
    pub(crate) at: Option<u64>,
    /// Why Unbound comes to something else.
    pub(crate) differs: Option<&'static str>,
}

impl Case {
    /// A zone with one of everything, and a question about `owner` in it (`@` for the apex).
    pub(crate) fn new(
        name: impl Into<String>,
        owner: &str,
        rtype: RecordType,
        expected: Expected,
    ) -> Self {
        let name = name.into();
        let zone = stock(Zone::signed(&format!("{name}.test")));
        let owner = within(owner, &zone.apex());
        Self {
            name,
            zone,
            others: Vec::new(),
            edits: Vec::new(),
            owner,
            rtype,
            expected,
            sha1: false,
            at: None,
            differs: None,
        }
    }

    /// An owner in the case's zone in full.
    pub(crate) fn full(&self, owner: &str) -> String {
        within(owner, &self.zone.apex())
    }

    /// With its zone changed.
    pub(crate) fn zone(mut self, change: impl FnOnce(Zone) -> Zone) -> Self {
        self.zone = change(self.zone);
        self
    }

    /// With an unsigned zone instead of the signed one.
    pub(crate) fn unsigned(mut self) -> Self {
        self.zone = stock(Zone::unsigned(&self.zone.apex()));
        self
    }

    /// With a key, and others added in the same way, instead of the two that zones have.
    pub(crate) fn key(self, key: KeyUse) -> Self {
        self.zone(|zone| zone.key(key))
    }

    /// With an RRset of its zone signed otherwise.
    pub(crate) fn signing(self, owner: &str, rtype: RecordType, signing: Signing) -> Self {
        let owner = self.full(owner);
        self.zone(|zone| zone.signing(&owner, rtype, signing))
    }

    /// With one more record.
    pub(crate) fn record(self, owner: &str, data: Rdata) -> Self {
        let owner = self.full(owner);
        self.zone(|zone| zone.record(&owner, data))
    }

    /// With a zone below its own, which has one of everything too.
    pub(crate) fn signed_child(self, label: &str, change: impl FnOnce(Zone) -> Zone) -> Self {
        let apex = self.full(label);
        self.other(change(stock(Zone::signed(&apex))))
    }

    /// As `signed_child`, but unsigned.
    pub(crate) fn unsigned_child(self, label: &str) -> Self {
        let apex = self.full(label);
        self.other(stock(Zone::unsigned(&apex)))
    }

    /// With another zone.
    pub(crate) fn other(mut self, zone: Zone) -> Self {
        self.others.push(zone);
        self
    }

    /// With the reply to its question changed.
    pub(crate) fn edit(
        self,
        change: impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static,
    ) -> Self {
        let (owner, rtype) = (self.owner.clone(), self.rtype);
        self.edit_at(owner, rtype, change)
    }

    /// With the reply to another question changed; `owner` is in full.
    pub(crate) fn edit_at(
        mut self,
        owner: String,
        rtype: RecordType,
        change: impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.edits.push((owner, rtype, Box::new(change)));
        self
    }

    /// With algorithms 5 and 7.
    pub(crate) fn with_sha1(mut self) -> Self {
        self.sha1 = true;
        self
    }

    /// When it is asked, in seconds since 1970: all cases without a time of their own at one and the same, since texts tell the time.
    pub(crate) fn time(&self) -> u64 {
        static START: LazyLock<u64> = LazyLock::new(|| Timestamp::now().unix());
        self.at.unwrap_or(*START)
    }

    /// Asked at this time, in seconds since 1970.
    pub(crate) fn at(mut self, time: u64) -> Self {
        self.at = Some(time);
        self
    }

    /// Unbound comes to something else; the reason cites the RFC that decides.
    pub(crate) fn differs(mut self, reason: &'static str) -> Self {
        self.differs = Some(reason);
        self
    }
}

/// An owner in full.
pub(crate) fn within(owner: &str, apex: &str) -> String {
    match owner {
        "@" => apex.to_owned(),
        owner => format!("{owner}.{apex}"),
    }
}

/// The names that questions are about.
fn stock(zone: Zone) -> Zone {
    let apex = zone.apex();
    let at = |owner: &str| within(owner, &apex);
    zone.mx(10, &at("h"))
        .mx(20, &at("ns"))
        .address(&at("h"), [192, 0, 2, 1].into())
        .address(&at("new.d"), [192, 0, 2, 2].into())
        .address(&at("deep.ent"), [192, 0, 2, 3].into())
        .address(&at("*.w"), [192, 0, 2, 4].into())
        .address(&at("closer.w"), [192, 0, 2, 5].into())
        .cname(&at("alias"), &at("h"))
        .cname(&at("dangling"), &at("none"))
        .dname(&at("old"), &at("d"))
}

/// A name that the table's author wrote.
pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// A key that signs the zone's keys and one that signs the rest, of one algorithm.
pub(crate) fn pair(algorithm: Algorithm) -> [KeyUse; 2] {
    [
        KeyUse::key_signing(ZoneKey::key_signing(algorithm)),
        KeyUse::zone_signing(ZoneKey::zone_signing(algorithm)),
    ]
}

/// A key that signs everything.
pub(crate) fn combined() -> ZoneKey {
    ZoneKey::key_signing(Algorithm::ECDSAP256SHA256)
}
