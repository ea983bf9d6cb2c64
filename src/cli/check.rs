//! `gateway check`: walks every step towards a destination up to the verified handshake, sends no mail, and says what would happen and why.
//!
//! | file | question it answers |
//! |---|---|
//! | `check/visit.rs` | what is found on the way, and how is it kept? |
//! | `check/step.rs` | what is each finding in words? `check/remedy.rs`: what is to be mended? |
//! | `check/people.rs` | how do the steps look on a terminal? |
//! | `check/page.rs` | how do they look as a page? |
//! | `check/graph.rs` | what vouches for what? |
//! | `check/picture.rs` | where does each card of that go? |
//!
//! Limitation: when a delivery would give up at the MX records, nothing is known of its hosts, so the check ends there as well.

mod certificate;
mod graph;
mod page;
mod people;
mod picture;
mod remedy;
mod step;
mod visit;

use std::num::NonZeroU16;
use std::path::Path;

use super::options::{Command, Failure, Invocation};
use super::{exit, print};
use crate::config::{self, values};
use crate::outbound::attempt::{self, Means};
use crate::outbound::cause::Verdict;
use crate::outbound::decision::bare;
use crate::outbound::{self, Level, Memory, Pattern, Policy, Settings};
use crate::resolver::Resolver;
use crate::smtp::Host;
use crate::time::Timestamp;
use page::Chapter;
use people::Paint;
use visit::{Finding, Visit, Wiretap, Witness};

/// `gateway check`.
pub const COMMAND: Command = Command {
    name: "check",
    synopsis: "[-p PORT] [-l LEVEL] [--json] [--html FILE] ADDRESS|DOMAIN…",
    summary: "find out whether mail for a domain would be delivered, and why (not)",
    details: "\
Walks every step of a delivery: MX, addresses and TLSA with their DNSSEC status, connection, STARTTLS, handshake, comparison of the
certificate with the TLSA records. No mail command is sent. After a success the other hosts and addresses are checked as well, also
those that a delivery leaves for another run (it tries 5 hosts and 10 addresses, 4 of each host); they decide nothing.

--json: one object a line for each argument:
        {\"domain\",\"level\",\"verdict\",\"code\",\"reason\",\"text\",\"mx\":{\"status\",\"rcode\",\"ede\",\"expanded\",\"records\",\"resolver\",\"error\"},
        \"hosts\":[{\"name\",\"preference\",\"port\",\"address\",\"proxy\",\"mx_status\",\"address_status\",\"tlsa_base\",\"tlsa_status\",\"tlsa\",
        \"verdict\",\"code\",\"reason\",\"text\",\"step\",\"remarks\",\"proof\",\"verified\",\"matched\":{\"usage\",\"selector\",\"matching\",\"depth\",\"reference\"},\"tls\",
        \"only_looked_at\"}…]}
        verdict is deliver, defer or reject; code is an enhanced status code; proof is verified, trusted (DANE at a host that no secure MX
        record names), pkix, pin, encrypted or loopback; reference is the name that usage 2 found in the certificate; what is not known is
        null

Exit 0 if mail would be delivered, 75 if it would wait, 69 if it would be refused; of several arguments the worst counts.",
    options: |options| {
        options.optopt("p", "port", "port of the MX hosts", "PORT");
        options.optopt(
            "l",
            "level",
            "what must be proven, instead of the configured policy: dane-only, dane, secure, encrypt or none",
            "LEVEL",
        );
        options.optflag("", "json", "for programs: one object a line");
        options.optopt(
            "",
            "html",
            "also write a page with the chain of trust as a picture and all that was said",
            "FILE",
        );
    },
    looks_up: true,
    run,
};

fn run(invocation: &Invocation) -> Result<u8, Failure> {
    let matches = &invocation.matches;
    let mut settings = invocation.config.outbound.clone();
    if let Some(port) = matches.opt_str("p") {
        use_port(&mut settings, &port)?;
    }
    if let Some(level) = matches.opt_str("l") {
        use_level(&mut settings, &level)?;
    }
    let targets: Vec<Host> = matches
        .free
        .iter()
        .map(|word| super::destination(word))
        .collect::<Result<_, _>>()?;
    if targets.is_empty() {
        let text = "expected an address or a domain: 'gateway check example.org'";
        return Err(Failure::usage(text));
    }
    let resolver = Resolver::new(&invocation.config.resolver);
    let resolver = resolver.map_err(|error| Failure::new(exit::CONFIG, error.to_string()))?;
    let checker = Checker {
        settings: &settings,
        witness: Witness::new(resolver),
        wiretap: Wiretap::default(),
        output: match matches.opt_present("json") {
            true => Output::Json,
            false => Output::People(Paint::for_stdout()),
        },
    };
    let chapters = targets.iter().map(|target| checker.check(target));
    let chapters: Vec<Chapter> = chapters.collect::<Result<_, _>>()?;
    if let Some(path) = matches.opt_str("html") {
        let text = page::page(&chapters, Timestamp::now());
        page::write(Path::new(&path), &text).map_err(|error| {
            let text = format!("cannot write the page to {path}: {error}");
            Failure::new(exit::INPUT_OUTPUT, text)
        })?;
    }
    let verdicts = chapters.iter().map(|chapter| chapter.decision.verdict());
    Ok(match verdicts.max().unwrap_or(Verdict::Deliver) {
        Verdict::Deliver => exit::OK,
        Verdict::Defer => exit::TEMPORARY,
        Verdict::Reject => exit::UNAVAILABLE,
    })
}

fn use_port(settings: &mut Settings, text: &str) -> Result<(), Failure> {
    let port: NonZeroU16 = text.parse().map_err(|_| {
        Failure::usage(format!(
            "option '-p': expected a port from 1 to 65535, found '{text}'"
        ))
    })?;
    settings.smtp_port = port.get();
    for policy in &mut settings.policies.lines {
        policy.port = None;
    }
    for smarthost in &mut settings.policies.smarthosts {
        smarthost.port = None;
    }
    Ok(())
}

fn use_level(settings: &mut Settings, text: &str) -> Result<(), Failure> {
    let level =
        values::level(text).map_err(|reason| Failure::usage(format!("option '-l': {reason}")))?;
    match level {
        Level::Fingerprint => {
            let text = "option '-l': level fingerprint needs a policy line, with pin=sha256:HEX";
            return Err(Failure::usage(text));
        }
        Level::Secure if settings.roots.is_none() => {
            settings.roots = Some(config::roots(settings.ca_file.as_deref())?);
        }
        _ => {}
    }
    let lines = &mut settings.policies.lines;
    for policy in lines.iter_mut() {
        policy.level = level;
    }
    if !lines.iter().any(|policy| policy.pattern == Pattern::Any) {
        lines.insert(0, Policy::new(Pattern::Any, level));
    }
    Ok(())
}

struct Checker<'a> {
    settings: &'a Settings,
    witness: Witness,
    wiretap: Wiretap,
    output: Output,
}

