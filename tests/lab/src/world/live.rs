//! A zone as it is served: its records grouped, chained and signed.

use std::collections::BTreeMap;

use gateway::dns::{Dnskey, Ds, Name, Nsec, Rdata, Record, RecordType, Soa, TypeBitmap};

use super::keys::{self, ZoneKey};
use super::rrset::{Rrset, Validity};
use super::zone::{Damage, Zone};

/// The RRsets at one owner.
pub(super) type Node = BTreeMap<RecordType, Rrset>;

/// A zone with its keys and everything it serves.
#[derive(Clone, Debug)]
pub(crate) struct LiveZone {
    pub(super) apex: Name,
    keys: Option<Keys>,
    damage: Damage,
    ttl: u32,
    validity: Validity,
    nodes: BTreeMap<Name, Node>,
}

#[derive(Clone, Debug)]
struct Keys {
    key_signing: ZoneKey,
    zone_signing: ZoneKey,
}

impl Keys {
    const fn key_for(&self, rtype: RecordType) -> &ZoneKey {
        match rtype {
            RecordType::DNSKEY => &self.key_signing,
            _ => &self.zone_signing,
        }
    }
}

impl LiveZone {
    /// Adds SOA, NS and address of a name server that are not given, and makes keys; nothing is signed yet.
    pub(super) fn new(zone: Zone) -> Self {
        let mut live = Self {
            apex: zone.apex,
            keys: zone.is_signed.then(|| Keys {
                key_signing: ZoneKey::key_signing(),
                zone_signing: ZoneKey::zone_signing(),
            }),
            damage: zone.damage,
            ttl: zone.ttl,
            validity: zone.validity,
            nodes: BTreeMap::new(),
        };
        for (owner, data) in zone.records {
            live.add(owner, data);
        }
        live.add_infrastructure();
        live
    }

    fn add_infrastructure(&mut self) {
        let apex = self.apex.clone();
        if self.set(&apex, RecordType::NS).is_none() {
            let server = apex.prepend(b"ns").expect("a short label");
            self.add(apex.clone(), Rdata::Ns(server.clone()));
            self.add(server, Rdata::A([127, 0, 0, 1].into()));
        }
        if self.set(&apex, RecordType::SOA).is_none() {
            let soa = Soa {
                mname: apex.prepend(b"ns").expect("a short label"),
                rname: apex.prepend(b"hostmaster").expect("a short label"),
                serial: 1,
                refresh: 3_600,
                retry: 600,
                expire: 86_400,
                minimum: self.ttl,
            };
            self.add(apex, Rdata::Soa(soa));
        }
    }

    /// Adds one record; the zone is to be signed afterwards.
    pub(super) fn add(&mut self, owner: Name, data: Rdata) {
        let node = self.nodes.entry(owner.clone()).or_default();
        match node.get_mut(&data.rtype()) {
            Some(set) => set.data.push(data),
            None => {
                let set = Rrset::new(owner, self.ttl, vec![data]);
                node.insert(set.rtype, set);
            }
        }
    }

    /// Puts these records in the place of all of their type at this owner, and signs anew.
    pub(super) fn replace(&mut self, owner: Name, data: Vec<Rdata>) {
        let set = Rrset::new(owner.clone(), self.ttl, data);
        self.nodes.entry(owner).or_default().insert(set.rtype, set);
        self.sign();
    }

    /// Removes the records of a type at an owner, and signs anew.
    pub(super) fn remove(&mut self, owner: &Name, rtype: RecordType) {
        if let Some(node) = self.nodes.get_mut(owner) {
            node.remove(&rtype);
        }
        self.sign();
    }

    /// The NS and DS records that a zone above needs for this one.
    pub(super) fn delegation(&self) -> Vec<Rdata> {
        let servers = self.set(&self.apex, RecordType::NS);
        let mut data = servers.map(|set| set.data.clone()).unwrap_or_default();
        data.extend(self.ds().map(Rdata::Ds));
        data
    }

    fn ds(&self) -> Option<Ds> {
        let keys = self.keys.as_ref()?;
        match self.damage {
            Damage::NoDs => None,
            Damage::WrongDs => {
                let other = ZoneKey::key_signing();
                Some(keys::delegation(&self.apex, &other.dnskey))
            }
            Damage::None | Damage::Signatures => {
                Some(keys::delegation(&self.apex, &keys.key_signing.dnskey))
            }
        }
    }

    /// The key that is named from above, for a trust anchor.
    pub(super) fn anchor(&self) -> Option<(Ds, Dnskey)> {
        let key = &self.keys.as_ref()?.key_signing.dnskey;
        Some((keys::delegation(&self.apex, key), key.clone()))
    }

