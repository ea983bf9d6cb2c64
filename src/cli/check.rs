//! `gateway check`: walks every step towards a destination up to the verified handshake, sends no mail, and says what would happen and why.

use std::num::NonZeroU16;
use std::sync::Arc;

use super::options::{Command, Failure, Invocation};
use super::{exit, print};
use crate::config::values;
use crate::dns::RecordType;
use crate::dnssec::Security;
use crate::log::one_line;
use crate::outbound::attempt::{self, Ended, Errand, Means, Next};
use crate::outbound::cause::{Cause, Verdict};
use crate::outbound::connect::{Carrier, Connect, Network};
use crate::outbound::decision::{Decision, Record, bare};
use crate::outbound::facts::Asked;
use crate::outbound::policy::{Pattern, Policy};
use crate::outbound::{self, Phase, Proof, Reason, Settings};
use crate::resolver::{Content, Resolve, Resolver};
use crate::smtp::{Host, Mailbox};

/// `gateway check`.
pub const COMMAND: Command = Command {
    name: "check",
    synopsis: "[-p PORT] [-l LEVEL] [--json] ADDRESS|DOMAIN…",
    summary: "find out whether mail for a domain would be delivered, and why (not)",
    details: "\
Walks every step of a delivery: MX, addresses and TLSA with their DNSSEC status, connection, STARTTLS, handshake, comparison of the
certificate with the TLSA records. No mail command is sent. After a success the other hosts and addresses are checked as well, also
those that a delivery leaves for another run (it tries 5 hosts and 10 addresses, 4 of each host); they decide nothing.

--json: one object a line for each argument:
        {\"domain\",\"level\",\"verdict\",\"code\",\"reason\",\"text\",\"mx\":{\"status\",\"rcode\",\"ede\",\"expanded\",\"records\",\"resolver\",\"error\"},
        \"hosts\":[{\"name\",\"preference\",\"port\",\"address\",\"mx_status\",\"address_status\",\"tlsa_base\",\"tlsa_status\",\"tlsa\",\"verdict\",
        \"code\",\"reason\",\"text\",\"step\",\"remarks\",\"verified\",\"matched\":{\"usage\",\"selector\",\"matching\",\"depth\"},\"tls\",\"only_looked_at\"}…]}
        verdict is deliver, defer or reject; code is an enhanced status code; what is not known is null

Exit 0 if mail would be delivered, 75 if it would wait, 69 if it would be refused; of several arguments the worst counts.",
    options: |options| {
        options.optopt("p", "port", "port of the MX hosts", "PORT");
        options.optopt(
            "l",
            "level",
            "what must be proven, instead of the configured policy: dane-only, dane, encrypt or none",
            "LEVEL",
        );
        options.optflag("", "json", "for programs: one object a line");
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
        .map(|word| target(word))
        .collect::<Result<_, _>>()?;
    if targets.is_empty() {
        let text = "expected an address or a domain: 'gateway check example.org'";
        return Err(Failure::usage(text));
    }
    let resolver = Resolver::new(&invocation.config.resolver);
    let resolver = resolver.map_err(|error| Failure::new(exit::CONFIG, error.to_string()))?;
    let checker = Checker {
        settings: &settings,
        resolver: Arc::new(resolver),
        connector: Box::new(Network),
        is_json: matches.opt_present("json"),
    };
    let mut worst = Verdict::Deliver;
    for target in &targets {
        worst = worst.max(checker.check(target)?);
    }
    Ok(match worst {
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
    for policy in &mut settings.policies.0 {
        policy.port = None;
    }
    Ok(())
}

fn use_level(settings: &mut Settings, text: &str) -> Result<(), Failure> {
    let level =
        values::level(text).map_err(|reason| Failure::usage(format!("option '-l': {reason}")))?;
    let lines = &mut settings.policies.0;
    for policy in lines.iter_mut() {
        policy.level = level;
    }
    if !lines.iter().any(|policy| policy.pattern == Pattern::Any) {
        lines.insert(0, Policy::new(Pattern::Any, level));
    }
    Ok(())
}

/// A mailbox, whose domain is meant, or a domain, or an address literal.
fn target(word: &str) -> Result<Host, Failure> {
    let host = match word.contains('@') {
        true => Mailbox::parse(word).map(|mailbox| mailbox.host),
        false => Host::parse(word),
    };
    host.map_err(|error| {
        Failure::usage(format!(
            "'{word}' is neither an address nor a domain: {error}"
        ))
    })
}

struct Checker<'a> {
    settings: &'a Settings,
    resolver: Arc<dyn Resolve>,
    connector: Box<dyn Connect>,
    is_json: bool,
}

impl Checker<'_> {
    fn check(&self, target: &Host) -> Result<Verdict, Failure> {
        let rule = self.settings.policies.rule(target);
        let port = rule.port.unwrap_or(self.settings.smtp_port);
        let mut visit = Visit {
            is_silent: self.is_json,
            failure: None,
        };
        visit.say(&format!(
            "{}: level {}, port {port}\n",
            bare(target),
            rule.level
        ));
        let means = Means {
            settings: self.settings,
            resolver: &*self.resolver,
            connector: &*self.connector,
            breaker: None,
            is_stopping: &|| false,
        };
        let decision = attempt::walk(means, target, &mut visit, &mut outbound::random);
        match self.is_json {
            true => print(format!("{}\n", decision.json()))?,
            false => visit.say(&conclusion(&decision)),
        }
        match visit.failure {
            Some(failure) => Err(failure),
            None => Ok(decision.verdict()),
        }
    }
}

/// The errand of a check: say what is found, as it is found, and leave every server again.
struct Visit {
    is_silent: bool,
    /// Why nothing more can be printed.
    failure: Option<Failure>,
}

impl Visit {
    fn say(&mut self, text: &str) {
        if !self.is_silent && self.failure.is_none() {
            self.failure = print(text).err();
        }
    }
}

impl Errand for Visit {
    fn looks_further(&self) -> bool {
        true
    }

    fn asked(&mut self, asked: &Asked) {
        self.say(&question(asked));
    }

    fn connected(&mut self, carrier: Box<dyn Carrier>) -> Ended {
        let text = match carrier.proof() {
            Proof::Dane(_) => "the server is proven to be the right one; mail would be sent now",
            Proof::Encryption => {
                "the connection is encrypted, to whom is not proven; mail would be sent now"
            }
            Proof::Loopback => {
                "the server is on this machine; mail would be sent now, in clear text"
            }
        };
        carrier.quit();
        Ended {
            cause: Cause::new(Reason::Delivered, text),
            phase: Phase::Verdict,
            next: Next::Host,
        }
    }

    fn attempted(&mut self, record: &Record) {
        if record.mx.is_some() || record.address.is_some() {
            self.say(&host(record));
        }
    }
}

/// One question: what was asked, what was found, how sure it is, and what that means.
fn question(asked: &Asked) -> String {
    let mut text = format!("  {} of {}: {}", asked.rtype, asked.name, asked.status());
    match &asked.result {
        Err(error) => text += &format!(", {}", one_line(&error.kind.to_string())),
        Ok(answer) => {
            for alias in &answer.aliases {
                text += &format!(", alias of {}", alias.target);
            }
        }
    }
    if asked.is_fresh {
        text += ", asked again past the cache";
    }
    if !asked.server().is_empty() {
        text += &format!(" (resolver {})", asked.server());
    }
    text.push('\n');
    for data in asked.data() {
        text += &format!("      {data}\n");
    }
    let errors = asked.extended_error_text();
    if !errors.is_empty() {
        text += &format!("      the resolver says: {}\n", one_line(&errors));
    }
    text += &format!("      = {}\n", meaning(asked));
    text
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

/// One host attempt.
fn host(record: &Record) -> String {
    let cause = &record.cause;
    let mut text = format!("  {}", record.host());
    if let Some(address) = record.address {
        text += &format!(" [{address}]:{}", record.port);
    }
    text += &format!(
        ": {} {} {}\n",
        cause.verdict().name(),
        cause.status,
        cause.reason
    );
    if let Some(tls) = &record.tls {
        text += &format!("      {} with {}\n", tls.version, tls.cipher);
    }
    if let Some(matched) = record.matched() {
        let record = matched.record();
        text += &format!("      the certificate matches {record}\n");
    }
    text += &format!("      at {}: {}\n", record.step, cause.text);
    if record.is_beyond {
        text += "      only looked at: a delivery leaves this one for another run\n";
    }
    text
}

fn conclusion(decision: &Decision) -> String {
    let cause = &decision.deciding.cause;
    let remarks = decision.deciding.remarks.iter();
    let remarks: Vec<&str> = remarks.map(|remark| remark.token()).collect();
    let mut text = format!(
        "  verdict: {} {} {}\n",
        decision.verdict().name(),
        cause.status,
        cause.reason
    );
    // The last host's text stands just above.
    let last = decision.hosts.last().map(|host| &host.cause);
    if last != Some(cause) {
        text += &format!("      {}\n", cause.text);
    }
    if !remarks.is_empty() {
        text += &format!("      remarkable: {}\n", remarks.join(", "));
    }
    text
}
