//! The steps of a check in words: what was asked or tried, what came of it, and what that means. One form for the terminal and for the page.

use super::certificate::Certificate;
use super::remedy::{failure, remedy};
use super::visit::{Attempt, Finding, Question};
use crate::dane::{self, Plan};
use crate::dns::{EdeCode, RecordType, Tlsa};
use crate::dnssec::Security;
use crate::dnssec::chain::Link;
use crate::dnssec::keys::EntryPoint;
use crate::log::one_line;
use crate::outbound::cause::Verdict;
use crate::outbound::decision::{Decision, Record};
use crate::outbound::facts::Asked;
use crate::outbound::{Effect, Level};
use crate::resolver::{Content, Explanation, FOUND_HERE, Status};

/// Certificate usage DANE-EE (RFC 7218 §2.1).
const DANE_EE: u8 = 3;

/// Certificates above the server's own that are printed; a chain has one to three.
const ABOVE_PRINTED_MAX: usize = 5;

/// Characters of a record that are printed; every digest in full, a whole certificate not.
const RECORD_PRINTED_MAX: usize = 160;

/// What a step means for the mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// As it should be.
    Good,
    /// Remarkable, but nothing fails by it.
    Notice,
    /// Mail does not go this way.
    Bad,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) mark: Mark,
    /// What was asked or tried.
    pub(super) title: String,
    /// What came of it, in a few words.
    pub(super) state: String,
    /// The details, each with a word that says what it is.
    pub(super) facts: Vec<Fact>,
}

/// One detail of a step.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) text: String,
    pub(super) mark: Option<Mark>,
}

impl Step {
    fn new(mark: Mark, title: &str, state: &str) -> Self {
        Self {
            mark,
            title: one_line(title),
            state: one_line(state),
            facts: Vec::new(),
        }
    }

    fn say(&mut self, label: &'static str, text: impl AsRef<str>) {
        self.facts.push(Fact {
            label,
            text: one_line(text.as_ref()),
            mark: None,
        });
    }

    fn judge(&mut self, mark: Mark, label: &'static str, text: impl AsRef<str>) {
        self.say(label, text);
        if let Some(fact) = self.facts.last_mut() {
            fact.mark = Some(mark);
        }
    }
}

impl Finding {
    /// It as a step.
    pub(super) fn step(&self) -> Step {
        match self {
            Self::Question(found) => question(found),
            Self::Attempt(found) => attempt(found),
            Self::Exception(text) => exception(text),
        }
    }
}

/// What there is to say about an exception.
fn exception(text: &str) -> Step {
    let mut step = Step::new(Mark::Notice, "exception", "of the configuration");
    step.say("note", text);
    step
}

/// One question to the DNS.
fn question(question: &Question) -> Step {
    let asked = &question.asked;
    let mark = mark_of(asked, question.level);
    let title = format!("{} of {}", asked.rtype, asked.name);
    let mut step = Step::new(mark, &title, asked.status().word());
    if let Ok(answer) = &asked.result {
        for alias in &answer.aliases {
            step.say("alias", format!("{} is {}", alias.owner, alias.target));
        }
    }
    for data in asked.data() {
        step.say("answer", shortened(&data.to_string()));
    }
    if let Some(why) = why(question) {
        step.judge(mark, "why", why);
    }
    step.say("means", meaning(asked));
    step.say("proof", proof(question));
    for (code, text) in extended_errors(asked) {
        let text = format!("{} says: {} ({code}) {text}", asked.server(), code.0);
        step.say("resolver", text.trim_end());
    }
    if asked.is_fresh {
        step.say("again", "asked past every cache, since the certificate did not match or the records' time was over");
    }
    step
}

/// Where the level demands proofs, everything without one ends the way; that one address family is absent does not.
fn mark_of(asked: &Asked, level: Level) -> Mark {
    let is_lax = level != Level::DaneOnly;
    match &asked.result {
        Err(_) => Mark::Bad,
        Ok(answer) => match (answer.security, &answer.content, asked.rtype) {
            (Security::Insecure, _, _) if !is_lax => Mark::Bad,
            (Security::Insecure, _, _) => Mark::Notice,
            (_, Content::Records(_), _) | (_, _, RecordType::A | RecordType::AAAA) => Mark::Good,
            (_, Content::NoData, RecordType::MX) => Mark::Notice,
            (_, _, RecordType::TLSA) if is_lax => Mark::Notice,
            _ => Mark::Bad,
        },
    }
}

