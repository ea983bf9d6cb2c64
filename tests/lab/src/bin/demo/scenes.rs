//! The scenes of the demonstration. Each tells what is going to happen, lets it happen, shows it, and checks it.

use std::process::Output;
use std::time::Duration;

use gateway_lab::mx::What;
use gateway_lab::story::{BOGUS, GOOD, GOOD_HOST, MISMATCH, MISMATCH_HOST, Story};
use gateway_lab::{Gateway, MxHost, Phase};

use crate::page::{Page, Quote};

/// Longest wait for one thing to happen: on a busy machine, far more than it takes.
const PATIENCE: Duration = Duration::from_secs(60);
const SENDER: &str = "alice@sender.example";

/// A message with an attachment that the filters take out.
const WITH_ATTACHMENT: &str = "\
From: Alice <alice@sender.example>
To: Bob <user@security2017.vaucher.org>
Subject: the minutes, and a game
Date: Wed, 25 Nov 2026 09:00:00 +0100
Message-ID: <1@sender.example>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"cut-here\"

--cut-here
Content-Type: text/plain; charset=us-ascii

Hello Bob, the minutes are on the shelf. Try the game, too.
--cut-here
Content-Type: application/octet-stream; name=\"game.exe\"
Content-Disposition: attachment; filename=\"game.exe\"
Content-Transfer-Encoding: base64

TVqQAAMAAAAEAAAA//8AALgAAAAAAAAAQAAAAAAAAAA=
--cut-here--
";
/// A line of that attachment.
const ATTACHMENT: &str = "TVqQAAMAAAAE";

/// The stage: lab, gateway, and the page the story is told on.
pub(crate) struct Stage<'a> {
    page: &'a Page,
    story: Story,
    gateway: Gateway,
}

/// What became of one message.
pub(crate) struct Outcome {
    title: String,
    facts: Vec<(bool, String)>,
}

impl Outcome {
    fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            facts: Vec::new(),
        }
    }

    fn fact(&mut self, is_right: bool, text: impl Into<String>) {
        self.facts.push((is_right, text.into()));
    }

    /// Whether every fact is as it should be.
    pub(crate) fn is_right(&self) -> bool {
        self.facts.iter().all(|(is_right, _)| *is_right)
    }
}

impl<'a> Stage<'a> {
    /// Starts the lab and the gateway.
    pub(crate) fn set(page: &'a Page, binary: &str) -> Self {
        let story = Story::start();
        let gateway = story.gateway(binary).config("log debug").start();
        Self {
            page,
            story,
            gateway,
        }
    }

    /// Who is who.
    pub(crate) fn introduce(&self) {
        let (page, story) = (self.page, &self.story);
        page.heading("A gateway that sends mail only to servers that prove who they are");
        page.say(
            "This demonstration needs no Internet. It has started a small one of its own on this machine's loopback interface: a DNS whose \
             root, org and vaucher.org are signed with keys made a moment ago, a resolver that checks those signatures, and two mail servers. \
             Then it has started the gateway, and it will hand it three messages: one that can be delivered safely, and two that cannot.",
        );
        page.gap();
        page.point(&format!(
            "resolver: {} (UDP and TCP)",
            story.world.resolver()
        ));
        for (host, domain, remark) in [
            (
                &story.good,
                GOOD,
                "its certificate is the one its TLSA record names",
            ),
            (
                &story.mismatch,
                MISMATCH,
                "its certificate is not the one its TLSA record names",
            ),
        ] {
            let (name, at) = (host.name(), host.address());
            page.point(&format!("{name} at {at}, the server of {domain}: {remark}"));
        }
        page.point(&format!("{BOGUS}: a domain whose signatures are broken"));
        page.point(&format!(
            "gateway: {}, started as 'gateway -c gateway.conf serve' with:",
            self.gateway.address()
        ));
        page.quote(&self.gateway.configuration(), |_| Quote::Plain);
        page.say(
            "'dnssec ad' means that the gateway believes the AD bit of its resolver, which is safe only because the resolver is on the same \
             machine. 'allow-address' is for the lab: the gateway refuses to connect to loopback addresses otherwise. No policy is \
             configured, so the strictest level holds for every domain, dane-only: every DNS answer proven, the server's certificate \
             proven, or nothing is sent.",
        );
    }

