//! The pool over stand-ins for servers.

use sha2::{Digest, Sha256};

use super::*;
use crate::dane;
use crate::dns::Tlsa;
use crate::net::Dialer;
use crate::outbound::fakes::{CERTIFICATE, FakeNet, Server, domain};
use crate::outbound::session::Timeouts;
use crate::smtp::{Mailbox, ReversePath};

const MINUTE: Duration = Duration::from_secs(60);

fn limits() -> Limits {
    Limits {
        idle: MINUTE,
        ..Limits::default()
    }
}

/// A pool and the servers behind it.
struct House {
    net: Arc<FakeNet>,
    pool: Pool,
}

/// What an attempt asks for.
#[derive(Clone)]
struct Wanted {
    destination: Host,
    level: Level,
    address: &'static str,
    server_name: &'static str,
    demand: Demand,
    may_reuse: bool,
}

fn wanted() -> Wanted {
    Wanted {
        destination: Host::Domain(domain("d.test")),
        level: Level::Dane,
        address: "192.0.2.1:25",
        server_name: "mx.d.test",
        demand: Demand::Encryption,
        may_reuse: true,
    }
}

impl House {
    fn new(limits: Limits) -> Self {
        let net = Arc::new(FakeNet::new(&[("192.0.2.9", Server::Once)]));
        let pool = Pool::new(Box::new(Arc::clone(&net)), limits);
        Self { net, pool }
    }

    fn connect(&self, wanted: &Wanted) -> Box<dyn Carrier> {
        let timeouts = Timeouts {
            connect: MINUTE,
            command: MINUTE,
            final_dot: MINUTE,
        };
        let link = Link {
            address: wanted.address.parse().expect("an address"),
            server_name: wanted.server_name,
            dialer: Dialer::STRAIGHT,
            hostname: &domain("gateway.test"),
            ehlo_name: &domain("gateway.test"),
            tls_padding: None,
            timeouts,
            breaker: None,
            transcript: None,
        };
        let purpose = Purpose {
            destination: &wanted.destination,
            level: wanted.level,
            may_reuse: wanted.may_reuse,
        };
        let connected = self.pool.connect(purpose, &link, &wanted.demand);
        connected.expect("the server is there")
    }

    /// A message over a connection as wanted; says whether it carried others before.
    fn send(&self, wanted: &Wanted) -> bool {
        let mut carrier = self.connect(wanted);
        // What comes of it is not of interest here.
        let _ = carrier.send(&Mail {
            sender: &ReversePath::Null,
            recipients: &[Mailbox::parse("x@d.test").expect("a mailbox")],
            eight_bit: false,
            content: b"x\r\n",
        });
        let is_reused = carrier.is_reused();
        carrier.quit();
        is_reused
    }

    fn connections(&self) -> usize {
        self.net.contacts().len()
    }

    fn waiting(&self) -> usize {
        lock(&self.pool.shelf.state).waiting.len()
    }
}

#[test]
fn the_same_wish_gets_the_same_connection() {
    let house = House::new(limits());
    let reused: Vec<bool> = (0..4).map(|_| house.send(&wanted())).collect();
    assert_eq!(reused, [false, true, true, true]);
    assert_eq!((house.connections(), house.net.goodbyes()), (1, 0));
}

/// T72, and every other part of what makes two connections the same.
#[test]
fn whatever_differs_is_not_shared() {
    let others = [
        Wanted {
            destination: Host::Domain(domain("other.test")),
            ..wanted()
        },
        Wanted {
            level: Level::Encrypt,
            ..wanted()
        },
        Wanted {
            address: "192.0.2.2:25",
            ..wanted()
        },
        Wanted {
            address: "192.0.2.1:26",
            ..wanted()
        },
        Wanted {
            server_name: "mx2.d.test",
            ..wanted()
        },
        Wanted {
            demand: Demand::Cleartext,
            ..wanted()
        },
        Wanted {
            may_reuse: false,
            ..wanted()
        },
    ];
    for other in others {
        let house = House::new(limits());
        house.send(&wanted());
        assert!(!house.send(&other));
        assert!(house.send(&wanted()), "still there");
    }
}

