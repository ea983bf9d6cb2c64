//! The addresses of MX hosts: aliases, families, and what may be connected to.

use std::net::{IpAddr, Ipv4Addr};

use gateway::dns::RecordType;
use gateway_lab::{Fault, Zone};

use super::good;
use crate::scenario::{Ending, Level, Mode};
use crate::stage::{Host, Stage, with_host, zone};

pub(super) fn put_up(stage: &mut Stage) {
    secure_aliases(stage);
    insecure_aliases(stage);
    bogus_target(stage);
    families(stage);
    reserved(stage);
    without_tls(stage);
}

/// The MX host is an alias in the same zone of `real`; the TLSA record is that of `base`.
fn alias(stage: &mut Stage, apex: &str, base: &str) -> Host {
    let (original, real) = (format!("mx.{apex}"), format!("real.{apex}"));
    let mx = stage.host(&real);
    let zone = Zone::signed(apex)
        .mx(10, &original)
        .cname(&original, &real)
        .tlsa(&format!("{base}.{apex}"), mx.port(), mx.tlsa(1, 1));
    stage.zone(with_host(zone, &mx, []));
    mx
}

fn secure_aliases(stage: &mut Stage) {
    let mx = alias(stage, "t32.test", "real");
    stage.scenario(
        "T32 an alias with records at its target",
        "t32.test",
        Ending::verified(&mx)
            .saying("mx.t32.test", "mx-cname")
            .saying("mx.t32.test", "real.t32.test"),
    );
    let mx = alias(stage, "t33.test", "mx");
    stage.scenario(
        "T33 an alias with records at the original name",
        "t33.test",
        Ending::verified(&mx).saying("mx.t33.test", "mx.t33.test"),
    );
}

fn insecure_aliases(stage: &mut Stage) {
    let mx = alias_of_unsigned(stage, "t34");
    let endings = [
        Ending::waits("4.7.5", "addr-insecure"),
        Ending::verified(&mx),
    ];
    let name = "T34 a secure alias of an insecure address";
    stage.scenario(name, "t34.test", endings);
    let mx = alias_of_unsigned(stage, "t34-knob");
    stage
        .scenario(
            "T34 a secure alias of an insecure address, as RFC 7672 has it",
            "t34-knob.test",
            Ending::verified(&mx),
        )
        .with_policy("dane-only addresses=rfc7672");

    let mx = stage.host("real.t35-other.test");
    let unsigned = Zone::unsigned("t35-alias.test")
        .cname("mx.t35-alias.test", mx.name())
        .tlsa("mx.t35-alias.test", mx.port(), mx.tlsa(1, 1));
    stage.zone(Zone::signed("t35.test").mx(10, "mx.t35-alias.test"));
    stage.zone(unsigned);
    let target = with_host(Zone::signed("t35-other.test"), &mx, [mx.tlsa(1, 1)]);
    stage.zone(target);
    let endings = insecure_address(&mx, "mx.t35-alias.test");
    stage
        .scenario("T35 an insecure alias", "t35.test", endings)
        .without_asking("mx.t35-alias.test")
        .without_asking(mx.name());

    let mx = stage.host("mx.t48-other.test");
    stage.zone(Zone::signed("t48.test").mx(10, mx.name()));
    let unsigned = with_host(Zone::unsigned("t48-other.test"), &mx, [mx.tlsa(1, 1)]);
    stage.zone(unsigned);
    let endings = insecure_address(&mx, mx.name());
    stage
        .scenario("T48 only an insecure address", "t48.test", endings)
        .without_asking(mx.name());
}

/// The MX host, with records, is an alias of a host in an unsigned zone.
fn alias_of_unsigned(stage: &mut Stage, label: &str) -> Host {
    let (apex, other) = (format!("{label}.test"), format!("{label}-other.test"));
    let (original, real) = (format!("mx.{apex}"), format!("real.{other}"));
    let mx = stage.host(&real);
    let zone = Zone::signed(&apex)
        .mx(10, &original)
        .cname(&original, &real)
        .tlsa(&original, mx.port(), mx.tlsa(1, 1));
    stage.zone(zone);
    stage.zone(with_host(Zone::unsigned(&other), &mx, []));
    mx
}

