//! The stage of a test: MX hosts and zones are put on it, then the mail flows, and every flow is looked at from all sides.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use gateway::dns::{RecordType, Tlsa};
use gateway_lab::mx::StoredMessage;
use gateway_lab::world::{WorldBuilder, tlsa_owner};
use gateway_lab::{Certificate, Fault, Gateway, MxHost, Phase, Seats, World, Zone};

/// Longest wait for a decision on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// More hosts than any test needs.
const SEATS: u8 = 10;
/// Who sends all mail; its domain has a good MX host, for reports.
const SENDER: &str = "author@sender.test";
/// The gateway's name unless a test says otherwise.
const HOSTNAME: &str = "gateway.test";

/// A host that several may look at.
pub type Host = Arc<MxHost>;

/// What is put up before the mail flows.
pub struct Stage {
    seats: Seats,
    sender: Host,
    hosts: Vec<Host>,
    world: WorldBuilder,
    hostname: String,
    config: Vec<String>,
    without: Vec<String>,
}

impl Stage {
    /// An empty one; only the sender's domain is there.
    pub fn new() -> Self {
        Self::with(Seats::reserve(SEATS))
    }

    /// One whose only host to come is at `::1`; `None` where the machine has no such address.
    pub fn on_ipv6() -> Option<Self> {
        Seats::reserve_both_families().map(Self::with)
    }

    fn with(mut seats: Seats) -> Self {
        let name = "mx.sender.test";
        let sender = MxHost::start_on(seats.take(), Certificate::new(name), name);
        let zone = zone("sender.test", &sender, [sender.tlsa(1, 1)]);
        Self {
            seats,
            sender: Arc::new(sender),
            hosts: Vec::new(),
            world: World::builder().zone(zone),
            hostname: HOSTNAME.to_owned(),
            config: Vec::new(),
            without: Vec::new(),
        }
    }

    /// A good MX host of this name.
    pub fn host(&mut self, name: &str) -> Host {
        self.host_with(name, Certificate::new(name))
    }

    /// An MX host of this name with this certificate.
    pub fn host_with(&mut self, name: &str, certificate: Certificate) -> Host {
        let listener = self.seats.take();
        let host = Arc::new(MxHost::start_on(listener, certificate, name));
        self.hosts.push(Arc::clone(&host));
        host
    }

    /// The port of all hosts.
    pub const fn port(&self) -> u16 {
        self.seats.port()
    }

    /// An address of a host where nobody listens.
    pub fn dead(&mut self) -> std::net::IpAddr {
        self.seats.refuse().ip()
    }

    /// Serves this zone.
    pub fn zone(&mut self, zone: Zone) {
        self.world = mem::take(&mut self.world).zone(zone);
    }

    /// Lets this go wrong.
    pub fn fault(&mut self, owner: &str, rtype: RecordType, fault: Fault) {
        self.world = mem::take(&mut self.world).fault(owner, rtype, fault);
    }

    /// Lets this go wrong with the TLSA records of a host.
    pub fn tlsa_fault(&mut self, host: &str, fault: Fault) {
        let owner = tlsa_owner(host, self.port()).to_string();
        self.fault(&owner, RecordType::TLSA, fault);
    }

    /// The gateway's name.
    pub fn hostname(&mut self, name: &str) {
        self.without.push("hostname".to_owned());
        self.config.push(format!("hostname {name}"));
        self.hostname = name.to_owned();
    }

    /// A line of the gateway's configuration; the lab's own lines with the same directive go.
    pub fn config(&mut self, line: &str) {
        let directive = line.split(' ').next().unwrap_or(line);
        self.without.push(directive.to_owned());
        self.config.push(line.to_owned());
    }

    /// Starts the DNS and the gateway.
    pub fn start(self) -> Flow {
        let world = self.world.start();
        let mut gateway = Gateway::builder(env!("CARGO_BIN_EXE_gateway"))
            .resolver(world.resolver())
            .smtp_port(self.seats.port());
        for directive in &self.without {
            gateway = gateway.without(directive);
        }
        gateway = gateway.config(&self.config.join("\n"));
        Flow {
            gateway: gateway.start(),
            world,
            sender: self.sender,
            hosts: self.hosts,
            hostname: self.hostname,
        }
    }
}

