//! What every scene needs: the lab, the gateway, and ways to let something happen and show it.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use gateway_lab::mx::What;
use gateway_lab::story::Story;
use gateway_lab::temp::TempDir;
use gateway_lab::{Gateway, MxHost};

use crate::page::{Page, Quote};

/// Longest wait for one thing to happen: on a busy machine, far more than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How often the queue is looked at.
const POLL: Duration = Duration::from_millis(50);
/// Who sends the messages.
pub(crate) const SENDER: &str = "alice@sender.example";

/// The lab, the gateway, and the page the story is told on.
pub(crate) struct Stage<'a> {
    pub(crate) page: &'a Page,
    pub(crate) story: Story,
    pub(crate) gateway: Gateway,
    /// Holds the file with the trust anchor.
    _directory: TempDir,
}

/// What became of one message: facts, each as it should be or not.
pub(crate) struct Outcome {
    title: String,
    facts: Vec<(bool, String)>,
}

impl Outcome {
    pub(crate) fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            facts: Vec::new(),
        }
    }

    pub(crate) fn fact(&mut self, is_right: bool, text: &str) {
        self.facts.push((is_right, text.to_owned()));
    }

    /// Whether every fact is as it should be.
    pub(crate) fn is_right(&self) -> bool {
        self.facts.iter().all(|(is_right, _)| *is_right)
    }

    /// One line, and what was wrong.
    pub(crate) fn summarize(&self, page: &Page) {
        page.check(self.is_right(), &self.title);
        for (_, text) in self.facts.iter().filter(|(is_right, _)| !is_right) {
            page.check(false, &format!("    not so: {text}"));
        }
    }

    /// Every fact.
    pub(crate) fn show(&self, page: &Page) {
        page.subheading("Checked");
        for (is_right, text) in &self.facts {
            page.check(*is_right, text);
        }
    }
}

impl<'a> Stage<'a> {
    /// Starts the lab and the gateway.
    pub(crate) fn set(page: &'a Page, binary: &str) -> Self {
        let story = Story::start();
        let directory = TempDir::new("demo");
        let anchor = directory.path().join("root.ds");
        fs::write(&anchor, story.world.trust_anchor()).expect("a writable directory");
        let gateway = story
            .gateway(binary)
            .without("dnssec")
            .config("dnssec validate")
            .config(&format!("trust-anchor {}", anchor.display()))
            .config("log debug")
            .start();
        Self {
            page,
            story,
            gateway,
            _directory: directory,
        }
    }

    /// Runs a command of the gateway and shows what it prints; lines with one of these words are marked.
    pub(crate) fn run(&self, arguments: &[&str], words: &[&str]) {
        let line = arguments.join(" ");
        self.page
            .command(&format!("gateway -c gateway.conf {line}"));
        let output = self.gateway.run(arguments);
        for stream in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(stream);
            if !text.trim().is_empty() {
                self.page.quote(&text, |line| mark(line, words));
            }
        }
    }

    /// Hands the gateway a message by SMTP.
    pub(crate) fn submit(&self, outcome: &mut Outcome, recipient: &str, message: &str) {
        let reply = self.gateway.submit(SENDER, &[recipient], message);
        let (is_right, said) = match reply {
            Ok(reply) => (reply.code == 250, reply.to_string()),
            Err(error) => (false, error.to_string()),
        };
        self.page.say(
            "The gateway has filtered the message, written it to its queue, and answers that it is responsible for it from now on:",
        );
        self.page.quote(&said, |_| Quote::Plain);
        outcome.fact(is_right, "the gateway accepted the message");
    }

    /// Shows the gateway's log of one message, up to the line that decides and holds `pattern`; returns the message's id in the queue.
    pub(crate) fn follow(&self, outcome: &mut Outcome, pattern: &str) -> Option<String> {
        self.page.say(
            "The gateway's log on the console: each question to the DNS with the answer and its status, then one line with the outcome.",
        );
        let decided = self.gateway.wait_for_log(pattern, PATIENCE);
        let log = self.gateway.log();
        let fact = format!("the log says '{pattern}'");
        outcome.fact(decided.is_ok(), &fact);
        let Ok(line) = decided else {
            self.page.quote(&log.join("\n"), |_| Quote::Plain);
            return None;
        };
        let id = queue_id(&line);
        let lines: Vec<_> = log.into_iter().filter(|line| line.contains(id)).collect();
        self.page
            .quote(&lines.join("\n"), |line| mark(line, &[pattern]));
        Some(id.trim_end_matches(':').to_owned())
    }

    /// Shows what a host saw, from the first connection after `before` on, once the last one has ended.
    pub(crate) fn show_dialogue(&self, host: &MxHost, before: u64) {
        let last = host.connection_count();
        host.wait_for_event(PATIENCE, |event| {
            event.connection == last && event.what == What::Closed
        });
        let lines: Vec<_> = host
            .transcript()
            .iter()
            .filter(|event| event.connection > before)
            .map(ToString::to_string)
            .collect();
        let words = ["** TLS", "STARTTLS", "C: MAIL"];
        self.page
            .quote(&lines.join("\n"), |line| mark(line, &words));
    }

    /// Shows that a message waits in the queue, and why: the reason's token.
    pub(crate) fn show_queue(&self, outcome: &mut Outcome, id: Option<&str>, token: &str) {
        self.page.say(
            "The message is not lost. It waits in the queue, with the reason, for the next attempt:",
        );
        let end = Instant::now() + PATIENCE;
        let waits = || self.gateway.queue().contains(token);
        while !waits() && Instant::now() < end {
            thread::sleep(POLL);
        }
        outcome.fact(waits(), "the message waits in the queue, with the reason");
        match id {
            Some(id) => self.run(&["queue", "show", id], &[token]),
            None => self.run(&["queue", "list"], &[token]),
        }
    }
}

/// The queue's id in a log line: the word with a colon behind time and level.
fn queue_id(line: &str) -> &str {
    let mut words = line.split_whitespace().skip(2);
    words.find(|word| word.ends_with(':')).unwrap_or(line)
}

fn mark(line: &str, words: &[&str]) -> Quote {
    if words.iter().any(|word| line.contains(word)) {
        Quote::Marked
    } else {
        Quote::Plain
    }
}
