//! Dialogues as text, each run four ways: against the machine without I/O and against a real listener, in whole groups and octet by octet.
//!
//! The files in `tests/data/dialogues` hold dialogues that begin with `== title`. Their lines:
//!
//! | line | meaning |
//! |---|---|
//! | `given stranger`, `given size-limit N`, `given recipient-limit N` | what differs from a client that may relay, 1000 octets and 100 recipients |
//! | `C: text` | the client sends the text and CRLF; lines that follow each other go out in one piece |
//! | `C! text` | the client sends exactly this; `\r`, `\n`, `\0`, `\xHH` and `\\` are octets |
//! | `S: start` | the server's next line starts like this |
//! | `S: (closed)` | the server closes the connection; ends every dialogue |
//! | `message <sender> -> recipient, recipient` | then one message more is accepted, with these lines: |
//! | `\| text` | |

#[path = "common/gate.rs"]
mod gate;

use std::fs;
use std::path::Path;

use gate::{Client, Gate};
use gateway::inbound::Settings;
use gateway::smtp::server::{Action, Server, Terms};
use gateway::smtp::{EnhancedStatus, Envelope, Reply, ReplyCode};

/// One dialogue.
struct Dialogue {
    title: String,
    may_relay: bool,
    size_limit: u64,
    recipient_limit: usize,
    steps: Vec<Step>,
    messages: Vec<Message>,
}

enum Step {
    Send(Vec<u8>),
    Expect(String),
}

/// An accepted message as text: `<sender> -> recipients`, and its lines.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    envelope: String,
    content: String,
}

/// Whatever answers a client.
trait Peer {
    fn send(&mut self, octets: &[u8]);
    /// The next line without its end, `(closed)` when there will be none.
    fn line(&mut self) -> String;
    fn messages(&mut self) -> Vec<Message>;
}

#[test]
fn the_machine_answers_as_written() {
    for dialogue in read_all() {
        for is_whole in [true, false] {
            run(&dialogue, &mut Machine::new(&dialogue), is_whole);
        }
    }
}

#[test]
fn the_listener_answers_as_written() {
    for dialogue in read_all() {
        for is_whole in [true, false] {
            run(&dialogue, &mut Listener::new(&dialogue), is_whole);
        }
    }
}

/// What other servers have taken for the end of a message: none of it splits one, and none of it is accepted.
#[test]
fn no_message_is_smuggled() {
    const ENDS: [&str; 18] = [
        "\n.\n",
        "\n.\r\n",
        "\n.\r",
        "\r.\r",
        "\r.\r\n",
        "\r.\n",
        "\r\n.\n",
        "\r\n.\r",
        "\r\n.\r\r\n",
        "\r\n.\r.\r\n",
        "\r\r\n.\r\r\n",
        "\r\n\n.\n\r\n",
        "\n\r.\n\r",
        "\n\r\n.\r",
        "\r\n.\n\r\n",
        "\r\n..\n",
        "\0\r\n.\n",
        "\n\n.\n\n",
    ];
    for end in ENDS {
        let dialogue = smuggling(end);
        run(&dialogue, &mut Machine::new(&dialogue), true);
        run(&dialogue, &mut Machine::new(&dialogue), false);
        run(&dialogue, &mut Listener::new(&dialogue), true);
    }
}

fn smuggling(end: &str) -> Dialogue {
    let expect = |line: &str| Step::Expect(line.to_owned());
    let send = |text: &str| Step::Send(text.as_bytes().to_vec());
    let injected =
        "MAIL FROM:<evil@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\nevil\r\n.\r\n";
    Dialogue {
        title: format!("smuggling with {end:?}"),
        may_relay: true,
        size_limit: 1000,
        recipient_limit: 100,
        steps: vec![
            expect("220"),
            send(
                "HELO client.test\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n",
            ),
            expect("250"),
            expect("250"),
            expect("250"),
            expect("354"),
            send(&format!("a{end}{injected}QUIT\r\n")),
            expect(if end.contains('\0') {
                "550 5.6.0"
            } else {
                "550 5.6.11"
            }),
            expect("221"),
            expect("(closed)"),
        ],
        messages: Vec::new(),
    }
}

