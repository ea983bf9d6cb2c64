//! What a bad resolver, or somebody on the way to it, does to the questions about one domain.

use gateway::dns::RecordType;
use gateway_lab::Fault;

use super::{disturbed, good};
use crate::scenario::{Ending, Level, Mode};
use crate::stage::{Host, Stage};

pub(super) fn put_up(stage: &mut Stage) {
    overcome(stage);
    without_tcp(stage);
    without_edns(stage);
    without_signatures(stage);
}

/// Why none of it is played with Unbound, whose questions these would be.
const BECAUSE: &str = "how it gets along with those it asks is its own business";

/// A good domain, with all its questions disturbed like this.
fn all_disturbed(stage: &mut Stage, apex: &str, fault: Fault) -> Host {
    let mx = good(stage, apex);
    for owner in [apex, mx.name()] {
        stage.fault(owner, RecordType::ANY, fault);
    }
    stage.tlsa_fault(mx.name(), fault);
    mx
}

fn overcome(stage: &mut Stage) {
    for (name, apex, fault) in [
        ("T69 truncated, whole over TCP", TRUNCATED, Fault::Truncate),
        (
            "T70 forged replies before the right one",
            "t70-forged.test",
            Fault::SpoofFirst,
        ),
        // It may be right, and is made sure of.
        (
            "T70 a reply in the wrong case",
            OTHER_CASE,
            Fault::WrongCase,
        ),
    ] {
        let mx = all_disturbed(stage, apex, fault);
        stage
            .scenario(name, apex, Ending::verified(&mx))
            .not_in(Mode::Unbound, BECAUSE);
    }
}

/// Domains whose questions must have been asked over TCP.
pub(crate) const TRUNCATED: &str = "t69-whole.test";
pub(crate) const OTHER_CASE: &str = "t70-case.test";

fn without_tcp(stage: &mut Stage) {
    let apex = "t69-refused.test";
    all_disturbed(stage, apex, Fault::TruncateTcpRefused);
    let waits = Ending::waits("4.4.3", "mx-lookup-error");
    stage
        .scenario("T69 truncated, and no TCP", apex, waits)
        .not_in(Mode::Unbound, BECAUSE);
    let apex = "t69-refused-tlsa.test";
    disturbed(stage, apex, Fault::TruncateTcpRefused);
    let waits = Ending::waits("4.7.5", "tlsa-lookup-error");
    stage
        .scenario("T69 TLSA truncated, and no TCP", apex, waits)
        .not_in(Mode::Unbound, BECAUSE);
}

fn without_edns(stage: &mut Stage) {
    let waits = || Ending::waits("4.7.5", "resolver-not-validating");
    for (name, apex, fault) in [
        ("T68 no EDNS", "t68-edns.test", Fault::NoEdns),
        (
            "T68 EDNS is a format error",
            "t68-format.test",
            Fault::FormErr,
        ),
    ] {
        all_disturbed(stage, apex, fault);
        stage
            .scenario(name, apex, waits())
            .not_in(Mode::Unbound, BECAUSE);
    }
    for (name, apex, fault) in [
        ("T68 no EDNS for TLSA", "t68-edns-tlsa.test", Fault::NoEdns),
        (
            "T68 EDNS is a format error for TLSA",
            "t68-format-tlsa.test",
            Fault::FormErr,
        ),
    ] {
        disturbed(stage, apex, fault);
        stage
            .scenario(name, apex, waits())
            .not_in(Mode::Unbound, BECAUSE);
    }
}

/// A resolver that is believed can call one domain unsigned; that it does so with all is found out at the start (`carriers`).
fn without_signatures(stage: &mut Stage) {
    let because = "the resolver's word is believed, so this is an unsigned domain";
    for (name, apex, is_whole) in [
        ("T68 no signatures", "t68-stripped.test", true),
        ("T68 no signatures of TLSA", "t68-stripped-tlsa.test", false),
    ] {
        let (believed, checked) = match is_whole {
            true => {
                all_disturbed(stage, apex, Fault::StripRrsig);
                ("mx-insecure", Ending::waits("4.4.3", "dnssec-invalid"))
            }
            false => {
                disturbed(stage, apex, Fault::StripRrsig);
                ("tlsa-insecure", Ending::waits("4.7.5", "dnssec-invalid"))
            }
        };
        stage
            .scenario(name, apex, Ending::waits("4.7.5", believed))
            .only_in(Mode::Ad, "checked here it is something else: the next one")
            .only_at(Level::DaneOnly, because);
        stage
            .scenario(name, apex, checked)
            .only_in(Mode::Validate, "not checked here it is something else");
    }
}