/// What is printed while the walk goes on.
#[derive(Clone, Copy)]
enum Output {
    People(Paint),
    Json,
}

impl Checker<'_> {
    fn check(&self, target: &Host) -> Result<Chapter, Failure> {
        let mut failure = None;
        let mut say = |text: String| {
            if failure.is_none() {
                failure = print(text).err();
            }
        };
        let rule = self.settings.policies.rule(target);
        let port = rule.port.unwrap_or(self.settings.smtp_port);
        if let Output::People(paint) = self.output {
            let rest = format!("level {}, port {port}", rule.level);
            say(paint.heading(&bare(target), &rest));
        }
        let mut tell = |finding: &Finding| {
            if let Output::People(paint) = self.output {
                say(paint.step(&finding.step()));
            }
        };
        let mut visit = Visit::new(&self.witness, &self.wiretap, &mut tell);
        let means = Means {
            settings: self.settings,
            resolver: &self.witness,
            connector: &self.wiretap,
            breaker: None,
            memory: &Memory::default(),
            now: Timestamp::now(),
            is_stopping: &|| false,
        };
        let decision = attempt::walk(means, target, &mut visit, &mut outbound::random);
        let findings = visit.findings;
        match self.output {
            Output::Json => say(format!("{}\n", decision.json())),
            Output::People(paint) => {
                say(format!(
                    "\n{}\n",
                    paint.step(&step::conclusion(&decision, &findings))
                ));
            }
        }
        match failure {
            Some(failure) => Err(failure),
            None => Ok(Chapter { decision, findings }),
        }
    }
}
