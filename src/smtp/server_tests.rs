use super::*;
use gateway_lab::random::Random;

fn terms(may_relay: bool) -> Terms {
    Terms {
        hostname: Domain::parse("gateway.test").expect("a domain"),
        message_size_limit: 1000,
        recipient_limit: 2,
        may_relay,
    }
}

/// Takes every message, and every recipient but `hopeless`; keeps what it was told to do.
struct Driver {
    server: Server,
    replies: Vec<String>,
    weighed: Vec<Candidate>,
    submissions: Vec<Submission>,
    is_closed: bool,
}

fn hopeless() -> Reply {
    Reply::new(ReplyCode::REFUSED, EnhancedStatus::new(5, 7, 5), "hopeless")
}

impl Driver {
    fn new(may_relay: bool) -> Self {
        let (server, _greeting) = Server::new(terms(may_relay));
        Self {
            server,
            replies: Vec::new(),
            weighed: Vec::new(),
            submissions: Vec::new(),
            is_closed: false,
        }
    }

    fn feed(&mut self, mut input: &[u8]) {
        while !input.is_empty() && !self.is_closed {
            let actions = self.server.read(&mut input);
            self.obey(actions);
        }
    }

    fn obey(&mut self, actions: Vec<Action>) {
        for action in actions {
            assert!(!self.is_closed, "nothing comes after Close");
            match action {
                Action::Reply(reply) => self.replies.push(reply.to_string()),
                Action::Close => self.is_closed = true,
                Action::Weigh(candidate) => {
                    let further = self.server.read(&mut &b"NOOP\r\n"[..]);
                    assert_eq!(further, [], "a recipient on the scales holds up everything");
                    let is_hopeless = candidate.mailbox.local == "hopeless";
                    let refusal = is_hopeless.then(hopeless);
                    self.weighed.push(candidate);
                    let actions = self.server.weighed(refusal);
                    self.obey(actions);
                }
                Action::Judge(submission) => {
                    let further = self.server.read(&mut &b"NOOP\r\n"[..]);
                    assert_eq!(further, [], "a judged message holds up everything");
                    self.submissions.push(submission);
                    let verdict = ok(0, "queued");
                    let actions = self.server.judged(verdict);
                    self.obey(actions);
                }
            }
        }
    }

    /// The last reply to some lines.
    fn last(&mut self, lines: &str) -> String {
        self.feed(lines.replace('\n', "\r\n").as_bytes());
        self.replies.last().cloned().unwrap_or_default()
    }
}

const MESSAGE: &str = "MAIL FROM:<>\nRCPT TO:<a@example.org>\nDATA\nx\n.\n";

#[test]
fn strangers_are_cut_off_after_a_few_errors_and_relay_clients_after_many() {
    for (may_relay, most) in [(false, ERRORS_MAX), (true, RELAY_ERRORS_MAX)] {
        let mut driver = Driver::new(may_relay);
        for _ in 0..most {
            let reply = driver.last("MAIL FROM:<>\n");
            assert!(reply.starts_with("503 5.5.1"), "{reply}");
        }
        assert!(driver.last("DATA\n").starts_with("421 4.7.0"));
        assert!(driver.is_closed);
        assert_eq!(driver.server.phase(), Phase::Closed);
    }
}

#[test]
fn an_accepted_message_wipes_the_slate_clean() {
    let mut driver = Driver::new(true);
    driver.last("EHLO x\n");
    for _ in 0..3 {
        for _ in 1..RELAY_IDLE_COMMANDS_MAX {
            assert!(driver.last("NOOP\n").starts_with("250"));
        }
        assert_eq!(driver.last(MESSAGE), "250 2.0.0 queued");
    }
    assert_eq!(driver.submissions.len(), 3);
}