/// What resolvers say is wrong; what was found here stands in its own place.
fn extended_errors(asked: &Asked) -> impl Iterator<Item = &(EdeCode, String)> {
    let errors = asked.extended_errors();
    errors.iter().filter(|(_, text)| text != FOUND_HERE)
}

/// Why an answer is not secure, or is not known.
fn why(question: &Question) -> Option<String> {
    let answer = match &question.asked.result {
        Ok(answer) => answer,
        Err(error) => return Some(error.kind.to_string()),
    };
    if answer.security.is_secure() {
        return None;
    }
    Some(question.why().map_or_else(
        || "the resolver has not set the AD bit: unsigned data, or a resolver that does not validate".to_owned(),
        ToString::to_string,
    ))
}

/// What the answer to a question means for the delivery.
fn meaning(asked: &Asked) -> &'static str {
    let Ok(answer) = &asked.result else {
        return "not known; that is never taken for \"not there\"";
    };
    let is_there = matches!(answer.content, Content::Records(_));
    match (answer.security, is_there, asked.rtype) {
        (Security::Insecure, true, _) => "anybody on the way could have made this up",
        (Security::Insecure, false, _) => {
            "nothing there, it says; anybody on the way could have made this up"
        }
        (Security::Secure, true, RecordType::MX) => "proven: these are the servers of the domain",
        (Security::Secure, true, RecordType::TLSA) => {
            "proven: the server's certificate must match one of these"
        }
        (Security::Secure, true, _) => "proven",
        (Security::Secure, false, _) => match answer.content {
            Content::NxDomain => "proven: there is no such name",
            Content::NoData | Content::Records(_) => "proven: there is no such record",
        },
    }
}

/// What the status rests on: the zones from the anchor down, each with the key that leads into it, or a resolver's word.
fn proof(question: &Question) -> String {
    let asked = &question.asked;
    match &question.explanation {
        Some(explanation) if !explanation.chain.is_empty() => chain(explanation),
        Some(_) => "none; nothing was found out".to_owned(),
        None if asked.status() == Status::Secure => {
            format!(
                "the AD bit of resolver {}, which is believed",
                asked.server()
            )
        }
        None if asked.server().is_empty() => "none; no resolver has answered".to_owned(),
        None => format!("none; the resolver was {}", asked.server()),
    }
}

/// ". (key 20326) > org. (key 26974)".
fn chain(explanation: &Explanation) -> String {
    let zone = |link: &Link| {
        let tags = link.points.iter().map(EntryPoint::key_tag);
        let mut tags: Vec<String> = tags.map(|tag| tag.to_string()).collect();
        tags.dedup();
        match tags.as_slice() {
            [] => format!("{} (unsigned)", link.zone),
            [tag] => format!("{} (key {tag})", link.zone),
            _ => format!("{} (keys {})", link.zone, tags.join(", ")),
        }
    };
    let zones: Vec<String> = explanation.chain.iter().map(zone).collect();
    zones.join(" > ")
}

/// One host attempt.
fn attempt(attempt: &Attempt) -> Step {
    let record = &attempt.record;
    let cause = &record.cause;
    let mark = match cause.verdict() {
        Verdict::Deliver => Mark::Good,
        Verdict::Defer | Verdict::Reject => Mark::Bad,
    };
    let state = format!(
        "{} {} {}",
        cause.verdict().name(),
        cause.status,
        cause.reason
    );
    let mut step = Step::new(mark, &host_and_port(record), &state);
    if let Some(facts) = attempt.facts() {
        step.say("TLS", format!("{}, {}", facts.version, facts.cipher));
    }
    if let Some(certificate) = attempt.leaf().and_then(Certificate::read) {
        for (label, text) in certificate.facts() {
            step.say(label, text);
        }
    }
    let above = attempt.chain().iter().enumerate().skip(1);
    for (depth, der) in above.take(ABOVE_PRINTED_MAX) {
        let text = Certificate::read(der).map_or_else(
            || "cannot be read".to_owned(),
            |certificate| certificate.in_short(),
        );
        step.say("above", format!("depth {depth}: {text}"));
    }
    if attempt.is_encrypted() {
        let plan = dane::plan(&record.tlsa);
        for tlsa in &record.tlsa {
            let (mark, fate) = fate(tlsa, &plan, attempt);
            let text = format!("{} {fate}", shortened(&tlsa.to_string()));
            step.judge(mark, "record", text);
        }
    }
    step.judge(
        mark,
        "result",
        format!("at {}: {}", record.step, failure(record)),
    );
    if record.proof_word() == Some("trusted") {
        let text = "only trusted: nothing secure says that this host is one of the domain's";
        step.judge(Mark::Notice, "note", text);
    }
    if record.is_beyond {
        let text =
            "only looked at; a delivery leaves this one for another run, so it decides nothing";
        step.judge(Mark::Notice, "note", text);
    }
    step
}