    /// The DNS exchange in full.
    pub(crate) fn question_the_dns(&self) {
        let page = self.page;
        page.heading("1. What the DNS says, and how we know that it is true");
        page.say(&format!(
            "Mail for user@{GOOD}: which server takes it? The MX record says so. Here is the question with every octet explained, and the \
             answer. Look for two bits. DO in the question's OPT record: the resolver shall use DNSSEC. AD, authentic data, among the flags \
             of the answer: the resolver has verified every signature from the root down to this record. The letters of the name are in \
             random case on purpose: the answer must repeat them, which a forger who cannot see the question has to guess."
        ));
        self.run(&["query", "-x", GOOD, "MX"], |line| {
            mark(line, &[" DO", " AD", "status", "exchange"])
        });
        let port = self.story.good.port();
        let owner = format!("_{port}._tcp.{GOOD_HOST}");
        page.say(&format!(
            "The MX record is proven, so {GOOD_HOST} is the server the domain wants. But whoever answers at its address could be anyone. \
             The TLSA record settles that (DANE, RFC 6698 and RFC 7672): it says which certificate the server on TCP port {port} of that \
             host has. Usage 3 means: exactly this server's certificate, no certification authority asked. Selector 0: the whole \
             certificate. Matching type 1: its SHA-256 digest, which follows."
        ));
        self.run(&["query", "-x", &owner, "TLSA"], |line| {
            mark(
                line,
                &[
                    " DO",
                    " AD",
                    "status",
                    "usage",
                    "selector",
                    "matching",
                    "association",
                ],
            )
        });
        page.say("All steps together, up to the verified handshake, without sending any mail:");
        self.run(&["check", GOOD], |line| {
            mark(line, &["deliver", "verified"])
        });
    }

    /// The message that arrives.
    pub(crate) fn deliver(&self) -> Outcome {
        let (page, host) = (self.page, &self.story.good);
        let mut outcome = Outcome::new(&format!("user@{GOOD}: delivered"));
        page.heading(&format!("2. Mail for user@{GOOD}: delivered"));
        page.say("The message has an attachment, game.exe. This is what is handed to the gateway by SMTP:");
        page.quote(WITH_ATTACHMENT, |_| Quote::Plain);
        self.submit(&mut outcome, GOOD, WITH_ATTACHMENT);
        let log = self.follow(&mut outcome, &format!("deliver 2.0.0 ok domain={GOOD}"));
        page.quote(&log, |line| mark(line, &["deliver 2.0.0"]));
        let stored = host.wait_for_messages(1, PATIENCE);

        page.subheading(&format!("What {GOOD_HOST} saw"));
        page.say(
            "Before TLS there is nothing but the greeting, EHLO and STARTTLS: somebody who listens learns neither sender nor recipient. \
             After the handshake the gateway compares the certificate with the TLSA record, and only then says MAIL.",
        );
        self.show_dialogue(host, outcome_start(host));

        page.subheading(&format!("What {GOOD_HOST} stored"));
        page.say("The filters have left their marks: a header field, the subject, and a note in the place of the attachment.");
        let text = stored.first().map(|message| message.text());
        let text = text.unwrap_or_else(|| "(nothing)".to_owned());
        page.quote(&text, |line| {
            mark(line, &["X-Filtered-By", "[filtered]", "game.exe"])
        });

        outcome.fact(stored.len() == 1, "the server stored the message");
        let recipients = stored.first().map(|message| message.recipients.clone());
        outcome.fact(
            recipients == Some(vec![format!("user@{GOOD}")]),
            "for the right recipient",
        );
        outcome.fact(
            stored.iter().all(|message| message.phase == Phase::Tls),
            "it came inside TLS",
        );
        outcome.fact(
            spoke_only_starttls(host),
            "before TLS the gateway said only EHLO and STARTTLS",
        );
        outcome.fact(
            text.contains("X-Filtered-By:") && text.contains("Subject: [filtered]"),
            "the filters' header field and subject tag are there",
        );
        outcome.fact(
            !text.contains(ATTACHMENT),
            "the attachment game.exe is gone",
        );
        self.show_facts(&outcome);
        outcome
    }

