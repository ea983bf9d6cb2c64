//! What a look-up costs over each transport: the same resolver, Unbound on this machine, is asked for what it has in its cache, over and over.
//!
//! Ours has a cache too, which is passed by. Clear TCP and "cold" make a connection for each look-up, and "cold" a resolver too, whose
//! self-test is a second question; "warm" keeps the connection.

use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use gateway::certificate::Roots;
use gateway::dns::{Name, RecordType};
use gateway::resolver::{DnssecMode, Endpoint, Resolve, Resolver, Retry, Settings};
use gateway::time::Deadline;
use gateway_lab::bench::{ROUNDS, median};
use gateway_lab::unbound::Unbound;
use gateway_lab::{CertificateSpec, World, Zone};

/// Look-ups of each kind in a round; the kinds take turns.
const BATCH: usize = 40;
/// Look-ups at once over one connection, as a validation does.
const TOGETHER: usize = 8;

fn main() {
    let ca = CertificateSpec::authority("CA").build();
    let certificate = CertificateSpec::new("dns.test").build_below(&ca);
    let zone = Zone::signed("sound.test").mx(10, "mail.sound.test");
    let world = World::builder()
        .zone(Zone::signed("test"))
        .zone(zone)
        .start();
    let (unbound, over_tls) = Unbound::validating_over_tls(&world, &certificate);
    let roots = Arc::new(Roots::from_pem(ca.pem().as_bytes()).expect("a CA"));
    let settings = |server: Endpoint, attempts| Settings {
        servers: vec![server],
        roots: Some(Arc::clone(&roots)),
        retry: Retry {
            attempts,
            ..Retry::default()
        },
        dnssec: DnssecMode::Ad,
        ..Settings::default()
    };
    let clear: SocketAddr = unbound.address();
    let private = Endpoint::parse(&format!("tls://{over_tls}#dns.test")).expect("a server");
    let new = |settings: &Settings| Resolver::new(settings).expect("a resolver");
    // Without any datagram there is only TCP.
    let [udp, tcp] = [2, 0].map(|attempts| new(&settings(clear.into(), attempts)));
    let cold = settings(private, 2);
    let warm = new(&cold);
    let together = || {
        thread::scope(|scope| {
            (0..TOGETHER).for_each(|_| drop(scope.spawn(|| look_up(&warm))));
        });
    };
    let kinds: [(&str, &dyn Fn()); 5] = [
        ("UDP", &|| look_up(&udp)),
        ("TCP, a connection each", &|| look_up(&tcp)),
        ("TLS, cold", &|| look_up(&new(&cold))),
        ("TLS, warm", &|| look_up(&warm)),
        ("TLS, warm, 8 at once", &together),
    ];
    println!("look-ups by one thread, over loopback ({ROUNDS} rounds in turn)");
    println!("{:<24} {:>10} {:>14}", "", "a second", "median, µs");
    for (kind, times) in measure(&kinds) {
        let total: f64 = times.iter().sum();
        let rate = 1e6 * times.len() as f64 / total;
        println!("{kind:<24} {rate:>10.0} {:>14.0}", median(times));
    }
    let twentieth = (0..ROUNDS).map(|_| {
        let fresh = new(&cold);
        (1..20).for_each(|_| look_up(&fresh));
        time(&|| look_up(&fresh))
    });
    println!(
        "the 20th over a new TLS connection: {:.0} µs",
        median(twentieth.collect())
    );
}

/// The times of each kind in microseconds.
fn measure<'a>(kinds: &[(&'a str, &dyn Fn())]) -> Vec<(&'a str, Vec<f64>)> {
    let mut times: Vec<_> = kinds.iter().map(|(kind, _)| (*kind, Vec::new())).collect();
    for _ in 0..ROUNDS {
        for ((_, call), (_, times)) in kinds.iter().zip(&mut times) {
            call();
            times.extend((0..BATCH).map(|_| time(call)));
        }
    }
    times
}

fn time(call: &dyn Fn()) -> f64 {
    let start = Instant::now();
    call();
    start.elapsed().as_secs_f64() * 1e6
}

fn look_up(resolver: &Resolver) {
    let name: Name = "sound.test".parse().expect("a name");
    let deadline = Deadline::after(Duration::from_secs(30));
    let found = resolver.lookup_fresh(&name, RecordType::MX, deadline);
    assert!(black_box(found).expect("an answer").security.is_secure());
}
