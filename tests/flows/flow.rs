//! Mail for a domain, and what everybody saw of it: the MX hosts, the log, the queue, the sender, and `gateway check` beforehand.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use gateway_lab::{Gateway, MxHost, Phase, World};

use crate::stage::Host;

/// Longest wait for a decision on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Who sends all mail.
pub(crate) const SENDER: &str = "author@sender.test";
/// All that may be said before a server is verified, besides EHLO.
const HARMLESS: [&str; 2] = ["STARTTLS", "QUIT"];

/// A running gateway among hosts and zones.
pub(crate) struct Flow {
    /// The DNS.
    pub(crate) world: World,
    pub(crate) gateway: Gateway,
    /// The MX host of the sender's domain.
    pub(crate) sender: Host,
    /// All others.
    pub(crate) hosts: Vec<Host>,
    /// The gateway's name.
    pub(crate) hostname: String,
}

/// What shall become of mail for a domain.
#[derive(Clone, Copy)]
struct Case<'a> {
    domain: &'a str,
    verdict: &'a str,
    code: &'a str,
    reason: &'a str,
}

impl<'a> Case<'a> {
    const fn delivered(domain: &'a str) -> Self {
        Self {
            domain,
            verdict: "deliver",
            code: "2.0.0",
            reason: "ok",
        }
    }

    /// The exit code of `gateway check`.
    fn exit(self) -> i32 {
        match self.verdict {
            "deliver" => 0,
            "defer" => 75,
            _ => 69,
        }
    }

    /// A domain, or an address literal without brackets.
    fn bare(self) -> &'a str {
        self.domain.trim_matches(['[', ']'])
    }
}

impl Flow {
    /// Mail for the domain arrives at this host, over TLS, unchanged, and at no other.
    pub(crate) fn delivers(&self, domain: &str, to: &Host) -> Log {
        let before = to.messages().len();
        let case = Case::delivered(domain);
        let log = self.decided(case, &[to]);
        self.assert_finished(&log);
        self.assert_arrived(domain, to, before + 1);
        self.assert_foretold(case);
        log
    }

    /// Mail for the domain waits in the queue for this reason; no server ever got a mail command.
    pub(crate) fn defers(&self, domain: &str, code: &str, reason: &str) -> Log {
        let case = Case {
            domain,
            verdict: "defer",
            code,
            reason,
        };
        let log = self.decided(case, &[]);
        self.assert_waiting(&log, case);
        self.assert_foretold(case);
        log
    }

    /// The first mail for the domain, which was deferred, arrives at this host.
    pub(crate) fn delivers_later(&self, log: &Log, domain: &str, to: &Host) {
        self.wait(&log.id, &["finished after"]);
        self.assert_finished(log);
        self.assert_arrived(domain, to, 1);
        self.assert_foretold(Case::delivered(domain));
    }

    /// Submits one message and waits for the decision. Each of `spoken_to` hears mail commands, and nobody else.
    fn decided(&self, case: Case<'_>, spoken_to: &[&Host]) -> Log {
        let domain = case.domain;
        let before = self.mail_commands();
        let log = self.submit(domain);
        for (host, before) in self.hosts.iter().zip(before) {
            let shall_hear = spoken_to.iter().any(|one| Arc::ptr_eq(one, host));
            let heard = mail_commands(host) > before;
            let name = host.name();
            assert_eq!(heard, shall_hear, "mail commands to {name}\n{log}");
        }
        self.assert_discreet();
        let Case {
            verdict,
            code,
            reason,
            ..
        } = case;
        let (level, bare) = (self.level(domain), case.bare());
        let expected = format!("{level} {verdict} {code} {reason} domain={bare}");
        assert_eq!(log.decision(), expected, "\n{log}");
        log
    }

    fn submit(&self, domain: &str) -> Log {
        let recipient = format!("user@{domain}");
        let reply = self
            .gateway
            .submit(SENDER, &[&recipient], &message(domain))
            .unwrap_or_else(|error| panic!("{domain}: {error}"));
        assert_eq!(reply.code, 250, "{domain}: {reply}");
        let id = reply.text.trim_end().rsplit(' ').next().unwrap_or_default();
        self.wait(id, &["the next attempt is at", "finished after"]);
        let mine = format!(" {id}: ");
        let lines = self.gateway.log();
        let lines = lines.iter().filter_map(|line| line.split_once(&mine));
        Log {
            id: id.to_owned(),
            lines: lines.map(|(_, text)| text.to_owned()).collect(),
        }
    }

