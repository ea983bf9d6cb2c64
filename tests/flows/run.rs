//! All scenarios at once in one mode and at one level: what `gateway check` foretells, what `gateway serve` does, and what every server heard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use gateway_lab::mx::Capture;
use gateway_lab::smtp::SmtpClient;
use gateway_lab::world::tlsa_owner;

use crate::flow::{Flow, SENDER, message};
use crate::rows;
use crate::scenario::{Ending, Level, Mode, Proof, Scenario};
use crate::seen;
use crate::stage::{Host, Stage};

/// Longest wait for a decision on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Domains that one `gateway check` is asked about: enough to share the cost of a process, few enough for both processors to be busy.
const CHECKED_AT_ONCE: usize = 30;
/// The end of an attempt in the log.
const ENDS: [&str; 2] = ["the next attempt is at", "finished after"];

/// Scenarios that are played, all at once.
pub(crate) struct Run {
    pub(crate) flow: Flow,
    level: Level,
    scenarios: Vec<Scenario>,
    complaints: Vec<String>,
}

impl Run {
    /// The whole table in this mode and at this level.
    pub(crate) fn of_table(mode: Mode, level: Level) -> Self {
        let mut stage = Stage::large();
        rows::put_up(&mut stage);
        stage.mode = mode;
        for line in [
            "allow-address 127.0.0.0/16 ::1/128",
            "lookup-timeout 5s",
            "workers 16",
        ] {
            stage.config(line);
        }
        Self::of(stage, level)
    }

    /// What is on the stage, at this level.
    pub(crate) fn of(mut stage: Stage, level: Level) -> Self {
        let mode = stage.mode;
        let (scenarios, left_out): (Vec<_>, Vec<_>) = stage
            .take_scenarios()
            .into_iter()
            .partition(|one| one.is_skipped(mode, level).is_none());
        for scenario in left_out {
            let because = scenario.is_skipped(mode, level).unwrap_or_default();
            println!("{mode:?} {level:?}: {scenario} is left out: {because}");
        }
        stage.config(&policies(&scenarios, level).join("\n"));
        Self {
            flow: stage.start(),
            level,
            scenarios,
            complaints: Vec::new(),
        }
    }

    /// Everything is as the table says.
    pub(crate) fn goes_by_the_table(mut self) -> Self {
        self.look_ahead();
        let ids = self.submit_all();
        self.look_at_decisions(&ids);
        self.look_at_queue(&ids);
        self.look_at_messages();
        self.look_at_questions();
        self.wait_for_silence();
        self.look_for_leaks();
        let count = self.complaints.len();
        assert!(count == 0, "{count} wrong:\n{}", self.complaints.join("\n"));
        self
    }

    /// `gateway check` foretells every ending, in its JSON and its exit code, and sends no mail.
    fn look_ahead(&mut self) {
        let mut by_verdict: BTreeMap<&str, Vec<&Scenario>> = BTreeMap::new();
        for scenario in &self.scenarios {
            let verdict = scenario.ending(self.level).foretold().verdict;
            by_verdict.entry(verdict).or_default().push(scenario);
        }
        let groups = by_verdict
            .values()
            .flat_map(|all| all.chunks(CHECKED_AT_ONCE));
        let (gateway, level) = (&self.flow.gateway, self.level);
        let complaints: Vec<String> = thread::scope(|scope| {
            let check = |group| scope.spawn(move || seen::check(gateway, level, group));
            let threads: Vec<_> = groups.map(check).collect();
            let results = threads.into_iter().map(|one| one.join().expect("a check"));
            results.flatten().collect()
        });
        self.complaints.extend(complaints);
        let heard = self.flow.hosts.iter().find(|host| host.saw_mail_command());
        if let Some(host) = heard {
            self.complaints
                .push(format!("{}: a check sent it mail", host.name()));
        }
    }

    /// One message for each scenario over one connection; the ids they got.
    fn submit_all(&self) -> Vec<String> {
        let (mut client, _) = SmtpClient::connect(self.flow.gateway.address()).expect("it listens");
        let hello = client.command("EHLO client.test").expect("a reply");
        assert_eq!(hello.code, 250, "{hello}");
        let mut submit = |scenario: &Scenario| {
            let recipient = scenario.recipient();
            let reply = client
                .transact(SENDER, &[&recipient], &message(&scenario.domain))
                .unwrap_or_else(|error| panic!("{scenario}: {error}"));
            assert_eq!(reply.code, 250, "{scenario}: {reply}");
            let id = reply.text.trim_end().rsplit(' ').next();
            id.unwrap_or_default().to_owned()
        };
        self.scenarios.iter().map(&mut submit).collect()
    }

    /// The log has the decision on each message.
    fn look_at_decisions(&mut self, ids: &[String]) {
        for id in ids {
            let mine = format!(" {id}: ");
            let is_end = |line: &str| {
                line.split_once(&mine)
                    .is_some_and(|(_, text)| ENDS.iter().any(|end| text.contains(end)))
            };
            self.flow
                .gateway
                .wait_for_line(id, PATIENCE, is_end)
                .unwrap_or_else(|error| panic!("{error}"));
        }
        let log = self.flow.gateway.log();
        let complaints = self.scenarios.iter().zip(ids).filter_map(|(scenario, id)| {
            let mine = format!(" {id}: ");
            let lines = log.iter().filter_map(|line| line.split_once(&mine));
            let lines: Vec<&str> = lines.map(|(_, text)| text).collect();
            let ending = scenario.ending(self.level);
            let found = seen::look_at_log(scenario, self.level, &lines);
            found
                .and_then(|()| seen::look_at_name(ending, &lines))
                .err()
        });
        let complaints: Vec<String> = complaints.collect();
        self.complaints.extend(complaints);
    }

