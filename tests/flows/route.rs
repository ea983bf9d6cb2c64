//! Which hosts are tried: MX records good, bad and absent, and what happens when the first host is not good enough.

use gateway::dns::RecordType;
use gateway_lab::world::Damage;
use gateway_lab::{Behaviour, Certificate, Fault, Zone};

use crate::stage::{Host, Stage, with_host, zone};

/// Mail for an unsigned domain whose host lies in a signed one and has a TLSA record.
fn insecure_mx(matches: bool) {
    let mut stage = Stage::new();
    let mx = stage.host("mx.h.test");
    let record = match matches {
        true => mx.tlsa(1, 1),
        false => Certificate::new("mx.h.test").tlsa(1, 1),
    };
    stage.zone(with_host(Zone::signed("h.test"), &mx, [record]));
    stage.zone(Zone::unsigned("d.test").mx(10, mx.name()));
    stage.start().defers("d.test", "4.7.5", "mx-insecure");
    assert_eq!(mx.connection_count(), 0);
}

#[test]
fn t37_insecure_mx_of_a_host_that_matches() {
    insecure_mx(true);
}

#[test]
fn t38_insecure_mx_of_a_host_that_does_not_match() {
    insecure_mx(false);
}

#[test]
fn t39_bogus_mx() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.zone.test");
    stage.zone(zone("zone.test", &mx, [mx.tlsa(1, 1)]).damaged(Damage::Signatures));
    let other = stage.host("mx.record.test");
    stage.zone(zone("record.test", &other, [other.tlsa(1, 1)]));
    stage.fault("record.test", RecordType::MX, Fault::Bogus);
    let flow = stage.start();
    flow.defers("zone.test", "4.4.3", "dnssec-invalid");
    flow.defers("record.test", "4.4.3", "dnssec-invalid");
}

#[test]
fn t40_no_such_domain() {
    let mut stage = Stage::new();
    stage.zone(Zone::unsigned("unsigned"));
    let flow = stage.start();
    flow.bounces("nowhere.test", "5.1.2", "nxdomain");
    flow.defers("nowhere.unsigned", "4.7.5", "nxdomain-insecure");
}

#[test]
fn t41_no_mx_record_but_an_address() {
    let mut stage = Stage::new();
    let host = stage.host("d.test");
    stage.zone(with_host(Zone::signed("d.test"), &host, [host.tlsa(1, 1)]));
    let log = stage.start().delivers("d.test", &host);
    assert!(log.says("d.test", "implicit-mx"), "{log}");
}

/// RFC 7505; only what is proven makes mail fail.
#[test]
fn t42_null_mx() {
    let mut stage = Stage::new();
    stage.zone(Zone::signed("secure.test").mx(0, "."));
    stage.zone(Zone::unsigned("insecure.test").mx(0, "."));
    let flow = stage.start();
    flow.bounces("secure.test", "5.1.10", "null-mx");
    flow.defers("insecure.test", "4.7.5", "null-mx-insecure");
}

/// A domain with two hosts, both with records that match unless a test changes that.
struct Two {
    stage: Stage,
    first: Host,
    second: Host,
}

impl Two {
    fn new(has_first_records: bool) -> Self {
        let mut stage = Stage::new();
        let [first, second] = ["mx1.d.test", "mx2.d.test"].map(|name| stage.host(name));
        let records = has_first_records.then(|| first.tlsa(1, 1));
        let zone = zone("d.test", &first, records).mx(20, second.name());
        stage.zone(with_host(zone, &second, [second.tlsa(1, 1)]));
        Self {
            stage,
            first,
            second,
        }
    }

    /// The first host is passed over for this reason, the second gets the mail.
    fn delivers_at_the_second(self, reason: &str) {
        let log = self.stage.start().delivers("d.test", &self.second);
        assert!(log.says("mx1.d.test", reason), "{log}");
        assert!(!self.first.saw_mail_command());
    }
}

#[test]
fn t44_the_first_host_fails_in_the_handshake() {
    let two = Two::new(true);
    two.first.behave(Behaviour::new().close_at("HANDSHAKE"));
    two.delivers_at_the_second("tls-handshake");
}

#[test]
fn t44_the_first_host_presents_another_certificate() {
    let two = Two::new(true);
    let other = Certificate::new("mx1.d.test");
    two.first.behave(Behaviour::new().wrong_certificate(other));
    two.delivers_at_the_second("validation-failure");
}

#[test]
fn t45_the_first_host_has_no_records() {
    Two::new(false).delivers_at_the_second("dane-required");
}

#[test]
fn t46_the_first_host_s_records_cannot_be_looked_up() {
    let mut two = Two::new(true);
    two.stage.tlsa_fault("mx1.d.test", Fault::Servfail);
    two.delivers_at_the_second("tlsa-lookup-error");
}

#[test]
fn t49_the_only_mx_is_an_address() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(Zone::signed("d.test").mx(10, &mx.ip().to_string()));
    stage.start().defers("d.test", "4.4.4", "mx-malformed");
    assert_eq!(mx.connection_count(), 0);
}

#[test]
fn t50_an_address_literal() {
    Stage::new()
        .start()
        .bounces("[192.0.2.1]", "5.7.4", "address-literal");
}

/// Forty names of which the first 38 lead to a host that is down: a few are tried, and nothing fails for good.
#[test]
fn t51_forty_hosts_most_of_them_dead() {
    let mut stage = Stage::new();
    let mx = stage.host("mx39.d.test");
    let (dead, port) = (stage.dead(), stage.port());
    let mut zone = Zone::signed("d.test");
    for number in 1..=40 {
        let name = format!("mx{number}.d.test");
        zone = zone.mx(number, &name);
        let address = if number < 39 { dead } else { mx.ip() };
        zone = zone
            .address(&name, address)
            .tlsa(&name, port, mx.tlsa(1, 1));
    }
    stage.zone(zone);
    let log = stage.start().defers("d.test", "4.4.1", "connect");
    assert_eq!(log.attempts(), 5, "{log}");
    assert!(log.says("mx1.d.test", "mx-truncated"), "{log}");
}

/// As before, but the 38 do not even have an address, which is proven: still no reason to give up, as not all were looked at.
#[test]
fn t51_forty_hosts_most_of_them_without_address() {
    let mut stage = Stage::new();
    let mx = stage.host("mx39.d.test");
    let zone = (1..=38).fold(Zone::signed("d.test"), |zone, number| {
        zone.mx(number, &format!("mx{number}.d.test"))
    });
    let zone = zone.mx(39, mx.name());
    stage.zone(with_host(zone, &mx, [mx.tlsa(1, 1)]));
    stage.start().defers("d.test", "4.4.4", "no-address");
}

#[test]
fn t52_the_best_host_is_ourselves() {
    let mut stage = Stage::new();
    let [ours, other] = ["mx1.d.test", "mx2.d.test"].map(|name| stage.host(name));
    let zone = zone("d.test", &ours, [ours.tlsa(1, 1)]).mx(20, other.name());
    stage.zone(with_host(zone, &other, [other.tlsa(1, 1)]));
    stage.hostname("mx1.d.test");
    stage.start().bounces("d.test", "5.4.6", "loop");
    assert_eq!((ours.connection_count(), other.connection_count()), (0, 0));
}
