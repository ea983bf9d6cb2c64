//! Which hosts are tried: MX records good, bad and absent, and what happens when the first host is not good enough.

use gateway::dns::RecordType;
use gateway_lab::world::{Damage, Denial, Hashing};
use gateway_lab::{Behaviour, Certificate, Fault, Zone};

use super::{disturbed_at, unmatched};
use crate::scenario::Ending;
use crate::stage::{Host, Stage, with_host, zone};

pub(super) fn put_up(stage: &mut Stage) {
    insecure_mx(stage);
    bogus_mx(stage);
    no_domain(stage);
    no_mx(stage);
    second_host(stage);
    no_host_name(stage);
    many_hosts(stage);
    ourselves(stage);
}

/// Unsigned domains whose host lies in a signed one and has a TLSA record.
fn insecure_mx(stage: &mut Stage) {
    let waits = || Ending::waits("4.7.5", "mx-insecure");
    let mx = stage.host("mx.t37-host.test");
    let host = with_host(Zone::signed("t37-host.test"), &mx, [mx.tlsa(1, 1)]);
    stage.zone(host);
    stage.zone(Zone::unsigned("t37.test").mx(10, mx.name()));
    stage.scenario(
        "T37 insecure MX of a host that matches",
        "t37.test",
        [waits(), Ending::trusted(&mx)],
    );
    let mx = stage.host("mx.t38-host.test");
    let other = Certificate::new(mx.name()).tlsa(1, 1);
    stage.zone(with_host(Zone::signed("t38-host.test"), &mx, [other]));
    stage.zone(Zone::unsigned("t38.test").mx(10, mx.name()));
    stage.scenario(
        "T38 insecure MX of a host that does not match",
        "t38.test",
        [waits(), unmatched()],
    );
}

fn bogus_mx(stage: &mut Stage) {
    let waits = || Ending::waits("4.4.3", "dnssec-invalid");
    let mx = stage.host("mx.t39-zone.test");
    let broken = zone("t39-zone.test", &mx, [mx.tlsa(1, 1)]).damaged(Damage::Signatures);
    stage.zone(broken);
    stage.scenario("T39 a broken zone", "t39-zone.test", waits());
    disturbed_at(stage, "t39-record.test", RecordType::MX, Fault::Bogus);
    stage.scenario("T39 a broken MX record", "t39-record.test", waits());
}

fn no_domain(stage: &mut Stage) {
    stage.zone(Zone::unsigned("t40-unsigned"));
    let opt_out = Denial::Nsec3(Hashing {
        opt_out: true,
        ..Hashing::default()
    });
    stage.zone(Zone::signed("t40-optout").denial(opt_out));
    let gone = Ending::bounces("5.1.2", "nxdomain");
    stage.scenario("T40 no such domain", "nowhere.test", gone);
    for (name, domain) in [
        ("T40 no such domain, unsigned", "nowhere.t40-unsigned"),
        ("T40 no such domain, opt-out", "nowhere.t40-optout"),
    ] {
        let endings = [
            Ending::waits("4.7.5", "nxdomain-insecure"),
            Ending::bounces("5.1.2", "nxdomain-insecure"),
        ];
        stage.scenario(name, domain, endings);
    }
}

fn no_mx(stage: &mut Stage) {
    let host = stage.host("t41.test");
    let zone = with_host(Zone::signed("t41.test"), &host, [host.tlsa(1, 1)]);
    stage.zone(zone);
    stage.scenario(
        "T41 no MX record but an address",
        "t41.test",
        Ending::verified(&host).saying("t41.test", "implicit-mx"),
    );
    // RFC 7505; at dane-only nothing but what is proven makes mail fail.
    stage.zone(Zone::signed("t42-secure.test").mx(0, "."));
    stage.zone(Zone::unsigned("t42-insecure.test").mx(0, "."));
    let proven = Ending::bounces("5.1.10", "null-mx");
    stage.scenario("T42 null MX", "t42-secure.test", proven);
    let endings = [
        Ending::waits("4.7.5", "null-mx-insecure"),
        Ending::bounces("5.1.10", "null-mx-insecure"),
    ];
    stage.scenario("T42 null MX, insecure", "t42-insecure.test", endings);
}