    /// The server that is not the one it should be.
    pub(crate) fn refuse_the_wrong_certificate(&self) -> Outcome {
        let (page, host) = (self.page, &self.story.mismatch);
        let mut outcome = Outcome::new(&format!(
            "user@{MISMATCH}: refused, the certificate is not the one in the TLSA record"
        ));
        page.heading(&format!(
            "3. Mail for user@{MISMATCH}: refused, wrong certificate"
        ));
        page.say(&format!(
            "Here the DNS is sound again, but {MISMATCH_HOST} presents another certificate than its TLSA record names: as if a man in the \
             middle had redirected the connection to his own server. He can make any certificate, but he cannot sign a TLSA record for it."
        ));
        self.run(&["check", MISMATCH], |line| {
            mark(line, &["validation-failure"])
        });
        page.say("The same when a message is really to be sent:");
        self.submit(&mut outcome, MISMATCH, &short_message(MISMATCH));
        let pattern = format!("4.7.5 validation-failure domain={MISMATCH}");
        let log = self.follow(&mut outcome, &pattern);
        page.quote(&log, |line| mark(line, &["validation-failure"]));

        page.subheading(&format!("What {MISMATCH_HOST} saw"));
        page.say(
            "A handshake, and then the end: no sender, no recipient, not one octet of the message.",
        );
        self.show_dialogue(host, 0);
        outcome.fact(
            host.wait_for_event(PATIENCE, |event| {
                matches!(
                    event.what,
                    What::Handshake { .. } | What::HandshakeFailed(_)
                )
            }),
            "the gateway did connect and handshake",
        );
        outcome.fact(
            !host.saw_mail_command(),
            "the server's log has no MAIL command",
        );
        outcome.fact(host.messages().is_empty(), "the server got no message");
        self.show_queue(&mut outcome, MISMATCH);
        self.show_facts(&outcome);
        outcome
    }

    /// The domain whose DNS lies.
    pub(crate) fn refuse_the_broken_signature(&self) -> Outcome {
        let page = self.page;
        let mut outcome = Outcome::new(&format!(
            "user@{BOGUS}: refused, the DNS answer is not authentic"
        ));
        page.heading(&format!(
            "4. Mail for user@{BOGUS}: refused, broken signatures"
        ));
        page.say(&format!(
            "The records of {BOGUS} do not match their signatures: as if somebody had changed them on the way. A validating resolver does \
             not hand out such data. It answers SERVFAIL, and says in an extended error (EDE, RFC 8914) what is wrong."
        ));
        self.run(&["query", "-x", BOGUS, "MX"], |line| {
            mark(line, &["SERVFAIL", "EDE", "status"])
        });
        page.say("For the gateway this is \"we do not know\", never \"there is no MX record\": no server is asked for, none is connected to.");
        let before = self.story.good.connection_count() + self.story.mismatch.connection_count();
        self.story.world.clear_queries();
        self.submit(&mut outcome, BOGUS, &short_message(BOGUS));
        let log = self.follow(
            &mut outcome,
            &format!("4.4.3 dnssec-invalid domain={BOGUS}"),
        );
        page.quote(&log, |line| mark(line, &["dnssec-invalid"]));
        let after = self.story.good.connection_count() + self.story.mismatch.connection_count();
        outcome.fact(before == after, "no mail server was connected to");
        let queries = self.story.world.queries();
        outcome.fact(
            !queries.is_empty()
                && queries
                    .iter()
                    .all(|query| query.name.to_host().eq_ignore_ascii_case(BOGUS)),
            "after the MX record nothing more was looked up",
        );
        self.show_queue(&mut outcome, BOGUS);
        self.show_facts(&outcome);
        outcome
    }

    /// The end, and what came out.
    pub(crate) fn conclude(&self, outcomes: &[Outcome]) {
        let page = self.page;
        page.heading("5. What came out");
        page.gap();
        for outcome in outcomes {
            page.check(outcome.is_right(), &outcome.title);
            for (_, text) in outcome.facts.iter().filter(|(is_right, _)| !is_right) {
                page.check(false, &format!("  but not: {text}"));
            }
        }
        page.say(
            "The two messages that were refused are not lost: they wait in the queue, and are tried again until the domain's owner has \
             repaired what is broken, or the time is over and the sender gets a report. Deferring is all that a man in the middle can \
             achieve: he can keep mail from being delivered, but he cannot read it, change it or have it sent in clear text.",
        );
        page.say(
            "To play with this world: cargo run --release -p gateway-lab --bin lab. The tests in tests/ use the same lab for some hundred \
             further things that can go wrong.",
        );
        page.gap();
    }

