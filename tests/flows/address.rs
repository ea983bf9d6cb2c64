//! The addresses of MX hosts: aliases, families, and what may be connected to.

use std::net::{IpAddr, Ipv4Addr};

use gateway::dns::RecordType;
use gateway_lab::{Fault, Zone};

use crate::flow::Flow;
use crate::stage::{Host, Stage, with_host, zone};

/// The MX host of `d.test` is an alias in the same zone of `real.d.test`; the TLSA record is that of `base`.
fn alias(base: &str) -> (Flow, Host) {
    let mut stage = Stage::new();
    let mx = stage.host("real.d.test");
    let zone = Zone::signed("d.test")
        .mx(10, "mx.d.test")
        .cname("mx.d.test", "real.d.test")
        .tlsa(base, mx.port(), mx.tlsa(1, 1));
    stage.zone(with_host(zone, &mx, []));
    (stage.start(), mx)
}

#[test]
fn t32_an_alias_with_records_at_its_target() {
    let (flow, mx) = alias("real.d.test");
    let log = flow.delivers("d.test", &mx);
    assert!(log.says("mx.d.test", "mx-cname"), "{log}");
    assert_eq!(
        mx.server_names().first(),
        Some(&Some("real.d.test".to_owned()))
    );
}

#[test]
fn t33_an_alias_with_records_at_the_original_name() {
    let (flow, mx) = alias("mx.d.test");
    flow.delivers("d.test", &mx);
    assert_eq!(
        mx.server_names().first(),
        Some(&Some("mx.d.test".to_owned()))
    );
}

#[test]
fn t34_a_secure_alias_of_an_insecure_address() {
    let mut stage = Stage::new();
    let mx = stage.host("real.other.test");
    let zone = Zone::signed("d.test")
        .mx(10, "mx.d.test")
        .cname("mx.d.test", mx.name())
        .tlsa("mx.d.test", mx.port(), mx.tlsa(1, 1));
    stage.zone(zone);
    stage.zone(with_host(Zone::unsigned("other.test"), &mx, []));
    stage.start().defers("d.test", "4.7.5", "addr-insecure");
    assert_eq!(mx.connection_count(), 0);
}

#[test]
fn t35_an_insecure_alias() {
    let mut stage = Stage::new();
    let mx = stage.host("real.other.test");
    let unsigned = Zone::unsigned("u.test").cname("mx.u.test", mx.name()).tlsa(
        "mx.u.test",
        mx.port(),
        mx.tlsa(1, 1),
    );
    stage.zone(Zone::signed("d.test").mx(10, "mx.u.test"));
    stage.zone(unsigned);
    stage.zone(with_host(Zone::signed("other.test"), &mx, [mx.tlsa(1, 1)]));
    let flow = stage.start();
    flow.defers("d.test", "4.7.5", "addr-insecure");
    let asked = flow.world.queries();
    assert!(
        asked.iter().all(|query| query.rtype != RecordType::TLSA),
        "a TLSA question for an insecure host: {asked:?}"
    );
}

#[test]
fn t47_bogus_ipv4_and_secure_ipv6() {
    let Some(mut stage) = Stage::on_ipv6() else {
        eprintln!("skipped: this machine has no ::1");
        return;
    };
    let mx = stage.host("mx.d.test");
    assert!(mx.ip().is_ipv6());
    let zone = zone("d.test", &mx, [mx.tlsa(1, 1)]);
    stage.zone(zone.address("mx.d.test", IpAddr::V4(Ipv4Addr::LOCALHOST)));
    stage.fault("mx.d.test", RecordType::A, Fault::Bogus);
    let log = stage.start().delivers("d.test", &mx);
    assert!(log.says("mx.d.test", "addr-partial"), "{log}");
}

#[test]
fn t48_only_an_insecure_address() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.u.test");
    stage.zone(Zone::signed("d.test").mx(10, mx.name()));
    stage.zone(with_host(Zone::unsigned("u.test"), &mx, [mx.tlsa(1, 1)]));
    let flow = stage.start();
    flow.defers("d.test", "4.7.5", "addr-insecure");
    let asked = flow.world.queries();
    assert!(
        asked.iter().all(|query| query.rtype != RecordType::TLSA),
        "a TLSA question for an insecure host: {asked:?}"
    );
}

#[test]
fn t53_addresses_that_public_dns_should_not_name() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.loopback.test");
    stage.zone(zone("loopback.test", &mx, [mx.tlsa(1, 1)]));
    let private = Zone::signed("private.test")
        .mx(10, "mx.private.test")
        .address("mx.private.test", [10, 0, 0, 1].into())
        .address("mx.private.test", [172, 16, 0, 1].into())
        .address("mx.private.test", [192, 168, 0, 1].into())
        .tlsa("mx.private.test", mx.port(), mx.tlsa(1, 1));
    stage.zone(private);
    stage.config("allow-address none");
    let flow = stage.start();
    flow.defers("loopback.test", "4.4.4", "addr-reserved");
    flow.defers("private.test", "4.4.4", "addr-reserved");
    assert_eq!(mx.connection_count(), 0);
}

/// Clear text never leaves this machine, whatever the DNS says.
#[test]
fn t76_level_none_and_a_public_address() {
    let mut stage = Stage::new();
    let zone = Zone::signed("d.test")
        .mx(10, "mx.d.test")
        .address("mx.d.test", [192, 0, 2, 1].into());
    stage.zone(zone);
    stage.config("policy d.test none");
    stage.start().defers("d.test", "4.3.5", "not-loopback");
}