#[test]
fn clients_that_only_pass_the_time_are_cut_off_strangers_sooner() {
    for (may_relay, most) in [(false, IDLE_COMMANDS_MAX), (true, RELAY_IDLE_COMMANDS_MAX)] {
        let mut driver = Driver::new(may_relay);
        for _ in 0..most {
            assert!(driver.last("RSET\n").starts_with("250"));
        }
        assert!(driver.last("RSET\n").starts_with("421 4.7.0"));
        assert!(driver.is_closed);
    }
}

#[test]
fn a_message_with_a_doubtful_end_ends_the_dialogue() {
    let evil = "MAIL FROM:<evil@example.org>\nRCPT TO:<a@example.org>\nDATA\nevil\n.\n";
    let mut driver = Driver::new(true);
    let reply = driver.last(&format!(
        "EHLO x\nMAIL FROM:<>\nRCPT TO:<a@example.org>\nDATA\nx\r\n.\n{evil}"
    ));
    assert!(reply.starts_with("550 5.6.11"), "{reply}");
    assert!(driver.is_closed);
    assert_eq!(driver.submissions, []);
}

#[test]
fn the_lines_of_a_message_nobody_waited_for_are_not_obeyed() {
    let evil = "MAIL FROM:<evil@example.org>\nRCPT TO:<a@example.org>\nDATA\nevil\n.\n";
    let mut driver = Driver::new(true);
    let reply = driver.last(&format!("EHLO x\nMAIL FROM:<>\nDATA\nSubject: x\n\n{evil}"));
    assert!(reply.starts_with("421 4.7.0"), "{reply}");
    assert_eq!(driver.submissions, []);
    // Whoever goes on with a command has waited.
    let mut driver = Driver::new(true);
    let reply = driver.last(&format!("EHLO x\nMAIL FROM:<>\nDATA\nRSET\nodd\n{MESSAGE}"));
    assert_eq!(reply, "250 2.0.0 queued");
}

#[test]
fn a_refusing_verdict_leaves_the_dialogue_in_step() {
    let mut driver = Driver::new(true);
    driver.last("EHLO x\nMAIL FROM:<>\nRCPT TO:<a@example.org>\nDATA\n");
    let mut input = &b"x\r\n.\r\nNOOP\r\n"[..];
    let actions = driver.server.read(&mut input);
    assert!(matches!(actions[..], [Action::Judge(_)]), "{actions:?}");
    let refusal = Reply::new(ReplyCode::REFUSED, EnhancedStatus::new(5, 7, 1), "no");
    let actions = driver.server.judged(refusal.clone());
    assert_eq!(actions, [Action::Reply(refusal)]);
    driver.feed(input);
    assert_eq!(driver.last(MESSAGE), "250 2.0.0 queued");
}

#[test]
fn the_driver_can_end_it_in_every_phase() {
    for lines in [
        "",
        "EHLO x\n",
        "EHLO x\nMAIL FROM:<>\nRCPT TO:<a@b.c>\nDATA\nx\n",
    ] {
        let mut driver = Driver::new(true);
        driver.last(lines);
        let actions = driver.server.end(Farewell::Timeout);
        driver.obey(actions);
        assert!(driver.last("x\n.\nNOOP\n").starts_with("421 4.4.2"));
        assert_eq!(driver.submissions, []);
    }
}

#[test]
fn content_can_be_refused_on_its_way() {
    let mut driver = Driver::new(true);
    driver.last("EHLO x\nMAIL FROM:<>\nRCPT TO:<a@b.c>\nDATA\nx\n");
    assert!(driver.server.content_len() >= 3);
    driver.server.refuse_content(DataFault::NoRoom);
    assert_eq!(driver.server.content_len(), 0);
    assert!(driver.last("y\n.\n").starts_with("452 4.3.1"));
    assert_eq!(driver.last(MESSAGE), "250 2.0.0 queued");
}