/// Runs a dialogue; each piece as it is, or octet by octet.
fn run(dialogue: &Dialogue, peer: &mut dyn Peer, is_whole: bool) {
    let title = &dialogue.title;
    for step in &dialogue.steps {
        match step {
            Step::Send(octets) if is_whole => peer.send(octets),
            Step::Send(octets) => octets.chunks(1).for_each(|octet| peer.send(octet)),
            Step::Expect(start) => {
                let line = peer.line();
                assert!(
                    line.starts_with(start),
                    "{title}: expected {start:?}: {line:?}"
                );
            }
        }
    }
    assert_eq!(peer.messages(), dialogue.messages, "{title}");
}

/// The machine, with a driver that takes every message.
struct Machine {
    server: Server,
    /// Lines not read yet, in reverse.
    lines: Vec<String>,
    is_closed: bool,
    messages: Vec<Message>,
}

impl Machine {
    fn new(dialogue: &Dialogue) -> Self {
        let (server, greeting) = Server::new(Terms {
            hostname: gate::settings().hostname,
            message_size_limit: dialogue.size_limit,
            recipient_limit: dialogue.recipient_limit,
            may_relay: dialogue.may_relay,
        });
        let mut machine = Self {
            server,
            lines: Vec::new(),
            is_closed: false,
            messages: Vec::new(),
        };
        machine.obey(vec![greeting]);
        machine
    }

    fn obey(&mut self, actions: Vec<Action>) {
        for action in actions {
            assert!(!self.is_closed, "nothing comes after Close");
            match action {
                Action::Close => self.is_closed = true,
                Action::Reply(reply) => {
                    let wire = String::from_utf8(reply.to_wire()).expect("ASCII");
                    for line in wire.lines() {
                        self.lines.insert(0, line.to_owned());
                    }
                }
                Action::Weigh(_) => {
                    let actions = self.server.weighed(None);
                    self.obey(actions);
                }
                Action::Judge(submission) => {
                    self.messages.push(Message {
                        envelope: describe(&submission.envelope),
                        content: String::from_utf8(submission.content).expect("UTF-8"),
                    });
                    let status = EnhancedStatus::new(2, 0, 0);
                    let reply = Reply::new(ReplyCode::OK, status, "queued as x");
                    let actions = self.server.judged(reply);
                    self.obey(actions);
                }
            }
        }
    }
}

impl Peer for Machine {
    fn send(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() && !self.is_closed {
            let actions = self.server.read(&mut octets);
            self.obey(actions);
        }
    }

    fn line(&mut self) -> String {
        match self.lines.pop() {
            Some(line) => line,
            None if self.is_closed => "(closed)".to_owned(),
            None => "(silent)".to_owned(),
        }
    }

    fn messages(&mut self) -> Vec<Message> {
        std::mem::take(&mut self.messages)
    }
}

/// A client of a real listener.
struct Listener {
    gate: Gate,
    client: Client,
}

impl Listener {
    fn new(dialogue: &Dialogue) -> Self {
        let mut settings = Settings {
            message_size_limit: dialogue.size_limit,
            recipient_limit: dialogue.recipient_limit,
            ..gate::settings()
        };
        if !dialogue.may_relay {
            settings.relay_from.clear();
        }
        let gate = Gate::start(settings);
        let client = gate.connect();
        Self { gate, client }
    }
}

impl Peer for Listener {
    fn send(&mut self, octets: &[u8]) {
        // What comes behind the end of a dialogue may find the connection closed.
        let _ = self.client.try_send(octets);
    }

    fn line(&mut self) -> String {
        match self.client.line().as_str() {
            "" => "(closed)".to_owned(),
            line => line.trim_end().to_owned(),
        }
    }

