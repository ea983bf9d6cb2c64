//! `serve` is killed with SIGKILL at random moments under load: every message it has answered 250 to arrives, at least once.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use gateway_lab::random::Random;
use gateway_lab::smtp::SmtpClient;
use gateway_lab::{Gateway, MxHost, World, Zone};

const KILLS: u64 = 50;
const CLIENTS: usize = 4;
/// The gateway runs this long before it is killed, at most; long enough to be in the middle of everything.
const LONGEST_RUN_MILLIS: u64 = 250;
const WAIT: Duration = Duration::from_secs(120);

/// What the clients share: numbers given out, and those of acknowledged messages.
#[derive(Default)]
struct Tally {
    next: AtomicU64,
    acknowledged: Mutex<BTreeSet<u64>>,
    over: AtomicBool,
}

/// Sends messages over one connection until the gateway is gone.
fn send_until_it_dies(address: SocketAddr, tally: &Tally) {
    let Ok((mut client, _)) = SmtpClient::connect(address) else {
        return;
    };
    if client.command("EHLO load.test").is_err() {
        return;
    }
    while !tally.over.load(Ordering::Relaxed) {
        let number = tally.next.fetch_add(1, Ordering::Relaxed);
        let padding = "x".repeat((number % 7 * 300) as usize);
        let message = format!("Subject: number {number}.\r\n\r\n{padding}\r\n");
        match client.transact("load@client.test", &["user@d.test"], &message) {
            Ok(reply) if reply.code == 250 => {
                tally.acknowledged.lock().unwrap().insert(number);
            }
            Ok(reply) => panic!("refused under load: {reply}"),
            Err(_) => return,
        }
    }
}

/// The numbers of the messages the host has stored.
fn arrived(host: &MxHost) -> BTreeSet<u64> {
    let number = |text: &str| {
        let rest = text.split_once("Subject: number ")?.1;
        rest.split_once('.')?.0.parse().ok()
    };
    host.messages()
        .iter()
        .filter_map(|message| number(&message.text()))
        .collect()
}

#[test]
fn no_acknowledged_message_is_lost() {
    let host = MxHost::start("mx.d.test");
    let port = host.port();
    let zone = Zone::signed("d.test")
        .mx(10, "mx.d.test")
        .address("mx.d.test", host.ip())
        .tlsa("mx.d.test", port, host.tlsa(1, 1));
    let world = World::builder().zone(zone).start();
    let mut gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .resolver(world.resolver())
        .smtp_port(port)
        .config("retry-first 1s\nretry-max 1s")
        .start();
    let tally = Arc::new(Tally::default());
    let mut random = Random::new(0x5eed);
    for _ in 0..KILLS {
        let address = gateway.address();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let tally = Arc::clone(&tally);
                thread::spawn(move || send_until_it_dies(address, &tally))
            })
            .collect();
        thread::sleep(Duration::from_millis(random.number() % LONGEST_RUN_MILLIS));
        gateway.kill();
        for client in clients {
            client.join().unwrap();
        }
        gateway.serve();
    }
    let acknowledged = tally.acknowledged.lock().unwrap().clone();
    assert!(
        acknowledged.len() > KILLS as usize,
        "hardly any load: {}",
        acknowledged.len()
    );
    let end = Instant::now() + WAIT;
    while !acknowledged.is_subset(&arrived(&host)) && Instant::now() < end {
        thread::sleep(Duration::from_millis(100));
    }
    let lost: Vec<_> = acknowledged.difference(&arrived(&host)).copied().collect();
    assert!(
        lost.is_empty(),
        "lost of {}: {lost:?}\n{}",
        acknowledged.len(),
        gateway.log().join("\n")
    );
    println!(
        "{} acknowledged, {} arrived",
        acknowledged.len(),
        host.messages().len()
    );
}
