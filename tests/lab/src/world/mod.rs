//! The DNS of the lab: signed and unsigned zones, and a validating resolver that answers from them.

mod edit;
mod exchange;
mod fault;
mod hashed;
mod internet;
mod judge;
mod keys;
mod live;
mod lookup;
mod reply;
mod rrset;
mod server;
mod zone;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, RwLock, RwLockWriteGuard};

use gateway::dns::{Message, Name, Rdata, RecordType};

use crate::journal::Journal;
use edit::{Change, Edits};
use exchange::Exchange;
use fault::Faults;
use internet::Internet;
use live::LiveZone;
use server::Server;
use zone::name;

pub use edit::{Elsewhere, Signing, more_signatures, sign_again};
pub use exchange::{Query, Transport};
pub use fault::Fault;
pub use keys::{KeyUse, ZoneKey};
pub use rrset::Validity;
pub use zone::{Damage, Denial, Hashing, Zone, tlsa_owner};

/// What a world shall consist of. The root, `test` and the top-level domains of its zones are added, signed, unless they are given.
#[derive(Clone, Debug, Default)]
pub struct WorldBuilder {
    zones: Vec<Zone>,
    faults: Faults,
    edits: Edits,
}

impl WorldBuilder {
    /// With this zone. Whatever zone lies above it delegates it.
    #[must_use]
    pub fn zone(mut self, zone: Zone) -> Self {
        self.zones.push(zone);
        self
    }

    /// With this going wrong from the start; type ANY stands for every type.
    #[must_use]
    pub fn fault(mut self, owner: &str, rtype: RecordType, fault: Fault) -> Self {
        self.faults.add(name(owner), rtype, fault);
        self
    }

    /// With the replies to this question changed before they go out: nothing is signed again, and the resolver judges them as they were before.
    #[must_use]
    pub fn edit(
        mut self,
        owner: &str,
        rtype: RecordType,
        change: impl Fn(&mut Message, &Elsewhere<'_>) + Send + Sync + 'static,
    ) -> Self {
        let change: Arc<Change> = Arc::new(change);
        self.edits.add(name(owner), rtype, change);
        self
    }

    /// Makes keys, signs every zone, and starts the resolver.
    ///
    /// # Panics
    /// When two zones have the same apex.
    pub fn start(self) -> World {
        let mut zones = BTreeMap::new();
        for zone in self.zones {
            let apex = zone.apex.clone();
            let before = zones.insert(apex.clone(), LiveZone::new(zone));
            assert!(before.is_none(), "zone {apex} is there already");
        }
        let implied: Vec<_> = zones.keys().filter_map(|apex| apex.suffix(1)).collect();
        for apex in implied.into_iter().chain([Name::root(), name("test")]) {
            zones
                .entry(apex.clone())
                .or_insert_with(|| LiveZone::new(Zone::signed(&apex.to_string())));
        }
        delegate(&mut zones);
        zones.values_mut().for_each(LiveZone::sign);
        World::serve(Internet {
            zones,
            faults: self.faults,
            edits: self.edits,
        })
    }
}

/// Adds to each zone what it must say about the zones right below it.
fn delegate(zones: &mut BTreeMap<Name, LiveZone>) {
    let delegations: Vec<_> = zones
        .iter()
        .filter(|(apex, _)| !apex.is_root())
        .map(|(apex, zone)| (apex.clone(), zone.delegation()))
        .collect();
    for (apex, records) in delegations {
        let mut above = apex.parent();
        while let Some(owner) = above {
            if let Some(zone) = zones.get_mut(&owner) {
                for data in records {
                    zone.add(apex.clone(), data);
                }
                break;
            }
            above = owner.parent();
        }
    }
}

/// A running DNS; it stops when dropped.
#[derive(Debug)]
pub struct World {
    exchange: Arc<Exchange>,
    server: Server,
}

impl World {
    /// An empty one to be filled.
    pub fn builder() -> WorldBuilder {
        WorldBuilder::default()
    }

    fn serve(internet: Internet) -> Self {
        let exchange = Arc::new(Exchange {
            internet: RwLock::new(internet),
            queries: Journal::default(),
        });
        let server = Server::start(Arc::clone(&exchange));
        Self { exchange, server }
    }

    /// The address of its validating resolver, UDP and TCP.
    pub const fn resolver(&self) -> SocketAddr {
        self.server.address
    }

    /// What its resolver replies to a question with RD, DO and CD, without a socket and whatever the size.
    pub fn carry(&self, owner: &Name, rtype: RecordType) -> Message {
        self.internet().carry(owner, rtype)
    }

    /// The questions the resolver got so far.
    pub fn queries(&self) -> Vec<Query> {
        self.exchange.queries.entries()
    }

    /// Forgets the questions so far.
    pub fn clear_queries(&self) {
        self.exchange.queries.clear();
    }

    /// From now on only this goes wrong with this name and type.
    pub fn set_fault(&self, owner: &str, rtype: RecordType, fault: Fault) {
        let owner = name(owner);
        let mut internet = self.internet();
        internet.faults.clear(&owner, rtype);
        internet.faults.add(owner, rtype, fault);
    }

    /// From now on nothing goes wrong with this name and type.
    pub fn clear_fault(&self, owner: &str, rtype: RecordType) {
        self.internet().faults.clear(&name(owner), rtype);
    }

    /// Puts these records in the place of all of their type at this owner, as at a key rollover; the zone is signed anew.
    ///
    /// # Panics
    /// When there are no records, or of several types.
    pub fn replace_rrset(&self, owner: &Name, records: Vec<Rdata>) {
        let mut internet = self.internet();
        let zone = internet.zone_of_mut(owner);
        zone.replace(owner.clone(), records);
    }

    /// Removes the records of a type at this owner; the zone is signed anew.
    pub fn remove_rrset(&self, owner: &Name, rtype: RecordType) {
        let mut internet = self.internet();
        internet.zone_of_mut(owner).remove(owner, rtype);
    }

    /// The root's key as DS and DNSKEY records in zone-file form, for `--trust-anchor`.
    ///
    /// # Panics
    /// When the root is not signed.
    pub fn trust_anchor(&self) -> String {
        let internet = self.internet();
        let (ds, key) = internet.zones[&Name::root()]
            .anchor()
            .expect("the root is signed");
        format!(". IN DS {ds}\n. IN DNSKEY {key}\n")
    }

    /// A zone in zone-file form with all its signatures, for servers that were written elsewhere.
    ///
    /// # Panics
    /// When there is no such zone.
    pub fn zone_file(&self, apex: &str) -> String {
        let internet = self.internet();
        let zone = internet.zones.get(&name(apex)).expect("the zone is served");
        zone.records().map(|record| format!("{record}\n")).collect()
    }

    fn internet(&self) -> RwLockWriteGuard<'_, Internet> {
        self.exchange
            .internet
            .write()
            .expect("no thread panics while it holds the zones")
    }
}