/// A signed zone whose only MX host is this one, with its address and these TLSA records.
pub fn zone(apex: &str, mx: &MxHost, records: impl IntoIterator<Item = Tlsa>) -> Zone {
    with_host(Zone::signed(apex).mx(10, mx.name()), mx, records)
}

/// Adds a host's address and these TLSA records to a zone.
pub fn with_host(zone: Zone, mx: &MxHost, records: impl IntoIterator<Item = Tlsa>) -> Zone {
    let zone = zone.address(mx.name(), mx.ip());
    let add = |zone: Zone, record| zone.tlsa(mx.name(), mx.port(), record);
    records.into_iter().fold(zone, add)
}

/// The stage while mail flows.
pub struct Flow {
    pub world: World,
    gateway: Gateway,
    sender: Host,
    hosts: Vec<Host>,
    hostname: String,
}

/// What the gateway logged about one message.
pub struct Log {
    id: String,
    lines: Vec<String>,
}

impl Log {
    /// Whether a line about this MX host has this reason or remark.
    pub fn says(&self, host: &str, word: &str) -> bool {
        let host = format!(" mx={host} ");
        let is_word = |line: &str| line.split([' ', ',', '=']).any(|part| part == word);
        let mut lines = self.lines.iter();
        lines.any(|line| line.contains(&host) && is_word(line))
    }

    /// How many connections, or attempts at one, were decided on.
    pub fn attempts(&self) -> usize {
        let lines = self.lines.iter();
        lines.filter(|line| line.contains(" addr=")).count()
    }

    /// The last decision: level, verdict, code, reason and domain.
    fn decision(&self) -> String {
        let mut decisions = self.lines.iter().filter(|line| line.contains(" domain="));
        let last = decisions.next_back().unwrap_or_else(|| panic!("{self}"));
        last.split(' ').take(5).collect::<Vec<_>>().join(" ")
    }
}

impl std::fmt::Display for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:\n{}", self.id, self.lines.join("\n"))
    }
}

/// What shall become of mail.
#[derive(Clone, Copy)]
struct Expected<'a> {
    verdict: &'a str,
    code: &'a str,
    reason: &'a str,
}

impl Flow {
    /// Mail for the domain arrives at this host, over TLS, unchanged, and at no other; `check` says that it would.
    pub fn delivers(&self, domain: &str, to: &Host) -> Log {
        let before = to.messages().len();
        let log = self.mail(domain, &[to]);
        let expected = Expected {
            verdict: "deliver",
            code: "2.0.0",
            reason: "ok",
        };
        self.assert_decided(&log, domain, expected);
        self.assert_finished(&log);
        let messages = to.messages();
        assert_eq!(messages.len(), before + 1, "{domain}\n{log}");
        assert_arrived(messages.last().expect("one message"), domain);
        self.assert_check(domain, expected, 0);
        log
    }

    /// Mail for the domain waits in the queue for this reason, and no server ever got a mail command; `check` says that it would wait.
    pub fn defers(&self, domain: &str, code: &str, reason: &str) -> Log {
        let log = self.mail(domain, &[]);
        let expected = Expected {
            verdict: "defer",
            code,
            reason,
        };
        self.assert_decided(&log, domain, expected);
        self.assert_waiting(&log, domain, expected);
        assert!(
            !log.lines.iter().any(|line| line.contains("the report")),
            "{log}"
        );
        self.assert_check(domain, expected, 75);
        log
    }

    /// Mail for the domain fails for good for this reason without a word to any server, and its sender is told; `check` says that it would.
    pub fn bounces(&self, domain: &str, code: &str, reason: &str) -> Log {
        let log = self.is_refused(domain, code, reason, &[]);
        let expected = Expected {
            verdict: "reject",
            code,
            reason,
        };
        self.assert_check(domain, expected, 69);
        log
    }