    /// What waits is in the queue with its diagnosis, and nothing else is.
    fn look_at_queue(&mut self, ids: &[String]) {
        let queue = self.flow.gateway.queue();
        for (scenario, id) in self.scenarios.iter().zip(ids) {
            let waits = scenario.ending(self.level).verdict == "defer";
            let line = queue.lines().find(|line| line.contains(id));
            let diagnosis = format!("\"last\":\"{} ", scenario.decision(self.level));
            let is_right = match line {
                Some(line) => waits && line.contains(&diagnosis),
                None => !waits,
            };
            if !is_right {
                let line = line.unwrap_or("nothing");
                self.complaints
                    .push(format!("{scenario}: in the queue: {line}"));
            }
        }
    }

    /// Each host has exactly the messages that the table sends there, whole and over TLS; the sender has a report of each failure.
    fn look_at_messages(&mut self) {
        let level = self.level;
        let failed = self.scenarios.iter();
        let failed = failed.filter(|one| one.ending(level).verdict == "reject");
        let reports = self
            .flow
            .sender
            .wait_for_messages(failed.clone().count(), PATIENCE);
        let mut complaints = Vec::new();
        for scenario in failed {
            if let Err(what) = seen::look_at_reports(&reports, scenario, scenario.ending(level)) {
                complaints.push(format!("{scenario}: {what}"));
            }
        }
        for host in &self.flow.hosts {
            let mut expected: Vec<_> = self
                .scenarios
                .iter()
                .filter(|one| is_to(one.ending(level), host) && one.ending(level).is_delivery())
                .map(|one| (one.domain.clone(), seen::phase(one.ending(level))))
                .collect();
            let mut stored: Vec<_> = host.messages().iter().map(seen::what_is_stored).collect();
            expected.sort();
            stored.sort();
            if expected != stored {
                let name = host.name();
                complaints.push(format!("{name}: expected {expected:?}, has {stored:?}"));
            }
        }
        self.complaints.extend(complaints);
    }

    /// Nobody asked for records that would not count (rfc G5), or after an error (rfc L5), or for data without signatures (rfc C5).
    fn look_at_questions(&mut self) {
        let asked = self.flow.world.queries();
        let is_ours = self.flow.unbound.is_none();
        if let Some(query) = asked.iter().find(|query| is_ours && !query.dnssec_ok) {
            self.complaints.push(format!("asked without DO: {query:?}"));
        }
        for scenario in &self.scenarios {
            for host in &scenario.unasked {
                let owner = tlsa_owner(host, self.flow.sender.port());
                if asked.iter().any(|query| query.name == owner) {
                    self.complaints
                        .push(format!("{scenario}: {owner} was asked for"));
                }
            }
        }
    }

    /// Every connection to a server that may not get mail is over, so that all that was said has been heard.
    fn wait_for_silence(&mut self) {
        let mut hosts = self.flow.hosts.iter();
        let open =
            hosts.find(|host| self.proof_of(host).is_none() && !host.wait_for_silence(PATIENCE));
        if let Some(host) = open {
            let name = host.name();
            self.complaints
                .push(format!("{name}: a connection is still open"));
        }
    }

    /// Who was to be connected to was, all others were not, and none heard more than is his business.
    fn look_for_leaks(&mut self) {
        let mut complaints = Vec::new();
        for scenario in &self.scenarios {
            let captures = scenario.hosts.iter().flat_map(|host| host.captures());
            let captures: Vec<Capture> = captures.collect();
            let shall_be_met = scenario.ending(self.level).is_met() && !scenario.hosts.is_empty();
            let is_right = match shall_be_met {
                true => captures.iter().any(|capture| !capture.raw.is_empty()),
                false => captures.is_empty(),
            };
            if !is_right {
                let count = captures.len();
                complaints.push(format!(
                    "{scenario}: {count} connections, or nothing was said"
                ));
            }
        }
        let hosts = self.flow.hosts.iter().chain([&self.flow.sender]);
        let heard = hosts
            .filter_map(|host| seen::hears(host, self.proof_of(host), &self.flow.hostname).err());
        complaints.extend(heard);
        self.complaints.extend(complaints);
    }

    /// What is known of a host that may hear more; `None` of one that may not.
    fn proof_of(&self, host: &Host) -> Option<Proof> {
        let endings = self.scenarios.iter().map(|one| one.ending(self.level));
        let sender = &self.flow.sender;
        let mut proofs = endings.filter_map(|ending| match (&ending.to, &ending.visited) {
            // The report.
            _ if ending.verdict == "reject" && Arc::ptr_eq(sender, host) => Some(Proof::Verified),
            (Some((to, proof)), _) if Arc::ptr_eq(to, host) => Some(*proof),
            (_, Some(visited)) if Arc::ptr_eq(visited, host) => Some(Proof::Verified),
            _ => None,
        });
        proofs.next()
    }
}

/// The `policy` lines.
fn policies(scenarios: &[Scenario], level: Level) -> Vec<String> {
    let all = format!("policy * {}", level.name());
    let own = scenarios.iter().filter_map(Scenario::policy);
    std::iter::once(all).chain(own).collect()
}

fn is_to(ending: &Ending, host: &Host) -> bool {
    ending
        .to
        .as_ref()
        .is_some_and(|(to, _)| Arc::ptr_eq(to, host))
}