fn insecure_address(mx: &Host, exchange: &str) -> [Ending; 2] {
    [
        Ending::waits("4.7.5", "addr-insecure"),
        Ending::encrypted(mx).saying(exchange, "addr-insecure"),
    ]
}

fn bogus_target(stage: &mut Stage) {
    let mx = alias(stage, "t36.test", "mx");
    stage.tlsa_fault(mx.name(), Fault::Servfail);
    let name = "T36 records at the alias, none to be had at its target";
    stage
        .scenario(
            name,
            "t36.test",
            Ending::waits("4.7.5", "tlsa-lookup-error"),
        )
        .without_asking("mx.t36.test")
        .not_in(Mode::Unbound, "it knows the absence from another denial");
    let mx = stage.host("real.t36-bogus.test");
    let zone = Zone::signed("t36-bogus.test")
        .mx(10, "mx.t36-bogus.test")
        .cname("mx.t36-bogus.test", mx.name())
        .tlsa("mx.t36-bogus.test", mx.port(), mx.tlsa(1, 1));
    stage.zone(with_host(zone, &mx, [mx.tlsa(1, 1)]));
    stage.tlsa_fault(mx.name(), Fault::Bogus);
    let name = "T36 records at the alias, bogus ones at its target";
    let waits = Ending::waits("4.7.5", "dnssec-invalid");
    stage
        .scenario(name, "t36-bogus.test", waits)
        .without_asking("mx.t36-bogus.test");
}

fn families(stage: &mut Stage) {
    let name = "T47 bogus IPv4, secure IPv6";
    let Some(mx) = stage.host_on_ipv6("mx.t47.test") else {
        let waits = Ending::waits("4.4.3", "addr-lookup-error");
        stage
            .scenario(name, "t47.test", waits)
            .left_out("this machine has no ::1");
        return;
    };
    let zone = zone("t47.test", &mx, [mx.tlsa(1, 1)]);
    stage.zone(zone.address("mx.t47.test", IpAddr::V4(Ipv4Addr::LOCALHOST)));
    stage.fault("mx.t47.test", RecordType::A, Fault::Bogus);
    stage.scenario(
        name,
        "t47.test",
        Ending::verified(&mx).saying(mx.name(), "addr-partial"),
    );
}

/// The configuration allows 127.0.0.0/16, where the hosts are.
fn reserved(stage: &mut Stage) {
    let waits = || Ending::waits("4.4.4", "addr-reserved");
    for (name, apex, addresses) in [
        (
            "T53 a loopback address",
            "t53-loopback.test",
            &[[127, 1, 0, 1]][..],
        ),
        (
            "T53 private addresses",
            "t53-private.test",
            &[[10, 0, 0, 1], [172, 16, 0, 1], [192, 168, 0, 1]][..],
        ),
    ] {
        let host = format!("mx.{apex}");
        let add = |zone: Zone, address: &[u8; 4]| zone.address(&host, IpAddr::from(*address));
        let zone = addresses.iter().fold(Zone::signed(apex).mx(10, &host), add);
        stage.zone(zone);
        stage.scenario(name, apex, waits());
    }
}

/// Clear text never leaves this machine, whatever the DNS says.
fn without_tls(stage: &mut Stage) {
    let zone = Zone::signed("t76.test")
        .mx(10, "mx.t76.test")
        .address("mx.t76.test", [192, 0, 2, 1].into());
    stage.zone(zone);
    let because = "the level is the domain's own";
    let waits = Ending::waits("4.3.5", "not-loopback");
    let name = "T76 level none and a public address";
    stage
        .scenario(name, "t76.test", waits)
        .only_at(Level::DaneOnly, because)
        .with_policy("none");
    let mx = good(stage, CLEAR);
    let name = "T76 level none and a server on this machine";
    stage
        .scenario(name, CLEAR, Ending::in_clear(&mx))
        .with_policy("none");
}

/// The one domain whose mail goes out in clear text.
pub(crate) const CLEAR: &str = "t76-clear.test";
