//! The table of scenarios: set-up, and how mail ends at `dane-only` and at `dane`.

mod address;
mod chain;
mod record;
pub(crate) mod resolver;
mod route;
pub(crate) mod session;
mod signature;
mod tlsa;

use gateway::dns::{RecordType, Tlsa};
use gateway_lab::Fault;

use crate::scenario::Ending;
use crate::stage::{Host, Stage, zone};

/// Puts everything up.
pub(crate) fn put_up(stage: &mut Stage) {
    tlsa::put_up(stage);
    record::put_up(stage);
    chain::put_up(stage);
    address::put_up(stage);
    route::put_up(stage);
    resolver::put_up(stage);
    session::put_up(stage);
    signature::put_up(stage);
}

/// A signed domain with one host, which has these TLSA records.
fn domain(stage: &mut Stage, apex: &str, records: impl FnOnce(&Host) -> Vec<Tlsa>) -> Host {
    let mx = stage.host(&format!("mx.{apex}"));
    let records = records(&mx);
    stage.zone(zone(apex, &mx, records));
    mx
}

/// A signed domain with one host and the right record.
fn good(stage: &mut Stage, apex: &str) -> Host {
    domain(stage, apex, |mx| vec![mx.tlsa(1, 1)])
}

/// A signed domain whose host has a good record that cannot be looked up.
fn disturbed(stage: &mut Stage, apex: &str, fault: Fault) {
    let mx = good(stage, apex);
    stage.tlsa_fault(mx.name(), fault);
}

/// A record that cannot be looked up in a good domain.
fn disturbed_at(stage: &mut Stage, apex: &str, rtype: RecordType, fault: Fault) {
    good(stage, apex);
    stage.fault(apex, rtype, fault);
}

/// The certificate is not the one that the records name.
const fn unmatched() -> Ending {
    Ending::waits("4.7.5", "validation-failure")
}
