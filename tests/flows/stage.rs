//! The stage of a test: MX hosts, zones and what goes wrong are put up, then the mail flows.

use std::mem;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;

use gateway::dns::{Message, RecordType, Tlsa};
use gateway_lab::unbound::Unbound;
use gateway_lab::world::{WorldBuilder, tlsa_owner};
use gateway_lab::{Certificate, Fault, Gateway, MxHost, Seats, World, Zone};

use crate::flow::Flow;
use crate::scenario::{Ending, Mode, Scenario};

/// More hosts than the test of one domain needs.
const SEATS: u8 = 10;
/// More hosts than all scenarios together need.
const SEATS_OF_ALL: u8 = 150;
/// The gateway's name unless a test says otherwise.
pub(crate) const HOSTNAME: &str = "gateway.test";

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
    /// Where DNSSEC is checked; by the resolver unless it is changed.
    pub(crate) mode: Mode,
    /// Resolvers that are asked before the stage's own.
    resolvers: Vec<SocketAddr>,
    store: String,
    scenarios: Vec<Scenario>,
    /// Hosts that belong to the scenarios so far.
    placed: usize,
}

impl Stage {
    /// An empty one; only the sender's domain is there.
    pub(crate) fn new() -> Self {
        Self::with(Seats::reserve(SEATS))
    }

    /// An empty one with room for many scenarios.
    pub(crate) fn large() -> Self {
        Self::with(Seats::reserve_with_ipv6(SEATS_OF_ALL))
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
            mode: Mode::Ad,
            resolvers: Vec::new(),
            store: String::new(),
            scenarios: Vec::new(),
            placed: 0,
        }
    }

    /// A good MX host of this name at `::1`; `None` where the machine has no such address.
    pub(crate) fn host_on_ipv6(&mut self, name: &str) -> Option<Host> {
        let listener = self.seats.take_ipv6()?;
        Some(self.host_at(listener, name, Certificate::new(name)))
    }

    /// Mail for this domain ends so at `dane-only`, and so at `dane`. The hosts put up since the scenario before are its own.
    pub(crate) fn scenario(
        &mut self,
        name: &'static str,
        domain: &str,
        endings: impl Into<[Ending; 2]>,
    ) -> &mut Scenario {
        let hosts = self.hosts[self.placed..].to_vec();
        self.placed = self.hosts.len();
        self.scenarios
            .push(Scenario::new(name, domain, endings.into(), hosts));
        self.scenarios.last_mut().expect("one was just added")
    }

    /// The scenarios so far.
    pub(crate) fn take_scenarios(&mut self) -> Vec<Scenario> {
        mem::take(&mut self.scenarios)
    }

    /// A good MX host of this name.
    pub(crate) fn host(&mut self, name: &str) -> Host {
        self.host_with(name, Certificate::new(name))
    }

    /// An MX host of this name with this certificate.
    pub(crate) fn host_with(&mut self, name: &str, certificate: Certificate) -> Host {
        let listener = self.seats.take();
        self.host_at(listener, name, certificate)
    }

    fn host_at(&mut self, listener: TcpListener, name: &str, certificate: Certificate) -> Host {
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

    /// Changes the replies to this question, however sound they are.
    pub(crate) fn edit(&mut self, owner: &str, rtype: RecordType, change: fn(&mut Message)) {
        let builder = mem::take(&mut self.world);
        self.world = builder.edit(owner, rtype, move |reply, _| change(reply));
    }

    /// Lets this go wrong with the TLSA records of a host.
    pub(crate) fn tlsa_fault(&mut self, host: &str, fault: Fault) {
        let owner = tlsa_owner(host, self.port()).to_string();
        self.fault(&owner, RecordType::TLSA, fault);
    }

    /// A line of the gateway's configuration; the lab's own lines with the same directive go.
    pub(crate) fn config(&mut self, line: &str) {
        self.config.push(line.to_owned());
    }

    /// The system's store of CAs holds this one.
    pub(crate) fn store(&mut self, authority: &Certificate) {
        self.store.push_str(&authority.pem());
    }

    /// Asks this resolver first, and only then the stage's own.
    pub(crate) fn resolver_before(&mut self, address: SocketAddr) {
        self.resolvers.push(address);
    }

    /// Starts the DNS and the gateway.
    pub(crate) fn start(self) -> Flow {
        let world = self.world.start();
        let unbound = (self.mode == Mode::Unbound).then(|| Unbound::validating(&world));
        let own = unbound.as_ref().map_or(world.resolver(), Unbound::address);
        let mut gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"));
        for resolver in self.resolvers.iter().chain([&own]) {
            gateway = gateway.resolver(*resolver);
        }
        gateway = gateway.smtp_port(self.seats.port()).store(&self.store);
        if self.mode == Mode::Validate {
            gateway = gateway.validating(&world.trust_anchor());
        }
        for line in &self.config {
            let directive = line.split(' ').next().unwrap_or(line);
            gateway = gateway.without(directive).config(line);
        }
        Flow {
            gateway: gateway.start(),
            world,
            unbound,
            sender: self.sender,
            hosts: self.hosts,
            hostname: self.hostname,
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
