//! One SMTP session of an MX host, with whatever its behaviour makes of it.

use std::io;
use std::sync::Arc;
use std::thread;

use gateway::time::Timestamp;
use openssl::ssl::SslContext;

use super::behaviour::{Act, Behaviour, Phase};
use super::record::{Event, StoredMessage, What};
use super::wire::Wire;
use super::{Conduct, Shared};

/// A message longer than this is an attack on the lab's memory.
const LONGEST_MESSAGE: usize = 64 << 20;

pub(super) struct Session {
    shared: Arc<Shared>,
    behaviour: Behaviour,
    context: SslContext,
    wire: Wire,
    number: u64,
    phase: Phase,
    mail: Option<Mail>,
}

/// A transaction that is open.
struct Mail {
    sender: String,
    parameters: Vec<String>,
    recipients: Vec<String>,
}

/// Whether the session goes on.
enum Next {
    Command,
    End,
}

impl Session {
    pub(super) fn new(shared: Arc<Shared>, wire: Wire, number: u64) -> Self {
        let Conduct { behaviour, context } = shared.conduct();
        Self {
            shared,
            behaviour,
            context,
            wire,
            number,
            phase: Phase::Clear,
            mail: None,
        }
    }

    /// Talks until either side ends it.
    pub(super) fn run(mut self) {
        // How a client goes away is in the transcript; there is nobody else to tell.
        let _ = self.talk();
        self.wire.close();
        self.note(What::Closed);
    }

    fn talk(&mut self) -> io::Result<()> {
        let greeting = format!("220 {} ESMTP ready", self.shared.name);
        if let Next::End = self.answer("BANNER", &greeting)?.1 {
            return Ok(());
        }
        while let Some(line) = self.wire.read_line()? {
            let line = String::from_utf8_lossy(&line).into_owned();
            self.note(What::Command(line.clone()));
            if let Next::End = self.command(&line)? {
                break;
            }
        }
        Ok(())
    }