    /// Mail for the domain is refused for good by this host; `check`, which sends no mail, cannot know.
    pub fn bounces_at(&self, domain: &str, host: &Host, code: &str) -> Log {
        let log = self.is_refused(domain, code, "remote", &[host]);
        let expected = Expected {
            verdict: "deliver",
            code: "2.0.0",
            reason: "ok",
        };
        self.assert_check(domain, expected, 0);
        log
    }

    /// Waits until a message that was deferred is finished, and arrived at this host.
    pub fn delivers_later(&self, log: &Log, domain: &str, to: &Host) {
        self.wait(&log.id, &["finished after"]);
        self.assert_finished(log);
        let messages = to.messages();
        assert_eq!(messages.len(), 1, "{domain}\n{log}");
        assert_arrived(messages.last().expect("one message"), domain);
    }

    fn is_refused(&self, domain: &str, code: &str, reason: &str, spoken_to: &[&Host]) -> Log {
        let before = self.sender.messages().len();
        let log = self.mail(domain, spoken_to);
        let expected = Expected {
            verdict: "reject",
            code,
            reason,
        };
        self.assert_decided(&log, domain, expected);
        let reports = self.sender.wait_for_messages(before + 1, PATIENCE);
        assert_eq!(
            reports.len(),
            before + 1,
            "no report for {domain}\n{}",
            self.gateway.log().join("\n")
        );
        assert_report(reports.last().expect("one report"), domain, expected);
        self.assert_finished(&log);
        log
    }

    /// Submits one message and waits for the decision. Each of `spoken_to` hears mail commands, and nobody else.
    fn mail(&self, domain: &str, spoken_to: &[&Host]) -> Log {
        let before = self.mail_commands();
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
        let log = Log {
            id: id.to_owned(),
            lines: lines.map(|(_, text)| text.to_owned()).collect(),
        };
        for (host, before) in self.hosts.iter().zip(before) {
            let shall_hear = spoken_to.iter().any(|one| Arc::ptr_eq(one, host));
            assert_eq!(
                mail_commands(host) > before,
                shall_hear,
                "mail commands to {} for {domain}\n{log}",
                host.name()
            );
        }
        self.assert_discreet();
        log
    }

    fn wait(&self, id: &str, ends: &[&str]) {
        let begin = format!(" {id}: ");
        let is_end = |line: &str| {
            let rest = line.split_once(&begin).map(|(_, text)| text);
            rest.is_some_and(|text| ends.iter().any(|end| text.contains(end)))
        };
        self.gateway
            .wait_for_line(&format!("{id} {}", ends.join(" / ")), PATIENCE, is_end)
            .unwrap_or_else(|error| panic!("{error}"));
    }

    fn mail_commands(&self) -> Vec<usize> {
        self.hosts.iter().map(|host| mail_commands(host)).collect()
    }

    /// In clear text nothing was ever said that tells whom the mail is for.
    fn assert_discreet(&self) {
        let hello = format!("EHLO {}", self.hostname);
        for host in self.hosts.iter().chain([&self.sender]) {
            for line in host.commands(Phase::Clear) {
                assert!(
                    [hello.as_str(), "STARTTLS", "QUIT"].contains(&line.as_str()),
                    "{} was told in clear text: {line}",
                    host.name()
                );
            }
        }
    }

    fn assert_decided(&self, log: &Log, domain: &str, expected: Expected<'_>) {
        let Expected {
            verdict,
            code,
            reason,
        } = expected;
        let level = self.level(domain);
        let line = format!("{level} {verdict} {code} {reason} domain={}", bare(domain));
        assert_eq!(log.decision(), line, "\n{log}");
    }

