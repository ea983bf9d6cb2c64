//! The world of the demonstration: the domains of the classroom, their mail servers, and what is right or wrong with each.

use crate::certificate::Certificate;
use crate::mx::MxHost;
use crate::process::{Gateway, GatewayBuilder};
use crate::seats::Seats;
use crate::world::{Damage, World, Zone};

/// The port of the classroom's mail servers; another one is taken where this is in use.
const PORT: u16 = 10_587;

/// A domain whose mail server proves who it is.
pub const GOOD: &str = "security2017.vaucher.org";
/// A domain whose mail server presents a certificate that its TLSA record does not name.
pub const MISMATCH: &str = "security2017broken.vaucher.org";
/// A domain whose signatures do not verify.
pub const BOGUS: &str = "dnssec-failed.org";
/// A domain without signatures.
pub const UNSIGNED: &str = "unsigned.org";

/// The mail server of [`GOOD`].
pub const GOOD_HOST: &str = "mailtest.vaucher.org";
/// The mail server of [`MISMATCH`].
pub const MISMATCH_HOST: &str = "mailtestbroken.vaucher.org";

/// The running world.
#[derive(Debug)]
pub struct Story {
    /// The DNS: a signed root, org, vaucher.org, one domain with broken signatures and one without any.
    pub world: World,
    /// The server of [`GOOD`], of [`BOGUS`] and of [`UNSIGNED`].
    pub good: MxHost,
    /// The server of [`MISMATCH`].
    pub mismatch: MxHost,
}

impl Story {
    /// Starts the mail servers and the DNS.
    pub fn start() -> Self {
        let mut seats = Seats::reserve_port(2, PORT).unwrap_or_else(|| Seats::reserve(2));
        let mut host = |name| MxHost::start_on(seats.take(), Certificate::new(name), name);
        let (good, mismatch) = (host(GOOD_HOST), host(MISMATCH_HOST));
        let port = good.port();
        let other = Certificate::new(MISMATCH_HOST);
        let vaucher = Zone::signed("vaucher.org")
            .record(GOOD, mx(GOOD_HOST))
            .address(GOOD_HOST, good.ip())
            .tlsa(GOOD_HOST, port, good.tlsa(0, 1))
            .record(MISMATCH, mx(MISMATCH_HOST))
            .address(MISMATCH_HOST, mismatch.ip())
            .tlsa(MISMATCH_HOST, port, other.tlsa(0, 1));
        let world = World::builder()
            .zone(Zone::signed("org"))
            .zone(vaucher)
            .zone(
                Zone::signed(BOGUS)
                    .mx(10, GOOD_HOST)
                    .damaged(Damage::Signatures),
            )
            .zone(Zone::unsigned(UNSIGNED).mx(10, GOOD_HOST))
            .start();
        Self {
            world,
            good,
            mismatch,
        }
    }

    /// A gateway for this world, not started: it believes the lab's resolver, and may connect to loopback addresses.
    pub fn gateway(&self, binary: &str) -> GatewayBuilder {
        Gateway::builder(binary)
            .resolver(self.world.resolver())
            .smtp_port(self.good.port())
            .config("filter header add X-Filtered-By \"gateway.test\"")
            .config("filter subject-tag \"[filtered]\"")
            .config("filter block-attachment *.exe")
    }
}

fn mx(exchange: &str) -> gateway::dns::Rdata {
    gateway::dns::Rdata::Mx {
        preference: 10,
        exchange: gateway::dns::Name::parse(exchange).expect("a name"),
    }
}
