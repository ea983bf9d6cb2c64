//! The trust anchors: the DNSSEC keys that are believed without further proof, those of the root or of any other zone.

use std::fmt;

use super::algorithm::Algorithms;
use super::keys::{EntryPoint, EntryPoints};
use super::limits::ANCHORS_AT_MOST;
use super::why::Why;
use crate::dns::{Class, DigestType, Dnskey, Ds, Name, Rdata, Record, ZoneError, zonefile};

/// The DS records of both root keys in zone-file form, as IANA publishes them (RFC 9718): KSK-2017 and KSK-2024.
pub const ROOT: [&str; 2] = [
    ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". IN DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
];

/// The key tags of [`ROOT`].
pub fn root_key_tags() -> impl Iterator<Item = &'static str> {
    ROOT.iter().filter_map(|record| record.split(' ').nth(3))
}

/// The trust anchors of one or more zones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustAnchors(Vec<(Name, EntryPoint)>);

/// Why text gives no trust anchors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnchorError {
    /// It is not in zone-file form.
    Zone(ZoneError),
    /// It has no record at all.
    Empty,
    /// It has more than [`ANCHORS_AT_MOST`] records.
    TooMany,
    /// A record cannot be a trust anchor.
    Record {
        /// Owner and type of the record.
        record: String,
        /// Why not.
        reason: &'static str,
    },
}

impl fmt::Display for AnchorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(error) => error.fmt(f),
            Self::Empty => f.write_str("expected a DS or DNSKEY record, found none"),
            Self::TooMany => write!(f, "more than {ANCHORS_AT_MOST} trust anchors"),
            Self::Record { record, reason } => write!(f, "{record} is no trust anchor: {reason}"),
        }
    }
}

impl std::error::Error for AnchorError {}

impl TrustAnchors {
    /// The keys of the root that are built in.
    pub fn built_in() -> Self {
        Self::parse(&ROOT.join("\n")).unwrap_or_default()
    }

    /// Reads DS and DNSKEY records in zone-file form, of one zone or several; names without a final dot count from the root.
    ///
    /// # Errors
    /// [`AnchorError`] for the first record that cannot be a trust anchor.
    pub fn parse(text: &str) -> Result<Self, AnchorError> {
        let records = zonefile::parse(text, &Name::root()).map_err(AnchorError::Zone)?;
        if records.is_empty() {
            return Err(AnchorError::Empty);
        }
        if records.len() > ANCHORS_AT_MOST {
            return Err(AnchorError::TooMany);
        }
        let mut anchors = Self::default();
        for record in records {
            let name = record.name.clone();
            let text = format!("{} {}", record.name, record.rtype());
            let point = entry_point(record).map_err(|reason| AnchorError::Record {
                record: text,
                reason,
            })?;
            anchors.add(name, point);
        }
        Ok(anchors)
    }

    /// Adds an anchor unless it is there already.
    pub fn add(&mut self, zone: Name, point: EntryPoint) {
        let anchor = (zone, point);
        if !self.0.contains(&anchor) {
            self.0.push(anchor);
        }
    }

    /// Zone and entry point of each anchor.
    pub fn iter(&self) -> impl Iterator<Item = (&Name, &EntryPoint)> {
        self.0.iter().map(|(zone, point)| (zone, point))
    }

    /// The zone with anchors that is closest to `name`, at it or above; `None` if there is none.
    pub fn closest(&self, name: &Name) -> Option<&Name> {
        let zones = self.0.iter().map(|(zone, _)| zone);
        zones
            .filter(|zone| name.is_at_or_below(zone))
            .max_by_key(|zone| zone.label_count())
    }

    /// The entry points that the anchors of `zone` give.
    ///
    /// # Errors
    /// [`Why::NoAnchor`] if the zone has no anchors, [`Why::AnchorUnsupported`] if none of them is of use here.
    pub fn entry_points(&self, zone: &Name, algorithms: Algorithms) -> Result<EntryPoints, Why> {
        let anchors = self.0.iter().filter(|(owner, _)| owner == zone);
        let points: Vec<EntryPoint> = anchors.map(|(_, point)| point.clone()).collect();
        if points.is_empty() {
            return Err(Why::NoAnchor { name: zone.clone() });
        }
        EntryPoints::of_anchors(zone, points, algorithms)
    }
}

/// The record as an entry point, if it can be one.
pub(super) fn entry_point(record: Record) -> Result<EntryPoint, &'static str> {
    if record.class != Class::IN {
        return Err("its class is not IN");
    }
    match record.data {
        Rdata::Ds(ds) => check_ds(&ds).map(|()| EntryPoint::Ds(ds)),
        Rdata::Dnskey(key) => check_dnskey(&key).map(|()| EntryPoint::Dnskey(key)),
        _ => Err("expected type DS or DNSKEY"),
    }
}

fn check_ds(ds: &Ds) -> Result<(), &'static str> {
    let expected = match ds.digest_type {
        DigestType::SHA1 => 20,
        DigestType::SHA256 => 32,
        DigestType::SHA384 => 48,
        _ => return Err("its digest type is not supported"),
    };
    if ds.digest.len() != expected {
        return Err("its digest does not have the length that its type demands");
    }
    Ok(())
}

fn check_dnskey(key: &Dnskey) -> Result<(), &'static str> {
    if !key.is_zone_key() || key.protocol != Dnskey::PROTOCOL {
        return Err("it lacks the zone flag (256) or its protocol is not 3");
    }
    if key.is_revoked() {
        return Err("it is revoked (flag 128)");
    }
    Ok(())
}

#[cfg(test)]
#[path = "anchor_tests.rs"]
mod tests;
