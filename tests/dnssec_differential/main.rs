//! The same questions answered by us, by Unbound and by delv, over zones that ldns and BIND signed and NSD serves.
//!
//! Every disagreement stands in a list with the RFC clause that decides; none may be "we say secure, they say bogus".

mod opinions;
#[allow(dead_code, reason = "the other servers are for mail")]
#[path = "../interop/servers.rs"]
mod servers;
mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use gateway::dns::{Name, RecordType};
use gateway::dnssec::{RrsetId, TrustAnchors};

use opinions::Opinion;
use servers::Directory;
use zones::PARENT;

/// Threads that ask: delv is a process for each question.
const THREADS: usize = 4;

/// Zones of which somebody says Secure where we say Insecure, and the clause that decides.
#[rustfmt::skip]
const DISAGREEMENTS: [(&str, &str, &str); 9] = [
    ("ldns-5", "unbound", SHA1), ("ldns-5", "delv", SHA1), ("ldns-7", "unbound", SHA1), ("ldns-7", "delv", SHA1),
    ("ldns-51", "unbound", ITERATIONS), ("ldns-51", "delv", ITERATIONS),
    ("ldns-13-opt-out", "delv", OPT_OUT), ("bind-13-opt-out", "delv", OPT_OUT), ("bind-15-opt-out", "delv", OPT_OUT),
];
const SHA1: &str = "RFC 9905 §2: signatures with SHA-1 count no more; these versions are older";
const ITERATIONS: &str =
    "RFC 9276 §3.2 leaves the limit to the validator: ours is 50, theirs is 150";
const OPT_OUT: &str =
    "RFC 5155 §9.2: no AD where the record that covers the next closer name has the opt-out flag";

/// What is asked in each zone.
fn questions() -> Vec<(&'static str, RrsetId)> {
    let mut questions = Vec::new();
    for label in zones::labels() {
        for (owner, rtype) in [
            ("", RecordType::MX),
            ("", RecordType::TXT),
            ("", RecordType::DS),
            ("", RecordType::DNSKEY),
            ("h.", RecordType::A),
            ("h.", RecordType::TXT),
            ("_25._tcp.h.", RecordType::TLSA),
            ("_26._tcp.h.", RecordType::TLSA),
            ("none.", RecordType::A),
            ("a.b.none.", RecordType::MX),
            ("ent.", RecordType::A),
            ("x.w.", RecordType::A),
            ("x.w.", RecordType::TXT),
            ("x.closer.w.", RecordType::A),
            ("alias.", RecordType::A),
            ("alias.", RecordType::TXT),
            ("dangling.", RecordType::A),
            ("away.", RecordType::A),
            ("h.old.", RecordType::A),
            ("u.", RecordType::DS),
            ("h.u.", RecordType::A),
            ("none.u.", RecordType::A),
        ] {
            let owner = Name::parse(&format!("{owner}{label}.{PARENT}")).unwrap();
            questions.push((label, RrsetId { owner, rtype }));
        }
    }
    questions
}

#[test]
fn we_agree_with_unbound_and_delv_but_where_an_rfc_decides() {
    let directory = Directory::new();
    let zones = zones::make(&directory);
    let (_nsd, upstream) = servers::nsd(&directory, &zones);
    let (_unbound, port) = servers::unbound(&directory, &zones, upstream);
    let resolver = ([127, 0, 0, 1], port).into();
    let anchors = TrustAnchors::parse(&zones[0].ds).unwrap();
    let for_delv = directory.write("delv.anchors", &in_words_of_bind(&zones[0].ds));
    let questions = questions();
    assert!(questions.len() >= 300, "{} questions", questions.len());
    let found: Vec<_> = thread::scope(|scope| {
        let parts = questions.chunks(questions.len().div_ceil(THREADS));
        let threads: Vec<_> = parts
            .map(|part| {
                scope.spawn(|| {
                    let judge = |(label, question): &(&'static str, RrsetId)| {
                        let ours = opinions::ours(resolver, &anchors, question);
                        let theirs = [
                            ("unbound", opinions::unbound(resolver, question)),
                            ("delv", opinions::delv(resolver, &for_delv, question)),
                        ];
                        theirs.map(|(who, opinion)| (*label, question.clone(), who, ours, opinion))
                    };
                    part.iter().flat_map(judge).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    report(&found);
}

type Found = (&'static str, RrsetId, &'static str, Opinion, Opinion);

fn report(found: &[Found]) {
    let mut unlisted = Vec::new();
    let mut seen = BTreeSet::new();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (label, question, who, ours, theirs) in found {
        *counts.entry(format!("{ours:?}")).or_default() += 1;
        assert!(
            (*ours, *theirs) != (Opinion::Secure, Opinion::Error),
            "{question} is secure for us, and not for {who}"
        );
        if ours == theirs {
            continue;
        }
        let is_milder = (*ours, *theirs) == (Opinion::Insecure, Opinion::Secure);
        let mut rows = DISAGREEMENTS.iter().filter(|_| is_milder);
        match rows.find(|row| (row.0, row.1) == (*label, *who)) {
            Some(row) => drop(seen.insert(*row)),
            None => unlisted.push(format!("{question}: ours {ours:?}, {who} {theirs:?}")),
        }
    }
    assert!(
        unlisted.is_empty(),
        "{} not listed:\n{}",
        unlisted.len(),
        unlisted.join("\n")
    );
    assert_eq!(seen.len(), DISAGREEMENTS.len(), "all listed ones occur");
    assert_eq!(counts.len(), 3, "each opinion occurs: {counts:?}");
}

/// DS records as BIND's trust anchors.
fn in_words_of_bind(ds: &str) -> String {
    let anchors = ds.lines().map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let place = words.iter().position(|word| *word == "DS").unwrap();
        let digest = words[place + 4..].concat();
        format!(
            "{} static-ds {} {} {} \"{digest}\";\n",
            words[0],
            words[place + 1],
            words[place + 2],
            words[place + 3],
        )
    });
    format!("trust-anchors {{\n{}}};\n", anchors.collect::<String>())
}
