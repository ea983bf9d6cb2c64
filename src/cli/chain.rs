//! The chain of trust of one answer, from the trust anchor down: as an indented picture for people, and as JSON.

use std::collections::BTreeSet;

use crate::bytes::json::Json;
use crate::dnssec::chain::{Link, Part};
use crate::dnssec::keys::EntryPoint;
use crate::dnssec::why::date;
use crate::dnssec::{Consequence, KeyId, Proof, Why};
use crate::resolver::Explanation;

/// The picture: each zone further in than the one above it, with the keys that lead to it, and at last the answer. The link that broke is marked.
pub(super) fn picture(explanation: &Explanation) -> Vec<String> {
    let mut lines = Vec::new();
    for link in &explanation.chain {
        let indent = "  ".repeat(depth(explanation, link));
        lines.push(format!("{indent}{}", headline(link)));
        let below = |text: String| format!("{indent}  {text}");
        if !link.keys.is_empty() {
            lines.push(below(keys(link)));
        }
        lines.extend(link.why.iter().map(|why| below(mark(why))));
    }
    for part in &explanation.parts {
        let zone = explanation.chain.iter().find(|link| link.zone == part.zone);
        let indent = "  ".repeat(zone.map_or(0, |link| depth(explanation, link)) + 1);
        lines.push(format!("{indent}{}", answer(part)));
        let is_said = |why: &&Why| zone.is_some_and(|link| link.why.as_ref() == Some(why));
        let news = part.why.iter().filter(|why| !is_said(why));
        lines.extend(news.map(|why| format!("{indent}  {}", mark(why))));
    }
    let is_said = |why: &Why| {
        let links = explanation.chain.iter().map(|link| &link.why);
        let mut said = links.chain(explanation.parts.iter().map(|part| &part.why));
        said.any(|said| said.as_ref() == Some(why))
    };
    let rest = explanation.why.iter().filter(|why| !is_said(why));
    lines.extend(rest.map(mark));
    lines
}

/// How many of the zones of the chain lie above this one.
fn depth(explanation: &Explanation, link: &Link) -> usize {
    let is_above = |other: &&Link| other.zone != link.zone && link.zone.is_at_or_below(&other.zone);
    explanation.chain.iter().filter(is_above).count()
}

/// "test., by DS 1234 in the zone above, signed by key …".
fn headline(link: &Link) -> String {
    // An anchor may be given as DS and as DNSKEY record.
    let tags: BTreeSet<u16> = link.points.iter().map(EntryPoint::key_tag).collect();
    let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
    let tags = tags.join(", ");
    match (&link.delegation, link.points.is_empty()) {
        (_, true) => link.zone.to_string(),
        (None, false) => format!("{} trust anchor {tags}", link.zone),
        (Some(proof), false) => format!("{} DS {tags}, {}", link.zone, signed(proof)),
    }
}

fn keys(link: &Link) -> String {
    let keys: Vec<String> = link.keys.iter().map(key).collect();
    let signed = link
        .dnskey
        .as_ref()
        .map(|proof| format!(", {}", signed(proof)));
    format!("DNSKEY {}{}", keys.join(", "), signed.unwrap_or_default())
}

fn key(key: &KeyId) -> String {
    format!("{} ({})", key.tag, key.algorithm)
}

fn answer(part: &Part) -> String {
    let subject = match part.is_denial {
        true => format!("denial of {}", part.rrset),
        false => part.rrset.to_string(),
    };
    match (&part.signature, &part.why) {
        (Some(proof), _) => format!("{subject}, {}", signed(proof)),
        (None, None) => format!("{subject}, proven by signed records"),
        (None, Some(_)) => subject,
    }
}

/// Which key signed, and when that signature is valid.
fn signed(proof: &Proof) -> String {
    let (from, to) = (date(proof.inception), date(proof.expiration));
    format!("signed by {} from {from} to {to}", proof.key.tag)
}

/// Where the chain ends before the answer.
fn mark(why: &Why) -> String {
    match why.consequence() {
        Consequence::Insecure => format!("-- not signed from here: {why}"),
        Consequence::Bogus => format!("XX broken here: {why}"),
        Consequence::Indeterminate => format!("?? not known from here: {why}"),
    }
}

/// The zones from the anchor down with the key tags and algorithms used.
pub(super) fn json(chain: &[Link]) -> Json {
    Json::array(chain.iter().map(|link| {
        let reason = link.why.as_ref().map(ToString::to_string);
        Json::object([
            ("zone", Json::string(&link.zone.to_string())),
            ("status", Json::string(status(link))),
            ("anchor", Json::boolean(is_anchor(link))),
            ("ds", Json::array(link.points.iter().map(point))),
            ("keys", Json::array(link.keys.iter().map(key_json))),
            (
                "signed_by",
                link.dnskey
                    .as_ref()
                    .map_or_else(Json::null, |proof| Json::number(proof.key.tag)),
            ),
            ("reason", Json::optional(reason.as_deref())),
        ])
    }))
}

fn is_anchor(link: &Link) -> bool {
    link.delegation.is_none() && !link.points.is_empty()
}

fn status(link: &Link) -> &'static str {
    match link.why.as_ref().map(Why::consequence) {
        None => "secure",
        Some(Consequence::Insecure) => "insecure",
        Some(Consequence::Bogus) => "bogus",
        Some(Consequence::Indeterminate) => "indeterminate",
    }
}

fn point(point: &EntryPoint) -> Json {
    let algorithm = match point {
        EntryPoint::Ds(ds) => ds.algorithm,
        EntryPoint::Dnskey(key) => key.algorithm,
    };
    tag_and_algorithm(point.key_tag(), &algorithm.to_string())
}

fn key_json(key: &KeyId) -> Json {
    tag_and_algorithm(key.tag, &key.algorithm.to_string())
}

fn tag_and_algorithm(tag: u16, algorithm: &str) -> Json {
    Json::object([
        ("tag", Json::number(tag)),
        ("algorithm", Json::string(algorithm)),
    ])
}
