//! Messages a second through the whole relay: from the first connection of the clients until the MX host has stored the last message.
//!
//! Beside it, in turn, Postfix relaying to the same host. It has the easier job: a fixed next hop without any look-up, and TLS without
//! authentication, because its resolver library cannot be pointed at the lab.

#[allow(dead_code)]
#[path = "../../interop/servers.rs"]
mod servers;

use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use gateway_lab::bench::median;
use gateway_lab::smtp::SmtpClient;
use gateway_lab::{Gateway, MxHost, World, Zone};
use servers::{Directory, Postfix};

const MESSAGES: usize = 2000;
const CLIENTS: usize = 8;
const ROUNDS: usize = 3;
const SIZE: usize = 4096;
const WAIT: Duration = Duration::from_secs(120);

/// Sends a client's share of the messages over one connection.
fn send(server: SocketAddr, count: usize) {
    let (mut client, _) = SmtpClient::connect(server).expect("connects");
    client.command("EHLO bench.test").expect("answers");
    let body = format!("{}\r\n", "x".repeat(70)).repeat(SIZE / 72);
    let message = format!("Subject: bench\r\n\r\n{body}");
    for _ in 0..count {
        let reply = client.transact("bench@client.test", &["user@d.test"], &message);
        let reply = reply.expect("answers");
        assert_eq!(reply.code, 250, "{reply}");
    }
}

/// Messages a second: accepted by the server, and arrived at the host.
fn relay(server: SocketAddr, host: &MxHost) -> (f64, f64) {
    let before = host.messages().len();
    let start = Instant::now();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| thread::spawn(move || send(server, MESSAGES / CLIENTS)))
        .collect();
    for client in clients {
        client.join().expect("a client");
    }
    let accepted = start.elapsed();
    let arrived = host.wait_for_messages(before + MESSAGES, WAIT).len() - before;
    assert!(
        arrived >= MESSAGES,
        "{arrived} of {MESSAGES} arrived in {WAIT:?}"
    );
    let rate = |time: Duration| MESSAGES as f64 / time.as_secs_f64();
    (rate(accepted), rate(start.elapsed()))
}

fn gateway(host: &MxHost, world: &World) -> Gateway {
    let binary = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/release/gateway");
    Gateway::builder(binary)
        .resolver(world.resolver())
        .smtp_port(host.port())
        .start()
}

/// `None` where Postfix is not installed or cannot be started.
fn postfix(host: &MxHost) -> Option<Postfix> {
    let is_root = servers::output(std::process::Command::new("id").arg("-u")).trim() == "0";
    if !is_root || !std::path::Path::new("/usr/sbin/postfix").exists() {
        return None;
    }
    let directory = Directory::new();
    let certificate = directory.write("cert.pem", &host.certificate().pem());
    let key = directory.write("key.pem", &host.certificate().key_pem());
    let more = format!(
        "relayhost = [{}]:{}\nsmtp_tls_security_level = encrypt\nsmtp_dns_support_level = disabled\n",
        host.ip(),
        host.port()
    );
    let postfix = Postfix::start("nobody.test", "relay.test", (&certificate, &key), &more);
    Some(postfix)
}

fn main() {
    let host = MxHost::start("mx.d.test");
    let zone = Zone::signed("d.test")
        .mx(10, "mx.d.test")
        .address("mx.d.test", host.ip())
        .tlsa("mx.d.test", host.port(), host.tlsa(1, 1));
    let world = World::builder().zone(zone).start();
    let gateway = gateway(&host, &world);
    let postfix = postfix(&host);
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(relay(gateway.address(), &host));
        if let Some(postfix) = &postfix {
            theirs.push(relay(([127, 0, 0, 1], postfix.port).into(), &host));
        }
    }
    println!(
        "Relay, messages of {SIZE} octets a second, {CLIENTS} clients, {MESSAGES} messages (median of {ROUNDS} rounds)"
    );
    println!("{:<42} {:>10} {:>10}", "", "accepted", "arrived");
    let row = |what, rates: Vec<(f64, f64)>| {
        let (accepted, arrived): (Vec<_>, Vec<_>) = rates.into_iter().unzip();
        let (accepted, arrived) = (median(accepted), median(arrived));
        println!("{what:<42} {accepted:>10.0} {arrived:>10.0}");
        (accepted, arrived)
    };
    let ours = row("gateway, dane-only", ours);
    if theirs.is_empty() {
        println!("Postfix is not installed, or this is not root: nothing to compare with");
        return;
    }
    let theirs = row("Postfix, fixed next hop, unauthenticated TLS", theirs);
    println!(
        "{:<42} {:>10.2} {:>10.2}",
        "ratio",
        ours.0 / theirs.0,
        ours.1 / theirs.1
    );
}