/// Seeded mutations of a dialogue: no panic, the same replies and messages in one piece and in random pieces.
#[test]
fn mutated_dialogues_come_out_alike_however_they_come_in() {
    const DIALOGUE: &str = "EHLO x\r\nMAIL FROM:<a@b.c> SIZE=9\r\nRCPT TO:<d@e.f>\r\nDATA\r\n\
        Subject: x\r\n\r\n..\r\nMAIL FROM:<evil@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n.\r\nRSET\r\nQUIT\r\n";
    const OCTETS: &[u8] = b"\r\n.\0 <>@\xFFa";
    let mut random = Random::new(821);
    let mut taken = 0;
    for _ in 0..20_000 {
        let mut input = DIALOGUE.as_bytes().to_vec();
        for _ in 0..=random.below(3) {
            let at = random.below(input.len());
            match random.below(3) {
                0 => input[at] = OCTETS[random.below(OCTETS.len())],
                1 => input.insert(at, OCTETS[random.below(OCTETS.len())]),
                _ => drop(input.remove(at)),
            }
        }
        let mut whole = Driver::new(true);
        whole.feed(&input);
        let mut pieces = Driver::new(true);
        let mut rest = input.as_slice();
        while !rest.is_empty() {
            let (piece, further) = rest.split_at(rest.len().min(1 + random.below(9)));
            pieces.feed(piece);
            rest = further;
        }
        assert_eq!(pieces.replies, whole.replies);
        assert_eq!(pieces.submissions, whole.submissions);
        taken += whole.submissions.len();
    }
    assert!(
        (2_000..18_000).contains(&taken),
        "{taken}: the mutations are too mild or too wild"
    );
}

#[test]
fn recipients_are_weighed_in_their_order_and_a_refusal_ends_nothing() {
    let mut driver = Driver::new(true);
    driver.feed(
        b"HELO client.test\r\nMAIL FROM:<>\r\nRCPT TO:<hopeless@a.test>\r\nRCPT TO:<b@b.test>\r\n",
    );
    driver.feed(b"RCPT TO:<hopeless@c.test>\r\nRCPT TO:<Postmaster>\r\nRCPT TO:<d@d.test>\r\nDATA\r\nx\r\n.\r\n");
    driver.feed(b"MAIL FROM:<>\r\nRCPT TO:<hopeless@a.test>\r\nDATA\r\nRCPT TO:<e@e.test>\r\n");
    let replies: Vec<&str> = driver.replies.iter().map(|reply| &reply[..9]).collect();
    assert_eq!(
        replies,
        [
            "250 gatew",
            "250 2.1.0",
            "550 5.7.5",
            "250 2.1.5",
            "550 5.7.5",
            "250 2.1.5",
            "452 4.5.3",
            "354 send ",
            "250 2.0.0",
            "250 2.1.0",
            "550 5.7.5",
            "554 5.5.1",
            "250 2.1.5"
        ]
    );
    let weighed: Vec<(String, bool)> = driver
        .weighed
        .iter()
        .map(|one| (one.mailbox.to_string(), one.is_first))
        .collect();
    let expected = [
        ("hopeless@a.test", true),
        ("b@b.test", false),
        ("hopeless@c.test", false),
        ("hopeless@a.test", true),
        ("e@e.test", false),
    ];
    assert_eq!(
        weighed,
        expected.map(|(mailbox, is_first)| (mailbox.to_owned(), is_first))
    );
    let taken: Vec<String> = driver.submissions[0]
        .envelope
        .recipients
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(taken, ["b@b.test", "postmaster@gateway.test"]);
}

#[test]
fn a_client_may_quit_or_begin_anew_after_a_refusal() {
    for line in ["RSET\r\n", "EHLO client.test\r\n", "QUIT\r\n"] {
        let mut driver = Driver::new(true);
        driver.feed(b"HELO client.test\r\nMAIL FROM:<>\r\nRCPT TO:<hopeless@a.test>\r\n");
        driver.feed(line.as_bytes());
        let last = driver.replies.last().expect("a reply");
        assert!(last.starts_with('2'), "{line}: {last}");
    }
}
