//! Resolvers that are of no use, as a whole and from the start: with `dnssec ad` and with `dnssec validate`.

use std::time::Duration;

use gateway::dns::RecordType;
use gateway_lab::{Damage, Fault, Gateway, World, Zone};

use crate::run::Run;
use crate::scenario::{Ending, Level, Mode};
use crate::stage::{Host, Stage, zone};

/// Longest wait for a line in the log on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// What the log says while nothing can be sent.
const LOUD: &str = "no resolver carries DNSSEC: every delivery is deferred until one does";

const MODES: [Mode; 2] = [Mode::Ad, Mode::Validate];

/// Good domains, and the host of both.
fn sound(mode: Mode) -> (Stage, Host) {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(zone("d.test", &mx, [mx.tlsa(1, 1)]));
    stage.zone(Zone::signed("dane.test").mx(10, mx.name()));
    stage.mode = mode;
    (stage, mx)
}

/// Mail for both domains ends so, for one at `dane-only`, for the other at `dane`.
fn both(mut stage: Stage, ending: &Ending) -> Run {
    stage.scenario("at dane-only", "d.test", ending.clone());
    stage
        .scenario("at dane", "dane.test", ending.clone())
        .with_policy("dane");
    Run::of(stage, Level::DaneOnly)
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

fn expect_log(run: &Run, part: &str) {
    let line = run.flow.gateway.wait_for_log(part, PATIENCE);
    line.unwrap_or_else(|error| panic!("{error}"));
}

/// A resolver elsewhere, reached over plain UDP: its AD bit is worth nothing, so nothing starts, and `check` defers without asking it.
#[test]
fn t67_a_resolver_that_may_not_be_trusted() {
    let gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
        .config("resolver 192.0.2.53")
        .prepare();
    let output = gateway.run(&["serve"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{text}");
    assert!(text.contains("resolver-not-validating"), "{text}");
    for level in ["dane-only", "dane"] {
        let output = gateway.run(&["check", "-l", level, "--json", "d.test"]);
        let told = String::from_utf8_lossy(&output.stdout);
        let begin = format!(
            r#"{{"domain":"d.test","level":"{level}","verdict":"defer","code":"4.7.5","reason":"resolver-not-validating","#
        );
        assert!(told.starts_with(&begin), "{told}");
        assert_eq!(output.status.code(), Some(75), "{told}");
    }
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
        let mut stage = stage;
        let waits = Ending::waits("4.7.5", "resolver-not-validating");
        stage.scenario("of which nothing is known", "other.test", waits.clone());
        let run = both(stage, &waits);
        expect_log(&run, LOUD);
        expect_log(&run, why);
        run.goes_by_the_table();
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
            let run = both(stage, &Ending::waits(code, reason));
            expect_log(&run, LOUD);
            run.goes_by_the_table();
        }
    }
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
        both(stage, &Ending::verified(&mx)).goes_by_the_table();
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
    let waits = Ending::waits("4.7.5", "mx-insecure");
    stage.scenario("T67 AD on unsigned data", "island.test", waits);
    Run::of(stage, Level::DaneOnly).goes_by_the_table();
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
        let run = both(stage, &Ending::verified(&mx));
        let named = format!(
            "resolver-not-validating: nothing can be validated with resolver {}",
            bad.resolver()
        );
        expect_log(&run, &named);
        let run = run.goes_by_the_table();
        let is_loud = run
            .flow
            .gateway
            .log()
            .iter()
            .any(|line| line.contains(LOUD));
        assert!(!is_loud, "{mode:?} {fault:?}");
        if mode == Mode::Ad {
            let asked = bad.queries();
            assert!(asked.iter().all(|query| query.name.is_root()), "{asked:?}");
        }
    }
}
