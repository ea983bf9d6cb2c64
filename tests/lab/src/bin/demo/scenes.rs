//! The scenes of the demonstration. Each tells what is going to happen, lets it happen, shows it, and checks it.

use gateway::dns::RecordType;
use gateway_lab::mx::{StoredMessage, What};
use gateway_lab::story::{BOGUS, GOOD, GOOD_HOST, MISMATCH, MISMATCH_HOST};
use gateway_lab::world::Query;
use gateway_lab::{MxHost, Phase};

use crate::page::Quote;
use crate::stage::{Outcome, PATIENCE, SENDER, Stage};

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

impl Stage<'_> {
    /// Who is who.
    pub(crate) fn introduce(&self) {
        let (page, story) = (self.page, &self.story);
        page.heading("A gateway that sends mail only to servers that prove who they are");
        page.say(
            "This demonstration needs no Internet. It has started a small one of its own on this machine's loopback interface: a DNS whose \
             root, org and vaucher.org are signed with keys made a moment ago, a resolver that checks those signatures, and two mail \
             servers. Then it has started the gateway, and it will hand it three messages: one that can be delivered safely, and two that \
             cannot.",
        );
        page.gap();
        let resolver = story.world.resolver();
        page.point(&format!("the resolver: {resolver}, UDP and TCP"));
        for (host, domain, remark) in [
            (&story.good, GOOD, "the one its TLSA record names"),
            (
                &story.mismatch,
                MISMATCH,
                "not the one its TLSA record names",
            ),
        ] {
            let (name, at) = (host.name(), host.address());
            page.point(&format!(
                "{name} at {at}, the mail server of {domain}: its certificate is {remark}"
            ));
        }
        page.point(&format!("{BOGUS}: a domain whose signatures are broken"));
        let address = self.gateway.address();
        page.point(&format!(
            "the gateway: at {address}, started as 'gateway -c gateway.conf serve'. This is gateway.conf:"
        ));
        page.quote(&self.gateway.configuration(), |_| Quote::Plain);
        page.say(
            "'dnssec validate' means that the gateway checks every signature itself, from the key in the trust-anchor file down: the DS record \
             of this little Internet's root. On the real one the root's keys are built in, and neither line is needed. No policy is \
             configured, so the strictest level holds for every domain, dane-only: every DNS answer is proven, and the server's certificate \
             is proven, or nothing is sent.",
        );
    }

    /// The DNS exchange in full.
    pub(crate) fn question_the_dns(&self) {
        let page = self.page;
        page.heading("1. What the DNS says, and how we know that it is true");
        page.say(&format!(
            "Mail for user@{GOOD}: which server takes it? The MX record says so. Here are the question and the answer with every octet \
             explained. Look for two bits. DO in the question's OPT record: the resolver shall use DNSSEC. AD, authentic data, among the \
             flags of the answer: the resolver has verified every signature from the root down to this record. The letters of the name \
             are in random case on purpose: the answer must repeat them, which a forger who cannot see the question would have to guess."
        ));
        self.run(
            &["query", "-x", "--dnssec", "ad", GOOD, "MX"],
            &["flags:", "mail exchange", ": secure"],
        );
        let port = self.story.good.port();
        let owner = format!("_{port}._tcp.{GOOD_HOST}");
        page.say(&format!(
            "The MX record is proven, so {GOOD_HOST} is the server that the domain wants. But whoever answers at its address could be \
             anyone. The TLSA record settles that (DANE, RFC 6698 and RFC 7672): it says which certificate the server on TCP port {port} \
             of that host has. Usage 3: exactly this server's certificate, and no certification authority is asked. Selector 0: the whole \
             certificate. Matching type 1: its SHA-256 digest, which follows."
        ));
        self.run(
            &["query", "-x", "--dnssec", "ad", &owner, "TLSA"],
            &[
                "flags:",
                "usage",
                "selector",
                "matching",
                "association",
                ": secure",
            ],
        );
        page.say(
            "So far we have believed the resolver's AD bit ('--dnssec ad'). That is safe only while nobody stands between it and us, so the \
             gateway does not rely on it: it asks for the signatures, and checks them. This is the chain for the same record, from the \
             trust anchor down. Each zone's keys sign the DS record of the next one, which is a digest of that zone's key:",
        );
        self.run(&["query", &owner, "TLSA"], &["anchor", ": secure"]);
        page.say("Now all steps together, up to the verified handshake, without sending any mail:");
        self.run(&["check", GOOD], &["proven", "deliver", "matches"]);
    }

    /// The message that arrives.
    pub(crate) fn deliver(&self) -> Outcome {
        let (page, host) = (self.page, &self.story.good);
        let mut outcome = Outcome::new(&format!("user@{GOOD}: delivered"));
        page.heading(&format!("2. Mail for user@{GOOD}: delivered"));
        page.say("The message has an attachment, game.exe. This is what is handed to the gateway by SMTP:");
        page.quote(WITH_ATTACHMENT, |_| Quote::Plain);
        self.submit(&mut outcome, &format!("user@{GOOD}"), WITH_ATTACHMENT);
        self.follow(&mut outcome, &format!("deliver 2.0.0 ok domain={GOOD}"));
        let stored = host.wait_for_messages(1, PATIENCE);

        page.subheading(&format!("What {GOOD_HOST} saw"));
        page.say(
            "Before TLS there is nothing but the greeting, EHLO and STARTTLS: somebody who listens learns neither sender nor recipient. \
             After the handshake the gateway compares the certificate with the TLSA record, says EHLO again, and only then MAIL. (The \
             number counts connections; the first was 'gateway check'.)",
        );
        let connection = stored.last().map_or(1, |message| message.connection);
        self.show_dialogue(host, connection - 1);

        page.subheading(&format!("What {GOOD_HOST} stored"));
        page.say(
            "The filters have left their marks: a header field, the subject, and a note in the place of the attachment.",
        );
        let text = stored.first().map_or(String::new(), StoredMessage::text);
        page.quote(&text, |line| {
            let marks = ["X-Filtered-By", "[filtered]", "game.exe"];
            match marks.iter().any(|mark| line.contains(mark)) {
                true => Quote::Marked,
                false => Quote::Plain,
            }
        });
        judge_delivery(&mut outcome, host, &stored);
        outcome.show(page);
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
            "Here the DNS is sound again, but {MISMATCH_HOST} presents another certificate than its TLSA record names: as if a man in \
             the middle had redirected the connection to a server of his own. He can make any certificate, but he cannot sign a TLSA \
             record for it. The gateway asks for the record once more, past its cache, in case that it was changed just now. Then it \
             gives up. Compare the digest in the record with the one of the certificate that the server presented: both begin with 3 0 1."
        ));
        self.run(&["check", MISMATCH], &["validation-failure"]);
        page.say("The same when a message is really to be sent:");
        let recipient = format!("user@{MISMATCH}");
        self.submit(&mut outcome, &recipient, &short_message(&recipient));
        let token = "validation-failure";
        let id = self.follow(&mut outcome, &format!("4.7.5 {token} domain={MISMATCH}"));

        page.subheading(&format!("What {MISMATCH_HOST} saw"));
        page.say(
            "Twice a handshake, and then the end: once for 'gateway check', once for the message. No sender, no recipient, not one octet \
             of the message.",
        );
        self.show_dialogue(host, 0);
        let is_handshake = |what: &What| matches!(what, What::Handshake { .. });
        outcome.fact(
            host.wait_for_event(PATIENCE, |event| is_handshake(&event.what)),
            "the gateway did connect, and did handshake",
        );
        outcome.fact(
            !host.saw_mail_command(),
            "the server's log has no MAIL command",
        );
        outcome.fact(host.messages().is_empty(), "the server got no message");
        self.show_queue(&mut outcome, id.as_deref(), token);
        outcome.show(page);
        outcome
    }

    /// The domain whose DNS lies.
    pub(crate) fn refuse_the_broken_signature(&self) -> Outcome {
        let (page, story) = (self.page, &self.story);
        let mut outcome = Outcome::new(&format!(
            "user@{BOGUS}: refused, the DNS answer is not authentic"
        ));
        page.heading(&format!(
            "4. Mail for user@{BOGUS}: refused, broken signatures"
        ));
        page.say(&format!(
            "The records of {BOGUS} do not match their signatures: as if somebody had changed them on the way. A validating resolver \
             does not hand out such data. It answers SERVFAIL, and says in an extended error (EDE, RFC 8914) what is wrong."
        ));
        self.run(
            &["query", "-x", "--dnssec", "ad", BOGUS, "MX"],
            &["SERVFAIL", "extended error", "its text", ": bogus"],
        );
        page.say("The gateway asks for the data all the same (CD, checking disabled), checks them itself, and finds the link that is broken:");
        self.run(&["query", BOGUS, "MX"], &["broken", "BROKEN", ": bogus"]);
        page.say(
            "For the gateway this is \"we do not know\", never \"there is no MX record\": it looks for no mail server, and connects to none.",
        );
        let connections = || story.good.connection_count() + story.mismatch.connection_count();
        let before = connections();
        story.world.clear_queries();
        let recipient = format!("user@{BOGUS}");
        self.submit(&mut outcome, &recipient, &short_message(&recipient));
        let token = "dnssec-invalid";
        let id = self.follow(&mut outcome, &format!("4.4.3 {token} domain={BOGUS}"));
        outcome.fact(before == connections(), "no mail server was connected to");
        let queries = story.world.queries();
        let is_of_a_host = |query: &Query| {
            matches!(
                query.rtype,
                RecordType::A | RecordType::AAAA | RecordType::TLSA
            )
        };
        outcome.fact(
            !queries.is_empty() && !queries.iter().any(is_of_a_host),
            "no mail server was looked up",
        );
        self.show_queue(&mut outcome, id.as_deref(), token);
        outcome.show(page);
        outcome
    }

    /// The end, and what came out.
    pub(crate) fn conclude(&self, outcomes: &[Outcome]) {
        let page = self.page;
        page.heading("5. What came out");
        page.gap();
        for outcome in outcomes {
            outcome.summarize(page);
        }
        page.say(
            "The refused messages wait in the queue, and are tried again until the domain's owner has repaired what is broken, or the \
             time is over and the sender gets a report. With such attacks a man in the middle can delay mail, but he cannot read it, \
             change it, or have it sent in clear text.",
        );
        page.say(
            "To play with this world yourself: cargo run --release -p gateway-lab --bin lab. The tests in tests/ use the same lab for \
             many other things that can go wrong.",
        );
        page.gap();
    }
}

