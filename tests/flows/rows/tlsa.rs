//! Where TLSA records are looked for, and what becomes of mail when they are not there, not proven or not to be had.

use gateway::dns::{Rdata, Tlsa};
use gateway_lab::world::{Denial, tlsa_owner};
use gateway_lab::{Fault, Zone};

use super::{disturbed, domain};
use crate::scenario::{Ending, Mode};
use crate::stage::{Host, Stage, zone};

pub(super) fn put_up(stage: &mut Stage) {
    lookups_that_fail(stage);
    absent(stage);
    unsigned(stage);
    aliases(stage);
}

fn lookups_that_fail(stage: &mut Stage) {
    for (name, apex, fault, reason) in [
        // First, so that all others are dealt with while it lasts.
        (
            "T28 the lookup times out",
            "t28-timeout.test",
            Fault::Timeout,
            "tlsa-lookup-error",
        ),
        (
            "T28 SERVFAIL",
            "t28-servfail.test",
            Fault::Servfail,
            "tlsa-lookup-error",
        ),
        (
            "T28 REFUSED",
            "t28-refused.test",
            Fault::Refused,
            "tlsa-lookup-error",
        ),
        (
            "T28 NOTIMP",
            "t28-notimp.test",
            Fault::NotImp,
            "tlsa-lookup-error",
        ),
        (
            "T27 an expired signature",
            "t27.test",
            Fault::Expired,
            "dnssec-invalid",
        ),
    ] {
        disturbed(stage, apex, fault);
        let row = stage.scenario(name, apex, Ending::waits("4.7.5", reason));
        match fault {
            Fault::Timeout => row.not_in(Mode::Unbound, "it stops asking a server that is silent"),
            Fault::Expired => row.not_in(Mode::Unbound, "it grants an hour and more"),
            _ => row,
        };
    }
}

fn absent(stage: &mut Stage) {
    let mx = domain(stage, "t25.test", |_| Vec::new());
    stage.scenario("T25 proven to be absent", "t25.test", no_records(&mx));
    let mx = stage.host("mx.t75.test");
    stage.zone(zone("t75.test", &mx, []).denial(Denial::Compact));
    stage.scenario(
        "T75 absent by compact denial (RFC 9824)",
        "t75.test",
        no_records(&mx),
    );
}

fn unsigned(stage: &mut Stage) {
    let mx = domain(stage, "t26.test", |_| Vec::new());
    let owner = tlsa_owner(mx.name(), mx.port()).to_string();
    let child = Zone::unsigned("_tcp.mx.t26.test").record(&owner, Rdata::Tlsa(mx.tlsa(1, 1)));
    stage.zone(child);
    stage.scenario(
        "T26 in an unsigned child zone",
        "t26.test",
        insecure_records(&mx),
    );
}

/// RFC 7671 §7: the base domain stays the host, whatever the alias of its TLSA owner is.
fn aliases(stage: &mut Stage) {
    let target = "dane.t29-other.test";
    let mx = aliased(stage, "t29.test", target, |record| {
        Some(Zone::signed("t29-other.test").record(target, Rdata::Tlsa(record)))
    });
    stage.scenario(
        "T29 an alias in signed zones",
        "t29.test",
        Ending::verified(&mx).saying(mx.name(), "tlsa-cname"),
    );
    let target = "dane.t30-other.test";
    let mx = aliased(stage, "t30.test", target, |record| {
        Some(Zone::unsigned("t30-other.test").record(target, Rdata::Tlsa(record)))
    });
    stage.scenario(
        "T30 an alias into an unsigned zone",
        "t30.test",
        insecure_records(&mx),
    );
    let mx = aliased(stage, "t31.test", "nothing.t31.test", |_| None);
    stage.scenario(
        "T31 an alias that leads nowhere",
        "t31.test",
        no_records(&mx),
    );
}

/// A domain whose TLSA owner is an alias of `target`, which holds the right record if its zone is on the stage.
fn aliased(
    stage: &mut Stage,
    apex: &str,
    target: &str,
    zone_of_target: impl FnOnce(Tlsa) -> Option<Zone>,
) -> Host {
    let mx = stage.host(&format!("mx.{apex}"));
    let owner = tlsa_owner(mx.name(), mx.port()).to_string();
    stage.zone(zone(apex, &mx, []).cname(&owner, target));
    if let Some(zone) = zone_of_target(mx.tlsa(1, 1)) {
        stage.zone(zone);
    }
    mx
}

fn no_records(mx: &Host) -> [Ending; 2] {
    [
        Ending::waits("4.7.5", "dane-required"),
        Ending::encrypted(mx).saying(mx.name(), "no-tlsa"),
    ]
}

fn insecure_records(mx: &Host) -> [Ending; 2] {
    [
        Ending::waits("4.7.5", "tlsa-insecure"),
        Ending::encrypted(mx).saying(mx.name(), "tlsa-insecure"),
    ]
}