    /// The message is in the queue with this diagnosis, after one attempt.
    fn assert_waiting(&self, log: &Log, domain: &str, expected: Expected<'_>) {
        let output = self.gateway.run(&["queue", "show", &log.id, "--json"]);
        let shown = String::from_utf8_lossy(&output.stdout);
        let address =
            format!("\"address\":\"user@{domain}\",\"state\":\"pending\",\"attempts\":1,");
        let Expected { code, reason, .. } = expected;
        let why = format!("\"status\":\"{code}\",\"token\":\"{reason}\",");
        assert!(
            output.status.success() && shown.contains(&address) && shown.contains(&why),
            "{domain}: {shown}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn assert_finished(&self, log: &Log) {
        let queue = self.gateway.queue();
        assert!(
            !queue.contains(&log.id),
            "still in the queue: {queue}\n{log}"
        );
    }

    /// `gateway check` foretells it, and has no mail command sent.
    fn assert_check(&self, domain: &str, expected: Expected<'_>, exit: i32) {
        let before = self.mail_commands();
        let output = self
            .gateway
            .run(&["check", "--json", &format!("user@{domain}")]);
        let told = String::from_utf8_lossy(&output.stdout);
        let Expected {
            verdict,
            code,
            reason,
        } = expected;
        let (bare, level) = (bare(domain), self.level(domain));
        let begin = format!(
            "{{\"domain\":\"{bare}\",\"level\":\"{level}\",\"verdict\":\"{verdict}\",\"code\":\"{code}\",\"reason\":\"{reason}\","
        );
        assert!(
            told.starts_with(&begin),
            "{domain}: expected {begin}\nfound {told}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let is_verified = told.contains("\"verified\":true");
        assert_eq!(is_verified, verdict == "deliver", "{told}");
        assert_eq!(output.status.code(), Some(exit), "{domain}: {told}");
        assert_eq!(self.mail_commands(), before, "check sent mail: {domain}");
        self.assert_discreet();
    }

    fn level(&self, domain: &str) -> &'static str {
        let is_none = format!("policy {domain} none");
        match self.gateway.configuration().contains(&is_none) {
            true => "none",
            false => "dane-only",
        }
    }
}

/// How many commands that have to do with mail clients sent to a host.
fn mail_commands(host: &MxHost) -> usize {
    let harmless = ["EHLO", "STARTTLS", "QUIT"];
    let commands = [Phase::Clear, Phase::Tls].map(|phase| host.commands(phase));
    let mut commands = commands.into_iter().flatten().collect::<Vec<_>>();
    commands.retain(|line| !harmless.contains(&line.split(' ').next().unwrap_or(line)));
    commands.len()
}

fn message(domain: &str) -> String {
    format!(
        "From: <{SENDER}>\r\nTo: <user@{domain}>\r\nSubject: a flow\r\n\r\nFor {domain}.\r\n.\r\nThe end.\r\n"
    )
}

fn assert_arrived(stored: &StoredMessage, domain: &str) {
    assert_eq!(stored.phase, Phase::Tls);
    assert_eq!(stored.sender, SENDER);
    assert_eq!(stored.recipients, [format!("user@{domain}")]);
    let text = stored.text();
    assert!(
        text.starts_with("Received: ") && text.ends_with(&message(domain)),
        "{text}"
    );
}

/// The report is one as RFC 3464 has it, and names recipient, status and reason.
fn assert_report(report: &StoredMessage, domain: &str, expected: Expected<'_>) {
    assert_eq!(report.phase, Phase::Tls);
    assert_eq!(report.sender, "", "a report has the null reverse-path");
    assert_eq!(report.recipients, [SENDER]);
    let text = report.text();
    let Expected { code, reason, .. } = expected;
    for part in [
        "Content-Type: multipart/report; report-type=delivery-status;",
        "Content-Type: message/delivery-status",
        "Action: failed\r\n",
        &format!("Final-Recipient: rfc822; user@{domain}\r\n"),
        &format!("Status: {code}\r\n"),
        &format!("Diagnostic-Code: x-gateway; [{reason}] "),
    ] {
        assert!(text.contains(part), "no '{part}' in the report:\n{text}");
    }
}

/// A domain, or an address literal without brackets.
fn bare(domain: &str) -> &str {
    domain.trim_matches(['[', ']'])
}
