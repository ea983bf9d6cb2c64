//! The stage of a test: MX hosts, zones and what goes wrong are put up, then the mail flows.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::{fs, mem};

use gateway::dns::{Message, RecordType, Tlsa};
use gateway_lab::temp::TempDir;
use gateway_lab::world::{WorldBuilder, tlsa_owner};
use gateway_lab::{Certificate, Fault, Gateway, MxHost, Seats, World, Zone};

use crate::flow::Flow;

/// More hosts than any test needs.
const SEATS: u8 = 10;
/// The gateway's name unless a test says otherwise.
const HOSTNAME: &str = "gateway.test";

/// A host that several may look at.
pub(crate) type Host = Arc<MxHost>;

/// What is put up before the mail flows.
pub(crate) struct Stage {
    seats: Seats,
    sender: Host,
    hosts: Vec<Host>,
    world: WorldBuilder,
    hostname: String,
    config: Vec<String>,
    validates: bool,
    resolvers: Vec<SocketAddr>,
}

impl Stage {
    /// An empty one; only the sender's domain is there.
    pub(crate) fn new() -> Self {
        Self::with(Seats::reserve(SEATS))
    }

    /// One whose only host to come is at `::1`; `None` where the machine has no such address.
    pub(crate) fn on_ipv6() -> Option<Self> {
        Seats::reserve_both_families().map(Self::with)
    }

    fn with(mut seats: Seats) -> Self {
        let name = "mx.sender.test";
        let sender = MxHost::start_on(seats.take(), Certificate::new(name), name);
        let zone = zone("sender.test", &sender, [sender.tlsa(1, 1)]);
        Self {
            seats,
            sender: Arc::new(sender),
            hosts: Vec::new(),
            world: World::builder().zone(zone),
            hostname: HOSTNAME.to_owned(),
            config: Vec::new(),
            validates: false,
            resolvers: Vec::new(),
        }
    }

    /// A good MX host of this name.
    pub(crate) fn host(&mut self, name: &str) -> Host {
        self.host_with(name, Certificate::new(name))
    }

    /// An MX host of this name with this certificate.
    pub(crate) fn host_with(&mut self, name: &str, certificate: Certificate) -> Host {
        let listener = self.seats.take();
        let host = Arc::new(MxHost::start_on(listener, certificate, name));
        self.hosts.push(Arc::clone(&host));
        host
    }

    /// The port of all hosts.
    pub(crate) const fn port(&self) -> u16 {
        self.seats.port()
    }

    /// An address of a host where nobody listens.
    pub(crate) fn dead(&mut self) -> IpAddr {
        self.seats.refuse().ip()
    }

    /// Serves this zone.
    pub(crate) fn zone(&mut self, zone: Zone) {
        self.world = mem::take(&mut self.world).zone(zone);
    }

    /// Lets this go wrong.
    pub(crate) fn fault(&mut self, owner: &str, rtype: RecordType, fault: Fault) {
        self.world = mem::take(&mut self.world).fault(owner, rtype, fault);
    }

    /// Lets this go wrong with the TLSA records of a host.
    pub(crate) fn tlsa_fault(&mut self, host: &str, fault: Fault) {
        let owner = tlsa_owner(host, self.port()).to_string();
        self.fault(&owner, RecordType::TLSA, fault);
    }

    /// Changes the replies to this question, however sound they are.
    pub(crate) fn edit(&mut self, owner: &str, rtype: RecordType, change: fn(&mut Message)) {
        let builder = mem::take(&mut self.world);
        self.world = builder.edit(owner, rtype, move |reply, _| change(reply));
    }

    /// Signatures are checked in the gateway, from the root's key down.
    pub(crate) const fn validates(&mut self) {
        self.validates = true;
    }

    /// Asks this resolver first, and only then the stage's own.
    pub(crate) fn resolver_before(&mut self, address: SocketAddr) {
        self.resolvers.push(address);
    }

    /// The gateway's name.
    pub(crate) fn hostname(&mut self, name: &str) {
        self.config(&format!("hostname {name}"));
        self.hostname = name.to_owned();
    }

    /// A line of the gateway's configuration; the lab's own lines with the same directive go.
    pub(crate) fn config(&mut self, line: &str) {
        self.config.push(line.to_owned());
    }

    /// Starts the DNS and the gateway.
    pub(crate) fn start(mut self) -> Flow {
        let world = mem::take(&mut self.world).start();
        let anchor = TempDir::new("anchor");
        if self.validates {
            let file = anchor.path().join("root.key");
            fs::write(&file, world.trust_anchor()).expect("a writable directory");
            self.config("dnssec validate");
            self.config(&format!("trust-anchor {}", file.display()));
        }
        let mut gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"));
        for resolver in self.resolvers.iter().chain([&world.resolver()]) {
            gateway = gateway.resolver(*resolver);
        }
        gateway = gateway.smtp_port(self.seats.port());
        for line in &self.config {
            let directive = line.split(' ').next().unwrap_or(line);
            gateway = gateway.without(directive).config(line);
        }
        Flow {
            gateway: gateway.start(),
            world,
            sender: self.sender,
            hosts: self.hosts,
            hostname: self.hostname,
            _anchor: anchor,
        }
    }
}

/// A signed zone whose only MX host is this one, with its address and these TLSA records.
pub(crate) fn zone(apex: &str, mx: &MxHost, records: impl IntoIterator<Item = Tlsa>) -> Zone {
    with_host(Zone::signed(apex).mx(10, mx.name()), mx, records)
}

/// Adds a host's address and these TLSA records to a zone.
pub(crate) fn with_host(zone: Zone, mx: &MxHost, records: impl IntoIterator<Item = Tlsa>) -> Zone {
    let zone = zone.address(mx.name(), mx.ip());
    let add = |zone: Zone, record| zone.tlsa(mx.name(), mx.port(), record);
    records.into_iter().fold(zone, add)
}
