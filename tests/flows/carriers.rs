//! Resolvers that are of no use, as a whole and from the start: with `dnssec ad` and with `dnssec validate`.

use std::time::Duration;

use gateway::dns::RecordType;
use gateway_lab::{Damage, Fault, World, Zone};

use crate::flow::Flow;
use crate::scenario::Mode;
use crate::stage::{Host, Stage, zone};

/// Longest wait for a line in the log on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the log says while nothing can be sent.
const LOUD: &str = "no resolver carries DNSSEC: every delivery is deferred until one does";

const MODES: [Mode; 2] = [Mode::Ad, Mode::Validate];

/// The good domains: one at `dane-only`, one at `dane`.
const DOMAINS: [&str; 2] = ["d.test", "dane.test"];

/// Good domains, and the host of both.
fn sound(mode: Mode) -> (Stage, Host) {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(zone("d.test", &mx, [mx.tlsa(1, 1)]));
    stage.zone(Zone::signed("dane.test").mx(10, mx.name()));
    stage.config("policy dane.test dane");
    stage.mode(mode);
    (stage, mx)
}

/// Good domains, with every question disturbed like this, those for the root too.
fn disturbed(mode: Mode, fault: Fault) -> (Stage, Host) {
    let (mut stage, mx) = sound(mode);
    for owner in [".", "test", "d.test", "mx.d.test", "dane.test"] {
        stage.fault(owner, RecordType::ANY, fault);
    }
    stage.tlsa_fault("mx.d.test", fault);
    (stage, mx)
}

fn expect_log(flow: &Flow, part: &str) {
    let line = flow.gateway.wait_for_log(part, PATIENCE);
    line.unwrap_or_else(|error| panic!("{error}"));
}

/// Nothing is sent, to whatever domain, and the log says why.
#[test]
fn t77_the_self_test_fails_at_the_start() {
    let not_validating = disturbed(Mode::Ad, Fault::NoAd);
    // The other's root has other keys.
    let other = World::builder().start();
    let (mut of_another_root, mx) = sound(Mode::Validate);
    of_another_root.config(&format!("resolver {}", other.resolver()));
    for (stage, why) in [
        (
            not_validating.0,
            "it does not say AD for the SOA record of the root",
        ),
        (of_another_root, "the keys of . itself do not validate"),
    ] {
        let flow = stage.start();
        expect_log(&flow, LOUD);
        expect_log(&flow, why);
        for domain in ["d.test", "dane.test", "other.test"] {
            flow.defers(domain, "4.7.5", "resolver-not-validating");
        }
    }
    assert_eq!(mx.connection_count(), 0);
    assert_eq!(not_validating.1.connection_count(), 0);
}

#[test]
fn t68_and_t69_a_resolver_of_no_use_for_dnssec() {
    for mode in MODES {
        for (fault, code, reason) in [
            (Fault::StripRrsig, "4.7.5", "resolver-not-validating"),
            (Fault::NoEdns, "4.7.5", "resolver-not-validating"),
            (Fault::FormErr, "4.7.5", "resolver-not-validating"),
            (Fault::TruncateTcpRefused, "4.4.3", "mx-lookup-error"),
        ] {
            let (stage, _) = disturbed(mode, fault);
            let flow = stage.start();
            expect_log(&flow, LOUD);
            for domain in DOMAINS {
                flow.defers(domain, code, reason);
            }
        }
    }
}

/// Where signatures are checked here, only the zone can be at fault if the resolver carries all others.
#[test]
fn t68_signatures_of_one_zone_are_missing() {
    let (mut stage, _) = sound(Mode::Validate);
    stage.fault("d.test", RecordType::ANY, Fault::StripRrsig);
    stage.start().defers("d.test", "4.4.3", "dnssec-invalid");
    let (mut stage, _) = sound(Mode::Validate);
    stage.tlsa_fault("mx.d.test", Fault::StripRrsig);
    stage.start().defers("d.test", "4.7.5", "dnssec-invalid");
}

#[test]
fn t69_and_t70_what_is_overcome() {
    for (mode, fault) in [
        (Mode::Ad, Fault::SpoofFirst),
        (Mode::Validate, Fault::SpoofFirst),
        (Mode::Validate, Fault::Truncate),
        (Mode::Validate, Fault::WrongCase),
        // Whoever checks for himself needs nobody else's word.
        (Mode::Validate, Fault::NoAd),
    ] {
        let (stage, mx) = disturbed(mode, fault);
        let flow = stage.start();
        for domain in DOMAINS {
            flow.delivers(domain, &mx);
        }
    }
}

/// T67 where signatures are checked here: who sets AD on unsigned data is not believed.
#[test]
fn t67_a_resolver_that_lies_with_ad() {
    let (mut stage, _) = sound(Mode::Validate);
    let host = stage.host("mx.island.test");
    let island = zone("island.test", &host, [host.tlsa(1, 1)]);
    stage.zone(island.damaged(Damage::NoDs));
    for owner in ["island.test", "mx.island.test"] {
        for rtype in [RecordType::MX, RecordType::A, RecordType::AAAA] {
            stage.edit(owner, rtype, |reply| reply.header.authentic_data = true);
        }
    }
    stage.start().defers("island.test", "4.7.5", "mx-insecure");
}

/// Each resolver is judged by itself: mail flows over the one that is of use, the other is named, and learns nothing.
#[test]
fn one_of_two_resolvers_is_of_no_use() {
    for (mode, fault) in [
        (Mode::Ad, Some(Fault::NoAd)),
        (Mode::Ad, Some(Fault::FormErr)),
        (Mode::Validate, Some(Fault::StripRrsig)),
        // With a root of its own.
        (Mode::Validate, None),
    ] {
        let mut bad = World::builder();
        if let Some(fault) = fault {
            bad = bad.fault(".", RecordType::ANY, fault);
        }
        let bad = bad.start();
        let (mut stage, mx) = sound(mode);
        stage.resolver_before(bad.resolver());
        let flow = stage.start();
        let named = format!(
            "resolver-not-validating: nothing can be validated with resolver {}",
            bad.resolver()
        );
        expect_log(&flow, &named);
        flow.delivers("d.test", &mx);
        let is_loud = flow.gateway.log().iter().any(|line| line.contains(LOUD));
        assert!(!is_loud, "{mode:?} {fault:?}");
        if mode == Mode::Ad {
            let asked = bad.queries();
            assert!(asked.iter().all(|query| query.name.is_root()), "{asked:?}");
        }
    }
}