/// A domain with two hosts; the first has this behaviour and perhaps records, the second is good.
fn two(
    stage: &mut Stage,
    apex: &str,
    behaviour: Behaviour,
    has_first_records: bool,
) -> (Host, Host) {
    let [first, second] = ["mx1", "mx2"].map(|name| stage.host(&format!("{name}.{apex}")));
    let records = has_first_records.then(|| first.tlsa(1, 1));
    let zone = zone(apex, &first, records).mx(20, second.name());
    stage.zone(with_host(zone, &second, [second.tlsa(1, 1)]));
    first.behave(behaviour);
    (first, second)
}

fn second_host(stage: &mut Stage) {
    let apex = "t44-handshake.test";
    let (first, second) = two(stage, apex, Behaviour::new().close_at("HANDSHAKE"), true);
    stage.scenario(
        "T44 the first host fails in the handshake",
        apex,
        Ending::verified(&second).saying(first.name(), "tls-handshake"),
    );
    let apex = "t44-certificate.test";
    let other = Certificate::new("mx1.t44-certificate.test");
    let behaviour = Behaviour::new().wrong_certificate(other);
    let (first, second) = two(stage, apex, behaviour, true);
    stage.scenario(
        "T44 the first host presents another certificate",
        apex,
        Ending::verified(&second).saying(first.name(), "validation-failure"),
    );
    let (first, second) = two(stage, "t45.test", Behaviour::new(), false);
    let endings = [
        Ending::verified(&second).saying(first.name(), "dane-required"),
        Ending::encrypted(&first)
            .saying(first.name(), "no-tlsa")
            .visiting(&second),
    ];
    let name = "T45 the first host has no records";
    stage.scenario(name, "t45.test", endings);
    let (first, second) = two(stage, "t46.test", Behaviour::new(), true);
    stage.tlsa_fault(first.name(), Fault::Servfail);
    stage.scenario(
        "T46 the first host's records cannot be looked up",
        "t46.test",
        Ending::verified(&second).saying(first.name(), "tlsa-lookup-error"),
    );
}

fn no_host_name(stage: &mut Stage) {
    let mx = stage.host("mx.t49.test");
    stage.zone(Zone::signed("t49.test").mx(10, &mx.ip().to_string()));
    stage.scenario(
        "T49 the only MX is an address",
        "t49.test",
        Ending::waits("4.4.4", "mx-malformed"),
    );
    let mx = stage.host("mx.t50.test");
    let endings = [
        Ending::bounces("5.7.4", "address-literal"),
        Ending::encrypted(&mx),
    ];
    let literal = format!("[{}]", mx.ip());
    stage.scenario("T50 an address literal", &literal, endings);
}

/// Forty names of which the first 38 are of no use: a few are tried, and nothing fails for good, as not all were looked at.
fn many_hosts(stage: &mut Stage) {
    let mx = stage.host("mx39.t51-dead.test");
    let (dead, port) = (stage.dead(), stage.port());
    let mut zone = Zone::signed("t51-dead.test");
    for number in 1..=40 {
        let name = format!("mx{number}.t51-dead.test");
        let address = if number < 39 { dead } else { mx.ip() };
        zone = zone
            .mx(number, &name)
            .address(&name, address)
            .tlsa(&name, port, mx.tlsa(1, 1));
    }
    stage.zone(zone);
    stage.scenario(
        "T51 forty hosts, most of them dead",
        "t51-dead.test",
        Ending::waits("4.4.1", "connect").saying("mx1.t51-dead.test", "mx-truncated"),
    );
    let mx = stage.host("mx39.t51-nowhere.test");
    let zone = (1..=38).fold(Zone::signed("t51-nowhere.test"), |zone, number| {
        zone.mx(number, &format!("mx{number}.t51-nowhere.test"))
    });
    let zone = zone.mx(39, mx.name());
    stage.zone(with_host(zone, &mx, [mx.tlsa(1, 1)]));
    stage.scenario(
        "T51 forty hosts, most of them without address",
        "t51-nowhere.test",
        Ending::waits("4.4.4", "no-address"),
    );
}

fn ourselves(stage: &mut Stage) {
    let ours = stage.host(crate::stage::HOSTNAME);
    let other = stage.host("mx2.t52.test");
    let own_zone = Zone::signed(crate::stage::HOSTNAME);
    stage.zone(with_host(own_zone, &ours, [ours.tlsa(1, 1)]));
    let zone = Zone::signed("t52.test")
        .mx(10, ours.name())
        .mx(20, other.name());
    stage.zone(with_host(zone, &other, [other.tlsa(1, 1)]));
    stage.scenario(
        "T52 the best host is ourselves",
        "t52.test",
        Ending::bounces("5.4.6", "loop"),
    );
}
