//! A gateway that is stopped and continued, as a shell, a debugger or a freezing container does it, goes on where it was.

use std::thread;
use std::time::Duration;

use gateway_lab::mx::What;
use gateway_lab::{Behaviour, Gateway, MxHost, World, Zone};

/// Longer than anything here takes, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often it is stopped, and how long it runs meanwhile: most of the time it waits for the server.
const TIMES: usize = 8;
const RUNNING: Duration = Duration::from_millis(50);
/// How long the server takes for what is waited for.
const SLOW: Duration = Duration::from_secs(1);

/// The server is slow at this point of the dialogue.
fn delivers_when_slow_at(point: &str) {
    let host = MxHost::start("mx.d.test");
    host.behave(Behaviour::new().delay_at(point, SLOW));
    let zone = Zone::signed("d.test").mx(10, "mx.d.test");
    let zone = zone.address("mx.d.test", host.ip());
    let world = World::builder()
        .zone(zone.tlsa("mx.d.test", host.port(), host.tlsa(1, 1)))
        .start();
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .resolver(world.resolver())
        .smtp_port(host.port())
        .start();
    let reply = gateway.submit("s@client.test", &["r@d.test"], "X: y\r\n\r\nz\r\n");
    assert_eq!(reply.expect("answers").code, 250);
    let is_connected =
        host.wait_for_event(PATIENCE, |event| matches!(event.what, What::Connected(_)));
    assert!(is_connected);
    for _ in 0..TIMES {
        thread::sleep(RUNNING);
        gateway.signal("STOP");
        gateway.signal("CONT");
    }
    let line = gateway.wait_for_log(" domain=d.test ", PATIENCE);
    let line = line.unwrap_or_else(|error| panic!("{error}"));
    assert!(line.contains(" deliver 2.0.0 ok "), "{line}");
}

#[test]
fn in_clear() {
    delivers_when_slow_at("BANNER");
}

#[test]
fn before_the_handshake() {
    delivers_when_slow_at("STARTTLS");
}

#[test]
fn inside_tls() {
    delivers_when_slow_at("MAIL");
}