    fn messages(&mut self) -> Vec<Message> {
        let entries = self.gate.entries();
        let contents = self.gate.contents();
        let pairs = entries.iter().zip(contents);
        pairs
            .map(|(entry, content)| Message {
                envelope: describe(&entry.envelope),
                content: without_trace(&content),
            })
            .collect()
    }
}

/// The message without the field that the gateway has put in front.
fn without_trace(content: &str) -> String {
    let mut lines = content.split_inclusive("\r\n");
    let first = lines.next().expect("a line");
    assert!(first.starts_with("Received: from "), "{first}");
    lines.skip_while(|line| line.starts_with('\t')).collect()
}

fn describe(envelope: &Envelope) -> String {
    let recipients: Vec<String> = envelope
        .recipients
        .iter()
        .map(ToString::to_string)
        .collect();
    format!("{} -> {}", envelope.sender, recipients.join(", "))
}

fn read_all() -> Vec<Dialogue> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dialogues");
    let files = fs::read_dir(&folder).expect("the folder of dialogues");
    let mut paths: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    paths.sort();
    let mut dialogues = Vec::new();
    for path in paths {
        let text = fs::read_to_string(&path).expect("UTF-8");
        let name = path.file_name().expect("a name").to_string_lossy();
        dialogues.extend(parse(&name, &text));
    }
    assert!(
        dialogues.len() >= 20,
        "only {} dialogues found",
        dialogues.len()
    );
    dialogues
}

fn parse(file: &str, text: &str) -> Vec<Dialogue> {
    let mut dialogues = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let place = format!("{file}:{}", number + 1);
        if let Some(title) = line.strip_prefix("== ") {
            dialogues.push(Dialogue {
                title: format!("{place}: {title}"),
                may_relay: true,
                size_limit: 1000,
                recipient_limit: 100,
                steps: Vec::new(),
                messages: Vec::new(),
            });
        } else if !line.is_empty() && !line.starts_with('#') {
            let dialogue = dialogues.last_mut().expect(&place);
            let known = dialogue.add(line);
            known.unwrap_or_else(|| panic!("{place}: not understood: {line}"));
        }
    }
    for dialogue in &dialogues {
        let last = dialogue.steps.last();
        let is_closed = matches!(last, Some(Step::Expect(line)) if line == "(closed)");
        assert!(is_closed, "{}: does not end with (closed)", dialogue.title);
    }
    dialogues
}

impl Dialogue {
    /// Takes one line of the file; `None` if it is none.
    fn add(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "given" => match rest.split_once(' ').unwrap_or((rest, "")) {
                ("stranger", "") => self.may_relay = false,
                ("size-limit", number) => self.size_limit = number.parse().ok()?,
                ("recipient-limit", number) => self.recipient_limit = number.parse().ok()?,
                _ => return None,
            },
            "C:" => self.send([rest.as_bytes(), b"\r\n"].concat()),
            "C!" => self.send(unescape(rest)?),
            "S:" => self.steps.push(Step::Expect(rest.to_owned())),
            "message" => self.messages.push(Message {
                envelope: String::from_utf8(unescape(rest)?).ok()?,
                content: String::new(),
            }),
            "|" => {
                let content = &mut self.messages.last_mut()?.content;
                content.push_str(rest);
                content.push_str("\r\n");
            }
            _ => return None,
        }
        Some(())
    }

    fn send(&mut self, octets: Vec<u8>) {
        match self.steps.last_mut() {
            Some(Step::Send(before)) => before.extend(octets),
            _ => self.steps.push(Step::Send(octets)),
        }
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((octet, after)) = rest.split_first() {
        rest = after;
        if *octet != b'\\' {
            octets.push(*octet);
            continue;
        }
        let (kind, after) = rest.split_first()?;
        rest = after;
        octets.push(match kind {
            b'r' => b'\r',
            b'n' => b'\n',
            b'0' => 0,
            b'\\' => b'\\',
            b'x' => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            _ => return None,
        });
    }
    Some(octets)
}
