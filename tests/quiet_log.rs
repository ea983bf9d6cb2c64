//! What the log tells about whom mail is for, at each value of `log-addresses`.

use std::time::Duration;

use gateway_lab::{Behaviour, Gateway, MxHost, World, Zone};

/// Longer than anything here takes, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// The log of a gateway that delivers to bob@d.test, whose server repeats addresses when it refuses eve@d.test, and that foresees a refusal
/// of zoe@gone.test.
fn log(addresses: &str, level: &str) -> String {
    let host = MxHost::start("mx.d.test");
    let refusal = "550 5.1.1 <eve@d.test>: nobody of that name, ask \"bob b\"@d.test";
    host.behave(Behaviour::new().reply_in_tls("RCPT TO:<eve@", refusal));
    let zone = Zone::signed("d.test")
        .mx(10, host.name())
        .address(host.name(), host.ip());
    let zone = zone.tlsa(host.name(), host.port(), host.tlsa(1, 1));
    let world = World::builder()
        .zone(zone)
        .zone(Zone::signed("gone.test").mx(0, "."))
        .start();
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .resolver(world.resolver())
        .smtp_port(host.port())
        .config("refuse-at-rcpt yes")
        .config(&format!("log {level}"))
        .config(&format!("log-addresses {addresses}"))
        .start();
    let to = ["bob@d.test", "eve@d.test"];
    let reply = gateway.submit("amy@client.test", &to, "X: y\r\n\r\nz\r\n");
    assert_eq!(reply.expect("answers").code, 250);
    let refused = gateway.submit("amy@client.test", &["zoe@gone.test"], "X: y\r\n\r\nz\r\n");
    assert_eq!(refused.expect("answers").code / 100, 5);
    let finished = gateway.wait_for_log(": finished after", PATIENCE);
    finished.unwrap_or_else(|error| panic!("{error}"));
    gateway.log().join("\n")
}

#[test]
fn addresses_are_shown_as_configured() {
    let full = log("full", "info");
    for part in [
        "<eve@d.test>: nobody",
        "'bob b'@d.test",
        " domain=d.test ",
        "gone.test",
    ] {
        assert!(full.contains(part), "{part}\n{full}");
    }
    for level in ["info", "trace"] {
        let domain = log("domain", level);
        for part in [
            "<...@d.test>: nobody",
            " ask ...@d.test",
            " domain=d.test ",
            "gone.test",
        ] {
            assert!(domain.contains(part), "{part}\n{domain}");
        }
        for part in ["eve", "bob", "zoe", "amy"] {
            assert!(!domain.contains(part), "{part}\n{domain}");
        }
    }
    for level in ["info", "trace"] {
        let none = log("none", level);
        for part in [
            "dane-only deliver 2.0.0 ok step=final-dot ",
            " refused: dane-only reject 5.1.10 null-mx step=mx",
            " accepted id=",
        ] {
            assert!(none.contains(part), "{part}\n{none}");
        }
        for part in ["d.test", "gone.test", "eve", "bob", "zoe@", "amy", "addr=1"] {
            assert!(!none.contains(part), "{part}\n{none}");
        }
    }
}
