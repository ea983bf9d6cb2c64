//! A zone as it is served: its records grouped, chained and signed.

use std::collections::BTreeMap;

use gateway::dns::{
    Algorithm, DigestType, Dnskey, Ds, Name, Nsec, Rdata, Record, RecordType, Soa, TypeBitmap,
};

use super::edit::Signing;
use super::hashed::{self, Hashed};
use super::keys::{self, KeyUse, ZoneKey};
use super::rrset::{Rrset, Validity};
use super::zone::{Damage, Denial, Zone};

/// The RRsets at one owner.
pub(super) type Node = BTreeMap<RecordType, Rrset>;

/// A zone with its keys and everything it serves.
#[derive(Clone, Debug)]
pub(crate) struct LiveZone {
    pub(super) apex: Name,
    /// None in an unsigned zone.
    keys: Vec<KeyUse>,
    /// DNSKEY records that no key of ours stands behind.
    hollow_keys: Vec<Dnskey>,
    ds: Option<Vec<Ds>>,
    signings: Vec<(Name, RecordType, Signing)>,
    pub(super) denial: Denial,
    pub(super) hashed: Hashed,
    damage: Damage,
    ttl: u32,
    validity: Validity,
    nodes: BTreeMap<Name, Node>,
}

impl LiveZone {
    /// Adds SOA, NS and address of a name server that are not given, and makes keys; nothing is signed yet.
    pub(super) fn new(zone: Zone) -> Self {
        let mut live = Self {
            apex: zone.apex,
            keys: match zone.is_signed {
                true if zone.keys.is_empty() => new_keys(),
                _ => zone.keys,
            },
            hollow_keys: Vec::new(),
            ds: zone.ds,
            signings: zone.signings,
            denial: zone.denial,
            hashed: Hashed::default(),
            damage: zone.damage,
            ttl: zone.ttl,
            validity: zone.validity,
            nodes: BTreeMap::new(),
        };
        for (owner, data) in zone.records {
            match data {
                Rdata::Dnskey(key) => live.hollow_keys.push(key),
                data => live.add(owner, data),
            }
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
        data.extend(self.all_ds().into_iter().map(Rdata::Ds));
        data
    }

    fn all_ds(&self) -> Vec<Ds> {
        if let Some(given) = &self.ds {
            return given.clone();
        }
        let of_keys = self.keys.iter().flat_map(|one| {
            let ds = |digest| keys::delegation(&self.apex, &one.key.dnskey, digest);
            one.digests.iter().map(move |digest| ds(*digest))
        });
        match self.damage {
            Damage::NoDs => Vec::new(),
            Damage::WrongDs if !self.keys.is_empty() => {
                let other = ZoneKey::key_signing(Algorithm::ECDSAP256SHA256);
                vec![keys::delegation(
                    &self.apex,
                    &other.dnskey,
                    DigestType::SHA256,
                )]
            }
            _ => of_keys.collect(),
        }
    }

    /// The key that is named from above, for a trust anchor.
    pub(super) fn anchor(&self) -> Option<(Ds, Dnskey)> {
        let entry = self.keys.iter().find(|one| !one.digests.is_empty())?;
        let key = &entry.key.dnskey;
        let ds = keys::delegation(&self.apex, key, entry.digests[0]);
        Some((ds, key.clone()))
    }

    /// Its keys, whatever they do.
    pub(super) fn keys(&self) -> impl Iterator<Item = &ZoneKey> {
        self.keys.iter().map(|one| &one.key)
    }

    /// The keys that sign sets of this type.
    fn keys_for(&self, rtype: RecordType) -> Vec<ZoneKey> {
        let signs = |one: &&KeyUse| match rtype {
            RecordType::DNSKEY => one.signs_keys,
            _ => one.signs_data,
        };
        let those = self.keys.iter().filter(signs);
        those.map(|one| one.key.clone()).collect()
    }

    /// Makes the DNSKEY, NSEC and NSEC3 records anew, and signs everything the zone is an authority for (RFC 4035 §2).
    pub(super) fn sign(&mut self) {
        let generated = [RecordType::NSEC, RecordType::DNSKEY, RecordType::NSEC3PARAM];
        for node in self.nodes.values_mut() {
            node.retain(|rtype, _| !generated.contains(rtype));
        }
        self.nodes.retain(|_, node| !node.is_empty());
        if self.keys.is_empty() {
            return;
        }
        self.publish_keys();
        match self.denial.clone() {
            Denial::Nsec => self.chain(),
            Denial::Nsec3(hashing) => {
                self.add(self.apex.clone(), hashed::parameters(&hashing));
                self.hashed = Hashed::new(self, &hashing);
            }
            Denial::Compact => {}
        }
        let mut nodes = std::mem::take(&mut self.nodes);
        let cuts = cuts(&self.apex, &nodes);
        for (owner, node) in &mut nodes {
            for set in node.values_mut() {
                if is_authoritative(&cuts, owner, set.rtype) {
                    self.sign_set(set);
                }
            }
        }
        self.nodes = nodes;
        let mut hashed = std::mem::take(&mut self.hashed);
        hashed.sets_mut().for_each(|set| self.sign_set(set));
        self.hashed = hashed;
    }

    fn publish_keys(&mut self) {
        let published = self.keys.iter().filter(|one| one.is_published);
        let ours = published.map(|one| one.key.dnskey.clone());
        let all: Vec<_> = ours.chain(self.hollow_keys.iter().cloned()).collect();
        for key in all {
            self.add(self.apex.clone(), Rdata::Dnskey(key));
        }
    }

    /// Signs a set as the zone does, or as the test wants it.
    pub(super) fn sign_set(&self, set: &mut Rrset) {
        let keys = self.keys_for(set.rtype);
        let signing = self
            .signings
            .iter()
            .find(|(owner, rtype, _)| *owner == set.owner && *rtype == set.rtype);
        match signing {
            Some((_, _, signing)) => {
                set.sign_otherwise(&keys, &self.apex, self.validity, signing);
            }
            None => set.sign(&keys, &self.apex, self.validity),
        }
        if self.damage == Damage::Signatures {
            set.damage();
        }
    }

    pub(super) fn new_set(&self, owner: Name, data: Rdata) -> Rrset {
        Rrset::new(owner, self.ttl, vec![data])
    }

    /// Adds the NSEC record of every owner that is not below a zone cut (RFC 4034 §4).
    fn chain(&mut self) {
        let owners = self.chained();
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

    /// The owners that are not below a zone cut.
    pub(super) fn chained(&self) -> Vec<Name> {
        let cuts = cuts(&self.apex, &self.nodes);
        let owners = self.nodes.keys();
        owners
            .filter(|owner| is_authoritative(&cuts, owner, RecordType::NSEC))
            .cloned()
            .collect()
    }

    /// The set as it would be served, but with signatures that ran out before those of the zone begin.
    pub(super) fn expired(&self, set: &Rrset) -> Rrset {
        if set.signatures.is_empty() {
            return set.clone();
        }
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
        expired.sign(&self.keys_for(set.rtype), &self.apex, validity);
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
        let sets = sets.chain(self.hashed.sets());
        sets.flat_map(|set| set.records().chain(set.signature_records()))
    }
}

fn new_keys() -> Vec<KeyUse> {
    let algorithm = Algorithm::ECDSAP256SHA256;
    vec![
        KeyUse::key_signing(ZoneKey::key_signing(algorithm)),
        KeyUse::zone_signing(ZoneKey::zone_signing(algorithm)),
    ]
}

/// The names below the apex with NS records: what lies below them belongs to another zone.
fn cuts(apex: &Name, nodes: &BTreeMap<Name, Node>) -> Vec<Name> {
    let is_cut =
        |(owner, node): &(&Name, &Node)| *owner != apex && node.contains_key(&RecordType::NS);
    let cuts = nodes.iter().filter(is_cut);
    cuts.map(|(owner, _)| owner.clone()).collect()
}

/// Whether the zone signs such a set: not what lies below a cut, and at a cut only DS and NSEC (RFC 4035 §2.2).
fn is_authoritative(cuts: &[Name], owner: &Name, rtype: RecordType) -> bool {
    let at_cut = [RecordType::DS, RecordType::NSEC];
    !cuts
        .iter()
        .any(|cut| owner.is_at_or_below(cut) && !(owner == cut && at_cut.contains(&rtype)))
}
