//! Where TLSA records are looked for, and what becomes of mail when they are not there, not proven or not to be had.

use gateway::dns::{Rdata, Tlsa};
use gateway_lab::world::tlsa_owner;
use gateway_lab::{Certificate, Fault, Zone};

use crate::flow::Flow;
use crate::stage::{Host, Stage, with_host, zone};

/// A domain whose host has a good record that cannot be looked up.
fn disturbed(fault: Fault) -> (Stage, Host) {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(zone("d.test", &mx, [mx.tlsa(1, 1)]));
    stage.tlsa_fault("mx.d.test", fault);
    (stage, mx)
}

fn defers_with(fault: Fault, reason: &str) {
    let (stage, mx) = disturbed(fault);
    stage.start().defers("d.test", "4.7.5", reason);
    assert_eq!(mx.connection_count(), 0, "connected before the verdict");
}

#[test]
fn t25_proven_to_be_absent() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(zone("d.test", &mx, []));
    stage.start().defers("d.test", "4.7.5", "dane-required");
    assert_eq!(mx.connection_count(), 0, "connected before the verdict");
}

#[test]
fn t26_in_an_unsigned_child_zone() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let owner = tlsa_owner(mx.name(), mx.port()).to_string();
    let child = Zone::unsigned("_tcp.mx.d.test").record(&owner, Rdata::Tlsa(mx.tlsa(1, 1)));
    stage.zone(zone("d.test", &mx, []));
    stage.zone(child);
    stage.start().defers("d.test", "4.7.5", "tlsa-insecure");
    assert_eq!(mx.connection_count(), 0, "connected before the verdict");
}

#[test]
fn t27_with_an_expired_signature() {
    defers_with(Fault::Expired, "dnssec-invalid");
}

#[test]
fn t28_the_lookup_fails_with_servfail() {
    defers_with(Fault::Servfail, "tlsa-lookup-error");
}

#[test]
fn t28_the_lookup_times_out() {
    let (mut stage, mx) = disturbed(Fault::Timeout);
    stage.config("lookup-timeout 3s");
    stage.start().defers("d.test", "4.7.5", "tlsa-lookup-error");
    assert_eq!(mx.connection_count(), 0, "connected before the verdict");
}

#[test]
fn t28_the_lookup_is_refused() {
    defers_with(Fault::Refused, "tlsa-lookup-error");
}

#[test]
fn t28_the_lookup_is_not_implemented() {
    defers_with(Fault::NotImp, "tlsa-lookup-error");
}

/// Mail for a domain whose TLSA owner is an alias of `target`, which holds the right record if its zone is on the stage.
fn aliased(target: &str, zone_of_target: impl FnOnce(Tlsa) -> Option<Zone>) -> Aliased {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let owner = tlsa_owner(mx.name(), mx.port()).to_string();
    stage.zone(zone("d.test", &mx, []).cname(&owner, target));
    if let Some(zone) = zone_of_target(mx.tlsa(1, 1)) {
        stage.zone(zone);
    }
    Aliased {
        flow: stage.start(),
        mx,
    }
}

struct Aliased {
    flow: Flow,
    mx: Host,
}

/// RFC 7671 §7: the base domain stays the host, whatever the alias of its TLSA owner is.
#[test]
fn t29_an_alias_in_signed_zones() {
    let Aliased { flow, mx } = aliased("dane.other.test", |record| {
        Some(Zone::signed("other.test").record("dane.other.test", Rdata::Tlsa(record)))
    });
    let log = flow.delivers("d.test", &mx);
    assert!(log.says("mx.d.test", "tlsa-cname"), "{log}");
    assert_eq!(
        mx.server_names().first(),
        Some(&Some("mx.d.test".to_owned()))
    );
}

#[test]
fn t30_an_alias_into_an_unsigned_zone() {
    let Aliased { flow, .. } = aliased("dane.other.test", |record| {
        Some(Zone::unsigned("other.test").record("dane.other.test", Rdata::Tlsa(record)))
    });
    flow.defers("d.test", "4.7.5", "tlsa-insecure");
}

#[test]
fn t31_an_alias_that_leads_nowhere() {
    let Aliased { flow, .. } = aliased("nothing.d.test", |_| None);
    flow.defers("d.test", "4.7.5", "dane-required");
}

#[test]
fn t36_bogus_where_the_host_s_alias_leads() {
    let mut stage = Stage::new();
    let mx = stage.host("real.d.test");
    let zone = Zone::signed("d.test")
        .mx(10, "mx.d.test")
        .cname("mx.d.test", "real.d.test")
        .tlsa("mx.d.test", mx.port(), mx.tlsa(1, 1));
    stage.zone(with_host(zone, &mx, [mx.tlsa(1, 1)]));
    stage.tlsa_fault("real.d.test", Fault::Bogus);
    let flow = stage.start();
    flow.defers("d.test", "4.7.5", "dnssec-invalid");
    let original = tlsa_owner("mx.d.test", mx.port());
    let asked = flow.world.queries();
    assert!(
        asked.iter().all(|query| query.name != original),
        "asked on after an error: {asked:?}"
    );
}

/// The key is rolled while the message waits; nothing of the first attempt is used in the next one (rfc B10).
#[test]
fn t71_the_record_is_mended_while_the_message_waits() {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    let old = Certificate::new("mx.d.test");
    stage.zone(zone("d.test", &mx, [old.tlsa(1, 1)]));
    stage.config("retry-first 1s");
    stage.config("retry-max 1s");
    let flow = stage.start();
    let log = flow.defers("d.test", "4.7.5", "validation-failure");
    let owner = tlsa_owner(mx.name(), mx.port());
    let rolled = vec![Rdata::Tlsa(mx.tlsa(1, 1))];
    flow.world.replace_rrset(&owner, rolled);
    flow.delivers_later(&log, "d.test", &mx);
}