    /// Runs a command of the gateway and shows what it prints.
    fn run(&self, arguments: &[&str], how: impl Fn(&str) -> Quote) -> Output {
        let words = arguments.join(" ");
        self.page
            .command(&format!("gateway -c gateway.conf {words}"));
        let output = self.gateway.run(arguments);
        for stream in [&output.stdout, &output.stderr] {
            let text = String::from_utf8_lossy(stream);
            if !text.trim().is_empty() {
                self.page.quote(&text, &how);
            }
        }
        output
    }

    fn submit(&self, outcome: &mut Outcome, domain: &str, message: &str) {
        let reply = self
            .gateway
            .submit(SENDER, &[&format!("user@{domain}")], message);
        let (is_right, said) = match reply {
            Ok(reply) => (reply.code == 250, reply.to_string()),
            Err(error) => (false, error.to_string()),
        };
        self.page.say(&format!(
            "The gateway filters the message, writes it to its queue, and takes responsibility for it: {said}"
        ));
        outcome.fact(is_right, "the gateway accepted the message");
    }

    /// The gateway's log of one message, up to the line that decides.
    fn follow(&self, outcome: &mut Outcome, pattern: &str) -> String {
        self.page
            .say("Its log, as it stands on the console: each question to the DNS with the answer and its status, then one line with the outcome.");
        let decided = self.gateway.wait_for_log(pattern, PATIENCE);
        outcome.fact(decided.is_ok(), format!("the log says '{pattern}'"));
        let Ok(line) = decided else {
            return self.gateway.log().join("\n");
        };
        let id = queue_id(&line);
        let of_message = |line: &String| line.contains(id);
        let lines: Vec<_> = self.gateway.log().into_iter().filter(of_message).collect();
        lines.join("\n")
    }

    fn show_dialogue(&self, host: &MxHost, from: u64) {
        let events = host.transcript().into_iter();
        let lines: Vec<_> = events
            .filter(|event| event.connection > from)
            .map(|event| event.to_string())
            .collect();
        self.page.quote(&lines.join("\n"), |line| {
            mark(line, &[" ** TLS", "STARTTLS", "C: MAIL"])
        });
    }

    fn show_queue(&self, outcome: &mut Outcome, domain: &str) {
        self.page
            .say("The message waits in the queue, with the reason:");
        self.run(&["queue", "list"], |line| mark(line, &[domain]));
        outcome.fact(
            self.gateway.queue().contains(domain),
            "the message waits in the queue",
        );
    }

    fn show_facts(&self, outcome: &Outcome) {
        self.page.subheading("Checked");
        for (is_right, text) in &outcome.facts {
            self.page.check(*is_right, text);
        }
    }
}

/// The number of the connection before the one that brought the host's last message: what `check` did is not shown again.
fn outcome_start(host: &MxHost) -> u64 {
    let last = host.messages().last().map(|message| message.connection);
    last.unwrap_or_default().saturating_sub(1)
}

fn spoke_only_starttls(host: &MxHost) -> bool {
    let said = host.commands(Phase::Clear);
    let is_harmless =
        |line: &String| line.starts_with("EHLO ") || line == "STARTTLS" || line == "QUIT";
    !said.is_empty() && said.iter().all(is_harmless)
}

fn short_message(domain: &str) -> String {
    format!(
        "From: Alice <{SENDER}>\nTo: user@{domain}\nSubject: a secret\nDate: Wed, 25 Nov 2026 09:00:00 +0100\n\
         Message-ID: <{domain}@sender.example>\n\nFor your eyes only.\n"
    )
}

/// The queue's id in a log line: the word with a colon behind the level.
fn queue_id(line: &str) -> &str {
    let words = line.split_whitespace();
    words
        .skip(2)
        .find(|word| word.ends_with(':'))
        .unwrap_or(line)
}

fn mark(line: &str, words: &[&str]) -> Quote {
    if words.iter().any(|word| line.contains(word)) {
        Quote::Marked
    } else {
        Quote::Plain
    }
}