    /// Makes the DNSKEY and NSEC records anew, and signs everything the zone is an authority for (RFC 4035 §2).
    pub(super) fn sign(&mut self) {
        let generated = [RecordType::NSEC, RecordType::DNSKEY];
        for node in self.nodes.values_mut() {
            node.retain(|rtype, _| !generated.contains(rtype));
        }
        self.nodes.retain(|_, node| !node.is_empty());
        let Some(keys) = self.keys.clone() else {
            return;
        };
        for key in [&keys.key_signing, &keys.zone_signing] {
            self.add(self.apex.clone(), Rdata::Dnskey(key.dnskey.clone()));
        }
        self.chain();
        let (apex, validity) = (self.apex.clone(), self.validity);
        let is_damaged = self.damage == Damage::Signatures;
        let cuts = self.cuts();
        for (owner, node) in &mut self.nodes {
            for set in node.values_mut() {
                if !is_authoritative(&cuts, owner, set.rtype) {
                    continue;
                }
                set.sign(keys.key_for(set.rtype), &apex, validity);
                if is_damaged {
                    set.damage();
                }
            }
        }
    }

    /// Adds the NSEC record of every owner that is not below a zone cut (RFC 4034 §4).
    fn chain(&mut self) {
        let cuts = self.cuts();
        let owners: Vec<Name> = self
            .nodes
            .keys()
            .filter(|owner| is_authoritative(&cuts, owner, RecordType::NSEC))
            .cloned()
            .collect();
        let following = owners.iter().cycle().skip(1);
        for (owner, next) in owners.iter().zip(following) {
            let here = self.nodes[owner].keys().copied();
            let types = here.chain([RecordType::NSEC, RecordType::RRSIG]);
            let nsec = Nsec {
                next: next.clone(),
                types: TypeBitmap::from_types(types),
            };
            self.add(owner.clone(), Rdata::Nsec(nsec));
        }
    }

    /// The names below the apex with NS records: what lies below them belongs to another zone.
    fn cuts(&self) -> Vec<Name> {
        let is_cut = |(owner, node): &(&Name, &Node)| {
            **owner != self.apex && node.contains_key(&RecordType::NS)
        };
        let cuts = self.nodes.iter().filter(is_cut);
        cuts.map(|(owner, _)| owner.clone()).collect()
    }

    /// The set as it would be served, but with signatures that ran out before those of the zone begin.
    pub(super) fn expired(&self, set: &Rrset) -> Rrset {
        let Some(keys) = self.keys.as_ref().filter(|_| !set.signatures.is_empty()) else {
            return set.clone();
        };
        let validity = Validity {
            inception: self.validity.inception.saturating_sub(30 * 86_400),
            expiration: self.validity.inception,
        };
        let mut expired = set.clone();
        let labels = set.signatures.first().map(|one| usize::from(one.labels));
        if labels.is_some_and(|labels| labels < set.owner.label_count()) {
            // Expanded from a wildcard: only the wildcard itself can be signed.
            expired.owner = self.wildcard_of(&set.owner);
        }
        expired.sign(keys.key_for(set.rtype), &self.apex, validity);
        expired.served_as(&set.owner)
    }

    pub(super) fn node(&self, owner: &Name) -> Option<&Node> {
        self.nodes.get(owner)
    }

    pub(super) fn set(&self, owner: &Name, rtype: RecordType) -> Option<&Rrset> {
        self.nodes.get(owner)?.get(&rtype)
    }

    /// Whether there is a node at this name or below it (an empty non-terminal, RFC 4592 §2.2.2).
    pub(super) fn exists(&self, name: &Name) -> bool {
        let mut from_here = self.nodes.range(name.clone()..);
        from_here
            .next()
            .is_some_and(|(owner, _)| owner.is_at_or_below(name))
    }

    /// The NSEC set whose owner is this name, or the last before it.
    pub(super) fn covering(&self, name: &Name) -> Option<&Rrset> {
        let up_to_here = self.nodes.range(..=name.clone());
        up_to_here
            .rev()
            .find_map(|(_, node)| node.get(&RecordType::NSEC))
    }

    /// The longest ancestor that exists (RFC 4592 §3.3.1).
    pub(super) fn closest_encloser(&self, name: &Name) -> Name {
        let mut encloser = name.clone();
        while !self.exists(&encloser) {
            encloser = encloser.parent().expect("the apex exists");
        }
        encloser
    }

    /// The wildcard that may answer for a name that does not exist.
    pub(super) fn wildcard_of(&self, name: &Name) -> Name {
        let encloser = self.closest_encloser(name);
        encloser.prepend(b"*").expect("a short label")
    }

    /// Everything in zone-file form, signatures included.
    pub(super) fn records(&self) -> impl Iterator<Item = Record> {
        let sets = self.nodes.values().flat_map(BTreeMap::values);
        sets.flat_map(|set| set.records().chain(set.signature_records()))
    }
}

/// Whether the zone signs such a set: not what lies below a cut, and at a cut only DS and NSEC (RFC 4035 §2.2).
fn is_authoritative(cuts: &[Name], owner: &Name, rtype: RecordType) -> bool {
    let at_cut = [RecordType::DS, RecordType::NSEC];
    !cuts
        .iter()
        .any(|cut| owner.is_at_or_below(cut) && !(owner == cut && at_cut.contains(&rtype)))
}
