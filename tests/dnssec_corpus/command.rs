//! The corpus once more, through `gateway query` and the sockets: what the chain machine finds, the operator gets to see.

use std::process::Command;
use std::thread;
use std::time::Duration;

use gateway::dns::RecordType;
use gateway_lab::temp::TempDir;
use gateway_lab::{Fault, World, Zone};

use crate::case::{Case, Expected};

/// Processes at the same time.
const THREADS: usize = 4;

/// Asks the world's resolver, with more arguments, and returns the line of JSON.
fn query(world: &World, anchors: &str, more: &[&str]) -> String {
    let done = Command::new(env!("CARGO_BIN_EXE_gateway"))
        .args(["query", "--json", "--dnssec", "validate"])
        .args([
            "--trust-anchor",
            anchors,
            "-s",
            &world.resolver().to_string(),
        ])
        .args(more)
        .output()
        .unwrap();
    String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned()
}

fn query_case(world: &World, anchors: &str, case: &Case) -> String {
    let (rtype, time) = (case.rtype.to_string(), case.time().to_string());
    let mut more = vec![case.owner.as_str(), &rtype, "--at", &time];
    if case.sha1 {
        more.push("--sha1");
    }
    query(world, anchors, &more)
}

fn anchors_of(world: &World, directory: &TempDir) -> String {
    let file = directory.path().join("anchors");
    std::fs::write(&file, world.trust_anchor()).unwrap();
    file.to_str().unwrap().to_owned()
}

/// The status in the words of the interface.
const fn word(expected: Expected) -> &'static str {
    match expected {
        Expected::Secure(_) => "secure",
        Expected::Insecure(_) => "insecure",
        Expected::Bogus(_) => "bogus",
        Expected::Indeterminate(_) => "indeterminate",
    }
}

/// Where the question itself gets no answer, the command says so, and does not speak of proofs.
fn is_failure_of_resolver(case: &Case, shown: &str) -> bool {
    case.expected == Expected::Indeterminate("Unanswered")
        && shown.contains("\"status\":\"error\",\"rcode\":\"SERVFAIL\"")
}

#[test]
fn the_command_shows_the_status_and_the_reason() {
    let (cases, world) = crate::corpus();
    let directory = TempDir::new("corpus");
    let anchors = &anchors_of(world, &directory);
    // The query command asks for one type; ANY is none.
    let cases: Vec<_> = cases
        .iter()
        .filter(|case| case.rtype != RecordType::ANY)
        .collect();
    let wrong: Vec<String> = thread::scope(|scope| {
        let parts = cases.chunks(cases.len().div_ceil(THREADS));
        let threads: Vec<_> = parts
            .map(|part| {
                scope.spawn(move || {
                    let judge = |case: &&Case| {
                        let shown = query_case(world, anchors, case);
                        let status = format!("\"status\":\"{}\"", word(case.expected));
                        let reason = crate::chain::reason(world, case);
                        let is_right = shown.contains(&status) && shown.contains(&reason);
                        (!is_right && !is_failure_of_resolver(case, &shown))
                            .then(|| format!("{}: {shown}expected {status} {reason}", case.name))
                    };
                    part.iter().filter_map(judge).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Resolvers that carry DNSSEC badly, or try to deceive: on the answer, and on the way to it.
#[test]
fn a_bad_carrier_is_found_out() {
    let world = World::builder()
        .zone(Zone::signed("d.test").address("h.d.test", [192, 0, 2, 1].into()))
        .start();
    let directory = TempDir::new("carrier");
    let anchors = anchors_of(&world, &directory);
    let mut wrong = Vec::new();
    for (fault, at_answer, at_keys) in [
        (Fault::NoAd, "secure", "secure"),
        (Fault::Truncate, "secure", "secure"),
        (Fault::SpoofFirst, "secure", "secure"),
        (Fault::WrongCase, "secure", "secure"),
        (Fault::Delay(Duration::from_millis(10)), "secure", "secure"),
        (Fault::Bogus, "bogus", "bogus"),
        (Fault::Expired, "bogus", "bogus"),
        (Fault::StripRrsig, "bogus", "bogus"),
        (Fault::Servfail, "error", "indeterminate"),
        (Fault::Refused, "error", "indeterminate"),
        (Fault::NotImp, "error", "indeterminate"),
        (Fault::FormErr, "error", "indeterminate"),
        (Fault::NoEdns, "error", "indeterminate"),
        (Fault::Malformed, "error", "indeterminate"),
        (Fault::TruncateTcpRefused, "error", "indeterminate"),
    ] {
        for (owner, rtype, expected) in [
            ("h.d.test", RecordType::A, at_answer),
            ("d.test", RecordType::DNSKEY, at_keys),
            ("d.test", RecordType::DS, at_keys),
        ] {
            world.set_fault(owner, rtype, fault);
            let shown = query(&world, &anchors, &["h.d.test", "A"]);
            world.clear_fault(owner, rtype);
            if !shown.contains(&format!("\"status\":\"{expected}\"")) {
                wrong.push(format!(
                    "{fault:?} at {owner} {rtype}: {shown}expected {expected}"
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} cases:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
