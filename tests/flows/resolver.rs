//! The resolver and the way to it: what is believed, and what an attacker or a bad resolver achieves.

use gateway::dns::RecordType;
use gateway_lab::world::{Query, Transport, tlsa_owner};
use gateway_lab::{Fault, Gateway};

use crate::stage::{Host, Stage, zone};

/// A good domain, with all its questions disturbed like this.
fn disturbed(fault: Fault) -> (Stage, Host) {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(zone("d.test", &mx, [mx.tlsa(1, 1)]));
    for owner in ["d.test", "mx.d.test"] {
        stage.fault(owner, RecordType::ANY, fault);
    }
    stage.tlsa_fault("mx.d.test", fault);
    (stage, mx)
}

/// The same with only the TLSA question disturbed.
fn disturbed_at_the_end(fault: Fault) -> Stage {
    let mut stage = Stage::new();
    let mx = stage.host("mx.d.test");
    stage.zone(zone("d.test", &mx, [mx.tlsa(1, 1)]));
    stage.tlsa_fault("mx.d.test", fault);
    stage
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

#[test]
fn t68_a_resolver_that_strips_signatures() {
    let (stage, _) = disturbed(Fault::StripRrsig);
    stage.start().defers("d.test", "4.7.5", "mx-insecure");
    let stage = disturbed_at_the_end(Fault::StripRrsig);
    stage.start().defers("d.test", "4.7.5", "tlsa-insecure");
}

#[test]
fn t68_a_resolver_without_edns() {
    let (stage, _) = disturbed(Fault::NoEdns);
    stage
        .start()
        .defers("d.test", "4.7.5", "resolver-not-validating");
    let stage = disturbed_at_the_end(Fault::NoEdns);
    stage
        .start()
        .defers("d.test", "4.7.5", "resolver-not-validating");
}

#[test]
fn t68_a_resolver_that_calls_edns_a_format_error() {
    let (stage, _) = disturbed(Fault::FormErr);
    let flow = stage.start();
    flow.defers("d.test", "4.7.5", "resolver-not-validating");
    let asked = flow.world.queries();
    assert!(
        asked.iter().all(|query| query.dnssec_ok),
        "asked again without EDNS: {asked:?}"
    );
}

#[test]
fn t69_truncated_answers_are_fetched_over_tcp() {
    let (stage, mx) = disturbed(Fault::Truncate);
    let flow = stage.start();
    flow.delivers("d.test", &mx);
    let owner = tlsa_owner("mx.d.test", mx.port());
    let asked = flow.world.queries();
    assert!(
        asked
            .iter()
            .any(|query| query.name == owner && query.transport == Transport::Tcp),
        "{asked:?}"
    );
}

#[test]
fn t69_truncated_and_no_tcp() {
    let (stage, _) = disturbed(Fault::TruncateTcpRefused);
    stage.start().defers("d.test", "4.4.3", "mx-lookup-error");
    let stage = disturbed_at_the_end(Fault::TruncateTcpRefused);
    stage.start().defers("d.test", "4.7.5", "tlsa-lookup-error");
}

#[test]
fn t70_forged_replies_before_the_right_one() {
    let (stage, mx) = disturbed(Fault::SpoofFirst);
    stage.start().delivers("d.test", &mx);
}

/// A reply in which only the case is wrong may be right, and is made sure of.
#[test]
fn t70_a_reply_in_the_wrong_case() {
    let (stage, mx) = disturbed(Fault::WrongCase);
    let flow = stage.start();
    flow.delivers("d.test", &mx);
    let asked = flow.world.queries();
    let over_tcp = |query: &&Query| query.transport == Transport::Tcp;
    assert!(asked.iter().filter(over_tcp).count() >= 4, "{asked:?}");
}