fn judge_delivery(outcome: &mut Outcome, host: &MxHost, stored: &[StoredMessage]) {
    let text = stored.first().map_or(String::new(), StoredMessage::text);
    let recipients: Vec<_> = stored
        .iter()
        .flat_map(|message| &message.recipients)
        .collect();
    let said = host.commands(Phase::Clear);
    let is_harmless =
        |line: &String| line.starts_with("EHLO ") || line == "STARTTLS" || line == "QUIT";
    let has_marks = text.contains("X-Filtered-By:") && text.contains("Subject: [filtered]");
    let facts = [
        (stored.len() == 1, "the server stored one message"),
        (
            recipients == [&format!("user@{GOOD}")],
            "it is for the right recipient",
        ),
        (
            stored.iter().all(|message| message.phase == Phase::Tls),
            "it came inside TLS",
        ),
        (
            !said.is_empty() && said.iter().all(is_harmless),
            "before TLS the gateway said only EHLO and STARTTLS",
        ),
        (
            has_marks,
            "the filters' header field and subject tag are there",
        ),
        (
            !text.contains(ATTACHMENT) && text.contains("game.exe"),
            "the attachment game.exe is gone, and a note is in its place",
        ),
    ];
    for (is_right, text) in facts {
        outcome.fact(is_right, text);
    }
}

fn short_message(recipient: &str) -> String {
    format!(
        "From: Alice <{SENDER}>\nTo: {recipient}\nSubject: a secret\nDate: Wed, 25 Nov 2026 09:00:00 +0100\n\
         Message-ID: <2.{recipient}>\n\nFor your eyes only.\n"
    )
}