    /// Waits for a line about a message with one of these ends.
    fn wait(&self, id: &str, ends: &[&str]) {
        let mine = format!(" {id}: ");
        let is_end = |line: &str| {
            let text = line.split_once(&mine).map(|(_, text)| text);
            text.is_some_and(|text| ends.iter().any(|end| text.contains(end)))
        };
        let what = format!("{id}: {}", ends.join(" or "));
        self.gateway
            .wait_for_line(&what, PATIENCE, is_end)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// The level that the configuration gives the domain.
    fn level(&self, domain: &str) -> &'static str {
        let line = format!("policy {domain} dane");
        match self.gateway.configuration().contains(&line) {
            true => "dane",
            false => "dane-only",
        }
    }

    fn mail_commands(&self) -> Vec<usize> {
        self.hosts.iter().map(|host| mail_commands(host)).collect()
    }

    /// In clear text nothing was ever said that tells whom the mail is for.
    fn assert_discreet(&self) {
        let hello = format!("EHLO {}", self.hostname);
        for host in self.hosts.iter().chain([&self.sender]) {
            for line in host.commands(Phase::Clear) {
                let is_harmless = line == hello || HARMLESS.contains(&line.as_str());
                assert!(is_harmless, "{} got in clear text: {line}", host.name());
            }
        }
    }

    /// The host has that many messages, and the last is this one.
    fn assert_arrived(&self, domain: &str, host: &Host, count: usize) {
        let messages = host.messages();
        assert_eq!(messages.len(), count, "messages at {}", host.name());
        let stored = messages.last().expect("one message");
        assert_eq!(stored.phase, Phase::Tls);
        assert_eq!(stored.sender, SENDER);
        assert_eq!(stored.recipients, [format!("user@{domain}")]);
        let text = stored.text();
        let is_whole = text.starts_with("Received: ") && text.ends_with(&message(domain));
        assert!(is_whole, "{text}");
    }

    /// The message is in the queue with this diagnosis.
    fn assert_waiting(&self, log: &Log, case: Case<'_>) {
        let output = self.gateway.run(&["queue", "show", &log.id, "--json"]);
        let shown = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        for part in [
            format!(
                "\"address\":\"user@{}\",\"state\":\"pending\",",
                case.domain
            ),
            format!(
                "\"status\":\"{}\",\"token\":\"{}\",",
                case.code, case.reason
            ),
        ] {
            assert!(shown.contains(&part), "no {part} in {shown}{errors}");
        }
    }

    fn assert_finished(&self, log: &Log) {
        let queue = self.gateway.queue();
        assert!(!queue.contains(&log.id), "still queued: {queue}\n{log}");
    }

    /// `gateway check` says the same, in its JSON and its exit code, and sends no mail command.
    fn assert_foretold(&self, case: Case<'_>) {
        let before = self.mail_commands();
        let address = format!("user@{}", case.domain);
        let output = self.gateway.run(&["check", "--json", &address]);
        let told = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        let (bare, level) = (case.bare(), self.level(case.domain));
        let Case {
            verdict,
            code,
            reason,
            ..
        } = case;
        let begin = format!(
            "{{\"domain\":\"{bare}\",\"level\":\"{level}\",\"verdict\":\"{verdict}\",\"code\":\"{code}\",\"reason\":\"{reason}\","
        );
        assert!(told.starts_with(&begin), "no {begin} in {told}{errors}");
        let is_verified = told.contains("\"verified\":true");
        assert_eq!(is_verified, verdict == "deliver", "{told}");
        assert_eq!(output.status.code(), Some(case.exit()), "{told}");
        assert_eq!(self.mail_commands(), before, "mail commands of a check");
        self.assert_discreet();
    }
}

/// What the gateway logged about one message.
pub(crate) struct Log {
    id: String,
    lines: Vec<String>,
}

impl Log {
    /// The last decision: level, verdict, code, reason and domain.
    fn decision(&self) -> String {
        let mut lines = self.lines.iter().rev();
        let last = lines.find(|line| line.contains(" domain="));
        let last = last.unwrap_or_else(|| panic!("no decision\n{self}"));
        last.split(' ').take(5).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:\n{}", self.id, self.lines.join("\n"))
    }
}

/// How many commands that have to do with mail a host got.
fn mail_commands(host: &MxHost) -> usize {
    let is_mail = |line: &String| !line.starts_with("EHLO ") && !HARMLESS.contains(&line.as_str());
    let of = |phase| {
        host.commands(phase)
            .iter()
            .filter(|line| is_mail(line))
            .count()
    };
    of(Phase::Clear) + of(Phase::Tls)
}

pub(crate) fn message(domain: &str) -> String {
    format!(
        "From: <{SENDER}>\r\nTo: <user@{domain}>\r\nSubject: a flow\r\n\r\nFor {domain}.\r\n.\r\nThe end.\r\n"
    )
}