/// The set of records that count and the names must be the same; the order of the records, and what only explains, need not.
#[test]
fn the_proof_must_be_the_same() {
    let digests = [CERTIFICATE, b"another", b"a third"].map(|octets| Tlsa {
        usage: 3,
        selector: 0,
        matching: 1,
        data: Sha256::digest(octets).to_vec(),
    });
    let [good, other, third] = digests;
    let wants = |records: &[&Tlsa], name: &str, former: Option<&Tlsa>| {
        let records: Vec<Tlsa> = records.iter().map(|one| (*one).clone()).collect();
        Wanted {
            demand: Demand::Dane {
                plan: dane::plan(&records),
                references: vec![domain(name)],
                former: former.cloned(),
            },
            ..wanted()
        }
    };
    let first = wants(&[&good, &other], "mx.d.test", None);
    for (next, is_same) in [
        (wants(&[&other, &good], "mx.d.test", Some(&good)), true),
        (wants(&[&good], "mx.d.test", None), false),
        (wants(&[&good, &third], "mx.d.test", None), false),
        (wants(&[&good, &other, &third], "mx.d.test", None), false),
        (wants(&[&good, &other], "d.test", None), false),
    ] {
        let house = House::new(limits());
        house.send(&first);
        assert_eq!(house.send(&next), is_same, "{:?}", next.demand);
    }
}

#[test]
fn connections_in_use_are_not_shared() {
    let house = House::new(limits());
    let (one, other) = (house.connect(&wanted()), house.connect(&wanted()));
    assert!(!one.is_reused() && !other.is_reused());
    one.quit();
    other.quit();
    assert_eq!((house.connections(), house.waiting()), (2, 2));
}

#[test]
fn what_is_over_is_not_kept() {
    let house = House::new(limits());
    let once = Wanted {
        address: "192.0.2.9:25",
        ..wanted()
    };
    assert!(!house.send(&once));
    assert!(house.send(&once), "this one fails");
    assert_eq!(house.waiting(), 0);
    assert!(!house.send(&once));
}

#[test]
fn nothing_is_kept_beyond_the_limits() {
    let cases = [
        Limits {
            messages: 1,
            ..limits()
        },
        Limits {
            age: Duration::ZERO,
            ..limits()
        },
        Limits {
            idle: Duration::ZERO,
            ..limits()
        },
        Limits {
            per_destination: 0,
            ..limits()
        },
    ];
    for limits in cases {
        let house = House::new(limits);
        house.send(&wanted());
        let seen = (house.waiting(), house.net.goodbyes());
        assert_eq!(seen, (0, 1), "{limits:?}");
    }
    let house = House::new(limits());
    let addresses = (0..KEPT_MAX + 3).map(|number| Wanted {
        destination: Host::Domain(domain(&format!("d{number}.test"))),
        ..wanted()
    });
    addresses.for_each(|wanted| assert!(!house.send(&wanted)));
    assert_eq!((house.waiting(), house.net.goodbyes()), (KEPT_MAX, 3));
}

#[test]
fn a_renewed_pool_knows_no_earlier_connection() {
    let house = House::new(limits());
    house.send(&wanted());
    let in_use = house.connect(&Wanted {
        level: Level::Encrypt,
        ..wanted()
    });
    house.pool.renew();
    assert!(!house.send(&wanted()));
    in_use.quit();
    assert_eq!(house.net.goodbyes(), 1, "the one that was in use");
    let over = house.pool.shelf.wait_for_over().expect("the earlier one");
    part(over, Deadline::after(MINUTE));
    assert_eq!((house.waiting(), house.net.goodbyes()), (1, 2));
}

#[test]
fn idle_connections_are_ended_in_time_and_at_a_stop() {
    let house = House::new(Limits {
        idle: Duration::from_millis(1),
        ..limits()
    });
    std::thread::scope(|scope| {
        let tender = scope.spawn(|| house.pool.tend());
        house.send(&wanted());
        while house.net.goodbyes() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
        house.pool.stop();
        tender.join().expect("no panic");
    });
    let house = House::new(limits());
    house.send(&wanted());
    house.pool.stop();
    house.pool.tend();
    assert_eq!((house.waiting(), house.net.goodbyes()), (0, 1));
    house.send(&wanted());
    assert_eq!((house.waiting(), house.net.goodbyes()), (0, 2));
}