    fn command(&mut self, line: &str) -> io::Result<Next> {
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.ehlo(line),
            "HELO" => self.simple(line, &format!("250 {}", self.shared.name)),
            "STARTTLS" => self.starttls(line),
            "MAIL" => self.mail(line),
            "RCPT" => self.rcpt(line),
            "DATA" => self.data(line),
            "RSET" => {
                self.mail = None;
                self.simple(line, "250 2.0.0 forgotten")
            }
            "NOOP" => self.simple(line, "250 2.0.0 nothing done"),
            "QUIT" => {
                self.answer(line, "221 2.0.0 goodbye")?;
                Ok(Next::End)
            }
            _ => self.simple(line, "500 5.5.2 unknown command"),
        }
    }

    fn ehlo(&mut self, line: &str) -> io::Result<Next> {
        let mut lines = vec![self.shared.name.clone()];
        lines.extend(self.behaviour.extensions(self.phase).map(str::to_owned));
        self.mail = None;
        self.simple(line, &multiline(&lines))
    }

    fn starttls(&mut self, line: &str) -> io::Result<Next> {
        if self.phase == Phase::Tls {
            return self.simple(line, "503 5.5.1 TLS is active already");
        }
        let (accepted, next) = self.answer(line, "220 2.0.0 go ahead")?;
        if !accepted {
            return Ok(next);
        }
        self.wire.expect_tls();
        if let Some(Next::End) = self.act("HANDSHAKE") {
            return Ok(Next::End);
        }
        if self.wire.has_unread() {
            self.note(What::HandshakeFailed(
                "the client sent octets after STARTTLS in clear".to_owned(),
            ));
            return Ok(Next::End);
        }
        match self.wire.start_tls(&self.context) {
            Ok(agreed) => {
                (self.phase, self.mail) = (Phase::Tls, None);
                self.note(What::Handshake {
                    version: agreed.version,
                    cipher: agreed.cipher,
                    sni: agreed.sni,
                    is_resumed: agreed.is_resumed,
                });
                Ok(Next::Command)
            }
            Err(reason) => {
                self.note(What::HandshakeFailed(reason));
                Ok(Next::End)
            }
        }
    }

    fn mail(&mut self, line: &str) -> io::Result<Next> {
        let (path, parameters) = path_and_parameters(line);
        let declared = parameters
            .iter()
            .find_map(|word| word.strip_prefix("SIZE=")?.parse::<usize>().ok());
        let too_big =
            declared > self.behaviour.size_limit() && self.behaviour.size_limit().is_some();
        let usual = if too_big {
            "552 5.3.4 too big"
        } else {
            "250 2.1.0 sender ok"
        };
        let (accepted, next) = self.answer(line, usual)?;
        if accepted {
            self.mail = Some(Mail {
                sender: path,
                parameters,
                recipients: Vec::new(),
            });
        }
        Ok(next)
    }

    fn rcpt(&mut self, line: &str) -> io::Result<Next> {
        if self.mail.is_none() {
            return self.simple(line, "503 5.5.1 MAIL first");
        }
        let (accepted, next) = self.answer(line, "250 2.1.5 recipient ok")?;
        if let Some(mail) = self.mail.as_mut().filter(|_| accepted) {
            mail.recipients.push(path_and_parameters(line).0);
        }
        Ok(next)
    }

    fn data(&mut self, line: &str) -> io::Result<Next> {
        let ready = self
            .mail
            .as_ref()
            .is_some_and(|mail| !mail.recipients.is_empty());
        let usual = if ready {
            "354 end with a dot"
        } else {
            "503 5.5.1 RCPT first"
        };
        let (accepted, next) = self.answer(line, usual)?;
        if !accepted {
            return Ok(next);
        }
        let Some(content) = self.content()? else {
            return Ok(Next::End);
        };
        self.note(What::Content(content.len()));
        let mail = self.mail.take();
        let store = |session: &mut Self| {
            if let Some(mail) = mail {
                session.shared.messages.push(StoredMessage {
                    connection: session.number,
                    sender: mail.sender,
                    parameters: mail.parameters,
                    recipients: mail.recipients,
                    content,
                    phase: session.phase,
                });
            }
        };
        match self.answer_after(".", "250 2.0.0 stored", store)? {
            (true, next) => self.idle(next),
            (false, next) => Ok(next),
        }
    }

    /// Does or says, unasked, what is scripted for the time after a message.
    fn idle(&mut self, next: Next) -> io::Result<Next> {
        match self.behaviour.reply_at(self.phase, "IDLE") {
            Some(_) => self.simple("IDLE", ""),
            None => Ok(self.act("IDLE").unwrap_or(next)),
        }
    }

    /// The message up to the final dot; `None` when the connection ends before it.
    fn content(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut content = Vec::new();
        while let Some(line) = self.wire.read_line()? {
            if line == b"." {
                return Ok(Some(content));
            }
            if content.is_empty() {
                if let Some(Next::End) = self.act("CONTENT") {
                    return Ok(None);
                }
            }
            content.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
            content.extend_from_slice(b"\r\n");
            if content.len() > LONGEST_MESSAGE {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
        Ok(None)
    }

    fn simple(&mut self, line: &str, usual: &str) -> io::Result<Next> {
        Ok(self.answer(line, usual)?.1)
    }

    /// Does what is scripted for this point, else replies `usual`; also says whether the reply was positive.
    fn answer(&mut self, point: &str, usual: &str) -> io::Result<(bool, Next)> {
        self.answer_after(point, usual, |_| {})
    }

    /// As [`Self::answer`], but does this before a positive reply: whoever has seen the reply finds it done.
    fn answer_after(
        &mut self,
        point: &str,
        usual: &str,
        work: impl FnOnce(&mut Self),
    ) -> io::Result<(bool, Next)> {
        if let Some(Next::End) = self.act(point) {
            return Ok((false, Next::End));
        }
        let reply = self
            .behaviour
            .reply_at(self.phase, point)
            .unwrap_or(usual)
            .to_owned();
        let mut octets = format!("{reply}\r\n").into_bytes();
        let accepted = reply.starts_with(['2', '3']);
        if accepted && point.eq_ignore_ascii_case("STARTTLS") {
            octets.extend_from_slice(&self.behaviour.injected);
        }
        if accepted {
            work(self);
        }
        // Noted first: whoever has seen the reply finds it in the transcript.
        self.note(What::Reply(reply.clone()));
        self.wire.send(&octets)?;
        let next = if reply.starts_with("421") {
            Next::End
        } else {
            Next::Command
        };
        Ok((accepted, next))
    }

    /// Does what is scripted besides replies.
    fn act(&mut self, point: &str) -> Option<Next> {
        match self.behaviour.act_at(self.phase, point)? {
            Act::Close => {
                self.wire.break_off();
                Some(Next::End)
            }
            Act::Silence => {
                self.wire.drain();
                Some(Next::End)
            }
            Act::Delay(delay) => {
                thread::sleep(delay);
                None
            }
        }
    }

    fn note(&self, what: What) {
        self.shared.events.push(Event {
            at: Timestamp::now(),
            connection: self.number,
            phase: self.phase,
            what,
        });
    }
}

fn multiline(lines: &[String]) -> String {
    let last = lines.len() - 1;
    let reply: Vec<_> = lines
        .iter()
        .enumerate()
        .map(|(number, line)| format!("250{}{line}", if number == last { ' ' } else { '-' }))
        .collect();
    reply.join("\r\n")
}

/// The path without angle brackets, and the words after it.
fn path_and_parameters(line: &str) -> (String, Vec<String>) {
    let argument = line.split_once(':').map_or("", |(_, rest)| rest.trim());
    let (path, rest) = match argument.strip_prefix('<') {
        Some(bracketed) => bracketed.split_once('>').unwrap_or((bracketed, "")),
        None => argument.split_once(' ').unwrap_or((argument, "")),
    };
    let parameters = rest.split_whitespace().map(str::to_owned).collect();
    (path.to_owned(), parameters)
}