/// A host with what is known of where it is.
pub(super) fn host_and_port(record: &Record) -> String {
    let mut text = match record.address {
        Some(address) => format!("{} [{address}]:{}", record.host(), record.port),
        None => format!("{} port {}", record.host(), record.port),
    };
    if let Some(proxy) = record.proxy {
        text += &format!(" through the SOCKS proxy {proxy}");
    }
    text
}

/// What became of one TLSA record.
fn fate(record: &Tlsa, plan: &Plan, attempt: &Attempt) -> (Mark, String) {
    if let Some(matched) = attempt.matched() {
        if matched.record() == record {
            let depth = matched.depth();
            return (
                Mark::Good,
                format!("matches the certificate at depth {depth}"),
            );
        }
    }
    if let Some((_, why)) = plan.unusable.iter().find(|(one, _)| one == record) {
        return (Mark::Notice, format!("cannot be used ({why})"));
    }
    if plan.masked.contains(record) {
        let text = "does not count beside a stronger digest (agility-masked)";
        return (Mark::Notice, text.to_owned());
    }
    let mark = match attempt.matched() {
        Some(_) => Mark::Notice,
        None => Mark::Bad,
    };
    (mark, mismatch(record, attempt.chain()))
}

/// Why a record that counts has not matched, as far as one can see by comparing digests.
fn mismatch(record: &Tlsa, chain: &[Vec<u8>]) -> String {
    let form = |one: &Tlsa| (one.selector, one.matching);
    let presented: Vec<Tlsa> = chain
        .iter()
        .filter_map(|certificate| {
            let mut records = dane::records_of(certificate).into_iter();
            records.find(|one| form(one) == form(record))
        })
        .collect();
    let depth = presented.iter().position(|one| one.data == record.data);
    match (depth, presented.first()) {
        (Some(depth), _) => format!(
            "names the certificate at depth {depth}, which is not accepted with usage {}",
            record.usage
        ),
        (None, Some(own)) if record.usage == DANE_EE => {
            format!(
                "does not match; the server presented {}",
                shortened(&own.to_string())
            )
        }
        (None, _) => format!("names none of the {} certificates presented", chain.len()),
    }
}

/// What comes of all of it, and the one thing to mend.
pub(super) fn conclusion(decision: &Decision, findings: &[Finding]) -> Step {
    let record = &decision.deciding;
    let cause = &record.cause;
    let (mark, comes_of_it) = match decision.verdict() {
        Verdict::Deliver => (Mark::Good, "would be sent now"),
        Verdict::Defer => (Mark::Bad, "would wait and be tried again"),
        Verdict::Reject => (Mark::Bad, "would be refused for good, and its sender told"),
    };
    let state = format!(
        "{} {} {}",
        decision.verdict().name(),
        cause.status,
        cause.reason
    );
    let mut step = Step::new(mark, "verdict", &state);
    step.say("mail", comes_of_it);
    match remedy(decision, findings) {
        _ if mark == Mark::Good => step.say("server", host_and_port(record)),
        None => step.judge(mark, "mend", &cause.text),
        Some(remedy) => {
            step.say("failed", failure(record));
            step.judge(mark, "mend", remedy);
        }
    }
    let failed = |record: &&Record| record.cause.reason.effect() != Effect::Delivered;
    if mark == Mark::Good {
        for record in decision.hosts.iter().filter(failed) {
            let text = format!("{}: {}", host_and_port(record), record.cause.reason);
            step.judge(Mark::Notice, "but not", text);
        }
    }
    let remarks = record.remarks.iter();
    let remarks: Vec<&str> = remarks.map(|remark| remark.token()).collect();
    if !remarks.is_empty() {
        step.say("remarks", remarks.join(", "));
    }
    step
}

/// A record, of which the end is left out where it is very long.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(RECORD_PRINTED_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
